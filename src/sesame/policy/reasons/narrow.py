"""Whom else a change of a statement would be for, and a statement in its place that is for one request alone.

A mend is no wider than what was refused: where a statement is for others too, or its change would let more through
than the request, one of its own stands beside it. What it does not say, the mend does, as `also_admits`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sesame.policy.language.pattern import literally
from sesame.policy.language.vocabulary import Family, find_key, read_operator
from sesame.policy.reasons.cause import Reader
from sesame.policy.reasons.conditions import (
    TIMES,
    is_hidden,
    names_one_session,
    not_filled,
    of_each_recipient,
)
from sesame.policy.reasons.derivation import ConditionStep, StatementStep
from sesame.policy.reasons.remedies import Change, may_be_of_others, opens, range_of
from sesame.policy.reasons.slips import some
from sesame.policy.request import Request, Requester

Admits = Mapping[str, Any]
"""Whom or what a mend admits beside the request: `principals` that a statement names, the whole `account` (with
`principals` of `*` where the statement names everybody), the sessions of a `role`, the users of a `group`, those that a
managed `policy` is attached to, any value of a condition `key`, return paths `like` a pattern, `all` that a Deny
denied."""

_FROM = "ses:fromaddress"
_OF_WHO = ("aws:principal", "aws:username", "aws:userid")
"""Beginnings of keys that are about who sends: a statement for one principal need not repeat them."""
TAGS = ("aws:resourcetag/", "ses:resourcetag/")
_OF_RESOURCE = (*TAGS, "aws:resourceaccount")
BY_PRINCIPAL = {"aws:principalarn", "aws:principalaccount", "aws:userid"}
"""Keys with a value for each principal or account."""
_ALONE = BY_PRINCIPAL - {"aws:principalaccount"}


def others(step: StatementStep, requester: Requester) -> tuple[Admits, ...]:
    """For whom beside the requester a statement is: whoever a change of it changes something for as well.

    Users of the requester's account are the same delegate where the account is named.
    """
    if step.ref.kind == "session":
        return ()
    if step.ref.kind == "boundary":
        return ({"policy": step.ref.policy},)
    if step.ref.kind == "iam":
        group, slash, _ = step.ref.policy.partition("/")
        if step.ref.policy.startswith("arn:"):
            return ({"policy": step.ref.policy},)
        return ({"group": group},) if slash else ()
    named = principals(step)
    account = requester.account_id
    accounts = {account, f"arn:aws:iam::{account}:root"} if account else set()
    own = accounts | {requester.arn, requester.entity_arn, requester.entity_id}
    is_whole = bool(accounts & set(named))
    rest = tuple(
        name for name in named if name not in own and not (is_whole and account in name.split(":")[4:5])
    )
    if any(element.element == "NotPrincipal" for element in step.elements):
        rest = ("*",)
    return ({"principals": list(rest)},) if rest else ()


def admitted(step: StatementStep, requester: Requester, changes: Sequence[Change]) -> tuple[Admits, ...]:
    """Whom edits of an Allow are for beside the requester: nobody where they are of a condition on it alone.

    The users and roles of an account that is named are one delegate to its owner; it is said all the same.
    """
    keys = {_key_of(change) for change in changes}
    if keys <= _ALONE:
        return ()
    account, is_identitys = requester.account_id, step.ref.kind == "identity"
    is_one = bool(account) and requester.kind != "root" and is_identitys
    whole: tuple[Admits, ...] = ({"account": account},) if is_one else ()
    named = principals(step) or ("*",)
    is_named = bool({account, f"arn:aws:iam::{account}:root"} & set(named))
    if is_identitys and keys <= BY_PRINCIPAL:
        if "*" in named:
            return tuple({**one, "principals": ["*"]} for one in whole)
        return whole if is_named else ()
    return (*others(step, requester), *(whole if is_named else ()))


def of_one_session(step: StatementStep, request: Request) -> tuple[Admits, ...]:
    """The role all of whose sessions a change admits of a statement that was meant for one of them."""
    is_meant = any(names_one_session(one, request) for one in step.conditions)
    return ({"role": request.requester.role_arn},) if is_meant else ()


def principals(step: StatementStep) -> tuple[str, ...]:
    """Whom a statement of an identity policy names."""
    return next((element.wanted for element in step.elements if element.element == "Principal"), ())


def in_words(admits: Sequence[Admits]) -> str:
    """Whom else a change is for, to stand behind it; "" for nobody."""
    return "".join(f"; {_said(one)}" for one in admits)


def _said(one: Admits) -> str:
    if "group" in one:
        return f"that holds for all users of the group `{one['group']}`"
    if "policy" in one:
        return f"that holds for all that `{one['policy']}` is attached to"
    if "account" in one:
        named = "everybody" if "*" in one.get("principals", ()) else "it"
        return (
            f"that holds for all whom account `{one['account']}` lets send, since the statement names {named}"
        )
    if "role" in one:
        return f"that holds for all sessions of `{one['role']}`"
    if "all" in one:
        return "that allows all else that it denies"
    if "like" in one:
        return f"that holds for every return path like {some(tuple(one['like']))}"
    if "key" in one:
        return f"that holds whatever its {one['key']}"
    if "*" in one["principals"]:
        return "that holds for everybody, since the statement does"
    return f"that holds for {some(tuple(one['principals']))} too, whom the statement names"


def _key_of(change: Change) -> str:
    return str(change.get("key_to", change.get("key", ""))).lower()


def is_correction(change: Change) -> bool:
    """Whether an edit makes a statement say what it was meant to, or moves its window: nothing of the request's."""
    is_same_key = "key_to" not in change or find_key(change["key"]) is None
    is_other = "operator_to" in change and is_same_key and not opens(change)
    return "version" in change or "replace" in change or "respelt" in change or is_other


def is_wide(step: StatementStep, request: Request, changes: Sequence[Change]) -> bool:
    """Whether edits of an Allow would let in more than the request: others, or further messages."""
    if len(changes) > 1 or any(one.element.startswith("Not") for one in step.elements if not one.answer):
        return True
    return any(_is_wide(step, request, change) for change in changes)


def _is_wide(step: StatementStep, request: Request, change: Change) -> bool:
    key = str(change.get("key", "")).lower()
    if "drop_condition" in change or ("each" in change and change["each"] != change["add"]):
        return True
    if opens(change) and may_be_of_others(step, key):
        return True
    if "add" in change and _tells_apart(step, key):
        return True
    return bool(others(step, request.requester)) and _key_of(change) not in BY_PRINCIPAL


def _tells_apart(step: StatementStep, key: str) -> bool:
    """Whether a condition is on a tag, or on what a variable says, so that a value more is one for many."""
    if key.startswith(TAGS) or (key.startswith("aws:principaltag/") and step.ref.kind == "identity"):
        return True
    failed = [one for one in step.conditions if one.key.lower() == key and not one.answer]
    return step.ref.kind == "identity" and any("${" in text for one in failed for text in one.wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The conditions that hold a statement of its own to what was refused, and what it admits beside that."""

    conditions: Mapping[str, Mapping[str, Any]]
    admits: tuple[Admits, ...] = ()


def held(
    step: StatementStep,
    request: Request,
    reader: Reader,
    *,
    changes: Sequence[Change] = (),
    left: Sequence[ConditionStep] = (),
    is_from_bound: bool = False,
) -> Held | None:
    """What holds a statement to a request as an Allow that came close holds others, for somebody who wants it let in.

    What the Allow asks and the request is, and what is `left` as it is, is asked again; where the request is not, its
    own value takes the place. None where that has no value yet: a date. `is_from_bound`: From is named anyway.
    """
    made: dict[str, dict[str, Any]] = {}
    admits: list[Admits] = []
    for one in step.conditions:
        is_from = is_from_bound and one.key.lower() == _FROM
        if (one.answer or one in left) and not is_from:
            made.setdefault(one.operator, {})[one.key] = _bare(_as_written(one))
    for one in step.conditions:
        if one.answer or one in left or (is_from_bound and one.key.lower() == _FROM):
            continue
        swap = next((c for c in changes if "key_to" in c and c["key"] == one.key), None)
        found = [(swap["operator_to"], swap["key_to"], swap["values"])] if swap else bound(one, reader)
        if found is None:
            return None
        for operator, key, values in found:
            made.setdefault(operator, {}).setdefault(key, _bare(values))
        if not found and is_hidden(one, reader) and not _is_fixed(one.key):
            admits.append({"key": one.key})
        if (patterns := of_each_recipient(one.key, one.seen or ())) is not None:
            admits.append({"like": patterns})
    if (
        step.ref.kind == "identity"
        and request.requester.kind == "root"
        and any(map(_is_of_who, step.conditions))
    ):
        made.setdefault("ArnEquals", {})["aws:PrincipalArn"] = (
            request.requester.arn
        )  # not its account's users
    return Held(conditions=made, admits=tuple(admits))


def is_of_who(key: str) -> bool:
    """Whether a key is about who asks, which a statement that names one principal says."""
    return key.lower().startswith(_OF_WHO)


def _is_of_who(one: ConditionStep) -> bool:
    """Whether a condition that fails tells the principals of an account apart."""
    is_account = one.key.lower() in ("aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths")
    tells = is_of_who(one.key) or any("${" in text for text in one.wanted)
    return not one.answer and tells and not is_account


def _is_fixed(key: str) -> bool:
    """Whether a key says nothing that a statement for one principal and one resource leaves open."""
    return key.lower().startswith((*_OF_WHO, *_OF_RESOURCE))


def bound(one: ConditionStep, reader: Reader) -> list[tuple[str, str, list[str]]] | None:
    """A condition for what a request carries where it fails one; none where it cannot be said, or need not be."""
    key, family = one.key.lower(), read_operator(one.operator).comparison.family
    if key in TIMES or (family is Family.DATE and one.seen is not None):
        return None
    if _is_fixed(key):
        return []
    if one.seen is None:
        is_sent = key.startswith("ses:") and find_key(key) is not None
        return [("Null", one.key, ["true"])] if is_sent else []
    if is_hidden(one, reader):
        return []
    if (patterns := of_each_recipient(key, one.seen)) is not None:
        return [("StringLike", one.key, patterns)]
    if key == "aws:sourceip":
        return [("IpAddress", one.key, [range_of(value) for value in one.seen])]
    if family in (Family.BOOL, Family.NUMERIC):
        return [("Bool", one.key, list(one.seen))] if family is Family.BOOL else []
    values = [literally(value, wildcards=False) for value in one.seen]
    is_list = len(values) > 1 or key == "ses:recipients"
    return [("ForAllValues:StringEquals" if is_list else "StringEquals", one.key, values)]


def _as_written(one: ConditionStep) -> list[str]:
    """The values of a condition for a policy of the version with variables, whatever its own is of."""
    if not_filled(one) is None:
        return list(one.wanted)
    return [text.replace("${", "${$}{") for text in one.wanted]


def _bare(values: Sequence[str]) -> Any:
    return values[0] if len(values) == 1 else list(values)
