"""Mail that Sesame sends in its own name, such as the verification of an address.

It goes through the spool like any other; no account is charged and no identity signs.
"""

from collections.abc import Callable

from sesame.db import Transaction
from sesame.mail.address import parse_mailbox
from sesame.mail.build import Text, build_simple
from sesame.mail.tls_report import build_tls_report
from sesame.model import SYSTEM_ACCOUNT, MessageId
from sesame.observe import Clock
from sesame.spool.put import SpooledMessage, put
from sesame.store.decisions import DecisionText

_SYSTEMS_OWN = DecisionText(shared='{"principal":"sesame","checks":[],"context":{}}')


class SystemMail:
    """Writes system messages into a transaction of the caller, so that both happen or neither."""

    def __init__(
        self,
        *,
        from_address: str,
        message_id_domain: str,
        new_id: Callable[[float, str], MessageId],
        random_hex: Callable[[int], str],
        steady: Clock,
    ) -> None:
        """`steady` is delivery's clock, by which mail is due whatever the wall clock has been set to."""
        self._from = parse_mailbox(from_address)
        self._message_id_domain = message_id_domain
        self._new_id = new_id
        self._random_hex = random_hex
        self._steady = steady

    async def put(
        self, tx: Transaction, *, to: str, subject: str, text: str, region: str, at: float
    ) -> MessageId:
        """Spool a plain-text message to one address; raises `AddressError` if it is none."""
        recipient = parse_mailbox(to)
        message_id = self._new_id(at, region)
        data = build_simple(
            from_=self._from,
            to=(recipient,),
            subject=Text(data=subject),
            text=Text(data=text),
            message_id_field=f"<{message_id}@{self._message_id_domain}>",
            at=at,
            new_boundary=lambda: f"----=_Part_{self._random_hex(12)}",
            extra_fields=(("Auto-Submitted", "auto-generated"),),
        )
        await self._spool(tx, message_id, recipient.addr_spec, subject, data, region=region, at=at)
        return message_id

    async def put_tls_report(
        self,
        tx: Transaction,
        *,
        to: str,
        domain: str,
        report_id: str,
        file_name: str,
        report: bytes,
        at: float,
    ) -> MessageId:
        """Spool a TLS report to one address; raises `AddressError` if it is none."""
        recipient = parse_mailbox(to)
        message_id = self._new_id(at, "")
        data = build_tls_report(
            from_=self._from,
            to=recipient,
            domain=domain,
            submitter=self._message_id_domain,
            report_id=report_id,
            file_name=file_name,
            report=report,
            message_id_field=f"<{message_id}@{self._message_id_domain}>",
            at=at,
            boundary=f"----=_Part_{self._random_hex(12)}",
        )
        subject = f"Report Domain: {domain}"
        await self._spool(tx, message_id, recipient.addr_spec, subject, data, region="", at=at)
        return message_id

    async def put_from_nobody(
        self,
        tx: Transaction,
        *,
        to: str,
        subject: str,
        region: str,
        at: float,
        build: Callable[[str, str], bytes],
    ) -> MessageId:
        """Spool a report, with the null reverse-path, so that nothing is ever sent because of it (RFC 5321, 4.5.5).

        `build` makes the message of a Message-ID field and a boundary; raises `AddressError` if `to` is not an address.
        """
        recipient = parse_mailbox(to)
        message_id = self._new_id(at, region)
        data = build(f"<{message_id}@{self._message_id_domain}>", f"----=_Part_{self._random_hex(12)}")
        await self._spool(
            tx, message_id, recipient.addr_spec, subject, data, region=region, at=at, is_from_nobody=True
        )
        return message_id

    async def _spool(
        self,
        tx: Transaction,
        message_id: MessageId,
        recipient: str,
        subject: str,
        data: bytes,
        *,
        region: str,
        at: float,
        is_from_nobody: bool = False,
    ) -> None:
        source = "" if is_from_nobody else self._from.addr_spec
        message = SpooledMessage(
            message_id=message_id,
            account_id=SYSTEM_ACCOUNT,
            owner_account_id=SYSTEM_ACCOUNT,
            region=region,
            identity="",
            source=source,
            return_path=source,
            subject=subject,
            tags={},
            decision=_SYSTEMS_OWN,
            accepted_at=at,
            queued_at=self._steady.now(),
            recipients=(recipient,),
            data=data,
        )
        await put(tx, message)
