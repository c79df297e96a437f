"""The colour scheme that a person chooses in *Me*."""

from typing import TYPE_CHECKING

import pytest

from tests.console.test_browser import AXE, LOOK, by, chrome, open_page
from tests.console.test_login import log_in, make_user
from tests.support.browser import operator, root_of
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["by", "chrome"]
DARK = '<html lang="en" data-scheme="dark">'
PLAIN = '<html lang="en">'


def test_a_scheme_stays_with_the_user_and_is_nobody_elses(sesame: SesameProcess, tenant: Tenant) -> None:
    make_user(tenant)
    person, _ = log_in(sesame, tenant)
    assert PLAIN in person.get("/me").text
    for _ in "12":
        assert DARK in person.send("/me/scheme", page="/me", scheme="dark").text
    person.send("/logout", page="/me")
    assert PLAIN in person.get("/login").text
    person, _ = log_in(sesame, tenant)
    assert DARK in person.get(f"/{REGION}/identities").text
    assert '<option value="dark" selected>' in person.get("/me").text
    assert PLAIN in root_of(sesame, tenant.account.account_id).get("/me").text
    assert PLAIN in operator(sesame).get("/operator").text


@pytest.mark.parametrize("scheme", ["", "blue", 'dark" onload="x', "DARK"])
def test_what_is_no_scheme_is_the_systems(sesame: SesameProcess, tenant: Tenant, scheme: str) -> None:
    person = root_of(sesame, tenant.account.account_id)
    person.send("/me/scheme", page="/me", scheme="light")
    assert PLAIN in person.send("/me/scheme", page="/me", scheme=scheme).text


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core here: npm ci in console-assets brings it")
def test_the_chosen_scheme_goes_before_the_systems(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant
) -> None:
    page = open_page(
        chrome,
        sesame,
        tenant.account.account_id,
        bypass_csp=True,
        reduced_motion="reduce",
        color_scheme="dark",
    )
    background = "getComputedStyle(document.body).backgroundColor"
    seen = {}
    for system, chosen in (("dark", "light"), ("light", "dark")):
        page.emulate_media(color_scheme=system)  # type: ignore[arg-type]
        page.goto("/me")
        page.get_by_label("Scheme").select_option(chosen)
        page.get_by_role("button", name="Keep it").click()
        page.locator(f"html[data-scheme={chosen}]").wait_for()
        seen[chosen] = page.evaluate(background)
        page.evaluate(AXE.read_text())
        assert page.evaluate(LOOK, []) == []
    assert seen == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 29)"}
    page.context.close()
