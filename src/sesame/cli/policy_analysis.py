"""`sesame policy who-can-send`, `compare` and `ask`: the exact questions, in a terminal and in CI.

Statements are counted from 1, in text and in JSON alike. Work stops at `--seconds`; what was not asked then is
counted and said.
"""

import argparse
import time
from collections.abc import Callable

from sesame.cli.command import Subparsers
from sesame.cli.output import print_json
from sesame.cli.policy_files import (
    DENIED,
    FAILED,
    YES,
    Named,
    UsageError,
    add_verb,
    checked_arn,
    load,
    paint,
    resource_of,
)
from sesame.policy import parse_stored_identity_policy
from sesame.policy.analysis.answers import Answer, Method, Needs, Permission, Verdict, describe_needs
from sesame.policy.analysis.questions import can_send, compare, iter_who_can_send
from sesame.policy.analysis.relations import (
    Relation,
    always_allows,
    disjoint,
    equivalent,
    implies,
    never_allows,
)
from sesame.policy.cases import read_requester
from sesame.policy.request import Request


def register(verbs: Subparsers) -> None:
    """Add the verbs."""
    _register_who_can_send(verbs)
    _register_compare(verbs)
    _register_ask(verbs)


def _add_limits(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--identity", metavar="ARN", help="the identity's ARN (default: the policy's Resource)")
    verb.add_argument("--from", dest="from_address", metavar="PATTERN", help="pattern of the From address")
    verb.add_argument("--to", metavar="PATTERN", help="pattern that every recipient matches")
    verb.add_argument("--at", metavar="DATE", help="when it is sent")
    verb.add_argument("--source-ip", metavar="CIDR", help="where the request comes from")
    verb.add_argument("--seconds", type=float, default=10.0, help="time limit of the analysis (default: 10)")


def _limits(args: argparse.Namespace) -> dict[str, list[str]]:
    given = {
        "ses:FromAddress": args.from_address,
        "ses:Recipients": args.to,
        "aws:CurrentTime": args.at,
        "aws:SourceIp": args.source_ip,
    }
    return {key: [pattern] for key, pattern in given.items() if pattern is not None}


def _register_who_can_send(verbs: Subparsers) -> None:
    text = "List who can send, each with an example request. Exit 1 when something is unknown."
    verb = add_verb(verbs, "who-can-send", run_who_can_send, text)
    verb.add_argument("files", nargs="+", metavar="FILE", help="all policies of the identity")
    verb.add_argument("--principal", metavar="ARN", help="list what this principal can send instead")
    _add_limits(verb)


def run_who_can_send(args: argparse.Namespace) -> int:
    """Print every principal that the policies tell apart, with its answer."""
    named = load(args.files, parse_stored_identity_policy)
    identity = args.identity or resource_of(named[0][1].text)
    if args.principal is not None:
        return _print_permissions(args, named, checked_arn(identity))
    answers: list[Answer] = []
    found = iter_who_can_send(
        named, identity_arn=checked_arn(identity), limits=_limits(args), is_late=_deadline(args)
    )
    for answer in found:
        answers.append(answer)
        if not args.json and answer.is_asked:
            _print_answer(answer, str(answer.verdict.value))
    if args.json:
        print_json([_answer_json(answer) for answer in answers])
    asked = sum(answer.is_asked for answer in answers)
    _print_asked(args, asked, len(answers))
    return FAILED if any(answer.verdict is Verdict.UNKNOWN for answer in answers) else YES


def _deadline(args: argparse.Namespace) -> Callable[[], bool]:
    end = time.monotonic() + args.seconds
    return lambda: time.monotonic() > end


def _print_asked(args: argparse.Namespace, asked: int, of: int) -> None:
    if asked < of and not args.json:
        print(paint("yellow", f"time ran out: {asked} of {of} questions asked; raise --seconds for more"))


def _print_permissions(args: argparse.Namespace, named: Named, identity: str) -> int:
    """Print what one principal can send."""
    requester = read_requester(args.principal)
    permissions = can_send(
        requester, named, identity_arn=identity, limits=_limits(args), is_late=_deadline(args)
    )
    if args.json:
        print_json([_permission_json(permission) for permission in permissions])
    for permission in () if args.json else permissions:
        name, index = permission.statement
        print(f"{name} statement {index + 1}: {' and '.join(permission.when) or 'anything'}")
        for unless in permission.unless:
            print(f"  unless {' and '.join(unless) or 'always'}")
        if permission.witness is None:
            print(f"  {paint('yellow', 'unknown')}: {permission.reason}")
        else:
            print(f"  such as from {permission.witness.context.get('ses:FromAddress', '-')}")
    if not permissions and not args.json:
        print(f"{args.principal} can send nothing")
    return FAILED if any(permission.witness is None for permission in permissions) else YES


def _permission_json(permission: Permission) -> dict[str, object]:
    name, index = permission.statement
    return {
        "policy": name,
        "statement": index + 1,
        "when": list(permission.when),
        "unless": [list(unless) for unless in permission.unless],
        "needs": _needs_json(permission.needs),
        "denies": [_needs_json(deny) for deny in permission.denies],
        "method": permission.method.value,
        "witness": None if permission.witness is None else _witness_json(permission.witness),
        "reason": permission.reason,
    }


def _register_compare(verbs: Subparsers) -> None:
    text = (
        "Show what an edit newly allows and forbids. Exit 0 when the new policy allows nothing new, 3 when it "
        "does, 1 when that is unknown."
    )
    verb = add_verb(verbs, "compare", run_compare, text)
    verb.add_argument("old", metavar="OLD", help="the policy before the edit")
    verb.add_argument("new", metavar="NEW", help="the policy after the edit")
    _add_limits(verb)


def run_compare(args: argparse.Namespace) -> int:
    """Print the principals that gain or lose something, each with a request that shows it."""
    old = load([args.old], parse_stored_identity_policy)
    new = load([args.new], parse_stored_identity_policy)
    identity = checked_arn(args.identity or resource_of(new[0][1].text))
    comparison = compare(old, new, identity_arn=identity, limits=_limits(args), is_late=_deadline(args))
    if args.json:
        print_json(
            {
                "gained": [_answer_json(answer) for answer in comparison.gained],
                "lost": [_answer_json(answer) for answer in comparison.lost],
                "asked": comparison.asked,
                "of": comparison.of,
            }
        )
    else:
        for answer in comparison.gained:
            _print_answer(answer, "gains")
        for answer in comparison.lost:
            _print_answer(answer, "loses")
        if comparison.verdict is Verdict.NO:
            print(paint("green", "both allow the same"))
    _print_asked(args, comparison.asked, comparison.of)
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
        record["policy"], record["statement"] = answer.statement[0], answer.statement[1] + 1
        record["when"] = list(describe_needs(answer.needs))
        record["needs"] = _needs_json(answer.needs)
        record["unless"] = [list(describe_needs(deny)) for deny in answer.unless]
        record["denies"] = [_needs_json(deny) for deny in answer.unless]
    if answer.reason:
        record["reason"] = answer.reason
    if not answer.is_asked:
        record["asked"] = False
    return record


def _needs_json(needs: Needs) -> list[dict[str, object]]:
    """Conditions as structure."""
    return [{"operator": n.operator.text, "key": n.key, "values": list(n.values)} for n in needs]


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
        print(f"{paint('yellow', 'unknown')} {answer.who}: {answer.reason}")
        return
    by_solver = " (found by the solver)" if answer.method is Method.PROVER else ""
    print(f"{paint('green' if word in ('no', 'loses') else 'red', word)} {answer.who}{by_solver}")
    if answer.witness is not None and answer.statement is not None:
        context = answer.witness.context
        from_address, to = context.get("ses:FromAddress", "-"), context.get("ses:Recipients", "-")
        recipients = to if isinstance(to, str) else ", ".join(to)
        name, index = answer.statement
        print(
            f"  {answer.witness.action} from {from_address} to {recipients}, by {name} statement {index + 1}"
        )
        if answer.needs:
            print(f"  needs {' and '.join(describe_needs(answer.needs, now=time.time()))}")
        for deny in answer.unless:
            print(f"  unless {' and '.join(describe_needs(deny)) or 'always'}")


_RELATIONS = ("never-allows", "always-allows", "disjoint", "implies", "equivalent")


def _register_ask(verbs: Subparsers) -> None:
    text = (
        "Ask how policies relate to each other. Exit 0 when the relation holds, 3 when a request shows that it "
        "does not, 1 when that is unknown."
    )
    verb = add_verb(verbs, "ask", run_ask, text)
    verb.add_argument("relation", choices=_RELATIONS)
    verb.add_argument("one", metavar="FILE", help="the policy")
    verb.add_argument("other", metavar="OTHER", nargs="?", help="the other policy, if the relation needs two")
    _add_limits(verb)


def run_ask(args: argparse.Namespace) -> int:
    """Print whether the relation holds, and by which requests it does not."""
    one = load([args.one], parse_stored_identity_policy)
    identity = checked_arn(args.identity or resource_of(one[0][1].text))
    relation = _relation(args, one, identity)
    if args.json:
        against = [_answer_json(answer) for answer in relation.against]
        print_json({"relation": args.relation, "verdict": relation.verdict.value, "against": against})
    else:
        colour = {Verdict.YES: "green", Verdict.NO: "red", Verdict.UNKNOWN: "yellow"}[relation.verdict]
        print(f"{args.relation}: {paint(colour, relation.verdict.value)}")
        for answer in relation.against:
            _print_answer(answer, "shown by")
    return {Verdict.YES: YES, Verdict.NO: DENIED, Verdict.UNKNOWN: FAILED}[relation.verdict]


def _relation(args: argparse.Namespace, one: Named, identity: str) -> Relation:
    limits, is_late = _limits(args), _deadline(args)
    alone = {"never-allows": never_allows, "always-allows": always_allows}
    if (args.relation in alone) is (args.other is not None):
        raise UsageError(f"`{args.relation}` is about {'one policy' if args.other else 'two policies'}")
    if args.other is None:
        return alone[args.relation](one, identity_arn=identity, limits=limits, is_late=is_late)
    other = load([args.other], parse_stored_identity_policy)
    pairs = {"disjoint": disjoint, "implies": implies, "equivalent": equivalent}
    return pairs[args.relation](one, other, identity_arn=identity, limits=limits, is_late=is_late)
