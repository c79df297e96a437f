"""What a sender does by itself about a condition that keeps its mail out, before anybody changes a policy.

It connects by TLS, begins a new session, leaves the display name out. None of it tells more of the owner's policy than
that the request's own value is in the way (I9).
"""

from collections.abc import Collection

from msgspec.structs import replace

from sesame.policy.language.document import Effect
from sesame.policy.language.vocabulary import Family, read_operator
from sesame.policy.reasons.cause import How, Mend
from sesame.policy.reasons.derivation import ConditionStep
from sesame.policy.reasons.evaluator import would_hold
from sesame.policy.request import Request

BY_TLS = "connects by TLS, to an endpoint that begins with https://"
WITHOUT_NAME = "leaves the display name out of From"
WITH_CODE = " --serial-number SERIAL --token-code CODE"
"""What opens a session with a code of a device, whose ARN stands in the place of SERIAL once it is looked up."""

_SOON_S = 3_600
_TLS, _NAME = "aws:securetransport", "ses:fromdisplayname"


def would_pass(
    condition: ConditionStep, request: Request, value: str | tuple[str, ...] | None, *, denies: bool
) -> bool:
    """Whether a condition would let the same request pass if it came with this value of its key, or (None) without.

    `denies`: the condition is a Deny's.
    """
    key = condition.key.lower()
    context = {name: seen for name, seen in request.context.items() if name.lower() != key}
    if value is not None:
        context[key] = value
    changed = replace(request, context=context)
    return would_hold(condition, Effect.DENY if denies else Effect.ALLOW, changed) != denies


def lacks_tls(condition: ConditionStep, request: Request, *, denies: bool) -> bool:
    """Whether a condition keeps out a request that came without TLS, and lets it pass if it comes with TLS.

    `denies`: the condition is a Deny's and holds.
    """
    is_plain = condition.key.lower() == _TLS and condition.seen == ("false",)
    return is_plain and would_pass(condition, request, "true", denies=denies)


def is_old_session(condition: ConditionStep, request: Request, *, denies: bool) -> bool:
    """Whether a condition keeps out a session for its age, and one that begins now would pass.

    `denies`: the condition is a Deny's and holds.
    """
    key, comparison = condition.key.lower(), read_operator(condition.operator).comparison
    if condition.seen is None:
        return False
    new: str | None
    if key == "aws:multifactorauthage" and comparison.family is Family.NUMERIC:
        asks, new = "Greater" if denies else "Less", "0"
    elif key == "aws:tokenissuetime" and comparison.family is Family.DATE:
        asks, new = "Less" if denies else "Greater", _now(request)
    else:
        return False
    is_asked = asks in comparison.name
    return is_asked and new is not None and would_pass(condition, request, new, denies=denies)


def is_soon(condition: ConditionStep, request: Request, *, denies: bool) -> bool:
    """Whether a session would pass that begins within the hour: older ones are revoked as of a time that is to come."""
    comparison, now = read_operator(condition.operator).comparison, _now(request)
    is_of_session = condition.key.lower() == "aws:tokenissuetime" and comparison.family is Family.DATE
    if condition.seen is None or not is_of_session or now is None or not now.isdigit():
        return False
    is_asked = ("Less" if denies else "Greater") in comparison.name
    return is_asked and would_pass(condition, request, str(int(now) + _SOON_S), denies=denies)


def _now(request: Request) -> str | None:
    found = next((value for key, value in request.context.items() if key.lower() == "aws:epochtime"), None)
    return found if isinstance(found, str) else None


def begins_anew(condition: ConditionStep, request: Request) -> str:
    """How the sender begins a session that is new, and what was too old."""
    is_of_factor = condition.key.lower() == "aws:multifactorauthage"
    factor, code = (" with its second factor", WITH_CODE) if is_of_factor else ("", "")
    role = request.requester.role_arn
    if role:
        how = f"AssumeRole{', with a code of the MFA device of the user who assumes it' * is_of_factor}"
        return f"assumes `{role}` anew ({how}), and sends with the new session's key, secret and token"
    if request.requester.kind == "federated":
        return "asks for a session anew (GetFederationToken), and sends with its key, secret and token"
    return f"logs in anew{factor}, or as a program opens a session anew (`aws sts get-session-token{code}`)"


def is_in_the_way(condition: ConditionStep, request: Request, *, denies: bool) -> bool:
    """Whether a condition keeps out a message for the display name that it has, and lets it pass without one."""
    is_named = condition.key.lower() == _NAME and condition.seen is not None
    return is_named and would_pass(condition, request, None, denies=denies)


def is_tag_in_the_way(condition: ConditionStep, request: Request, *, denies: bool) -> bool:
    """Whether a Null keeps out a sender for a tag that it has, and lets it pass without."""
    is_tag = condition.key.lower().startswith("aws:principaltag/") and condition.seen is not None
    is_null = read_operator(condition.operator).comparison.family is Family.NULL
    return is_tag and is_null and would_pass(condition, request, None, denies=denies)


def by_itself(*conditions: ConditionStep, request: Request, denies: bool) -> Mend | None:
    """The one mend of conditions, the reader's own or another's, that the sender alone can make; None for others."""
    if any(lacks_tls(one, request, denies=denies) for one in conditions):
        details = {"parameter": "endpoint", "value": None}
        return Mend(how=How.SET_PARAMETER, text=f"the client {BY_TLS}", details=details)
    old = next((one for one in conditions if is_old_session(one, request, denies=denies)), None)
    if old is None:
        soon = next((one for one in conditions if is_soon(one, request, denies=denies)), None)
        return None if soon is None else _begins_after(soon, request)
    return Mend(
        how=How.NEW_KEY,
        text=f"the sender {begins_anew(old, request)}: the one that it has began too long ago",
        details={"access_key_id": None, "account": request.requester.account_id or None},
    )


_OTHERWISE = {
    "ses:fromaddress": "; or send as an address that it lets you use",
    "ses:feedbackaddress": "; or send with a return path (ReturnPath, FeedbackForwardingEmailAddress or MAIL FROM)"
    " that it lets you use",
    _NAME: "; or send with a display name in From that it lets you use",
    "ses:recipients": "; or send only to recipients that it lets you write to",
    "aws:sourceip": "; or send from an IP address that it lets you send from",
}
"""What a sender does about a value of its own that keeps its mail out; of what would pass it is told nothing (I9)."""


_SPELT = {
    "ses:fromaddress": "From",
    "ses:feedbackaddress": "the return path",
    "ses:recipients": "the recipients",
}


def _otherwise(conditions: Collection[ConditionStep], request: Request, *, denies: bool) -> str:
    keys = dict.fromkeys(one.key.lower() for one in conditions if one.seen is not None)
    ways = {key: _OTHERWISE[key] for key in keys if key in _OTHERWISE}
    for one in conditions:
        if (small := _in_small_letters(one, request, denies=denies)) is not None:
            text = f"; or write {_SPELT[one.key.lower()]} in small letters: {', '.join(f'`{text}`' for text in small)}"
            ways[one.key.lower()] = text
    if "ses:fromaddress" in ways and not _covers_from(request):
        ways["ses:fromaddress"] = (
            "; or send with a return path that does not rest on this identity, as From does not"
        )
    return "".join(ways.values())


def _in_small_letters(condition: ConditionStep, request: Request, *, denies: bool) -> tuple[str, ...] | None:
    """The sender's own addresses without their capitals, those of the domain first, where that is all it takes."""
    seen, is_of_address = condition.seen or (), "@" in request.resource.partition(":identity/")[2]
    if condition.key.lower() not in _SPELT:
        return None
    domains = tuple(
        f"{before}@{domain.lower()}" for before, _, domain in (one.rpartition("@") for one in seen)
    )
    wholes = (
        () if is_of_address else tuple(one.lower() for one in seen)
    )  # local parts count in names of identities
    for small in (domains, wholes):
        value = small if condition.key.lower() == "ses:recipients" else "".join(small)
        if small and small != seen and would_pass(condition, request, value, denies=denies):
            return small
    return None


def _covers_from(request: Request) -> bool:
    """Whether what is asked about is what From rests on."""
    name = request.resource.partition(":identity/")[2].lower()
    values = [
        str(value).lower() for key, value in request.context.items() if key.lower() == "ses:fromaddress"
    ]
    return not name or any(one == name or f".{one.rpartition('@')[2]}".endswith(f".{name}") for one in values)


def _begins_after(condition: ConditionStep, request: Request) -> Mend:
    return Mend(
        how=How.NEW_KEY,
        text=f"the sender {begins_anew(condition, request)}: one that begins after `{condition.wanted[0]}` counts",
        details={"access_key_id": None, "account": request.requester.account_id or None},
    )


def may_leave_out(asked: Mend, *conditions: ConditionStep, request: Request, denies: bool) -> Mend:
    """What a sender asks of the owner, beside what it can do itself: send otherwise, without a display name or tag."""
    is_unwanted = any(
        is_in_the_way(one, request, denies=denies)
        and read_operator(one.operator).comparison.family is Family.NULL
        for one in conditions
    )
    if not is_unwanted:
        tags = [
            one.key.partition("/")[2] for one in conditions if is_tag_in_the_way(one, request, denies=denies)
        ]
        more = f"; or take the tag `{tags[0]}` off" if tags else ""
        more += _otherwise(conditions, request, denies=denies) if asked.text.startswith("ask ") else ""
        return Mend(how=asked.how, text=f"{asked.text}{more}", details=asked.details)
    keys = {name.lower(): value for name, value in request.context.items()}
    return Mend(
        how=How.CHANGE_MESSAGE,
        text=f"leave the display name out of From, or {asked.text}",
        details={"field": "From", "from": keys.get(_NAME), "to": keys.get("ses:fromaddress")},
    )
