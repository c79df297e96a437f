"""The local zone: stands in for DNS without the internet, with the records published in the store."""

from collections.abc import Awaitable, Callable

from sesame.dns.names import host_name
from sesame.dns.port import Answer

_ADDRESS_KINDS = ("A", "AAAA")


class LocalZone:
    """A `Source` of answers from the (kind, value) pairs that `records(name)` gives.

    Every domain is given the built-in mailbox server as its MX unless the zone says otherwise, so
    that mail to any address takes the real way and ends there. `DNSSEC` counts as validated for
    names that hold a record of that kind.
    """

    MAILBOX_HOST = "mailbox.sesame.localhost"

    def __init__(self, records: Callable[[str], Awaitable[list[tuple[str, str]]]]) -> None:
        self._records = records

    async def ask(self, name: str, kind: str) -> Answer:
        """The records of the zone; it changes at any time, so its answers have no life (TTL 0)."""
        if name == self.MAILBOX_HOST and kind in _ADDRESS_KINDS:
            return Answer(records=("127.0.0.1",) if kind == "A" else (), name=name)
        published = await self._records(name)
        is_validated = any(k == "DNSSEC" for k, _ in published)
        records = tuple(value for k, value in published if k == kind)
        if not records:
            for k, target in published:
                if k == "CNAME":
                    return Answer(alias=host_name(target), is_validated=is_validated, name=name)
            if kind == "MX":
                records = (f"10 {self.MAILBOX_HOST}",)
        return Answer(records=records, is_validated=is_validated, name=name)
