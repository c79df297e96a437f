"""To a stranger an identity reads as one that does not exist, whatever its policies ask of everybody (I9)."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from sesame.access.causes.decision_json import latest
from sesame.cli.main import main
from sesame.operations.decision_views import view
from sesame.policy.reasons.cause import Reader
from sesame.store import decisions, policy_sets
from tests.support.holdout_world import Reported
from tests.support.refusal_world import Case, World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("strangers") / "data")
    yield opened
    opened.close()


def under(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values)}}}


ORG = "o-canary1234"
WHO = {
    "account": under("StringEquals", "aws:PrincipalAccount", "<partner>"),
    "accounts but": under("StringNotEquals", "aws:PrincipalAccount", "<stranger>"),
    "arn": under("ArnLike", "aws:PrincipalArn", "arn:aws:iam::<partner>:*"),
    "organization": under("StringEquals", "aws:PrincipalOrgID", ORG),
    "organization's path": under("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", f"{ORG}/*"),
    "unique id": under("StringLike", "aws:userid", "AROACANARY:*"),
    "user": under("StringEquals", "aws:username", "canary"),
    "tag": under("StringEquals", "aws:PrincipalTag/canary", "canary"),
    "no such tag": under("Null", "aws:PrincipalTag/canary", "false"),
    "kind": under("StringEquals", "aws:PrincipalType", "FederatedUser"),
    "a service's account": under("StringEquals", "aws:SourceAccount", "<partner>"),
    "a service's resource": under("ArnLike", "aws:SourceArn", "arn:aws:ses:*:<partner>:*"),
    "identity's tag": under("StringEquals", "aws:ResourceTag/canary", "canary"),
    "own account by a variable": under("StringEquals", "aws:ResourceAccount", "${aws:PrincipalAccount}"),
    "variable of a tag": under("StringLike", "ses:FromAddress", "${aws:PrincipalTag/canary}@*"),
    "and a range": {"Condition": {"StringEquals": {"aws:PrincipalAccount": "<partner>"},
                                  "IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}},
}  # fmt: skip
EVERYBODY = {"Principal": {"AWS": "*"}}
POLICIES: dict[str, list[dict[str, Any]]] = {
    **{f"everybody by {name}": [EVERYBODY | one] for name, one in WHO.items()},
    **{f"everybody, denied by {name}": [
        EVERYBODY, {"Effect": "Deny", **EVERYBODY, **under(operator, key, *values)}]
       for name, operator, key, *values in (
           ("account", "StringNotEquals", "aws:PrincipalAccount", "<partner>"),
           ("arn", "ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::<partner>:*"),
           ("tag", "StringNotEquals", "aws:PrincipalTag/canary", "canary"))},
    "another account": [{"Principal": {"AWS": "<partner>"}}],
    "another account, and a Deny for everybody": [{"Principal": {"AWS": "<partner>"}}, {"Effect": "Deny", **EVERYBODY}],
    "a Deny alone": [{"Effect": "Deny", "Principal": {"AWS": "<stranger>"}}],
    "the star as a plain Principal": [{"Principal": "*", **WHO["account"]}],
}  # fmt: skip
DOORS: dict[str, dict[str, Any]] = {
    "v1": {"arns": {"SourceArn": "ARN"}},
    "v2": {"door": "v2", "arns": {"FromEmailAddressIdentityArn": "ARN"}},
    "raw": {"door": "raw", "arns": {"SourceArn": "ARN", "FromArn": "ARN"}},
    "smtp": {"door": "smtp", "fields": [["X-SES-SOURCE-ARN", "ARN"]]},
}


def everything_read(world: World, case: Case, capsys: pytest.CaptureFixture[str], request_id: str) -> str:
    """What the stranger reads of its newest refusal, by every way there is, without what differs by the moment."""
    stranger = case.account("stranger").account_id
    where = ["--data", str(world.services.settings.data_dir)]
    capsys.readouterr()
    asked = [["decisions", stranger, "--limit", "1"]]
    asked += [["why", request_id, "--as", "sender"]] if request_id else []
    for arguments in asked:
        for more in ([], ["--json"]):
            assert main([*arguments, *more, *where]) in (0, 1)
    said = capsys.readouterr().out
    main(["audit", "list", stranger, "--limit", "1", "--json", *where])
    said += json.dumps(
        [row.get("event", row)["requestParameters"] for row in json.loads(capsys.readouterr().out)]
    )
    store = world.services.store

    async def look(tx: Any) -> str:
        [record] = await decisions.latest(tx, stranger, limit=1)
        kept = json.loads(record.decision)
        wanted = tuple(digest for check in kept["checks"] for digest in (check.get("under") or {}).values())
        return repr(view(record, stranger, await policy_sets.contents(tx, wanted)))

    said += world.run(store.read(look))
    said += json.dumps(world.run(latest(store, stranger, limit=1, reader=Reader.SENDER)))
    return re.sub(
        r"[0-9a-f]{8}-[0-9a-f-]{27}|\b\d{10}\.\d+\b|\d{4}-\d\d-\d\d[T ][0-9:.]+Z?",
        "#",
        said,
    )


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", POLICIES)
def test_a_stranger_reads_the_same_of_an_identity_and_of_none(
    world: World, capsys: pytest.CaptureFixture[str], name: str, door: str
) -> None:
    case = Case(world)
    for account in ("owner", "nobody", "partner", "stranger"):
        case.account(account)
    case.step("user", "stranger", "robot", {"Effect": "Allow", "Action": "ses:*", "Resource": "*"})
    case.step("identity", "owner", "one.test")
    case.step("policy", "owner", "one.test", *POLICIES[name])
    read = {}
    for owner in ("owner", "nobody"):
        arn = case.arn(owner, "one.test")
        filled = json.loads(json.dumps(DOORS[door]).replace('"ARN"', json.dumps(arn)))
        sent = case.send({"as": "stranger/robot", "from": "news@one.test", **filled})
        assert sent.code, "it must be refused"
        said = everything_read(world, case, capsys, sent.request_id)
        read[owner] = said.replace(case.account(owner).account_id, "OWNER")
    assert "canary" not in read["owner"].lower() and "SA201" in read["owner"]
    assert read["owner"] == read["nobody"]


@pytest.mark.parametrize(
    ("invites", "code"),
    [
        (under("IpAddress", "aws:SourceIp", "203.0.113.0/24"), "SA403"),
        (under("StringEquals", "ses:FromAddress", "jobs@one.test"), "SA401"),
    ],
)
def test_who_is_invited_with_everybody_is_told_what_the_invitation_asks(
    world: World, invites: dict[str, Any], code: str
) -> None:
    case = Case(world)
    case.account("owner"), case.account("stranger")
    case.step("identity", "owner", "one.test")
    case.step("policy", "owner", "one.test", EVERYBODY | invites)
    arns = {"SourceArn": case.arn("owner", "one.test")}
    sent = case.send({"as": "stranger", "from": "news@one.test", "arns": arns})
    [cause] = case.read("stranger", sent.request_id)["causes"]
    assert cause["code"] == code


def test_the_owner_still_reads_which_condition_kept_a_stranger_out(world: World) -> None:
    case = Case(world)
    case.account("owner"), case.account("stranger"), case.account("partner")
    case.step("identity", "owner", "one.test")
    case.step("policy", "owner", "one.test", EVERYBODY | WHO["account"])
    arns = {"SourceArn": case.arn("owner", "one.test")}
    sent = case.send({"as": "stranger", "from": "news@one.test", "arns": arns})
    told = case.read("owner", sent.request_id)
    assert told["causes"][0]["code"] == "SA401" and "aws:PrincipalAccount" in told["causes"][0]["cause"]


def test_who_is_named_is_told_of_a_condition_on_who_it_is(world: World) -> None:
    case = Case(world)
    case.account("owner"), case.account("sender")
    case.step("identity", "owner", "one.test")
    named = {"Principal": {"AWS": ["<sender>", "*"]}, **under("StringEquals", "aws:PrincipalTag/team", "x")}
    case.step("policy", "owner", "one.test", named)
    arns = {"SourceArn": case.arn("owner", "one.test")}
    sent = case.send({"as": "sender", "from": "news@one.test", "arns": arns})
    assert case.read("sender", sent.request_id)["causes"][0]["code"] == "SA401"


SERVICE = "mailer.tools.test"
OF_SERVICES: dict[str, list[dict[str, Any]]] = {
    "another name of the service": [{"Principal": {"Service": "email.mailer.tools.test"}}],
    "another name of it, for the customer": [
        {"Principal": {"Service": "email.mailer.tools.test"},
         **under("StringEquals", "aws:SourceAccount", "<customer>")}],
    "another service": [{"Principal": {"Service": "canary.elsewhere.test"}}],
    "the service, for somebody else": [
        {"Principal": {"Service": SERVICE}, **under("StringEquals", "aws:SourceAccount", "<partner>")}],
    "another name, and a Deny": [
        {"Principal": {"Service": "email.mailer.tools.test"}},
        {"Effect": "Deny", **EVERYBODY, **under("StringNotEquals", "aws:SourceAccount", "<partner>")}],
    "a role": [{"Principal": {"AWS": "arn:aws:iam::<partner>:root"}}],
}  # fmt: skip


@pytest.mark.parametrize("name", OF_SERVICES)
def test_a_services_customer_reads_the_same_of_every_service_that_is_not_its_own(
    world: World, name: str
) -> None:
    """Not that a policy names another service, nor that there is one; the owner reads it."""
    case = Reported(world)
    for account in ("owner", "nobody", "partner", "customer"):
        case.account(account)
    case.step("service", SERVICE)
    case.step("identity", "owner", "one.test")
    case.step("policy", "owner", "one.test", *OF_SERVICES[name])
    read = {}
    for owner in ("owner", "nobody"):
        arns = {"SourceArn": case.arn(owner, "one.test")}
        sent = case.send({"as": "service", "for": "customer", "from": "news@one.test", "arns": arns})
        assert sent.code, "it must be refused"
        for reader in (None, Reader.SENDER):
            said = json.dumps(case.read("customer", sent.request_id, reader) | {"at": 0})
            said = said.replace(sent.request_id, "REQUEST")
            read[owner, reader] = said.replace(case.account(owner).account_id, "OWNER")
        if owner == "owner":
            code = case.read("owner", sent.request_id)["causes"][0]["code"]
            assert code == ("SA204" if name.startswith("another name") and "Deny" not in name else code)
    assert (
        read["owner", None] == read["nobody", None]
        and read["owner", Reader.SENDER] == read["nobody", Reader.SENDER]
    )
    assert "SA201" in read["owner", None] and "email.mailer" not in read["owner", None]
