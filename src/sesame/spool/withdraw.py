"""What is queued and may not be delivered any more, or not now: cancelled or held, with its event."""

from collections.abc import Mapping
from enum import Enum

from sesame.db import Transaction, epochs_of
from sesame.spool.control import cancel
from sesame.spool.hold import hold
from sesame.spool.settle import Claim

NOT_UNDERSTOOD = (
    "what allowed it has changed, and what is there now cannot be understood; released, it is decided again"
)
"""Why a recipient is held that is neither allowed nor refused."""


class Withdrawal(Enum):
    """What came of it."""

    DONE = "done"
    STALE = "stale"
    """What was decided on has changed again: decide again."""
    LOST = "lost"
    """The claim is not the last one any more."""


async def withdraw(
    tx: Transaction, claim: Claim, epochs: Mapping[str, int], *, reason: str, is_final: bool, at: float
) -> Withdrawal:
    """Cancel a claimed recipient, or hold it when that is not final; no attempt is counted.

    Only while `epochs`, which that was decided on, are the current ones: so what a pause holds is held before the
    pause ends, and whoever ends it finds it.
    """
    scopes = sorted(epochs)
    await tx.lock(scopes, shared=True)
    current = await epochs_of(tx, scopes)
    if any(current.get(scope, 0) != epochs[scope] for scope in scopes):
        return Withdrawal.STALE
    seq = claim.recipient_seq
    row = await tx.one("SELECT token FROM queue WHERE seq = ? AND hold IS NULL", seq)
    if row is None or row[0] != claim.token:
        return Withdrawal.LOST
    await tx.execute("UPDATE queue SET attempts = attempts - 1 WHERE seq = ?", seq)
    if is_final:
        await cancel(tx, [seq], at, reason)
    else:
        await hold(tx, [seq], reason, at=at)
    return Withdrawal.DONE
