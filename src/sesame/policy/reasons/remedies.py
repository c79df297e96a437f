"""What to do about a statement that keeps a request out: edits of it, and what the sender may do in their place.

An Allow is widened by what the request lacks, a Deny gets one more exception; a guard goes as a whole only where
nothing smaller helps. A key that such a request never carries gives way to one that says the same of it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sesame.policy.language.pattern import glob, literally
from sesame.policy.language.vocabulary import (
    ADDRESS_KEYS,
    Compare,
    Comparison,
    Family,
    Quantifier,
    find_key,
    read_operator,
)
from sesame.policy.reasons.any_case import in_any_case
from sesame.policy.reasons.cause import How, Mend, Reader
from sesame.policy.reasons.conditions import (
    TIMES,
    as_compared,
    domain_slip,
    has_name,
    in_seconds,
    is_hidden,
    listed,
    name_slip,
    not_filled,
    of_each_recipient,
    operator_instead,
    pattern_meant,
    values_for,
    variable_slip,
    why_absent,
)
from sesame.policy.reasons.derivation import NOT_SHOWN, ConditionStep, StatementStep
from sesame.policy.reasons.edits import copies
from sesame.policy.reasons.itself import BY_TLS, WITHOUT_NAME, is_in_the_way, is_tag_in_the_way, lacks_tls
from sesame.policy.reasons.second_factor import lacks_factor, with_code
from sesame.policy.reasons.sentence import compact, name_statement
from sesame.policy.reasons.slips import some
from sesame.policy.reasons.tags import OF_PRINCIPAL, to_be_tagged
from sesame.policy.request import Request

Change = dict[str, Any]

_FROM = "ses:fromaddress"

_CARRIED = {
    _FROM: "sends as {}",
    "ses:fromdisplayname": "sends a display name in From: {}",
    "ses:feedbackaddress": "sets the return path (ReturnPath, FeedbackForwardingEmailAddress or MAIL FROM) to {}",
    "ses:recipients": "sends to no recipients but {}",
    "ses:apiversion": "sends by version {} of the API",
}
_OF_SERVICES = {
    "aws:sourceaccount": "sends x-amz-source-account, as services send it: {}",
    "aws:sourcearn": "sends x-amz-source-arn, as services send it: {}",
}
"""What the sender does for its request to carry a key with a value; `_OF_SERVICES`, for it to carry the key at all:
for whom a service sends is not for the owner to say."""

_OF_PRINCIPALS = {"aws:username", "aws:sourcearn"}
_OF_ACCOUNTS = {"aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid", "aws:sourceaccount"}
_OF_SOME = {"aws:username", "aws:sourceaccount", "aws:sourcearn"}
"""Keys that some requests carry: those of users, those of services."""
_OF_NETWORKS = {"aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip"}

_OTHERS = {
    _FROM: "sends as an address that is not {}",
    "ses:feedbackaddress": "sends with a return path that is not {}",
    "ses:fromdisplayname": "sends with a display name in From that is not {}",
}
"""What the sender does for its request to carry another value than one that is denied."""

_RECIPIENTS = "ses:recipients"
"""A key whose value is not shown to the owner: what to add the sender has to say."""
_IF_EXISTS = "IfExists"

_TAG_IN_VALUE = re.compile(r"\$\{(?i:aws:PrincipalTag)/([^},]+)\}")

_BY_SESSION = "signs with the temporary credentials of a session of a role"


def opens(change: Mapping[str, Any]) -> bool:
    """Whether an edit lets in, beside the request, all others that lack what the condition asks for."""
    had, has = (str(change.get(how, "")).lower().endswith("ifexists") for how in ("operator", "operator_to"))
    return bool(change.get("drop_condition")) or (has and not had)


def carried(request: Request, key: str) -> str | None:
    """The one value of a key that a request carries."""
    found = next((value for name, value in request.context.items() if name.lower() == key.lower()), None)
    return found if isinstance(found, str) else None


def resource_to_write(resource: str) -> str:
    """A resource as a Resource element says it and no other; `*` is that of calls which are about none."""
    return resource if resource == "*" else literally(resource)


def to_add(comparison: Comparison, seen: Sequence[str]) -> list[str]:
    """Values as a condition says them and no others."""
    if comparison.family is Family.IP:
        return [range_of(value) for value in seen]
    wildcards = comparison.family is Family.ARN or comparison.compare is Compare.LIKE
    return [literally(value, wildcards=wildcards) for value in seen]


def range_of(address: str) -> str:
    """An address as a range of addresses."""
    return f"{address}/{128 if ':' in address else 32}"


def _lacks_session(condition: ConditionStep) -> bool:
    return condition.key.lower() == "aws:tokenissuetime" and condition.seen is None


def by_session(*conditions: ConditionStep) -> str:
    """What else helps against a condition of the owner's on the age of a session, for a sender that has none."""
    return "; or sign with the temporary credentials of a session of a role" * any(
        map(_lacks_session, conditions)
    )


def to_send(condition: ConditionStep, request: Request, reader: Reader, *, denies: bool) -> str | None:
    """What the sender does to meet a condition in place of its being changed; None where that is not known.

    `denies`: the condition is a Deny's and holds, where it should not.
    """
    key = condition.key.lower()
    comparison = read_operator(condition.operator).comparison
    if lacks_tls(condition, request, denies=denies):
        return f"the sender {BY_TLS}"
    if lacks_factor(condition, request, denies=denies):
        return with_code(request, reader)
    if is_in_the_way(condition, request, denies=denies):
        return f"the sender {WITHOUT_NAME}"
    is_for_nothing = comparison.family is Family.NULL
    by_token = is_for_nothing or not denies
    if key == _RECIPIENTS and denies and is_left_out(condition):
        return f"the sender leaves out the recipients like {listed(condition.wanted)}"
    if denies and (way := _other_value(condition)) is not None:
        return f"the sender {way}"
    if _lacks_session(condition) and by_token and request.requester.kind in ("user", "root"):
        return f"the sender {_BY_SESSION}"
    wants = comparison.negated == denies or is_for_nothing
    if not wants or (condition.seen is None and why_absent(condition, request)):
        return None
    if is_for_nothing and condition.seen is not None:
        tag = condition.key.partition("/")[2]
        is_in = is_tag_in_the_way(condition, request, denies=denies)
        return f"the sender's account takes the tag `{tag}` off" if is_in else None
    if has_name(condition, reader) or (key == _FROM and not _may_send_as(condition, request)):
        return None
    if key == _FROM and condition.seen == (NOT_SHOWN,):
        return (
            None  # From rests on another identity: with an address of this one it would need its ARN as well
        )
    if key in ADDRESS_KEYS and not is_for_nothing and not any("@" in text for text in condition.wanted):
        return None
    if key == "ses:apiversion" and not set(condition.wanted) & {"1", "2"}:
        return None
    if not all(text.rpartition("@")[2].isascii() for text in condition.wanted):
        return None
    if key == "ses:fromdisplayname" and any(as_compared(text) != text for text in condition.wanted):
        return None
    if comparison.family is Family.NUMERIC and comparison.name.endswith("Than"):
        return None
    if (found := _TAG_IN_VALUE.search(" ".join(condition.wanted))) is not None and not condition.unresolved:
        value = f"another value of the tag `{found[1]}`"
        return to_be_tagged(request.requester, value, is_carried=True)
    wanted = values_for(condition, reader)
    has_variables = condition.unresolved or (wanted == condition.wanted != condition.filled)
    if has_variables:
        return None  # what it would be is not known
    values = "any value" if is_for_nothing else listed(wanted)
    if key in (_FROM, "ses:feedbackaddress") and not is_for_nothing and _like(wanted, comparison):
        values = f"an address like {values}"
    if key.startswith(OF_PRINCIPAL):
        tag = f"the tag `{condition.key.partition('/')[2]}` with {values}"
        return to_be_tagged(request.requester, tag, is_carried=condition.seen is not None)
    way = _CARRIED.get(key) or (_OF_SERVICES.get(key) if condition.seen is None else None)
    return None if way is None else f"the sender {way.format(values)}"


def _other_value(condition: ConditionStep) -> str | None:
    """What the sender sends for a Deny not to be for it; None where that is not plain, or nothing would do."""
    comparison, way = read_operator(condition.operator).comparison, _OTHERS.get(condition.key.lower())
    if way is None or condition.seen is None or comparison.negated or comparison.family is not Family.STRING:
        return None
    if condition.filled != condition.wanted or any("${" in text for text in condition.wanted):
        return None
    some_other = f"another-one@{condition.seen[0].rpartition('@')[2]}"
    if any(glob(text.lower()).matches(some_other.lower()) for text in condition.wanted):
        return None  # the Deny may be for every address there
    return way.format(_like(condition.wanted, comparison) + listed(condition.wanted))


def _like(values: Sequence[str], comparison: Comparison) -> str:
    """The word before values of which some are patterns."""
    is_pattern = any(set(text) & set("*?") for text in values)
    return "like " * (comparison.compare is Compare.LIKE and is_pattern)


def _may_send_as(condition: ConditionStep, request: Request) -> bool:
    """Whether a sender of this identity may have the addresses of a condition in From, each of them."""
    name = request.resource.partition(":identity/")[2].lower()
    is_like = read_operator(condition.operator).comparison.compare is Compare.LIKE
    for text in condition.filled or condition.wanted:
        before, _, domain = text.lower().rpartition("@")
        is_there = bool(before) and (domain == name or domain.endswith(f".{name}"))
        if not is_there or (set(before) & set("*?") and not is_like):
            return False
    return bool(name) and pattern_meant(condition) is None


def is_left_out(condition: ConditionStep) -> bool:
    """Whether a Deny is for some recipients, without which the message would pass."""
    operator = read_operator(condition.operator)
    is_some = operator.quantifier is Quantifier.FOR_ANY and not operator.comparison.negated
    return condition.key.lower() == _RECIPIENTS and bool(condition.seen) and is_some


def change_for(step: StatementStep, condition: ConditionStep, request: Request, reader: Reader) -> Change:
    """The edit of a condition of an Allow that lets the request through."""
    operator = read_operator(condition.operator)
    comparison = operator.comparison
    change: Change = {"operator": condition.operator, "key": condition.key}
    if not_filled(condition) is not None:
        return {"version": "2012-10-17"}
    if (slip := variable_slip(condition, request)) is not None:
        return change | {"replace": slip.written, "with": slip.right}
    if (name := name_slip(condition)) is not None:
        return change | {"replace": name[0], "with": name[1]}
    if condition.note.startswith("several values") and operator.quantifier is Quantifier.NONE:
        return change | {"operator_to": f"ForAllValues:{condition.operator}"}
    if not is_hidden(condition, reader) and (domain := domain_slip(condition)) is not None:
        return change | {"replace": domain[0], "with": domain[1]}
    hidden = is_hidden(condition, reader)
    if not hidden and (instead := operator_instead(condition, reader)) is not None:
        return change | {"operator_to": instead}
    if not comparison.negated and (other := other_key(step, condition, request)) is not None:
        return change | other
    if comparison.family is Family.DATE or condition.key.lower() in TIMES:
        return change | {"replace": condition.wanted[0], "with": _seconds(condition, request)}
    if (folded := in_any_case(step, condition, request, reader)) is not None:
        return folded
    seen: Sequence[str] = condition.decisive or condition.seen or ()
    may_add = comparison.family in (Family.STRING, Family.ARN, Family.IP) and not comparison.negated
    if may_add and seen and reader is Reader.OWNER and condition.key.lower() == _RECIPIENTS:
        return change | {"add": None}
    if not may_add or not seen or hidden:
        return change | _let_without(step, condition, request)
    meant = pattern_meant(condition)
    patterns = of_each_recipient(condition.key, seen)
    if patterns is not None and comparison.family is Family.STRING:
        is_like = comparison.compare is Compare.LIKE
        return change | {"add": patterns if is_like else to_add(comparison, seen), "each": patterns}
    return change | {"add": to_add(comparison, seen)} | ({} if meant is None else {"or_replace": list(meant)})


def _let_without(step: StatementStep, condition: ConditionStep, request: Request) -> Change:
    """For a request that lacks a key: the condition for those that carry it alone, or none."""
    key = condition.key.lower()
    is_own_tag = step.ref.kind != "identity" and key.startswith("aws:principaltag/")
    is_sent = is_own_tag or (key.startswith("ses:") and find_key(key) is not None)
    family = read_operator(condition.operator).comparison.family
    if (
        condition.seen is None
        and is_sent
        and family is not Family.NULL
        and not why_absent(condition, request)
    ):
        return {"operator_to": f"{condition.operator}{_IF_EXISTS}"}
    return {"drop_condition": True}


def _seconds(condition: ConditionStep, request: Request) -> str | None:
    """A time that was written in milliseconds as it should be, where the request fits it then."""
    text = in_seconds(condition.wanted[0])
    name = read_operator(condition.operator).comparison.name
    now = next((value for key, value in request.context.items() if key.lower() == "aws:epochtime"), None)
    if text is None or not isinstance(now, str) or not now.isdigit() or "Greater" not in name:
        return None
    return text if int(text) < int(now) else None


def other_key(step: StatementStep, condition: ConditionStep, request: Request) -> Change | None:
    """A condition on a key that the request carries, for one on a key that requests like it never do.

    None where others carry the key: what is meant for them stays as it is.
    """
    comparison = read_operator(condition.operator).comparison
    is_lacking = condition.seen is None and comparison.family is not Family.NULL
    requester = request.requester
    if not is_lacking or not why_absent(condition, request) or not requester.account_id:
        return None
    key, no = condition.key.lower(), "Not" * comparison.negated
    if key in _OF_SOME and (comparison.negated or may_be_of_others(step, key)):
        return None
    if key in _OF_ACCOUNTS:
        return _of(f"String{no}Equals", "aws:PrincipalAccount", requester.account_id)
    if key in _OF_PRINCIPALS:
        return _of(f"Arn{no}Equals", "aws:PrincipalArn", requester.role_arn or requester.arn)
    address = carried(request, "aws:SourceIp")
    if key in _OF_NETWORKS and address is not None:
        return _of(f"{no}IpAddress", "aws:SourceIp", range_of(address))
    return None


def may_be_of_others(step: StatementStep, key: str) -> bool:
    """Whether somebody else whom a statement names may carry a key that the requester does not."""
    if step.ref.kind != "identity" or key.lower() not in _OF_SOME:
        return False
    named = next((one.wanted for one in step.elements if one.element == "Principal"), ())
    if key.lower() == "aws:username":
        return not all(":role/" in name or ":assumed-role/" in name for name in named)
    return any(name == "*" or (":" not in name and "." in name) for name in named)


def _of(operator: str, key: str, *values: str) -> Change:
    return {"operator_to": operator, "key_to": key, "values": list(values)}


# In words.


def change_mend(
    step: StatementStep,
    changes: Sequence[Change],
    verb: str,
    resource: str,
    *,
    is_said: bool,
    admits: Sequence[Mapping[str, Any]] = (),
    beside: str = "",
) -> Mend:
    """Edits of a statement as a mend; `is_said`: the words name the identity that an identity policy is of.

    `admits` is whom else they let in, `beside` the same in words.
    """
    is_identitys = step.ref.kind == "identity"
    details: dict[str, Any] = {
        "kind": step.ref.kind,
        "policy": step.ref.policy,
        "statement": step.ref.index,
        "changes": list(changes),
    } | ({"identity_arn": resource} if is_identitys else {})
    details |= {"also_admits": list(admits)} if admits else {}
    made = copies(step.text, step.ref.index, changes)
    details |= {"statements": made} if made else {}
    whose = f" of `{resource}`" if is_identitys and is_said else ""
    said = edits_in_words(changes)
    written = " and ".join(map(compact, made))
    said += f": {written}" if 0 < len(written) <= _MOST_WRITTEN else ""
    what = f": {said}" if said else ""
    text = f"{verb} {name_statement(step.ref)}{whose}{what}{beside}"
    is_all = any(_LIFTS & set(change) for change in changes)
    return Mend(
        how=How.CHANGE_STATEMENT, text=beside_ways_out(text, changes, is_last=is_all), details=details
    )


def edits_in_words(changes: Sequence[Change]) -> str:
    """Edits of a statement as they stand behind its name; "" where it is to be taken away as a whole."""
    return ", ".join(text for change in changes if (text := _said(change)))


def beside_ways_out(text: str, changes: Sequence[Mapping[str, Any]], *, is_last: bool) -> str:
    """An edit in words with what the sender may do in its place; `is_last`: before it, where that is enough."""
    ways = list(dict.fromkeys(change["or_send"] for change in changes if "or_send" in change))
    if is_last and ways and all("or_send" in change for change in changes):
        return (
            f"{', and '.join(ways)}; or, {text}"
            if text.startswith("to ")
            else f"{', and '.join(ways)}; or {text}"
        )
    if not all("or_send" in change for change in changes):
        return text  # what the sender can do about one of them is not enough
    return f"{text}; or {', and '.join(ways)}" if ways else text


_LIFTS = {"exempt", "split", "remove", "add_not_action", "add_not_resource"}
"""Edits that take something out of a Deny, which what the sender can do in their place goes before."""

_MOST_WRITTEN = 2_000
"""So many characters of finished statements stand in a sentence; longer ones are in the details alone."""
_TIMES = {2: "two", 3: "three", 4: "four"}

_ADDED = {
    "add_action": "Action",
    "add_resource": "Resource",
    "add_not_action": "NotAction",
    "add_not_resource": "NotResource",
}


_DATES = {"Less": "a later date", "Greater": "an earlier date", "": "another date"}
_NUMBERS = {
    "Less": "a larger number of seconds",
    "Greater": "a smaller number of seconds",
    "": "another number of seconds",
}
"""What a time in a policy gives way to, by a word of its operator."""


def _said(change: Mapping[str, Any]) -> str:
    for how, element in _ADDED.items():
        if how in change:
            return f"add `{change[how]}` to its {element}"
    if "version" in change:
        return f"write Version {change['version']} in its policy"
    if "key_to" in change:
        instead = f"{change['operator_to']} {change['key_to']} {some(tuple(change['values']))}"
        return f"write {instead} in place of its {change['operator']} on {change['key']}"
    if "split" in change:
        made = [" and ".join(map(_said, copy)) for copy in change["split"]]
        times = _TIMES.get(len(made), "several")
        return (
            f"replace it with {times} copies of itself (each with a Sid of its own, or none), one to"
            f" {', one to '.join(made)}, so that only what none of them denies passes"
        )
    if "take" in change:
        return f"take {some(tuple(change['take']))} out of its {change['operator']} on {change['key']}"
    if "exempt" in change and change["operator"] == "Null":
        return f"exempt requests without {change['key']}, by Null {some(tuple(change['exempt']))}"
    if "exempt" in change:
        return f"exempt {some(tuple(change['exempt']))} by {change['operator']} on {change['key']}"
    if "operator_to" in change:
        lacking = f", which lets requests without {change['key']} pass" if opens(change) else ""
        return f"write {change['operator_to']} in place of {change['operator']}{lacking}"
    if change.get("add", ()) is None:
        return (
            f"add the recipient that does not match, which the sender can name, to {change['operator']}"
            f" {change['key']}"
        )
    if "add" in change:
        add = f"add {some(tuple(change['add']))} to {change['operator']} {change['key']}"
        if "respelt" in change:
            old, new = (some(tuple(change[how])) for how in ("respelt", "add"))
            return f"write {new} beside {old} in {change['operator']} {change['key']}, where capitals count"
        if "each" in change:
            return f"{add}, since each message has a return path with its recipient in it (VERP)"
        if "or_replace" not in change:
            return add
        old, new = change["or_replace"]
        return f"{add} (or, if a regular expression is meant, write `{new}` in place of `{old}`)"
    if "replace" in change:
        is_number = "numeric" in change["operator"].lower()
        later = _NUMBERS if is_number else _DATES
        by_operator = next((text for word, text in later.items() if word in change["operator"]), later[""])
        new = f"`{change['with']}`" if change.get("with") else f"{by_operator} than the request's"
        return f"write {new} in place of `{change['replace']}`"
    if "drop_condition" in change:
        return f"take its {change['operator']} on {change['key']} away or change it"
    return ""
