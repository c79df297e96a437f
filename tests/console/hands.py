"""How somebody uses a page in a real browser: with the mouse, without JavaScript, or by the keyboard alone."""

import os
import re
from typing import TYPE_CHECKING

from tests.support.patience import PATIENCE_S
from tests.support.process import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

WAYS = tuple(os.environ.get("SESAME_BROWSER_WAYS", "plain keys").split())
"""Without JavaScript and with a mouse, with JavaScript by the keyboard alone; `scripts`, with JavaScript and a mouse,
is tried where it is asked for: the two have all of it."""
MOST_TABS = 150
STOPS_BEFORE = """it => {
  const stops = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")]
    .filter(one => one.tabIndex >= 0 && !one.disabled && one.checkVisibility()
      && (one.type !== "radio" || one.checked || one === it));
  return stops.indexOf(it) - stops.indexOf(document.activeElement) - 1;
}"""
"""About how many stops of Tab lie between where the keyboard is and an element; what is there is found by Tab alone."""


class Hands:
    """One person's browser; `way` is how it is used. Everything is found by its role and name, as readers find it."""

    def __init__(self, chrome: "Browser", base_url: str, way: str) -> None:
        self.way = way
        context = chrome.new_context(base_url=base_url, java_script_enabled=way != "plain")
        context.set_default_timeout(PATIENCE_S * 1000)
        self.page: Page = context.new_page()

    def __enter__(self) -> "Hands":
        return self

    def __exit__(self, *_: object) -> None:
        self.page.context.close()

    def open(self, path: str) -> None:
        """Type an address."""
        self.page.goto(path)

    def press(self, name: str | re.Pattern[str], within: "Locator | None" = None) -> None:
        """Press a button."""
        self._activate((within or self.page).get_by_role("button", name=name, exact=True))

    def follow(self, name: str | re.Pattern[str], within: "Locator | None" = None) -> None:
        """Follow a link."""
        self._activate((within or self.page).get_by_role("link", name=name, exact=True))

    def unfold(self, name: str) -> None:
        """Open what is folded."""
        self._activate(self.page.locator("summary", has_text=name))

    def fill(self, label: str, text: str) -> None:
        """Write into a field, in the place of what is there."""
        field = self.page.get_by_label(re.compile(rf"^\s*{re.escape(label)}")).first
        if self.way == "keys":
            self._reach(field)
            self.page.keyboard.press("Control+a")
            self.page.keyboard.press("Delete")
            self.page.keyboard.insert_text(text)
        else:
            field.fill(text)

    def choose(self, label: str, option: str) -> None:
        """Choose from a list."""
        field = self.page.get_by_role("combobox", name=re.compile(rf"^{re.escape(label)}"))
        if self.way == "keys":
            self._reach(field)
            self.page.keyboard.press("Home")
            for _ in range(field.locator("option").count()):
                if field.evaluate("list => list.selectedOptions[0].text") == option:
                    return
                self.page.keyboard.press("ArrowDown")
            raise AssertionError(f"{option} cannot be chosen by keys")
        field.select_option(label=option)

    def sees(self, text: str | re.Pattern[str]) -> None:
        """Wait for a text in the page's own part."""
        self.page.get_by_role("main").get_by_text(text).first.wait_for()

    def sees_in_time(self, text: str) -> None:
        """The same of what comes about by itself: without JavaScript the page is loaded again until it is there."""
        place = self.page.get_by_role("main").get_by_text(text).first
        if self.way == "plain":
            wait_until(lambda: place.is_visible() or (self.page.reload() and place.is_visible()))
        place.wait_for()

    def is_told(self, problem: str) -> None:
        """A form has failed: what was wrong is read out, and the keyboard is there."""
        self.page.locator("#problem:focus", has_text=problem).wait_for()

    @property
    def main(self) -> str:
        """What the page's own part says."""
        return self.page.get_by_role("main").inner_text()

    def _activate(self, what: "Locator") -> None:
        if self.way == "keys":
            self._reach(what)
            self.page.keyboard.press("Enter")
        else:
            what.click()

    def _reach(self, what: "Locator") -> None:
        what.wait_for()
        for _ in range(what.evaluate(STOPS_BEFORE)):
            self.page.keyboard.press("Tab")
        for _ in range(MOST_TABS):
            if what.evaluate("it => it === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{what} cannot be reached by keys")
