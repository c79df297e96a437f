"""The AWS APIs and our own behind one port: find service and operation, authenticate, run, answer.

Told apart by path and credential scope; the codec that is found reads the operation and writes the
answer. Whatever comes in, an answer goes out that AWS SDKs can parse; only a fault of ours is a 500. It
knows no sockets (`http.py`), no wire format (`aws`) and no rules (`operations`).
"""

import asyncio
import html
import traceback
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import msgspec

from sesame.access.causes.documents import KIND
from sesame.access.causes.failures import Failures
from sesame.access.causes.sign_in import SignIns
from sesame.access.credentials import Authenticator
from sesame.access.sessions import check_session_may
from sesame.aws import canonical, sigv4
from sesame.aws.codec import Codec, Reply, RequestedOperation
from sesame.aws.model import REST_JSON, Operation, ServiceModel
from sesame.aws.query import QueryCodec
from sesame.aws.request import HttpRequest
from sesame.aws.rest_json import RestJsonCodec
from sesame.errors import (
    AccessDenied,
    InternalFailure,
    NotImplementedByService,
    ServiceError,
    ServiceUnavailable,
    Unavailable,
)
from sesame.metrics import Metrics
from sesame.model import Caller
from sesame.observe import Clock, Log
from sesame.server.federation import federated_refusal
from sesame.server.throttle import Throttle

T = TypeVar("T")

LARGE_BYTES = 256 * 1024
"""Requests above this are read on a thread."""

V2_PATHS = (b"/v2/", b"/v1/email/")
"""What paths of the SES API v2 begin with; the second in one operation of SDKs before 2026."""

OWN_PATH = b"/sesame/v1/"
"""What paths of Sesame's own API begin with."""

API_VERSIONS = {"ses": "1", "sesv2": "2"}
"""What `ses:ApiVersion` says, by service model."""

Handler = Callable[[Caller, Any], Awaitable[Mapping[str, Any]]]
"""An operation: a function from a typed request to a typed result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The other end of the connection."""

    address: str
    secure_transport: bool
    tls_version: str | None = None


class HttpResponse(msgspec.Struct, frozen=True, kw_only=True):
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
        throttle: Throttle,
        new_request_id: Callable[[], str],
        failures: Failures,
        sign_ins: SignIns,
        large: Executor,
        clock: Clock,
        log: Log,
        metrics: Metrics,
    ) -> None:
        """`large` is where large requests are read, so that small ones are served meanwhile."""
        codecs = {name: _codec(model) for name, model in models.items()}
        # SES has one signing name in both versions: the path tells v2 and what is our own, the scope all others.
        self._v2, self._own = codecs.pop("sesv2"), codecs.pop("sesame")
        self._by_scope = {codec.model.signing_name: codec for codec in codecs.values()}
        self._usual = self._by_scope["ses"]
        self._handlers = handlers
        self._authenticator = authenticator
        self._uncached = uncached
        self._throttle = throttle
        self._new_request_id = new_request_id
        self._failures = failures
        self._sign_ins = sign_ins
        self._large = large
        self._clock = clock
        self._log = log
        self._metrics = metrics

    async def answer(self, request: HttpRequest, peer: Peer) -> HttpResponse:
        """Run one request to its answer; never raises."""
        started = self._clock.monotonic()
        request_id = self._new_request_id()
        call = _Call(codec=self._by_path(request.raw_path))
        cause = None
        try:
            reply = await self._run(request, peer, request_id, call)
        except ServiceError as error:
            reply = call.codec.refuse(error, request_id=request_id)
            cause = await self._keep(error, request_id, call, peer)
        except Unavailable as error:
            self._log.error("unavailable", request_id=request_id, reason=str(error))
            unavailable = ServiceUnavailable("The service is temporarily unavailable. Try again.")
            reply = call.codec.refuse(unavailable, request_id=request_id)
        except Exception:
            self._log.error("internal_failure", request_id=request_id, trace=traceback.format_exc())
            reply = call.codec.refuse(InternalFailure(), request_id=request_id)
        seconds = self._clock.monotonic() - started
        service = call.codec.model.name
        self._metrics.api_requests.labels(service, call.known_name, reply.code or "").inc()
        self._metrics.api_request_duration.labels(service).observe(seconds)
        self._log.event(
            "api_request",
            request_id=request_id,
            service=service,
            operation=call.operation_name,
            account_id=None if call.caller is None else call.caller.principal.account_id,
            region=None if call.caller is None else call.caller.region,
            status=reply.status,
            code=reply.code or None,
            ms=round(seconds * 1000, 2),
            cause=cause,
        )
        return _response(reply)

    def refuse(self, error: ServiceError, raw_path: bytes) -> HttpResponse:
        """Answer a request that cannot even be looked at."""
        codec = self._by_path(raw_path)
        return _response(codec.refuse(error, request_id=self._new_request_id()))

    async def _keep(self, error: ServiceError, request_id: str, call: "_Call", peer: Peer) -> str | None:
        """Keep why a send or a sign-in failed, a call or its policy was refused, so that it is found by the request.

        The answer does not hang on it. The cause of a sign-in, for the log: whose account it is may not be known.
        """
        try:
            if call.caller is None:
                return await self._sign_ins.keep_api(
                    error, call.signed, request_id=request_id, address=peer.address
                )
            if call.known_name == "AssumeRole":
                await self._failures.keep_of(call.caller, error, "sts:AssumeRole", {})
            elif not self._uncached(call.codec.model.name, call.known_name):
                await self._failures.keep_of(call.caller, error, f"ses:{call.known_name}", {})
            elif "own_side" in error.facts:
                await self._failures.keep_of(call.caller, error, error.facts["action"], {})
            elif KIND in error.facts:
                action = f"{call.codec.model.signing_name}:{call.known_name}"
                await self._failures.keep_of(call.caller, error, action, {})
        except Unavailable as unavailable:
            self._log.error("unavailable", request_id=request_id, reason=str(unavailable))
        return None

    def _by_path(self, raw_path: bytes) -> Codec:
        if raw_path.startswith(V2_PATHS):
            return self._v2
        return self._own if raw_path.startswith(OWN_PATH) else self._usual

    async def _run(self, request: HttpRequest, peer: Peer, request_id: str, call: "_Call") -> Reply:
        """Authenticate, then find, parse, run and serialise the operation."""
        if (refusal := federated_refusal(request)) is not None:
            call.codec = self._by_scope["sts"]
            raise refusal
        signed = call.signed = sigv4.read_signature(request)
        request = sigv4.without_unsigned_type(request, signed)
        if call.codec is self._usual:
            call.codec = self._by_scope.get(signed.service, self._usual)
        model = call.codec.model
        body_hash = None
        if is_large := len(request.body) > LARGE_BYTES:
            requested = await self._apart(partial(call.codec.requested_operation, request))
            body_hash = await self._apart(partial(canonical.body_hash, request.body))
        else:
            requested = call.codec.requested_operation(request)
        call.operation_name = requested.name
        call.caller = await self._authenticator.authenticate(
            request,
            signed,
            service=model.signing_name,
            source_ip=peer.address,
            secure_transport=peer.secure_transport,
            tls_version=peer.tls_version,
            request_id=request_id,
            fresh=self._uncached(model.name, requested.name),
            api_version=API_VERSIONS.get(model.name),
            body_hash=body_hash,
        )
        self._sign_ins.succeeded(call.caller.access_key_id, "API", call.caller.region)
        if requested.operation is not None:
            call.known_name = requested.name
        operation = self._operation(model, requested, presigned=signed.presigned)
        check_session_may(call.caller, model.name, operation.name)
        if model.signing_name in ("ses", "sesame") and self._uncached(model.name, operation.name):
            self._throttle.admit(call.caller, model.name, operation.name)
        handler = self._handlers[model.name][operation.name]
        if is_large:
            parameters = await self._apart(partial(operation.parse, requested.input))
            del requested
            if isinstance(request.body, bytearray):
                request.body.clear()  # nobody reads it again, and it waits a while for the disk
        else:
            parameters = operation.parse(requested.input)
        result = await handler(call.caller, parameters)
        return call.codec.answer(operation, result, request_id=request_id)

    async def _apart(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._large, work)

    def _operation(self, model: ServiceModel, requested: RequestedOperation, *, presigned: bool) -> Operation:
        """The operation asked for; a presigned link, which others may come by, can only read."""
        operation = requested.operation
        if operation is None:
            raise requested.problem or InternalFailure()
        if operation.name not in self._handlers[model.name]:
            raise NotImplementedByService(
                f"The operation {operation.name} is not implemented by this service."
            )
        if presigned and not operation.is_read:
            raise AccessDenied(f"The operation {operation.name} must be signed in the Authorization header.")
        return operation


@dataclass(slots=True)
class _Call:
    """What is known of a request so far, for its answer and its log line."""

    codec: Codec
    operation_name: str = ""
    known_name: str = ""
    """The same where the model has it: names that clients make up are no labels of metrics."""
    caller: Caller | None = None
    signed: sigv4.SignedRequest | None = None


def _codec(model: ServiceModel) -> Codec:
    return RestJsonCodec(model) if model.protocol == REST_JSON else QueryCodec(model)


def unreadable_request(status: int, reason: str) -> HttpResponse:
    """The answer to bytes that are no HTTP request, so that even their sender's SDK can read it."""
    body = (
        '<ErrorResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><Error><Type>Sender</Type>'
        f"<Code>MalformedHttpRequest</Code><Message>{html.escape(reason)}</Message></Error>"
        "<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
    ).encode()
    headers = ((b"content-type", b"text/xml"), (b"content-length", str(len(body)).encode()))
    return HttpResponse(status=status, headers=headers, body=body)


def _response(reply: Reply) -> HttpResponse:
    length = (b"content-length", str(len(reply.body)).encode())
    return HttpResponse(status=reply.status, headers=(*reply.headers, length), body=reply.body)
