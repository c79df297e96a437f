"""Who sent as an identity: accepted and refused sends of all senders, as its owner may see them.

A send is of an identity if one of its addresses rested on it, From or another. The owner reads who sent, as what, when
and how it came out; subjects, tags and the senders' own policies are theirs (I9). What is looked at is bounded, and
that is said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sesame.access.identity_names import normal_name
from sesame.access.permission import Authorizer
from sesame.aws.arn import identity_arn
from sesame.db import Store, Transaction
from sesame.errors import AccessDenied
from sesame.identities.policies import IdentityMissing
from sesame.model import Caller
from sesame.operations.decided import DECIDED, SENDERS, Decided
from sesame.operations.messages import ACTION, PAGE, Listed, listed_for
from sesame.operations.sender_reputation import ACTION as COUNTS
from sesame.spool import listing
from sesame.spool.listing import Key, Use
from sesame.store import hourly, identities, identity_tallies
from sesame.store.hourly import Hours
from sesame.store.tallies import Counts

HOURS = 48
LOOKED_AT = 1_200
"""Entries of the account's that are looked at for a page."""
MOST_SENDERS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SendsFilter:
    """Which sends are wanted. `outcome` is `accepted`, `refused`, a state of recipients, or empty for all."""

    outcome: str = ""
    sender: str = ""
    """A whole account id, or part of a principal's ARN or name."""
    source: str = ""
    """Part of the From address."""

    @property
    def state(self) -> str:
        """The state of recipients that is wanted, "" for any."""
        return "" if self.outcome in ("accepted", "refused") else self.outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One send, and the addresses that rested on the identity, with what each was."""

    listed: Listed
    addresses: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SendsPage:
    """Part of the list; `next` says where to go on, `looked_at` how many entries were looked at for it.

    `senders` are the accounts that sent as the identity since a time, those that sent most first: `more_senders` of
    them are left out. Without the permission for counts they are none, and `refused` says why.
    """

    entries: tuple[Sent, ...]
    next: Key | None
    looked_at: int
    last: Key | None
    """Where nothing was found and the list goes on: behind which key mail was sent next with the identity as From."""
    senders: tuple[tuple[str, Counts], ...]
    more_senders: int
    refused: str
    hours: Hours | None
    """What was sent as it in the last `HOURS`, of the first page with the permission for counts."""


class IdentitySends:
    """Reads; the caller needs the leave to read messages."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    async def page(
        self,
        caller: Caller,
        name: str,
        wanted: SendsFilter,
        after: Key | None,
        *,
        since: float | None = None,
        limit: int = PAGE,
    ) -> SendsPage:
        """The newest sends as the caller's identity after `after`; counts, by hour too, if `since` is given.

        Raises `AccessDenied` and `IdentityMissing`.
        """
        denied, refused = await self._authorizer.refusals(caller, [(ACTION, "*"), (COUNTS, "*")])
        if denied is not None:
            raise AccessDenied(denied)
        stored, account_id, region = normal_name(name), caller.principal.account_id, caller.region
        arn = identity_arn(region, account_id, stored)

        async def run(tx: Transaction) -> SendsPage | None:
            if await identities.get(tx, account_id, region, stored) is None:
                return None
            counts: Sequence[tuple[str, Counts]] = ()
            hours: Hours | None = None
            if refused is None and since is not None:
                counts = await identity_tallies.by_delegate(
                    tx, account_id, stored, since=since, region=region
                )
                hours = await hourly.of_identity(tx, account_id, region, stored, now=caller.at, count=HOURS)
            senders = sorted((one for one in counts if one[1].sends), key=lambda one: (-one[1].sends, one[0]))
            found = await _found(tx, caller, arn, wanted, after, limit)
            entries = await listing.entries(tx, account_id, list(found.kept), known=found.texts)
            addresses = await listing.recipients(tx, [one.seq for one in entries if one.is_message])
            return SendsPage(
                entries=tuple(
                    Sent(listed=listed_for(one, account_id, addresses), addresses=found.kept[one.key])
                    for one in entries
                ),
                next=found.next,
                looked_at=found.looked_at,
                last=await _last(tx, account_id, region, stored, found),
                senders=tuple(senders[:MOST_SENDERS]),
                more_senders=max(0, len(senders) - MOST_SENDERS),
                refused=refused or "",
                hours=hours,
            )

        page = await self._store.read(run)
        if page is None:
            raise IdentityMissing(stored)
        return page


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What is wanted, with the addresses that rested on the identity; and the texts of decisions that were read."""

    kept: Mapping[Key, tuple[tuple[str, str], ...]]
    next: Key | None
    looked_at: int
    texts: Mapping[bytes, str]


async def _last(tx: Transaction, owner: str, region: str, name: str, found: _Found) -> Key | None:
    """The end of the day on which the identity was From next, beyond what was looked at for nothing."""
    if found.kept or found.next is None:
        return None
    at = await identity_tallies.last_day_of(tx, owner, region, name, before=found.next.at)
    return None if at is None else Key(at=at, is_message=False, seq=0)


async def _found(
    tx: Transaction, caller: Caller, arn: str, wanted: SendsFilter, after: Key | None, limit: int
) -> _Found:
    """What is wanted behind a key, `limit` at most, of so many entries as are looked at for a page."""
    account_id, size = caller.principal.account_id, max(LOOKED_AT, limit + 1)
    keys = await listing.keys(
        tx,
        account_id,
        after=after,
        limit=size,
        messages=wanted.outcome != "refused",
        refusals=wanted.outcome in ("", "refused"),
    )
    fit: Sequence[Key] = keys
    if wanted.state:
        states = await listing.sources(
            tx, account_id, keys, region=caller.region, state=wanted.state, is_lent=False
        )
        fit = [key for key in keys if key in states]
    kept: dict[Key, tuple[tuple[str, str], ...]] = {}
    read: dict[str, Decided] = {}
    more = keys[-1] if len(keys) == size else None
    uses = await listing.uses(tx, fit, region=caller.region)
    for use in uses:
        if use.decision not in read:
            read[use.decision] = DECIDED.decode(use.decision)
        if addresses := _wanted(use, read[use.decision], account_id, arn, wanted):
            if len(kept) == limit:
                more = list(kept)[-1]
                break
            kept[use.key] = addresses
    texts = {use.digest: use.decision for use in uses if use.digest is not None and use.key in kept}
    return _Found(kept=kept, next=more, looked_at=len(keys), texts=texts)


def _wanted(
    use: Use, decision: Decided, owner: str, arn: str, wanted: SendsFilter
) -> tuple[tuple[str, str], ...]:
    """The addresses of a send that rested on the identity, each with what it was; none if it is not wanted."""
    theirs = [one for one in decision.checks if one.owner == owner and not SENDERS.isdisjoint(one.uses)]
    was: dict[str, list[str]] = {}
    for check in theirs:
        for what, address in zip(check.uses, check.addresses, strict=False) if check.arn == arn else ():
            was.setdefault(address, []).append(what)
    if wanted.sender and wanted.sender != use.account_id:
        is_account = wanted.sender.isdecimal() and len(wanted.sender) == 12
        if is_account or wanted.sender.lower() not in decision.principal.lower():
            return ()
    if wanted.source and not any(
        "From" in one.uses and any(wanted.source.lower() in address.lower() for address in one.addresses)
        for one in theirs
    ):
        return ()
    return tuple((" and ".join(dict.fromkeys(uses)), address) for address, uses in was.items())
