"""What a condition of a trust policy asks of a call, in the terms of AssumeRole: which parameter, tag, address or time.

Only of a policy of the reader's own: its values are told as they are written, those of the call never (I9).
Source: STS API reference, AssumeRole; IAM user guide, "Available keys for AWS STS".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sesame.policy.language.vocabulary import Compare, Family, Quantifier, find_key, read_operator
from sesame.policy.reasons.cause import Reader
from sesame.policy.reasons.conditions import TIMES, listed, values_for, why_absent
from sesame.policy.reasons.derivation import ConditionStep
from sesame.policy.reasons.itself import BY_TLS, is_old_session, lacks_tls, would_pass
from sesame.policy.reasons.tags import caller_tagged
from sesame.policy.request import Request

_PARAMETERS = {
    "sts:rolesessionname": "RoleSessionName",
    "sts:sourceidentity": "SourceIdentity",
    "sts:externalid": "ExternalId",
    "aws:useragent": "User-Agent",
    "aws:referer": "Referer",
}
_OF_SERVICES = {"aws:sourceaccount": "x-amz-source-account", "aws:sourcearn": "x-amz-source-arn"}
_FACTOR = "aws:multifactorauth"
"""The beginning of the keys that are about codes of devices."""
_TAGS = {"aws:tagkeys": "Tags", "sts:transitivetagkeys": "TransitiveTagKeys"}
_NEEDS_TAGS = "; sts:TagSession must be allowed too"
_NEEDS = {"SourceIdentity": "; sts:SetSourceIdentity must be allowed too", "Tags": _NEEDS_TAGS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """What a caller does, as an infinitive; `parameter` is given with `value` (None: as the text says).

    `is_only`: nobody is let in without it, so that nothing is changed in its place.
    """

    text: str
    parameter: str = ""
    value: Any = None
    is_only: bool = False

    def as_json(self) -> dict[str, Any]:
        """As it is kept with a refusal."""
        return {
            "text": self.text,
            "parameter": self.parameter,
            "value": self.value,
            "is_only": self.is_only,
        }


def term(condition: ConditionStep, request: Request, reader: Reader, *, denies: bool) -> Term | None:
    """What meets a condition; None where no call can, or what it would be is not known.

    `denies`: the condition is a Deny's and holds, where it should not.
    """
    if lacks_tls(condition, request, denies=denies):
        text = BY_TLS.replace("connects", "connect", 1)
        return Term(text=text, parameter="endpoint", is_only=True)
    if is_old_session(condition, request, denies=denies):
        return Term(
            text="begin a new session, since its own began too long ago, and call with that", is_only=True
        )
    key, found = condition.key.lower(), _Wanted(condition, request, reader, denies=denies)
    if key in TIMES:
        return found.time()
    if key == "aws:tokenissuetime" and condition.seen is None and request.requester.kind == "user":
        return Term(text="sign with the temporary credentials of a session of a role")
    if _by_code(condition, request, denies=denies):
        return Term(text="send the SerialNumber of the user's device, and its code as TokenCode")
    if condition.seen is None and not found.is_presence and not found.is_one_of:
        return None
    if key in _PARAMETERS:
        return found.parameter(_PARAMETERS[key])
    if key in _OF_SERVICES and request.requester.kind == "service":
        return found.parameter(_OF_SERVICES[key])
    if key in _TAGS:
        return found.tag_keys(_TAGS[key])
    if key.startswith("aws:requesttag/"):
        return found.tag(condition.key.partition("/")[2])
    return found.around()


def _by_code(condition: ConditionStep, request: Request, *, denies: bool) -> bool:
    """Whether a user meets a condition by the code of a device."""
    key = condition.key.lower()
    if not key.startswith(_FACTOR) or request.requester.kind != "user":
        return False
    value = "true" if key.endswith("present") else "0"
    return would_pass(condition, request, value, denies=denies)


def why_never(condition: ConditionStep, request: Request) -> str:
    """Why no call meets a condition, where that lies in its key; "" where some could."""
    key = condition.key.lower()
    if key.startswith(_FACTOR) and request.requester.kind != "user":
        return "only a user's own call shows the code of a device"
    if key == "aws:viaawsservice":
        return "no service calls in a caller's name here"
    if condition.seen is not None:
        return ""
    if key.startswith("ses:") and find_key(key) is not None:
        return "AssumeRole never carries it"
    return why_absent(condition, request)


class _Wanted:
    """What one condition wants to see in place of what it saw."""

    def __init__(self, condition: ConditionStep, request: Request, reader: Reader, *, denies: bool) -> None:
        operator = read_operator(condition.operator)
        comparison = operator.comparison
        self._condition = condition
        self._request = request
        self._denies = denies
        self._is_like = comparison.compare is Compare.LIKE
        self._name = comparison.name
        self._values = values_for(condition, reader)
        self.is_presence = comparison.family is Family.NULL
        self.is_one_of = not self.is_presence and comparison.negated == denies
        self._is_of_all = operator.quantifier is (Quantifier.FOR_ANY if denies else Quantifier.FOR_ALL)
        is_text = comparison.family in (Family.STRING, Family.ARN)
        self._is_told = is_text and not condition.unresolved
        self._variable = next((text for text in self._values if "${" in text), None)

    def _value(self) -> str | None:
        """The one value to give, where it is plain and the condition is met by it."""
        if not self.is_one_of or self._variable is not None:
            return None
        value = self._values[0]
        is_whole = not self._is_like or not set(value) & set("*?")
        passes = is_whole and would_pass(self._condition, self._request, value, denies=self._denies)
        return value if passes else None

    def _one(self) -> str:
        """The values to choose from."""
        if self._is_like and any(set(value) & set("*?") for value in self._values):
            return f"something like {listed(self._values)}"
        return f"one of {listed(self._values)}" if len(self._values) > 1 else listed(self._values)

    def _but(self) -> str:
        return "is not like" if self._is_like else "is not"

    def parameter(self, name: str) -> Term | None:
        """A parameter with one text."""
        more = _NEEDS.get(name, "") if self._condition.seen is None else ""
        if self.is_presence:
            if self._condition.seen is None:
                return Term(text=f"send a {name} of its own{more}", parameter=name)
            return Term(text=f"send no {name}", parameter=name) if name != "RoleSessionName" else None
        if not self._is_told:
            return None
        if not self.is_one_of:
            return Term(text=f"send a {name} that {self._but()} {listed(self._values)}", parameter=name)
        if self._variable is not None:
            return Term(
                text=f"send as {name} what `{self._variable}` is for the caller{more}", parameter=name
            )
        return Term(text=f"send {self._one()} as {name}{more}", parameter=name, value=self._value())

    def tag(self, key: str) -> Term | None:
        """A session tag."""
        more = _NEEDS_TAGS if "aws:tagkeys" not in {name.lower() for name in self._request.context} else ""
        if self.is_presence:
            if self._condition.seen is not None:
                return Term(text=f"leave the tag `{key}` out of Tags", parameter="Tags")
            return Term(text=f"send the tag `{key}` in Tags{more}", parameter="Tags")
        if not self._is_told:
            return None
        if not self.is_one_of:
            text = f"send the tag `{key}` with a value that {self._but()} {listed(self._values)} in Tags"
            return Term(text=text, parameter="Tags")
        value = self._value()
        with_what = self._one() if self._variable is None else f"what `{self._variable}` is for the caller"
        return Term(
            text=f"send the tag `{key}` with {with_what} in Tags{more}",
            parameter="Tags",
            value=None if value is None else [{"Key": key, "Value": value}],
        )

    def tag_keys(self, parameter: str) -> Term | None:
        """The keys of session tags, or of those that go on to further sessions."""
        verb = "send" if parameter == "Tags" else "name"
        what = "tags" if parameter == "Tags" else "keys"
        listed_keys = listed(self._values)
        if self.is_presence:
            text = f"{verb} {what}" if self._condition.seen is None else f"{verb} no {what}"
        elif not self._is_told or self._variable is not None:
            return None
        elif not self.is_one_of:
            text = f"leave {'the tag ' if parameter == 'Tags' else ''}{listed_keys} out of"
            return Term(text=f"{text} {parameter}", parameter=parameter)
        elif self._is_of_all:
            text = f"{verb} no {what} but {listed_keys}"
        else:
            text = f"{verb} {'the tag ' if parameter == 'Tags' else ''}{self._one()}"
        is_new = parameter == "Tags" and self._condition.seen is None
        return Term(text=f"{text} in {parameter}{_NEEDS_TAGS if is_new else ''}", parameter=parameter)

    def time(self) -> Term | None:
        """A time that is still to come."""
        is_to_come = ("Greater" in self._name) != self._denies and self._name.endswith(("Than", "Equals"))
        is_ordered = "Greater" in self._name or "Less" in self._name
        return Term(text=f"wait until {listed(self._values)}") if is_ordered and is_to_come else None

    def around(self) -> Term | None:
        """What is not a parameter: where from and where to it is called, and what the caller is tagged with."""
        key = self._condition.key.lower()
        if key == "aws:sourceip" and not self.is_presence:
            where = "in" if self.is_one_of else "outside"
            return Term(text=f"call from an address {where} {listed(self._values)}")
        if not self._is_told or not self.is_one_of or self._variable is not None:
            return None
        if key == "aws:requestedregion":
            return Term(text=f"call the endpoint of {self._one()}")
        if key.startswith("aws:principaltag/"):
            tag = self._condition.key.partition("/")[2]
            return Term(text=caller_tagged(self._request.requester, f"the tag `{tag}` with {self._one()}"))
        return None


def sent(kept: Mapping[str, Any]) -> dict[str, Any]:
    """The parameter of a term that was kept, and its value, as a mend has it."""
    return {"parameter": kept["parameter"], "value": kept["value"]}
