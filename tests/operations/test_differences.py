"""What a change made different stands in its row: before and after, for every kind, bounded, and no secret in it."""

import json
from pathlib import Path
from typing import Any

import pytest

from sesame.access import differences
from sesame.aws.model import ServiceModel
from sesame.store import kept_state
from tests.operations.test_changes import ALLOW, REGION, World, with_world

KIND = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}],
}
POLICY = json.dumps(KIND)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
)
Step = tuple[str, str, dict[str, Any]]
"""Service, operation, request."""


def lending(world: World, sid: str) -> str:
    arn = f"arn:aws:ses:{REGION}:{world.account}:identity/one.example"
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": "222222222222"},
        "Action": "ses:SendEmail",
        "Resource": arn,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


async def last(world: World, name: str = "") -> list[dict[str, Any]]:
    """What the newest row says is different, or the newest of an operation."""
    rows = [one for one in await world.log() if name in ("", one["eventName"])]
    extra = rows[-1].get("additionalEventData") or {}
    found: list[dict[str, Any]] = extra.get("changed", [])
    return found


def as_pairs(changed: list[dict[str, Any]]) -> dict[str, tuple[Any, Any]]:
    return {one["field"]: (one["before"], one["after"]) for one in changed}


IDENTITY: Step = ("sesv2", "CreateEmailIdentity", {"EmailIdentity": "one.example"})
SET: Step = ("sesv2", "CreateConfigurationSet", {"ConfigurationSetName": "news"})
TEMPLATE: Step = (
    "sesv2",
    "CreateEmailTemplate",
    {"TemplateName": "t", "TemplateContent": {"Subject": "old", "Text": "same"}},
)
USER: Step = ("iam", "CreateUser", {"UserName": "ben"})
ROLE: Step = ("iam", "CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": TRUST})
GROUP: Step = ("iam", "CreateGroup", {"GroupName": "g"})
TOPIC: Step = ("sns", "CreateTopic", {"Name": "told"})
LIST: Step = ("sesv2", "CreateContactList", {"ContactListName": "l", "Description": "old"})
LENT = {"Identity": "one.example", "Delegate": "222222222222"}
ADDRESS = {"EmailAddress": "a@there.example"}

CHANGES: list[tuple[list[Step], Step, dict[str, tuple[Any, Any]]]] = [
    (
        [IDENTITY],
        ("ses", "SetIdentityDkimEnabled", {"Identity": "One.Example", "DkimEnabled": False}),
        {"DKIM signing": ("yes", "no")},
    ),
    (
        [IDENTITY],
        (
            "sesv2",
            "PutEmailIdentityMailFromAttributes",
            {"EmailIdentity": "one.example", "MailFromDomain": "bounce.one.example"},
        ),
        {"MAIL FROM domain": (None, "bounce.one.example")},
    ),
    (
        [IDENTITY, SET],
        (
            "sesv2",
            "PutEmailIdentityConfigurationSetAttributes",
            {"EmailIdentity": "one.example", "ConfigurationSetName": "news"},
        ),
        {"default configuration set": (None, "news")},
    ),
    (
        [IDENTITY, TOPIC],
        (
            "ses",
            "SetIdentityNotificationTopic",
            {"Identity": "one.example", "NotificationType": "Bounce", "SnsTopic": "TOPIC"},
        ),
        {"topic Bounce": (None, "TOPIC")},
    ),
    (
        [IDENTITY],
        (
            "sesv2",
            "PutEmailIdentityFeedbackAttributes",
            {"EmailIdentity": "one.example", "EmailForwardingEnabled": False},
        ),
        {"forwarding by mail": (None, "no")},
    ),
    ([IDENTITY], ("sesv2", "DeleteEmailIdentity", {"EmailIdentity": "one.example"}), {"DKIM signing": ("yes", None)}),
    (
        [SET],
        (
            "sesv2",
            "PutConfigurationSetSendingOptions",
            {"ConfigurationSetName": "news", "SendingEnabled": False},
        ),
        {"sending": ("yes", "no")},
    ),
    (
        [TEMPLATE],
        (
            "sesv2",
            "UpdateEmailTemplate",
            {"TemplateName": "t", "TemplateContent": {"Subject": "new", "Text": "same"}},
        ),
        {"subject": ("old", "new")},
    ),
    ([TEMPLATE], ("ses", "DeleteTemplate", {"TemplateName": "t"}), {"subject": ("old", None)}),
    (
        [USER],
        ("iam", "PutUserPolicy", {"UserName": "ben", "PolicyName": "p", "PolicyDocument": POLICY}),
        {"policy p": (None, POLICY)},
    ),
    (
        [USER, ("iam", "PutUserPolicy", {"UserName": "ben", "PolicyName": "p", "PolicyDocument": POLICY})],
        ("iam", "DeleteUserPolicy", {"UserName": "ben", "PolicyName": "p"}),
        {"policy p": (POLICY, None)},
    ),
    (
        [USER, GROUP],
        ("iam", "AddUserToGroup", {"UserName": "ben", "GroupName": "g"}),
        {"group g": (None, "yes")},
    ),
    (
        [USER],
        ("iam", "UpdateUser", {"UserName": "ben", "NewPath": "/team/", "NewUserName": "benno"}),
        {"path": ("/", "/team/")},
    ),
    (
        [USER],
        ("iam", "TagUser", {"UserName": "ben", "Tags": [{"Key": "team", "Value": "red"}]}),
        {"tags": ("[]", '[{"Key": "team", "Value": "red"}]')},
    ),
    ([ROLE], ("iam", "UpdateRole", {"RoleName": "r", "Description": "new"}), {"description": (None, "new")}),
    (
        [ROLE],
        ("iam", "PutRolePolicy", {"RoleName": "r", "PolicyName": "p", "PolicyDocument": POLICY}),
        {"policy p": (None, POLICY)},
    ),
    (
        [GROUP],
        ("iam", "PutGroupPolicy", {"GroupName": "g", "PolicyName": "p", "PolicyDocument": POLICY}),
        {"policy p": (None, POLICY)},
    ),
    (
        [("iam", "CreatePolicy", {"PolicyName": "m", "PolicyDocument": POLICY})],
        ("iam", "CreatePolicyVersion", {"PolicyArn": "MANAGED", "PolicyDocument": ALLOW, "SetAsDefault": True}),
        {"default version": ("1", "2"), "version 2": (None, ALLOW)},
    ),
    (
        [],
        ("ses", "UpdateAccountSendingEnabled", {"Enabled": False}),
        {"sending": (None, "no")},
    ),
    (
        [],
        ("sesv2", "PutAccountSuppressionAttributes", {"SuppressedReasons": ["BOUNCE"]}),
        {"suppressed for": (None, '["BOUNCE"]')},
    ),
    (
        [("sesv2", "PutSuppressedDestination", {**ADDRESS, "Reason": "BOUNCE"})],
        ("sesv2", "DeleteSuppressedDestination", ADDRESS),
        {"reason": ("BOUNCE", None)},
    ),
    (
        [IDENTITY, ("sesame", "PauseDelegate", {**LENT, "Reason": "x"})],
        ("sesame", "PutDelegateBounds", {**LENT, "MaxMessagesPerDay": 7}),
        {"messages per day": (None, "7")},
    ),
    (
        [TOPIC],
        ("sns", "SetTopicAttributes", {"TopicArn": "TOPIC", "AttributeName": "DisplayName", "AttributeValue": "N"}),
        {},
    ),
    (
        [LIST],
        ("sesv2", "UpdateContactList", {"ContactListName": "l", "Description": "new"}),
        {"description": ("old", "new")},
    ),
    ([], ("iam", "CreateAccountAlias", {"AccountAlias": "the-shop"}), {"alias": (None, "the-shop")}),
    (
        [("iam", "UpdateAccountPasswordPolicy", {"MinimumPasswordLength": 9})],
        ("iam", "UpdateAccountPasswordPolicy", {"MinimumPasswordLength": 12, "RequireNumbers": True}),
        {"least length": ("9", "12"), "numbers": ("no", "yes")},
    ),
    (
        [SET],
        ("sesv2", "TagResource", {"ResourceArn": "SET", "Tags": [{"Key": "team", "Value": "red"}]}),
        {"tag team": (None, "red")},
    ),
    (
        [("sesv2", "CreateDedicatedIpPool", {"PoolName": "p"})],
        ("sesv2", "DeleteDedicatedIpPool", {"PoolName": "p"}),
        {"scaling mode": ("STANDARD", None)},
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CHANGES, ids=lambda case: str(case[1][1]))
def test_a_change_says_what_was_before_and_what_is_after(
    tmp_path: Path, case: tuple[list[Step], Step, dict[str, tuple[Any, Any]]]
) -> None:
    before, step, expected = case

    async def check(world: World) -> None:
        arns = {
            "TOPIC": f"arn:aws:sns:{REGION}:{world.account}:told",
            "MANAGED": f"arn:aws:iam::{world.account}:policy/m",
            "SET": f"arn:aws:ses:{REGION}:{world.account}:configuration-set/news",
        }

        def named(value: Any) -> Any:
            return arns.get(value, value) if isinstance(value, str) else value

        for service, operation, request in (*before, step):
            given = {name: named(value) for name, value in request.items()}
            await world.call(world.root, service, operation, **given)
        found = as_pairs(await last(world, step[1]))
        assert found, step
        for field, (was, became) in expected.items():
            assert found.get(field) == (named(was), named(became)), found

    with_world(tmp_path, check)


def test_a_policy_of_an_identity_has_both_texts_and_no_other(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        await world.call(world.root, *IDENTITY[:2], **IDENTITY[2])
        for name, sid in (("other", "A"), ("p", "B"), ("p", "C")):
            await world.call(
                world.root, "ses", "PutIdentityPolicy",
                Identity="one.example", PolicyName=name, Policy=lending(world, sid),
            )  # fmt: skip
        (one,) = await last(world)
        assert one == {
            "of": "policy p of one.example",
            "field": "policy",
            "before": lending(world, "B"),
            "after": lending(world, "C"),
        }

    with_world(tmp_path, check)


def test_what_changes_nothing_has_no_difference(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        await world.call(world.root, *SET[:2], **SET[2])
        request = {"ConfigurationSetName": "news", "SendingEnabled": True}
        await world.call(world.root, "sesv2", "PutConfigurationSetSendingOptions", **request)
        assert await last(world) == []

    with_world(tmp_path, check)


def test_the_operators_changes_of_an_account_have_theirs(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        await world.services.operator.set_quota(
            world.account, REGION, max_24_hour_send=77, max_send_rate=None
        )
        found = as_pairs(await last(world))
        assert found[f"messages in 24 hours {REGION}"][1] == "77.0"

    with_world(tmp_path, check)


def test_no_secret_stands_in_a_row(tmp_path: Path) -> None:
    """Keys, passwords and seeds lie sealed or hashed in the tables that are looked at."""

    async def check(world: World) -> None:
        root = world.root
        await world.call(root, *USER[:2], **USER[2])
        made = await world.call(root, "iam", "CreateAccessKey", UserName="ben")
        await world.call(
            root, "iam", "CreateLoginProfile", UserName="ben", Password="Correct-Horse-9-battery"
        )
        await world.call(root, *SET[:2], **SET[2])
        hook = await world.call(
            root, "sesame", "CreateWebhook", ConfigurationSetName="news", EventDestinationName="w",
            Url="https://hooks.example/x", MatchingEventTypes=["SEND"],
        )  # fmt: skip
        await world.call(
            root, "sesame", "RotateWebhookSecret", ConfigurationSetName="news", EventDestinationName="w"
        )
        log = json.dumps(await world.log())
        key = made["AccessKey"]
        assert key["AccessKeyId"] in log
        secrets = [key["SecretAccessKey"], "Correct-Horse-9-battery", hook["Secret"], "argon2"]
        assert [one for one in secrets if one in log] == []

    with_world(tmp_path, check)


def test_columns_that_are_sealed_or_hashed_are_never_read() -> None:
    statements = [part.select for parts in kept_state.KINDS.values() for part in parts]
    assert not [one for one in statements if "*" in one]
    words = ("sealed", "secret", "password FROM", "digest", "seed", "token_", "private")
    assert [one for one in statements for word in words if word in one] == []


def test_long_texts_are_kept_from_where_they_differ() -> None:
    lines = "".join(f"line {n}\n" for n in range(5_000))
    was = {("template t", "HTML"): lines + "old\n"}
    became = {("template t", "HTML"): lines + "new\n"}
    (one,) = differences.difference(was, became)
    assert one["cut"] and one["before"].endswith("old\n") and one["after"].endswith("new\n")
    assert max(len(one["before"]), len(one["after"])) <= differences.MAX_TEXT


def test_a_change_of_much_is_bounded_and_says_how_much_is_left_out() -> None:
    after = {("user u", f"policy {n}"): "x" * 4_000 for n in range(50)}
    found = differences.difference({}, after)
    assert found[-1] == {"more": 50 - len(found) + 1}
    assert sum(len(one.get("after") or "") for one in found) <= differences.MAX_TOTAL
    many = differences.difference({}, {("contact list l", str(n)): "x" for n in range(900)})
    assert len(many) == differences.MAX_FIELDS + 1


WITHOUT = {
    # They change nothing that is set: a session, a message, a mail, a code that is used, or a test that runs.
    "sts", "Publish", "PublishBatch", "SendEmail", "SendRawEmail", "SendBulkEmail", "SendTemplatedEmail",
    "SendBulkTemplatedEmail", "TestRenderTemplate", "TestRenderEmailTemplate", "RunIdentityPolicyTests",
    "BatchGetMetricData", "SimulateCustomPolicy", "SimulatePrincipalPolicy",
    # What they change is a list of its own, each entry of which has its row: queued mail, links, stopped links.
    "CancelMessages", "StopTrackedLinks", "ResumeTrackedLinks", "DeleteShareLink",
    # Their parameters say all that there is.
    "PutAccountVdmAttributes", "CreateVirtualMFADevice", "DeleteVirtualMFADevice", "TagMFADevice", "UntagMFADevice",
    "CancelDelegateMessages", "CreateShareLink",
}  # fmt: skip


@pytest.mark.parametrize("service", ["ses", "sesv2", "iam", "sns", "sesame"])
def test_every_operation_that_changes_something_names_what_it_changes(service: str) -> None:
    """A new operation is either looked at before and after, or stands in the list above with why not."""
    raw = json.loads(
        (Path(differences.__file__).parents[1] / "aws" / "models" / f"{service}.json").read_bytes()
    )
    arn = f"arn:aws:sns:{REGION}:111122223333:thing"
    silent = []
    for name, operation in ServiceModel.load(service).operations.items():
        if operation.is_read or name in WITHOUT:
            continue
        members = (
            raw["shapes"][raw["operations"][name]["input"]["shape"]]["members"]
            if "input" in raw["operations"][name]
            else {}
        )
        parameters: dict[str, Any] = {
            one[:1].lower() + one[1:]: arn if one.endswith("Arn") else "thing" for one in members
        }
        for one, inner in (("configurationSet", "name"), ("template", "templateName")):
            if one in parameters:
                parameters[one] = {inner: "thing"}
        if not differences.named(name, parameters, account_id="111122223333", region=REGION, user="u"):
            silent.append(name)
    assert silent == []
