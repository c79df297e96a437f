"""AUTH PLAIN and LOGIN, the server's side."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.smtp.sasl import Credentials, Exchange, SaslError, initial_response


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_plain_takes_one_response() -> None:
    exchange = Exchange("PLAIN")
    assert exchange.challenge == ""
    assert exchange.respond(encoded("\0user\0päss")) == Credentials(username="user", password="päss")


def test_login_asks_for_user_and_password_in_the_words_of_ses() -> None:
    exchange = Exchange("LOGIN")
    assert base64.b64decode(exchange.challenge) == b"Username:"
    assert exchange.respond(encoded("user")) is None
    assert base64.b64decode(exchange.challenge) == b"Password:"
    assert exchange.respond(encoded("secret")) == Credentials(username="user", password="secret")


def test_acting_as_oneself_is_no_other_user() -> None:
    assert Exchange("PLAIN").respond(encoded("u\0u\0p")) == Credentials(username="u", password="p")


@pytest.mark.parametrize(
    "line",
    [
        "*",
        "",
        "=",
        "not base64!",
        "AHVzZXIA cGFzcw==",
        "AHVzZXIAcGFzcw",
        "AHVzZXIÀcGFzcw==",
        encoded("user\0pass"),
        encoded("\0user\0pass\0"),
        encoded("other\0user\0pass"),
        encoded("\0\0pass"),
        encoded("\0user\0"),
        encoded("\0" + "u" * 256 + "\0pass"),
        encoded("\0user\0" + "p" * 256),
        base64.b64encode(b"\0\xff\0pass").decode(),
    ],
)
def test_a_malformed_plain_response_is_refused(line: str) -> None:
    with pytest.raises(SaslError):
        Exchange("PLAIN").respond(line)


def test_login_refuses_a_nul() -> None:
    exchange = Exchange("LOGIN")
    exchange.respond(encoded("us\0er"))
    with pytest.raises(SaslError):
        exchange.respond(encoded("pass"))


@given(st.text(), st.sampled_from(["PLAIN", "LOGIN"]))
def test_any_response_is_taken_or_refused(line: str, mechanism: str) -> None:
    exchange = Exchange(mechanism)
    try:
        while exchange.respond(line) is None:
            pass
    except SaslError:
        pass


def test_an_equals_sign_is_an_empty_initial_response() -> None:
    assert initial_response("=") == ""
    assert initial_response("AHU=") == "AHU="


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(Credentials(username="u", password="secret"))
