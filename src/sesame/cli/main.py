"""The `sesame` command: noun, verb, arguments.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 denied (policy commands), 78 bad configuration.
"""

import argparse
import sys
from collections.abc import Sequence

from sesame import __version__
from sesame.cli import accounts, dns, doctor, env, mail, policy, serve, service, smtp, trace
from sesame.errors import ConfigError, SesameError

BAD_CONFIGURATION = 78


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    root = argparse.ArgumentParser(
        prog="sesame",
        description="A self-hosted email-sending service that speaks Amazon SES.",
        epilog="Start with `sesame serve`; it prints how to reach it.",
    )
    root.add_argument("--version", action="version", version=f"sesame {__version__}")
    subparsers = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (serve, env, accounts, service, smtp, mail, dns, doctor, trace, policy):
        module.register(subparsers)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    args = parser().parse_args(argv)
    try:
        code: int = args.func(args)
        return code
    except ConfigError as error:
        print(f"sesame: {error}", file=sys.stderr)
        return BAD_CONFIGURATION
    except SesameError as error:
        print(f"sesame: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
