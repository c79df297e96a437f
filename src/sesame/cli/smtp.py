"""`sesame smtp credentials`: what a mail program is given to log in with."""

import argparse
from typing import TYPE_CHECKING

from sesame.cli.accounts import account_id
from sesame.cli.command import Subparsers, add_verbs, runs_on_store, settings_of, with_services
from sesame.cli.env import endpoints
from sesame.cli.keys import say_made
from sesame.cli.output import print_json
from sesame.config import REGION, Settings
from sesame.errors import ConfigError

if TYPE_CHECKING:
    from sesame.app.foundation import Services


def register(subparsers: Subparsers) -> None:
    """Add the command."""
    verbs = add_verbs(subparsers, "smtp", help="SMTP submission")
    command = verbs.add_parser(
        "credentials",
        help="create SMTP credentials",
        description=(
            "Create an access key, or use an existing one, and print the user name and the password "
            "that SES's algorithm derives from it for one region. The password of any key can also be"
            " computed from its secret."
        ),
    )
    command.add_argument("account", type=account_id)
    command.add_argument("user", nargs="?", help="IAM user (default: the account's root)")
    command.add_argument("--region", default="us-east-1", help="region of the password (default: us-east-1)")
    command.add_argument(
        "--key", metavar="ID", help="use this access key of the account instead of a new one"
    )
    command.add_argument(
        "--as",
        dest="bound",
        action="append",
        default=[],
        metavar="ARN",
        help=(
            "identity to use when a message names none; grants no permission (may be repeated; replaces those of "
            "--key, which stay when there is none)"
        ),
    )
    runs_on_store(command, credentials)


def credentials(args: argparse.Namespace) -> int:
    """Make and print them."""
    from sesame.access.identity_names import parse_identity_arn
    from sesame.aws.smtp_password import smtp_password

    if not REGION.fullmatch(args.region):
        raise ConfigError(f"--region: `{args.region}` is not a region; write it as `eu-west-1`")
    for arn in args.bound:
        parse_identity_arn(arn)
    settings = settings_of(args)

    async def run(services: "Services") -> int:
        keys = await services.operator.access_key(
            args.account, args.user, access_key_id=args.key, bound=tuple(args.bound) or None
        )
        if args.key is None:
            say_made(keys, args)
        details = {
            "host": settings.submission.hostname or settings.delivery.hostname,
            "ports": list(settings.submission.ports),
            "tls_ports": list(settings.submission.tls_ports),
            "region": args.region,
            "username": keys.access_key_id,
            "password": smtp_password(keys.secret_access_key, args.region),
        }
        ca = settings.data_dir / "tls" / "ca.pem"
        if not settings.submission.tls_certificate and ca.exists():
            details |= {"host": "localhost", "ca": str(ca.resolve())} | _ports_in_use(settings)
        if args.json:
            print_json(details)
            return 0
        for name, value in details.items():
            text = ", ".join(map(str, value)) if isinstance(value, list) else value
            print(f"{name:10} {text}")
        return 0

    return with_services(args, run)


def _ports_in_use(settings: Settings) -> dict[str, list[int]]:
    """Where a development server listens that is running: it takes any free port when its own are taken."""
    where = endpoints(settings)
    doors = {"ports": where.get("smtp"), "tls_ports": where.get("smtps")}
    return {name: [int(door.rpartition(":")[2])] for name, door in doors.items() if door is not None}
