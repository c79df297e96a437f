"""Deciding, compiling and analysing: one policy and twenty, everything included.

A decision starts from a Request as the service makes it: folding the context's keys and reading dates
and addresses is measured, nothing is kept between decisions. Figures are medians over rounds.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path

from bench.table import Row, median
from sesame.policy import (
    Policy,
    Request,
    check_identity_policy,
    compare,
    compile_policies,
    decide,
    explain,
    parse_iam_policy,
    parse_identity_policy,
    parse_stored_identity_policy,
    who_can_send,
)
from sesame.policy.analysis.questions import iter_who_can_send
from sesame.policy.cases import read_context, read_requester
from sesame.policy.language.put import parse_resource_policy

VECTORS = Path(__file__).resolve().parents[1] / "tests" / "vectors" / "policy"
ROUNDS, ROUND_S = 15, 0.1
IDENTITY = "arn:aws:ses:us-east-1:111111111111:identity/example.com"
Named = list[tuple[str, Policy]]


def load(name: str) -> tuple[Request, Named, Named]:
    """The request, the IAM policies and the identity's policies of a scenario."""
    scenario = json.loads((VECTORS / name).read_text())
    request = Request(
        requester=read_requester(scenario["principal"]),
        action=scenario["action"],
        resource=scenario["resource"],
        resource_account=scenario["resourceAccount"],
        context=read_context(scenario["context"]),
    )
    iam = [("iam", parse_iam_policy(json.dumps(policy))) for policy in scenario["identityPolicies"]]
    attached = scenario.get("resourcePolicies") or [scenario["resourcePolicy"]]
    identity = [(f"p{n}", parse_resource_policy(json.dumps(policy))) for n, policy in enumerate(attached)]
    return request, iam, identity


def per_second(work: Callable[[], object]) -> float:
    """How often `work` is done in a second."""
    rates = []
    for _ in range(ROUNDS):
        count, started = 0, time.perf_counter()
        while time.perf_counter() - started < ROUND_S:
            for _ in range(100):
                work()
            count += 100
        rates.append(count / (time.perf_counter() - started))
    return median(rates)


def milliseconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - started))
    return median(times)


def run() -> list[Row]:
    """Decisions a second and milliseconds of everything else."""
    rows: list[Row] = []
    for name, label, target in (
        ("scenario.json", "1 policy", 200_000),
        ("scenario20.json", "20 policies", 35_000),
    ):
        request, iam, identity = load(name)
        compiled_iam = compile_policies(iam, kind="iam")
        compiled = compile_policies(identity, kind="identity")
        rate = per_second(lambda: decide(request, iam=compiled_iam, identity=compiled))  # noqa: B023
        rows.append(Row(name=f"decide, {label}", figure=rate, unit="/s", target=target, better="higher"))
        compiling = milliseconds(lambda: compile_policies(identity, kind="identity"))  # noqa: B023
        rows.append(Row(name=f"compile, {label}", figure=compiling, unit="ms", target=5))
        explaining = milliseconds(lambda: explain(request, iam=iam, identity=identity))  # noqa: B023
        rows.append(Row(name=f"explain, {label}", figure=explaining, unit="ms"))
        asking = milliseconds(lambda: who_can_send(identity, identity_arn=request.resource))  # noqa: B023
        budget = 10 if label == "1 policy" else 100
        rows.append(Row(name=f"who can send, {label}", figure=asking, unit="ms", target=budget))
    request, _, identity = load("scenario.json")
    text = identity[0][1].text
    sound = text.replace('"Resource": "*"', f'"Resource": "{request.resource}"')
    arn = request.resource
    wider = [("p0", parse_resource_policy(text.replace("marketing+*", "m*")))]
    for label, work, limit in (
        ("Put: parse and refuse", lambda: parse_identity_policy(sound, identity_arn=arn), None),
        ("check", lambda: check_identity_policy(sound, identity_arn=arn), None),
        ("compare, 1 policy", lambda: compare(identity, wider, identity_arn=arn), 100),
    ):
        rows.append(Row(name=label, figure=milliseconds(work), unit="ms", target=limit))
    return rows + run_large()


def large(*, edited: bool) -> list[tuple[str, Policy]]:
    """Twenty policies of ten statements that name 600 principals; edited, one pattern is wider."""
    named = []
    for policy in range(20):
        statements = []
        for number in range(10):
            at = 3 * (10 * policy + number)
            users = [f"arn:aws:iam::{222222222222 + at % 40}:user/u{at + n}" for n in range(3)]
            dash = "" if edited and (policy, number) == (7, 4) else "-"
            allow = {
                "StringLike": {"ses:FromAddress": f"team{policy}-{number}{dash}*@example.com"},
                "IpAddress": {"aws:SourceIp": f"10.{policy}.0.0/16"},
                "DateLessThan": {"aws:CurrentTime": "2031-01-01T00:00:00Z"},
                "ForAllValues:StringLike": {"ses:Recipients": ["*@a.org", f"*@b{number}.org"]},
            }
            deny = {"StringLike": {"ses:FromAddress": f"*ceo{policy}*"}}
            denies = number % 4 == 3
            statements.append(
                {
                    "Effect": "Deny" if denies else "Allow",
                    "Principal": {"AWS": users},
                    "Action": "ses:Send*",
                    "Resource": IDENTITY,
                    "Condition": deny if denies else allow,
                }
            )
        text = json.dumps({"Version": "2012-10-17", "Statement": statements})
        named.append((f"P{policy}", parse_stored_identity_policy(text)))
    return named


def for_everybody(*, edited: bool) -> list[tuple[str, Policy]]:
    """The same with one more Allow, which is for everybody; edited, its pattern is wider: all of them are asked."""
    dash = "" if edited else "-"
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "ses:Send*",
        "Resource": IDENTITY,
        "Condition": {"StringLike": {"ses:FromAddress": f"all{dash}*@example.com"}},
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    return [*large(edited=False), ("everybody", parse_stored_identity_policy(text))]


def run_large() -> list[Row]:
    """The bounds of the analysis on a large set."""
    before, after = large(edited=False), large(edited=True)
    less, more = for_everybody(edited=False), for_everybody(edited=True)
    one = before[3:4]
    return [
        Row(
            name=f"200 statements, 600 principals: {label}",
            figure=milliseconds(work),
            unit="ms",
            target=limit,
        )
        for label, work, limit in (
            ("first answer", lambda: next(iter_who_can_send(before, identity_arn=IDENTITY)), 100),
            ("who can send", lambda: who_can_send(before, identity_arn=IDENTITY), 2000),
            ("compare, one pattern", lambda: compare(before, after, identity_arn=IDENTITY), 300),
            ("compare, a pattern for everybody", lambda: compare(less, more, identity_arn=IDENTITY), 300),
            ("one of the policies", lambda: who_can_send(one, identity_arn=IDENTITY), 10),
        )
    ]
