"""What the `sesame policy` verbs share: files that are read, exit codes, how answers are printed."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sesame.cli.command import Subparsers
from sesame.cli.terminal import painted
from sesame.errors import ConfigError, ServiceError
from sesame.policy import Policy, PolicyError, parse_stored_identity_policy
from sesame.policy.cases import CaseError
from sesame.policy.language.source import Json

if TYPE_CHECKING:
    from sesame.access.identity_names import IdentityArn

YES, FAILED, USAGE, DENIED = 0, 1, 2, 3
Named = list[tuple[str, Policy]]


class UsageError(Exception):
    """A file or argument that cannot be used."""


def guarded(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """A command whose unusable files and arguments end it with exit code 2."""

    def _run(args: argparse.Namespace) -> int:
        try:
            return run(args)
        except (UsageError, CaseError) as error:
            print(f"sesame policy: {error}", file=sys.stderr)
            return USAGE

    return _run


def add_verb(
    verbs: Subparsers, name: str, run: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    """Add a verb that works without a server; the first sentence of its description `text` is its summary."""
    summary = text.partition(".")[0]
    verb: argparse.ArgumentParser = verbs.add_parser(
        name, help=summary[:1].lower() + summary[1:], description=text
    )
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.set_defaults(func=guarded(run))
    return verb


def read_text(name: str) -> str:
    """A file, or standard input for `-`. Raises `UsageError`, and `PolicyError` for what is not UTF-8."""
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode("utf-8")
    except OSError as error:
        raise UsageError(f"`{name}` cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"`{name}` is not UTF-8 at byte {error.start}") from error


def read_json(name: str) -> Json:
    """The JSON in a file. Raises as `read_text` does, and `UsageError` for what is not JSON."""
    try:
        parsed: Json = json.loads(read_text(name))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"`{name}` is not JSON: {error}") from error
    return parsed


def load(names: Sequence[str], parse: Callable[[str], Policy]) -> Named:
    """The policies in files, each called by the name of its file. Raises `PolicyError`, which says in which one."""
    named: Named = []
    for name in names:
        try:
            named.append((name, parse(read_text(name))))
        except PolicyError as error:
            raise PolicyError(f"{name}: {error.message}") from error
    return named


def resource_of(text: str) -> str:
    """The identity that a policy names itself; "" when it does not name one."""
    try:
        resources = parse_stored_identity_policy(text).statements[:1]
    except PolicyError:
        return ""
    return resources[0].resources[0] if resources else ""


def read_identity_arn(text: str) -> "IdentityArn":
    """The ARN of an identity that a command line names. Raises `ConfigError`."""
    from sesame.access.identity_names import parse_identity_arn

    try:
        return parse_identity_arn(text)
    except ServiceError as error:
        raise ConfigError(error.message) from None


def checked_arn(arn: str) -> str:
    """What has the parts of an ARN, as it is. Raises `UsageError`."""
    if len(arn.split(":")) < 6:
        raise UsageError(f"`{arn}` is not the ARN of an identity: give one with --identity")
    return arn


def read_pairs(pairs: Sequence[str]) -> dict[str, str | tuple[str, ...]]:
    """Condition keys from `KEY=VALUE`; one that is repeated has several values. Raises `UsageError`."""
    collected: dict[str, list[str]] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"`{pair}` is not KEY=VALUE")
        collected.setdefault(key, []).append(value)
    return {key: values[0] if len(values) == 1 else tuple(values) for key, values in collected.items()}


def paint(colour: str, text: str) -> str:
    """Text in a colour where a terminal shows it and NO_COLOR is not set."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return painted(colour, text)
