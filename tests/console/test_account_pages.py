"""An account's own pages: suppression, reputation, the account and its request, changes."""

import json
import os
import pwd
import re
from typing import Any

import httpx
import pytest

from tests.support.audit_log import audit_log
from tests.support.browser import Person, main_of, operator, root_of, words
from tests.support.patience import PATIENCE_S
from tests.support.process import REGION, SesameProcess, wait_until
from tests.support.tenant import Tenant

HERE = f"/{REGION}"


def send(tenant: Tenant, to: str) -> str:
    sent: str = tenant.ses.send_email(
        Source="news@example.com",
        Destination={"ToAddresses": [to]},
        Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
    )["MessageId"]
    return sent


@pytest.mark.parametrize("name", ["not a domain", "nodots", "a b@example.com", "@", "x`y"])
def test_what_cannot_be_an_identity_is_said_in_the_reader_s_terms(person: Person, name: str) -> None:
    """The form takes either kind, so that SES's words about one of them would not help."""
    answer = person.send(f"{HERE}/identities/new", name=name)
    assert answer.status_code == 400
    assert f"{name} is neither a domain" in words(answer.text).replace("`", "") or "`" in name
    assert "is invalid" not in words(answer.text)


def test_the_form_for_an_identity_explains_the_ways_to_prove_a_domain(person: Person) -> None:
    """What it says is so: a domain added there is asked for the records of Easy DKIM, and a TXT beside them."""
    page = words(person.get(f"{HERE}/identities/new").text)
    for way in ("Easy DKIM Three CNAME records", "BYODKIM A TXT record", "TXT alone One TXT record"):
        assert way in page
    person.send(f"{HERE}/identities/new", name="ways.example")
    records = person.get(f"{HERE}/identities/ways.example/zone").text
    assert len(re.findall(r"_domainkey\.ways\.example\. IN CNAME", records)) == 3
    assert "_amazonses.ways.example. IN TXT" in records


def test_addresses_are_suppressed_found_and_released(person: Person, v2: Any, tenant: Tenant) -> None:
    path = f"{HERE}/suppression"
    given = "anna@one.example, ben@two.example\nCarl@Three.Example ben@two.example"
    answer = person.send(path, addresses=given, reason="COMPLAINT")
    assert "On the list now: 3." in answer.text
    shown = words(person.get(f"{path}?q=ben@Two.example").text)
    assert "ben@two.example somebody complained" in shown
    assert "anna@one.example" not in shown
    assert "Carl@three.example" in person.get(f"{path}?q=Ca").text
    assert "No address that begins with" in person.get(f"{path}?q=zz").text
    person.send(f"{path}/remove", page=path, address="ben@two.example")
    listed = v2.list_suppressed_destinations()["SuppressedDestinationSummaries"]
    assert [one["EmailAddress"] for one in listed] == ["Carl@three.example", "anna@one.example"]
    gone = person.send(f"{path}/remove", page=path, address="ben@two.example")
    assert gone.status_code == 400
    assert 'role="alert"' in gone.text


def test_what_cannot_be_suppressed_stays_in_the_form(person: Person, v2: Any) -> None:
    path = f"{HERE}/suppression"
    answer = person.send(path, addresses="a@one.example <b> c@two.example", reason="BOUNCE")
    assert answer.status_code == 400
    assert "1 of 3 were added." in answer.text
    assert "&lt;b&gt;\nc@two.example</textarea>" in answer.text
    assert person.send(path, addresses="d@one.example", reason="DISLIKE").status_code == 400
    assert person.send(path, addresses=" ", reason="BOUNCE").status_code == 400
    assert (
        person.send(
            path, addresses=" ".join(f"x{n}@a.example" for n in range(101)), reason="BOUNCE"
        ).status_code
        == 400
    )
    assert len(v2.list_suppressed_destinations()["SuppressedDestinationSummaries"]) == 1


def test_pages_of_the_list_go_on_by_address(person: Person) -> None:
    path = f"{HERE}/suppression"
    person.send(path, addresses=" ".join(f"x{n:02}@a.example" for n in range(60)), reason="BOUNCE")
    page = person.get(path).text
    assert "x49@a.example" in page
    assert "x50@a.example" not in page
    further = person.get(f"{path}?after=x49@a.example").text
    assert "x59@a.example" in further
    assert "x49@" not in further


def test_a_bounce_names_the_message_that_caused_it(person: Person, tenant: Tenant) -> None:
    sent = send(tenant, "bounce@simulator.amazonses.com")
    path = f"{HERE}/suppression"

    def look() -> bool:
        return (
            "delivered" in person.get(f"{HERE}/messages/{sent}").text
            or "bounced" in person.get(f"{HERE}/messages/{sent}").text
        )

    wait_until(look)
    page = person.get(path).text
    # The simulator's addresses are never put on the list; whoever is there by hand has no message.
    assert sent not in page


def test_reasons_are_set(person: Person, v2: Any) -> None:
    path = f"{HERE}/suppression"
    person.send(f"{path}/reasons", page=path, COMPLAINT="on")
    assert v2.get_account()["SuppressionAttributes"]["SuppressedReasons"] == ["COMPLAINT"]
    person.send(f"{path}/reasons", page=path)
    assert v2.get_account()["SuppressionAttributes"]["SuppressedReasons"] == []


def test_reputation_counts_by_identity_and_by_delegate(
    sesame: SesameProcess, person: Person, tenant: Tenant
) -> None:
    delegate = sesame.create_account()
    tenant.ses.put_identity_policy(
        Identity="example.com",
        PolicyName="p",
        Policy=json.dumps(
            {
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": delegate.account_id},
                        "Action": "ses:SendEmail",
                        "Resource": tenant.arn,
                    }
                ]
            }
        ),
    )
    send(tenant, "reader@example.net")
    sesame.client("ses", delegate).send_email(
        Source="news@example.com",
        SourceArn=tenant.arn,
        Destination={"ToAddresses": ["reader@example.net"]},
        Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
    )

    def look() -> str:
        page = words(person.get(f"{HERE}/reputation").text)
        return page if delegate.account_id in page and "example.com 1 " in page else ""

    page = wait_until(look)
    assert "What others sent as your identities" in page
    assert "Too little to judge by" in page or "Nothing to judge by yet" in page
    theirs = words(root_of(sesame, delegate.account_id).get(f"{HERE}/reputation").text)
    assert f"example.com of {tenant.account.account_id} 1" in theirs or "Nothing in these days" in theirs


def test_what_is_behind_a_rate_is_listed_to_each_party(sesame: SesameProcess, tenant: Tenant) -> None:
    """A bounce and a complaint of a delegate's mail: to the delegate as its own, to the owner as the delegate's."""
    delegate, owner = sesame.create_account(), tenant.account.account_id
    allow = {
        "Effect": "Allow",
        "Principal": {"AWS": delegate.account_id},
        "Action": "ses:SendEmail",
        "Resource": tenant.arn,
    }
    tenant.ses.put_identity_policy(
        Identity="example.com", PolicyName="p", Policy=json.dumps({"Statement": [allow]})
    )
    inbox, readers = f"{sesame.console}/dev/messages", []
    for part in ("bounce", "complaint"):
        to = f"{part}-{owner}@example.net"
        readers.append(to)
        sesame.client("ses", delegate).send_email(
            Source="news@example.com",
            SourceArn=tenant.arn,
            Destination={"ToAddresses": [to]},
            Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
        )
        asked = {"to": to, "wait": "20"}
        (found,) = httpx.get(inbox, params=asked, timeout=PATIENCE_S).json()["messages"]
        for _ in range(2):
            assert httpx.post(f"{inbox}/{found['id']}/{part}").status_code == 202
    sender, lender = root_of(sesame, delegate.account_id), root_of(sesame, owner)
    path = f"{HERE}/reputation/counted"

    def both(person: Person, query: str) -> str:
        page = words(person.get(f"{path}?{query}").text)
        return page if all(to in page for to in readers) else ""

    for person, query in (
        (sender, ""),
        (sender, f"identity={owner}/example.com"),
        (lender, f"delegate=example.com/{delegate.account_id}"),
    ):
        page = wait_until(lambda person=person, query=query: both(person, query))
        assert page.count(" hard bounce ") == 1
        assert page.count("complained") == 1
    for person, query in (
        (lender, ""),
        (sender, f"identity={delegate.account_id}/example.com"),
        (sender, f"delegate=example.com/{owner}"),
        (sender, f"before=1.0-1-0&identity={owner}/example.com"),
        (lender, f"delegate=/{delegate.account_id}"),
    ):
        assert "Nothing that is still kept" in person.get(f"{path}?{query}").text
    page = words(sender.get(f"{HERE}/reputation").text)
    assert "pause from" in page
    assert "1 (50.00 %)" in page


def test_an_account_asks_for_production_access_and_reads_the_answer(sesame: SesameProcess) -> None:
    account = sesame.create_account(production=False)
    person, path = root_of(sesame, account.account_id), f"{HERE}/account"
    assert "This account is in the sandbox" in person.get(path).text
    wrong = person.send(path, kind="SPAM", website="https://shop.example", description="<b>Receipts</b>")
    assert wrong.status_code == 400
    assert "&lt;b&gt;Receipts&lt;/b&gt;" in wrong.text
    asked = person.send(
        path,
        kind="TRANSACTIONAL",
        website="https://shop.example",
        description="Receipts.",
        contacts="a@shop.example, b@shop.example",
    )
    assert "The operator has to act." in words(asked.text)
    details = sesame.client("sesv2", account).get_account()["Details"]
    assert details["AdditionalContactEmailAddresses"] == ["a@shop.example", "b@shop.example"]
    desk, there = operator(sesame), f"/operator/accounts/{account.account_id}"
    desk.send(f"{there}/answer", page=there, answer="refuse", reason="Say more about <consent>.")
    page = person.get(path).text
    assert "Say more about &lt;consent&gt;." in page
    assert "Send the request again" in page
    person.send(path, kind="TRANSACTIONAL", website="https://shop.example", description="With consent.")
    desk.send(f"{there}/answer", page=there, answer="grant", reason="Good luck.")
    page = person.get(path).text
    assert "This account sends to anybody" in page
    assert "Good luck." in page


def test_the_use_of_the_quota_is_shown_over_a_day(person: Person, tenant: Tenant) -> None:
    """What was sent an hour ago counts until now, not in the hours before."""
    assert "The quota over a day" not in main_of(person.get(f"{HERE}/account"))
    for _ in range(3):
        send(tenant, "reader@elsewhere.test")
    said = main_of(person.get(f"{HERE}/account"))
    assert "The quota over a day" in said
    told = re.findall(r"24 hours until [0-9-]+ [0-9:]+ UTC: ([0-9,]+) of ([0-9,]+)", said)
    assert len(told) == 25 and ("3", "5,000,000") in told and ("0", "5,000,000") in told


def test_sending_is_switched_off_and_on(person: Person, tenant: Tenant) -> None:
    path = f"{HERE}/account"
    person.send(f"{path}/sending", page=path, enabled="no")
    assert tenant.ses.get_account_sending_enabled()["Enabled"] is False
    assert "Sending is switched off" in person.get(path).text
    person.send(f"{path}/sending", page=path, enabled="yes")
    assert tenant.ses.get_account_sending_enabled()["Enabled"] is True


def test_an_address_that_is_listed_in_other_capitals_too_is_not_called_free(person: Person) -> None:
    path = f"{HERE}/suppression"
    person.send(path, addresses="Ann@one.example ANN@one.example", reason="BOUNCE")
    said = words(person.send(f"{path}/remove", page=path, address="Ann@one.example").text)
    assert "which has it in other capitals too" in said and "ANN@one.example" in said
    said = words(person.send(f"{path}/remove", page=path, address="ANN@one.example").text)
    assert "mail to it goes out again" in said


def test_changes_tell_who_did_what_through_which_door(
    sesame: SesameProcess, person: Person, tenant: Tenant
) -> None:
    tenant.ses.create_template(Template={"TemplateName": "hello", "SubjectPart": "<i>Hi</i>"})
    person.send(f"{HERE}/suppression", addresses="a@one.example", reason="BOUNCE")
    page = words(person.get(f"{HERE}/changes").text)
    assert "CreateTemplate" in page
    assert "PutSuppressedDestination" in page
    assert "CreateTemplate us-east-1 subject root 127.0.0.1" in page, "of its own account by the name alone"
    assert f"Who arn:aws:iam::{tenant.account.account_id}:root" in words(opened(person, "CreateTemplate"))
    assert "CreateConsoleLink" in page
    here = f"{pwd.getpwuid(os.getuid()).pw_name} of this machine, at the command line"
    assert f"{here} 127.0.0.1 command line" in page, "not to be read as the account's root"
    assert f"Who {here}" in words(opened(person, "CreateConsoleLink"))
    assert "CreateConsoleLink" in person.get(f"{HERE}/changes?who=machine").text
    listed = sesame.run("audit", "list", tenant.account.account_id).stdout
    assert f"CreateConsoleLink {here} done" in words(listed)
    only = words(person.get(f"{HERE}/changes?event=template").text)
    assert "CreateTemplate" in only
    assert "PutSuppressedDestination" not in only
    assert "Nothing like that" in person.get(f"{HERE}/changes?who=nobody-at-all").text
    assert audit_log(sesame, tenant.account.account_id)


def test_changes_are_read_on_by_number(person: Person, tenant: Tenant) -> None:
    for n in range(55):
        tenant.iam.create_group(GroupName=f"group{n}")
    first = person.get(f"{HERE}/changes?event=CreateGroup").text
    assert "Older" in first
    further = first.partition(f'href="{HERE}/changes?event=CreateGroup&amp;before=')[2].partition('"')[0]
    older = person.get(f"{HERE}/changes?event=CreateGroup&before={further}").text
    assert first.count(">CreateGroup</a>") == 50
    assert older.count(">CreateGroup</a>") == 5


def test_another_accounts_changes_are_not_there(
    sesame: SesameProcess, person: Person, tenant: Tenant
) -> None:
    other = sesame.create_account()
    sesame.client("iam", other).create_group(GroupName="theirs-alone")
    assert "theirs-alone" not in person.get(f"{HERE}/changes").text


def opened(person: Person, event: str) -> str:
    """The page of the newest change of that name."""
    found = person.get(f"{HERE}/changes?event={event}").text
    return person.get(
        f"{HERE}/changes/" + found.partition(f'href="{HERE}/changes/')[2].partition('"')[0]
    ).text


def test_a_change_shows_what_was_before_and_what_is_after(person: Person, tenant: Tenant, v2: Any) -> None:
    content = {"Subject": "Hello", "Text": "one\ntwo\nthree\n"}
    v2.create_email_template(TemplateName="hello", TemplateContent=content)
    v2.update_email_template(TemplateName="hello", TemplateContent={**content, "Text": "one\n2 <b>\nthree\n"})
    v2.create_configuration_set(ConfigurationSetName="news")
    v2.put_configuration_set_sending_options(ConfigurationSetName="news", SendingEnabled=False)
    assert "sending" in words(person.get(f"{HERE}/changes").text)
    page = words(opened(person, "PutConfigurationSetSendingOptions"))
    assert "sending configuration set news Before yes After no" in page
    page = opened(person, "UpdateEmailTemplate")
    assert "text template hello" in words(page)
    assert '<span class="del">-two</span>' in page
    assert '<span class="ins">+2 &lt;b&gt;</span>' in page
    assert "Hello" not in page.partition("What was asked for")[0]  # the subject is as it was
    assert "nothing After" not in words(opened(person, "UpdateEmailTemplate"))


def test_the_page_of_a_change_is_its_accounts_alone(
    sesame: SesameProcess, person: Person, tenant: Tenant
) -> None:
    other = sesame.create_account()
    sesame.client("iam", other).create_group(GroupName="theirs-alone")
    for number in range(1, 8):
        assert "theirs-alone" not in person.get(f"{HERE}/changes/{number}").text
    assert person.get(f"{HERE}/changes/999999").status_code == 404
    assert person.get(f"{HERE}/changes/none").status_code == 404


def test_the_rate_is_drawn_by_minute_against_its_limit(person: Person, tenant: Tenant) -> None:
    assert "A second, by minute" not in person.get(f"{HERE}/account").text
    for _ in range(3):
        send(tenant, "reader@elsewhere.test")
    page = person.get(f"{HERE}/account").text
    drawn = page.partition("A second, by minute")[2].partition("</section>")[0]
    bars = re.findall(r"<g><title>([0-9:]+) UTC: ([0-9.]+) a second, ([0-9]+) in the minute</title>", drawn)
    assert sum(int(count) for _, _, count in bars) == 3
    assert all(rate == f"{int(count) / 60:.2f}" for _, rate, count in bars)
    assert re.search(r"<title>the limit of [0-9,]+ a second</title>", drawn)
    for _, rate, count in bars:
        assert f" {count} {rate}" in words(drawn)


def test_a_picture_of_nothing_is_none(person: Person, tenant: Tenant) -> None:
    page = person.get(f"{HERE}/reputation").text
    assert "stands for 0" not in words(page) and words(page).count("Nothing in this time.") == 2
    send(tenant, "reader@example.net")
    wait_until(lambda: "stands for 1." in words(person.get(f"{HERE}/reputation").text))


def test_only_what_would_be_done_is_offered(person: Person, tenant: Tenant) -> None:
    """Mailing bounces is not stopped while nobody else is told of them."""
    tenant.ses.verify_domain_identity(Domain="example.com")
    page = f"{HERE}/identities/example.com/notifications"
    assert "Stop mailing them" not in person.get(page).text
    topic = tenant.sns.create_topic(Name="told")["TopicArn"]
    for kind in ("Bounce", "Complaint"):
        tenant.ses.set_identity_notification_topic(
            Identity="example.com", NotificationType=kind, SnsTopic=topic
        )
    assert "Stop mailing them" in person.get(page).text


def test_what_is_delivered_here_is_said_to_be_here(person: Person, tenant: Tenant) -> None:
    path = f"{HERE}/messages/{send(tenant, 'reader@example.net')}"
    page = wait_until(lambda: text if "inbox here" in (text := person.get(path).text) else "")
    assert "It is in the inbox here. Mail to it" in words(page)
    assert "spam folder" not in page
    mail = person.get("/inbox?q=reader@example.net").text
    number = re.search(r'href="/inbox/(\d+)"', mail)
    assert number
    why = words(person.get(f"/inbox/{number[1]}?show=why").text)
    assert "What happened to it" not in why and "What happened" in why
    checks = words(person.get(f"/inbox/{number[1]}?show=checks").text)
    assert "DMARC of example.com none" in checks and "DMARC none" in words(mail), "one verdict on both pages"


def test_an_identity_of_another_account_is_not_called_missing(person: Person, tenant: Tenant) -> None:
    page = main_of(person.get(f"{HERE}/identities/lent.example"))
    assert f"Account {tenant.account.account_id} has no identity lent.example in {REGION}." in page
    assert "does not exist" not in page and "Lent to me" in page


def test_rates_are_written_as_other_numbers_are(person: Person) -> None:
    assert "at most 5,000 recipients a second" in main_of(person.get(f"{HERE}/account"))
