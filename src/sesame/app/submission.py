"""The role that takes mail by SMTP: its listeners, wired."""

from pathlib import Path

from sesame.app.foundation import Services
from sesame.app.listening import Listening
from sesame.config import Submission
from sesame.server.smtp import SmtpServer
from sesame.server.smtp_connection import Bounds, Listener
from sesame.server.submission import SubmissionDoor


def make_submission(services: Services, door: SubmissionDoor, listening: Listening) -> SmtpServer | None:
    """The submission server on its ports; None where it is switched off. Raises `ConfigError`."""
    settings = services.settings.submission
    if not settings.enabled:
        return None
    if settings.tls_certificate:
        chain, key = Path(settings.tls_certificate), Path(settings.tls_private_key)
    else:
        chain, key = listening.development_certificate()
    certificate = listening.certificate(chain, key, setting="submission.tls_certificate")
    listeners = [
        Listener(
            sock=listening.on_or_any(setting, settings.listen, port),
            certificate=certificate,
            is_implicit=is_implicit,
        )
        for setting, ports, is_implicit in (
            ("submission.ports", settings.ports, False),
            ("submission.tls_ports", settings.tls_ports, True),
        )
        for port in ports
    ]
    return SmtpServer(
        listeners,
        door.open_session,
        submission_bounds(settings),
        log=services.log,
        auth_required=True,
        refused=lambda reason: services.metrics.connections_refused.labels("smtp", reason).inc(),
    )


def submission_bounds(settings: Submission) -> Bounds:
    """What the settings allow a client."""
    return Bounds(
        hello_s=settings.hello_s,
        idle_s=settings.idle_s,
        connections=settings.connections,
        per_address=settings.connections_per_address,
        memory_bytes=settings.memory_bytes,
    )


def submission_addresses(server: SmtpServer | None) -> tuple[str | None, str | None]:
    """host:port with STARTTLS, and with TLS from the start; None for what there is not."""
    listeners = () if server is None else server.listeners
    found = {one.is_implicit: one.sock.getsockname()[:2] for one in reversed(listeners)}
    starttls, implicit = found.get(False), found.get(True)
    return (
        None if starttls is None else f"{starttls[0]}:{starttls[1]}",
        None if implicit is None else f"{implicit[0]}:{implicit[1]}",
    )
