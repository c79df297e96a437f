"""Colours that a person chose, in a real browser: they go before the system's, and can be read."""

import datetime
import re
from typing import TYPE_CHECKING, Literal

import pytest

from tests.console.test_browser import AXE, LOOK, by, chrome, open_page, pytestmark
from tests.support.process import SesameProcess
from tests.support.tenant import Tenant

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["by", "chrome", "pytestmark"]
SYSTEMS: tuple[tuple[Literal["light", "dark"], str], ...] = (("dark", "light"), ("light", "dark"))


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core here: npm ci in console-assets brings it")
def test_the_chosen_scheme_goes_before_the_systems(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant
) -> None:
    page = open_page(chrome, sesame, tenant.account.account_id, bypass_csp=True, reduced_motion="reduce")
    background = "getComputedStyle(document.body).backgroundColor"
    seen = {}
    for system, chosen in SYSTEMS:
        page.emulate_media(color_scheme=system)
        page.goto("/me")
        page.get_by_label("Colours").select_option(chosen)
        page.get_by_role("button", name="Keep them").click()
        page.locator(f"html[data-scheme={chosen}]").wait_for()
        seen[chosen] = page.evaluate(background)
        page.evaluate(AXE.read_text())
        assert page.evaluate(LOOK, []) == []
    assert seen == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 29)"}
    page.context.close()


@pytest.mark.parametrize(
    ("zone", "own"), [("Asia/Kolkata", "GMT+5:30"), ("America/St_Johns", "GMT"), ("UTC", "")]
)
def test_a_time_has_that_of_the_browser_beside_it(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant, zone: str, own: str
) -> None:
    """As its title, with UTC after it; where the browser is in UTC there is nothing to add."""
    page = open_page(chrome, sesame, tenant.account.account_id, timezone_id=zone)
    page.goto("/me")
    time = page.locator("main time").first
    title = time.get_attribute("title") or ""
    shown = re.fullmatch(r"(?:(.*) \()?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC)\)?", title)
    assert shown, title
    assert time.inner_text().endswith(" UTC"), "the text is as the server wrote it"
    assert (shown[1] is None) == (not own) and own in (shown[1] or "")
    if zone == "Asia/Kolkata":
        at = datetime.datetime.strptime(shown[2], "%Y-%m-%d %H:%M:%S UTC")
        there = (at + datetime.timedelta(hours=5, minutes=30)).strftime("%H:%M:%S")
        assert there in shown[1]
    page.context.close()
