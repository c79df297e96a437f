"""`sesame deliveries`: the latest attempts of all accounts, and how their connections were secured."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sesame.cli.command import Subparsers, add_verbs, runs_with_services
from sesame.cli.output import print_json, print_list, print_table, when

if TYPE_CHECKING:
    from sesame.app.foundation import Services
    from sesame.spool.attempts import Connections, Tried

RESULTS = ("delivered", "deferred", "rejected")


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    verbs = add_verbs(subparsers, "deliveries", help="attempts to deliver, over all accounts")
    listed = verbs.add_parser("list", help="list the latest attempts, newest first")
    listed.add_argument("--limit", type=int, default=50, metavar="N")
    listed.add_argument("--result", choices=RESULTS, help="delivered, deferred or rejected: list these only")
    listed.add_argument("--domain", help="destination domain")
    runs_with_services(listed, list_attempts)
    connections = verbs.add_parser(
        "connections",
        help="list how the connections of the newest 2,000 attempts were secured, by destination",
    )
    connections.add_argument(
        "--limit", type=int, default=50, metavar="N", help="destinations to list, those with most connections"
    )
    runs_with_services(connections, list_connections)


async def list_attempts(services: "Services", args: argparse.Namespace) -> int:
    """Print a line for each attempt."""
    from sesame.admin.queue import destination
    from sesame.spool import attempts

    kind = next((kind for kind, result in attempts.RESULTS.items() if result == args.result), "")
    domain = "" if args.domain is None else destination(args.domain)
    limit = max(1, args.limit)
    page = await services.store.read(
        lambda tx: attempts.latest(tx, before=None, limit=limit, kind=kind, domain=domain)
    )
    is_part = page.next is not None and bool(kind or domain)
    return print_list(
        args,
        page.attempts,
        as_json=_attempt,
        headings=("WHEN", "RESULT", "TO", "SERVER", "CONNECTION", "SAID", "MESSAGE"),
        row=lambda one: (
            when(one.at),
            attempts.RESULTS[one.kind],
            one.address,
            one.remote_mta or one.remote_ip or "",
            one.secured or "no connection",
            f"{one.status} {one.diagnostic}",
            one.message_id,
        ),
        nothing=f"Nothing like that among the newest {page.looked_at:,} attempts."
        if is_part
        else "No delivery has been attempted."
        if not (kind or domain)
        else "No attempt is like that.",
    )


def _attempt(one: "Tried") -> dict[str, Any]:
    from sesame.spool.attempts import RESULTS

    told = {name: value for name, value in asdict(one).items() if name not in ("seq", "kind")}
    return {"at": told.pop("at"), "result": RESULTS[one.kind], **told}


async def list_connections(services: "Services", args: argparse.Namespace) -> int:
    """Print a line for each way in which connections to a destination were secured."""
    from sesame.spool import attempts

    limit = max(1, args.limit)
    found, looked_at = await services.store.read(lambda tx: attempts.connections(tx, limit=limit))
    if args.json:
        print_json({"attempts": looked_at, "destinations": [_connections(one) for one in found]})
        return 0
    print(_summary(found, looked_at))
    if found:
        print()
        print_table(
            ("DESTINATION", "CONNECTIONS", "LAST", "HOW THEY WERE SECURED"),
            [
                (one.domain, str(count), when(last), secured)
                for one in found
                for secured, count, last in one.ways
            ],
        )
    return 0


def _connections(one: "Connections") -> dict[str, Any]:
    return {
        "domain": one.domain,
        "connections": one.attempts,
        "in_clear": one.in_clear,
        "refused": one.refused,
        "ways": [
            {"secured": secured, "connections": count, "last_at": last} for secured, count, last in one.ways
        ],
    }


def _summary(found: "list[Connections]", looked_at: int) -> str:
    """The whole in a sentence, each number with what it is a part of."""
    total, in_clear, refused = (
        sum(getattr(one, name) for one in found) for name in ("attempts", "in_clear", "refused")
    )
    if not total:
        return "No connection has been made yet."
    were = "was" if refused == 1 else "were"
    clear = f"{in_clear:,} went in clear"
    given_up = f" and {refused:,} {were} given up because TLS was not good enough" if refused else ""
    return (
        f"Of {total:,} connection{'' if total == 1 else 's'} among the newest {looked_at:,}"
        f" attempt{'' if looked_at == 1 else 's'}, {total - in_clear - refused:,} used TLS"
        f"{',' if given_up else ' and'} {clear}{given_up}."
    )
