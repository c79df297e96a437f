"""`sesame report authority` on a real account: who can, who did, what nobody used, what has changed."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from sesame.admin.delegates.authority import Authority, authority
from sesame.app.foundation import Services
from sesame.cli.report import as_json
from tests.support.process import Account, SesameProcess

EVERYTHING = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ses:*", "Resource": "*"}}'
CANARY = "canary"


class Shop:
    """An owner whose policies let one account send as three addresses and another as any; the first has sent as one."""

    def __init__(self, sesame: SesameProcess) -> None:
        self.sesame = sesame
        self.owner, self.delegate, self.idle = (sesame.create_account() for _ in range(3))
        self.domain = f"{self.owner.account_id}.test"
        self.arn = sesame.vouch(self.owner, self.domain)
        self.ses = sesame.client("ses", self.owner)
        self.put("news", self.statement(self.delegate, "news@", "news-*@", "old@"))
        self.put("idle", self.statement(self.idle))
        iam = sesame.client("iam", self.delegate)
        iam.create_user(UserName="mailer", Tags=[{"Key": CANARY, "Value": CANARY}])
        iam.put_user_policy(UserName="mailer", PolicyName=CANARY, PolicyDocument=EVERYTHING)
        key = iam.create_access_key(UserName="mailer")["AccessKey"]
        self.keys = Account(self.delegate.account_id, key["AccessKeyId"], key["SecretAccessKey"])
        self.user = f"arn:aws:iam::{self.delegate.account_id}:user/mailer"
        for _ in range(2):
            self.send(f"news@{self.domain}")

    def statement(self, who: Account, *addresses: str) -> dict[str, Any]:
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Principal": {"AWS": who.account_id},
            "Action": "ses:SendEmail",
            "Resource": self.arn,
        }
        if addresses:
            whole = [f"{address}{self.domain}" for address in addresses]
            statement["Condition"] = {"StringLike": {"ses:FromAddress": whole}}
        return statement

    def put(self, name: str, *statements: dict[str, Any]) -> None:
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        self.ses.put_identity_policy(Identity=self.domain, PolicyName=name, Policy=policy)

    def send(self, source: str) -> None:
        self.sesame.client("ses", self.keys).send_email(
            Source=source,
            SourceArn=self.arn,
            Destination={"ToAddresses": [f"{CANARY}@simulator.amazonses.com"]},
            Message={"Subject": {"Data": CANARY}, "Body": {"Text": {"Data": "t"}}},
        )

    def report(self, since: float = 0.0) -> Any:
        async def make(services: Services) -> Authority:
            return await authority(
                services.store,
                self.owner.account_id,
                since=since,
                now=services.clock.now(),
                is_late=lambda: False,
            )

        return as_json(self.sesame.operate(make))

    def identity(self, since: float = 0.0) -> Any:
        [one] = self.report(since)["identities"]
        return one


@pytest.fixture
def shop(sesame: SesameProcess) -> Shop:
    return Shop(sesame)


def test_who_can_and_who_did(shop: Shop) -> None:
    found = shop.identity()
    assert found["arn"] == shop.arn
    can = {one["who"]: one for one in found["can"]}
    assert all(one["verdict"] == "yes" for one in can.values())
    mine = [one for who, one in can.items() if shop.delegate.account_id in who]
    assert mine and all("ses:FromAddress like" in one["when"][0] for one in mine)
    assert any(shop.idle.account_id in who for who in can)
    assert not any("any other account" in who for who in can)
    [did] = found["did"]
    assert (did["principal"], did["messages"], did["allowedToday"]) == (shop.user, 2, True)
    assert did["from"] == [{"address": f"news@{shop.domain}", "messages": 2}]


def test_what_nobody_used(shop: Shop) -> None:
    found = shop.identity()
    assert [(one["policy"], one["statement"]) for one in found["unusedStatements"]] == [("idle", 1)]
    assert [one["address"] for one in found["unusedAddresses"]] == [
        f"news-*@{shop.domain}",
        f"old@{shop.domain}",
    ]
    shop.send(f"news-1@{shop.domain}")
    assert [one["address"] for one in shop.identity()["unusedAddresses"]] == [f"old@{shop.domain}"]


def test_a_deny_is_used_when_it_has_refused(shop: Shop) -> None:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "ses:*",
        "Resource": shop.arn,
        "Condition": {"StringEquals": {"ses:FromAddress": f"old@{shop.domain}"}},
    }
    shop.put("never", deny)
    assert "never" in [one["policy"] for one in shop.identity()["unusedStatements"]]
    with pytest.raises(shop.ses.exceptions.ClientError):
        shop.send(f"old@{shop.domain}")
    assert "never" not in [one["policy"] for one in shop.identity()["unusedStatements"]]


def test_what_has_changed_since_a_date(shop: Shop) -> None:
    before = time.time()
    assert shop.identity(before)["changed"] == {"edits": [], "gained": [], "lost": [], "known": True}
    shop.put("news", shop.statement(shop.delegate, "news@"))
    shop.put("more", shop.statement(shop.idle, "ceo@"))
    shop.ses.delete_identity_policy(Identity=shop.domain, PolicyName="idle")
    changed = shop.identity(before)["changed"]
    assert changed["known"]
    assert {line.partition(": Account")[0] for line in changed["edits"]} == {
        "news: No longer",
        "news: From now on",
        "more: From now on",
        "idle: No longer",
    }
    assert changed["gained"] == []
    assert any(shop.delegate.account_id in who for who in changed["lost"])
    assert any(shop.idle.account_id in who for who in changed["lost"])
    assert any(line.startswith("news: From now on") for line in shop.identity(0.0)["changed"]["edits"])


def test_what_was_put_and_taken_back_is_no_change(shop: Shop) -> None:
    before = time.time()
    shop.put("news", shop.statement(shop.delegate))
    shop.put("news", shop.statement(shop.delegate, "news@", "news-*@", "old@"))
    shop.put("other", shop.statement(shop.delegate))
    shop.ses.delete_identity_policy(Identity=shop.domain, PolicyName="other")
    assert shop.identity(before)["changed"] == {"edits": [], "gained": [], "lost": [], "known": True}


def test_more_changes_than_are_kept_are_said_to_be_unknown(shop: Shop) -> None:
    before = time.time()
    for number in range(22):
        shop.put("news", shop.statement(shop.delegate, f"news{number}@"))
    assert shop.identity(before)["changed"]["known"] is False
    assert shop.identity(time.time())["changed"]["known"] is True


def test_nothing_of_the_senders_side_is_in_any_form(shop: Shop, tmp_path: Path) -> None:
    """Neither recipients nor subjects, tags or names of the sender's own policies."""
    account = shop.owner.account_id
    text = shop.sesame.run("report", "authority", account).stdout
    shop.sesame.run("report", "authority", account, "--html", str(tmp_path / "report.html"))
    page = (tmp_path / "report.html").read_text()
    data = shop.sesame.run_json("report", "authority", account)
    for told in (text, page, json.dumps(data)):
        assert CANARY not in told
        assert shop.user in told
        assert f"old@{shop.domain}" in told
    assert "<script" not in page
    assert re.search(r"^  Who did:\n    arn:aws:iam::\d{12}:user/mailer: 2, ", text, re.MULTILINE)


def test_an_account_that_is_not_there_has_no_report(sesame: SesameProcess) -> None:
    done = sesame.run("report", "authority", "000000000001", check=False)
    assert done.returncode == 1
    assert "there is no account" in done.stderr
    wrong = sesame.run("report", "authority", "000000000001", "--since", "soon", check=False)
    assert wrong.returncode == 78
