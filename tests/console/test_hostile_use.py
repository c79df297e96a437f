"""What people and thieves do with a browser: old cookies and links, two at once, the way back, long names, no net."""

import json
import time
from typing import TYPE_CHECKING

from sesame.app.foundation import Services
from tests.console.test_browser import by, chrome, open_page, pytestmark
from tests.console.test_login import PASSWORD, log_in, make_user
from tests.console.test_senders import HERE
from tests.support.browser import Person, operator, root_of
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["by", "chrome", "pytestmark"]
RIGHT_TO_LEFT = "\u202egnp.exe\u202c \u05d7\u05d1\u05e8\u05d4 \u0634\u0631\u0643\u0629"
WIDE = """() => document.documentElement.scrollWidth - document.documentElement.clientWidth"""


def later(sesame: SesameProcess, table: str, column: str, seconds: float) -> None:
    """As if that much time had passed for all rows of a table."""

    async def run(services: Services) -> None:
        await services.store.write(
            lambda tx: tx.execute(f"UPDATE {table} SET {column} = {column} - ?", seconds)
        )

    sesame.operate(run)


def test_a_cookie_from_before_the_log_in_opens_nothing_after_it(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    """Whoever plants a cookie does not share the log-in that follows; neither does the one of an earlier role."""
    make_user(tenant, actions='"*"')
    planted = "A" * 43
    victim = Person(sesame.console)
    victim.client.cookies.set("sesame", planted)
    victim.send("/login", account=tenant.account.account_id, user="anna", password=PASSWORD)
    assert "example.com" in victim.get(f"/{REGION}/identities").text
    thief = Person(sesame.console)
    thief.client.cookies.set("sesame", planted)
    assert thief.get(f"/{REGION}/identities").url.path == "/login"
    person = operator(sesame)
    before = person.client.cookies["sesame"]
    person.send("/operator/become", page="/operator", account=tenant.account.account_id)
    thief.client.cookies.clear()
    thief.client.cookies.set("sesame", before)
    assert thief.get("/operator").url.path == "/login", "a change of role ends the former id"


def test_links_and_log_ins_end_with_their_time(sesame: SesameProcess, tenant: Tenant) -> None:
    make_user(tenant, actions='"*"')
    links = [
        sesame.run_json("console", "login")["link"],
        sesame.run_json("console", "login", "--account", tenant.account.account_id)["link"],
        sesame.run_json("console", "invite", tenant.account.account_id, "anna")["link"],
    ]
    person = root_of(sesame, tenant.account.account_id)
    later(sesame, "console_link", "expires_at", 86_401)
    for link in links:
        late = Person(sesame.console)
        page = late.get(link.removeprefix(sesame.console))
        assert page.status_code in (200, 404)
        assert 'method="post" action="/li' not in page.text and 'name="password"' not in page.text, page.text
        assert late.get(f"/{REGION}/identities").url.path == "/login"
    assert person.get(f"/{REGION}/identities").url.path != "/login"
    later(sesame, "console_login", "seen_at", 8 * 3600 + 1)
    assert person.get(f"/{REGION}/identities").url.path == "/login", "eight hours without use"
    other = root_of(sesame, tenant.account.account_id)
    later(sesame, "console_login", "made_at", 86_401)
    assert other.get(f"/{REGION}/identities").url.path == "/login", "a day"


def test_a_user_who_is_removed_can_send_no_form_that_is_open(sesame: SesameProcess, tenant: Tenant) -> None:
    make_user(tenant, actions='"*"')
    person, _ = log_in(sesame, tenant)
    token = person.token(f"/{REGION}/identities/new")
    tenant.iam.delete_user_policy(UserName="anna", PolicyName="p")
    tenant.iam.delete_login_profile(UserName="anna")
    tenant.iam.delete_user(UserName="anna")
    answer = person.client.post(
        f"/{REGION}/identities/new",
        data={"token": token, "name": "late.example"},
        headers={"origin": person.base},
    )
    assert "late.example" not in answer.text
    assert "late.example" not in json.dumps(tenant.ses.list_identities()["Identities"])


def test_two_browsers_as_owner_and_delegate_do_not_meet(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant
) -> None:
    """The delegate's open page is refused with the next click after the owner has stopped lending."""
    delegate = sesame.create_account()
    owner = open_page(chrome, sesame, tenant.account.account_id)
    other = open_page(chrome, sesame, delegate.account_id)
    owner.goto(f"{HERE}/lend")
    owner.get_by_label("Who").fill(delegate.account_id)
    owner.locator("#preview").get_by_text(f"Account {delegate.account_id}").first.wait_for()
    owner.get_by_role("button", name="Save").click()
    owner.get_by_text("The policy is in force.").wait_for()
    arn = f"arn:aws:ses:{REGION}:{tenant.account.account_id}:identity/example.com"
    other.goto(f"/{REGION}/send?arn={arn}&from=news-1@example.com")
    owner.goto(f"{HERE}/stop?principal={delegate.account_id}")
    owner.get_by_role("button", name="Stop lending").click()
    owner.get_by_role("status").first.wait_for()
    other.get_by_role("button", name="Send it").click()
    other.get_by_role("alert").wait_for()
    other.get_by_role("link", name="Who has to act").click()
    other.get_by_role("heading", name="Who has to act").wait_for()
    other.goto(f"{HERE}/senders")
    assert other.get_by_role("heading", level=1).inner_text() != "example.com"
    for page in (owner, other):
        page.context.close()


def test_a_page_that_keeps_itself_up_to_date_says_when_it_cannot(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant
) -> None:
    page = open_page(chrome, sesame, tenant.account.account_id)
    page.goto("/inbox")
    page.context.set_offline(True)
    page.get_by_text("The server does not answer; what is here may be old.").wait_for()
    page.context.set_offline(False)
    page.get_by_text("The server does not answer").wait_for(state="hidden")
    other = page.context.new_page()
    other.goto("/inbox")
    other.get_by_role("button", name="Log out").click()
    other.wait_for_url("**/login")
    page.get_by_text("The session has ended.").wait_for()
    page.context.close()


def test_long_and_right_to_left_names_break_no_page(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant
) -> None:
    """Names as long as they may be, in words that run the other way: nothing scrolls sideways, nothing is hidden."""
    account = tenant.account
    domain = ".".join(["w" * 60] * 3) + ".example"
    v2, iam = sesame.client("sesv2", account), tenant.iam
    v2.create_email_identity(EmailIdentity=domain)
    v2.create_configuration_set(ConfigurationSetName="W" * 64)
    v2.create_email_template(
        TemplateName="T" * 64, TemplateContent={"Subject": RIGHT_TO_LEFT * 3, "Text": "x" * 3_000}
    )
    iam.create_user(UserName="u" * 64)
    address = f"{'l' * 60}@{domain[:180]}.example"
    v2.put_suppressed_destination(EmailAddress=address, Reason="BOUNCE")
    sent = tenant.ses.send_email(
        Source=f'"{RIGHT_TO_LEFT}" <{"n" * 60}@{domain}>',
        Destination={"ToAddresses": [f"{'r' * 60}@mail.example"]},
        Message={"Subject": {"Data": RIGHT_TO_LEFT + "S" * 400}, "Body": {"Text": {"Data": "b" * 2_000}}},
    )["MessageId"]
    page = open_page(chrome, sesame, account.account_id)
    wide: list[str] = []
    for path in (
        "identities",
        f"identities/{domain}",
        f"identities/{domain}/senders",
        f"identities/{domain}/lend",
        f"identities/{domain}/delete",
        "messages",
        f"messages/{sent}",
        "configuration-sets",
        f"configuration-sets/{'W' * 64}",
        "templates",
        f"templates/{'T' * 64}",
        "people",
        f"people/users/{'u' * 64}",
        "suppression",
        "reputation",
        "changes",
    ):
        page.goto(f"/{REGION}/{path}")
        for width in (390, 768, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            if page.evaluate(WIDE) > 0:
                wide.append(f"{path[:40]} at {width}")
        assert "\u202e" not in page.inner_text("body"), path
    assert wide == [], "\n".join(wide)
    page.goto(f"/{REGION}/messages/{sent}")
    assert "\\u{202e}" in page.inner_text("main")
    page.context.close()


def test_very_many_rows_are_paged_and_the_last_is_found(sesame: SesameProcess, tenant: Tenant) -> None:
    """A hundred thousand suppressed addresses: pages by key, and a search that finds the last."""
    account = tenant.account.account_id

    async def fill(services: Services) -> None:
        rows = [(account, REGION, f"gone{n:06}@example.net", "BOUNCE", time.time()) for n in range(100_000)]
        await services.store.write(
            lambda tx: tx.many(
                "INSERT INTO suppressed_destination (account_id, region, address, reason, updated_at)"
                " VALUES (?, ?, ?, ?, ?)",
                rows,
            ),
            is_long=True,
        )

    sesame.operate(fill)
    person = root_of(sesame, account)
    page = person.get(f"/{REGION}/suppression")
    assert len(page.content) < 60 * 1024
    assert page.text.count("@example.net</") in (50, 100)
    assert "gone099999@example.net" in person.get(f"/{REGION}/suppression?q=gone099999").text
