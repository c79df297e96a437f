"""Lending an identity in a real browser: while typing, without JavaScript, by keyboard alone, among hostile texts."""

import json
from typing import TYPE_CHECKING

from tests.console.hostile import HEADERS
from tests.console.test_browser import by, chrome, counted_connections, open_page, pytestmark
from tests.console.test_policies import stored
from tests.console.test_senders import HERE, NEWS, allow, put, send
from tests.support.documents import document
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant
from tools.screenshots import browser as chromium_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Playwright

__all__ = ["by", "chrome", "pytestmark"]
SELECTED = "document.querySelector('.editor').shadowRoot.getSelection().toString().trim()"
FOCUSED = "(e => e.shadowRoot ? 'text' : (e.name || e.textContent).trim())(document.activeElement)"


def test_typing_shows_who_gains_and_saving_can_be_undone(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant
) -> None:
    page = open_page(chrome, sesame, tenant.account.account_id)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{HERE}/senders")
    page.get_by_role("link", name="Lend this identity").first.click()
    page.get_by_label("Who").fill("222222222222")
    text = page.get_by_label("Policy document")
    field = page.locator("#text")
    page.get_by_text("Account 222222222222").first.wait_for()
    assert json.loads(field.input_value())["Statement"][0]["Principal"] == {"AWS": "222222222222"}
    page.get_by_label("Who").fill("nobody")
    page.get_by_role("alert").wait_for()
    assert "is not a principal" in page.get_by_role("alert").inner_text()
    page.get_by_label("Who").fill("333333333333")
    page.locator("#preview").get_by_text("Account 333333333333").first.wait_for()
    text.fill(field.input_value().replace("news-*@example.com", "*"))
    page.locator("#answers textarea[name=as]").and_(page.locator(":text-is('*')")).wait_for(state="attached")
    text.fill(field.input_value().replace('"Allow"', '"allow"'))
    page.get_by_text("Not asked: the text is refused.").wait_for()
    page.locator("#preview a[data-line]").first.click()
    assert page.evaluate(SELECTED).startswith('"Effect"')
    text.fill(field.input_value().replace('"allow"', '"Allow"'))
    page.get_by_text("Nobody loses anything.").wait_for()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The policy is in force.").wait_for()
    assert list(stored(tenant)) == ["Lent"]
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("What was there before is in force again.").wait_for()
    assert stored(tenant) == {}
    assert errors == []
    page.context.close()


def test_a_text_that_can_no_longer_be_judged_is_not_shown_as_if_it_were(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant
) -> None:
    page = open_page(chrome, sesame, tenant.account.account_id)
    page.goto(f"{HERE}/lend")
    page.get_by_label("Who").fill("222222222222")
    page.get_by_text("Account 222222222222").first.wait_for()
    other = page.context.new_page()
    other.goto("/me")
    other.get_by_role("button", name="Log out").click()
    other.wait_for_url("**/login*")
    page.get_by_label("Who").fill("333333333333")
    page.get_by_text("Your log-in has ended, so what you write is not judged.").wait_for()
    assert "222222222222" not in page.locator("#preview").inner_text()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("What you had written").wait_for()
    assert stored(tenant) == {}
    page.context.close()


def test_the_same_without_javascript(chrome: "Browser", sesame: SesameProcess, tenant: Tenant) -> None:
    page = open_page(chrome, sesame, tenant.account.account_id, java_script_enabled=False)
    page.goto(f"{HERE}/lend")
    page.get_by_label("Who").fill("222222222222")
    page.get_by_role("button", name="Write the policy").click()
    assert "Account 222222222222" in page.locator(".gain").inner_text()
    page.get_by_role("button", name="Replay the last 14 days").click()
    assert "none would be decided differently" in page.locator("#preview").inner_text()
    page.get_by_role("button", name="Save").click()
    assert page.get_by_text("The policy is in force.").is_visible()
    page.reload()
    assert list(stored(tenant)) == ["Lent"]
    page.get_by_role("button", name="Undo").click()
    assert stored(tenant) == {}
    page.context.close()


def test_the_same_by_the_keyboard_alone(chrome: "Browser", sesame: SesameProcess, tenant: Tenant) -> None:
    page = open_page(chrome, sesame, tenant.account.account_id)
    page.goto(f"{HERE}/lend")

    def tab_to(name: str, most: int = 40) -> None:
        for _ in range(most):
            page.keyboard.press("Tab")
            if page.evaluate(FOCUSED) == name:
                return
        raise AssertionError(f"no {name} by the keyboard")

    tab_to("who")
    page.keyboard.type("222222222222")
    page.locator("#preview").get_by_text("Account 222222222222").first.wait_for()
    tab_to("text")
    page.keyboard.press("Control+Home")
    before = page.locator("#text").input_value()
    page.keyboard.press("Tab")
    assert (page.evaluate(FOCUSED), page.locator("#text").input_value()) == ("text", f"  {before}")
    page.keyboard.press("Shift+Tab")
    assert page.locator("#text").input_value() == before
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(FOCUSED) == "name"
    tab_to("text")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert (page.evaluate(FOCUSED), page.locator("#text").input_value()) == ("Save", before)
    page.keyboard.press("Enter")
    page.get_by_text("The policy is in force.").wait_for()
    tab_to("Undo")
    page.keyboard.press("Enter")
    page.get_by_text("What was there before is in force again.").wait_for()
    assert stored(tenant) == {}
    page.context.close()


def test_what_is_found_is_marked_where_it_stands(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant
) -> None:
    """The server's findings are marks in the editor, which keys go to; letters are not the page's keys there."""
    text = document(allow(tenant, {"AWS": "222222222222"}, "A", Condition=NEWS))
    put(tenant, "P", allow(tenant, {"AWS": "222222222222"}, "A", Condition=NEWS))
    page = open_page(chrome, sesame, tenant.account.account_id)
    page.goto(f"{HERE}/policies/P")
    editor = page.get_by_label("Policy document")
    wrong = json.dumps(json.loads(text), indent=2).replace('"Allow"', '"allow"')
    editor.fill(wrong)
    page.locator(".cm-lintRange-error", has_text='"Effect": "allow"').wait_for()
    page.locator(".cm-lint-marker-error").wait_for()
    assert page.locator(".findings").inner_text().count("line 6") == 1
    page.keyboard.press("Control+Home")
    page.keyboard.press("F8")
    assert page.evaluate(SELECTED).startswith('"Effect"')
    page.locator(".cm-tooltip", has_text="Effect is Allow or Deny").wait_for()
    page.keyboard.press("Control+End")
    page.keyboard.type("/?gm")
    page.wait_for_function("document.getElementById('text').value.endsWith('/?gm')")
    assert page.locator("dialog").count() == 0
    for _ in range(2):
        page.keyboard.press("Control+z")
    assert page.locator("#text").input_value() in (wrong, text)
    editor.fill(wrong.replace('"allow"', '"Allow"'))
    page.locator(".cm-lint-marker-error").wait_for(state="detached")
    page.context.close()


def test_a_template_is_written_in_the_editor_and_without_it(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant
) -> None:
    for scripts, name in ((True, "with"), (False, "without")):
        page = open_page(chrome, sesame, tenant.account.account_id, java_script_enabled=scripts)
        page.goto(f"/{REGION}/templates/new")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Subject").fill("Hello {{name}}")
        page.get_by_label("HTML").fill("<p>Hello {{name}}</p>\n<p>{{#if x}}")
        page.get_by_role("button", name="Keep it").click()
        page.get_by_role("alert").wait_for()
        html = page.locator("#html").input_value()
        assert html == "<p>Hello {{name}}</p>\n<p>{{#if x}}", "what was typed is kept"
        page.get_by_label("HTML").fill(html.replace("<p>{{#if x}}", "<p>Bye</p>"))
        page.get_by_role("button", name="Keep it").click()
        page.get_by_role("heading", name=name).wait_for()
        page.get_by_label("Data, as JSON").fill('{"name": "Ana"}')
        page.get_by_role("button", name="Fill it in").click()
        assert "Hello Ana" in page.locator("dl.facts").first.inner_text()
        made = sesame.client("sesv2", tenant.account).get_email_template(TemplateName=name)
        assert made["TemplateContent"]["Html"] == "<p>Hello {{name}}</p>\n<p>Bye</p>"
        page.context.close()


def test_the_editor_obeys_the_policy_of_the_page_and_comes_to_no_other(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant
) -> None:
    """No word on the browser's console, where what a content security policy forbids is told."""
    put(tenant, "P", allow(tenant, {"AWS": "222222222222"}, "A", Condition=NEWS))
    page = open_page(chrome, sesame, tenant.account.account_id)
    told: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    for path, has_editor in (
        (f"{HERE}/lend", True),
        (f"{HERE}/policies/P", True),
        (f"/{REGION}/templates/new", True),
        (f"{HERE}/senders", False),
        (f"/{REGION}/messages", False),
    ):
        asked.clear()
        page.goto(path)
        for n in range(page.locator(".editor").count()):
            page.locator(".editor [contenteditable]").nth(n).fill('{"a": [1, {{x}}}')
        page.wait_for_load_state("networkidle")
        loaded = any("/static/editor." in url for url in asked)
        assert (path, loaded, page.locator(".editor").count() > 0) == (path, has_editor, has_editor)
        assert all(url.startswith((sesame.console, "data:")) for url in asked), asked
    assert told == []
    page.context.close()


def test_stopping_one_of_two(chrome: "Browser", sesame: SesameProcess, tenant: Tenant) -> None:
    put(tenant, "P", allow(tenant, {"AWS": ["222222222222", "333333333333"]}, "A", Condition=NEWS))
    page = open_page(chrome, sesame, tenant.account.account_id, java_script_enabled=False)
    page.goto(f"{HERE}/senders")
    page.get_by_role("link", name="Stop lending to Account 222222222222").click()
    assert "Account 222222222222 can no longer send" in page.locator(".loss").inner_text()
    page.get_by_role("button", name="Stop lending").click()
    assert page.get_by_text("One delegate can send as example.com.").is_visible()
    page.context.close()


def test_hostile_texts_in_policies_and_sends_run_nothing(
    by: "Playwright", sesame: SesameProcess, tenant: Tenant
) -> None:
    """Values of conditions and Sids, names before addresses, texts that are no policies: nothing runs or is fetched."""
    delegate = sesame.create_account()
    hostile = [text for text in HEADERS if "${" not in text]
    names = {"StringLike": {"ses:FromDisplayName": [f"*{text}*"[:60] for text in hostile]}}
    put(tenant, "P", allow(tenant, {"AWS": delegate.account_id}, "A", Condition=names))
    put(tenant, "Q", allow(tenant, {"AWS": delegate.account_id}, "B"))
    send(sesame.client("ses", delegate), tenant, "a@example.com")
    said: list[str] = []

    def keep_words(dialog: "Dialog") -> None:
        said.append(dialog.message)
        dialog.dismiss()

    with (
        counted_connections() as (port, made),
        chromium_browser(by, f"--host-resolver-rules=MAP evil.example 127.0.0.1:{port}") as browser,
    ):
        page = open_page(browser, sesame, tenant.account.account_id)
        page.on("dialog", keep_words)
        for path in ("senders", "policies/P", "policies/P/remove", f"stop?principal={delegate.account_id}"):
            page.goto(f"{HERE}/{path}")
            assert page.evaluate("window.hacked") is None, path
        page.goto(f"{HERE}/policies/Q")
        text = page.get_by_label("Policy document")
        for hostile_text in (
            *hostile,
            document(allow(tenant, {"AWS": "222222222222"}, "C", Condition=names)),
        ):
            text.fill(hostile_text)
            page.get_by_role("button", name="Replay the last 14 days").click()
            page.locator("#preview[aria-busy=false]").wait_for()
        page.get_by_text("1 would be decided differently").wait_for()
        for query in ("from=<script>alert(1)</script>", "principal=<img src=x>", "ip=javascript:alert(1)"):
            page.goto(f"{HERE}/senders?{query}")
        assert (said, made, page.evaluate("window.hacked")) == ([], [], None)
