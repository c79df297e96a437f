"""`sesame egress list`: the addresses that mail leaves from, whose they are, and how far they are warmed up."""

import argparse
from typing import TYPE_CHECKING, Any

from sesame.cli.command import Subparsers, region_name, runs_with_services
from sesame.cli.output import print_json, print_table

if TYPE_CHECKING:
    from sesame.app.foundation import Services


def register(subparsers: Subparsers) -> None:
    """Add the noun and its verb."""
    noun = subparsers.add_parser("egress", help="IP addresses that mail is sent from")
    verbs = noun.add_subparsers(title="verbs", metavar="VERB", required=True)
    listed = verbs.add_parser(
        "list", help="list the addresses with account, pool, warm-up and messages sent today"
    )
    listed.add_argument(
        "--region", type=region_name, default="us-east-1", help="region of the pools and the warm-up"
    )
    runs_with_services(listed, list_addresses)


async def list_addresses(services: "Services", args: argparse.Namespace) -> int:
    """Print a line for each address and account."""
    rows = await _rows(services, args.region)
    if args.json:
        print_json(rows)
    else:
        print_table(
            ("ADDRESS", "NAME", "ACCOUNT", "POOL", "WARM-UP", "SENT TODAY"),
            [
                (
                    row["address"],
                    row["hello"],
                    row["account"] or "all",
                    row["pool"],
                    f"{row['warmup_percentage']} %",
                    f"{row['sent_today']} of {row['daily_limit']}" if row["daily_limit"] else "",
                )
                for row in rows
            ],
        )
    return 0


async def _rows(services: "Services", region: str) -> list[dict[str, Any]]:
    from sesame.access.egress import SHARED_POOL, Egress, own_sources
    from sesame.db import Transaction
    from sesame.store import egress

    now = services.clock.now()

    async def run(tx: Transaction) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        sent = await egress.sent(tx, [source.address for source in services.sources], at=now)
        for source in services.sources:
            record = {"address": source.address, "bind": source.bind, "hello": source.hello}
            for account in source.accounts or ("",):
                own = own_sources(services.sources, account)
                held = await egress.held(tx, account, region, [one.address for one in own])
                found = Egress(sources=own, held=held, plan=services.warmup_plan)
                rows.append(
                    {
                        **record,
                        "account": account or None,
                        "pool": found.pool_of(source.address) if account else SHARED_POOL,
                        "warmup_percentage": int(found.percentage(source, now=now)),
                        "daily_limit": found.daily_limit(source, now=now),
                        "sent_today": sent.get(source.address, 0),
                    }
                )
        return rows

    return await services.store.read(run)
