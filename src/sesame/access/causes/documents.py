"""Why a policy was not stored: what AWS's answer says of it is little, of IAM's syntax errors nothing.

Of the document nothing is kept but what is wrong with it, in the words of `sesame.policy`, for its own account.
"""

from collections.abc import Mapping
from typing import Any

from sesame.errors import ServiceError
from sesame.policy import PolicyError
from sesame.policy.reasons.cause import Cause, Code, How, Mend

KIND = "policy_of"
"""The fact by which such an error is known: `identity`, `iam` or `trust`."""

_CHECKS = {
    "identity": "sesame policy check FILE --identity ARN",
    "iam": "sesame policy check --iam FILE",
    "trust": "sesame policy check --trust FILE",
}


def explained(refused: ServiceError, kind: str, error: PolicyError | None = None) -> ServiceError:
    """The answer to a policy of a kind that is not stored, with what explains it; no `error` where it says all."""
    facts: dict[str, Any] = {KIND: kind}
    if error is not None:
        place = (
            f" (line {error.line})" if error.is_exact and error.line > 1 else ""
        )  # other texts say it themselves
        facts |= {"wrong": f"{error.message.rstrip('.')}{place}", "write": error.mend}
    refused.facts = facts
    return refused


def document_cause(reason: str, failed: Mapping[str, Any]) -> Cause:
    """The cause of a policy that was not stored; `reason` is what was answered."""
    wrong = str(failed.get("wrong") or reason).rstrip(".")
    write = str(failed.get("write") or "change what that names").rstrip(".")
    check = _CHECKS[str(failed[KIND])]
    return Cause(
        code=Code.MESSAGE,
        text=f"the policy was not stored: {wrong}",
        mend=Mend(
            how=How.CHANGE_MESSAGE,
            text=f"{write}; `{check}` tells of it before",
            details={"field": "Policy", "from": None, "to": None},
        ),
    )
