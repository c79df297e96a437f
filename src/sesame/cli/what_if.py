"""`sesame policy what-if`: replay recorded sends against a proposed policy. Exit 1 when answers change."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sesame.cli.command import Subparsers, runs_on_store, with_services
from sesame.cli.output import print_json, when
from sesame.cli.policy_files import read_identity_arn
from sesame.errors import ConfigError

if TYPE_CHECKING:
    from sesame.admin.what_if import Change
    from sesame.app.foundation import Services

DAY_S = 86_400.0
SHOWN = 20


def register(verbs: Subparsers) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "what-if",
        help="replay recorded sends against a proposed policy",
        description=(
            "Decide recorded sends as an identity again as if a policy had been stored or removed, "
            "and list those whose decision changes. Exit 1 when any does."
        ),
    )
    verb.add_argument("--identity", required=True, metavar="ARN")
    verb.add_argument(
        "--put", action="append", default=[], metavar="NAME=FILE", help="a policy to create or replace"
    )
    verb.add_argument("--remove", action="append", default=[], metavar="NAME", help="a policy to remove")
    verb.add_argument(
        "--as",
        dest="reader",
        choices=("owner", "sender", "operator"),
        default="owner",
        help=("whose view of the reasons to print; the operator sees both sides (default: owner)"),
    )
    verb.add_argument(
        "--days", type=float, default=14.0, metavar="N", help="how many days to look back (default: 14)"
    )
    runs_on_store(verb, run_what_if)


def run_what_if(args: argparse.Namespace) -> int:
    """Replay, and list what changes by delegate."""
    from sesame.admin.what_if import what_if
    from sesame.policy import PolicyError, parse_identity_policy
    from sesame.policy.reasons.cause import Reader

    arn = read_identity_arn(args.identity)
    proposed: dict[str, str | None] = dict.fromkeys(args.remove)
    for item in args.put:
        name, _, path = item.partition("=")
        try:
            proposed[name] = Path(path).read_text()
            parse_identity_policy(proposed[name] or "", identity_arn=str(arn))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"policy file `{path}` cannot be read: {error}") from None
        except PolicyError as error:
            raise ConfigError(f"policy file `{path}`: {error}") from None
    if not proposed:
        raise ConfigError("name an edit: --put NAME=FILE or --remove NAME")

    async def run(services: "Services") -> int:
        since = services.clock.now() - args.days * DAY_S
        replay = await what_if(
            services.store, arn, proposed=proposed, since=since, reader=Reader(args.reader)
        )
        if args.json:
            print_json(
                {
                    "asked": replay.asked,
                    "changes": [_change_json(change) for change in replay.changes],
                    **({"not_told": replay.not_told} if replay.not_told else {}),
                }
            )
        else:
            _print(replay.asked, list(replay.changes))
            if replay.not_told:
                print(f"{replay.not_told} hang on what is their senders' alone (tags, recipients): not told")
        return 1 if replay.changes else 0

    return with_services(args, run)


def _change_json(change: "Change") -> dict[str, Any]:
    return {
        "at": change.at,
        "account": change.account_id,
        "principal": change.principal,
        "action": change.action,
        "from": change.from_address,
        "before": change.before.value,
        "after": change.after.value,
        "sentence": change.sentence,
    }


def _print(asked: int, changes: "list[Change]") -> None:
    by_delegate: dict[tuple[str, str, str], list[Change]] = {}
    for change in changes:
        by_delegate.setdefault((change.principal, change.before.value, change.after.value), []).append(change)
    for (principal, before, after), group in by_delegate.items():
        print(f"{principal}: {len(group)} sends, {before} -> {after}")
        for change in group[:SHOWN]:
            print(
                f"    {when(change.at)}  {change.action} as {json.dumps(change.from_address)}: {change.sentence}"
            )
        if len(group) > SHOWN:
            print(f"    and {len(group) - SHOWN} more")
    print(f"{asked} recorded sends decided again, {len(changes)} would be decided differently")
