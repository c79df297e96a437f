"""The newer pages in a real browser: without JavaScript they do what they promise; hostile text runs nothing there."""

from typing import TYPE_CHECKING

import pytest

from tests.console.hostile import HEADERS
from tests.console.test_browser import by, chrome, counted_connections, open_page, pytestmark
from tests.console.test_last_told import HERE as TOLD
from tests.console.test_last_told import told_by
from tests.support.endpoint import listening
from tests.support.process import REGION, SesameProcess, wait_until
from tests.support.tenant import Tenant
from tools.screenshots import browser as chromium_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Playwright

__all__ = ["by", "chrome", "pytestmark"]
HERE = f"/{REGION}"


@pytest.mark.parametrize("scripts", [True, False])
def test_a_person_asks_makes_a_log_in_and_chooses(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant, scripts: bool
) -> None:
    """Home, Ask why, Programs and Me, each by its forms."""
    page = open_page(chrome, sesame, tenant.account.account_id, java_script_enabled=scripts)
    page.goto(f"{HERE}/home")
    page.get_by_role("link", name="Send a first message").click()
    page.goto(f"{HERE}/ask")
    page.get_by_role("textbox", name="From", exact=True).fill("news@example.com")
    page.get_by_role("button", name="Ask").click()
    page.get_by_role("heading", name="This would be accepted").wait_for()
    page.locator(".calls summary").click()
    page.get_by_text("aws iam simulate-principal-policy").wait_for()
    page.goto(f"{HERE}/programs")
    page.get_by_label("Name of its user").fill("smtp-x")
    page.get_by_role("button", name="Create an SMTP log-in").click()
    page.get_by_role("heading", name="Of smtp-x: shown only once").wait_for()
    secret = page.locator(".panel dd code").nth(2).inner_text()
    page.get_by_label("User name", exact=True).fill(page.locator(".panel dd code").nth(0).inner_text())
    page.get_by_label("Password", exact=True).fill(secret)
    page.get_by_role("button", name="Test this log-in").click()
    page.get_by_text("It logs in as").wait_for()
    page.goto("/me")
    page.get_by_label("Colours").select_option("dark")
    page.get_by_role("button", name="Keep them").click()
    page.locator("html[data-scheme=dark]").wait_for()
    assert tenant.iam.list_users()["Users"][0]["UserName"] == "smtp-x"
    page.context.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_person_sends_a_test_notification_and_sees_what_became_of_it(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant, scripts: bool
) -> None:
    """With scripts the page follows it by itself."""
    with listening() as endpoint:
        told = told_by(tenant, endpoint)
        page = open_page(chrome, sesame, tenant.account.account_id, java_script_enabled=scripts)
        page.goto(TOLD)
        page.locator("#told").get_by_role("button").first.click()
        row = page.locator("#told tbody tr").first.filter(has_text="a test").filter(has_text="http://")
        row.wait_for()
        if not scripts:
            wait_until(lambda: told.tests() and page.reload() and "delivered" in row.inner_text())
        row.filter(has_text="delivered").wait_for()
        assert len(told.tests()) == 1
        page.context.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_the_operator_verifies_registers_and_looks(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant, scripts: bool
) -> None:
    """Log-ins, settings, services, owners and delegates, the audit log."""
    page = open_page(chrome, sesame, "", java_script_enabled=scripts)
    name = f"b{tenant.account.account_id}{'js' if scripts else ''}.service.example"
    page.goto("/operator/log-ins")
    page.get_by_role("link", name="The 24 hours before").click()
    page.goto("/operator/settings")
    page.get_by_text("submission.failure_delay_s").first.wait_for()
    page.goto("/operator/services")
    page.get_by_label("Name in policies, a host name").fill(name)
    page.get_by_role("button", name="Register it").click()
    page.get_by_role("heading", name=f"Of {name}: shown only once").wait_for()
    page.get_by_role("main").get_by_text(f"Remove {name}").click()
    row = page.locator("tr", has_text=name)
    row.get_by_label("Type its name").fill(name)
    row.get_by_role("button", name="Remove it").click()
    page.get_by_role("status").get_by_text("It is deleted").wait_for()
    page.goto("/operator")
    page.get_by_role("link", name="Owners and delegates").click()
    page.get_by_label("Account").fill(tenant.account.account_id)
    page.get_by_role("button", name="Show").click()
    page.get_by_text("It sent as nobody else's identity.").wait_for()
    page.goto("/operator/audit")
    page.get_by_role("button", name="Verify now").click()
    page.get_by_role("heading", name="The audit log is whole").wait_for()
    page.context.close()


def test_hostile_text_runs_nothing_and_fetches_nothing(
    by: "Playwright", sesame: SesameProcess, tenant: Tenant
) -> None:
    said: list[str] = []

    def keep_words(dialog: "Dialog") -> None:
        said.append(dialog.message)
        dialog.dismiss()

    with (
        counted_connections() as (port, made),
        chromium_browser(by, f"--host-resolver-rules=MAP evil.example 127.0.0.1:{port}") as chrome,
    ):
        person = open_page(chrome, sesame, tenant.account.account_id)
        operator = open_page(chrome, sesame, "")
        for page in (person, operator):
            page.on("dialog", keep_words)
        for text in HEADERS:
            for path in ("ask", "programs"):
                person.goto(f"{HERE}/{path}")
                person.evaluate(
                    """([path, text]) => {
                      const form = document.createElement("form");
                      form.action = path;
                      for (const name of ["who", "from", "agent", "arn", "template", "user"]) {
                        const field = document.createElement("textarea");
                        field.name = name; field.value = text; form.append(field);
                      }
                      document.body.append(form); form.submit();
                    }""",
                    [f"{HERE}/{path}", text],
                )
                person.wait_for_url(f"**/{path}?**")
                assert person.evaluate("window.hacked") is None
            operator.goto("/operator/services")
            operator.get_by_label("Name in policies, a host name").fill(text)
            operator.get_by_role("button", name="Register it").click()
            operator.get_by_role("alert").wait_for()
            assert operator.evaluate("window.hacked") is None
        assert said == [] and made == []
        person.context.close()
        operator.context.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_what_a_form_failed_by_has_the_focus_and_leads_to_the_field(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant, scripts: bool
) -> None:
    tenant.sesame.client("sesv2", tenant.account).create_configuration_set(ConfigurationSetName="news")
    page = open_page(chrome, sesame, tenant.account.account_id, java_script_enabled=scripts)
    page.goto(f"{HERE}/configuration-sets/news")
    page.locator("summary", has_text="Add a webhook").click()
    form = page.locator("form", has=page.locator("#webhooks-url"))
    form.get_by_label("Name", exact=True).fill("no good!")
    form.get_by_label("Address").fill("https://example.com/events")
    form.get_by_role("button", name="Add it").click()
    page.locator("#problem:focus").wait_for()
    assert form.get_by_label("Address").input_value() == "https://example.com/events"
    page.get_by_role("alert").get_by_role("link", name="Name").press("Enter")
    page.locator("#webhooks-name:target").wait_for()
    page.context.close()
