"""A managed policy that would let a refused request pass and is not in force: another version, or nobody attached it.

Whoever has just mended a policy in a version that is not the default reads otherwise that the policy lacks what it has.
INVARIANT (I9): read by the sender and the operator, of the sender's own policies; tags of others' identities count for
nothing here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from sesame.access.compiled import Explained
from sesame.access.refusals import policy_request
from sesame.db import Transaction
from sesame.policy import Outcome, PolicyError, Request, explain, parse_stored_iam_policy
from sesame.policy.language.document import Effect, Policy
from sesame.policy.reasons.cause import Cause, How
from sesame.policy.reasons.views import without_tags
from sesame.store import policy_sets
from sesame.store.decisions import DecisionRecord
from sesame.store.iam import boundaries, entities, managed_policies
from sesame.store.iam.managed_policies import ManagedPolicy

MOST_POLICIES = 200
"""So many managed policies of an account are looked at."""
_MOST_NAMED = 3
"""So many of those that have a policy are named."""

_OWN_SIDE = {How.ALLOW_IN_IAM, How.CHANGE_SESSION, How.CHANGE_BOUNDARY}

Documents = Sequence[tuple[str, Policy]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The sender's own policies, and those that limit it."""

    own: Documents
    session: Documents | None
    boundary: Documents | None

    def passes(self, asked: Request) -> bool:
        """Whether they let a request pass by themselves."""
        explained = explain(asked, iam=self.own, session=self.session, boundary=self.boundary, identity=())
        return explained.outcome is Outcome.ALLOW

    def having(self, arn: str, text: Policy) -> "Side":
        """With another version of a policy, wherever it stands."""
        return Side(
            own=_with(self.own, arn, text) or (),
            session=_with(self.session, arn, text),
            boundary=_with(self.boundary, arn, text),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """A customer managed policy that would let it pass: in this version, or once it is attached (no version)."""

    arn: str
    default: int
    version: int | None = None
    others: Sequence[str] = ()
    """Who has it, where the sender has not: as in an ARN, `user/NAME`."""


async def managed_instead(
    tx: Transaction, record: DecisionRecord, decision: Mapping[str, Any], check: Mapping[str, Any]
) -> Managed | None:
    """The policy that would let the sender's own side pass a check, other versions of what it has first."""
    if decision.get("kind") not in ("user", "role") or "under" not in check:
        return None
    under = {kind: digest for kind, digest in check["under"].items() if kind != "identity"}
    contents = await policy_sets.contents(tx, tuple(under.values()))
    try:
        sets = {
            kind: Explained.read(contents[digest], of_identity=False).documents
            for kind, digest in under.items()
        }
    except (KeyError, PolicyError):
        return None
    side = Side(own=sets.get("iam", ()), session=sets.get("session"), boundary=sets.get("boundary"))
    asked = _own_request(record, decision, check)
    if side.passes(asked):
        return None
    policies = (await managed_policies.list_policies(tx, record.account_id))[:MOST_POLICIES]
    names = {name for name, _ in (*side.own, *(side.session or ()), *(side.boundary or ()))}
    mine = [policy for policy in policies if policy.arn in names]
    for policy in mine:
        if (found := await _other_version(tx, asked, policy, side)) is not None:
            return found
    bounding = await boundaries.uses(tx, record.account_id)  # those are made to limit, and may be wide
    for policy in policies:
        if policy in mine or policy.arn in bounding:
            continue
        text = await _default(tx, policy)
        if (
            text is not None
            and _gives_sending_alone(text)
            and replace(side, own=(*side.own, (policy.arn, text))).passes(asked)
        ):
            return await _unattached(tx, record, policy)
    return None


def with_managed(
    causes: Sequence[Cause], found: Managed | None, decision: Mapping[str, Any]
) -> tuple[Cause, ...]:
    """Causes with what mends the first of the sender's own side by a policy that there is."""
    at = next((n for n, cause in enumerate(causes) if _is_own_side(cause)), None)
    if found is None or at is None:
        return tuple(causes)
    cause = causes[at]
    if found.version is not None:
        text = f"version v{found.version} of `{found.arn}` allows it, and v{found.default} is the default"
        command = f"aws iam set-default-policy-version --policy-arn {found.arn} --version-id v{found.version}"
        mend = f"make v{found.version} the default, for all who have the policy: `{command}`"
    else:
        whose = f"attached to {_listed(found.others)} alone" if found.others else "attached to nobody"
        text = f"`{found.arn}` allows it, and is {whose}"
        principal = str(decision.get("session", {}).get("role_arn") or decision["principal"])
        kind, name = principal.split(":", 5)[5].split("/")[0], principal.rpartition("/")[2]
        mend = f"`aws iam attach-{kind}-policy --{kind}-name {name} --policy-arn {found.arn}`"
    changed = replace(
        cause,
        text=f"{cause.text}; {text}",
        mend=replace(cause.mend, text=f"{mend}; or {cause.mend.text}"),
    )
    return (*causes[:at], changed, *causes[at + 1 :])


def _is_own_side(cause: Cause) -> bool:
    return cause.mend.how in _OWN_SIDE or cause.mend.details.get("kind") in (
        "iam",
        "session",
        "boundary",
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(f"`{name}`" for name in names[:_MOST_NAMED]) + more


def _own_request(record: DecisionRecord, decision: Mapping[str, Any], check: Mapping[str, Any]) -> Request:
    """What the sender's own side is asked, whatever the resource's owner says."""
    asked = policy_request(decision, record, check)
    if check["owner"] != record.account_id:
        asked = without_tags(asked)
    return msgspec.structs.replace(asked, resource_account=record.account_id)


async def _other_version(
    tx: Transaction, asked: Request, policy: ManagedPolicy, side: Side
) -> Managed | None:
    for version in await managed_policies.versions(tx, policy):
        if version.number == policy.default_version:
            continue
        text = parse_stored_iam_policy(version.document)
        if not _gives_sending_alone(text):
            continue
        if side.having(policy.arn, text).passes(asked):
            return Managed(arn=policy.arn, default=policy.default_version, version=version.number)
    return None


def _with(documents: Documents | None, arn: str, text: Policy) -> Documents | None:
    if documents is None:
        return None
    return tuple((name, text if name == arn else policy) for name, policy in documents)


async def _default(tx: Transaction, policy: ManagedPolicy) -> Policy | None:
    versions = await managed_policies.versions(tx, policy)
    found = next((one for one in versions if one.number == policy.default_version), None)
    return None if found is None else parse_stored_iam_policy(found.document)


def _gives_sending_alone(policy: Policy) -> bool:
    """Whether all that a policy gives is to send: nobody is told to put in force what gives away more."""
    return all(
        not one.not_actions and all(action.lower().startswith("ses:send") for action in one.actions)
        for one in policy.statements
        if one.effect is Effect.ALLOW
    )


async def _unattached(tx: Transaction, record: DecisionRecord, policy: ManagedPolicy) -> Managed:
    ids = await managed_policies.entities(tx, record.account_id, policy.arn)
    found = [await entities.by_id(tx, one) for one in ids[: 10 * _MOST_NAMED]]
    names = [f"{one.kind}/{one.name}" for one in found if one is not None]
    return Managed(arn=policy.arn, default=policy.default_version, others=names)
