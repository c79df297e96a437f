"""Dates, numbers, addresses, booleans, bytes."""

import ipaddress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.policy.language.values import (
    is_sound_date,
    merge_ranges,
    read_address,
    read_bool,
    read_bytes,
    read_date,
    read_number,
    read_range,
    write_address,
)

JUNE = 1780315200_000000  # 2026-06-01T12:00:00Z


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-06-01T12:00:00Z", JUNE),
        ("2026-06-01T12:00Z", JUNE),
        ("2026-06-01T14:00:00+02:00", JUNE),
        ("2026-06-01T14:00:00+0200", JUNE),
        ("2026-06-01T12:00:00.25Z", JUNE + 250000),
        ("2026-06-01T12:00:00", JUNE),
        ("1780315200", JUNE),
        ("1780315200.5", JUNE + 500000),
        ("1780315200000", JUNE * 1000),
        ("0", 0),
        ("1970", 0),
        ("1970-01", 0),
        ("1970-01-01", 0),
        ("2026-06-01", JUNE - 12 * 3600 * 10**6),
        ("0001-01-01T00:00:00+02:00", -62135604000_000000),
    ],
)
def test_dates(text: str, moment: int) -> None:
    assert read_date(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-*",
        "2026-13",
        "2026-02-30",
        "2026-02-30T00:00:00Z",
        "2026-06-01T25:00:00Z",
        "2026-06-01T12:00:60Z",
        "2026-W01-1T12:00:00Z",
        "2026-06-01T120000,0Z",
        "2026-06-01 12:00:00Z",
        "2026-06-01T12Z",
        "2026-06-01t12:00:00z",
        "0000",
        "-1",
        "+1780315200",
        "1780315200.",
        "1" * 19,
        "٢٠٢٦",
        "2015-07-07T14 :00:00.123Z",
    ],
)
def test_what_is_no_date(text: str) -> None:
    assert read_date(text) is None


@given(st.datetimes(datetime(1970, 1, 2), datetime(9998, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_dates_agree_with_the_standard_library(naive: datetime, minutes: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert read_date(moment.isoformat()) == expected


def test_a_sound_date_names_its_zone_and_counts_seconds() -> None:
    assert is_sound_date("2026-06-01T12:00Z")
    assert is_sound_date("2026")
    assert is_sound_date("1780315200")
    assert not is_sound_date("2026-06-01T12:00")
    assert not is_sound_date("1780315200000")
    assert not is_sound_date("2026-13-01T12:00Z")
    assert not is_sound_date("soon")


def test_numbers_compare_as_numbers() -> None:
    assert read_number("10") == read_number("10.0") == read_number("1e1") == read_number("+10.")
    assert read_number(".5") == read_number("0.5")
    first, second = read_number("9007199254740993"), read_number("9007199254740992")
    assert first is not None
    assert second is not None
    assert first > second
    for text in ("", "ten", "1e1000", "NaN", "Infinity", "0x10", "1_000", " 1", "٣", "1" * 41):
        assert read_number(text) is None


def test_booleans_and_bytes() -> None:
    assert read_bool("TRUE") is True
    assert read_bool("False") is False
    assert read_bool("1") is None
    assert read_bytes("SGVsbG8=") == b"Hello"
    assert read_bytes("SGVsbG8") is None
    assert read_bytes("é") is None


@given(st.ip_addresses(v=4))
def test_ipv4_addresses_are_their_numbers(address: ipaddress.IPv4Address) -> None:
    assert read_address(str(address)) == int(address)
    assert read_address(f"::ffff:{address}") == int(address)
    assert write_address(int(address)) == str(address)


@given(st.ip_addresses(v=6))
def test_ipv6_addresses_lie_beyond_ipv4(address: ipaddress.IPv6Address) -> None:
    read = read_address(address.exploded)
    assert read is not None
    if address.ipv4_mapped is None:
        assert read >= 1 << 128
        assert write_address(read) == str(address)


@pytest.mark.parametrize(
    "text", ["", "1.2.3", "01.2.3.4", "256.1.1.1", "1.2.3.4.5", "fe80::1%eth0", "x" * 46, "::g"]
)
def test_what_is_no_address(text: str) -> None:
    assert read_address(text) is None
    assert read_range(text) is None


@given(st.integers(0, 2**32 - 1), st.integers(0, 32))
def test_ipv4_ranges_agree_with_the_standard_library(number: int, prefix: int) -> None:
    text = f"{ipaddress.IPv4Address(number)}/{prefix}"
    network = ipaddress.IPv4Network(text, strict=False)
    assert read_range(text) == (int(network[0]), int(network[-1]))


def test_ipv6_and_mapped_ranges() -> None:
    base = 1 << 128
    first = int(ipaddress.IPv6Address("2001:db8::"))
    assert read_range("2001:db8::5/32") == (base + first, base + first + 2**96 - 1)
    assert read_range("::/0") == (base, 2 * base - 1)
    assert read_range("::ffff:203.0.113.9/120") == read_range("203.0.113.0/24")
    assert read_range("::ffff:203.0.113.9/95") is None
    assert read_range("203.0.113.7") == (0xCB007107, 0xCB007107)
    for text in ("1.2.3.4/33", "1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/1111", "1.2.3.4/²", "::/129"):
        assert read_range(text) is None


def test_ranges_merge_when_they_touch() -> None:
    assert merge_ranges([(5, 6), (0, 2), (3, 3), (5, 9), (20, 21)]) == ((0, 3), (5, 9), (20, 21))
