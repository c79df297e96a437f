"""`sesame policy`: check, explain, test, simulate, analyse and compare policies in plain files.

Works without a server. Exit codes: 0 yes or nothing wrong, 1 failed or not known, 2 wrong usage, 3 denied,
or more allowed than before. Each command says which apply.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sesame.cli import what_if
from sesame.cli.common import Subparsers
from sesame.cli.terminal import painted
from sesame.policy import Policy, PolicyError, parse_stored_iam_policy, parse_stored_identity_policy
from sesame.policy.analysis.questions import (
    Answer,
    Method,
    Permission,
    Verdict,
    can_send,
    compare,
    who_can_send,
)
from sesame.policy.cases import CaseError, collect_cases, read_requester, run_case
from sesame.policy.findings.catalogue import Finding, Severity
from sesame.policy.findings.check import check_iam_policy, check_identity_policy, check_trust_policy
from sesame.policy.language.source import Json
from sesame.policy.reasons.derivation import ConditionStep, ElementStep, Explanation
from sesame.policy.reasons.evaluator import explain
from sesame.policy.reasons.simulate import DECISIONS, Simulation, simulate
from sesame.policy.reasons.views import sender_view
from sesame.policy.request import Outcome, Request

YES, FAILED, USAGE, DENIED = 0, 1, 2, 3
Named = list[tuple[str, Policy]]
_MARKS = {True: ("green", "yes"), False: ("red", "no "), None: ("yellow", "?? ")}


class UsageError(Exception):
    """A file or argument that cannot be used."""


def register(subparsers: Subparsers) -> None:
    """Add `policy` and its verbs."""
    command = subparsers.add_parser("policy", help="check, explain, test and analyse policies")
    verbs = command.add_subparsers(title="verbs", metavar="VERB", required=True)
    _register_check(verbs)
    _register_explain(verbs)
    _register_test(verbs)
    _register_simulate(verbs)
    _register_who_can_send(verbs)
    _register_compare(verbs)
    what_if.register(verbs)


def _guarded(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """A command whose unusable files and arguments end it with exit code 2."""

    def guarded(args: argparse.Namespace) -> int:
        try:
            return run(args)
        except (UsageError, CaseError) as error:
            print(f"sesame policy: {error}", file=sys.stderr)
            return USAGE

    return guarded


def _add(
    verbs: Subparsers, name: str, run: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    summary = text.partition(".")[0]
    verb: argparse.ArgumentParser = verbs.add_parser(
        name, help=summary[:1].lower() + summary[1:], description=text
    )
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.set_defaults(func=_guarded(run))
    return verb


def _register_check(verbs: Subparsers) -> None:
    text = "Find what would be refused and what is probably not meant. Exit 1 on a warning or an error."
    verb = _add(verbs, "check", run_check, text)
    verb.add_argument("files", nargs="+", metavar="FILE", help="policy documents; - is standard input")
    verb.add_argument("--identity", metavar="ARN", help="the identity (default: the policy's Resource)")
    kind = verb.add_mutually_exclusive_group()
    kind.add_argument("--iam", action="store_true", help="the files are IAM policies")
    kind.add_argument("--trust", action="store_true", help="the files are trust policies of roles")
    verb.add_argument(
        "--now", type=float, metavar="SECONDS", help="Unix time that dates are held against (default: now)"
    )


def run_check(args: argparse.Namespace) -> int:
    """Print the findings of each file."""
    worst = YES
    now = time.time() if args.now is None else args.now
    reports: list[dict[str, object]] = []
    for name in args.files:
        text = _read(name)
        if args.iam:
            findings = check_iam_policy(text, now=now)
        elif args.trust:
            findings = check_trust_policy(text, now=now)
        else:
            findings = check_identity_policy(text, identity_arn=args.identity or _resource_of(text), now=now)
        if any(finding.severity is not Severity.NOTE for finding in findings):
            worst = FAILED
        reports += [{"file": name, **_finding_json(finding)} for finding in findings]
        if not args.json:
            for finding in findings:
                _print_finding(name, finding)
            if not findings:
                print(f"{name}: {_paint('green', 'nothing found')}")
    if args.json:
        _print_json(reports)
    return worst


def _finding_json(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code.value,
        "name": finding.code.name.lower().replace("_", "-"),
        "severity": finding.severity.value,
        "line": finding.line,
        "column": finding.column,
        "path": finding.path,
        "message": finding.message,
    }


def _print_finding(name: str, finding: Finding) -> None:
    colours = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "blue"}
    severity = _paint(colours[finding.severity], finding.severity.value)
    print(f"{name}:{finding.line}:{finding.column}: {severity} {finding.code.value}: {finding.message}")


def _add_request_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--iam", action="append", default=[], metavar="FILE", help="an IAM policy of the caller"
    )
    verb.add_argument(
        "--policy", action="append", default=[], metavar="FILE", help="a policy of the identity"
    )
    verb.add_argument(
        "--context", action="append", default=[], metavar="KEY=VALUE", help="repeat a key for a list"
    )


def _register_explain(verbs: Subparsers) -> None:
    text = "Say why a request is allowed or denied. Exit 3 when it is denied."
    verb = _add(verbs, "explain", run_explain, text)
    _add_request_options(verb)
    verb.add_argument(
        "--principal", required=True, metavar="ARN", help="user, role, session, account or service"
    )
    verb.add_argument("--action", default="ses:SendRawEmail")
    verb.add_argument("--resource", required=True, metavar="ARN")
    verb.add_argument(
        "--resource-account", metavar="ID", help="owner of the resource (default: as in its ARN)"
    )
    verb.add_argument(
        "--view", choices=("owner", "sender"), default="owner", help="how much of the policies to show"
    )


def run_explain(args: argparse.Namespace) -> int:
    """Print the derivation of one decision."""
    requester = read_requester(args.principal)
    request = Request(
        requester=requester,
        action=args.action,
        resource=args.resource,
        resource_account=args.resource_account
        or (args.resource.split(":") + [""] * 5)[4]
        or requester.account_id,
        context=_context(args.context),
    )
    explanation = explain(
        request,
        iam=_load(args.iam, parse_stored_iam_policy),
        identity=_load(args.policy, parse_stored_identity_policy),
    )
    code = YES if explanation.outcome is Outcome.ALLOW else DENIED
    if args.view == "sender":
        view = sender_view(explanation)
        mattered = {key: list(values) for key, values in view.mattered}
        if args.json:
            _print_json({"outcome": view.outcome.value, "sentence": view.sentence, "mattered": mattered})
        else:
            print(view.sentence)
    elif args.json:
        _print_json(_explanation_json(explanation))
    else:
        _print_explanation(explanation)
    return code


def _explanation_json(explanation: Explanation) -> dict[str, object]:
    return {
        "outcome": explanation.outcome.value,
        "sentence": explanation.sentence,
        "statements": [
            {
                "policy": step.ref.policy,
                "kind": step.ref.kind,
                "index": step.ref.index,
                "sid": step.ref.sid,
                "effect": step.effect.value,
                "matched": step.matched,
                "deciding": step.ref in explanation.deciding,
                "steps": [_step_json(item) for item in step.steps],
            }
            for step in explanation.statements
        ],
    }


def _test_name(step: ElementStep | ConditionStep) -> str:
    return step.element if isinstance(step, ElementStep) else f"{step.operator} {step.key}"


def _step_json(step: ElementStep | ConditionStep) -> dict[str, object]:
    return {
        "test": _test_name(step),
        "wanted": list(step.wanted),
        "seen": list(step.seen) if isinstance(step.seen, tuple) else step.seen,
        "answer": step.answer,
        "note": step.note,
    }


def _print_explanation(explanation: Explanation) -> None:
    colour = "green" if explanation.outcome is Outcome.ALLOW else "red"
    print(_paint(colour, explanation.sentence))
    for step in explanation.statements:
        sid = step.ref.sid or f"statement {step.ref.index + 1}"
        matched = "matches" if step.matched else "does not match"
        print(f"\n{step.ref.policy} ({step.ref.kind}), {sid}: {step.effect.value}, {matched}")
        for item in step.steps:
            mark = _paint(*_MARKS[item.answer])
            seen = item.seen if item.seen is not None else "(absent)"
            shown = ", ".join(seen) if isinstance(seen, tuple) else seen
            note = f" ({item.note})" if item.note else ""
            print(f"  {mark} {_test_name(item)} {', '.join(item.wanted)} <- {shown}{note}")


def _register_test(verbs: Subparsers) -> None:
    text = "Run unit tests for policies. Exit 1 when a case that counts fails."
    verb = _add(verbs, "test", run_test, text)
    verb.add_argument("files", nargs="+", metavar="CASES", help="JSON files of cases")


def run_test(args: argparse.Namespace) -> int:
    """Run the cases of each file; print what differs, or with --json one result a line."""
    passed = failed = uncounted = 0
    for name in args.files:
        for number, case in enumerate(collect_cases(_parse_json(name))):
            result = run_case(case, number=number)
            passed += result.passed
            failed += result.counts and not result.passed
            uncounted += not result.counts and not result.passed
            if args.json:
                record = {
                    "file": name,
                    "id": result.id,
                    "form": result.form,
                    "passed": result.passed,
                    "counts": result.counts,
                    "expected": result.expected,
                    "actual": result.actual,
                    "sentence": result.sentence,
                }
                print(json.dumps(record, ensure_ascii=False))
            elif not result.passed:
                kind = _paint("red", "FAILED") if result.counts else _paint("yellow", "differs")
                print(f"{name} {result.id}: {kind}: expected {result.expected}, got {result.actual}")
                print(f"  {result.sentence}")
    if not args.json:
        print(f"{passed} passed, {failed} failed" + (f", {uncounted} uncertain differ" if uncounted else ""))
    return FAILED if failed else YES


def _register_simulate(verbs: Subparsers) -> None:
    text = "Evaluate actions on resources as IAM's simulator does. Exit 3 when one of them is denied."
    verb = _add(verbs, "simulate", run_simulate, text)
    _add_request_options(verb)
    verb.add_argument("--caller", required=True, metavar="ARN")
    verb.add_argument("--action", action="append", required=True)
    verb.add_argument("--resource", action="append", metavar="ARN", help="default: *")
    verb.add_argument("--resource-owner", metavar="ID")


def run_simulate(args: argparse.Namespace) -> int:
    """Print one result an action and resource."""
    results = simulate(
        read_requester(args.caller),
        actions=args.action,
        resources=args.resource or ["*"],
        iam=_load(args.iam, parse_stored_iam_policy),
        identity=_load(args.policy, parse_stored_identity_policy),
        context=_context(args.context),
        resource_account=args.resource_owner,
    )
    if args.json:
        _print_json([_simulation_json(result) for result in results])
    else:
        for result in results:
            colour = "green" if result.outcome is Outcome.ALLOW else "red"
            print(f"{_paint(colour, DECISIONS[result.outcome])} {result.action} {result.resource}")
            print(f"  {result.sentence}")
            if result.missing_context:
                print(f"  not given: {', '.join(result.missing_context)}")
    return YES if all(result.outcome is Outcome.ALLOW for result in results) else DENIED


def _simulation_json(result: Simulation) -> dict[str, object]:
    return {
        "EvalActionName": result.action,
        "EvalResourceName": result.resource,
        "EvalDecision": DECISIONS[result.outcome],
        "MatchedStatements": [
            {
                "SourcePolicyId": matched.ref.policy,
                "StartPosition": {"Line": matched.start[0], "Column": matched.start[1]},
                "EndPosition": {"Line": matched.end[0], "Column": matched.end[1]},
            }
            for matched in result.matched
        ],
        "MissingContextValues": list(result.missing_context),
    }


def _add_limits(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--identity", metavar="ARN", help="the identity (default: the policy's Resource)")
    verb.add_argument("--from", dest="from_address", metavar="PATTERN", help="From address")
    verb.add_argument("--to", metavar="PATTERN", help="every recipient")
    verb.add_argument("--at", metavar="DATE", help="time of sending")
    verb.add_argument("--source-ip", metavar="CIDR", help="address of the client")


def _limits(args: argparse.Namespace) -> dict[str, list[str]]:
    given = {
        "ses:FromAddress": args.from_address,
        "ses:Recipients": args.to,
        "aws:CurrentTime": args.at,
        "aws:SourceIp": args.source_ip,
    }
    return {key: [pattern] for key, pattern in given.items() if pattern is not None}


def _register_who_can_send(verbs: Subparsers) -> None:
    text = "List who can send, each with a request that shows it. Exit 1 when something is not known."
    verb = _add(verbs, "who-can-send", run_who_can_send, text)
    verb.add_argument("files", nargs="+", metavar="FILE", help="all policies of the identity")
    verb.add_argument("--principal", metavar="ARN", help="list what this one can send instead")
    _add_limits(verb)


def run_who_can_send(args: argparse.Namespace) -> int:
    """Print every principal that the policies tell apart, with its answer."""
    named = _load(args.files, parse_stored_identity_policy)
    identity = args.identity or _resource_of(named[0][1].text)
    if args.principal is not None:
        return _print_permissions(args, named, _checked_arn(identity))
    answers = who_can_send(named, identity_arn=_checked_arn(identity), limits=_limits(args))
    if args.json:
        _print_json([_answer_json(answer) for answer in answers])
    else:
        for answer in answers:
            _print_answer(answer, str(answer.verdict.value))
    return FAILED if any(answer.verdict is Verdict.UNKNOWN for answer in answers) else YES


def _print_permissions(args: argparse.Namespace, named: Named, identity: str) -> int:
    """Print what one principal can send."""
    requester = read_requester(args.principal)
    permissions = can_send(requester, named, identity_arn=identity, limits=_limits(args))
    if args.json:
        _print_json([_permission_json(permission) for permission in permissions])
    for permission in () if args.json else permissions:
        name, index = permission.statement
        print(f"{name} statement {index + 1}: {' and '.join(permission.when) or 'anything'}")
        for unless in permission.unless:
            print(f"  unless {' and '.join(unless) or 'always'}")
        if permission.witness is None:
            print(f"  {_paint('yellow', 'unknown')}: {permission.reason}")
        else:
            print(f"  such as from {permission.witness.context.get('ses:FromAddress', '-')}")
    if not permissions and not args.json:
        print(f"{args.principal} can send nothing")
    return FAILED if any(permission.witness is None for permission in permissions) else YES


def _permission_json(permission: Permission) -> dict[str, object]:
    name, index = permission.statement
    return {
        "policy": name,
        "statement": index,
        "when": list(permission.when),
        "unless": [list(unless) for unless in permission.unless],
        "method": permission.method.value,
        "witness": None if permission.witness is None else _witness_json(permission.witness),
        "reason": permission.reason,
    }


def _register_compare(verbs: Subparsers) -> None:
    text = (
        "Show what an edit lets in and shuts out. Exit 0 when the new policy allows nothing new, 3 when it "
        "does, 1 when that is not known."
    )
    verb = _add(verbs, "compare", run_compare, text)
    verb.add_argument("old", metavar="OLD", help="policy before")
    verb.add_argument("new", metavar="NEW", help="policy after")
    _add_limits(verb)


def run_compare(args: argparse.Namespace) -> int:
    """Print the principals that gain or lose something, each with a request that shows it."""
    old = _load([args.old], parse_stored_identity_policy)
    new = _load([args.new], parse_stored_identity_policy)
    identity = _checked_arn(args.identity or _resource_of(new[0][1].text))
    comparison = compare(old, new, identity_arn=identity, limits=_limits(args))
    if args.json:
        _print_json(
            {
                "gained": [_answer_json(answer) for answer in comparison.gained],
                "lost": [_answer_json(answer) for answer in comparison.lost],
            }
        )
    else:
        for answer in comparison.gained:
            _print_answer(answer, "gains")
        for answer in comparison.lost:
            _print_answer(answer, "loses")
        if comparison.verdict is Verdict.NO:
            print(_paint("green", "both allow the same"))
    verdicts = {answer.verdict for answer in comparison.gained}
    if Verdict.YES in verdicts:
        return DENIED
    return FAILED if verdicts else YES


def _answer_json(answer: Answer) -> dict[str, object]:
    record: dict[str, object] = {
        "who": answer.who,
        "verdict": answer.verdict.value,
        "method": answer.method.value,
    }
    if answer.witness is not None and answer.statement is not None:
        record["witness"] = _witness_json(answer.witness)
        record["policy"], record["statement"] = answer.statement
    if answer.reason:
        record["reason"] = answer.reason
    return record


def _witness_json(witness: Request) -> dict[str, object]:
    context = {key: list(v) if isinstance(v, tuple) else v for key, v in witness.context.items()}
    return {
        "principal": witness.requester.arn,
        "action": witness.action,
        "resource": witness.resource,
        "context": context,
    }


def _print_answer(answer: Answer, word: str) -> None:
    if answer.verdict is Verdict.UNKNOWN:
        print(f"{_paint('yellow', 'unknown')} {answer.who}: {answer.reason}")
        return
    by_solver = " (found by the solver)" if answer.method is Method.PROVER else ""
    print(f"{_paint('green' if word in ('no', 'loses') else 'red', word)} {answer.who}{by_solver}")
    if answer.witness is not None and answer.statement is not None:
        context = answer.witness.context
        from_address, to = context.get("ses:FromAddress", "-"), context.get("ses:Recipients", "-")
        recipients = to if isinstance(to, str) else ", ".join(to)
        name, index = answer.statement
        print(
            f"  {answer.witness.action} from {from_address} to {recipients}, by {name} statement {index + 1}"
        )


def _read(name: str) -> str:
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode("utf-8")
    except OSError as error:
        raise UsageError(f"`{name}` cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"`{name}` is not UTF-8 at byte {error.start}") from error


def _parse_json(name: str) -> Json:
    try:
        parsed: Json = json.loads(_read(name))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"`{name}` is not JSON: {error}") from error
    return parsed


def _load(names: Sequence[str], parse: Callable[[str], Policy]) -> Named:
    named: Named = []
    for name in names:
        try:
            named.append((name, parse(_read(name))))
        except PolicyError as error:
            raise PolicyError(f"{name}: {error.message}") from error
    return named


def _resource_of(text: str) -> str:
    """The identity that a policy names itself; "" when it does not name one."""
    try:
        resources = parse_stored_identity_policy(text).statements[:1]
    except PolicyError:
        return ""
    return resources[0].resources[0] if resources else ""


def _checked_arn(arn: str) -> str:
    if len(arn.split(":")) < 6:
        raise UsageError(f"`{arn}` names no identity: give its ARN with --identity")
    return arn


def _context(pairs: Sequence[str]) -> dict[str, str | tuple[str, ...]]:
    collected: dict[str, list[str]] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"`{pair}` is not KEY=VALUE")
        collected.setdefault(key, []).append(value)
    return {key: values[0] if len(values) == 1 else tuple(values) for key, values in collected.items()}


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _paint(colour: str, text: str) -> str:
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return painted(colour, text)
