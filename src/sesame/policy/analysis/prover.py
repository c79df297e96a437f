"""The solver behind the exact method: asks cvc5 where the box method has no answer.

cvc5 comes with the extra `sesame-ses[prove]` and is imported at the first such question; without it the answer
stays unknown. Every question has a time limit and a call has few that may run into it. What the solver finds is
a request like any other: the caller holds it against the evaluator before it is reported. Its "no" is believed, as
the oracle tests do.
"""

import importlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sesame.policy.analysis.demands import OutsideFragment
from sesame.policy.analysis.formulas import Formula, Key, Placed, quote
from sesame.policy.analysis.points import write_date
from sesame.policy.analysis.principals import Candidate
from sesame.policy.analysis.search import Point
from sesame.policy.analysis.who import PRINCIPAL_KEYS, requester_at, settled_by
from sesame.policy.language.values import write_address
from sesame.policy.language.vocabulary import Family
from sesame.policy.request import Requester

LIMIT_MS = 500
"""What one question may take."""
PATIENCE = 4
"""So many questions of one call may run out of time; after them the solver is not asked again."""


class NotProved(Exception):
    """The solver has no answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Found:
    """A request that the solver thinks is allowed on one side only."""

    requester: Requester
    point: Point


class Prover:
    """The solver for one call of the analysis; remembers how often it gave up.

    `limits` as in `questions`; `named` are the ARNs and unique ids that the policies mention, each of which
    has a candidate of its own.
    """

    def __init__(
        self, *, limits: Mapping[str, Sequence[str]], named: frozenset[str], limit_ms: int | None = None
    ) -> None:
        self._limits = limits
        self._named = named
        self._limit_ms = LIMIT_MS if limit_ms is None else limit_ms
        self._patience = PATIENCE
        self._answers: dict[object, Found | NotProved | None] = {}

    def find(
        self, candidate: Candidate, wide: Sequence[Placed], narrow: Sequence[Placed] | None, *, sending: bool
    ) -> Found | None:
        """A request of the candidate that `wide` allows and `narrow` does not; None when there is none.

        Raises NotProved, and OutsideFragment for what cannot be put as a formula.
        """
        who = _principal_keys(candidate)
        formula = Formula(sending=sending, limits=self._limits, fixed=who)
        lines = formula.difference(wide, narrow)
        if loose := PRINCIPAL_KEYS & formula.keys.keys() - who.keys():
            raise OutsideFragment(f"a condition on {min(loose)} of {candidate.label}")
        lines = [*_principal(candidate, self._named, formula.keys.keys()), *lines]
        asked = (candidate.requester, "\n".join(lines))
        if asked not in self._answers:
            try:
                model = self._solve(asked[1])
                self._answers[asked] = None if model is None else _found(candidate, formula.keys, model)
            except NotProved as error:
                self._answers[asked] = error
        answer = self._answers[asked]
        if isinstance(answer, NotProved):
            raise answer
        return answer

    def _solve(self, text: str) -> dict[str, Any] | None:
        """The values of all constants in a model; None when there is no model. Raises NotProved."""
        if self._patience <= 0:
            raise NotProved("cvc5 ran out of time")
        try:
            cvc5: Any = importlib.import_module("cvc5")
        except ImportError:
            raise NotProved("cvc5, which might answer, is not installed") from None
        solver = cvc5.Solver()
        options = {"produce-models": "true", "strings-exp": "true", "tlimit-per": str(self._limit_ms)}
        for name, value in options.items():
            solver.setOption(name, value)
        parser = cvc5.InputParser(solver)
        parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, f"(set-logic ALL)\n{text}", "question")
        symbols = parser.getSymbolManager()
        while not (command := parser.nextCommand()).isNull():
            command.invoke(solver, symbols)
        result = solver.checkSat()
        if result.isUnsat():
            return None
        if not result.isSat():
            self._patience -= 1
            raise NotProved("cvc5 ran out of time")
        return {str(term): solver.getValue(term).toPythonObj() for term in symbols.getDeclaredTerms()}


def _principal_keys(candidate: Candidate) -> dict[str, str | None]:
    """The keys that the principal determines, as terms; those of unknown users are constants of the formula."""
    requester = candidate.requester
    keys: dict[str, str | None] = {
        key: None if value is None else quote(value) for key, value in settled_by(requester.kind).items()
    }
    if requester.kind == "service":
        if not candidate.is_other:
            keys["aws:principalservicename"] = quote(requester.arn)
        return keys
    account = "w_account" if candidate.is_stranger else quote(requester.account_id)
    if candidate.is_by_id:
        return keys  # named by its unique id: we know nothing else of it
    keys["aws:principalaccount"] = account
    if requester.kind == "root":
        arn = f'(str.++ "arn:aws:iam::" {account} ":root")'
        return keys | {"aws:principalarn": arn, "aws:userid": account}
    if requester.kind == "federated":
        if candidate.is_other:
            return keys
        return keys | {"aws:principalarn": quote(requester.arn), "aws:userid": quote(requester.user_id)}
    if requester.kind == "role" and candidate.has_open_role:
        return keys | {"aws:userid": "w_id"}
    keys |= {"aws:principalarn": "w_arn", "aws:userid": "w_id"}
    return keys | ({"aws:username": "w_name"} if requester.kind == "user" else {})


def _principal(candidate: Candidate, named: frozenset[str], used: Collection[str]) -> list[str]:
    """What is known of the account, name and unique id that the keys hold; only of those used."""
    requester = candidate.requester
    lines: list[str] = []
    account = quote(requester.account_id)
    if candidate.is_stranger:
        account = "w_account"
        lines.append("(declare-const w_account String)")
        lines.append('(assert (str.in_re w_account ((_ re.^ 12) (re.range "0" "9"))))')
        known = {name.split(":")[4] if ":" in name else name for name in named}
        lines += [f"(assert (not (= w_account {quote(name)})))" for name in sorted(known)]
    if requester.kind not in ("user", "role"):
        return lines
    if not {"aws:username", "aws:principalarn"}.isdisjoint(used):
        lines += ["(declare-const w_name String)", *_names(candidate, named, account, used)]
    if "aws:userid" in used:
        lines += ["(declare-const w_id String)", *_ids(candidate, named)]
    return lines


def _ids(candidate: Candidate, named: frozenset[str]) -> list[str]:
    """A unique id that is known, or that nobody named; of a session with a name behind it."""
    role_id, colon, session = candidate.requester.user_id.partition(":")
    if candidate.requester.kind == "user":
        if candidate.has_known_id:
            return [f"(assert (= w_id {quote(role_id)}))"]
        lines = ['(assert (str.in_re w_id (re.++ (str.to_re "AIDA") (re.+ (re.range "A" "Z")))))']
        return lines + [f"(assert (not (= w_id {quote(name)})))" for name in sorted(named) if name.isalnum()]
    letters = '(re.++ (str.to_re "AROA") (re.+ (re.range "A" "Z")))'
    head = f"(str.to_re {quote(role_id)})" if candidate.has_known_id else letters
    is_known = candidate.is_session and colon and session
    tail = f"(str.to_re {quote(session)})" if is_known else f"(re.++ {_LETTER} (re.+ {_LETTER}))"
    lines = [f'(assert (str.in_re w_id (re.++ {head} (str.to_re ":") {tail})))']
    for name in sorted(named):
        if name.startswith("AROA") and name.isalnum():
            lines.append(f"(assert (not (str.prefixof {quote(name + ':')} w_id)))")
    return lines


def _names(candidate: Candidate, named: frozenset[str], account: str, used: Collection[str]) -> list[str]:
    """A name, and the ARN when that is used; of one without a name of its own, any other."""
    requester = candidate.requester
    arn = requester.arn if requester.kind == "user" else requester.role_arn or ""
    if not candidate.is_other:
        lines = [f"(assert (= w_name {quote(arn.rpartition('/')[2])}))"]
        if "aws:principalarn" in used:
            lines += ["(declare-const w_arn String)", f"(assert (= w_arn {quote(arn)}))"]
        return lines
    lines = [f"(assert (str.in_re w_name (re.+ {_LETTER})))"]
    prefix = f'(str.++ "arn:aws:iam::" {account} ":{requester.kind}/"'
    if "aws:principalarn" in used:
        lines += [
            "(declare-const w_arn String)",
            "(declare-const w_path String)",
            f'(assert (str.in_re w_path (re.* (re.++ (re.+ {_LETTER}) (str.to_re "/")))))',
            f"(assert (= w_arn {prefix} w_path w_name)))",
        ]
    arn = "w_arn" if "aws:principalarn" in used else f"{prefix} w_name)"
    kind = f":{requester.kind}/"
    return lines + [f"(assert (not (= {arn} {quote(name)})))" for name in sorted(named) if kind in name]


_LETTER = (
    '(re.union (re.range "0" "9") (re.range "A" "Z") (re.range "a" "z") '
    + " ".join(f'(str.to_re "{character}")' for character in "+=,.@_-")
    + ")"
)


def _found(candidate: Candidate, keys: Mapping[str, Key], model: Mapping[str, Any]) -> Found:
    """The request that a model stands for."""
    requester = _requester(candidate, model)
    point: Point = {}
    for dimension, key in keys.items():
        if not {"true": True, "false": False, **model}[key.present]:
            point[dimension] = None
        elif key.is_fixed:
            term = key.terms[0]
            point[dimension] = model[term] if term in model else _written(dimension, term, requester)
        elif key.count:
            point[dimension] = tuple(model[term] for term in key.terms[: model[key.count]])
        else:
            point[dimension] = _text(key.family, model[key.terms[0]])
    return Found(requester, point)


def _requester(candidate: Candidate, model: Mapping[str, Any]) -> Requester:
    """The requester of a model: what the model does not say is as the candidate has it."""
    requester = candidate.requester
    account = model.get("w_account", requester.account_id)
    user_id = model.get("w_id", account if requester.kind == "root" else requester.user_id)
    if requester.kind == "service" or candidate.is_by_id:
        return replace(requester, user_id=user_id)
    if requester.kind == "root":
        return replace(requester, arn=f"arn:aws:iam::{account}:root", account_id=account, user_id=user_id)
    if requester.kind == "federated":
        return replace(
            requester, arn=requester.arn.replace(requester.account_id, account), account_id=account
        )
    old = requester.arn if requester.kind == "user" else requester.role_arn or ""
    prefix, _, name = old.partition(f":{requester.kind}/")
    if candidate.is_other:
        name = model.get("w_name", name)
    prefix = prefix.replace(requester.account_id, account)
    arn = model.get("w_arn", f"{prefix}:{requester.kind}/{name}")
    if requester.kind == "user":
        return replace(requester, arn=arn, account_id=account, user_id=user_id)
    named = replace(candidate, requester=replace(requester, account_id=account))
    return requester_at(named, arn, user_id)


def _written(dimension: str, term: str, requester: Requester) -> str:
    """The value of a fixed key, of which the formula has a constant or an expression."""
    if dimension == "aws:principalarn" and requester.kind == "root":
        return requester.arn
    return term.strip('"')


def _text(family: Family, value: Any) -> str:
    match family:
        case Family.DATE:
            return write_date(int(value))
        case Family.IP:
            return write_address(int(value))
        case Family.BOOL:
            return str(value).lower()
        case Family.NUMERIC:
            exact = Fraction(value)
            return format(Decimal(exact.numerator) / Decimal(exact.denominator), "f")
        case _:
            return str(value)
