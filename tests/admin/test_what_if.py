"""What-if: really tried sends, asked again under an edited policy."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.process import SesameProcess


def document(arn: str, principal: str, **more: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": "ses:SendEmail",
        "Resource": arn,
        **more,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def sent(sesame: SesameProcess) -> tuple[str, str, str]:
    """An owner's identity as which two delegates have sent: ARN and both account ids."""
    owner, one, two = sesame.create_account(), sesame.create_account(), sesame.create_account()
    arn = sesame.vouch(owner, f"{owner.account_id}.test")
    ses = sesame.client("ses", owner)
    ses.put_identity_policy(Identity=arn, PolicyName="one", Policy=document(arn, one.account_id))
    for account, local_part, allowed in ((one, "news", True), (one, "ceo", True), (two, "news", False)):
        request = {
            "Source": f"{local_part}@{owner.account_id}.test",
            "SourceArn": arn,
            "Destination": {"ToAddresses": ["to@elsewhere.test"]},
            "Message": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
        }
        if allowed:
            sesame.client("ses", account).send_email(**request)
        else:
            with pytest.raises(ClientError):
                sesame.client("ses", account).send_email(**request)
    return arn, one.account_id, two.account_id


def ask(sesame: SesameProcess, arn: str, *edit: str) -> tuple[int, Any]:
    done = sesame.run("policy", "what-if", "--identity", arn, *edit, "--json", check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_narrower_policy_shows_who_loses_what(
    sesame: SesameProcess, sent: tuple[str, str, str], tmp_path: Path
) -> None:
    arn, one, _ = sent
    path = tmp_path / "p.json"
    path.write_text(document(arn, one, Condition={"StringLike": {"ses:FromAddress": "news@*"}}))
    code, answer = ask(sesame, arn, "--put", f"one={path}")
    assert (code, answer["asked"]) == (1, 3)
    (change,) = answer["changes"]
    assert (change["account"], change["from"].split("@")[0], change["after"]) == (one, "ceo", "implicit deny")


def test_a_wider_policy_shows_who_gains(
    sesame: SesameProcess, sent: tuple[str, str, str], tmp_path: Path
) -> None:
    arn, _, two = sent
    path = tmp_path / "p.json"
    path.write_text(document(arn, two))
    code, answer = ask(sesame, arn, "--put", f"two={path}")
    assert [(c["account"], c["before"], c["after"]) for c in answer["changes"]] == [
        (two, "implicit deny", "allow")
    ]
    assert code == 1


def test_removing_a_policy_and_an_edit_without_effect(
    sesame: SesameProcess, sent: tuple[str, str, str], tmp_path: Path
) -> None:
    arn, one, _ = sent
    code, answer = ask(sesame, arn, "--remove", "one")
    assert (code, {c["after"] for c in answer["changes"]}, len(answer["changes"])) == (
        1,
        {"implicit deny"},
        2,
    )
    path = tmp_path / "p.json"
    path.write_text(document(arn, one))
    assert ask(sesame, arn, "--put", f"again={path}") == (0, {"asked": 3, "changes": []})


def test_a_text_that_could_not_be_put_is_refused(
    sesame: SesameProcess, sent: tuple[str, str, str], tmp_path: Path
) -> None:
    path = tmp_path / "p.json"
    path.write_text("{}")
    done = sesame.run("policy", "what-if", "--identity", sent[0], "--put", f"x={path}", check=False)
    assert done.returncode == 78
    assert str(path) in done.stderr
