"""`sesame policy`: check, explain, test and simulate policies in plain files.

What is analysed is `policy_analysis`'s, what is written `policy_writing`'s.

Works without a server. Exit codes: 0 yes or nothing wrong, 1 failed or not known, 2 wrong usage, 3 denied,
or more allowed than before. Each command says which apply.
"""

import argparse
import json
import time

from sesame.cli import policy_analysis, policy_history, policy_kept, policy_writing, what_if
from sesame.cli.command import Subparsers
from sesame.cli.output import print_json
from sesame.cli.policy_files import (
    DENIED,
    FAILED,
    YES,
    add_verb,
    load,
    paint,
    read_json,
    read_pairs,
    read_text,
    resource_of,
)
from sesame.policy import Policy, parse_stored_iam_policy, parse_stored_identity_policy
from sesame.policy.analysis.principals import with_path
from sesame.policy.cases import collect_cases, read_requester, run_case
from sesame.policy.findings.catalogue import Finding, Severity
from sesame.policy.findings.check import check_iam_policy, check_identity_policy, check_trust_policy
from sesame.policy.reasons.derivation import ConditionStep, ElementStep, Explanation
from sesame.policy.reasons.evaluator import explain
from sesame.policy.reasons.simulate import DECISIONS, Simulation, simulate
from sesame.policy.reasons.views import sender_view
from sesame.policy.request import Outcome, Request

_MARKS = {True: ("green", "yes"), False: ("red", "no "), None: ("yellow", "?? ")}


def register(subparsers: Subparsers) -> None:
    """Add `policy` and its verbs."""
    command = subparsers.add_parser("policy", help="write, check, explain, test and analyse policies")
    verbs = command.add_subparsers(title="verbs", metavar="VERB", required=True)
    _register_check(verbs)
    _register_explain(verbs)
    _register_test(verbs)
    _register_simulate(verbs)
    policy_writing.register(verbs)
    policy_analysis.register(verbs)
    what_if.register(verbs)
    policy_kept.register(verbs)
    policy_history.register(verbs)


def _register_check(verbs: Subparsers) -> None:
    text = (
        "Check policies for what would be refused and for probable mistakes. Exit 1 on a warning or an error."
    )
    verb = add_verb(verbs, "check", run_check, text)
    verb.add_argument("files", nargs="+", metavar="FILE", help="policy documents; - for standard input")
    verb.add_argument("--identity", metavar="ARN", help="the identity's ARN (default: the policy's Resource)")
    kind = verb.add_mutually_exclusive_group()
    kind.add_argument("--iam", action="store_true", help="the files are IAM policies")
    kind.add_argument("--trust", action="store_true", help="the files are trust policies of roles")
    verb.add_argument(
        "--now", type=float, metavar="SECONDS", help="Unix time to compare dates with (default: now)"
    )


def run_check(args: argparse.Namespace) -> int:
    """Print the findings of each file."""
    worst = YES
    now = time.time() if args.now is None else args.now
    reports: list[dict[str, object]] = []
    for name in args.files:
        text = read_text(name)
        if args.iam:
            findings = check_iam_policy(text, now=now)
        elif args.trust:
            findings = check_trust_policy(text, now=now)
        else:
            findings = check_identity_policy(text, identity_arn=args.identity or resource_of(text), now=now)
        if any(finding.severity is not Severity.NOTE for finding in findings):
            worst = FAILED
        reports += [{"file": name, **_finding_json(finding)} for finding in findings]
        if not args.json:
            for finding in findings:
                _print_finding(name, finding)
            if not findings:
                print(f"{name}: {paint('green', 'nothing found')}")
    if args.json:
        print_json(reports)
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
    severity = paint(colours[finding.severity], finding.severity.value)
    print(f"{name}:{finding.line}:{finding.column}: {severity} {finding.code.value}: {finding.message}")


def _add_request_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--iam", action="append", default=[], metavar="FILE", help="an IAM policy of the caller"
    )
    verb.add_argument("--boundary", metavar="FILE", help="the caller's permissions boundary")
    verb.add_argument(
        "--policy", action="append", default=[], metavar="FILE", help="a policy of the identity"
    )
    verb.add_argument(
        "--context",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a condition key and its value; repeat a key for several values",
    )


def _register_explain(verbs: Subparsers) -> None:
    text = "Explain why a request is allowed or denied. Exit 3 when it is denied."
    verb = add_verb(verbs, "explain", run_explain, text)
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
    identity = load(args.policy, parse_stored_identity_policy)
    requester = with_path(read_requester(args.principal), identity)
    request = Request(
        requester=requester,
        action=args.action,
        resource=args.resource,
        resource_account=args.resource_account
        or (args.resource.split(":") + [""] * 5)[4]
        or requester.account_id,
        context=read_pairs(args.context),
    )
    explanation = explain(
        request,
        iam=load(args.iam, parse_stored_iam_policy),
        identity=identity,
        boundary=_boundary(args),
    )
    code = YES if explanation.outcome is Outcome.ALLOW else DENIED
    if args.view == "sender":
        view = sender_view(explanation)
        mattered = {key: list(values) for key, values in view.mattered}
        if args.json:
            print_json({"outcome": view.outcome.value, "sentence": view.sentence, "mattered": mattered})
        else:
            print(view.sentence)
    elif args.json:
        print_json(_explanation_json(explanation))
    else:
        _print_explanation(explanation)
    return code


def _boundary(args: argparse.Namespace) -> list[tuple[str, Policy]] | None:
    return None if args.boundary is None else load([args.boundary], parse_stored_iam_policy)


def _explanation_json(explanation: Explanation) -> dict[str, object]:
    return {
        "outcome": explanation.outcome.value,
        "sentence": explanation.sentence,
        "statements": [
            {
                "policy": step.ref.policy,
                "kind": step.ref.kind,
                "index": step.ref.index,
                "statement": step.ref.index + 1,
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
    print(paint(colour, explanation.sentence))
    for step in explanation.statements:
        sid = step.ref.sid or f"statement {step.ref.index + 1}"
        matched = "matches" if step.matched else "does not match"
        print(f"\n{step.ref.policy} ({step.ref.kind}), {sid}: {step.effect.value}, {matched}")
        for item in step.steps:
            mark = paint(*_MARKS[item.answer])
            seen = item.seen if item.seen is not None else "(absent)"
            values = ", ".join(seen) if isinstance(seen, tuple) else seen
            note = f" ({item.note})" if item.note else ""
            print(f"  {mark} {_test_name(item)} {', '.join(item.wanted)} <- {values}{note}")


def _register_test(verbs: Subparsers) -> None:
    text = "Run unit tests for policies. Exit 1 when a case that counts fails."
    verb = add_verb(verbs, "test", run_test, text)
    verb.add_argument("files", nargs="+", metavar="CASES", help="JSON files of cases")


def run_test(args: argparse.Namespace) -> int:
    """Run the cases of each file; print what differs, or with --json one result a line."""
    passed = failed = uncounted = 0
    for name in args.files:
        for number, case in enumerate(collect_cases(read_json(name))):
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
                kind = paint("red", "FAILED") if result.counts else paint("yellow", "differs")
                print(f"{name} {result.id}: {kind}: expected {result.expected}, got {result.actual}")
                print(f"  {result.sentence}")
    if not args.json:
        print(f"{passed} passed, {failed} failed" + (f", {uncounted} uncertain differ" if uncounted else ""))
    return FAILED if failed else YES


def _register_simulate(verbs: Subparsers) -> None:
    text = "Evaluate actions on resources as IAM's simulator does. Exit 3 when one of them is denied."
    verb = add_verb(verbs, "simulate", run_simulate, text)
    _add_request_options(verb)
    verb.add_argument("--caller", required=True, metavar="ARN")
    verb.add_argument("--action", action="append", required=True)
    verb.add_argument("--resource", action="append", metavar="ARN", help="resource to evaluate (default: *)")
    verb.add_argument("--resource-owner", metavar="ID")


def run_simulate(args: argparse.Namespace) -> int:
    """Print one result an action and resource."""
    results = simulate(
        read_requester(args.caller),
        actions=args.action,
        resources=args.resource or ["*"],
        iam=load(args.iam, parse_stored_iam_policy),
        identity=load(args.policy, parse_stored_identity_policy),
        context=read_pairs(args.context),
        resource_account=args.resource_owner,
        boundary=_boundary(args),
    )
    if args.json:
        print_json([_simulation_json(result) for result in results])
    else:
        for result in results:
            colour = "green" if result.outcome is Outcome.ALLOW else "red"
            print(f"{paint(colour, DECISIONS[result.outcome])} {result.action} {result.resource}")
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
