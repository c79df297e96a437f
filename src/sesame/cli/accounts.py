"""`sesame account`, `user` and `identity`: what the operator does beside AWS's API."""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from sesame.cli import reputation
from sesame.cli.command import (
    Subparsers,
    add_verbs,
    region_name,
    runs_on_store,
    runs_with_services,
    with_services,
)
from sesame.cli.output import done, print_access_key, print_json, print_list, when
from sesame.errors import ConfigError, ServiceError

if TYPE_CHECKING:
    from sesame.admin.accounts import Keys
    from sesame.app.foundation import Services
    from sesame.store.accounts import Account


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    _register_account(subparsers.add_parser("account", help="accounts and their limits"))
    _register_user(subparsers.add_parser("user", help="IAM users of an account"))
    identity = add_verbs(subparsers, "identity", help="identities")
    vouch = identity.add_parser(
        "vouch", help="mark an identity as verified without DNS records or a verification email"
    )
    vouch.add_argument("account", type=account_id)
    vouch.add_argument("identity", help="domain or address")
    vouch.add_argument("--region", type=region_name, required=True)
    runs_on_store(vouch, vouch_identity)


def _register_account(command: argparse.ArgumentParser) -> None:
    verbs = command.add_subparsers(required=True, metavar="VERB")
    create = verbs.add_parser("create", help="create an account and an access key for its root")
    create.add_argument("--name", default="", help="name shown in lists")
    create.add_argument("--production", action="store_true", help="create it outside the sandbox")
    runs_with_services(create, create_account, create=True)
    show = verbs.add_parser("list", help="list the accounts")
    runs_with_services(show, list_accounts)
    quota = verbs.add_parser("set-quota", help="set an account's sending quota")
    quota.add_argument("account", type=account_id)
    quota.add_argument(
        "--max-24-hour-send",
        "--max-24h",
        type=_limit,
        metavar="N",
        help="recipients in any 24 hours; -1 for no limit",
    )
    quota.add_argument("--max-send-rate", "--rate", type=_rate, metavar="R", help="recipients per second")
    quota.add_argument("--region", type=region_name, help="set it in this region only")
    runs_on_store(quota, set_quota)
    leave = verbs.add_parser("leave-sandbox", help="move an account out of the sandbox (production access)")
    leave.add_argument("account", type=account_id)
    leave.add_argument("--reason", default="", help="shown to the account if it requested production access")
    runs_with_services(leave, leave_sandbox)
    refuse = verbs.add_parser("refuse-production", help="refuse an account's request for production access")
    refuse.add_argument("account", type=account_id)
    refuse.add_argument(
        "--reason", required=True, help="shown to the account, which may request access again"
    )
    runs_with_services(refuse, refuse_production)
    reputation.register(verbs, account_id)


def _register_user(command: argparse.ArgumentParser) -> None:
    verbs = command.add_subparsers(required=True, metavar="VERB")
    create = verbs.add_parser("create", help="create a user with an access key")
    create.add_argument("account", type=account_id)
    create.add_argument("name", type=user_name)
    create.add_argument(
        "--policy", metavar="FILE", help="inline IAM policy; without one the user has no permissions"
    )
    runs_on_store(create, create_user)
    show = verbs.add_parser("list", help="list an account's users")
    show.add_argument("account", type=account_id)
    runs_with_services(show, list_users)
    delete = verbs.add_parser("delete", help="delete a user with its keys and policies")
    delete.add_argument("account", type=account_id)
    delete.add_argument("name")
    runs_with_services(delete, delete_user)


async def create_account(services: "Services", args: argparse.Namespace) -> int:
    """Make an account; its secret is shown this once."""
    keys = await services.operator.create_account(args.name, production=args.production)
    return print_keys(keys, args)


async def list_accounts(services: "Services", args: argparse.Namespace) -> int:
    """Show the accounts."""
    asking = await services.operator.asking_for_production()

    def as_json(account: "Account") -> dict[str, object]:
        asks = asking.get(account.account_id)
        return {
            "account_id": account.account_id,
            "name": account.name,
            "production": account.production,
            "max_24_hour_send": account.max_24_hour_send,
            "max_send_rate": account.max_send_rate,
            "created_at": account.created_at,
            "asks_for_production": None if asks is None else dict(asks.details),
        }

    return print_list(
        args,
        await services.operator.list_accounts(),
        as_json=as_json,
        headings=("ACCOUNT", "NAME", "SENDS TO", "24 HOURS", "PER SECOND", "CREATED"),
        row=lambda account: (
            account.account_id,
            account.name,
            _sends_to(account, asks=account.account_id in asking),
            f"{account.max_24_hour_send:.12g}",
            f"{account.max_send_rate:.12g}",
            when(account.created_at),
        ),
    )


def _sends_to(account: "Account", *, asks: bool) -> str:
    if account.production:
        return "everybody"
    return "sandbox, asks for production" if asks else "sandbox"


def set_quota(args: argparse.Namespace) -> int:
    """Set limits."""
    if args.max_24_hour_send is None and args.max_send_rate is None:
        raise ConfigError("name a limit: --max-24-hour-send, --max-send-rate or both")

    async def run(services: "Services") -> int:
        await services.operator.set_quota(
            args.account,
            args.region,
            max_24_hour_send=args.max_24_hour_send,
            max_send_rate=args.max_send_rate,
        )
        return done(args, f"quota of account {args.account} is set")

    return with_services(args, run)


async def leave_sandbox(services: "Services", args: argparse.Namespace) -> int:
    """Give production access."""
    if await services.operator.leave_sandbox(args.account, reason=args.reason):
        return done(args, f"account {args.account} is out of the sandbox")
    return done(args, f"account {args.account} was out of the sandbox already; nothing has changed")


async def refuse_production(services: "Services", args: argparse.Namespace) -> int:
    """Answer no to a request for production access."""
    await services.operator.refuse_production(args.account, reason=args.reason)
    return done(args, f"account {args.account} stays in the sandbox; it can read the reason")


def create_user(args: argparse.Namespace) -> int:
    """Make a user; its secret is shown this once."""
    policy = None if args.policy is None else _policy(args.policy)

    async def run(services: "Services") -> int:
        keys = await services.operator.create_user(args.account, args.name, policy=policy)
        return print_keys(keys, args)

    return with_services(args, run)


async def list_users(services: "Services", args: argparse.Namespace) -> int:
    """Show an account's users."""
    return print_list(
        args,
        await services.operator.list_users(args.account),
        as_json=lambda user: {
            "user_name": user.user_name,
            "arn": user.arn,
            "user_id": user.user_id,
            "permissions_boundary": user.permissions_boundary or None,
        },
        headings=("USER", "ARN", "ID", "BOUNDARY"),
        row=lambda user: (user.user_name, user.arn, user.user_id, user.permissions_boundary or "-"),
    )


async def delete_user(services: "Services", args: argparse.Namespace) -> int:
    """Remove a user."""
    await services.operator.delete_user(args.account, args.name)
    return done(args, f"user {args.name} of account {args.account} is deleted")


def vouch_identity(args: argparse.Namespace) -> int:
    """Verify an identity on the operator's word."""
    from sesame.access.identity_names import identity_kind
    from sesame.admin.accounts import OperatorError
    from sesame.identities.names import identity_name

    try:
        name = identity_name(args.identity)
    except ServiceError as error:
        raise OperatorError(error.message) from None

    async def run(services: "Services") -> int:
        await services.operator.require_account(args.account)
        identity = await services.verification.vouch(args.account, args.region, name, identity_kind(name))
        arn = f"arn:aws:ses:{args.region}:{args.account}:identity/{name}"
        if args.json:
            print_json(
                {
                    "identity": name,
                    "arn": arn,
                    "verification": identity.verification.value,
                    "dkim": identity.dkim_status.value,
                }
            )
        else:
            print(f"{arn} is verified")
        return 0

    return with_services(args, run)


def print_keys(keys: "Keys", args: argparse.Namespace) -> int:
    """Print a fresh key of an account and its secret. The exit status."""
    return print_access_key(args, keys, of="account_id", owner=keys.account_id)


def _policy(path: str) -> str:
    from sesame.policy import PolicyError, parse_iam_policy

    try:
        text = Path(path).read_text()
        parse_iam_policy(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"policy file `{path}` cannot be read: {error}") from None
    except PolicyError as error:
        raise ConfigError(f"policy file `{path}`: {error}") from None
    return text


def account_id(text: str) -> str:
    """An account id from the command line."""
    if not re.fullmatch(r"[0-9]{12}", text):
        raise argparse.ArgumentTypeError(f"`{text}` is not an account id: 12 digits")
    return text


def user_name(text: str) -> str:
    """The name of a new IAM user from the command line (IAM's userNameType)."""
    if not re.fullmatch(r"[A-Za-z0-9_+=,.@-]{1,64}", text):
        raise argparse.ArgumentTypeError(
            f"`{text}` is not a user name: 1 to 64 letters, digits and `+=,.@_-`"
        )
    return text


def _limit(text: str) -> float:
    if not re.fullmatch(r"-1|[0-9]{1,15}", text):
        raise argparse.ArgumentTypeError(f"`{text}` is not a number of recipients, or -1 for unlimited")
    return float(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate < 1e9:
        raise argparse.ArgumentTypeError(f"`{text}` is not a number of recipients per second")
    return rate
