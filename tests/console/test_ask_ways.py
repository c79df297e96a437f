"""Ask why about templates and services: what is answered is what a send comes to."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.console.test_ask import SIMULATOR, asked, case_in
from tests.support.browser import Person, main_of, root_of, words
from tests.support.documents import document
from tests.support.process import REGION, Account, SesameProcess
from tests.support.tenant import Tenant

SERVICE = "codes.service.example"
DATA = "{}"
TO = {"ToAddresses": [SIMULATOR]}


@pytest.fixture
def owner(sesame: SesameProcess, tenant: Tenant) -> Person:
    return root_of(sesame, tenant.account.account_id)


def with_template(sesame: SesameProcess, keys: Account, door: str, name: str) -> str:
    """What a send with a template comes to: empty, or the code of its refusal."""
    v1, v2 = sesame.client("ses", keys), sesame.client("sesv2", keys)
    template = {"TemplateName": name, "TemplateData": DATA}
    try:
        if door == "v1-template":
            v1.send_templated_email(
                Source="news@example.com", Destination=TO, Template=name, TemplateData=DATA
            )
        elif door == "v1-bulk":
            status = v1.send_bulk_templated_email(
                Source="news@example.com",
                Template=name,
                DefaultTemplateData=DATA,
                Destinations=[{"Destination": TO}],
            )["Status"][0]
            return "" if status["Status"] == "Success" else str(status["Status"])
        elif door == "v2-template":
            v2.send_email(FromEmailAddress="news@example.com", Destination=TO, Content={"Template": template})
        else:
            entry = v2.send_bulk_email(
                FromEmailAddress="news@example.com",
                DefaultContent={"Template": template},
                BulkEmailEntries=[{"Destination": TO}],
            )["BulkEmailEntryResults"][0]
            return "" if entry["Status"] == "SUCCESS" else str(entry["Status"])
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@pytest.mark.parametrize("door", ["v1-template", "v1-bulk", "v2-template", "v2-bulk"])
def test_a_send_with_a_template_is_answered_as_it_is_made(
    sesame: SesameProcess, tenant: Tenant, owner: Person, door: str
) -> None:
    """By a user for each action, one of whom may use a single template; with a template that is not there too."""
    account_id = tenant.account.account_id
    for name in ("mine", "other"):
        tenant.ses.create_template(Template={"TemplateName": name, "SubjectPart": "s", "TextPart": "t"})
    action = {"v1-bulk": "ses:SendBulkTemplatedEmail", "v2-bulk": "ses:SendBulkEmail"}.get(
        door, "ses:SendTemplatedEmail"
    )
    template = f"arn:aws:ses:{REGION}:{account_id}:template/mine"
    policies = {
        "all": document({"Effect": "Allow", "Action": action, "Resource": "*"}),
        "plain": document(
            {"Effect": "Allow", "Action": ["ses:SendEmail", "ses:SendRawEmail"], "Resource": "*"}
        ),
        "one": document({"Effect": "Allow", "Action": action, "Resource": [template, tenant.arn]}),
    }
    seen = set()
    for name, policy in policies.items():
        tenant.user(name, policy)
        key = tenant.iam.create_access_key(UserName=name)["AccessKey"]
        keys = Account(account_id, key["AccessKeyId"], key["SecretAccessKey"])
        for used in ("mine", "other", "missing"):
            came_to = with_template(sesame, keys, door, used)
            answer = main_of(
                asked(
                    owner,
                    who=f"arn:aws:iam::{account_id}:user/{name}",
                    door=door,
                    from_="news@example.com",
                    template=used,
                    to=SIMULATOR,
                )
            )
            assert ("This would be accepted" in answer) == (not came_to), (name, used, came_to, answer)
            seen.add(bool(came_to))
            if used == "missing":
                assert "Template missing does not exist" in answer or "would get AccessDenied" in answer
    assert seen == {True, False}


def test_a_template_is_asked_about_where_one_is_sent_with(owner: Person) -> None:
    answer = asked(owner, door="v2", from_="news@example.com", template="mine")
    assert answer.status_code == 400
    assert "A template is named for what is sent with one alone" in words(answer.text)


def as_service(sesame: SesameProcess, keys: Any, headers: dict[str, str], tenant: Tenant) -> str:
    client = sesame.client("ses", Account("", keys["access_key_id"], keys["secret_access_key"]))

    def act_for(request: Any, **_: Any) -> None:
        for name, value in headers.items():
            request.headers[name] = value

    client.meta.events.register("before-sign.ses.*", act_for)
    try:
        client.send_email(
            Source="codes@example.com",
            SourceArn=tenant.arn,
            Destination=TO,
            Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
        )
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_a_service_is_answered_as_its_send_is(sesame: SesameProcess, tenant: Tenant, owner: Person) -> None:
    customer, other = sesame.create_account(), sesame.create_account()
    pool = f"arn:aws:cognito-idp:{REGION}:{customer.account_id}:userpool/codes"
    service = f"a{tenant.account.account_id}.{SERVICE}"
    keys = sesame.run_json("service", "create", service)
    condition = {
        "StringEquals": {"aws:SourceAccount": customer.account_id},
        "ArnLike": {"aws:SourceArn": f"{pool}*"},
    }
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "ses:SendEmail",
        "Resource": tenant.arn,
        "Condition": condition,
    }
    tenant.ses.put_identity_policy(Identity="example.com", PolicyName="p", Policy=document(statement))
    seen = set()
    for account_id, arn in (
        (customer.account_id, pool),
        (customer.account_id, ""),
        (other.account_id, pool),
        (other.account_id, ""),
        (tenant.account.account_id, ""),
    ):
        headers = {"x-amz-source-account": account_id, **({"x-amz-source-arn": arn} if arn else {})}
        came_to = as_service(sesame, keys, headers, tenant)
        given = {"who": service, "door": "v1", "from_": "codes@example.com", "arn": tenant.arn}
        answer = asked(owner, **given, acting_for=account_id, acting_arn=arn)
        if came_to == "ValidationError":
            assert "x-amz-source-arn does not belong to account" in words(answer.text)
            continue
        assert ("Your policies allow this" in main_of(answer)) == (not came_to), (account_id, arn, came_to)
        assert "A service has no policies of its own" in main_of(answer)
        [case] = case_in(answer)
        assert case["expected"] == ("ImplicitlyDenied" if came_to else "Allowed")
        assert "note" not in case and case["identityPolicies"] == []
        seen.add(came_to)
    assert seen == {"", "AccessDenied"}
    stranger = asked(owner, who="nobody.service.example", from_="codes@example.com", arn=tenant.arn)
    assert "Your policies allow this" not in main_of(stranger)


def test_a_services_answer_is_kept_as_a_case(sesame: SesameProcess, tenant: Tenant, owner: Person) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": "ses:SendEmail",
        "Resource": tenant.arn,
        "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
    }
    tenant.ses.put_identity_policy(Identity="example.com", PolicyName="p", Policy=document(statement))
    fields = {
        "who": SERVICE,
        "door": "v2",
        "from": "codes@example.com",
        "arn": tenant.arn,
        "acting_for": "111122223333",
    }
    kept = owner.send(
        f"/{REGION}/ask/keep", page="/me", **fields, identity="example.com", may="yes", called="codes"
    )
    assert "The case is kept" in words(kept.text), words(kept.text)
    page = words(owner.get(f"/{REGION}/identities/example.com/cases").text)
    assert SERVICE in page
    with pytest.raises(ClientError, match="codes"):
        tenant.ses.delete_identity_policy(Identity="example.com", PolicyName="p")


@pytest.mark.parametrize(
    "given",
    [
        {"who": "anna", "arn": "ARN"},
        {"who": SERVICE},
        {"who": SERVICE, "arn": "ARN", "door": "smtp"},
        {"who": SERVICE, "arn": "ARN", "acting_for": "12"},
        {"who": f"{SERVICE}/x", "arn": "ARN"},
        {"who": "*.example", "arn": "ARN"},
    ],
)
def test_what_is_no_service_or_no_question_about_one(
    tenant: Tenant, owner: Person, given: dict[str, str]
) -> None:
    fields = {name: value.replace("ARN", tenant.arn) for name, value in given.items()}
    answer = asked(owner, **fields, from_="codes@example.com")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
