"""One message, one policy, every way to send it: the same decision (I3).

Each case is one identity policy, one caller and one message. It goes out by every way of
`tests.support.ways`; what each must answer is worked out from the case and from what policy may see of
that way (its action, the API's version, its transport), by the tables of `tests.support.oracle`.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from sesame.app.foundation import Services
from tests.support.oracle import Caller, Grant, Identity, Oracle, Send, Statement, Verdict
from tests.support.process import REGION, Account, SesameProcess, running
from tests.support.signed_client import SignedClient, policy
from tests.support.ways import WAYS, Clients, Letter, Way, clients_of

STRANGER = "999999999999"
FROM = {"domain": "news@lend.test", "subdomain": "news@deep.lend.test", "address": "solo@box.test"}
IDENTITY = {"domain": "lend.test", "subdomain": "lend.test", "address": "solo@box.test"}
INSIDE, MIXED = ("reader@inside.test", "copy@inside.test"), ("reader@inside.test", "copy@outside.test")
VERDICTS = {
    "": "allowed",
    "AccessDenied": "denied",
    "MessageRejected": "unverified",
    "InvalidParameterValue": "invalid",
}
EVERY = ("ses:SendEmail", "ses:SendRawEmail", "ses:SendTemplatedEmail")
SIMPLE, RAW, TEMPLATED = ("ses:SendEmail",), ("ses:SendRawEmail",), ("ses:SendTemplatedEmail",)
ANY, OTHER = ("ses:Send*",), ("ses:SendBounce",)
Facts = dict[str, Any]
"""What policy may see of one send on one way."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as written, and whether it holds: said twice, by JSON and by Python."""

    operator: str
    key: str
    value: str | list[str]
    holds: Callable[[Any], bool]


def _equal(key: str, *values: str) -> tuple[Condition, Condition]:
    """A key that equals one of `values`, and one that does not."""
    wanted = list(values)
    return (
        Condition("StringEquals", key, wanted, lambda held: held in wanted),
        Condition("StringNotEquals", key, wanted, lambda held: held not in wanted),
    )


CONDITIONS = (
    *_equal("ses:FromAddress", "news@lend.test"),
    *_equal("ses:FromAddress", "other@lend.test", "more@lend.test"),
    Condition("StringLike", "ses:FromAddress", "*@lend.test", lambda held: held.endswith("@lend.test")),
    Condition("StringNotLike", "ses:FromAddress", "n?ws@*", lambda held: not held.startswith("news@")),
    Condition(
        "StringEqualsIgnoreCase", "ses:FromAddress", "NEWS@lend.test", lambda held: held == "news@lend.test"
    ),
    Condition("StringEquals", "ses:FromAddress", "NEWS@lend.test", lambda held: False),
    *_equal("ses:FromDisplayName", "News"),
    *_equal("ses:FromDisplayName", "news"),
    Condition("StringLike", "ses:FromDisplayName", "N*", lambda held: held is not None),
    Condition("StringEqualsIfExists", "ses:FromDisplayName", "Other", lambda held: held is None),
    Condition("Null", "ses:FromDisplayName", "true", lambda held: held is None),
    Condition("Null", "ses:FromDisplayName", "false", lambda held: held is not None),
    *_equal("ses:FeedbackAddress", "bounces@lend.test"),
    *_equal("ses:FeedbackAddress", "news@lend.test"),
    Condition("ForAllValues:StringLike", "ses:Recipients", "*@inside.test", lambda held: held == INSIDE),
    Condition("ForAnyValue:StringLike", "ses:Recipients", "*@outside.test", lambda held: held == MIXED),
    Condition("ForAnyValue:StringEquals", "ses:Recipients", "copy@inside.test", lambda held: held == INSIDE),
    *_equal("ses:ApiVersion", "1"),
    *_equal("ses:ApiVersion", "2"),
    *_equal("ses:ApiVersion", "1", "2"),
    Condition("Bool", "aws:SecureTransport", "true", lambda held: held == "true"),
    Condition("Bool", "aws:SecureTransport", "false", lambda held: held == "false"),
    Condition("IpAddress", "aws:SourceIp", "127.0.0.0/8", lambda held: True),
    Condition("NotIpAddress", "aws:SourceIp", ["10.0.0.0/8", "::/0"], lambda held: True),
    Condition("IpAddress", "aws:SourceIp", "192.0.2.0/24", lambda held: False),
    Condition("DateGreaterThan", "aws:CurrentTime", "2026-01-01T00:00:00Z", lambda held: True),
    Condition("DateLessThan", "aws:CurrentTime", "2026-01-01T00:00:00Z", lambda held: False),
    Condition("StringEquals", "aws:RequestedRegion", "eu-west-1", lambda held: False),
    Condition("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:user/*", lambda held: ":user/" in held),
    Condition("StringLike", "aws:username", "allow*", lambda held: held == "allowed"),
    Condition("StringNotEquals", "aws:PrincipalAccount", STRANGER, lambda held: True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One policy (its statements: effect, principals, actions, condition), one caller, one message."""

    statements: tuple[tuple[str, str, tuple[str, ...], Condition | None], ...]
    caller: str = "delegate-root"
    kind: str = "domain"
    arn: str = "given"
    feedback: bool = False
    display_name: str | None = "News"
    recipients: tuple[str, ...] = INSIDE

    def __str__(self) -> str:
        told = [
            f"{e} {p} {'/'.join(a)} {c and (c.operator, c.key, c.value)}" for e, p, a, c in self.statements
        ]
        return (
            f"{self.caller}, {self.kind}, ARN {self.arn}, {self.display_name}, {self.recipients[1]}: {told}"
        )


CALLERS = {
    f"{side}-{kind}": (side, grants)
    for side in ("owner", "delegate")
    for kind, grants in {
        "root": None,
        "allowed": (Grant(effect="Allow"),),
        "nothing": (),
        "denied": (Grant(effect="Allow"), Grant(effect="Deny")),
    }.items()
}
PRINCIPALS = ("*", "delegate", "delegate-root", "delegate-allowed", "owner", STRANGER)


def cases() -> Iterator[Case]:
    """All of them, in a fixed order."""
    lend = ("Allow", "delegate", EVERY, None)
    for condition in CONDITIONS:
        when = ("delegate", EVERY, condition)
        for effect, display_name, feedback, recipients in (
            ("Allow", "News", False, INSIDE),
            ("Deny", "News", True, MIXED),
            ("Allow", None, True, MIXED),
        ):
            first = () if effect == "Allow" else (lend,)
            yield Case(
                statements=(*first, (effect, *when)),
                caller="delegate-allowed",
                display_name=display_name,
                feedback=feedback,
                recipients=recipients,
            )
    for principal, actions, caller in product(
        PRINCIPALS, (EVERY, SIMPLE, RAW, TEMPLATED, ANY, OTHER), CALLERS
    ):
        if (actions is EVERY) or caller in ("delegate-root", "owner-nothing"):
            yield Case(statements=(("Allow", principal, actions, None),), caller=caller)
    for kind, arn, caller in product(FROM, ("given", "none", "stranger", "other", "region"), CALLERS):
        yield Case(statements=(lend,), kind=kind, arn=arn, caller=caller)
    for kind, caller, actions in product(FROM, CALLERS, (EVERY, SIMPLE, RAW, TEMPLATED)):
        yield Case(
            statements=(("Allow", "*", EVERY, None), ("Deny", "*", actions, None)), kind=kind, caller=caller
        )
    for caller in CALLERS:
        yield Case(statements=(), caller=caller)


CASES = list({str(case): case for case in cases()}.values())


class World:
    """One owner, one delegate, the callers of both, and the oracle's view of them."""

    def __init__(self, sesame: SesameProcess) -> None:
        self.sesame = sesame
        self.accounts = {side: sesame.create_account(name=side) for side in ("owner", "delegate")}
        self.keys: dict[str, Account] = {}
        self.callers: dict[str, Caller] = {}
        for name, (side, grants) in CALLERS.items():
            self._make_caller(name, side, grants)
        owner = sesame.client("ses", self.accounts["owner"])
        for domain in ("lend.test", "other.test"):
            owner.verify_domain_identity(Domain=domain)
        sesame.vouch(self.accounts["owner"], "solo@box.test")

    def _make_caller(self, name: str, side: str, grants: tuple[Grant, ...] | None) -> None:
        account, user = self.accounts[side], name.partition("-")[2]
        if grants is None:
            self.keys[name] = account
            arn = f"arn:aws:iam::{account.account_id}:root"
            self.callers[name] = Caller(account=account.account_id, arn=arn, is_root=True)
            return
        iam = self.sesame.client("iam", account)
        arn = iam.create_user(UserName=user)["User"]["Arn"]
        if grants:
            allowed = [{"Effect": grant.effect, "Action": "ses:Send*", "Resource": "*"} for grant in grants]
            iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=policy(*allowed))
        key = iam.create_access_key(UserName=user)["AccessKey"]
        self.keys[name] = Account(account.account_id, key["AccessKeyId"], key["SecretAccessKey"])
        self.callers[name] = Caller(account=account.account_id, arn=arn, is_root=False, grants=grants)

    def arn(self, name: str, owner: str | None = None, region: str = REGION) -> str:
        """The ARN of an identity, the owner's if nobody else's."""
        return f"arn:aws:ses:{region}:{owner or self.accounts['owner'].account_id}:identity/{name}"

    def principal(self, name: str) -> str:
        """A principal of a case as policy writes it."""
        if name in self.accounts:
            return self.accounts[name].account_id
        return self.callers[name].arn if name in self.callers else name

    def put_policy(self, owner: SignedClient, case: Case) -> None:
        """The case's policy on its identity, in place of the one before."""
        identity = IDENTITY[case.kind]
        statements = [self._written(case, statement) for statement in case.statements]
        if statements:
            parameters = {"Identity": identity, "PolicyName": "case", "Policy": policy(*statements)}
            reply = owner.call("PutIdentityPolicy", parameters)
        else:
            reply = owner.call("DeleteIdentityPolicy", {"Identity": identity, "PolicyName": "case"})
        assert reply.status == 200, (str(case), reply)

    def _written(
        self, case: Case, statement: tuple[str, str, tuple[str, ...], Condition | None]
    ) -> dict[str, Any]:
        effect, principal, actions, condition = statement
        written: dict[str, Any] = {
            "Effect": effect,
            "Principal": "*" if principal == "*" else {"AWS": self.principal(principal)},
            "Action": list(actions),
            "Resource": self.arn(IDENTITY[case.kind]),
        }
        if condition is not None:
            written["Condition"] = {condition.operator: {condition.key: condition.value}}
        return written

    def letter(self, case: Case) -> Letter:
        """The message of a case."""
        from_address, name = FROM[case.kind], IDENTITY[case.kind]
        arns = {
            "given": self.arn(name),
            "stranger": self.arn(name, STRANGER),
            "other": self.arn("other.test"),
            "region": self.arn(name, region="eu-west-1"),
        }
        return Letter(
            from_address=from_address,
            display_name=case.display_name,
            feedback="bounces@lend.test" if case.feedback else None,
            recipients=case.recipients,
            arn=arns.get(case.arn),
        )

    def expected(self, case: Case, way: Way) -> Verdict:
        """What a way must answer: the oracle's verdict under the statements whose conditions hold on it."""
        caller, letter = self.callers[case.caller], self.letter(case)
        facts = self._facts(caller, letter, way)
        statements = tuple(
            Statement(effect=effect, principals=(self.principal(principal),), actions=actions)
            for effect, principal, actions, condition in case.statements
            if condition is None or condition.holds(facts.get(condition.key))
        )
        owner = self.accounts["owner"].account_id
        identities = [
            Identity(account=owner, name=name) for name in ("lend.test", "other.test", "solo@box.test")
        ]
        identities = [
            Identity(
                account=owner, name=one.name, statements=statements if one.name == IDENTITY[case.kind] else ()
            )
            for one in identities
        ]
        send = Send(
            action=way.action,
            addresses=way.addresses(letter),
            arns={} if letter.arn is None else dict.fromkeys(way.arns, letter.arn),
            recipients=letter.recipients,
        )
        return Oracle(REGION, identities).verdict(caller, send)

    @staticmethod
    def _facts(caller: Caller, letter: Letter, way: Way) -> Facts:
        user = None if caller.is_root else caller.arn.rpartition("/")[2]
        return {
            "ses:FromAddress": letter.from_address,
            "ses:FromDisplayName": letter.display_name,
            "ses:FeedbackAddress": letter.feedback or letter.from_address,
            "ses:Recipients": letter.recipients,
            "ses:ApiVersion": way.api_version,
            "aws:SecureTransport": way.secure_transport,
            "aws:PrincipalArn": caller.arn,
            "aws:username": user,
        }

    def accepted(self) -> int:
        """How many messages the spool has taken of the two accounts."""

        async def count(services: Services) -> int:
            async def run(tx: Any) -> int:
                both = [account.account_id for account in self.accounts.values()]
                row = await tx.one("SELECT COUNT(*) FROM message WHERE account_id IN (?, ?)", *both)
                return int(row[0])

            return await services.store.read(run)

        return self.sesame.operate(count)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data: Path = tmp_path_factory.mktemp("ways") / "data"
    environ = {
        "SESAME_DELIVERY__ENABLED": "false",
        "SESAME_SUBMISSION__IDLE_S": "600",
        "SESAME_ACCOUNTS__REFUSAL_STEP_S": "0",
    }
    with running(data, **environ) as sesame:
        yield World(sesame)


def test_the_cases_are_many() -> None:
    assert len(CASES) >= 200


def test_every_way_to_send_gives_the_decision_that_the_case_calls_for(world: World) -> None:
    decisions: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    alike = 0
    with (
        clients_of(world.sesame, world.keys) as clients,
        SignedClient(world.sesame.api, world.accounts["owner"]) as owner,
    ):
        for case in CASES:
            world.put_policy(owner, case)
            found = {way.name: try_way(world, case, way, clients[case.caller], wrong) for way in WAYS}
            decisions.update((name, decision) for name, decision in found.items())
            alike += len(set(found.values())) == 1
    assert not wrong, "\n".join([f"{len(wrong)} wrong:", *wrong[:20]])
    for way in WAYS:
        told = {decision: count for (name, decision), count in decisions.items() if name == way.name}
        assert min(told["allowed"], told["denied"], told["invalid"], told["unverified"]) >= 20, (
            way.name,
            told,
        )
    # Where policy speaks of neither action nor version nor transport, all ways are one.
    plain = [case for case in CASES if not tells_ways_apart(case)]
    assert len(plain) <= alike < len(CASES)
    assert world.accepted() == sum(
        count for (_, decision), count in decisions.items() if decision == "allowed"
    )


def try_way(world: World, case: Case, way: Way, clients: Clients, wrong: list[str]) -> str:
    """Send a case by one way; the decision. What is not as expected is noted in `wrong`."""
    expected = world.expected(case, way)
    answer = way.send(clients, world.letter(case))
    if answer.decision != VERDICTS[expected.code]:
        wrong.append(f"{way.name}: {answer.decision} ({answer.code} {answer.words}), not {expected}; {case}")
    elif answer.decision == "denied" and not any(arn in answer.words for arn in expected.subjects):
        wrong.append(f"{way.name}: {answer.words} names none of {sorted(expected.subjects)}; {case}")
    return answer.decision


def tells_ways_apart(case: Case) -> bool:
    return any(
        actions not in (EVERY, ANY, OTHER)
        or (condition is not None and condition.key in ("ses:ApiVersion", "aws:SecureTransport"))
        for _, _, actions, condition in case.statements
    )


def test_the_conditions_are_what_they_say() -> None:
    assert len({json.dumps([c.operator, c.key, c.value]) for c in CONDITIONS}) == len(CONDITIONS)
