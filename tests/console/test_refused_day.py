"""What was refused in a day, by error and who sent, above the list; and in the list why, in a sentence (I9)."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.story.misconfigured.world import MAY_SEND, OWNER_CANARY, SENDER_CANARY, World
from tests.support.browser import Person, main_of, root_of
from tests.support.process import REGION, SesameProcess

HERE = f"/{REGION}/messages"


def fails(world: World, who: Any, **changed: Any) -> None:
    with pytest.raises(ClientError):
        world.simple(who, **changed)


@pytest.fixture
def world(sesame: SesameProcess) -> World:
    """Three refused sends of one principal and two of another, one of those with another error; and one accepted."""
    made = World(sesame)
    user = made.user("app", MAY_SEND)
    made.allow(Condition={"StringLike": {"ses:FromAddress": f"news*@{made.domain}"}})
    for n in range(3):
        fails(made, made.sender, Source=f"ceo-{n}@{made.domain}")
    fails(made, user, Source=f"ceo@{made.domain}")
    fails(made, user, Source="me@nowhere.example", SourceArn=None)
    made.simple(made.sender)
    return made


def people(world: World) -> list[Person]:
    return [root_of(world.sesame, one) for one in (world.sender.account_id, world.owner.account_id)]


def test_they_are_grouped_by_error_and_principal_the_most_first(world: World) -> None:
    sender, owner = people(world)
    said = main_of(sender.get(HERE))
    assert "5 sends refused in 24 hours" in said
    root, user = (f"arn:aws:iam::{world.sender.account_id}:{name}" for name in ("root", "user/app"))
    places = [said.find(f"{count} {code} {who}") for count, code, who in (
        (3, "AccessDenied", root), (1, "MessageRejected", user), (1, "AccessDenied", user),
    )]  # fmt: skip
    assert -1 not in places and places == sorted(places)
    assert "4 sends refused in 24 hours" in main_of(owner.get(HERE))
    assert "MessageRejected" not in owner.get(HERE).text


def test_each_reads_why_as_far_as_it_is_its_to_know(world: World) -> None:
    sender, owner = (person.get(HERE) for person in people(world))
    assert f"allows only ses:FromAddress like news*@{world.domain}" in main_of(owner)
    assert OWNER_CANARY in owner.text and SENDER_CANARY not in owner.text
    assert "because of ses:FromAddress ceo" in main_of(sender)
    assert OWNER_CANARY not in sender.text


def test_it_follows_whose_they_are_and_no_other_filter(world: World) -> None:
    sender, owner = people(world)
    assert "refused in 24 hours" not in main_of(sender.get(f"{HERE}?role=lent"))
    assert "4 sends refused in 24 hours" in main_of(owner.get(f"{HERE}?role=lent&outcome=refused"))
    for query in ("from=ceo", "to=you@elsewhere.test", "outcome=accepted", "outcome=delivered"):
        assert "refused in 24 hours" not in main_of(sender.get(f"{HERE}?{query}"))
    assert "refused in 24 hours" not in main_of(sender.get("/eu-west-1/messages"))


def test_a_single_refusal_is_in_the_list_alone(sesame: SesameProcess) -> None:
    made = World(sesame)
    fails(made, made.sender)
    said = main_of(root_of(sesame, made.sender.account_id).get(HERE))
    assert "AccessDenied" in said and "refused in 24 hours" not in said
