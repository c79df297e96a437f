"""Attachments: what the standard library reads out of a message is what was put in."""

import email
import email.policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.mail import header
from sesame.mail.attach import Attachment
from sesame.mail.header import MessageError
from sesame.mail.message import read_message
from tests.mail.test_build import build

FORBIDDEN = '\\/:*?"<>|'
NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=FORBIDDEN + "\u2028\u2029"),
    min_size=1,
    max_size=255,
).map(lambda name: f"{name}.dat")


class Boundaries:
    """`new_boundary`: another one each time."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        return f"----=_Part_{self.count:04}"


def read(*attachments: Attachment, **more: Any) -> tuple[bytes, EmailMessage]:
    wire = build(**{"text": "Hello", "attachments": attachments, "new_boundary": Boundaries(), **more})
    read_message(wire)
    assert header.lines_fit(wire)
    message = email.message_from_bytes(wire, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return wire, message


def attachments_of(message: EmailMessage) -> list[EmailMessage]:
    return [part for part in message.walk() if isinstance(part, EmailMessage) and part.get_filename()]


@given(data=st.binary(max_size=2000), name=NAMES, inline=st.booleans())
def test_any_content_under_any_name_comes_back_equal(data: bytes, name: str, inline: bool) -> None:
    for encoding in ("base64", "quoted-printable"):
        _, message = read(Attachment(data=data, file_name=name, inline=inline, transfer_encoding=encoding))
        (part,) = attachments_of(message)
        assert part.get_payload(decode=True) == data
        # The library's reader takes white space that is not a blank for a blank.
        assert "".join(str(part.get_filename()).split()) == "".join(name.split())
        assert part.get_content_disposition() == ("inline" if inline else "attachment")


@given(
    st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x20), max_size=900),
    st.sampled_from(["", "\n", "\r\n"]),
)
def test_seven_bit_content_stands_as_it_is(line: str, end: str) -> None:
    data = f"{line}\r\n--{line}{end}".encode()[:990]
    wire, message = read(Attachment(data=data, file_name="a", transfer_encoding="7bit"))
    (part,) = attachments_of(message)
    held = part.get_payload(decode=True)
    assert isinstance(held, bytes)
    assert held == data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") in wire


def test_inline_parts_stand_beside_the_body_and_others_around_it() -> None:
    logo = Attachment(data=b"x", file_name="logo.png", inline=True, content_id="<logo@x>")
    sheet = Attachment(data=b"y", file_name="sheet.xlsx")
    _, message = read(logo, sheet, html="<img src=cid:logo@x>")
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == [
        "multipart/mixed", "multipart/related", "multipart/alternative", "text/plain", "text/html", "image/png",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ]  # fmt: skip
    assert attachments_of(message)[0]["Content-ID"] == "<logo@x>"
    related = next(part for part in message.walk() if part.get_content_type() == "multipart/related")
    assert related.get_param("type") == "multipart/alternative"  # RFC 2387 section 3.1: required
    boundaries = [part.get_boundary() for part in message.walk() if part.is_multipart()]
    assert len(set(boundaries)) == 3


def test_the_type_and_description_that_are_given_are_written() -> None:
    given_type = 'Text/X-Log; charset="us-ascii"; odd="a \\"b\\" c"; name=other.txt'
    _, message = read(Attachment(data=b"x", file_name="a.log", content_type=given_type, description="Größe"))
    (part,) = attachments_of(message)
    assert (part.get_content_type(), part.get_param("charset"), part.get_param("odd")) == (
        "text/x-log", "us-ascii", 'a "b" c',
    )  # fmt: skip
    assert part.get_filename() == "a.log" and part["Content-Description"] == "Größe"


@pytest.mark.parametrize(
    "attachment",
    [
        {"file_name": ""},
        {"file_name": "virus.exe"},
        {"file_name": "virus.EXE."},
        {"file_name": "=?utf-8?b?dmlydXMuZXhl?="},
        {"file_name": "a\tb"},
        {"file_name": "a\u2028b"},
        *({"file_name": f"a{character}b"} for character in FORBIDDEN),
        {"content_type": "nonsense"},
        {"content_type": "text/plain; charset"},
        {"content_type": "text/plain\r\nX-More: y"},
        {"content_type": "text/pläin"},
        {"content_type": "multipart/mixed; boundary=b"},
        {"content_id": "a b"},
        {"content_id": "a>\r\nX: y"},
        {"content_id": "<>"},
        {"description": "a\r\nX: y"},
        {"transfer_encoding": "binary"},
        {"transfer_encoding": "7bit", "data": b"\xff"},
        {"transfer_encoding": "7bit", "data": b"a\rb"},
        {"transfer_encoding": "7bit", "data": b"x" * 999},
    ],
)
def test_what_may_not_be_is_refused(attachment: dict[str, Any]) -> None:
    with pytest.raises(MessageError):
        read(Attachment(**{"data": b"x", "file_name": "a.txt", **attachment}))


def test_more_parts_than_a_message_may_have_are_refused() -> None:
    with pytest.raises(MessageError, match="more than 500 parts"):
        read(*[Attachment(data=b"x", file_name="a.txt")] * 501)


INNER = b"From: a@b\r\nSubject: x\r\n\r\nhi\r\n"


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "7bit"])
@pytest.mark.parametrize(
    "kind", ["message/rfc822", "Message/RFC822; name=m.eml", "message/global", "message/delivery-status"]
)
@pytest.mark.parametrize(
    ("content", "written"),
    [(INNER, "7bit"), (INNER.replace(b"hi", "hü".encode()), "8bit"), (INNER.replace(b"\r\n", b"\n"), "7bit")],
)
def test_an_attached_message_stands_as_it_is(kind: str, encoding: str, content: bytes, written: str) -> None:
    attachment = Attachment(data=content, file_name="m.eml", content_type=kind, transfer_encoding=encoding)
    wire, message = read(attachment)
    (part,) = [part for part in message.walk() if part.get_filename()]
    assert part["Content-Transfer-Encoding"] == written
    assert header.canonical_newlines(content) in wire
    assert message["Content-Transfer-Encoding"] == (None if written == "7bit" else "8bit")
    if part.get_content_type() == "message/rfc822":
        assert part.get_payload(0)["Subject"] == "x"  # type: ignore[index]


@pytest.mark.parametrize(
    ("kind", "content"),
    [("message/rfc822", b"a\0b"), ("message/rfc822", b"a\rb"), ("message/rfc822", b"x" * 999),
     ("message/partial; id=a; number=1", "hü".encode()), ("message/external-body; access-type=url", "ü".encode())],
)  # fmt: skip
def test_what_is_no_message_cannot_be_attached_as_one(kind: str, content: bytes) -> None:
    with pytest.raises(MessageError):
        read(Attachment(data=content, file_name="m.eml", content_type=kind))
