"""Large messages through every door: whole, signed, and nothing of them stays behind."""

import base64
import random
from collections.abc import Callable
from typing import Any

import dkim
import pytest

from sesame.app.foundation import Services
from sesame.db import Transaction
from sesame.store.development import Mail
from tests.support.process import SesameProcess, wait_until
from tests.support.submission import logged_in
from tests.support.tenant import Tenant

SIZE = 3_000_000


def text(name: str) -> bytes:
    """A message with lines that begin with dots, of more than three MB."""
    draw = random.Random(name)
    lines = base64.encodebytes(draw.randbytes(SIZE)).replace(b"\n", b"\r\n.")
    return (
        f"From: news@example.com\r\nTo: {name}@elsewhere.test\r\nSubject: {name}\r\n\r\n".encode()
        + lines
        + b"\r\n"
    )


def by_v1(tenant: Tenant, name: str) -> None:
    tenant.ses.send_raw_email(RawMessage={"Data": text(name)})


def by_v2(tenant: Tenant, name: str) -> None:
    client = tenant.sesame.client("sesv2", tenant.account)
    client.send_email(Content={"Raw": {"Data": text(name)}})


def by_smtp(tenant: Tenant, name: str) -> None:
    with logged_in(tenant.sesame, tenant.account) as client:
        client.sendmail("news@example.com", [f"{name}@elsewhere.test"], text(name))


def arrived(sesame: SesameProcess, name: str) -> Mail | None:
    return next((mail for mail in sesame.mail() if f"{name}@elsewhere.test" in mail.rcpt_to), None)


@pytest.mark.parametrize("door", [by_v1, by_v2, by_smtp])
def test_a_large_message_arrives_as_it_was_sent_and_signed(
    door: Callable[[Tenant, str], None], tenant: Tenant
) -> None:
    name = f"large-{tenant.account.account_id}"
    tenant.ses.verify_domain_dkim(Domain="example.com")
    door(tenant, name)
    mail: Any = wait_until(lambda: arrived(tenant.sesame, name))
    assert mail.data.partition(b"\r\n\r\n")[2] == text(name).partition(b"\r\n\r\n")[2]
    assert dkim.verify(mail.data, dnsfunc=tenant.sesame.txt)
    assert wait_until(lambda: not pieces(tenant.sesame))


def test_a_large_message_that_is_refused_leaves_nothing(tenant: Tenant) -> None:
    forged = text("forged").replace(b"news@example.com", b"news@forged.test", 1)
    with pytest.raises(tenant.ses.exceptions.MessageRejected):
        tenant.ses.send_raw_email(RawMessage={"Data": forged})
    tenant.sesame.run(
        "account", "set-quota", tenant.account.account_id, "--region", "us-east-1", "--max-24h", "0"
    )
    with pytest.raises(tenant.ses.exceptions.ClientError, match="quota"):
        by_v1(tenant, "over-quota")
    assert wait_until(lambda: not pieces(tenant.sesame))


def pieces(sesame: SesameProcess) -> int:
    async def count(services: Services) -> int:
        async def run(tx: Transaction) -> int:
            row = await tx.one("SELECT COUNT(*) FROM body_piece")
            assert row is not None
            return int(row[0])

        return await services.store.read(run)

    return sesame.operate(count)
