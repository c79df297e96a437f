"""Who owns a role reads who was kept out, and by what of its trust policy; nobody else learns of the role (I9)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sesame.access.causes.decision_json import latest
from sesame.access.causes.failures import MOST_A_MINUTE, MOST_CALLS_A_MINUTE
from sesame.policy.reasons.cause import Reader
from sesame.policy.reasons.edits import edited
from sesame.store import decisions
from tests.support.documents import document
from tests.support.refusal_world import EVERYTHING, REGION, Case, World

SENDERS, OWNERS = "sendercanary", "ownercanary"
ASSUME = {"Effect": "Allow", "Action": "sts:AssumeRole"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("roles") / "data")
    yield opened
    opened.close()


class Roles(Case):
    """A role of one account, and a user of another that wants it."""

    def role(self, *trust: dict[str, Any], name: str = "there") -> str:
        iam = self.world.client("iam", self.account("owner"))
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(*self.fill(list(trust))))
        return str(made["Role"]["Arn"])

    def refused(self, arn: str, **parameters: Any) -> str:
        """The request id of an AssumeRole that must be refused."""
        with pytest.raises(ClientError, match="not authorized to perform") as raised:
            self.assume(arn, **parameters)
        return str(raised.value.response["ResponseMetadata"]["RequestId"])

    def assume(self, arn: str, **parameters: Any) -> None:
        sts = self.world.client("sts", self.keys["sender/robot"])
        sts.assume_role(**({"RoleArn": arn, "RoleSessionName": f"{SENDERS}-session"} | parameters))

    def do(self, mend: dict[str, Any], parameters: dict[str, Any]) -> None:
        """What the owner does, and what it tells the other side to send."""
        if mend["how"] == "set-parameter":
            parameters[mend["parameter"]] = mend["value"]
            return
        assert mend["how"] == "change-trust"
        if "parameter" in mend:
            parameters[mend["parameter"]] = mend["value"]
        iam = self.world.client("iam", self.account("owner"))
        trust = iam.get_role(RoleName="there")["Role"]["AssumeRolePolicyDocument"]
        if mend["statement"] is not None:
            trust["Statement"] = [*trust["Statement"], mend["statement"]]
            changed = json.dumps(trust)
        else:
            changed = edited(json.dumps(trust), mend["index"], mend["changes"])
        iam.update_assume_role_policy(RoleName="there", PolicyDocument=changed)


@pytest.fixture
def case(world: World) -> Roles:
    made = Roles(world)
    made.account("owner"), made.account("sender")
    own = EVERYTHING | {"Sid": f"{SENDERS}1", "Condition": {"StringNotEquals": {"aws:UserAgent": SENDERS}}}
    made.step("user", "sender", "robot", own)
    made.step("tag_user", "sender", "robot", "team", f"{SENDERS}-team")
    made.step("user", "sender", "other")
    return made


ROBOT, OTHER = (f"arn:aws:iam::<sender>:user/{name}" for name in ("robot", "other"))
LET_IN = ASSUME | {"Principal": {"AWS": ROBOT}}
OTHERS = ASSUME | {"Principal": {"AWS": OTHER}}
RANGE = {"aws:SourceIp": "192.0.2.0/24"}
KEPT_OUT: dict[str, tuple[list[dict[str, Any]], dict[str, Any], str]] = {
    "not named": ([OTHERS], {}, "does not let `arn:aws:iam::<sender>:user/robot` do `sts:AssumeRole`"),
    "external id": (
        [LET_IN | {"Condition": {"StringEquals": {"sts:ExternalId": f"{OWNERS}-id"}}}],
        {"ExternalId": f"{SENDERS}-id"},
        f"only with sts:ExternalId equal to `{OWNERS}-id`; this request's sts:ExternalId is not shown",
    ),
    "no external id": (
        [LET_IN | {"Condition": {"StringEquals": {"sts:ExternalId": f"{OWNERS}-id"}}}],
        {},
        "this request has no sts:ExternalId",
    ),
    "a tag": (
        [LET_IN | {"Condition": {"StringEquals": {"aws:PrincipalTag/team": OWNERS}}}],
        {},
        f"only with aws:PrincipalTag/team equal to `{OWNERS}`; this request's aws:PrincipalTag/team is not shown",
    ),
    "a variable": (
        [LET_IN | {"Condition": {"StringEquals": {"sts:RoleSessionName": "${aws:PrincipalTag/team}"}}}],
        {},
        "sts:RoleSessionName equal to `${aws:PrincipalTag/team}`",
    ),
    "a range, and a condition that is met": (
        [LET_IN | {"Condition": {"IpAddress": RANGE, "Bool": {"aws:SecureTransport": "true"}}}],
        {},
        "aws:SourceIp in `192.0.2.0/24`; this request has `198.51.100.7`",
    ),
    "tags": (
        [LET_IN],
        {"Tags": [{"Key": "a", "Value": SENDERS}]},
        "does not let `arn:aws:iam::<sender>:user/robot` do `sts:TagSession`",
    ),
    "a source identity and tags": (
        [LET_IN],
        {"Tags": [{"Key": "a", "Value": SENDERS}], "SourceIdentity": SENDERS},
        "do `sts:TagSession`",
    ),
    "denied": (
        [LET_IN, LET_IN | {"Effect": "Deny"}],
        {},
        "statement 2 of the trust policy of `arn:aws:iam::<owner>:role/there` denies `sts:AssumeRole` to",
    ),
    "an account denied": (
        [LET_IN, {"Effect": "Deny", "Action": "sts:*", "Principal": {"AWS": "<sender>"}}],
        {},
        "statement 2 of the trust policy",
    ),
    "denied under a condition": (
        [LET_IN, LET_IN | {"Effect": "Deny", "Condition": {"NotIpAddress": RANGE}}],
        {},
        "when aws:SourceIp not in `192.0.2.0/24`; this request has `198.51.100.7`",
    ),
    "denied twice, and not let in": (
        [OTHERS, *[{"Effect": "Deny", "Action": "sts:*", "Principal": "*",
                    "Condition": {"StringNotEquals": {"aws:PrincipalTag/team": value}}} for value in "ab"]],
        {},
        "when aws:PrincipalTag/team not equal to `a`; this request's aws:PrincipalTag/team is not shown",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kept_out", KEPT_OUT.values(), ids=KEPT_OUT.keys())
def test_the_owner_of_a_role_reads_what_kept_a_stranger_out_and_its_mend_works(
    case: Roles, kept_out: tuple[list[dict[str, Any]], dict[str, Any], str]
) -> None:
    trust, given, says = kept_out
    arn, parameters = case.role(*trust), dict(given)
    told = case.read("owner", case.refused(arn, **parameters))
    assert told["principal"] == case.fill(ROBOT) and told["sender"] == case.names["sender"]
    assert told["action"] == told["action"].strip() != "" and told["region"] == REGION
    assert case.fill(says) in told["causes"][0]["cause"]
    assert {cause["code"] for cause in told["causes"]} == {"SA209"}
    assert SENDERS not in json.dumps(told)
    for cause in told["causes"]:
        case.do(cause["mend"], parameters)
    case.assume(arn, **parameters)


BY_ID = {"StringEquals": {"sts:ExternalId": f"{OWNERS}-id"}}
OWN_ACCOUNT = ASSUME | {"Principal": {"AWS": "<owner>"}}
PARTNER = "111122223333"
UNDER_AN_ID: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "another user": ([OTHERS | {"Condition": BY_ID}], {}),
    "another user, another id sent": ([OTHERS | {"Condition": BY_ID}], {"ExternalId": f"{SENDERS}-id"}),
    "another user, the id sent": ([OTHERS | {"Condition": BY_ID}], {"ExternalId": f"{OWNERS}-id"}),
    "another account": ([ASSUME | {"Principal": {"AWS": PARTNER}, "Condition": BY_ID}], {}),
    "the owner's own account first": (
        [OWN_ACCOUNT, ASSUME | {"Principal": {"AWS": PARTNER}, "Condition": BY_ID}],
        {},
    ),
    "a service first": (
        [
            ASSUME | {"Principal": {"Service": "ses.amazonaws.com"}},
            ASSUME | {"Principal": {"AWS": PARTNER}, "Condition": BY_ID},
        ],
        {},
    ),
    "twice, once without": ([OTHERS, OTHERS | {"Condition": BY_ID}], {}),
    "two keys": (
        [OTHERS | {"Condition": BY_ID | {"IpAddress": RANGE, "Bool": {"aws:SecureTransport": "true"}}}],
        {},
    ),
    "who is meant": (
        [OTHERS | {"Condition": BY_ID | {"ArnEquals": {"aws:PrincipalArn": OTHER}}}],
        {},
    ),
    "everybody, by who is meant": (
        [ASSUME | {"Principal": "*", "Condition": BY_ID | {"ArnEquals": {"aws:PrincipalArn": OTHER}}}],
        {},
    ),
    "a range": ([LET_IN | {"Condition": BY_ID | {"IpAddress": RANGE}}], {}),
    "two conditions on it": (
        [
            LET_IN
            | {
                "Condition": BY_ID
                | {"StringLike": {"sts:ExternalId": f"{OWNERS}-*"}, "Null": {"sts:ExternalId": "false"}}
            }
        ],
        {},
    ),
    "tags": ([LET_IN | {"Condition": BY_ID}], {"Tags": [{"Key": "a", "Value": SENDERS}]}),
    "denied without it": (
        [
            LET_IN,
            ASSUME
            | {
                "Effect": "Deny",
                "Principal": "*",
                "Condition": {"StringNotEquals": {"sts:ExternalId": f"{OWNERS}-id"}},
            },
        ],
        {},
    ),
    "another user, tags": ([OTHERS | {"Condition": BY_ID}], {"Tags": [{"Key": "a", "Value": SENDERS}]}),
}


@pytest.mark.parametrize("kept_out", UNDER_AN_ID.values(), ids=UNDER_AN_ID.keys())
def test_who_is_let_in_beside_others_needs_their_external_id(
    case: Roles, kept_out: tuple[list[dict[str, Any]], dict[str, Any]]
) -> None:
    trust, given = kept_out
    arn, parameters = case.role(*trust), dict(given)
    told = case.read("owner", case.refused(arn, **parameters))
    assert SENDERS not in json.dumps(told)
    sends = given.get("ExternalId") != f"{OWNERS}-id"
    for cause in told["causes"]:
        assert cause["mend"]["text"].startswith("to allow it, ")
        case.do(cause["mend"], parameters)
    says = " ".join(cause["mend"]["text"] for cause in told["causes"])
    assert (case.fill(f"have account <sender> send `{OWNERS}-id`") in says) is sends
    case.assume(arn, **parameters)
    others = {name: value for name, value in parameters.items() if name != "ExternalId"}
    case.refused(arn, **others)
    case.refused(arn, **others | {"ExternalId": "another"})


def test_a_user_of_the_roles_own_account_needs_the_external_id_of_others_too(case: Roles) -> None:
    case.step("user", "owner", "own")
    case.keys["sender/robot"] = case.keys["owner/own"]
    arn = case.role(OTHERS | {"Condition": BY_ID | {"IpAddress": RANGE}})
    [cause] = case.read("owner", case.refused(arn))["causes"]
    assert cause["mend"]["text"].startswith("to allow it, add")
    assert f", and send `{OWNERS}-id`" in cause["mend"]["text"]
    parameters: dict[str, Any] = {}
    case.do(cause["mend"], parameters)
    case.refused(arn)
    case.assume(arn, **parameters)


STRICT: dict[str, tuple[dict[str, Any], str]] = {
    "a pattern of ids": ({"StringLike": {"sts:ExternalId": f"{OWNERS}-*"}}, "send the ExternalId"),
    "any id": ({"Null": {"sts:ExternalId": "false"}}, "send the ExternalId"),
    "MFA": ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, "lets in only with aws:MultiFactorAuthPresent"),
    "a window": (
        {"DateLessThan": {"aws:CurrentTime": "2001-01-01T00:00:00Z"}},
        "lets in only with aws:CurrentTime",
    ),
    "a session's name": (
        {"StringEquals": {"sts:RoleSessionName": f"{OWNERS}-name"}},
        "lets in only with sts:RoleSessionName",
    ),
}


@pytest.mark.parametrize("strict", STRICT.values(), ids=STRICT.keys())
def test_what_a_statement_asks_of_others_is_carried_over_as_it_is(
    case: Roles, strict: tuple[dict[str, Any], str]
) -> None:
    condition, says = strict
    arn = case.role(OTHERS | {"Condition": condition})
    [cause] = case.read("owner", case.refused(arn))["causes"]
    assert says in cause["mend"]["text"] and SENDERS not in json.dumps(cause)
    [(operator, by_key)] = condition.items()
    [(key, value)] = by_key.items()
    assert cause["mend"]["statement"]["Condition"] == {operator: {key: [value]}}
    case.do(cause["mend"], {})
    case.refused(arn)


@pytest.mark.parametrize(
    "pattern", [{"StringLike": {"sts:ExternalId": f"{OWNERS}-*"}}, {"Null": {"sts:ExternalId": "false"}}]
)
def test_a_pattern_of_external_ids_is_no_condition_to_leave_out(case: Roles, pattern: dict[str, Any]) -> None:
    arn = case.role(LET_IN | {"Condition": pattern})
    [cause] = case.read("owner", case.refused(arn))["causes"]
    assert cause["mend"]["how"] == "set-parameter" and "statement" not in cause["mend"]
    assert case.fill("have account <sender> send the ExternalId that it asks for") in cause["mend"]["text"]


@pytest.mark.parametrize(
    "without",
    [{"Null": {"sts:ExternalId": "true"}}, {"StringNotLike": {"sts:ExternalId": f"{OWNERS}-*"}}],
)
def test_nobody_is_exempted_from_a_deny_of_calls_without_an_external_id(
    case: Roles, without: dict[str, Any]
) -> None:
    arn = case.role(LET_IN, LET_IN | {"Effect": "Deny", "Principal": "*", "Condition": without})
    [cause] = case.read("owner", case.refused(arn))["causes"]
    assert cause["mend"]["how"] == "set-parameter" and "changes" not in cause["mend"]
    assert case.fill("have account <sender> send the ExternalId that it asks for") in cause["mend"]["text"]
    case.assume(arn, ExternalId=f"{OWNERS}-id")


@pytest.mark.parametrize("sent", [{}, {"ExternalId": f"{SENDERS}-id"}])
def test_a_stranger_reads_whether_its_call_sent_an_external_id(case: Roles, sent: dict[str, str]) -> None:
    """A fact of its own call, the same whether the role asks for one, names it, or is there at all."""
    roles = {
        "asks": case.role(LET_IN | {"Condition": BY_ID}, name="asks"),
        "others": case.role(OTHERS | {"Condition": BY_ID}, name="others"),
        "no id": case.role(OTHERS, name="noid"),
    }
    roles["gone"] = roles["asks"].replace("role/asks", "role/gone")
    told = {}
    for name, arn in roles.items():
        read = case.read("sender", case.refused(arn, **sent))
        told[name] = json.dumps(read["causes"]).replace(arn, "ARN")
    assert len(set(told.values())) == 1, told
    assert f"this call sent {'an' if sent else 'no'} ExternalId" in told["gone"]
    assert ("send the ExternalId that you agreed on, or ask account" in told["gone"]) == (not sent)
    assert f"{SENDERS}-id" not in told["gone"] and OWNERS not in told["gone"]


def test_an_owner_that_lets_in_is_told_no_more_than_that(case: Roles) -> None:
    case.step("user", "sender", "poor")
    arn = case.role(ASSUME | {"Principal": {"AWS": "<sender>"}})
    case.keys["sender/robot"] = case.keys["sender/poor"]
    told = case.read("owner", case.refused(arn))
    [cause] = told["causes"]
    assert cause["code"] == "SA206" and cause["mend"]["whom"] == "sender"
    assert "account " + case.names["sender"] in cause["cause"]


def test_of_what_is_not_the_stranger_reads_the_same_and_the_owner_nothing(case: Roles) -> None:
    """Of a role that trusts somebody else, and of one that is not there."""
    there = case.role(LET_IN | {"Condition": {"StringEquals": {"sts:ExternalId": OWNERS}}})
    gone = there.replace("role/there", "role/gone")
    told = {}
    for reader in (None, Reader.SENDER):
        for arn in (there, gone):
            request_id = case.refused(arn)
            read = case.read("sender", request_id, reader)
            assert read["causes"][0]["code"] == "SA209" and OWNERS not in json.dumps(read)
            read = {name: value for name, value in read.items() if name not in ("at", "request_id")}
            told[arn] = json.dumps(read).replace(arn, "ARN")
            assert bool(case.read("owner", request_id)["causes"]) is (arn == there)
        assert told[there] == told[gone]


@pytest.mark.parametrize("operator", ["StringEquals", "StringNotEquals", "StringLike", "Null"])
def test_a_strangers_own_policies_tell_it_no_tag_of_a_role(case: Roles, operator: str) -> None:
    """Whether an IAM condition on a tag of the role is met is told to nobody whom the role does not trust."""
    value = "false" if operator == "Null" else "Prod"
    case.step(
        "user", "sender", "asks", EVERYTHING | {"Condition": {operator: {"aws:ResourceTag/env": value}}}
    )
    case.keys["sender/robot"] = case.keys["sender/asks"]
    roles = {"gone": case.role(OTHERS).replace("role/there", "role/gone")}
    iam = case.world.client("iam", case.account("owner"))
    for number, tag in enumerate(("Prod", "prod", "other")):
        roles[tag] = case.role(OTHERS, name=f"role{number}")
        iam.tag_role(RoleName=f"role{number}", Tags=[{"Key": "env", "Value": tag}])
    told = {}
    for name, arn in roles.items():
        read = case.read("sender", case.refused(arn))
        told[name] = json.dumps(read["causes"]).replace(arn, "ARN")
    assert len(set(told.values())) == 1, told


def test_the_operator_reads_both_halves(case: Roles) -> None:
    case.step("user", "sender", "poor")
    case.keys["sender/robot"] = case.keys["sender/poor"]
    arn = case.role(OTHERS)
    told = case.read_as_operator(case.refused(arn))
    assert [cause["code"] for cause in told["causes"]] == ["SA206", "SA209"]
    assert told["causes"][1]["mend"]["how"] == "change-trust"


def test_a_role_is_no_identity_that_others_sent_as(case: Roles) -> None:
    """What an owner's home page counts are sends."""
    case.refused(case.role(OTHERS))
    owner = case.names["owner"]
    read = case.world.services.store.read
    counted = case.world.run(read(lambda tx: decisions.refused_by_quarter(tx, owner, REGION, since=0)))
    assert [lent for _, _, lent in counted] in ([], [0])


def test_a_stranger_fills_no_owners_records_and_hides_behind_no_other_failures(case: Roles) -> None:
    arn = case.role(OTHERS)
    gone = arn.replace(case.names["owner"], "123456789012")
    for _ in range(MOST_A_MINUTE + 5):
        case.refused(gone)
    requests = [case.refused(arn) for _ in range(MOST_CALLS_A_MINUTE + 5)]
    store = case.world.services.store
    kept = case.world.run(latest(store, case.names["owner"], limit=1000))
    assert [one["request_id"] for one in kept] == requests[MOST_CALLS_A_MINUTE - 1 :: -1]
    absent = arn.replace("role/there", "role/gone")
    seen = {name: bool(case.read("sender", case.refused(name))["causes"]) for name in (arn, absent)}
    assert seen[arn] == seen[absent], "whether it is kept tells nothing of the role"


@pytest.mark.parametrize("is_own", [True, False], ids=["of the same account", "of another account"])
def test_a_deny_that_spares_nobody_who_has_a_boundary_is_named(case: Roles, is_own: bool) -> None:
    """Its NotPrincipal names the caller, who has a permissions boundary (IAM user guide, "Permissions boundaries")."""
    spared = [ROBOT, "arn:aws:iam::<sender>:root"]
    deny = ASSUME | {"Effect": "Deny", "NotPrincipal": {"AWS": spared}}
    if is_own:
        case.names["owner"], case.accounts["owner"] = case.names["sender"], case.accounts["sender"]
    case.step("boundary", "sender", "user/robot", EVERYTHING)
    arn, parameters = case.role(LET_IN, deny), dict[str, Any]()
    told = case.read("owner", case.refused(arn))
    [cause] = told["causes"]
    assert "statement 2" in cause["cause"]
    assert ("has a permissions boundary" in json.dumps(told)) == is_own
    case.do(cause["mend"], parameters)
    case.assume(arn, **parameters)
