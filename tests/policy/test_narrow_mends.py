"""No mend lets in more than what was refused, or it says whom: random policies of two sides, asked before and after."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from sesame.policy import Outcome, Request, Requester
from sesame.policy.language.document import Effect
from sesame.policy.reasons.cause import Cause, Reader
from sesame.policy.reasons.derivation import ConditionStep, StatementStep
from sesame.policy.reasons.gaps import policy_causes
from tests.policy.mended_world import (
    ACTIONS,
    ALL,
    ANN,
    ARN,
    BOB,
    GROUP,
    MANAGED,
    OTHER_ARN,
    OWN_ANN,
    OWNER,
    PARTNER,
    SENDER,
    SESSION,
    SOMEBODY,
    VALUES,
    World,
    asked,
    mended,
    newly_allowed,
    root,
    text,
)

Condition = tuple[str, str, Any]
NEWS, JOBS, CEO = "news@shop.test", "jobs@shop.test", "ceo@shop.test"

CONDITIONS: tuple[Condition, ...] = (
    ("StringEquals", "ses:FromAddress", JOBS),
    ("StringEquals", "ses:FromAddress", [NEWS, CEO]),
    ("StringEquals", "ses:FromAddress", "*@shop.test"),
    ("StringEqualsIgnoreCase", "ses:FromAddress", "NEWS@shop.test"),
    ("StringEquals", "ses:FromAddress", "News@shop.test"),
    ("StringLike", "ses:FromAddress", "no*@shop.test"),
    ("StringLike", "ses:FromAddress", "*@shop.test"),
    ("StringNotLike", "ses:FromAddress", ["jobs@*", "no*"]),
    ("StringNotEquals", "ses:FromAddress", [JOBS]),
    ("StringEquals", "ses:FromAddress", "${aws:PrincipalTag/alias}@shop.test"),
    ("StringLike", "ses:FromAddress", "${aws:username}@*"),
    ("IpAddress", "aws:SourceIp", "10.0.0.0/8"),
    ("NotIpAddress", "aws:SourceIp", ["10.0.0.0/8", "127.0.0.0/8"]),
    ("NotIpAddress", "aws:SourceIp", "192.0.2.0/24"),
    ("Bool", "aws:SecureTransport", "true"),
    ("Bool", "aws:SecureTransport", "false"),
    ("DateLessThan", "aws:CurrentTime", "2026-01-01T00:00:00Z"),
    ("NumericLessThan", "aws:EpochTime", "1767225600"),
    ("DateGreaterThan", "aws:CurrentTime", "2026-01-01T00:00:00Z"),
    ("ForAnyValue:StringLike", "ses:Recipients", "*@rival.test"),
    ("ForAllValues:StringLike", "ses:Recipients", "*@corp.test"),
    ("ForAllValues:StringNotLike", "ses:Recipients", "*@corp.test"),
    ("ForAnyValue:StringNotLike", "ses:Recipients", "*@corp.test"),
    ("StringEquals", "ses:FromDisplayName", "Shop"),
    ("StringNotEquals", "ses:FromDisplayName", "Shop"),
    ("Null", "ses:FromDisplayName", "false"),
    ("Null", "ses:FromDisplayName", "true"),
    ("StringEquals", "ses:FeedbackAddress", "bounce@shop.test"),
    ("StringEquals", "ses:ApiVersion", "2"),
    ("StringEquals", "aws:RequestedRegion", "eu-west-1"),
    ("StringNotEquals", "aws:RequestedRegion", "us-east-1"),
    ("StringEquals", "aws:ResourceTag/env", "prod"),
    ("StringNotEquals", "aws:ResourceTag/env", "prod"),
    ("StringEquals", "aws:PrincipalTag/alias", "sales"),
    ("StringEquals", "aws:PrincipalTag/team", "mail"),
    ("StringNotEquals", "aws:PrincipalTag/team", "mail"),
    ("Null", "aws:PrincipalTag/alias", "true"),
    ("StringEquals", "aws:username", ["bob", "joe"]),
    ("StringNotEquals", "aws:username", "bob"),
    ("ArnEquals", "aws:PrincipalArn", BOB.arn),
    ("ArnNotLike", "aws:PrincipalArn", f"arn:aws:iam::{SENDER}:role/*"),
    ("StringEquals", "aws:PrincipalAccount", [OWNER, PARTNER]),
    ("StringNotEquals", "aws:PrincipalAccount", OWNER),
    ("StringEquals", "aws:PrincipalOrgID", "o-1"),
    ("StringNotEquals", "aws:PrincipalOrgID", "o-1"),
    ("StringEquals", "aws:SourceVpce", "vpce-1"),
    ("Bool", "aws:MultiFactorAuthPresent", "true"),
    ("BoolIfExists", "aws:MultiFactorAuthPresent", "false"),
    ("StringEquals", "ses:NoSuchKey", "x"),
)
PRINCIPALS: tuple[Any, ...] = (
    "*",
    {"AWS": SENDER},
    {"AWS": [SENDER, PARTNER]},
    {"AWS": ANN.arn},
    {"AWS": [ANN.arn, BOB.arn]},
    {"AWS": [f"arn:aws:iam::{SENDER}:root", SOMEBODY.arn]},
    {"AWS": [SESSION.role_arn, PARTNER]},
    {"AWS": [OWN_ANN.arn, SENDER]},
    {"AWS": [SENDER], "Service": "news.amazonaws.com"},
    {"AWS": PARTNER},
)
WAYS = ("ses:*", ["ses:SendEmail", "ses:SendRawEmail"], "ses:SendEmail", "ses:SendRawEmail", "ses:Get*")
PLACES = (
    "*",
    ARN,
    f"arn:aws:ses:*:{OWNER}:identity/*",
    OTHER_ARN,
    f"arn:aws:ses:us-east-1:{OWNER}:identity/news@shop.test",
)


def with_conditions(statement: dict[str, Any], *conditions: Condition) -> dict[str, Any]:
    made: dict[str, dict[str, Any]] = {}
    for operator, key, values in conditions:
        made.setdefault(operator, {})[key] = values
    return statement | ({"Condition": made} if made else {})


def drawn(random: Random) -> World:
    """A world, and a request in it that may well be refused."""

    def statement(effect: str, *, iam: bool) -> dict[str, Any]:
        made: dict[str, Any] = {"Effect": effect}
        if not iam:
            made["Principal"] = random.choice(PRINCIPALS)
        action, place = random.choice((*WAYS, *WAYS[:2])), random.choice(PLACES) if iam else ARN
        denied = effect == "Deny"
        made["NotAction" if random.random() < 0.1 else "Action"] = action
        made["NotResource" if iam and random.random() < 0.1 and denied else "Resource"] = place
        many = random.choice((0, 1, 1, 1, 2, 3))
        return with_conditions(made, *random.sample(CONDITIONS, many))

    def document(*, iam: bool) -> str:
        made = [statement("Allow", iam=iam) for _ in range(random.choice((1, 1, 2)))]
        if random.random() < 0.4:
            made.append(statement("Deny", iam=iam))
            made[0] = {"Effect": "Allow", "Action": "ses:*", "Resource": "*" if iam else ARN}
            made[0] |= {} if iam else {"Principal": random.choice(PRINCIPALS)}
        return text(*made)

    who = random.choice((ANN, ANN, root(SENDER), SESSION, OWN_ANN))
    action = random.choice(ACTIONS[:2])
    chosen = {key: random.choice(values) for key, values in VALUES.items() if random.random() < 0.5}
    names = ["own", GROUP, MANAGED] if who.kind == "user" else ["own"] * (who.kind == "role")
    iam = {
        name: document(iam=True) for name in random.sample(names, min(len(names), random.choice((1, 1, 2))))
    }
    if random.random() < 0.4:
        iam = {"own": text(ALL)} if names else {}
    identity = {"p": document(iam=False)} if random.random() < 0.8 else {"p": text(ALL | {"Principal": "*"})}
    return World(request=asked(who, action, ARN, **chosen), identity=identity, iam=iam)


# What is no wider than what was refused.


OF_WHO = ("aws:principal", "aws:username", "aws:userid")


def tells_apart(condition: ConditionStep) -> bool:
    """Whether a condition is about who it is."""
    return condition.key.lower().startswith(OF_WHO) or "${" in "".join(condition.wanted)


def is_held(one: ConditionStep, other: ConditionStep) -> bool:
    """Whether another request fails a condition with no other value than the one refused."""
    if other.answer or one.seen == other.seen:
        return True
    return is_some(one) and set(other.seen or ()) <= set(one.seen or ())


def is_some(one: ConditionStep) -> bool:
    return one.key == "ses:Recipients" and bool(one.seen)


class Scope:
    """What a mend of one refusal may let in."""

    def __init__(self, world: World, mend: Mapping[str, Any], side: str) -> None:
        self.world, self.mend, self.side = world, mend, side
        self.steps = [
            one
            for one in world.explained().statements
            if (one.ref.kind == "identity") == (side == "identity")
        ]
        declared = mend.get("also_admits", ())
        self.keys = {entry["key"].lower() for entry in declared if "key" in entry}
        self.is_for_others = any(not {"key", "account", "all"} & set(entry) for entry in declared)
        self.corrected = {
            change["key"].lower()
            for change in mend.get("changes", ())
            if ("operator_to" in change and not change["operator_to"].endswith("IfExists"))
            or "replace" in change
        }
        self.corrects_version = any("version" in change for change in mend.get("changes", ()))

    def holds(self, other: Request) -> bool:
        """Whether a request that is newly allowed is one of those that the mend is for."""
        theirs = {one.ref: one for one in replace(self.world, request=other).explained().statements}
        changed = self.mend.get("statement") if self.mend["how"] == "change-statement" else None
        if changed is not None:
            [step] = [
                one
                for one in self.steps
                if one.ref.policy == self.mend["policy"] and one.ref.index == changed
            ]
            if step.effect is Effect.DENY:
                return self._is_freed(step, theirs[step.ref], other)
            return self._is_let_in(step, theirs[step.ref], other)
        named = [one for one in self.steps if one.effect is Effect.ALLOW and names(one)]
        if any(self._is_let_in(one, theirs[one.ref], other) for one in named):
            return True
        about = [one for one in named if self.side == "identity" or not all(e.answer for e in one.elements)]
        return len(about) == len(named) and self._is_bare(other, named)

    def _is_bare(self, other: Request, named: Sequence[StatementStep]) -> bool:
        """What a statement for one message lets in where none of the policies says more."""
        request = self.world.request
        if any(one.conditions for one in named) and self.side == "identity":
            return False
        if self.side == "iam" and any(one.conditions and is_about(one) for one in named):
            return False
        is_from = request.context["ses:FromAddress"] == other.context["ses:FromAddress"]
        return (
            self._is_same(other.requester, by_account=request.requester.kind == "root")
            and request.action == other.action
            and request.resource == other.resource
            and (is_from or self.side == "iam")
        )

    def _is_same(self, who: Requester, *, by_account: bool) -> bool:
        requester = self.world.request.requester
        return (
            who == requester or (by_account and who.account_id == requester.account_id) or self.is_for_others
        )

    def _is_let_in(self, step: StatementStep, other_step: StatementStep, other: Request) -> bool:
        failed = [one for one in step.conditions if not one.answer]
        is_same = self._is_same(
            other.requester,
            by_account=self.side == "identity"
            and names_account(step, self.world.request.requester)
            and not any(map(tells_apart, failed)),
        )
        pairs = zip(step.elements, other_step.elements, strict=True)
        elements = all(
            theirs.answer
            or (not one.answer and one.seen == theirs.seen)
            or (one.element == "Principal" and self.is_for_others)
            for one, theirs in pairs
        )
        conditions = all(
            ((theirs.answer or not one.answer) and is_held(one, theirs))
            or (not one.answer and self._is_made_of(step, one, other))
            or one.key.lower() in self.keys | self.corrected
            or self.corrects_version
            for one, theirs in zip(step.conditions, other_step.conditions, strict=True)
            if not tells_apart(one) or one.answer
        )
        return is_same and elements and conditions

    def _is_made_of(self, step: StatementStep, one: ConditionStep, other: Request) -> bool:
        """Whether it is to the recipients refused, beside others to which the condition let it."""
        refused = set(self.world.request.context["ses:Recipients"])
        rest = tuple(name for name in other.context["ses:Recipients"] if name not in refused)
        if not rest or not is_some(one):
            return is_some(one)
        alone = asked(
            other.requester, other.action, other.resource, **{**other.context, "ses:Recipients": rest}
        )
        steps = {it.ref: it for it in replace(self.world, request=alone).explained().statements}
        theirs = steps[step.ref].conditions[step.conditions.index(one)]
        return bool(theirs.answer) == (step.effect is Effect.ALLOW)

    def _is_freed(self, step: StatementStep, other_step: StatementStep, other: Request) -> bool:
        """Of a Deny: who it was refused to, with the values for which it was."""
        request = self.world.request
        is_by_account = names_account(step, request.requester, everybody=False) or any(
            one.key.lower().startswith(("aws:principalaccount", "aws:principalorg"))
            for one in step.conditions
        )
        is_same = self._is_same(other.requester, by_account=is_by_account)
        pairs = zip(step.conditions, other_step.conditions, strict=True)
        values = all(
            one.seen == theirs.seen
            or tells_apart(one)
            or one.key.lower() in self.keys
            or (is_some(one) and self._is_made_of(step, one, other))
            for one, theirs in pairs
        )
        left_out = {one.element for one in step.elements} if not step.conditions else set()
        action = "NotAction" not in left_out or request.action == other.action
        return (
            is_same
            and values
            and action
            and ("NotResource" not in left_out or request.resource == other.resource)
        )


def names(step: StatementStep) -> bool:
    return all(one.answer for one in step.elements if one.element.endswith("Principal"))


def is_about(step: StatementStep) -> bool:
    element = next(one for one in step.elements if one.element.endswith("Action"))
    return bool(element.answer) or any("Send" in text or text in ("*", "ses:*") for text in element.wanted)


def names_account(step: StatementStep, who: Requester, *, everybody: bool = True) -> bool:
    wanted = next((one.wanted for one in step.elements if one.element == "Principal"), ())
    names = {who.account_id, f"arn:aws:iam::{who.account_id}:root", *("*" * everybody)}
    return bool(names & set(wanted))


def excess(world: World, reader: Reader) -> Iterator[tuple[Cause, Request]]:
    """What the mends of a refusal let in, for one reader, and is neither meant nor said."""
    for cause in policy_causes(world.explained(), reader):
        mend = cause.as_json()["mend"]
        after = mended(world, mend)
        if after is None or after.request != world.request:
            continue
        is_named = any(names(one) for one in world.explained().statements if one.ref.kind == "identity")
        if mend["how"] == "ask" and is_named:
            continue  # it tells nothing of the conditions (I9): the owner reads the statement that is under them
        side = "identity" if after.identity != world.identity else "iam"
        scope = Scope(world, mend, side)
        yield from ((cause, one) for one in newly_allowed(world, after) if not scope.holds(one))


def readers(world: World) -> tuple[Reader, ...]:
    if world.request.requester.account_id == OWNER:
        return (Reader.OPERATOR,)
    return (Reader.OWNER, Reader.OPERATOR, Reader.SENDER)


def told(world: World, found: Sequence[tuple[Cause, Request]]) -> str:
    cause, other = found[0]
    differs = {key: value for key, value in other.context.items() if world.request.context.get(key) != value}
    return "\n".join(
        (
            cause.line(),
            f"lets in {other.requester.arn} {other.action} {other.resource} {differs}",
            f"asked {world.request.requester.arn} {world.request.action} {world.request.context}",
            *world.identity.values(),
            *map(str, world.iam.items()),
        )
    )


# As they were reported.

BOTH = {"AWS": [SENDER, PARTNER]}
SEND = ["ses:SendEmail", "ses:SendRawEmail"]


def lends(*conditions: Condition, **changed: Any) -> dict[str, Any]:
    whole = {"Effect": "Allow", "Principal": BOTH, "Action": SEND, "Resource": ARN} | changed
    return with_conditions(whole, *conditions)


def may(*conditions: Condition, **changed: Any) -> dict[str, Any]:
    return with_conditions({"Effect": "Allow", "Action": SEND, "Resource": "*"} | changed, *conditions)


def denies(*conditions: Condition, **changed: Any) -> dict[str, Any]:
    return may(*conditions, **{"Effect": "Deny", "Action": "ses:*"} | changed)


EVERYBODY = {"Principal": "*", "Resource": ARN}
RAW = asked(ANN, "ses:SendRawEmail", ARN)
SENT = asked(ANN, "ses:SendEmail", ARN)
FROM_ROOT = asked(root(SENDER), "ses:SendEmail", ARN)
ELSEWHERE = asked(ANN, "ses:SendEmail", ARN, **{"aws:SecureTransport": "false"})
JOBS_ONLY = ("StringEquals", "ses:FromAddress", JOBS)
TLS = ("Bool", "aws:SecureTransport", "true")
OFFICE = ("IpAddress", "aws:SourceIp", "10.0.0.0/8")

REPORTED: dict[str, tuple[Request, dict[str, str], dict[str, str], str]] = {
    "one address for two delegates": (FROM_ROOT, {"p": text(lends(JOBS_ONLY))}, {}, "put a policy on"),
    "one action for two delegates": (
        RAW,
        {"p": text(lends(OFFICE, Action="ses:SendEmail"))},
        {"own": text(ALL)},
        '"IpAddress":{"aws:SourceIp":"127.0.0.1/32"}',
    ),
    "a network for two delegates": (FROM_ROOT, {"p": text(lends(OFFICE))}, {}, "put a policy on"),
    "a date for two delegates": (
        FROM_ROOT,
        {"p": text(lends(("DateLessThan", "aws:CurrentTime", "2026-01-01T00:00:00Z")))},
        {},
        f"that holds for `{PARTNER}` too",
    ),
    "a tag of each user's": (
        SENT,
        {"p": text(lends(("StringEquals", "ses:FromAddress", "${aws:PrincipalTag/alias}@shop.test")))},
        {"own": text(ALL)},
        f'"Principal":{{"AWS":"{ANN.arn}"}}',
    ),
    "a group's Allow": (SENT, {"p": text(lends())}, {GROUP: text(may(JOBS_ONLY))}, f"give `{ANN.arn}`"),
    "a managed Allow": (SENT, {"p": text(lends())}, {MANAGED: text(may(JOBS_ONLY))}, f"give `{ANN.arn}`"),
    "a group's Deny": (
        SENT,
        {"p": text(lends())},
        {GROUP: text(may(), denies(("StringNotLike", "ses:FromAddress", "jobs@*")))},
        f"one to exempt `{ANN.arn}`",
    ),
    "copies, which IAM refuses with one Sid": (
        SENT,
        {"p": text(lends())},
        {GROUP: text(may(), denies(("StringNotLike", "ses:FromAddress", "jobs@*")))},
        "two copies of itself (each with a Sid of its own, or none), one to add",
    ),
    "a list for everybody": (
        FROM_ROOT,
        {"p": text(lends(), denies(("StringNotEquals", "ses:FromAddress", [JOBS]), **EVERYBODY))},
        {},
        f"one to add `{NEWS}`",
    ),
    "recipients denied": (
        FROM_ROOT,
        {
            "p": text(
                lends(), denies(("ForAnyValue:StringLike", "ses:Recipients", "*@rival.test"), **EVERYBODY)
            )
        },
        {},
        "leave",
    ),
    "a pattern of one's own": (
        SENT,
        {"p": text(lends())},
        {"own": text(may(), denies(("StringLike", "ses:FromAddress", "n*@shop.test")))},
        f"exempt `{NEWS}` by StringNotEquals on ses:FromAddress",
    ),
    "a list of one's own": (
        SENT,
        {"p": text(lends())},
        {"own": text(may(), denies(("StringEquals", "ses:FromAddress", [NEWS, CEO])))},
        f"take `{NEWS}` out of its StringEquals",
    ),
    "a list of the owner's": (
        FROM_ROOT,
        {"p": text(lends(), denies(("StringEquals", "ses:FromAddress", [NEWS, CEO]), **EVERYBODY))},
        {},
        f"one to take `{NEWS}` out",
    ),
    "an action under a condition": (
        RAW,
        {"p": text(lends())},
        {"own": text(may(("StringEquals", "ses:FromAddress", [NEWS]), Action="ses:SendEmail"))},
        f'"Condition":{{"StringEquals":{{"ses:FromAddress":["{NEWS}"]}}}}',
    ),
    "TLS and a network": (
        ELSEWHERE,
        {"p": text(lends(TLS, OFFICE, Principal={"AWS": SENDER}))},
        {"own": text(ALL)},
        "add `127.0.0.1/32` to IpAddress aws:SourceIp",
    ),
    "the tag of an identity": (
        SENT,
        {"p": text(lends())},
        {"own": text(may(("StringEquals", "aws:ResourceTag/env", "prod")))},
        f'"Resource":"{ARN}"',
    ),
}


@pytest.mark.parametrize(("request_", "identity", "iam", "told"), REPORTED.values(), ids=REPORTED)
def test_what_was_reported_lets_in_nobody_else(
    request_: Request, identity: dict[str, str], iam: dict[str, str], told: str
) -> None:
    world = World(request=request_, identity=identity, iam=iam)
    assert world.outcome() is not Outcome.ALLOW
    said = []
    for reader in readers(world):
        said += [cause.line() for cause in policy_causes(world.explained(), reader)]
        assert not list(excess(world, reader))
    assert any(told in line for line in said), said


def test_a_copy_of_a_statement_has_a_sid_of_its_own() -> None:
    deny = denies(("StringLike", "ses:FromAddress", "n*@shop.test"), **EVERYBODY, Sid="Names")
    world = World(request=FROM_ROOT, identity={"p": text(lends(), deny, lends(Sid="Names2"))})
    [cause] = policy_causes(world.explained(), Reader.OWNER)
    after = mended(world, cause.as_json()["mend"])
    assert after is not None and after.outcome() is Outcome.ALLOW
    sids = [one.get("Sid") for one in json.loads(after.identity["p"])["Statement"]]
    assert sids == [None, "Names", "Names3", "Names2"]


def test_a_variable_that_is_the_senders_is_said_to_be_one() -> None:
    world = World(
        request=SENT,
        identity={
            "p": text(lends(("StringEquals", "ses:FromAddress", "${aws:PrincipalTag/alias}@shop.test")))
        },
        iam={"own": text(ALL)},
    )
    [cause] = policy_causes(world.explained(), Reader.OWNER)
    assert "`${aws:PrincipalTag/alias}` is a variable" in cause.text and "info" not in cause.line()
    assert "another value of the tag `alias`" in cause.mend.text


@pytest.mark.parametrize("seed", range(16))
def test_a_mend_lets_in_what_was_refused_or_says_whom_else(seed: int) -> None:
    random = Random(seed)
    for _ in range(16):
        world = drawn(random)
        if world.outcome() is Outcome.ALLOW:
            continue
        for reader in readers(world):
            found = list(excess(world, reader))
            assert not found, f"{reader} {told(world, found)}"


@pytest.mark.parametrize("seed", range(16))
def test_the_mends_done_let_the_message_through(seed: int) -> None:
    random = Random(1_000 + seed)
    for _ in range(16):
        world = drawn(random)
        for _ in range(6):
            if world.outcome() is Outcome.ALLOW:
                break
            causes = policy_causes(world.explained(), Reader.OPERATOR)
            after = next((one for cause in causes if (one := mended(world, cause.as_json()["mend"]))), None)
            if after is None:
                break  # a session to begin, a tag to give: no change of these documents
            assert after != world, causes[0].line()
            world = after
        else:
            pytest.fail(
                f"{[one.line() for one in policy_causes(world.explained(), Reader.OPERATOR)]} {world}"
            )
