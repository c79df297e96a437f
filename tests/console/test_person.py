"""A user's page says whether there is a password, codes, and when keys were used, to who may know it."""

import base64
import json
import time

from sesame.access.passwords import STEP_S, totp
from tests.console.test_leave import person_with
from tests.support.browser import Person, main_of, words
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant

HERE = f"/{REGION}/people/users/plain"


def test_passwords_codes_and_keys_are_told(tenant: Tenant, person: Person) -> None:
    tenant.iam.create_user(UserName="plain")
    assert "This user has no password, and cannot log in here." in main_of(person.get(HERE))
    tenant.iam.create_login_profile(UserName="plain", Password="Correct-horse-1")
    assert "This user has a password and no device for codes." in main_of(person.get(HERE))
    tenant.iam.create_access_key(UserName="plain")
    assert "never Disable" in main_of(person.get(HERE))


def test_what_may_not_be_read_is_not_shown(sesame: SesameProcess, tenant: Tenant) -> None:
    tenant.iam.create_user(UserName="plain")
    tenant.iam.create_login_profile(UserName="plain", Password="Correct-horse-1")
    one = person_with(sesame, tenant, "iam:GetUser")
    assert "This user has" not in main_of(one.get(HERE))
    other = person_with(sesame, tenant, "iam:GetUser", "iam:GetLoginProfile")
    assert "This user has a password." in main_of(other.get(HERE))


def row_of(person: Person, name: str) -> list[str]:
    """What the list of people says of a user: the password and the second factor."""
    page = person.get(f"/{REGION}/people").text
    row = next(row for row in page.split("<tr>") if f'people/users/{name}"' in row)
    cells = (row.partition(f'data-label="{label}">')[2] for label in ("Password", "Second factor"))
    return [words(cell.partition("</td>")[0]).strip() for cell in cells]


def test_the_list_says_who_has_a_password_and_a_second_factor(tenant: Tenant, person: Person) -> None:
    for name in ("plain", "reader", "careful"):
        tenant.iam.create_user(UserName=name)
    for name in ("reader", "careful"):
        tenant.iam.create_login_profile(UserName=name, Password="Correct-horse-1")
    made = tenant.iam.create_virtual_mfa_device(VirtualMFADeviceName="careful")["VirtualMFADevice"]
    assert row_of(person, "careful") == ["yes", "no"], "a device that nobody has enabled is no second factor"
    seed, step = base64.b32decode(made["Base32StringSeed"]), int(time.time() // STEP_S)
    tenant.iam.enable_mfa_device(
        UserName="careful",
        SerialNumber=made["SerialNumber"],
        AuthenticationCode1=totp(seed, step - 1),
        AuthenticationCode2=totp(seed, step),
    )
    assert [row_of(person, one) for one in ("plain", "reader", "careful")] == [
        ["no", "no"], ["yes", "no"], ["yes", "yes"],
    ]  # fmt: skip


def test_the_list_says_nothing_of_whom_one_may_not_know(sesame: SesameProcess, tenant: Tenant) -> None:
    for name in ("plain", "secret"):
        tenant.iam.create_user(UserName=name)
        tenant.iam.create_login_profile(UserName=name, Password="Correct-horse-1")
    lists = person_with(sesame, tenant, "iam:ListUsers")
    assert row_of(lists, "plain") == ["may not be seen", "may not be seen"]
    some = person_with(sesame, tenant, "iam:ListUsers", "iam:GetLoginProfile")
    reader = tenant.iam.list_users()["Users"][-1]["UserName"]
    denial = {"Effect": "Deny", "Action": "iam:GetLoginProfile", "Resource": "arn:aws:iam::*:user/secret"}
    tenant.iam.put_user_policy(
        UserName=reader,
        PolicyName="not-that-one",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [denial]}),
    )
    assert row_of(some, "plain") == ["yes", "may not be seen"]
    assert row_of(some, "secret") == ["may not be seen", "may not be seen"]
