"""DKIM: what we sign, dkimpy and we verify; what was added or changed, neither does."""

import base64
import re
import time
from collections.abc import Callable
from pathlib import Path

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from sesame.dkim.canonicalize import relaxed_body, relaxed_field, simple_body
from sesame.dkim.sign import DkimError, DkimResult, Signer, dns_record, generate_key, verify
from sesame.mail.header import MessageError, canonical_newlines

SAMPLES = sorted((Path(__file__).resolve().parents[1] / "vectors" / "mail" / "dkim").glob("0*.txt"))
NOW = time.time()  # dkimpy compares x= with the machine's clock
PRIVATE, PUBLIC = generate_key(1024)  # the smallest, to be quick
RECORD = dns_record(PUBLIC)
SIGNER = Signer(PRIVATE, domain="example.com", selector="sel")
MESSAGE = (
    b"Received: from a by b\r\n"
    b"From: Ann <ann@example.com>\r\n"
    b"To: bob@example.org\r\n"
    b"To: carol@example.org\r\n"
    b"Subject:  Hello \t there\r\n folded \r\n"
    b"Date: Fri, 20 Nov 2026 12:13:52 +0000\r\n"
    b"Message-ID: <1@example.com>\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: text/plain\r\n"
    b"List-Unsubscribe: <https://example.com/u>\r\n"
    b"\r\n"
    b"Hello  \r\n\r\n..\r\n\r\n\r\n"
)


def lookup(name: str) -> str | None:
    return RECORD if name == "sel._domainkey.example.com" else None


def ours(message: bytes) -> str:
    return ",".join(result.result for result in verify(message, lookup, at=NOW))


def theirs(message: bytes) -> bool:
    def answer(name: bytes, timeout: int = 5) -> bytes | None:
        record = lookup(name.decode().rstrip("."))
        return record.encode() if record else None

    return bool(dkimpy.verify(message, dnsfunc=answer))


def signed(message: bytes = MESSAGE) -> bytes:
    return SIGNER.sign(message, at=NOW) + message


def test_dkimpy_and_we_verify_what_we_sign() -> None:
    assert verify(signed(), lookup, at=NOW) == (
        DkimResult(domain="example.com", selector="sel", result="pass", reason=""),
    )
    assert theirs(signed())


def test_the_signature_field_is_folded_and_says_what_it_covers() -> None:
    field = SIGNER.sign(MESSAGE, at=1_795_176_832.9)
    assert field.startswith(b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=example.com; s=sel;\r\n")
    assert b"t=1795176832; x=1795781632;" in field
    assert not re.search(rb";[ \r\n]*l=", field)
    assert max(map(len, field.split(b"\r\n"))) <= 78
    assert field.endswith(b"\r\n")
    assert b"x=" not in SIGNER.sign(MESSAGE, at=NOW, lifetime_s=None).partition(b"h=")[0]


@given(st.binary(max_size=300))
def test_any_body_verifies(body: bytes) -> None:
    try:
        message = canonical_newlines(b"From: a@example.com\r\n\r\n" + body)
    except MessageError:
        return
    assert ours(signed(message)) == "pass"
    assert theirs(signed(message))


VALUES = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=60)


@given(st.lists(st.tuples(st.sampled_from(["From", "Subject", "sender", "X-A", "Cc"]), VALUES), max_size=6))
def test_any_header_block_verifies(fields: list[tuple[str, str]]) -> None:
    block = "".join(f"{name}:{value}\r\n" for name, value in fields)
    message = f"{block}From: a@example.com\r\nReferences: <a>\r\n\t<b>\r\n\r\nx\r\n".encode()
    assert ours(signed(message)) == "pass"
    assert theirs(signed(message))


OVERSIGNED = [
    b"From: admin@legitimate.example",
    b"To: v@victim.example",
    b"Cc: v@victim.example",
    b"Subject: Buy",
    b"Date: Sat, 21 Nov 2026 00:00:00 +0000",
    b"Reply-To: attacker@attack.example",
    b"Message-ID: <2@attack.example>",
    b"MIME-Version: 1.0",
    b"Content-Type: text/html",
    b"List-Unsubscribe: <https://attack.example>",
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click",
]


@pytest.mark.parametrize("field", OVERSIGNED, ids=[field.partition(b":")[0].decode() for field in OVERSIGNED])
def test_a_field_that_is_put_before_or_behind_breaks_the_signature(field: bytes) -> None:
    message = signed()
    head, _, body = message.partition(b"\r\n\r\n")
    for forged in (field + b"\r\n" + message, head + b"\r\n" + field + b"\r\n\r\n" + body):
        assert ours(forged) == "fail"
        assert not theirs(forged)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m + b"more\r\n",
        lambda m: m.replace(b"Hello  \r\n", b"Hello\r\n"),
        lambda m: m.replace(b"ann@", b"eve@"),
        lambda m: m.replace(b"To: bob@example.org\r\n", b""),
        lambda m: m.replace(b"List-Unsubscribe: <https://example.com/u>\r\n", b""),
        lambda m: m.replace(b"d=example.com", b"d=Example.com"),
        lambda m: m.replace(b" x=", b" x=1"),
    ],
)
def test_a_change_breaks_the_signature(change: Callable[[bytes], bytes]) -> None:
    changed = change(signed())
    assert changed != signed()
    assert "pass" not in ours(changed)
    assert not theirs(changed)


def test_what_servers_do_on_the_way_does_not_break_it() -> None:
    """A trace field on top, refolding, letter case of names, blank lines at the end."""
    message = b"Received: from c by d\r\n" + signed()
    message = message.replace(b"Hello \t there\r\n folded", b"Hello\r\n\tthere folded").replace(
        b"To:", b"TO:"
    )
    assert ours(message + b"\r\n\r\n") == "pass"
    assert theirs(message + b"\r\n\r\n")


def test_each_signature_has_its_result() -> None:
    other, _ = generate_key(1024)
    wrong_key = Signer(other, domain="example.com", selector="sel").sign(MESSAGE, at=NOW)
    unknown = Signer(PRIVATE, domain="other.example", selector="sel").sign(MESSAGE, at=NOW)
    found = verify(wrong_key + unknown + signed(), lookup, at=NOW)
    assert [(result.domain, result.result) for result in found] == [
        ("example.com", "fail"),
        ("other.example", "temperror"),
        ("example.com", "pass"),
    ]
    assert verify(MESSAGE, lookup) == ()
    assert verify(b"junk\r\n" + signed(), lookup) == ()


def test_a_signature_expires() -> None:
    assert [result.reason for result in verify(signed(), lookup, at=NOW + 8 * 86_400)] == [
        "signature expired"
    ]
    assert verify(signed(), lookup)[0].result == "pass"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"v=1;", b"v=2;", "unknown version"),
        (b"a=rsa-sha256", b"a=rsa-sha1", "unsupported algorithm"),
        (b"c=relaxed/simple", b"c=loose/simple", "unknown canonicalization"),
        (b"c=relaxed/simple", b"c=relaxed/loose", "unknown canonicalization"),
        (b"h=from:from", b"h=xfrom:xfrom", "From is not signed"),
        (b"d=example.com;", b"d=example.com; i=a@attack.example;", "i= is not in d="),
        (b"d=example.com;", b"d=exa mple.com/;", "illegal domain or selector"),
        (b" s=sel;", b"", "missing tag s"),
        (b" s=sel;", b" s=sel; s=sel;", "malformed tag list"),
        (b" s=sel;", b" s=sel; junk;", "malformed tag list"),
        (b" x=", b" x=-", "illegal number"),
        (b" b=", b" b=!", "malformed base64"),
        (b" bh=", b" bh=!", "malformed base64"),
        (b" bh=", b" l=99999; bh=", "l= is longer than the body"),
        (b" bh=", b" l=x; bh=", "illegal number"),
    ],
)
def test_a_malformed_signature_is_a_permanent_error(old: bytes, new: bytes, reason: str) -> None:
    changed = SIGNER.sign(MESSAGE, at=NOW).replace(old, new, 1) + MESSAGE
    (result,) = verify(changed, lookup, at=NOW)
    assert (result.result, result.reason) == ("permerror", reason)


def ec_key() -> str:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(public.public_bytes(serialization.Encoding.DER, spki)).decode()


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (f"v=DKIM2; p={PUBLIC}", "key record is of another kind"),
        (f"k=ed25519; p={PUBLIC}", "key record is of another kind"),
        (f"h=sha1; p={PUBLIC}", "key does not allow sha256"),
        (f"s=other; p={PUBLIC}", "key is not for mail"),
        ("v=DKIM1; p=", "key revoked"),
        ("v=DKIM1", "key revoked"),
        ("p=AAAA", "malformed key"),
        ("p=!", "malformed base64"),
        ("no tags", "malformed tag list"),
        (f"p={ec_key()}", "unsuitable key"),
    ],
)
def test_an_unusable_key_record_is_a_permanent_error(record: str, reason: str) -> None:
    (result,) = verify(signed(), lambda name: record, at=NOW)
    assert (result.result, result.reason) == ("permerror", reason)


def test_a_key_may_forbid_subdomains() -> None:
    (result,) = verify(signed().replace(b"d=example.com;", b"d=example.com; i=@sub.example.com;", 1), lookup)
    assert result.reason == "signature did not verify"
    strict = f"t=y:s; p={PUBLIC}"
    forged = signed().replace(b"d=example.com;", b"d=example.com; i=@sub.example.com;", 1)
    (result,) = verify(forged, lambda name: strict)
    assert result.reason == "key does not allow subdomains"


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.stem for sample in SAMPLES])
def test_signatures_of_other_signers_verify(sample: Path) -> None:
    """RFC 8463's Ed25519 example, and every canonicalization, as other software made them."""
    head, _, message = sample.read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")
    records = dict(line.split(" ", 1) for line in head.decode().splitlines())
    results = verify(message.replace(b"\n", b"\r\n"), records.get)
    assert results
    assert {result.result for result in results} == {"pass"}


@pytest.mark.parametrize(
    "canonicalization", [(a, b) for a in (b"simple", b"relaxed") for b in (b"simple", b"relaxed")]
)
def test_we_verify_what_dkimpy_signs(canonicalization: tuple[bytes, bytes]) -> None:
    pem = serialization.load_der_private_key(PRIVATE, None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    field = dkimpy.sign(MESSAGE, b"sel", b"example.com", pem, canonicalize=canonicalization)
    assert ours(field + MESSAGE) == "pass"
    assert "pass" not in ours(field + MESSAGE.replace(b"Ann", b"Eve"))
    limited = dkimpy.sign(MESSAGE, b"sel", b"example.com", pem, canonicalize=canonicalization, length=True)
    assert ours(limited + MESSAGE + b"footer\r\n") == "pass"


def test_the_canonical_forms_of_the_rfc() -> None:
    """RFC 6376 section 3.4.5."""
    body = b" C \r\nD \t E\r\n\r\n\r\n"
    assert relaxed_field(b"a", b" X\r\n") + relaxed_field(b"b", b" Y\t\r\n\tZ  \r\n") == b"a:X\r\nb:Y Z\r\n"
    assert relaxed_body(body) == b" C\r\nD E\r\n"
    assert simple_body(body) == b" C \r\nD \t E\r\n"
    assert (simple_body(b""), relaxed_body(b""), relaxed_body(b" \r\n\r\n")) == (b"\r\n", b"", b"")
    assert simple_body(b"x") == relaxed_body(b"x") == b"x\r\n"


@given(st.lists(st.sampled_from([b"\r\n", b" ", b"\t", b"a", b"\r", b"\n"]), max_size=14).map(b"".join))
def test_the_canonical_forms_are_idempotent(body: bytes) -> None:
    for canonical in (simple_body, relaxed_body):
        assert canonical(canonical(body)) == canonical(body)
    field = relaxed_field(b"a", b" ".join(body.split(b"\n")))
    assert relaxed_field(b"a", field[2:]) == field


def test_keys_come_as_pem_or_der_of_either_form() -> None:
    key = serialization.load_der_private_key(PRIVATE, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER):
        for form in (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL):
            data = key.private_bytes(encoding, form, serialization.NoEncryption())
            field = Signer(data, domain="example.com", selector="sel").sign(MESSAGE, at=NOW)
            assert ours(field + MESSAGE) == "pass"


def test_what_is_no_signing_key_is_refused() -> None:
    elliptic = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for data in (b"", b"junk", b"-----BEGIN PRIVATE KEY-----\njunk", PRIVATE[:-1], elliptic):
        with pytest.raises(DkimError):
            Signer(data, domain="example.com", selector="sel")


@pytest.mark.parametrize("name", ["", "exämple.com", "a b", "example.com; l=0", "a\r\nb", "-a", "a."])
def test_a_signer_takes_only_names_that_fit_into_tags(name: str) -> None:
    for domain, selector in ((name, "sel"), ("example.com", name)):
        with pytest.raises(DkimError):
            Signer(PRIVATE, domain=domain, selector=selector)


def test_a_new_key_has_2048_bits() -> None:
    private, public = generate_key()
    key = serialization.load_der_private_key(private, None)
    assert isinstance(key, rsa.RSAPrivateKey) and key.key_size == 2048
    assert dns_record(public) == f"v=DKIM1; k=rsa; p={public}"
    assert len(public) == 392


@given(st.binary(max_size=120))
def test_a_hostile_signature_field_is_judged_without_an_exception(value: bytes) -> None:
    line = value.translate(None, b"\r\n\0")
    for result in verify(b"DKIM-Signature: " + line + b"\r\n" + MESSAGE, lookup, at=NOW):
        assert result.result in ("permerror", "temperror", "fail")


@given(st.text(max_size=60))
def test_a_hostile_key_record_is_judged_without_an_exception(record: str) -> None:
    assert verify(signed(), lambda name: record, at=NOW)[0].result == "permerror"
