"""What a message must be, through the API: recipients, size, headers, tags, injection, forged senders.

Texts are those that SES gives. Sources: SES developer guide, "Header fields in Amazon SES", "Service
quotas", "Delegate sender tasks"; observed answers of v1 SendEmail for tags.
"""

import base64
import email
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.process import wait_until
from tests.support.signed_client import Reply, SignedClient, simple_email
from tests.support.tenant import Tenant

ESPOOFER: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).resolve().parents[1] / "vectors" / "espoofer" / "cases.json").read_text()
)["cases"]
ONCE = """
    Accept-Language acceptLanguage Archived-At Auto-Submitted Bounces-to Comments Content-Alternative Content-Base
    Content-Class Content-Description Content-Disposition Content-Duration Content-ID Content-Language
    Content-Length Content-Location Content-MD5 Content-Transfer-Encoding Content-Type Date Delivered-To
    Disposition-Notification-Options Disposition-Notification-To DKIM-Signature DomainKey-Signature Errors-To From
    Importance In-Reply-To Keywords List-Archive List-Help List-Id List-Owner List-Post List-Subscribe
    List-Unsubscribe List-Unsubscribe-Post Message-Context Message-ID MIME-Version Organization Original-From
    Original-Message-ID Original-Recipient Original-Subject Precedence Priority References Reply-To Return-Path
    Return-Receipt-To Sender Solicitation Sensitivity Subject Thread-Index Thread-Topic User-Agent VBR-Info
"""
"""Headers that may stand once (SES developer guide)."""
LARGEST = 10_485_760


@pytest.fixture
def client(tenant: Tenant) -> Iterator[SignedClient]:
    with SignedClient(tenant.sesame.api, tenant.account) as signed:
        yield signed


def send_raw(client: SignedClient, message: bytes, **parameters: str) -> Reply:
    return client.call("SendRawEmail", {"RawMessage.Data": base64.b64encode(message).decode(), **parameters})


def recipient(tenant: Tenant, name: str = "r") -> str:
    """An address that no other test writes to."""
    return f"{name}.{tenant.account.account_id}@outside.test"


def arrived(tenant: Tenant, address: str) -> bytes:
    """The one message that came for `address`."""
    [mail] = wait_until(lambda: [mail for mail in tenant.sesame.mail() if address in mail.rcpt_to])
    return bytes(mail.data)


def test_50_recipients_pass_and_51_do_not(tenant: Tenant, client: SignedClient) -> None:
    for operation in ("SendEmail", "SendRawEmail"):
        for count, wanted in ((50, ""), (51, "Recipient count exceeds 50.")):
            names = [f"r{number}@outside.test" for number in range(count)]
            if operation == "SendEmail":
                fields = [f"{kind}Addresses" for kind in ("To", "Cc", "Bcc")]
                parameters = {
                    f"Destination.{fields[number % 3]}.member.{number // 3 + 1}": name
                    for number, name in enumerate(names)
                }
                usual = simple_email(source="a@example.com")
                del usual["Destination.ToAddresses.member.1"]
                reply = client.call("SendEmail", usual | parameters)
            else:
                lines = [f"{('To', 'Cc', 'Bcc')[number % 3]}: {name}" for number, name in enumerate(names)]
                reply = send_raw(client, "\n".join(["From: a@example.com", *lines, "", "x"]).encode())
            assert reply.message == wanted
            assert reply.code == ("InvalidParameterValue" if wanted else "")


@pytest.mark.parametrize("over", [0, 1])
def test_10_mb_pass_and_a_byte_more_does_not(tenant: Tenant, client: SignedClient, over: int) -> None:
    head = f"From: a@example.com\r\nTo: {recipient(tenant)}\r\nSubject: large\r\n\r\n".encode()
    body = (b"x" * 76 + b"\r\n") * (LARGEST // 78)
    message = (head + body)[: LARGEST + over - 2] + b"\r\n"
    message = head + b"x" * (LARGEST + over - len(message)) + message[len(head) :]
    assert len(message) == LARGEST + over
    reply = send_raw(client, message)
    if over:
        text = f"Message length is more than {LARGEST} bytes long: '{LARGEST + 1}'."
        assert (reply.status, reply.code, reply.message) == (400, "InvalidParameterValue", text)
    else:
        assert reply.status == 200
        assert len(arrived(tenant, recipient(tenant))) >= LARGEST


def test_a_composed_message_is_held_to_the_size_too(tenant: Tenant, client: SignedClient) -> None:
    parameters = simple_email(source="a@example.com") | {"Message.Body.Text.Data": "x\n" * (LARGEST // 3)}
    reply = client.call("SendEmail", parameters)
    assert reply.code == "InvalidParameterValue"
    assert reply.message.startswith(f"Message length is more than {LARGEST} bytes long: '")


@pytest.mark.parametrize("name", ONCE.split())
def test_a_header_that_may_stand_once_is_refused_twice(client: SignedClient, name: str) -> None:
    usual = {"From": "a@example.com", "To": "r@outside.test", "Subject": "s"}
    value = usual.pop(
        name, "b@example.com" if name in ("Reply-To", "Return-Path", "Sender") else "text/plain"
    )
    lines = [f"{other}: {text}" for other, text in usual.items()]
    once = "\r\n".join([*lines, f"{name}: {value}", "", "x"])
    twice = "\r\n".join([*lines, f"{name}: {value}", f"{name.upper()}: {value}", "", "x"])
    assert send_raw(client, once.encode()).status == 200
    reply = send_raw(client, twice.encode())
    assert (reply.status, reply.code) == (400, "InvalidParameterValue")
    assert reply.message.lower() == f"duplicate header '{name.lower()}'."


def test_illegal_headers_are_named(client: SignedClient) -> None:
    rest = b"\r\nFrom: a@example.com\r\nTo: r@outside.test\r\n\r\nx"
    wrong = {
        b": empty": "Empty header names are illegal.",
        b"No colon": "Illegal header 'No colon'.",
        b"Bl ank: x": "Illegal header 'Bl ank'.",
        b"Subject : x": "Illegal header 'Subject'.",
        b"X-Null: a\0b": "Message contains a NUL character.",
        b"X-Return: a\rb": "Message contains a carriage return without a line feed.",
        b"X-Long: " + b"x" * 1000: "Message has a line of more than 998 characters.",
        b"X-Many: x\r\n" * 1001 + b"X: x": "Header section too long.",
        b"Content-Type: text": "Expected '/', got null",
        b"Content-Type: text/plain; charset": "Expected '=', got 'null'",
        b'Content-Disposition: attachment; filename="x.exe"': "Illegal filename 'x.exe'.",
    }
    for line, text in wrong.items():
        reply = send_raw(client, line + rest)
        assert (reply.status, reply.code, reply.message) == (400, "InvalidParameterValue", text)


STRINGS = (
    "Source",
    "Destination.ToAddresses.member.1",
    "Destination.CcAddresses.member.1",
    "Destination.BccAddresses.member.1",
    "ReplyToAddresses.member.1",
    "ReturnPath",
    "SourceArn",
    "ReturnPathArn",
    "ConfigurationSetName",
    "Message.Subject.Data",
    "Message.Subject.Charset",
    "Message.Body.Text.Charset",
    "Message.Body.Html.Charset",
    "Tags.member.1.Name",
    "Tags.member.1.Value",
)
"""Every string of SendEmail that goes into a header or names something."""
INJECTIONS = (
    "\r\nBcc: {0}",
    "\nBcc: {0}",
    "\rBcc: {0}",
    "\r\n Bcc: {0}",
    "\r\n\r\n<p>{0}</p>",
    "\0\r\nBcc: {0}",
    "\x0bBcc: {0}",
    "\x0cBcc: {0}",
    "\x1cBcc: {0}",
    "\x7fBcc: {0}",
    "\x85Bcc: {0}",
    "\u2028Bcc: {0}",
    "\u2029Bcc: {0}",
    "=?utf-8?q?=0D=0ABcc:_x?=",
    "=?utf-8?b?DQpCY2M6IHg=?=",
)


@pytest.mark.parametrize("field", STRINGS)
def test_no_string_of_send_email_carries_a_line_end(tenant: Tenant, client: SignedClient, field: str) -> None:
    usual = {
        **simple_email(source="News <news@example.com>", to="Reader <r@outside.test>"),
        "Destination.CcAddresses.member.1": "Copy <c@outside.test>",
        "Destination.BccAddresses.member.1": "Blind <b@outside.test>",
        "ReplyToAddresses.member.1": "Answers <answers@example.com>",
        "ReturnPath": "bounces@example.com",
        "SourceArn": tenant.arn,
        "ReturnPathArn": tenant.arn,
        "Message.Subject.Charset": "UTF-8",
        "Message.Body.Text.Charset": "UTF-8",
        "Message.Body.Html.Data": "<p>Hello.</p>",
        "Message.Body.Html.Charset": "UTF-8",
        "Tags.member.1.Name": "name",
        "Tags.member.1.Value": "value",
    }
    assert client.call("SendEmail", usual).status == 200
    victim = recipient(tenant, "victim")
    for injection in INJECTIONS:
        text = injection.format(victim)
        value = usual.get(field, "name")
        places = [value + text, text + value]
        if "<" in value:
            places.append(value.replace(" <", f"{text} <"))
        for place in places:
            reply = client.call("SendEmail", {**usual, field: place})
            assert 400 <= reply.status < 500, (place, reply)
    marker = recipient(tenant, "marker")
    assert client.call("SendEmail", simple_email(source="a@example.com", to=marker)).status == 200
    arrived(tenant, marker)
    assert not [mail for mail in tenant.sesame.mail() if victim in mail.rcpt_to]


def test_bodies_may_have_any_line_ends_and_leave_with_crlf(tenant: Tenant, client: SignedClient) -> None:
    to = recipient(tenant)
    text = "one\ntwo\r\nthree\rfour\n.\n..five\n\nFrom six"
    assert (
        client.call(
            "SendEmail", simple_email(source="a@example.com", to=to) | {"Message.Body.Text.Data": text}
        ).status
        == 200
    )
    body = arrived(tenant, to).partition(b"\r\n\r\n")[2]
    assert body == b"one\r\ntwo\r\nthree\r\nfour\r\n.\r\n..five\r\n\r\nFrom six\r\n"


TAGS = {
    ("", "v"): "The tag name must be specified.",
    ("n", ""): "The tag value must be specified.",
    ("", ""): "The tag name must be specified.",
    ("a b", "v"): "Invalid tag name <a b>: only alphanumeric ASCII characters, '_',  '-' are allowed.",
    ("a.b", "v"): "Invalid tag name <a.b>: only alphanumeric ASCII characters, '_',  '-' are allowed.",
    ("ä", "v"): "Invalid tag name <ä>: only alphanumeric ASCII characters, '_',  '-' are allowed.",
    ("n", "a b"): (
        "Invalid tag value <a b>: only alphanumeric ASCII characters, '_',  '-' , '.', '@' are allowed."
    ),
    (
        "n",
        "ä",
    ): "Invalid tag value <ä>: only alphanumeric ASCII characters, '_',  '-' , '.', '@' are allowed.",
    ("n" * 256, "v"): "Tag name cannot exceed 255 characters.",
    ("n", "v" * 256): "Tag value cannot exceed 255 characters.",
    ("n" * 255, "v" * 255): "",
    ("ses:feedback-id-a", "v"): "",
    ("ses:feedback-id-c", "v"): (
        "Invalid tag name <ses:feedback-id-c>: only alphanumeric ASCII characters, '_',  '-' are allowed."
    ),
    ("N_-9", "a_-9.b@c"): "",
}


@pytest.mark.parametrize("tag", TAGS, ids=[f"{name[:20]}={value[:20]}" for name, value in TAGS])
def test_tags_are_refused_in_the_words_of_ses(client: SignedClient, tag: tuple[str, str]) -> None:
    """Before verification: the sender here is nobody's."""
    name, value = tag
    tags = {"Tags.member.1.Name": name, "Tags.member.1.Value": value}
    reply = client.call("SendEmail", simple_email(source="a@other.test", **tags))
    if TAGS[tag]:
        assert (reply.status, reply.code, reply.message) == (400, "InvalidParameterValue", TAGS[tag])
    else:
        assert reply.code == "MessageRejected"


def test_what_is_between_client_and_service_does_not_leave(tenant: Tenant, client: SignedClient) -> None:
    """X-SES fields, Bcc and false verdicts are out of every copy; Date and Message-ID are the service's."""
    to, bcc = recipient(tenant), recipient(tenant, "bcc")
    message = (
        f"X-SES-SOURCE-ARN: {tenant.arn}\r\nX-SES-FROM-ARN: {tenant.arn}\r\nX-SES-RETURN-PATH-ARN: {tenant.arn}\r\n"
        f"x-ses-message-tags: campaign=one\r\nX-Ses-Anything: else\r\nX-Kept: yes\r\nDate: yesterday\r\n"
        f"Message-ID: <mine@example.com>\r\nAuthentication-Results: mx; dkim=pass\r\nReceived-SPF: pass\r\n"
        f"Return-Path: <bounces@example.com>\r\nFrom: News <news@example.com>\r\nTo: {to}\r\nBCC: {bcc}\r\n"
        f"Resent-Bcc: {bcc}\r\nSubject: s\r\n\r\nBcc: stays in the body\r\n"
    )
    reply = send_raw(client, message.encode())
    assert reply.status == 200
    for address in (to, bcc):
        data = arrived(tenant, address)
        header = email.message_from_bytes(data.partition(b"\r\n\r\n")[0])
        names = {name.lower() for name in header.keys()}  # noqa: SIM118
        assert not [name for name in names if name.startswith("x-ses") or name.endswith("bcc")]
        assert not names & {"return-path", "authentication-results", "received-spf"}
        assert bcc.encode() not in data
        assert header["X-Kept"] == "yes"
        assert header.get_all("Message-ID") == [f"<{reply.message_id}@sesame.localhost>"]
        assert len(header.get_all("Date", [])) == 1 and header["Date"].endswith("+0000")
        assert data.endswith(b"\r\n\r\nBcc: stays in the body\r\n")


def test_a_message_that_goes_round_in_a_loop_is_refused(tenant: Tenant, client: SignedClient) -> None:
    """RFC 5321 section 6.3; what leaves says that it came through here."""
    to = recipient(tenant)
    hop = "rEceived: from a.test by b.test;\r\n Thu, 1 Jan 1970 00:00:00 +0000\r\n"
    rest = f"From: news@example.com\r\nTo: {to}\r\nSubject: s\r\n\r\nReceived: in the body\r\n"
    reply = send_raw(client, (hop * 51 + rest).encode())
    assert (reply.status, reply.code) == (400, "MessageRejected")
    reply = send_raw(client, (hop * 50 + rest).encode())
    assert reply.status == 200
    header = email.message_from_bytes(arrived(tenant, to).partition(b"\r\n\r\n")[0])
    received = header.get_all("Received", [])
    assert len(received) == 51
    assert received[0].startswith(f"by sesame.localhost (Sesame) id {reply.message_id};")


def test_of_a_repeated_x_ses_header_the_first_counts_and_a_parameter_counts_more(
    tenant: Tenant, client: SignedClient
) -> None:
    other = tenant.arn.replace("example.com", "other.test")
    rest = "From: a@example.com\r\nTo: r@outside.test\r\n\r\nx"
    for first, second, parameter, aligned in (
        (tenant.arn, other, "", True),
        (other, tenant.arn, "", False),
        (other, other, tenant.arn, True),
        (tenant.arn, tenant.arn, other, False),
    ):
        message = f"X-SES-FROM-ARN: {first}\r\nx-ses-from-arn:\r\n {second}\r\n{rest}"
        parameters = {"FromArn": parameter} if parameter else {}
        reply = send_raw(client, message.encode(), **parameters)
        wanted = f"The address 'a@example.com' does not align with the given ARN '{other}'"
        assert (reply.status, reply.message) == ((200, "") if aligned else (400, wanted))


def test_blind_copies_of_a_composed_message_stay_blind(tenant: Tenant, client: SignedClient) -> None:
    to, bcc = recipient(tenant), recipient(tenant, "bcc")
    parameters = simple_email(source="a@example.com", to=to) | {"Destination.BccAddresses.member.1": bcc}
    assert client.call("SendEmail", parameters).status == 200
    for address in (to, bcc):
        data = arrived(tenant, address)
        names = [name.lower() for name in email.message_from_bytes(data).keys()]  # noqa: SIM118
        assert not [name for name in names if name.endswith("bcc")]
        assert bcc.encode() not in data


@pytest.fixture
def attacker(tenant: Tenant) -> Iterator[SignedClient]:
    """An account that has verified attack.com and attacker@example.com, and nothing else."""
    tenant.ses.delete_identity(Identity="example.com")
    tenant.sesame.vouch(tenant.account, "attack.com")
    tenant.sesame.vouch(tenant.account, "attacker@example.com")
    with SignedClient(tenant.sesame.api, tenant.account) as signed:
        yield signed


def test_no_forged_sender_gets_through(tenant: Tenant, attacker: SignedClient) -> None:
    """The 22 cases of espoofer: with no Source, with the dialogue's, with one of the attacker's own."""
    assert len(ESPOOFER) == 22
    for name, case in ESPOOFER.items():
        message = base64.b64decode(case["message_b64"])
        for source in ("", case["mail_from"].strip("<>"), "any@attack.com", "attacker@example.com"):
            to = {"Destinations.member.1": recipient(tenant, name)}
            reply = send_raw(attacker, message, **({"Source": source, **to} if source else to))
            assert (reply.status, reply.code) in {
                (400, "InvalidParameterValue"),
                (400, "MessageRejected"),
                (400, "MalformedQueryString"),
            }, (name, source, reply)
    control = recipient(tenant, "control")
    honest = f"From: Admin <any@attack.com>\r\nTo: {control}\r\nSubject: mine\r\n\r\nx"
    assert send_raw(attacker, honest.encode()).status == 200
    header = email.message_from_bytes(arrived(tenant, control))
    assert header["From"] == "Admin <any@attack.com>"
    subjects = {str(email.message_from_bytes(mail.data)["subject"]) for mail in tenant.sesame.mail()}
    forged = {
        str(email.message_from_bytes(base64.b64decode(c["message_b64"]))["subject"])
        for c in ESPOOFER.values()
    }
    assert not subjects & (forged - {"None"})


MANY: dict[str, dict[str, Any]] = {
    "Reply-To": {"ReplyToAddresses": [f"answers-{n}@example.com" for n in range(5_000)]},
    "tags": {"Tags": [{"Name": f"name-{n}", "Value": "v" * 250} for n in range(400)]},
    "subject": {"Subject": "s" * 110_000},
}


@pytest.mark.parametrize("what", MANY)
@pytest.mark.parametrize("door", ["v1", "v2", "v2 template", "v2 raw"])
def test_what_makes_a_header_too_long_is_refused_on_every_door(tenant: Tenant, door: str, what: str) -> None:
    """As in a raw message, where the same stands in fields: 102,400 octets at most."""
    given: dict[str, Any] = dict(MANY[what])
    subject = given.pop("Subject", "s")
    to = [recipient(tenant)]
    if door == "v1":
        client = tenant.sesame.client("ses", tenant.account)
        message = {"Subject": {"Data": subject}, "Body": {"Text": {"Data": "t"}}}
        given |= {"Source": "news@example.com", "Message": message}
    else:
        client = tenant.sesame.client("sesv2", tenant.account)
        if "Tags" in given:
            given["EmailTags"] = given.pop("Tags")
        folded = "\r\n ".join(subject[n : n + 900] for n in range(0, len(subject), 900))
        raw = f"From: news@example.com\r\nSubject: {folded}\r\n\r\nt\r\n"
        contents: dict[str, Any] = {
            "v2": {"Simple": {"Subject": {"Data": subject}, "Body": {"Text": {"Data": "t"}}}},
            "v2 template": {
                "Template": {"TemplateContent": {"Subject": subject, "Text": "t"}, "TemplateData": "{}"}
            },
            "v2 raw": {"Raw": {"Data": raw.encode()}},
        }
        content = contents[door]
        if door == "v2 raw" and "ReplyToAddresses" in given:
            field = ",\r\n ".join(given.pop("ReplyToAddresses"))
            content["Raw"]["Data"] = f"Reply-To: {field}\r\n".encode() + content["Raw"]["Data"]
        given |= {"FromEmailAddress": "news@example.com", "Content": content}
    with pytest.raises(ClientError) as refused:
        client.send_email(Destination={"ToAddresses": to}, **given)
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == (
        "InvalidParameterValue" if door == "v1" else "BadRequestException",
        "Header section too long.",
    )


def test_as_many_tags_and_reply_to_addresses_as_fit_pass(tenant: Tenant, client: SignedClient) -> None:
    to = recipient(tenant)
    fields = {f"Tags.member.{n}.Name": f"name-{n}" for n in range(1, 201)}
    fields |= {f"Tags.member.{n}.Value": "v" for n in range(1, 201)}
    fields |= {f"ReplyToAddresses.member.{n}": f"answers-{n}@example.com" for n in range(1, 201)}
    assert client.call("SendEmail", simple_email(source="news@example.com", to=to, **fields)).status == 200
    assert arrived(tenant, to).count(b"answers-") == 200


def test_recipients_are_counted_before_they_are_read(tenant: Tenant, client: SignedClient) -> None:
    """What stands behind the fifty-first is not looked at."""
    many = {f"Destination.BccAddresses.member.{n}": "nobody" for n in range(1, 3)}
    first = {f"Destination.ToAddresses.member.{n}": f"r{n}@outside.test" for n in range(1, 52)}
    email_to_many = simple_email(source="news@example.com", **first, **many)
    reply = client.call("SendEmail", email_to_many)
    assert (reply.code, reply.message) == ("InvalidParameterValue", "Recipient count exceeds 50.")
    reply = client.call("SendEmail", email_to_many | {"Destination.ToAddresses.member.9": "nobody"})
    assert (reply.code, reply.message) == ("InvalidParameterValue", "Missing final '@domain'")
