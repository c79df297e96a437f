"""What if: recorded sends as an identity, asked again under proposed policies.

Each recorded send is decided twice, under the identity's policies as they are and as they would be,
with the sender's IAM policies of today on both sides: so what differs is what the edit changes, and
nothing else. Unlike `policy compare` it tells of sends that were really tried.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sesame.access.conditions import resource_tags, time_keys
from sesame.access.directory import (
    NO_POLICIES,
    Policies,
    Tags,
    compiled_policies,
    identity_policies,
    session_limits,
)
from sesame.aws.arn import Arn
from sesame.db import Store, Transaction
from sesame.policy import Explanation, Outcome, Request, Requester, decide, explain, owner_view, sender_view
from sesame.policy.reasons.cause import Reader
from sesame.store import identities, recorded_sends, tags
from sesame.store.iam import groups, roles
from sesame.store.identities import IdentityPolicy
from sesame.store.recorded_sends import Position, Recorded

PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One recorded send whose answer would differ."""

    at: float
    account_id: str
    principal: str
    action: str
    from_address: str
    before: Outcome
    after: Outcome
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """How many recorded sends were asked again, and those that would change."""

    asked: int
    changes: tuple[Change, ...]


async def what_if(
    store: Store,
    arn: Arn,
    *,
    proposed: Mapping[str, str | None],
    since: float,
    reader: Reader = Reader.OWNER,
) -> Replay:
    """Ask every recorded send as the identity `arn` since a time again.

    The sentences are for `reader`; of sends of the owner's own account they tell both sides, which are its own.
    `proposed` maps policy names to new texts, or None to remove one; the others stay. Raises
    `PolicyError` for a text that is no policy.
    """
    name = arn.resource.removeprefix("identity/")
    current = await store.read(lambda tx: identities.policies(tx, arn.account_id, arn.region, name))
    now, then = identity_policies(current), identity_policies(_edited(current, proposed))
    held = tuple((await store.read(lambda tx: tags.get(tx, str(arn)))).items())
    asked = 0
    changes = []
    async for recorded in recorded_of(store, arn, since):
        decision = json.loads(recorded.decision)
        if not any(check["arn"] == str(arn) for check in decision["checks"]) or "context" not in decision:
            continue
        asked += 1
        iam, limits = await store.read(policies_of(recorded.account_id, decision))
        request = request_of(arn, recorded, decision, held)
        session = None if limits is None else limits.compiled
        before = decide(request, iam=iam.compiled, identity=now.compiled, session=session).outcome
        after = decide(request, iam=iam.compiled, identity=then.compiled, session=session).outcome
        if (before is Outcome.ALLOW) != (after is Outcome.ALLOW):
            explanation = explain(
                request,
                iam=iam.documents,
                identity=then.documents,
                principal_ids=then.principal_ids,
                session=None if limits is None else limits.documents,
            )
            changes.append(
                Change(
                    at=recorded.at,
                    account_id=recorded.account_id,
                    principal=decision["principal"],
                    action=decision["action"],
                    from_address=str(decision["context"].get("ses:FromAddress", "")),
                    before=before,
                    after=after,
                    sentence=_sentence(
                        explanation, Reader.OPERATOR if recorded.account_id == arn.account_id else reader
                    ),
                )
            )
    return Replay(asked=asked, changes=tuple(changes))


def _sentence(explanation: Explanation, reader: Reader) -> str:
    match reader:
        case Reader.OWNER:
            return owner_view(explanation).sentence
        case Reader.SENDER:
            return sender_view(explanation).sentence
        case Reader.OPERATOR:
            return explanation.sentence


def _edited(current: list[IdentityPolicy], proposed: Mapping[str, str | None]) -> list[IdentityPolicy]:
    """The identity's policies after the edit; what stays keeps the users it is bound to."""
    kept = [policy for policy in current if policy.policy_name not in proposed]
    bound = {arn: user_id for policy in current for arn, user_id in policy.principal_ids.items()}
    new = [
        IdentityPolicy(policy_name=name, document=text, principal_ids=bound)
        for name, text in proposed.items()
        if text is not None
    ]
    return [*kept, *new]


async def recorded_of(store: Store, arn: Arn, since: float) -> AsyncIterator[Recorded]:
    """Accepted sends, then refused ones, a page at a time."""
    for read in (recorded_sends.accepted, recorded_sends.refused, recorded_sends.refused_own):
        after = recorded_sends.beginning(since)
        while True:

            async def run(tx: Transaction, read: Any = read, after: Position = after) -> list[Recorded]:
                page: list[Recorded] = await read(tx, arn.account_id, arn.region, after=after, limit=PAGE)
                return page

            page = await store.read(run)
            for recorded in page:
                yield recorded
            if len(page) < PAGE:
                break
            after = page[-1].position


def policies_of(account_id: str, decision: Mapping[str, Any]) -> Callable[[Transaction], Any]:
    """The IAM policies that the sender has today, and those that its session was opened under."""

    async def run(tx: Transaction) -> tuple[Policies, Policies | None]:
        match decision["kind"]:
            case "user":
                stored = await groups.policies_for_user(tx, decision["user_id"])
                return compiled_policies(stored, kind="iam"), None
            case "role":
                session = decision["session"]
                stored = await roles.policies_for_role(tx, session["role_id"])
                limits = await session_limits(tx, account_id, session["policies"], session["policy_arns"])
                return compiled_policies(stored, kind="iam"), limits
            case _:
                return NO_POLICIES, None

    return run


def request_of(arn: Arn, recorded: Recorded, decision: Mapping[str, Any], held: Tags) -> Request:
    """The question that was asked then, of an identity with the tags that it has now."""
    context = {
        key: tuple(value) if isinstance(value, list) else value for key, value in decision["context"].items()
    }
    return Request(
        requester=Requester(
            arn=decision["principal"],
            account_id="" if decision["kind"] == "service" else recorded.account_id,
            kind=decision["kind"],
            user_id=decision["user_id"],
            role_arn=decision.get("session", {}).get("role_arn"),
        ),
        action=decision["action"],
        resource=str(arn),
        resource_account=arn.account_id,
        context={
            **time_keys(recorded.at),
            **context,
            "aws:ResourceAccount": arn.account_id,
            **resource_tags(decision["action"], held),
        },
    )
