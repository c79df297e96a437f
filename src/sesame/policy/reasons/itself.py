"""What a sender does by itself about a condition that keeps its mail out, before anybody changes a policy.

It connects by TLS, begins a new session, leaves the display name out. None of it tells more of the owner's policy than
that the request's own value is in the way (I9).
"""

from msgspec.structs import replace

from sesame.policy.language.document import Effect
from sesame.policy.language.values import read_date
from sesame.policy.language.vocabulary import Comparison, Family, Quantifier, read_operator
from sesame.policy.reasons.cause import How, Mend
from sesame.policy.reasons.derivation import ConditionStep
from sesame.policy.reasons.evaluator import would_hold
from sesame.policy.request import Request

BY_TLS = "connects by TLS, to an endpoint that begins with https://"
WITHOUT_NAME = "leaves the display name out of From"


_TLS = "aws:securetransport"


def lacks_tls(condition: ConditionStep, request: Request, *, denies: bool) -> bool:
    """Whether a condition keeps out a request that came without TLS, and would let it pass if it came with TLS.

    `denies`: the condition is a Deny's and holds.
    """
    if condition.key.lower() != _TLS or condition.seen != ("false",):
        return False
    others = {key: value for key, value in request.context.items() if key.lower() != _TLS}
    by_tls = replace(request, context={**others, _TLS: "true"})
    return would_hold(condition, Effect.DENY if denies else Effect.ALLOW, by_tls) != denies


def is_old_session(condition: ConditionStep, request: Request, *, denies: bool) -> bool:
    """Whether a condition keeps out a session for its age, and one that begins now would pass.

    `denies`: the condition is a Deny's and holds.
    """
    if condition.seen is None or len(condition.wanted) != 1:
        return False
    key, comparison = condition.key.lower(), read_operator(condition.operator).comparison
    if key == "aws:multifactorauthage":
        return comparison.family is Family.NUMERIC and _asks(comparison, "Greater" if denies else "Less")
    if key != "aws:tokenissuetime" or comparison.family is not Family.DATE:
        return False
    bound, now = read_date(condition.wanted[0]), _now(request)
    is_past = bound is not None and now is not None and bound <= now
    return is_past and _asks(comparison, "Less" if denies else "Greater")


def _asks(comparison: Comparison, how: str) -> bool:
    return not comparison.negated and how in comparison.name


def _now(request: Request) -> int | None:
    found = next((value for key, value in request.context.items() if key.lower() == "aws:epochtime"), None)
    return read_date(found) if isinstance(found, str) else None


def begins_anew(condition: ConditionStep, request: Request) -> str:
    """How the sender begins a session that is new, and what was too old."""
    factor = " with its second factor" if condition.key.lower() == "aws:multifactorauthage" else ""
    role = request.requester.role_arn
    if role:
        return f"assumes `{role}` anew (AssumeRole), and sends with the new session's key, secret and token"
    return f"logs in anew{factor}"


def is_in_the_way(condition: ConditionStep, *, denies: bool) -> bool:
    """Whether the message would pass without the display name that it has."""
    if condition.key.lower() != "ses:fromdisplayname" or condition.seen is None:
        return False
    operator = read_operator(condition.operator)
    if operator.comparison.family is Family.NULL:
        return True
    is_each = operator.quantifier is not Quantifier.NONE
    return not is_each and not operator.if_exists and operator.comparison.negated != denies


def by_itself(*conditions: ConditionStep, request: Request, denies: bool) -> Mend | None:
    """The one mend of conditions, the reader's own or another's, that the sender alone can make; None for others."""
    if any(lacks_tls(one, request, denies=denies) for one in conditions):
        details = {"parameter": "endpoint", "value": None}
        return Mend(how=How.SET_PARAMETER, text=f"the client {BY_TLS}", details=details)
    old = next((one for one in conditions if is_old_session(one, request, denies=denies)), None)
    if old is None:
        return None
    return Mend(
        how=How.NEW_KEY,
        text=f"the sender {begins_anew(old, request)}: the one that it has began too long ago",
        details={"access_key_id": None, "account": request.requester.account_id or None},
    )


def may_leave_out(asked: Mend, *conditions: ConditionStep) -> Mend:
    """What a sender asks of the owner, behind what it can do itself where the owner's policy wants no display name."""
    is_unwanted = any(
        one.key.lower() == "ses:fromdisplayname"
        and one.seen is not None
        and read_operator(one.operator).comparison.family is Family.NULL
        for one in conditions
    )
    if not is_unwanted:
        return asked
    return Mend(how=How.CHANGE_MESSAGE, text=f"leave the display name out of From, or {asked.text}")
