"""The AWS Query protocol: forms in, XML out.

Splits a form into fields and picks the operation; what is in the fields is read by the model's
compiled readers. Does not authenticate. Sources: AWS Query protocol; WHATWG URL standard for
application/x-www-form-urlencoded.

INVARIANT: a form that two readers could read in two ways is refused: repeated names, bad percent
escapes, text that is not UTF-8, parameters in both query and body.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from sesame.aws.codec import Reply, RequestedOperation
from sesame.aws.errors import InvalidAction, MalformedQueryString, MissingAction
from sesame.aws.model import Operation, ServiceModel
from sesame.aws.percent import unescape, unescape_large
from sesame.aws.query_output import escape
from sesame.aws.request import HttpRequest
from sesame.errors import NotImplementedByService, ServiceError

_CONTENT_TYPE = b"text/xml"
_MOST_PARAMETERS = 10_000
_LARGE_BYTES = 256 * 1024
"""A form above this is read block by block."""
_FORM_TYPE = b"application/x-www-form-urlencoded"
_USUAL_TYPES = frozenset({_FORM_TYPE, _FORM_TYPE + b"; charset=utf-8"})


class QueryCodec:
    """The Query protocol of one service (`codec.Codec`)."""

    def __init__(self, model: ServiceModel) -> None:
        self.model = model

    def requested_operation(self, request: HttpRequest) -> RequestedOperation:
        """Which operation the form calls; the form itself is the input."""
        try:
            form = read_action(request)
        except ServiceError as problem:
            return RequestedOperation(name="", problem=problem)
        try:
            return RequestedOperation(
                name=form.action, operation=find_operation(self.model, form), input=form.fields
            )
        except ServiceError as problem:
            return RequestedOperation(name=form.action, problem=problem)

    def answer(self, operation: Operation, result: Mapping[str, Any], *, request_id: str) -> Reply:
        """A success as XML."""
        return _reply(200, serialise(operation, result, request_id=request_id), request_id)

    def refuse(self, error: ServiceError, *, request_id: str) -> Reply:
        """A refusal as XML."""
        body = serialise_error(self.model, error, request_id=request_id)
        return _reply(error.http_status, body, request_id, code=error.code)


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A decoded request: the operation's name, the API version if given, all other parameters."""

    action: str
    version: str | None
    fields: Mapping[str, str]


def read_action(request: HttpRequest) -> Form:
    """The form of `request`: the body of a POST, the query string of a GET.

    Raises MissingAction, MalformedQueryString (also for a NUL anywhere: no parameter may hold one)
    and InvalidAction for other HTTP methods.
    """
    fields = _split(_form_of(request))
    action = fields.pop("Action", "")
    if not action:
        raise MissingAction()
    return Form(action=action, version=fields.pop("Version", None), fields=fields)


def find_operation(service: ServiceModel, form: Form) -> Operation:
    """The operation that `form` calls.

    Raises InvalidAction when `service` has none of that name and version, NotImplementedByService
    when Sesame does not serve it.
    """
    if form.version in (None, service.api_version):
        if (operation := service.operations.get(form.action)) is not None:
            return operation
        if service.is_known_operation(form.action):
            raise NotImplementedByService(f"Operation {form.action} is not implemented.")
    version = service.api_version if form.version is None else form.version
    raise InvalidAction(f"Could not find operation {form.action[:128]} for version {version[:32]}")


def serialise(operation: Operation, result: Mapping[str, Any], *, request_id: str) -> bytes:
    """The body of a successful reply; raises KeyError when `result` lacks a required member."""
    return operation.serialise(result, request_id)


def serialise_error(service: ServiceModel, error: ServiceError, *, request_id: str) -> bytes:
    """The body of a refusal, to be sent with `error.http_status`."""
    about = "".join([f"<{name}>{escape(value)}</{name}>" for name, value in error.about.items()])
    return (
        f'<ErrorResponse xmlns="{service.xmlns}"><Error><Type>{error.fault.value}</Type>'
        f"<Code>{error.code}</Code><Message>{escape(error.message)}</Message>{about}</Error>"
        f"<RequestId>{escape(request_id)}</RequestId></ErrorResponse>"
    ).encode()


def _reply(status: int, body: bytes, request_id: str, *, code: str = "") -> Reply:
    headers = ((b"content-type", _CONTENT_TYPE), (b"x-amzn-requestid", request_id.encode()))
    return Reply(status=status, code=code, headers=headers, body=body)


def _form_of(request: HttpRequest) -> bytes | bytearray:
    if request.method == "GET":
        if request.body:
            raise MalformedQueryString("A GET request must not have a body")
        return request.query
    if request.method != "POST":
        raise InvalidAction(f"The HTTP method {request.method[:32]} calls no operation")
    if request.query and request.body:
        raise MalformedQueryString("Parameters must be in the query string or in the body, not in both")
    for name, value in request.headers:
        if name == b"content-type" and value not in _USUAL_TYPES and not _is_form(value):
            raise MalformedQueryString(f"The Content-Type of a form is {_FORM_TYPE.decode()} in UTF-8")
    return request.body or request.query


def _is_form(content_type: bytes) -> bool:
    media_type, _, parameters = content_type.lower().partition(b";")
    charset = parameters.strip().removeprefix(b"charset=").strip(b'"')
    return media_type.strip() == _FORM_TYPE and charset in (b"", b"utf-8", b"utf8")


def _split(form: bytes | bytearray) -> dict[str, str]:
    """Names and values of a form, decoded; empty pairs (`&&`) are skipped."""
    if len(form) > _LARGE_BYTES:
        return _split_large(form)
    try:
        text = form.decode()
    except UnicodeDecodeError as error:
        raise MalformedQueryString("The form is not UTF-8") from error
    if "\0" in text:
        raise MalformedQueryString("A parameter holds a NUL character")
    pairs = text.replace("+", " ").split("&", _MOST_PARAMETERS)
    if len(pairs) > _MOST_PARAMETERS:
        raise _too_many()
    fields: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if "%" in name:
            name = unescape(name)
        if "%" in value:
            value = unescape(value)
        if name in fields:
            raise _twice(name)
        if pair:
            fields[name] = value
    return fields


def _split_large(form: bytes | bytearray) -> dict[str, str]:
    """As `_split`, without a copy of the whole form, each of which would keep every other thread waiting."""
    fields: dict[str, str] = {}
    at = -1
    for _ in range(_MOST_PARAMETERS):
        start = at + 1
        at = form.find(b"&", start)
        end = len(form) if at < 0 else at
        sign = form.find(b"=", start, end)
        name = unescape_large(form, start, end if sign < 0 else sign)
        value = "" if sign < 0 else unescape_large(form, sign + 1, end)
        if name in fields:
            raise _twice(name)
        if end > start:
            fields[name] = value
        if at < 0:
            return fields
    raise _too_many()


def _twice(name: str) -> MalformedQueryString:
    return MalformedQueryString(f"The parameter {name[:128]} occurs twice")


def _too_many() -> MalformedQueryString:
    return MalformedQueryString(f"The form has more than {_MOST_PARAMETERS} parameters")
