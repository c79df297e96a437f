"""One side's pages never show what is the other's: names, Sids and patterns of policies, subjects, tags, recipients."""

import json
import random
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.browser import Person, root_of, words
from tests.support.process import REGION, Account, SesameProcess
from tests.support.tenant import Tenant

PAIRS = 300
IDENTITIES, ACCOUNTS, USERS = 5, 5, 2
"""How many identities are lent, to how many accounts (of each an owner sees so many refusals a minute), to how many
users of each."""
MOST_POLICIES = 8
MOST_ALIKE = 8
"""How many addresses of one page are opened that differ in what is asked alone."""
OWNERS, SENDERS = "ownerscanary", "senderscanary"


def identity_policy(draw: random.Random, arn: str, delegate: str, n: int) -> str:
    """A random identity policy with the owner's canary in all that is the owner's to know."""
    condition = draw.choice(
        [
            {"StringLike": {"ses:FromAddress": f"{OWNERS}-*@example.com"}},
            {"StringEquals": {"ses:FromDisplayName": f"{OWNERS}"}},
            {"ForAllValues:StringLike": {"ses:Recipients": [f"*@{OWNERS}.example"]}},
            {"ForAnyValue:StringNotLike": {"ses:Recipients": [f"{OWNERS}@*"]}},
            {"StringNotEquals": {"ses:FeedbackAddress": f"{OWNERS}@example.com"}},
            {"StringEquals": {"aws:PrincipalArn": f"arn:aws:iam::111111111111:user/{OWNERS}"}},
            {"StringEqualsIfExists": {"aws:ResourceTag/team": OWNERS}},
            {"StringLike": {"aws:UserAgent": f"{OWNERS}*"}},
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
            {"ForAllValues:StringNotLike": {"ses:Recipients": f"{SENDERS}-*"}},
            {"StringNotEquals": {"ses:FromDisplayName": SENDERS}},
            {"StringEquals": {"aws:PrincipalTag/team": SENDERS}},
            {"Null": {f"aws:RequestTag/{SENDERS}": "false"}},
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


def send(clients: "Clients", arn: str, name: str, *, local: str = "news", way: str = "v1") -> None:
    """Send by one of three ways; what is answered names nothing of the owner's."""
    source = f"{local}@{name}"
    to = {"ToAddresses": ["reader@example.net"], "BccAddresses": ["other@example.net"]}
    tags = [{"Name": SENDERS, "Value": SENDERS}]
    body = {"Text": {"Data": f"{SENDERS} body"}}
    message = {"Subject": {"Data": f"{SENDERS} subject"}, "Body": body}
    raw = f"From: {source}\r\nTo: reader@example.net\r\nSubject: {SENDERS}\r\n\r\n{SENDERS}\r\n".encode()
    try:
        if way == "v1":
            clients.v1.send_email(Source=source, SourceArn=arn, Destination=to, Message=message, Tags=tags)
        elif way == "raw":
            clients.v1.send_raw_email(SourceArn=arn, RawMessage={"Data": raw}, Tags=tags)
        else:
            clients.v2.send_email(
                FromEmailAddress=source,
                FromEmailAddressIdentityArn=arn,
                Destination=to,
                Content={"Simple": message},
                EmailTags=tags,
            )
    except ClientError as error:
        assert OWNERS not in str(error)


@dataclass(frozen=True)
class Clients:
    """One user of a sender's account."""

    account_id: str
    iam: Any
    name: str
    v1: Any
    v2: Any


def users_of(sesame: SesameProcess, account: Account) -> list[Clients]:
    iam = sesame.client("iam", account)
    found = []
    for n in range(USERS):
        iam.create_user(UserName=f"user{n}")
        key = iam.create_access_key(UserName=f"user{n}")["AccessKey"]
        as_user = Account("", key["AccessKeyId"], key["SecretAccessKey"])
        found.append(
            Clients(
                account.account_id,
                iam,
                f"user{n}",
                sesame.client("ses", as_user),
                sesame.client("sesv2", as_user),
            )
        )
    return found


def play_pairs(sesame: SesameProcess, tenant: Tenant, delegates: list[Account]) -> None:
    """Random pairs of policies, the owner's and the sender's, each with sends that come under both."""
    draw = random.Random(14)
    names = ["example.com", *(f"n{n}.example" for n in range(1, IDENTITIES))]
    for name in names[1:]:
        tenant.ses.verify_domain_identity(Domain=name)
    users = [user for delegate in delegates for user in users_of(sesame, delegate)]
    kept: dict[str, list[str]] = {name: [] for name in names}
    for n in range(PAIRS):
        user, name = draw.choice(users), draw.choice(names)
        arn = tenant.arn.replace("example.com", name)
        user.iam.put_user_policy(
            UserName=user.name, PolicyName=f"{SENDERS}{n % 3}", PolicyDocument=iam_policy(draw, n)
        )
        tenant.ses.put_identity_policy(
            Identity=name,
            PolicyName=f"{OWNERS}{n}",
            Policy=identity_policy(draw, arn, user.account_id, n),
        )
        kept[name].append(f"{OWNERS}{n}")
        send(user, arn, name, local=draw.choice(["news", "a"]), way=draw.choice(["v1", "raw", "v2"]))
        while len(kept[name]) > MOST_POLICIES or (kept[name] and draw.random() < 0.5):
            gone = kept[name].pop(draw.randrange(len(kept[name])))
            tenant.ses.delete_identity_policy(Identity=name, PolicyName=gone)


def crawl(person: Person, start: str) -> dict[str, str]:
    """Every page of the region that can be reached by links, and its text."""
    seen: dict[str, str] = {}
    alike: Counter[str] = Counter()
    waiting = [start]
    while waiting:
        path = waiting.pop()
        page, _, asked = path.partition("?")
        if path in seen or (asked and alike[page] >= MOST_ALIKE and not page.endswith("/messages")):
            continue
        alike[page] += 1
        seen[path] = person.get(path).text
        waiting += [
            found.replace("&amp;", "&")
            for found in re.findall(rf'href="(/{REGION}/[^"]+)"', seen[path])
            if "/zone" not in found
        ]
    return seen


def test_neither_party_sees_what_is_the_others(sesame: SesameProcess, tenant: Tenant) -> None:
    owner, delegates = tenant.account, [sesame.create_account() for _ in range(ACCOUNTS)]
    play_pairs(sesame, tenant, delegates)
    root = Clients(delegates[0].account_id, None, "", sesame.client("ses", delegates[0]), None)
    send(root, tenant.arn, "example.com")
    theirs = {
        (account.account_id, path): page
        for account in delegates
        for path, page in crawl(root_of(sesame, account.account_id), f"/{REGION}/messages").items()
    }
    own = crawl(root_of(sesame, owner.account_id), f"/{REGION}/messages")
    assert len([path for _, path in theirs if "/refusals/" in path]) >= PAIRS / 4
    assert len([path for path in own if "/refusals/" in path]) >= PAIRS / 4
    told = [where for where, page in theirs.items() if OWNERS in page]
    assert told == [], words(theirs[told[0]])
    leaks = [
        path
        for path, page in own.items()
        if SENDERS in page or ("/refusals/" in path and "@example.net" in page)
    ]
    assert leaks == [], words(own[leaks[0]])
    assert any(SENDERS in page for page in theirs.values()), "the sender sees its own"
    assert any(OWNERS in page for page in own.values()), "the owner sees its own"
    stranger = root_of(sesame, sesame.create_account().account_id)
    for path in {*own, *(path for _, path in theirs)}:
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
