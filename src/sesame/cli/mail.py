"""`sesame mail`: read the development profile's mailbox."""

import argparse
import re
import sys
from typing import TYPE_CHECKING

from sesame.cli import reading
from sesame.cli.command import Subparsers, add_verbs, runs_with_services
from sesame.cli.output import print_json, print_list, when
from sesame.cli.terminal import one_line

if TYPE_CHECKING:
    from sesame.app.foundation import Services
    from sesame.store.development import Mail


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    mail = add_verbs(subparsers, "mail", help="messages in the built-in mailbox")
    show_list = mail.add_parser("list", help="list the newest messages, newest first")
    show_list.add_argument("--limit", type=int, default=50, metavar="N")
    runs_with_services(show_list, list_mail)
    show = mail.add_parser("show", help="show one message and verify its DKIM signatures")
    show.add_argument("id", help="number from `sesame mail list`, or `latest`")
    show.add_argument("--raw", action="store_true", help="print only the message's source")
    runs_with_services(show, show_mail)


async def list_mail(services: "Services", args: argparse.Namespace) -> int:
    """Show the newest messages."""
    from sesame.store import development

    return print_list(
        args,
        await services.store.read(lambda tx: development.list_mail(tx, limit=max(1, args.limit))),
        as_json=_summary,
        headings=("ID", "RECEIVED", "TO", "FROM", "SUBJECT"),
        row=lambda mail: (
            str(mail.seq),
            when(mail.received_at),
            ", ".join(mail.rcpt_to),
            *reading.from_and_subject(mail.data),
        ),
    )


async def show_mail(services: "Services", args: argparse.Namespace) -> int:
    """Show one message."""
    from sesame.store import development

    if args.id == "latest":
        newest = await services.store.read(lambda tx: development.list_mail(tx, limit=1))
        mail = newest[0] if newest else None
    else:
        seq = int(args.id) if re.fullmatch("[0-9]{1,15}", args.id) else 0
        mail = await services.store.read(lambda tx: development.get_mail(tx, seq))
    if mail is None:
        print(f"sesame: {_missing(args.id)}", file=sys.stderr)
        return 1
    if args.raw:
        _write_source(mail.data)
        return 0
    verdicts = await _dkim(services, mail)
    if args.json:
        print_json(
            {
                **_summary(mail),
                "mail_from": mail.mail_from,
                "dkim": [
                    {"domain": domain, "selector": selector, "result": result}
                    for domain, selector, result in verdicts
                ],
                "text": reading.read(mail.data).text,
                "data": mail.data.decode("utf-8", "replace"),
            }
        )
        return 0
    _print(mail, verdicts)
    return 0


def _missing(id_: str) -> str:
    if id_ == "latest":
        return "no mail has arrived yet; `sesame trace MESSAGE_ID` says what becomes of a message"
    return f"there is no message `{id_}`; `sesame mail list` shows them"


def _print(mail: "Mail", verdicts: list[tuple[str, str, str]]) -> None:
    print(f"Message {mail.seq}, received {when(mail.received_at)}")
    print(f"MAIL FROM:<{one_line(mail.mail_from)}>")
    for recipient in mail.rcpt_to:
        print(f"RCPT TO:<{one_line(recipient)}>")
    for domain, selector, result in verdicts:
        print(one_line(f"DKIM: {result} (d={domain}, s={selector})"))
    if not verdicts:
        print("DKIM: none")
    found = reading.read(mail.data)
    print()
    for name, value in found.fields:
        print(one_line(f"{name}: {value}"))
    print()
    print(found.text.rstrip("\n"))
    for part in found.other_parts:
        print(one_line(f"[{part}]"))
    if found.other_parts:
        print("(`--raw` prints the source)")


def _write_source(data: bytes) -> None:
    """The source byte for byte into a file or pipe; a terminal gets it as text that cannot command it."""
    if sys.stdout.isatty():
        sys.stdout.write(data.decode("utf-8", "replace").replace("\r\n", "\n"))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)


async def _dkim(services: "Services", mail: "Mail") -> list[tuple[str, str, str]]:
    """Domain, selector and result of each DKIM signature, keys taken from the configured DNS."""
    from sesame.admin.signatures import verified

    results = await verified(mail.data, services.resolver, at=mail.received_at)
    return [
        (result.domain, result.selector, result.result + (f": {result.reason}" if result.reason else ""))
        for result in results
    ]


def _summary(mail: "Mail") -> dict[str, object]:
    from_, subject = reading.from_and_subject(mail.data)
    return {
        "id": mail.seq,
        "received_at": mail.received_at,
        "to": list(mail.rcpt_to),
        "from": from_,
        "subject": subject,
    }
