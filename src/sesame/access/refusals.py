"""Refused sends: kept before the answer, explained when somebody asks.

An explanation costs more the more policies it goes through, and would tell a stranger by its time what the answer
hides (I9). So a refusal is kept with what it rests on, the policies by digest, and its sentences are made for whoever
reads it: nothing is lost with the process, and nothing of it is done while others are answered.
"""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sesame.access import conditions
from sesame.access.changes import Run
from sesame.access.compiled import Explained, Policies
from sesame.access.sends import SendDecision
from sesame.db import Store, Transaction
from sesame.policy import Explanation, PolicyError, Request, Requester, explain
from sesame.policy.reasons.cause import Reader
from sesame.policy.reasons.views import as_not_let_in, without_tags
from sesame.store import decisions, policy_sets
from sesame.store.decisions import DecisionRecord, Refusal

DAY_S = 86_400.0
MAX_REMEMBERED = 10_000


class Refusals:
    """Keeps refusals; one for each process that sends."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._digests: OrderedDict[int, tuple[Policies, str]] = OrderedDict()
        self._kept_on: OrderedDict[str, int] = OrderedDict()

    def digest(self, policies: Policies) -> str:
        """What a set of policies is kept under."""
        found = self._digests.get(id(policies))
        if found is None:
            # The set is held here, so that its id is nobody else's meanwhile.
            found = policies, hashlib.sha256(policies.content().encode()).hexdigest()
            _remember(self._digests, id(policies), found)
        return found[1]

    async def keep(
        self, refusal: Refusal, decision: SendDecision, *, in_same_transaction: Run[None] | None = None
    ) -> None:
        """Keep a refusal and what it rests on, in one commit; each set of policies is written once a day.

        `in_same_transaction` is run in that commit, last.
        """
        day = int(refusal.at // DAY_S)
        sets = {self.digest(policies): policies for policies in rests_on(decision)}
        new = {digest: policies for digest, policies in sets.items() if self._kept_on.get(digest) != day}

        async def run(tx: Transaction) -> None:
            for digest, policies in new.items():
                await policy_sets.put(tx, digest, policies.content(), at=refusal.at)
            await decisions.put_refusal(tx, refusal)
            if in_same_transaction is not None:
                await in_same_transaction(tx)

        await self._store.write(run)
        for digest in new:
            _remember(self._kept_on, digest, day)


def rests_on(decision: SendDecision) -> list[Policies]:
    """The sets of policies that the checks of a decision rest on, as far as they keep them."""
    grounds = [check.grounds for check in decision.checks if check.grounds is not None]
    beside = [one.policies for check in decision.checks for one in check.beside]
    return [policies for one in grounds for policies in one.sets.values()] + beside


def _remember(kept: "OrderedDict[Any, Any]", key: object, value: object) -> None:
    kept[key] = value
    if len(kept) > MAX_REMEMBERED:
        kept.popitem(last=False)


def digests(record: DecisionRecord) -> tuple[str, ...]:
    """The sets of policies that a record is explained with."""
    checks = json.loads(record.decision)["checks"]
    asked = [one for check in checks for one in (check, *check.get("beside", ()))]
    return tuple({digest: None for one in asked for digest in one.get("under", {}).values()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A check that refused, derived again from the policies that it was made under.

    `bound` are principals that the identity's policies knew by unique ids, by their names.
    """

    explanation: Explanation
    bound: Mapping[str, str]
    is_let_in: bool = False
    """Whether another identity of the owner's, the one that was named, has let the sender in."""


def derive(
    record: DecisionRecord,
    decision: Mapping[str, Any],
    check: Mapping[str, Any],
    contents: Mapping[str, str],
    reader: Reader = Reader.OPERATOR,
) -> Derived | None:
    """Why a check of a decision refuses; `contents` are the sets of policies by digest.

    None when it does not, or when its policies are no longer kept. To a sender whom the owner of what was asked for
    does not let in, its own policies tell nothing of the tags of that (I9).
    """
    if "under" not in check:
        return None
    try:
        sets = {
            kind: Explained.read(contents[digest], of_identity=kind == "identity")
            for kind, digest in check["under"].items()
        }
    except (KeyError, PolicyError):
        return None
    identity = sets.get("identity", Explained())
    session, boundary = sets.get("session"), sets.get("boundary")

    def explained(request: Request) -> Explanation:
        return explain(
            request,
            iam=sets.get("iam", Explained()).documents,
            session=None if session is None else session.documents,
            boundary=None if boundary is None else boundary.documents,
            identity=identity.documents,
            principal_ids=identity.principal_ids,
        )

    request = policy_request(decision, record, check)
    explanation = explained(request)
    is_others, is_let_in = check["owner"] != record.account_id, is_more_specific(record, decision, check)
    if reader is Reader.SENDER and is_others and not is_let_in:
        explanation = as_not_let_in(explanation, explained(without_tags(request)))
    bound = {**identity.principal_ids, **identity.gone}
    return Derived(explanation=explanation, bound=bound, is_let_in=is_let_in)


def is_more_specific(record: DecisionRecord, decision: Mapping[str, Any], check: Mapping[str, Any]) -> bool:
    """Whether the identity is one that nobody named: it is asked for a Deny alone, once the one named has allowed."""
    senders = decision.get("asked", {}).get("senders", ())
    named = {str(sender[3]).lower() for sender in senders if sender[3]}
    is_denied = check["outcome"] == "explicit deny" and check["owner"] != record.account_id
    return bool(is_denied and named and check["arn"].lower() not in named)


def recorded_requester(decision: Mapping[str, Any], account_id: str) -> Requester:
    """Who asked, as a decision of an account is kept."""
    return Requester(
        arn=decision["principal"],
        account_id="" if decision["kind"] == "service" else account_id,
        kind=decision["kind"],
        user_id=decision["user_id"],
        role_arn=decision.get("session", {}).get("role_arn"),
        issuer_arn=decision.get("session", {}).get("issuer_arn"),
        issuer_id=decision.get("session", {}).get("issuer_id", ""),
    )


def recorded_keys(kept: Mapping[str, Any]) -> dict[str, str | tuple[str, ...]]:
    """The condition keys of a decision as they were, from JSON."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in kept.items()}


def policy_request(decision: Mapping[str, Any], record: DecisionRecord, check: Mapping[str, Any]) -> Request:
    """What policy was asked in a check of a decision as kept."""
    kept = decision["context"] | check.get("resource_keys", {})
    return Request(
        requester=recorded_requester(decision, record.account_id),
        action=decision["action"],
        resource=check["arn"],
        resource_account=check["owner"],
        context={
            **conditions.time_keys(record.at),
            **recorded_keys(kept),
            "aws:ResourceAccount": check["owner"],
        },
    )
