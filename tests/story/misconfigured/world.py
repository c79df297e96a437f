"""Two accounts on a real server, the ways in which programs send, and what each reader is told of a refusal.

Text that belongs to one side alone is marked with a canary of that side; the other side must never read it.
"""

import base64
import hashlib
import hmac
import json
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any

from botocore.exceptions import ClientError

from sesame.access.identity_names import identity_kind
from sesame.admin.accounts import Keys
from sesame.app.foundation import Services
from tests.support.browser import operator, root_of, words
from tests.support.process import Account, SesameProcess, wait_until

REGION = "us-east-1"
OWNER_CANARY, SENDER_CANARY = "zqowner", "zqsender"
NUMBERS = count(1)


Steps = Iterator[Callable[[], Any]]
Play = Callable[["World"], Steps]


@dataclass(frozen=True)
class Case:
    """One set-up, where it was reported, and what must be said to whom.

    `play` yields a send that is refused, changes what the mend says, and yields a send that is accepted.
    """

    play: Play
    seen: str
    code: str
    reader: str
    says: tuple[str, ...]
    mend: tuple[str, ...]
    place: str = ""
    also: tuple[str, ...] = ()
    """Codes of what remains once the first cause is mended."""
    owner: str = ""
    """The code that the owner of the identity is told first, where it is another than the reader's."""

    @property
    def name(self) -> str:
        return self.play.__name__


CASES: list[Case] = []


def case(
    *,
    seen: str,
    code: str,
    says: tuple[str, ...],
    mend: tuple[str, ...],
    reader: str = "sender",
    place: str = "",
    also: tuple[str, ...] = (),
    owner: str = "",
) -> Callable[[Play], Play]:
    """Register a set-up."""

    def register(play: Play) -> Play:
        CASES.append(Case(play, seen, code, reader, says, mend, place, also, owner))
        return play

    return register


@dataclass(frozen=True)
class Refused:
    """What the client saw."""

    text: str
    request_id: str = ""
    message_id: str = ""


@dataclass
class World:
    """A fresh owner with a verified domain, and a fresh sender; both out of the sandbox."""

    sesame: SesameProcess
    owner: Account = field(init=False)
    sender: Account = field(init=False)
    domain: str = field(init=False)
    arn: str = field(init=False)
    _clients: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.domain = f"shop{next(NUMBERS)}.example"

        async def make(services: Services) -> tuple[Keys, Keys]:
            owner, sender = [await services.operator.create_account("", production=True) for _ in range(2)]
            kind = identity_kind(self.domain)
            await services.verification.vouch(owner.account_id, REGION, self.domain, kind)
            return owner, sender

        self.owner, self.sender = (Account(**asdict(keys)) for keys in self.sesame.operate(make))
        self.arn = f"arn:aws:ses:{REGION}:{self.owner.account_id}:identity/{self.domain}"

    @property
    def names(self) -> dict[str, str]:
        """What expectations may refer to."""
        return {
            "owner": self.owner.account_id,
            "sender": self.sender.account_id,
            "domain": self.domain,
            "arn": self.arn,
        }

    # Who is there, and what they may do

    def client(self, service: str, who: Account, region: str = REGION, **config: Any) -> Any:
        """The client that was made before, if there is one; who changes one makes it by `sesame.client`."""
        key = (service, repr(who), region, repr(config))
        if key not in self._clients:
            self._clients[key] = self.sesame.client(service, who, region, **config)
        return self._clients[key]

    def statement(self, **changed: Any) -> dict[str, Any]:
        """A statement of the owner's; an element that is None is left out."""
        whole = {
            "Sid": OWNER_CANARY,
            "Effect": "Allow",
            "Principal": {"AWS": self.sender.account_id},
            "Action": ["ses:SendEmail", "ses:SendRawEmail"],
            "Resource": self.arn,
        } | changed
        return {key: value for key, value in whole.items() if value is not None}

    def allow(self, *, version: str = "2012-10-17", name: str = "", **changed: Any) -> None:
        """Put an identity policy of the owner's."""
        identity = changed.get("Resource", self.arn).rpartition("/")[2]
        self.client("ses", self.owner).put_identity_policy(
            Identity=identity,
            PolicyName=f"{OWNER_CANARY}{name}",
            Policy=json.dumps({"Version": version, "Statement": [self.statement(**changed)]}),
        )

    def user(self, name: str, *statements: Mapping[str, Any], account: Account | None = None) -> Account:
        """A user of the sender's account with these IAM statements, and its keys."""
        account = account or self.sender
        iam = self.client("iam", account)
        iam.create_user(UserName=name)
        if statements:
            self.user_may(name, *statements, account=account)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Account(account.account_id, key["AccessKeyId"], key["SecretAccessKey"])

    def user_may(self, name: str, *statements: Mapping[str, Any], account: Account | None = None) -> None:
        self.client("iam", account or self.sender).put_user_policy(
            UserName=name, PolicyName=SENDER_CANARY, PolicyDocument=document(*statements)
        )

    def role(self, name: str, *statements: Mapping[str, Any], path: str = "/") -> str:
        """A role of the sender's that a new user `NAME-robot` may assume; its ARN."""
        iam = self.client("iam", self.sender)
        robot = f"{name}-robot"
        with suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_user(UserName=robot)
        trust = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{self.sender.account_id}:user/{robot}"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }
        made = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=document(trust))
        self.role_may(name, *(statements or (MAY_SEND,)))
        return str(made["Role"]["Arn"])

    def role_may(self, name: str, *statements: Mapping[str, Any]) -> None:
        self.client("iam", self.sender).put_role_policy(
            RoleName=name, PolicyName=SENDER_CANARY, PolicyDocument=document(*statements)
        )

    def session(self, role_arn: str, name: str = "job", **options: Any) -> Account:
        """A session of a role made by `role`."""
        robot = role_arn.rpartition("/")[2] + "-robot"
        iam = self.client("iam", self.sender)
        for key in iam.list_access_keys(UserName=robot)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=robot, AccessKeyId=key["AccessKeyId"])
        key = iam.create_access_key(UserName=robot)["AccessKey"]
        keys = Account(self.sender.account_id, key["AccessKeyId"], key["SecretAccessKey"])
        made = self.client("sts", keys).assume_role(RoleArn=role_arn, RoleSessionName=name, **options)
        found = made["Credentials"]
        return Account(
            self.sender.account_id, found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]
        )

    # How programs send

    def simple(self, who: Account, *, region: str = REGION, **changed: Any) -> Any:
        """v1 SendEmail."""
        mail = {
            "Source": f"news@{self.domain}",
            "SourceArn": self.arn,
            "Destination": {"ToAddresses": ["you@elsewhere.test"]},
            "Message": {"Subject": {"Data": SENDER_CANARY}, "Body": {"Text": {"Data": "Hello"}}},
        } | changed
        given = {key: value for key, value in mail.items() if value is not None}
        return self.client("ses", who, region).send_email(**given)

    def raw(self, who: Account, fields: Mapping[str, str] | None = None, **given: Any) -> Any:
        """v1 SendRawEmail."""
        message = self.message(fields)
        given = {"SourceArn": self.arn} | given
        found = {key: value for key, value in given.items() if value is not None}
        return self.client("ses", who).send_raw_email(RawMessage={"Data": message}, **found)

    def message(self, fields: Mapping[str, str] | None = None, body: str = "Hello") -> bytes:
        """A raw message; fields in the order given."""
        whole = {
            "From": f"News <news@{self.domain}>",
            "To": "you@elsewhere.test",
            "Subject": SENDER_CANARY,
        } | dict(fields or {})
        head = "".join(f"{name}: {value}\r\n" for name, value in whole.items() if value is not None)
        return f"{head}\r\n{body}\r\n".encode()

    def v2(self, who: Account, *, region: str = REGION, **changed: Any) -> Any:
        """v2 SendEmail with simple content."""
        simple = {"Subject": {"Data": SENDER_CANARY}, "Body": {"Text": {"Data": "Hello"}}}
        mail = {
            "FromEmailAddress": f"news@{self.domain}",
            "FromEmailAddressIdentityArn": self.arn,
            "Destination": {"ToAddresses": ["you@elsewhere.test"]},
            "Content": {"Simple": simple},
        } | changed
        given = {key: value for key, value in mail.items() if value is not None}
        return self.client("sesv2", who, region).send_email(**given)

    def smtp(
        self,
        who: Account,
        fields: Mapping[str, str] | None = None,
        *,
        body: str = "Hello",
        mail_from: str | None = None,
        user: str | None = None,
        password: str | None = None,
        region: str = REGION,
        data: bytes | None = None,
    ) -> Any:
        """Log in and send one message, as smtplib, nodemailer or Postfix do."""
        host, _, port = self.sesame.smtp.rpartition(":")
        with smtplib.SMTP(host.rpartition("/")[2], int(port), timeout=30) as server:
            server.starttls(context=unchecked())
            server.login(
                who.access_key_id if user is None else user,
                smtp_password(who.secret_access_key, region) if password is None else password,
            )
            sender = f"news@{self.domain}" if mail_from is None else mail_from
            server.sendmail(sender, ["you@elsewhere.test"], data or self.message(fields, body))

    # What is said about it

    def refusal(self, send: Callable[[], Any]) -> Refused:
        """Send, and what the client saw; a message that was accepted and lost has its id."""
        try:
            answer = send()
        except ClientError as error:
            return Refused(str(error), error.response["ResponseMetadata"]["RequestId"])
        except smtplib.SMTPException as error:
            return Refused(str(error))
        return Refused("accepted", message_id=(answer or {}).get("MessageId", ""))

    def account_of(self, reader: str) -> str:
        return self.owner.account_id if reader == "owner" else self.sender.account_id

    def told(self, refused: Refused, case: Case) -> tuple[str, list[dict[str, Any]]]:
        """The text and the causes that this reader is shown of the refusal."""
        if case.place:
            name = refused.request_id or case.place.format(**self.names)
            line: str = wait_until(lambda: self._logged(name))
            return line, _causes_of(line)
        if case.reader == "operator" and not refused.message_id:
            command = ["why", refused.request_id]
        elif refused.message_id:
            command = ["trace", refused.message_id, "--as", case.reader]
        else:
            which = ["--request", refused.request_id] if refused.request_id else ["--limit", "1"]
            command = ["decisions", self.account_of(case.reader), *which]
        text = self.sesame.run(*command).stdout
        found = json.loads(self.sesame.run(*command, "--json").stdout)
        told = found.get("recipients", [found]) if isinstance(found, dict) else found
        return text, [cause for one in told for cause in one.get("causes", ())]

    def on_page(self, refused: Refused, case: Case) -> str | None:
        """What the console's page of it says to this reader; None where there is none.

        Without white space, marks and the other forms of domains.
        """
        if case.place:
            return None
        if refused.message_id:
            path = f"/{REGION}/messages/{refused.message_id}"
        else:
            request_id = refused.request_id or self._newest_refusal(self.account_of(case.reader))
            path = f"/{REGION}/refusals/{request_id}"
        if case.reader == "operator":
            person, path = operator(self.sesame), path.replace(f"/{REGION}/", "/operator/", 1)
        else:
            person = root_of(self.sesame, self.account_of(case.reader))
        answer = person.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        main = re.sub(r'<span class="form">.*?</span>', "", answer.text.partition("<main")[2])
        return bare(words(main))

    def _newest_refusal(self, account_id: str) -> str:
        [newest] = json.loads(self.sesame.run("decisions", account_id, "--limit", "1", "--json").stdout)
        return str(newest["request_id"])

    def _logged(self, name: str) -> str | None:
        """The newest line of the server's log that has a cause and names it: what the operator has where no account is
        known. None before there is one: of the API it is written once the answer is on its way."""
        lines = reversed(self.sesame.log_path.read_text().splitlines())
        return next((line for line in lines if name in line and '"cause"' in line), None)


def _causes_of(line: str) -> list[dict[str, Any]]:
    code, _, rest = str(json.loads(line)["cause"]).partition(" ")
    cause, _, mend = rest.partition(". Mend: ")
    return [{"code": code, "cause": cause, "mend": {"text": mend}}]


def bare(text: str) -> str:
    """A text without what a page's marks add to it or take from it."""
    return re.sub(r"[\s`]|\\u\{[0-9a-f]+\}|␊|\\n", "", text).lower()


MAY_SEND = {"Effect": "Allow", "Action": "ses:Send*", "Resource": "*"}


def document(*statements: Mapping[str, Any]) -> str:
    """IAM statements, or a trust policy's."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def smtp_password(secret: str, region: str) -> str:
    """The SMTP password that belongs to a secret access key (SES developer guide)."""
    key = b"AWS4" + secret.encode()
    for part in ("11111111", region, "ses", "aws4_request", "SendRawEmail"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return base64.b64encode(b"\x04" + key).decode()


def unchecked() -> ssl.SSLContext:
    """TLS without a check of the certificate: what is said of refusals does not depend on it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
