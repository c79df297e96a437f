"""Who may send as whom: generated sends by real boto3, each answered as the oracle says (I3).

Ten callers of two accounts, every kind of identity policy, each address in turn foreign, each way to
give an ARN. The oracle works from tables; what it accepts, and nothing else, is in the mailbox.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from itertools import product
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.callers import make_caller
from tests.support.oracle import Caller, Grant, Identity, Oracle, Send, Statement, Verdict, render
from tests.support.process import REGION, Account, SesameProcess, read_header, wait_until

STRANGER = "999999999999"
KINDS = {
    "root": None,
    "allowed": [Grant(effect="Allow")],
    "nothing": [],
    "denied": [Grant(effect="Allow"), Grant(effect="Deny")],
    "own-only": [Grant(effect="Allow", accounts=("own",))],
}
CALLERS = [(side, kind) for side in ("owner", "delegate") for kind in KINDS]
USES = {
    "SendEmail": [("From", "Source"), ("Return-Path",), ("From", "Source", "Return-Path")],
    "SendRawEmail": [
        ("From",),
        ("Source",),
        ("Return-Path",),
        ("Sender",),
        ("From", "Source"),
        ("From", "Source", "Sender"),
        ("From", "Source", "Return-Path"),
        ("From", "Source", "Sender", "Return-Path"),
    ],
}
ARNS = ("parameter", "source-only", "header", "both", "none", "other", "stranger", "own", "region")
CASES_A_CALLER = 200
PARAMETERS = {"From": "FromArn", "Source": "SourceArn", "Return-Path": "ReturnPathArn"}
HEADERS = {"From": "X-SES-FROM-ARN", "Source": "X-SES-SOURCE-ARN", "Return-Path": "X-SES-RETURN-PATH-ARN"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One send in the words of the matrix; `policy` names the owner's identity it is about."""

    action: str
    foreign: tuple[str, ...]
    arn: str
    policy: str
    to: str
    source_given: bool


@dataclass
class World:
    """One owner with an identity for each policy, one delegate, and the callers of both."""

    sesame: SesameProcess
    owner: Account
    delegate: Account
    callers: dict[tuple[str, str], Caller]
    clients: dict[tuple[str, str], Any]
    addresses: dict[str, str]
    named: dict[str, str]
    oracle: Oracle

    def own_address(self, side: str) -> str:
        """An address that `side` has verified and that no policy speaks of."""
        return f"me@{side}.test"


def identities_of(policy: str, parties: tuple[str, str], users: dict[str, tuple[str, ...]]) -> list[Identity]:
    """The owner's identities of one row of the table; the first is the one that its ARN names."""
    owner, _ = parties
    everyone = Statement(effect="Allow", principals=("*",))
    deny = Statement(effect="Deny", principals=("*",))
    domain = f"{policy}.test"
    address = f"news@{domain}"
    table: dict[str, list[tuple[str, tuple[Statement, ...]]]] = {
        "absent": [(domain, ())],
        "removed": [(domain, ())],
        "account": [(domain, (Statement(effect="Allow", principals=parties),))],
        "strangers": [(domain, (Statement(effect="Allow", principals=("123456789012",)),))],
        "everyone": [(domain, (everyone,))],
        "users": [(domain, (Statement(effect="Allow", principals=users["allowed"] + users["nothing"]),))],
        "raw": [(domain, (Statement(effect="Allow", principals=("*",), actions=("ses:SendRawEmail",)),))],
        "any-send": [(domain, (Statement(effect="Allow", principals=parties, actions=("ses:Send*",)),))],
        "deny": [(domain, (everyone, Statement(effect="Deny", principals=parties)))],
        "deny-user": [(domain, (everyone, Statement(effect="Deny", principals=users["allowed"])))],
        "from": [(domain, (Statement(effect="Allow", principals=("*",), from_address=address),))],
        "deny-from": [
            (domain, (everyone, Statement(effect="Deny", principals=("*",), from_address=address)))
        ],
        "inside": [(domain, (Statement(effect="Allow", principals=("*",), recipients_at="inside.test"),))],
        "deny-inside": [
            (domain, (everyone, Statement(effect="Deny", principals=("*",), recipients_at="inside.test")))
        ],
        "pending": [(address, (everyone,))],
        "address": [(address, (everyone,)), (domain, (deny,))],
        "nearer-deny": [(domain, (everyone,)), (address, (deny,))],
        "mailbox": [(address, (everyone,))],
    }
    return [
        Identity(account=owner, name=name, statements=statements, verified=policy != "pending")
        for name, statements in table[policy]
    ]


POLICIES = (
    "absent",
    "removed",
    "account",
    "strangers",
    "everyone",
    "users",
    "raw",
    "any-send",
    "deny",
    "deny-user",
    "from",
    "deny-from",
    "inside",
    "deny-inside",
    "pending",
    "address",
    "nearer-deny",
    "mailbox",
)


@pytest.fixture(scope="session")
def world(sesame: SesameProcess) -> Iterator[World]:
    accounts = {"owner": sesame.create_account(name="owner"), "delegate": sesame.create_account()}
    callers: dict[tuple[str, str], Caller] = {}
    clients: dict[tuple[str, str], Any] = {}
    for side, account in accounts.items():
        for kind, grants in KINDS.items():
            keys, callers[side, kind] = make_caller(sesame, account, kind, grants)
            clients[side, kind] = sesame.client("ses", keys)
        clients[side, "root"].verify_domain_identity(Domain=f"{side}.test")
    parties = (accounts["owner"].account_id, accounts["delegate"].account_id)
    users = {kind: tuple(callers[side, kind].arn for side in accounts) for kind in KINDS}
    identities = {policy: identities_of(policy, parties, users) for policy in POLICIES}
    ses = clients["owner", "root"]
    for policy, owned in identities.items():
        for identity in owned:
            attach(sesame, ses, accounts["owner"], policy, identity)
    everything = [identity for owned in identities.values() for identity in owned]
    everything += [Identity(account=accounts[side].account_id, name=f"{side}.test") for side in accounts]
    yield World(
        sesame=sesame,
        **accounts,
        callers=callers,
        clients=clients,
        addresses={policy: f"news@{policy}.test" for policy in POLICIES},
        named={policy: owned[0].name for policy, owned in identities.items()},
        oracle=Oracle(REGION, everything),
    )


def attach(sesame: SesameProcess, ses: Any, owner: Account, policy: str, identity: Identity) -> None:
    """Make an identity of the owner, verified or not, with its policies."""
    if "@" not in identity.name:
        ses.verify_domain_identity(Domain=identity.name)
    elif identity.verified:
        sesame.vouch(owner, identity.name)
    else:
        ses.verify_email_identity(EmailAddress=identity.name)
    arn = f"arn:aws:ses:{REGION}:{identity.account}:identity/{identity.name}"
    statements = identity.statements
    if policy == "removed":
        statements = (Statement(effect="Allow", principals=("*",)),)
    for number, statement in enumerate(statements):  # one policy each: their union decides
        ses.put_identity_policy(
            Identity=identity.name, PolicyName=f"p{number}", Policy=render([statement], arn)
        )
    if policy == "removed":
        ses.delete_identity_policy(Identity=identity.name, PolicyName="p0")


def cases_for(side: str, kind: str) -> list[Case]:
    """A fixed draw from the whole matrix, each policy with every set of foreign addresses among them."""
    draw = random.Random(f"{side} {kind}")
    rows = [
        (action, foreign, policy)
        for action, sets in USES.items()
        for foreign, policy in product(sets, POLICIES)
    ]
    rows += draw.choices(rows, k=max(0, CASES_A_CALLER - len(rows)))
    cases = []
    for action, foreign, policy in rows:
        arns = [arn for arn in ARNS if action == "SendRawEmail" or arn not in ("header", "both")]
        whole = {"From", "Source"} <= set(foreign) or not {"From", "Source"} & set(foreign)
        cases.append(
            Case(
                action=action,
                foreign=foreign,
                arn=draw.choices(arns, weights=[6 if arn == "parameter" else 1 for arn in arns])[0],
                policy=policy,
                to=draw.choice(("reader@inside.test", "reader@outside.test")),
                source_given=action == "SendEmail" or not whole or draw.random() < 0.5,
            )
        )
    return cases


def build(world: World, side: str, case: Case) -> tuple[Send, dict[str, str]]:
    """The send as the oracle sees it, and the ARNs of its X-SES headers by use."""
    caller_account = world.callers[side, "root"].account
    foreign, own = world.addresses[case.policy], world.own_address(side)
    uses = ["From", "Source"]
    uses += [use for use in ("Sender", "Return-Path") if use in case.foreign or use == "Return-Path"]
    if "Return-Path" not in case.foreign and case.action == "SendRawEmail":
        uses.remove("Return-Path")
    addresses = {use: foreign if use in case.foreign else own for use in uses}
    if case.action == "SendRawEmail" and "Return-Path" not in addresses:
        addresses["Return-Path"] = addresses["Source"]  # feedback goes to Source
    right = world.oracle.arn(world.owner.account_id, world.named[case.policy])
    arn = {
        "other": world.oracle.arn(world.owner.account_id, "owner.test"),
        "stranger": world.oracle.arn(STRANGER, world.named[case.policy]),
        "own": world.oracle.arn(caller_account, world.named[case.policy]),
        "region": right.replace(REGION, "eu-west-1"),
    }.get(case.arn, right)
    asked = [use for use in PARAMETERS if use in case.foreign and (case.action, use) != ("SendEmail", "From")]
    if case.arn == "source-only":
        asked = ["Source"] if "Source" in case.foreign else []
    arns = {} if case.arn == "none" else dict.fromkeys(asked, arn)
    headers = {}
    if case.arn == "header":
        headers = arns
    elif case.arn == "both":
        headers = dict.fromkeys(asked, world.oracle.arn(world.owner.account_id, "owner.test"))
    return Send(action=f"ses:{case.action}", addresses=addresses, arns=arns, recipients=(case.to,)), headers


def perform(
    client: Any, case: Case, send: Send, headers: dict[str, str], subject: str
) -> "str | ClientError":
    """Send with boto3: the message id, or the error."""
    parameters = {} if case.arn == "header" else {PARAMETERS[use]: arn for use, arn in send.arns.items()}
    if case.source_given:
        parameters["Source"] = send.addresses["Source"]
    try:
        if case.action == "SendEmail":
            answer = client.send_email(
                **parameters,
                Destination={"ToAddresses": [case.to]},
                ReturnPath=send.addresses["Return-Path"],
                Message={"Subject": {"Data": subject}, "Body": {"Text": {"Data": "Hello."}}},
            )
        else:
            message = EmailMessage()
            for use, arn in headers.items():
                message[HEADERS[use]] = arn
            message["From"], message["To"] = send.addresses["From"], case.to
            message["Subject"] = subject
            if "Sender" in send.addresses:
                message["Sender"] = send.addresses["Sender"]
            if "Return-Path" in case.foreign:
                message["Return-Path"] = f"<{send.addresses['Return-Path']}>"
            message.set_content("Hello.")
            answer = client.send_raw_email(**parameters, RawMessage={"Data": message.as_bytes()})
    except ClientError as error:
        return error
    message_id: str = answer["MessageId"]
    return message_id


def check(caller: Caller, send: Send, expected: Verdict, answer: "str | ClientError") -> None:
    """Code, HTTP status and text of the answer are what the verdict calls for."""
    if not isinstance(answer, ClientError):
        assert expected.code == "", f"accepted, but should be {expected}"
        return
    code, message = answer.response["Error"]["Code"], answer.response["Error"]["Message"]
    assert code == expected.code, f"{code} {message}, but should be {expected}"
    status = answer.response["ResponseMetadata"]["HTTPStatusCode"]
    assert status == (403 if code == "AccessDenied" else 400)
    if code == "MessageRejected":
        start, _, failed = message.rpartition(": ")
        assert start == (
            "Email address is not verified. The following identities failed the check in region US-EAST-1"
        )
        assert set(failed.split(", ")) == expected.subjects
    elif code == "AccessDenied":
        assert message in {
            f"User `{caller.arn}' is not authorized to perform `{send.action}' on resource `{arn}'"
            for arn in expected.subjects
        }
    else:
        assert message in expected.subjects


@pytest.mark.parametrize(("side", "kind"), CALLERS, ids=["-".join(caller) for caller in CALLERS])
def test_every_send_is_answered_as_the_oracle_says(world: World, side: str, kind: str) -> None:
    caller, client = world.callers[side, kind], world.clients[side, kind]
    cases = cases_for(side, kind)
    assert len(cases) >= CASES_A_CALLER
    accepted: set[str] = set()
    answers: Counter[str] = Counter()
    for number, case in enumerate(cases):
        send, headers = build(world, side, case)
        expected = world.oracle.verdict(caller, send)
        subject = f"{side} {kind} {number}"
        answer = perform(client, case, send, headers, subject)
        try:
            check(caller, send, expected, answer)
        except AssertionError as error:
            error.add_note(f"{case}\n{send}\nheaders {headers}")
            raise
        answers[expected.code or "accepted"] += 1
        if isinstance(answer, str):
            accepted.add(subject)
    if kind in ("root", "allowed"):
        assert min(answers["accepted"], answers["AccessDenied"]) >= 5, answers

    def arrived() -> set[str]:
        subjects = [str(read_header(mail)["subject"]) for mail in world.sesame.mail()]
        return {subject for subject in subjects if subject.startswith(f"{side} {kind} ")}

    wait_until(lambda: arrived() >= accepted)
    assert arrived() == accepted
