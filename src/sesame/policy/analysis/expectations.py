"""What an owner expects of an identity's policies, kept beside them: who may send as which address, and who may not.

`{"who": "222222222222", "may": true, "as": "news@example.com"}` holds when some request like that is allowed, with
`false` when none is; `{"nobodyBut": ["222222222222"], "as": "ceo@example.com"}` holds when nobody else may. `when`
limits other keys of the request, as `{"aws:SourceIp": "203.0.113.0/24"}`. Answers are those of the exact analysis: what
it cannot tell does not hold. About the identity's policies alone: what the delegate's account lets its users do is its
own affair, and the owner's own account needs no policy.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sesame.policy.analysis.inquiry import Named
from sesame.policy.analysis.questions import Verdict, can_send, never_late, who_can_send
from sesame.policy.cases import CaseError, read_requester
from sesame.policy.language.forms import is_account_id
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


def read_expectation(value: Json) -> Expectation:
    """The case that an object of JSON spells; raises ExpectationError."""
    if not isinstance(value, dict):
        raise ExpectationError("a case is an object with `name`, `who` and `may`, or `nobodyBut`")
    for member in value:
        if member not in _MEMBERS:
            raise ExpectationError(
                f"`{member}` is no member of a case: there are {', '.join(sorted(_MEMBERS))}"
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
            raise ExpectationError(f"`{name}`: `{key}` is no key that a request carries, or is given twice")
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
    if requester.kind == "service" and ("." not in who or set(who) & set(":*/ ")):
        raise ExpectationError(f"`{name}`: `{who}` is no account, ARN or service")
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
        why = ask.somebody_else()
    elif expectation.may:
        why = next(
            (w for one in requesters_of(expectation) if (w := ask.refused(known.get(one.arn, one)))), None
        )
    else:
        every = [other for one in expectation.who for other in _everybody_of(one, policies, principal_ids)]
        why = next((w for one in every if (w := ask.allowed(known.get(one.arn, one)))), None)
    return None if why is None else Broken(name=expectation.name, why=why)


def _everybody_of(who: str, policies: Named, principal_ids: Mapping[str, str]) -> Iterator[Requester]:
    """Whoever a name stands for: of an account its root, any user, any session of a role; and those that are named.

    A role stands for its sessions. Who is named is the one that the policies are bound to.
    """
    yield read_requester(who)
    if is_account_id(who):
        yield Requester(
            arn=f"arn:aws:iam::{who}:user/someone-else", account_id=who, kind="user", user_id="AIDASOMEONE"
        )
        yield read_requester(f"arn:aws:sts::{who}:assumed-role/someone-else/session")
    named = {
        principal.value
        for _, policy in policies
        for statement in policy.statements
        for principal in statement.principals or ()
        if principal.kind == "AWS" and _is_of(principal.value, who)
    }
    for value in sorted(named):
        requester = read_requester(value)
        unique_id = principal_ids.get(requester.role_arn or requester.arn)
        session = requester.user_id.partition(":")[1:] if requester.kind == "role" else ()
        yield requester if unique_id is None else replace(requester, user_id="".join((unique_id, *session)))


def _is_of(value: str, who: str) -> bool:
    """Whether an ARN is of an account, or of a session of a role."""
    if is_account_id(who):
        return value.split(":")[4:5] == [who]
    account, role = who.split(":")[4:5], who.rpartition("/")[2]
    return ":role/" in who and value.split(":")[4:5] == account and f":assumed-role/{role}/" in value


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

    def refused(self, requester: Requester) -> str | None:
        """Why a requester may not, or None when it may."""
        witness, unknown = self._can(requester)
        if witness is not None:
            return None
        return unknown or f"{_shown(requester)} may not{_limited(self.expectation)}"

    def allowed(self, requester: Requester) -> str | None:
        """By which request a requester may, or None when it may not."""
        witness, unknown = self._can(requester)
        if witness is not None:
            return f"{_shown(requester)} may, by {_by(witness)}"
        return unknown

    def _can(self, requester: Requester) -> tuple[Request | None, str | None]:
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
            None if unknown is None else f"it is not known whether {_shown(requester)} may: {unknown}",
        )

    def somebody_else(self) -> str | None:
        """Who may that should not, or None."""
        allowed = set(self.expectation.nobody_but or ())
        owner = self.identity_arn.split(":")[4]
        answers = who_can_send(
            self.policies,
            identity_arn=self.identity_arn,
            limits=self._limits,
            principal_ids=self.principal_ids,
            is_late=self.is_late,
        )
        for answer in answers:
            if answer.verdict is Verdict.YES and answer.witness is not None:
                one = answer.witness.requester
                names = {one.arn, one.role_arn, one.account_id, f"arn:aws:iam::{one.account_id}:root"}
                if one.account_id != owner and not names & allowed:
                    return f"{answer.who} may, by {_by(answer.witness)}"
            elif answer.verdict is Verdict.UNKNOWN and not any(
                name in answer.who for name in allowed | {owner}
            ):
                return f"it is not known whether {answer.who} may: {answer.reason}"
        return None


def _shown(requester: Requester) -> str:
    if requester.kind == "root":
        return f"account {requester.account_id}"
    if (
        requester.arn.rpartition("/")[0].endswith(("someone-else", ":user"))
        and "someone-else" in requester.arn
    ):
        return f"somebody of account {requester.account_id}"
    return requester.arn


def _by(witness: Request) -> str:
    address = witness.context.get("ses:FromAddress", "-")
    return f"{witness.action} as {address}"


def _limited(expectation: Expectation) -> str:
    addresses = expectation.limits.get("ses:FromAddress")
    return f" as {', '.join(addresses)}" if addresses else ""
