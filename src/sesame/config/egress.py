"""Settings of the addresses that mail leaves from."""

import ipaddress
from collections.abc import Sequence

import msgspec

from sesame.errors import ConfigError
from sesame.model import SourceAddress


class EgressAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An address that mail leaves from; a table of its own, `[[delivery.egress]]`."""

    address: str
    """What other servers see, IPv4 or IPv6."""
    hello: str
    """Its name in EHLO, which its PTR record should show."""
    bind: str = ""
    """The machine's own address behind it, where a router translates; empty: `address`."""
    accounts: tuple[str, ...] = ()
    """Accounts that have it for themselves, as SES's dedicated IP addresses; empty: shared by all."""
    warm: bool = False
    """Whether it has sent mail for long and needs no warm-up."""


def sources(entries: Sequence[EgressAddress]) -> tuple[SourceAddress, ...]:
    """The addresses, written one way."""
    return tuple(
        SourceAddress(
            address=str(ipaddress.ip_address(entry.address)),
            bind=str(ipaddress.ip_address(entry.bind or entry.address)),
            hello=entry.hello,
            accounts=entry.accounts,
            is_warm=entry.warm or not entry.accounts,
        )
        for entry in entries
    )


def check(entries: Sequence[EgressAddress]) -> None:
    """What types cannot say. Raises `ConfigError`."""
    for entry in entries:
        for name, text in (("address", entry.address), ("bind", entry.bind or entry.address)):
            try:
                ipaddress.ip_address(text)
            except ValueError:
                raise ConfigError(
                    f"setting `delivery.egress`: {name} `{text}` is not an address; write it as `192.0.2.1`"
                ) from None
        if (":" in entry.address) != (":" in (entry.bind or entry.address)):
            raise ConfigError(
                f"setting `delivery.egress`: `{entry.bind}` and `{entry.address}` are of different families"
            )
        if not _is_name(entry.hello):
            raise ConfigError(
                f"setting `delivery.egress`: hello `{entry.hello}` is not a host name; write it as `mx1.example.com`"
            )
        for account in entry.accounts:
            if not (len(account) == 12 and account.isascii() and account.isdigit()):
                raise ConfigError(
                    f"setting `delivery.egress`: `{account}` is not an account; it has 12 digits, in quotes"
                )
    found = sources(entries)
    for what in ("address", "bind"):
        named = [getattr(one, what) for one in found]
        twice = next((one for one in named if named.count(one) > 1), None)
        if twice is not None:
            raise ConfigError(f"setting `delivery.egress`: {what} `{twice}` is listed twice; list it once")


def _is_name(text: str) -> bool:
    """Whether it is a host name of letters, digits and hyphens, not an address."""
    labels = text.split(".")
    return (
        0 < len(text) <= 253
        and not labels[-1].isdigit()
        and all(
            0 < len(label) <= 63
            and label.isascii()
            and label.replace("-", "").replace("_", "").isalnum()
            and not label.startswith("-")
            and not label.endswith("-")
            for label in labels
        )
    )
