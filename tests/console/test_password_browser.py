"""An administrator gives a password in a real browser: with JavaScript, without it, and by the keyboard alone."""

from typing import TYPE_CHECKING

from tests.console.hands import Hands
from tests.console.test_browser import by, chrome, pytestmark
from tests.console.test_flows_browser import OTHER, each_way, give, logged_in
from tests.console.test_login import PASSWORD
from tests.support.process import SesameProcess
from tests.support.tenant import Tenant

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["by", "chrome", "pytestmark"]


@each_way
def test_an_administrator_gives_a_password_that_must_be_changed_and_takes_it_away(
    chrome: "Browser", sesame: SesameProcess, tenant: Tenant, way: str
) -> None:
    """What was wrong is read out and stands at its field, and what was typed is in no field again."""
    tenant.iam.create_user(UserName="anna")
    account = tenant.account.account_id
    with logged_in(chrome, sesame, account, way) as hands:
        hands.follow("People")
        hands.follow("anna")
        hands.sees("This user has no password, and cannot log in here.")
        for label in ("Password", "Password once more"):
            hands.fill(label, "letters-alone")
        hands.press("Give a password")
        hands.is_told("Password must have at least 8 characters")
        hands.follow("Password")
        field = hands.page.locator("#password:target")
        field.wait_for()
        assert field.input_value() == ""
        assert "Password must have" in hands.page.locator("#password-problem").inner_text()
        for label in ("Password", "Password once more"):
            hands.fill(label, PASSWORD)
        hands.press("Give a password")
        hands.sees("The password is set.")
        hands.sees("It has to be changed at the next log-in.")
        with Hands(chrome, sesame.console, way) as theirs:
            theirs.open("/login")
            give(theirs, account)
            theirs.sees("Set your password")
            for label in ("New password", "Once more"):
                theirs.fill(label, OTHER)
            theirs.press("Set it")
            theirs.sees("Your user may not see or do this")
            hands.unfold("Delete the password")
            hands.press("Delete the password")
            hands.sees("The password is deleted.")
            theirs.open("/me")
            theirs.page.wait_for_url("**/login?to=%2Fme")
