"""Settings of identities that delivery honours: DKIM switch and keys, MAIL FROM domain.

One implementation for v1 and v2; the faces find the identity, ask IAM and word their answers. Each
change bumps the owner's identities epoch. Sources: SES API references v1 and v2; SES developer
guide, "Authenticating email with DKIM", "Using a custom MAIL FROM domain"; texts observed.
"""

from dataclasses import replace

from sesame.access.changes import Change
from sesame.aws.arn import identity_arn
from sesame.db import Store, Transaction
from sesame.errors import InvalidParameterValue
from sesame.identities.dkim_keys import DEFAULT_BITS, DkimKeys, KeyPair
from sesame.identities.dns_checks import DnsChecks
from sesame.mail.address import identity_candidates
from sesame.mail.domain import DomainError, normal_domain
from sesame.model import DkimOrigin, Identity, IdentityKind, MailFrom, OnMxFailure, VerificationStatus
from sesame.observe import Clock
from sesame.store import dkim_keys, identities, mail_from, notifications


class IdentityGone(InvalidParameterValue):
    """The identity was deleted while it was being changed."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Identity <{name}> does not exist.")


class IdentitySettings:
    """Changes settings, by what lets the change through; an identity is given as the caller found it."""

    def __init__(self, store: Store, keys: DkimKeys, checks: DnsChecks, *, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._checks = checks
        self._clock = clock

    @property
    def dkim_zone(self) -> str:
        """The zone in which the CNAME targets of Easy DKIM's tokens end."""
        return self._checks.names.dkim_zone

    async def get(self, account_id: str, region: str, name: str) -> Identity | None:
        """The identity of that name, or None."""
        return await self._store.read(lambda tx: identities.get(tx, account_id, region, name))

    async def set_dkim_switch(self, change: Change, identity: Identity, *, enabled: bool) -> None:
        """Switch signing on or off; for an address, apart from its domain from now on.

        An address is switched on only when a domain that covers it has DKIM set up (SES API reference).
        """

        async def run(tx: Transaction) -> None:
            found = await self._again(tx, identity)
            if enabled and found.kind is IdentityKind.ADDRESS and not await _domain_has_dkim(tx, found):
                domain = found.name.rpartition("@")[2]
                raise InvalidParameterValue(f"Domain {domain} is not verified for DKIM signing.")
            await identities.set_dkim_switch(tx, found, enabled=enabled)

        await change.apply(run)

    async def read_own_key(self, private_key: str) -> KeyPair:
        """The key that an owner brings. Raises InvalidParameterValue for one that cannot be used."""
        return await self._keys.read(private_key)

    async def own_key_in(
        self, tx: Transaction, identity: Identity, *, selector: str, pair: KeyPair
    ) -> Identity:
        """Give a domain the key of its owner; part of a transaction."""
        return await self._keys.put_own(tx, identity, selector.lower(), pair)

    async def use_own_key(
        self, change: Change, identity: Identity, *, selector: str, private_key: str
    ) -> Identity:
        """BYODKIM: sign with the owner's key once its record is published under `selector`."""
        _check_domain(identity)
        if not selector or not private_key:
            raise InvalidParameterValue(
                "DomainSigningSelector and DomainSigningPrivateKey are required for the origin EXTERNAL."
            )
        pair = await self._keys.read(private_key)

        async def run(tx: Transaction) -> Identity:
            found = await self._again(tx, identity)
            return await self.own_key_in(tx, found, selector=selector, pair=pair)

        return await self._checks.publish_and_check(await change.apply(run))

    async def use_easy_dkim(self, change: Change, identity: Identity, *, bits: int | None = None) -> Identity:
        """Easy DKIM: a key of ours, of `bits` if given.

        For a domain that has Easy DKIM a length asks for another key, which signs once it is
        published; without one nothing changes but that a failed set-up waits anew.
        """
        _check_domain(identity)
        has_easy = await self._store.read(lambda tx: _has_easy_key(tx, identity))
        if has_easy and bits is None:
            return await self._restart(change, identity)
        if has_easy and bits is not None:
            await self._store.read(lambda tx: self._keys.check_length(tx, identity, bits))
        pair = await self._keys.make(bits or DEFAULT_BITS)

        async def run(tx: Transaction) -> Identity:
            found = await self._again(tx, identity)
            if not await _has_easy_key(tx, found):
                return await self._keys.put_easy(tx, found, pair)
            if bits is not None:
                await self._keys.check_length(tx, found, bits)
                await self._keys.put_next(tx, found, pair)
            return found

        return await self._checks.publish_and_check(await change.apply(run))

    async def set_mail_from(
        self, change: Change, identity: Identity, domain: str | None, *, on_mx_failure: OnMxFailure
    ) -> None:
        """Set the MAIL FROM domain, or go back to the default with None or an empty one.

        The same domain again changes only what happens while it is not ready, unless it had failed.
        """
        name = _mail_from_domain(identity, domain) if domain else ""
        now = self._clock.now()

        async def run(tx: Transaction) -> Identity:
            found = await self._again(tx, identity)
            known = await mail_from.get(tx, found.account_id, found.region, found.name)
            if not name:
                await mail_from.remove(tx, found)
            elif known and known.domain == name and known.status is not VerificationStatus.FAILED:
                await mail_from.set_behavior(tx, found, on_mx_failure)
            else:
                fresh = MailFrom(domain=name, on_mx_failure=on_mx_failure, status=VerificationStatus.PENDING)
                await mail_from.put(tx, found, fresh, at=now)
            return found

        await self._checks.publish_and_check(await change.apply(run))

    async def set_forwarding(self, change: Change, identity: Identity, *, enabled: bool) -> None:
        """Whether the owner is notified of bounces and complaints by mail."""
        arn = identity_arn(identity.region, identity.account_id, identity.name)

        async def run(tx: Transaction) -> None:
            await notifications.set_forwarding(tx, identity.account_id, arn, enabled=enabled)

        await change.apply(run)

    async def _restart(self, change: Change, identity: Identity) -> Identity:
        now = self._clock.now()

        async def run(tx: Transaction) -> Identity:
            found = await self._again(tx, identity)
            if found.dkim_status in (VerificationStatus.FAILED, VerificationStatus.NOT_STARTED):
                found = await identities.set_dkim(tx, found, VerificationStatus.PENDING, started_at=now)
            return found

        return await self._checks.publish_and_check(await change.apply(run))

    @staticmethod
    async def _again(tx: Transaction, identity: Identity) -> Identity:
        """The identity as it is under the write lock."""
        found = await identities.get(tx, identity.account_id, identity.region, identity.name)
        if found is None:
            raise IdentityGone(identity.name)
        return found


async def dkim_identity(tx: Transaction, identity: Identity) -> Identity:
    """The identity whose DKIM state an identity shows, with the switch that holds for it.

    An address shows the domain after its `@`, that very one (observed), and its own switch if it has one; alone
    it is not signed (observed: moto#9771).
    """
    if identity.kind is IdentityKind.DOMAIN:
        return identity
    domain = identity.name.rpartition("@")[2]
    found = await identities.get(tx, identity.account_id, identity.region, domain)
    if found is None:
        return replace(identity, dkim_enabled=identity.dkim_enabled and identity.dkim_overrides)
    return replace(found, dkim_enabled=identity.dkim_enabled) if identity.dkim_overrides else found


async def _domain_has_dkim(tx: Transaction, address: Identity) -> bool:
    for name in identity_candidates(address.name)[1:]:
        found = await identities.get(tx, address.account_id, address.region, name)
        if found is not None and found.dkim_status is not VerificationStatus.NOT_STARTED:
            return True
    return False


async def _has_easy_key(tx: Transaction, identity: Identity) -> bool:
    key = await dkim_keys.get(tx, identity.account_id, identity.region, identity.name)
    found = await identities.get(tx, identity.account_id, identity.region, identity.name)
    return key is not None and found is not None and found.dkim_origin is DkimOrigin.AWS_SES


def _check_domain(identity: Identity) -> None:
    if identity.kind is not IdentityKind.DOMAIN:
        raise InvalidParameterValue("The EmailIdentity value must be a valid domain.")


def _mail_from_domain(identity: Identity, text: str) -> str:
    """The MAIL FROM domain as stored: a subdomain of the identity's domain."""
    parent = identity.name.rpartition("@")[2]
    try:
        domain = normal_domain(text)
    except DomainError:
        raise InvalidParameterValue(f"Invalid MAIL FROM domain <{text}>.") from None
    if not domain.endswith(f".{parent}"):
        raise InvalidParameterValue(
            f"Provided MAIL-FROM domain <{text}> is not subdomain of the domain of the identity <{identity.name}>."
        )
    return domain
