"""What users cannot have here, as clients ask for it before they delete one."""

import pytest
from botocore.exceptions import ClientError

from tests.support.process import SesameProcess


def test_nobody_has_devices_certificates_or_a_password(sesame: SesameProcess) -> None:
    iam = sesame.client("iam", sesame.create_account())
    iam.create_user(UserName="anna")
    assert iam.list_mfa_devices(UserName="anna")["MFADevices"] == []
    assert iam.list_ssh_public_keys(UserName="anna")["SSHPublicKeys"] == []
    assert iam.list_service_specific_credentials(UserName="anna")["ServiceSpecificCredentials"] == []
    assert iam.list_service_specific_credentials(AllUsers=True)["ServiceSpecificCredentials"] == []
    assert iam.list_signing_certificates(UserName="anna")["Certificates"] == []
    assert iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []
    assert iam.list_account_aliases()["AccountAliases"] == []
    for call in (iam.get_login_profile, iam.delete_login_profile):
        with pytest.raises(
            ClientError, match=r"\(NoSuchEntity\).*Login Profile for User anna cannot be found"
        ):
            call(UserName="anna")
    for call in (iam.list_mfa_devices, iam.list_signing_certificates, iam.get_login_profile):
        with pytest.raises(ClientError, match=r"\(NoSuchEntity\).*user with name nobody"):
            call(UserName="nobody")
