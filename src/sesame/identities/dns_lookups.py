"""Asks DNS whether the records of an identity are there.

Each answer tells "it is not there" from "DNS could not say"; only the first may settle anything. It
changes nothing. Sources: SES developer guide, "Using a custom MAIL FROM domain"; RFC 7208 (SPF);
botocore's SES v2 model for the words of errors.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sesame.dkim.sign import published_key
from sesame.errors import Unavailable
from sesame.identities.dns_records import Names, Published
from sesame.model import DkimOrigin, VerificationStatus

Record = TypeVar("Record")


class MxRecord(Protocol):
    """One MX record."""

    @property
    def exchange(self) -> str:
        """Host name in lower case, without a trailing dot."""


class DnsResolver(Protocol):
    """The look-ups that checks need; each raises `Unavailable` when DNS could not say."""

    async def txt(self, name: str) -> list[str]:
        """TXT records with CNAMEs followed."""

    async def mx(self, name: str) -> Sequence[MxRecord]:
        """MX records."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether records are there, None when DNS could not say; and SES's word for what is wrong."""

    is_there: bool | None
    error: str | None


THERE = Finding(True, None)
UNKNOWN = Finding(None, "DNS_SERVER_ERROR")
NO_HOST = Finding(False, "HOST_NOT_FOUND")
NO_RECORD = Finding(False, "TYPE_NOT_FOUND")
WRONG = Finding(False, "INVALID_VALUE")


class Lookups:
    """The look-ups. `missing` is what the resolver raises for a name that does not exist."""

    def __init__(self, resolver: DnsResolver, *, missing: type[Unavailable], names: Names) -> None:
        self._resolver = resolver
        self._missing = missing
        self._names = names

    async def token(self, domain: str, token: str) -> Finding:
        """The TXT record that verifies a domain."""
        return await self._txt(f"_amazonses.{domain}", lambda records: token in records)

    async def dkim(self, published: Published) -> Finding:
        """Whether every token, or the owner's selector, leads to a key of this identity.

        The one that signs must show the key that signs. Once they have all been seen, the others
        need only show some key: what they show is the operator's to keep up with.
        """
        key, identity = published.key, published.identity
        if key is None or not identity.dkim_tokens:
            return NO_RECORD
        is_new = identity.dkim_status is VerificationStatus.PENDING
        for selector in identity.dkim_tokens:
            is_signing = selector == key.selector or identity.dkim_origin is DkimOrigin.EXTERNAL
            others = published.public_keys if is_new else None
            finding = await self.key(selector, identity.name, {key.public_key} if is_signing else others)
            if not finding.is_there:
                return finding
        return THERE

    async def key(
        self, selector: str, domain: str, expected: Collection[str] | None, *, kind: str = "rsa"
    ) -> Finding:
        """Whether a selector shows one of these public keys, or any key of the kind at all."""

        def is_right(records: Sequence[str]) -> bool:
            found = {published_key(record, kind) for record in records} - {None, ""}
            return bool(found if expected is None else found.intersection(expected))

        return await self._txt(f"{selector}._domainkey.{domain}", is_right)

    async def mail_from(self, domain: str) -> Finding:
        """Whether a MAIL FROM domain has one MX and it is ours, and an SPF record that allows us.

        With a second MX, bounces could go astray (SES developer guide: the set-up fails).
        """
        found = await self._look(
            self._resolver.mx(domain),
            lambda records: [record.exchange for record in records] == [self._names.mail_from_mx.lower()],
        )
        return await self._txt(domain, self._allows_us) if found is THERE else found

    def _allows_us(self, records: Sequence[str]) -> bool:
        """Whether the one SPF record holds our mechanism (RFC 7208 section 4.5: two are an error)."""
        terms = [record.lower().split() for record in records]
        spf = [record for record in terms if record[:1] == ["v=spf1"]]
        return len(spf) == 1 and self._names.mail_from_spf.lower() in spf[0]

    async def _txt(self, name: str, is_right: Callable[[Sequence[str]], bool]) -> Finding:
        return await self._look(self._resolver.txt(name), is_right)

    async def _look(
        self, question: Awaitable[Sequence[Record]], is_right: Callable[[Sequence[Record]], bool]
    ) -> Finding:
        try:
            records = await question
        except self._missing:
            return NO_HOST
        except Unavailable:
            return UNKNOWN
        if not records:
            return NO_RECORD
        return THERE if is_right(records) else WRONG
