"""Verification of identities: start it, look for the DNS records or the click, settle it.

A domain is verified by the TXT record `_amazonses.<domain>` or by its DKIM records, an address by a
mailed link. Waits end after 72 and 24 hours. Source: SES developer guide, "Creating identities".
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Protocol

from sesame.errors import Unavailable
from sesame.mail.dkim import dns_record, generate_key
from sesame.model import AccountId, Identity, IdentityKind, VerificationStatus
from sesame.observe import Clock, Log
from sesame.sending.system import SystemMail
from sesame.store import development, identities
from sesame.store.db import Store, Transaction
from sesame.store.sealed import Sealer

DOMAIN_WAIT_S = 72 * 3600
ADDRESS_WAIT_S = 24 * 3600
DKIM_TOKENS = 3
DKIM_BITS = 2048

Status = VerificationStatus


class TxtResolver(Protocol):
    """The one look-up that verification needs."""

    async def txt(self, name: str) -> list[str]:
        """TXT records with CNAMEs followed; raises `Unavailable` when DNS could not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names that identity owners publish or follow."""

    dkim_zone: str
    public_url: str


class Verification:
    """Starts and settles verifications.

    `auto_publish` is for the development profile: records go into the local zone by themselves and
    are looked up before the operation answers.
    """

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        resolver: TxtResolver,
        mail: SystemMail,
        *,
        names: Names,
        clock: Clock,
        log: Log,
        executor: Executor,
        new_token: Callable[[], str],
        new_dkim_token: Callable[[], str],
        auto_publish: bool,
        accepted: Callable[[], None],
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._resolver = resolver
        self._mail = mail
        self._names = names
        self._clock = clock
        self._log = log
        self._executor = executor
        self._new_token = new_token
        self._new_dkim_token = new_dkim_token
        self._auto_publish = auto_publish
        self._accepted = accepted

    async def start_domain(self, account_id: str, region: str, domain: str) -> Identity:
        """Find or add a domain identity; a failed one waits anew."""
        now = self._clock.now()

        async def run(tx: Transaction) -> Identity:
            found = await identities.get(tx, account_id, region, domain)
            if found is None:
                found = self._new_identity(account_id, region, domain, IdentityKind.DOMAIN, now)
                await identities.create(tx, found)
            elif found.verification in (Status.FAILED, Status.NOT_STARTED):
                found = await identities.set_verification(tx, found, Status.PENDING, restarted_at=now)
            return found

        return await self._published(await self._store.write(run))

    async def start_dkim(
        self, account_id: str, region: str, domain: str, *, bits: int = DKIM_BITS
    ) -> Identity:
        """Find or add a domain identity and its Easy DKIM key; tokens stay what they are.

        `bits` is the length of the key if one must be made.
        """
        await self._ensure_dkim_key(account_id, region, domain, bits)
        now = self._clock.now()

        async def run(tx: Transaction) -> Identity:
            found = await identities.get(tx, account_id, region, domain)
            assert found is not None, "the key was made together with its identity"
            if found.dkim_status in (Status.FAILED, Status.NOT_STARTED):
                found = await identities.set_dkim(tx, found, Status.PENDING, started_at=now)
            return found

        return await self._published(await self._store.write(run))

    async def start_address(self, account_id: str, region: str, address: str) -> Identity:
        """Find or add an address identity and mail it a fresh link; a verified one stays verified."""
        now, token = self._clock.now(), self._new_token()

        async def run(tx: Transaction) -> Identity:
            found = await identities.get(tx, account_id, region, address)
            if found is None:
                found = self._new_identity(account_id, region, address, IdentityKind.ADDRESS, now)
                await identities.create(tx, found)
            status = Status.SUCCESS if found.verification is Status.SUCCESS else Status.PENDING
            found = await identities.set_verification(tx, found, status, token=token, restarted_at=now)
            await self._mail.put(
                tx,
                to=address,
                subject=f"Email Address Verification Request in region {region}",
                text=_VERIFICATION_TEXT.format(
                    address=address, account_id=account_id, region=region, link=self._link(token)
                ),
                region=region,
                at=now,
            )
            return found

        identity = await self._store.write(run)
        self._accepted()
        return identity

    async def vouch(self, account_id: str, region: str, name: str, kind: IdentityKind) -> Identity:
        """The operator's word in place of DNS or a click: add the identity if need be, verified."""
        now = self._clock.now()

        async def run(tx: Transaction) -> Identity:
            found = await identities.get(tx, account_id, region, name)
            if found is None:
                found = self._new_identity(account_id, region, name, kind, now)
                await identities.create(tx, found)
            return await identities.set_verification(tx, found, Status.SUCCESS, vouched=True)

        identity = await self._store.write(run)
        if self._auto_publish and kind is IdentityKind.DOMAIN:
            identity = await self.start_dkim(account_id, region, name)
        return identity

    async def confirm(self, token: str) -> str | None:
        """Redeem a mailed link: the address it verified, or None when it is not or no longer good."""
        now = self._clock.now()

        async def run(tx: Transaction) -> str | None:
            found = await identities.get_by_token(tx, token)
            if found is None:
                return None
            identity, started_at = found
            if identity.verification is Status.SUCCESS:
                return identity.name
            if identity.verification is not Status.PENDING or now - started_at > ADDRESS_WAIT_S:
                return None
            await identities.set_verification(tx, identity, Status.SUCCESS)
            return identity.name

        return await self._store.write(run) if token else None

    async def check_pending(self) -> int:
        """Look up every identity that waits; how many changed."""
        waiting = await self._store.read(identities.pending)
        changed = 0
        for check in waiting:
            changed += await self._check(check)
        return changed

    async def records(self, identity: Identity) -> list[tuple[str, str, str]]:
        """The DNS records of a domain identity as (name, kind, value): the owner's, then our zone's."""

        async def run(tx: Transaction) -> identities.DkimKey | None:
            return await identities.get_dkim_key(tx, identity.account_id, identity.region, identity.name)

        records = [(f"_amazonses.{identity.name}", "TXT", identity.verification_token)]
        key = await self._store.read(run)
        if key is not None:
            for token in identity.dkim_tokens:
                target = f"{token}.{self._names.dkim_zone}"
                records.append((f"{token}._domainkey.{identity.name}", "CNAME", target))
                records.append((target, "TXT", dns_record(key.public_key)))
        return records

    async def publish(self, identity: Identity) -> list[tuple[str, str, str]]:
        """Put the records of a domain identity into the local zone; what was put."""
        records = await self.records(identity)

        async def run(tx: Transaction) -> None:
            await development.publish(tx, records)

        await self._store.write(run)
        return records

    def _new_identity(
        self, account_id: str, region: str, name: str, kind: IdentityKind, now: float
    ) -> Identity:
        return Identity(
            account_id=AccountId(account_id),
            region=region,
            name=name,
            kind=kind,
            verification=Status.PENDING,
            verification_token=self._new_token(),
            created_at=now,
            dkim_enabled=True,
            dkim_status=Status.NOT_STARTED,
            dkim_tokens=(),
        )

    async def _ensure_dkim_key(self, account_id: str, region: str, domain: str, bits: int) -> None:
        """Make the domain's key pair if it has none; RSA takes a while and runs on the executor."""

        async def has_key(tx: Transaction) -> bool:
            return await identities.get_dkim_key(tx, account_id, region, domain) is not None

        if await self._store.read(has_key):
            return
        private_key, public_key = await asyncio.get_running_loop().run_in_executor(
            self._executor, generate_key, bits
        )
        tokens = tuple(self._new_dkim_token() for _ in range(DKIM_TOKENS))
        now = self._clock.now()

        async def run(tx: Transaction) -> None:
            if await has_key(tx):
                return  # another request was first; its key stands
            found = await identities.get(tx, account_id, region, domain)
            if found is None:
                found = self._new_identity(account_id, region, domain, IdentityKind.DOMAIN, now)
                await identities.create(tx, found)
            key = identities.DkimKey(
                account_id=account_id,
                region=region,
                domain=domain,
                selector=tokens[0],
                sealed_private_key=b"",
                public_key=public_key,
                created_at=now,
            )
            sealed = self._sealer.seal(private_key, row=key.row_name)
            await identities.put_dkim_key(tx, replace(key, sealed_private_key=sealed))
            await identities.set_dkim(tx, found, Status.PENDING, tokens=tokens, started_at=now)

        await self._store.write(run)

    async def _published(self, identity: Identity) -> Identity:
        """In the development profile: publish at once and look at once."""
        if not self._auto_publish:
            return identity
        await self.publish(identity)
        await self._check(
            identities.PendingCheck(
                identity=identity,
                verification_started_at=identity.created_at,
                dkim_started_at=self._clock.now(),
            )
        )

        async def run(tx: Transaction) -> Identity | None:
            return await identities.get(tx, identity.account_id, identity.region, identity.name)

        return await self._store.read(run) or identity

    async def _check(self, check: identities.PendingCheck) -> bool:
        """Look up one identity's records and store what changed; whether anything did."""
        identity, now = check.identity, self._clock.now()
        verification, dkim = identity.verification, identity.dkim_status
        if identity.kind is IdentityKind.DOMAIN:
            if dkim is Status.PENDING and await self._has_dkim_records(identity):
                dkim = verification = Status.SUCCESS
            if verification is Status.PENDING and await self._has_token(identity):
                verification = Status.SUCCESS
        wait = DOMAIN_WAIT_S if identity.kind is IdentityKind.DOMAIN else ADDRESS_WAIT_S
        if verification is Status.PENDING and now - check.verification_started_at > wait:
            verification = Status.FAILED
        if dkim is Status.PENDING and now - (check.dkim_started_at or now) > DOMAIN_WAIT_S:
            dkim = Status.FAILED
        if (verification, dkim) == (identity.verification, identity.dkim_status):
            return False

        async def run(tx: Transaction) -> None:
            if verification is not identity.verification:
                await identities.set_verification(tx, identity, verification)
            if dkim is not identity.dkim_status:
                await identities.set_dkim(tx, identity, dkim)

        await self._store.write(run)
        self._log.event(
            "identity_checked",
            account_id=identity.account_id,
            region=identity.region,
            identity=identity.name,
            verification=verification.value,
            dkim=dkim.value,
        )
        return True

    async def _has_token(self, identity: Identity) -> bool:
        return identity.verification_token in await self._txt(f"_amazonses.{identity.name}")

    async def _has_dkim_records(self, identity: Identity) -> bool:
        """Whether all tokens lead to our public key, by CNAME or as TXT of the owner's own."""
        zone = {name: value for name, kind, value in await self.records(identity) if kind == "TXT"}
        for token in identity.dkim_tokens:
            published = await self._txt(f"{token}._domainkey.{identity.name}")
            if zone[f"{token}.{self._names.dkim_zone}"] not in published:
                return False
        return bool(identity.dkim_tokens)

    async def _txt(self, name: str) -> list[str]:
        try:
            return await self._resolver.txt(name)
        except Unavailable:
            return []

    def _link(self, token: str) -> str:
        return f"{self._names.public_url}/verify?token={token}"


_VERIFICATION_TEXT = """\
Dear Sesame customer,

We have received a request to authorize this email address for use with Sesame in region {region}, by
the account {account_id}. If you requested this verification, please go to the following URL to confirm
that you are authorized to use this email address:

{link}

The link is good for 24 hours. If you did NOT request to verify {address}, do not follow it; nothing
will be sent in your name.
"""
