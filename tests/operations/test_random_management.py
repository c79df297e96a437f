"""Random management calls by users, roles and sessions, under conditions on every key, against an oracle.

Runs the operations themselves, without sockets. `SESAME_RANDOM_CALLS` sets how many (1,200 by default) and
`SESAME_RANDOM_SEED` from where; a failure names both.
"""

import asyncio
import io
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from sesame.app.api import Doors
from sesame.app.foundation import Services
from sesame.aws.model import ServiceModel
from sesame.config import load
from sesame.db import account_scope
from sesame.errors import ServiceError
from sesame.model import Caller, Session
from sesame.observe import Log
from sesame.policy.language.action_keys import ABSENT, ACTIONS
from tests.support.audit_log import rows_of, told_since
from tests.support.authenticated import caller_by
from tests.support.clock import FakeClock
from tests.support.management_oracle import UNKNOWN, allowed, kind_of, tag_context

REGION = "us-east-1"
CALLS = int(os.environ.get("SESAME_RANDOM_CALLS", "1200"))
SEED = int(os.environ.get("SESAME_RANDOM_SEED", "1"))
KEYS = ("team", "Team", "env")
VALUES = ("red", "blue", "Red")
MODELS = {name: ServiceModel.load(name) for name in ("iam", "sesv2", "sns", "sts")}
REFUSED = ("AccessDenied", "AuthorizationError")
BOUNDARY = "iam:permissionsboundary"
READER = "arn:aws:iam::aws:policy/AmazonSESReadOnlyAccess"
DOCUMENT = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ses:Get*", "Resource": "*"}]}
)
Values = dict[str, tuple[str, ...]]


@dataclass
class Call:
    """One call: what to run, and of which actions on which resources policy is asked, with what keys."""

    service: str
    operation: str
    request: dict[str, Any]
    asked: list[tuple[str, str, Values]]
    done: Callable[[], None] = lambda: None


@dataclass
class World:
    """An account with a user and a role that call, and things with tags that they call about."""

    doors: Doors
    draw: Random
    account: str
    root: Caller
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    boundaries: dict[str, str] = field(default_factory=dict)
    """The permissions boundaries of users and roles, by ARN."""
    made: int = 0

    def arn(self, kind: str, name: str = "t") -> str:
        if kind == "topic":
            return f"arn:aws:sns:{REGION}:{self.account}:{name}"
        if kind in ("user", "role", "policy", "group"):
            return f"arn:aws:iam::{self.account}:{kind}/{name}"
        return f"arn:aws:ses:{REGION}:{self.account}:{kind}/{name}"

    @property
    def trust(self) -> str:
        """Trusts the account, and so leaves to IAM's policies who in it may."""
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": self.account},
            "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        }
        return document([statement])

    def some_tags(self, *, folded: bool) -> dict[str, str]:
        """Tags; IAM's keys ignore case, so `folded` ones differ in more."""
        keys = [key for key in KEYS if not folded or key != "Team"]
        return {key: self.draw.choice(VALUES) for key in self.draw.sample(keys, self.draw.randint(0, 2))}

    async def run(self, caller: Caller, call: Call) -> str:
        """The code of the answer, "ok" for a success."""
        try:
            await self.doors.handlers[call.service][call.operation](caller, call.request)
        except ServiceError as error:
            return error.code
        return "ok"

    async def as_root(self, service: str, operation: str, **request: Any) -> Mapping[str, Any]:
        return await self.doors.handlers[service][operation](self.root, request)

    async def furnish(self) -> None:
        """Make the callers and one thing of each kind."""
        for name in ("caller", "t"):
            tags = self.some_tags(folded=True)
            await self.as_root("iam", "CreateUser", UserName=name, Tags=listed(tags))
            self.tags[self.arn("user", name)] = tags
            tags = self.some_tags(folded=True)
            await self.as_root(
                "iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=self.trust, Tags=listed(tags)
            )
            self.tags[self.arn("role", name)] = tags
        await self.as_root("iam", "CreateGroup", GroupName="t")
        for kind, service, operation, name, more in (
            ("policy", "iam", "CreatePolicy", "PolicyName", {"PolicyDocument": DOCUMENT}),
            ("configuration-set", "sesv2", "CreateConfigurationSet", "ConfigurationSetName", {}),
            (
                "template",
                "sesv2",
                "CreateEmailTemplate",
                "TemplateName",
                {"TemplateContent": {"Subject": "s"}},
            ),
            ("topic", "sns", "CreateTopic", "Name", {}),
            ("identity", "sesv2", "CreateEmailIdentity", "EmailIdentity", {}),
        ):
            tags = self.some_tags(folded=kind == "policy")
            given = {name: "t.test" if kind == "identity" else "t", **more, "Tags": listed(tags)}
            await self.as_root(service, operation, **given)
            self.tags[self.arn(kind, str(given[name]))] = tags

    def call(self) -> Call:
        """Any call that changes nothing that the callers are."""
        return self.draw.choice(
            [
                self._iam_read,
                self._attach,
                self._bound,
                self._tag,
                self._untag,
                self._create,
                self._ses,
                self._sns,
                self._assume,
            ]
        )()

    def _iam_read(self) -> Call:
        kind, operation = self.draw.choice(
            [
                ("user", "GetUser"),
                ("user", "ListAccessKeys"),
                ("user", "ListMFADevices"),
                ("role", "GetRole"),
                ("role", "ListRoleTags"),
                ("policy", "GetPolicy"),
                ("policy", "ListPolicyVersions"),
                ("group", "GetGroup"),
            ]
        )
        arn = self.arn(kind)
        request = {"PolicyArn": arn} if kind == "policy" else {f"{kind.title()}Name": "t"}
        keys = self.boundary(arn) if operation == "GetRole" else {}
        return Call("iam", operation, request, [(f"iam:{operation}", arn, keys)])

    def _attach(self) -> Call:
        kind, verb = self.draw.choice(["User", "Role", "Group"]), self.draw.choice(["Attach", "Detach"])
        policy = self.draw.choice([READER, self.arn("policy")])
        action = f"{verb}{kind}Policy"
        request = {f"{kind}Name": "t", "PolicyArn": policy}
        arn = self.arn(kind.lower())
        keys: Values = {"iam:policyarn": (policy,), **self.boundary(arn)}
        return Call("iam", action, request, [(f"iam:{action}", arn, keys)])

    def _bound(self) -> Call:
        """Of a boundary that is set the request says it, of one that is taken away the user or role has it."""
        kind, verb = self.draw.choice(["User", "Role"]), self.draw.choice(["Put", "Put", "Delete"])
        arn, policy = self.arn(kind.lower()), self.draw.choice([READER, self.arn("policy")])
        action, request = f"{verb}{kind}PermissionsBoundary", {f"{kind}Name": "t"}

        def done() -> None:
            self.boundaries.pop(arn, None)
            if verb == "Put":
                self.boundaries[arn] = policy

        if verb == "Put":
            request["PermissionsBoundary"] = policy
            return Call("iam", action, request, [(f"iam:{action}", arn, {BOUNDARY: (policy,)})], done)
        return Call("iam", action, request, [(f"iam:{action}", arn, self.boundary(arn))], done)

    def boundary(self, arn: str) -> Values:
        """The key of the boundary that a user or role has."""
        return {BOUNDARY: (self.boundaries[arn],)} if arn in self.boundaries else {}

    def _taggable(self) -> tuple[str, str, str, str, dict[str, Any], bool]:
        """ARN, service, verbs and the parameters that name it; whether its keys ignore case."""
        kind = self.draw.choice(["user", "role", "policy", "configuration-set", "template", "topic"])
        arn = self.arn(kind)
        if kind in ("user", "role", "policy"):
            name = {"PolicyArn": arn} if kind == "policy" else {f"{kind.title()}Name": "t"}
            return arn, "iam", f"Tag{kind.title()}", f"Untag{kind.title()}", name, True
        service = "sns" if kind == "topic" else "sesv2"
        return arn, service, "TagResource", "UntagResource", {"ResourceArn": arn}, False

    def _tag(self) -> Call:
        arn, service, operation, _, name, folded = self._taggable()
        tags = self.some_tags(folded=folded) or {"env": "red"}
        keys = tag_context("aws:RequestTag", tags) | {"aws:tagkeys": tuple(tags)}

        def done() -> None:
            held = self.tags[arn]
            for key in [key for key in held if folded and key.lower() in {k.lower() for k in tags}]:
                del held[key]
            held.update(tags)

        action = f"{_prefix(service)}:{operation}"
        return Call(service, operation, {**name, "Tags": listed(tags)}, [(action, arn, keys)], done)

    def _untag(self) -> Call:
        arn, service, _, operation, name, folded = self._taggable()
        gone = self.draw.sample(KEYS, self.draw.randint(1, 2))

        def done() -> None:
            for key in list(self.tags[arn]):
                if key in gone or (folded and key.lower() in {k.lower() for k in gone}):
                    del self.tags[arn][key]

        action = f"{_prefix(service)}:{operation}"
        keys: Values = {"aws:tagkeys": tuple(gone)}
        return Call(service, operation, {**name, "TagKeys": gone}, [(action, arn, keys)], done)

    def _create(self) -> Call:
        kind, service, operation, name, more, tagging = self.draw.choice(
            [
                ("user", "iam", "CreateUser", "UserName", {}, "iam:TagUser"),
                (
                    "role",
                    "iam",
                    "CreateRole",
                    "RoleName",
                    {"AssumeRolePolicyDocument": self.trust},
                    "iam:TagRole",
                ),
                (
                    "policy",
                    "iam",
                    "CreatePolicy",
                    "PolicyName",
                    {"PolicyDocument": DOCUMENT},
                    "iam:TagPolicy",
                ),
                (
                    "configuration-set",
                    "sesv2",
                    "CreateConfigurationSet",
                    "ConfigurationSetName",
                    {},
                    "ses:TagResource",
                ),
                ("topic", "sns", "CreateTopic", "Name", {}, "sns:TagResource"),
            ]
        )
        self.made += 1
        tags = self.some_tags(folded=service == "iam")
        arn = self.arn(kind, f"new{self.made}")
        keys = tag_context("aws:RequestTag", tags) | ({"aws:tagkeys": tuple(tags)} if tags else {})
        bound: Values = {}
        if kind in ("user", "role") and self.draw.random() < 0.5:
            bound = {BOUNDARY: (self.draw.choice([READER, self.arn("policy")]),)}
            more = {**more, "PermissionsBoundary": bound[BOUNDARY][0]}
        asked = [(f"{_prefix(service)}:{operation}", arn, {**keys, **bound})]
        if tags:
            asked.append((tagging, arn, keys))
        request = {name: f"new{self.made}", **more, **({"Tags": listed(tags)} if tags else {})}
        return Call(service, operation, request, asked)

    def _ses(self) -> Call:
        choices: list[tuple[str, dict[str, Any], str]] = [
            ("GetConfigurationSet", {"ConfigurationSetName": "t"}, self.arn("configuration-set")),
            ("GetEmailTemplate", {"TemplateName": "t"}, self.arn("template")),
            ("GetEmailIdentity", {"EmailIdentity": "t.test"}, self.arn("identity", "t.test")),
            ("GetAccount", {}, "*"),
            ("ListTagsForResource", {"ResourceArn": self.arn("template")}, self.arn("template")),
            (
                "PutConfigurationSetSendingOptions",
                {"ConfigurationSetName": "t", "SendingEnabled": True},
                self.arn("configuration-set"),
            ),
        ]
        operation, request, arn = self.draw.choice(choices)
        return Call("sesv2", operation, request, [(f"ses:{operation}", arn, {})])

    def _sns(self) -> Call:
        operation = self.draw.choice(["GetTopicAttributes", "ListTagsForResource"])
        name = "TopicArn" if operation.startswith("Get") else "ResourceArn"
        return Call(
            "sns", operation, {name: self.arn("topic")}, [(f"sns:{operation}", self.arn("topic"), {})]
        )

    def _assume(self) -> Call:
        tags = self.some_tags(folded=True)
        request: dict[str, Any] = {"RoleArn": self.arn("role"), "RoleSessionName": "session"}
        keys: Values = {"sts:rolesessionname": ("session",)}
        actions = ["sts:AssumeRole"]
        if self.draw.random() < 0.3:
            request["ExternalId"] = "external"
            keys["sts:externalid"] = ("external",)
        if tags:
            request["Tags"] = listed(tags)
            keys |= tag_context("aws:RequestTag", tags) | {"aws:tagkeys": tuple(tags)}
            actions.append("sts:TagSession")
        if self.draw.random() < 0.2:
            request["SourceIdentity"] = "somebody"
            keys["sts:sourceidentity"] = ("somebody",)
            actions.append("sts:SetSourceIdentity")
        return Call("sts", "AssumeRole", request, [(action, self.arn("role"), keys) for action in actions])

    def context(self, caller: Caller, resource: str, keys: Values, own_tags: Mapping[str, str]) -> Values:
        """Every key that the request carries."""
        kind, held = kind_of(resource), self.tags.get(resource, {})
        session = caller.session is not None
        found: Values = {
            "aws:username": ("caller",),
            "aws:principaltype": ("AssumedRole" if session else "User",),
            "aws:resourceaccount": (self.account,),
            "aws:requestedregion": (REGION,),
            **tag_context("aws:PrincipalTag", own_tags),
            **(tag_context("aws:ResourceTag", held) if kind != "group" else {}),
            **(tag_context("iam:ResourceTag", held) if kind in ("user", "role") else {}),
            **keys,
        }
        if session:
            del found["aws:username"]
        if caller.api_version is not None:
            found["ses:apiversion"] = (caller.api_version,)
        return found


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _prefix(service: str) -> str:
    return "ses" if service == "sesv2" else service


def key_pool() -> list[str]:
    """Every key of the table, with tags spelled out, global ones and some that nobody knows."""
    table = {key for action in ACTIONS.values() for key in action.keys}
    tagged = [key.replace("*", name) for key in table if key.endswith("/*") for name in ("team", "ENV")]
    plain = [key for key in table if not key.endswith("/*")]
    others = [
        "aws:PrincipalTag/team",
        "aws:username",
        "aws:PrincipalType",
        "aws:ResourceAccount",
        "sns:Protocol",
    ]
    return sorted([*tagged, *plain, *others, *UNKNOWN])


POOL = key_pool()
OPERATORS = (
    "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringLike", "StringNotLike",
    "StringEqualsIfExists", "StringNotEqualsIfExists", "ForAnyValue:StringEquals", "ForAllValues:StringEquals",
    "ForAllValues:StringNotEquals", "ForAnyValue:StringLike", "Null",
)  # fmt: skip


def wanted(draw: Random, key: str, world: World) -> list[str]:
    """Values that a request may well carry."""
    if key in ("iam:PolicyARN", "iam:PermissionsBoundary", "iam:RoleTemplateARN"):
        return [draw.choice([READER, world.arn("policy"), "arn:aws:iam::aws:policy/*"])]
    usual = {
        "aws:TagKeys": ["team", "Team", "env", "te*"],
        "ses:ApiVersion": ["1", "2"],
        "aws:ResourceAccount": [world.account, "123456789012"],
        "aws:username": ["caller", "c*"],
        "aws:PrincipalType": ["User", "AssumedRole"],
        "sts:ExternalId": ["external"],
        "sts:RoleSessionName": ["session", "other"],
        "sts:SourceIdentity": ["somebody"],
        "sts:TransitiveTagKeys": ["team"],
    }.get(key, [*VALUES, "r*"])
    return draw.sample(usual, draw.randint(1, min(2, len(usual))))


def statements(draw: Random, world: World) -> list[dict[str, Any]]:
    """A policy: mostly an Allow that is wide, then whatever comes."""
    found = []
    for number in range(draw.randint(1, 4)):
        wide = number == 0 and draw.random() < 0.7
        actions = ["*"] if wide else draw.sample(
            ["*", "iam:*", "ses:*", "SNS:*", "sts:*", "iam:Attach*", "iam:Tag*", "*:Tag*"[2:] or "*", "iam:Create*",
             "ses:Get*", "sns:Get*", "iam:?et*", "ses:TagResource", "sts:AssumeRole", "iam:TagUser"],
            draw.randint(1, 3),
        )  # fmt: skip
        actions = [action for action in actions if action == "*" or ":" in action] or ["*"]
        resources = (
            ["*"]
            if wide or draw.random() < 0.6
            else draw.sample([world.arn("user", "*"), world.arn("role", "t"), world.arn("topic", "*"),
                              world.arn("configuration-set"), f"arn:aws:iam::{world.account}:*"], 2)
        )  # fmt: skip
        statement: dict[str, Any] = {
            "Effect": "Allow" if wide or draw.random() < 0.5 else "Deny",
            "Action": actions,
            "Resource": resources,
        }
        if draw.random() < (0.3 if wide else 0.85):
            condition: dict[str, dict[str, list[str]]] = {}
            for _ in range(draw.randint(1, 2)):
                key, operator = draw.choice(POOL), draw.choice(OPERATORS)
                if draw.random() < 0.15:  # of some actions alone it is there, and not always
                    key = "iam:PermissionsBoundary"
                values = [draw.choice(["true", "false"])] if operator == "Null" else wanted(draw, key, world)
                if "Equals" in operator:
                    values = [value for value in values if "*" not in value] or ["red"]
                condition.setdefault(operator, {})[key] = values
            statement["Condition"] = condition
        found.append(statement)
    return found


def document(found: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": found})


async def new_world(services: Services, doors: Doors, draw: Random) -> World:
    keys = await services.operator.create_account(f"a{draw.random()}", production=True)
    root = await caller_of(doors, keys.access_key_id)
    world = World(doors, draw, keys.account_id, root)
    await world.furnish()
    return world


async def new_boundary(world: World) -> list[dict[str, Any]] | None:
    """Give the callers a boundary, or none: the statements of a version of a policy that is made anew."""
    bounded = world.draw.random() < 0.5
    found = statements(world.draw, world)
    arn = world.arn("policy", f"at-most{world.made}")
    world.made += 1
    if bounded:
        await world.as_root(
            "iam", "CreatePolicy", PolicyName=arn.rpartition("/")[2], PolicyDocument=document(found)
        )
    for kind in ("User", "Role"):
        given = {f"{kind}Name": "caller"}
        if bounded:
            await world.as_root("iam", f"Put{kind}PermissionsBoundary", **given, PermissionsBoundary=arn)
        else:
            await world.as_root("iam", f"Delete{kind}PermissionsBoundary", **given)
    return found if bounded else None


async def caller_of(doors: Doors, access_key_id: str, session: Session | None = None) -> Caller:
    return caller_by(await doors.directory.credential(access_key_id, session), access_key_id, session)


def versioned(caller: Caller, service: str) -> Caller:
    """The caller as the door of a service makes it."""
    version = "2" if service == "sesv2" else None
    return Caller(
        **{name: getattr(caller, name) for name in caller.__slots__ if name != "api_version"},
        api_version=version,
    )


def sessions(
    world: World, role_id: str
) -> Iterator[tuple[Session, list[dict[str, Any]] | None, dict[str, str]]]:
    """A session without policies of its own and one with some; its tags stand over the role's."""
    for number, limited in enumerate((False, True)):
        limit = statements(world.draw, world) if limited else None
        tags = world.some_tags(folded=True)
        held = world.tags[world.arn("role", "caller")]
        folded = {key.lower() for key in tags}
        yield (
            Session(
                access_key_id=f"ASIA{world.account}{number:04}",
                secret_access_key="s",
                account_id=world.account,
                role_id=role_id,
                name="session",
                issued_at=1_800_000_000.0,
                expires_at=1_800_003_600.0,
                policies=() if limit is None else (document(limit),),
                tags=tuple(tags.items()),
            ),
            limit,
            {**{key: value for key, value in held.items() if key.lower() not in folded}, **tags},
        )


def expected_rows(call: Call, answer: str) -> list[tuple[str, str | None]]:
    """What the audit log must tell: each change, and each refusal, whether of a change or not."""
    if answer in REFUSED:
        return [(call.operation, answer)]
    is_read = MODELS[call.service].operations[call.operation].is_read
    return [(call.operation, None)] if answer == "ok" and not is_read else []


async def compare(services: Services, calls: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Make calls until there were enough; answers counted, and where oracle and server differ."""
    doors = Doors(services, accepted=lambda *_: None)
    draw, counts, differ = Random(seed), Counter[str](), list[str]()
    while counts.total() < calls:
        world = await new_world(services, doors, draw)
        key = (await world.as_root("iam", "CreateAccessKey", UserName="caller"))["AccessKey"]["AccessKeyId"]
        role_id = (await world.as_root("iam", "GetRole", RoleName="caller"))["Role"]["RoleId"]
        for _ in range(12):
            own = statements(draw, world)
            bounds = await new_boundary(world)
            await world.as_root(
                "iam", "PutUserPolicy", UserName="caller", PolicyName="p", PolicyDocument=document(own)
            )
            await world.as_root(
                "iam", "PutRolePolicy", RoleName="caller", PolicyName="p", PolicyDocument=document(own)
            )
            doors.directory.forget((account_scope(world.account),))
            user = await caller_of(doors, key)
            callers: list[tuple[Caller, list[dict[str, Any]] | None, dict[str, str]]] = [
                (user, None, world.tags[world.arn("user", "caller")])
            ]
            for session, limit, tags in sessions(world, role_id):
                callers.append((await caller_of(doors, session.access_key_id, session), limit, tags))
            for _ in range(14):
                caller, limit, own_tags = draw.choice(callers)
                call = world.call()
                caller = versioned(caller, call.service)
                expected = all(
                    allowed(
                        action,
                        arn,
                        world.context(caller, arn, keys, own_tags),
                        own=own,
                        session=limit,
                        boundary=bounds,
                    )
                    for action, arn, keys in call.asked
                )
                before = await rows_of(services, world.account)
                answer = await world.run(caller, call)
                told = await told_since(services, world.account, before)
                if told != expected_rows(call, answer):
                    differ.append(f"{call}: {answer}, and the audit log tells {told}")
                counts["refused" if answer in REFUSED else answer] += 1
                if answer == "ok":
                    call.done()
                if (answer not in REFUSED) is not expected:
                    differ.append(
                        f"{call} {own} {limit} {bounds} {world.tags} {own_tags}: {answer}, not {expected}"
                    )
    return counts, differ


def test_random_management_calls_are_decided_as_the_oracle_says(tmp_path: Path) -> None:
    settings = load(None, environ={}, flags={"data": str(tmp_path / "data")})
    clock = FakeClock()
    services = Services(
        settings, log=Log(io.StringIO(), as_json=True, clock=clock), clock=clock, durable=False
    )
    try:
        counts, differ = asyncio.run(compare(services, CALLS, SEED))
    finally:
        services.close()
    assert differ == [], f"seed {SEED}, {CALLS} calls: {len(differ)} disagreements, the first {differ[0]}"
    assert counts["ok"] > CALLS / 10 and counts["refused"] > CALLS / 4, counts
    print(dict(counts))


def test_the_pool_has_every_key_of_the_table() -> None:
    table = {key.removesuffix("*") for action in ACTIONS.values() for key in action.keys}
    assert {key for key in table if not any(name.startswith(key) for name in POOL)} == set()
    assert set(ABSENT) <= set(POOL)
