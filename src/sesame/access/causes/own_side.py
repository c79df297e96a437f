"""What a refusal of a call that sends nothing is kept with, and its cause: the account's own policies.

A program that asks for its quota before it sends, or opens a session first, stops there: that is where its reader
looks. INVARIANT (I9): of a resource or role of another account nothing is kept but what the caller itself said.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from sesame.access.checks import boundary_of, limits
from sesame.access.principals import Credential
from sesame.model import Caller, Principal
from sesame.policy import EMPTY, Request, decide, explain
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader
from sesame.policy.reasons.gaps import policy_causes
from sesame.policy.reasons.sentence import compact
from sesame.store.decisions import DecisionRecord

_TOLD = {Code.DENY, Code.CONDITION, Code.WINDOW, Code.SOURCE_IP, Code.SESSION_POLICY, Code.BOUNDARY}
"""Causes that are the same for a call as for a send."""


def own_facts(caller: Caller, request: Request, credential: Credential) -> dict[str, Any]:
    """What explains the refusal of a call by the caller's own policies."""
    facts = {
        "action": request.action,
        "resource": request.resource,
        "principal": principal_name(caller.principal),
    }
    return facts | own_side(request, credential)


def principal_name(principal: Principal) -> str:
    """Whose policies they are: of a session the role's, of a federated user its user's."""
    return principal.entity_arn


def own_side(request: Request, credential: Credential) -> dict[str, Any]:
    """What the caller's own policies say of a request, and why, whatever there is on the resource's side."""
    is_own = request.requester.account_id == request.context.get("aws:ResourceAccount")
    asked = msgspec.structs.replace(request, resource_account=request.requester.account_id)
    session = limits(credential)
    decision = decide(
        asked,
        iam=credential.policies.compiled,
        identity=EMPTY,
        session=session,
        boundary=boundary_of(credential),
    )
    explanation = explain(
        asked,
        iam=credential.policies.documents,
        session=None if credential.session_policies is None else credential.session_policies.documents,
        boundary=None if credential.boundary is None else credential.boundary.documents,
        identity=(),
    )
    causes = policy_causes(explanation, Reader.OPERATOR if is_own else Reader.SENDER)
    told = [
        cause.as_json() if cause.code in _TOLD else {"lacks": cause.mend.details["statement"]}
        for cause in causes
    ]
    return {"own_side": decision.outcome.name, "own_causes": told}


def own_causes(record: DecisionRecord, failed: Mapping[str, Any]) -> Iterator[Cause]:
    """Why a call that sends nothing was refused."""
    yield from kept_causes(failed, lambda statement: _lacking(record, failed, statement))
    if not failed.get("own_causes"):
        yield _lacking(record, failed, {})


def kept_causes(
    failed: Mapping[str, Any], lacking: Callable[[Mapping[str, Any]], Cause | None]
) -> Iterator[Cause]:
    """What was kept of the caller's own policies: Denies, conditions, and those of its session.

    `lacking` makes the cause of a statement that they lack.
    """
    for kept in failed.get("own_causes", ()):
        if "lacks" in kept:
            if (cause := lacking(kept["lacks"])) is not None:
                yield cause
            continue
        how, text = How(kept["mend"]["how"]), kept["mend"]["text"]
        details = {name: value for name, value in kept["mend"].items() if name not in ("how", "text")}
        yield Cause(
            code=Code(kept["code"]), text=kept["cause"], mend=Mend(how=how, text=text, details=details)
        )


def _lacking(record: DecisionRecord, failed: Mapping[str, Any], statement: Mapping[str, Any]) -> Cause:
    action, resource, principal = (str(failed[name]) for name in ("action", "resource", "principal"))
    fields = resource.split(":", 5)
    owner = fields[4] if len(fields) == 6 else ""
    also = f"; account {owner} must allow it too" if owner not in ("", record.account_id) else ""
    if failed["own_side"] == "ALLOW":
        return Cause(
            code=Code.PRINCIPAL_OTHER,
            text=f"no policy of `{resource}` lets `{principal}` do `{action}`",
            mend=Mend(
                how=How.ASK,
                text=f"ask its owner, account {owner}, to allow `{action}` to `{principal}` in its policy",
                details={"whom": "owner", "account": owner},
            ),
        )
    return Cause(
        code=Code.SENDER_IAM,
        text=f"this call, which sends nothing, is `{action}`, and no IAM policy of `{principal}` allows it on"
        f" `{resource}`",
        mend=Mend(
            how=How.ALLOW_IN_IAM,
            text=f"give `{principal}` an IAM policy with the statement {compact(statement)}, or let the program do"
            f" without the call{also}",
            details={"principal": principal, "statement": statement},
        ),
    )
