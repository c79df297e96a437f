"""Programs that people already use, unmodified: identity, policy, a delegate's send, and both refusals.

Each program is one user of one library (`tests/clients`), with nothing but endpoint, credentials and region
changed. Those that only send have the identity and the policy made by boto3.
"""

import json
from typing import Any

import dkim
import pytest

from tests.support import clients
from tests.support.process import REGION, Account, SesameProcess, read_header, wait_until
from tests.support.submission import port_of, published_password

MANAGING = ("aioboto3_ses.py", "boto3_sesv2.py", "sdk_ses.mjs", "sdk_sesv2.mjs", "aws_sdk_v2.mjs")
SENDING = (
    "django_ses_v1.py", "django_ses_v2.py", "django_anymail.py", "nodemailer_ses.mjs", "nodemailer6_ses.mjs",
    "aws4fetch_sesv2.mjs", "requests_sigv4.py", "curl_sigv4.py",
)  # fmt: skip
SMTP = (
    "smtplib_starttls.py", "django_smtp.py", "nodemailer_smtp.mjs", "aiosmtplib_smtp.py", "redmail_smtp.py",
    "emails_smtp.py", "emailjs_smtp.mjs",
)  # fmt: skip

NOT_VERIFIED = "Email address is not verified. The following identities failed the check in region US-EAST-1:"


class Walk:
    """An owner and a delegate who use one program."""

    def __init__(self, sesame: SesameProcess, program: str) -> None:
        self.program = program
        self.sesame = sesame
        self.owner = sesame.create_account()
        self.delegate = sesame.create_account()
        self.domain = f"{self.owner.account_id}.test"
        self.arn = f"arn:aws:ses:{REGION}:{self.owner.account_id}:identity/{self.domain}"
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": self.delegate.account_id},
            "Action": "ses:Send*",
            "Resource": self.arn,
        }
        self.policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    def own(self, do: str) -> Any:
        """Let the owner do something: by the program, or by boto3 where it only sends."""
        if self.program in MANAGING:
            return clients.run(
                self.program, self._job(self.owner, do=do, domain=self.domain, policy=self.policy)
            )
        ses = self.sesame.client("ses", self.owner)
        match do:
            case "identity":
                return ses.verify_domain_dkim(Domain=self.domain)
            case "policy":
                return ses.put_identity_policy(
                    Identity=self.domain, PolicyName="delegate", Policy=self.policy
                )
            case "unpolicy":
                return ses.delete_identity_policy(Identity=self.domain, PolicyName="delegate")

    def send(self, to: str, *, arn: str | None) -> Any:
        """Send as the delegate."""
        return clients.run(
            self.program,
            self._job(
                self.delegate, do="send", **{"from": f"News <news@{self.domain}>"}, to=to,
                subject="A first message", text="Hello.\n", arn=arn,
            ),
        )  # fmt: skip

    def _job(self, account: Account, **job: Any) -> dict[str, Any]:
        return {
            "endpoint": self.sesame.api,
            "region": REGION,
            "key": account.access_key_id,
            "secret": account.secret_access_key,
            "smtp": {
                "host": "localhost",
                "port": port_of(self.sesame.smtp),
                "ca": self.sesame.ca,
                "user": account.access_key_id,
                "password": published_password(account.secret_access_key, REGION),
            },
            **job,
        }

    def delivered_to(self, address: str) -> Any:
        """The message that reached an address."""
        return wait_until(
            lambda: next((mail for mail in self.sesame.mail() if address in mail.rcpt_to), None)
        )


@pytest.fixture(params=[*MANAGING, *SENDING, *SMTP])
def walk(request: pytest.FixtureRequest, sesame: SesameProcess) -> Walk:
    if reason := clients.missing(request.param):
        pytest.skip(reason)
    return Walk(sesame, request.param)


def test_identity_policy_and_a_delegates_mail(walk: Walk) -> None:
    walk.own("identity")
    walk.own("policy")
    to = f"{walk.program.partition('.')[0]}@elsewhere.test"
    walk.send(to, arn=walk.arn)
    mail = walk.delivered_to(to)
    header = read_header(mail)
    assert header["Subject"] == "A first message"
    assert not [name for name in header if name.upper().startswith("X-SES-")]
    assert f"d={walk.domain};" in "".join(header["DKIM-Signature"].split(" "))
    assert dkim.verify(mail.data, dnsfunc=walk.sesame.txt)
    with pytest.raises(clients.Refused) as unnamed:
        walk.send("nobody@elsewhere.test", arn=None)
    assert NOT_VERIFIED in unnamed.value.message
    walk.own("unpolicy")
    with pytest.raises(clients.Refused) as revoked:
        walk.send("nobody@elsewhere.test", arn=walk.arn)
    assert "is not authorized to perform `ses:Send" in revoked.value.message
    assert walk.arn in revoked.value.message
