"""One side's pages never show what is the other's: names, Sids and patterns of policies, subjects, tags, recipients."""

import json
import random
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.browser import Person, root_of, words
from tests.support.process import REGION, Account, SesameProcess
from tests.support.tenant import Tenant

PAIRS = 8
OWNERS, SENDERS = "ownerscanary", "senderscanary"


def identity_policy(draw: random.Random, arn: str, delegate: str, n: int) -> str:
    """A random identity policy with the owner's canary in all that is the owner's to know."""
    condition = draw.choice(
        [
            {"StringLike": {"ses:FromAddress": f"{OWNERS}-*@example.com"}},
            {"StringEquals": {"ses:FromDisplayName": f"{OWNERS}"}},
            {"ForAllValues:StringLike": {"ses:Recipients": [f"*@{OWNERS}.example"]}},
            {},
        ]
    )
    statement = {
        "Sid": f"{OWNERS}{n}",
        "Effect": draw.choice(["Allow", "Deny"]),
        "Principal": {"AWS": draw.choice([delegate, "*"])},
        "Action": draw.choice(["ses:SendEmail", "ses:SendRawEmail", "ses:*"]),
        "Resource": arn,
    }
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]}
    )


def iam_policy(draw: random.Random, n: int) -> str:
    condition = draw.choice(
        [
            {"StringLike": {"ses:FromAddress": f"{SENDERS}-*@example.com"}},
            {"StringLike": {"ses:Recipients": f"*@{SENDERS}.example"}},
            {},
        ]
    )
    statement = {
        "Sid": f"{SENDERS}{n}",
        "Effect": draw.choice(["Allow", "Deny"]),
        "Action": draw.choice(["ses:SendEmail", "ses:*"]),
        "Resource": "*",
    }
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]}
    )


def send(client: Any, arn: str, *, source: str = "news@example.com") -> None:
    with pytest.MonkeyPatch.context():
        try:
            client.send_email(
                Source=source,
                SourceArn=arn,
                Destination={"ToAddresses": ["reader@example.net"], "BccAddresses": ["other@example.net"]},
                Message={
                    "Subject": {"Data": f"{SENDERS} subject"},
                    "Body": {"Text": {"Data": f"{SENDERS} body"}},
                },
                Tags=[{"Name": SENDERS, "Value": SENDERS}],
            )
        except ClientError as error:
            assert OWNERS not in str(error)


def crawl(person: Person, start: str) -> dict[str, str]:
    """Every page of the region that can be reached by links, and its text."""
    seen: dict[str, str] = {}
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen[path] = person.get(path).text
        waiting += [
            found.replace("&amp;", "&")
            for found in re.findall(rf'href="(/{REGION}/[^"]+)"', seen[path])
            if "/zone" not in found
        ]
    return seen


def test_neither_party_sees_what_is_the_others(sesame: SesameProcess, tenant: Tenant) -> None:
    draw = random.Random(14)
    owner = tenant.account
    arn = f"arn:aws:ses:{REGION}:{owner.account_id}:identity/example.com"
    delegate = sesame.create_account()
    iam = sesame.client("iam", delegate)
    for n in range(PAIRS):
        user = f"user{n}"
        iam.create_user(UserName=user)
        key = iam.create_access_key(UserName=user)["AccessKey"]
        client = sesame.client("ses", Account("", key["AccessKeyId"], key["SecretAccessKey"]))
        iam.put_user_policy(UserName=user, PolicyName=f"{SENDERS}{n}", PolicyDocument=iam_policy(draw, n))
        tenant.ses.put_identity_policy(
            Identity="example.com",
            PolicyName=f"{OWNERS}{n}",
            Policy=identity_policy(draw, arn, delegate.account_id, n),
        )
        send(client, arn)
        for name in tenant.ses.list_identity_policies(Identity="example.com")["PolicyNames"]:
            if draw.random() < 0.5:
                tenant.ses.delete_identity_policy(Identity="example.com", PolicyName=name)
        send(client, arn, source=f"{draw.choice(['a', 'b'])}@example.com")
    send(sesame.client("ses", delegate), arn)
    theirs = crawl(root_of(sesame, delegate.account_id), f"/{REGION}/messages")
    own = crawl(root_of(sesame, owner.account_id), f"/{REGION}/messages")
    assert len([path for path in theirs if "/refusals/" in path]) >= PAIRS
    assert any("/refusals/" in path for path in own)
    leaks = [path for path, page in theirs.items() if OWNERS in page]
    assert leaks == [], words(theirs[leaks[0]])
    leaks = [
        path
        for path, page in own.items()
        if SENDERS in page or ("/refusals/" in path and "@example.net" in page)
    ]
    assert leaks == [], words(own[leaks[0]])
    assert any(SENDERS in page for page in theirs.values()), "the sender sees its own"
    assert any(OWNERS in page for page in own.values()), "the owner sees its own"
    stranger = root_of(sesame, sesame.create_account().account_id)
    for path in {*theirs, *own}:
        if "/refusals/" in path or re.search("/messages/.", path):
            answer = stranger.get(path)
            assert answer.status_code == 404, path
            unknown = stranger.get(f"{path.rpartition('/')[0]}/none")
            assert words(answer.text)[:400] == words(unknown.text)[:400]


def test_a_refusal_does_not_tell_whether_the_identity_is_there(sesame: SesameProcess, tenant: Tenant) -> None:
    """The page of a refusal reads the same for an identity that is not there, not verified, or not lent."""
    tenant.ses.verify_email_identity(EmailAddress="waiting@example.org")
    delegate = sesame.create_account()
    client = sesame.client("ses", delegate)
    pages = []
    for name in ("nothere.example", "example.com", "waiting@example.org"):
        arn = f"arn:aws:ses:{REGION}:{tenant.account.account_id}:identity/{name}"
        source = name if "@" in name else f"x@{name}"
        with pytest.raises(ClientError) as refused:
            client.send_email(
                Source=source,
                SourceArn=arn,
                Destination={"ToAddresses": ["reader@example.net"]},
                Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
            )
        request_id = refused.value.response["ResponseMetadata"]["RequestId"]
        page = root_of(sesame, delegate.account_id).get(f"/{REGION}/refusals/{request_id}")
        assert page.status_code == 200
        text = words(page.text).replace(name, "NAME").replace("x@NAME", "NAME").replace(request_id, "ID")
        pages.append(re.sub(r"[0-9]{2}:[0-9]{2}:[0-9]{2}", "TIME", text))
    assert pages[0] == pages[1] == pages[2]
