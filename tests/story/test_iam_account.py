"""IAM's views of a whole account, and groups that get another name, by boto3. Source: IAM API reference."""

import json
from typing import Any

import pytest

from tests.support.process import SesameProcess
from tests.support.refused import refused
from tests.support.signed_client import policy
from tests.support.tenant import Tenant

ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [ALLOW]})
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}],
    }
)
LISTS = {
    "UserDetailList": "UserName",
    "GroupDetailList": "GroupName",
    "RoleDetailList": "RoleName",
    "Policies": "PolicyName",
}
AWS = "arn:aws:iam::aws:policy/AmazonSESReadOnlyAccess"


@pytest.fixture
def tenant(sesame: SesameProcess) -> Tenant:
    return Tenant(sesame, sesame.create_account())


def furnish(iam: Any) -> str:
    """Two users, a group, a role and a policy of two versions that hang together; the ARN of the policy."""
    tags = [{"Key": "team", "Value": "news"}]
    arn = str(
        iam.create_policy(PolicyName="send", PolicyDocument=DOCUMENT, Description="sends")["Policy"]["Arn"]
    )
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=DOCUMENT, SetAsDefault=True)
    for name in ("anna", "bela"):
        iam.create_user(UserName=name, Path="/people/", Tags=tags)
    iam.create_group(GroupName="mailers")
    iam.create_role(RoleName="job", AssumeRolePolicyDocument=TRUST, Tags=tags)
    iam.add_user_to_group(GroupName="mailers", UserName="anna")
    iam.put_user_policy(UserName="anna", PolicyName="own", PolicyDocument=DOCUMENT)
    iam.put_group_policy(GroupName="mailers", PolicyName="all", PolicyDocument=DOCUMENT)
    iam.put_role_policy(RoleName="job", PolicyName="it", PolicyDocument=DOCUMENT)
    iam.attach_group_policy(GroupName="mailers", PolicyArn=arn)
    iam.attach_role_policy(RoleName="job", PolicyArn=AWS)
    return arn


def test_details_are_what_the_calls_for_each_answer(tenant: Tenant) -> None:
    """A user, a group, a role and policies as they are by themselves, with what is attached."""
    iam = tenant.iam
    arn = furnish(iam)
    found = iam.get_account_authorization_details()
    anna, bela = found["UserDetailList"]
    assert anna == {
        **iam.get_user(UserName="anna")["User"],
        "UserPolicyList": [{"PolicyName": "own", "PolicyDocument": json.loads(DOCUMENT)}],
        "GroupList": ["mailers"],
        "AttachedManagedPolicies": [],
    }
    assert (bela["UserPolicyList"], bela["GroupList"]) == ([], [])
    (group,) = found["GroupDetailList"]
    assert group == {
        **iam.get_group(GroupName="mailers")["Group"],
        "GroupPolicyList": [{"PolicyName": "all", "PolicyDocument": json.loads(DOCUMENT)}],
        "AttachedManagedPolicies": [{"PolicyName": "send", "PolicyArn": arn}],
    }
    (role,) = found["RoleDetailList"]
    itself = iam.get_role(RoleName="job")["Role"]
    del itself["MaxSessionDuration"]
    assert role == {
        **itself,
        "InstanceProfileList": [],
        "RolePolicyList": [{"PolicyName": "it", "PolicyDocument": json.loads(DOCUMENT)}],
        "AttachedManagedPolicies": [{"PolicyName": "AmazonSESReadOnlyAccess", "PolicyArn": AWS}],
    }
    own, of_aws = found["Policies"]
    versions = own.pop("PolicyVersionList")
    assert own == iam.get_policy(PolicyArn=arn)["Policy"]
    assert [(version["VersionId"], version["IsDefaultVersion"]) for version in versions] == [
        ("v2", True),
        ("v1", False),
    ]
    assert versions[1]["Document"] == json.loads(DOCUMENT)
    assert (of_aws["Arn"], of_aws["AttachmentCount"]) == (AWS, 1)
    assert found["IsTruncated"] is False


def test_details_come_by_page_and_by_kind(tenant: Tenant) -> None:
    """Each entry once, in the order of the whole, whatever the size of a page."""
    iam = tenant.iam
    furnish(iam)
    whole = ["anna", "bela", "mailers", "job", "send", "AmazonSESReadOnlyAccess"]
    for size in (1, 2, 5, 6, 1000):
        pages = iam.get_paginator("get_account_authorization_details").paginate(
            PaginationConfig={"PageSize": size}
        )
        entries = [[each[name] for kind, name in LISTS.items() for each in page[kind]] for page in pages]
        assert [name for page in entries for name in page] == whole
        assert all(len(page) <= size for page in entries)
    for kind, names in (
        (["User"], ["anna", "bela"]),
        (["LocalManagedPolicy"], ["send"]),
        (["AWSManagedPolicy", "Role"], ["job", "AmazonSESReadOnlyAccess"]),
    ):
        page = iam.get_account_authorization_details(Filter=kind)
        assert [each[name] for kind, name in LISTS.items() for each in page[kind]] == names
    invalid = refused(iam.get_account_authorization_details, Marker="eA==")
    assert invalid == ("ValidationError", "Invalid Marker: eA==")


def test_a_role_that_trusts_somebody_who_is_gone_shows_the_unique_id(tenant: Tenant) -> None:
    """As GetRole does: the name may be another's now."""
    user = tenant.iam.create_user(UserName="anna")["User"]
    trust = json.loads(TRUST)
    trust["Statement"][0]["Principal"] = {"AWS": user["Arn"]}
    tenant.iam.create_role(RoleName="job", AssumeRolePolicyDocument=json.dumps(trust))
    tenant.iam.delete_user(UserName="anna")
    (role,) = tenant.iam.get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"AWS": user["UserId"]}


def test_a_summary_counts_what_an_account_has(tenant: Tenant) -> None:
    """Numbers of things and those quotas that hold."""
    iam = tenant.iam
    furnish(iam)
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="d")
    assert device["VirtualMFADevice"]["SerialNumber"]
    summary = iam.get_account_summary()["SummaryMap"]
    counted = {
        "Users": 2,
        "Groups": 1,
        "Roles": 1,
        "Policies": 1,
        "PolicyVersionsInUse": 2,
        "MFADevices": 1,
        "MFADevicesInUse": 0,
        "AccountMFAEnabled": 0,
        "AccountPasswordPresent": 0,
        "AccountAccessKeysPresent": 1,
        "InstanceProfiles": 0,
        "Providers": 0,
    }
    assert {name: summary[name] for name in counted} == counted
    assert (summary["GroupsQuota"], summary["VersionsPerPolicyQuota"]) == (300, 5)
    assert (summary["UserPolicySizeQuota"], summary["AccessKeysPerUserQuota"]) == (2048, 2)


def test_an_account_has_no_password_policy(tenant: Tenant) -> None:
    """In IAM's words for one that was never set."""
    account_id = tenant.account.account_id
    words = f"The Password Policy with domain name {account_id} cannot be found."
    assert refused(tenant.iam.get_account_password_policy) == ("NoSuchEntity", words)


def test_a_group_that_gets_another_name_keeps_members_and_policies(tenant: Tenant) -> None:
    """It is the same group, under the unique id that it had."""
    iam = tenant.iam
    furnish(iam)
    before = iam.get_group(GroupName="mailers")
    iam.update_group(GroupName="mailers", NewGroupName="senders", NewPath="/all/")
    after = iam.get_group(GroupName="senders")
    arn = f"arn:aws:iam::{tenant.account.account_id}:group/all/senders"
    assert after["Group"] == {**before["Group"], "GroupName": "senders", "Path": "/all/", "Arn": arn}
    assert after["Users"] == before["Users"]
    assert iam.list_group_policies(GroupName="senders")["PolicyNames"] == ["all"]
    assert [each["GroupName"] for each in iam.list_groups_for_user(UserName="anna")["Groups"]] == ["senders"]
    missing = ("NoSuchEntity", "The group with name mailers cannot be found.")
    assert refused(iam.get_group, GroupName="mailers") == missing
    assert refused(iam.update_group, GroupName="mailers", NewPath="/") == missing
    iam.update_group(GroupName="senders")
    iam.update_group(GroupName="senders", NewGroupName="Senders")
    assert iam.get_group(GroupName="senders")["Group"]["GroupName"] == "Senders"


def test_a_name_that_is_taken_is_refused(tenant: Tenant) -> None:
    """Names are unique without regard to case; both groups stay as they were."""
    iam = tenant.iam
    for name in ("one", "two"):
        iam.create_group(GroupName=name)
    taken = refused(iam.update_group, GroupName="one", NewGroupName="TWO")
    assert taken == ("EntityAlreadyExists", "Group with name TWO already exists.")
    assert refused(iam.update_group, GroupName="one", NewGroupName="o e")[0] == "ValidationError"
    assert refused(iam.update_group, GroupName="one", NewPath="p")[0] == "ValidationError"
    assert [group["GroupName"] for group in iam.list_groups()["Groups"]] == ["one", "two"]


def test_renaming_takes_the_permission_for_both_names(tenant: Tenant) -> None:
    """Else a group could be moved to where another's permission reaches."""
    iam = tenant.iam
    iam.create_group(GroupName="one")
    arns = [f"arn:aws:iam::{tenant.account.account_id}:group/{name}" for name in ("one", "two")]
    for name, resource in (("anna", arns[0]), ("bela", arns[1])):
        user = tenant.user(
            name, policy({"Effect": "Allow", "Action": "iam:UpdateGroup", "Resource": resource})
        )
        assert refused(user.iam.update_group, GroupName="one", NewGroupName="two")[0] == "AccessDenied"
    both = tenant.user("cara", policy({"Effect": "Allow", "Action": "iam:UpdateGroup", "Resource": arns}))
    both.iam.update_group(GroupName="one", NewGroupName="two")
    assert [group["GroupName"] for group in iam.list_groups()["Groups"]] == ["two"]
