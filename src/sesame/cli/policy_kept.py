"""`sesame policy put`, `remove` and `tests`: policies of an identity on the server, and the cases kept beside them."""

import argparse
from typing import TYPE_CHECKING

from sesame.cli.command import ServicesCommand, Subparsers, opened, runs_on_store
from sesame.cli.output import print_json
from sesame.cli.policy_files import FAILED, YES, guarded, paint, read_identity_arn, read_json, read_text
from sesame.errors import ConfigError
from sesame.policy.language.source import PolicyError

if TYPE_CHECKING:
    from sesame.app.foundation import Services
    from sesame.identities.policy_tests import CaseState
    from sesame.policy.analysis.expectations import Broken


def register(verbs: Subparsers) -> None:
    """Add the verbs."""
    put = verbs.add_parser(
        "put",
        help="store a policy of an identity",
        description=(
            "Create or replace a policy of an identity. Refused when it breaks one of the identity's "
            "test cases, unless --force is given, which is recorded in the audit log."
        ),
    )
    _add_identity(put)
    put.add_argument("name", metavar="NAME")
    put.add_argument("file", metavar="FILE", help="the policy document; - for standard input")
    _add_force(put, run_put)
    remove = verbs.add_parser("remove", help="remove a policy of an identity, if its test cases still hold")
    _add_identity(remove)
    remove.add_argument("name", metavar="NAME")
    _add_force(remove, run_remove)
    _register_tests(verbs)


def _add_identity(command: argparse.ArgumentParser) -> None:
    command.add_argument("identity", metavar="IDENTITY", help="the identity's ARN")


def _add_force(command: argparse.ArgumentParser, run: ServicesCommand) -> None:
    command.add_argument(
        "--force", action="store_true", help="do it even if a test case breaks; the audit log records which"
    )
    runs_on_store(command, guarded(opened(run)))


def _register_tests(verbs: Subparsers) -> None:
    tests = verbs.add_parser("tests", help="test cases that every change to an identity's policies must pass")
    inner = tests.add_subparsers(title="verbs", metavar="VERB", required=True)
    put = inner.add_parser(
        "put",
        help="store test cases with an identity's policies",
        description=(
            "Store the test cases of a JSON file with an identity's policies, replacing those of the "
            "same names, and run them. From then on every interface refuses a policy change that "
            "breaks a case that held before."
        ),
    )
    _add_identity(put)
    put.add_argument("file", metavar="CASES", help="a JSON list of test cases; - for standard input")
    listed = inner.add_parser("list", help="list an identity's test cases")
    _add_identity(listed)
    remove = inner.add_parser("remove", help="remove a test case")
    _add_identity(remove)
    remove.add_argument("name", metavar="NAME")
    run = inner.add_parser("run", help="run an identity's test cases; exit 1 when one fails")
    _add_identity(run)
    for command, function in (
        (put, run_tests_put),
        (listed, run_tests_list),
        (remove, run_tests_remove),
        (run, run_tests_run),
    ):
        runs_on_store(command, guarded(opened(function)))


async def run_put(services: "Services", args: argparse.Namespace) -> int:
    """Store a policy."""
    document = read_text(args.file)
    try:
        broken = await services.policy_acts.put(
            read_identity_arn(args.identity), args.name, document, force=args.force
        )
    except PolicyError as error:
        raise PolicyError(error.in_full) from None
    return _say_forced(args, broken)


async def run_remove(services: "Services", args: argparse.Namespace) -> int:
    """Remove a policy."""
    broken = await services.policy_acts.remove(read_identity_arn(args.identity), args.name, force=args.force)
    return _say_forced(args, broken)


def _say_forced(args: argparse.Namespace, broken: "tuple[Broken, ...]") -> int:
    if args.json:
        print_json({"broken": [{"name": one.name, "why": one.why} for one in broken]})
    for one in () if args.json else broken:
        print(f"{paint('yellow', 'broken')} {one.name}: {one.why}")
    return YES


async def run_tests_put(services: "Services", args: argparse.Namespace) -> int:
    """Keep cases, and say which of all hold."""
    from sesame.policy.analysis.expectations import ExpectationError, read_expectation

    written = read_json(args.file)
    try:
        cases = [read_expectation(one) for one in (written if isinstance(written, list) else [written])]
    except ExpectationError as error:
        raise ConfigError(f"{args.file}: {error}") from None
    if len({case.name for case in cases}) < len(cases):
        raise ConfigError(f"{args.file}: two cases have the same name")
    await services.policy_acts.put_cases(read_identity_arn(args.identity), cases)
    return _print_states(args, await services.policy_acts.run_cases(read_identity_arn(args.identity)))


async def run_tests_list(services: "Services", args: argparse.Namespace) -> int:
    """Print the cases as JSON, to keep in a file and put again."""
    from sesame.policy.analysis.expectations import written

    print_json(
        [written(one.case) for one in await services.policy_acts.run_cases(read_identity_arn(args.identity))]
    )
    return YES


async def run_tests_remove(services: "Services", args: argparse.Namespace) -> int:
    """Remove a case."""
    await services.policy_acts.remove_case(read_identity_arn(args.identity), args.name)
    return YES


async def run_tests_run(services: "Services", args: argparse.Namespace) -> int:
    """Run the cases."""
    return _print_states(args, await services.policy_acts.run_cases(read_identity_arn(args.identity)))


def _print_states(args: argparse.Namespace, states: "list[CaseState]") -> int:
    if args.json:
        print_json(
            [
                {
                    "name": one.case.name,
                    "holds": one.broken is None,
                    "why": None if one.broken is None else one.broken.why,
                }
                for one in states
            ]
        )
    for one in () if args.json else states:
        mark = paint("green", "holds") if one.broken is None else paint("red", "fails")
        print(f"{mark} {one.case.name}" + ("" if one.broken is None else f": {one.broken.why}"))
    return FAILED if any(one.broken is not None for one in states) else YES
