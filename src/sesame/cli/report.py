"""`sesame report authority`: who can send as the identities of an account, who did, and what nobody used."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sesame.cli.accounts import account_id
from sesame.cli.command import Subparsers, add_verbs, runs_on_store, with_services
from sesame.cli.output import print_json, when
from sesame.cli.policy_files import paint
from sesame.cli.terminal import one_line
from sesame.errors import ConfigError
from sesame.policy.language.values import is_sound_date, read_date

if TYPE_CHECKING:
    from sesame.admin.delegates.authority import Authority, IdentityAuthority
    from sesame.app.foundation import Services

DAY_S = 86_400.0
DAYS = 30


def register(subparsers: Subparsers) -> None:
    """Add the command."""
    verbs = add_verbs(subparsers, "report", help="reports about an account")
    command = verbs.add_parser(
        "authority",
        help=(
            "report who can send as an account's identities, who did, what is unused, and what has changed"
        ),
        description=(
            "For each identity of an account: exactly who can send as it under its policies, and who "
            "did since a date; which statements and addresses nobody used; how its policies have "
            "changed since. As text, JSON, or one self-contained HTML page."
        ),
    )
    command.add_argument("account", type=account_id)
    command.add_argument("--since", metavar="DATE", help=f"as 2027-01-31 (default: {DAYS} days ago)")
    command.add_argument("--html", metavar="FILE", help="write the page to this file instead of printing")
    command.add_argument(
        "--seconds", type=float, default=20.0, help="time limit of the analysis (default: 20)"
    )
    runs_on_store(command, run_authority)


def run_authority(args: argparse.Namespace) -> int:
    """Print or write the report."""
    from sesame.admin.delegates.authority import authority

    since = None if args.since is None else _moment(args.since)
    deadline = time.monotonic() + args.seconds

    async def run(services: "Services") -> int:
        now = services.clock.now()
        found = await authority(
            services.store,
            args.account,
            since=now - DAYS * DAY_S if since is None else since,
            now=now,
            is_late=lambda: time.monotonic() > deadline,
        )
        if args.html is not None:
            _write_page(args.html, found)
        elif args.json:
            print_json(as_json(found))
        else:
            _print(found)
        return 0

    return with_services(args, run)


def _moment(text: str) -> float:
    moment = read_date(text) if is_sound_date(text) else None
    if moment is None:
        raise ConfigError(f"--since: `{text}` is not a date; write it as 2027-01-31")
    return moment / 1_000_000


def _write_page(name: str, found: "Authority") -> None:
    from sesame.cli.report_page import page

    try:
        Path(name).write_text(page(found), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"`{name}` cannot be written: {error.strerror}") from error


def as_json(found: "Authority") -> dict[str, Any]:
    """The report as data; times are Unix seconds."""
    return {
        "account": found.account_id,
        "since": found.since,
        "madeAt": found.made_at,
        "identities": [_identity_json(one) for one in found.identities],
    }


def _identity_json(one: "IdentityAuthority") -> dict[str, Any]:
    changed = one.changed
    return {
        "arn": one.arn,
        "verification": one.verification,
        "can": [
            {
                "who": can.who,
                "verdict": "yes" if can.is_certain else "unknown",
                "when": list(can.when),
                "example": can.example or None,
                "reason": can.reason or None,
            }
            for can in one.can
        ],
        "did": [
            {
                "principal": did.principal,
                "messages": did.messages,
                "from": [{"address": address, "messages": count} for address, count in did.addresses],
                "first": did.first_at,
                "last": did.last_at,
                "allowedToday": did.is_allowed,
            }
            for did in one.did
        ],
        "unusedStatements": [
            {"policy": unused.policy, "statement": unused.statement, "says": unused.what}
            for unused in one.unused_statements
        ],
        "unusedAddresses": [
            {"policy": unused.policy, "statement": unused.statement, "address": unused.what}
            for unused in one.unused_addresses
        ],
        "changed": {
            "edits": list(changed.sentences),
            "gained": list(changed.gained),
            "lost": list(changed.lost),
            "known": changed.is_known,
        },
    }


def _print(found: "Authority") -> None:
    print(f"Account {found.account_id}, since {when(found.since)}")
    for one in found.identities:
        print(f"\n{one.arn} ({one.verification})")
        for heading, lines in sections(one):
            print(f"  {heading}")
            for line in lines:
                print(f"    {one_line(line)}")
            if not lines:
                print("    nobody" if heading.startswith("Who") else "    nothing")
    if not found.identities:
        print("no identities")


def sections(one: "IdentityAuthority") -> list[tuple[str, list[str]]]:
    """The parts of an identity's report, each with its lines."""
    can = []
    for who in one.can:
        line = who.who if who.is_certain else f"{who.who} ({paint('yellow', 'not known')}: {who.reason})"
        can.append(line + (f", such as {who.example}" if who.example else ""))
        can += [
            f"  when {condition}" if not condition.startswith("not ") else f"  {condition}"
            for condition in who.when
        ]
    did = []
    for sender in one.did:
        addresses = ", ".join(f"{address} ({count})" for address, count in sender.addresses)
        late = "" if sender.is_allowed else "; not all of it would be allowed today"
        did.append(
            f"{sender.principal}: {sender.messages}, {when(sender.first_at)} to {when(sender.last_at)}, as"
            f" {addresses}{late}"
        )
    changed = list(one.changed.sentences)
    changed += [f"can now: {who}" for who in one.changed.gained]
    changed += [f"can no longer: {who}" for who in one.changed.lost]
    if not one.changed.is_known:
        changed.append("there were too many changes to know all policies of that time")
    return [
        ("Who can send, by its policies:", can),
        ("Who did:", did),
        (
            "Statements that nobody used:",
            [
                f"{unused.policy}, statement {unused.statement}: {unused.what}"
                for unused in one.unused_statements
            ],
        ),
        (
            "Addresses that nobody used:",
            [
                f"{unused.policy}, statement {unused.statement}: {unused.what}"
                for unused in one.unused_addresses
            ],
        ),
        ("What has changed:", changed),
    ]
