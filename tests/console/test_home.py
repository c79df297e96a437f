"""The first page of an account: whether everything is well, what comes next, what happened."""

import json
import re
import time

import pytest
from botocore.exceptions import ClientError

from sesame.app.foundation import Services
from tests.console.test_leave import person_with
from tests.support.browser import Person, operator, root_of, words
from tests.support.process import REGION, Account, SesameProcess, wait_until
from tests.support.tenant import Tenant

HERE = f"/{REGION}/home"


def home(person: Person, region: str = REGION) -> str:
    answer = person.get(f"/{region}/home")
    assert answer.status_code == 200
    return words(answer.text.partition("<main")[2].partition("</main>")[0])


def send(client: object, source: str = "news@example.com", **more: str) -> str:
    sent: str = client.send_email(  # type: ignore[attr-defined]
        Source=source,
        Destination={"ToAddresses": ["reader@example.net"]},
        Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
        **more,
    )["MessageId"]
    return sent


def mark(sesame: SesameProcess, account: Account, **values: str) -> None:
    """Put an identity into a state that takes days to come about."""

    async def run(services: Services) -> None:
        sets = ", ".join(f"{name} = ?" for name in values)
        await services.store.write(
            lambda tx: tx.execute(
                f"UPDATE identity SET {sets} WHERE account_id = ?", *values.values(), account.account_id
            )
        )

    sesame.operate(run)


def test_it_is_where_a_log_in_leads(sesame: SesameProcess, tenant: Tenant) -> None:
    person = Person(sesame.console)
    link = sesame.run_json("console", "login", "--account", tenant.account.account_id)["link"]
    assert person.follow(link).url.path == HERE


def test_it_leads_from_the_first_identity_to_the_first_send(sesame: SesameProcess) -> None:
    account = sesame.create_account()
    person, v2 = root_of(sesame, account.account_id), sesame.client("sesv2", account)
    page = home(person)
    assert page.startswith('id="main" tabindex="-1"> No identity of its own yet No identity in us-east-1')
    assert (
        "Next Add a domain or an address to send as. What another account lends needs none: send as it"
        in page
    )
    assert "Nothing can be sent" not in page, "it may be lent one, which is not told"
    v2.create_email_identity(EmailIdentity="anna@example.com")
    page = home(person)
    assert "Nothing can be sent yet" in page and "A link was mailed to anna@example.com" in page
    v2.create_email_identity(EmailIdentity="shop.example")
    page = home(person)
    assert page.partition("> ")[2].startswith("Everything is well 2 identities in us-east-1")
    assert "Send a first message" in page
    ses = sesame.client("ses", account)
    send(ses, "news@shop.example")
    wait_until(lambda: "Send a first message" not in home(person))
    assert "Next A link was mailed to anna@example.com" in home(person)
    assert "There is nothing to send as in eu-west-1; there is in other regions: 2 in us-east-1." in home(
        person, "eu-west-1"
    )


def test_the_sandbox_is_left_step_by_step(sesame: SesameProcess) -> None:
    account = sesame.create_account(production=False)
    person, v2 = root_of(sesame, account.account_id), sesame.client("sesv2", account)
    v2.create_email_identity(EmailIdentity="shop.example")
    assert "Send a first message: in the sandbox to an address that is verified" in home(person)
    send_to = {"ToAddresses": ["success@simulator.amazonses.com"]}
    content = {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}}}
    v2.send_email(FromEmailAddress="a@shop.example", Destination=send_to, Content=content)
    wait_until(lambda: "Ask the operator for production access." in home(person))
    v2.put_account_details(
        MailType="TRANSACTIONAL", WebsiteURL="https://shop.example", ProductionAccessEnabled=True
    )
    assert "The operator has your request for production access." in home(person)
    sesame.run("account", "refuse-production", account.account_id, "--reason", "say more")
    assert "The operator refused production access, with a reason. Read it and ask again" in home(person)
    sesame.run("account", "leave-sandbox", account.account_id)
    assert "Nothing is left to do." in home(person)


def test_what_was_accepted_refused_and_bounced_is_counted(
    sesame: SesameProcess, tenant: Tenant, person: Person
) -> None:
    delegate = sesame.create_account()
    theirs = sesame.client("ses", delegate)
    send(tenant.ses)
    for _ in range(2):
        with pytest.raises(ClientError):
            send(tenant.ses, "x@other.example")
    with pytest.raises(ClientError):
        send(theirs, SourceArn=tenant.arn)
    tenant.ses.send_email(
        Source="news@example.com",
        Destination={"ToAddresses": ["bounce@simulator.amazonses.com"]},
        Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
    )
    wait_until(lambda: "Hard bounces among them 1 (50.00 %)" in home(person))
    page = home(person)
    assert "in 24 hours 2 recipients accepted and 2 sends refused" in page
    assert "Sends refused 2 and 1 of others as yours" in page
    assert "Mail goes out, and some is refused" in page
    assert "2 sends were refused in the last 24 hours. See why" in page
    assert re.search(r"\d\d h 2 1 2 ", page.partition("Hour (UTC)")[2]), page
    raw = person.get(HERE).text
    assert re.search(r"<title>\d{4}-\d\d-\d\d \d\d h: 2 accepted, 1 bounced, 2 refused</title>", raw)
    others = home(root_of(sesame, delegate.account_id))
    assert "0 recipients accepted and 1 send refused" in others
    assert "of others as" not in others
    assert "Every send of the last day was refused" in others
    assert (
        "1 send was refused in the last 24 hours. This account has no identity of its own here. See why"
        in others
    )


@pytest.mark.parametrize(("bounced", "delivered", "much"), [(4, 0, False), (5, 20, True), (5, 96, False)])
def test_mail_that_bounces_is_not_well(
    sesame: SesameProcess, tenant: Tenant, person: Person, bounced: int, delivered: int, much: bool
) -> None:
    for count, to in ((bounced, "bounce@simulator.amazonses.com"), (delivered, "reader@example.net")):
        for first in range(0, count, 50):
            tenant.ses.send_email(
                Source="news@example.com",
                Destination={
                    "BccAddresses": [to.replace("@", f"+{n}@") for n in range(first, min(first + 50, count))]
                },
                Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
            )
    wait_until(lambda: f"Hard bounces among them {bounced} (" in home(person))
    page = home(person)
    assert ("Mail goes out, and much of it bounces" in page) is much
    assert ("Everything is well" in page) is not much
    step = (
        f"{bounced} of {bounced + delivered} recipients of the last 24 hours bounced permanently. See which"
    )
    assert (step in page) is much


def test_quota_is_told_in_words_and_a_picture(sesame: SesameProcess, tenant: Tenant, person: Person) -> None:
    sesame.run("account", "set-quota", tenant.account.account_id, "--max-24-hour-send", "4")
    for _ in range(3):
        send(tenant.ses)
    assert "3 of 4 (75 %)" in home(person)
    assert 'aria-label="75 % of the quota is used"' in person.get(HERE).text
    send(tenant.ses)
    assert "The quota is used up" in home(person)


def test_identities_in_trouble_come_first(sesame: SesameProcess, tenant: Tenant, person: Person) -> None:
    send(tenant.ses)
    wait_until(lambda: "None: it is verified." in home(person))
    for values in (
        {"verification": "TemporaryFailure"},
        {"verification": "Success", "dkim_status": "Failed"},
    ):
        mark(sesame, tenant.account, **values)
        page = home(person)
        assert "Mail goes out, and something needs you" in page
        assert "DNS no longer shows what it must for example.com. See what is missing" in page
        assert "All identities Add an identity Identity Verification DKIM Since example.com" in page


def test_open_findings_are_told_with_their_policy(tenant: Tenant, person: Person) -> None:
    assert "None: no identity has a policy." in home(person)
    for name, who in (("Wide", "*"), ("Narrow", "123456789012")):
        statement = {"Effect": "Allow", "Principal": {"AWS": who}, "Action": "ses:*", "Resource": tenant.arn}
        tenant.ses.put_identity_policy(
            Identity="example.com",
            PolicyName=name,
            Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
    page = home(person).partition("Open findings")[2]
    assert "SP201" in page
    assert "Wide example.com" in page
    assert f"/{REGION}/identities/example.com/policies/Wide" in person.get(HERE).text


def test_what_sending_waits_for_stands_on_top(sesame: SesameProcess, tenant: Tenant, person: Person) -> None:
    sesame.client("sesv2", tenant.account).put_account_sending_attributes(SendingEnabled=False)
    page = home(person)
    assert "Sending is switched off" in page
    assert "Switch it on" in page
    boss = operator(sesame)
    path = f"/operator/accounts/{tenant.account.account_id}"
    assert path in boss.get("/operator").text or boss.get(path).status_code == 200


def test_each_part_takes_its_own_permission(sesame: SesameProcess, tenant: Tenant) -> None:
    send(tenant.ses)
    tenant.ses.put_identity_policy(
        Identity="example.com",
        PolicyName="Hidden",
        Policy=json.dumps(
            {
                "Statement": [
                    {"Effect": "Allow", "Principal": "*", "Action": "ses:SendEmail", "Resource": tenant.arn}
                ]
            }
        ),
    )
    page = home(person_with(sesame, tenant, "ses:GetAccount"))
    for action in ("ses:GetSendStatistics", "ses:ListEmailIdentities", "ses:GetEmailIdentityPolicies"):
        assert action in page
    assert "accepted and" not in page
    assert "Hidden" not in page
    assert "1 identity" not in page
    reader = person_with(sesame, tenant, "ses:GetAccount", "ses:GetEmailIdentityPolicies")
    assert "Hidden" in home(reader)


def test_a_policy_that_may_not_be_read_is_not_judged(sesame: SesameProcess, tenant: Tenant) -> None:
    """A Deny on one identity alone: what is found in its policies is not told."""
    tenant.ses.put_identity_policy(
        Identity="example.com",
        PolicyName="Hidden",
        Policy=json.dumps(
            {
                "Statement": [
                    {"Effect": "Allow", "Principal": "*", "Action": "ses:SendEmail", "Resource": tenant.arn}
                ]
            }
        ),
    )
    person = person_with(sesame, tenant, "*")
    assert "Hidden" in home(person)
    deny = {"Effect": "Deny", "Action": "ses:GetEmailIdentityPolicies", "Resource": tenant.arn}
    name = f"user{len(tenant.iam.list_users()['Users']) - 1}"
    tenant.iam.put_user_policy(
        UserName=name,
        PolicyName="q",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [deny]}),
    )
    page = home(person)
    assert "Hidden" not in page
    assert "ses:GetEmailIdentityPolicies" in page


def test_refusals_of_before_are_counted_after_an_upgrade(sesame: SesameProcess, tenant: Tenant) -> None:
    """The counts are those of the refusals themselves."""
    with pytest.raises(ClientError):
        send(tenant.ses, "x@other.example")

    async def run(services: Services) -> tuple[int, int]:
        async def look(tx: object) -> tuple[int, int]:
            kept = await tx.one(  # type: ignore[attr-defined]
                "SELECT COUNT(*) FROM refusal WHERE account_id = ? AND at > ?",
                tenant.account.account_id,
                time.time() - 3_600,
            )
            counted = await tx.one(  # type: ignore[attr-defined]
                "SELECT SUM(own) FROM refusal_tally WHERE account_id = ?", tenant.account.account_id
            )
            return int(kept[0]), int(counted[0])

        return await services.store.read(look)

    kept, counted = sesame.operate(run)
    assert kept == counted == 1
