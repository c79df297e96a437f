"""What a delegate gets to see: the kit that its owner hands over, and what it has sent as others."""

import json
import re

import pytest
from botocore.exceptions import ClientError

from tests.console.test_login import PASSWORD, make_user
from tests.console.test_login import log_in as log_in_user
from tests.console.test_senders import HERE, NEWS, allow, put, send
from tests.support.browser import Person, root_of, words
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant

LENT = f"/{REGION}/lent"


@pytest.fixture
def owner(sesame: SesameProcess, tenant: Tenant) -> Person:
    return root_of(sesame, tenant.account.account_id)


def test_a_kit_has_all_that_a_delegate_needs_and_no_secret(
    sesame: SesameProcess, owner: Person, tenant: Tenant
) -> None:
    delegate = sesame.create_account()
    put(tenant, "CanaryPolicy", allow(tenant, {"AWS": delegate.account_id}, "CanarySid", Condition=NEWS))
    put(tenant, "Other", allow(tenant, {"AWS": "222222222222"}, "CanaryOther"))
    [link] = [
        one for one in re.findall(r'href="([^"]+/kit[^"]+)"', owner.get(f"{HERE}/senders").text)
        if delegate.account_id in one
    ]  # fmt: skip
    page = owner.get(link).text
    shown = words(page)
    assert page.count(f'data-copy="{tenant.arn}"') == 2, "at its head, and beside what to add"
    for needed in (tenant.arn, sesame.api, "news-*@example.com", "SourceArn", "X-SES-SOURCE-ARN", "boto3"):
        assert needed in shown, needed
    assert f"For account {delegate.account_id} : everything" in shown, "not for its root user alone"
    text = owner.get(link.replace("/kit?", "/kit/text?"))
    assert text.headers["content-disposition"].startswith("attachment")
    assert tenant.arn in text.text
    for secret in ("Canary", "222222222222", delegate.secret_access_key, tenant.account.secret_access_key):
        assert secret not in page.partition("<main")[2], secret
        assert secret not in text.text, secret
    snippet = next(one for one in re.findall(r"<pre>(.*?)</pre>", page, re.DOTALL) if "ses:Send" in one)
    assert json.loads(snippet.replace("&#34;", '"'))["Statement"], "the IAM policy of the sender's side"


@pytest.mark.parametrize(
    "named", ["222222222222", "", "nobody", "*", "arn:aws:iam::1:user/x", "<script>alert(1)</script>"]
)
def test_there_is_no_kit_for_whom_nothing_is_lent(owner: Person, named: str) -> None:
    for path in ("kit", "kit/text"):
        answer = owner.get(f"{HERE}/{path}", params={"for": named})
        assert answer.status_code == 404
        assert "<script>a" not in answer.text


def test_a_kit_takes_the_leave_to_read_policies(sesame: SesameProcess, tenant: Tenant) -> None:
    put(tenant, "P", allow(tenant, {"AWS": "222222222222"}, "A"))
    make_user(tenant, actions='["ses:GetEmailIdentity"]')
    person, _ = log_in_user(sesame, tenant, PASSWORD)
    for path in (f"{HERE}/kit?for=222222222222", f"{HERE}/kit/text?for=222222222222"):
        answer = person.get(path)
        assert answer.status_code == 403
        assert "ses:GetEmailIdentityPolicies" in answer.text


def test_what_was_sent_as_others_is_told_as_it_came_out(
    sesame: SesameProcess, owner: Person, tenant: Tenant
) -> None:
    delegate = sesame.create_account()
    put(tenant, "Canary", allow(tenant, {"AWS": delegate.account_id}, "Canary", Condition=NEWS))
    theirs, person = sesame.client("ses", delegate), root_of(sesame, delegate.account_id)
    assert "has not sent as an identity of another account" in words(person.get(LENT).text)
    send(theirs, tenant, "news-1@example.com")
    with pytest.raises(ClientError):
        send(theirs, tenant, "ceo@example.com")
    page = person.get(LENT).text
    shown = words(page)
    assert f"example.com of account {tenant.account.account_id}" in shown
    assert "Refused the last time" in shown
    assert "1 accepted send, 1 refused." in shown
    assert "Accepted as news-1@example.com Refused as ceo@example.com" in shown
    assert tenant.arn in shown
    assert "Canary" not in page
    [link] = re.findall(rf'href="(/{REGION}/refusals/[^"]+)"', page)
    assert person.get(link).status_code == 200
    assert "has not sent" in words(owner.get(LENT).text), "its own is not lent to it"
    assert "has not sent" in words(person.get("/eu-west-1/lent").text)


def test_a_send_as_what_is_not_there_reads_like_one_that_is_not_lent(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    stranger = sesame.create_account()
    client = sesame.client("ses", stranger)
    for name in ("example.com", "nothere.example"):
        arn = tenant.arn.replace("example.com", name)
        with pytest.raises(ClientError):
            client.send_email(
                Source=f"x@{name}",
                SourceArn=arn,
                Destination={"ToAddresses": ["a@example.org"]},
                Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
            )
    page = root_of(sesame, stranger.account_id).get(LENT).text
    articles = [words(one) for one in re.findall(r"<article.*?</article>", page, re.DOTALL)]
    assert len(articles) == 2
    same = {
        re.sub(r"[0-9]{2}:[0-9]{2}:[0-9]{2}", "TIME", one.replace("nothere.example", "example.com"))
        for one in articles
    }
    assert len(same) == 1


def test_what_is_lent_takes_the_leave_to_read_messages(sesame: SesameProcess, tenant: Tenant) -> None:
    make_user(tenant, actions='["ses:GetEmailIdentityPolicies"]')
    person, _ = log_in_user(sesame, tenant, PASSWORD)
    answer = person.get(LENT)
    assert answer.status_code == 403
    assert "ses:GetMessageInsights" in answer.text
