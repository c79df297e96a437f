"""What comes back, wired: the listener for reports and its receiver, and the mailbox simulator's server and answers."""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

from sesame.app.foundation import Services
from sesame.app.listening import Listening
from sesame.delivery.route import Host
from sesame.feedback.receive import Receiver
from sesame.mail.feedback_report import (
    FailedRecipient,
    Frame,
    auto_reply,
    bounce_report,
    complaint_report,
)
from sesame.notify.event_json import SIMULATOR
from sesame.server.inbound import InboundDoor
from sesame.server.local import Keep
from sesame.server.simulator import Answer, AnswerMail, SimulatorServer
from sesame.server.smtp import SmtpServer
from sesame.server.smtp_connection import Bounds, Listener
from sesame.server.tls import Certificate
from sesame.smtp.limits import Limits

DAY_S = 86_400.0
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


def make_receiver(services: Services, *, recorded: Callable[[], None] = lambda: None) -> Receiver:
    """What takes reports; `recorded` is the hint for who reacts."""
    settings = services.settings.inbound
    return Receiver(
        services.store,
        key=services.return_path_key,
        clock=services.clock,
        log=services.log,
        executor=services.executor,
        lives_s=settings.report_days * DAY_S,
        feedback_addresses=settings.feedback_addresses,
        recorded=recorded,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackDoors:
    """Where reports come in: `own_routes` has the hosts of domains that are served here, by name."""

    inbound: SmtpServer | None
    simulator: SimulatorServer | None
    own_routes: Mapping[str, Host]


def make_feedback_doors(
    services: Services, listening: Listening, *, recorded: Callable[[], None], keep: Keep | None
) -> FeedbackDoors:
    """What the settings switch on; `keep` takes what the simulator accepts. Raises `ConfigError`."""
    settings = services.settings
    inbound = simulator = None
    inbound_socket = simulator_socket = None
    if settings.inbound.enabled:
        inbound_socket = listening.on_or_any("inbound.port", settings.inbound.listen, settings.inbound.port)
        receiver = make_receiver(services, recorded=recorded)
        inbound = _make_inbound(services, receiver, inbound_socket, _inbound_certificate(services, listening))
    if settings.simulator.enabled and settings.delivery.enabled:
        simulator_socket = listening.on("simulator.enabled", "127.0.0.1", 0)
        simulator = _make_simulator(services, simulator_socket, listening, keep=keep)
    return FeedbackDoors(
        inbound=inbound,
        simulator=simulator,
        own_routes=_own_routes(services, inbound_socket, simulator_socket),
    )


def _make_inbound(
    services: Services, receiver: Receiver, sock: socket.socket, certificate: Certificate | None
) -> SmtpServer:
    """The listener on `sock`."""
    settings = services.settings.inbound
    door = InboundDoor(
        receiver,
        hostname=settings.hostname or services.settings.delivery.hostname,
        limits=Limits(size_bytes=settings.message_bytes, recipients=settings.recipients),
        has_tls=certificate is not None,
        log=services.log,
    )
    bounds = Bounds(
        hello_s=settings.idle_s,
        idle_s=settings.idle_s,
        connections=settings.connections,
        per_address=settings.connections_per_address,
        memory_bytes=settings.memory_bytes,
    )
    listener = Listener(sock=sock, certificate=certificate)
    return SmtpServer(
        [listener],
        door.open_session,
        bounds,
        log=services.log,
        auth_required=False,
        refused=lambda reason: services.metrics.connections_refused.labels("inbound", reason).inc(),
    )


def _inbound_certificate(services: Services, listening: Listening) -> Certificate | None:
    """The certificate that the settings name; in development one of our own."""
    settings = services.settings.inbound
    if settings.tls_certificate:
        chain, key = Path(settings.tls_certificate), Path(settings.tls_private_key)
    elif services.settings.dns.resolver == "local":
        chain, key = listening.development_certificate()
    else:
        return None
    return listening.certificate(chain, key, setting="inbound.tls_certificate")


def _make_simulator(
    services: Services, sock: socket.socket, listening: Listening, *, keep: Keep | None
) -> SimulatorServer:
    """The mailbox simulator on `sock`."""
    chain, key = listening.development_certificate()
    return SimulatorServer(
        sock,
        recipients_answer(services),
        domains=services.settings.simulator.all_domains,
        certificate=listening.certificate(chain, key, setting="simulator"),
        keep=keep,
        log=services.log,
    )


def _own_routes(
    services: Services, inbound: socket.socket | None, simulator: socket.socket | None
) -> Mapping[str, Host]:
    """Where mail goes that does not leave: to the simulator, and reports about our own mail to the listener."""
    settings, routes = services.settings, {}
    if simulator is not None:
        host = _host("mailbox simulator", simulator)
        routes = dict.fromkeys(settings.simulator.all_domains, host)
    if inbound is not None:
        routes[return_path_domain(services)] = _host("reports", inbound)
    return routes


def return_path_domain(services: Services) -> str:
    """The domain of our return paths, unless an identity has one of its own."""
    settings = services.settings.delivery
    return (settings.return_path_domain or settings.hostname).lower()


def _host(name: str, sock: socket.socket) -> Host:
    address, port = sock.getsockname()[:2]
    return Host(name=name, address=ANY_ADDRESS.get(address, address), port=port)


def recipients_answer(services: Services) -> AnswerMail:
    """What puts a recipient's answer into the spool, the simulator's or a played one's: it comes back the way that all
    reports take."""

    async def answer(kind: Answer, mailbox: str, mail_from: str, head: bytes) -> None:
        at, host = services.clock.now(), mailbox.rpartition("@")[2]
        from_address = f"MAILER-DAEMON@{host}" if kind == "bounce" else mailbox
        to = f"{mail_from.rpartition('@')[0]}@{return_path_domain(services)}"

        def build(message_id_field: str, boundary: str) -> bytes:
            frame = Frame(
                from_address=from_address, to=to, message_id_field=message_id_field, at=at, boundary=boundary
            )
            if kind == "ooto":
                return auto_reply(
                    frame, subject="Out of the office", text="I am out of the office.", in_reply_to=""
                )
            if kind == "bounce":
                return bounce_report(frame, [_unknown_user(mailbox)], reporting_mta=host, returned=head)
            return complaint_report(
                frame,
                mailbox,
                subject="Complaint about a message",
                feedback_type="abuse",
                user_agent=SIMULATOR,
                original_mail_from=mail_from,
                arrival_date=formatdate(at),
                returned=head,
            )

        await services.store.write(
            lambda tx: services.system_mail.put_from_nobody(
                tx, to=to, subject=f"simulator: {kind}", region="us-east-1", at=at, build=build
            )
        )
        services.wake()

    return answer


def _unknown_user(address: str) -> FailedRecipient:
    """What the server of a recipient says of an address that does not exist."""
    return FailedRecipient(
        address=address,
        status="5.1.1",
        diagnostic_code=f"smtp; 550 5.1.1 user unknown <{address}>",
    )
