"""Which DNS records an identity needs, and who publishes each: its owner, or the operator.

Decides nothing and looks nothing up. Sources: SES developer guide, "Creating and verifying
identities", "Easy DKIM", "BYODKIM", "Using a custom MAIL FROM domain".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sesame.dkim.sign import dns_record
from sesame.model import DkimOrigin, Identity, IdentityKind, MailFrom
from sesame.store.dkim_keys import DkimKey, Ed25519Key

OWNER, OPERATOR = "owner", "operator"
ED25519 = "second DKIM signature (Ed25519)"
"""What the fourth record of Easy DKIM is for; nothing waits for it but that signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names that identity owners publish or follow.

    `mail_from_mx` is the host that takes bounces, `mail_from_spf` the mechanism that allows our hosts
    (`include:bounces.example.net`).
    """

    dkim_zone: str
    public_url: str
    mail_from_mx: str
    mail_from_spf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One DNS record: its names without a trailing dot, and what it is for."""

    name: str
    kind: str
    value: str
    publisher: str
    purpose: str

    @property
    def triple(self) -> tuple[str, str, str]:
        """Name, kind and value."""
        return self.name, self.kind, self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What the records of an identity are made from."""

    identity: Identity
    key: DkimKey | None
    next_key: DkimKey | None
    mail_from: MailFrom | None
    ed25519: Ed25519Key | None = None
    """Only of a domain with Easy DKIM."""

    @property
    def public_keys(self) -> frozenset[str]:
        """The public keys that are this identity's: the one that signs, the next, the one before."""
        keys = {self.next_key.public_key} if self.next_key is not None else set()
        if self.key is not None:
            keys |= {self.key.public_key, self.key.previous_public_key} - {""}
        return frozenset(keys)

    def public_key_at(self, token: str) -> str:
        """The key that the operator's zone shows for a token of Easy DKIM.

        A next key waits under a token of its own, and the key before stays under its token, for
        messages that it signed are still on their way.
        """
        assert self.key is not None, "an identity with tokens has a key"
        if self.next_key is not None and token == self.next_key.selector:
            return self.next_key.public_key
        return self.key.previous_public_key if token == self.key.previous_selector else self.key.public_key


def identity_records(published: Published, names: Names) -> Sequence[Record]:
    """Every record of an identity, those that verify it first."""
    identity = published.identity
    records: list[Record] = []
    if identity.kind is IdentityKind.DOMAIN:
        name = f"_amazonses.{identity.name}"
        records.append(_owners(name, "TXT", identity.verification_token, "verification"))
        if published.key is not None:
            records += (
                _easy_dkim_records(published, names)
                if identity.dkim_origin is DkimOrigin.AWS_SES
                else _own_key_records(published.key)
            )
    if published.mail_from is not None:
        records += mail_from_records(published.mail_from, names)
    return records


def mail_from_records(mail_from: MailFrom, names: Names) -> list[Record]:
    """The one MX and the SPF record of a MAIL FROM domain."""
    return [
        _owners(mail_from.domain, "MX", f"10 {names.mail_from_mx}", "MAIL FROM"),
        _owners(mail_from.domain, "TXT", f"v=spf1 {names.mail_from_spf} ~all", "MAIL FROM"),
    ]


def _easy_dkim_records(published: Published, names: Names) -> list[Record]:
    domain, records = published.identity.name, []
    for token in published.identity.dkim_tokens:
        target = f"{token}.{names.dkim_zone}"
        records.append(_owners(f"{token}._domainkey.{domain}", "CNAME", target, "DKIM"))
        value = dns_record(published.public_key_at(token))
        records.append(
            Record(name=target, kind="TXT", value=value, publisher=OPERATOR, purpose=f"DKIM of {domain}")
        )
    if (key := published.ed25519) is not None:
        target, value = f"{key.selector}.{names.dkim_zone}", dns_record(key.public_key, "ed25519")
        records += [
            _owners(f"{key.selector}._domainkey.{domain}", "CNAME", target, ED25519),
            Record(name=target, kind="TXT", value=value, publisher=OPERATOR, purpose=f"DKIM of {domain}"),
        ]
    return records


def _own_key_records(key: DkimKey) -> list[Record]:
    name = f"{key.selector}._domainkey.{key.domain}"
    return [_owners(name, "TXT", dns_record(key.public_key), "DKIM")]


def _owners(name: str, kind: str, value: str, purpose: str) -> Record:
    return Record(name=name, kind=kind, value=value, publisher=OWNER, purpose=purpose)
