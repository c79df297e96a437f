"""Accounts, identities and policies on a server without sockets, and sends that are refused and mended.

boto3 signs and reads; its requests are handed to the API in the process. A case is data: `steps` set up, `send` is
tried; `apply` does what a mend says, by its structure alone.
"""

import asyncio
import copy
import io
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

from sesame.access.causes.decision_json import latest, of_request
from sesame.access.identity_names import identity_kind
from sesame.app.api import Doors
from sesame.app.foundation import Services
from sesame.aws.request import HttpRequest
from sesame.aws.smtp_password import smtp_password
from sesame.config import load
from sesame.observe import Log
from sesame.policy import Finding, Severity, check_identity_policy
from sesame.policy.reasons.cause import Reader
from sesame.policy.reasons.edits import edited
from sesame.server.api import Peer
from sesame.smtp.events import AuthRequested, MessageReceived
from tests.support.clock import FakeClock
from tests.support.documents import document
from tests.support.own_api import own_session
from tests.support.process import Account

REGION = "us-east-1"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
TO = "reader@elsewhere.test"


@dataclass
class Raw:
    """The body of an answer, as botocore reads it."""

    body: bytes

    def stream(self, **_: object) -> list[bytes]:
        return [self.body]


@dataclass
class Outcome:
    """What became of a send: the code ("" when it was accepted), the API's text, and its request."""

    code: str
    text: str
    request_id: str
    message_id: str = ""


@dataclass
class World:
    """One server in the process."""

    services: Services
    doors: Doors
    loop: asyncio.AbstractEventLoop
    log: io.StringIO
    clients: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    ip: str = "198.51.100.7"
    secure: bool = True
    service: Account | None = None
    """The keys of a service that sends for others, once a case needed one."""

    @classmethod
    def open(cls, directory: Path, **settings: str) -> Self:
        loop = asyncio.new_event_loop()
        environ = {
            "SESAME_ACCOUNTS__REFUSAL_STEP_S": "0",
            "SESAME_SUBMISSION__FAILURE_DELAY_S": "0",
            "SESAME_DNS__AUTO_PUBLISH": "false",
            **settings,
        }
        loaded = load(None, environ=environ, flags={"data": str(directory)})
        clock = FakeClock(time.time())
        written = io.StringIO()
        log = Log(written, as_json=True, clock=clock)

        async def make() -> tuple[Services, Doors]:
            services = Services(loaded, log=log, clock=clock, durable=False)
            return services, Doors(services, accepted=lambda *_: None)

        services, doors = loop.run_until_complete(make())
        return cls(services, doors, loop, written)

    def close(self) -> None:
        self.services.close()
        self.loop.close()

    def run(self, awaitable: Any) -> Any:
        return self.loop.run_until_complete(awaitable)

    def client(self, service: str, keys: Account, region: str = REGION) -> Any:
        """A boto3 client whose requests go to the API of this process."""
        known = self.clients.get((service, keys.access_key_id, region))
        if known is not None and keys.session_token is None:
            return known
        make = own_session().client if service == "sesame" else boto3.client
        client = make(
            service, endpoint_url="http://127.0.0.1:1", region_name=region, aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key, aws_session_token=keys.session_token,
            config=Config(retries={"max_attempts": 0}),
        )  # fmt: skip
        client.meta.events.register("before-send", self._answer)
        self.clients[service, keys.access_key_id, region] = client
        return client

    def _answer(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        path, _, query = request.url.removeprefix("http://127.0.0.1:1").partition("?")
        headers = [
            (name.lower().encode(), value if isinstance(value, bytes) else value.encode())
            for name, value in request.headers.items()
        ]
        headers.append((b"host", b"127.0.0.1:1"))
        body = request.body or b""
        asked = HttpRequest(
            method=request.method, raw_path=path.encode() or b"/", query=query.encode(), headers=headers,
            body=body if isinstance(body, bytes) else body.encode(),
        )  # fmt: skip
        peer = Peer(address=self.ip, secure_transport=self.secure)
        response = self.run(self.doors.api.answer(asked, peer))
        told = {name.decode(): value.decode() for name, value in response.headers}
        return AWSResponse(request.url, response.status, told, Raw(response.body))


@dataclass
class Case:
    """One misconfiguration at work in a world of its own accounts."""

    world: World
    accounts: dict[str, Account] = field(default_factory=dict)
    keys: dict[str, Account] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    federated: dict[str, str] = field(default_factory=dict)
    """Federated users among the keys, and the users that opened their sessions."""
    limits: dict[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)
    """What the session of a role is limited to, by the name of its keys."""
    check_arn: str = ""
    """The identity whose policy is to be changed."""
    documents: list[tuple[str, str]] = field(default_factory=list)
    """The identity policies that were put, with the ARN of their identity."""

    @classmethod
    def lending(cls, world: World, **members: Any) -> Self:
        """An owner that lends `one.test` to an account, the sender, by a policy with these members beside."""
        case = cls(world)
        case.account("owner"), case.account("sender")
        case.step("identity", "owner", "one.test")
        case.step("policy", "owner", "one.test", {"Principal": {"AWS": "<sender>"}, **members})
        return case

    @classmethod
    def described(cls, world: World, case: Mapping[str, Any]) -> Self:
        """A case with the steps of its description done."""
        made = cls(world)
        for what, *values in case["steps"]:
            if what == "account":
                made.account(values[0])
            else:
                made.step(what, *values)
        return made

    def account(self, name: str, *, production: bool = True) -> Account:
        found = self.accounts.get(name)
        if found is None:
            made = self.world.run(self.world.services.operator.create_account("", production=production))
            found = Account(made.account_id, made.access_key_id, made.secret_access_key)
            self.accounts[name] = self.keys[name] = found
            self.names[name] = found.account_id
        return found

    def fill(self, value: Any) -> Any:
        """`<owner>` in texts is that account's number."""
        if isinstance(value, str):
            for name, number in self.names.items():
                value = value.replace(f"<{name}>", number)
            return value
        if isinstance(value, dict):
            return {self.fill(key): self.fill(item) for key, item in value.items()}
        return [self.fill(item) for item in value] if isinstance(value, list) else value

    def arn(self, account: str, name: str, region: str = REGION) -> str:
        return f"arn:aws:ses:{region}:{self.account(account).account_id}:identity/{name}"

    def step(self, what: str, *values: Any) -> None:
        getattr(self, f"_{what}")(*self.fill(list(values)))

    def _sandbox(self, account: str) -> None:
        assert account not in self.accounts, "an account is put into the sandbox when it is made"
        self.account(account, production=False)

    def _identity(self, account: str, name: str, region: str = REGION) -> None:
        services, owner = self.world.services, self.account(account).account_id
        self.world.run(services.verification.vouch(owner, region, name, identity_kind(name)))

    def _pending(self, account: str, name: str, region: str = REGION) -> None:
        ses = self.world.client("ses", self.account(account), region)
        verify = ses.verify_email_identity if "@" in name else ses.verify_domain_identity
        verify(**({"EmailAddress": name} if "@" in name else {"Domain": name}))

    def _policy(self, account: str, name: str, *statements: dict[str, Any]) -> None:
        """A policy of an identity; of a statement what is usual may be left out."""
        self.policy_in(REGION, account, name, *statements)

    def _policy_in(self, region: str, account: str, name: str, *statements: dict[str, Any]) -> None:
        self.policy_in(region, account, name, *statements)

    def policy_in(self, region: str, account: str, name: str, *statements: dict[str, Any]) -> None:
        usual = {"Effect": "Allow", "Action": ["ses:SendEmail", "ses:SendRawEmail"]}
        whole = [usual | {"Resource": self.arn(account, name, region)} | one for one in statements]
        ses = self.world.client("ses", self.account(account), region)
        self.documents.append((document(*whole), self.arn(account, name, region)))
        ses.put_identity_policy(Identity=name, PolicyName="lend", Policy=document(*whole))

    def _user(self, account: str, name: str, *statements: dict[str, Any]) -> None:
        iam = self.world.client("iam", self.account(account))
        path, _, user = name.rpartition("/")
        iam.create_user(UserName=user, Path=f"/{path}/" if path else "/")
        if statements:
            iam.put_user_policy(UserName=user, PolicyName="own", PolicyDocument=document(*statements))
        key = iam.create_access_key(UserName=user)["AccessKey"]
        found = Account(self.account(account).account_id, key["AccessKeyId"], key["SecretAccessKey"])
        self.keys[f"{account}/{user}"] = found

    def _boundary(self, account: str, who: str, *statements: dict[str, Any]) -> None:
        """The permissions boundary of `user/NAME` or `role/NAME`: a managed policy of its own with these statements."""
        iam = self.world.client("iam", self.account(account))
        kind, _, name = who.partition("/")
        made = iam.create_policy(PolicyName=f"at-most-{name}", PolicyDocument=document(*statements))
        put = getattr(iam, f"put_{kind}_permissions_boundary")
        put(**{f"{kind.title()}Name": name, "PermissionsBoundary": made["Policy"]["Arn"]})

    def _tag_user(self, account: str, name: str, key: str, value: str) -> None:
        self.world.client("iam", self.account(account)).tag_user(
            UserName=name, Tags=[{"Key": key, "Value": value}]
        )

    def _remake_user(self, account: str, name: str, *statements: dict[str, Any]) -> None:
        self.world.run(self.world.services.operator.delete_user(self.account(account).account_id, name))
        self._user(account, name, *statements)

    def _role(
        self, account: str, name: str, session: str, statements: list[Any], *limits: dict[str, Any]
    ) -> None:
        """A role with a session of it, which is called `account/name`."""
        root = self.account(account)
        iam = self.world.client("iam", root)
        trust = {"Effect": "Allow", "Principal": {"AWS": root.account_id}, "Action": "sts:AssumeRole"}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
        self._user(account, f"opener-{name}", EVERYTHING)
        self._session(account, name, session, arn, *limits)

    def _session(self, account: str, name: str, session: str, arn: str, *limits: dict[str, Any]) -> None:
        sts = self.world.client("sts", self.keys[f"{account}/opener-{name}"])
        more = {"Policy": document(*limits)} if limits else {}
        made = sts.assume_role(RoleArn=arn, RoleSessionName=session, **more)["Credentials"]
        self.limits[f"{account}/{name}"] = limits
        self.keys[f"{account}/{name}"] = Account(
            self.account(account).account_id,
            made["AccessKeyId"],
            made["SecretAccessKey"],
            made["SessionToken"],
        )

    def _federated(self, account: str, user: str, name: str, *limits: dict[str, Any]) -> None:
        """A federated user `account/name`, opened by a user, or by the root where that is ""."""
        by = f"{account}/{user}" if user else account
        more = {"Policy": document(*limits)} if limits else {}
        sts = self.world.client("sts", self.keys[by] if user else self.account(account))
        made = sts.get_federation_token(Name=name, **more)["Credentials"]
        of = self.account(account).account_id
        keys = Account(of, made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
        self.keys[f"{account}/{name}"], self.federated[f"{account}/{name}"] = keys, user

    def _call(self, account: str, service: str, operation: str, parameters: dict[str, Any]) -> None:
        getattr(self.world.client(service, self.account(account)), operation)(**parameters)

    def _quota(self, account: str, daily: float, rate: float) -> None:
        operator = self.world.services.operator
        self.world.run(operator.set_quota(
            self.account(account).account_id, region=None, max_24_hour_send=daily, max_send_rate=rate))  # fmt: skip

    def _suppress(self, account: str, address: str) -> None:
        client = self.world.client("sesv2", self.account(account))
        client.put_suppressed_destination(EmailAddress=address, Reason="BOUNCE")

    # Sending.

    def send(self, wanted: Mapping[str, Any]) -> Outcome:
        """Try a send: `as`, `door` (v1, raw, v2, v2raw, templated, smtp), and what goes into it."""
        given = self.fill(dict(wanted))
        self.world.ip, self.world.secure = given.get("ip", "198.51.100.7"), given.get("secure", True)
        door = given.get("door", "v1")
        try:
            if door == "smtp":
                return self._send_smtp(given)
            answer = self._send_api(door, given)
        except ClientError as error:
            meta = error.response["ResponseMetadata"]
            return Outcome(
                error.response["Error"]["Code"], error.response["Error"]["Message"], meta["RequestId"]
            )
        return Outcome("", "", "", answer["MessageId"])

    def _send_api(self, door: str, given: Mapping[str, Any]) -> Any:
        keys, region = self.keys[given["as"]], given.get("region", REGION)
        if "secret" in given:
            keys = replace(keys, secret_access_key=given["secret"])
            self.world.clients.clear()
        if "key" in given:
            keys = replace(keys, access_key_id=given["key"])
        to, sender = given.get("to", TO), given["from"]
        arns = given.get("arns", {})
        sets = {"ConfigurationSetName": given["set"]} if "set" in given else {}
        message = {"Subject": {"Data": given.get("subject", "s")}, "Body": {"Text": {"Data": "t"}}}
        if door in ("v1", "raw", "templated"):
            ses = self.world.client("ses", keys, region)
            if door == "raw":
                source = {"Source": given["source"]} if "source" in given else {}
                return ses.send_raw_email(RawMessage={"Data": self._raw(given)}, **source, **arns, **sets)
            path = {"ReturnPath": given["return_path"]} if "return_path" in given else {}
            if door == "templated":
                return ses.send_templated_email(
                    Source=sender, Destination={"ToAddresses": [to]}, Template=given["template"], TemplateData="{}",
                    **arns, **sets, **path,
                )  # fmt: skip
            return ses.send_email(
                Source=sender, Destination={"ToAddresses": [to]}, Message=message, **arns, **sets, **path
            )
        ses = self.world.client("sesv2", keys, region)
        if door == "v2raw":
            source = {"FromEmailAddress": given["source"]} if "source" in given else {}
            path = {"FeedbackForwardingEmailAddress": given["return_path"]} if "return_path" in given else {}
            return ses.send_email(
                Content={"Raw": {"Data": self._raw(given)}}, **source, **path, **arns, **sets
            )
        simple = {**message, **({"Headers": given["headers"]} if "headers" in given else {})}
        path = {"FeedbackForwardingEmailAddress": given["return_path"]} if "return_path" in given else {}
        return ses.send_email(
            FromEmailAddress=sender, Destination={"ToAddresses": [to]}, Content={"Simple": simple},
            **arns, **sets, **path,
        )  # fmt: skip

    def _raw(self, given: Mapping[str, Any]) -> bytes:
        fields = [f"{name}: {value}" for name, value in given.get("fields", ())]
        fields += [
            f"From: {given['from']}",
            f"To: {given.get('to', TO)}",
            f"Subject: {given.get('subject', 's')}",
        ]
        return "\r\n".join([*fields, "", "t", ""]).encode()

    def _send_smtp(self, given: Mapping[str, Any]) -> Outcome:
        keys, region = self.keys[given["as"]], given.get("region", REGION)
        username = given.get("username", keys.access_key_id)
        password = given.get("password", smtp_password(keys.secret_access_key, region))
        password = keys.secret_access_key if password == "<secret>" else password
        session = self.world.doors.submission.open_session(self.world.ip, True)
        asked = AuthRequested(mechanism="PLAIN", username=username, password=password)
        refusal = self.world.run(session.check_password(asked))
        if refusal is not None:
            return Outcome(str(refusal.code), str(refusal.text), "")
        source = given.get("source", given["from"]).rpartition("<")[2].rstrip(">")
        message = MessageReceived(mail_from=source, recipients=(given.get("to", TO),), data=self._raw(given))
        reply = self.world.run(session.take(message))
        return Outcome("" if reply.code == 250 else str(reply.code), str(reply.text), "")

    # Reading.

    def read(self, account: str, request_id: str = "", reader: Reader | None = None) -> dict[str, Any]:
        """The refusal as an account reads it, by its request or as the newest."""
        store, number = self.world.services.store, self.account(account).account_id
        if request_id:
            told = self.world.run(of_request(store, request_id, account_id=number, reader=reader))
        else:
            told = self.world.run(latest(store, number, limit=1, reader=reader))
        return told[0] if told else {"causes": []}

    def read_for(self, case: Mapping[str, Any], request_id: str) -> dict[str, Any]:
        """A refusal as the reader that the description names finds it."""
        if case["reader"] == "operator":
            return self.read_as_operator(request_id)
        account = "owner" if case["reader"] == "owner" else case["send"]["as"].partition("/")[0]
        return self.read(account, request_id)

    def read_as_operator(self, request_id: str) -> dict[str, Any]:
        """The refusal as the operator reads it: by its request, or the newest of those under no account."""
        store = self.world.services.store
        if request_id:
            told = self.world.run(of_request(store, request_id))
        else:
            told = self.world.run(latest(store, "", limit=1, reader=Reader.OPERATOR))
        return told[0] if told else {"causes": []}

    def warnings(self) -> list[Finding]:
        """What the check says of the identity policies that were put, notes aside."""
        found = [one for text, arn in self.documents for one in check_identity_policy(text, identity_arn=arn,
                 now=self.world.services.clock.now())]  # fmt: skip
        return [one for one in found if one.severity is not Severity.NOTE]

    # Mending.

    def apply(self, mend: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a mend says; the send as it is to be tried after it."""
        sends: dict[str, Any] = copy.deepcopy(self.fill(dict(wanted)))
        getattr(self, "_mend_" + mend["how"].replace("-", "_"))(mend, sends)
        return sends

    def _of(self, number: str) -> Account:
        return next(one for one in self.accounts.values() if one.account_id == number)

    def _put_statement(self, arn: str, statement: dict[str, Any]) -> None:
        _, _, _, region, owner, resource = arn.split(":", 5)
        ses = self.world.client("ses", self._of(owner), region)
        name = resource.removeprefix("identity/")
        ses.put_identity_policy(Identity=name, PolicyName="mended", Policy=document(statement))

    def _mend_put_identity_policy(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        self._put_statement(mend["identity_arn"], mend["statement"])

    def _mend_ask(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        assert mend["whom"] == "owner" and mend["account"] and (mend.get("statement") or mend.get("name")), (
            mend
        )
        if "statement" in mend:
            self._put_statement(mend["identity_arn"], mend["statement"])
        else:
            self._mend_verify_identity(mend, sends)

    def _mend_resave_policy(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        _, _, _, region, owner, resource = mend["identity_arn"].split(":", 5)
        ses, name = self.world.client("ses", self._of(owner), region), resource.removeprefix("identity/")
        for policy in ses.list_identity_policies(Identity=name)["PolicyNames"]:
            text = ses.get_identity_policies(Identity=name, PolicyNames=[policy])["Policies"][policy]
            text = text.replace(mend["old"], mend["principal"])
            ses.put_identity_policy(Identity=name, PolicyName=policy, Policy=text)

    def _mend_change_statement(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        changes = [
            change | {"with": change["with"] or "2099-01-01T00:00:00Z"} if "replace" in change else change
            for change in mend["changes"]
        ]
        told = [sends.get("to", TO)]  # what the sender says when it is asked
        changes = [change | {"add": told} if change.get("add", ()) is None else change for change in changes]
        if mend["kind"] == "boundary":
            after = edited(self._boundary_text(mend["policy"]), mend["statement"], changes)
            self._put_version(mend["policy"], after or document())
            return
        if mend["kind"] == "iam":
            self._change_iam(mend, sends, changes)
            return
        arn = self.check_arn
        _, _, _, region, owner, resource = arn.split(":", 5)
        ses, name = self.world.client("ses", self._of(owner), region), resource.removeprefix("identity/")
        policy = mend["policy"]
        text = ses.get_identity_policies(Identity=name, PolicyNames=[policy])["Policies"][policy]
        after = edited(text, mend["statement"], changes)
        if after:
            ses.put_identity_policy(Identity=name, PolicyName=policy, Policy=after)
        else:
            ses.delete_identity_policy(Identity=name, PolicyName=policy)

    def _change_iam(self, mend: Mapping[str, Any], sends: Mapping[str, Any], changes: list[Any]) -> None:
        account, _, name = sends["as"].partition("/")
        iam = self.world.client("iam", self.account(account))
        name = self.federated.get(sends["as"], name)
        is_role = self.keys[sends["as"]].session_token and sends["as"] not in self.federated
        kind = "role" if is_role else "user"
        who = {"RoleName" if kind == "role" else "UserName": name}
        get, put = getattr(iam, f"get_{kind}_policy"), getattr(iam, f"put_{kind}_policy")
        text = json.dumps(get(**who, PolicyName=mend["policy"])["PolicyDocument"])
        after = edited(text, mend["statement"], changes)
        if after:
            put(**who, PolicyName=mend["policy"], PolicyDocument=after)
        else:
            getattr(iam, f"delete_{kind}_policy")(**who, PolicyName=mend["policy"])

    def _mend_allow_in_iam(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        fields = mend["principal"].split(":")
        iam = self.world.client("iam", self._of(fields[4]))
        kind, name = fields[5].partition("/")[0], fields[5].rpartition("/")[2]
        put = getattr(iam, f"put_{kind}_policy")
        who = {"RoleName" if kind == "role" else "UserName": name}
        put(**who, PolicyName=f"mended{time.monotonic_ns()}", PolicyDocument=document(mend["statement"]))

    def _boundary_text(self, arn: str) -> str:
        iam = self.world.client("iam", self._of(arn.split(":")[4]))
        default = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        return json.dumps(
            iam.get_policy_version(PolicyArn=arn, VersionId=default)["PolicyVersion"]["Document"]
        )

    def _put_version(self, arn: str, text: str) -> None:
        iam = self.world.client("iam", self._of(arn.split(":")[4]))
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)

    def _mend_change_boundary(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        fields = mend["principal"].split(":")
        kind, name = fields[5].partition("/")[0], fields[5].rpartition("/")[2]
        if mend["policy"] is None:
            iam = self.world.client("iam", self._of(fields[4]))
            text = document(mend["statement"])
            arn = iam.create_policy(PolicyName=f"another-{name}", PolicyDocument=text)["Policy"]["Arn"]
            put = getattr(iam, f"put_{kind}_permissions_boundary")
            put(**{f"{kind.title()}Name": name, "PermissionsBoundary": arn})
            return
        held = json.loads(self._boundary_text(mend["policy"]))["Statement"]
        self._put_version(mend["policy"], document(*held, mend["statement"]))

    def _mend_change_session(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        account, _, name = sends["as"].partition("/")
        if sends["as"] in self.federated:
            user = self.federated[sends["as"]]
            whose = f"user/{user}" if user else "root"
            assert mend["principal"].endswith(f":{whose}")
            self._federated(account, user, name, mend["statement"])
            return
        kept = self.limits.get(sends["as"], ()) if mend.get("beside") else ()
        self._session(account, name, "again", mend["principal"], *kept, mend["statement"])

    def _mend_set_parameter(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        if mend["parameter"] == "endpoint":
            sends["secure"] = True
            return
        value = mend["value"] or self.fill(sends["right_arn"])
        parameter = mend["parameter"]
        if parameter in ("Source", "MAIL FROM"):
            sends["source"] = value
            return
        if not parameter.upper().startswith("X-SES"):
            sends["arns"] = sends.get("arns", {}) | {parameter: value}
            return
        gone = mend.get("instead_of", parameter)
        fields = [[name, text] for name, text in sends.get("fields", ()) if name not in (gone, parameter)]
        sends["fields"] = [[parameter, value], *fields]

    def _mend_drop_parameter(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        parameter = mend["parameter"]
        if parameter in ("ReturnPath", "Return-Path", "FeedbackForwardingEmailAddress"):
            sends.pop("return_path", None)
        fields = [list(field) for field in sends.get("fields", ())]
        if mend.get("instance") == "first":
            at = next(i for i, (name, _) in enumerate(fields) if name.upper() == parameter)
            del fields[at]
        else:
            fields = [[name, text] for name, text in fields if name.lower() != parameter.lower()]
        for name, text in mend.get("fields", {}).items():
            fields = [[other, value] for other, value in fields if other.upper() != name] + [[name, text]]
        sends["fields"] = fields
        sends["arns"] = {name: arn for name, arn in sends.get("arns", {}).items() if name != parameter}
        sends["headers"] = [one for one in sends.get("headers", ()) if one["Name"] != parameter]
        if not sends["headers"]:
            del sends["headers"]
            if parameter.upper().startswith("X-SES") and "right_arn" in sends and sends.get("door") == "v2":
                sends["arns"] = {"FromEmailAddressIdentityArn": sends["right_arn"]}

    def _mend_tag_resource(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        _, _, _, region, owner, _ = mend["arn"].split(":", 5)
        tags = [{"Key": key, "Value": value} for key, value in mend["tags"].items()]
        self.world.client("sesv2", self._of(owner), region).tag_resource(ResourceArn=mend["arn"], Tags=tags)

    def _mend_call_region(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        sends["region"] = mend["region"]
        if mend.get("arn"):
            names = sends.get("arns") or [name for name in [mend.get("parameter")] if name]
            sends["arns"] = dict.fromkeys(names, mend["arn"])

    def _mend_verify_identity(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        number = mend["account"]
        services = self.world.services
        self.world.run(
            services.verification.vouch(number, mend["region"], mend["name"], identity_kind(mend["name"]))
        )

    def _mend_leave_sandbox(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        self.world.run(self.world.services.operator.leave_sandbox(mend["account"]))

    def _mend_create_resource(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        owner = self._of(mend["account"])
        if mend["resource"] == "template":
            template = {"TemplateName": mend["name"], "SubjectPart": "s", "TextPart": "t"}
            self.world.client("ses", owner, mend["region"]).create_template(Template=template)
        else:
            name = {"Name": mend["name"]}
            self.world.client("ses", owner, mend["region"]).create_configuration_set(ConfigurationSet=name)

    def _mend_raise_quota(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        operator = self.world.services.operator
        self.world.run(operator.set_quota(
            mend["account"], region=mend["region"], max_24_hour_send=1e6, max_send_rate=1e4))  # fmt: skip
        clock = self.world.services.clock
        assert isinstance(clock, FakeClock)
        clock.advance(2)

    def _mend_enable_sending(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        client = self.world.client("sesv2", self._of(mend["account"]), mend["region"])
        if "configuration_set" in mend:
            client.put_configuration_set_sending_options(
                ConfigurationSetName=mend["configuration_set"], SendingEnabled=True
            )
        else:
            client.put_account_sending_attributes(SendingEnabled=True)

    def _mend_smtp_credentials(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        for name in ("password", "username"):
            sends.pop(name, None)
        sends["region"] = mend.get("region") or REGION
        if sends.get("inactive"):
            account, _, name = sends["as"].partition("/")
            key = self.world.client("iam", self.account(account)).create_access_key(UserName=name)[
                "AccessKey"
            ]
            self.keys[sends["as"]] = Account(
                self.account(account).account_id, key["AccessKeyId"], key["SecretAccessKey"]
            )

    def _mend_set_clock(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        clock = self.world.services.clock
        assert isinstance(clock, FakeClock)
        clock.advance(mend["off_s"])

    def _mend_new_key(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        self.world.clients.clear()
        for name in ("secret", "key"):
            sends.pop(name, None)
        if sends.get("inactive"):
            self._mend_smtp_credentials({}, sends)
