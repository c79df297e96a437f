"""Decisions per second of the policy engine: one policy and twenty, everything included.

A decision starts from a Request as the service makes it: folding the context's keys and reading dates
and addresses is measured, nothing is kept between decisions. Prints one JSON line a scenario; run it
with `python bench/policy.py [seconds]`.
"""

import json
import statistics
import sys
import time
from pathlib import Path

from sesame.policy import Policy, Request, compile_policies, decide, parse_iam_policy
from sesame.policy.cases import read_context, read_requester
from sesame.policy.language.put import parse_resource_policy

VECTORS = Path(__file__).resolve().parents[1] / "tests" / "vectors" / "policy"
ROUNDS = 15


def load(name: str) -> tuple[Request, list[tuple[str, Policy]], list[tuple[str, Policy]]]:
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


def measure(name: str, seconds: float) -> dict[str, object]:
    """Median over rounds of decisions per second, and of milliseconds to compile."""
    request, iam, identity = load(name)
    compile_ms = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        compiled_iam = compile_policies(iam, kind="iam")
        compiled_identity = compile_policies(identity, kind="identity")
        compile_ms.append(1000 * (time.perf_counter() - started))
    rates = []
    for _ in range(ROUNDS):
        count, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds / ROUNDS:
            for _ in range(200):
                decide(request, iam=compiled_iam, identity=compiled_identity)
            count += 200
        rates.append(count / (time.perf_counter() - started))
    return {
        "scenario": name,
        "policies": len(identity),
        "decisions_per_s": round(statistics.median(rates)),
        "best_per_s": round(max(rates)),
        "compile_ms": round(statistics.median(compile_ms), 2),
    }


def main() -> None:
    """Measure both scenarios."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    for name in ("scenario.json", "scenario20.json"):
        print(json.dumps(measure(name, seconds)))


if __name__ == "__main__":
    main()
