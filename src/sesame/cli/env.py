"""`sesame env`: all that a program needs to reach Sesame, to paste or to load."""

import argparse
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import sesame.aws
from sesame.cli.accounts import account_id
from sesame.cli.command import Subparsers, region_name, runs_on_store, settings_of, with_services
from sesame.cli.keys import say_made
from sesame.cli.output import print_json
from sesame.config import Settings

if TYPE_CHECKING:
    from sesame.app.foundation import Services

FORMATS = ("sh", "dotenv")
DEFINITIONS = Path(sesame.aws.__file__).with_name("definitions")
"""Where boto3 and the AWS CLI find the model of Sesame's own API."""
CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "SMTP_USER",
    "SMTP_PASSWORD",
)
OVERRIDES = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    *(f"AWS_ENDPOINT_URL_{service}" for service in ("SES", "SESV2", "IAM", "STS", "SNS")),
)
"""Variables that would win over what is printed."""
_SMTP = ("SMTP_HOST", "SMTP_PORT", "SMTP_USER", "SMTP_PASSWORD", "SMTP_CA_FILE")


def register(subparsers: Subparsers) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "env",
        help=("print the environment variables with which programs reach Sesame as an account or user"),
        description="Use the newest active access key, or create one if there is none, and print endpoint, region, "
        "credentials and SMTP credentials as environment variables that AWS SDKs read. "
        '`eval "$(sesame env ACCOUNT)"` sets them.',
    )
    command.add_argument("account", type=account_id)
    command.add_argument("user", nargs="?", help="IAM user (default: the account's root)")
    command.add_argument(
        "--region", type=region_name, default="us-east-1", help="region to use (default: us-east-1)"
    )
    command.add_argument("--key", metavar="ID", help="use this access key of the user or account")
    command.add_argument(
        "--format",
        choices=FORMATS,
        default="sh",
        help="print lines for a shell or for a .env file (default: sh)",
    )
    runs_on_store(command, env)


def env(args: argparse.Namespace) -> int:
    """Print the variables."""
    from sesame.aws.smtp_password import smtp_password

    settings = settings_of(args)
    where = endpoints(settings)

    async def run(services: "Services") -> int:
        chosen = args.key or await _newest_key(services, args.account, args.user)
        keys = await services.operator.access_key(args.account, args.user, access_key_id=chosen)
        if chosen is None:
            say_made(keys, args)
        variables = {
            "AWS_ENDPOINT_URL": where["api"],
            "AWS_REGION": args.region,
            "AWS_DEFAULT_REGION": args.region,
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
            "AWS_DATA_PATH": str(DEFINITIONS),
        }
        if "smtp" in where:
            host, _, port = where["smtp"].rpartition(":")
            variables |= {
                "SMTP_HOST": host.strip("[]"),
                "SMTP_PORT": port,
                "SMTP_USER": keys.access_key_id,
                "SMTP_PASSWORD": smtp_password(keys.secret_access_key, args.region),
            }
        if "ca" in where:
            variables["SMTP_CA_FILE"] = where["ca"]
        _print(variables, "json" if args.json else args.format)
        return 0

    return with_services(args, run)


async def _newest_key(services: "Services", account: str, user: str | None) -> str | None:
    active = [key for key in await services.access_keys.of(account, user) if key.is_active]
    return active[-1].access_key_id if active else None


def print_failure(argv: Sequence[str]) -> None:
    """What `eval` runs when the command failed: no former account's keys stay in force, and the line fails."""
    if not {"--json", "dotenv", "--format=dotenv"} & set(argv):
        print(f"unset {' '.join(CREDENTIALS)}; false")


def endpoints(settings: Settings) -> dict[str, str]:
    """Where the doors are: as the server says that runs on the data directory, else by the settings."""
    from sesame.app.foundation import endpoints as found

    return found(settings)


def _print(variables: dict[str, str], form: str) -> None:
    if form == "json":
        print_json(variables)
        return
    if form == "sh":
        stale = [name for name in (*OVERRIDES, *_SMTP) if name not in variables]
        print(f"unset {' '.join(stale)}")
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}" if form == "sh" else f"{name}={json.dumps(value)}")
