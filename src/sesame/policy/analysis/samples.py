"""Values worth trying where the policies compare one open key with another.

A variable such as `${aws:username}` has endlessly many values and mostly any of them will do: a few names, the texts
that the policies themselves use, and no value at all where that is possible. What is found is a request like any
other, held against the evaluator; what is not found says nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sesame.policy.analysis.demands import variables_of
from sesame.policy.analysis.dimensions import EPOCH, MOMENT, USUAL
from sesame.policy.analysis.index import Placed
from sesame.policy.analysis.principals import OTHER, Candidate, Names
from sesame.policy.analysis.strings import DIGITS, LOWER, MARKS, UPPER
from sesame.policy.analysis.who import PRINCIPAL_KEYS
from sesame.policy.language.vocabulary import ADDRESS_KEYS

_MOST = 8
_NAME = frozenset(LOWER + UPPER + DIGITS + MARKS)
Sample = tuple[Candidate, dict[str, str | None]]


def samples_of(candidate: Candidate, placed: Sequence[Placed], named: Names) -> Iterator[Sample]:
    """The candidate with a name, and values of the keys that variables ask for."""
    keys: dict[str, None] = {}
    texts: dict[str, None] = {}
    for _, policy, statement in placed:
        for condition in statement.conditions:
            keys |= dict.fromkeys(variable.key for variable in variables_of(policy, condition))
            for value in condition.values:
                for part in (value, *value.split("@"), *value.split("/")):
                    if part and not set(part) & set("*?${}"):
                        texts[part] = None
    others = [key for key in keys if key not in PRINCIPAL_KEYS and key not in (MOMENT, EPOCH)]
    pools = {key: _pool(key, list(texts)) for key in others}
    names = [OTHER, *(word for word in texts if set(word) <= _NAME)][:_MOST]
    for turn in range(max([len(names), *(len(pool) for pool in pools.values())])):
        settled = {key: pool[turn % len(pool)] for key, pool in pools.items()}
        variant = _with_name(candidate, names[turn % len(names)], named)
        if keys.keys() & {"aws:userid"}:
            settled["aws:userid"] = variant.requester.user_id or None
        yield variant, settled


def _pool(key: str, texts: list[str]) -> list[str | None]:
    pool: list[str | None]
    if key in ADDRESS_KEYS:
        pool = [*(word for word in texts if "@" in word.strip("@")), USUAL[key]]
        return pool[:_MOST]
    if key in USUAL:
        return [USUAL[key]]
    return [OTHER, None, *texts][:_MOST]


def _with_name(candidate: Candidate, name: str, named: Names) -> Candidate:
    """The candidate as one of those that it stands for."""
    if not candidate.is_other or candidate.requester.kind not in ("user", "role"):
        return candidate
    requester = candidate.requester
    kind = requester.kind
    arn = f"arn:aws:iam::{requester.account_id}:{kind}/{name}"
    if arn in named.names:
        return candidate
    if kind == "user":
        return replace(candidate, requester=replace(requester, arn=arn), is_other=False)
    session = f"arn:aws:sts::{requester.account_id}:assumed-role/{name}/{OTHER}"
    return replace(candidate, requester=replace(requester, arn=session, role_arn=arn), is_other=False)
