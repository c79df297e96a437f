"""What people do at the console, whole, in a real browser: with JavaScript, without it, and by the keyboard alone.

Needs a Chromium on this machine; without one it says so and is skipped.
"""

import base64
import re
import time
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sesame.access.passwords import STEP_S, totp
from tests.console.hands import WAYS, Hands
from tests.console.test_browser import by, chrome, pytestmark
from tests.console.test_login import PASSWORD, make_user
from tests.console.test_senders import NEWS, allow, put
from tests.console.test_shares import make
from tests.support.browser import root_of
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant
from tools.screenshots import log_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["by", "chrome", "pytestmark"]
HERE = f"/{REGION}"
OTHER = "Correct-horse-2"
each_way = pytest.mark.parametrize("way", WAYS)


def logged_in(chrome: "Browser", sesame: SesameProcess, account_id: str, way: str) -> Hands:
    hands = Hands(chrome, sesame.console, way)
    log_in(hands.page, sesame, account_id)
    return hands


def give(hands: Hands, account_id: str, *, password: str = PASSWORD, code: str = "") -> None:
    """Fill in the log-in."""
    hands.fill("Account", account_id)
    hands.fill("User", "anna")
    hands.fill("Password", password)
    hands.fill("MFA code", code)
    hands.press("Log in")


def codes_of(seed: bytes) -> tuple[str, str]:
    """What a device showed a moment ago, and what it shows."""
    step = int(time.time() // STEP_S)
    return totp(seed, step - 1), totp(seed, step)


def code_after(seed: bytes) -> str:
    """What it shows next, which is taken already."""
    return totp(seed, int(time.time() // STEP_S) + 1)


@each_way
def test_a_person_adds_a_device_and_logs_in_with_its_codes(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant, way: str
) -> None:
    """From the page that was asked for: log-in, device, wrong code, code, and a recovery code in its place."""
    make_user(tenant)
    account = tenant.account.account_id
    with Hands(chrome, sesame.console, way) as hands:
        hands.open(f"{HERE}/messages?from=news")
        give(hands, account)
        hands.page.wait_for_url("**/messages?from=news")
        hands.follow("anna")
        hands.press("Add it")
        secret = hands.page.locator(".panel code").inner_text()
        seed = base64.b32decode(secret)
        hands.fill("First code", "000000")
        hands.fill("The code after it", "000000")
        hands.press("Ask for codes from now on")
        hands.is_told("Authentication code for device is not valid")
        assert secret not in hands.page.content()
        first, second = codes_of(seed)
        hands.fill("First code", first)
        hands.fill("The code after it", second)
        hands.press("Ask for codes from now on")
        hands.sees("From now on a log-in asks for a code of your device.")
        recovery = hands.page.get_by_role("listitem").first.inner_text()
        hands.follow("Log in again")
        give(hands, account)
        hands.is_told("Account, user, password or code is wrong.")
        hands.fill("Password", PASSWORD)
        hands.fill("MFA code", code_after(seed))
        hands.press("Log in")
        hands.page.wait_for_url("**/home")
        hands.press("Log out")
        give(hands, account, code=recovery)
        hands.page.wait_for_url("**/home")
        hands.follow("anna")
        hands.sees("You have 9 left.")


@each_way
def test_who_is_invited_sets_a_password_and_who_forgot_it_sets_another(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant, way: str
) -> None:
    """The link works once, its page says what is wrong with a password, and another password ends all log-ins."""
    tenant.iam.create_user(UserName="anna")
    account = tenant.account.account_id
    links = [sesame.run_json("console", "invite", account, "anna")["link"]]
    with Hands(chrome, sesame.console, way) as hands, Hands(chrome, sesame.console, "plain") as elsewhere:
        hands.open(links[0])
        hands.fill("New password", PASSWORD)
        hands.fill("Once more", OTHER)
        hands.press("Set it")
        hands.is_told("The two passwords differ.")
        hands.follow("Once more")
        hands.page.locator("#again:target").wait_for()
        for label in ("New password", "Once more"):
            hands.fill(label, PASSWORD)
        hands.press("Set it")
        hands.sees("Your user may not see or do this")
        elsewhere.open("/login")
        give(elsewhere, account)
        elsewhere.open("/me")
        links.append(sesame.run_json("console", "invite", account, "anna")["link"])
        hands.press("Log out")
        hands.page.wait_for_url("**/login")
        hands.open(links[1])
        for label in ("New password", "Once more"):
            hands.fill(label, OTHER)
        hands.press("Set it")
        hands.page.wait_for_url("**/identities")
        elsewhere.open("/me")
        elsewhere.page.wait_for_url("**/login?to=%2Fme")
        for link in links:
            hands.open(link)
            hands.sees("This invitation is no longer valid")


@each_way
def test_a_password_is_changed_because_it_must_be_and_because_one_wants_to(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant, way: str
) -> None:
    make_user(tenant, PasswordResetRequired=True)
    account = tenant.account.account_id
    with Hands(chrome, sesame.console, way) as hands:
        hands.open("/login")
        give(hands, account)
        hands.sees("Set your password")
        for label in ("New password", "Once more"):
            hands.fill(label, OTHER)
        hands.press("Set it")
        hands.page.wait_for_url("**/home")
        hands.follow("anna")
        hands.fill("Old password", "Wrong-horse-1")
        for label in ("New password once more", "New password"):
            hands.fill(label, PASSWORD)
        hands.press("Change it")
        hands.is_told("password")
        hands.fill("Old password", OTHER)
        for label in ("New password once more", "New password"):
            hands.fill(label, PASSWORD)
        hands.press("Change it")
        hands.page.wait_for_url("**/login**")
        give(hands, account, password=OTHER)
        hands.is_told("Account, user, password or code is wrong.")
        give(hands, account)
        hands.page.wait_for_url("**/home")


@each_way
def test_an_address_is_suppressed_found_by_what_it_kept_back_and_released(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant, way: str
) -> None:
    reader = f"reader-{way}@example.net"
    with logged_in(chrome, sesame, tenant.account.account_id, way) as hands:
        hands.open(f"{HERE}/suppression")
        hands.fill("One per line", f"{reader}\nnot an address")
        hands.press("Add them")
        hands.is_told("1 of")
        assert hands.page.get_by_label("One per line").input_value() == "not\nan\naddress"
        hands.follow("Addresses")
        hands.fill("One per line", f"other-{reader}")
        hands.choose("Why", "somebody complained")
        hands.press("Add them")
        hands.sees("On the list now: 1.")
        send(hands, to=reader)
        hands.sees_in_time("suppressed")
        hands.follow("The suppression list")
        hands.press(f"Remove {reader}")
        hands.sees("The address is off the list; mail to it goes out again.")
        hands.fill("Address, or its beginning", reader)
        hands.press("Show")
        hands.sees(f"No address that begins with “{reader}” is on the list.")
        hands.follow("What was sent to it")
        hands.page.get_by_role("row").get_by_text("suppressed").wait_for()
        send(hands, to=reader)
        hands.sees_in_time("Delivered")


def send(hands: Hands, *, to: str = "", scenario: str = "") -> None:
    """Send a test, by its form."""
    hands.open(f"{HERE}/send")
    hands.fill("From", "news@example.com")
    if scenario:
        hands.choose("To", scenario)
    if to:
        hands.fill("Address", to)
    hands.press("Send it")
    hands.sees("Accepted: it is stored, and on its way.")


@pytest.fixture(scope="module")
def pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@each_way
def test_an_owner_signs_with_a_key_of_its_own_and_sees_it_in_a_mail(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant, pem: str, way: str
) -> None:
    """BYODKIM, from the form to the verdict of a receiver, and back to Easy DKIM."""
    domain, selector = f"own-{way}.example", f"s{tenant.account.account_id}"
    with logged_in(chrome, sesame, tenant.account.account_id, way) as hands:
        hands.open(f"{HERE}/identities/new")
        hands.fill("Domain or address", domain)
        hands.press("Add it")
        hands.follow("Signing")
        hands.unfold("Use a key of your own (BYODKIM)")
        hands.fill("Selector", selector)
        hands.fill("Private key", "-----BEGIN PRIVATE KEY-----\nnothing\n-----END PRIVATE KEY-----")
        hands.press("Sign with this key")
        hands.page.locator("#problem:focus").wait_for()
        hands.fill("Private key", pem)
        hands.press("Sign with this key")
        hands.sees(f"Mail as {domain} is signed and would pass DMARC")
        row = hands.page.get_by_role("row", name="In use")
        assert selector in row.inner_text() and "found" in row.inner_text()
        hands.follow("DNS records")
        hands.sees(f"{selector}._domainkey.{domain}")
        hands.follow("Send a test", within=hands.page.get_by_role("main"))
        hands.fill("Subject", f"Signed {selector}")
        hands.press("Send it")
        hands.sees_in_time("Delivered")
        hands.follow("Inbox")
        hands.follow(f"Signed {selector}")
        hands.follow("Verdicts")
        own = hands.page.get_by_role("row", name=selector)
        assert "pass" in own.inner_text() and domain in own.inner_text()
        hands.open(f"{HERE}/identities/{domain}/signing")
        hands.press("Sign with Easy DKIM")
        hands.sees("Easy DKIM: Sesame makes the keys")


SCENARIOS = {
    "a mailbox that takes it": ("took it",),
    "an address that is not there (bounces)": ("Rejected",),
    "a reader who complains": ("took it", "A complaint came back"),
    "a reader who is out of office": ("took it", "its reader may be away"),
    "an address that is suppressed": ("Rejected",),
}
"""What becomes of a test of each scenario, as its page says by itself."""


@each_way
def test_each_scenario_is_sent_and_followed_to_its_end(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant, way: str
) -> None:
    with logged_in(chrome, sesame, tenant.account.account_id, way) as hands:
        for scenario, ends in SCENARIOS.items():
            send(hands, scenario=scenario)
            for end in ends:
                hands.sees_in_time(end)


@each_way
def test_the_inbox_is_searched_read_answered_and_emptied(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant, way: str
) -> None:
    subject = f"Inbox {way} {tenant.account.account_id}"
    with logged_in(chrome, sesame, tenant.account.account_id, way) as hands:
        hands.open("/inbox")
        tenant.ses.send_email(
            Source="news@example.com",
            Destination={"ToAddresses": ["reader@example.net"]},
            Message={
                "Subject": {"Data": subject},
                "Body": {
                    "Html": {"Data": '<p>Hi <a href="https://example.com/x">you</a></p>'},
                    "Text": {"Data": "Hi"},
                },
            },
        )
        hands.sees_in_time(subject)
        hands.fill("From, to or subject contains", subject)
        hands.press("Show")
        hands.follow(subject)
        frame = hands.page.frame_locator("iframe").get_by_text("Hi you")
        frame.wait_for()
        hands.sees("https://example.com/x")
        hands.follow("phone")
        for tab, said in (
            ("Text", "Hi"),
            ("Headers", "Subject:"),
            ("Parts", "text/plain"),
            ("Verdicts", "What a receiver concludes"),
            ("Why", "Why it was allowed"),
            ("Source", "MIME-Version"),
            ("Events", "delivered"),
        ):
            hands.follow(tab)
            hands.sees_in_time(said)
        buttons = [hands.page.get_by_role("button", name=name) for name in ("Bounce it", "Be away")]
        tops = {box.evaluate("box => box.getBoundingClientRect().top") for box in buttons}
        assert len(tops) == 1, "they stand on one line"
        hands.press("Bounce it")
        hands.sees("A bounce is on its way to the return path")
        hands.follow("Events")
        hands.sees_in_time("bounced")
        hands.unfold("JSON of bounced")
        hands.sees(re.compile("bounceType"))
        hands.follow("Inbox", within=hands.page.get_by_role("main"))
        hands.fill("Keep the newest", "1")
        hands.press("Delete the others")
        hands.sees("The newest are still here.")
        hands.press("Delete all")
        hands.sees("The inbox is empty.")


@each_way
def test_a_delegate_goes_from_the_kit_to_a_test_a_refusal_and_what_would_be_allowed(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant, way: str
) -> None:
    """The delegate's side whole, begun with the link that the owner handed over, before any log-in."""
    delegate = sesame.create_account()
    put(tenant, "P", allow(tenant, {"AWS": delegate.account_id}, "A", Condition=NEWS))
    link = make(root_of(sesame, tenant.account.account_id), **{"kind": "kit", "for": delegate.account_id})
    theirs = Tenant(sesame, delegate)
    make_user(theirs)
    with Hands(chrome, sesame.console, way) as hands:
        main = hands.page.get_by_role("main")
        hands.open(link)
        hands.sees("everything that a program needs, and no secret")
        hands.unfold("nodemailer")
        hands.follow("Send a test as it")
        give(hands, delegate.account_id)
        hands.press("Send it")
        hands.sees("Accepted: it is stored, and on its way.")
        hands.sees_in_time("took it")
        hands.follow("Lent to me")
        hands.sees("news-1@example.com")
        hands.follow(re.compile("^Send a test as it"))
        hands.fill("From", "ceo@example.com")
        hands.press("Send it")
        hands.is_told("Who has to act, and what to change")
        assert hands.page.locator("#subject").input_value() == "A test"
        hands.follow("Who has to act, and what to change")
        hands.sees("Who has to act")
        hands.follow("Check again")
        assert hands.page.locator("#from").input_value() == "ceo@example.com"
        hands.fill("From", "news-2@example.com")
        hands.press("Ask", within=main)
        hands.sees("This would be accepted")
        hands.follow("Messages")
        hands.sees("ceo@example.com")
