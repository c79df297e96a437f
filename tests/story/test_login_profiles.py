"""Passwords and devices of IAM users, as boto3 and Terraform make them."""

import base64
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sesame.access.passwords import STEP_S, totp
from tests.support.documents import document
from tests.support.process import Account, SesameProcess

PASSWORD = "Correct-horse-1"


@pytest.fixture
def iam(sesame: SesameProcess) -> Any:
    client = sesame.client("iam", sesame.create_account())
    client.create_user(UserName="anna")
    return client


def codes(seed: bytes, steps: tuple[int, int]) -> dict[str, str]:
    current = int(time.time() // STEP_S)
    return {
        f"AuthenticationCode{number}": totp(seed, current + step)
        for number, step in enumerate(steps, start=1)
    }


def test_a_password_is_made_read_changed_and_taken_away(iam: Any) -> None:
    made = iam.create_login_profile(UserName="anna", Password=PASSWORD, PasswordResetRequired=True)
    assert made["LoginProfile"]["PasswordResetRequired"]
    read = iam.get_login_profile(UserName="anna")["LoginProfile"]
    assert (read["UserName"], read["PasswordResetRequired"]) == ("anna", True)
    assert read["CreateDate"] == made["LoginProfile"]["CreateDate"]
    with pytest.raises(ClientError, match=r"\(EntityAlreadyExists\)"):
        iam.create_login_profile(UserName="anna", Password=PASSWORD)
    iam.update_login_profile(UserName="anna", PasswordResetRequired=False)
    assert not iam.get_login_profile(UserName="anna")["LoginProfile"]["PasswordResetRequired"]
    with pytest.raises(ClientError, match=r"\(DeleteConflict\).*login profile"):
        iam.delete_user(UserName="anna")
    iam.delete_login_profile(UserName="anna")
    iam.delete_user(UserName="anna")


@pytest.mark.parametrize("weak", ["Short-1", "alllowercase1", "12345678", "NOLOWER1"])
def test_a_weak_password_is_refused(iam: Any, weak: str) -> None:
    with pytest.raises(ClientError, match=r"\(PasswordPolicyViolation\)"):
        iam.create_login_profile(UserName="anna", Password=weak)


def test_a_user_changes_its_own_password_with_the_old_one(sesame: SesameProcess, iam: Any) -> None:
    iam.create_login_profile(UserName="anna", Password=PASSWORD, PasswordResetRequired=True)
    iam.put_user_policy(
        UserName="anna",
        PolicyName="own",
        PolicyDocument='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",'
        ' "Action": "iam:ChangePassword", "Resource": "*"}]}',
    )
    key = iam.create_access_key(UserName="anna")["AccessKey"]
    own = sesame.client("iam", Account("", key["AccessKeyId"], key["SecretAccessKey"]))
    with pytest.raises(ClientError, match="old password was incorrect"):
        own.change_password(OldPassword="Wrong-horse-1", NewPassword="Correct-horse-2")
    own.change_password(OldPassword=PASSWORD, NewPassword="Correct-horse-2")
    assert not iam.get_login_profile(UserName="anna")["LoginProfile"]["PasswordResetRequired"]
    for _ in range(9):
        with pytest.raises(ClientError, match="old password was incorrect"):
            own.change_password(OldPassword=PASSWORD, NewPassword="Correct-horse-3")
    with pytest.raises(ClientError, match=r"\(Throttling\)"):
        own.change_password(OldPassword="Correct-horse-2", NewPassword="Correct-horse-3")


def test_root_has_no_password_to_change(iam: Any) -> None:
    with pytest.raises(ClientError, match=r"\(InvalidUserType\)"):
        iam.change_password(OldPassword=PASSWORD, NewPassword="Correct-horse-2")


def test_a_device_is_made_enabled_listed_and_taken_away(iam: Any) -> None:
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    serial, seed = made["SerialNumber"], base64.b32decode(made["Base32StringSeed"])
    assert made["QRCodePNG"].startswith(b"\x89PNG")
    assert iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"] == []
    for wrong in ((0, 0), (0, -1), (5, 6)):
        with pytest.raises(ClientError, match=r"\(InvalidAuthenticationCode\)"):
            iam.enable_mfa_device(UserName="anna", SerialNumber=serial, **codes(seed, wrong))
    iam.enable_mfa_device(UserName="anna", SerialNumber=serial, **codes(seed, (-1, 0)))
    (device,) = iam.list_mfa_devices(UserName="anna")["MFADevices"]
    assert (device["UserName"], device["SerialNumber"]) == ("anna", serial)
    (listed,) = iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]
    assert listed["User"]["UserName"] == "anna"
    assert iam.get_mfa_device(UserName="anna", SerialNumber=serial)["EnableDate"] == device["EnableDate"]
    for used in ((-2, -1), (-1, 0)):
        with pytest.raises(ClientError, match=r"\(InvalidAuthenticationCode\)"):
            iam.resync_mfa_device(UserName="anna", SerialNumber=serial, **codes(seed, used))
    iam.resync_mfa_device(UserName="anna", SerialNumber=serial, **codes(seed, (0, 1)))
    with pytest.raises(ClientError, match=r"\(DeleteConflict\)"):
        iam.delete_virtual_mfa_device(SerialNumber=serial)
    with pytest.raises(ClientError, match=r"\(DeleteConflict\).*MFA"):
        iam.delete_user(UserName="anna")
    iam.deactivate_mfa_device(UserName="anna", SerialNumber=serial)
    iam.delete_virtual_mfa_device(SerialNumber=serial)
    iam.delete_user(UserName="anna")


def test_devices_in_use_are_all_found_page_by_page(iam: Any) -> None:
    """A page that begins with devices nobody uses leads on to those that somebody does."""
    made = [
        iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
        for name in ("a", "b", "c")
    ]
    serial, seed = made[2]["SerialNumber"], base64.b32decode(made[2]["Base32StringSeed"])
    iam.enable_mfa_device(UserName="anna", SerialNumber=serial, **codes(seed, (-1, 0)))
    pages = iam.get_paginator("list_virtual_mfa_devices").paginate(
        AssignmentStatus="Assigned", PaginationConfig={"PageSize": 1}
    )
    found = [device["SerialNumber"] for page in pages for device in page["VirtualMFADevices"]]
    assert found == [serial]


def test_the_device_of_another_account_is_nobodys(sesame: SesameProcess, iam: Any) -> None:
    theirs = sesame.client("iam", sesame.create_account())
    made = theirs.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    seed = base64.b32decode(made["Base32StringSeed"])
    with pytest.raises(ClientError, match=r"\(NoSuchEntity\)"):
        iam.enable_mfa_device(UserName="anna", SerialNumber=made["SerialNumber"], **codes(seed, (-1, 0)))
    with pytest.raises(ClientError, match=r"\(NoSuchEntity\)"):
        iam.get_mfa_device(UserName="anna", SerialNumber=made["SerialNumber"])


def test_a_device_has_tags_as_terraform_gives_them(sesame: SesameProcess, iam: Any) -> None:
    team = {"Key": "team", "Value": "mail"}
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName="d", Tags=[team])["VirtualMFADevice"]
    serial = {"SerialNumber": made["SerialNumber"]}
    assert made["Tags"] == [team]
    assert iam.list_mfa_device_tags(**serial)["Tags"] == [team]
    iam.tag_mfa_device(**serial, Tags=[{"Key": "Team", "Value": "news"}, {"Key": "a", "Value": "b"}])
    held = iam.list_mfa_device_tags(**serial)["Tags"]
    assert held == [{"Key": "Team", "Value": "news"}, {"Key": "a", "Value": "b"}]
    assert iam.list_mfa_device_tags(**serial, MaxItems=1)["IsTruncated"]
    for name, allowed in (("blue", False), ("news", True)):
        condition = {"StringEquals": {"aws:ResourceTag/team": name}}
        text = document({"Effect": "Allow", "Action": "iam:*", "Resource": "*", "Condition": condition})
        iam.put_user_policy(UserName="anna", PolicyName="p", PolicyDocument=text)
        key = iam.create_access_key(UserName="anna")["AccessKey"]
        anna = sesame.client("iam", Account("", key["AccessKeyId"], key["SecretAccessKey"]))
        if allowed:
            anna.untag_mfa_device(**serial, TagKeys=["A"])
        else:
            with pytest.raises(ClientError, match=r"\(AccessDenied\)"):
                anna.untag_mfa_device(**serial, TagKeys=["A"])
    assert iam.list_mfa_device_tags(**serial)["Tags"] == [{"Key": "Team", "Value": "news"}]
    iam.delete_virtual_mfa_device(**serial)
    with pytest.raises(ClientError, match=r"\(NoSuchEntity\)"):
        iam.list_mfa_device_tags(**serial)
    iam.create_virtual_mfa_device(VirtualMFADeviceName="d")
    assert iam.list_mfa_device_tags(**serial)["Tags"] == []
