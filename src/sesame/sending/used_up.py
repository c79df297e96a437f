"""What is used up of quota and caps beside what a send was refused for: it would be refused for that next.

Read, not counted: it explains a refusal and decides nothing. Of what is over in a second nothing is said.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sesame.access import bounds as bounds_rules
from sesame.access import quota
from sesame.access.sends import SendDecision
from sesame.db import Transaction
from sesame.errors import Throttling
from sesame.store import delegate_bounds
from sesame.store.accounts import Place
from sesame.store.delegate_bounds import Amount


async def used_up(
    tx: Transaction, place: Place, decision: SendDecision, amount: Amount, *, to_quota: int, at: float
) -> Mapping[str, Any]:
    """The caps of a day that a message is too much for, as `access.bounds.reached` says them, and as `own` how many
    recipients the quota of the account of `place` has no room for; nothing where there is room."""
    state = await quota.current_state(tx, place, now=at)
    is_own = (
        state is not None
        and state.max_24_hour_send != quota.UNLIMITED
        and bool(to_quota)
        and state.used.sent_last_24_hours + to_quota > state.max_24_hour_send
    )
    refused = []
    counted = {one.seq: replace(one, messages_per_second=None) for one in decision.counted_bounds}
    uses = await delegate_bounds.uses(tx, sorted(counted))
    until = quota.last_expired(at)
    for seq, use in uses.items():
        if use.oldest_minute is not None and use.oldest_minute <= until:
            gone = await delegate_bounds.used_until(tx, seq, until=until)
            use = replace(use, day=use.day.minus(gone))
        try:
            bounds_rules.charge(counted[seq], use, amount, at=at)
        except Throttling as refusal:
            refused.append(refusal)
    facts = bounds_rules.reached(refused)
    return {**facts, "own": to_quota} if is_own else facts
