"""`sesame queue`: what waits for delivery, and what to do with it, beside a running server."""

import argparse
import re
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from sesame.cli.accounts import account_id
from sesame.cli.command import Subparsers, add_verbs, runs_on_store, runs_with_services, with_services
from sesame.cli.output import print_json, print_list, when
from sesame.cli.terminal import one_line

if TYPE_CHECKING:
    from sesame.admin.queue import QueueDesk
    from sesame.app.foundation import Services
    from sesame.spool.control import Filter, Queued

CHANGES = {
    "retry": "retry queued mail now",
    "hold": "hold mail until it is released",
    "release": "release held mail and deliver it now",
    "cancel": "cancel queued mail; an event records it for the sender",
    "purge": "cancel everything that matches; the way to cancel without a filter",
}
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    queue = add_verbs(subparsers, "queue", help="mail that is waiting for delivery")
    show_list = queue.add_parser("list", help="list queued recipients, oldest first")
    show_list.add_argument("--limit", type=int, default=50, metavar="N")
    show_list.add_argument("--held", action="store_true", help="list held mail only")
    _add_filters(show_list)
    runs_with_services(show_list, list_queue)
    show = queue.add_parser("show", help="show the queued recipients of a message and why they wait")
    show.add_argument("message_id")
    runs_with_services(show, show_message)
    for verb, what in CHANGES.items():
        command = queue.add_parser(verb, help=what)
        command.add_argument("message_id", nargs="?", help="one message; without it, give a filter")
        command.add_argument("--reason", default="", help="stored with the message")
        command.add_argument("--all", action="store_true", help="all queued mail")
        _add_filters(command)
        runs_on_store(command, change, verb=verb)
    pause = queue.add_parser("pause", help="pause delivery to a domain; without one, list the paused domains")
    pause.add_argument("domain", nargs="?")
    pause.add_argument("--reason", default="")
    runs_with_services(pause, pause_destination)
    resume = queue.add_parser("resume", help="resume delivery to a domain")
    resume.add_argument("domain")
    runs_with_services(resume, resume_destination)


def age(text: str) -> float:
    """Seconds, from `90s`, `15m`, `2h` or `1d`."""
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"`{text}` is not an age; write it as 90s, 15m, 2h or 1d")
    return float(int(found[1]) * _UNITS[found[2]])


def _add_filters(command: argparse.ArgumentParser) -> None:
    command.add_argument("--account", type=account_id, help="account that sent it or owns the identity")
    command.add_argument(
        "--delegate", type=account_id, help="account that sent it as another account's identity"
    )
    command.add_argument("--identity", help="identity that it was sent as")
    command.add_argument("--domain", help="destination domain")
    command.add_argument(
        "--older-than", type=age, metavar="AGE", help="accepted at least this long ago: 90s, 15m, 2h, 1d"
    )


def _filter(args: argparse.Namespace, now: float, **more: object) -> "Filter":
    from sesame.spool.control import Filter

    return Filter(
        account=args.account,
        delegate=args.delegate,
        identity=args.identity,
        domain=args.domain,
        before=None if args.older_than is None else now - args.older_than,
        **more,  # type: ignore[arg-type]
    )


async def list_queue(services: "Services", args: argparse.Namespace) -> int:
    """Show what waits."""
    from sesame.spool.control import list_queued

    wanted = _filter(args, services.clock.now(), is_held=True if args.held else None)
    return print_list(
        args,
        await services.store.read(lambda tx: list_queued(tx, wanted, limit=max(1, args.limit))),
        as_json=_json,
        headings=("MESSAGE", "TO", "ACCOUNT", "ACCEPTED", "TRIES", "NEXT", "LAST"),
        row=lambda one: (
            one.message_id,
            one.address,
            one.account_id,
            when(one.accepted_at),
            str(one.attempts),
            _next(one),
            one.said or "",
        ),
    )


async def show_message(services: "Services", args: argparse.Namespace) -> int:
    """Show the recipients of a message that wait."""
    from sesame.spool.control import Filter, list_queued

    wanted = Filter(message_id=args.message_id)
    found = await services.store.read(lambda tx: list_queued(tx, wanted, limit=1_000))
    if not found:
        print(f"sesame: message `{args.message_id}` has no queued recipients", file=sys.stderr)
        return 1
    if args.json:
        print_json([_json(one) for one in found])
        return 0
    for one in found:
        print(one_line(f"{one.address}: {_next(one)}, {one.attempts} attempts"))
        if one.hold is not None:
            print(one_line(f"  held: {one.hold}"))
        if one.said is not None:
            print(one_line(f"  last: {one.said}"))
    return 0


def change(args: argparse.Namespace) -> int:
    """Hold, release, retry, cancel or purge what fits."""
    from dataclasses import replace

    from sesame.admin.queue import without_held

    named = (args.message_id, args.account, args.delegate, args.identity, args.domain, args.older_than)
    if all(value is None for value in named) and not args.all:
        print(f"sesame: name a message or a filter, or `--all`, for `queue {args.verb}`", file=sys.stderr)
        return 2

    async def run(services: "Services") -> int:
        wanted = replace(_filter(args, services.clock.now()), message_id=args.message_id)
        if args.verb == "cancel" and args.all:
            wanted = without_held(wanted)
        verb = "cancel" if args.verb == "purge" else args.verb
        done = await _desk(services).change(verb, wanted, reason=args.reason)
        if args.json:
            print_json(asdict(done))
        else:
            left = f", {done.under_way} in progress and left alone" if done.under_way else ""
            print(f"{done.count} recipients{left}")
        return 0 if done.count else 1

    return with_services(args, run)


async def pause_destination(services: "Services", args: argparse.Namespace) -> int:
    """Pause a destination, or list those that are."""
    from sesame.spool import control

    if args.domain is not None:
        await _desk(services).pause(args.domain, reason=args.reason)
    return print_list(
        args,
        await services.store.read(control.pauses),
        as_json=asdict,
        headings=("DESTINATION", "SINCE", "REASON"),
        row=lambda one: (one.domain, when(one.paused_at), one.reason),
    )


async def resume_destination(services: "Services", args: argparse.Namespace) -> int:
    """Resume a destination."""
    is_resumed = await _desk(services).resume(args.domain)
    if not is_resumed:
        print(f"sesame: `{args.domain}` is not paused", file=sys.stderr)
        return 1
    return 0


def _desk(services: "Services") -> "QueueDesk":
    from sesame.admin.queue import QueueDesk

    return QueueDesk(services.store, services.acts, clock=services.clock)


def _next(one: "Queued") -> str:
    if one.hold is not None:
        return "held"
    if one.is_under_way:
        return "under way"
    if one.paused_at is not None:
        return "paused"
    return "at once" if not one.due_at else when(one.due_at)


def _json(one: "Queued") -> dict[str, object]:
    state = "held" if one.hold is not None else "under way" if one.is_under_way else "queued"
    return {key: value for key, value in asdict(one).items() if key != "seq"} | {"state": state}
