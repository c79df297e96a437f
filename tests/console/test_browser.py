"""The console in a real browser: what hostile mail can do, who can use the pages, with JavaScript and without.

Needs a Chromium on this machine; without one it says so and is skipped.
"""

import contextlib
import importlib
import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sesame.console import pages as console_pages
from tests.console.hostile import BODIES, HEADERS
from tests.console.test_last_told import HERE as TOLD
from tests.console.test_last_told import told_by
from tests.console.test_shares import make
from tests.support.browser import root_of
from tests.support.endpoint import listening
from tests.support.patience import PATIENCE_S
from tests.support.process import REGION, SesameProcess, wait_until
from tests.support.tenant import Tenant, tenant_of
from tools.screenshots import POLICY, chromium, log_in, play, player
from tools.screenshots import browser as chromium_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page, Playwright

expect: Any = pytest.importorskip("playwright.sync_api", reason="no playwright here").expect
pytestmark = pytest.mark.skipif(
    chromium() is None, reason="no Chromium here: apt-get install chromium, or name one in SESAME_CHROMIUM"
)
AXE = Path(__file__).resolve().parents[2] / "console-assets" / "node_modules" / "axe-core" / "axe.min.js"
SCREENS: list[tuple[int, Any]] = [
    (390, "light"),
    (390, "dark"),
    (768, "light"),
    (1280, "dark"),
]
VARYING = ["color-contrast", "target-size", "scrollable-region-focusable", "link-in-text-block"]
"""The rules whose answer width and colours change; all others are asked once."""
IDNS = ("xn--bcher-kva.example", "xn--80ak6aa92e.com", "xn--4dbrk0ce.xn--9dbq2a")
"""bücher.example; a name of Cyrillic letters that look Latin; one that is written from right to left."""
LOOK = """async (rules) => {
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  const root = document.documentElement, found = [];
  if (root.scrollWidth > root.clientWidth) found.push("scrolls sideways");
  const only = rules.length ? {runOnly: {type: "rule", values: rules}} : {};
  const results = await axe.run(document, {iframes: false, resultTypes: ["violations"], ...only});
  for (const one of results.violations)
    found.push(one.id + ": " + one.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(" "));
  return found;
}"""


@pytest.fixture(scope="module")
def by() -> "Iterator[Playwright]":
    expect.set_options(timeout=PATIENCE_S * 1000)
    with player() as started:
        yield started


@pytest.fixture(scope="module")
def chrome(by: "Playwright") -> "Iterator[Browser]":
    with chromium_browser(by) as started:
        yield started


@pytest.fixture(scope="module")
def played(sesame: SesameProcess) -> dict[str, str]:
    found = play(sesame)
    add_internationalized(sesame, found)
    with listening() as endpoint:
        told = told_by(tenant_of(sesame), endpoint)
        found["told"] = told.tenant.account.account_id
        answer = root_of(sesame, found["told"]).send(f"{TOLD}/test", page=TOLD, kind="Bounce")
        found["tested"] = answer.url.raw_path.decode()
        wait_until(lambda: told.tests() != [])
    return found


def add_internationalized(sesame: SesameProcess, played: dict[str, str]) -> None:
    """Identities of the owner whose names have other letters, one of them lent and sent as; the policy's is `idn`."""
    person = root_of(sesame, played["owner"])
    here = f"/{REGION}/identities"
    for name in (*IDNS, f"info@{IDNS[0]}"):
        person.send(f"{here}/new", name=name)
    text = POLICY.replace("example.com", IDNS[0]) % (played["delegate"], played["owner"])
    person.send(
        f"{here}/{IDNS[0]}/save",
        page=f"{here}/{IDNS[0]}/lend",
        name="Lent",
        text=text,
        is_new="1",
        do="save",
        begun="",
    )
    sent = {
        "from": f"news@{IDNS[0]}",
        "to": f"reader@{IDNS[1]}",
        "subject": "Grüße",
        "text": "t",
        "scenario": "",
    }
    played["idn"] = person.send(f"/{REGION}/send", **sent).url.path


def open_page(chrome: "Browser", sesame: SesameProcess, account_id: str, **options: Any) -> "Page":
    context = chrome.new_context(base_url=sesame.console, **options)
    context.set_default_timeout(PATIENCE_S * 1000)
    page = context.new_page()
    log_in(page, sesame, account_id)
    return page


def put_mail(data: bytes, sesame: SesameProcess) -> None:
    from sesame.app.foundation import Services
    from sesame.store import development

    async def put(services: Services) -> None:
        await services.store.write(
            lambda tx: development.keep_mail(
                tx, received_at=time.time(), mail_from="x@example.com", rcpt_to=["a@example.org"], data=data
            )
        )

    sesame.operate(put)


@contextlib.contextmanager
def counted_connections() -> "Iterator[tuple[int, list[int]]]":
    """A port, and a list that grows with each connection to it."""
    made: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    made.append(1)
                    connection.close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1], made
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_hostile_mail_runs_no_script_and_asks_for_nothing(
    by: "Playwright", sesame: SesameProcess, tenant: Tenant
) -> None:
    """Bodies, subjects, names and file names made to run or to fetch: nothing runs, nobody else is connected to."""
    with (
        counted_connections() as (port, made),
        chromium_browser(by, f"--host-resolver-rules=MAP evil.example 127.0.0.1:{port}") as chrome,
    ):
        look_at_hostile_mail(chrome, sesame, tenant.account.account_id)
        assert made == []
        page = chrome.new_page()
        with contextlib.suppress(Exception):
            page.goto("http://evil.example/")
        assert made, "a connection would have been seen"


def look_at_hostile_mail(chrome: "Browser", sesame: SesameProcess, account_id: str) -> None:
    page = open_page(chrome, sesame, account_id)
    said: list[str] = []

    def keep_words(dialog: "Dialog") -> None:
        said.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", keep_words)
    assert len(BODIES) >= 120
    together = "\n".join(BODIES)
    mails = [*BODIES, together]
    for number, body in enumerate(mails):
        header = HEADERS[number % len(HEADERS)]
        put_mail(hostile_mail(header, body), sesame)
    newest = httpx.get(f"{sesame.console}/dev/messages", params={"since": "0"}).json()["messages"]
    assert newest
    page.goto("/inbox")
    seqs = [int(found) for found in re.findall(r'href="/inbox/(\d+)"', page.content())]
    top = max(seqs)
    for seq in range(top - len(mails) + 1, top + 1):
        page.goto(f"/inbox/{seq}", wait_until="load")
        frames = [frame.url for frame in page.frames]
        assert all(
            not url or url.startswith((sesame.console, "about:", "chrome-error:")) for url in frames
        ), frames
        if seq == top:
            for tab in ("text", "headers", "parts", "raw", "checks", "why", "events"):
                page.goto(f"/inbox/{seq}?show={tab}")
    assert said == []
    assert page.evaluate("window.hacked") is None
    page.context.close()


def hostile_mail(header: str, body: str) -> bytes:
    return (
        f"From: {header} <x@example.com>\r\nTo: a@example.org\r\nSubject: {header}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n'
        f"{body}\r\n--b\r\nContent-Type: text/html\r\n"
        f'Content-Disposition: attachment; filename="{header.replace(chr(34), "")}.html"\r\n\r\n'
        "<script>parent.hacked=1</script>\r\n--b--\r\n"
    ).encode()


def paths(played: dict[str, str]) -> list[tuple[str, str]]:
    owner, delegate = played["owner"], played["delegate"]
    here = f"/{REGION}"
    return [
        ("", "/operator"),
        ("", f"/operator/accounts/{played['asking']}"),
        ("", f"/operator/accounts/{owner}"),
        ("", "/operator/accounts/delegates"),
        ("", f"/operator/accounts/delegates?account={owner}"),
        ("", "/operator/instance"),
        ("", "/operator/instance/minutes"),
        ("", "/operator/queue"),
        ("", "/operator/queue/to/slow.example"),
        ("", "/operator/queue/change?do=cancel&domain=slow.example"),
        ("", "/operator/deliveries"),
        ("", "/operator/deliveries?kind=transient"),
        ("", "/operator/deliveries/connections"),
        ("", "/operator/zone"),
        ("", "/operator/log-ins"),
        ("", "/operator/log-ins?before=100"),
        ("", "/operator/settings"),
        ("", "/operator/services"),
        ("", "/operator/audit"),
        ("", f"/operator/audit?account={owner}"),
        ("", f"/operator/audit/{owner}/3"),
        ("", "/operator/dns"),
        ("", "/operator/find?q=example.com"),
        ("", "/operator/find?q=reader@example.net"),
        ("", played["message"].replace(here, "/operator")),
        ("", played["refusal"].replace(here, "/operator")),
        (owner, f"{here}/home"),
        (delegate, f"{here}/home"),
        (played["asking"], f"{here}/home"),
        (owner, "/eu-west-1/home"),
        (owner, f"{here}/identities"),
        (owner, "/eu-west-1/identities"),
        (owner, f"{here}/identities/new"),
        *((owner, f"{here}/identities/{name}") for name in (*IDNS, f"info@{IDNS[0]}")),
        *(
            (owner, f"{here}/identities/{IDNS[0]}/{rest}")
            for rest in ("signing", "senders", "lend", "notifications", "delete", f"kit?for={delegate}")
        ),
        (owner, f"{here}/identities/{IDNS[2]}/signing"),
        (owner, f"{here}/search?q={IDNS[0]}"),
        (owner, played["idn"]),
        (delegate, f"{here}/ask?from=ceo@{IDNS[0]}"),
        ("", f"/operator/find?q={IDNS[1]}"),
        (owner, f"{here}/identities/example.com"),
        (owner, f"{here}/identities/info@example.org"),
        (owner, f"{here}/identities/example.com/delete"),
        (owner, f"{here}/identities/example.com/signing"),
        (owner, f"{here}/identities/shop.example/signing"),
        (owner, f"{here}/identities/info@example.org/signing"),
        (owner, f"{here}/identities/example.com/sends"),
        (owner, f"{here}/identities/example.com/sends?by={delegate}&outcome=refused"),
        (owner, f"{here}/identities/info@example.org/sends"),
        (owner, f"{here}/identities/example.com/senders"),
        (owner, f"{here}/identities/example.com/senders?principal={delegate}&from=ceo@example.com"),
        (owner, f"{here}/identities/info@example.org/senders"),
        (owner, f"{here}/identities/example.com/lend"),
        (owner, f"{here}/identities/example.com/lend?refusal={played['refusal'].rpartition('/')[2]}"),
        (owner, f"{here}/identities/example.com/policies/Newsletter"),
        (owner, f"{here}/identities/example.com/policies/Newsletter/remove"),
        (owner, f"{here}/identities/example.com/bounds"),
        (owner, f"{here}/identities/example.com/bounds?delegate={delegate}"),
        (owner, f"{here}/identities/example.com/shares"),
        (owner, f"{here}/identities/example.com/cases"),
        (owner, f"{here}/links"),
        ("nobody", "/shared/x"),
        (owner, f"{here}/identities/example.com/kit?for={delegate}"),
        (owner, f"{here}/identities/example.com/kit?for=222222222222"),
        (owner, f"{here}/send"),
        (owner, f"{here}/ask"),
        (owner, f"{here}/ask?from=news@example.com&plain=1"),
        (
            owner,
            f"{here}/ask?who={delegate}&from=news-1@example.com&arn=arn:aws:ses:{REGION}:{owner}:identity/example.com",
        ),
        (delegate, f"{here}/ask?from=ceo@example.com&arn=arn:aws:ses:{REGION}:{owner}:identity/example.com"),
        (owner, f"{here}/ask?from=x&ip=y"),
        (owner, f"{here}/send?raw=x&from=a@example.com"),
        (owner, f"{here}/lent"),
        (delegate, f"{here}/lent"),
        (owner, f"{here}/identities/example.com/stop?principal={delegate}"),
        (owner, f"{here}/identities/example.com/stop?principal=222222222222"),
        (owner, f"{here}/identities/example.com/notifications"),
        (played["told"], played["tested"]),
        (owner, f"{here}/configuration-sets"),
        (owner, f"{here}/configuration-sets/newsletter"),
        (owner, f"{here}/templates"),
        (owner, f"{here}/templates/new"),
        (owner, f"{here}/templates/welcome"),
        (owner, f"{here}/templates/welcome?data=x"),
        (owner, f"{here}/templates/welcome/edit"),
        (owner, f"{here}/suppression"),
        (owner, f"{here}/suppression?q=nobody"),
        (owner, f"{here}/reputation"),
        (owner, f"{here}/reputation/counted"),
        (owner, f"{here}/programs"),
        (owner, f"{here}/programs?user=anna"),
        (delegate, f"{here}/programs"),
        (owner, f"{here}/people"),
        (owner, f"{here}/people/users/anna"),
        (owner, f"{here}/people/groups/senders"),
        (owner, f"{here}/people/roles/nightly"),
        (owner, f"{here}/account"),
        (played["asking"], f"{here}/account"),
        (owner, f"{here}/changes"),
        (owner, f"{here}/changes?event=none"),
        (owner, f"{here}/changes/3"),
        (owner, f"{here}/messages"),
        (owner, f"{here}/messages?from=nothing"),
        (owner, f"{here}/search?q=x"),
        (owner, f"{here}/search?q=news@example.com"),
        (owner, f"{here}/regions"),
        (owner, "/nothing"),
        (owner, "/me"),
        (owner, "/inbox"),
        (owner, "/inbox/1"),
        (owner, "/inbox/1?show=text"),
        (owner, "/inbox/1?show=parts"),
        (owner, "/inbox/1?show=checks"),
        (owner, "/inbox/1?show=why"),
        (owner, "/inbox/1?show=events"),
        ("", "/inbox/1?show=why"),
        (owner, "/inbox/1?show=html&width=phone"),
        (owner, "/inbox?q=nothing"),
        (owner, "/inbox/1?show=raw"),
        (owner, "/inbox/1?show=headers"),
        (delegate, played["message"]),
        (delegate, played["refusal"]),
        (owner, played["message"]),
        (owner, played["refusal"]),
    ]


OUTSIDE = ("/login", "/link/x", "/invite/x")
"""Pages for those who are not logged in."""
NO_PAGES = re.compile(r"/|/go|/\{region\}|.*/(?:zone|text|html|raw|export/\{file\}|parts/\{number\})|/dev/.*")
"""What leads on, and files."""


def test_no_page_is_left_out_of_those_that_are_looked_at(played: dict[str, str]) -> None:
    looked_at = [path.partition("?")[0] for _, path in paths(played)] + list(OUTSIDE)
    modules = [
        importlib.import_module(f"{console_pages.__name__}.{one.name}")
        for one in iter_modules(console_pages.__path__)
    ]
    routes = {
        route.path for module in modules for route in getattr(module, "PAGES", ()) if route.method == "GET"
    }
    assert len(routes) > 40
    for route in routes:
        if not NO_PAGES.fullmatch(route):
            form = re.compile(re.sub(r"\{\w+\}", "[^/]+", route))
            assert any(map(form.fullmatch, looked_at)), route


def wrong_on(page: "Page", name: str, screens: Sequence[tuple[int, Any]] = SCREENS) -> list[str]:
    """What axe-core finds on the page that is open, and whether it scrolls sideways, at each width and scheme."""
    page.evaluate(AXE.read_text())
    found = []
    for n, (width, scheme) in enumerate(screens):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        found += [
            f"{name} ({width}, {scheme}): {one}" for one in page.evaluate(LOOK, [] if n == 0 else VARYING)
        ]
    return found


with_axe = pytest.mark.skipif(not AXE.exists(), reason="no axe-core here: npm ci in console-assets brings it")


@with_axe
def test_every_page_can_be_used_by_all(
    chrome: "Browser", sesame: SesameProcess, played: dict[str, str]
) -> None:
    """axe-core finds nothing in two schemes and three widths, nothing scrolls sideways, and no script fails."""
    found: list[str] = []

    def keep_error(error: Exception) -> None:
        found.append(str(error))

    pages: dict[str, Page] = {}
    owner = root_of(sesame, played["owner"])
    links = [make(owner), make(owner, **{"kind": "kit", "for": played["delegate"]})]
    for account_id, path in [
        *paths(played),
        *(("nobody", link.removeprefix(sesame.console)) for link in links),
        *(("nobody", path) for path in OUTSIDE),
    ]:
        if account_id not in pages:
            context = chrome.new_context(
                base_url=sesame.console,
                bypass_csp=True,
                reduced_motion="reduce",  # colours that fade would be looked at half way
            )
            pages[account_id] = context.new_page()
            pages[account_id].on("pageerror", keep_error)
            if account_id != "nobody":
                log_in(pages[account_id], sesame, account_id)
        pages[account_id].goto(path)
        found += wrong_on(pages[account_id], path)
    for page in pages.values():
        page.context.close()
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scripts", [True, False])
def test_an_identity_is_added_checked_and_deleted(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant, scripts: bool
) -> None:
    """The same flow with JavaScript and without."""
    page = open_page(chrome, sesame, tenant.account.account_id, java_script_enabled=scripts)
    page.get_by_role("link", name="Add an identity").click()
    page.get_by_label("Domain or address").fill("not a domain")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.get_by_label("Domain or address").input_value() == "not a domain"
    page.get_by_label("Domain or address").fill("shop.example")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="shop.example")).to_be_visible()
    expect(page.get_by_text("This identity is verified and its mail is signed.")).to_be_visible()
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_role("status").first).to_have_text("DNS was asked just now.")
    page.get_by_role("link", name="Delete this identity").click()
    page.get_by_label("Type its name").fill("shop")
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("alert")).to_contain_text("not its name")
    page.get_by_label("Type its name").fill("shop.example")
    page.get_by_role("button", name="Delete it").click()
    page.wait_for_url("**/identities?said=deleted")
    assert "shop.example" not in page.get_by_role("table").inner_text()
    page.context.close()


def test_page_keys_can_be_switched_off_and_on_again(
    chrome: "Browser", sesame: SesameProcess, played: dict[str, str]
) -> None:
    page = open_page(chrome, sesame, played["delegate"])
    page.wait_for_url("**/home")
    for is_on in (False, True):
        page.goto("/me")
        page.get_by_role("checkbox", name="Single keys").set_checked(is_on)
        page.goto(f"/{REGION}/identities")
        page.keyboard.press("/")
        assert page.locator("#q").evaluate("box => box === document.activeElement") is is_on
    page.context.close()


def test_keys_alone_lead_from_the_list_to_a_refusal(
    chrome: "Browser", sesame: SesameProcess, played: dict[str, str]
) -> None:
    page = open_page(chrome, sesame, played["delegate"])
    page.wait_for_url("**/home")
    page.goto(f"/{REGION}/identities")  # loaded whole, its script too
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url("**/messages")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/refusals/*")
    assert "Who has to act" in page.get_by_role("main").inner_text()
    page.keyboard.press("/")
    page.keyboard.type(played["message"].rpartition("/")[2])
    page.keyboard.press("Enter")
    page.wait_for_url("**/messages/*")
    assert page.get_by_role("heading", level=1).inner_text() == "November at Example"
    page.context.close()


def test_new_mail_appears_by_itself(chrome: "Browser", sesame: SesameProcess, tenant: Tenant) -> None:
    """After it was said, in few bytes, that there was none."""
    page = open_page(chrome, sesame, tenant.account.account_id)
    with page.expect_response(lambda answer: answer.url.endswith("/inbox") and answer.status == 304):
        page.goto("/inbox")
    subject = f"New {tenant.account.account_id}"
    tenant.ses.send_email(
        Source="news@example.com",
        Destination={"ToAddresses": ["reader@example.net"]},
        Message={"Subject": {"Data": subject}, "Body": {"Text": {"Data": "b"}}},
    )
    page.get_by_role("link", name=subject).wait_for(timeout=PATIENCE_S * 1000)
    page.context.close()
