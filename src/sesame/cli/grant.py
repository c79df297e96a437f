"""`sesame grant`: what an owner of identities lets each delegate use of them, beside policies."""

import argparse
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sesame.cli.accounts import account_id
from sesame.cli.command import (
    Subparsers,
    add_verbs,
    region_name,
    runs_on_store,
    runs_with_services,
    with_services,
)
from sesame.cli.output import print_json, print_table, when

if TYPE_CHECKING:
    from sesame.app.foundation import Services
    from sesame.identities.delegates import BoundsView, Key
    from sesame.operations.delegates import Acting, Delegates

CAPS = {
    "messages-per-day": "messages in any 24 hours",
    "messages-per-second": "messages in any second",
    "recipients-per-day": "recipients in any 24 hours, in all",
    "bytes-per-day": "bytes of messages in any 24 hours",
}
NONE = "none"
"""In the place of a number or a date: without that bound."""
PAGE = 100


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    grant = add_verbs(subparsers, "grant", help="bounds that an identity's owner sets on a delegate")
    put = grant.add_parser("put", help="set bounds and an expiry date, replacing earlier ones")
    _add_key(put)
    _add_caps(put, cap, moment)
    runs_on_store(put, put_bounds)
    some = grant.add_parser(
        "change", help="change the bounds that are named, and leave the others as they are"
    )
    _add_key(some)
    _add_caps(some, cap_or_none, moment_or_none, more="; `none` removes it")
    runs_on_store(some, change_bounds)
    show = grant.add_parser(
        "list", help="list an owner's bounds, how much of them is used, and what policies allow"
    )
    show.add_argument("owner", type=account_id)
    show.add_argument("--identity", help="only bounds on this identity; '*' for those on all identities")
    show.add_argument("--delegate", help="only bounds of this delegate")
    show.add_argument("--region", type=region_name, help="only in this region (default: all)")
    runs_with_services(show, list_bounds)
    for verb, what in (
        ("pause", "stop a delegate's sending without changing the policy; its queued mail is held"),
        ("resume", "resume a paused delegate; held mail is delivered"),
        ("remove", "remove a delegate's bounds, pause and usage counts"),
        ("cancel", "cancel the queued mail that a delegate sent as the owner's identities"),
    ):
        command = grant.add_parser(verb, help=what)
        _add_key(command)
        if verb in ("pause", "cancel"):
            command.add_argument("--reason", default="", help="kept for the owner, not shown to the sender")
        runs_with_services(command, change, verb=verb)


def _add_key(command: argparse.ArgumentParser) -> None:
    command.add_argument("owner", type=account_id)
    command.add_argument("identity", help="domain or address; '*' for all of the owner's in the region")
    command.add_argument("delegate", help="account id, ARN of a user or role, or name of a service")
    command.add_argument("--region", type=region_name, required=True)


def _add_caps(
    command: argparse.ArgumentParser,
    count: Callable[[str], object],
    date: Callable[[str], object],
    *,
    more: str = "",
) -> None:
    for name, what in CAPS.items():
        command.add_argument(f"--{name}", type=count, metavar="N", help=f"{what}{more}")
    command.add_argument(
        "--expires",
        type=date,
        metavar="DATE",
        help=f"when the permission ends: 2030-01-31 or 2030-01-31T12:00:00Z{more}",
    )


def cap(text: str) -> int:
    """A cap: a whole number."""
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise argparse.ArgumentTypeError(f"`{text}` is not a whole number")
    return int(text)


def moment(text: str) -> float:
    """A time in UTC, from `2030-01-31` or `2030-01-31T12:00:00Z`."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?Z?)?", text):
        raise argparse.ArgumentTypeError(
            f"`{text}` is not a date; write it as 2030-01-31 or 2030-01-31T12:00:00Z"
        )
    try:
        return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"`{text}` is not a date: {error}") from None


def cap_or_none(text: str) -> int | str:
    """A cap, or that there is to be none."""
    return NONE if text == NONE else cap(text)


def moment_or_none(text: str) -> float | str:
    """A time in UTC, or that there is to be none."""
    return NONE if text == NONE else moment(text)


def put_bounds(args: argparse.Namespace) -> int:
    """Set the bounds of a delegate."""
    from sesame.identities.delegates import Caps

    caps = Caps(**_named(args))

    async def run(services: "Services") -> int:
        delegates, key = await _about(services, args)
        await delegates.put(_acting(services, args, key, "PutDelegateBounds"), key, caps)
        return await _print_one(delegates, key, args)

    return with_services(args, run)


def change_bounds(args: argparse.Namespace) -> int:
    """Change some of a delegate's bounds."""
    changed = _named(args)

    async def run(services: "Services") -> int:
        delegates, key = await _about(services, args)
        await delegates.change(_acting(services, args, key, "ChangeDelegateBounds"), key, changed)
        return await _print_one(delegates, key, args)

    return with_services(args, run)


def _named(args: argparse.Namespace) -> dict[str, Any]:
    """The caps that a command names, as fields of `Caps`."""
    from sesame.errors import ConfigError

    given = {name: getattr(args, name) for name in (cap.replace("-", "_") for cap in CAPS)}
    given["expires_at"] = args.expires
    named = {name: None if value == NONE else value for name, value in given.items() if value is not None}
    if not named:
        raise ConfigError(f"name a cap or a date: {', '.join(f'--{name}' for name in CAPS)}, --expires")
    if named.get("messages_per_second") == 0:
        raise ConfigError("--messages-per-second is at least 1; to allow nothing, use `sesame grant pause`")
    return named


async def list_bounds(services: "Services", args: argparse.Namespace) -> int:
    """Show the bounds that an owner has set."""
    from sesame.identities.delegates import read_delegate, read_identity
    from sesame.operations.delegates import Delegates
    from sesame.store import delegate_bounds

    await services.operator.require_account(args.owner)
    delegates = Delegates(services.store, services.clock)
    regions = (
        [args.region]
        if args.region
        else await services.store.read(lambda tx: delegate_bounds.regions(tx, args.owner))
    )
    found: list[BoundsView] = []
    for region in regions:
        after = ("", "")
        while True:
            page = await delegates.page(
                args.owner,
                region,
                identity=None if args.identity is None else read_identity(args.identity),
                delegate=None if args.delegate is None else read_delegate(args.delegate, args.owner),
                after=after,
                limit=PAGE,
            )
            found += page
            if len(page) < PAGE:
                break
            after = (page[-1].bounds.identity, page[-1].bounds.delegate)
    _print(found, args)
    return 0


async def change(services: "Services", args: argparse.Namespace) -> int:
    """Pause, resume, remove, or cancel what is queued."""
    delegates, key = await _about(services, args)
    match args.verb:
        case "pause":
            await delegates.pause(_acting(services, args, key, "PauseDelegate"), key, args.reason)
            return await _print_one(delegates, key, args)
        case "cancel":
            return await _cancel(services, delegates, key, args)
        case "resume":
            released = await delegates.resume(_acting(services, args, key, "ResumeDelegate"), key)
        case _:
            released = await delegates.remove(_acting(services, args, key, "DeleteDelegateBounds"), key)
    if args.json:
        print_json({"released": released})
    else:
        done = "resumed" if args.verb == "resume" else "bounded no more"
        print(f"{key.delegate} is {done}; {released} recipients go on")
    return 0


async def _cancel(services: "Services", delegates: "Delegates", key: "Key", args: argparse.Namespace) -> int:
    done = await delegates.cancel_of_delegates(
        _acting(services, args, key, "CancelDelegateMessages"),
        key.owner,
        key.region,
        identity=None if key.identity == "*" else key.identity,
        delegate=key.delegate,
        message_id=None,
        reason=args.reason,
    )
    if args.json:
        print_json({"count": done.count, "under_way": done.under_way})
    else:
        left = f", {done.under_way} in progress and left alone" if done.under_way else ""
        print(f"{done.count} recipients{left}")
    return 0 if done.count else 1


async def _about(services: "Services", args: argparse.Namespace) -> "tuple[Delegates, Key]":
    from sesame.identities.delegates import Key, read_delegate, read_identity
    from sesame.operations.delegates import Delegates

    await services.operator.require_account(args.owner)
    key = Key(
        owner=args.owner,
        region=args.region,
        identity=read_identity(args.identity),
        delegate=read_delegate(args.delegate, args.owner),
    )
    return Delegates(services.store, services.clock), key


def _acting(services: "Services", args: argparse.Namespace, key: "Key", name: str) -> "Acting":
    """The operator's acts, recorded in the owner's audit log."""
    parameters = {"identity": key.identity, "delegate": key.delegate}
    more = {**{name.replace("-", "_"): None for name in CAPS}, "expires": None, "reason": None}
    parameters |= {name: value for name in more if (value := getattr(args, name, None)) is not None}

    async def act() -> Any:
        return services.acts.to(name, key.owner, region=key.region, parameters=parameters)

    return act


async def _print_one(delegates: "Delegates", key: "Key", args: argparse.Namespace) -> int:
    _print([await delegates.show(key)], args, is_one=True)
    return 0


def _print(found: "list[BoundsView]", args: argparse.Namespace, *, is_one: bool = False) -> None:
    if args.json:
        shapes = [_json(one) for one in found]
        print_json(shapes[0] if is_one else shapes)
        return
    print_table(
        ("REGION", "IDENTITY", "DELEGATE", "PER DAY (USED)", "PER SECOND", "UNTIL", "PAUSED", "FROM AT MOST"),
        [_row(one) for one in found],
    )


def _row(one: "BoundsView") -> tuple[str, ...]:
    bounds, used = one.bounds, one.used
    days = (
        ("messages", bounds.messages_per_day, used.messages),
        ("recipients", bounds.recipients_per_day, used.recipients),
        ("bytes", bounds.bytes_per_day, used.bytes),
    )
    return (
        bounds.region,
        bounds.identity,
        bounds.delegate,
        ", ".join(f"{most} {what} ({count})" for what, most, count in days if most is not None) or "-",
        "-" if bounds.messages_per_second is None else str(bounds.messages_per_second),
        "-" if bounds.expires_at is None else when(bounds.expires_at),
        "-" if bounds.paused_at is None else when(bounds.paused_at),
        "too many identities" if one.from_addresses is None else ", ".join(one.from_addresses) or "nothing",
    )


def _json(one: "BoundsView") -> dict[str, object]:
    bounds = one.bounds
    return {
        "owner": bounds.owner_account_id,
        "region": bounds.region,
        "identity": bounds.identity,
        "delegate": bounds.delegate,
        "messages_per_day": bounds.messages_per_day,
        "messages_per_second": bounds.messages_per_second,
        "recipients_per_day": bounds.recipients_per_day,
        "bytes_per_day": bounds.bytes_per_day,
        "expires_at": bounds.expires_at,
        "paused_at": bounds.paused_at,
        "pause_reason": bounds.pause_reason,
        "updated_at": bounds.updated_at,
        "used": one.used._asdict(),
        "from_addresses": None if one.from_addresses is None else list(one.from_addresses),
    }
