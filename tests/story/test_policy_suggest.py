"""`sesame policy suggest` on a real history: what is left, what is cut off, and that it works when it is put."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.process import Account, SesameProcess


class History:
    """An owner whose policy lets an account send as anybody, and what two of its users sent."""

    def __init__(self, sesame: SesameProcess) -> None:
        self.sesame = sesame
        self.owner, self.delegate = sesame.create_account(), sesame.create_account()
        self.domain = f"{self.owner.account_id}.test"
        self.arn = sesame.vouch(self.owner, self.domain)
        self.ses = sesame.client("ses", self.owner)
        self.put("wide", {"AWS": self.delegate.account_id})
        self.put("unused", {"AWS": sesame.create_account().account_id})
        self.users = {name: self.user(name) for name in ("news", "bills")}
        self.send("news", f"news@{self.domain}")
        self.send("news", f"news@{self.domain}")
        self.send("bills", f"bills@{self.domain}")

    def put(self, name: str, principal: dict[str, str]) -> None:
        statement = {"Effect": "Allow", "Principal": principal, "Action": "ses:Send*", "Resource": self.arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
        self.ses.put_identity_policy(Identity=self.domain, PolicyName=name, Policy=policy)

    def user(self, name: str) -> Account:
        iam = self.sesame.client("iam", self.delegate)
        iam.create_user(UserName=name)
        everything = (
            '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ses:*", "Resource": "*"}}'
        )
        iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=everything)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Account(self.delegate.account_id, key["AccessKeyId"], key["SecretAccessKey"])

    def arn_of(self, name: str) -> str:
        return f"arn:aws:iam::{self.delegate.account_id}:user/{name}"

    def send(self, name: str, source: str) -> Any:
        return self.sesame.client("ses", self.users[name]).send_email(
            Source=source,
            SourceArn=self.arn,
            Destination={"ToAddresses": ["success@simulator.amazonses.com"]},
            Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
        )

    def suggested(self) -> Any:
        return self.sesame.run_json("policy", "suggest", "--identity", self.arn, "--from-history", "7")


@pytest.fixture
def history(sesame: SesameProcess) -> History:
    return History(sesame)


def test_what_is_suggested_allows_what_was_done_and_cuts_off_the_rest(
    history: History, tmp_path: Path
) -> None:
    found = history.suggested()
    assert found["messages"] == 3
    assert found["narrower"] and found["stillAllowed"]
    policies = {one["name"]: one["document"] for one in found["policies"]}
    assert policies["unused"] is None
    statements = json.loads(policies["wide"])["Statement"]
    assert [(one["Principal"]["AWS"], one["Action"], one["Condition"]) for one in statements] == [
        (
            history.arn_of(name),
            "ses:SendEmail",
            {"StringEquals": {"ses:FromAddress": f"{name}@{history.domain}"}},
        )
        for name in ("news", "bills")
    ]
    assert any(line.startswith("wide: No longer: Account") for line in found["cuts"])
    assert any(one["who"].startswith("any other user of ") for one in found["lost"])
    (tmp_path / "wide.json").write_text(policies["wide"])
    history.sesame.run("policy", "put", history.arn, "wide", str(tmp_path / "wide.json"))
    history.sesame.run("policy", "remove", history.arn, "unused")
    assert history.send("news", f"news@{history.domain}")["MessageId"]
    with pytest.raises(ClientError, match="not authorized"):
        history.send("news", f"bills@{history.domain}")
    again = history.suggested()
    assert again["policies"] == []


def test_a_sender_who_is_gone_counts_no_longer(history: History) -> None:
    iam = history.sesame.client("iam", history.delegate)
    iam.delete_access_key(UserName="bills", AccessKeyId=history.users["bills"].access_key_id)
    iam.delete_user_policy(UserName="bills", PolicyName="all")
    iam.delete_user(UserName="bills")
    found = history.suggested()
    assert found["gone"] == [history.arn_of("bills")]
    [document] = [one["document"] for one in found["policies"] if one["name"] == "wide"]
    assert history.arn_of("bills") not in document


def test_nothing_of_the_senders_side_is_told(history: History) -> None:
    """The owner reads who sent and as whom, and neither recipients nor the sender's own policies."""
    printed = history.sesame.run("policy", "suggest", "--identity", history.arn, "--from-history", "7").stdout
    assert "What changes:" in printed
    assert "simulator" not in printed
    assert '"all"' not in printed


def test_what_is_asked_for_is_narrowed_too_and_recipients_of_a_delegate_are_not_told(
    history: History,
) -> None:
    every = [part for key in ("feedback", "version", "networks", "recipients") for part in ("--narrow", key)]
    found = history.sesame.run_json(
        "policy", "suggest", "--identity", history.arn, "--from-history", "7", *every
    )
    assert found["narrower"] and found["stillAllowed"]
    [document] = [one["document"] for one in found["policies"] if one["name"] == "wide"]
    for statement, name in zip(json.loads(document)["Statement"], ("news", "bills"), strict=True):
        address = f"{name}@{history.domain}"
        assert statement["Condition"] == {
            "StringEquals": {
                "ses:FromAddress": address,
                "ses:FeedbackAddress": address,
                "ses:ApiVersion": "1",
            },
            "IpAddress": {"aws:SourceIp": "127.0.0.1/32"},
        }
    assert "simulator" not in json.dumps(found)
    history.ses.put_identity_policy(Identity=history.domain, PolicyName="wide", Policy=document)
    assert history.send("news", f"news@{history.domain}")["MessageId"]


def test_recipients_of_the_owners_own_mail_are_narrowed_to_their_domains(history: History) -> None:
    iam = history.sesame.client("iam", history.owner)
    iam.create_user(UserName="own")
    key = iam.create_access_key(UserName="own")["AccessKey"]
    history.users["own"] = Account(history.owner.account_id, key["AccessKeyId"], key["SecretAccessKey"])
    history.put("own", {"AWS": f"arn:aws:iam::{history.owner.account_id}:user/own"})
    history.send("own", f"own@{history.domain}")
    found = history.sesame.run_json(
        "policy", "suggest", "--identity", history.arn, "--from-history", "7", "--narrow", "recipients"
    )
    documents = {one["name"]: one["document"] for one in found["policies"]}
    condition = json.loads(documents["own"])["Statement"][0]["Condition"]
    assert condition["ForAllValues:StringLike"] == {"ses:Recipients": "*@simulator.amazonses.com"}
    assert "simulator" not in documents["wide"]
