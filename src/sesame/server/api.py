"""The AWS APIs behind one port: find service and operation, authenticate, run, answer.

Told apart by credential scope and Action. Whatever comes in, an answer goes out that AWS SDKs can
parse; only a fault of ours is a 500. It knows no sockets (`http.py`) and no rules (`operations`).
"""

import html
import json
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sesame.access.credentials import Authenticator
from sesame.aws import query, sigv4
from sesame.aws.model import Operation, ServiceModel
from sesame.aws.request import HttpRequest
from sesame.errors import (
    AccessDenied,
    InternalFailure,
    NotImplementedByService,
    ServiceError,
    ServiceUnavailable,
    SesameError,
    Unavailable,
)
from sesame.model import Caller
from sesame.observe import Clock, Log

Handler = Callable[[Caller, Any], Awaitable[Mapping[str, Any]]]
"""An operation: a function from a typed request to a typed result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The other end of the connection."""

    address: str
    secure_transport: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A whole answer; header names in lower case."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class AwsApi:
    """Answers requests for the services of `models` with the operations of `handlers`."""

    def __init__(
        self,
        models: Mapping[str, ServiceModel],
        handlers: Mapping[str, Mapping[str, Handler]],
        authenticator: Authenticator,
        *,
        uncached: Callable[[str, str], bool],
        new_request_id: Callable[[], str],
        clock: Clock,
        log: Log,
    ) -> None:
        self._models = models
        self._handlers = handlers
        self._authenticator = authenticator
        self._uncached = uncached
        self._new_request_id = new_request_id
        self._clock = clock
        self._log = log

    async def answer(self, request: HttpRequest, peer: Peer) -> HttpResponse:
        """Run one request to its answer; never raises."""
        started = self._clock.monotonic()
        request_id = self._new_request_id()
        call = _Call(model=self._models["ses"])
        try:
            if request.raw_path.startswith(b"/v2/"):
                return _json_error(request_id, "NotImplemented", 501, "The SES API v2 is not supported yet.")
            body = await self._run(request, peer, request_id, call)
            status, code = 200, ""
        except ServiceError as error:
            body, status, code = self._refuse(call, error, request_id)
        except Unavailable as error:
            self._log.error("unavailable", request_id=request_id, reason=str(error))
            unavailable = ServiceUnavailable("The service is temporarily unavailable. Try again.")
            body, status, code = self._refuse(call, unavailable, request_id)
        except Exception:
            self._log.error("internal_failure", request_id=request_id, trace=traceback.format_exc())
            body, status, code = self._refuse(call, InternalFailure(), request_id)
        self._log.event(
            "api_request",
            request_id=request_id,
            service=call.model.name,
            operation=call.operation_name,
            account_id=None if call.caller is None else call.caller.principal.account_id,
            region=None if call.caller is None else call.caller.region,
            status=status,
            code=code or None,
            ms=round((self._clock.monotonic() - started) * 1000, 2),
        )
        return _xml(request_id, status, body)

    def refuse(self, error: ServiceError) -> HttpResponse:
        """Answer a request that cannot even be looked at."""
        request_id = self._new_request_id()
        body = query.serialise_error(self._models["ses"], error, request_id=request_id)
        return _xml(request_id, error.http_status, body)

    async def _run(self, request: HttpRequest, peer: Peer, request_id: str, call: "_Call") -> bytes:
        """Authenticate, then find, parse, run and serialise the operation."""
        signed = sigv4.read_signature(request)
        call.model = self._models.get(signed.service, call.model)
        form, problem = _read_form(request)
        call.operation_name = "" if form is None else form.action
        call.caller = await self._authenticator.authenticate(
            request,
            signed,
            service=call.model.signing_name,
            source_ip=peer.address,
            secure_transport=peer.secure_transport,
            request_id=request_id,
            fresh=self._uncached(call.model.name, call.operation_name),
        )
        if form is None:
            raise problem
        operation = self._operation(call.model, form, presigned=signed.presigned)
        handler = self._handlers[call.model.name][operation.name]
        result = await handler(call.caller, query.parse(operation, form))
        return query.serialise(operation, result, request_id=request_id)

    def _operation(self, model: ServiceModel, form: query.Form, *, presigned: bool) -> Operation:
        """The operation asked for; a presigned link, which others may come by, can only read."""
        operation = query.find_operation(model, form)
        if operation.name not in self._handlers[model.name]:
            raise NotImplementedByService(
                f"The operation {operation.name} is not implemented by this service."
            )
        if presigned and not operation.is_read:
            raise AccessDenied(f"The operation {operation.name} must be signed in the Authorization header.")
        return operation

    @staticmethod
    def _refuse(call: "_Call", error: ServiceError, request_id: str) -> tuple[bytes, int, str]:
        return query.serialise_error(call.model, error, request_id=request_id), error.http_status, error.code


@dataclass(slots=True)
class _Call:
    """What is known of a request so far, for its answer and its log line."""

    model: ServiceModel
    operation_name: str = ""
    caller: Caller | None = None


_NO_PROBLEM = SesameError("the form was read")


def _read_form(request: HttpRequest) -> "tuple[query.Form | None, SesameError]":
    """The form, or why it cannot be read: told only to callers that have authenticated."""
    try:
        return query.read_action(request), _NO_PROBLEM
    except ServiceError as error:
        return None, error


def unreadable_request(reason: str) -> bytes:
    """The answer to bytes that are no HTTP request, so that even their sender's SDK can read it."""
    return (
        '<ErrorResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><Error><Type>Sender</Type>'
        f"<Code>MalformedHttpRequest</Code><Message>{html.escape(reason)}</Message></Error>"
        "<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
    ).encode()


def _xml(request_id: str, status: int, body: bytes) -> HttpResponse:
    return HttpResponse(
        status=status,
        headers=(
            (b"content-type", b"text/xml"),
            (b"x-amzn-requestid", request_id.encode()),
            (b"content-length", str(len(body)).encode()),
        ),
        body=body,
    )


def _json_error(request_id: str, code: str, status: int, message: str) -> HttpResponse:
    body = json.dumps({"message": message}).encode()
    return HttpResponse(
        status=status,
        headers=(
            (b"content-type", b"application/json"),
            (b"x-amzn-requestid", request_id.encode()),
            (b"x-amzn-errortype", code.encode()),
            (b"content-length", str(len(body)).encode()),
        ),
        body=body,
    )
