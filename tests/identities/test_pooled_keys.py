"""Keys out of the pool of the tests are keys, and none comes twice before all have come."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sesame.identities import dkim_keys
from tests.support import rsa_keys


def test_all_keys_come_once_before_any_comes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(rsa_keys.POOL, str(tmp_path))
    monkeypatch.setattr(rsa_keys, "KEYS", 4)
    keys = [rsa_keys.pooled_key(1024) for _ in range(8)]
    assert len(set(keys[:4])) == 4 and keys[4:] == keys[:4]
    for private, _ in keys[:4]:
        key = serialization.load_der_private_key(private, None)  # checks its numbers
        assert isinstance(key, rsa.RSAPrivateKey) and key.key_size == 1024


def test_each_length_and_each_worker_counts_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(rsa_keys.POOL, str(tmp_path))
    monkeypatch.setenv(rsa_keys.WORKER, "gw1")
    first = rsa_keys.pooled_key(1024)
    assert rsa_keys.pooled_private_key().key_size == 2048
    monkeypatch.setenv(rsa_keys.WORKER, "gw2")
    assert rsa_keys.pooled_key(1024) == first
    monkeypatch.setenv(rsa_keys.WORKER, "gw1")
    assert rsa_keys.pooled_key(1024) != first


def test_without_a_pool_each_key_is_new_and_identities_ask_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(rsa_keys.POOL)
    assert rsa_keys.pooled_key(1024) != rsa_keys.pooled_key(1024)
    assert vars(dkim_keys)["generate_key"] is rsa_keys.pooled_key
