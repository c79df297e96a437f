"""A link of ours says what we put into it, to us alone, and leads nowhere else."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.mail import tracked_link
from sesame.mail.return_path import pack
from sesame.mail.tracked_link import (
    Clicked,
    Opened,
    account_mark,
    click_path,
    location,
    open_path,
    read_click,
    read_open,
)

KEY, OTHER = b"k" * 32, b"o" * 32
ID = "010001a2b3c4d5e6-00112233-4455-4677-8899-aabbccddeeff-000000"
MARK = "00a1b2c3d4ff"
TARGET = "https://shop.example/a?b=1&c=%20#d"


def path(target: str = TARGET, **changed: object) -> str:
    given: dict[str, object] = {"number": 7, "tags": "a:b;c:d", "target": target, "mark": MARK, **changed}
    made = click_path(KEY, ID, 3, **given)  # type: ignore[arg-type]
    assert made is not None
    return made


def parts(made: str) -> tuple[str, str]:
    token, _, query = made.removeprefix("/t/c/").partition("?")
    return token, query


def test_a_click_says_what_was_put_into_it() -> None:
    want = Clicked(message_id=ID, recipient_index=3, number=7, tags="a:b;c:d", target=TARGET, mark=MARK)
    assert read_click(KEY, *parts(path())) == want
    assert want.made_at == int("01a2b3c4d5e6", 16) / 1000


def test_an_open_says_whose_it_is() -> None:
    made = open_path(KEY, ID, 4095)
    assert made is not None
    assert read_open(KEY, made.removeprefix("/t/o/")) == Opened(message_id=ID, recipient_index=4095)


def test_a_link_holds_no_address_and_no_octet_that_html_or_mail_would_change() -> None:
    made = path("https://shop.example/")
    assert "@" not in made
    assert not set(made) & set("&\"'<>= \\")


URLS = st.builds(
    lambda scheme, host, rest: f"{scheme}://{host}{rest}",
    st.sampled_from(["http", "https", "HTTP", "hTTps"]),
    st.sampled_from(["example.com", "a.b:8080", "user:pass@h", "[::1]:1", "xn--bcher-kva.example"]),
    st.one_of(
        st.just(""),
        st.builds(
            lambda sign, text: sign + text,
            st.sampled_from("/?#"),
            st.text(
                st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\\\u2028\u2029\x7f"),
                max_size=60,
            ),
        ),
    ),
)


@given(URLS)
def test_every_target_comes_back_as_it_was(target: str) -> None:
    made = click_path(KEY, ID, 0, number=0, tags="", target=target, mark=MARK)
    assert made is not None and made.isascii()
    found = read_click(KEY, *parts(made))
    assert found is not None and found.target == target
    assert location(target).isascii() and " " not in location(target)


@given(URLS, URLS)
def test_a_token_leads_to_its_own_target_alone(one: str, other: str) -> None:
    token, query = parts(path(one))
    found = read_click(KEY, token, quote(other, safe=""))
    assert (found is None) == (one != other)
    assert read_click(OTHER, token, query) is None


@given(st.data())
def test_a_token_in_which_one_bit_is_turned_is_none(data: st.DataObject) -> None:
    token, query = parts(path())
    octets = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    turned = base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
    assert read_click(KEY, turned, query) is None


@given(st.text(max_size=120), st.text(max_size=40))
def test_any_text_at_all_is_read_and_is_none(token: str, query: str) -> None:
    assert read_click(KEY, token, query) is None
    assert read_open(KEY, token) is None


def test_a_token_has_one_spelling() -> None:
    token, query = parts(path(tags="a:b"))
    assert len(token) % 4, "there are bits that say nothing"
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]
    assert read_click(KEY, other, query) is None
    assert read_click(KEY, token + "=", query) is None


def test_an_open_is_no_click_and_no_return_path() -> None:
    made = open_path(KEY, ID, 3)
    assert made is not None
    assert read_click(KEY, made.removeprefix("/t/o/"), "") is None
    assert read_open(KEY, parts(path())[0]) is None


@pytest.mark.parametrize(
    "target",
    ["javascript:alert(1)", "data:text/html,x", "//example.com/", "/here", "mailto:a@b.example", "https://", "http:///x",
     "https://exa mple.com/", "https://good.example\\@evil.example/", "https://a.example/\r\nSet-Cookie: x",
     "https://a.example/\tb", "https://a.example/\x00", "https://{{host}}/", "ftp://a.example/", "tel:+1", "#top", "",
     "https://bücher.example/", " https://a.example/"],
)  # fmt: skip
def test_a_link_that_readers_may_take_in_two_ways_or_not_to_the_web_is_none_of_ours(target: str) -> None:
    assert click_path(KEY, ID, 0, number=0, tags="", target=target, mark=MARK) is None


def test_what_does_not_fit_is_left_alone() -> None:
    assert (
        click_path(KEY, ID, 0, number=0, tags="", target=f"https://a.example/{'x' * 4000}", mark=MARK) is None
    )
    assert click_path(KEY, ID, 0, number=1 << 16, tags="", target=TARGET, mark=MARK) is None
    assert click_path(KEY, "no id", 0, number=0, tags="", target=TARGET, mark=MARK) is None
    assert open_path(KEY, ID, 4096) is None


@pytest.mark.parametrize(
    ("text", "written", "read"),
    [
        ("a:b;c:d;", "a:b;c:d", {"a": ["b"], "c": ["d"]}),
        (" a : b ;; a:c", "a:b;a:c", {"a": ["b", "c"]}),
        ("no tag; é:x; a:; :b", "", {}),
        (";".join(f"name{n}:{'v' * 200}" for n in range(9)), "", None),
    ],
)
def test_tags_are_read_and_written(text: str, written: str, read: dict[str, list[str]] | None) -> None:
    assert tracked_link.written_tags(text) == written
    assert read is None or tracked_link.read_tags(text) == read


def test_a_link_of_before_there_were_marks_is_read_and_has_none() -> None:
    """As one was written then: it stands in mail that was delivered."""
    said = pack(ID, 3) + (7).to_bytes(2, "big") + b"a:b"
    mac = tracked_link._mac(KEY, b"click", said, TARGET.encode())
    found = read_click(KEY, tracked_link._token(said, mac), quote(TARGET, safe=""))
    assert found == Clicked(message_id=ID, recipient_index=3, number=7, tags="a:b", target=TARGET, mark=None)
    as_new = tracked_link._mac(KEY, b"click 2", said, TARGET.encode())
    assert (
        read_click(KEY, tracked_link._token(said, as_new), quote(TARGET, safe="")) is None
    )  # no room for a mark


def test_an_accounts_mark_is_its_own_and_does_not_tell_its_number() -> None:
    marks = {account_mark(KEY, f"{number:012d}") for number in range(1_000)}
    assert len(marks) == 1_000
    assert account_mark(OTHER, "111122223333") != account_mark(KEY, "111122223333")
    assert {len(mark) for mark in marks} == {12}
