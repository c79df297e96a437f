"""Public vectors of the policy language, through the runner that `sesame policy test` uses."""

import json
from pathlib import Path

import pytest

from sesame.policy import PolicyError, parse_iam_policy, parse_identity_policy
from sesame.policy.cases import Members, collect_cases, run_case

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "policy"
FILES = (
    "documented.json",
    "decisions.json",
    "conditions.json",
    "actions.json",
    "wildcards.json",
    "pbac_policies.json",
)
DEVIATIONS = {
    "pbac_policies-0009": "the source lets a `*` in a variable's value act as a wildcard; with AWS it is literal",
    "pbac_policies-0022": "the source models a principal as a list of names; root, listed, is spared here",
}
EXAMPLE_IDENTITY = "arn:aws:ses:us-east-1:888888888888:identity/example.com"


def load(name: str) -> list[Members]:
    return collect_cases(json.loads((VECTORS / name).read_text()))


@pytest.mark.parametrize("name", FILES)
def test_every_vector_that_counts_has_its_answer(name: str) -> None:
    results = [run_case(case) for case in load(name)]
    failed = {result.id for result in results if result.counts and not result.passed}
    assert failed - set(DEVIATIONS) == set()
    assert sum(result.counts and result.passed for result in results) >= 11


def _real_policies() -> list[Members]:
    return [policy for policy in load("real_policies.json") if "aws" in policy]


def _is_accepted(entry: Members) -> bool:
    text = json.dumps(entry["policy"])
    if '"<' in text:  # placeholders of the documentation
        text = text.replace(
            "<your identity pool ARN>", "arn:aws:cognito-idp:us-east-1:888888888888:userpool/x"
        )
    policy = json.loads(text)
    statement = policy["Statement"][0] if isinstance(policy["Statement"], list) else policy["Statement"]
    own = "constructed here" not in str(entry.get("note"))
    try:
        if "Principal" in statement or "attach to identity" in str(entry.get("note")):
            parse_identity_policy(text, identity_arn=statement["Resource"] if own else EXAMPLE_IDENTITY)
        else:
            parse_iam_policy(text)
    except PolicyError:
        return False
    return True


def test_real_policies_are_accepted_exactly_when_aws_is_known_to_accept_them() -> None:
    labelled = [policy for policy in _real_policies() if policy["aws"] != "unknown"]
    wrong = [p["id"] for p in labelled if _is_accepted(p) is not (p["aws"] == "accepted")]
    assert wrong == []
    assert len(labelled) == 40


def test_real_policies_decide_as_labelled() -> None:
    """Each label is a request by a user whom the other side allows everything."""
    seen = 0
    everything: Members = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    names = {"Allow": "Allowed", "Deny(implicit)": "ImplicitlyDenied", "Deny(explicit)": "ExplicitlyDenied"}
    for entry in _real_policies():
        evaluations = entry.get("evaluate", [])
        assert isinstance(evaluations, list)
        for label in evaluations:
            assert isinstance(label, dict)
            context, resource = label["context"], str(label["resource"])
            assert isinstance(context, dict)
            account = str(context.get("aws:PrincipalAccount", "111122223333"))
            request: Members = {
                "principal": f"arn:aws:iam::{account}:user/u",
                "action": label["action"],
                "resource": resource,
                "resourceAccount": account if entry["kind"] == "iam" else resource.split(":")[4],
                "context": context,
            }
            case: Members = {"request": request, "expected": names[str(label["expect"])]}
            if entry["kind"] == "iam":
                case["identityPolicies"] = [entry["policy"]]
            else:
                case |= {"identityPolicies": [everything], "resourcePolicy": entry["policy"]}
            result = run_case(case)
            assert result.passed, (entry["id"], label, result)
            seen += 1
    assert seen == 30
