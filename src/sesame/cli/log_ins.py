"""`sesame log-ins`: who tried to get in and failed."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from sesame.cli.command import Subparsers, runs_with_services
from sesame.cli.output import print_json, print_table, when
from sesame.cli.terminal import one_line

if TYPE_CHECKING:
    from sesame.admin.failed_sign_ins import Overview
    from sesame.app.foundation import Services

MOST_SHOWN = 20


def register(subparsers: Subparsers) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "log-ins",
        help="list failed log-ins by network and by name",
        description=(
            "List wrong SMTP passwords, API signatures that do not verify and failed console log-ins,"
            " by the network they came from and by the name that was tried. A running server updates "
            "the counts every few seconds."
        ),
    )
    command.add_argument(
        "--hours", type=int, default=24, metavar="N", help="how many hours to look back (default: 24)"
    )
    runs_with_services(command, show)


async def show(services: "Services", args: argparse.Namespace) -> int:
    """Print both lists."""
    from sesame.admin.failed_sign_ins import WHY, overview, with_users
    from sesame.store import failed_sign_ins
    from sesame.store.failed_sign_ins import HOUR_S

    end = int(services.clock.now() // HOUR_S) + 1
    rows = await services.store.read(lambda tx: failed_sign_ins.between(tx, end - max(1, args.hours), end))
    summed_up = overview(rows, most=MOST_SHOWN)
    found = await services.store.read(lambda tx: with_users(tx, summed_up))
    if args.json:
        print_json(asdict(found))
        return 0
    print(f"{found.failures} failed")
    for heading, kind, summed in (
        ("NETWORK", "networks", found.networks),
        ("NAME", "names", found.names),
    ):
        print()
        print_table(
            (heading, "FAILURES", "DOOR", "LAST", "WHY", "ACCOUNT"),
            [
                (
                    one.of or f"other {kind}",
                    str(one.failures),
                    ", ".join(one.doors),
                    when(one.last_at),
                    WHY.get(one.why, one.why),
                    one.account_id,
                )
                for one in summed
            ],
        )
    _print_fixes(found)
    return 0


def _print_fixes(found: "Overview") -> None:
    """What to do about each, once with all the names that it is for."""
    fixes: dict[str, list[str]] = {}
    for one in found.names:
        if one.fix:
            fixes.setdefault(one.fix, []).append(one.of or "other names")
    for fix, names in fixes.items():
        print(f"\n{one_line(', '.join(names))}\n    fix: {one_line(fix)}")
