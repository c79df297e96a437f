"""What a refusal of a call that sends nothing is kept with, and its cause: the account's own policies, and trust.

A program that asks for its quota before it sends, or opens a session first, stops there: that is where its reader
looks. INVARIANT (I9): of a resource or role of another account nothing is kept but what the caller itself said.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sesame.model import Principal
from sesame.policy import Decision, Outcome, Policy, Request, explain
from sesame.policy.language.document import Effect
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader
from sesame.policy.reasons.conditions import explain_condition
from sesame.policy.reasons.derivation import StatementStep
from sesame.policy.reasons.sentence import compact, name_statement
from sesame.policy.reasons.statements import iam_statement
from sesame.store.decisions import DecisionRecord


def own_facts(principal: Principal, action: str, resource: str, decision: Decision) -> dict[str, str]:
    """What explains the refusal of a call by the caller's own policies; the denying statement where it is its own."""
    facts = {
        "action": action,
        "resource": resource,
        "own_side": decision.outcome.name,
        "principal": principal.role_arn or principal.arn,
    }
    denied = next((ref for ref in decision.deciding if ref.kind != "identity"), None)
    if decision.outcome is Outcome.EXPLICIT_DENY and denied is not None:
        facts |= {
            "denied_by": name_statement(denied),
            "kind": denied.kind,
            "policy": denied.policy,
            "statement": str(denied.index),
        }
    return facts


def own_cause(record: DecisionRecord, failed: Mapping[str, Any]) -> Cause:
    """Why a call that sends nothing was refused."""
    action, resource, principal = (str(failed[name]) for name in ("action", "resource", "principal"))
    if "denied_by" in failed:
        details = {
            "kind": failed["kind"],
            "policy": failed["policy"],
            "statement": int(failed["statement"]),
            "changes": [{"remove": True}],
        }
        return Cause(
            code=Code.DENY,
            text=f"{failed['denied_by']} denies `{action}` on `{resource}`",
            mend=Mend(
                how=How.CHANGE_STATEMENT, text=f"change or remove {failed['denied_by']}", details=details
            ),
        )
    statement = iam_statement(action, resource)
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


def role_facts(
    principal: Principal,
    request: Request,
    own_side: Outcome,
    trust: Sequence[tuple[str, Policy]],
    principal_ids: Mapping[str, str],
) -> dict[str, str]:
    """What explains that a session was not opened; `own_side` is what the caller's own policies say."""
    facts = {
        "role": request.resource,
        "action": request.action,
        "own_side": own_side.name,
        "principal": principal.role_arn or principal.arn,
    }
    is_own = request.resource_account == request.requester.account_id
    return facts | (_trust_facts(request, trust, principal_ids) if is_own else {})


def _trust_facts(
    request: Request, trust: Sequence[tuple[str, Policy]], principal_ids: Mapping[str, str]
) -> dict[str, str]:
    """What in the trust policy of a role of the caller's own account kept it out, but for who it is."""
    explanation = explain(request, iam=(), identity=trust, principal_ids=principal_ids)
    denies = [step for step in explanation.statements if step.matched and step.effect is Effect.DENY]
    if denies:
        return {"trust_denies": _numbered(denies[0])}
    about = [
        step
        for step in explanation.statements
        if step.effect is Effect.ALLOW and all(element.answer for element in step.elements)
    ]
    unmet = [[one for one in step.conditions if not one.answer] for step in about]
    closest = min((one for one in unmet if one), key=len, default=None)
    if closest is None:
        return {}
    facts = {
        "unmet": "; and ".join(
            explain_condition(one, request, Reader.OPERATOR, kind="identity") for one in closest
        )
    }
    [*ids] = [one for one in closest if one.key.lower() == "sts:externalid"]
    if ids and len(closest) == 1:
        facts["external_id"] = ids[0].wanted[0]
    return facts


def _numbered(step: StatementStep) -> str:
    return f"statement `{step.ref.sid}`" if step.ref.sid else f"statement {step.ref.index + 1}"
