"""*Check again* at a refusal: the same send, asked of the policies of now by each party."""

import html
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.story.misconfigured.world import MAY_SEND, World
from tests.support.browser import Person, main_of, root_of, words
from tests.support.process import REGION, SesameProcess

Send = Callable[[World], Any]


def heading(text: str) -> str:
    """The first heading, without what a time or a mark adds to it."""
    found = re.search(r"<h1.*?</h1>", text, re.DOTALL)
    assert found, words(text)
    return re.sub(r"[\W\d]", "", words(found[0]))


def refused(world: World, send: Callable[[], Any]) -> str:
    found = world.refusal(send)
    assert found.text != "accepted"
    return found.request_id or world._newest_refusal(world.sender.account_id)


def link_of(person: Person, request_id: str) -> str:
    """Where Check again leads; "" where it is not offered."""
    page = person.get(f"/{REGION}/refusals/{request_id}")
    assert page.status_code == 200
    found = re.search(rf'href="(/{REGION}/ask\?[^"]*)">Check again', page.text)
    return html.unescape(found[1]) if found else ""


WAYS: dict[str, Send] = {
    "v1": lambda world: world.simple(world.sender, Source=f'"Shop, Inc." <ceo@{world.domain}>'),
    "v2": lambda world: world.v2(world.sender, FromEmailAddress=f"Süd <ceo@{world.domain}>"),
    "v1, raw": lambda world: world.raw(
        world.sender,
        {"From": f'"A \\"quoted\\" name" <ceo@{world.domain}>'},
        Source=f"bounces@{world.domain}",
        FromArn=world.arn,
    ),
    "v1, with a return path": lambda world: world.simple(
        world.sender,
        Source=f"ceo@{world.domain}",
        ReturnPath=f"b@{world.domain}",
        ReturnPathArn=world.arn,
    ),
    "SMTP": lambda world: world.smtp(
        world.sender,
        {"X-SES-SOURCE-ARN": world.arn, "From": f"ceo@{world.domain}", "Return-Path": f"b@{world.domain}"},
    ),
    "v2, raw": lambda world: world.v2(
        world.sender,
        FromEmailAddress=None,
        Content={"Raw": {"Data": world.message({"From": f"ceo@{world.domain}"})}},
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_it_tells_the_same_until_the_policy_is_mended(sesame: SesameProcess, way: str) -> None:
    world = World(sesame)
    world.allow(Condition={"StringLike": {"ses:FromAddress": f"news*@{world.domain}"}})
    request_id = refused(world, lambda: WAYS[way](world))
    people = [root_of(sesame, one) for one in (world.sender.account_id, world.owner.account_id)]
    links = [link_of(person, request_id) for person in people]
    for person, link in zip(people, links, strict=True):
        page = person.get(f"/{REGION}/refusals/{request_id}")
        assert heading(person.get(link).text) == heading(page.text)
    world.allow()
    for person, link, told in zip(
        people, links, ("This would be accepted", "Your policies allow this"), strict=True
    ):
        assert told in main_of(person.get(link))
    assert world.refusal(lambda: WAYS[way](world)).text == "accepted"


def test_the_owners_conditions_on_what_it_may_see_are_asked(sesame: SesameProcess) -> None:
    """A display name, and the return path."""
    world = World(sesame)
    condition = {"StringEquals": {"ses:FromDisplayName": "Shop", "ses:FeedbackAddress": f"b@{world.domain}"}}
    world.allow(Condition=condition)
    given = {"Source": f"Store <ceo@{world.domain}>", "ReturnPath": f"b@{world.domain}"}
    request_id = refused(world, lambda: world.simple(world.sender, ReturnPathArn=world.arn, **given))
    owner = root_of(sesame, world.owner.account_id)
    link = link_of(owner, request_id)
    assert "ses:FromDisplayName equal to Shop ; this request has Store" in main_of(owner.get(link))
    condition["StringEquals"]["ses:FromDisplayName"] = "Store"
    world.allow(Condition=condition)
    assert "Your policies allow this" in main_of(owner.get(link))


@pytest.mark.parametrize(
    ("key", "value"),
    [("ses:Recipients", "*@corp.example"), ("aws:UserAgent", "*PHP*"), ("aws:PrincipalTag/team", "news")],
)
def test_an_owner_is_not_offered_what_hangs_on_the_senders_alone(
    sesame: SesameProcess, key: str, value: str
) -> None:
    world = World(sesame)
    operator = "ForAllValues:StringLike" if key == "ses:Recipients" else "StringLike"
    world.allow(Condition={operator: {key: value}})
    request_id = refused(world, lambda: world.simple(world.sender))
    assert link_of(root_of(sesame, world.owner.account_id), request_id) == ""
    assert link_of(root_of(sesame, world.sender.account_id), request_id)


def test_a_variable_of_a_tag_counts_as_the_tag(sesame: SesameProcess) -> None:
    world = World(sesame)
    world.allow(
        Condition={"StringLike": {"ses:FromAddress": "${aws:PrincipalTag/team}@" + world.domain}},
        version="2012-10-17",
    )
    request_id = refused(world, lambda: world.simple(world.sender))
    assert link_of(root_of(sesame, world.owner.account_id), request_id) == ""


def test_the_owners_link_has_nothing_of_the_senders(sesame: SesameProcess) -> None:
    world = World(sesame)
    user = world.user("app", MAY_SEND)
    world.allow(Principal={"AWS": world.owner.account_id})
    request_id = refused(world, lambda: world.simple(user))
    link = link_of(root_of(sesame, world.owner.account_id), request_id)
    asked = parse_qs(urlsplit(link).query)
    assert set(asked) == {"who", "door", "from", "arn", "ip", "plain"}
    theirs = parse_qs(urlsplit(link_of(root_of(sesame, world.sender.account_id), request_id)).query)
    assert theirs["to"] == ["you@elsewhere.test"] and "oto3" in theirs["agent"][0]


def test_the_page_says_how_the_send_came(sesame: SesameProcess) -> None:
    world = World(sesame)
    world.allow(Principal={"AWS": world.owner.account_id})
    request_id = refused(world, lambda: world.v2(world.sender))
    sender, owner = (
        main_of(root_of(sesame, one).get(f"/{REGION}/refusals/{request_id}"))
        for one in (world.sender.account_id, world.owner.account_id)
    )
    for told in (sender, owner):
        assert "Through API v2 Client's address 127.0.0.1" in told
    assert "Program Boto3" in sender and "Boto3" not in owner


def test_quotas_and_session_policies_are_not_asked_again(sesame: SesameProcess) -> None:
    """A question leaves them out, and so would answer what is not so."""
    world = World(sesame)
    world.allow()
    role = world.role("app", MAY_SEND)
    narrow = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ses:GetAccount", "Resource": "*"}}'
    session = world.session(role, Policy=narrow)
    request_id = refused(world, lambda: world.simple(session))
    sender = root_of(sesame, world.sender.account_id)
    assert link_of(sender, request_id) == ""
    world.client("sesame", world.owner).put_delegate_bounds(
        Identity=world.domain, Delegate=world.sender.account_id, MaxMessagesPerDay=0
    )
    request_id = refused(world, lambda: world.simple(world.sender))
    assert link_of(sender, request_id) == ""


def test_it_sends_nothing(sesame: SesameProcess) -> None:
    world = World(sesame)
    request_id = refused(world, lambda: world.simple(world.sender))
    person = root_of(sesame, world.sender.account_id)
    link = link_of(person, request_id)
    world.allow()
    before = person.get(f"/{REGION}/export/messages.csv").text
    assert "This would be accepted" in main_of(person.get(link))
    assert person.get(f"/{REGION}/export/messages.csv").text == before
