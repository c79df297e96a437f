"""DKIM switches and keys of identities: what is taken, what is refused, what stays secret."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sesame.aws.arn import identity_arn
from sesame.db import Transaction
from sesame.errors import InvalidParameterValue
from sesame.model import DkimOrigin, Identity, OnMxFailure, VerificationStatus
from sesame.store import dkim_keys, identities, tags
from tests.support.identity_world import ACCOUNT, HOUR, REGION, Fixture, with_verification

SUCCESS, PENDING = VerificationStatus.SUCCESS, VerificationStatus.PENDING
PKCS8, PKCS1 = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL
KEY_1024 = rsa.generate_private_key(public_exponent=65537, key_size=1024)


def text_of(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, form: serialization.PrivateFormat = PKCS8
) -> str:
    der = key.private_bytes(serialization.Encoding.DER, form, serialization.NoEncryption())
    return base64.b64encode(der).decode()


def public_of(key: rsa.RSAPrivateKey) -> str:
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


async def key_of(f: Fixture) -> dkim_keys.DkimKey:
    key = await f.store.read(lambda tx: dkim_keys.get(tx, ACCOUNT, REGION, "example.com"))
    assert key is not None
    return key


async def refused(call: Awaitable[object]) -> str:
    with pytest.raises(InvalidParameterValue) as caught:
        await call
    return caught.value.message


async def easy(f: Fixture) -> Identity:
    """example.com with Easy DKIM in order."""
    await f.publish(await f.verification.start_dkim(f.act, ACCOUNT, REGION, "example.com"))
    await f.checks.check_due()
    return await f.identity()


@pytest.mark.parametrize("form", [PKCS8, PKCS1])
def test_an_owners_key_waits_for_its_record_and_is_sealed(
    tmp_path: Path, form: serialization.PrivateFormat
) -> None:
    async def check(f: Fixture) -> None:
        identity = await f.verification.start_domain(f.act, ACCOUNT, REGION, "example.com")
        text = text_of(KEY_1024, form)
        await f.settings.use_own_key(f.act, identity, selector="Mail-2026", private_key=text)
        found = await f.identity()
        assert (found.dkim_origin, found.dkim_status) == (DkimOrigin.EXTERNAL, PENDING)
        assert found.dkim_tokens == ("mail-2026",)
        key = await key_of(f)
        assert key.key_bits == 1024
        assert base64.b64decode(text) not in key.sealed_private_key
        assert base64.b64decode(text)[-60:] not in key.sealed_private_key
        f.zone.add(("mail-2026._domainkey.example.com", "TXT", "p=another"))
        assert await f.checks.check_due() == 0
        f.zone.add(("mail-2026._domainkey.example.com", "TXT", f"p={public_of(KEY_1024)}"))
        assert await f.checks.check_due() == 1
        found = await f.identity()
        assert (found.dkim_status, found.verification) == (SUCCESS, SUCCESS)

    with_verification(tmp_path, check)


def test_what_is_no_rsa_key_of_the_right_size_is_refused(tmp_path: Path) -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    large = rsa.generate_private_key(public_exponent=65537, key_size=2056)
    curve = ec.generate_private_key(ec.SECP256R1())
    der = base64.b64decode(text_of(small))
    texts = [
        "",
        "aGVsbG8=",
        "not base64!",
        text_of(large),
        text_of(curve),
        base64.b64encode(der[:-1]).decode(),
        base64.b64encode(der + bytes(15_000)).decode(),
        "-----BEGIN PRIVATE KEY-----",
    ]

    async def check(f: Fixture) -> None:
        identity = await f.verification.start_domain(f.act, ACCOUNT, REGION, "example.com")
        for text in texts:
            words = await refused(f.settings.use_own_key(f.act, identity, selector="s", private_key=text))
            assert not text or text[:40] not in words
        assert (await f.identity()).dkim_status is VerificationStatus.NOT_STARTED

    with_verification(tmp_path, check)


def test_the_largest_key_that_is_allowed_is_taken(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        identity = await f.verification.start_domain(f.act, ACCOUNT, REGION, "example.com")
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        await f.settings.use_own_key(f.act, identity, selector="s", private_key=text_of(key))
        assert (await key_of(f)).key_bits == 2048

    with_verification(tmp_path, check)


def test_while_an_owner_changes_keys_the_domain_stays_verified(tmp_path: Path) -> None:
    """Verified by Easy DKIM alone: without its key it has 72 hours to show the new one."""

    async def check(f: Fixture) -> None:
        identity = await easy(f)
        await f.settings.use_own_key(f.act, identity, selector="own", private_key=text_of(KEY_1024))
        f.zone.clear()
        f.clock.advance(72 * HOUR)
        await f.checks.check_due()
        found = await f.identity()
        assert (found.verification, found.dkim_status) == (SUCCESS, PENDING)
        f.clock.advance(1)
        await f.checks.check_due()
        found = await f.identity()
        assert (found.verification, found.dkim_status) == (
            VerificationStatus.TEMPORARY_FAILURE,
            VerificationStatus.FAILED,
        )

    with_verification(tmp_path, check)


def test_the_same_key_again_changes_nothing_and_another_waits_anew(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        identity = await f.verification.start_domain(f.act, ACCOUNT, REGION, "example.com")
        await f.settings.use_own_key(f.act, identity, selector="own", private_key=text_of(KEY_1024))
        await f.publish(await f.identity())
        await f.checks.check_due()
        await f.settings.use_own_key(f.act, identity, selector="own", private_key=text_of(KEY_1024))
        assert (await f.identity()).dkim_status is SUCCESS
        other = rsa.generate_private_key(public_exponent=65537, key_size=1024)
        await f.settings.use_own_key(f.act, identity, selector="own", private_key=text_of(other))
        assert (await f.identity()).dkim_status is PENDING
        await f.checks.check_due()
        assert (await f.identity()).dkim_status is PENDING  # the record of the old key proves nothing

    with_verification(tmp_path, check)


def test_easy_dkim_comes_back_with_the_tokens_it_had(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        identity = await easy(f)
        first = await key_of(f)
        await f.settings.use_own_key(f.act, identity, selector="own", private_key=text_of(KEY_1024))
        assert "owner's" in await refused(f.verification.start_dkim(f.act, ACCOUNT, REGION, "example.com"))
        back = await f.settings.use_easy_dkim(f.act, identity)
        assert (back.dkim_tokens, back.dkim_status) == (identity.dkim_tokens, PENDING)
        assert (await key_of(f)).public_key != first.public_key

    with_verification(tmp_path, check)


def test_another_length_signs_once_it_is_published_under_the_next_token(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        identity = await easy(f)
        first = await key_of(f)
        await f.settings.use_easy_dkim(f.act, identity, bits=1024)
        await f.checks.check_due()
        assert await key_of(f) == replace(first, length_changed=True)
        assert (await f.identity()).dkim_status is SUCCESS
        await f.publish(await f.identity())
        assert await f.checks.check_due() == 1
        second = await key_of(f)
        assert (second.key_bits, second.selector) == (1024, identity.dkim_tokens[1])
        assert (second.previous_selector, second.previous_public_key) == (first.selector, first.public_key)
        opened = f.sealer.open(second.sealed_private_key, row=second.row_name)
        private = serialization.load_der_private_key(opened, password=None)
        assert isinstance(private, rsa.RSAPrivateKey)
        assert public_of(private) == second.public_key
        # what the first key signed still verifies
        records = {record[0]: record[2] for record in await f.records(await f.identity())}
        assert first.public_key in records[f"{first.selector}.dkim.sesame.test"]
        assert second.public_key in records[f"{second.selector}.dkim.sesame.test"]

    with_verification(tmp_path, check)


def test_a_length_changes_once_in_24_hours_but_for_the_first_downgrade(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        async def rotate(bits: int) -> None:
            await f.settings.use_easy_dkim(f.act, await f.identity(), bits=bits)
            await f.publish(await f.identity())
            await f.checks.check_due()
            assert (await key_of(f)).key_bits == bits

        identity = await easy(f)
        assert "already" in await refused(f.settings.use_easy_dkim(f.act, identity, bits=2048))
        await rotate(1024)
        assert "24 hours" in await refused(f.settings.use_easy_dkim(f.act, identity, bits=2048))
        f.clock.advance(24 * HOUR)
        await rotate(2048)
        assert "24 hours" in await refused(f.settings.use_easy_dkim(f.act, identity, bits=1024))
        f.clock.advance(24 * HOUR)
        await rotate(1024)

    with_verification(tmp_path, check)


def test_addresses_have_no_keys_and_follow_their_domain(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.verification.start_address(f.act, ACCOUNT, REGION, "a@example.com")
        address = await f.identity("a@example.com")
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: f.settings.use_easy_dkim(f.act, address),
            lambda: f.settings.use_own_key(f.act, address, selector="s", private_key=text_of(KEY_1024)),
        ]
        for call in calls:
            assert await refused(call()) == "The EmailIdentity value must be a valid domain."
        words = await refused(f.settings.set_dkim_switch(f.act, address, enabled=True))
        assert words == "Domain example.com is not verified for DKIM signing."
        await f.settings.set_dkim_switch(f.act, address, enabled=False)
        assert (await f.identity("a@example.com")).dkim_overrides
        await easy(f)
        await f.settings.set_dkim_switch(f.act, address, enabled=True)

    with_verification(tmp_path, check)


def test_a_mail_from_domain_is_below_the_identitys_domain(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.verification.start_address(f.act, ACCOUNT, REGION, "a@sub.example.com")
        address = await f.identity("a@sub.example.com")
        await f.settings.set_mail_from(
            f.act, address, "b.sub.example.com", on_mx_failure=OnMxFailure.USE_DEFAULT_VALUE
        )
        for domain in ("sub.example.com", "mail.example.com", "xsub.example.com", "..sub.example.com", "a b"):
            await refused(
                f.settings.set_mail_from(f.act, address, domain, on_mx_failure=OnMxFailure.USE_DEFAULT_VALUE)
            )

    with_verification(tmp_path, check)


def test_everything_goes_with_the_identity(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        identity = await easy(f)
        await f.settings.use_easy_dkim(f.act, identity, bits=1024)
        arn = identity_arn(REGION, ACCOUNT, "example.com")

        async def run(tx: Transaction) -> list[object]:
            await tags.put(tx, arn, {"team": "news"})
            await identities.delete(tx, identity)
            return [
                await dkim_keys.get(tx, ACCOUNT, REGION, "example.com"),
                await dkim_keys.get_next(tx, ACCOUNT, REGION, "example.com"),
                await tags.get(tx, arn),
            ]

        assert await f.store.write(run) == [None, None, {}]
        with pytest.raises(InvalidParameterValue, match="does not exist"):
            await f.settings.set_dkim_switch(f.act, identity, enabled=False)

    with_verification(tmp_path, check)
