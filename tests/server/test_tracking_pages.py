"""Who opened and clicked: the peer's address, or what the one proxy that is trusted says, and nobody else's word."""

import asyncio

import pytest

from sesame.feedback.tracking import Reader
from sesame.http.reader import Request
from sesame.mail.tracked_link import CLICK_PATH, OPEN_PATH
from sesame.server.api import Peer
from sesame.server.tracking import TrackingPages

PROXY, READER, FORGED = "192.0.2.1", "198.51.100.7", "203.0.113.9"


class Tracker:
    """Keeps who read; every link leads home."""

    def __init__(self) -> None:
        self.readers: list[Reader] = []

    async def opened(self, token: str, reader: Reader) -> None:
        self.readers.append(reader)

    async def clicked(self, token: str, query: str, reader: Reader) -> str | None:
        self.readers.append(reader)
        return "https://home.test/"


def read(path: str, peer: str, *said: str, proxy: str, method: str = "GET", agent: bytes = b"") -> Reader:
    tracker = Tracker()
    fields = [(b"X-Forwarded-For", one.encode()) for one in said] + [(b"User-Agent", agent)]
    request = Request(method, path.encode(), b"", fields, b"", keeps_alive=True, is_http_1_0=False)
    pages = TrackingPages(tracker, trusted_proxy=proxy)  # type: ignore[arg-type]
    assert asyncio.run(pages.page(request, Peer(address=peer, secure_transport=True))) is not None
    (reader,) = tracker.readers
    return reader


@pytest.mark.parametrize("path", [f"{OPEN_PATH}t", f"{CLICK_PATH}t"])
@pytest.mark.parametrize(
    ("proxy", "peer", "said", "address"),
    [
        ("", READER, (), READER),
        ("", READER, (FORGED,), READER),
        (PROXY, READER, (FORGED,), READER),
        (PROXY, PROXY, (READER,), READER),
        (PROXY, PROXY, (f"{FORGED}, {READER}",), READER),
        (PROXY, PROXY, (FORGED, READER), READER),
        (PROXY, PROXY, ("unknown",), PROXY),
        (PROXY, PROXY, (), PROXY),
    ],
)
def test_the_address_is_the_peers_or_the_last_word_of_the_trusted_proxy(
    path: str, proxy: str, peer: str, said: tuple[str, ...], address: str
) -> None:
    assert read(path, peer, *said, proxy=proxy).ip_address == address


def test_a_look_whether_there_is_something_counts_nothing_and_names_are_cleaned() -> None:
    looked = read(f"{OPEN_PATH}t", READER, proxy="", method="HEAD", agent=b"A\x00gent\xff/1 " + b"x" * 900)
    assert not looked.counts
    assert looked.user_agent.startswith("Agent") and len(looked.user_agent) == 512
    assert read(f"{OPEN_PATH}t", READER, proxy="").counts
