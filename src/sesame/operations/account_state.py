"""The account's limits, usage and switch in one region: what the account operations of v1 and v2 share."""

from sesame.access import quota
from sesame.access.changes import Permit
from sesame.db import Store, Transaction
from sesame.errors import InternalFailure
from sesame.model import Caller
from sesame.observe import Clock
from sesame.store import accounts


async def account_state(store: Store, caller: Caller, clock: Clock) -> accounts.RegionState:
    """Limits and usage now, in the region of the call."""
    now = clock.now()

    async def run(tx: Transaction) -> accounts.RegionState | None:
        return await quota.current_state(tx, (caller.principal.account_id, caller.region), now=now)

    state = await store.read(run)
    if state is None:
        raise InternalFailure
    return state


async def set_sending_enabled(permit: Permit, *, enabled: bool) -> None:
    """Pause or resume the account's sending in the region of the call."""

    caller = permit.caller

    async def run(tx: Transaction) -> None:
        await accounts.set_sending_enabled(tx, caller.principal.account_id, caller.region, enabled=enabled)

    await permit.apply(run)
