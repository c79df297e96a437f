"""What an account sends as others: the identities of other accounts in its own newest decisions.

INVARIANT (I9): nothing here comes from the owners: not whether an identity is there, not what its policies say. A send
that was tried is shown as it came out, and no more.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sesame.access.permission import Authorizer
from sesame.db import Store, Transaction
from sesame.model import Caller
from sesame.operations.decided import DECIDED, SENDERS, DecidedCheck
from sesame.operations.messages import ACTION
from sesame.spool import listing
from sesame.spool.listing import Use

LOOKED_AT = 1_000
MOST_ADDRESSES = 6


@dataclass(slots=True, kw_only=True)
class Lent:
    """One identity of another account, by what was sent as it. `last` is the newest send, by id."""

    arn: str
    owner: str
    name: str
    last: str
    last_at: float
    last_accepted: bool
    accepted: int = 0
    refused: int = 0
    accepted_as: list[str] = field(default_factory=list)
    """From addresses, the newest first."""
    refused_as: list[str] = field(default_factory=list)
    other_uses: list[str] = field(default_factory=list)
    """What else it was used as than From: Source, Return-Path, Sender."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LentPage:
    """By the newest use; `is_whole` says that all decisions were looked at."""

    identities: tuple[Lent, ...]
    is_whole: bool


class LentIdentities:
    """Reads; the caller needs the leave to read messages."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    async def of(self, caller: Caller) -> LentPage:
        """Those of the caller's account in its region."""
        await self._authorizer.require(caller, ACTION)
        account_id = caller.principal.account_id

        async def run(tx: Transaction) -> LentPage:
            keys = await listing.keys(tx, account_id, after=None, limit=LOOKED_AT, as_owner=False)
            found: dict[str, Lent] = {}
            read: dict[str, tuple[DecidedCheck, ...]] = {}
            for use in await listing.uses(tx, keys, region=caller.region):
                if use.decision not in read:
                    read[use.decision] = _of_others(use.decision, account_id)
                _count(found, use, read[use.decision])
            return LentPage(identities=tuple(found.values()), is_whole=len(keys) < LOOKED_AT)

        return await self._store.read(run)


def _of_others(decision: str, account_id: str) -> tuple[DecidedCheck, ...]:
    """The identities of others that a send was to be sent as, by any of its addresses."""
    checks = DECIDED.decode(decision).checks
    return tuple(
        one
        for one in checks
        if one.owner != account_id and ":identity/" in one.arn and not SENDERS.isdisjoint(one.uses)
    )


def _count(found: dict[str, Lent], use: Use, checks: Iterable[DecidedCheck]) -> None:
    accepted = use.key.is_message
    for check in checks:
        lent = found.setdefault(
            check.arn,
            Lent(
                arn=check.arn,
                owner=check.owner,
                name=check.arn.partition(":identity/")[2],
                last=use.id,
                last_at=use.key.at,
                last_accepted=accepted,
            ),
        )
        lent.accepted += accepted
        lent.refused += not accepted
        if "From" in check.uses:
            for address in check.addresses:
                _note(lent.accepted_as if accepted else lent.refused_as, address)
        else:
            for name in check.uses:
                _note(lent.other_uses, name)


def _note(addresses: list[str], address: str) -> None:
    if address not in addresses and len(addresses) < MOST_ADDRESSES:
        addresses.append(address)
