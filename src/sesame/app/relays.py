"""The operator's relays, from the settings."""

from pathlib import Path

from sesame.config import Delivery, RelayTls, parse_host_port
from sesame.delivery.route import Login, Relay, Routes
from sesame.delivery.tls import OPPORTUNISTIC, TlsDemand, TlsMode
from sesame.dns.hosts_file import read_hosts


def relay_routes(settings: Delivery) -> Routes:
    """The operator's table of relays."""

    def relay(setting: str, where: str, tls: RelayTls, user: str, password_file: str) -> Relay | None:
        if not where:
            return None
        name, port = parse_host_port(setting, where)
        login = Login(user, Path(password_file).read_text().strip()) if user else None
        return Relay(name=name, port=port, tls=_RELAY_TLS[tls], login=login)

    return Routes(
        relay(
            "delivery.relay",
            settings.relay,
            settings.relay_tls,
            settings.relay_user,
            settings.relay_password_file,
        ),
        {
            route.domain: relay("delivery.routes", route.relay, route.tls, route.user, route.password_file)
            for route in settings.routes
        },
    )


_RELAY_TLS: dict[RelayTls, TlsDemand] = {
    "opportunistic": OPPORTUNISTIC,
    "require": TlsDemand(mode=TlsMode.ENCRYPTED, reason="setting of the relay"),
    "verify": TlsDemand(mode=TlsMode.VERIFIED, reason="setting of the relay"),
    "implicit": TlsDemand(mode=TlsMode.VERIFIED, reason="setting of the relay", is_implicit=True),
}


def in_hosts_file(name: str) -> list[str]:
    """What /etc/hosts says about a name; read each time, for it is short and may change."""
    try:
        return read_hosts(Path("/etc/hosts").read_text(errors="replace"), name)
    except OSError:
        return []
