"""`sesame webhook`: event destinations of configuration sets that are posted to, signed."""

import argparse
from typing import TYPE_CHECKING

from sesame.cli.accounts import account_id
from sesame.cli.command import Subparsers, add_verbs, runs_with_services
from sesame.cli.output import print_json, print_list, when

if TYPE_CHECKING:
    from sesame.app.foundation import Services
    from sesame.store.webhooks import WebhookKey


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    verbs = add_verbs(
        subparsers,
        "webhook",
        help="webhooks: HTTP destinations of events, signed as Standard Webhooks specifies",
    )
    create = verbs.add_parser("create", help="create a webhook; its secret is shown only once")
    _add_key(create)
    create.add_argument("url", help="where events are posted")
    create.add_argument(
        "--events",
        required=True,
        type=_event_types,
        metavar="TYPES",
        help="types of events, comma-separated, as the API names them: SEND,DELIVERY,BOUNCE; `all` for every type",
    )
    runs_with_services(create, create_webhook)
    rotate = verbs.add_parser(
        "rotate",
        help=("replace a webhook's secret; the new one is shown only once, and both sign for a while"),
    )
    _add_key(rotate)
    rotate.add_argument(
        "--overlap",
        type=float,
        default=24.0,
        metavar="HOURS",
        help="how long the previous secret still signs, too (default: %(default)s)",
    )
    runs_with_services(rotate, rotate_secret)
    delete = verbs.add_parser("delete", help="delete a webhook; notifications waiting for it are dropped")
    _add_key(delete)
    runs_with_services(delete, delete_webhook)
    show = verbs.add_parser("list", help="list the webhooks of an account")
    show.add_argument("account", type=account_id)
    runs_with_services(show, list_webhooks)


def _add_key(command: argparse.ArgumentParser) -> None:
    command.add_argument("account", type=account_id)
    command.add_argument("set", help="the configuration set")
    command.add_argument("name", help="name of the event destination")
    command.add_argument(
        "--region", default="us-east-1", help="region of the configuration set (default: %(default)s)"
    )


def _key(args: argparse.Namespace) -> "WebhookKey":
    from sesame.store.webhooks import WebhookKey

    return WebhookKey(account_id=args.account, region=args.region, set_name=args.set, name=args.name)


def _event_types(text: str) -> list[str]:
    from sesame.notify.event_json import EventType

    known = [kind.in_set for kind in EventType]
    if text.lower() == "all":
        return known
    wanted = [part.strip().upper() for part in text.split(",") if part.strip()]
    unknown = [one for one in wanted if one not in known]
    if unknown or not wanted:
        raise argparse.ArgumentTypeError(f"{text!r}: types of events are {', '.join(known)}")
    return list(dict.fromkeys(wanted))


async def create_webhook(services: "Services", args: argparse.Namespace) -> int:
    """Make a webhook."""
    await services.operator.require_account(args.account)
    return _print_secret(args, await services.webhooks.create(_key(args), args.url, args.events))


async def rotate_secret(services: "Services", args: argparse.Namespace) -> int:
    """Exchange a secret."""
    secret = await services.webhooks.rotate(_key(args), overlap_s=max(0.0, args.overlap) * 3600)
    return _print_secret(args, secret)


async def delete_webhook(services: "Services", args: argparse.Namespace) -> int:
    """Remove a webhook."""
    await services.webhooks.delete(_key(args))
    if args.json:
        print_json({"deleted": _key(args).arn})
    else:
        print(f"webhook {args.name} is deleted")
    return 0


async def list_webhooks(services: "Services", args: argparse.Namespace) -> int:
    """Print an account's webhooks, without their secrets."""
    await services.operator.require_account(args.account)
    return print_list(
        args,
        await services.webhooks.list(args.account),
        as_json=lambda one: {
            "region": one.key.region,
            "set": one.key.set_name,
            "name": one.key.name,
            "url": one.url,
            "events": list(one.event_types),
            "enabled": one.is_enabled,
            "created_at": one.created_at,
            "previous_secret_until": one.previous_until,
        },
        headings=("REGION", "SET", "NAME", "URL", "EVENTS", "CREATED"),
        row=lambda one: (
            one.key.region,
            one.key.set_name,
            one.key.name,
            one.url,
            ",".join(one.event_types) if one.is_enabled else "switched off",
            when(one.created_at),
        ),
        nothing="the account has no webhook",
    )


def _print_secret(args: argparse.Namespace, secret: str) -> int:
    if args.json:
        print_json({"webhook": _key(args).arn, "secret": secret})
    else:
        print(secret)
    return 0
