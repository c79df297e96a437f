"""Conditions that failed, in words and as edits, for one reader.

Shown are the values that fail, with the policy's variables filled in, and what is most often wrong with such a
condition: the case of letters, a wildcard under an operator that has none, an operator for one value on a list, a
display name in an address.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from email.errors import HeaderParseError
from email.header import decode_header, make_header

import idna

from sesame.policy.language.pattern import glob
from sesame.policy.language.vocabulary import (
    ADDRESS_KEYS,
    COMPARISONS,
    Compare,
    Family,
    Quantifier,
    find_key,
    read_operator,
)
from sesame.policy.reasons.capitals import differing_in_case
from sesame.policy.reasons.cause import Code, Reader
from sesame.policy.reasons.derivation import NOT_SHOWN, ConditionStep
from sesame.policy.reasons.key_slips import is_no_key, sent_by_nothing
from sesame.policy.reasons.sentence import describe_condition
from sesame.policy.reasons.tags import what_it_carries
from sesame.policy.reasons.views import (
    is_of_resource,
    name_of_key,
    owner_may_see,
    reveals_other_side,
)
from sesame.policy.request import PolicyKind, Request

TIMES = {"aws:currenttime", "aws:epochtime"}
"""Keys that are the time of the request."""
_MOST_VALUES = 3
_VARIABLE = re.compile(r"\$\{[A-Za-z][^}]*\}")


def code_of(condition: ConditionStep) -> Code:
    """Which cause a condition that failed is."""
    key = condition.key.lower()
    if key in TIMES:
        return Code.WINDOW
    return Code.SOURCE_IP if key == "aws:sourceip" else Code.CONDITION


def explain_condition(condition: ConditionStep, request: Request, reader: Reader, *, kind: PolicyKind) -> str:
    """A condition with what was seen, as far as a reader may know: `ses:FromAddress like `a*`; ... has `b``."""
    if reader is Reader.SENDER and kind == "identity":
        return _for_sender(condition, request)
    demand = describe_condition(condition.operator, condition.key, values_for(condition, reader))
    if condition.seen is None and is_no_key(condition.key):
        return f"{demand}; {sent_by_nothing(condition.key)}"
    may_ask_why = _may_be_a_slip(condition) or condition.seen is None
    hint = explain_slip(condition, request, reader) if may_ask_why else ""
    return f"{demand}; {_seen(condition, request, reader)}{hint}"


def explain_conditions(
    conditions: Sequence[ConditionStep], request: Request, reader: Reader, *, kind: PolicyKind
) -> list[str]:
    """The conditions of a statement in words; what was seen of a key stands once, behind the last that is on it."""
    keys = [one.key.lower() for one in conditions]
    found, before = [], ""
    for n, one in enumerate(conditions):
        is_plain = one.answer and one.key.lower() in TIMES
        if is_plain and keys[n + 1 : n + 2] == [keys[n]]:
            demand = describe_condition(one.operator, one.key, values_for(one, reader))
            before += f"{demand} and "
            continue
        found.append(before + explain_condition(one, request, reader, kind=kind))
        before = ""
    return found


def values_for(condition: ConditionStep, reader: Reader) -> tuple[str, ...]:
    """The values of a condition of the reader's own policy, with variables filled in where they are its to know (I9).

    What a hint or a mend says of values, and that it says it at all, rests on these alone.
    """
    is_others = reader is not Reader.OPERATOR and reveals_other_side(
        condition, by_owner=reader is Reader.OWNER
    )
    return condition.wanted if is_others else condition.filled or condition.wanted


def _variable_of_others(condition: ConditionStep, reader: Reader) -> str | None:
    """A variable of the values that is filled in with what is the other side's (I9)."""
    if condition.filled == condition.wanted or values_for(condition, reader) != condition.wanted:
        return None
    return next((found[0] for text in condition.wanted if (found := _VARIABLE.search(text))), None)


def _may_be_a_slip(condition: ConditionStep) -> bool:
    """Whether what it came to may lie in how it is written: it fails, or it holds for what is not so."""
    return condition.answer is not True or read_operator(condition.operator).comparison.negated


def _for_sender(condition: ConditionStep, request: Request) -> str:
    name = name_of_key(condition.key, request)
    if condition.seen is None and not is_of_resource(condition.key):
        by_smtp = f": {why_absent(condition, request)}" if condition.key.lower() == "aws:useragent" else ""
        return f"{name}, which this request does not carry{what_it_carries(condition.key, request)}{by_smtp}"
    if condition.seen is None or is_of_resource(condition.key):
        return f"{name}, which does not hold"
    seen = listed(condition.decisive or condition.seen)
    if read_operator(condition.operator).comparison.family is Family.NULL:
        return f"{name}, which this request carries: {seen}"
    is_version = condition.key.lower() == "ses:apiversion"
    is_by_smtp = is_version and request.action == "ses:SendRawEmail" and "2" in condition.seen
    by_smtp = "; mail by SMTP counts as version `2`" if is_by_smtp else ""
    verb = "does" if len(condition.decisive or condition.seen) == 1 else "do"
    return f"{name}, which {seen} {verb} not meet{by_smtp}" if not condition.answer else f"{name} {seen}"


def _seen(condition: ConditionStep, request: Request, reader: Reader) -> str:
    name = name_of_key(condition.key, request) if reader is Reader.SENDER else condition.key
    if condition.seen is None:
        return f"this request has no {condition.key}"
    if is_hidden(condition, reader):
        is_tag = is_of_resource(condition.key)
        return "the identity's value of it is not shown" if is_tag else f"this request's {name} is not shown"
    return f"this request has {listed(condition.decisive or condition.seen)}"


def is_hidden(condition: ConditionStep, reader: Reader) -> bool:
    """Whether the value that a condition saw is the other side's matter, or a third party's."""
    if reader is Reader.OWNER:
        return not owner_may_see(condition.key) or condition.seen == (NOT_SHOWN,)
    return reader is Reader.SENDER and is_of_resource(condition.key)


def explain_slip(condition: ConditionStep, request: Request, reader: Reader) -> str:
    """What is most often wrong with such a condition, behind a semicolon, or nothing."""
    seen, wanted = condition.decisive or condition.seen or (), values_for(condition, reader)
    if condition.note == "unknown operator":
        near = get_close_matches(condition.operator.lower(), COMPARISONS, n=1)
        return f"; the operator is not known{_did_you_mean(COMPARISONS[near[0]].name if near else '')}"
    if condition.unresolved:
        names = ", ".join(f"`{_as_written(name, condition)}`" for name in condition.unresolved)
        return f"; {names} has no value in this request, so it matches nothing"
    if (variable := not_filled(condition)) is not None:
        return f"; `{variable}` is taken literally: only a policy of Version 2012-10-17 has variables"
    if (slip := variable_slip(condition, request)) is not None:
        return f"; `{slip.variable}` {slip.why}: the variable is written `${slip.variable.lstrip('$&')}`"
    if (meant := name_slip(condition)) is not None:
        return f"; a display name is compared decoded and without quotation marks: as `{meant[1]}`"
    if (hidden := _variable_of_others(condition, reader)) is not None:
        return f"; `{hidden}` is a variable, and what it is for this sender is not shown"
    if names_one_session(condition, request):
        return "; aws:PrincipalArn of a session is the ARN of its role"
    if condition.seen is None and (why := why_absent(condition, request)):
        return f"; {why}"
    if condition.seen is None and condition.answer and _is_of_all(condition):
        return "; ForAllValues holds where there is no value"
    if has_name(condition, reader):
        return f"; {condition.key} is the bare address, without a display name"
    if condition.key.lower() == "ses:apiversion" and not set(wanted) & {"1", "2"}:
        return "; the versions of the API are `1` and `2`"
    if condition.note.startswith("several values"):
        return f"; {condition.key} is a list: write ForAllValues:{condition.operator}"
    long = next((text for text in wanted if in_seconds(text)), None)
    if long is not None and condition.key.lower() in TIMES:
        return f"; `{long}` is in milliseconds, and {condition.key} counts seconds"
    if is_hidden(condition, reader):
        return "; capitals count" if differs_in_case_alone(condition, reader) else ""
    if _is_range_as_text(condition):
        negated = "Not" if read_operator(condition.operator).comparison.negated else ""
        return f"; a range of addresses is compared under {negated}IpAddress, {condition.operator} compares the text"
    if any(text != text.strip() and text.strip() in seen for text in wanted):
        return "; there is white space before or behind the value in the policy"
    if _is_of_other_family(condition):
        return "; the request came by IPv6, and the ranges are of IPv4"
    if operator_instead(condition, reader) is not None:
        negated = "Not" if read_operator(condition.operator).comparison.negated else ""
        return f"; a wildcard counts only under String{negated}Like"
    if differing := differing_in_case(condition, seen, wanted):
        of = "" if len(differing) == len(seen) else f"of {listed(differing)} "
        return f"; {of}only the case of letters differs"
    if condition.key.lower() in ADDRESS_KEYS and _differs_in_label(condition, seen, wanted):
        return "; what stands behind the + counts in conditions"
    return _of_other_language(condition, seen, wanted)


def has_name(condition: ConditionStep, reader: Reader) -> bool:
    """Whether values are addresses with a display name, which no address of a request has."""
    is_text = read_operator(condition.operator).comparison.family is Family.STRING
    values = values_for(condition, reader)
    return is_text and condition.key.lower() in ADDRESS_KEYS and any(map(_NAMED.search, values))


_NAMED = re.compile(r"<[^<>]+@[^<>]+>\s*$")


def _is_of_all(condition: ConditionStep) -> bool:
    return read_operator(condition.operator).quantifier is Quantifier.FOR_ALL


def _differs_in_label(condition: ConditionStep, seen: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether a value would have matched without its label, which identities do not look at."""
    is_negated = read_operator(condition.operator).comparison.negated
    bare = [re.sub(r"\+[^@]*@", "@", value) for value in seen if "+" in value.partition("@")[0]]
    return not is_negated and any(glob(text).matches(value) for value in bare for text in wanted)


_REGEX = re.compile(r"\.\*|\.\+|\\.|^\^|\$$|\[[^\]]+\]|\(.*\||\|.*\)")
"""What is special in regular expressions, and in conditions stands for itself."""


def pattern_meant(condition: ConditionStep) -> tuple[str, str] | None:
    """A regular expression among the values, and the pattern that it would be, where what is sent matches that."""
    comparison, seen = read_operator(condition.operator).comparison, condition.decisive or condition.seen
    if comparison.family is not Family.STRING or comparison.compare is not Compare.LIKE or comparison.negated:
        return None
    for text in condition.wanted:
        meant = text.removeprefix("^").removesuffix("$").replace("\\.", ".")
        meant = meant.replace(".*", "*").replace(".+", "?*")
        if _REGEX.search(text) is None or "${" in text or any(mark in meant for mark in "[(|\\"):
            continue
        if seen and all(glob(meant).matches(value) for value in seen):
            return text, meant
    return None


def _of_other_language(condition: ConditionStep, seen: Sequence[str], wanted: Sequence[str]) -> str:
    """What looks like a pattern of another language, and what in an address is never written like that."""
    if read_operator(condition.operator).comparison.family is not Family.STRING:
        return ""
    for text in wanted:
        if (found := _REGEX.search(text)) is not None:
            return f"; `{found[0]}` stands for itself: `*` and `?` under StringLike are the only wildcards"
    if condition.key.lower() not in ADDRESS_KEYS:
        return ""
    for text in wanted:
        before, _, domain = text.rpartition("@")
        if "%" in before and "%" not in "".join(seen):
            return "; `%` stands for itself: `*` under StringLike is the wildcard"
        if not domain.isascii():
            ascii_domain = in_ascii(domain)
            meant = "" if ascii_domain is None else f": it is `{ascii_domain}`"
            return f"; addresses have their domain in ASCII (Punycode), which `{domain}` is not{meant}"
        if text.count("@") > 1:
            return f"; `{text}` is one text: each address is a value of its own in a list"
        if not before and any(value.lower().endswith(f"@{domain.lower()}") for value in seen):
            negated = "Not" if read_operator(condition.operator).comparison.negated else ""
            return f"; `{text}` is no whole address: `*@{domain}` under String{negated}Like is every address there"
        inner = domain.removeprefix("*.")
        if inner != domain and any(value.lower().endswith(f"@{inner.lower()}") for value in seen):
            return f"; `*.{inner}` is of the domains below `{inner}`, not of itself"
    return ""


def names_one_session(condition: ConditionStep, request: Request) -> bool:
    """Whether a condition on aws:PrincipalArn has the ARN of a session, which that of no request is."""
    is_on_it = condition.key.lower() == "aws:principalarn" and request.requester.role_arn is not None
    return is_on_it and any(":assumed-role/" in text for text in condition.wanted)


def why_absent(condition: ConditionStep, request: Request) -> str:
    """Why a request does not carry a key, where that lies in the key."""
    key = condition.key.lower()
    kind = request.requester.kind
    known = find_key(key)
    if known is not None and not known.is_sent:
        return f"no request here carries {condition.key}"
    if key in ("aws:sourcearn", "aws:sourceaccount") and kind != "service":
        return "only a service that sends for an account carries it, no user, role or root does"
    if key.startswith("aws:multifactorauth"):
        is_session = any(name.lower() == "aws:tokenissuetime" for name in request.context)
        what = "a session opened without a code" if is_session else "an access key"
        return f"{what} carries no second factor, a session opened with a code of an MFA device does"
    if key == "aws:useragent" and request.action.lower() == "ses:sendrawemail":
        return "mail by SMTP carries none, calls of the API do"
    if key == "aws:username" and kind != "user":
        return f"only users carry it, and this is {_KINDS.get(kind, kind)}"
    return ""


_KINDS = {
    "role": "a role's session",
    "federated": "a federated user",
    "root": "a root",
    "service": "a service",
}


def _is_of_other_family(condition: ConditionStep) -> bool:
    """Whether an IPv6 address is held against ranges of IPv4 alone."""
    comparison = read_operator(condition.operator).comparison
    seen = condition.seen or ()
    if comparison.family is not Family.IP or comparison.negated or not seen:
        return False
    return all(":" in value for value in seen) and not any(":" in text for text in condition.wanted)


def differs_in_case_alone(condition: ConditionStep, reader: Reader) -> bool:
    """Whether each value that fails would match in other letters. Of what is not shown to a reader that is said of
    recipients alone, by their owner's policy: of a tag it would tell what it is (I9)."""
    if is_hidden(condition, reader) and condition.key.lower() != "ses:recipients":
        return False
    seen, wanted = condition.decisive or condition.seen or (), values_for(condition, reader)
    return bool(seen) and differing_in_case(condition, seen, wanted) == tuple(seen)


_MILLISECONDS = re.compile(r"[0-9]{13}")
"""Times from 2001 to 2286, which as seconds are far from now."""


def in_seconds(text: str) -> str | None:
    """A time in seconds that was written in milliseconds; None for what was not."""
    return str(int(text) // 1_000) if _MILLISECONDS.fullmatch(text) else None


def _as_written(variable: str, condition: ConditionStep) -> str:
    """A variable in the letters of its policy."""
    text = f"${{{variable}}}"
    found = (re.search(re.escape(text), value, re.IGNORECASE) for value in condition.wanted)
    return next((one[0] for one in found if one is not None), text)


def _did_you_mean(name: str) -> str:
    return f", did you mean `{name}`?" if name else ""


def not_filled(condition: ConditionStep) -> str | None:
    """A variable of the values that stands there as text, since the policy is of the version without any."""
    if read_operator(condition.operator).comparison.family not in (Family.STRING, Family.ARN):
        return None
    if condition.filled != condition.wanted or condition.unresolved:
        return None
    return next((found[0] for text in condition.wanted if (found := _VARIABLE.search(text))), None)


@dataclass(frozen=True, slots=True)
class VariableSlip:
    """A variable of a value that is written as a tool wants it: in `written` as it is, in `right` as it should be."""

    variable: str
    written: str
    right: str
    why: str


_TOOLS_VARIABLE = re.compile(r"(\$\$|&)(\{([A-Za-z]+:[^${}]+)\})")
"""`$${aws:username}`, as Terraform escapes it, and `&{aws:username}`, as its aws_iam_policy_document does."""


def variable_slip(condition: ConditionStep, request: Request) -> VariableSlip | None:
    """The value that the request would have matched, were its variable written as one."""
    comparison = read_operator(condition.operator).comparison
    if comparison.family not in (Family.STRING, Family.ARN) or comparison.negated or not condition.seen:
        return None
    for text in condition.wanted:
        if (found := _TOOLS_VARIABLE.search(text)) is None:
            continue
        names = {name.lower(): value for name, value in request.context.items()}
        value = names.get(found[3].lower())
        if not isinstance(value, str):
            continue
        meant = glob(f"{text[: found.start()]}{value}{text[found.end() :]}")
        if all(meant.matches(seen) for seen in condition.decisive or condition.seen):
            right = f"{text[: found.start()]}${found[2]}{text[found.end() :]}"
            why = "is text" if found[1] == "&" else "has one `$` too many"
            return VariableSlip(variable=found[0], written=text, right=right, why=why)
    return None


def in_ascii(domain: str) -> str | None:
    """A domain of a pattern with the labels that are not ASCII as DNS has them; None where they cannot be."""
    labels = []
    for label in domain.split("."):
        try:
            labels.append(label if label.isascii() else idna.alabel(label.lower()).decode("ascii"))
        except UnicodeError:
            return None
    return ".".join(labels)


def domain_slip(condition: ConditionStep) -> tuple[str, str] | None:
    """An address or pattern of the values whose domain is not in ASCII, and as it is compared, where that matches any
    of what fails."""
    comparison = read_operator(condition.operator).comparison
    if condition.key.lower() not in ADDRESS_KEYS or comparison.negated or not condition.seen:
        return None
    for text in condition.wanted:
        before, _, domain = text.rpartition("@")
        name = None if domain.isascii() or not before else in_ascii(domain)
        is_meant = name is not None and comparison.family is Family.STRING
        if is_meant and any(
            glob(f"{before}@{name}").matches(one) for one in condition.decisive or condition.seen
        ):
            return text, f"{before}@{name}"
    return None


_OF_RECIPIENT = re.compile(
    r"([A-Za-z0-9._]*[A-Za-z0-9])([+-])[^@]*[A-Za-z0-9._-]=[A-Za-z0-9._-]+[^@]*@([^@]+)"
)
"""A return path that names its recipient, `bounces+ann=corp.test@example.com` (VERP)."""


def of_each_recipient(key: str, seen: Sequence[str]) -> list[str] | None:
    """The patterns of return paths that name their recipients, each message another; None for other ones."""
    found = [_OF_RECIPIENT.fullmatch(value) for value in seen] if key.lower() == "ses:feedbackaddress" else []
    patterns = [f"{one[1]}{one[2]}*@{one[3]}" for one in found if one is not None]
    return list(dict.fromkeys(patterns)) if patterns and len(patterns) == len(found) else None


_ENCODED_WORD = re.compile(r"=\?[^?]+\?[bBqQ]\?[^?]*\?=")


def name_slip(condition: ConditionStep) -> tuple[str, str] | None:
    """A display name of the values as a field writes it, and as it is compared, where the request has that one."""
    if condition.key.lower() != "ses:fromdisplayname" or read_operator(condition.operator).comparison.negated:
        return None
    for text in condition.wanted:
        if (name := as_compared(text)) != text and name in (condition.decisive or condition.seen or ()):
            return text, name
    return None


def as_compared(text: str) -> str:
    """What a display name comes to that a From field has as `text`: without its quotation marks, encoded words read."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if _ENCODED_WORD.search(text) is None:
        return text
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, UnicodeError):
        return text


def tag_wanted(condition: ConditionStep, reader: Reader, *, denies: bool) -> tuple[str, str] | None:
    """The tag of a resource that would meet a condition, as its key and value; None where that is not plain, or rests
    on what is not the reader's to know."""
    prefix, _, key = condition.key.partition("/")
    comparison = read_operator(condition.operator).comparison
    is_plain = (
        comparison.family is Family.STRING and comparison.negated is denies and not condition.unresolved
    )
    if prefix.lower() != "aws:resourcetag" or not key or not is_plain or not_filled(condition):
        return None
    value = next(iter(values_for(condition, reader)), "")
    is_writable = re.fullmatch(r"[A-Za-z0-9_.:/=+@-]+", f"{key}{value}") is not None
    return (key, value) if is_writable and value else None


def _is_range_as_text(condition: ConditionStep) -> bool:
    """Whether ranges of addresses are compared as strings, which no address equals."""
    if condition.key.lower() != "aws:sourceip":
        return False
    comparison = read_operator(condition.operator).comparison
    return comparison.family is Family.STRING and any(map(_is_range, condition.wanted))


def _is_range(text: str) -> bool:
    try:
        return "/" in text and ipaddress.ip_network(text, strict=False) is not None
    except ValueError:
        return False


def operator_instead(condition: ConditionStep, reader: Reader) -> str | None:
    """The operator under which the values would have matched, if that is what is wrong; in whatever letters."""
    comparison = read_operator(condition.operator).comparison
    if not condition.seen or comparison.negated is not (condition.answer is True):
        return None
    if _is_range_as_text(condition):
        instead = re.sub(r"(?i)String(Not)?(Equals(IgnoreCase)?|Like)", r"\1IpAddress", condition.operator)
        return instead if _are_in(condition.seen, condition.wanted) else None
    is_equality = comparison.compare in (Compare.EQUAL, Compare.EQUAL_FOLDED)
    if comparison.family is not Family.STRING or not is_equality:
        return None
    patterns = [glob(text.lower()) for text in values_for(condition, reader) if set(text) & set("*?")]
    seen = [value.lower() for value in condition.decisive or condition.seen]
    if not all(any(pattern.matches(value) for pattern in patterns) for value in seen):
        return None
    return re.sub(r"(?i)String(Not)?Equals(IgnoreCase)?", r"String\1Like", condition.operator)


def _are_in(addresses: Sequence[str], ranges: Sequence[str]) -> bool:
    """Whether each address is in a range, where all can be read as such."""
    try:
        networks = [ipaddress.ip_network(text, strict=False) for text in ranges]
        return bool(addresses) and all(
            any(ipaddress.ip_address(address) in network for network in networks) for address in addresses
        )
    except ValueError:
        return False


def listed(values: Sequence[str]) -> str:
    listed = ", ".join(f"`{value}`" for value in values[:_MOST_VALUES])
    return listed if len(values) <= _MOST_VALUES else f"{listed} and {len(values) - _MOST_VALUES} more"
