"""A replay does not let an owner try out, edit by edit, what of another account's sends is not its to know (I9)."""

from collections.abc import Iterator
from typing import Any

import pytest

from sesame.access.identity_names import parse_identity_arn
from sesame.admin.what_if import Replay, what_if
from sesame.policy.reasons.cause import Reader
from tests.support.documents import document
from tests.support.refusal_world import EVERYTHING, Case, World

SENDERS = {"Principal": {"AWS": "<sender>"}}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("hidden") / "data")
    yield opened
    opened.close()


def sent(world: World, *statements: dict[str, Any], sender: str = "sender") -> Case:
    """A send that was made under an owner's policy, by a user with a tag."""
    case = Case(world)
    case.account("owner"), case.account("sender")
    case.step("identity", "owner", "one.test")
    case.step("policy", "owner", "one.test", *(statements or (SENDERS,)))
    case.step("user", sender, "robot", EVERYTHING)
    case.step("tag_user", sender, "robot", "team", "mail")
    arns = {"SourceArn": case.arn("owner", "one.test")}
    case.send({"as": f"{sender}/robot", "from": "news@one.test", "arns": arns})
    return case


def replayed(case: Case, reader: Reader, *statements: dict[str, Any]) -> Replay:
    arn = case.arn("owner", "one.test")
    usual = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": arn}
    text = document(*(usual | one for one in case.fill(list(statements))))
    services = case.world.services
    found: Replay = case.world.run(
        what_if(services.store, parse_identity_arn(arn), proposed={"lend": text}, since=0.0, reader=reader)
    )
    return found


ASKS: list[dict[str, Any]] = [
    {"StringEquals": {"aws:PrincipalTag/team": "{}"}},
    {"StringLike": {"aws:PrincipalTag/team": "{}*"}},
    {"StringNotEquals": {"aws:PrincipalTag/team": "{}"}},
    {"ForAnyValue:StringLike": {"ses:Recipients": "*{}*"}},
    {"StringLike": {"aws:UserAgent": "*{}*"}},
    {"StringLike": {"ses:FromAddress": "${{aws:PrincipalTag/team}}*", "aws:UserAgent": "*{}*"}},
    {"Null": {"aws:PrincipalTag/{}": "true"}},
]


def asking(asks: dict[str, Any], guess: str) -> dict[str, Any]:
    return {
        operator: {key.format(guess): value.format(guess) for key, value in keys.items()}
        for operator, keys in asks.items()
    }


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize("asks", ASKS, ids=str)
def test_no_edit_tells_a_value_that_is_the_senders(world: World, asks: dict[str, Any], effect: str) -> None:
    case = sent(world)
    told = set()
    for guess in ("mail", "team", "reader@elsewhere", "Boto3", "other"):
        condition = SENDERS | {"Effect": effect, "Condition": asking(asks, guess)}
        found = replayed(case, Reader.OWNER, *([condition] if effect == "Allow" else [SENDERS, condition]))
        told.add((found.asked, found.not_told, found.changes))
    assert told == {(1, 1, ())}


def test_what_other_conditions_decide_is_told(world: World) -> None:
    case = sent(world)
    tag = {"StringEquals": {"aws:PrincipalTag/team": "mail"}}
    both = SENDERS | {"Condition": tag | {"StringLike": {"ses:FromAddress": "ceo@*"}}}
    found = replayed(case, Reader.OWNER, both)
    assert found.not_told == 0 and len(found.changes) == 1


def test_a_condition_that_stands_already_is_asked_as_it_was_when_they_were_sent(world: World) -> None:
    tag = SENDERS | {"Condition": {"StringEquals": {"aws:PrincipalTag/team": "mail"}}}
    case = sent(world, tag)
    found = replayed(case, Reader.OWNER, tag | {"Action": "ses:SendRawEmail"})
    assert found.not_told == 0 and len(found.changes) == 1
    assert replayed(case, Reader.OWNER, tag).changes == ()


def test_the_owners_own_users_and_the_operator_are_told(world: World) -> None:
    asks = {"Condition": {"StringEquals": {"aws:PrincipalTag/team": "other"}}}
    found = replayed(sent(world), Reader.OPERATOR, SENDERS | asks)
    assert found.not_told == 0 and len(found.changes) == 1
    own = sent(world, {"Principal": {"AWS": "<owner>"}}, sender="owner")
    deny = {"Effect": "Deny", "Principal": "*"} | asks
    deny["Condition"] = {"StringEquals": {"aws:PrincipalTag/team": "mail"}}
    found = replayed(own, Reader.OWNER, {"Principal": {"AWS": "<owner>"}}, deny)
    assert found.not_told == 0 and len(found.changes) == 1
