"""`sesame notifications` and `sesame events`: who is notified of what, what happened, and what nobody took."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from sesame.cli.accounts import account_id
from sesame.cli.command import Subparsers, add_verbs, runs_on_store, runs_with_services, with_services
from sesame.cli.output import print_json, print_list, print_table, when
from sesame.cli.terminal import one_line
from sesame.model import SYSTEM_ACCOUNT

if TYPE_CHECKING:
    from sesame.app.foundation import Services
    from sesame.db import Transaction
    from sesame.notify.channels import Sending
    from sesame.notify.map import Way
    from sesame.notify.notified import NotUsed
    from sesame.store.events import Event
    from sesame.store.outbox_entries import OutboxEntry


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    notifications = add_verbs(
        subparsers, "notifications", help="where notifications about an identity's mail go"
    )
    map_ = notifications.add_parser(
        "map",
        help=("show who is notified of each event type and through which channel, and who is not and why"),
    )
    map_.add_argument("identity", help="the identity's ARN")
    map_.add_argument(
        "--sender",
        type=account_id,
        metavar="ACCOUNT",
        help="account that sends as the identity (default: its owner)",
    )
    map_.add_argument("--configuration-set", metavar="NAME", help="configuration set of the sender")
    runs_on_store(map_, show_map)
    events = add_verbs(subparsers, "events", help="events of messages, and their notifications")
    tail = events.add_parser("tail", help="show the latest events of an account's mail")
    tail.add_argument("account", type=account_id)
    tail.add_argument("--limit", type=int, default=20, metavar="N")
    runs_with_services(tail, show_tail)
    dead = events.add_parser(
        "dead", help="list notifications that could not be delivered and are not retried"
    )
    dead.add_argument("--account", type=account_id, help="only those of this account's topics")
    dead.add_argument("--limit", type=int, default=100, metavar="N")
    runs_with_services(dead, show_dead)
    retry = events.add_parser("retry", help="retry notifications that `sesame events dead` lists")
    retry.add_argument(
        "numbers", nargs="*", type=int, metavar="NUMBER", help="numbers from `sesame events dead`"
    )
    retry.add_argument("--all", action="store_true", help="retry all of them")
    runs_on_store(retry, retry_dead)


def show_map(args: argparse.Namespace) -> int:
    """Print every way in which events are published."""
    from sesame.access.identity_names import parse_identity_arn
    from sesame.app.notify import stream_subject
    from sesame.notify.channels import Sending
    from sesame.notify.event_json import EventType
    from sesame.notify.map import Way, ways

    arn = parse_identity_arn(args.identity)
    sending = Sending(
        account_id=args.sender or arn.account_id,
        owner_account_id=arn.account_id,
        region=arn.region,
        identity=arn.name,
        configuration_set=args.configuration_set,
    )

    async def run(services: "Services") -> int:
        if (missing := await services.store.read(lambda tx: _missing(tx, sending))) is not None:
            print(f"sesame: {missing}", file=sys.stderr)
            return 1
        found = await services.store.read(lambda tx: ways(tx, sending))
        if (subject := stream_subject(services.settings.notify)) is not None:
            found += [
                Way(kind=kind, account_id="operator", way="stream", endpoints=(f"nats {subject}",))
                for kind in EventType
            ]
        if args.json:
            print_json([_way_json(way) for way in found])
            return 0
        rows = [
            (way.kind.title, way.account_id, way.way, f"no: {way.problem}" if way.problem else _reach(way))
            for way in found
        ]
        print_table(("EVENT", "ACCOUNT", "CHANNEL", "NOTIFIED"), rows)
        return 0

    return with_services(args, run)


async def _missing(tx: "Transaction", sending: "Sending") -> str | None:
    """What was named and does not exist: nothing is published of mail that cannot be sent."""
    from sesame.store import configuration_sets, identities

    if await identities.get(tx, sending.owner_account_id, sending.region, sending.identity) is None:
        return f"there is no identity `{sending.identity_arn}`"
    name = sending.configuration_set
    if name is None or await configuration_sets.get(tx, sending.account_id, sending.region, name) is not None:
        return None
    return (
        f"account {sending.account_id} has no configuration set `{name}` in {sending.region}: mail that names it is"
        " refused (a delegate uses sets of its own account)"
    )


def _reach(way: "Way") -> str:
    return ", ".join(way.endpoints) or "yes"


def _way_json(way: "Way") -> dict[str, Any]:
    return {
        "event": way.kind.title,
        "account": way.account_id,
        "way": way.way,
        "endpoints": list(way.endpoints),
        "problem": way.problem,
    }


async def show_tail(services: "Services", args: argparse.Namespace) -> int:
    """Print the newest events of an account, oldest of them first, with who was notified."""
    from sesame.store import events, outbox_entries

    async def read(tx: "Transaction") -> "tuple[list[Event], list[OutboxEntry]]":
        found = await events.latest(tx, args.account, limit=max(1, args.limit))
        return found, await outbox_entries.about(tx, [event.event_id for event in found])

    await services.operator.require_account(args.account)
    found, entries = await services.store.read(read)
    if args.json:
        print_json(
            [{**_event_json(event), "told": notified_json(entries, event.event_id)} for event in found]
        )
        return 0
    for event in found:
        recipient = f"  {one_line(event.recipient)}" if event.recipient else ""
        print(f"{when(event.at)}  {event.what.value}  {event.message_id}{recipient}")
        print_notified(entries, event.event_id)
    return 0


def print_not_used(missed: "list[NotUsed]") -> None:
    """Print the ways that an event did not go, and why."""
    for one in missed:
        print(f"    not notified  {one.account_id}  {one_line(one.way)}: {one_line(one.reason)}")


def not_used_json(missed: "list[NotUsed]") -> list[dict[str, Any]]:
    """The same as JSON."""
    return [{"account": one.account_id, "way": one.way, "reason": one.reason} for one in missed]


def print_notified(entries: "list[OutboxEntry]", event_id: str) -> None:
    """Print who was notified of an event, and how far that came."""
    for one in entries:
        if one.publication.about == event_id:
            problem = f": {one_line(one.problem)}" if one.problem else ""
            tries = "" if one.attempts <= 1 else f" after {one.attempts} attempts"
            print(f"    {one.state}{tries}  {one.place.protocol} {one_line(one.place.endpoint)}{problem}")


def notified_json(entries: "list[OutboxEntry]", event_id: str) -> list[dict[str, Any]]:
    """Who was notified of an event, as JSON."""
    return [_entry_json(one) for one in entries if one.publication.about == event_id]


def _event_json(event: "Event") -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "what": event.what.value,
        "at": event.at,
        "message_id": event.message_id,
        "recipient": event.recipient,
    }


def _entry_json(one: "OutboxEntry") -> dict[str, Any]:
    return {
        "number": one.seq,
        "state": one.state,
        "attempts": one.attempts,
        "due_at": one.due_at,
        "ended_at": one.ended_at,
        "problem": one.problem,
        "topic": one.publication.topic_arn,
        "message_id": one.publication.message_id,
        "subscription": one.place.target,
        "protocol": one.place.protocol,
        "endpoint": one.place.endpoint,
        "event": one.publication.about,
    }


async def show_dead(services: "Services", args: argparse.Namespace) -> int:
    """Print what was given up, oldest first."""
    from sesame.store import outbox_entries

    return print_list(
        args,
        await services.store.read(
            lambda tx: outbox_entries.dead(tx, account_id=args.account, after=0, limit=max(1, args.limit))
        ),
        as_json=_entry_json,
        headings=("NUMBER", "PUBLISHED", "ENDPOINT", "PROBLEM"),
        row=lambda one: (str(one.seq), when(one.publication.at), one.place.endpoint, one.problem or ""),
        nothing="no notification was given up on",
    )


def retry_dead(args: argparse.Namespace) -> int:
    """Make what was given up due again; a running server takes it up."""
    from sesame.store import outbox_entries

    if bool(args.numbers) == args.all:
        print("sesame: name the numbers of notifications, or --all", file=sys.stderr)
        return 2

    async def again(services: "Services", numbers: list[int]) -> int:
        now = services.clock.now()
        return await services.acts.apply(
            "RetryNotifications",
            SYSTEM_ACCOUNT,
            lambda tx: outbox_entries.retry(tx, numbers, now=now),
            parameters={"numbers": numbers},
        )

    async def run(services: "Services") -> int:
        count = 0
        if args.numbers:
            count = await again(services, args.numbers)
        else:
            while numbers := await services.store.read(lambda tx: outbox_entries.dead_numbers(tx, limit=500)):
                count += await again(services, numbers)
        if args.json:
            print_json({"retried": count})
        else:
            print(f"{count} will be delivered again")
        return 0 if count or args.all else 1

    return with_services(args, run)
