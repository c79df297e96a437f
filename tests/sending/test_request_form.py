"""How a request was written is read of whatever was refused: it explains, and may never be what fails."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sesame.sending.request_form import form_of, from_address, header_slip, unreadable_address
from sesame.sending.submission import RawContent, Submission

PIECES = [
    b"From: a@example.com", b"X-SES-SOURCE-ARN: arn:aws:ses:us-east-1:111111111111:identity/x", b"X-SES-FROM-ARN:",
    b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\0", b"\xff", b":", b" ", b"x", b"To: <a", b"Subject : x", b"=?utf-8?q?=00?=",
]  # fmt: skip


def submission(data: bytes, version: str = "1") -> Submission:
    return Submission(
        operation="SendRawEmail", action="ses:SendRawEmail", api_version=version, content=RawContent(data=data),
        source=None, destinations=(), return_path=None, source_arn=None, from_arn=None, return_path_arn=None,
        configuration_set=None, tags=(), max_bytes=10_000_000,
    )  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join), st.sampled_from(["1", "2"]))
@example(b"X-Null: a\0b\r\nFrom: a@example.com\r\n\r\nx", "1")
@example(b"X-Return: a\rb\r\n\r\nx", "1")
def test_nothing_that_was_written_stops_it(data: bytes, version: str) -> None:
    asked = submission(data, version)
    assert form_of(asked).door == f"v{version}"
    for read in (from_address, header_slip, unreadable_address):
        read(asked)


@pytest.mark.parametrize("at", range(262_130, 262_150))
def test_a_long_message_is_looked_at_in_whole_lines(at: int) -> None:
    """Wherever the line breaks stand beside what is looked at."""
    data = b"\r\n".join((b"X-SES-SOURCE-ARM: x", b"From: a@example.com", b"", b"x" * (at - 45), b"y" * 500))
    assert [odd[0] for odd in form_of(submission(data)).odd] == ["misspelt"]
