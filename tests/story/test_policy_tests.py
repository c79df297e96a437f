"""Cases kept beside an identity's policies: no door makes a change that breaks one, unless the operator forces it."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sesame.access.identity_names import parse_identity_arn
from sesame.policy.analysis.expectations import read_expectation
from tests.support.process import Account, SesameProcess


class Kept:
    """An owner's domain with a policy for one delegate, and cases kept beside it."""

    def __init__(self, sesame: SesameProcess, where: Path) -> None:
        self.sesame = sesame
        self.owner: Account = sesame.create_account()
        self.delegate = sesame.create_account()
        self.domain = f"{self.owner.account_id}.test"
        self.arn = sesame.vouch(self.owner, self.domain)
        self.ses = sesame.client("ses", self.owner)
        self.sesv2 = sesame.client("sesv2", self.owner)
        self.where = where
        self.ses.put_identity_policy(Identity=self.domain, PolicyName="news", Policy=self.policy())
        cases: list[Any] = [
            {"name": "news may", "who": self.delegate.account_id, "may": True, "as": f"news@{self.domain}"},
            {"name": "nobody as ceo", "nobodyBut": [], "as": f"ceo@{self.domain}"},
        ]
        kept = [read_expectation(case) for case in cases]
        sesame.operate(lambda services: services.policy_acts.put_cases(parse_identity_arn(self.arn), kept))

    def policy(self, **changes: Any) -> str:
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": self.delegate.account_id},
            "Action": "ses:SendRawEmail",
            "Resource": self.arn,
            "Condition": {"StringLike": {"ses:FromAddress": f"news*@{self.domain}"}},
            **changes,
        }
        return json.dumps({"Version": "2012-10-17", "Statement": statement})

    @property
    def everything(self) -> str:
        """A policy that lets the delegate send as anybody, and so breaks a case."""
        return self.policy(Condition={"StringLike": {"ses:FromAddress": "*"}})

    def file(self, value: Any) -> str:
        path = self.where / "file.json"
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return str(path)

    def stored(self) -> dict[str, str]:
        found: dict[str, str] = self.sesv2.get_email_identity_policies(EmailIdentity=self.domain)["Policies"]
        return found


@pytest.fixture
def kept(sesame: SesameProcess, tmp_path: Path) -> Kept:
    return Kept(sesame, tmp_path)


CEO = "The policy test `nobody as ceo` of the identity would fail: "
NEWS = "The policy test `news may` of the identity would fail: "
CHANGES: dict[str, tuple[Callable[[Kept], object], str, str]] = {
    "PutIdentityPolicy": (
        lambda kept: kept.ses.put_identity_policy(
            Identity=kept.domain, PolicyName="news", Policy=kept.everything
        ),
        "InvalidPolicy",
        CEO,
    ),
    "another policy": (
        lambda kept: kept.ses.put_identity_policy(
            Identity=kept.domain, PolicyName="more", Policy=kept.everything
        ),
        "InvalidPolicy",
        CEO,
    ),
    "DeleteIdentityPolicy": (
        lambda kept: kept.ses.delete_identity_policy(Identity=kept.domain, PolicyName="news"),
        "InvalidPolicy",
        NEWS,
    ),
    "CreateEmailIdentityPolicy": (
        lambda kept: kept.sesv2.create_email_identity_policy(
            EmailIdentity=kept.domain, PolicyName="more", Policy=kept.everything
        ),
        "BadRequestException",
        CEO,
    ),
    "UpdateEmailIdentityPolicy": (
        lambda kept: kept.sesv2.update_email_identity_policy(
            EmailIdentity=kept.domain, PolicyName="news", Policy=kept.everything
        ),
        "BadRequestException",
        CEO,
    ),
    "DeleteEmailIdentityPolicy": (
        lambda kept: kept.sesv2.delete_email_identity_policy(EmailIdentity=kept.domain, PolicyName="news"),
        "BadRequestException",
        NEWS,
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_api_makes_a_change_that_breaks_a_case(kept: Kept, change: str) -> None:
    call, code, words = CHANGES[change]
    before = kept.stored()
    with pytest.raises(ClientError) as refused:
        call(kept)
    error = refused.value.response["Error"]
    assert error["Code"] == code
    assert error["Message"].startswith(words)
    assert kept.stored() == before


def test_changes_that_keep_every_case_are_made(kept: Kept) -> None:
    wider = kept.policy(Action=["ses:SendRawEmail", "ses:SendEmail"])
    kept.ses.put_identity_policy(Identity=kept.domain, PolicyName="news", Policy=wider)
    kept.sesv2.create_email_identity_policy(
        EmailIdentity=kept.domain, PolicyName="more", Policy=kept.policy()
    )
    kept.ses.delete_identity_policy(Identity=kept.domain, PolicyName="news")
    assert kept.stored() == {"more": kept.policy()}


def test_the_command_refuses_too_and_can_be_forced_which_is_audited(kept: Kept) -> None:
    put = ("policy", "put", kept.arn, "news", kept.file(kept.everything))
    refused = kept.sesame.run(*put, check=False)
    assert refused.returncode == 1
    assert "`nobody as ceo`" in refused.stderr
    assert kept.stored() == {"news": kept.policy()}
    forced = kept.sesame.run_json(*put, "--force")
    assert [one["name"] for one in forced["broken"]] == ["nobody as ceo"]
    assert kept.stored() == {"news": kept.everything}
    event = newest(kept, "PutIdentityPolicy")
    assert event["requestParameters"]["forced"] is True
    assert event["requestParameters"]["brokenTests"] == ["nobody as ceo"]
    assert event["userIdentity"]["type"] == "Operator"


def newest(kept: Kept, name: str) -> Any:
    lines = kept.sesame.run("audit", "export", kept.owner.account_id).stdout.splitlines()
    return next(event for line in reversed(lines) if (event := json.loads(line))["eventName"] == name)


def test_a_case_that_failed_before_holds_nobody_up(kept: Kept) -> None:
    """Cases may be written before the policies that will fulfil them."""
    case = {"name": "bills may", "who": kept.delegate.account_id, "may": True, "as": f"bills@{kept.domain}"}
    put = kept.sesame.run("policy", "tests", "put", kept.arn, kept.file(case), check=False)
    assert put.returncode == 1
    assert f"fails bills may: account {kept.delegate.account_id} may not as bills@{kept.domain}" in put.stdout
    kept.ses.put_identity_policy(Identity=kept.domain, PolicyName="more", Policy=kept.policy())
    bills = kept.policy(Condition={"StringEquals": {"ses:FromAddress": f"bills@{kept.domain}"}})
    kept.ses.put_identity_policy(Identity=kept.domain, PolicyName="bills", Policy=bills)
    assert kept.sesame.run("policy", "tests", "run", kept.arn).returncode == 0
    with pytest.raises(ClientError, match="`bills may`"):
        kept.ses.delete_identity_policy(Identity=kept.domain, PolicyName="bills")


def test_cases_are_listed_replaced_and_removed(kept: Kept) -> None:
    listed = kept.sesame.run_json("policy", "tests", "list", kept.arn)
    assert [case["name"] for case in listed] == ["news may", "nobody as ceo"]
    assert kept.sesame.run("policy", "tests", "put", kept.arn, kept.file(listed)).returncode == 0
    assert kept.sesame.run_json("policy", "tests", "list", kept.arn) == listed
    kept.sesame.run("policy", "tests", "remove", kept.arn, "nobody as ceo")
    kept.ses.put_identity_policy(Identity=kept.domain, PolicyName="news", Policy=kept.everything)
    assert (
        kept.sesame.run("policy", "tests", "remove", kept.arn, "nobody as ceo", check=False).returncode == 1
    )
    kept.ses.delete_identity(Identity=kept.domain)
    kept.sesame.vouch(kept.owner, kept.domain)
    assert kept.sesame.run_json("policy", "tests", "list", kept.arn) == []


def test_a_user_that_a_case_names_is_the_one_that_there_is(kept: Kept) -> None:
    """Bound to unique ids like the policy: one made anew under the name is another."""
    iam = kept.sesame.client("iam", kept.delegate)
    user = iam.create_user(UserName="mailer")["User"]["Arn"]
    kept.ses.put_identity_policy(
        Identity=kept.domain, PolicyName="user", Policy=kept.policy(Principal={"AWS": user})
    )
    kept.sesame.run("policy", "tests", "remove", kept.arn, "news may")
    kept.ses.delete_identity_policy(Identity=kept.domain, PolicyName="news")
    case = {"name": "mailer may", "who": user, "may": True}
    assert kept.sesame.run("policy", "tests", "put", kept.arn, kept.file(case)).returncode == 0
    iam.delete_user(UserName="mailer")
    iam.create_user(UserName="mailer")
    assert kept.sesame.run("policy", "tests", "run", kept.arn, check=False).returncode == 1


def test_changes_at_once_break_no_case_together(kept: Kept) -> None:
    """Each of these removals leaves another policy that lets news@ through; all of them together would not."""
    names = [f"more{number}" for number in range(6)]
    for name in names:
        kept.ses.put_identity_policy(Identity=kept.domain, PolicyName=name, Policy=kept.policy())
    kept.ses.delete_identity_policy(Identity=kept.domain, PolicyName="news")

    def remove(name: str) -> str:
        ses = kept.sesame.client("ses", kept.owner)
        try:
            ses.delete_identity_policy(Identity=kept.domain, PolicyName=name)
        except ClientError as refused:
            return str(refused.response["Error"]["Code"])
        return "removed"

    with ThreadPoolExecutor(len(names)) as threads:
        answers = sorted(threads.map(remove, names))
    assert answers == ["InvalidPolicy", *["removed"] * (len(names) - 1)]
    assert len(kept.stored()) == 1


def test_what_is_no_case_is_refused_with_its_fault(kept: Kept) -> None:
    done = kept.sesame.run("policy", "tests", "put", kept.arn, kept.file([{"name": "x"}]), check=False)
    assert done.returncode == 78
    assert "`x`: say `who`" in done.stderr
