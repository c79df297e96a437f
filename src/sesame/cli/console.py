"""`sesame console`: links that log in, and invitations."""

import argparse
import json
import sys
from typing import TYPE_CHECKING

from sesame.cli.command import Subparsers, add_verbs, runs_with_services
from sesame.cli.output import print_json

if TYPE_CHECKING:
    from sesame.app.foundation import Services
    from sesame.console.links import Links


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    console = add_verbs(subparsers, "console", help="log-in links and share links of the console")
    login = console.add_parser("login", help="print a one-time log-in link that is valid for 15 minutes")
    login.add_argument(
        "--account", metavar="ID", help="log in as the root of this account (default: as the operator)"
    )
    runs_with_services(login, print_login)
    invite = console.add_parser(
        "invite", help="print a link, valid for 24 hours, with which a user sets a password"
    )
    invite.add_argument("account", metavar="ACCOUNT", help="account id")
    invite.add_argument("user", metavar="USER", help="name of an IAM user")
    runs_with_services(invite, print_invite)
    _register_shares(console)


def _register_shares(console: Subparsers) -> None:
    shares = console.add_parser(
        "shares", help="list an account's share links, which need no log-in, or revoke one"
    )
    shares.add_argument("account", metavar="ACCOUNT", help="account id")
    shares.add_argument("--end", metavar="LINK", help="revoke the link of this name")
    runs_with_services(shares, print_shares)


async def print_shares(services: "Services", args: argparse.Namespace) -> int:
    """Print the links of an account that still work; with `--end` end one of them."""
    from sesame.db import Transaction
    from sesame.operations.sesame.share_links import MOST
    from sesame.store import console_shares

    await services.operator.require_account(args.account)
    now = services.clock.now()

    async def end(tx: Transaction) -> bool:
        found = await console_shares.of_account(tx, args.account, now=now, limit=MOST)
        named = [one for one in found if one.name == args.end]
        return bool(named) and await console_shares.delete(tx, named[0].digest)

    if args.end:
        parameters = {"link": args.end}
        if await services.acts.apply("DeleteShareLink", args.account, end, parameters=parameters, when=bool):
            return 0
        print(f"sesame: account {args.account} has no link `{args.end}`", file=sys.stderr)
        return 1
    found = await services.store.read(
        lambda tx: console_shares.of_account(tx, args.account, now=now, limit=MOST)
    )
    records = [
        {
            "link": one.name,
            "shows": one.kind,
            "region": one.region,
            "identity": one.identity,
            "for": one.delegate,
            "made_by": one.made_by,
            "made_at": one.made_at,
            "expires_at": one.expires_at,
        }
        for one in found
    ]
    if args.json:
        print_json(records)
    else:
        for one in records:
            print(*(one[name] for name in ("link", "shows", "region", "identity", "for", "made_by")))
    return 0


async def print_login(services: "Services", args: argparse.Namespace) -> int:
    """Print a link to log in by."""
    account = args.account or ""
    if account:
        await services.operator.require_account(account)
    _print(args, services, f"/link/{await _links(services).make('login', account, account)}")
    return 0


async def print_invite(services: "Services", args: argparse.Namespace) -> int:
    """Print a link to set a password by."""
    from sesame.store.iam import users

    user = await services.store.read(lambda tx: users.get_user(tx, args.account, args.user))
    if user is None:
        print(
            f"sesame: account {args.account} has no user `{args.user}`;"
            f" `sesame user create {args.account} {args.user}` makes one",
            file=sys.stderr,
        )
        return 1
    token = await _links(services).make("invite", user.account_id, user.user_id)
    _print(args, services, f"/invite/{token}")
    return 0


def _links(services: "Services") -> "Links":
    from sesame.access.failed_sign_ins import FailedSignIns
    from sesame.access.password_rules import PasswordRules
    from sesame.console.links import Links

    return Links(
        services.store,
        PasswordRules(services.store, services.passwords),
        FailedSignIns(services.store, services.clock, services.log),
        services.acts,
        clock=services.clock,
        new_token=services.ids.token,
    )


def _print(args: argparse.Namespace, services: "Services", path: str) -> None:
    link = f"{_where(services)}{path}"
    if args.json:
        print_json({"link": link})
    else:
        print(link)


def _where(services: "Services") -> str:
    """How browsers reach the console: as the server beside us says, else as the settings do."""
    from sesame.app.foundation import endpoints_file

    settings = services.settings
    try:
        running = json.loads(endpoints_file(settings).read_text()).get("console")
    except (OSError, ValueError):
        running = None
    if running:
        return str(running)
    console = settings.console
    scheme = "https" if console.tls_certificate else "http"
    return console.public_url.rstrip("/") or f"{scheme}://{console.listen}:{console.port}"
