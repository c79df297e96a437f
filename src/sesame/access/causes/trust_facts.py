"""What a refused AssumeRole is kept with: what the caller's own policies said, and what the role's trust policy did.

INVARIANT (I9): of a role of another account its half is made for that account alone, as it may read it; of a role that
is not there the same work is done, and nothing kept.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sesame.access.causes.own_side import own_side, principal_name
from sesame.access.checks import limits
from sesame.access.compiled import ALLOW_ALL, Policies
from sesame.access.principals import Credential
from sesame.model import Caller
from sesame.policy import (
    EMPTY,
    Outcome,
    Policy,
    PolicySet,
    Request,
    decide_trust,
    explain,
    parse_stored_trust_policy,
)
from sesame.policy.language.document import Effect
from sesame.policy.language.vocabulary import Family, read_operator
from sesame.policy.reasons.cause import Reader
from sesame.policy.reasons.conditions import explain_condition
from sesame.policy.reasons.derivation import ConditionStep, StatementStep
from sesame.policy.reasons.exceptions import exceptions_for
from sesame.policy.reasons.principals import nearest
from sesame.policy.reasons.remedies import carried, edits_in_words
from sesame.policy.reasons.views import without_tags

_NOBODYS = parse_stored_trust_policy(
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::000000000000:user/a",'
    '"arn:aws:iam::000000000000:role/b"]},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"c"},'
    '"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}]}'
)
"""In place of the trust policy of a role that is not there, so that it costs about as much to say why not."""


def role_facts(
    caller: Caller,
    asked: Sequence[Request],
    credential: Credential,
    trust: Policies | None,
) -> dict[str, Any]:
    """What explains that a session was not opened: of each action that was refused, what the two sides said.

    `asked` are all that must be allowed. `by_trust` is there for a role that is there; `owner` for one of another
    account, whose record it is as well.
    """
    refused = [own for one in asked if (own := _sides(caller, one, credential, trust)) is not None]
    first, *more = refused
    facts: dict[str, Any] = {**first, "also": more} if more else first
    owner = asked[0].resource_account
    is_own = owner == caller.principal.account_id
    reader = Reader.OPERATOR if is_own else Reader.OWNER
    documents = (("trust policy", _NOBODYS),) if trust is None else trust.documents
    ids = {} if trust is None else trust.principal_ids
    refused_actions = {one["action"] for one in refused}
    by_trust = [
        _by_trust(one, documents, ids, reader, refuses=_refuses(one, trust))
        for one in asked
        if one.action in refused_actions
    ]
    return facts if trust is None else {**facts, "by_trust": by_trust}


def _sides(
    caller: Caller, request: Request, credential: Credential, trust: Policies | None
) -> dict[str, Any] | None:
    """What the two sides say of one action, in short; None when they allow it."""
    iam, session = credential.policies.compiled, limits(credential)
    allowed = decide_trust(request, iam=iam, trust=_compiled(trust), session=session)
    if allowed is Outcome.ALLOW:
        return None
    principal = caller.principal
    facts: dict[str, Any] = {
        "role": request.resource,
        "action": request.action,
        "principal": principal_name(principal),
        "trust_refuses": _refuses(request, trust),
        "needs_iam": decide_trust(request, iam=EMPTY, trust=_compiled(trust)) is not Outcome.ALLOW,
    }
    if request.requester.kind == "service":  # it needs no policies of its own
        return facts | {"own_side": "ALLOW"}
    if facts["trust_refuses"] and request.resource_account != principal.account_id:
        request = without_tags(request)  # a stranger's own policies tell no tag of a role
    return facts | own_side(request, credential)


def _compiled(trust: Policies | None) -> PolicySet:
    return EMPTY if trust is None else trust.compiled


def _refuses(request: Request, trust: Policies | None) -> bool:
    """Whether the trust policy alone would refuse, whatever the caller's own policies say."""
    return decide_trust(request, iam=ALLOW_ALL.compiled, trust=_compiled(trust)) is not Outcome.ALLOW


def _by_trust(
    request: Request,
    documents: Sequence[tuple[str, Policy]],
    principal_ids: Mapping[str, str],
    reader: Reader,
    *,
    refuses: bool,
) -> dict[str, Any]:
    """What in a trust policy kept a requester out, as `reader` may know it: its Denies, and what no Allow of it has."""
    said: dict[str, Any] = {"action": request.action, "refuses": refuses}
    if not refuses and documents[0][1] is not _NOBODYS:
        return said
    steps = explain(request, iam=(), identity=documents, principal_ids=principal_ids).statements
    said["denies"] = [
        _denial(step, request, reader) for step in steps if step.matched and step.effect is Effect.DENY
    ]
    allows = [step for step in steps if step.effect is Effect.ALLOW]
    if not any(step.matched for step in allows):
        said["lacks"] = _lacks(allows, request, reader)
    return said


def _denial(step: StatementStep, request: Request, reader: Reader) -> dict[str, Any]:
    changes, _ = exceptions_for(step, request, reader)
    return {
        "statement": f"statement `{step.ref.sid}`" if step.ref.sid else f"statement {step.ref.index + 1}",
        "index": step.ref.index,
        "when": [explain_condition(one, request, reader, kind="identity") for one in step.conditions],
        "changes": changes,
        "mend": edits_in_words(changes),
    }


def _lacks(allows: Sequence[StatementStep], request: Request, reader: Reader) -> dict[str, Any]:
    """What the Allow that comes closest asks for in vain; else that none is about this, and which is almost."""
    about = [step for step in allows if all(element.answer for element in step.elements)]
    closest = min(about, key=lambda step: sum(not one.answer for one in step.conditions), default=None)
    if closest is None:
        return {**_almost(allows, request), "statement": _statement(request, ())}
    unmet = [one for one in closest.conditions if not one.answer]
    found: dict[str, Any] = {}
    ids = [one for one in unmet if _external_id(one) is not None]
    if ids:
        found["external_id"] = _external_id(ids[0])
        found["without_id"] = explain_condition(ids[0], request, reader, kind="identity")
    others = [one for one in unmet if one not in ids[:1]]
    if others:
        found["unmet"] = [explain_condition(one, request, reader, kind="identity") for one in others]
        kept = [one for one in closest.conditions if one.answer or one in ids[:1]]
        found["statement"] = _statement(request, kept)
    return found


def _almost(allows: Sequence[StatementStep], request: Request) -> dict[str, Any]:
    """Which principal of the trust policy is almost the requester, for what it would do."""
    requester = request.requester
    acting = [step for step in allows if all(e.answer for e in step.elements if e.element.endswith("Action"))]
    wanted = [
        value for step in acting for e in step.elements if e.element == "Principal" for value in e.wanted
    ]
    if (requester.role_arn or requester.arn) in wanted:
        return {"remade": True}
    near = nearest(wanted, requester)
    return {} if near is None else {"near": list(near)}


_EXTERNAL_ID = re.compile(r"[\w+=,.@:/\-]{2,1224}", re.ASCII)


def _external_id(condition: ConditionStep) -> str | None:
    """The ExternalId that would meet a condition, where it asks for one by name."""
    comparison = read_operator(condition.operator).comparison
    is_equality = comparison.family is Family.STRING and not comparison.negated
    if condition.key.lower() != "sts:externalid" or not is_equality:
        return None
    return next((text for text in condition.wanted if _EXTERNAL_ID.fullmatch(text)), None)


def _statement(request: Request, kept: Sequence[ConditionStep]) -> dict[str, Any]:
    """What lets in this requester alone, under the conditions that are `kept`."""
    requester = request.requester
    conditions: dict[str, dict[str, Any]] = {}
    for one in kept:
        conditions.setdefault(one.operator, {})[one.key] = list(one.wanted)
    named = {"AWS": requester.role_arn or requester.arn}
    if requester.kind == "service":
        named = {"Service": requester.arn}
        account = carried(request, "aws:SourceAccount")
        conditions.setdefault("StringEquals", {}).setdefault("aws:SourceAccount", account)
    statement = {"Effect": "Allow", "Principal": named, "Action": request.action}
    return statement | ({"Condition": conditions} if conditions else {})
