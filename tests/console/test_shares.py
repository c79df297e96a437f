"""Links for who has no log-in show one thing, by the rights of who made them at the moment of reading."""

import html
import json
import re
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from sesame.app.foundation import Services
from sesame.console.app import _without_secret
from tests.console.test_login import log_in, make_user
from tests.console.test_senders import NEWS, allow, put
from tests.support.audit_log import audit_log
from tests.support.browser import Person, root_of, words
from tests.support.process import REGION, Account, SesameProcess
from tests.support.tenant import Tenant

HERE = f"/{REGION}/identities/example.com"
DENY_READING = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Deny", "Action": "ses:GetEmailIdentity", "Resource": "*"},
}
GONE = "This link shows nothing"
DELEGATE = "222222222222"


def make(person: Person, **form: str) -> str:
    answer = person.send(f"{HERE}/shares", **{"kind": "records", "days": "7", **form})
    found = re.search(r"<code>(http[^<]+/shared/[^<]+)</code>", answer.text)
    assert found, words(answer.text)
    return html.unescape(found[1])


def end_all(person: Person) -> None:
    for called in re.findall(r'name="link" value="([0-9a-f]+)"', person.get(f"{HERE}/shares").text):
        person.send(f"{HERE}/shares/end", page=f"{HERE}/shares", link=called)


@pytest.fixture
def owner(sesame: SesameProcess, tenant: Tenant) -> Person:
    return root_of(sesame, tenant.account.account_id)


def test_records_are_shown_to_who_has_the_link_and_nothing_else_is(
    sesame: SesameProcess, owner: Person, tenant: Tenant
) -> None:
    put(tenant, "CanaryPolicy", allow(tenant, {"AWS": DELEGATE}, "CanarySid", Condition=NEWS))
    link = make(owner)
    answer = httpx.get(link)
    assert answer.status_code == 200
    shown = words(answer.text)
    assert "DNS records of example.com" in shown
    assert "example.com Copy name" in shown
    for secret in ("Canary", DELEGATE, tenant.account.account_id, "news-", "Log out"):
        assert secret not in answer.text, secret
    assert not re.search(r'(?:href|action)="/(?!static|login|"|link)', answer.text.replace('href="/"', ""))
    assert answer.headers["x-robots-tag"].startswith("noindex")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "noindex" in answer.text
    assert link.rpartition("/")[2] not in owner.get(f"{HERE}/shares").text, "it is shown once"


def test_a_kit_is_that_of_its_delegate_alone(sesame: SesameProcess, owner: Person, tenant: Tenant) -> None:
    put(tenant, "A", allow(tenant, {"AWS": DELEGATE}, "One", Condition=NEWS))
    ceo = {"StringLike": {"ses:FromAddress": "ceocanary@example.com"}}
    put(tenant, "CanaryPolicy", allow(tenant, {"AWS": "333333333333"}, "CanarySid", Condition=ceo))
    text = httpx.get(make(owner, **{"kind": "kit", "for": DELEGATE})).text
    assert "news-*@example.com" in text
    for secret in ("canary", "Canary", "333333333333", "One"):
        assert secret not in re.sub(r"One\s+account|>One<", "", text), secret
    refused = owner.send(f"{HERE}/shares", kind="kit", days="7", **{"for": "444444444444"})
    assert refused.status_code == 400
    tenant.ses.delete_identity_policy(Identity="example.com", PolicyName="A")
    assert GONE in httpx.get(make_again(owner, tenant)).text


def make_again(owner: Person, tenant: Tenant) -> str:
    """A kit's link whose delegate has lost its policy since."""
    put(tenant, "A", allow(tenant, {"AWS": DELEGATE}, "One", Condition=NEWS))
    link = make(owner, **{"kind": "kit", "for": DELEGATE})
    assert "news-*@example.com" in httpx.get(link).text
    tenant.ses.delete_identity_policy(Identity="example.com", PolicyName="A")
    return link


def test_what_the_maker_may_not_see_any_more_the_link_shows_no_more(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    """A permission taken away, given back, denied; a user deleted and made anew by the same name."""
    make_user(tenant, actions='["ses:*", "sesame:*"]')
    person, _ = log_in(sesame, tenant)
    link = make(person)
    assert httpx.get(link).status_code == 200
    document = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "sesame:*", "Resource": "*"},
    }
    policy: dict[str, Any] = {"UserName": "anna", "PolicyName": "p"}
    tenant.iam.put_user_policy(**policy, PolicyDocument=json.dumps(document))
    gone = httpx.get(link)
    assert (gone.status_code, GONE in gone.text) == (404, True)
    unknown = httpx.get(link[:-4] + "AAAA")
    assert unknown.status_code == 404
    assert without_times(unknown.text) == without_times(gone.text), "what ended it is not told"
    document["Statement"]["Action"] = "*"  # type: ignore[index]
    tenant.iam.put_user_policy(**policy, PolicyDocument=json.dumps(document))
    assert httpx.get(link).status_code == 200
    document["Statement"]["Condition"] = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}  # type: ignore[index]
    tenant.iam.put_user_policy(**policy, PolicyDocument=json.dumps(document))
    assert httpx.get(link).status_code == 404, "from where it is read counts"
    tenant.iam.delete_user_policy(**policy)
    tenant.iam.delete_login_profile(UserName="anna")
    tenant.iam.delete_user(UserName="anna")
    make_user(tenant, actions='"*"')
    assert httpx.get(link).status_code == 404, "another user of the same name is another user"


def without_times(page: str) -> str:
    return re.sub(r"<time>[^<]*</time>|token\" value=\"[^\"]*", "", page)


def test_a_link_ends_with_its_time_by_hand_and_with_the_identity(
    sesame: SesameProcess, owner: Person, tenant: Tenant
) -> None:
    links = [make(owner, days="1") for _ in range(2)]
    assert [httpx.get(link).status_code for link in links] == [200, 200]
    end_all(owner)
    assert [httpx.get(link).status_code for link in links] == [404, 404]
    by_operator, account = make(owner), tenant.account.account_id
    (shown,) = sesame.run_json("console", "shares", account)
    assert (shown["identity"], shown["shows"]) == ("example.com", "records")
    sesame.run("console", "shares", account, "--end", shown["link"])
    assert httpx.get(by_operator).status_code == 404
    assert sesame.run_json("console", "shares", account) == []
    late, kept = make(owner, days="1"), make(owner)

    async def later(services: Services) -> None:
        await services.store.write(
            lambda tx: tx.execute(
                "UPDATE console_share SET expires_at = expires_at - 86401 WHERE account_id = ?",
                tenant.account.account_id,
            )
        )

    sesame.operate(later)
    assert [httpx.get(link).status_code for link in (late, kept)] == [404, 200]
    tenant.ses.delete_identity(Identity="example.com")
    assert httpx.get(kept).status_code == 404
    sesame.client("sesv2", tenant.account).create_email_identity(EmailIdentity="example.com")
    assert httpx.get(kept).status_code == 404, "an identity made anew is another"


def test_making_and_ending_are_audited_and_take_a_permission_of_their_own(
    sesame: SesameProcess, owner: Person, tenant: Tenant
) -> None:
    link = make(owner)
    end_all(owner)
    make_user(tenant, actions='["ses:*", "sesame:ListShareLinks"]')
    person, _ = log_in(sesame, tenant)
    refused = person.send(f"{HERE}/shares", kind="records", days="7")
    assert refused.status_code == 403
    assert "sesame:CreateShareLink" in refused.text
    rows = audit_log(sesame, tenant.account.account_id)
    told = [
        (row["eventName"], row.get("errorCode"), row["eventSource"])
        for row in rows
        if "ShareLink" in row["eventName"]
    ]
    assert told == [
        ("CreateShareLink", None, "api.sesame"),
        ("DeleteShareLink", None, "api.sesame"),
        ("CreateShareLink", "AccessDenied", "api.sesame"),
    ]
    assert link.rpartition("/")[2] not in json.dumps(rows)


def test_the_api_makes_lists_and_ends_links_as_the_console_does(
    sesame: SesameProcess, owner: Person, tenant: Tenant
) -> None:
    """A user by key: what opens a link are that user's rights, and what the API makes the console lists and ends."""
    make_user(tenant, actions='["ses:*", "sesame:*"]')
    key = tenant.iam.create_access_key(UserName="anna")["AccessKey"]
    anna = Account(tenant.account.account_id, key["AccessKeyId"], key["SecretAccessKey"])
    api = sesame.client("sesame", anna)
    made = api.create_share_link(Identity="example.com", Shows="RECORDS", Days=7)
    assert made["Url"] == f"{sesame.console}/shared/{made['Token']}"
    assert "DNS records of example.com" in words(httpx.get(made["Url"]).text)
    (listed,) = api.list_share_links(Identity="example.com")["Links"]
    assert listed.pop("CreatedAt") < listed["ExpiresAt"]
    assert listed == {
        "Link": made["Link"],
        "Shows": "RECORDS",
        "CreatedBy": f"arn:aws:iam::{anna.account_id}:user/anna",
        "ExpiresAt": made["ExpiresAt"],
    }
    assert made["Link"] in owner.get(f"{HERE}/shares").text
    stranger = sesame.client("sesame", sesame.create_account())
    refusals: list[tuple[Any, str, dict[str, Any]]] = [
        (stranger, "list_share_links", {}),
        (stranger, "delete_share_link", {"Link": made["Link"]}),
        (api, "delete_share_link", {"Link": "0" * 16}),
        (api, "create_share_link", {"Identity": "other.example", "Shows": "RECORDS", "Days": 7}),
    ]
    for client, operation, given in refusals:
        with pytest.raises(ClientError) as refused:
            getattr(client, operation)(**{"Identity": "example.com", **given})
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404, operation
    for wrong in (
        {"Days": 8},
        {"Shows": "MESSAGES"},
        {"Shows": "KIT"},
        {"Delegate": DELEGATE},
    ):
        with pytest.raises(ClientError) as refused:
            api.create_share_link(**{"Identity": "example.com", "Shows": "RECORDS", "Days": 7, **wrong})
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400, wrong
    tenant.iam.put_user_policy(UserName="anna", PolicyName="d", PolicyDocument=json.dumps(DENY_READING))
    assert httpx.get(made["Url"]).status_code == 404
    tenant.iam.delete_user_policy(UserName="anna", PolicyName="d")
    assert httpx.get(made["Url"]).status_code == 200
    api.delete_share_link(Identity="example.com", Link=made["Link"])
    assert httpx.get(made["Url"]).status_code == 404
    assert api.list_share_links(Identity="example.com")["Links"] == []
    (row,) = [
        row
        for row in audit_log(sesame, anna.account_id)
        if row["eventName"] == "CreateShareLink" and "errorCode" not in row
    ]
    assert row["requestParameters"]["link"] == made["Link"]
    assert made["Token"] not in json.dumps(audit_log(sesame, anna.account_id))


def test_a_session_of_a_role_makes_no_link(sesame: SesameProcess, tenant: Tenant) -> None:
    """There is no user by whose rights it would be read."""
    trust = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": tenant.account.account_id},
            "Action": "sts:AssumeRole",
        },
    }
    arn = tenant.iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    allow_all = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    tenant.iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps(allow_all))
    make_user(tenant, actions='"*"')
    key = tenant.iam.create_access_key(UserName="anna")["AccessKey"]
    anna = Account(tenant.account.account_id, key["AccessKeyId"], key["SecretAccessKey"])
    given = sesame.client("sts", anna).assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    session = sesame.client(
        "sesame",
        Account(anna.account_id, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]),
    )
    with pytest.raises(ClientError) as refused:
        session.create_share_link(Identity="example.com", Shows="RECORDS", Days=7)
    assert "users and root users" in str(refused.value)
    assert session.list_share_links(Identity="example.com")["Links"] == []


def test_a_reader_who_is_logged_in_reads_as_nobody(
    sesame: SesameProcess, owner: Person, tenant: Tenant
) -> None:
    link = make(owner)
    stranger = root_of(sesame, sesame.create_account(name="strangercanary").account_id)
    page = stranger.get(link.removeprefix(sesame.console)).text
    assert "DNS records of example.com" in words(page)
    assert "strangercanary" not in page
    assert "strangercanary" in stranger.get(f"/{REGION}/identities").text, "and is logged in still"
    assert stranger.get(HERE).status_code != 200


def test_the_log_has_no_path_that_opens_something() -> None:
    for first in ("link", "invite", "shared"):
        assert "secret" not in _without_secret(f"/{first}/secret")
    assert _without_secret(HERE) == HERE


@pytest.mark.parametrize(
    "form", [{"days": "8"}, {"days": ""}, {"days": "-1"}, {"kind": "messages"}, {"kind": "kit"}, {"kind": ""}]
)
def test_what_no_link_can_be_of_is_refused(owner: Person, form: dict[str, str]) -> None:
    answer = owner.send(f"{HERE}/shares", **{"kind": "records", "days": "7", **form})
    assert answer.status_code == 400
    assert "/shared/" not in answer.text
