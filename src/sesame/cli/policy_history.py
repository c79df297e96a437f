"""`sesame policy suggest`: the policies of an identity narrowed to what was done under them."""

import argparse
import time
from typing import TYPE_CHECKING, Any

from sesame.cli.command import Subparsers, runs_on_store, with_services
from sesame.cli.output import print_json
from sesame.cli.policy_files import FAILED, YES, guarded, paint, read_identity_arn

if TYPE_CHECKING:
    from sesame.admin.delegates.suggestion import Suggestion
    from sesame.app.foundation import Services

DAY_S = 86_400.0


def register(verbs: Subparsers) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "suggest",
        help="suggest the smallest policies that still allow what delegates have sent",
        description=(
            "Narrow the policies of an identity to what each delegate did under them, and list what "
            "that would no longer allow. Changes nothing. Exit 1 unless it is certain that the "
            "narrowed policies allow nothing new."
        ),
    )
    verb.add_argument("--identity", required=True, metavar="ARN")
    verb.add_argument(
        "--from-history",
        required=True,
        type=float,
        dest="days",
        metavar="DAYS",
        help="how many days to look back",
    )
    verb.add_argument(
        "--narrow",
        action="append",
        default=[],
        choices=("feedback", "version", "networks", "recipients"),
        help=(
            "also narrow this, if few values of it occur (may be repeated): the bounce address, the "
            "API version, the networks that requests came from, the recipient domains (of the owner's"
            " own mail only: a policy would reveal a delegate's)"
        ),
    )
    verb.add_argument(
        "--seconds", type=float, default=10.0, help="time limit of the comparison (default: 10)"
    )
    runs_on_store(verb, guarded(run_suggest))


def run_suggest(args: argparse.Namespace) -> int:
    """Print each policy that would change, and what is cut off."""
    from sesame.admin.delegates.suggestion import suggestion
    from sesame.policy.writing.narrowing import Narrow

    arn = read_identity_arn(args.identity)
    deadline = time.monotonic() + args.seconds

    async def run(services: "Services") -> int:
        found = await suggestion(
            services.store,
            arn,
            since=services.clock.now() - args.days * DAY_S,
            narrow=frozenset(map(Narrow, args.narrow)),
            is_late=lambda: time.monotonic() > deadline,
        )
        if args.json:
            print_json(_as_json(found))
        else:
            _print(found)
        return YES if found.is_narrower else FAILED

    return with_services(args, run)


def _as_json(found: "Suggestion") -> dict[str, Any]:
    return {
        "messages": found.messages,
        "gone": sorted(found.gone),
        "policies": [
            {"name": one.name, "document": one.document, "narrowed": one.is_whole} for one in found.policies
        ],
        "cuts": list(found.cuts),
        "lost": [{"who": who, "example": example} for who, example in found.lost],
        "narrower": found.is_narrower,
        "stillAllowed": found.still_allowed,
    }


def _print(found: "Suggestion") -> None:
    print(f"{found.messages} messages were sent under these policies in that time")
    for arn in sorted(found.gone):
        print(f"{paint('yellow', 'gone')} {arn}: its messages do not count")
    if not found.policies:
        print("Nothing can be narrowed: everything that is allowed was used.")
    for one in found.policies:
        print(f"\n{one.name}:" + (" remove it, nobody used it" if one.document is None else ""))
        if one.document is not None:
            print(one.document)
        if not one.is_whole:
            print("(a statement for each delegate would be longer than SES stores)")
    if found.cuts:
        print("\nWhat changes:")
    for line in found.cuts:
        print(f"  {line}")
    if found.lost:
        print("\nWho could send and no longer could, for example:")
    for who, example in found.lost:
        print(f"  {who}: {example}")
    if not found.is_narrower:
        print(paint("yellow", "unknown whether anybody gains anything by it; read it before you put it"))
    if not found.still_allowed:
        print(paint("red", "some of these messages would be refused: do not put it"))
