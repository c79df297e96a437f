"""The `sesame` command: noun, verb, arguments.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 denied (policy commands), 78 bad configuration.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Mapping, Sequence

from sesame import __version__
from sesame.cli.terminal import guarded
from sesame.errors import ConfigError, SesameError

FAILED, BAD_CONFIGURATION, INTERRUPTED = 1, 78, 130
PRIVATE = 0o077
"""The umask: what a command writes is for its user alone."""


MODULES: Mapping[str, tuple[str, ...]] = {
    "serve": ("serve", "config"),
    "env": ("env",),
    "accounts": ("account", "user", "identity"),
    "keys": ("key",),
    "service": ("service",),
    "smtp": ("smtp",),
    "mail": ("mail",),
    "feedback": ("feedback",),
    "dns": ("dns",),
    "doctor": ("doctor",),
    "egress": ("egress",),
    "queue": ("queue",),
    "deliveries": ("deliveries",),
    "trace": ("trace", "decisions", "why"),
    "notifications": ("notifications", "events"),
    "webhook": ("webhook",),
    "suppression": ("suppression",),
    "links": ("links",),
    "policy": ("policy",),
    "grant": ("grant",),
    "report": ("report",),
    "kit": ("kit",),
    "console": ("console",),
    "log_ins": ("log-ins",),
    "audit": ("audit",),
    "backup": ("backup", "restore"),
}
"""The modules of this package and the nouns that each registers, in the order in which they are listed."""


def parser(noun: str | None = None) -> argparse.ArgumentParser:
    """The whole command line, or as much of it as a command needs that begins with `noun`: loading all takes long."""
    root = argparse.ArgumentParser(
        prog="sesame",
        description="A self-hosted email-sending service that speaks Amazon SES.",
        epilog="Start with `sesame serve`; it prints how to reach it.",
    )
    root.add_argument("--version", action="version", version=f"sesame {__version__}")
    subparsers = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    needed = [module for module, nouns in MODULES.items() if noun in nouns] or MODULES
    for module in needed:
        importlib.import_module(f"sesame.cli.{module}").register(subparsers)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    os.umask(PRIVATE)
    given = sys.argv[1:] if argv is None else list(argv)
    with guarded():
        try:
            code = _run(given)
        except SystemExit as stop:  # argparse has said what is wrong
            code = stop.code if isinstance(stop.code, int) else 0
        except BrokenPipeError:
            _silence()
            return FAILED
        except BaseException:  # a fault of ours must not leave a shell with another account's keys either
            _print_env_failure(given)
            raise
        if code != 0:
            _print_env_failure(given)
        return code


def _print_env_failure(argv: list[str]) -> None:
    if argv[:1] == ["env"]:
        from sesame.cli import env

        env.print_failure(argv)


def _run(argv: list[str]) -> int:
    try:
        args = parser(argv[0] if argv else None).parse_args(argv)
        code: int = args.func(args)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        return INTERRUPTED
    except (SesameError, OSError, ExceptionGroup) as error:
        expected = _expected(error)
        if expected is None:
            raise
        print(f"sesame: {_sentence(expected)}", file=sys.stderr)
        return BAD_CONFIGURATION if isinstance(expected, ConfigError) else FAILED


def _expected(error: Exception) -> SesameError | OSError | None:
    """The error to tell of: a setting's before others; None when one of a group is a fault of the program."""
    leaves: list[SesameError | OSError] = []
    waiting = [error]
    while waiting:
        match waiting.pop(0):
            case ExceptionGroup() as group:
                waiting.extend(group.exceptions)
            case (SesameError() | OSError()) as leaf:
                leaves.append(leaf)
            case _:
                return None
    return next((leaf for leaf in leaves if isinstance(leaf, ConfigError)), leaves[0])


def _sentence(error: SesameError | OSError) -> str:
    if isinstance(error, SesameError):
        return str(error)
    where = f"`{error.filename}`: " if isinstance(error.filename, str) else ""
    return f"{where}{error.strerror or error}"


def _silence() -> None:
    """Nobody reads any more: let the interpreter flush into nothing when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
