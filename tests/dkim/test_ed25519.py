"""Two signatures on a message, RSA and Ed25519 (RFC 8463): each verifies by itself, with us, dkimpy and Mail::DKIM."""

import base64
import re
import time

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from sesame.dkim.sign import (
    DkimError,
    Signer,
    dns_record,
    generate_ed25519_key,
    generate_key,
    import_key,
    published_key,
    sign_all,
    verify,
)
from tests.support.mail_dkim import mail_dkim

NOW = time.time()  # dkimpy compares x= with the machine's clock
RSA, RSA_PUBLIC = generate_key(2048)
EDWARDS, EDWARDS_PUBLIC = generate_ed25519_key()
RECORDS = {
    "r._domainkey.example.com": dns_record(RSA_PUBLIC),
    "e._domainkey.example.com": dns_record(EDWARDS_PUBLIC, "ed25519"),
}
SIGNERS = [
    Signer(RSA, domain="example.com", selector="r"),
    Signer(EDWARDS, domain="example.com", selector="e"),
]
MESSAGE = (
    b"From: Ann <ann@example.com>\r\nTo: bob@example.org\r\nSubject: Hello\r\n"
    b"List-Unsubscribe: <https://example.com/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"\r\nHello\r\n\r\n"
)


def signed(message: bytes = MESSAGE) -> bytes:
    return sign_all(SIGNERS, message, at=NOW) + message


def by_dkimpy(message: bytes) -> list[bool]:
    """What dkimpy says of each signature, first field first."""

    def answer(name: bytes, timeout: int = 5) -> bytes | None:
        record = RECORDS.get(name.decode().rstrip("."))
        return record.encode() if record else None

    verifier = dkimpy.DKIM(message)
    return [verifier.verify(idx=index, dnsfunc=answer) for index in range(2)]


def ours(message: bytes) -> dict[str, str]:
    return {one.selector: one.result for one in verify(message, RECORDS.get, at=NOW)}


def test_both_signatures_verify_with_us_and_with_dkimpy() -> None:
    assert ours(signed()) == {"r": "pass", "e": "pass"}
    assert by_dkimpy(signed()) == [True, True]


def test_mail_dkim_verifies_the_signature_it_knows_and_does_not_stumble_over_the_other() -> None:
    found = mail_dkim(signed(), RECORDS)
    assert found["r"] == "pass"
    assert found["e"] in ("pass", "invalid"), "older ones know no Ed25519"


def test_each_is_as_if_it_were_alone() -> None:
    together = sign_all(SIGNERS, MESSAGE, at=NOW)
    assert together == b"".join(signer.sign(MESSAGE, at=NOW) for signer in SIGNERS)
    assert re.findall(rb"a=([a-z0-9-]+);", together) == [b"rsa-sha256", b"ed25519-sha256"]


@pytest.mark.parametrize(
    "forged",
    [
        signed() + b"more\r\n",
        signed().replace(b"ann@", b"eve@"),
        b"From: eve@example.com\r\n" + signed(),
        b"List-Unsubscribe: <https://attack.example>\r\n" + signed(),
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" + signed(),
        signed().replace(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""),
    ],
)
def test_what_was_changed_or_added_neither_verifies(forged: bytes) -> None:
    assert ours(forged) == {"r": "fail", "e": "fail"}


def test_one_key_that_is_gone_leaves_the_other_signature_good() -> None:
    record = dict(RECORDS)
    del record["e._domainkey.example.com"]
    found = {one.selector: one.result for one in verify(signed(), record.get, at=NOW)}
    assert found == {"r": "pass", "e": "temperror"}


def test_the_key_of_rfc_8463_signs_as_its_public_half_says() -> None:
    """Appendix A.2: the secret key, and the record that is published for it."""
    secret = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    private = ed25519.Ed25519PrivateKey.from_private_bytes(secret).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    signer = Signer(private, domain="football.example.com", selector="brisbane")
    record = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    message = signer.sign(MESSAGE, at=NOW) + MESSAGE
    assert [one.result for one in verify(message, lambda name: record, at=NOW)] == ["pass"]


def test_a_record_is_read_as_the_kind_that_it_is() -> None:
    assert published_key(dns_record("KEY", "ed25519"), "ed25519") == "KEY"
    assert published_key(dns_record("KEY", "ed25519")) is None
    assert published_key(dns_record("KEY"), "ed25519") is None


def test_an_owner_still_brings_rsa_keys_alone() -> None:
    with pytest.raises(DkimError):
        import_key(EDWARDS, largest_bits=2048)
