"""The list of the development inbox: by whose identity each mail was let in, and what a receiver would make of it."""

import re
from typing import Any

import httpx
import pytest

from sesame.app.foundation import Services
from sesame.store import development
from sesame.store.development import keep_mail
from tests.console.test_leave import person_with
from tests.console.test_senders import allow, put
from tests.support.browser import Person, operator, root_of, words
from tests.support.patience import PATIENCE_S
from tests.support.process import Account, SesameProcess
from tests.support.tenant import Tenant


def row_of(person: Person, to: str) -> str:
    """The row of the mail to an address."""
    answer = person.get("/inbox", params={"q": to})
    assert answer.status_code == 200
    rows = re.findall(r"<tr>.*?</tr>", answer.text.partition("<tbody>")[2], re.DOTALL)
    assert len(rows) == 1, words(answer.text)
    return words(rows[0])


def received(sesame: SesameProcess, to: str) -> Any:
    answer = httpx.get(f"{sesame.console}/dev/messages", params={"to": to, "wait": "20"}, timeout=PATIENCE_S)
    (found,) = answer.json()["messages"]
    return found


def send(sesame: SesameProcess, keys: Account, to: str, **more: str) -> None:
    sesame.client("ses", keys).send_email(
        Source="news@example.com",
        Destination={"ToAddresses": [to]},
        Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
        **more,
    )
    received(sesame, to)


@pytest.fixture
def signed(tenant: Tenant) -> Tenant:
    """The tenant, whose domain signs."""
    tenant.ses.verify_domain_dkim(Domain="example.com")
    tenant.ses.set_identity_dkim_enabled(Identity="example.com", DkimEnabled=True)
    return tenant


def test_the_parties_and_the_operator_see_by_whose_identity_a_mail_came(
    sesame: SesameProcess, signed: Tenant
) -> None:
    owner, delegate, stranger = signed.account, sesame.create_account(), sesame.create_account()
    put(signed, "p", allow(signed, {"AWS": delegate.account_id}, "All"))
    lent, own = f"lent-{owner.account_id}@example.net", f"own-{owner.account_id}@example.net"
    send(sesame, delegate, lent, SourceArn=signed.arn)
    send(sesame, owner, own)
    said = f"example.com of {owner.account_id}, lent to {delegate.account_id}"
    for account in (owner, delegate):
        assert said in row_of(root_of(sesame, account.account_id), lent)
    assert said in row_of(operator(sesame), lent)
    assert "lent to" not in row_of(root_of(sesame, owner.account_id), own)
    assert " example.com DKIM" in row_of(root_of(sesame, owner.account_id), own)
    for path in (lent, own):
        seen = row_of(root_of(sesame, stranger.account_id), path)
        assert owner.account_id not in seen.replace(path, "") and " — DKIM" in seen


def test_it_takes_the_permission_for_messages(sesame: SesameProcess, signed: Tenant) -> None:
    to = f"own-{signed.account.account_id}@example.net"
    send(sesame, signed.account, to)
    nobody = person_with(sesame, signed, "ses:ListEmailIdentities")
    assert " — DKIM" in row_of(nobody, to)
    somebody = person_with(sesame, signed, "ses:GetMessageInsights")
    assert " example.com DKIM" in row_of(somebody, to)


def test_dkim_spf_and_dmarc_are_told_of_each(sesame: SesameProcess, signed: Tenant) -> None:
    """Of one that is signed and one that is forged, with a policy that the domain has published."""
    account = signed.account.account_id
    domain = f"d{account}.example"
    forged, altered = f"forged-{account}@example.net", f"altered-{account}@example.net"

    async def publish(services: Services) -> None:
        records = [
            (f"_dmarc.{domain}", "TXT", "v=DMARC1; p=reject"),
            (domain, "TXT", "v=spf1 ip4:192.0.2.1 -all"),
        ]
        await services.store.write(lambda tx: development.publish(tx, records))

    async def put_mail(services: Services, to: str, data: bytes) -> None:
        await services.store.write(
            lambda tx: keep_mail(tx, received_at=1.0, mail_from=f"x@{domain}", rcpt_to=[to], data=data)
        )

    sesame.operate(publish)
    data = f"From: ceo@{domain}\r\nTo: {forged}\r\nSubject: s\r\n\r\nb\r\n".encode()
    sesame.operate(lambda services: put_mail(services, forged, data))
    broken = (
        f"DKIM-Signature: v=1; a=rsa-sha256; d={domain}; s=none; h=from; bh=AAAA; b=AAAA\r\n".encode() + data
    )
    sesame.operate(lambda services: put_mail(services, altered, broken))
    person = root_of(sesame, account)
    assert row_of(person, forged).endswith("DKIM none SPF fail DMARC fail")
    seen = row_of(person, altered)
    assert "DKIM pass" not in seen and "DKIM none" not in seen and seen.endswith("SPF fail DMARC fail")
    to = f"own-{account}@example.net"
    send(sesame, signed.account, to)
    assert "DKIM pass" in row_of(person, to)
    page = person.get(f"/inbox/{received(sesame, to)['id']}", params={"show": "checks"})
    assert "pass" in words(page.text), "the mail's own page says the same"


def test_the_operator_looks_at_mail_of_sesames_own(sesame: SesameProcess, tenant: Tenant) -> None:
    """What asks an address to verify itself was let in by no policy; accounts do not see whose it is."""
    address = f"asked-{tenant.account.account_id}@example.net"
    tenant.ses.verify_email_identity(EmailAddress=address)
    found = received(sesame, address)
    own, person = root_of(sesame, tenant.account.account_id), operator(sesame)
    for tab in ("html", "text", "headers", "parts", "checks", "why", "events", "raw"):
        for who in (own, person):
            assert who.get(f"/inbox/{found['id']}", params={"show": tab}).status_code == 200, tab
    assert "No policy was asked." in words(person.get(f"/inbox/{found['id']}?show=why").text)
    page = person.get(f"/operator/messages/{found['message_id']}")
    assert page.status_code == 200 and "No policy was asked." in words(page.text)
    assert person.get("/operator/find", params={"q": found["message_id"]}).status_code == 200
    assert own.get(f"/us-east-1/messages/{found['message_id']}").status_code == 404
