"""`sesame account reputation`, `pause` and `reinstate`: how accounts' mail is received, and what follows."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from sesame.cli.command import Subparsers, region_name, runs_with_services
from sesame.cli.output import print_json, print_table, when

if TYPE_CHECKING:
    from collections.abc import Callable

    from sesame.app.foundation import Services
    from sesame.db import Transaction
    from sesame.model import Rates
    from sesame.store.enforcement import Change, Enforcement, EnforcementState
    from sesame.store.tallies import Counts

DAYS = 14


def register(verbs: Subparsers, account_id: "Callable[[str], str]") -> None:
    """Add the verbs to `sesame account`."""
    show = verbs.add_parser(
        "reputation",
        help=("show an account's delivery counts, bounce and complaint rates, and enforcement status"),
    )
    show.add_argument("account", type=account_id)
    show.add_argument(
        "--region", type=region_name, default="us-east-1", help="region of the rates and the status"
    )
    show.add_argument(
        "--by",
        choices=("region", "identity", "owner", "configuration-set"),
        default="region",
        help="how to group the counts",
    )
    runs_with_services(show, show_reputation)
    for name, became, what in (
        ("pause", "SHUTDOWN", "stop an account's sending until it is reinstated"),
        (
            "reinstate",
            "HEALTHY",
            "resume an account's sending or end its review; its rates start again from zero",
        ),
    ):
        verb = verbs.add_parser(name, help=what)
        verb.add_argument("account", type=account_id)
        verb.add_argument("--region", type=region_name, required=True)
        verb.add_argument("--reason", required=True, help="stored with the change")
        runs_with_services(verb, change_enforcement, became=became)


_BY = {
    "region": "region",
    "identity": "identity",
    "owner": "owner_account_id",
    "configuration-set": "configuration_set",
}


async def show_reputation(services: "Services", args: argparse.Namespace) -> int:
    """Show counts of the last two weeks, rates, verdict, and how it changed."""
    from sesame.feedback.rates import current
    from sesame.store import enforcement, tallies

    await services.operator.require_account(args.account)
    now = services.clock.now()
    volume = services.settings.reputation.volume

    async def read(
        tx: "Transaction",
    ) -> "tuple[EnforcementState, Rates, list[tuple[str, Counts]], list[Change]]":
        enforcement_state, rates = await current(tx, args.account, args.region, now=now, volume=volume)
        column: tallies.By = _BY[args.by]  # type: ignore[assignment]
        counts = await tallies.by(tx, args.account, column, since=now - DAYS * 86_400)
        return enforcement_state, rates, counts, await enforcement.changes(tx, args.account)

    enforcement_state, rates, counts, changes = await services.store.read(read)
    if args.json:
        print_json(
            {
                "account_id": args.account,
                "region": args.region,
                "enforcement": enforcement_state.enforcement,
                "rates": asdict(rates) | {"bounce": rates.bounce_rate, "complaint": rates.complaint_rate},
                "counts": [{args.by: name, **asdict(one)} for name, one in counts],
                "changes": [asdict(change) for change in changes],
            }
        )
    else:
        _print(enforcement_state, rates, counts, changes, args)
    return 0


def _print(
    enforcement_state: "EnforcementState",
    rates: "Rates",
    counts: "list[tuple[str, Counts]]",
    changes: "list[Change]",
    args: argparse.Namespace,
) -> None:
    judged = "" if rates.is_representative else ", too few to judge by"
    print(f"{args.region}: {enforcement_state.enforcement}")
    print(
        f"bounce rate {rates.bounce_rate:.2%}, complaint rate {rates.complaint_rate:.2%}"
        f" of {rates.sends} recipients{judged}"
    )
    print()
    headings = (
        args.by.upper(),
        "SENT",
        "DELIVERED",
        "BOUNCED",
        "PERMANENT",
        "COMPLAINTS",
        "SUPPRESSED",
    )
    rows = [
        (
            name or "-",
            *map(str, (c.sends, c.deliveries, c.bounces, c.permanent_bounces, c.complaints, c.suppressed)),
        )
        for name, c in counts
    ]
    print_table(headings, rows)
    for change in changes:
        print(
            f"{when(change.at)}  {change.region}  {change.was} -> {change.became} by {change.who}: {change.reason}"
        )


async def change_enforcement(services: "Services", args: argparse.Namespace) -> int:
    """Pause an account, or reinstate it."""
    from sesame.admin.enforcement import EnforcementDesk

    became: Enforcement = args.became
    desk = EnforcementDesk(services.acts, clock=services.clock)
    change = await desk.set(args.account, args.region, became, reason=args.reason)
    if args.json:
        print_json(asdict(change))
    else:
        print(f"account {change.account_id} in {change.region}: {change.was} -> {change.became}")
    return 0
