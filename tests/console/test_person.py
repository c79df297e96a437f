"""A user's page says whether there is a password, codes, and when keys were used, to who may know it."""

from tests.console.test_leave import person_with
from tests.support.browser import Person, main_of
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
