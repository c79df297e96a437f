"""`sesame console`: links that log in, and invitations."""

import argparse
import json
import sys
from typing import TYPE_CHECKING

from sesame.cli.common import Subparsers, add_store_options, print_json, with_services

if TYPE_CHECKING:
    from sesame.app.foundation import Services
    from sesame.console.logins import Logins


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    console = subparsers.add_parser("console", help="log in to the console").add_subparsers(
        required=True, metavar="VERB"
    )
    login = console.add_parser("login", help="print a link that logs in once, within 15 minutes")
    login.add_argument("--account", metavar="ID", help="as root of this account; without it as the operator")
    add_store_options(login)
    login.set_defaults(func=print_login)
    invite = console.add_parser(
        "invite", help="print a link by which a user sets a password, within 24 hours"
    )
    invite.add_argument("account", metavar="ACCOUNT", help="account id")
    invite.add_argument("user", metavar="USER", help="name of an IAM user")
    add_store_options(invite)
    invite.set_defaults(func=print_invite)


def print_login(args: argparse.Namespace) -> int:
    """Print a link to log in by."""

    async def run(services: "Services") -> int:
        account = args.account or ""
        if account:
            await services.operator.require_account(account)
        _print(args, services, f"/link/{await _logins(services).link('login', account, account)}")
        return 0

    return with_services(args, run)


def print_invite(args: argparse.Namespace) -> int:
    """Print a link to set a password by."""
    from sesame.store.iam import users

    async def run(services: "Services") -> int:
        user = await services.store.read(lambda tx: users.get_user(tx, args.account, args.user))
        if user is None:
            print(
                f"sesame: account {args.account} has no user `{args.user}`;"
                f" `sesame user create {args.account} {args.user}` makes one",
                file=sys.stderr,
            )
            return 1
        token = await _logins(services).link("invite", user.account_id, user.user_id)
        _print(args, services, f"/invite/{token}")
        return 0

    return with_services(args, run)


def _logins(services: "Services") -> "Logins":
    from sesame.access.directory import Directory
    from sesame.access.guesses import Guesses
    from sesame.console.logins import Logins

    return Logins(
        services.store,
        Directory(services.store, services.sealer),
        services.sealer,
        services.passwords,
        Guesses(services.clock),
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
