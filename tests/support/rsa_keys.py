"""RSA keys out of a pool: to make one takes as long as a dozen calls, and the tests need thousands.

A worker and all its servers are given each key of the pool once before any comes again: two identities of one test
have two keys. Where no pool is named, as in processes that begin with nothing, keys are made as ever.
"""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sesame.dkim.sign import generate_key
from sesame.identities import dkim_keys
from sesame.notify import certificate

POOL = "TESTS_RSA_KEYS"
"""Where the keys are: a variable of the environment, which servers inherit."""

WORKER = "PYTEST_XDIST_WORKER"
KEYS = 64
"""Of each length: more than any test makes."""


def pooled_key(bits: int = 2048) -> tuple[bytes, str]:
    """As `generate_key`."""
    pool = os.environ.get(POOL)
    if pool is None:
        return generate_key(bits)
    return _kept(Path(pool), f"{bits}.{_turn(Path(pool), bits) % KEYS}", bits)


def pooled_private_key() -> rsa.RSAPrivateKey:
    """The same as a key that can sign."""
    key = serialization.load_der_private_key(pooled_key()[0], None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _turn(pool: Path, bits: int) -> int:
    """How many keys of that length this worker was given before."""
    counter = pool / f"{os.environ.get(WORKER, 'alone')}.{bits}"
    with counter.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(b".")
        file.flush()
        return file.tell() - 1


def _kept(pool: Path, name: str, bits: int) -> tuple[bytes, str]:
    """A key of the pool, made when it is first asked for."""
    path = pool / name
    if not path.exists():
        private, public = generate_key(bits)
        temporary = pool / f".{name}.{os.getpid()}"
        temporary.write_bytes(public.encode() + b"\n" + private)
        temporary.replace(path)
    public_line, _, private = path.read_bytes().partition(b"\n")
    return private, public_line.decode()


def install() -> None:
    """Let identities, and certificates that sign notifications, have keys of the pool."""
    vars(dkim_keys)["generate_key"] = pooled_key
    vars(certificate)["new_key"] = pooled_private_key


def begin() -> Path:
    """Make a pool for this process and those that it starts; its directory."""
    os.environ[POOL] = tempfile.mkdtemp(prefix="sesame-keys-")
    return Path(os.environ[POOL])


def end() -> None:
    """Remove it."""
    shutil.rmtree(os.environ.pop(POOL))
