"""A message sent as two owners' identities is in both owners' lists, and each sees its own half of it (I9)."""

import json
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError

from tests.support.browser import Person, main_of, root_of
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant

MESSAGES = f"/{REGION}/messages"
RAW = (
    b"From: ceo@example.com\r\nTo: reader@elsewhere.test\r\nReturn-Path: bounces@%s\r\n"
    b"Subject: secretsubject\r\n\r\nHello.\r\n"
)
THEIRS = ("ceo@example.com", "example.com", "reader@", "elsewhere", "secretsubject", "Lend")
"""What is the sender's and From's owner's alone."""


@dataclass(frozen=True)
class Sent:
    """Who had a part in one message."""

    message_id: str
    sender: Person
    owner: Person
    second: Person
    second_id: str
    domain: str


@pytest.fixture
def sent(sesame: SesameProcess, tenant: Tenant) -> Sent:
    """A message From an identity of one owner, whose return path is another's."""
    second, delegate = sesame.create_account(), sesame.create_account()
    domain = f"lists-{second.account_id}.example"
    sesame.client("ses", second).verify_domain_identity(Domain=domain)
    for account, name in ((tenant.account, "example.com"), (second, domain)):
        arn = f"arn:aws:ses:{REGION}:{account.account_id}:identity/{name}"
        document = {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"AWS": delegate.account_id},
                "Action": "ses:SendRawEmail",
                "Resource": arn,
            },
        }
        sesame.client("ses", account).put_identity_policy(
            Identity=name,
            PolicyName="Lend" if account is tenant.account else "Mine",
            Policy=json.dumps(document),
        )
    ses = sesame.client("ses", delegate)
    request = {
        "RawMessage": {"Data": RAW % domain.encode()},
        "FromArn": tenant.arn,
        "SourceArn": tenant.arn,
        "ReturnPathArn": f"arn:aws:ses:{REGION}:{second.account_id}:identity/{domain}",
    }
    message_id = ses.send_raw_email(**request)["MessageId"]
    with pytest.raises(ClientError):
        ses.send_raw_email(**request | {"FromArn": tenant.arn.replace("example.com", "other.example")})
    people = [
        root_of(sesame, one) for one in (delegate.account_id, tenant.account.account_id, second.account_id)
    ]
    return Sent(message_id, people[0], people[1], people[2], second.account_id, domain)


def none_of_theirs(text: str) -> bool:
    return not any(one in text for one in THEIRS)


def test_it_is_in_the_list_of_each_owner(sent: Sent) -> None:
    path = f"{MESSAGES}/{sent.message_id}"
    for person in (sent.sender, sent.owner, sent.second):
        assert f'href="{path}"' in person.get(MESSAGES).text
    rows = main_of(sent.second.get(f"{MESSAGES}?role=lent"))
    assert f"bounces@{sent.domain} as Return-Path" in rows
    assert none_of_theirs(sent.second.get(f"{MESSAGES}?outcome=accepted").text)


def test_its_page_tells_the_other_owner_how_it_came_out_and_no_more(sent: Sent) -> None:
    answer = sent.second.get(f"{MESSAGES}/{sent.message_id}")
    said = main_of(answer)
    assert f"Sent with {sent.domain}" in said and "Return-Path bounces@" in said
    assert "Mine" in said and ":root" in said
    assert none_of_theirs(answer.text)
    assert sent.domain not in sent.owner.get(f"{MESSAGES}/{sent.message_id}").text


def test_the_search_leads_there_and_a_filter_on_what_is_not_its_own_finds_nothing(sent: Sent) -> None:
    found = sent.second.get(f"/{REGION}/search", params={"q": sent.message_id})
    assert found.url.path == f"{MESSAGES}/{sent.message_id}"
    for query in ("from=ceo", "to=reader@elsewhere.test"):
        assert "Nothing like that" in main_of(sent.second.get(f"{MESSAGES}?{query}"))


def test_as_a_file_it_tells_no_more_than_on_the_page(sent: Sent) -> None:
    for kind in ("csv", "json"):
        text = sent.second.get(f"/{REGION}/export/messages.{kind}").text
        assert sent.message_id in text and none_of_theirs(text)


def test_the_delegate_sees_what_was_lent_for_the_return_path(sent: Sent) -> None:
    said = main_of(sent.sender.get(f"/{REGION}/lent"))
    assert f"{sent.domain} of account {sent.second_id}" in said
    assert "Also used for Return-Path" in said and "ReturnPathArn" in said


def test_nobody_else_finds_it(sent: Sent, sesame: SesameProcess) -> None:
    stranger = root_of(sesame, sesame.create_account().account_id)
    assert stranger.get(f"{MESSAGES}/{sent.message_id}").status_code == 404
