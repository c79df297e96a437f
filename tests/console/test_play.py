"""Playing the recipient of a mail in the inbox: the real feedback path runs, for people and for programs."""

import json
from typing import Any

import httpx
import pytest

from sesame.app.foundation import Services
from sesame.store.development import keep_mail
from tests.support.browser import Person, operator, root_of, words
from tests.support.patience import PATIENCE_S
from tests.support.process import REGION, SesameProcess, wait_until
from tests.support.tenant import Tenant


def send(tenant: Tenant, to: str, **more: Any) -> str:
    sent: str = tenant.ses.send_email(
        Source="News <news@example.com>",
        Destination={"ToAddresses": [to]},
        Message={"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "b"}}},
        **more,
    )["MessageId"]
    return sent


def received(sesame: SesameProcess, to: str) -> int:
    answer = httpx.get(f"{sesame.console}/dev/messages", params={"to": to, "wait": "20"}, timeout=PATIENCE_S)
    number: int = answer.json()["messages"][0]["id"]
    return number


def reader(tenant: Tenant, name: str = "reader") -> str:
    return f"{name}-{tenant.account.account_id}@example.net"


def events(sesame: SesameProcess, message_id: str) -> list[str]:
    return [one["event"] for one in sesame.run_json("trace", message_id)["events"]]


def test_a_program_bounces_a_mail_and_the_address_is_suppressed(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    to = reader(tenant)
    message_id = send(tenant, to)
    number = received(sesame, to)
    answer = httpx.post(f"{sesame.console}/dev/messages/{number}/bounce")
    assert answer.status_code == 202
    assert answer.json() == {"message": number, "played": "bounce", "recipient": to}
    v2 = sesame.client("sesv2", tenant.account)

    def listed() -> list[str]:
        found = v2.list_suppressed_destinations()["SuppressedDestinationSummaries"]
        return [one["EmailAddress"] for one in found]

    assert wait_until(listed) == [to]
    page = words(root_of(sesame, tenant.account.account_id).get(f"/inbox/{number}?show=events").text)
    assert "bounced" in page
    assert '"bounceType": "Permanent"' in page
    assert "5.1.1" in page
    assert message_id in page


@pytest.mark.parametrize(
    ("part", "said", "kind"),
    [
        ("bounce", "A bounce is on its way", "bounced"),
        ("complaint", "A complaint is on its way", "complained"),
        ("ooto", "recipient is away", "bounced"),
    ],
)
def test_a_person_plays_each_part_by_a_form_alone(
    sesame: SesameProcess, tenant: Tenant, part: str, said: str, kind: str
) -> None:
    to = reader(tenant, part)
    send(tenant, to)
    number = received(sesame, to)
    person = root_of(sesame, tenant.account.account_id)
    here = f"/inbox/{number}"
    answer = person.send(f"{here}/play/{part}", page=here)
    assert said in words(answer.text)
    again = person.send(f"{here}/play/{part}", page=here)
    assert again.status_code == 200

    def told() -> str:
        page = words(person.get(f"{here}?show=events").text)
        return page if f"{kind} {to}" in page else ""

    page = wait_until(told)
    assert page.count(f"{kind} {to}") == 1


def test_what_did_not_leave_from_here_is_answered_by_nobody(sesame: SesameProcess, tenant: Tenant) -> None:
    to = reader(tenant, "stranger")

    async def put(services: Services) -> None:
        for mail_from in ("", "somebody@elsewhere.test"):
            await services.store.write(
                lambda tx, mail_from=mail_from: keep_mail(  # type: ignore[misc]
                    tx, received_at=1.0, mail_from=mail_from, rcpt_to=[to], data=b"Subject: s\r\n\r\n"
                )
            )

    sesame.operate(put)
    first = received(sesame, to)
    person = root_of(sesame, tenant.account.account_id)
    for number in (first, first + 1):
        assert "Play the recipient" not in person.get(f"/inbox/{number}").text
        assert httpx.post(f"{sesame.console}/dev/messages/{number}/bounce").status_code == 409
        assert person.send(f"/inbox/{number}/play/bounce", page="/me").status_code == 400
    assert httpx.post(f"{sesame.console}/dev/messages/99999999/bounce").status_code == 404
    assert httpx.post(f"{sesame.console}/dev/messages/{first}/burn").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "{base}"},
        {"sec-fetch-site": "cross-site"},
        {"referer": "https://evil.example/"},
        {"cookie": "sesame=x"},
    ],
)
def test_no_browser_plays_a_part_by_the_address_for_programs(
    sesame: SesameProcess, tenant: Tenant, headers: dict[str, str]
) -> None:
    to = reader(tenant, "guarded")
    message_id = send(tenant, to)
    number = received(sesame, to)
    given = {name: value.replace("{base}", sesame.console) for name, value in headers.items()}
    assert httpx.post(f"{sesame.console}/dev/messages/{number}/bounce", headers=given).status_code == 403
    assert "bounced" not in json.dumps(sesame.run_json("trace", message_id))
    stranger = {"host": "evil.example"}
    assert httpx.post(f"{sesame.console}/dev/messages/{number}/bounce", headers=stranger).status_code == 421


def test_each_party_sees_why_and_what_it_was_told_and_others_nothing(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    delegate = sesame.create_account()
    policy = {
        "Version": "2012-10-17",
        "Statement": {
            "Sid": "OwnersOwnName",
            "Effect": "Allow",
            "Principal": {"AWS": delegate.account_id},
            "Action": "ses:SendEmail",
            "Resource": tenant.arn,
        },
    }
    tenant.ses.put_identity_policy(
        Identity="example.com", PolicyName="OwnersPolicy", Policy=json.dumps(policy)
    )
    to = reader(tenant, "lent")
    sesame.client("ses", delegate).send_email(
        Source="news@example.com",
        SourceArn=tenant.arn,
        Destination={"ToAddresses": [to]},
        Message={"Subject": {"Data": "DelegatesSubject"}, "Body": {"Text": {"Data": "b"}}},
        Tags=[{"Name": "DelegatesTag", "Value": "x"}],
    )
    number = received(sesame, to)
    httpx.post(f"{sesame.console}/dev/messages/{number}/complaint")

    def told(person: Person) -> str:
        page = words(person.get(f"/inbox/{number}?show=events").text)
        return page if "complained" in page else ""

    sender, owner = (root_of(sesame, one.account_id) for one in (delegate, tenant.account))
    assert '"DelegatesTag"' in wait_until(lambda: told(sender))
    page = wait_until(lambda: told(owner))
    assert '"notificationType": "Complaint"' in page
    assert "not published to you" in page  # that it was accepted
    assert "DelegatesTag" not in page
    assert "OwnersOwnName" in words(owner.get(f"/inbox/{number}?show=why").text)
    why = words(sender.get(f"/inbox/{number}?show=why").text)
    assert "Why it was allowed" in why
    assert "OwnersOwnName" not in why
    assert "as the owner" in words(operator(sesame).get(f"/inbox/{number}?show=why").text)
    stranger = root_of(sesame, sesame.create_account().account_id)
    for tab in ("why", "events"):
        page = words(stranger.get(f"/inbox/{number}?show={tab}").text)
        assert "Another account sent this" in page
        assert delegate.account_id not in page


def test_verdicts_tell_each_signature_spf_alignment_and_what_was_taken_out(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    to = reader(tenant, "raw")
    tenant.ses.send_raw_email(
        Source="news@example.com",
        Destinations=[to],
        RawMessage={
            "Data": f"From: news@example.com\r\nTo: {to}\r\nSubject: s\r\nBcc: x@example.net\r\n"
            "X-SES-MESSAGE-TAGS: a=b\r\nList-Unsubscribe: <https://x.example/>\r\n\r\nbody\r\n".encode()
        },
    )
    number = received(sesame, to)
    person = root_of(sesame, tenant.account.account_id)
    page = words(person.get(f"/inbox/{number}?show=checks").text)
    assert "What was taken out when it was sent As SES does: Bcc , X-SES-MESSAGE-TAGS" in page
    assert "SPF of the envelope sender" in page
    assert "DMARC of example.com" in page
    assert "no one-click unsubscribe (RFC 8058)" in page
    found = httpx.get(f"{sesame.console}/dev/messages/{number}").json()["dkim"]
    for one in found:
        assert one["result"] == "pass"
        assert one["body_whole"] is True
        assert "from" in [name.lower() for name in one["signed"]]
    if found:
        assert "aligned by DKIM of" in page
    stranger = root_of(sesame, sesame.create_account().account_id)
    assert "taken out" not in stranger.get(f"/inbox/{number}?show=checks").text
    assert REGION in why_of(person, number)


def why_of(person: Person, number: int) -> str:
    page = person.get(f"/inbox/{number}?show=why").text
    assert "The message&#39;s own page" in page or "The message's own page" in page
    return page
