"""The DNS records of an identity with a verdict for each: what SES's console has one status for."""

from dataclasses import dataclass

from sesame.access.permission import Authorizer
from sesame.aws.arn import identity_arn
from sesame.db import Store, Transaction
from sesame.dns import Resolver
from sesame.identities.dns_checks import DNS_WAIT_S, DnsChecks
from sesame.identities.dns_records import OPERATOR
from sesame.identities.policies import IdentityMissing
from sesame.identities.record_verdicts import CheckedRecord, Verdict, check_records, doubled_name
from sesame.mail.address import domain_of
from sesame.model import Caller, Identity, IdentityKind, VerificationStatus
from sesame.store import identities, identity_checks


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRecordsView:
    """An identity's records; `ends_at` is when waiting for them ends, None when nothing waits."""

    identity: Identity
    records: tuple[CheckedRecord, ...]
    by_operator: int
    """How many records the operator publishes."""
    ends_at: float | None

    @property
    def is_complete(self) -> bool:
        """Whether every record is right."""
        return all(record.verdict is Verdict.RIGHT for record in self.records)


class IdentityRecords:
    """Looks them up; the caller needs the leave to read the identity."""

    def __init__(self, store: Store, authorizer: Authorizer, checks: DnsChecks, resolver: Resolver) -> None:
        self._store = store
        self._authorizer = authorizer
        self._checks = checks
        self._resolver = resolver

    async def of(self, caller: Caller, name: str) -> IdentityRecordsView:
        """The records of the caller's identity of that name. Raises `IdentityMissing`."""
        account_id, region = caller.principal.account_id, caller.region
        await self._authorizer.require(caller, "ses:GetEmailIdentity", identity_arn(region, account_id, name))

        async def run(tx: Transaction) -> identity_checks.DueCheck | None:
            return await identity_checks.of(tx, account_id, region, name)

        due = await self._store.read(run)
        if due is None:
            raise IdentityMissing(name)
        identity = due.identity
        records = list(await self._checks.records(identity))
        checked = await check_records(
            self._resolver, records, domain_of(name), mechanism=self._checks.names.mail_from_spf
        )
        waits = identity.kind is IdentityKind.DOMAIN and identity.verification in (
            VerificationStatus.PENDING,
            VerificationStatus.TEMPORARY_FAILURE,
        )
        return IdentityRecordsView(
            identity=identity,
            records=tuple(checked),
            by_operator=sum(record.publisher == OPERATOR for record in records),
            ends_at=due.verification_started_at + DNS_WAIT_S if waits else None,
        )

    async def check_now(self, caller: Caller, name: str) -> None:
        """Ask DNS about the identity now, whatever is kept of it, and settle what follows."""
        account_id, region = caller.principal.account_id, caller.region
        await self._authorizer.require(caller, "ses:GetEmailIdentity", identity_arn(region, account_id, name))
        identity = await self._store.read(lambda tx: identities.get(tx, account_id, region, name))
        if identity is None:
            return
        records = await self._checks.records(identity)
        self._resolver.forget(one.name for one in records)
        self._resolver.forget(doubled_name(one, domain_of(name)) for one in records)
        await self._checks.check_now(account_id, region, name)
