"""`sesame links`: stop what the links of followed mail lead to, and let them lead on."""

import argparse
from typing import TYPE_CHECKING

from sesame.cli.accounts import account_id
from sesame.cli.command import Subparsers, add_verbs, runs_with_services
from sesame.cli.output import done, print_list, when
from sesame.cli.terminal import one_line

if TYPE_CHECKING:
    from sesame.admin.tracked_links import Links
    from sesame.app.foundation import Services


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    verbs = add_verbs(
        subparsers, "links", help="disable the links of tracked mail that lead to harmful pages"
    )
    stop = verbs.add_parser(
        "stop",
        help="disable tracked links of an account",
        description=(
            "Answer 410 Gone to the tracked links of one message, or of everything that an account "
            "has sent and will send, mail already delivered included. The account sees who disabled "
            "them and why, and cannot enable them again."
        ),
    )
    _add_links(stop)
    stop.add_argument("--reason", default="", help="stored, and shown to the account")
    runs_with_services(stop, stop_links)
    resume = verbs.add_parser("resume", help="enable links again that were disabled with `stop`")
    _add_links(resume)
    runs_with_services(resume, resume_links)
    show = verbs.add_parser("list", help="list an account's disabled links and who disabled them")
    show.add_argument("account", type=account_id)
    show.add_argument("--after", default="", metavar="MESSAGE", help="start after this message")
    show.add_argument("--limit", type=int, default=100, metavar="N")
    runs_with_services(show, list_stops)


def _add_links(command: argparse.ArgumentParser) -> None:
    command.add_argument("account", type=account_id)
    command.add_argument(
        "--owner",
        type=account_id,
        metavar="ACCOUNT",
        help="act for this owner: only links in mail that was sent as its identities",
    )
    command.add_argument(
        "--message",
        default="",
        metavar="ID",
        help="only the links of this message (default: all of the account's)",
    )


def _links(args: argparse.Namespace) -> "Links":
    from sesame.admin.tracked_links import Links

    return Links(account_id=args.account, message_id=args.message, owner_id=args.owner or "")


async def stop_links(services: "Services", args: argparse.Namespace) -> int:
    """Stop links."""
    await services.operator.require_account(args.account)
    if args.owner:
        await services.operator.require_account(args.owner)
    await services.tracked_links.stop(_links(args), args.reason)
    return _done(args, "are disabled")


async def resume_links(services: "Services", args: argparse.Namespace) -> int:
    """Let links lead on."""
    await services.operator.require_account(args.account)
    await services.tracked_links.resume(_links(args))
    by = f"account {args.owner}" if args.owner else "the operator"
    return _done(args, f"are no longer disabled by {by}")


async def list_stops(services: "Services", args: argparse.Namespace) -> int:
    """Print an account's stops."""
    await services.operator.require_account(args.account)
    found = await services.tracked_links.page(
        args.account, after=(args.after, "~" if args.after else ""), limit=max(1, args.limit)
    )
    return print_list(
        args,
        found,
        as_json=lambda one: {
            "message_id": one.message_id or None,
            "by": one.stopped_by,
            "stopped_at": one.stopped_at,
            "reason": one.reason,
        },
        headings=("MESSAGE", "BY", "SINCE", "REASON"),
        row=lambda one: (one.message_id or "all", one.stopped_by, when(one.stopped_at), one_line(one.reason)),
        nothing="no links of this account are disabled",
    )


def _done(args: argparse.Namespace, what: str) -> int:
    of = f"message {one_line(args.message)}" if args.message else f"account {args.account}"
    lent = f" as identities of account {args.owner}" if args.owner else ""
    message_id = args.message or None
    return done(args, f"the links of {of}{lent} {what}", account=args.account, message_id=message_id)
