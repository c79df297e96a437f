"""Building simple content: a reader gets back exactly what was asked for, and nothing more."""

import email
import email.policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.mail import header
from sesame.mail.address import AddressError, parse_mailbox
from sesame.mail.build import Text, build_simple
from sesame.mail.header import MessageError
from sesame.mail.message import read_message

DEFAULTS: dict[str, Any] = {
    "from_": parse_mailbox("Ann <ann@example.com>"),
    "to": [parse_mailbox("bob@example.org")],
    "cc": [],
    "reply_to": [],
    "subject": "Hello",
    "subject_charset": None,
    "text": None,
    "text_charset": None,
    "html": None,
    "html_charset": None,
    "message_id_field": "<1@email.amazonses.com>",
    "at": 1_795_176_832.0,
    "new_boundary": lambda: "----=_Part_1_2.3",
}
LINES = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def build(**changes: Any) -> bytes:
    """A message of DEFAULTS but for the changes; each text beside its charset."""
    asked = {**DEFAULTS, **changes}
    texts: dict[str, Any] = {
        name: None if data is None else Text(data=data, charset=charset)
        for name in ("subject", "text", "html")
        for data, charset in [(asked.pop(name), asked.pop(f"{name}_charset"))]
    }
    return build_simple(**asked, **texts)


def parsed(wire: bytes) -> EmailMessage:
    message = email.message_from_bytes(wire, policy=email.policy.SMTP)
    assert isinstance(message, EmailMessage)
    return message


def text_of(part: Any) -> str:
    """The decoded text of a part with one newline at each line's end."""
    text = part.get_payload(decode=True).decode(part.get_content_charset())
    return str(text).replace("\r\n", "\n")


def ended(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") else text + "\n"


def test_a_plain_ascii_text_is_written_as_it_is() -> None:
    assert build(text="Hi\nthere", cc=[parse_mailbox("c@d")], reply_to=[parse_mailbox('"E, F" <e@f>')]) == (
        b"Date: Fri, 20 Nov 2026 12:13:52 +0000\r\n"
        b"Message-ID: <1@email.amazonses.com>\r\n"
        b"From: Ann <ann@example.com>\r\n"
        b'Reply-To: "E, F" <e@f>\r\n'
        b"To: bob@example.org\r\n"
        b"Cc: c@d\r\n"
        b"Subject: Hello\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=us-ascii\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\n"
        b"Hi\r\nthere\r\n"
    )


def test_text_and_html_are_alternatives_the_better_one_last() -> None:
    wire = build(text="plain", html="<b>é</b>", html_charset="ISO-8859-1", extra_fields=[("X-A", "b")])
    message = parsed(wire)
    assert message.get_content_type() == "multipart/alternative"
    assert message.get_boundary() == "----=_Part_1_2.3"
    parts = list(message.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert [text_of(part) for part in parts] == ["plain\n", "<b>é</b>\n"]
    assert parts[1].get_content_charset() == "iso-8859-1"
    assert message["X-A"] == "b"


@pytest.mark.parametrize(
    ("text", "charset", "encoding"),
    [
        ("x" * 998, None, "7bit"),
        ("x" * 999, None, "quoted-printable"),
        ("Grüße, " + "ascii " * 20, None, "quoted-printable"),
        ("Привет", None, "base64"),
        ("Привет", "koi8-r", "base64"),
        ("日本語", "ISO-2022-JP", "7bit"),
        ("日本語", "utf-16", "base64"),
        ("a\0b", None, "base64"),
        ("", None, "7bit"),
        ("ends in a newline\n", None, "7bit"),
        (".\r\n..\rFrom x", None, "7bit"),
    ],
)
def test_the_lightest_safe_encoding_is_chosen(text: str, charset: str | None, encoding: str) -> None:
    wire = build(text=text, text_charset=charset)
    message = parsed(wire)
    assert message["Content-Transfer-Encoding"] == encoding
    assert text_of(message) == ended(text)
    assert message.get_content_charset() == (charset or ("us-ascii" if text.isascii() else "utf-8")).lower()


@given(text=LINES, html=st.none() | LINES, wide=st.booleans())
def test_any_text_reaches_its_reader(text: str, html: str | None, wide: bool) -> None:
    text = text * (30 if wide else 1)
    wire = build(text=text, html=html)
    assert header.canonical_newlines(wire) == wire
    assert header.lines_fit(wire)
    message = parsed(wire)
    plain = message if html is None else next(iter(message.iter_parts()))
    assert text_of(plain) == ended(text)
    assert read_message(wire).body


@given(
    subject=st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=400).filter(
        lambda text: "=?" not in text
    )
)
def test_any_subject_reads_back(subject: str) -> None:
    wire = build(subject=subject, text="x")
    assert read_message(wire).subject == subject.strip(" ")
    assert wire.count(b"\r\n\r\n") == 1


def test_the_subject_is_in_the_charset_asked_for() -> None:
    wire = build(subject="日本語", subject_charset="ISO-2022-JP", text="x")
    assert b"Subject: =?ISO-2022-JP?B?" in wire
    assert read_message(wire).subject == "日本語"


INJECTIONS = [
    "x\r\nBcc: v@victim.example",
    "x\nBcc: v@v",
    "x\rBcc: v@v",
    "x\0",
    "x\x85y",
    "x\u2028y",
    "x\r\n\r\ny",
]


@pytest.mark.parametrize("payload", INJECTIONS, ids=range(len(INJECTIONS)))
def test_no_text_argument_can_bring_in_a_header_field(payload: str) -> None:
    for changes in (
        {"subject": payload},
        {"subject_charset": payload},
        {"text_charset": payload},
        {"html": "x", "html_charset": payload},
        {"extra_fields": [("X-A", payload)]},
        {"extra_fields": [(payload, "x")]},
    ):
        with pytest.raises(MessageError):
            build(**{"text": "x", **changes})
    for text in (
        f"{payload} <a@b.example>",
        f'"{payload}" <a@b.example>',
        f"a@{payload}",
        f"{payload}@b.example",
    ):
        with pytest.raises(AddressError):
            parse_mailbox(text)
    names = parsed(build(text=payload, html=payload)).keys()
    assert [name.lower() for name in names].count("bcc") == 0
    assert names == ["Date", "Message-ID", "From", "To", "Subject", "MIME-Version", "Content-Type"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": None}, "Message body is empty."),
        ({"text_charset": "no-such"}, "Unknown charset 'no-such'."),
        ({"text": "é", "text_charset": "us-ascii"}, "The text cannot be written in charset 'us-ascii'."),
        ({"subject": "€", "subject_charset": "latin1"}, "The text cannot be written in charset 'latin1'."),
    ],
)
def test_what_cannot_be_written_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(MessageError, match=f"^{message}$"):
        build(**{"text": "x", **changes})


def test_an_extra_field_cannot_take_the_place_of_an_argument() -> None:
    for name in ("From", "Subject", "Reply-To", "MIME-Version"):
        with pytest.raises(MessageError):
            build(
                text="x", reply_to=[parse_mailbox("c@d")], extra_fields=[(name, "admin@legitimate.example")]
            )
    assert parsed(build(text="x", extra_fields=[("Reply-To", "c@d")]))["Reply-To"] == "c@d"


def test_long_recipient_lists_are_folded_between_mailboxes() -> None:
    people = [parse_mailbox(f'"Person, {n}" <person{n}@department.example.org>') for n in range(50)]
    wire = build(to=people, text="x")
    assert max(map(len, wire.split(b"\r\n"))) <= 76
    assert read_message(wire).to == tuple(people)
    assert [address.addr_spec for address in parsed(wire)["To"].addresses] == [p.addr_spec for p in people]
