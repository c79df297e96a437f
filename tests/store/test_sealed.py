"""Secrets at rest."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.store.sealed import SealBroken, Sealer, derive

SEALER = Sealer(b"k" * 32, random_bytes=secrets.token_bytes)


@given(st.binary(max_size=200), st.text(max_size=50))
def test_what_is_sealed_opens_again_and_is_not_in_clear(secret: bytes, row: str) -> None:
    sealed = SEALER.seal(secret, row=row)
    assert SEALER.open(sealed, row=row) == secret
    assert len(secret) < 4 or secret not in sealed


def test_a_sealed_value_opens_for_its_own_row_only() -> None:
    sealed = SEALER.seal(b"secret", row="access_key:A")
    with pytest.raises(SealBroken):
        SEALER.open(sealed, row="access_key:B")


@given(st.integers(0, 34), st.integers(1, 255))
def test_a_changed_byte_is_noticed(index: int, flip: int) -> None:
    sealed = bytearray(SEALER.seal(b"secret", row="r"))
    sealed[index % len(sealed)] ^= flip
    with pytest.raises(SealBroken):
        SEALER.open(bytes(sealed), row="r")


def test_another_master_key_does_not_open() -> None:
    other = Sealer(b"o" * 32, random_bytes=secrets.token_bytes)
    with pytest.raises(SealBroken):
        other.open(SEALER.seal(b"secret", row="r"), row="r")


def test_no_two_purposes_share_a_key() -> None:
    assert derive(b"k" * 32, "seal") != derive(b"k" * 32, "return path")
