"""The message that carries a TLS report (RFC 8460 section 5.3)."""

import base64

from sesame.mail import header
from sesame.mail.address import Mailbox
from sesame.mail.message import stamp


def build_tls_report(
    *,
    from_: Mailbox,
    to: Mailbox,
    domain: str,
    submitter: str,
    report_id: str,
    file_name: str,
    report: bytes,
    message_id_field: str,
    at: float,
    boundary: str,
) -> bytes:
    """A multipart/report of a few words and the compressed JSON `report`; `at` is Unix seconds."""
    fields = [
        header.folded("From", from_.words),
        header.folded("To", to.words),
        header.field("Subject", f"Report Domain: {domain} Submitter: {submitter} Report-ID: <{report_id}>"),
        stamp(at=at, message_id_field=message_id_field),
        header.field("TLS-Report-Domain", domain),
        header.field("TLS-Report-Submitter", submitter),
        b"TLS-Required: No\r\n",
        b"Auto-Submitted: auto-generated\r\n",
        b"MIME-Version: 1.0\r\n",
        f'Content-Type: multipart/report; report-type="tlsrpt";\r\n boundary="{boundary}"\r\n'.encode(
            "ascii"
        ),
    ]
    encoded = base64.encodebytes(report).replace(b"\n", b"\r\n")
    text = (
        f"\r\n--{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
        f"This is an aggregate TLS report from {submitter} about {domain}.\r\n"
        f"\r\n--{boundary}\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment;\r\n filename="{file_name}"\r\n\r\n'
    )
    return b"".join((*fields, text.encode("ascii"), encoded, f"\r\n--{boundary}--\r\n".encode("ascii")))
