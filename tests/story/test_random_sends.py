"""Random sends by every door, each answered as the oracle says (I3).

Three accounts have overlapping identities, verified and pending, the same names among them; their policies are
drawn anew all the time. The addresses of one message often rest on one ARN while more specific identities of
the same owner say otherwise, which is where a decision by identity and one by address part.
SESAME_RANDOM_SENDS says how many sends, SESAME_RANDOM_SEED which.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sesame.app.foundation import Services
from tests.support.callers import make_caller, open_federated
from tests.support.documents import document
from tests.support.doors import DOORS, TEMPLATE, Door, Draft
from tests.support.oracle import Caller, Grant, Identity, Oracle, Send, Statement, render
from tests.support.process import REGION, Account, SesameProcess, running
from tests.support.signed_client import SignedClient
from tests.support.ways import Clients, clients_of

SENDS = int(os.environ.get("SESAME_RANDOM_SENDS", "1000"))
SEED = os.environ.get("SESAME_RANDOM_SEED", "1")
SENDS_A_ROUND = 50
STRANGER = "999999999999"
KINDS: Mapping[str, tuple[Grant, ...] | None] = {
    "root": None,
    "allowed": (Grant(effect="Allow"),),
    "nothing": (),
    "denied": (Grant(effect="Allow"), Grant(effect="Deny")),
    "own-only": (Grant(effect="Allow", accounts=("own",)),),
    "not-own": (Grant(effect="Allow"), Grant(effect="Deny", accounts=("own",))),
}
BOUNDARIES: Mapping[str, tuple[tuple[Grant, ...], tuple[Grant, ...]]] = {
    "within": ((Grant(effect="Allow"),), (Grant(effect="Allow"),)),
    "bounded": ((Grant(effect="Allow"),), (Grant(effect="Allow", accounts=("own",)),)),
    "bounded-nothing": ((), (Grant(effect="Allow", accounts=("own",)),)),
    "cut-off": (
        (Grant(effect="Allow"),),
        (Grant(effect="Allow"), Grant(effect="Deny", accounts=("own",))),
    ),
}
"""Users with a permissions boundary: their grants, and those of the boundary."""
FEDERATED: Mapping[str, tuple[str, tuple[Grant, ...] | None]] = {
    "guest": ("allowed", (Grant(effect="Allow"),)),
    "guest-own-only": ("allowed", (Grant(effect="Allow", accounts=("own",)),)),
    "guest-unlimited": ("bounded", (Grant(effect="Allow"),)),
    "guest-denied": ("root", (Grant(effect="Allow"), Grant(effect="Deny", accounts=("own",)))),
    "guest-of-root": ("root", (Grant(effect="Allow"),)),
    "guest-without": ("allowed", None),
}
"""Federated users: who opens them, and under what; they come in by all doors but SMTP."""
CALLER_WEIGHTS = (8, 9, 2, 1, 2, 2, 1, 3, 2, 2, 3, 2, 3, 1, 2, 6)
SIDES = ("owner", "delegate", "sandboxed")
OWNED = {
    "owner": {
        "lend.test": True, "deep.lend.test": True, "cold.lend.test": False, "ceo@lend.test": True,
        "ceo+x@lend.test": True, "old@lend.test": False, "news@deep.lend.test": True, "solo@box.test": True,
        "late@box.test": False,
    },
    "delegate": {
        "lend.test": True, "ceo@lend.test": False, "me.test": True, "cold.me.test": False,
        "boss@me.test": True, "out@me.test": False, "reader.test": True,
    },
    "sandboxed": {
        "lend.test": True, "ceo@lend.test": False, "me.test": True, "cold.me.test": False,
        "boss@me.test": True, "out@me.test": False, "reader.test": True,
    },
}  # fmt: skip
"""Each account's identities, and whether they are verified."""
LENT = (
    "robot@lend.test", "ceo@lend.test", "ceo+x@lend.test", "ceo+y@lend.test", "old@lend.test",
    "news@deep.lend.test", "x@deep.lend.test", "x@cold.lend.test",
)  # fmt: skip
ELSEWHERE = (
    "solo@box.test", "solo+a@box.test", "late@box.test", "me@me.test", "boss@me.test", "out@me.test",
    "a@cold.me.test",
)  # fmt: skip
RECIPIENTS = ("a@reader.test", "robot@lend.test", "ceo@lend.test", "out@me.test", "a@elsewhere.test")
PUPIL = "pupil@pupils.test"
VERDICTS = {
    "": "allowed",
    "AccessDenied": "denied",
    "MessageRejected": "unverified",
    "InvalidParameterValue": "invalid",
}
ACTIONS = (
    ("ses:Send*",),
    ("ses:Send*",),
    ("ses:Send*",),
    ("ses:SendEmail", "ses:SendRawEmail"),
    ("ses:SendRawEmail",),
    ("ses:SendTemplatedEmail", "ses:SendBulkTemplatedEmail", "ses:SendBulkEmail"),
)


@dataclass(slots=True)
class World:
    """The accounts with their callers, and the policies of the moment."""

    sesame: SesameProcess
    accounts: dict[str, Account]
    keys: dict[str, Account]
    callers: dict[str, Caller]
    statements: dict[tuple[str, str], tuple[Statement, ...]]
    custom: dict[str, tuple[str, ...]]
    """The From addresses of each side's templates of verification mail, in the order of their names."""

    def oracle(self) -> Oracle:
        """It, under the policies of the moment."""
        identities = [
            Identity(
                account=self.accounts[side].account_id,
                name=name,
                statements=self.statements.get((side, name), ()),
                verified=verified,
            )
            for side, owned in OWNED.items()
            for name, verified in owned.items()
        ]
        sandboxed = frozenset({self.accounts["sandboxed"].account_id})
        return Oracle(REGION, identities, sandboxed=sandboxed)

    def arn(self, account_id: str, name: str, region: str = REGION) -> str:
        """The ARN of an identity, as Sesame writes it."""
        return f"arn:aws:ses:{region}:{account_id}:identity/{name}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data: Path = tmp_path_factory.mktemp("random") / "data"
    environ = {
        "SESAME_DELIVERY__ENABLED": "false",
        "SESAME_DNS__AUTO_PUBLISH": "false",
        "SESAME_SUBMISSION__IDLE_S": "600",
        "SESAME_ACCOUNTS__REFUSAL_STEP_S": "0",
    }
    with running(data, **environ) as sesame:
        yield make_world(sesame)


def make_world(sesame: SesameProcess) -> World:
    accounts = {side: sesame.create_account(production=side != "sandboxed", name=side) for side in SIDES}
    for account in accounts.values():
        lift_limits(sesame, account)
    keys, callers, custom = {}, {}, {}
    for side, account in accounts.items():
        for kind, grants in KINDS.items():
            keys[f"{side} {kind}"], callers[f"{side} {kind}"] = make_caller(sesame, account, kind, grants)
        for kind, (grants, boundary) in BOUNDARIES.items():
            made = make_caller(sesame, account, kind, grants, boundary)
            keys[f"{side} {kind}"], callers[f"{side} {kind}"] = made
        for kind, (by, session) in FEDERATED.items():
            opener = keys[f"{side} {by}"], callers[f"{side} {by}"]
            if not opener[1].is_root:
                let_federate(sesame, account, by)
            made = open_federated(sesame, opener, kind, session)
            keys[f"{side} {kind}"], callers[f"{side} {kind}"] = made
        with SignedClient(sesame.api, account) as ses:
            for name, verified in OWNED[side].items():
                if verified:
                    sesame.vouch(account, name)
                elif "@" in name:
                    assert ses.call("VerifyEmailIdentity", {"EmailAddress": name}).status == 200
                else:
                    assert ses.call("VerifyDomainIdentity", {"Domain": name}).status == 200
            parts = {"TemplateName": TEMPLATE, "SubjectPart": "Hello", "TextPart": "Hello."}
            template = {f"Template.{name}": value for name, value in parts.items()}
            assert ses.call("CreateTemplate", template).status == 200
            custom[side] = make_custom(ses, side)
    return World(
        sesame=sesame, accounts=accounts, keys=keys, callers=callers, statements={}, custom=custom
    )  # fmt: skip


def let_federate(sesame: SesameProcess, account: Account, user: str) -> None:
    """Let a user open federated users, within its boundary too; its sends are as before."""
    iam = sesame.client("iam", account)
    statement = {"Effect": "Allow", "Action": "sts:GetFederationToken", "Resource": "*"}
    iam.put_user_policy(UserName=user, PolicyName="federate", PolicyDocument=document(statement))
    boundary = iam.get_user(UserName=user)["User"].get("PermissionsBoundary")
    if boundary is not None:
        arn = boundary["PermissionsBoundaryArn"]
        held = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]["Statement"]
        text = document(*(held if isinstance(held, list) else [held]), statement)
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)


def lift_limits(sesame: SesameProcess, account: Account) -> None:
    """Let the account send as often as it likes, to whom it may."""

    async def lift(services: Services) -> None:
        await services.operator.set_quota(
            account.account_id, None, max_24_hour_send=-1, max_send_rate=1_000_000
        )

    sesame.operate(lift)


def make_custom(ses: SignedClient, side: str) -> tuple[str, ...]:
    """A template of verification mail for every address that the account may send as."""
    made: list[str] = []
    for address in (*LENT, *ELSEWHERE):
        parameters = {
            "TemplateName": f"c{len(made)}", "FromEmailAddress": address, "TemplateSubject": "s",
            "TemplateContent": "<p>c</p>", "SuccessRedirectionURL": "https://example.com/yes",
            "FailureRedirectionURL": "https://example.com/no",
        }  # fmt: skip
        reply = ses.call("CreateCustomVerificationEmailTemplate", parameters)
        if reply.status == 200:
            made.append(address)
        else:
            assert reply.code == "FromEmailAddressNotVerified", (side, address, reply)
    assert len(made) >= 5
    return tuple(made)


def change_policies(world: World, draw: random.Random, owners: Mapping[str, SignedClient]) -> None:
    """New policies for some of the identities; one statement each, their union decides."""
    places = [(side, name) for side, owned in OWNED.items() for name in owned]
    for side, name in draw.sample(places, k=8 if world.statements else len(places)):
        account = world.accounts[side].account_id
        before = world.statements.get((side, name), ())
        statements = tuple(draw_statement(world, draw) for _ in range(draw.choice((0, 1, 1, 2, 2, 3))))
        for number in range(len(statements), len(before)):
            given = {"Identity": name, "PolicyName": f"p{number}"}
            assert owners[side].call("DeleteIdentityPolicy", given).status == 200
        for number, statement in enumerate(statements):
            document = render([statement], world.arn(account, name))
            given = {"Identity": name, "PolicyName": f"p{number}", "Policy": document}
            reply = owners[side].call("PutIdentityPolicy", given)
            assert reply.status == 200, reply
        world.statements[side, name] = statements


def draw_statement(world: World, draw: random.Random) -> Statement:
    ids = {side: account.account_id for side, account in world.accounts.items()}
    users = tuple(
        world.callers[f"{side} {kind}"].arn
        for side in SIDES
        for kind in ("allowed", "nothing", "bounded", "bounded-nothing")
    )
    guests = tuple(world.callers[f"{side} {kind}"].arn for side in SIDES for kind in FEDERATED)
    effect = draw.choices(("Allow", "Deny"), weights=(7, 3))[0]
    everybody, them = ("*",), (ids["delegate"], ids["sandboxed"])
    choices = [
        everybody,
        everybody,
        them,
        them,
        (ids["delegate"],),
        (ids["owner"],),
        users,
        users[:3],
        guests,
        (*users, *guests),
        (STRANGER,),
    ]
    return Statement(
        effect=effect,
        principals=draw.choice(choices),
        actions=draw.choice(ACTIONS),
        from_address=draw.choice((None, None, None, None, draw.choice(LENT))),
        recipients_at=draw.choice((None, None, None, None, "reader.test")),
    )


def draw_draft(world: World, draw: random.Random, door: Door, side: str) -> tuple[Draft, dict[str, str]]:
    """A message, and its ARNs in normal form; what the door cannot carry is left out."""
    if door.is_custom:
        number = draw.randrange(len(world.custom[side]))
        address = world.custom[side][number]
        draft = Draft(
            from_=address, source=address, sender=None, return_path=None, arns={}, to=PUPIL, custom=f"c{number}"
        )  # fmt: skip
        return draft, {}
    pool = LENT if draw.random() < 0.8 else (*LENT, *ELSEWHERE)
    from_ = draw.choice(pool)
    draft = Draft(
        from_=from_,
        source=from_ if draw.random() < 0.4 else draw.choice(pool),
        sender=draw.choice(pool) if draw.random() < 0.4 else None,
        return_path=draw.choice(pool) if draw.random() < 0.6 else None,
        arns={use: "named" for use in ("Source", "From", "Return-Path") if draw.random() < 0.6},
        to=draw.choice(RECIPIENTS),
    )
    draft = door.carried(draft)
    addresses = door.send_of(draft, {}, ()).addresses
    normal = {use: draw_arn(world, draw, addresses[use], side) for use in draft.arns}
    if door.is_v2 and "Source" in normal:
        normal["From"] = normal["Source"]
    elif draw.random() < 0.5:  # one for all that it covers, as delegates write it
        normal = dict.fromkeys(normal, next(iter(normal.values()), ""))
    written = {use: otherwise(draw, arn) for use, arn in normal.items()}
    if door.is_v2 and "Source" in written:
        written["From"] = written["Source"]
    return replace(draft, arns=written), normal


def draw_arn(world: World, draw: random.Random, address: str, side: str) -> str:
    owner, domain = world.accounts["owner"].account_id, address.rpartition("@")[2]
    covering = [name for name in OWNED["owner"] if name in (address, domain) or domain.endswith(f".{name}")]
    name = draw.choice([*covering, domain]) if draw.random() < 0.9 else draw.choice(list(OWNED["owner"]))
    match draw.choices(("owner", "own", "stranger", "region"), weights=(20, 2, 1, 1))[0]:
        case "own":
            return world.arn(world.accounts[side].account_id, name)
        case "stranger":
            return world.arn(STRANGER, name)
        case "region":
            return world.arn(owner, name, "eu-west-1")
        case _:
            return world.arn(owner, name)


def otherwise(draw: random.Random, arn: str) -> str:
    """The same identity, perhaps by other letters."""
    start, _, name = arn.rpartition("/")
    local_part, at, domain = name.rpartition("@")
    match draw.choices(("as it is", "capitals", "partition"), weights=(8, 1, 1))[0]:
        case "capitals":
            return f"{start}/{local_part}{at}{domain.upper()}"
        case "partition":
            return arn.replace("arn:aws:", "arn:aws-cn:", 1)
        case _:
            return arn


def test_random_sends_are_answered_as_the_oracle_says_by_every_door(world: World) -> None:
    draw = random.Random(SEED)
    wrong: list[str] = []
    answers: Counter[tuple[str, str]] = Counter()
    found: Counter[str] = Counter()
    names, weights = [*KINDS, *BOUNDARIES, *FEDERATED], CALLER_WEIGHTS
    owners = {side: SignedClient(world.sesame.api, account) for side, account in world.accounts.items()}
    with clients_of(world.sesame, world.keys) as clients:
        for number in range(SENDS):
            if number % SENDS_A_ROUND == 0:
                change_policies(world, draw, owners)
                oracle = world.oracle()
            door = DOORS[number % len(DOORS)]
            side = draw.choices(SIDES, weights=(2, 4, 2))[0]
            if door.is_custom and side == "sandboxed":
                side = "delegate"
            kinds = len(weights) if door.takes_sessions else len(weights) - len(FEDERATED)
            name = f"{side} {draw.choices(names[:kinds], weights=weights[:kinds])[0]}"
            answers[door.name, try_send(world, oracle, draw, door, name, clients[name], found, wrong)] += 1
    for client in owners.values():
        client.close()
    assert not wrong, "\n".join([f"{len(wrong)} of {SENDS} wrong:", *wrong[:10]])
    if SENDS >= 1000:
        for door in DOORS:
            least = min(answers[door.name, "allowed"], answers[door.name, "denied"])
            assert least >= SENDS // 200, (door.name, answers)
        assert found["several addresses on one ARN"] >= SENDS // 5, found
        assert found["refused for a more specific identity alone"] >= SENDS // 100, found
        assert found["refused for one that is not the first address's"] >= SENDS // 500, found


def try_send(
    world: World,
    oracle: Oracle,
    draw: random.Random,
    door: Door,
    name: str,
    clients: Clients,
    found: Counter[str],
    wrong: list[str],
) -> str:
    """Send one message; the decision. What is not as expected is noted in `wrong`."""
    caller, side = world.callers[name], name.partition(" ")[0]
    draft, normal = draw_draft(world, draw, door, side)
    resources: tuple[str, ...] = ()
    if door.template is not None:
        template = f"arn:aws:ses:{REGION}:{caller.account}:{door.template}/{draft.custom or TEMPLATE}"
        resources = (template,)
    send = door.send_of(draft, normal, resources)
    expected = oracle.verdict(caller, send)
    answer = door.send(clients, draft)
    told = f"{door.name}: {answer.decision} ({answer.code} {answer.words}), not {expected}; {name}, {draft}"
    named = any(one in answer.words for one in expected.subjects)
    if answer.decision != VERDICTS[expected.code] or (
        expected.code and not named and answer.decision != "invalid"
    ):
        wrong.append(told)
    note(oracle, caller, send, expected.subjects if expected.code == "AccessDenied" else None, found)
    return answer.decision


def note(
    oracle: Oracle, caller: Caller, send: Send, denied: frozenset[str] | None, found: Counter[str]
) -> None:
    """Count the kinds of sends that the world must bring forth."""
    first = dict.fromkeys(send.addresses, send.addresses["From"])
    rests = Counter(send.arns.values())
    if max(rests.values(), default=0) > 1 and len(set(send.addresses.values())) > 1:
        found["several addresses on one ARN"] += 1
    if denied and not denied & {*rests, *send.resources}:
        found["refused for a more specific identity alone"] += 1
        if oracle.verdict(caller, replace(send, addresses=first)).code == "":
            found["refused for one that is not the first address's"] += 1
