"""What goes into a program: keys, SMTP log-ins, and code that runs as it is shown."""

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.console.test_leave import person_with
from tests.support.browser import Person, main_of, root_of
from tests.support.patience import PATIENCE_S
from tests.support.process import REGION, Account, SesameProcess, wait_until
from tests.support.tenant import Tenant

HERE = f"/{REGION}/programs"


def made_in(answer: Any) -> tuple[str, str, str]:
    """Id, secret and SMTP password of what was made."""
    found = re.search(r"shown only once</h2>(.*?)</dl>", answer.text, re.DOTALL)
    assert found, main_of(answer)
    shown = [html.unescape(one) for one in re.findall(r"<code>([^<]+)</code>", found[1])]
    return shown[0], shown[1], shown[2]


def code_in(answer: Any, name: str) -> str:
    found = re.search(rf'aria-label="{name}"><pre>(.*?)</pre>', answer.text, re.DOTALL)
    assert found, name
    return html.unescape(found[1])


def run_program(path: Path, environ: dict[str, str]) -> str:
    """Run what a page shows, as a reader would; what it prints."""
    done = subprocess.run(
        [sys.executable, str(path)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_says_where_the_server_is(sesame: SesameProcess, person: Person) -> None:
    page = person.get(HERE)
    shown = main_of(page)
    assert sesame.api in shown
    assert sesame.smtp in shown
    assert "sesame-ca.pem" in shown
    ca = person.get(f"{HERE}/authority/text")
    assert ca.text.startswith("-----BEGIN CERTIFICATE-----")


def test_a_key_is_made_used_disabled_and_deleted(
    sesame: SesameProcess, tenant: Tenant, person: Person
) -> None:
    tenant.iam.create_user(UserName="bob")
    tenant.iam.attach_user_policy(UserName="bob", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    answer = person.send(f"{HERE}/keys", page=HERE, user="bob")
    key_id, secret, _ = made_in(answer)
    assert secret not in person.get(f"{HERE}?user=bob").text
    assert f"{key_id} active" in main_of(person.get(f"{HERE}?user=bob"))
    assert "never" in main_of(person.get(f"{HERE}?user=bob"))
    client = sesame.client("ses", Account("", key_id, secret))
    client.get_send_quota()
    wait_until(lambda: "never" not in main_of(person.get(f"{HERE}?user=bob")))
    told = tenant.iam.get_access_key_last_used(AccessKeyId=key_id)
    assert told["UserName"] == "bob"
    assert told["AccessKeyLastUsed"]["Region"] == REGION
    change = {"page": HERE, "user": "bob", "key": key_id}
    person.send(f"{HERE}/keys/change", do="disable", **change)
    with pytest.raises(ClientError):
        client.get_send_quota()
    person.send(f"{HERE}/keys/change", do="enable", **change)
    client.get_send_quota()
    person.send(f"{HERE}/keys/change", do="delete", **change)
    assert tenant.iam.list_access_keys(UserName="bob")["AccessKeyMetadata"] == []


def test_the_use_of_a_key_is_told_to_its_account_alone(sesame: SesameProcess, tenant: Tenant) -> None:
    own = tenant.iam.get_access_key_last_used(AccessKeyId=tenant.account.access_key_id)
    assert own["UserName"] == "root"
    other = sesame.client("iam", sesame.create_account())
    with pytest.raises(ClientError) as refused:
        other.get_access_key_last_used(AccessKeyId=tenant.account.access_key_id)
    with pytest.raises(ClientError) as unknown:
        other.get_access_key_last_used(AccessKeyId="AKIA0000000000000000")
    assert (
        refused.value.response["Error"]["Code"] == unknown.value.response["Error"]["Code"] == "NoSuchEntity"
    )


def test_an_smtp_log_in_is_made_bound_tested_and_sends(
    sesame: SesameProcess, tenant: Tenant, person: Person, tmp_path: Path
) -> None:
    page = person.get(HERE)
    name = re.search(r'name="name" value="([^"]+)"', page.text)
    assert name
    assert name[1].startswith(f"smtp-{REGION}-")
    user = f"smtp-{REGION}-{tenant.account.account_id}"
    answer = person.send(f"{HERE}/smtp", page=HERE, name=user, arn=tenant.arn)
    key_id, secret, password = made_in(answer)
    assert tenant.arn in main_of(answer)
    test = {"page": HERE, "username": key_id}
    right = person.send(f"{HERE}/smtp/test", password=password, **test)
    assert (
        f"right It logs in as arn:aws:iam::{tenant.account.account_id}:user/{user}, in {REGION}."
        in main_of(right)
    )
    assert password not in right.text
    wrong = person.send(f"{HERE}/smtp/test", password=secret, **test)
    assert "wrong This is the secret access key." in main_of(wrong)
    assert secret not in wrong.text
    assert "do not go together" in main_of(person.send(f"{HERE}/smtp/test", password="x", **test))
    code = tmp_path / "send.py"
    code.write_text(code_in(person.get(HERE), "smtp"))
    ca = tmp_path / "ca.pem"
    ca.write_text(person.get(f"{HERE}/authority/text").text)
    environ = {**os.environ, "SMTP_USER": key_id, "SMTP_PASSWORD": password, "SMTP_CA_FILE": str(ca)}
    run_program(code, environ)
    again = person.send(f"{HERE}/smtp", page=HERE, name=user, arn="")
    assert again.status_code == 409
    assert "already exists" in main_of(again)


@pytest.mark.parametrize(
    "arns",
    [
        "news.example",
        "arn:aws:sns:us-east-1:111122223333:topic",
        "arn:aws:ses:us-east-1:111122223333:identity/",
        "arn:aws:ses:us-east-1:111122223333:identity/a.example, nonsense",
        " ".join(f"arn:aws:ses:us-east-1:111122223333:identity/d{n}.example" for n in range(11)),
    ],
)
def test_an_smtp_log_in_that_cannot_be_bound_is_not_made_by_halves(
    tenant: Tenant, person: Person, arns: str
) -> None:
    answer = person.send(f"{HERE}/smtp", page=HERE, name="smtp-halves", arn=arns)
    assert answer.status_code == 400
    assert tenant.iam.list_users()["Users"] == []
    assert "shown only once" not in answer.text


def test_a_log_in_of_another_account_is_not_told_from_none(
    sesame: SesameProcess, tenant: Tenant, person: Person
) -> None:
    other = root_of(sesame, sesame.create_account().account_id)
    key_id, secret, password = made_in(person.send(f"{HERE}/keys", page=HERE, user=""))
    told = set()
    for username, given in ((key_id, password), (key_id, secret), ("AKIA0000000000000000", "x")):
        answer = other.send(f"{HERE}/smtp/test", page=HERE, username=username, password=given)
        told.add(main_of(answer).partition("Test one")[2].partition("Test this")[0])
    assert len(told) == 1
    assert "do not go together" in told.pop()


def test_the_code_runs_as_it_is_shown(
    sesame: SesameProcess, tenant: Tenant, person: Person, tmp_path: Path
) -> None:
    page = person.get(HERE)
    assert "news@example.com" in code_in(page, "boto3")
    assert "Arn" not in code_in(page, "boto3")
    code = tmp_path / "send.py"
    code.write_text(code_in(page, "boto3"))
    environ = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": tenant.account.access_key_id,
        "AWS_SECRET_ACCESS_KEY": tenant.account.secret_access_key,
    }
    printed = run_program(code, environ)
    assert sesame.client("sesv2", tenant.account).get_account()
    assert printed.strip() in person.get(f"/{REGION}/messages").text


def test_each_part_takes_its_own_permission(sesame: SesameProcess, tenant: Tenant) -> None:
    nobody = person_with(sesame, tenant)
    page = main_of(nobody.get(HERE))
    assert sesame.api in page
    assert "iam:ListAccessKeys" in page
    assert "AKIA" not in page
    assert "Another user" not in page
    name = f"user{len(tenant.iam.list_users()['Users']) - 1}"
    for path, fields, action in (
        ("keys", {"user": ""}, "iam:CreateAccessKey"),
        ("keys", {"user": "nobody"}, "iam:CreateAccessKey"),
        (
            "keys/change",
            {"key": "AKIA0000000000000000", "do": "disable", "user": name},
            "iam:UpdateAccessKey",
        ),
        ("keys/change", {"key": "AKIA0000000000000000", "do": "delete", "user": name}, "iam:DeleteAccessKey"),
        ("keys/change", {"key": "AKIA0000000000000000", "do": "bind", "user": name}, "sesame:PutSmtpBinding"),
        ("smtp", {"name": "more", "arn": ""}, "iam:CreateUser"),
    ):
        answer = nobody.send(f"{HERE}/{path}", page="/me", **fields)
        assert answer.status_code == 403, path
        assert action in answer.text, path
    partly = person_with(sesame, tenant, "iam:CreateUser", "iam:PutUserPolicy", "iam:CreateAccessKey")
    answer = partly.send(f"{HERE}/smtp", page="/me", name="halves", arn=tenant.arn)
    assert answer.status_code == 403
    assert "halves" not in json.dumps(tenant.iam.list_users()["Users"], default=str), (
        "nothing is made by halves"
    )


def test_a_binding_is_of_keys_and_identities_that_are_such(tenant: Tenant, person: Person) -> None:
    key_id, _, _ = made_in(person.send(f"{HERE}/keys", page=HERE, user=""))
    change = {"page": HERE, "user": "", "do": "bind"}
    bad = person.send(
        f"{HERE}/keys/change", key=key_id, arns="arn:aws:sns:us-east-1:111122223333:topic", **change
    )
    assert bad.status_code == 400
    assert "Invalid identity ARN" in main_of(bad)
    gone = person.send(f"{HERE}/keys/change", key="AKIA0000000000000000", arns=tenant.arn, **change)
    assert gone.status_code == 404
    person.send(f"{HERE}/keys/change", key=key_id, arns=tenant.arn, **change)
    assert tenant.arn in main_of(person.get(HERE))
    person.send(f"{HERE}/keys/change", key=key_id, arns="", **change)
    assert tenant.arn not in main_of(person.get(HERE)).partition("SMTP log-ins")[0]
    assert person.get(f"{HERE}?user=nobody").status_code == 404
