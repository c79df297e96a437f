"""What is wrong with a raw message whose header cannot be read, by how it begins."""

import base64

import pytest

from sesame.sending.header_slips import slip_of

GOOD = b"From: a@example.com\r\nTo: b@example.com\r\n\r\nHello\r\n"


@pytest.mark.parametrize(
    ("message", "slip"),
    [
        (b"\xef\xbb\xbf" + GOOD, "byte-order mark"),
        (b"\r\n" + GOOD, "empty line"),
        (b"\n\n" + GOOD, "empty line"),
        (b" \t\r\n" + GOOD, "empty line"),
        (b"From a@example.com Sun Nov 29\r\n" + GOOD, "mailbox file"),
        (b"<p>Hello</p>", "html"),
        (b'  {"a": 1}', "json"),
        (b"  " + GOOD, "indented"),
        (base64.b64encode(GOOD), "base64"),
        (base64.encodebytes(GOOD * 4), "base64"),
        (b"Form: a@example.com\r\n\r\nHello", "misspelt"),
        (b"Subject: s\r\n\r\n" + GOOD, "later"),
        (b"Subject: s\n\n" + GOOD.replace(b"\r\n", b"\n"), "later"),
    ],
)
def test_a_slip_is_told_by_how_the_message_begins(message: bytes, slip: str) -> None:
    found = slip_of(message)
    assert found is not None and found[0] == slip


@pytest.mark.parametrize(
    "message", [b"", b"\r\n", GOOD, b"Hello there", b"Subject: s\r\n\r\nHello", b"QUJD" * 30]
)
def test_nothing_is_said_of_what_is_not_known(message: bytes) -> None:
    assert slip_of(message) is None
