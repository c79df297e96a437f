"""A phone: no page scrolls sideways however long names are, menus stay on the screen, no cell tears its words apart."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError

from tests.support.process import REGION, SesameProcess
from tools.screenshots import NOBODY, chromium, log_in, player, shots
from tools.screenshots import browser as chromium_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("playwright.sync_api", reason="no playwright here")
pytestmark = pytest.mark.skipif(
    chromium() is None, reason="no Chromium here: apt-get install chromium, or name one in SESAME_CHROMIUM"
)
LABEL = "x" * 60
DOMAIN = f"{LABEL}.{LABEL}.{LABEL}.example"
BESIDE = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
TORN = """() => [...document.querySelectorAll("td")]
  .filter(cell => getComputedStyle(cell).display === "grid")
  .filter(cell => {
    const parts = [...cell.childNodes].filter(node => node.nodeType === 1 || node.data?.trim());
    return parts.length > 1 && parts.some(node => node.nodeType === 3);
  })
  .map(cell => cell.outerHTML.slice(0, 120))"""
"""Cells of a row that stands as a list, in which words have a line apart from the words around them."""


TORN_VALUES = """() => [...document.querySelectorAll("main code, main span.addr")]
  .filter(it => !it.closest("pre") && it.getClientRects().length > 1 && it.textContent.length < 24)
  .map(it => it.textContent)"""
"""Values short enough for a line of their own that stand on two, broken at a hyphen."""


def play(sesame: SesameProcess) -> tuple[str, list[str]]:
    """An account with long names of everything; and its pages."""
    owner, delegate = sesame.create_account(name="V" * 60), sesame.create_account()
    v2, iam, ses, sns = (sesame.client(name, owner) for name in ("sesv2", "iam", "ses", "sns"))
    for name in (DOMAIN, f"{'a' * 60}@{DOMAIN}"):
        v2.create_email_identity(EmailIdentity=name)
    arn = f"arn:aws:ses:{REGION}:{owner.account_id}:identity/{DOMAIN}"
    statement = {
        "Sid": "S" * 100, "Effect": "Allow", "Principal": {"AWS": [delegate.account_id]},
        "Action": ["ses:SendEmail", "ses:SendRawEmail"], "Resource": arn,
        "Condition": {"StringLike": {"ses:FromAddress": f"{'n' * 60}-*@{DOMAIN}"}},
    }  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    ses.put_identity_policy(Identity=DOMAIN, PolicyName="P" * 64, Policy=document)
    topic = sns.create_topic(Name="q" * 200)["TopicArn"]
    ses.set_identity_notification_topic(Identity=DOMAIN, NotificationType="Bounce", SnsTopic=topic)
    v2.create_configuration_set(ConfigurationSetName="c" * 64)
    v2.create_configuration_set_event_destination(
        ConfigurationSetName="c" * 64, EventDestinationName="e" * 64,
        EventDestination={"Enabled": True, "MatchingEventTypes": ["BOUNCE"], "SnsDestination": {"TopicArn": topic}},
    )  # fmt: skip
    v2.create_email_template(TemplateName="t" * 64, TemplateContent={"Subject": "S" * 200, "Text": "T" * 500})
    v2.put_suppressed_destination(EmailAddress=f"{'b' * 60}@{DOMAIN}", Reason="BOUNCE")
    iam.create_user(UserName="u" * 64)
    iam.create_group(GroupName="g" * 64)
    iam.add_user_to_group(GroupName="g" * 64, UserName="u" * 64)
    message = send(ses, f'"{"Long Name " * 4}" <{"f" * 60}@{DOMAIN}>')
    refusal = send(ses, f"x@{'y' * 60}.example")
    one, delegates = f"identities/{DOMAIN}", delegate.account_id
    pages = [
        "home", "identities", one, f"{one}/senders", f"{one}/policies/{'P' * 64}", f"{one}/notifications",
        f"{one}/kit?for={delegates}", f"{one}/bounds?delegate={delegates}", f"{one}/shares", f"{one}/cases",
        f"{one}/delete",
        f"{one}/stop?principal={delegates}", f"{one}/policies/{'P' * 64}/remove", f"{one}/lend", "messages",
        f"messages/{message}", f"refusals/{refusal}", "configuration-sets", f"configuration-sets/{'c' * 64}",
        "templates", f"templates/{'t' * 64}", f"templates/{'t' * 64}/edit", "suppression", "people",
        f"people/users/{'u' * 64}", f"people/groups/{'g' * 64}", f"programs?user={'u' * 64}", "changes", "reputation",
        "reputation/counted", f"ask?from={quote(f'f@{DOMAIN}')}", "send", f"search?q={'x' * 300}",
        f"identities/{'z' * 200}.example", "nothing" * 40,
    ]  # fmt: skip
    return owner.account_id, [*(f"/{REGION}/{page}" for page in pages), "/me", "/inbox"]


def send(ses: Any, source: str) -> str:
    """Send; the message's id, or the request's where it is refused."""
    message = {"Subject": {"Data": "W" * 300}, "Body": {"Text": {"Data": "b"}}}
    to = {"ToAddresses": [f"{'r' * 60}@{DOMAIN}", "ok@example.com"]}
    try:
        sent: str = ses.send_email(Source=source, Destination=to, Message=message)["MessageId"]
    except ClientError as error:
        sent = error.response["ResponseMetadata"]["RequestId"]
    return sent


@pytest.fixture(scope="module")
def chrome() -> Iterator["Browser"]:
    with player() as by, chromium_browser(by) as started:
        yield started


@pytest.fixture(scope="module")
def page(sesame: SesameProcess, chrome: "Browser") -> tuple["Page", list[str]]:
    account_id, pages = play(sesame)
    opened = chrome.new_context(base_url=sesame.console).new_page()
    log_in(opened, sesame, account_id)
    return opened, pages


def test_no_page_scrolls_sideways_whatever_the_names_are(page: tuple["Page", list[str]]) -> None:
    opened, paths = page
    wrong = {}
    for width in (320, 390, 768):
        opened.set_viewport_size({"width": width, "height": 800})
        for path in paths:
            opened.goto(path)
            whole, seen = opened.evaluate(BESIDE)
            if whole > seen:
                wrong[f"{path[:60]} at {width}"] = whole
        opened.locator(".menu summary").click()
        whole, seen = opened.evaluate(BESIDE)
        box = opened.locator(".menu > div").bounding_box()
        if whole > seen or box is None or box["x"] < 0 or box["x"] + box["width"] > width:
            wrong[f"the menu of regions at {width}"] = box
    assert wrong == {}


def test_the_page_of_the_navigation_that_one_is_on_is_seen(page: tuple["Page", list[str]]) -> None:
    opened, _ = page
    opened.set_viewport_size({"width": 390, "height": 800})
    for name in ("home", "suppression", "changes"):
        opened.goto(f"/{REGION}/{name}")
        box = opened.locator("nav [aria-current]").bounding_box()
        assert box is not None, name
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= 390, name


def test_an_empty_text_leaves_room_for_what_is_around_it(page: tuple["Page", list[str]]) -> None:
    """With the editor and, as it is without JavaScript, as a plain field."""
    opened, paths = page
    opened.set_viewport_size({"width": 390, "height": 800})
    opened.goto(next(path for path in paths if path.endswith("/lend")))
    editor = opened.locator(".editor")
    editor.wait_for()
    heights = [editor.evaluate("it => it.offsetHeight")]
    opened.evaluate(
        "document.querySelector('.editor').remove(); document.getElementById('text').hidden = false"
    )
    heights.append(opened.locator("#text").evaluate("it => it.offsetHeight"))
    assert all(120 < one < 320 for one in heights), heights


def test_no_cell_tears_its_words_apart(sesame: SesameProcess, chrome: "Browser") -> None:
    torn = {}
    pages: dict[str, Page] = {}
    for name, account_id, path in shots(sesame):
        if account_id not in pages:
            context = chrome.new_context(base_url=sesame.console, viewport={"width": 390, "height": 800})
            pages[account_id] = context.new_page()
            if account_id != NOBODY:
                log_in(pages[account_id], sesame, account_id)
        pages[account_id].goto(path)
        if cells := pages[account_id].evaluate(TORN) + pages[account_id].evaluate(TORN_VALUES):
            torn[name] = cells[:3]
    assert torn == {}
