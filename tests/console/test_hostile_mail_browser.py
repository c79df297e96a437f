"""What hostile mail does by its encoding, its parts and its file names, and what a click in it does: nothing.

Needs a Chromium on this machine; without one it says so and is skipped.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import httpx

from tests.console.hostile import CLICKED
from tests.console.hostile_mails import MAILS
from tests.console.test_browser import by, counted_connections, hostile_mail, open_page, put_mail, pytestmark
from tests.support.browser import operator
from tests.support.process import SesameProcess
from tests.support.tenant import Tenant
from tools.screenshots import browser as chromium_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Frame, Page, Playwright

__all__ = ["by", "pytestmark"]
BUTTONS: tuple[Literal["left", "middle"], ...] = ("left", "middle")
NAME = re.compile(r'attachment; filename="[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}"')


def put_all(sesame: SesameProcess, mails: Sequence[bytes]) -> list[int]:
    """Put them into the inbox, and give their numbers in the same order."""
    for data in mails:
        put_mail(data, sesame)
    seqs = [int(one) for one in re.findall(r'href="/inbox/(\d+)"', operator(sesame).get("/inbox").text)]
    return list(range(max(seqs) - len(mails) + 1, max(seqs) + 1))


def watched(chrome: "Browser", sesame: SesameProcess, account_id: str) -> "tuple[Page, list[str]]":
    """A page, and a list that grows with what should not be: a dialog, a window, a request elsewhere, a download."""
    page, wrong = open_page(chrome, sesame, account_id), list[str]()

    def keep_words(dialog: "Dialog") -> None:
        wrong.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", keep_words)
    page.on("download", lambda download: wrong.append(download.url))
    here = (f"{sesame.console}/inbox", "about:blank", "about:srcdoc")

    def keep_address(of: "Page | Frame") -> None:
        if of.url and not of.url.startswith(here):
            wrong.append(of.url)

    page.context.on("page", keep_address)
    page.on("framenavigated", keep_address)
    return page, wrong


def test_encodings_parts_and_file_names_run_nothing_and_fetch_nothing(
    by: "Playwright", sesame: SesameProcess, tenant: Tenant
) -> None:
    with (
        counted_connections() as (port, made),
        chromium_browser(by, f"--host-resolver-rules=MAP evil.example 127.0.0.1:{port}") as chrome,
    ):
        page, wrong = watched(chrome, sesame, tenant.account.account_id)
        for seq in put_all(sesame, MAILS):
            for tab in ("html", "parts", "headers"):
                answer = page.goto(f"/inbox/{seq}?show={tab}", wait_until="load")
                assert answer is not None
                assert answer.status == 200, (seq, tab)
                assert page.evaluate("window.hacked") is None, (seq, tab)
                assert (wrong, made) == ([], []), (seq, tab)
        page.context.close()


def test_a_click_in_a_mail_leads_nowhere(by: "Playwright", sesame: SesameProcess, tenant: Tenant) -> None:
    mails = [hostile_mail("x", body) for body in CLICKED]
    with (
        counted_connections() as (port, made),
        chromium_browser(by, f"--host-resolver-rules=MAP evil.example 127.0.0.1:{port}") as chrome,
    ):
        page, wrong = watched(chrome, sesame, tenant.account.account_id)
        for seq, body in zip(put_all(sesame, mails), CLICKED, strict=True):
            for button in BUTTONS:
                # Loaded anew for each: Chromium does not acknowledge what is moved over a frame that is just replaced.
                page.goto(f"/inbox/{seq}", wait_until="load")
                box = page.locator("iframe.mail").bounding_box()
                assert box is not None
                for other in page.context.pages[1:]:
                    other.close()
                page.bring_to_front()
                page.mouse.click(box["x"] + 40, box["y"] + 40, button=button)
                assert page.url == f"{sesame.console}/inbox/{seq}", (button, body)
                assert page.evaluate("window.hacked") is None, (button, body)
                page.goto(f"/inbox/{seq}?show=headers", wait_until="load")
                assert (wrong, made) == ([], []), (button, body)
        page.context.close()


def test_every_part_is_a_file_with_a_harmless_name(sesame: SesameProcess, tenant: Tenant) -> None:
    person = operator(sesame)
    files = 0
    for seq in put_all(sesame, MAILS):
        numbers = re.findall(rf"/inbox/{seq}/parts/(\d+)", person.get(f"/inbox/{seq}?show=parts").text)
        for path in (f"/inbox/{seq}/raw", *(f"/inbox/{seq}/parts/{number}" for number in numbers)):
            answer: httpx.Response = person.get(path)
            assert answer.headers["content-type"] == "application/octet-stream", path
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert NAME.fullmatch(answer.headers["content-disposition"]), answer.headers
            assert "set-cookie" not in answer.headers
            files += 1
        answer = person.get(f"/inbox/{seq}/html")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert files > 2 * len(MAILS)
