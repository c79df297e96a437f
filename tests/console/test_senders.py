"""Who can send as an identity: the page's answer is the analysis's, and stopping takes what it says."""

import html
import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.browser import Person, root_of, words
from tests.support.documents import document
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import MESSAGE, TO, Tenant

HERE = f"/{REGION}/identities/example.com"


def allow(tenant: Tenant, principal: Any, sid: str, **more: Any) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": ["ses:SendEmail", "ses:SendRawEmail"],
        "Resource": tenant.arn,
        **more,
    }


def put(tenant: Tenant, name: str, *statements: dict[str, Any]) -> None:
    tenant.ses.put_identity_policy(Identity="example.com", PolicyName=name, Policy=document(*statements))


NEWS = {"StringLike": {"ses:FromAddress": "news-*@example.com"}}


@pytest.fixture
def owner(sesame: SesameProcess, tenant: Tenant) -> Person:
    return root_of(sesame, tenant.account.account_id)


def send(client: Any, tenant: Tenant, source: str) -> str:
    answer: str = client.send_email(Source=source, SourceArn=tenant.arn, Destination=TO, Message=MESSAGE)[
        "MessageId"
    ]
    return answer


def test_a_role_with_a_boundary_is_not_said_to_be_able(owner: Person, tenant: Tenant) -> None:
    """Its people page shows the boundary; that of who can send, that it is not known whether the role can."""
    reader = "arn:aws:iam::aws:policy/AmazonSESReadOnlyAccess"
    number = tenant.account.account_id
    trust = document({"Effect": "Allow", "Principal": {"AWS": number}, "Action": "sts:AssumeRole"})
    tenant.iam.create_role(RoleName="app", AssumeRolePolicyDocument=trust)
    tenant.iam.create_user(UserName="anna", PermissionsBoundary=reader)
    arn = f"arn:aws:iam::{number}:role/app"
    put(tenant, "Own", allow(tenant, {"AWS": arn}, "App"))
    assert "has a permissions boundary" not in words(owner.get(f"{HERE}/senders").text)
    tenant.iam.put_role_permissions_boundary(RoleName="app", PermissionsBoundary=reader)
    assert "has a permissions boundary, which may not allow this" in words(owner.get(f"{HERE}/senders").text)
    for path in ("roles/app", "users/anna"):
        assert f"Permissions boundary: {reader}" in words(owner.get(f"/{REGION}/people/{path}").text)


def test_nobody_is_said_and_what_to_do(owner: Person) -> None:
    page = words(owner.get(f"{HERE}/senders").text)
    assert page.count("No other account can send as example.com") == 1
    assert page.count("Lend this identity") == 1
    assert "No policy" not in page


def test_each_delegate_is_there_with_conditions_example_and_statement(owner: Person, tenant: Tenant) -> None:
    put(tenant, "Newsletter", allow(tenant, {"AWS": "222222222222"}, "NewsOnly", Condition=NEWS))
    ceo = {"StringLike": {"ses:FromAddress": "ceo@*"}}
    ben = allow(tenant, {"AWS": "arn:aws:iam::333333333333:user/ben"}, "Ben")
    put(tenant, "People", ben, {**allow(tenant, "*", "NotCeo", Condition=ceo), "Effect": "Deny"})
    page = words(owner.get(f"{HERE}/senders").text)
    assert "Two delegates can send as example.com." in page
    assert "Account 222222222222" in page
    assert "when the From address is like news-*@example.com" in page
    assert "arn:aws:iam::333333333333:user/ben" in page
    assert "unless the From address is like ceo@*" in page
    assert "by Newsletter , NewsOnly" in page
    assert "Anybody" not in page


def test_what_the_page_links_to_is_there(owner: Person, tenant: Tenant) -> None:
    put(tenant, "P", allow(tenant, {"AWS": "222222222222"}, "A"))
    waiting, seen = [f"{HERE}/senders"], set[str]()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = owner.get(path)
        assert answer.status_code == 200, path
        found = re.findall(r'(?:href|action|formaction)="([^"]+)"', answer.text)
        forms = set(re.findall(r'(?:action|formaction)="([^"]+)"', answer.text))
        links = [html.unescape(one) for one in found if one.startswith(HERE)]
        assert all(len(one.removeprefix(HERE).split("/")) <= 4 for one in links), links
        waiting += [one for one in links if one not in forms]
    assert {f"{HERE}/stop?principal=222222222222", f"{HERE}/lend", f"{HERE}/policies/P/remove"} <= seen


def test_everybody_is_said_first(owner: Person, tenant: Tenant) -> None:
    put(tenant, "Open", allow(tenant, "*", "All"))
    page = words(owner.get(f"{HERE}/senders").text)
    assert "Anybody in any other account" in page.partition("Who May send")[0]
    assert "named by nobody" in page
    assert "SP201" in page


def test_limits_narrow_the_answer(owner: Person, tenant: Tenant) -> None:
    put(tenant, "Newsletter", allow(tenant, {"AWS": "222222222222"}, "NewsOnly", Condition=NEWS))
    assert "No other account can send" in words(owner.get(f"{HERE}/senders?from=ceo@example.com").text)
    assert "One delegate can send" in words(owner.get(f"{HERE}/senders?from=news-7@example.com").text)
    answer = owner.get(f"{HERE}/senders?ip=nonsense&from=<script>")
    assert answer.status_code == 400
    assert "<script>" not in answer.text.replace("<script src", "")


def test_one_principal_is_told_all_that_it_may(owner: Person, tenant: Tenant) -> None:
    put(tenant, "Newsletter", allow(tenant, {"AWS": "222222222222"}, "NewsOnly", Condition=NEWS))
    user = "arn:aws:iam::222222222222:user/x"
    page = words(owner.get(f"{HERE}/senders", params={"principal": user}).text)
    assert f"What {user} may send Allowed when the From address is like news-*@example.com" in page
    page = words(owner.get(f"{HERE}/senders", params={"principal": "333333333333"}).text)
    assert "No policy of this identity lets it send" in page
    for wrong in ("arn:aws:iam::1:user/x", "a b", "arn:aws:iam::222222222222:policy/x"):
        assert owner.get(f"{HERE}/senders", params={"principal": wrong}).status_code in (200, 400)


def test_what_a_delegate_did_is_counted(sesame: SesameProcess, owner: Person, tenant: Tenant) -> None:
    from tests.support.process import wait_until

    delegate = sesame.create_account()
    put(tenant, "Newsletter", allow(tenant, {"AWS": delegate.account_id}, "NewsOnly"))
    put(tenant, "Other", allow(tenant, {"AWS": "222222222222"}, "Unused"))
    assert words(owner.get(f"{HERE}/senders").text).count("not used since it was lent, ") == 2
    send(sesame.client("ses", delegate), tenant, "news-1@example.com")
    wait_until(lambda: "1 recipient" in words(owner.get(f"{HERE}/senders").text))
    page = words(owner.get(f"{HERE}/senders").text)
    assert re.search(
        r"1 recipient lent [0-9:]+ UTC, first used within 15 minutes of [0-9:]+ UTC Stop lending", page
    )
    assert page.count("not used since it was lent, ") == 1


def test_stopping_shows_who_loses_and_takes_effect_with_the_answer(
    sesame: SesameProcess, owner: Person, tenant: Tenant
) -> None:
    delegate = sesame.create_account()
    theirs = sesame.client("ses", delegate)
    put(tenant, "Both", allow(tenant, {"AWS": [delegate.account_id, "222222222222"]}, "A"))
    put(tenant, "Alone", allow(tenant, {"AWS": f"arn:aws:iam::{delegate.account_id}:root"}, "B"))
    deny = {**allow(tenant, {"AWS": delegate.account_id}, "C", Condition=NEWS), "Effect": "Deny"}
    put(tenant, "Never", deny)
    send(theirs, tenant, "a@example.com")
    path = f"{HERE}/stop?principal={delegate.account_id}"
    page = words(owner.get(path).text)
    assert "2 policies" in page
    assert f"Who loses Account {delegate.account_id}" in page
    assert "Nobody gains anything." in page
    begun = owner.get(path).text.partition('name="begun" value="')[2].partition('"')[0]
    answer = owner.send(f"{HERE}/stop", page=path, principal=delegate.account_id, begun=begun)
    assert "No more mail is accepted from them as this identity" in answer.text
    with pytest.raises(ClientError, match="not authorized"):
        send(theirs, tenant, "a@example.com")
    left = tenant.ses.get_identity_policies(Identity="example.com", PolicyNames=["Both", "Alone", "Never"])[
        "Policies"
    ]
    assert set(left) == {"Both", "Never"}
    assert json.loads(left["Both"])["Statement"][0]["Principal"] == {"AWS": "222222222222"}
    assert json.loads(left["Never"]) == json.loads(document(deny))


def test_stopping_what_has_changed_meanwhile_is_looked_at_again(owner: Person, tenant: Tenant) -> None:
    put(tenant, "P", allow(tenant, {"AWS": ["222222222222", "333333333333"]}, "A"))
    path = f"{HERE}/stop?principal=222222222222"
    begun = owner.get(path).text.partition('name="begun" value="')[2].partition('"')[0]
    put(tenant, "P", allow(tenant, {"AWS": ["222222222222", "444444444444"]}, "A"))
    answer = owner.send(f"{HERE}/stop", page=path, principal="222222222222", begun=begun)
    assert answer.status_code == 409
    stored = tenant.ses.get_identity_policies(Identity="example.com", PolicyNames=["P"])["Policies"]["P"]
    assert "222222222222" in stored


def test_a_wide_statement_names_nobody_to_stop(owner: Person, tenant: Tenant) -> None:
    put(tenant, "Open", allow(tenant, "*", "All"))
    assert (
        "No statement that allows something names it" in owner.get(f"{HERE}/stop?principal=222222222222").text
    )
    assert owner.send(
        f"{HERE}/stop", page="/me", principal="222222222222", begun=""
    ).status_code == 404  # fmt: skip


def test_an_identity_that_is_not_there_has_no_page(owner: Person) -> None:
    for path in ("senders", "stop?principal=222222222222"):
        assert owner.get(f"/{REGION}/identities/nothere.example/{path}").status_code in (400, 404)
