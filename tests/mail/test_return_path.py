"""Return paths: only we can make them, and they lead back to the message and the recipient."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.mail.address import parse_addr_spec
from sesame.mail.return_path import (
    EARLY_S,
    RECIPIENT_LIMIT,
    ReturnPath,
    ReturnPathError,
    make_return_path,
    read_return_path,
    verify_return_path,
)

KEY = b"k" * 32
MESSAGE_ID = "0100018f2c3d4e5f-1b2c3d4e-1b2c-4e5f-8a9b-0123456789ab-000000"
PATH = make_return_path(KEY, MESSAGE_ID, 7, domain="bounce.example.com")

MADE_AT = int("018f2c3d4e5f", 16) / 1000
DAY_S = 86_400


def message_ids() -> st.SearchStrategy[str]:
    return st.from_regex(
        r"[0-9a-f]{16}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-[0-9]{6}", fullmatch=True
    )


@given(message_ids(), st.integers(0, RECIPIENT_LIMIT - 1))
def test_a_return_path_leads_back(message_id: str, index: int) -> None:
    path = make_return_path(KEY, message_id, index, domain="bounce.example.com")
    local_part, domain = parse_addr_spec(path)
    assert len(local_part) == 64 and local_part == local_part.lower()
    assert domain == "bounce.example.com"
    assert read_return_path(KEY, path) == (message_id, index)
    assert read_return_path(KEY, path.upper()) == (message_id, index)


def test_every_change_of_one_character_is_seen() -> None:
    """Each of the 64 characters, to each of the 31 others."""
    for at in range(64):
        for other in set("abcdefghijklmnopqrstuvwxyz234567") - {PATH[at]}:
            assert read_return_path(KEY, PATH[:at] + other + PATH[at + 1 :]) is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "bob@example.com",
        PATH.partition("@")[0],
        "x" + PATH,
        PATH[1:],
        "=" * 64 + "@b",
        "ſ" * 64 + "@b",
        "1" * 64 + "@b",
    ],
)
def test_another_address_is_none_of_ours(address: str) -> None:
    assert read_return_path(KEY, address) is None


def test_another_key_does_not_read_it() -> None:
    assert read_return_path(b"x" * 32, PATH) is None
    assert make_return_path(b"x" * 32, MESSAGE_ID, 7, domain="b.example")[:64] != PATH[:64]


def test_each_recipient_has_another_path() -> None:
    paths = {make_return_path(KEY, MESSAGE_ID, index, domain="b.example") for index in range(50)}
    assert len(paths) == 50


@pytest.mark.parametrize(
    "message_id", ["", "x", MESSAGE_ID.upper(), MESSAGE_ID + "0", MESSAGE_ID[:-1] + "٣", MESSAGE_ID + "\n"]
)
def test_an_id_of_another_shape_has_no_return_path(message_id: str) -> None:
    with pytest.raises(ReturnPathError):
        make_return_path(KEY, message_id, 0, domain="b.example")


@pytest.mark.parametrize("index", [-1, RECIPIENT_LIMIT])
def test_an_index_out_of_range_has_no_return_path(index: int) -> None:
    with pytest.raises(ReturnPathError):
        make_return_path(KEY, MESSAGE_ID, index, domain="b.example")


@pytest.mark.parametrize("after", [0, 0.001, 30 * DAY_S, -EARLY_S])
def test_a_return_path_says_when_it_was_made(after: float) -> None:
    want = ReturnPath(MESSAGE_ID, 7, MADE_AT)
    assert verify_return_path(KEY, PATH, now=MADE_AT + after, lives_s=30 * DAY_S) == want


@pytest.mark.parametrize("after", [30 * DAY_S + 0.001, 3_650 * DAY_S, -EARLY_S - 0.001])
def test_a_return_path_expires_and_does_not_come_from_the_future(after: float) -> None:
    assert verify_return_path(KEY, PATH, now=MADE_AT + after, lives_s=30 * DAY_S) is None


def test_no_life_can_be_given_to_a_return_path_but_by_the_key() -> None:
    """No token, a foreign one, one of another recipient with this one's MAC, one made younger."""
    local_part = PATH.partition("@")[0]
    other = make_return_path(KEY, MESSAGE_ID, 8, domain="b.example").partition("@")[0]
    younger = make_return_path(b"x" * 32, "0100028" + MESSAGE_ID[7:], 7, domain="b.example").partition("@")[0]
    spliced = [mine[:at] + local_part[at:] for mine in (other, younger) for at in range(1, 64)]
    foreign = [
        make_return_path(b"x" * 32, MESSAGE_ID, 7, domain="b.example").partition("@")[0],
        younger,
        "bob",
        "",
    ]
    for forged in {*spliced, *foreign} - {local_part}:
        assert verify_return_path(KEY, f"{forged}@bounce.example.com", now=MADE_AT, lives_s=DAY_S) is None
