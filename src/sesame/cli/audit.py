"""`sesame audit`: is the audit log whole, what does it say."""

import argparse
import datetime
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sesame.cli.command import Subparsers, add_verbs, runs_with_services
from sesame.cli.output import print_json, print_list, when

if TYPE_CHECKING:
    from sesame.app.foundation import Services
    from sesame.store.audit import AuditRow

BROKEN = 1


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    verbs = add_verbs(subparsers, "audit", help="verify, read and export the audit log")
    command = verbs.add_parser(
        "verify", help="check the audit log for rows that were altered, removed or reordered"
    )
    command.add_argument("account", nargs="?", help="one account (default: all)")
    command.add_argument(
        "--heads",
        metavar="FILE",
        action="append",
        help=(
            "signed heads stored elsewhere, which reveal rows removed from the end (default: "
            "audit.heads_file)"
        ),
    )
    runs_with_services(command, verify_log)
    command = verbs.add_parser("list", help="list the newest rows of an account")
    command.add_argument("account", help="account id; 000000000000 for rows that belong to no account")
    command.add_argument("--limit", type=int, default=20, help="how many (default: 20)")
    runs_with_services(command, list_rows)
    command = verbs.add_parser("export", help="print rows as JSON lines in CloudTrail format")
    command.add_argument("account", nargs="?", help="one account (default: all)")
    command.add_argument(
        "--since", metavar="DATE", type=_date, default=0.0, help="only rows of this day (UTC) and later"
    )
    runs_with_services(command, export_rows)
    command = verbs.add_parser("key", help="print the public key that verifies signed heads")
    runs_with_services(command, show_key)


async def verify_log(services: "Services", args: argparse.Namespace) -> int:
    """Verify; exit code 1 when anything was found."""
    from sesame.admin.audit import verify
    from sesame.app.audit import read_heads

    configured = services.settings.audit.heads_file
    files = [Path(name) for name in args.heads or ([configured] if configured else [])]
    kept = [mark for path in files if args.heads or path.exists() for mark in read_heads(path)]
    report = await verify(services.store, services.trail.key.public, kept=kept, account_id=args.account)
    if args.json:
        print_json(
            {
                "whole": not report.findings,
                "accounts": report.accounts,
                "rows": report.rows,
                "heads": report.heads,
                "findings": [
                    {"account": one.account_id, "sequence": one.seq, "what": one.what}
                    for one in report.findings
                ],
            }
        )
    else:
        for finding in report.findings:
            print(finding)
        heads = f"{report.heads} heads kept elsewhere" if files else "no heads kept elsewhere"
        state = "broken" if report.findings else "whole"
        print(f"{report.rows} rows of {report.accounts} accounts, {heads}: {state}")
    return BROKEN if report.findings else 0


async def list_rows(services: "Services", args: argparse.Namespace) -> int:
    """Show the newest rows."""
    from sesame.access.audit import outcome
    from sesame.admin.audit import latest

    return print_list(
        args,
        [(row, _event(row)) for row in await latest(services.store, args.account, limit=max(1, args.limit))],
        as_json=lambda one: one[1],
        headings=("ROW", "TIME", "EVENT", "WHO", "ANSWER"),
        row=lambda one: (
            str(one[0].seq),
            when(one[0].at),
            one[1]["eventName"],
            _who(one[1]),
            outcome(one[1]),
        ),
    )


async def export_rows(services: "Services", args: argparse.Namespace) -> int:
    """Write rows, oldest first."""
    from sesame.admin.audit import export
    from sesame.model import SYSTEM_ACCOUNT
    from sesame.store import audit

    count = 0
    async for row in export(services.store, account_id=args.account, since=args.since):
        print(json.dumps(_event(row), separators=(",", ":")))
        count += 1
    done = audit.Exported(account_id=args.account or "", at=services.clock.now(), exported=count)
    await services.acts.apply(
        "ExportAuditLog",
        SYSTEM_ACCOUNT,
        lambda tx: audit.note_export(tx, done),
        parameters={"accountId": args.account, "rows": count},
    )
    return 0


async def show_key(services: "Services", args: argparse.Namespace) -> int:
    """Show the public key."""
    public = services.trail.key.public.hex()
    if args.json:
        print_json({"algorithm": "Ed25519", "public_key": public})
    else:
        print(public)
    return 0


def _event(row: "AuditRow") -> dict[str, Any]:
    """The record with its place in the chain."""
    event: dict[str, Any] = json.loads(row.body)
    return {**event, "sesameAudit": {"sequence": row.seq, "at": row.at, "digest": row.digest.hex()}}


def _who(event: dict[str, Any]) -> str:
    from sesame.access.audit import by_whom

    identity = event["userIdentity"]
    return f"{identity['type']} {identity['arn']}" if "arn" in identity else by_whom(event)


def _date(text: str) -> float:
    try:
        return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC).timestamp()
    except ValueError:
        raise argparse.ArgumentTypeError(f"`{text}` is not a day; write it as 2026-03-01") from None
