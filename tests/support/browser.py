"""A person at the console: an HTTP client that keeps cookies and fills in forms, without a browser."""

import html
import re
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.patience import PATIENCE_S
from tests.support.process import SesameProcess

_TOKEN = re.compile(r'name="token" value="([^"]+)"')
_TAGS = re.compile(r"<[^>]+>")


@dataclass
class Person:
    """Whoever looks at the console."""

    base: str
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(
            base_url=self.base,
            follow_redirects=True,
            timeout=PATIENCE_S,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Open a page."""
        return self.client.get(path, **options)

    def token(self, path: str) -> str:
        """The token of the forms of a page."""
        found = _TOKEN.search(self.get(path).text)
        assert found, f"{path} has no form"
        return found[1]

    def send(self, path: str, *, page: str = "", **fields: str) -> httpx.Response:
        """Fill in the form of `page` (or of the path itself) and send it to the path."""
        return self.client.post(
            path, data={"token": self.token(page or path), **fields}, headers={"origin": self.base}
        )

    def follow(self, link: str) -> httpx.Response:
        """Log in by a link."""
        path = link.removeprefix(self.base)
        return self.send(path)


def words(page: str) -> str:
    """What a person reads of a page, on one line."""
    without = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(_TAGS.sub(" ", without)).split())


def main_of(answer: httpx.Response) -> str:
    """What a person reads of the part of a page that is its own."""
    return words("<main" + answer.text.partition("<main")[2].partition("</main>")[0])


def operator(sesame: SesameProcess) -> Person:
    """The operator, logged in."""
    person = Person(sesame.console)
    person.follow(sesame.run_json("console", "login")["link"])
    return person


def root_of(sesame: SesameProcess, account_id: str) -> Person:
    """The root of an account, logged in."""
    person = Person(sesame.console)
    person.follow(sesame.run_json("console", "login", "--account", account_id)["link"])
    return person
