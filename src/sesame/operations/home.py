"""How an account stands in a region, for its first page: quota, counts by hour, what is in trouble, what comes next.

One look at the store and one at the permissions. Without `ses:GetAccount` nothing is seen; every other part says which
permission it takes. Policies are read up to a bound, with the leave for each identity; they are judged elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sesame.access import quota
from sesame.access.permission import Authorizer
from sesame.aws.arn import identity_arn
from sesame.db import Store, Transaction
from sesame.errors import AccessDenied, InternalFailure
from sesame.model import Caller, Identity
from sesame.observe import Clock
from sesame.operations.people import Part
from sesame.operations.policy_editing import READ
from sesame.operations.sender_reputation import ACTION as COUNTS
from sesame.store import accounts, decisions, identities, identity_policies, tallies
from sesame.store.accounts import AccountStatus, RegionState

ACTION, LIST = "ses:GetAccount", "ses:ListEmailIdentities"
HOURS, HOUR_S = 48, 3_600
MOST_IDENTITIES, MOST_IN_TROUBLE, MOST_POLICIES = 10_001, 50, 50


@dataclass(slots=True, kw_only=True)
class Hour:
    """What happened in an hour that began `at`: recipients accepted and bounced for good, sends refused."""

    at: float
    accepted: int = 0
    bounced: int = 0
    refused: int = 0
    refused_of_others: int = 0
    """Sends that others tried as identities of the account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Identities whose records are lost or did not come, and those that wait; `more` says that not all are here."""

    lost: tuple[Identity, ...]
    waiting: tuple[Identity, ...]
    more: bool
    by_region: Mapping[str, int]
    """How many identities there are in each region, none of them counted beyond `MOST_IDENTITIES`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What the page shows."""

    state: RegionState
    status: AccountStatus
    hours: Part[Hour]
    """The last `HOURS`, oldest first."""
    trouble: Trouble | None
    """None without the permission for it (`LIST`)."""
    policies: tuple[tuple[str, str, str], ...]
    """Identity, name and text of those that may be read."""
    policies_refused: str
    """Why some may not be read, or empty."""
    more_policies: bool

    @property
    def last_day(self) -> Hour:
        """The sums of the last 24 hours."""
        hours = self.hours.items[-24:]
        return Hour(
            at=hours[0].at if hours else 0.0,
            accepted=sum(one.accepted for one in hours),
            bounced=sum(one.bounced for one in hours),
            refused=sum(one.refused for one in hours),
            refused_of_others=sum(one.refused_of_others for one in hours),
        )


class Homes:
    """Reads; each call checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer, *, clock: Clock) -> None:
        self._store = store
        self._authorizer = authorizer
        self._clock = clock

    async def of(self, caller: Caller) -> Home:
        """The caller's account in the caller's region. Raises `AccessDenied`."""
        account_id, region, now = caller.principal.account_id, caller.region, self._clock.now()
        texts = await self._store.read(
            lambda tx: identity_policies.first(tx, account_id, region, limit=MOST_POLICIES + 1)
        )
        more, texts = len(texts) > MOST_POLICIES, texts[:MOST_POLICIES]
        names = list(dict.fromkeys(identity for identity, _, _ in texts))
        seen, counted, listed, *read = await self._authorizer.refusals(
            caller,
            [
                (ACTION, "*"),
                (COUNTS, "*"),
                (LIST, "*"),
                *((READ, identity_arn(region, account_id, name)) for name in names),
            ],
        )
        if seen is not None:
            raise AccessDenied(seen)
        refused = {name: refusal for name, refusal in zip(names, read, strict=True) if refusal is not None}

        async def run(tx: Transaction) -> Home:
            state = await quota.current_state(tx, (account_id, region), now=now)
            if state is None:
                raise InternalFailure
            return Home(
                state=state,
                status=await accounts.status(tx, account_id, region),
                hours=Part(refused=counted)
                if counted is not None
                else Part(items=tuple(await _hours(tx, account_id, region, now=now))),
                trouble=None if listed is not None else await _trouble(tx, account_id, region),
                policies=tuple(one for one in texts if one[0] not in refused),
                policies_refused=next(iter(refused.values()), ""),
                more_policies=more,
            )

        return await self._store.read(run)


async def _trouble(tx: Transaction, account_id: str, region: str) -> Trouble:
    lost, waiting = await identities.in_trouble(tx, account_id, region, limit=MOST_IN_TROUBLE + 1)
    return Trouble(
        lost=tuple(lost[:MOST_IN_TROUBLE]),
        waiting=tuple(waiting[:MOST_IN_TROUBLE]),
        more=max(len(lost), len(waiting)) > MOST_IN_TROUBLE,
        by_region=await identities.counts_by_region(tx, account_id, most=MOST_IDENTITIES),
    )


async def _hours(tx: Transaction, account_id: str, region: str, *, now: float) -> Sequence[Hour]:
    last = int(now // HOUR_S)
    hours = {number: Hour(at=float(number * HOUR_S)) for number in range(last - HOURS + 1, last + 1)}
    since = float((last - HOURS + 1) * HOUR_S)
    for at, counts in await tallies.by_quarter(tx, account_id, region, since=since):
        if (hour := hours.get(int(at // HOUR_S))) is not None:
            hour.accepted += counts.sends
            hour.bounced += counts.permanent_bounces
    for at, own, lent in await decisions.refused_by_quarter(tx, account_id, region, since=since):
        if (hour := hours.get(int(at // HOUR_S))) is not None:
            hour.refused += own
            hour.refused_of_others += lent
    return list(hours.values())
