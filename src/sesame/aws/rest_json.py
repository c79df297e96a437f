"""The restJson1 protocol: method and path name the operation, JSON in, JSON out.

Does not authenticate. Sources: restJson1 as botocore's serialiser and parser have it; RFC 3986;
botocore's sesv2 model, and its earlier editions for EARLIER.

INVARIANT: literal parts of a path are compared as sent, labels are decoded once, and a label is one
whole segment: neither `%2F` nor `..` moves a request from one operation or resource to another. Dot
segments and empty ones match nothing, since a signature does not tell them apart.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sesame.aws.codec import Reply, RequestedOperation
from sesame.aws.errors import InvalidAction, MalformedQueryString
from sesame.aws.model import Operation, ServiceModel
from sesame.aws.percent import unescape
from sesame.aws.request import HttpRequest
from sesame.aws.rest_errors import v2_code, v2_message, v2_status
from sesame.aws.rest_input import RestInput
from sesame.errors import NotImplementedByService, ServiceError

_LABEL = re.compile(r"\{([A-Za-z]+)(\+?)\}")
_VISIBLE = re.compile(rb"[!-~]*")
_MOST_PARAMETERS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method and path template. `in_query`: what the model has in the body is in the query string."""

    operation_name: str
    method: str
    template: str
    pattern: re.Pattern[bytes]
    labels: tuple[str, ...]
    literals: int
    in_query: bool


class RestJsonCodec:
    """The restJson1 protocol of one service (`codec.Codec`)."""

    def __init__(self, model: ServiceModel) -> None:
        self.model = model
        self._routes = Routes(routes_of(model))

    def requested_operation(self, request: HttpRequest) -> RequestedOperation:
        """Which operation method and path name; labels, query and body are its input."""
        route, labels = self._routes.find(request.method, request.raw_path)
        if route is None:
            path = request.raw_path[:200].decode("latin-1")
            return RequestedOperation(
                name="", problem=InvalidAction(f"No operation is called by {request.method[:16]} {path}")
            )
        name = route.operation_name
        operation = self.model.operations.get(name)
        if operation is None:
            return RequestedOperation(
                name=name, problem=NotImplementedByService(f"Operation {name} is not implemented.")
            )
        try:
            found = RestInput(
                labels={label: unescape(value) for label, value in zip(route.labels, labels, strict=True)},
                query=read_query(request.query),
                body=request.body,
                in_query=route.in_query,
            )
        except ServiceError as problem:
            return RequestedOperation(name=name, problem=problem)
        return RequestedOperation(name=name, operation=operation, input=found)

    def answer(self, operation: Operation, result: Mapping[str, Any], *, request_id: str) -> Reply:
        """A success as JSON."""
        return Reply(
            status=200,
            code="",
            headers=_headers(request_id),
            body=operation.serialise(result, request_id),
        )

    def refuse(self, error: ServiceError, *, request_id: str) -> Reply:
        """A refusal: its code in a header, its words as JSON."""
        code = v2_code(error)
        body = json.dumps({"message": v2_message(code, error.message)}).encode("ascii")
        headers = (*_headers(request_id), (b"x-amzn-errortype", code.encode()))
        return Reply(status=v2_status(code), code=code, headers=headers, body=body)


class Routes:
    """Finds the route of a request: a path without labels at once, else by method, most literal first."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._plain: dict[tuple[str, bytes], Route] = {}
        self._by_method: dict[str, list[Route]] = {}
        for route in sorted(routes, key=lambda route: -route.literals):
            self._by_method.setdefault(route.method, []).append(route)
            if not route.labels:
                self._plain[route.method, route.template.encode()] = route

    def find(self, method: str, raw_path: bytes) -> tuple[Route | None, tuple[str, ...]]:
        """The route and its labels as sent; None when no operation has that method and path."""
        if (route := self._plain.get((method, raw_path))) is not None:
            return route, ()
        segments = raw_path.split(b"/")
        if not _VISIBLE.fullmatch(raw_path) or b"" in segments[1:-1] or b"." in segments or b".." in segments:
            return None, ()
        for candidate in self._by_method.get(method, ()):
            if (match := candidate.pattern.fullmatch(raw_path)) is not None:
                return candidate, tuple(label.decode("ascii") for label in match.groups())
        return None, ()


def routes_of(model: ServiceModel) -> Iterator[Route]:
    """A route for every operation of the service, served or not, and for earlier forms of some."""
    for name, (method, template) in model.routes.items():
        yield _route(name, method, template, in_query=False)
    for name, (method, template) in NEWER.get(model.name, {}).items():
        yield _route(name, method, template, in_query=False)
    for name, (method, template) in EARLIER.get(model.name, {}).items():
        yield _route(name, method, template, in_query=method == "GET")


NEWER: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "sesv2": {"PutAccountDeliveryAttributes": ("POST", "/v2/email/account/delivery")},
}
"""Operations of later editions than the extracted model's: known by name, so that they are refused by it."""

EARLIER: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "sesv2": {
        "ListConfigurationSets": ("GET", "/v2/email/configuration-sets"),
        "ListContacts": ("GET", "/v2/email/contact-lists/{ContactListName}/contacts"),
        "ListEmailIdentities": ("GET", "/v2/email/identities"),
        "ListImportJobs": ("GET", "/v2/email/import-jobs"),
        "PutEmailIdentityDkimSigningAttributes": ("PUT", "/v1/email/identities/{EmailIdentity}/dkim/signing"),
    }
}
"""Methods and paths that SDKs of earlier editions of a model use; by GET plain members are in the query string."""


def read_query(query: bytes) -> dict[str, list[str]]:
    """The values of each name in a query string, decoded as a form is; raises MalformedQueryString."""
    if not query:
        return {}
    if not _VISIBLE.fullmatch(query):
        raise MalformedQueryString("The query string holds more than visible ASCII characters")
    pairs = query.decode("ascii").replace("+", " ").split("&", _MOST_PARAMETERS)
    if len(pairs) > _MOST_PARAMETERS:
        raise MalformedQueryString(f"The query string has more than {_MOST_PARAMETERS} parameters")
    found: dict[str, list[str]] = {}
    for pair in pairs:
        if pair:
            name, _, value = pair.partition("=")
            found.setdefault(unescape(name), []).append(unescape(value))
    return found


def _route(name: str, method: str, template: str, *, in_query: bool) -> Route:
    path = template.partition("?")[0]
    pattern = re.sub(
        r"\\\{[A-Za-z]+(\\\+)?\\\}", lambda label: "(.+)" if label[1] else "([^/]+)", re.escape(path)
    )
    # Some SDKs leave the last slash of a template out.
    return Route(
        operation_name=name,
        method=method,
        template=path,
        pattern=re.compile(f"{pattern}?".encode() if path.endswith("/") else pattern.encode()),
        labels=tuple(match[1] for match in _LABEL.finditer(path)),
        literals=len(_LABEL.sub("", path)),
        in_query=in_query,
    )


def _headers(request_id: str) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"content-type", b"application/json"), (b"x-amzn-requestid", request_id.encode()))
