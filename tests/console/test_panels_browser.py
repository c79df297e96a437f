"""What only who is logged in with a password sees, and what forms answer: usable by all, as the pages are."""

import base64
from typing import TYPE_CHECKING

from tests.console.hands import Hands
from tests.console.test_again import age
from tests.console.test_browser import SCREENS, by, chrome, pytestmark, with_axe, wrong_on
from tests.console.test_flows_browser import codes_of, give
from tests.console.test_login import make_user
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["by", "chrome", "pytestmark"]


@with_axe
def test_devices_passwords_and_what_was_wrong_with_them_can_be_used_by_all(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant
) -> None:
    """axe-core finds nothing on a person's page at each step of adding a device, nor on the form for a password."""
    make_user(tenant)
    found: list[str] = []
    with Hands(chrome, sesame.console, "scripts") as hands:

        def look(what: str) -> None:
            found.extend(wrong_on(hands.page, what, SCREENS[::2]))

        hands.page.emulate_media(reduced_motion="reduce")
        hands.open("/login")
        give(hands, tenant.account.account_id)
        hands.page.wait_for_url("**/home")
        hands.open("/me")
        hands.press("Add it")
        seed = base64.b32decode(hands.page.locator(".panel code").inner_text())
        look("a new device")
        for label in ("First code", "The code after it"):
            hands.fill(label, "000000")
        hands.press("Ask for codes from now on")
        hands.is_told("Authentication code for device is not valid")
        look("a device whose codes were wrong")
        first, second = codes_of(seed)
        hands.fill("First code", first)
        hands.fill("The code after it", second)
        hands.press("Ask for codes from now on")
        hands.sees("From now on a log-in asks for a code of your device.")
        look("recovery codes")
        recovery = hands.page.get_by_role("listitem").first.inner_text()
        hands.follow("Log in again")
        give(hands, tenant.account.account_id, code=recovery)
        hands.page.wait_for_url("**/home")
        hands.open("/me")
        look("a person with a device")
        hands.open(f"/{REGION}/people/users/anna")
        for label in ("Password", "Password once more"):
            hands.fill(label, "letters-alone")
        hands.press("Set another password")
        hands.is_told("Password must have")
        look("a password that was refused")
        age(sesame, tenant.account.account_id)
        for label in ("Password", "Password once more"):
            hands.fill(label, "Given-by-someone-1")
        hands.press("Set another password")
        hands.sees("Give your password once more")
        look("an old log-in")
    assert not found, "\n".join(found)
