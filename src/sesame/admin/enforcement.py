"""The operator's word on accounts that hurt others: pausing one, and taking back what the service decided by rates."""

from sesame.access.changes import Actor, Acts
from sesame.admin.accounts import OperatorError
from sesame.db import Transaction
from sesame.observe import Clock
from sesame.store import accounts, enforcement
from sesame.store.enforcement import Change, Enforcement
from sesame.store.tallies import quarter_of


class EnforcementDesk:
    """Changes verdicts, each with its record; a running server follows at once."""

    def __init__(self, acts: Acts, *, clock: Clock) -> None:
        self._acts = acts
        self._clock = clock

    def by(self, actor: Actor) -> "EnforcementDesk":
        """The same for another actor."""
        return EnforcementDesk(self._acts.by(actor), clock=self._clock)

    async def set(self, account_id: str, region: str, became: Enforcement, *, reason: str) -> Change:
        """Give an account another verdict in a region. HEALTHY begins its rates anew, from the next quarter hour."""
        now = self._clock.now()

        async def run(tx: Transaction) -> Change:
            if await accounts.get(tx, account_id) is None:
                raise OperatorError(f"there is no account {account_id}")
            was = (await enforcement.state(tx, account_id, region)).enforcement
            change = Change(
                account_id=account_id,
                region=region,
                at=now,
                was=was,
                became=became,
                who="operator",
                reason=reason,
            )
            anew = quarter_of(now) + 1 if became == "HEALTHY" else None
            await enforcement.put(tx, change, rated_since=anew)
            return change

        parameters = {"became": became, "reason": reason}
        return await self._acts.apply(
            "SetEnforcementStatus", account_id, run, region=region, parameters=parameters
        )
