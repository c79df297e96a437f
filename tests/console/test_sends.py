"""Sends as an identity, as its owner sees them: whoever sent, accepted and refused, and no more than is the owner's."""

import csv
import io
import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sesame.app.foundation import Services
from sesame.store import tallies
from sesame.store.tallies import Counts, Where
from tests.console.hostile import HEADERS
from tests.console.test_hostile_newer import wrong_in
from tests.console.test_leave import person_with
from tests.support.browser import Person, main_of, root_of
from tests.support.process import REGION, Account, SesameProcess
from tests.support.tenant import Tenant

HERE = f"/{REGION}/identities/example.com/sends"
SECRET = "sendersecret"
"""What the delegate has in its subjects, tags, policies and body."""
RAW = (
    "From: me@%s\r\nTo: reader@elsewhere.test\r\nReturn-Path: bounces@example.com\r\n"
    f"Subject: {SECRET}\r\n\r\n{SECRET}\r\n"
)


@dataclass(frozen=True)
class Lent:
    """An owner that lends example.com and a delegate with another domain of its own."""

    owner: Person
    delegate: Account
    domain: str
    accepted: str
    refused: str
    further: str


def allow(tenant: Tenant, delegate: str) -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": delegate},
            "Action": "ses:Send*",
            "Resource": tenant.arn,
            "Condition": {"StringNotEquals": {"ses:FromAddress": "ceo@example.com"}},
        },
    }
    tenant.ses.put_identity_policy(Identity="example.com", PolicyName="Lend", Policy=json.dumps(document))


def send(ses: Any, source: str, **more: Any) -> str:
    """Send; the id of the message, or of the request that was refused."""
    try:
        sent: str = ses.send_email(
            Source=source,
            Destination={"ToAddresses": ["reader@elsewhere.test"]},
            Message={"Subject": {"Data": SECRET}, "Body": {"Text": {"Data": SECRET}}},
            Tags=[{"Name": SECRET, "Value": SECRET}],
            **more,
        )["MessageId"]
    except ClientError as error:
        sent = error.response["ResponseMetadata"]["RequestId"]
    return sent


@pytest.fixture
def lent(sesame: SesameProcess, tenant: Tenant) -> Lent:
    delegate = sesame.create_account()
    ses = sesame.client("ses", delegate)
    domain = f"own-{delegate.account_id}.example"
    ses.verify_domain_identity(Domain=domain)
    allow(tenant, delegate.account_id)
    iam = sesame.client("iam", delegate)
    iam.create_user(UserName="robot")
    iam.put_user_policy(
        UserName="robot",
        PolicyName=SECRET,
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {"Sid": SECRET, "Effect": "Allow", "Action": "ses:*", "Resource": "*"},
            }
        ),
    )
    key = iam.create_access_key(UserName="robot")["AccessKey"]
    robot = sesame.client("ses", Account("", key["AccessKeyId"], key["SecretAccessKey"]))
    accepted = send(robot, "news@example.com", SourceArn=tenant.arn)
    refused = send(ses, "ceo@example.com", SourceArn=tenant.arn)
    own = f"arn:aws:ses:{REGION}:{delegate.account_id}:identity/{domain}"
    further = ses.send_raw_email(
        RawMessage={"Data": (RAW % domain).encode()}, FromArn=own, SourceArn=own, ReturnPathArn=tenant.arn
    )["MessageId"]
    owner = root_of(sesame, tenant.account.account_id)
    return Lent(owner, delegate, domain, accepted, refused, further)


def ids(page: str) -> list[str]:
    return re.findall(
        rf'href="/{REGION}/(?:messages|refusals)/([0-9a-f-]+)"', page.partition('class="list"')[2]
    )


def test_the_owner_sees_every_send_as_the_identity_with_who_sent(lent: Lent, tenant: Tenant) -> None:
    own = send(tenant.ses, "office@example.com")
    page = lent.owner.get(HERE)
    assert page.status_code == 200
    assert ids(page.text) == [own, lent.further, lent.refused, lent.accepted]
    said = main_of(page)
    account = lent.delegate.account_id
    assert f"arn:aws:iam::{account}:user/robot news@example.com" in said
    assert f"arn:aws:iam::{account}:root bounces@example.com as Return-Path the sender's to see" in said
    assert "refused AccessDenied" in said
    assert "this account office@example.com reader@elsewhere.test" in said
    assert "in 14 days" in said


def test_nothing_of_the_senders_is_shown(lent: Lent) -> None:
    texts = [lent.owner.get(HERE).text]
    texts += [
        lent.owner.get(f"/{REGION}/export/sends.{kind}?identity=example.com").text for kind in ("csv", "json")
    ]
    for text in texts:
        assert lent.accepted in text and lent.refused in text and lent.further in text
        assert SECRET not in text
        assert lent.domain not in text, "From of what it is the return path of alone"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("outcome=accepted", ["further", "accepted"]),
        ("outcome=refused", ["refused"]),
        ("outcome=bounced", []),
        ("by=robot", ["accepted"]),
        ("by=USER/ROBOT", ["accepted"]),
        ("by={account}", ["further", "refused", "accepted"]),
        ("by=222222222222", []),
        ("from=news@", ["accepted"]),
        ("from=CEO", ["refused"]),
        ("from=own-", []),
        ("from=ceo&by=robot", []),
        ("outcome=nonsense", ["further", "refused", "accepted"]),
        ("after=nonsense", ["further", "refused", "accepted"]),
    ],
)
def test_filters_leave_what_was_asked_for(lent: Lent, query: str, expected: list[str]) -> None:
    page = lent.owner.get(f"{HERE}?{query.format(account=lent.delegate.account_id)}")
    assert ids(page.text) == [getattr(lent, name) for name in expected]
    if not expected:
        assert "Nothing like that." in main_of(page)


def test_another_identity_of_the_owner_has_its_own_sends(lent: Lent, tenant: Tenant) -> None:
    tenant.ses.verify_email_identity(EmailAddress="alone@example.com")
    page = lent.owner.get(f"/{REGION}/identities/alone@example.com/sends")
    assert ids(page.text) == []
    assert "Nothing was sent as alone@example.com in the days that are kept." in main_of(page)


def test_the_list_goes_on_where_it_ended(lent: Lent, tenant: Tenant) -> None:
    for n in range(60):
        send(tenant.ses, f"n{n}@example.com")
    seen: list[str] = []
    path = HERE
    for _ in range(5):
        page = lent.owner.get(path).text
        seen += ids(page)
        more = re.search(rf'href="({HERE}\?[^"]*after=[^"]+)">Older', page)
        if more is None:
            break
        path = more[1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 63
    assert seen[-3:] == [lent.further, lent.refused, lent.accepted]
    rows = list(
        csv.reader(io.StringIO(lent.owner.get(f"/{REGION}/export/sends.csv?identity=example.com").text))
    )
    assert [row[2] for row in rows[1:]] == seen


def test_the_page_says_who_sent_how_much(lent: Lent, sesame: SesameProcess) -> None:
    said = main_of(lent.owner.get(HERE))
    assert "1 other account sent as example.com in 14 days, to 1 recipient." in said
    assert f"by={lent.delegate.account_id}" in lent.owner.get(HERE).text


def test_a_delegate_and_a_stranger_do_not_see_the_owners_list(lent: Lent, sesame: SesameProcess) -> None:
    for account in (lent.delegate, sesame.create_account()):
        person = root_of(sesame, account.account_id)
        known = person.get(HERE)
        unknown = person.get(f"/{REGION}/identities/nowhere.example/sends")
        assert (known.status_code, unknown.status_code) == (404, 404)
        assert main_of(known).replace("example.com", "X") == main_of(unknown).replace("nowhere.example", "X")
        file = person.get(f"/{REGION}/export/sends.csv?identity=example.com")
        assert lent.accepted not in file.text
        assert file.status_code == 404


def test_hostile_filters_are_text(lent: Lent) -> None:
    for hostile in HEADERS:
        page = lent.owner.get(HERE, params={"by": hostile, "from": hostile, "outcome": hostile})
        assert page.status_code == 200
        assert wrong_in(page.text) == []


def test_an_identity_that_sent_nothing_for_long_leads_to_the_day_when_it_did(
    sesame: SesameProcess, lent: Lent, tenant: Tenant
) -> None:
    """The sends are put back by days, and more sends of others than a page looks at are put before them."""

    async def run(services: Services) -> None:
        owner = tenant.account.account_id

        async def change(tx: Any) -> None:
            for table, column in (("message", "accepted_at"), ("refusal", "at")):
                await tx.execute(
                    f"UPDATE {table} SET {column} = {column} - ? WHERE owner_account_id = ?",
                    5 * 86_400,
                    owner,
                )
            await tx.execute(
                "UPDATE identity_tally SET day = day - 5 WHERE owner_account_id = ? AND identity = ?",
                owner,
                "example.com",
            )
            await tx.execute(
                "INSERT INTO refusal (request_id, account_id, owner_account_id, region, at, code, reason, decision)"
                " WITH RECURSIVE n (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < 1300)"
                " SELECT 'r' || k, ?, ?, ?, 2e9 - k, 'c', '', '{}' FROM n",
                owner,
                owner,
                REGION,
            )

        await services.store.write(change)

    async def undo(services: Services) -> None:
        await services.store.write(lambda tx: tx.execute("DELETE FROM refusal WHERE at > 1.9e9"))

    sesame.operate(run)
    page = lent.owner.get(HERE)
    sesame.operate(undo)  # the server is other tests' too
    assert "Nothing of it among the newest 1,200 sends of the account." in main_of(page)
    link = re.search(r'href="([^"]+)">Show that day', page.text)
    assert link
    assert lent.accepted in ids(lent.owner.get(link[1].replace("&amp;", "&")).text)


def test_the_hours_of_an_identity_are_drawn_with_those_of_delegates(
    sesame: SesameProcess, tenant: Tenant, person: Person
) -> None:
    owner, delegate = tenant.account.account_id, sesame.create_account().account_id
    assert "By hour" not in person.get(HERE).text

    async def fill(services: Services) -> None:
        quarter = tallies.quarter_of(services.clock.now())
        sent = {
            Where(owner, REGION, quarter, owner, "example.com", ""): Counts(sends=3, permanent_bounces=1),
            Where(delegate, REGION, quarter, owner, "example.com", "a"): Counts(sends=4),
            Where(delegate, REGION, quarter - 8, owner, "example.com", ""): Counts(sends=2),
            Where(delegate, REGION, quarter - 4 * 60, owner, "example.com", ""): Counts(sends=999),
            Where(owner, REGION, quarter, owner, "other.example", ""): Counts(sends=888),
            Where(owner, "eu-west-1", quarter, owner, "example.com", ""): Counts(sends=777),
        }
        await services.store.write(lambda tx: tallies.add(tx, sent))

    sesame.operate(fill)
    page = person.get(HERE).text
    drawn = page.partition("<h2>By hour</h2>")[2].partition("</section>")[0]
    titles = re.findall(r"<title>([^<]+)</title>", drawn)
    assert len(titles) == 48
    assert titles[-1].endswith(" h: 7 accepted, 1 bounced")
    assert titles[-3].endswith(" h: 2 accepted, 0 bounced")
    assert not any(foreign in drawn for foreign in ("999", "888", "777"))
    assert main_of(person.get(HERE)).count(" h 7 1") == 1
    denied = person_with(sesame, tenant, "ses:GetMessageInsights")
    assert "By hour" not in denied.get(HERE).text
