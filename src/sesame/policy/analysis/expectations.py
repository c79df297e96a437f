"""What an owner expects of an identity's policies, kept beside them: who may send as which address, and who may not.

`{"who": "222222222222", "may": true, "as": "news@example.com"}` holds when some request like that is allowed, with
`false` when none is; `{"nobodyBut": ["222222222222"], "as": "ceo@example.com"}` holds when nobody else may. `when`
limits other keys of the request, as `{"aws:SourceIp": "203.0.113.0/24"}`. Answers are those of the exact analysis: what
it cannot tell does not hold. About the identity's policies alone: what the delegate's account lets its users do is its
own affair, and the owner's own account needs no policy.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sesame.policy.analysis.answers import Answer
from sesame.policy.analysis.inquiry import Named
from sesame.policy.analysis.principals import STRANGER, with_path
from sesame.policy.analysis.questions import Verdict, can_send, never_late, who_can_send
from sesame.policy.cases import CaseError, read_requester
from sesame.policy.language.document import Policy, parse_stored_identity_policy
from sesame.policy.language.source import Json
from sesame.policy.language.vocabulary import find_key
from sesame.policy.request import Request, Requester

MAX_LENGTH = 200
"""Characters of a name."""
_MEMBERS = {"name", "who", "may", "nobodyBut", "as", "when"}


class ExpectationError(ValueError):
    """An expectation that cannot be read; the message says what to write instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One case. `who` are principals of which each may, or none; `nobody_but` those beside whom nobody may."""

    name: str
    who: tuple[str, ...] = ()
    may: bool = False
    nobody_but: tuple[str, ...] | None = None
    limits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """An expectation that does not hold, and why in words for the owner."""

    name: str
    why: str
    is_known: bool = True
    """False when it is only that the analysis cannot tell."""


class _Why(NamedTuple):
    text: str
    is_known: bool = True


def read_expectation(value: Json) -> Expectation:
    """The case that an object of JSON spells; raises ExpectationError."""
    if not isinstance(value, dict):
        raise ExpectationError("a case is an object with `name`, `who` and `may`, or `nobodyBut`")
    for member in value:
        if member not in _MEMBERS:
            raise ExpectationError(
                f"`{member}` is not a member of a case: there are {', '.join(sorted(_MEMBERS))}"
            )
    name = value.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_LENGTH or not name.isprintable():
        raise ExpectationError("a case has a `name` of up to 200 characters")
    limits = _limits(name, value)
    if "nobodyBut" in value:
        if "who" in value or "may" in value:
            raise ExpectationError(f"`{name}`: `nobodyBut` stands without `who` and `may`")
        allowed = _texts(name, "nobodyBut", value["nobodyBut"])
        for one in allowed:
            _requester(name, one)
        return Expectation(name=name, nobody_but=allowed, limits=limits)
    who, may = _texts(name, "who", value.get("who", [])), value.get("may")
    if not who or not isinstance(may, bool):
        raise ExpectationError(f"`{name}`: say `who`, and whether they `may`: true or false")
    for one in who:
        _requester(name, one)
    return Expectation(name=name, who=who, may=may, limits=limits)


def written(expectation: Expectation) -> dict[str, Json]:
    """The case as it is read again."""
    value: dict[str, Json] = {"name": expectation.name}
    if expectation.nobody_but is None:
        value |= {"who": list(expectation.who), "may": expectation.may}
    else:
        value["nobodyBut"] = list(expectation.nobody_but)
    limits = dict(expectation.limits)
    if (addresses := limits.pop("ses:FromAddress", None)) is not None:
        value["as"] = list(addresses)
    if limits:
        value["when"] = {key: list(values) for key, values in limits.items()}
    return value


def _limits(name: str, value: Mapping[str, Json]) -> dict[str, tuple[str, ...]]:
    limits: dict[str, tuple[str, ...]] = {}
    if "as" in value:
        limits["ses:FromAddress"] = _texts(name, "as", value["as"])
    when = value.get("when", {})
    if not isinstance(when, dict):
        raise ExpectationError(f"`{name}`: `when` is an object of condition keys and values")
    for key, values in when.items():
        known = find_key(key)
        if known is None or not known.is_sent or known.name in limits:
            raise ExpectationError(
                f"`{name}`: `{key}` is not a key that a request carries, or is given twice"
            )
        limits[known.name] = _texts(name, key, values)
    if not all(limits.values()):
        raise ExpectationError(f"`{name}`: a list of values is empty")
    return limits


def _texts(name: str, member: str, value: Json) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    texts = tuple(one for one in listed if isinstance(one, str) and one)
    if len(texts) != len(listed):
        raise ExpectationError(f"`{name}`: `{member}` is a text or a list of texts")
    return texts


def _requester(name: str, who: str) -> Requester:
    try:
        requester = read_requester(who)
    except CaseError as error:
        raise ExpectationError(f"`{name}`: {error}") from None
    if requester.kind == "service" and ("." not in who or set(who) & set(":*/@ ")):
        raise ExpectationError(f"`{name}`: `{who}` is not an account, ARN or service")
    return requester


def requesters_of(expectation: Expectation) -> tuple[Requester, ...]:
    """Those that a case asks about by name; their unique ids are not known here."""
    return tuple(_requester(expectation.name, who) for who in expectation.who)


def why_broken(
    expectation: Expectation,
    policies: Named,
    *,
    identity_arn: str,
    principal_ids: Mapping[str, str],
    known: Mapping[str, Requester],
    is_late: Callable[[], bool] = never_late,
) -> Broken | None:
    """Why a case does not hold by these policies, or None. `known` has requesters by ARN whose unique ids are known."""
    ask = _Ask(expectation, policies, identity_arn, principal_ids, is_late)
    if expectation.nobody_but is not None:
        why = ask.any_but(expectation.nobody_but)
    else:
        check = ask.refused if expectation.may else ask.allowed
        asked = [with_path(known.get(one.arn, one), policies) for one in requesters_of(expectation)]
        why = next((why for one in asked if (why := check(one)) is not None), None)
    return None if why is None else Broken(name=expectation.name, why=why.text, is_known=why.is_known)


def _policy(statement: Mapping[str, Json]) -> tuple[str, Policy]:
    """A policy that leaves everybody out whom a question is not about."""
    deny: dict[str, Json] = {"Effect": "Deny", "Action": "*", "Resource": "*", **statement}
    return "", parse_stored_identity_policy(json.dumps({"Version": "2012-10-17", "Statement": deny}))


@dataclass(frozen=True, slots=True)
class _Ask:
    """The questions of one case."""

    expectation: Expectation
    policies: Named
    identity_arn: str
    principal_ids: Mapping[str, str]
    is_late: Callable[[], bool]

    @property
    def _limits(self) -> dict[str, Sequence[str]]:
        return dict(self.expectation.limits)

    def refused(self, requester: Requester) -> _Why | None:
        """Why a requester may not, or None when it may."""
        witness, unknown = self._can(requester)
        if witness is not None:
            return None
        return unknown or _Why(f"{_display(requester)} may not{_limited(self.expectation)}")

    def allowed(self, requester: Requester) -> _Why | None:
        """By which request a requester may, or None when it may not.

        An account is everybody in it, a role each of its sessions.
        """
        if requester.kind == "root":
            account: dict[str, Json] = {"aws:PrincipalAccount": requester.account_id}
            left_out = _policy({"Principal": "*", "Condition": {"StringNotEquals": account}})
            return self._somebody(left_out, of=f"account {requester.account_id}")
        if requester.kind == "role" and requester.arn == requester.role_arn:
            role: dict[str, Json] = {"aws:PrincipalArn": requester.arn}
            left_out = _policy({"Principal": "*", "Condition": {"ArnNotEquals": role}})
            return self._somebody(left_out, of=requester.arn)
        witness, unknown = self._can(requester)
        if witness is not None:
            return _Why(f"{_display(requester)} may, by {_by(witness)}")
        return unknown

    def any_but(self, allowed: Sequence[str]) -> _Why | None:
        """Who may that is none of these, nor of the owner's account; or None."""
        owner = self.identity_arn.split(":")[4]
        services: list[Json] = [one for one in allowed if read_requester(one).kind == "service"]
        others: list[Json] = [owner, *(one for one in allowed if one not in services)]
        named: dict[str, Json] = {"AWS": others, **({"Service": services} if services else {})}
        return self._somebody(_policy({"Principal": named}))

    def _can(self, requester: Requester) -> tuple[Request | None, _Why | None]:
        found = can_send(
            requester,
            self.policies,
            identity_arn=self.identity_arn,
            limits=self._limits,
            principal_ids=self.principal_ids,
            is_late=self.is_late,
        )
        witness = next((one.witness for one in found if one.witness is not None), None)
        unknown = next((one.reason for one in found if one.witness is None), None)
        return (
            witness,
            None
            if unknown is None
            else _Why(f"it is not known whether {_display(requester)} may: {unknown}", is_known=False),
        )

    def _somebody(self, left_out: tuple[str, Policy], *, of: str = "") -> _Why | None:
        """Who may, of those whom a policy does not leave out; or None. `of` says whose they are."""
        answers = who_can_send(
            [*self.policies, left_out],
            identity_arn=self.identity_arn,
            limits=self._limits,
            principal_ids=self.principal_ids,
            is_late=self.is_late,
        )
        unknown = None
        for answer in answers:
            if answer.verdict is Verdict.YES and answer.witness is not None:
                return _Why(f"{_who(answer, of)} may, by {_by(answer.witness)}")
            if answer.verdict is Verdict.UNKNOWN and unknown is None:
                unknown = _Why(
                    f"it is not known whether {_who(answer, of)} may: {answer.reason}", is_known=False
                )
        return unknown


def _who(answer: Answer, of: str) -> str:
    """A principal in words; one that stands for whoever is not named is somebody of those that were asked about."""
    return f"somebody of {of}" if of and answer.who == STRANGER else answer.who


def _display(requester: Requester) -> str:
    return f"account {requester.account_id}" if requester.kind == "root" else requester.arn


def _by(witness: Request) -> str:
    address = witness.context.get("ses:FromAddress", "-")
    return f"{witness.action} as {address}"


def _limited(expectation: Expectation) -> str:
    addresses = expectation.limits.get("ses:FromAddress")
    return f" as {', '.join(addresses)}" if addresses else ""
