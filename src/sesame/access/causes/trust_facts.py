"""What a refused AssumeRole is kept with: what the caller's own policies said, and what the role's trust policy did.

INVARIANT (I9): of a role of another account its half is made for that account alone, as it may read it; of a role that
is not there the same work is done, and nothing kept.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sesame.access.causes.own_side import own_side, principal_name
from sesame.access.causes.trust_terms import term, why_never
from sesame.access.checks import boundary_of, limits
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
from sesame.policy.reasons.narrow import bound, is_of_who
from sesame.policy.reasons.principals import nearest
from sesame.policy.reasons.remedies import carried, edits_in_words
from sesame.policy.reasons.views import is_of_resource, without_tags

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
    is_bounded = boundary_of(credential) is not None
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
        _by_trust(
            one,
            documents,
            ids,
            reader,
            refuses=_refuses(one, trust, is_bounded=is_bounded),
            is_bounded=is_bounded,
        )
        for one in asked
        if one.action in refused_actions
    ]
    return facts if trust is None else {**facts, "by_trust": by_trust}


def _sides(
    caller: Caller, request: Request, credential: Credential, trust: Policies | None
) -> dict[str, Any] | None:
    """What the two sides say of one action, in short; None when they allow it."""
    iam, session, boundary = credential.policies.compiled, limits(credential), boundary_of(credential)
    allowed = decide_trust(request, iam=iam, trust=_compiled(trust), session=session, boundary=boundary)
    if allowed is Outcome.ALLOW:
        return None
    principal = caller.principal
    facts: dict[str, Any] = {
        "role": request.resource,
        "action": request.action,
        "principal": principal_name(principal),
        "trust_refuses": _refuses(request, trust, is_bounded=boundary is not None),
        "needs_iam": decide_trust(request, iam=EMPTY, trust=_compiled(trust)) is not Outcome.ALLOW,
        "sent_external_id": carried(request, _EXTERNAL_ID) is not None,
    }
    if request.requester.kind == "service":  # it needs no policies of its own
        return facts | {"own_side": "ALLOW"}
    if facts["trust_refuses"] and request.resource_account != principal.account_id:
        request = without_tags(request)  # a stranger's own policies tell no tag of a role
    return facts | own_side(request, credential)


def _compiled(trust: Policies | None) -> PolicySet:
    return EMPTY if trust is None else trust.compiled


def _refuses(request: Request, trust: Policies | None, *, is_bounded: bool) -> bool:
    """Whether the trust policy alone would refuse, whatever the caller's own policies say.

    It may know whether the caller has a permissions boundary, which a Deny with a NotPrincipal does not spare.
    """
    everything = ALLOW_ALL.compiled
    outcome = decide_trust(
        request, iam=everything, trust=_compiled(trust), boundary=everything if is_bounded else None
    )
    return outcome is not Outcome.ALLOW


def _by_trust(
    request: Request,
    documents: Sequence[tuple[str, Policy]],
    principal_ids: Mapping[str, str],
    reader: Reader,
    *,
    refuses: bool,
    is_bounded: bool,
) -> dict[str, Any]:
    """What in a trust policy kept a requester out, as `reader` may know it: its Denies, and what no Allow of it has."""
    said: dict[str, Any] = {"action": request.action, "refuses": refuses}
    if not refuses and documents[0][1] is not _NOBODYS:
        return said
    boundary = ALLOW_ALL.documents if is_bounded else None
    explained = explain(request, iam=(), identity=documents, principal_ids=principal_ids, boundary=boundary)
    steps = [step for step in explained.statements if step.ref.kind == "identity"]
    said["denies"] = [
        _denial(step, request, reader) for step in steps if step.matched and step.effect is Effect.DENY
    ]
    allows = [step for step in steps if step.effect is Effect.ALLOW]
    if not any(step.matched for step in allows):
        said["lacks"] = _lacks(allows, request, reader)
    return said


_BOUNDED = "the caller has a permissions boundary, whom NotPrincipal does not spare"
"""For readers of the caller's own account: what another one has is nobody else's to know (I9)."""


def _denial(step: StatementStep, request: Request, reader: Reader) -> dict[str, Any]:
    changes, admits = exceptions_for(step, request, reader)
    changes = [{how: what for how, what in one.items() if how != "or_send"} for one in changes]
    terms = [
        found for one in step.conditions if (found := term(one, request, reader, denies=True)) is not None
    ]
    spares = [one for one in step.conditions if _spares_ids(one)]
    spared = {"external_id": next(filter(None, map(_id_to_send, spares)), None)} if spares else {}
    return spared | {
        "statement": f"statement `{step.ref.sid}`" if step.ref.sid else f"statement {step.ref.index + 1}",
        "index": step.ref.index,
        "when": [
            *(
                _BOUNDED
                for element in step.elements
                if element.note and reader is Reader.OPERATOR and element.element == "NotPrincipal"
            ),
            *(explain_condition(one, request, reader, kind="identity") for one in step.conditions),
        ],
        "changes": changes,
        "admits": [] if _is_of_one_action(step) else list(admits),
        "terms": [one.as_json() for one in terms],
        "mend": edits_in_words(changes),
    }


def _is_of_one_action(step: StatementStep) -> bool:
    """Whether a statement, which is of its role alone, is of one action and nothing else."""
    return all(
        len(element.wanted) == 1 and "*" not in element.wanted[0]
        for element in step.elements
        if element.element == "Action"
    ) and all(element.element != "NotAction" for element in step.elements)


def _lacks(allows: Sequence[StatementStep], request: Request, reader: Reader) -> dict[str, Any]:
    """What the Allow that comes closest asks for in vain; else that none is about this, and which is almost."""
    about = [step for step in allows if all(element.answer for element in step.elements)]
    closest = min(about, key=_unmet, default=None)
    if closest is None:
        return _not_named(allows, request, reader)
    kept = _carried(closest, request, reader)
    found: dict[str, Any] = {}
    if kept.ids:
        found["external_id"] = kept.external_id
        found["without_id"] = " and ".join(
            explain_condition(one, request, reader, kind="identity") for one in kept.ids
        )
    others = [one for one in closest.conditions if not one.answer and one not in kept.ids]
    if others:
        found["unmet"] = [explain_condition(one, request, reader, kind="identity") for one in others]
        found |= _terms(others, kept, request, reader)
    return found


def _unmet(step: StatementStep) -> int:
    return sum(not one.answer for one in step.conditions)


def _not_named(allows: Sequence[StatementStep], request: Request, reader: Reader) -> dict[str, Any]:
    """What lets in somebody whom no Allow is about: under the conditions of the one that comes closest."""
    almost, closest = _almost(allows, request)
    if closest is None:
        return {**almost, "statement": _statement(request, {})}
    kept = _carried(closest, request, reader)
    conditions = {operator: dict(by_key) for operator, by_key in kept.conditions.items()}
    for one in kept.left:
        conditions.setdefault(one.operator, {})[one.key] = list(one.wanted)
    found: dict[str, Any] = {**almost, "statement": _statement(request, conditions)}
    if kept.ids:
        found["carried_id"] = kept.external_id
    if kept.left:
        found["carried"] = [explain_condition(one, request, reader, kind="identity") for one in kept.left]
    return found


def _almost(allows: Sequence[StatementStep], request: Request) -> tuple[dict[str, Any], StatementStep | None]:
    """Which principal of the trust policy is almost the requester, for what it would do; and the Allow that names it.

    To a stranger strangers come closer than the role's own account does, which is let in under fewer conditions.
    """
    requester = request.requester
    is_service = requester.kind == "service"
    is_stranger = requester.account_id != request.resource_account

    def is_far(value: str) -> tuple[bool, bool]:
        account = value.split(":")[4] if value.count(":") >= 5 else value
        return _is_service(value) != is_service, is_stranger and account == request.resource_account

    acting = [step for step in allows if all(e.answer for e in step.elements if e.element.endswith("Action"))]
    if not acting:
        named = [step for step in allows if all(e.answer for e in step.elements if e.element == "Principal")]
        return {}, _strictest(named)
    wanted = sorted((value for step in acting for value in _principals(step)), key=is_far)
    own = requester.role_arn or requester.arn
    if own in wanted:
        return {"remade": True}, _strictest([step for step in acting if own in _principals(step)])
    near = nearest(wanted, requester)
    if near is None:
        return {}, None
    is_comparable = _is_service(near[0]) == is_service
    closest = [step for step in acting if near[0] in _principals(step)] if is_comparable else []
    return {"near": list(near)}, _strictest(closest)


def _principals(step: StatementStep) -> tuple[str, ...]:
    return tuple(value for e in step.elements if e.element == "Principal" for value in e.wanted)


def _is_service(value: str) -> bool:
    return ":" not in value and "." in value


def _strictest(steps: Sequence[StatementStep]) -> StatementStep | None:
    """Of Allows that come as close as each other one that asks for an ExternalId, and for the most."""
    return max(
        steps, key=lambda step: (any(map(_is_id, step.conditions)), len(step.conditions)), default=None
    )


_EXTERNAL_ID = "sts:ExternalId"
_ID_TO_SEND = re.compile(r"[\w+=,.@:/\-]{2,1224}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Carried:
    """What of an Allow's conditions a statement for one requester has as well; on who is meant it needs none.

    An ExternalId it always asks for: `ids` are those conditions that the call does not meet. Where the call has a
    value of its own that may be told, that takes the place of a condition it does not meet; `left` are the rest.
    """

    conditions: Mapping[str, Mapping[str, Any]]
    ids: Sequence[ConditionStep]
    left: Sequence[ConditionStep]

    @property
    def external_id(self) -> str | None:
        return next((value for one in self.ids if (value := _external_id(one)) is not None), None)


def _carried(step: StatementStep, request: Request, reader: Reader) -> _Carried:
    conditions: dict[str, dict[str, Any]] = {}
    for one in step.conditions:
        if one.answer or _is_id(one):
            conditions.setdefault(one.operator, {})[one.key] = list(one.wanted)
    unmet = [one for one in step.conditions if not one.answer and not _is_id(one)]
    left: list[ConditionStep] = []
    is_service = request.requester.kind == "service"  # `_statement` says for which account it acts
    for one in unmet:
        if is_of_who(one.key) or (is_service and one.key.lower() == "aws:sourceaccount"):
            continue
        is_bool = read_operator(one.operator).comparison.family is Family.BOOL
        instead = None if is_bool else bound(one, reader)
        if not instead:
            left.append(one)
        for operator, key, values in instead or ():
            conditions.setdefault(operator, {}).setdefault(key, values)
    ids = [one for one in step.conditions if not one.answer and _is_id(one)]
    return _Carried(conditions=conditions, ids=ids, left=left)


def _terms(
    unmet: Sequence[ConditionStep], kept: _Carried, request: Request, reader: Reader
) -> dict[str, Any]:
    """What a call has to carry for the conditions of an Allow, and the statement that lets it in without.

    What guards everybody, such as TLS, that statement asks for as well.
    """
    terms = [term(one, request, reader, denies=False) for one in unmet]
    guards = [one for one, said in zip(unmet, terms, strict=True) if said is not None and said.is_only]
    conditions = {operator: dict(by_key) for operator, by_key in kept.conditions.items()}
    for one in guards:
        conditions.setdefault(one.operator, {})[one.key] = list(one.wanted)
    return {
        "terms": [None if one is None else one.as_json() for one in terms],
        "never": list(dict.fromkeys(why for one in unmet if (why := why_never(one, request)))),
        "admits": [
            {"key": one.key} for one in kept.left if one not in guards and not is_of_resource(one.key)
        ],
        "statement": _statement(request, conditions),
    }


def _is_id(condition: ConditionStep) -> bool:
    return condition.key.lower() == _EXTERNAL_ID.lower()


def _external_id(condition: ConditionStep) -> str | None:
    """The ExternalId that would meet a condition, where it asks for one by name."""
    is_negated = read_operator(condition.operator).comparison.negated
    return None if is_negated else _id_to_send(condition)


def _id_to_send(condition: ConditionStep) -> str | None:
    """The first ExternalId that a condition names in full."""
    if read_operator(condition.operator).comparison.family is not Family.STRING:
        return None
    return next((text for text in condition.wanted if _ID_TO_SEND.fullmatch(text)), None)


def _spares_ids(condition: ConditionStep) -> bool:
    """Whether a condition of a Deny spares calls with an ExternalId, or with one that it names."""
    comparison = read_operator(condition.operator).comparison
    is_absent = comparison.family is Family.NULL and condition.seen is None
    return _is_id(condition) and (is_absent or (comparison.family is Family.STRING and comparison.negated))


def _statement(request: Request, kept: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What lets in this requester alone, under the conditions that are `kept`."""
    requester = request.requester
    conditions = {operator: dict(by_key) for operator, by_key in kept.items()}
    named = {"AWS": requester.role_arn or requester.arn}
    if requester.kind == "service":
        named = {"Service": requester.arn}
        account = carried(request, "aws:SourceAccount")
        conditions.setdefault("StringEquals", {}).setdefault("aws:SourceAccount", account)
    statement = {"Effect": "Allow", "Principal": named, "Action": request.action}
    return statement | ({"Condition": conditions} if conditions else {})
