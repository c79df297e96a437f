"""What fails before a decision: kept like a refusal, so that it is found by its request.

Bad ARNs, sets that are missing, paused accounts, log-ins, signatures, clocks. What nobody has signed in for is kept
as well, under the account of the key that was named, or under none: both cost the same (I9). No secret is kept.
A refused AssumeRole is kept for the owner of the role too, if there is one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sesame.access.causes.documents import KIND
from sesame.access.per_minute import PerMinute
from sesame.db import Store
from sesame.errors import ServiceError
from sesame.model import Caller
from sesame.store import decisions
from sesame.store.decisions import DecisionText, Refusal

MOST_A_MINUTE = 60
"""So many failures of one account (or of none) are kept in a minute; all are in the log."""

MOST_CALLS_A_MINUTE = 20
"""So many of calls that send nothing and were refused, or whose policy was, so that they leave room for what concerns
mail; and of attempts at roles of one other account, which so are not hidden behind others and do not fill its
records. Of refused sends as identities of one other account as many are listed for that account (`sending.refused`)."""

MAX_TEXT = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Something that failed before it was decided on; `error` names its kind, `facts` explain it.

    `account_id` is "" where it is not known whose it is.
    """

    request_id: str
    account_id: str
    region: str
    at: float
    code: str
    message: str
    error: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    principal: str = ""
    kind: str = ""
    user_id: str = ""
    action: str = ""

    @property
    def role_owner(self) -> str | None:
        """The other account on this server whose role, there or not, it is about."""
        if "role" not in self.facts or not self.facts.get("owner_is_here"):
            return None
        owner = str(self.facts["role"]).split(":")[4]
        return None if owner == self.account_id else owner


class Failures:
    """Keeps failures, not more than `MOST_A_MINUTE` of an account."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept = PerMinute()

    async def keep(self, failure: Failure) -> Refusal:
        """Keep a failure in a commit of its own, unless there were too many; as what, either way."""
        refusal = as_refusal(failure)
        if self.may_keep(failure):
            await self.put(refusal)
        return refusal

    async def put(self, refusal: Refusal) -> None:
        """Keep, in a commit of its own, what `may_keep` has admitted."""
        await self._store.write(lambda tx: decisions.put_refusal(tx, refusal))

    async def keep_of(
        self, caller: Caller, error: ServiceError, action: str, facts: Mapping[str, Any]
    ) -> Refusal | None:
        """Keep why a call of a caller that has signed in failed, once; None when it has been kept."""
        if error.is_kept:
            return None
        kept = await self.keep(failure_of(caller, error, action, facts))
        error.is_kept = True
        return kept

    def may_keep(self, failure: Failure) -> bool:
        """Count a failure; whether it is among those of its account that are kept in this minute."""
        is_call = not {"own_side", KIND}.isdisjoint(failure.facts) and "role" not in failure.facts
        counted_as = "call" if is_call else ""
        counted_as = failure.role_owner or counted_as
        most = MOST_CALLS_A_MINUTE if counted_as else MOST_A_MINUTE
        return self._kept.admits((failure.account_id, counted_as), failure.at, most=most)


def failure_of(caller: Caller, error: ServiceError, action: str, facts: Mapping[str, Any]) -> Failure:
    """Why a call of a caller that has signed in failed."""
    return Failure(
        request_id=caller.request_id,
        account_id=caller.principal.account_id,
        region=caller.region,
        at=caller.at,
        code=error.code,
        message=error.message,
        error=type(error).__name__,
        facts={**facts, **error.about, **error.facts},
        principal=caller.principal.arn,
        kind=caller.principal.kind.value,
        user_id=caller.principal.user_id,
        action=action,
    )


def as_refusal(failure: Failure) -> Refusal:
    """A failure as it is kept."""
    owner = failure.role_owner if "by_trust" in failure.facts else None
    kept = {
        "principal": failure.principal,
        "kind": failure.kind,
        "user_id": failure.user_id,
        "action": failure.action,
        "unverified": [],
        "checks": [],
        "failed": {"error": failure.error, **failure.facts},
        "context": {},
    }
    return Refusal(
        request_id=failure.request_id,
        account_id=failure.account_id,
        owner_account_id=None,
        region=failure.region[:MAX_TEXT],
        at=failure.at,
        code=failure.code,
        reason=failure.message[:MAX_TEXT],
        decision=DecisionText(shared=json.dumps(kept)),
        # Not as the owner, whom the caller would be told: that a role is there is not for it to know (I9).
        further_owners=() if owner is None else (owner,),
        is_send=False,
    )
