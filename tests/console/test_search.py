"""The search goes where what was pasted leads, and tells nobody what that person may not read."""

import json
from typing import Any

import pytest

from tests.console.test_leave import person_with
from tests.support.browser import Person, main_of, root_of
from tests.support.documents import document
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import MESSAGE, Tenant

OTHER = "222222222222"


def found(person: Person, asked: str) -> Any:
    return person.get(f"/{REGION}/search", params={"q": asked})


def path_of(person: Person, asked: str) -> str:
    answer = found(person, asked)
    assert answer.status_code == 200, answer.url
    return str(answer.url).removeprefix(f"{person.base}/{REGION}")


@pytest.fixture
def filled(tenant: Tenant) -> Tenant:
    """One of each thing that has a name."""
    statement = {
        "Sid": "LetThem",
        "Effect": "Allow",
        "Principal": {"AWS": [OTHER, f"arn:aws:iam::{OTHER}:user/app"]},
        "Action": "ses:SendEmail",
        "Resource": tenant.arn,
    }
    tenant.ses.put_identity_policy(Identity="example.com", PolicyName="Lend", Policy=document(statement))
    tenant.ses.create_configuration_set(ConfigurationSet={"Name": "news"})
    tenant.ses.create_template(Template={"TemplateName": "hello", "SubjectPart": "s"})
    tenant.iam.create_user(UserName="anna")
    tenant.iam.create_group(GroupName="writers")
    trust = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "sts:AssumeRole"}
    tenant.iam.create_role(RoleName="robot", AssumeRolePolicyDocument=document(trust))
    return tenant


def test_names_lead_to_their_pages(filled: Tenant, person: Person) -> None:
    policy = "/identities/example.com/policies/Lend"
    for asked, path in {
        "Lend": policy,
        "LetThem": policy,
        "news": "/configuration-sets/news",
        "hello": "/templates/hello",
        "anna": "/people/users/anna",
        "writers": "/people/groups/writers",
        "robot": "/people/roles/robot",
        "example.com": "/identities/example.com",
    }.items():
        assert path_of(person, asked) == path, asked
    for asked in ("letthem", "Lend2", "le", "%", '"Effect"', "Allow"):
        assert "Nothing is called" in main_of(found(person, asked)), asked


def test_accounts_and_arns_lead_to_what_they_are_of(filled: Tenant, person: Person) -> None:
    own = filled.account.account_id
    for asked, path in {
        own: "/account",
        f"arn:aws:iam::{own}:root": "/account",
        f"arn:aws:iam::{own}:user/anna": "/people/users/anna",
        f"arn:aws:sts::{own}:assumed-role/robot/job": "/people/roles/robot",
        f"arn:aws:iam::{own}:group/writers": "/people/groups/writers",
        f"arn:aws:ses:{REGION}:{own}:configuration-set/news": "/configuration-sets/news",
        f"arn:aws:ses:{REGION}:{own}:template/hello": "/templates/hello",
        filled.arn: "/identities/example.com",
        filled.arn.replace(own, OTHER): "/lent",
        OTHER: f"/identities/example.com/senders?principal={OTHER}",
    }.items():
        assert path_of(person, asked) == path, asked
    user = path_of(person, f"arn:aws:iam::{OTHER}:user/app")
    assert user.startswith("/identities/example.com/senders?principal=arn")
    assert "principal=222222222222" in path_of(person, f"arn:aws:iam::{OTHER}:role/unnamed")
    for asked in ("999999999999", "arn:aws:iam::999999999999:user/x", "arn:", "arn:aws:ses"):
        assert "Nothing is called" in main_of(found(person, asked)), asked


def test_an_address_is_looked_for_on_both_sides(tenant: Tenant, person: Person) -> None:
    tenant.ses.send_email(
        Source="news@example.com", Destination={"ToAddresses": ["info@example.com"]}, Message=MESSAGE
    )
    assert path_of(person, "nobody@elsewhere.test") == "/messages?from=nobody%40elsewhere.test"
    both = found(person, "info@example.com")
    assert "Mail to it Mail from it example.com identity that covers it" in main_of(both)
    only_from = found(person, "news@example.com")
    assert "Mail to it" not in main_of(only_from) and "Mail from it" in main_of(only_from)
    tenant.ses.send_email(
        Source="news@example.com", Destination={"ToAddresses": ["you@elsewhere.test"]}, Message=MESSAGE
    )
    assert path_of(person, "you@elsewhere.test") == "/messages?to=you%40elsewhere.test"


def test_several_things_of_one_name_are_listed(filled: Tenant, person: Person) -> None:
    filled.iam.create_user(UserName="news")
    said = main_of(found(person, "news"))
    assert "news user news configuration set" in said


def test_what_may_not_be_read_is_not_found(sesame: SesameProcess, filled: Tenant) -> None:
    nobody = person_with(sesame, filled)
    for asked in ("Lend", "LetThem", "news", "hello", "anna", "writers", "robot", OTHER):
        assert "Nothing is called" in main_of(found(nobody, asked)), asked
    one = person_with(sesame, filled, "iam:GetUser")
    assert path_of(one, "anna") == "/people/users/anna"
    assert "Nothing is called" in main_of(found(one, "LetThem"))


def test_nothing_of_another_account_is_found(sesame: SesameProcess, filled: Tenant) -> None:
    stranger = root_of(sesame, sesame.create_account().account_id)
    for asked in ("Lend", "LetThem", "news", "hello", "anna", "writers", "robot", OTHER):
        assert "Nothing is called" in main_of(found(stranger, asked)), asked
    assert json.dumps(OTHER) not in found(stranger, "LetThem").text
