"""Signing of an identity in a real browser: with JavaScript, without it, and by keys alone."""

from typing import TYPE_CHECKING, Any

import pytest

from tests.console.test_browser import by, chrome, open_page, pytestmark
from tests.console.test_sends import send
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["by", "chrome", "pytestmark"]


def attributes(sesame: SesameProcess, tenant: Tenant) -> dict[str, Any]:
    v2 = sesame.client("sesv2", tenant.account)
    found: dict[str, Any] = v2.get_email_identity(EmailIdentity="example.com")
    return found


@pytest.mark.parametrize("scripts", [True, False])
def test_an_owner_signs_changes_the_key_and_sets_where_bounces_go(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant, scripts: bool
) -> None:
    page = open_page(chrome, sesame, tenant.account.account_id, java_script_enabled=scripts)
    page.goto(f"/{REGION}/identities/example.com")
    page.get_by_role("link", name="Signing").click()
    page.get_by_role("button", name="Sign with Easy DKIM").click()
    page.get_by_role("status").get_by_text("A key signs once its record is found in DNS.").wait_for()
    page.get_by_role("button", name="Make a key of 1,024 bits").click()
    page.get_by_role("row", name="Previous").wait_for()
    page.get_by_text("Use a key of your own (BYODKIM)").click()
    page.get_by_label("Selector", exact=True).fill("autumn")
    page.get_by_label("Private key").fill("SECRET")
    page.get_by_role("button", name="Sign with this key").click()
    page.get_by_role("alert").wait_for()
    assert page.get_by_label("Selector", exact=True).input_value() == "autumn"
    assert page.get_by_label("Private key").input_value() == ""
    page.get_by_label("Subdomain of example.com").fill("bounce.example.com")
    page.get_by_label("Mail while it is not in force").select_option("refuse it")
    page.get_by_role("button", name="Save the MAIL FROM domain").click()
    page.get_by_text("in force", exact=True).wait_for()
    page.get_by_role("button", name="Stop signing").click()
    page.get_by_text("not signed, because signing is switched off").wait_for()
    found = attributes(sesame, tenant)
    assert found["DkimAttributes"]["CurrentSigningKeyLength"] == "RSA_1024_BIT"
    assert found["DkimAttributes"]["SigningEnabled"] is False
    assert found["MailFromAttributes"] == {
        "MailFromDomain": "bounce.example.com",
        "MailFromDomainStatus": "SUCCESS",
        "BehaviorOnMxFailure": "REJECT_MESSAGE",
    }
    page.context.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_an_owner_finds_who_sent(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant, scripts: bool
) -> None:
    send(tenant.ses, "news@example.com")
    send(tenant.ses, "office@example.com")
    page = open_page(chrome, sesame, tenant.account.account_id, java_script_enabled=scripts)
    page.goto(f"/{REGION}/identities/example.com")
    page.get_by_role("link", name="Sends", exact=True).click()
    page.get_by_text("Only this account sent as example.com in 14 days, to 2 recipients.").wait_for()
    page.get_by_label("From contains").fill("office")
    page.get_by_label("Show").select_option("accepted")
    page.get_by_role("button", name="Show").click()
    rows = page.locator("table.list tbody tr")
    assert rows.count() == 1
    assert "office@example.com" in rows.inner_text()
    rows.get_by_role("link").click()
    page.wait_for_url("**/messages/*")
    page.context.close()


def test_keys_alone_reach_every_form(chrome: "Browser", sesame: SesameProcess, tenant: Tenant) -> None:
    page = open_page(chrome, sesame, tenant.account.account_id)
    page.goto(f"/{REGION}/identities/example.com/signing")
    press(page, "Sign with Easy DKIM")
    page.get_by_role("button", name="Make a key of 1,024 bits").wait_for()
    press(page, "Stop signing")
    page.get_by_role("button", name="Sign again").wait_for()
    assert attributes(sesame, tenant)["DkimAttributes"]["SigningEnabled"] is False
    page.context.close()


def press(page: "Page", name: str) -> None:
    """Go on with Tab to the button of that name, and press it."""
    button = page.get_by_role("button", name=name)
    for _ in range(60):
        page.keyboard.press("Tab")
        if button.evaluate("button => button === document.activeElement"):
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"{name} cannot be reached by keys")
