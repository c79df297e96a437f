"""Session tokens: what was issued comes back, for its own access key only; nothing else opens."""

import base64
import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.access.sessions import Sessions
from sesame.model import Session
from sesame.store.sealed import Sealer

KEY = bytes(range(32))
TEXT = st.text(max_size=40)


def sessions(key: bytes = KEY) -> Sessions:
    count = iter(range(1 << 40))
    return Sessions(Sealer(key, random_bytes=lambda size: next(count).to_bytes(size, "big")))


SESSION = Session(
    access_key_id="ASIAEXAMPLE",
    secret_access_key="secret",
    account_id="111111111111",
    role_id="AROAEXAMPLE",
    name="job",
    issued_at=1.5,
    expires_at=2.0,
)


@given(
    policies=st.lists(TEXT, max_size=3),
    tags=st.lists(st.tuples(TEXT, TEXT), max_size=5),
    source_identity=st.none() | TEXT,
    at_least=st.integers(0, 4096),
)
def test_what_was_issued_comes_back(
    policies: list[str], tags: list[tuple[str, str]], source_identity: str | None, at_least: int
) -> None:
    session = replace(SESSION, policies=tuple(policies), tags=tuple(tags), source_identity=source_identity)
    token = sessions().issue(session, at_least=at_least)
    assert len(token) >= at_least
    assert sessions().open(token, access_key_id=session.access_key_id) == session


@given(st.text() | st.binary().map(lambda data: base64.b64encode(data).decode()))
def test_no_other_text_opens(token: str) -> None:
    assert sessions().open(token, access_key_id="ASIAEXAMPLE") is None


def test_a_token_opens_with_its_key_and_master_key_only_and_whole() -> None:
    token = sessions().issue(SESSION)
    assert sessions().open(token, access_key_id="ASIAEXAMPLF") is None
    assert sessions(bytes(32)).open(token, access_key_id="ASIAEXAMPLE") is None
    sealed = bytearray(base64.b64decode(token))
    for at in range(len(sealed)):
        sealed[at] ^= 1
        assert sessions().open(base64.b64encode(sealed).decode(), access_key_id="ASIAEXAMPLE") is None
        sealed[at] ^= 1
    for cut in range(len(sealed)):
        assert sessions().open(base64.b64encode(sealed[:cut]).decode(), access_key_id="ASIAEXAMPLE") is None


@pytest.mark.parametrize("form", [" {}", "{} ", "{}\n", "{}=", "{}==", "{0}{0}", "{}AAAA"])
@pytest.mark.parametrize("length", [3, 4, 5])
def test_a_token_has_one_spelling(form: str, length: int) -> None:
    """Whatever is left over of its last three octets."""
    token = sessions().issue(replace(SESSION, name="jklmnop"[:length]))
    assert sessions().open(form.format(token), access_key_id="ASIAEXAMPLE") is None


@pytest.mark.parametrize("length", [3, 4, 5])
def test_the_bits_that_a_token_leaves_over_are_not_free(length: int) -> None:
    token = sessions().issue(replace(SESSION, name="jklmnop"[:length]))
    body, padding = token.rstrip("="), token[len(token.rstrip("=")) :]
    others = [f"{body[:-1]}{last}{padding}" for last in string.ascii_letters + string.digits + "+/"]
    opened = [one for one in others if sessions().open(one, access_key_id="ASIAEXAMPLE") is not None]
    assert opened == [token]


def test_a_session_keeps_its_secret_to_itself() -> None:
    """It goes about in callers, which may come to stand in a trace (I9)."""
    assert "secret" not in repr(SESSION).replace("secret_access_key", "")
