"""Verification of identities: start it, redeem a mailed link, take the operator's word.

A domain is verified by the TXT record `_amazonses.<domain>` or by its DKIM records, an address by a
mailed link; `dns_checks` looks for the records. Source: SES developer guide, "Creating identities".
"""

from collections.abc import Callable
from dataclasses import dataclass

from sesame.access.changes import READER, Acts, Change
from sesame.db import Store, Transaction
from sesame.errors import InvalidParameterValue, ServiceUnavailable
from sesame.identities.dkim_keys import DkimKeys, KeyPair
from sesame.identities.dns_checks import ADDRESS_WAIT_S, DnsChecks
from sesame.model import AccountId, DkimOrigin, Identity, IdentityKind, VerificationStatus
from sesame.observe import Clock
from sesame.sending.system_mail import SystemMail
from sesame.store import custom_verification, dkim_keys, identities

DKIM_BITS = 2048

Status = VerificationStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What following a mailed link came to.

    `address` is the address it verified, None when the link is not or no longer good; `redirect` is where
    the sender of a custom mail wants its reader next.
    """

    address: str | None
    redirect: str | None = None


class Verification:
    """Starts verifications and redeems links. `public_url` is where the links lead, `acts` are the operator's.

    What starts one is in three parts: what takes long and changes nothing, the part of a transaction (`…_in`), and
    what follows it (`follow_up`); whoever changes more in the same transaction puts them together.
    """

    def __init__(
        self,
        store: Store,
        keys: DkimKeys,
        checks: DnsChecks,
        mail: SystemMail,
        *,
        acts: Acts,
        public_url: str,
        clock: Clock,
        new_token: Callable[[], str],
        accepted: Callable[[], None],
    ) -> None:
        self._store = store
        self._keys = keys
        self._checks = checks
        self._mail = mail
        self._operator = acts
        self._reader = acts.by(READER)
        self._public_url = public_url
        self._clock = clock
        self._new_token = new_token
        self._accepted = accepted

    async def start_domain(self, change: Change, account_id: str, region: str, domain: str) -> Identity:
        """Find or add a domain identity; a failed one waits anew."""
        return await self.follow_up(
            await change.apply(lambda tx: self.domain_in(tx, account_id, region, domain))
        )

    async def domain_in(self, tx: Transaction, account_id: str, region: str, domain: str) -> Identity:
        """Find or add a domain identity."""
        now = self._clock.now()
        found = await identities.get(tx, account_id, region, domain)
        if found is None:
            found = self._new_identity(account_id, region, domain, IdentityKind.DOMAIN, now)
            await identities.create(tx, found)
        elif found.verification in (Status.FAILED, Status.NOT_STARTED):
            found = await identities.set_verification(tx, found, Status.PENDING, restarted_at=now)
        return found

    async def start_dkim(self, change: Change, account_id: str, region: str, domain: str) -> Identity:
        """Find or add a domain identity and its Easy DKIM key; tokens stay what they are.

        Raises InvalidParameterValue for a domain whose owner brought a key: its mail would go unsigned until the
        tokens are published.
        """
        pair = await self.key_if_needed(account_id, region, domain)
        return await self.follow_up(
            await change.apply(lambda tx: self.dkim_in(tx, account_id, region, domain, pair=pair))
        )

    async def key_if_needed(
        self, account_id: str, region: str, domain: str, *, bits: int = DKIM_BITS
    ) -> KeyPair | None:
        """A key for a domain that has none."""

        async def has_key(tx: Transaction) -> bool:
            return await dkim_keys.get(tx, account_id, region, domain) is not None

        return None if await self._store.read(has_key) else await self._keys.make(bits)

    async def dkim_in(
        self, tx: Transaction, account_id: str, region: str, domain: str, *, pair: KeyPair | None
    ) -> Identity:
        """Find or add a domain identity, and give it the key `pair` if it has none."""
        now = self._clock.now()
        found = await identities.get(tx, account_id, region, domain)
        if found is not None and found.dkim_origin is DkimOrigin.EXTERNAL:
            raise InvalidParameterValue(f"Domain {domain} is set up with a DKIM key of its owner's.")
        if found is None:
            found = self._new_identity(account_id, region, domain, IdentityKind.DOMAIN, now)
            await identities.create(tx, found)
        if await dkim_keys.get(tx, account_id, region, domain) is None:
            if pair is None:
                raise ServiceUnavailable("The identity is being deleted. Try again.")
            return await self._keys.put_easy(tx, found, pair)
        if found.dkim_status in (Status.FAILED, Status.NOT_STARTED):
            found = await identities.set_dkim(tx, found, Status.PENDING, started_at=now)
        return found

    async def start_address(self, change: Change, account_id: str, region: str, address: str) -> Identity:
        """Find or add an address identity and mail it a fresh link; a verified one stays verified."""
        token = self._new_token()
        return await self.follow_up(
            await change.apply(lambda tx: self.address_in(tx, account_id, region, address, token=token))
        )

    async def address_in(
        self, tx: Transaction, account_id: str, region: str, address: str, *, token: str
    ) -> Identity:
        """Find or add an address identity and mail it the link with `token`."""
        now = self._clock.now()
        found = await self.await_click(tx, account_id, region, address, token=token, at=now)
        await self._mail.put(
            tx,
            to=address,
            subject=f"Email Address Verification Request in region {region}",
            text=_VERIFICATION_TEXT.format(
                address=address, account_id=account_id, region=region, link=self.link(token)
            ),
            region=region,
            at=now,
        )
        return found

    async def follow_up(self, identity: Identity) -> Identity:
        """Once it is durable: let delivery know of the mail; in development, publish the records and look at once."""
        if identity.kind is IdentityKind.ADDRESS:
            self._accepted()
            return identity
        return await self._checks.publish_and_check(identity)

    def new_token(self) -> str:
        """A token for a link."""
        return self._new_token()

    def link(self, token: str) -> str:
        """Where who follows the link with `token` gets to."""
        return f"{self._public_url}/verify?token={token}"

    async def await_click(
        self, tx: Transaction, account_id: str, region: str, address: str, *, token: str, at: float
    ) -> Identity:
        """Find or add an address identity that the link with `token` verifies, and no other any more.

        A verified one stays verified. Part of the transaction that accepts the mail with the link.
        """
        found = await identities.get(tx, account_id, region, address)
        if found is None:
            found = self._new_identity(account_id, region, address, IdentityKind.ADDRESS, at)
            await identities.create(tx, found)
        status = Status.SUCCESS if found.verification is Status.SUCCESS else Status.PENDING
        return await identities.set_verification(tx, found, status, token=token, restarted_at=at)

    async def vouch(self, account_id: str, region: str, name: str, kind: IdentityKind) -> Identity:
        """The operator's word in place of DNS or a click: add the identity if need be, verified.

        In development a domain gets its key with it.
        """
        now = self._clock.now()
        with_key = self._checks.auto_publish and kind is IdentityKind.DOMAIN
        pair = await self.key_if_needed(account_id, region, name) if with_key else None

        async def run(tx: Transaction) -> Identity:
            found = await identities.get(tx, account_id, region, name)
            if found is None:
                found = self._new_identity(account_id, region, name, kind, now)
                await identities.create(tx, found)
            found = await identities.set_verification(tx, found, Status.SUCCESS, vouched=True)
            if with_key:
                found = await self.dkim_in(tx, account_id, region, name, pair=pair)
            return found

        identity = await self._operator.apply(
            "VouchForIdentity", account_id, run, region=region, parameters={"identity": name}
        )
        return await self._checks.publish_and_check(identity) if with_key else identity

    async def confirm(self, token: str) -> Confirmation:
        """Redeem a mailed link."""
        now = self._clock.now()

        async def run(tx: Transaction) -> tuple[Confirmation, Identity | None]:
            redirect = await custom_verification.get_redirect(tx, token)
            identity, is_news = await self._redeem(tx, token, now)
            address = None if identity is None else identity.name
            url = None
            if redirect is not None:
                url = redirect.failure_url if address is None else redirect.success_url
            return Confirmation(address=address, redirect=url), identity if is_news else None

        if not token:
            return Confirmation(address=None)
        found, _ = await self._reader.apply(
            "ConfirmEmailAddress",
            lambda done: done[1].account_id if done[1] is not None else "",
            run,
            response=lambda done: {} if done[1] is None else _audit_response(done[1]),
            when=lambda done: done[1] is not None,
        )
        return found

    @staticmethod
    async def _redeem(tx: Transaction, token: str, now: float) -> tuple[Identity | None, bool]:
        """The identity that the link verifies, or None when it is not or no longer good; and whether that is news."""
        found = await identities.get_by_token(tx, token)
        if found is None:
            return None, False
        identity, started_at = found
        if identity.verification is Status.SUCCESS:
            return identity, False
        if identity.verification is not Status.PENDING or now - started_at > ADDRESS_WAIT_S:
            return None, False
        return await identities.set_verification(tx, identity, Status.SUCCESS), True

    def _new_identity(
        self, account_id: str, region: str, name: str, kind: IdentityKind, now: float
    ) -> Identity:
        return Identity(
            account_id=AccountId(account_id),
            region=region,
            name=name,
            kind=kind,
            verification=Status.PENDING,
            verification_token=self._new_token(),
            created_at=now,
            dkim_enabled=True,
            dkim_status=Status.NOT_STARTED,
            dkim_tokens=(),
        )


def _audit_response(identity: Identity) -> dict[str, str]:
    """What the audit log says of a verified address."""
    return {"identity": identity.name, "region": identity.region}


_VERIFICATION_TEXT = """\
Dear Sesame customer,

We have received a request to authorize this email address for use with Sesame in region {region}, by
the account {account_id}. If you requested this verification, please go to the following URL to confirm
that you are authorized to use this email address:

{link}

The link is good for 24 hours. If you did NOT request to verify {address}, do not follow it; nothing
will be sent in your name.
"""
