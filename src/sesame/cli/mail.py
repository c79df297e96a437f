"""`sesame mail`: read the development profile's mailbox."""

import argparse
import sys
from typing import TYPE_CHECKING

from sesame.cli.common import Subparsers, add_store_options, print_json, print_table, when, with_services

if TYPE_CHECKING:
    from sesame.app.foundation import Services
    from sesame.store.development import Mail


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    mail = subparsers.add_parser("mail", help="mail in the built-in mailbox").add_subparsers(
        required=True, metavar="VERB"
    )
    show_list = mail.add_parser("list", help="the newest messages, newest first")
    show_list.add_argument("--limit", type=int, default=50, metavar="N")
    add_store_options(show_list)
    show_list.set_defaults(func=list_mail)
    show = mail.add_parser("show", help="one message, with its DKIM signatures checked")
    show.add_argument("id", help="number from `sesame mail list`, or `latest`")
    add_store_options(show)
    show.set_defaults(func=show_mail)


def list_mail(args: argparse.Namespace) -> int:
    """Show the newest messages."""
    from sesame.store import development

    async def run(services: "Services") -> int:
        found = await services.store.read(lambda tx: development.list_mail(tx, limit=max(1, args.limit)))
        if args.json:
            print_json([_summary(mail) for mail in found])
        else:
            print_table(
                ("ID", "RECEIVED", "TO", "FROM", "SUBJECT"),
                [
                    (
                        str(mail.seq),
                        when(mail.received_at),
                        ", ".join(mail.rcpt_to),
                        *_from_and_subject(mail.data),
                    )
                    for mail in found
                ],
            )
        return 0

    return with_services(args, run)


def show_mail(args: argparse.Namespace) -> int:
    """Show one message."""
    from sesame.store import development

    async def run(services: "Services") -> int:
        if args.id == "latest":
            newest = await services.store.read(lambda tx: development.list_mail(tx, limit=1))
            mail = newest[0] if newest else None
        else:
            seq = int(args.id) if args.id.isdigit() else 0
            mail = await services.store.read(lambda tx: development.get_mail(tx, seq))
        if mail is None:
            print(f"sesame: there is no message `{args.id}`; `sesame mail list` shows them", file=sys.stderr)
            return 1
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
                    "data": mail.data.decode("utf-8", "replace"),
                }
            )
            return 0
        print(f"Message {mail.seq}, received {when(mail.received_at)}")
        print(f"MAIL FROM:<{mail.mail_from}>")
        for recipient in mail.rcpt_to:
            print(f"RCPT TO:<{recipient}>")
        for domain, selector, result in verdicts:
            print(f"DKIM: {result} (d={domain}, s={selector})")
        if not verdicts:
            print("DKIM: none")
        print()
        sys.stdout.write(mail.data.decode("utf-8", "replace").replace("\r\n", "\n"))
        return 0

    return with_services(args, run)


async def _dkim(services: "Services", mail: "Mail") -> list[tuple[str, str, str]]:
    """Domain, selector and result of each DKIM signature, keys taken from the configured DNS."""
    from sesame.dkim.verify import verify
    from sesame.errors import Unavailable

    names: list[str] = []
    keys: dict[str, str | None] = {}

    def lookup(name: str) -> str | None:
        names.append(name)
        return keys.get(name)

    verify(mail.data, lookup, at=mail.received_at)  # once to learn which keys it asks for
    for name in names:
        try:
            keys[name] = next(iter(await services.resolver.txt(name)), None)
        except Unavailable:
            keys[name] = None
    results = verify(mail.data, keys.get, at=mail.received_at)
    return [
        (result.domain, result.selector, result.result + (f": {result.reason}" if result.reason else ""))
        for result in results
    ]


def _summary(mail: "Mail") -> dict[str, object]:
    from_, subject = _from_and_subject(mail.data)
    return {
        "id": mail.seq,
        "received_at": mail.received_at,
        "to": list(mail.rcpt_to),
        "from": from_,
        "subject": subject,
    }


def _from_and_subject(data: bytes) -> tuple[str, str]:
    import email.header
    import email.parser

    message = email.parser.BytesHeaderParser().parsebytes(data)

    def text(name: str) -> str:
        try:
            return str(email.header.make_header(email.header.decode_header(message.get(name, ""))))
        except (UnicodeError, LookupError, ValueError):
            return message.get(name, "")

    return text("From"), text("Subject")
