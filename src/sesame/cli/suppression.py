"""`sesame suppression`: the list of addresses that no account sends to for a while."""

import argparse
from typing import TYPE_CHECKING

from sesame.cli.command import Subparsers, add_verbs, runs_with_services
from sesame.cli.output import done, print_list, when
from sesame.cli.terminal import one_line

if TYPE_CHECKING:
    from sesame.app.foundation import Services


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    verbs = add_verbs(
        subparsers,
        "suppression",
        help="addresses that no account sends to, beside accounts' own suppression lists",
    )
    show = verbs.add_parser("list", help="list the suppressed addresses")
    show.add_argument("--after", default="", metavar="ADDRESS", help="start after this address")
    show.add_argument("--limit", type=int, default=100, metavar="N")
    runs_with_services(show, list_addresses)
    for verb, help_text, run in (
        ("add", "add an address to the list", add_address),
        ("remove", "remove an address from the list", remove_address),
    ):
        command = verbs.add_parser(verb, help=help_text)
        command.add_argument("address")
        runs_with_services(command, run)


async def list_addresses(services: "Services", args: argparse.Namespace) -> int:
    """Print the list."""
    return print_list(
        args,
        await services.global_suppression.list(after=args.after, limit=max(1, args.limit)),
        as_json=lambda one: {"address": one.address, "since": one.since, "until": one.until},
        headings=("ADDRESS", "SINCE", "UNTIL"),
        row=lambda one: (one_line(one.address), when(one.since), when(one.until)),
        nothing="no address is on the list",
    )


async def add_address(services: "Services", args: argparse.Namespace) -> int:
    """Put an address on the list."""
    await services.global_suppression.add(args.address)
    return done(args, f"{one_line(args.address)} is suppressed", address=args.address)


async def remove_address(services: "Services", args: argparse.Namespace) -> int:
    """Take an address off the list."""
    await services.global_suppression.remove(args.address)
    return done(args, f"{one_line(args.address)} is no longer suppressed", address=args.address)
