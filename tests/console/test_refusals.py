"""The page of a refusal: it says what the commands say, for each party and the operator, whatever refused."""

import re
import smtplib
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.story.misconfigured.world import MAY_SEND, World
from tests.support.browser import Person, operator, root_of, words
from tests.support.process import REGION, SesameProcess


def heading(page: str) -> str:
    """The first heading."""
    found = re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)
    assert found, words(page)
    return words(found[1])


def bare(text: str) -> str:
    """A text without what the page's code marks add or take."""
    return re.sub(r"[\s`]", "", text).lower()


def refused(send: Any) -> str:
    """The request id of a send that fails."""
    with pytest.raises(ClientError) as caught:
        send()
    return str(caught.value.response["ResponseMetadata"]["RequestId"])


def page_of(person: Person, request_id: str, prefix: str = f"/{REGION}") -> str:
    found = person.get(f"{prefix}/refusals/{request_id}")
    assert found.status_code == 200, words(found.text)
    return found.text


def said(sesame: SesameProcess, account_id: str, request_id: str) -> list[dict[str, Any]]:
    """The causes that the command tells."""
    [told] = sesame.run_json("decisions", account_id, "--request", request_id)
    return list(told["causes"])


def test_the_heading_is_the_first_cause_of_the_command_for_each_party(sesame: SesameProcess) -> None:
    """Two accounts, one refusal: each page is headed by what `sesame decisions` tells that account first."""
    world = World(sesame)
    world.allow(Condition={"StringEquals": {"ses:FromAddress": f"news@{world.domain}"}})
    request_id = refused(lambda: world.simple(world.sender, Source=f"ceo@{world.domain}"))
    for account in (world.sender, world.owner):
        page = page_of(root_of(sesame, account.account_id), request_id)
        [first, *_] = said(sesame, account.account_id, request_id)
        assert bare(heading(page)) == bare(first["cause"] + ".")
        assert first["code"] in words(page) and bare(first["mend"]["text"]) in bare(words(page))
    halves = words(page_of(operator(sesame), request_id, "/operator"))
    for account in (world.sender, world.owner):
        [first, *_] = said(sesame, account.account_id, request_id)
        assert bare(first["cause"]) in bare(halves)


@pytest.mark.parametrize("reader", ["sender", "owner"])
def test_a_delegate_who_was_paused_has_a_page(sesame: SesameProcess, reader: str) -> None:
    """A pause and an expiry date are no outcome of policies, and are shown all the same."""
    world = World(sesame)
    world.allow()
    key = {"Identity": world.domain, "Delegate": world.sender.account_id}
    world.client("sesame", world.owner).pause_delegate(**key, Reason="tests")
    request_id = refused(lambda: world.simple(world.sender))
    page = page_of(root_of(sesame, world.account_of(reader)), request_id)
    assert "paused" in heading(page) and "SA603" in words(page)
    turn = "the owner" if reader == "sender" else "you, if it should be allowed"
    assert f"Who has to act: {turn}" in words(page)


def test_an_identity_that_is_not_there_is_never_shown_as_allowed(sesame: SesameProcess) -> None:
    """Nor is an ARN shown that nobody named."""
    world = World(sesame)
    request_id = refused(lambda: world.simple(world.sender, SourceArn=None, Source="me@nowhere.test"))
    page = words(page_of(root_of(sesame, world.sender.account_id), request_id))
    assert "no such identity" in page and "arn:aws:ses" not in page


def test_an_owner_whose_identity_is_not_there_is_not_sent_to_write_a_policy(sesame: SesameProcess) -> None:
    world = World(sesame)
    world.allow()
    arn = world.arn.replace(world.domain, f"news@{world.domain}")
    request_id = refused(lambda: world.simple(world.sender, SourceArn=arn))
    page = page_of(root_of(sesame, world.owner.account_id), request_id)
    assert "SA104" in words(page) and "Who has to act: the sender" in words(page)
    assert "Allow this" not in page


def test_a_log_in_that_failed_is_in_the_list_of_each_region(sesame: SesameProcess) -> None:
    """It is of no region, and its page says what to do."""
    world = World(sesame)
    user = world.user("mailer", MAY_SEND)
    with pytest.raises(smtplib.SMTPAuthenticationError):
        world.smtp(user, password=user.secret_access_key)
    person = root_of(sesame, world.sender.account_id)
    for region in (REGION, "eu-west-1"):
        found = re.search(rf'href="(/{region}/refusals/[0-9a-f-]+)"', person.get(f"/{region}/messages").text)
        assert found
        page = person.get(found[1]).text
        assert "SA701" in words(page) and "secret access key" in heading(page)


def test_a_recipient_who_gets_nothing_is_told_with_the_cause_and_the_mend(sesame: SesameProcess) -> None:
    world = World(sesame)
    world.allow()
    world.client("sesv2", world.sender).put_suppressed_destination(
        EmailAddress="you@elsewhere.test", Reason="BOUNCE"
    )
    message_id = world.simple(world.sender)["MessageId"]
    page = words(root_of(sesame, world.sender.account_id).get(f"/{REGION}/messages/{message_id}").text)
    assert "suppression list" in page and "delete-suppressed-destination" in page
    theirs = words(root_of(sesame, world.owner.account_id).get(f"/{REGION}/messages/{message_id}").text)
    assert "delete-suppressed-destination" not in theirs
