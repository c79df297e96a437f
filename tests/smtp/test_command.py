"""Command lines: verbs, paths, parameters."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.smtp.command import (
    CommandSyntaxError,
    PathSyntaxError,
    is_mailbox,
    parse_mail,
    parse_rcpt,
    split_command,
)

ISEMAIL = Path(__file__).parents[1] / "vectors" / "isemail" / "cases.json"

GOOD: list[tuple[str, str, dict[str, str | None]]] = [
    ("FROM:<a@x.example>", "a@x.example", {}),
    ("from:<a@x.example>", "a@x.example", {}),
    ("FROM: <a@x.example>", "a@x.example", {}),
    ("FROM:a@x.example", "a@x.example", {}),
    ("FROM: a@x.example SIZE=3", "a@x.example", {"SIZE": "3"}),
    ("FROM:<>", "", {}),
    ("FROM:<> size=10 Body=8BITMIME x", "", {"SIZE": "10", "BODY": "8BITMIME", "X": None}),
    ('FROM:<"a b>\\"c"@x.example>', '"a b>\\"c"@x.example', {}),
    ("FROM:<@relay.example,@other.example:a@x.example>", "a@x.example", {}),
    ("FROM:<a@[192.0.2.1]>", "a@[192.0.2.1]", {}),
    ("FROM:<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", {}),
]


@pytest.mark.parametrize(("argument", "mailbox", "parameters"), GOOD)
def test_reverse_paths_are_read(argument: str, mailbox: str, parameters: dict[str, str | None]) -> None:
    path = parse_mail(argument)
    assert (path.mailbox, path.parameters) == (mailbox, parameters)


@pytest.mark.parametrize(
    ("argument", "address"),
    [
        ("FROM:", ""),
        ("FROM:<a>", "a"),
        ("FROM:a", "a"),
        ("FROM:<a@>", "a@"),
        ("FROM:<a@x.example", "a@x.example"),
        ("FROM:<a..b@x.example>", "a..b@x.example"),
        ("FROM:<a@-x.example>", "a@-x.example"),
        ("FROM:<a@x..example>", "a@x..example"),
        ("FROM:Joe <a@x.example>", "Joe"),
        ("FROM:<a@[999.0.0.1]>", "a@[999.0.0.1]"),
        ("FROM:<a@[tag:x]>", "a@[tag:x]"),
        ("FROM:<" + "a" * 65 + "@x.example>", "a" * 65 + "@x.example"),
        ("FROM:<a@" + "x." * 130 + "example>", "a@" + "x." * 130 + "example"),
    ],
)
def test_what_is_no_path_is_refused_and_named(argument: str, address: str) -> None:
    with pytest.raises(PathSyntaxError) as caught:
        parse_mail(argument)
    assert caught.value.address == address


@pytest.mark.parametrize(
    "argument",
    [
        "",
        "TO:<a@x.example>",
        "FROM <a@x.example>",
        "FROM:<a@x.example>SIZE=1",
        "FROM:<a@x.example><b@x.example>",
        "FROM:<a@x.example> SIZE=1 SIZE=2",
        "FROM:<a@x.example> =1",
        "FROM:<a@x.example> SIZE=",
        "FROM:<a@x.example> SIZE=a=b",
    ],
)
def test_a_malformed_argument_is_refused(argument: str) -> None:
    with pytest.raises(CommandSyntaxError):
        parse_mail(argument)


def test_postmaster_needs_no_domain_as_a_recipient_only() -> None:
    assert parse_rcpt("TO:<postMASTER> X=1").mailbox == "Postmaster"
    with pytest.raises(PathSyntaxError):
        parse_mail("FROM:<postmaster>")


def test_the_null_path_is_no_recipient() -> None:
    with pytest.raises(PathSyntaxError):
        parse_rcpt("TO:<>")


def test_verbs_are_read_in_any_case_and_blanks_at_the_end_do_not_matter() -> None:
    assert split_command("mail FROM:<a@x> \t ") == ("MAIL", "FROM:<a@x>")
    assert split_command("QUIT ") == ("QUIT", "")
    assert split_command("quit\t") == ("QUIT", "")
    assert split_command("") == ("", "")


@given(st.text(max_size=80))
def test_any_argument_is_read_or_refused(text: str) -> None:
    for argument in (text, f"FROM:{text}", f"TO:<{text}>", f"FROM:<a@x> {text}"):
        for parser in (parse_mail, parse_rcpt):
            try:
                path = parser(argument)
            except CommandSyntaxError:
                continue
            assert path.mailbox in ("", "Postmaster") or is_mailbox(path.mailbox)


@given(st.from_regex(r"\A[!-~ \r\n]{1,20}\Z"))
def test_no_mailbox_can_break_its_line(text: str) -> None:
    if is_mailbox(text):
        assert text.isascii()
        assert text.isprintable()


def test_mailboxes_follow_rfc_5321_in_all_public_cases() -> None:
    for case in json.loads(ISEMAIL.read_text(encoding="utf-8"))["cases"]:
        address, category = case["address"], case["category"]
        if category in ("VALID_CATEGORY", "RFC5321"):
            assert is_mailbox(address), case
        elif category in ("ERR", "RFC5322", "CFWS"):
            assert not is_mailbox(address), case


def test_hostile_addresses_are_judged_in_linear_time() -> None:
    for text in (
        "a." * 50_000,
        "a" * 100_000,
        '"' + "\\a" * 50_000,
        "a@" + "a-" * 50_000,
        "a@" + "a." * 50_000,
    ):
        assert not is_mailbox(text)
        with pytest.raises(CommandSyntaxError):
            parse_mail(f"FROM:<{text}>")
