"""What a page asks for again by itself: the same is answered in few bytes, another in full; nothing is kept."""

import re

import httpx
import pytest

from sesame.console.polled import tag_of
from tests.console.test_browser import put_mail
from tests.console.test_last_told import HERE as TOLD
from tests.console.test_last_told import told_by
from tests.support.browser import Person, root_of
from tests.support.endpoint import listening
from tests.support.process import REGION, SesameProcess, wait_until
from tests.support.tenant import Tenant
from tools.screenshots import play_recipient

HERE = f"/{REGION}"
MAIL = b"From: a@example.com\r\nTo: b@example.org\r\nSubject: %s\r\n\r\nb\r\n"


def again(person: Person, path: str, tag: str) -> httpx.Response:
    return person.get(path, headers={"if-none-match": tag})


def test_the_inbox_says_that_it_is_the_same_until_there_is_mail(
    sesame: SesameProcess, person: Person
) -> None:
    put_mail(MAIL % b"first", sesame)
    first = person.get("/inbox")
    tag = first.headers["etag"]
    assert re.fullmatch(r'W/"[0-9a-f]{32}"', tag)
    for asked in (tag, tag.removeprefix("W/"), f'"x", {tag}', f'{tag},W/"y"'):
        same = again(person, "/inbox", asked)
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag), asked
        assert same.headers["cache-control"] == "no-store"
        assert "content-security-policy" in same.headers and "content-type" not in same.headers
    for asked in ("", "*x", '"x"', tag[:-2], "W/"):
        whole = again(person, "/inbox", asked)
        assert (whole.status_code, whole.headers["etag"]) == (200, tag), asked
    put_mail(MAIL % b"second", sesame)
    other = again(person, "/inbox", tag)
    assert other.status_code == 200 and "second" in other.text and other.headers["etag"] != tag
    assert other.headers["cache-control"] == "no-store"


def test_who_is_no_longer_logged_in_is_not_told_that_nothing_changed(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    person = root_of(sesame, tenant.account.account_id)
    tag = person.get("/inbox").headers["etag"]
    person.send("/logout", page="/me")
    answer = again(person, "/inbox", tag)
    assert (answer.status_code, answer.url.path) == (200, "/login")
    assert "etag" not in answer.headers


def test_a_page_with_forms_of_its_own_is_the_same_though_their_marks_differ(
    tenant: Tenant, person: Person
) -> None:
    """A form's mark against being sent twice is another in each page, and is not shown."""
    with listening() as endpoint:
        told = told_by(tenant, endpoint)
        other = root_of(tenant.sesame, told.tenant.account.account_id)
        other.send(f"{TOLD}/test", page=TOLD, kind="Bounce")
        page = other.get(TOLD)
        if "data-poll" in page.text:  # until the endpoint has answered
            assert 'name="once"' in page.text
            assert tag_of(page.content) == tag_of(
                re.sub(rb'name="once" value="[^"]*"', b'name="once" value="x"', page.content)
            )


@pytest.mark.parametrize("path", ["home", "identities", "programs", "messages", "people"])
def test_pages_that_ask_for_nothing_again_have_no_tag(person: Person, path: str) -> None:
    answer = again(person, f"{HERE}/{path}", "*")
    assert (answer.status_code, "etag" in answer.headers) == (200, False)
    assert answer.headers["cache-control"] == "no-store"


def test_the_page_of_a_message_is_another_once_something_came_back(
    sesame: SesameProcess, tenant: Tenant, person: Person
) -> None:
    sent = tenant.ses.send_email(
        Source="news@example.com",
        Destination={"ToAddresses": ["polled@example.net"]},
        Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
    )["MessageId"]
    path = f"{HERE}/messages/{sent}"
    wait_until(lambda: "took it" in person.get(path).text)
    tag = person.get(path).headers["etag"]
    assert again(person, path, tag).status_code == 304
    play_recipient(sesame, "polled@example.net", "bounce")
    wait_until(lambda: again(person, path, tag).status_code == 200)
    answer = again(person, path, tag)
    assert "A report that it bounced came back" in answer.text and answer.headers["etag"] != tag


def test_the_tag_is_of_what_is_shown_there_alone() -> None:
    page = b'<p>%s</p><div data-poll="3" id="x"><div>%s</div></div><footer>%s</footer>'
    tag = tag_of(page % (b"1", b"2", b"3"))
    assert tag is not None and tag == tag_of(page % (b"x", b"2", b"y"))
    assert tag != tag_of(page % (b"1", b"x", b"3"))
    assert tag_of(b"<p>no data-poll here</p>") is None
    assert tag_of(b'<p>&lt;div data-poll="1"&gt;</p>') is None
