"""Reading and rewriting a submitted message: what was authorised is what is sent (I7)."""

import base64
import email
import email.policy
import hashlib
import json
import re
from email.utils import getaddresses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.mail import encoded_words, header
from sesame.mail.address import AddressError, covers
from sesame.mail.header import MessageError
from sesame.mail.message import ParsedMessage, more_fields, read_message, received_from, received_of, rewrite

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
ESPOOFER: dict[str, dict[str, Any]] = json.loads((VECTORS / "espoofer" / "cases.json").read_text())["cases"]
CORPUS = VECTORS / "mail" / "messages"
MANIFEST: list[dict[str, str]] = json.loads((CORPUS / "manifest.json").read_text())["messages"]
ID = "<0100018f2c3d4e5f-1b2c3d4e-1b2c-4e5f-8a9b-0123456789ab-000000@email.amazonses.com>"
AT = 1_795_176_832.25  # Fri, 20 Nov 2026 12:13:52 UTC


def on_the_wire(message: ParsedMessage) -> bytes:
    return rewrite(message, message_id_field=ID, at=AT)


def read(*lines: str, body: str = "Hello\r\n") -> ParsedMessage:
    return read_message(("\r\n".join(lines) + "\r\n\r\n" + body).encode())


@pytest.mark.parametrize("name", ESPOOFER)
def test_no_forged_sender_passes_for_one_of_the_attackers(name: str) -> None:
    """Each is refused, or says by itself that its From is not the attacker's, who owns two identities."""
    try:
        message = read_message(base64.b64decode(ESPOOFER[name]["message_b64"]))
    except (MessageError, AddressError):
        return
    senders = [message.from_, *([message.sender] if message.sender else [])]
    for sender in senders:
        assert not covers("attack.com", sender.addr_spec)
        assert not covers("attacker@example.com", sender.addr_spec)


def test_espoofer_has_its_22_cases() -> None:
    assert len(ESPOOFER) == 22


@pytest.mark.parametrize("case", MANIFEST, ids=[case["file"] for case in MANIFEST])
def test_a_real_message_is_refused_or_goes_out_as_it_came(case: dict[str, str]) -> None:
    raw = (CORPUS / case["file"]).read_bytes()
    assert hashlib.sha256(raw).hexdigest() == case["sha256"]
    try:
        message = read_message(raw)
    except (MessageError, AddressError) as error:
        assert str(error) == case["refused"]
        return
    assert message.from_.addr_spec == case["from"]
    wire = on_the_wire(message)
    again = read_message(wire)
    assert (again.from_, again.sender, again.to, again.cc) == (
        message.from_,
        message.sender,
        message.to,
        message.cc,
    )
    assert wire.endswith(b"\r\n\r\n" + header.canonical_newlines(raw).partition(b"\r\n\r\n")[2])
    assert header.canonical_newlines(wire) == wire
    parsed = email.message_from_bytes(wire)
    assert parsed.get_all("From") == [parsed["From"]]
    assert [address for _, address in getaddresses([parsed["From"]])] == [case["from"]]
    assert not {"bcc", "return-path"} & {name.lower() for name in parsed}


def test_everything_a_message_says_is_read() -> None:
    message = read(
        "X-SES-SOURCE-ARN: arn:first",
        "Return-Path: <bounces@example.com>",
        "From: =?UTF-8?Q?J=C3=B6rg?=",
        " <joerg@example.com>",
        "sender: office@example.com",
        "To: Ann <ann@one.example>,",
        "\tBob <bob@two.example>",
        "To: undisclosed-recipients:;",
        "Cc: c@three.example",
        "Bcc: d@four.example",
        "Reply-To: help@example.com, Desk <desk@example.com>",
        "Subject: =?UTF-8?B?w6k=?= is",
        " folded",
        "X-SES-Source-Arn: arn:second",
        "X-SES-MESSAGE-TAGS: a=b,",
        " c=d",
    )
    assert (message.from_.display_name, message.from_.addr_spec) == ("Jörg", "joerg@example.com")
    assert message.sender is not None and message.sender.addr_spec == "office@example.com"
    assert message.return_path == "bounces@example.com"
    assert message.recipients == ("ann@one.example", "bob@two.example", "c@three.example", "d@four.example")
    assert [mailbox.addr_spec for mailbox in message.reply_to] == ["help@example.com", "desk@example.com"]
    assert message.subject == "é is folded"
    assert message.header("TO") == "Ann <ann@one.example>,\tBob <bob@two.example>"
    assert message.header("x-none") is None
    assert message.x_ses == {"x-ses-source-arn": "arn:first", "x-ses-message-tags": "a=b, c=d"}
    assert message.body == b"Hello\r\n"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["To: a@b"], "Missing required header 'From'."),
        (["From: a@b", "FROM: c@d"], "Duplicate header 'FROM'."),
        (
            ["From: a@b", "Content-Type: text/plain", "content-type: text/html"],
            "Duplicate header 'content-type'.",
        ),
        (["From: a@b", "Subject: x", "Subject: x"], "Duplicate header 'Subject'."),
        (["From: a@b", "X-SES-FROM-ARN: \udcff"], "Illegal header 'X-SES-FROM-ARN'."),
        (["From: \udce9 <a@b>"], "Illegal header 'From'."),
        (["From: a@b", "Content-Type: text"], "Expected '/', got null"),
        (["From: a@b", "Content-Type: a/b; name=x.exe"], "Illegal filename 'x.exe'."),
        (["From: a@b", "X: " + "y" * 996], "Message has a line of more than 998 characters."),
        (["From: a@b", "", "y" * 999], "Message has a line of more than 998 characters."),
    ],
)
def test_a_message_is_refused_in_the_words_of_ses(lines: list[str], message: str) -> None:
    with pytest.raises(MessageError, match=f"^{message}$"):
        read_message("\r\n".join((*lines, "", "x")).encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    "lines",
    [
        ["From:"],
        ["From: a@b, c@d"],
        ["From: a@b", "Sender: c@d, e@f"],
        ["From: a@b", "Sender:"],
        ["From: a@b", "Return-Path: Bob <c@d>"],
        ["From: a@b", "Return-Path: c"],
        ["From: a@b", "To: c@d e@f"],
        ["From: a@b", "Cc: c"],
        ["From: a@b", "Bcc: \udcff@d"],
        ["From: a@b", "Reply-To: <>"],
    ],
)
def test_an_unreadable_address_refuses_the_message(lines: list[str]) -> None:
    with pytest.raises(AddressError):
        read_message("\r\n".join((*lines, "", "x")).encode("utf-8", "surrogateescape"))


def test_a_line_of_998_and_fields_that_may_repeat_are_accepted() -> None:
    message = read("From: a@b", "To: c@d", "to: e@f", "Received: x", "Received: y", body="y" * 998)
    assert message.recipients == ("c@d", "e@f")
    assert message.body == b"y" * 998 + b"\r\n"


@pytest.mark.parametrize("value", ["<>", ""])
def test_a_null_return_path_is_none(value: str) -> None:
    assert read("From: a@b", f"Return-Path: {value}").return_path is None


def test_a_subject_that_does_not_decode_is_shown_as_written() -> None:
    assert read("From: a@b", "Subject: =?x?B?!?=").subject == "=?x?B?!?="


def test_display_names_of_recipients_may_be_in_any_charset() -> None:
    message = read_message(b"From: a@b\nTo: Ren\xe9 <c@d>\n\nx")
    assert message.to[0].display_name == "René"


def test_what_is_ours_replaces_what_the_sender_wrote() -> None:
    message = read(
        "Received: from x by y; date",
        "X-SES-CONFIGURATION-SET: set",
        "Return-Path: <r@example.com>",
        "From: =?iso-8859-1?Q?Jos=E9?=  < a@example.com>".replace("< ", "<"),
        "SENDER:s@example.com",
        "To: b@example.org",
        "Bcc: hidden@example.org",
        "Resent-Bcc: hidden@example.org",
        "Date: yesterday",
        "Message-ID: <mine@example.com>",
        "Authentication-Results: mx; dkim=pass",
        "Received-SPF: pass",
        "X-Mailer: keep   me",
    )
    wire = on_the_wire(message)
    assert (
        wire
        == (
            "Received: from x by y; date\r\n"
            "From: =?UTF-8?B?Sm9zw6k=?= <a@example.com>\r\n"
            "Sender: s@example.com\r\n"
            "To: b@example.org\r\n"
            "X-Mailer: keep   me\r\n"
            "Date: Fri, 20 Nov 2026 12:13:52 +0000\r\n"
            f"Message-ID: {ID}\r\n"
            "MIME-Version: 1.0\r\n"
            "\r\n"
            "Hello\r\n"
        ).encode()
    )


def test_signatures_of_others_and_the_mime_version_stay() -> None:
    lines = ["From: a@b", "MIME-version: 1.0", "DKIM-Signature: v=1; d=notexample.com; h=d=example.com"]
    wire = on_the_wire(read(*lines))
    assert wire.lower().count(b"mime-version") == 1
    assert b"DKIM-Signature: v=1; d=notexample.com" in wire


def test_a_message_without_a_body_gets_its_blank_line() -> None:
    wire = on_the_wire(read_message(b"From: a@b"))
    assert wire.startswith(b"From: a@b\r\n") and wire.endswith(b"MIME-Version: 1.0\r\n\r\n")


def test_an_extra_field_cannot_bring_in_another() -> None:
    with pytest.raises(MessageError):
        more_fields([("X-A", "x\r\nBcc: c@d")], present=(b"from",))


@pytest.mark.parametrize(
    "name",
    ["From", "SENDER", "To", "Cc", "Bcc", "Return-Path", "Date", "Message-ID", "Content-Type", "X-SES-A"],
)
def test_an_extra_field_cannot_say_who_sends_to_whom(name: str) -> None:
    with pytest.raises(MessageError, match=f"^Illegal header '{name}'.$"):
        more_fields([(name, "admin@legitimate.example")], present=(b"from",))


def test_an_extra_field_cannot_repeat_one_that_may_stand_once() -> None:
    for present, extra in (
        ([b"from", b"list-id"], [("List-Id", "y")]),
        ([b"from"], [("List-Id", "x"), ("LIST-ID", "y")]),
    ):
        with pytest.raises(MessageError, match=r"^Duplicate header '(?i:list-id)'\.$"):
            more_fields(extra, present=present)
    added = more_fields([("X-Tag", "2"), ("X-Tag", "3")], present=[b"from", b"x-tag"])
    assert added == [b"X-Tag: 2\r\n", b"X-Tag: 3\r\n"]


SIGNS = list(" \t\"\\<>()[],;:@.=?\r\n\x00\x0b\x85'A")
LINES = ["\r\n ", "\n\t", "From:", "\nfrom: ", "Sender: ", "\r\nTo: ", "\n\n", '"Ann" ', "é"]
ATOMS = [
    "a@attack.example",
    "<a@attack.example>",
    "admin@legit.example",
    "<admin@legit.example>",
    "=?utf-8?Q?x=40y?=",
    "=?utf-8?B?PGE+?=",
    "=?utf-8?B?w6k=?=",
]
HEADER_PIECES = st.sampled_from(SIGNS + LINES + ATOMS)
FROM_VALUES = st.lists(HEADER_PIECES, max_size=10).map("".join)
# one piece put into a From that is right, so that many are accepted
NEARLY_RIGHT = st.builds(
    lambda value, at, piece: value[:at] + piece + value[at:],
    st.sampled_from(
        [
            "Ann Bee <a@attack.example>",
            '"A, \\"B\\" C" <a@attack.example>',
            "a@attack.example",
            "=?utf-8?Q?=C3=A9?= x <a@b>",
        ]
    ),
    st.integers(0, 30),
    HEADER_PIECES,
)
ANGLE = re.compile(rb"<([^<>]*)>")


def naive_address(wire: bytes) -> str:
    """A reader by line and regular expression, as many programs have one."""
    line = next(
        line for line in wire.replace(b"\r\n ", b" ").split(b"\r\n") if line.lower().startswith(b"from:")
    )
    found = ANGLE.findall(line) or [line[5:].strip()]
    assert len(found) == 1
    return bytes(found[0]).decode("ascii")


@given(FROM_VALUES | NEARLY_RIGHT, st.sampled_from(["utf-8", "latin-1"]))
def test_every_reader_of_the_wire_sees_the_from_that_policy_saw(value: str, charset: str) -> None:
    raw = f"From: {value}\nTo: c@d\nSubject: s\n\nbody\n".encode(charset, "replace")
    try:
        message = read_message(raw)
    except (MessageError, AddressError):
        return
    wire = on_the_wire(message)
    want = message.from_.addr_spec
    assert naive_address(wire) == want
    compat = email.message_from_bytes(wire)
    assert len(compat.get_all("From", [])) == 1
    assert [address for _, address in getaddresses([compat["From"]])] == [want]
    modern = email.message_from_bytes(wire, policy=email.policy.SMTP)
    assert [address.addr_spec for address in modern["From"].addresses] == [want]
    # one that decodes before it parses may trip over a name's quotes, but finds no other address
    decoded = encoded_words.decode_what_can_be(str(compat["From"]))
    for _, address in getaddresses([decoded]):
        assert address.count("@") == 0 or (address.count("@") == 1 and want in address)
    assert read_message(wire).from_ == message.from_


@given(st.binary(max_size=200))
def test_any_body_reaches_the_wire_with_canonical_newlines_or_is_refused(body: bytes) -> None:
    try:
        message = read_message(b"From: a@b\r\n\r\n" + body)
    except MessageError:
        assert b"\0" in body or b"\r" in body.replace(b"\r\n", b"")
        return
    wire = on_the_wire(message)
    lines = body.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
    sent = wire.partition(b"\r\n\r\n")[2]
    assert sent == (b"\r\n".join(lines) + b"\r\n" if body else b"")


@given(st.binary(max_size=300))
def test_any_octets_are_read_or_refused(raw: bytes) -> None:
    try:
        read_message(b"From: a@b\n" + raw)
    except (MessageError, AddressError):
        pass


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("=?utf-7?Q?+2AA-?=", "=?utf-7?Q?+2AA-?="),
        ("=?utf-8?Q?a=00b?=", "a\ufffdb"),
        ("=?utf-8?Q?a=0D=0AFrom:_b?=", "a From: b"),
        ("=?utf-8?Q?a=E2=80=A8b=C2=85c?=", "a b c"),
        ("=?utf-8?Q?a=1Bb?=", "a\ufffdb"),
        ("=?utf-16-le?B?ANg=?=", "=?utf-16-le?B?ANg=?="),
        ("=?utf-8?Q?J=C3=B6rg?= =?x-unknown?Q?a?=", "Jörg =?x-unknown?Q?a?="),
        ("\x1b$B", "\ufffd$B"),
    ],
)
def test_a_subject_is_kept_as_characters_on_one_line(written: str, kept: str) -> None:
    message = read(f"Subject: {written}", "From: a@b")
    assert message.subject == kept
    kept.encode("utf-8")
    assert f"Subject: {written}\r\n".encode() in on_the_wire(message)


@pytest.mark.parametrize("sign", ["\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("name", ["Subject", "X-Any", "To", "From", "Comments", "X-SES-Configuration-Set"])
def test_a_sign_that_ends_a_line_for_some_readers_is_in_no_field(name: str, sign: str) -> None:
    others = () if name == "From" else ("From: a@b",)
    with pytest.raises((MessageError, AddressError)):
        read(f"{name}: a{sign}b <a@b>", *others)


def test_octets_of_another_charset_are_no_line_ends() -> None:
    raw = b"From: a@b\r\nX-Gbk: \xd6\xe2\x80\xa8\xff\r\n\r\nhi\r\n"
    assert b"X-Gbk: \xd6\xe2\x80\xa8\xff\r\n" in on_the_wire(read_message(raw))


@pytest.mark.parametrize(
    ("field", "wire"),
    [
        ("To: info@x.example <info@x.example>", 'To: "info@x.example" <info@x.example>'),
        ("Cc: [Team] Ann < a@x.example >, b@x.example", 'Cc: "[Team] Ann" <a@x.example>, b@x.example'),
        ("Reply-To: Kay @ Home <k@x.example>", 'Reply-To: "Kay @ Home" <k@x.example>'),
        ('To: "x y"@z.example', 'To: "x y"@z.example'),
        ("To: Pat (Sales) <p@x.example>", "To: Pat (Sales) <p@x.example>"),
        ("To: Team: a@x.example, b@x.example;", "To: Team: a@x.example, b@x.example;"),
        ("To: =?gb2312?B?1uzpRrv5?= <p@x.example>", "To: =?gb2312?B?1uzpRrv5?= <p@x.example>"),
    ],
)
def test_addresses_of_recipients_go_out_in_right_syntax(field: str, wire: str) -> None:
    message = read(field, "From: a@b")
    assert f"{wire}\r\n".encode() in on_the_wire(message).replace(b"\r\n ", b" ")


@pytest.mark.parametrize(
    ("name", "address", "begins"),
    [
        ("client.example", "192.0.2.1", "from client.example ([192.0.2.1]) by"),
        ("[192.0.2.9]", "192.0.2.1", "from [192.0.2.9] ([192.0.2.1]) by"),
        ("[IPv6:2001:db8::1]", "2001:db8::1", "from [IPv6:2001:db8::1] ([IPv6:2001:db8::1]) by"),
        ("a_host.local", "192.0.2.1", "from a_host.local ([192.0.2.1]) by"),
        ("", "192.0.2.1", "from [192.0.2.1] ([192.0.2.1]) by"),
        ("x;by", "192.0.2.1", "from [192.0.2.1] ([192.0.2.1]) by"),
        ("x(y)", "192.0.2.1", "from [192.0.2.1] ([192.0.2.1]) by"),
        ("x\r\nBcc:", "192.0.2.1", "from [192.0.2.1] ([192.0.2.1]) by"),
        ("r\xe4tsel.example", "192.0.2.1", "from [192.0.2.1] ([192.0.2.1]) by"),
        ("x" * 256, "2001:db8::1", "from [IPv6:2001:db8::1] ([IPv6:2001:db8::1]) by"),
    ],
)
def test_a_received_field_says_from_whom_and_lets_nothing_in(name: str, address: str, begins: str) -> None:
    trace = received_from(name, address, hostname="mx.sesame.test", protocol="ESMTPSA")
    assert trace == f"{begins} mx.sesame.test with ESMTPSA"
    field = received_of(trace, message_id="1-a", recipients=["a@b.example"], at=1.0)
    assert field == (
        f"Received: {trace} id 1-a for a@b.example;\r\n Thu, 01 Jan 1970 00:00:01 +0000\r\n".encode()
    )
    assert b" for " not in received_of(
        trace, message_id="1-a", recipients=["a@b.example", "c@b.example"], at=1.0
    )
