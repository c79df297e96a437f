"""What an owner is told of the signing of an identity, in states that take days to come, and with DNS that fails."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from sesame.access.principals import root_principal
from sesame.config import load
from sesame.console.pages.signing import sentence
from sesame.db import Transaction
from sesame.dns import DnsFailure, Resolver
from sesame.identities.record_verdicts import Verdict
from sesame.model import AccountId, Caller, ConsoleLogin, VerificationStatus
from sesame.operations.identity_signing import IdentitySigning, SigningView
from sesame.store import identities, mail_from
from tests.support.console_in_process import OpenConsole, console_over
from tests.support.dns import resolver

REGION = "us-east-1"
NAME = "example.com"
Change = Callable[[Transaction, Any], Awaitable[object]]


def caller_of(opened: OpenConsole, account: str) -> Caller:
    return Caller(
        principal=root_principal(AccountId(account)),
        access_key_id="",
        region=REGION,
        source_ip="127.0.0.1",
        secure_transport=True,
        user_agent=None,
        at=opened.backing.clock.now(),
        request_id="r",
        api_version="2",
        login=ConsoleLogin(mfa=False, made_at=opened.backing.clock.now()),
    )


def seen(
    data: Path,
    *,
    change: Change | None = None,
    dns: Resolver | None = None,
    mail_from_domain: str = "",
    with_ed25519: bool = False,
) -> SigningView:
    """The view of a domain with Easy DKIM, after a change of what is stored, by what DNS shows."""

    async def run() -> SigningView:
        settings = load(
            None, environ={}, flags={"data": str(data / "data"), "dns.dkim_ed25519": with_ed25519}
        )
        async with console_over(settings) as opened:
            account = (await opened.services.operator.create_account("a", production=True)).account_id
            caller = caller_of(opened, account)
            handlers = opened.backing.handlers["sesv2"]
            await handlers["CreateEmailIdentity"](caller, {"EmailIdentity": NAME})
            if mail_from_domain:
                request = {"EmailIdentity": NAME, "MailFromDomain": mail_from_domain}
                await handlers["PutEmailIdentityMailFromAttributes"](caller, request)
            if change is not None:

                async def changed(tx: Transaction) -> None:
                    identity = await identities.get(tx, account, REGION, NAME)
                    await change(tx, identity)

                await opened.store.write(changed)
            signing: IdentitySigning = opened.backing.identities.signing
            if dns is not None:
                signing._resolver = dns
            return await signing.of(caller, NAME)

    return asyncio.run(run())


def test_an_ed25519_key_beside_is_shown_with_its_own_record(tmp_path: Path) -> None:
    view = seen(tmp_path, with_ed25519=True)
    assert [(key.role, key.is_ed25519, key.is_used, key.verdict) for key in view.keys] == [
        ("current", False, True, Verdict.RIGHT),
        ("second", True, True, Verdict.RIGHT),
    ]
    assert view.is_signed and view.signs_itself
    assert (
        sentence(view)
        == "Mail as example.com is signed and would pass DMARC by DKIM alone; no policy is published."
    )


@pytest.mark.parametrize(
    ("status", "is_signed", "said"),
    [
        (VerificationStatus.PENDING, False, "because DNS does not show its key yet"),
        (VerificationStatus.FAILED, False, "because its key was not found in DNS for three days"),
        (VerificationStatus.TEMPORARY_FAILURE, True, "is signed and would pass DMARC by DKIM alone"),
        (VerificationStatus.NOT_STARTED, False, "because DKIM is not set up"),
    ],
)
def test_each_state_of_dkim_has_its_words(
    tmp_path: Path, status: VerificationStatus, is_signed: bool, said: str
) -> None:
    async def change(tx: Transaction, identity: Any) -> None:
        await identities.set_dkim(tx, identity, status)

    view = seen(tmp_path, change=change)
    assert view.is_signed is is_signed
    assert said in sentence(view)
    waits = status in (VerificationStatus.PENDING, VerificationStatus.TEMPORARY_FAILURE)
    assert (view.dkim_ends_at is not None) is waits
    assert all(key.is_used is is_signed for key in view.keys)


def test_dns_that_does_not_answer_is_no_fault_of_the_owners(tmp_path: Path) -> None:
    view = seen(tmp_path, dns=_Silent(), mail_from_domain="bounce.example.com")
    assert [key.verdict for key in view.keys] == [Verdict.UNKNOWN]
    assert [one.verdict for one in view.mail_from_records] == [Verdict.UNKNOWN] * 2
    assert view.dmarc is None
    assert sentence(view).endswith("would pass DMARC by DKIM and SPF."), (
        "what is set up is aligned, whatever is asked for"
    )


def test_another_key_in_dns_is_told_from_none(tmp_path: Path) -> None:
    view = seen(tmp_path, dns=resolver())
    assert [key.verdict for key in view.keys] == [Verdict.MISSING]
    other = tmp_path / "other"
    other.mkdir()
    again = seen(other, dns=_Anything())
    assert [key.verdict for key in again.keys] == [Verdict.OTHER_VALUE]


class _Silent:
    """DNS that never answers."""

    def forget(self, names: Iterable[str]) -> None:
        """Nothing is kept."""

    async def look_up(self, name: str, kind: str) -> Any:
        raise DnsFailure(name)

    async def mx(self, name: str) -> Any:
        raise DnsFailure(name)

    async def addresses(self, name: str) -> Any:
        raise DnsFailure(name)

    async def txt(self, name: str) -> Any:
        raise DnsFailure(name)


class _Anything:
    """DNS in which every name has the same key."""

    def forget(self, names: Iterable[str]) -> None:
        """Nothing is kept."""

    def __init__(self) -> None:
        self._key = "v=DKIM1; k=rsa; p=QUJD"

    async def look_up(self, name: str, kind: str) -> Any:
        return await resolver(f"{name} {kind} {self._key}").look_up(name, kind)

    async def mx(self, name: str) -> Any:
        return []

    async def addresses(self, name: str) -> Any:
        return []

    async def txt(self, name: str) -> Any:
        return [self._key]


def test_a_mail_from_domain_counts_once_it_is_in_force(tmp_path: Path) -> None:
    async def change(tx: Transaction, identity: Any) -> None:
        due = await mail_from.get_due(tx, *identity.key)
        assert due is not None
        await mail_from.set_status(tx, due, VerificationStatus.PENDING, at=1_000.0)

    there = seen(tmp_path, mail_from_domain="bounce.example.com")
    assert (there.spf.name, there.spf.relaxed, there.spf.strict) == ("bounce.example.com", True, False)
    other = tmp_path / "other"
    other.mkdir()
    waits = seen(other, change=change, mail_from_domain="bounce.example.com")
    assert waits.spf.name == waits.return_path_domain != "bounce.example.com"
    assert not waits.spf.relaxed
    assert waits.mail_from_ends_at == 1_000.0 + 72 * 3600
