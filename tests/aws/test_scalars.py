"""Scalars: what is written reads back, and only one spelling of anything is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.aws import scalars


@given(st.binary())
def test_bytes_round_trip(value: bytes) -> None:
    assert scalars.read_blob(scalars.write_blob(value)) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_round_trip(value: float) -> None:
    assert scalars.read_number(scalars.write_number(value)) == value


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_round_trip(value: int) -> None:
    assert scalars.read_integer(str(value), bits=64) == value


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_times_round_trip_to_the_millisecond(milliseconds: int) -> None:
    assert scalars.read_timestamp(scalars.write_timestamp(milliseconds / 1000)) == milliseconds / 1000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-11-20T12:00:00Z", 1795176000.0),
        ("2026-11-20T12:00:00.5Z", 1795176000.5),
        ("2026-11-20T13:00:00+01:00", 1795176000.0),
    ],
)
def test_times_are_read_in_any_zone(text: str, value: float) -> None:
    assert scalars.read_timestamp(text) == value


def test_whole_seconds_are_written_without_fraction() -> None:
    assert scalars.write_timestamp(1795176000.0) == "2026-11-20T12:00:00Z"
    assert scalars.write_timestamp(1795176000.25) == "2026-11-20T12:00:00.250Z"


@pytest.mark.parametrize(
    "text",
    ["", "2026-11-20", "2026-11-20T12:00:00", "2026-13-20T12:00:00Z", "20261120T120000Z", "1795176000", "now",
     "2026-11-20 12:00:00Z", "2026-11-20T12:00:00+99:00", "0000-01-01T00:00:00Z"],
)  # fmt: skip
def test_other_spellings_of_a_time_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"timestamp|month|hour|year|offset"):
        scalars.read_timestamp(text)


@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "-Infinity", "1e999", "1_0", " 1", "0x1p3", ".5", "5.", "١"]
)
def test_other_spellings_of_a_number_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        scalars.read_number(text)


@pytest.mark.parametrize(
    ("text", "bits"), [("2147483648", 32), ("-2147483649", 32), ("9223372036854775808", 64)]
)
def test_integers_keep_to_their_width(text: str, bits: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        scalars.read_integer(text, bits=bits)
