"""Who signs an identity's mail, where its bounces go, and whether that is what DMARC asks for.

Reads as delivery does, and looks each record up. A private key is nowhere in it. Sources: SES developer guide, "Easy
DKIM", "BYODKIM", "Using a custom MAIL FROM domain", "Complying with DMARC"; RFC 7489.
"""

import asyncio
from dataclasses import dataclass
from typing import cast

from sesame.access.permission import Authorizer
from sesame.access.signing_domain import SigningDomain, signing_domain
from sesame.aws.arn import identity_arn
from sesame.db import Store, Transaction
from sesame.dkim.sign import public_bits
from sesame.dns import DnsFailure, Resolver
from sesame.dns.dmarc import DmarcPolicy, dmarc_policy
from sesame.identities.dns_checks import DNS_WAIT_S, DnsChecks
from sesame.identities.dns_records import mail_from_records
from sesame.identities.policies import IdentityMissing
from sesame.identities.record_verdicts import CheckedRecord, Verdict, check_key, check_records
from sesame.mail.address import domain_of, identity_candidates
from sesame.mail.domain import parents
from sesame.model import Caller, DkimOrigin, Identity, MailFrom, VerificationStatus
from sesame.operations.cached_reads import CachedReads
from sesame.store import dkim_keys, identity_checks, mail_from
from sesame.store.dkim_keys import DkimKey, Ed25519Key
from sesame.store.mail_from import DueMailFrom

_WAITS = (VerificationStatus.PENDING, VerificationStatus.TEMPORARY_FAILURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """One key of a domain: `role` is `current`, `next`, `previous`, or `second` for the Ed25519 key beside.

    `made_at` is None for a previous one, of which that is not kept; `is_used` says whether mail is signed with it now.
    """

    role: str
    selector: str
    bits: int
    is_ed25519: bool
    made_at: float | None
    is_used: bool
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """One way by which mail passes DMARC: `name` is the domain that is authenticated, empty for none."""

    name: str
    relaxed: bool
    strict: bool
    is_strict: bool
    """Whether strict alignment is asked for."""

    @property
    def holds(self) -> bool:
        """Whether mail passes by it."""
        return self.strict if self.is_strict else self.relaxed


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningView:
    """What there is to know; times are None where nothing waits."""

    identity: Identity
    signing: SigningDomain
    keys: tuple[KeyView, ...]
    """Of the identity itself, the one in use first; none where another domain signs for it."""
    length_changed: bool
    dkim_ends_at: float | None
    mail_from: MailFrom | None
    mail_from_ends_at: float | None
    mail_from_records: tuple[CheckedRecord, ...]
    return_path_domain: str
    """The operator's, which bounces go to where no MAIL FROM domain is in force."""
    dmarc: DmarcPolicy | None
    """None when DNS could not say."""
    dkim: Alignment
    spf: Alignment
    rotate_after_s: float
    """At which age Easy DKIM's keys get a successor; 0: never."""

    @property
    def has_dmarc(self) -> bool:
        """Whether DNS shows a policy that counts, by which mail passes or does not (RFC 7489 section 6.6.3)."""
        return self.dmarc is not None and self.dmarc.policy != ""

    @property
    def is_signed(self) -> bool:
        """Whether mail goes out signed by the owner's domain."""
        domain = self.signing.domain
        return domain is not None and self.signing.is_on and domain.dkim_status.is_in_force

    @property
    def signs_itself(self) -> bool:
        """Whether the domain that signs, or would, is the identity."""
        return self.signing.domain is not None and self.signing.domain.name == self.identity.name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    due: identity_checks.DueCheck
    signing: SigningDomain
    key: DkimKey | None
    next_key: DkimKey | None
    second: Ed25519Key | None
    mail_from: DueMailFrom | None


class IdentitySigning:
    """Looks it up; the caller needs the leave to read the identity."""

    def __init__(
        self,
        store: Store,
        authorizer: Authorizer,
        checks: DnsChecks,
        resolver: Resolver,
        *,
        return_path_domain: str,
        rotate_after_s: float,
        with_ed25519: bool,
    ) -> None:
        self._store = store
        self._authorizer = authorizer
        self._names = checks.names
        self._resolver = resolver
        self._return_path_domain = return_path_domain
        self._rotate_after_s = rotate_after_s
        self._with_ed25519 = with_ed25519

    async def of(self, caller: Caller, name: str) -> SigningView:
        """How mail of the caller's identity of that name is signed. Raises `IdentityMissing`."""
        account_id, region = caller.principal.account_id, caller.region
        await self._authorizer.require(caller, "ses:GetEmailIdentity", identity_arn(region, account_id, name))
        stored = await self._store.read(lambda tx: _stored(tx, account_id, region, name))
        if stored is None:
            raise IdentityMissing(name)
        identity, signing = stored.due.identity, stored.signing
        chosen = None if stored.mail_from is None else stored.mail_from.mail_from
        is_signed = signing.domain is not None and signing.is_on and signing.domain.dkim_status.is_in_force
        keys, records, policy = await asyncio.gather(
            self._keys(stored, is_signed=is_signed), self._mail_from(chosen, name), self._dmarc(name)
        )
        domain = domain_of(identity.name)
        asked = policy or DmarcPolicy(domain=domain)
        in_force = chosen is not None and chosen.status is VerificationStatus.SUCCESS
        envelope = chosen.domain if chosen is not None and in_force else self._return_path_domain
        signed_by = signing.domain.name if signing.domain is not None and is_signed else ""
        return SigningView(
            identity=identity,
            signing=signing,
            keys=tuple(keys),
            length_changed=stored.key is not None and stored.key.length_changed,
            dkim_ends_at=_ends_at(identity.dkim_status, stored.due.dkim_started_at),
            mail_from=chosen,
            mail_from_ends_at=None
            if stored.mail_from is None
            else _ends_at(stored.mail_from.mail_from.status, stored.mail_from.started_at),
            mail_from_records=tuple(records),
            return_path_domain=self._return_path_domain,
            dmarc=policy,
            dkim=_alignment(asked, signed_by, is_strict=asked.is_dkim_strict),
            spf=_alignment(asked, envelope, is_strict=asked.is_spf_strict),
            rotate_after_s=self._rotate_after_s,
        )

    async def _keys(self, stored: _Stored, *, is_signed: bool) -> list[KeyView]:
        key, following, second = stored.key, stored.next_key, stored.second
        if key is None:
            return []
        is_waiting = not is_signed
        rows = [
            ("current", key.selector, key.public_key, key.key_bits, key.created_at, not is_waiting, "rsa")
        ]
        if following is not None:
            rows.append(
                ("next", following.selector, following.public_key, following.key_bits, following.created_at, False,
                 "rsa")
            )  # fmt: skip
        if key.previous_selector:
            bits = public_bits(key.previous_public_key)
            rows.append(("previous", key.previous_selector, key.previous_public_key, bits, 0.0, False, "rsa"))
        if second is not None:
            is_used = is_signed and second.is_seen and self._with_ed25519
            rows.append(
                ("second", second.selector, second.public_key, 256, second.created_at, is_used, "ed25519")
            )
        verdicts = await asyncio.gather(
            *(
                check_key(self._resolver, selector, key.domain, public, kind=kind)
                for _, selector, public, _, _, _, kind in rows
            )
        )
        return [
            KeyView(
                role=role,
                selector=selector,
                bits=bits,
                is_ed25519=kind == "ed25519",
                made_at=made_at or None,
                is_used=is_used,
                verdict=verdict,
            )
            for (role, selector, _, bits, made_at, is_used, kind), verdict in zip(rows, verdicts, strict=True)
        ]

    async def _mail_from(self, chosen: MailFrom | None, name: str) -> list[CheckedRecord]:
        if chosen is None:
            return []
        records = mail_from_records(chosen, self._names)
        mechanism = self._names.mail_from_spf
        return await check_records(self._resolver, records, domain_of(name), mechanism=mechanism)

    async def _dmarc(self, name: str) -> DmarcPolicy | None:
        try:
            return await dmarc_policy(self._resolver, domain_of(name))
        except DnsFailure:
            return None


async def _stored(store_tx: Transaction, account_id: str, region: str, name: str) -> _Stored | None:
    """What is stored of an identity; the keys are those of its own that count."""
    tx = cast(Transaction, CachedReads(store_tx))
    due = await identity_checks.of(tx, account_id, region, name)
    if due is None:
        return None
    identity = due.identity
    covering = identity_candidates(name) if "@" in name else (name, *parents(name))
    signing = await signing_domain(tx, account_id, region, covering)
    is_easy = identity.dkim_origin is DkimOrigin.AWS_SES
    return _Stored(
        due=due,
        signing=signing,
        key=await dkim_keys.get(tx, *identity.key),
        next_key=await dkim_keys.get_next(tx, *identity.key),
        second=await dkim_keys.get_ed25519(tx, *identity.key) if is_easy else None,
        mail_from=await mail_from.get_due(tx, *identity.key),
    )


def _ends_at(status: VerificationStatus, started_at: float | None) -> float | None:
    """When waiting for records ends."""
    return started_at + DNS_WAIT_S if status in _WAITS and started_at is not None else None


def _alignment(asked: DmarcPolicy, name: str, *, is_strict: bool) -> Alignment:
    return Alignment(
        name=name,
        relaxed=bool(name) and asked.aligned(name, is_strict=False),
        strict=bool(name) and asked.aligned(name, is_strict=True),
        is_strict=is_strict,
    )
