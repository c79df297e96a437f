"""Makes and takes the DKIM keys of identities: Easy DKIM's, and those that owners bring (BYODKIM).

A new key signs nothing before its DNS records have been seen; `dns_checks` looks. Source: SES
developer guide, "Easy DKIM", "Bring Your Own DKIM"; botocore's SES v2 model.
"""

import asyncio
import base64
import binascii
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from sesame.db import Transaction
from sesame.dkim.sign import DkimError, generate_ed25519_key, generate_key, import_key
from sesame.errors import InvalidParameterValue
from sesame.model import DkimOrigin, Identity, VerificationStatus
from sesame.observe import Clock
from sesame.store import dkim_keys, identities
from sesame.store.dkim_keys import DkimKey
from sesame.store.sealed import Sealer

T = TypeVar("T")

TOKENS = 3
ED25519_SUFFIX = "-ed25519"
DEFAULT_BITS = 2048
LENGTHS = {"RSA_1024_BIT": 1024, "RSA_2048_BIT": 2048}
LARGEST_OWN_KEY = 2048
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A key pair in clear: PKCS#8 DER, and base64 of the public half."""

    private: bytes = field(repr=False)
    public: str
    bits: int


class DkimKeys:
    """Gives identities their keys. RSA takes a while and runs on the executor."""

    def __init__(
        self,
        sealer: Sealer,
        *,
        clock: Clock,
        executor: Executor,
        new_token: Callable[[], str],
        with_ed25519: bool = False,
    ) -> None:
        self.with_ed25519 = with_ed25519
        self._sealer = sealer
        self._clock = clock
        self._executor = executor
        self._new_token = new_token

    async def make(self, bits: int = DEFAULT_BITS) -> KeyPair:
        """A fresh key pair."""
        private, public = await self._on_executor(partial(generate_key, bits))
        return KeyPair(private=private, public=public, bits=bits)

    async def read(self, text: str) -> KeyPair:
        """A private key that an owner brings: base64 of its DER, on one line without PEM armour.

        Raises InvalidParameterValue if it is not an RSA key of 1024 to 2048 bits.
        """
        try:
            key = base64.b64decode(text, validate=True)
            private, public, bits = await self._on_executor(
                partial(import_key, key, largest_bits=LARGEST_OWN_KEY)
            )
        except (binascii.Error, DkimError) as error:
            raise InvalidParameterValue(
                "The private key is not valid: it must be an RSA key of 1024 to 2048 bits, in base64 without"
                " the first and last line of its PEM file and without line breaks."
            ) from error
        return KeyPair(private=private, public=public, bits=bits)

    async def put_easy(self, tx: Transaction, identity: Identity, pair: KeyPair) -> Identity:
        """Give the domain an Easy DKIM key; its tokens are those it once had, if it ever had some."""
        tokens = await identities.easy_dkim_tokens(tx, identity)
        tokens = tokens or tuple(self._new_token() for _ in range(TOKENS))
        await dkim_keys.put(tx, self.sealed(_owner(identity), tokens[0], pair))
        if self.with_ed25519:
            await dkim_keys.add_ed25519(tx, self.new_ed25519(_owner(identity), tokens[0]))
        return await identities.set_dkim_origin(
            tx, identity, DkimOrigin.AWS_SES, tokens=tokens, at=self._clock.now()
        )

    async def put_own(self, tx: Transaction, identity: Identity, selector: str, pair: KeyPair) -> Identity:
        """Give the domain the key its owner brought, under the owner's selector."""
        key = self.sealed(_owner(identity), selector, pair)
        known = await dkim_keys.get(tx, identity.account_id, identity.region, identity.name)
        is_same = (
            identity.dkim_origin is DkimOrigin.EXTERNAL
            and known is not None
            and (known.selector, known.public_key) == (selector, pair.public)
        )
        if is_same and identity.dkim_status not in (
            VerificationStatus.FAILED,
            VerificationStatus.NOT_STARTED,
        ):
            return identity
        await dkim_keys.put(tx, key)
        return await identities.set_dkim_origin(
            tx, identity, DkimOrigin.EXTERNAL, tokens=(selector,), at=self._clock.now()
        )

    async def put_next(
        self, tx: Transaction, identity: Identity, pair: KeyPair, *, changes_length: bool = True
    ) -> None:
        """Keep an Easy DKIM key that is to follow; it signs once it is seen under the next token."""
        current = await self._current(tx, identity)
        tokens = identity.dkim_tokens
        following = tokens[(tokens.index(current.selector) + 1) % len(tokens)]
        key = self.sealed(_owner(identity), following, pair, is_next=True)
        await dkim_keys.put_next(tx, key)
        if changes_length and not current.length_changed:
            await dkim_keys.mark_length_changed(tx, current)

    async def check_length(self, tx: Transaction, identity: Identity, bits: int) -> None:
        """Raise InvalidParameterValue unless the owner may ask for this length now.

        Not for the length that is or is to be, and once in 24 hours; the first change down to 1024 bits
        does not wait (SES developer guide, "Easy DKIM").
        """
        current = await self._current(tx, identity)
        following = await dkim_keys.get_next(tx, identity.account_id, identity.region, identity.name)
        latest = following or current
        if latest.key_bits == bits:
            raise InvalidParameterValue(
                f"The DKIM signing key of {identity.name} already has {bits} bits, or is being changed to {bits} bits."
            )
        is_first_downgrade = bits == 1024 and not current.length_changed
        if self._clock.now() - latest.created_at < DAY_S and not is_first_downgrade:
            raise InvalidParameterValue("The DKIM signing key length can be changed once in 24 hours.")

    async def _current(self, tx: Transaction, identity: Identity) -> DkimKey:
        key = await dkim_keys.get(tx, identity.account_id, identity.region, identity.name)
        assert key is not None, "asked of a domain with Easy DKIM"
        return key

    def sealed(
        self, owner: tuple[str, str, str], selector: str, pair: KeyPair, *, is_next: bool = False
    ) -> DkimKey:
        """A key pair as it is stored, for account, region and domain."""
        key = DkimKey(
            account_id=owner[0],
            region=owner[1],
            domain=owner[2],
            selector=selector,
            sealed_private_key=b"",
            public_key=pair.public,
            created_at=self._clock.now(),
            key_bits=pair.bits,
        )
        row = key.next_row_name if is_next else key.row_name
        return replace(key, sealed_private_key=self._sealer.seal(pair.private, row=row))

    def new_ed25519(
        self, owner: tuple[str, str, str], beside: str, *, is_seen: bool = False
    ) -> dkim_keys.Ed25519Key:
        """A fresh Ed25519 key for account, region and domain, sealed; its selector is told from that `beside`."""
        private, public = generate_ed25519_key()
        key = dkim_keys.Ed25519Key(
            account_id=owner[0],
            region=owner[1],
            domain=owner[2],
            selector=f"{beside}{ED25519_SUFFIX}",
            sealed_private_key=b"",
            public_key=public,
            created_at=self._clock.now(),
            is_seen=is_seen,
        )
        return replace(key, sealed_private_key=self._sealer.seal(private, row=key.row_name))

    async def _on_executor(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function)


def _owner(identity: Identity) -> tuple[str, str, str]:
    return identity.account_id, identity.region, identity.name


def promoted(sealer: Sealer, current: DkimKey, following: DkimKey) -> DkimKey:
    """The next key as the one that signs, sealed anew, and the current one as the one before."""
    private = sealer.open(following.sealed_private_key, row=following.next_row_name)
    return replace(
        following,
        sealed_private_key=sealer.seal(private, row=following.row_name),
        length_changed=current.length_changed,
        previous_selector=current.selector,
        previous_public_key=current.public_key,
    )
