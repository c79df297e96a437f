"""A second factor that a condition asks for: an access key has none, a session that is opened with a code has.

Source: IAM user guide, "Secure API access with MFA"; STS API reference, GetSessionToken and AssumeRole.
INVARIANT (I9): an owner reads that such a session would do, not which devices the sender has, nor whether it has any.
"""

from dataclasses import replace

from sesame.policy.reasons.cause import Mend, Reader
from sesame.policy.reasons.derivation import ConditionStep
from sesame.policy.reasons.itself import WITH_CODE, would_pass
from sesame.policy.request import Request

BY_CODE = "the sender signs with the keys of a session that it opens (GetSessionToken) with a code of its MFA device"

_OF_FACTOR = {"aws:multifactorauthpresent": "true", "aws:multifactorauthage": "0"}
"""What a session carries that has just been opened with a code."""


def lacks_factor(condition: ConditionStep, request: Request, *, denies: bool) -> bool:
    """Whether a condition keeps a request out that a session opened with a code would get past.

    `denies`: the condition is a Deny's and holds. A root has no device here, a service opens no session.
    """
    shown = _OF_FACTOR.get(condition.key.lower())
    has_devices = request.requester.kind in ("user", "role")
    return has_devices and shown is not None and would_pass(condition, request, shown, denies=denies)


def with_code(request: Request, reader: Reader) -> str:
    """What the sender does to send with a second factor."""
    role, name = request.requester.role_arn, request.requester.arn.rpartition("/")[2]
    by_api = "; by the API, as SMTP takes no keys of a session" * (request.action == "ses:SendRawEmail")
    how, command = BY_CODE, "aws sts get-session-token"
    if role:
        how = f"the sender opens the session of `{role}` anew (AssumeRole), as a user with a code of its MFA device"
        command = f"aws sts assume-role --role-arn {role} --role-session-name {name}"
    said = "" if reader is Reader.OWNER else f": `{command}{WITH_CODE}`"
    return f"{how}{said}{by_api}"


def before_asking(asked: Mend, *conditions: ConditionStep, request: Request, denies: bool) -> Mend:
    """What a sender asks of the owner, behind the second factor that it can show itself, where that helps."""
    if not any(lacks_factor(one, request, denies=denies) for one in conditions):
        return asked
    return replace(asked, text=f"{with_code(request, Reader.SENDER)}; or {asked.text}")
