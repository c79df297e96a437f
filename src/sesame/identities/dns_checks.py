"""Looks for the DNS records of identities and settles their states, at first and from time to time.

What was never found fails after 72 hours. What was there and is gone becomes TemporaryFailure, and
fails after another 72 hours. DNS that cannot say settles nothing. Sources: SES developer guide,
"Creating identities", "Using a custom MAIL FROM domain"; docs/quirks.md for what they leave open.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sesame.access.changes import Acts
from sesame.db import Store, Transaction
from sesame.errors import Unavailable
from sesame.identities.dkim_keys import promoted
from sesame.identities.dns_lookups import NO_RECORD, THERE, DnsResolver, Finding, Lookups
from sesame.identities.dns_records import Names, Published, Record, identity_records
from sesame.model import DkimOrigin, Identity, IdentityKind, VerificationStatus
from sesame.observe import Clock, Log
from sesame.store import development, dkim_keys, identities, identity_checks, mail_from
from sesame.store.mail_from import DueMailFrom
from sesame.store.sealed import Sealer

DNS_WAIT_S = 72 * 3600
ADDRESS_WAIT_S = 24 * 3600
A_PASS = 1_000
"""Identities looked up in one pass at most; the others come in the next."""
AT_ONCE = 8
"""Look-ups under way at a time."""

Status = VerificationStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settled:
    """What a look-up of a domain identity comes to."""

    verification: Status
    dkim: Status
    has_next_key: bool
    has_ed25519: bool | None
    """None: nothing new of it."""
    is_proved: bool
    error: str | None


class DnsChecks:
    """Looks up what is due. `missing` is what the resolver raises for a name that does not exist.

    With `auto_publish` (development) records go into the local zone by themselves.
    """

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        resolver: DnsResolver,
        *,
        acts: Acts,
        missing: type[Unavailable],
        names: Names,
        clock: Clock,
        log: Log,
        recheck_every_s: float,
        auto_publish: bool,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._acts = acts
        self._lookups = Lookups(resolver, missing=missing, names=names)
        self.names = names
        self._clock = clock
        self._log = log
        self._recheck_every_s = recheck_every_s
        self.auto_publish = auto_publish

    async def check_due(self) -> int:
        """Look up everything that waits, was lost or is to be looked up again; how many states changed."""
        now = self._clock.now()

        async def run(tx: Transaction) -> tuple[list[identity_checks.DueCheck], list[DueMailFrom]]:
            before = now - self._recheck_every_s
            return (
                await identity_checks.due(
                    tx, looked_up_before=before, asked_before=now - ADDRESS_WAIT_S, limit=A_PASS
                ),
                await mail_from.due_checks(tx, before=before, limit=A_PASS),
            )

        due_identities, due_mail_from = await self._store.read(run)
        places = asyncio.Semaphore(AT_ONCE)

        async def in_turn(check: Callable[[], Awaitable[bool]]) -> bool:
            async with places:
                return await check()

        checks: list[Callable[[], Awaitable[bool]]] = [
            *(partial(self._check, due) for due in due_identities),
            *(partial(self._check_mail_from, due) for due in due_mail_from),
        ]
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(in_turn(check)) for check in checks]
        return sum(task.result() for task in running)

    async def publish_and_check(self, identity: Identity) -> Identity:
        """In development, publish the records and look at once; the identity as it is then."""
        if not self.auto_publish:
            return identity
        await self.publish(identity)
        account_id, region, name = identity.account_id, identity.region, identity.name
        due, due_mail_from = await self._due(account_id, region, name)
        if due is not None and identity.kind is IdentityKind.DOMAIN:
            await self._check(due)
        if due_mail_from is not None:
            await self._check_mail_from(due_mail_from)
        return await self._store.read(lambda tx: identities.get(tx, account_id, region, name)) or identity

    async def check_now(self, account_id: str, region: str, name: str) -> bool:
        """Look up one identity and its MAIL FROM domain, due or not; whether a state changed."""
        due, due_mail_from = await self._due(account_id, region, name)
        changed = due is not None and await self._check(due)
        return (due_mail_from is not None and await self._check_mail_from(due_mail_from)) or changed

    async def _due(
        self, account_id: str, region: str, name: str
    ) -> tuple[identity_checks.DueCheck | None, DueMailFrom | None]:
        """What is to be looked up of an identity and of its MAIL FROM domain, due or not."""

        async def run(tx: Transaction) -> tuple[identity_checks.DueCheck | None, DueMailFrom | None]:
            return (
                await identity_checks.of(tx, account_id, region, name),
                await mail_from.get_due(tx, account_id, region, name),
            )

        return await self._store.read(run)

    async def records(self, identity: Identity) -> Sequence[Record]:
        """The DNS records of an identity, the operator's among them."""
        published = await self._store.read(lambda tx: _published(tx, identity))
        return identity_records(published, self.names)

    async def publish(self, identity: Identity) -> list[tuple[str, str, str]]:
        """Put the records of an identity into the local zone; what was put."""
        records = [record.triple for record in await self.records(identity)]
        # Accounts that have a domain have a token each; of all else there is one.
        shared = [record for record in records if record[0].startswith("_amazonses.")]
        single = [record for record in records if record not in shared]

        async def run(tx: Transaction) -> None:
            for name, kind, _ in single:
                await development.withdraw(tx, name, kind)
            await development.publish(tx, records)

        await self._store.write(run)
        return records

    async def _check(self, due: identity_checks.DueCheck) -> bool:
        """Look up one identity and store what changed; whether a state did."""
        identity, now = due.identity, self._clock.now()
        if identity.kind is IdentityKind.ADDRESS:
            is_over = now - due.verification_started_at > ADDRESS_WAIT_S
            return is_over and await self._fail_address(identity)
        published = await self._store.read(lambda tx: _published(tx, identity))
        if published.identity != identity:
            return False
        settled = await self._look_up(due, published, now)
        record = identity_checks.CheckRecord(
            checked_at=now, proved_at=now if settled.is_proved else None, error=settled.error
        )

        async def run(tx: Transaction) -> bool:
            if await _published(tx, identity) != published:
                return False  # changed while DNS was asked; what was found is of the past
            await identity_checks.put(tx, identity, record)
            if settled.has_next_key and published.key is not None and published.next_key is not None:
                await dkim_keys.put(tx, promoted(self._sealer, published.key, published.next_key))
            if settled.has_ed25519 is not None and published.ed25519 is not None:
                await dkim_keys.set_ed25519_seen(tx, published.ed25519, is_seen=settled.has_ed25519)
            return await _store(tx, identity, settled, now)

        states = {"verification": settled.verification.value, "dkim": settled.dkim.value}
        if not await self._found(identity.account_id, identity.region, identity.name, run, states):
            return False
        self._log.event(
            "identity_checked",
            account_id=identity.account_id,
            region=identity.region,
            identity=identity.name,
            verification=settled.verification.value,
            dkim=settled.dkim.value,
            error=settled.error,
        )
        return True

    async def _fail_address(self, identity: Identity) -> bool:
        async def run(tx: Transaction) -> bool:
            due = await identity_checks.of(tx, identity.account_id, identity.region, identity.name)
            if due is None or due.identity != identity:
                return False
            await identities.set_verification(tx, identity, Status.FAILED)
            return True

        states = {"verification": Status.FAILED.value}
        return await self._found(identity.account_id, identity.region, identity.name, run, states)

    async def _found(
        self,
        account_id: str,
        region: str,
        name: str,
        run: Callable[[Transaction], Awaitable[bool]],
        states: dict[str, str],
    ) -> bool:
        """Store what was found of an identity; whether that changes `states` of it, which the audit log records."""
        return await self._acts.apply(
            "CheckIdentity",
            account_id,
            run,
            region=region,
            parameters={"identity": name},
            response=lambda _: states,
            when=bool,
        )

    async def _look_up(self, due: identity_checks.DueCheck, published: Published, now: float) -> _Settled:
        """Ask DNS about a domain and store what follows."""
        identity, following = due.identity, published.next_key
        has_dkim = identity.dkim_status not in (Status.NOT_STARTED, Status.FAILED)
        keys = await self._lookups.dkim(published) if has_dkim else NO_RECORD
        dkim = next_status(
            identity.dkim_status, keys.is_there, started_at=due.dkim_started_at or now, now=now
        )
        proof = THERE if keys.is_there or due.vouched else await self._proof(identity, keys)
        verification = identity.verification
        if keys.is_there:
            verification = Status.SUCCESS  # the DKIM records prove the domain too
        elif not (due.vouched or (verification is Status.SUCCESS and dkim is Status.PENDING)):
            # While the owner changes to another key, its records are no loss of the domain.
            started_at = due.verification_started_at
            verification = next_status(verification, proof.is_there, started_at=started_at, now=now)
        has_next_key = False
        if following is not None and dkim is Status.SUCCESS:
            found = await self._lookups.key(following.selector, identity.name, {following.public_key})
            has_next_key = found.is_there is True
        return _Settled(
            verification=verification,
            dkim=dkim,
            has_next_key=has_next_key,
            has_ed25519=await self._ed25519(published),
            is_proved=proof.is_there is True,
            error=keys.error if has_dkim else proof.error,
        )

    async def _ed25519(self, published: Published) -> bool | None:
        """Whether the record of the Ed25519 key is there now, if that is another thing than what was known."""
        key = published.ed25519
        if key is None:
            return None
        found = await self._lookups.key(
            key.selector, published.identity.name, {key.public_key}, kind="ed25519"
        )
        return found.is_there if found.is_there is not key.is_seen else None

    async def _proof(self, identity: Identity, keys: Finding) -> Finding:
        """Whether the verification record is there, DKIM's being not; either suffices."""
        token = await self._lookups.token(identity.name, identity.verification_token)
        return token if token.is_there or keys.is_there is not None else keys

    async def _check_mail_from(self, due: DueMailFrom) -> bool:
        """Look up a MAIL FROM domain and store what changed; whether its state did."""
        now, domain = self._clock.now(), due.mail_from.domain
        finding = await self._lookups.mail_from(domain)
        status = next_status(due.mail_from.status, finding.is_there, started_at=due.started_at, now=now)

        async def run(tx: Transaction) -> bool:
            if await mail_from.get_due(tx, due.account_id, due.region, due.identity) != due:
                return False
            await mail_from.note_checked(tx, due, at=now)
            if status is due.mail_from.status:
                return False
            await mail_from.set_status(tx, due, status, at=now)
            return True

        states = {"mailFromDomain": domain, "mailFrom": status.value}
        if not await self._found(due.account_id, due.region, due.identity, run, states):
            return False
        self._log.event(
            "mail_from_checked",
            account_id=due.account_id,
            region=due.region,
            identity=due.identity,
            domain=domain,
            status=status.value,
            error=finding.error,
        )
        return True


def next_status(status: Status, is_there: bool | None, *, started_at: float, now: float) -> Status:
    """The state after a look-up. `started_at` is when the state began to wait."""
    is_over = now - started_at > DNS_WAIT_S
    match status:
        case Status.PENDING:
            return Status.SUCCESS if is_there else Status.FAILED if is_over else status
        case Status.SUCCESS:
            return Status.TEMPORARY_FAILURE if is_there is False else status
        case Status.TEMPORARY_FAILURE:
            if is_there is not False:
                return Status.SUCCESS if is_there else status
            return Status.FAILED if is_over else status
        case _:
            return status


async def _published(tx: Transaction, identity: Identity) -> Published:
    """What the records of an identity are made from, as stored now."""
    key = (identity.account_id, identity.region, identity.name)
    return Published(
        identity=await identities.get(tx, *key) or replace(identity, verification_token=""),
        key=await dkim_keys.get(tx, *key),
        next_key=await dkim_keys.get_next(tx, *key),
        mail_from=await mail_from.get(tx, *key),
        ed25519=(
            await dkim_keys.get_ed25519(tx, *key) if identity.dkim_origin is DkimOrigin.AWS_SES else None
        ),
    )


async def _store(tx: Transaction, identity: Identity, settled: _Settled, now: float) -> bool:
    """Store the states that changed, and say whether any did; a loss begins its 72 hours now."""
    if settled.verification is not identity.verification:
        since = now if settled.verification is Status.TEMPORARY_FAILURE else None
        await identities.set_verification(tx, identity, settled.verification, restarted_at=since)
    if settled.dkim is not identity.dkim_status:
        since = now if settled.dkim is Status.TEMPORARY_FAILURE else None
        await identities.set_dkim(tx, identity, settled.dkim, started_at=since)
    before = (identity.verification, identity.dkim_status)
    has_new_keys = settled.has_next_key or settled.has_ed25519 is not None
    return has_new_keys or before != (settled.verification, settled.dkim)
