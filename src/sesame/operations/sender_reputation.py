"""How an account's mail is received, as the account sees it: rates, limits, and what counted by identity and delegate.

SES has rates in its console alone; the permission to read them is that of GetSendStatistics. Of what delegates sent as
its identities an owner sees numbers, not messages. Source: SES developer guide, "Monitoring your sender reputation".
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sesame.access.permission import Authorizer
from sesame.config.feedback import Reputation
from sesame.db import Store, Transaction
from sesame.model import Caller, Rates
from sesame.observe import Clock
from sesame.operations.messages import ACTION as READ_MESSAGES
from sesame.store import counted, enforcement, identity_tallies, tallies
from sesame.store.counted import CountedRecipient, Key
from sesame.store.enforcement import Change, EnforcementState
from sesame.store.tallies import Counts

ACTION = "ses:GetSendStatistics"
DAYS = 14
"""What lists by identity and delegate go over, and rates at the longest."""
PICTURE_DAYS = 30
DAY_S = 86_400
HOURS = 48
HOUR_S = 3_600
PAGE = 25
"""Identities, and delegates, of one page."""
LISTED = 50


Current = Callable[[Transaction, str, str, float], Awaitable[tuple[EnforcementState, Rates]]]
"""The verdict on an account in a region and its rates at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderReputation:
    """What an account sees of itself in a region."""

    enforcement_state: EnforcementState
    rates: Rates
    days: tuple[tuple[float, Counts], ...]
    """Each of the last days, oldest first, by its beginning."""
    hours: tuple[tuple[float, Counts], ...]
    """The same of the last hours."""
    identities: tuple[tuple[str, str, Counts], ...]
    """Owner, identity and what was sent as it by this account."""
    delegates: tuple[tuple[str, str, Counts], ...]
    """Identity of this account, who sent as it, and what came of it."""
    more_identities: tuple[str, str] | None
    """Behind which the next identities are (owner and name), None when these are the last."""
    more_delegates: tuple[str, str] | None
    """The same of delegates: identity and sender."""
    changes: tuple[Change, ...]


class Reputations:
    """Reads; each call checks the caller's IAM policies first."""

    def __init__(
        self, store: Store, authorizer: Authorizer, *, clock: Clock, current: Current, limits: Reputation
    ) -> None:
        self._store = store
        self._authorizer = authorizer
        self._clock = clock
        self._current = current
        self.limits = limits

    async def of(
        self,
        caller: Caller,
        *,
        after_identity: tuple[str, str] = ("", ""),
        after_delegate: tuple[str, str] = ("", ""),
    ) -> SenderReputation:
        """The caller's account in the caller's region; lists go on behind what is named."""
        await self._authorizer.require(caller, ACTION)
        account_id, region, now = caller.principal.account_id, caller.region, self._clock.now()
        first_day = int(now // DAY_S) - DAYS + 1
        since = float(first_day * DAY_S)

        async def run(tx: Transaction) -> SenderReputation:
            enforcement_state, rates = await self._current(tx, account_id, region, now)
            days = await tallies.daily(
                tx, account_id, region, since=since - (PICTURE_DAYS - DAYS) * DAY_S, until=now
            )
            quarters = await tallies.by_quarter(tx, account_id, region, since=now - HOURS * HOUR_S)
            changes = await enforcement.changes(tx, account_id)
            identities = await identity_tallies.by_identity(
                tx,
                identity_tallies.SENT_AS,
                account_id,
                region,
                since=since,
                after=after_identity,
                limit=PAGE + 1,
            )
            delegates = await identity_tallies.by_identity(
                tx,
                identity_tallies.OF_DELEGATES,
                account_id,
                region,
                since=since,
                after=after_delegate,
                limit=PAGE + 1,
            )
            return SenderReputation(
                enforcement_state=enforcement_state,
                rates=rates,
                days=tuple(_spans(days, int(now // DAY_S), span_s=DAY_S, count=PICTURE_DAYS)),
                hours=tuple(_spans(quarters, int(now // HOUR_S), span_s=HOUR_S, count=HOURS)),
                identities=tuple(identities[:PAGE]),
                delegates=tuple(delegates[:PAGE]),
                more_identities=identities[PAGE - 1][:2] if len(identities) > PAGE else None,
                more_delegates=delegates[PAGE - 1][:2] if len(delegates) > PAGE else None,
                changes=tuple(change for change in changes if change.region == region)[-10:],
            )

        return await self._store.read(run)

    async def counted(
        self,
        caller: Caller,
        *,
        owner: str = "",
        identity: str = "",
        delegate: str = "",
        before: Key | None = None,
    ) -> tuple[list[CountedRecipient], Key | None]:
        """The recipients that rates are made of, newest first, and behind which the next are.

        Of all that the caller's account sent; of one `identity` of `owner`; or of what `delegate` sent as an identity
        of the caller's account. It is the list of messages in another order, and takes the permission for that.
        """
        await self._authorizer.require(caller, READ_MESSAGES)
        account_id = caller.principal.account_id

        async def run(tx: Transaction) -> list[CountedRecipient]:
            return await counted.page(
                tx,
                caller.region,
                account_id=delegate or account_id,
                owner_account_id=account_id if delegate else owner,
                identity=identity,
                before=before,
                limit=LISTED + 1,
            )

        if delegate and not identity:
            return [], None
        found = await self._store.read(run)
        return found[:LISTED], found[LISTED - 1].key if len(found) > LISTED else None


def _spans(
    quarters: list[tuple[float, Counts]], last: int, *, span_s: int, count: int
) -> list[tuple[float, Counts]]:
    """The counts by spans of time, those without any among them, up to the `last` one."""
    spans = {number: Counts() for number in range(last - count + 1, last + 1)}
    for at, counts in quarters:
        span = spans.get(int(at // span_s))
        if span is not None:
            span.add(counts)
    return [(float(number * span_s), counts) for number, counts in spans.items()]
