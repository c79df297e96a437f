"""`sesame key`: the access keys of an account, each a log-in to the API and to SMTP."""

import argparse
import sys
from typing import TYPE_CHECKING

from sesame.cli.accounts import account_id, print_keys
from sesame.cli.command import Subparsers, add_verbs, runs_with_services
from sesame.cli.output import done, print_list, when

if TYPE_CHECKING:
    from sesame.admin.access_keys import KeyOf
    from sesame.admin.accounts import Keys
    from sesame.app.foundation import Services


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    verbs = add_verbs(
        subparsers, "key", help="access keys; at most two for each user and for the root, as in AWS"
    )
    show = verbs.add_parser("list", help="list an account's access keys")
    show.add_argument("account", type=account_id)
    show.add_argument("user", nargs="?", help="only the keys of this IAM user")
    runs_with_services(show, list_keys)
    create = verbs.add_parser("create", help="create an access key")
    create.add_argument("account", type=account_id)
    create.add_argument("user", nargs="?", help="IAM user (default: the account's root)")
    runs_with_services(create, create_key)
    delete = verbs.add_parser(
        "delete", help="delete an access key; requests signed with it are refused from then on"
    )
    delete.add_argument("account", type=account_id)
    delete.add_argument("key", help="access key ID")
    runs_with_services(delete, delete_key)


async def list_keys(services: "Services", args: argparse.Namespace) -> int:
    """Show the keys, not their secrets."""
    return print_list(
        args,
        await _of(services, args.account, args.user),
        as_json=_as_json,
        headings=("KEY", "USER", "STATUS", "CREATED", "SMTP BOUND TO"),
        row=lambda key: (
            key.access_key_id,
            key.user_name or "(root)",
            "active" if key.is_active else "inactive",
            when(key.created_at),
            " ".join(key.smtp_bindings),
        ),
    )


async def _of(services: "Services", account: str, user: str | None) -> "list[KeyOf]":
    if user is None:
        return await services.access_keys.of_account(account)
    return await services.access_keys.of(account, user)


def _as_json(key: "KeyOf") -> dict[str, object]:
    return {
        "access_key_id": key.access_key_id,
        "user": key.user_name,
        "active": key.is_active,
        "created_at": key.created_at,
        "smtp_bindings": list(key.smtp_bindings),
    }


async def create_key(services: "Services", args: argparse.Namespace) -> int:
    """Make a key; its secret is shown this once."""
    keys = await services.operator.access_key(args.account, args.user, access_key_id=None)
    return print_keys(keys, args)


async def delete_key(services: "Services", args: argparse.Namespace) -> int:
    """Remove a key."""
    await services.access_keys.delete(args.account, args.key)
    return done(args, f"access key {args.key} of account {args.account} is deleted")


def say_made(keys: "Keys", args: argparse.Namespace) -> None:
    """Say on standard error that there is one more live key."""
    whose = f"user {args.user}" if args.user else "the root"
    print(
        f"sesame: made access key {keys.access_key_id} for {whose} of account {args.account};"
        f" `sesame key list {args.account}` shows all of them",
        file=sys.stderr,
    )
