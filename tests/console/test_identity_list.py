"""The list of identities: what stands beside each, and where else the account has it."""

import json
from typing import Any

import pytest

from tests.console.test_leave import person_with
from tests.console.test_sends import send
from tests.console.test_signing import zone
from tests.support.browser import Person, main_of
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant

HERE = f"/{REGION}/identities"


def lend(tenant: Tenant, *principals: Any, name: str = "P", effect: str = "Allow") -> None:
    statements = [
        {
            "Effect": effect,
            "Principal": principal,
            "Action": "ses:SendEmail",
            "Resource": tenant.arn,
        }
        for principal in principals
    ]
    tenant.ses.put_identity_policy(
        Identity="example.com",
        PolicyName=name,
        Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )


def row(person: Person, name: str = "example.com", path: str = HERE) -> str:
    """What the row of an identity says."""
    text = person.get(path).text
    found = [part.partition("</tr>")[0] for part in text.split("<tr>") if f"/identities/{name}" in part]
    assert found, name
    return main_of_row(found[0])


def main_of_row(html: str) -> str:
    from tests.support.browser import words

    return words(html)


@pytest.mark.parametrize(
    ("principals", "said"),
    [
        ([], "nobody"),
        ([{"AWS": "222222222222"}], "222222222222"),
        ([{"AWS": "arn:aws:iam::222222222222:root"}, {"AWS": "222222222222"}], "222222222222"),
        ([{"AWS": ["222222222222", "333333333333"]}, {"Service": "a.example.com"}], "3 principals"),
        ([{"AWS": "*"}], "anybody"),
        (["*", {"AWS": "222222222222"}], "anybody"),
        ([{"AWS": "OWN"}], "nobody"),
    ],
)
def test_it_says_whom_an_identity_is_lent_to(
    person: Person, tenant: Tenant, principals: list[Any], said: str
) -> None:
    own = tenant.account.account_id
    if principals:
        lend(tenant, *(json.loads(json.dumps(one).replace("OWN", own)) for one in principals))
    assert f"— {said} 0 none" in row(person)


def test_a_deny_lends_to_nobody(person: Person, tenant: Tenant) -> None:
    lend(tenant, {"AWS": "222222222222"}, effect="Deny")
    assert "— nobody 0 none" in row(person)


def test_it_counts_what_was_sent_by_the_account_and_by_others(
    sesame: SesameProcess, person: Person, tenant: Tenant
) -> None:
    delegate = sesame.create_account()
    lend(tenant, {"AWS": delegate.account_id})
    send(tenant.ses, "a@example.com")
    send(sesame.client("ses", delegate), "b@example.com", SourceArn=tenant.arn)
    send(sesame.client("ses", delegate), "c@example.com", SourceArn=tenant.arn)
    assert f"{delegate.account_id} 3" in row(person)


def test_it_shows_what_is_wrong_with_the_mail_from_domain(
    sesame: SesameProcess, person: Person, v2: Any
) -> None:
    v2.put_email_identity_mail_from_attributes(
        EmailIdentity="example.com", MailFromDomain="l.example.com", BehaviorOnMxFailure="REJECT_MESSAGE"
    )
    assert "in force nobody" in row(person)
    zone(sesame, ("l.example.com", "MX", "10 elsewhere.example"))
    person.send(f"{HERE}/example.com/check", page=f"{HERE}/example.com")
    said = row(person)
    assert "records lost nobody" in said
    assert "sends are refused" in said


def test_records_that_are_lost_are_a_trouble_with_its_time(
    sesame: SesameProcess, person: Person, tenant: Tenant
) -> None:
    name = f"lost-{tenant.account.account_id}.example"
    tenant.ses.verify_domain_identity(Domain=name)
    zone(sesame, without=f"_amazonses.{name}")
    person.send(f"{HERE}/{name}/check", page=f"{HERE}/{name}")
    said = row(person, name)
    assert "records lost" in said
    assert "record missing in DNS" in said
    assert "UTC" in said


def test_regions_say_where_an_identity_is_and_where_it_is_not(
    sesame: SesameProcess, person: Person, tenant: Tenant
) -> None:
    assert "Elsewhere" not in person.get(HERE).text
    for region, names in {
        "eu-west-1": ("example.com", "only.example"),
        "eu-west-2": ("other.example",),
    }.items():
        client = sesame.client("sesv2", tenant.account, region=region)
        for name in names:
            client.create_email_identity(EmailIdentity=name)
    assert "eu-west-1 not in eu-west-2" in row(person)
    said = main_of(person.get(HERE))
    assert f"Not in {REGION}: only.example (eu-west-1) , other.example (eu-west-2) ." in said
    there = main_of(person.get("/eu-west-2/identities"))
    assert "Not in eu-west-2: example.com" in there


def test_each_column_takes_its_permission(sesame: SesameProcess, tenant: Tenant, v2: Any) -> None:
    lend(tenant, {"AWS": "222222222222"})
    v2.put_email_identity_mail_from_attributes(EmailIdentity="example.com", MailFromDomain="p.example.com")
    send(tenant.ses, "a@example.com")
    shown = {
        ("ses:ListEmailIdentities",): "— 1 policy — none",
        ("ses:ListEmailIdentities", "ses:GetEmailIdentity"): "in force 1 policy — none",
        ("ses:ListEmailIdentities", "ses:GetEmailIdentityPolicies"): "— 222222222222 — none",
        ("ses:ListEmailIdentities", "ses:GetSendStatistics"): "— 1 policy 1 none",
    }
    for actions, said in shown.items():
        assert said in row(person_with(sesame, tenant, *actions)), actions


def test_a_page_of_fifty_goes_on(person: Person, tenant: Tenant) -> None:
    for n in range(51):
        tenant.ses.verify_email_identity(EmailAddress=f"n{n:02}@example.org")
    first = person.get(HERE).text
    assert first.count("<tr>") == 51
    assert "More" in first
    second = person.get(f"{HERE}?after=n48%40example.org").text
    assert second.count("<tr>") == 3
