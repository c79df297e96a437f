"""A stateful machine over the resources of two accounts: what is created is got, listed, paged and deleted.

Runs the operations themselves, without sockets; what it remembers is a dictionary of names. Every list is read
in pages of a random size and must hold each name once, and nothing of the other account's.
"""

import asyncio
import io
import json
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sesame.admin.audit import verify
from sesame.app.api import Doors
from sesame.app.foundation import Services
from sesame.aws.model import ServiceModel
from sesame.config import load
from sesame.errors import ServiceError
from sesame.model import Caller, IdentityKind
from sesame.observe import Log
from tests.support.audit_log import rows_of, told_since
from tests.support.authenticated import caller_by
from tests.support.clock import FakeClock

REGION = "us-east-1"
MODELS = {name: ServiceModel.load(name) for name in ("ses", "sesv2", "iam", "sns")}
T = TypeVar("T")
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [ALL]})
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
)
CUSTOM = {
    "FromEmailAddress": "news@own.test",
    "TemplateSubject": "s",
    "TemplateContent": "<p>c</p>",
    "SuccessRedirectionURL": "https://example.com/yes",
    "FailureRedirectionURL": "https://example.com/no",
}
Request = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of resource: the operations on it, and how requests and answers name one."""

    service: str
    create: Callable[[str], tuple[str, Request]]
    get: Callable[[str, str], tuple[str, Request]]
    delete: Callable[[str, str], tuple[str, Request]]
    listing: str
    names: Callable[[Any], list[str]]
    size: tuple[str, str, str]
    """The members of page size, of the token of a request, and of an answer; a size of "" has pages as they come."""
    more: Request
    forgives: bool = False
    """Whether deleting what is not there succeeds."""


def named(operation: str, member: str, **more: Any) -> Callable[[str], tuple[str, Request]]:
    return lambda name: (operation, {member: name, **more})


def got(operation: str, member: str) -> Callable[[str, str], tuple[str, Request]]:
    return lambda name, account: (operation, {member: name})


def by_arn(operation: str, member: str, form: str) -> Callable[[str, str], tuple[str, Request]]:
    return lambda name, account: (operation, {member: form.format(account=account, name=name)})


def column(member: str, name: str) -> Callable[[Any], list[str]]:
    return lambda answer: [row[name] for row in answer[member]]


IAM_PAGES = ("MaxItems", "Marker", "Marker")
V2_PAGES = ("PageSize", "NextToken", "NextToken")
POLICY = "arn:aws:iam::{account}:policy/{name}"
TOPIC = f"arn:aws:sns:{REGION}:{{account}}:{{name}}"
KINDS: dict[str, Kind] = {
    "user": Kind(
        service="iam",
        create=named("CreateUser", "UserName"),
        get=got("GetUser", "UserName"),
        delete=got("DeleteUser", "UserName"),
        listing="ListUsers",
        names=column("Users", "UserName"),
        size=IAM_PAGES,
        more={},
    ),
    "group": Kind(
        service="iam",
        create=named("CreateGroup", "GroupName"),
        get=got("GetGroup", "GroupName"),
        delete=got("DeleteGroup", "GroupName"),
        listing="ListGroups",
        names=column("Groups", "GroupName"),
        size=IAM_PAGES,
        more={},
    ),
    "role": Kind(
        service="iam",
        create=named("CreateRole", "RoleName", AssumeRolePolicyDocument=TRUST),
        get=got("GetRole", "RoleName"),
        delete=got("DeleteRole", "RoleName"),
        listing="ListRoles",
        names=column("Roles", "RoleName"),
        size=IAM_PAGES,
        more={},
    ),
    "policy": Kind(
        service="iam",
        create=named("CreatePolicy", "PolicyName", PolicyDocument=DOCUMENT),
        get=by_arn("GetPolicy", "PolicyArn", POLICY),
        delete=by_arn("DeletePolicy", "PolicyArn", POLICY),
        listing="ListPolicies",
        names=column("Policies", "PolicyName"),
        size=IAM_PAGES,
        more={"Scope": "Local"},
    ),
    "configuration set": Kind(
        service="sesv2",
        create=named("CreateConfigurationSet", "ConfigurationSetName"),
        get=got("GetConfigurationSet", "ConfigurationSetName"),
        delete=got("DeleteConfigurationSet", "ConfigurationSetName"),
        listing="ListConfigurationSets",
        names=lambda answer: list(answer["ConfigurationSets"]),
        size=V2_PAGES,
        more={},
    ),
    "template": Kind(
        service="sesv2",
        create=named("CreateEmailTemplate", "TemplateName", TemplateContent={"Subject": "s"}),
        get=got("GetEmailTemplate", "TemplateName"),
        delete=got("DeleteEmailTemplate", "TemplateName"),
        listing="ListEmailTemplates",
        names=column("TemplatesMetadata", "TemplateName"),
        size=V2_PAGES,
        more={},
    ),
    "custom verification template": Kind(
        service="sesv2",
        create=named("CreateCustomVerificationEmailTemplate", "TemplateName", **CUSTOM),
        get=got("GetCustomVerificationEmailTemplate", "TemplateName"),
        delete=got("DeleteCustomVerificationEmailTemplate", "TemplateName"),
        listing="ListCustomVerificationEmailTemplates",
        names=column("CustomVerificationEmailTemplates", "TemplateName"),
        size=V2_PAGES,
        more={},
    ),
    "suppressed destination": Kind(
        service="sesv2",
        create=lambda name: (
            "PutSuppressedDestination",
            {"EmailAddress": f"{name}@x.test", "Reason": "BOUNCE"},
        ),
        get=by_arn("GetSuppressedDestination", "EmailAddress", "{name}@x.test"),
        delete=by_arn("DeleteSuppressedDestination", "EmailAddress", "{name}@x.test"),
        listing="ListSuppressedDestinations",
        names=lambda answer: [
            row["EmailAddress"].partition("@")[0] for row in answer["SuppressedDestinationSummaries"]
        ],
        size=V2_PAGES,
        more={},
    ),
    "topic": Kind(
        service="sns",
        create=named("CreateTopic", "Name"),
        get=by_arn("GetTopicAttributes", "TopicArn", TOPIC),
        delete=by_arn("DeleteTopic", "TopicArn", TOPIC),
        listing="ListTopics",
        names=lambda answer: [row["TopicArn"].rpartition(":")[2] for row in answer["Topics"]],
        size=("", "NextToken", "NextToken"),
        more={},
        forgives=True,
    ),
}
REPEATED = {"suppressed destination", "topic"}
"""What may be created again."""

which = st.integers(0, 1)
kinds = st.sampled_from(sorted(KINDS))
names = st.sampled_from(["a", "b", "c", "d", "e0"])


class Machine(RuleBasedStateMachine):
    """Two accounts on one server."""

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory()
        clock = FakeClock()
        configured = load(None, environ={}, flags={"data": str(Path(self._directory.name) / "data")})
        log = Log(io.StringIO(), as_json=True, clock=clock)
        self._runner = asyncio.Runner()
        self._services = Services(configured, log=log, clock=clock, durable=False)
        self._doors = Doors(self._services, accepted=lambda *_: None)
        self.accounts: list[str] = []
        self._callers: list[Caller] = []
        self.there: list[dict[str, set[str]]] = [{kind: set() for kind in KINDS} for _ in range(2)]
        self.versions: list[list[int]] = [[], []]

    def teardown(self) -> None:
        report = self.run(verify(self._services.store, self._services.trail.key.public))
        assert report.findings == []
        self._services.close()
        self._runner.close()
        self._directory.cleanup()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def call(self, who: int, service: str, operation: str, request: Request) -> Any:
        async def answer() -> Any:
            return await self._doors.handlers[service][operation](self._callers[who], dict(request))

        account = self.accounts[who]
        before = self.run(rows_of(self._services, account))
        found = self.run(answer())
        told = self.run(told_since(self._services, account, before))
        changes = not MODELS[service].operations[operation].is_read
        assert told == ([(operation, None)] if changes else []), (
            "each change has its row, nothing else has one"
        )
        return found

    def fails(self, who: int, service: str, operation: str, request: Request) -> bool:
        try:
            self.call(who, service, operation, request)
        except ServiceError:
            return True
        return False

    @initialize()
    def make_accounts(self) -> None:
        for number in range(2):
            keys = self.run(self._services.operator.create_account(f"a{number}", production=True))
            credential = self.run(self._doors.directory.credential(keys.access_key_id))
            self.accounts.append(keys.account_id)
            self._callers.append(caller_by(credential, keys.access_key_id))
            vouch = self._services.verification.vouch(
                keys.account_id, REGION, "own.test", IdentityKind.DOMAIN
            )
            self.run(vouch)
            made = self.call(
                number, "iam", "CreatePolicy", {"PolicyName": "versioned", "PolicyDocument": DOCUMENT}
            )
            self.versions[number] = [1]
            self.there[number]["policy"].add(made["Policy"]["PolicyName"])

    @rule(who=which, kind=kinds, name=names)
    def create(self, who: int, kind: str, name: str) -> None:
        operation, request = KINDS[kind].create(name)
        failed = self.fails(who, KINDS[kind].service, operation, request)
        assert failed is (name in self.there[who][kind] and kind not in REPEATED)
        self.there[who][kind].add(name)

    @rule(who=which, kind=kinds, name=names)
    def get(self, who: int, kind: str, name: str) -> None:
        operation, request = KINDS[kind].get(name, self.accounts[who])
        assert self.fails(who, KINDS[kind].service, operation, request) is (name not in self.there[who][kind])

    @rule(who=which, kind=kinds, name=names)
    def get_of_the_other_account(self, who: int, kind: str, name: str) -> None:
        """By a name, one's own is found; by the other's ARN, nothing."""
        operation, request = KINDS[kind].get(name, self.accounts[1 - who])
        is_arn = any(str(value).startswith("arn:") for value in request.values())
        failed = self.fails(who, KINDS[kind].service, operation, request)
        assert failed is (is_arn or name not in self.there[who][kind])

    @rule(who=which, kind=kinds, name=names)
    def delete(self, who: int, kind: str, name: str) -> None:
        operation, request = KINDS[kind].delete(name, self.accounts[who])
        failed = self.fails(who, KINDS[kind].service, operation, request)
        assert failed is (name not in self.there[who][kind] and not KINDS[kind].forgives)
        self.there[who][kind].discard(name)

    @rule(who=which, kind=kinds, size=st.integers(1, 3))
    def page(self, who: int, kind: str, size: int) -> None:
        of = KINDS[kind]
        sized, asked, told = of.size
        found: list[str] = []
        request: dict[str, Any] = {**of.more, **({sized: size} if sized else {})}
        for _ in range(10):
            answer = self.call(who, of.service, of.listing, request)
            page = of.names(answer)
            assert not sized or len(page) <= size
            found += page
            if told not in answer:
                break
            request[asked] = answer[told]
        assert sorted(found) == sorted(self.there[who][kind])

    @rule(who=which)
    @precondition(lambda self: all(len(found) < 5 for found in self.versions))
    def add_version(self, who: int) -> None:
        request = {"PolicyArn": self.versioned(who), "PolicyDocument": DOCUMENT}
        made = self.call(who, "iam", "CreatePolicyVersion", request)["PolicyVersion"]
        self.versions[who].append(int(made["VersionId"][1:]))

    @rule(who=which)
    def remove_version(self, who: int) -> None:
        if len(self.versions[who]) > 1:
            number = self.versions[who].pop()
            request = {"PolicyArn": self.versioned(who), "VersionId": f"v{number}"}
            self.call(who, "iam", "DeletePolicyVersion", request)

    @rule(who=which, size=st.integers(1, 3))
    def page_versions(self, who: int, size: int) -> None:
        found: list[str] = []
        request: dict[str, Any] = {"PolicyArn": self.versioned(who), "MaxItems": size}
        for _ in range(6):
            answer = self.call(who, "iam", "ListPolicyVersions", request)
            assert len(answer["Versions"]) <= size
            found += [version["VersionId"] for version in answer["Versions"]]
            if not answer["IsTruncated"]:
                break
            request["Marker"] = answer["Marker"]
        assert found == [f"v{number}" for number in sorted(self.versions[who], reverse=True)]

    def versioned(self, who: int) -> str:
        return POLICY.format(account=self.accounts[who], name="versioned")

    @invariant()
    def first_pages_are_whole(self) -> None:
        """What is remembered is what a list without a size tells."""
        if not self.accounts:
            return
        for who in range(2):
            answer = self.call(who, "iam", "ListUsers", {})
            assert KINDS["user"].names(answer) == sorted(self.there[who]["user"])


Machine.TestCase.settings = settings(
    max_examples=10,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # to shrink a failure takes minutes
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestResourcesOfTwoAccounts = Machine.TestCase
