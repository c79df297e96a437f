"""The classes that a traced process uses in place of the plain ones: the same steps, each within its span.

A process without `traces.endpoint` uses the plain classes, so that traces cost it nothing.
request -> authenticate, decide, commit; attempt -> route, connect, transfer; notify.
"""

from dataclasses import dataclass
from typing import Any

from sesame.access.credentials import Authenticator
from sesame.access.sends import SendDecision
from sesame.app.traces import Attributes, Tracer
from sesame.aws.codec import Reply
from sesame.aws.request import HttpRequest
from sesame.delivery.attempt import Deliverer
from sesame.delivery.pool import Pool
from sesame.delivery.route import Route, Router
from sesame.delivery.scheduler import Scheduler
from sesame.delivery.session import Session
from sesame.model import Caller, MessageId, Outcome
from sesame.notify.held import Ready
from sesame.notify.ways import Ways
from sesame.sending.compose import Composed
from sesame.sending.send import Sender
from sesame.server.api import AwsApi, HttpResponse, Peer
from sesame.server.submission import SubmissionDoor, SubmissionSession
from sesame.smtp.events import AuthRequested, MessageReceived
from sesame.smtp.reply import Reply as SmtpReply
from sesame.spool.put import SpooledMessage

CONTEXT_FIELDS = (b"traceparent", b"tracestate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """What a process is made of, as far as traces make a difference."""

    api: type[AwsApi] = AwsApi
    authenticator: type[Authenticator] = Authenticator
    submission: type[SubmissionDoor] = SubmissionDoor
    sender: type[Sender] = Sender
    scheduler: type[Scheduler] = Scheduler
    router: type[Router] = Router
    pool: type[Pool] = Pool
    deliverer: type[Deliverer] = Deliverer
    ways: type[Ways] = Ways


def classes(tracer: Tracer | None) -> Classes:
    """The plain classes, or with a tracer those that make spans."""
    if tracer is None:
        return Classes()
    return Classes(
        api=_api(tracer),
        authenticator=_authenticator(tracer),
        submission=_submission(tracer),
        sender=_sender(tracer),
        scheduler=_scheduler(tracer),
        router=_router(tracer),
        pool=_pool(tracer),
        deliverer=_deliverer(tracer),
        ways=_ways(tracer),
    )


def _api(tracer: Tracer) -> type[AwsApi]:
    """`AwsApi`, each request a span, named by its operation."""

    class TracedApi(AwsApi):
        async def answer(self, request: HttpRequest, peer: Peer) -> HttpResponse:
            with tracer.request("request", _context_fields(request), {"http.request.method": request.method}):
                response = await super().answer(request, peer)
                tracer.annotate({"http.response.status_code": response.status})
                if response.status >= 500:
                    tracer.fail()
                return response

        async def _run(self, request: HttpRequest, peer: Peer, request_id: str, call: Any) -> Reply:
            try:
                return await super()._run(request, peer, request_id, call)
            finally:
                service, principal = call.codec.model.name, call.caller and call.caller.principal
                if call.known_name:
                    tracer.rename(f"{service} {call.known_name}")
                tracer.annotate(
                    {
                        "rpc.system": "aws-api",
                        "rpc.service": service,
                        "rpc.method": call.known_name or None,
                        "sesame.request_id": request_id,
                        "sesame.account_id": principal.account_id if principal else None,
                    }
                )

    return TracedApi


def _authenticator(tracer: Tracer) -> type[Authenticator]:
    """`Authenticator`, each signature that is checked a step."""

    class TracedAuthenticator(Authenticator):
        async def authenticate(self, *args: Any, **kwargs: Any) -> Caller:
            with tracer.step("authenticate", {}):
                return await super().authenticate(*args, **kwargs)

    return TracedAuthenticator


def _submission(tracer: Tracer) -> type[SubmissionDoor]:
    """`SubmissionDoor`, each log-in and each message a span."""

    class TracedSession(SubmissionSession):
        async def check_password(self, asked: AuthRequested) -> SmtpReply | None:
            with tracer.request("smtp AUTH", {}, {}), tracer.step("authenticate", {}):
                refusal = await super().check_password(asked)
                tracer.annotate({"smtp.reply_code": None if refusal is None else refusal.code})
                return refusal

        async def take(self, message: MessageReceived) -> SmtpReply:
            with tracer.request("smtp DATA", {}, {}):
                reply = await super().take(message)
                tracer.annotate({"smtp.reply_code": reply.code})
                return reply

    class TracedDoor(SubmissionDoor):
        def open_session(self, address: str, is_tls: bool) -> SubmissionSession:
            return TracedSession(self, address, is_tls=is_tls)

    return TracedDoor


def _sender(tracer: Tracer) -> type[Sender]:
    """`Sender`, deciding and committing a step each; the commit is linked to the message's delivery."""

    class TracedSender(Sender):
        async def _decide(self, caller: Caller, composed: Composed) -> SendDecision:
            attributes = {"sesame.request_id": caller.request_id, "sesame.region": caller.region}
            with tracer.step("decide", attributes):
                return await super()._decide(caller, composed)

        async def _accept(
            self, caller: Caller, message_id: MessageId, composed: Composed, *rest: Any, **named: Any
        ) -> SpooledMessage:
            attributes: Attributes = {
                "sesame.message_id": message_id,
                "sesame.account_id": caller.principal.account_id,
                "sesame.recipients": len(composed.request.recipients),
            }
            with tracer.step("commit", attributes):
                stored = await super()._accept(caller, message_id, composed, *rest, **named)
                tracer.link_delivery(message_id)
                return stored

    return TracedSender


def _scheduler(tracer: Tracer) -> type[Scheduler]:
    """`Scheduler`, each attempt a span in the trace of its message's delivery."""

    class TracedScheduler(Scheduler):
        async def _attempt(self, running: Any) -> None:
            claim = running.claim
            attributes = {
                "sesame.message_id": claim.message_id,
                "sesame.account_id": claim.account_id,
                "sesame.recipient_index": claim.recipient_index,
                "sesame.attempt": claim.attempts,
            }
            with tracer.delivery("attempt", claim.message_id, attributes):
                await super()._attempt(running)

        def _done(self, claim: Any, found: Outcome, seconds: float) -> None:
            tracer.annotate({"sesame.result": found.kind.value, "sesame.status": found.status})
            super()._done(claim, found, seconds)

    return TracedScheduler


def _router(tracer: Tracer) -> type[Router]:
    """`Router`, finding the hosts of a domain a step."""

    class TracedRouter(Router):
        async def route(self, domain: str) -> Route:
            with tracer.step("route", {}):
                route = await super().route(domain)
                tracer.annotate({"sesame.hosts": len(route.hosts)})
                return route

    return TracedRouter


def _pool(tracer: Tracer) -> type[Pool]:
    """`Pool`, getting a connection a step, be it a kept one or a new one."""

    class TracedPool(Pool):
        async def borrow(self, *args: Any, **kwargs: Any) -> Session:
            with tracer.step("connect", {}):
                session = await super().borrow(*args, **kwargs)
                tracer.annotate(
                    {"sesame.was_kept": session.messages > 0, "sesame.is_tls": session.tls is not None}
                )
                return session

    return TracedPool


def _deliverer(tracer: Tracer) -> type[Deliverer]:
    """`Deliverer`, handing a message to a server a step."""

    class TracedDeliverer(Deliverer):
        async def _send(self, *args: Any, **kwargs: Any) -> tuple[Outcome, bool]:
            with tracer.step("transfer", {}):
                found, may_be_better = await super()._send(*args, **kwargs)
                tracer.annotate({"sesame.status": found.status})
                return found, may_be_better

    return TracedDeliverer


def _ways(tracer: Tracer) -> type[Ways]:
    """`Ways`, each attempt to notify an endpoint a span."""

    class TracedWays(Ways):
        async def send(self, ready: Ready) -> tuple[str, str] | None:
            delivery = ready.delivery
            attributes: Attributes = {
                "sesame.event_id": delivery.publication.about,
                "sesame.publication_id": delivery.publication.message_id,
                "sesame.attempt": delivery.attempts,
                "sesame.protocol": delivery.place.protocol,
            }
            with tracer.root("notify", attributes):
                return await super().send(ready)

    return TracedWays


def _context_fields(request: HttpRequest) -> dict[str, str]:
    """The fields of W3C Trace Context; one that stands there twice is not read."""
    found: dict[str, list[str]] = {}
    for name, value in request.headers:
        if name in CONTEXT_FIELDS:
            found.setdefault(name.decode("ascii"), []).append(value.decode("latin-1"))
    return {name: values[0] for name, values in found.items() if len(values) == 1}
