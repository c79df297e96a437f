"""The submission door by smtplib over real TLS: whom it lets in, what it lets through, what it says."""

import base64
import json
import smtplib
import ssl
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import dkim
import pytest

from tests.support.patience import PATIENCE_S
from tests.support.process import REGION, Account, SesameProcess, read_header, wait_until
from tests.support.submission import connected, logged_in, port_of, published_password, trust

ESPOOFER: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[1] / "vectors" / "espoofer" / "cases.json").read_text()
)["cases"]
NOT_VERIFIED = (
    "Message rejected: Email address is not verified. The following identities failed the check in region"
)


class Delegation:
    """An owner whose domain another account may send as by SendRawEmail."""

    def __init__(self, sesame: SesameProcess) -> None:
        self.sesame = sesame
        self.owner, self.delegate = sesame.create_account(), sesame.create_account()
        self.domain = f"{self.owner.account_id}.test"
        self.ses = sesame.client("ses", self.owner)
        self.ses.verify_domain_dkim(Domain=self.domain)
        self.arn = f"arn:aws:ses:{REGION}:{self.owner.account_id}:identity/{self.domain}"
        self.allow()

    def allow(self, **condition: Any) -> None:
        """Put the policy."""
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Principal": {"AWS": self.delegate.account_id},
            "Action": "ses:SendRawEmail",
            "Resource": self.arn,
        }
        if condition:
            statement["Condition"] = condition
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.ses.put_identity_policy(Identity=self.domain, PolicyName="delegate", Policy=policy)

    def message(self, to: str, *, arn: str | None = None, from_: str = "") -> EmailMessage:
        """A message from the owner's domain; with `arn` in all three headers."""
        message = EmailMessage()
        message["From"] = from_ or f"News <news@{self.domain}>"
        message["To"], message["Subject"] = to, "By SMTP"
        for name in ("SOURCE", "FROM", "RETURN-PATH") if arn else ():
            message[f"X-SES-{name}-ARN"] = arn
        message.set_content("Hello.\r\n")
        return message


@pytest.fixture
def delegation(sesame: SesameProcess) -> Delegation:
    return Delegation(sesame)


def refused(client: smtplib.SMTP, message: EmailMessage, **envelope: Any) -> str:
    """The answer after the dot."""
    with pytest.raises(smtplib.SMTPDataError) as error:
        client.send_message(message, **envelope)
    text = error.value.smtp_error
    return f"{error.value.smtp_code} {text.decode() if isinstance(text, bytes) else text}"


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "tls"])
def test_a_delegates_mail_is_signed_by_the_owner_and_delivered(
    delegation: Delegation, implicit: bool
) -> None:
    sesame = delegation.sesame
    to = f"reader.{implicit}.{delegation.owner.account_id}@elsewhere.test"
    with logged_in(sesame, delegation.delegate, implicit=implicit) as client:
        client.send_message(delegation.message(to, arn=delegation.arn))
    mail = wait_until(lambda: next((mail for mail in sesame.mail() if to in mail.rcpt_to), None))
    header = read_header(mail)
    assert header["Subject"] == "By SMTP"
    assert not [name for name in header if name.upper().startswith("X-SES")]
    assert dkim.verify(mail.data, dnsfunc=sesame.txt)
    assert f"d={delegation.domain};" in header["DKIM-Signature"].replace(" ", "")


def test_without_arn_or_without_policy_the_answer_is_ses_s(delegation: Delegation) -> None:
    with logged_in(delegation.sesame, delegation.delegate) as client:
        words = refused(client, delegation.message("x@elsewhere.test"))
        assert words.startswith(f"554 {NOT_VERIFIED} US-EAST-1: ")
        delegation.ses.delete_identity_policy(Identity=delegation.domain, PolicyName="delegate")
        assert refused(client, delegation.message("x@elsewhere.test", arn=delegation.arn)) == (
            f"554 Access denied: User `arn:aws:iam::{delegation.delegate.account_id}:root' is not authorized to"
            f" perform `ses:SendRawEmail' on resource `{delegation.arn}'"
        )


def test_conditions_see_the_smtp_door(delegation: Delegation) -> None:
    message = delegation.message("x@elsewhere.test", arn=delegation.arn)
    with logged_in(delegation.sesame, delegation.delegate) as client:
        delegation.allow(StringEquals={"ses:ApiVersion": "2"}, Bool={"aws:SecureTransport": "true"})
        client.send_message(message)
        delegation.allow(StringEquals={"ses:ApiVersion": "1"})
        assert refused(client, message).startswith("554 Access denied")
        delegation.allow(StringEquals={"ses:Recipients": "y@elsewhere.test"})
        assert refused(client, message).startswith("554 Access denied")
        client.send_message(message, to_addrs=["y@elsewhere.test"])  # the envelope is what counts
        delegation.allow(IpAddress={"aws:SourceIp": "127.0.0.0/8"})
        client.send_message(message)


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-2", "ap-southeast-3"])
def test_the_password_chooses_the_region(sesame: SesameProcess, region: str) -> None:
    account = sesame.create_account()
    sesame.vouch(account, "region.test", region)
    message = EmailMessage()
    message["From"], message["To"] = "a@region.test", "b@elsewhere.test"
    with logged_in(sesame, account, region=region) as client:
        client.send_message(message)
    other = "eu-west-3"
    with logged_in(sesame, account, region=other) as client:
        assert f"{NOT_VERIFIED} {other.upper()}" in refused(client, message)


def login_refusal(sesame: SesameProcess, user: str, password: str, *, mechanism: str = "PLAIN") -> str:
    with connected(sesame) as client:
        client.ehlo()
        client.user, client.password = user, password
        with pytest.raises(smtplib.SMTPAuthenticationError) as error:
            client.auth(mechanism, getattr(client, f"auth_{mechanism.lower()}"))
    text = error.value.smtp_error
    return f"{error.value.smtp_code} {text.decode() if isinstance(text, bytes) else text}"


def test_wrong_credentials_are_refused_alike(sesame: SesameProcess) -> None:
    account = sesame.create_account()
    key, password = account.access_key_id, published_password(account.secret_access_key, REGION)
    user = Account(**sesame.run_json("user", "create", account.account_id, "mailer"))
    iam = sesame.client("iam", account)
    iam.update_access_key(UserName="mailer", AccessKeyId=user.access_key_id, Status="Inactive")
    inactive = published_password(user.secret_access_key, REGION)
    right = "535 Authentication Credentials Invalid"
    assert login_refusal(sesame, key, password[:-4] + "AAAA") == right
    assert login_refusal(sesame, key, account.secret_access_key, mechanism="LOGIN") == right
    assert login_refusal(sesame, "AKIAABCDEFGHIJKLMNOP", password) == right
    assert login_refusal(sesame, user.access_key_id, inactive) == right
    assert login_refusal(sesame, key, published_password(account.secret_access_key, "mars-north-1")) == right
    with connected(sesame) as client:
        client.user, client.password = key, password
        client.ehlo()
        client.auth("LOGIN", client.auth_login)


def test_guessing_is_stopped_and_the_right_password_has_to_wait(sesame: SesameProcess) -> None:
    account = sesame.create_account()
    wrong = "A" * 44
    for _ in range(10):
        assert login_refusal(sesame, account.access_key_id, wrong).startswith("535")
    assert login_refusal(sesame, account.access_key_id, wrong) == "454 Temporary authentication failure"
    right = published_password(account.secret_access_key, REGION)
    assert login_refusal(sesame, account.access_key_id, right) == "454 Temporary authentication failure"


def test_a_key_switched_off_refuses_the_next_message_of_an_open_session(sesame: SesameProcess) -> None:
    account = sesame.create_account()
    sesame.vouch(account, f"{account.account_id}.test")
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ses:*", "Resource": "*"}]}
    user = Account(**sesame.run_json("user", "create", account.account_id, "mailer"))
    iam = sesame.client("iam", account)
    iam.put_user_policy(UserName="mailer", PolicyName="p", PolicyDocument=json.dumps(allow))
    message = EmailMessage()
    message["From"], message["To"] = f"a@{account.account_id}.test", "b@elsewhere.test"
    with logged_in(sesame, user) as client:
        client.send_message(message)
        iam.update_access_key(UserName="mailer", AccessKeyId=user.access_key_id, Status="Inactive")
        assert refused(client, message) == "530 Authentication required"


def test_nothing_is_done_in_clear(sesame: SesameProcess) -> None:
    with smtplib.SMTP("localhost", port_of(sesame.smtp), timeout=PATIENCE_S) as client:
        client.ehlo()
        assert client.docmd("AUTH", "PLAIN AGEAYg==") == (530, b"Must issue a STARTTLS command first")
        assert client.docmd("MAIL", "FROM:<a@b.test>") == (530, b"Must issue a STARTTLS command first")


def test_what_is_said_in_clear_behind_starttls_is_forgotten(sesame: SesameProcess) -> None:
    with smtplib.SMTP("localhost", port_of(sesame.smtp), timeout=PATIENCE_S) as client:
        client.ehlo()
        assert client.sock is not None
        client.sock.sendall(b"STARTTLS\r\nEHLO injected\r\nMAIL FROM:<evil@x.test>\r\n")
        assert client.getreply() == (220, b"Ready to start TLS")
        # A TLS client sees its handshake answered, or the connection cut; never the injected commands' replies.
        try:
            client.sock = trust(sesame).wrap_socket(client.sock, server_hostname="localhost")
        except (ssl.SSLError, ConnectionError):
            return
        client.file = None
        assert client.docmd("MAIL", "FROM:<a@b.test>")[0] == 503


def test_the_bound_arn_fills_in_and_grants_nothing(delegation: Delegation) -> None:
    sesame = delegation.sesame
    made = sesame.run_json("smtp", "credentials", delegation.delegate.account_id, "--as", delegation.arn)
    assert made["password"] != "" and made["ca"] == sesame.ca
    with connected(sesame) as client:
        client.login(made["username"], made["password"])
        client.send_message(delegation.message("x@elsewhere.test"))
        own = delegation.message("x@elsewhere.test", from_="a@elsewhere.test")
        assert refused(client, own).startswith(f"554 {NOT_VERIFIED}")  # not the bound identity's address
        delegation.ses.delete_identity_policy(Identity=delegation.domain, PolicyName="delegate")
        assert refused(client, delegation.message("x@elsewhere.test")).startswith("554 Access denied")
    again = sesame.run_json(
        "smtp",
        "credentials",
        delegation.delegate.account_id,
        "--key",
        made["username"],
        "--region",
        "eu-west-1",
    )
    assert again["username"] == made["username"]
    assert again["password"] != made["password"]


def test_recipients_and_size_are_judged_in_ses_s_words(delegation: Delegation) -> None:
    message = delegation.message("x@elsewhere.test", arn=delegation.arn)
    with logged_in(delegation.sesame, delegation.delegate) as client:
        many = [f"r{n}@elsewhere.test" for n in range(51)]
        assert (
            refused(client, message, to_addrs=many) == "554 Transaction failed: Recipient count exceeds 50."
        )
        client.ehlo()
        assert client.esmtp_features["size"] == "41943040"
        assert client.docmd("MAIL", "FROM:<a@b.test> SIZE=41943041") == (552, b"Message is too long.")
        assert client.docmd("MAIL", "FROM:<>") == (501, b"Invalid MAIL FROM address provided")


def test_forged_froms_are_refused(sesame: SesameProcess) -> None:
    """The 22 cases of espoofer, through the door they were made for."""
    attacker = sesame.create_account()
    for name in ("attack.com", "example.com"):
        sesame.vouch(attacker, f"any@{name}" if name == "attack.com" else f"attacker@{name}")
    assert len(ESPOOFER) == 22
    for name, case in ESPOOFER.items():
        for source in (case["mail_from"].strip("<>"), "any@attack.com", "attacker@example.com"):
            with logged_in(sesame, attacker, implicit=True) as client:
                code, words = client.docmd("MAIL", f"FROM:<{source}>")
                if code == 250:
                    client.rcpt(f"{name}@{attacker.account_id}.outside.test")
                    assert client.docmd("DATA")[0] == 354
                    assert client.sock is not None
                    client.sock.sendall(dotted(base64.b64decode(case["message_b64"])))
                    code, words = client.getreply()
                assert code in (501, 553, 554), (name, source, code, words)
    came = [
        to for mail in sesame.mail() for to in mail.rcpt_to if f"@{attacker.account_id}.outside.test" in to
    ]
    assert came == []


def dotted(message: bytes) -> bytes:
    """The message as it goes behind 354; a bare CR or LF in it stays one."""
    lines = message.split(b"\r\n")
    stuffed = [b"." + line if line.startswith(b".") else line for line in lines]
    return b"\r\n".join(stuffed) + b"\r\n.\r\n"
