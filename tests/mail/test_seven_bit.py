"""A 7-bit copy says what the 8-bit message said, as another reader decodes both."""

import email
import email.policy
from email.message import EmailMessage

import pytest

from sesame.mail.seven_bit import NotConvertible, to_seven_bit

HEAD = "From: a@example.com\r\nTo: b@example.com\r\nSubject: s\r\nMIME-Version: 1.0\r\n"


def read(message: bytes) -> EmailMessage:
    return email.message_from_bytes(message, policy=email.policy.default)


def contents(message: bytes) -> list[tuple[str, bytes]]:
    """Type and decoded content of each leaf."""
    leaves = [part for part in read(message).walk() if not part.is_multipart()]
    return [(part.get_content_type(), bytes(part.get_payload(decode=True))) for part in leaves]


def multipart(subtype: str, *parts: str) -> str:
    inner = "".join(f"--b\r\n{part}\r\n" for part in parts)
    return f'Content-Type: multipart/{subtype}; boundary="b"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{inner}--b--\r\n'


BODIES = {
    "text": "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n.\r\nE =\r\n",
    "no encoding named": "Content-Type: text/plain; charset=utf-8\r\n\r\nGrüße \r\n",
    "nothing named": "\r\nGrüße\r\n",
    "long line": "Content-Type: text/plain; charset=utf-8\r\n\r\n" + "ü" * 400 + "\r\n",
    "other type": "Content-Type: application/json\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{'ü': 1}\r\n",
    "alternative": multipart(
        "alternative",
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße",
        "Content-Type: text/html\r\nContent-Transfer-Encoding: 7bit\r\n\r\n<p>x</p>\r\n",
        "Content-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAw==",
    ),
    "nested": multipart(
        "mixed", multipart("related", "\r\nübermorgen").replace('"b"', '"c"').replace("--b", "--c")
    ),
    "message": multipart("mixed", f"Content-Type: message/rfc822\r\n\r\n{HEAD}\r\nGrüße"),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_a_part_holds_stays_what_it_is(body: str) -> None:
    message = (HEAD + body).encode()
    converted = to_seven_bit(message)
    assert converted.isascii()
    assert contents(converted) == contents(message)
    assert all(len(line) <= 998 for line in converted.split(b"\r\n"))
    assert converted.startswith(HEAD.encode())
    assert converted.count(b"\r") == converted.count(b"\n") == converted.count(b"\r\n")
    assert read(converted).get("Content-Transfer-Encoding", "7bit") != "8bit"


def test_a_message_in_ascii_is_left_alone() -> None:
    message = (HEAD + "X-Odd:   spaced \r\n\r\nx\r\n").encode()
    assert to_seven_bit(message) is message


@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
def test_header_fields_become_encoded_words(charset: str) -> None:
    lines = (
        "From: a@example.com\r\nSubject: Grüße aus\r\n Köln\r\nTo: Jürgen <b@example.com>, c@example.com\r\n"
        'Content-Type: text/plain; charset=us-ascii; name="Grüße.txt"\r\nX-Kept: =?utf-8?q?x?=\r\n\r\nx\r\n'
    )
    converted = to_seven_bit(lines.encode(charset))
    found = read(converted)
    assert converted.isascii()
    assert found["Subject"] == "Grüße aus Köln"
    assert [(a.display_name, a.addr_spec) for a in found["To"].addresses] == [
        ("Jürgen", "b@example.com"), ("", "c@example.com"),
    ]  # fmt: skip
    assert found.get_content_type() == "text/plain"
    assert b"X-Kept: =?utf-8?q?x?=\r\n" in converted


def test_a_signed_part_is_not_broken() -> None:
    with pytest.raises(NotConvertible):
        to_seven_bit((HEAD + multipart("signed", "\r\nGrüße", "\r\nsig")).encode())
    assert to_seven_bit((HEAD + multipart("signed", "\r\nx", "\r\nsig")).encode()).isascii()


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_a_body_that_lies_about_its_encoding_ends_as_ascii(encoding: str) -> None:
    body = f"Content-Type: text/plain\r\nContent-Transfer-Encoding: {encoding}\r\n\r\nYQ=é=\r\n"
    assert to_seven_bit((HEAD + body).encode()).isascii()
