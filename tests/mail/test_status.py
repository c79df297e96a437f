"""Enhanced status codes: read where they stand, and only there."""

import pytest

from sesame.mail.status import StatusCode, find_status, parse_status, reply_status


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("5.1.1 User unknown", "5.1.1"),
        (" 4.4.2", "4.4.2"),
        ("2.0.0: ok", "2.0.0"),
        ("5.7.26 SPF", "5.7.26"),
        ("5.1.1User", None),
        ("5.01.1 x", None),
        ("3.1.1 x", None),
        ("5.1 x", None),
        ("5.1.1.1 x", None),
        ("5.1.1234 x", None),
        ("user 5.1.1 unknown", None),
        ("", None),
    ],
)
def test_a_status_is_read_at_the_start(text: str, status: str | None) -> None:
    found = parse_status(text)
    assert (str(found) if found else None) == status


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("550 5.1.1 User unknown", StatusCode(5, 1, 1)),
        ("host said: 450-4.2.0 greylisted", StatusCode(4, 2, 0)),
        ("(#5.1.1)", StatusCode(5, 1, 1)),
        ("[192.0.2.5.1.1]", None),
        ("from 5.1.1.9 refused", None),
        ("none", None),
    ],
)
def test_a_status_is_found_in_a_text(text: str, status: StatusCode | None) -> None:
    assert find_status(text) == status


@pytest.mark.parametrize(
    ("code", "text", "status"),
    [
        (550, "5.1.1 User unknown", "5.1.1"),
        (450, "5.1.1 says one thing, means another", "4.0.0"),
        (250, "Ok", "2.0.0"),
    ],
)
def test_a_reply_without_its_status_has_that_of_its_class(code: int, text: str, status: str) -> None:
    assert str(reply_status(code, text)) == status
