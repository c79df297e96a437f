"""The local zone: stands in for DNS without the internet, with the records published in the store."""

from collections.abc import Awaitable, Callable

from sesame.dns.names import host_name
from sesame.dns.port import Answer

_ADDRESS_KINDS = ("A", "AAAA")


class LocalZone:
    """A `Source` of answers from the records that `records(name, kind)` gives.

    Every domain is given the built-in mailbox server as its MX unless the zone says otherwise, so
    that mail to any address takes the real way and ends there. `DNSSEC` counts as validated for
    names that hold a record of that kind.
    """

    MAILBOX_HOST = "mailbox.sesame.localhost"

    def __init__(self, records: Callable[[str, str], Awaitable[list[str]]]) -> None:
        self._records = records

    async def ask(self, name: str, kind: str) -> Answer:
        """The records of the zone; it changes at any time, so its answers have no life (TTL 0)."""
        if name == self.MAILBOX_HOST and kind in _ADDRESS_KINDS:
            return Answer(records=("127.0.0.1",) if kind == "A" else (), name=name)
        is_validated = bool(await self._records(name, "DNSSEC"))
        records = await self._records(name, kind)
        if not records:
            if targets := await self._records(name, "CNAME"):
                return Answer(alias=host_name(targets[0]), is_validated=is_validated, name=name)
            if kind == "MX":
                records = [f"10 {self.MAILBOX_HOST}"]
        return Answer(records=tuple(records), is_validated=is_validated, name=name)
