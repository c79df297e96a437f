"""The new user's walk, in the browser alone: from the printed link to a delegate's first mail in the inbox.

Each click and each field counts as a step; docs/howto/console.md tells the count. A picture of each page is kept in
the directory of the test.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.console.test_browser import by, chrome, pytestmark
from tests.support.patience import PATIENCE_S
from tests.support.process import running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

__all__ = ["by", "chrome", "pytestmark"]
HOWTO = Path(__file__).resolve().parents[2] / "docs" / "howto" / "console.md"
READ_AND_CLICK_S, READ_AND_TYPE_S = 6.0, 12.0
"""What a person takes who has never seen the pages: to find and click one thing, to fill in one field."""
WITHIN_S = 180.0


@dataclass
class Hand:
    """Does what a person does, and counts it."""

    page: "Page"
    pictures: Path
    clicks: int = 0
    fields: int = 0
    told: list[str] = field(default_factory=list)

    def click(self, target: "Locator") -> None:
        """One click."""
        self.look()
        target.click()
        self.clicks += 1
        self.page.wait_for_load_state()

    def fill(self, target: "Locator", text: str) -> None:
        """One field: with JavaScript or without, nothing else is touched."""
        target.fill(text)
        self.fields += 1

    def look(self) -> None:
        """Keep what is seen."""
        self.page.screenshot(path=self.pictures / f"step-{self.clicks:02}.png")

    def link(self, name: str) -> None:
        """Follow a link by its words."""
        self.click(self.page.get_by_role("link", name=re.compile(f"^{name}")).first)

    def button(self, name: str) -> None:
        """Press a button by its words."""
        self.click(self.page.get_by_role("button", name=re.compile(f"^{name}")).first)

    def work_in(self, account_id: str) -> None:
        """Press the button of an account."""
        self.click(self.page.locator(f"form[action$=become]:has(input[value='{account_id}']) button"))


def walk(chrome: "Browser", directory: Path, pictures: Path) -> Hand:
    with running(directory / "data") as sesame:
        link = sesame.run_json("console", "login")["link"]
        accounts = {one["name"]: one["account_id"] for one in sesame.run_json("account", "list")}
        context = chrome.new_context(base_url=sesame.console, viewport={"width": 1280, "height": 860})
        context.set_default_timeout(PATIENCE_S * 1000)
        page = context.new_page()
        hand = Hand(page, pictures)
        page.on("console", lambda message: hand.told.append(message.text))
        page.on("pageerror", lambda error: hand.told.append(str(error)))
        page.goto(link)
        hand.button("Log in")
        hand.work_in(accounts["owner"])
        hand.link("Add an identity")
        hand.fill(page.get_by_label("Domain or address"), "example.com")
        hand.button("Add it")
        hand.link("Who can send")
        hand.link("Lend this identity")
        hand.fill(page.get_by_label("Who", exact=False).first, accounts["delegate"])
        page.locator("#preview").get_by_text(f"Account {accounts['delegate']}").first.wait_for()
        hand.button("Save")
        hand.link(f"Kit for Account {accounts['delegate']}")
        arn = page.get_by_text(re.compile(r"^arn:aws:ses:")).first.inner_text()
        hand.button("Copy ARN")
        hand.button("Accounts")
        hand.work_in(accounts["delegate"])
        hand.link("Send a test")
        hand.fill(page.locator("input[name=from]"), "news-1@example.com")
        hand.fill(page.locator("input[name=arn]"), arn)
        hand.button("Send it")
        hand.link("Inbox")
        page.get_by_role("link", name="A test", exact=True).wait_for()
        hand.link("A test")
        page.get_by_text("news-1@example.com").first.wait_for()
        hand.look()
        assert "Sent from the console." in page.locator("main").inner_text()
        context.close()
    return hand


def test_a_new_user_lends_a_domain_and_sees_the_delegates_first_mail(
    chrome: "Browser", tmp_path: Path
) -> None:
    hand = walk(chrome, tmp_path, tmp_path)
    assert hand.told == []
    assert f"{hand.clicks} clicks and {hand.fields} fields" in " ".join(HOWTO.read_text().split())
    assert hand.clicks * READ_AND_CLICK_S + hand.fields * READ_AND_TYPE_S <= WITHIN_S
