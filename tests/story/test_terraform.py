"""Terraform with the AWS provider, unmodified: what it makes works, a second plan is empty, all goes again."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sesame.aws.smtp_password import smtp_password
from tests.support.process import REGION, Account, SesameProcess
from tests.support.terraform import Terraform


def test_a_configuration_is_applied_is_stable_works_and_goes(sesame: SesameProcess, tmp_path: Path) -> None:
    owner, delegate = sesame.create_account(), sesame.create_account()
    domain = f"{owner.account_id}.test"
    terraform = Terraform(tmp_path, sesame, owner, domain=domain, delegate=delegate.account_id)
    terraform("init", "-no-color")
    terraform("apply", "-auto-approve", "-no-color")
    terraform("plan", "-detailed-exitcode", "-no-color")  # 2, and so a failure, if anything would change
    outputs = terraform.outputs()
    assert outputs["smtp_password"] == smtp_password(outputs["secret"], REGION)
    send: dict[str, Any] = {
        "Source": f"news@{domain}",
        "Destination": {"ToAddresses": ["reader@elsewhere.test"]},
        "Message": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
        "SourceArn": f"arn:aws:ses:{REGION}:{owner.account_id}:identity/{domain}",
    }
    mailer = Account(owner.account_id, outputs["smtp_user"], outputs["secret"])
    assumed = sesame.client("sts", mailer).assume_role(RoleArn=outputs["role"], RoleSessionName="job")
    assert assumed["AssumedRoleUser"]["Arn"].endswith(":assumed-role/sender/job")
    ses = sesame.client("ses", delegate)
    assert ses.send_email(**send)["MessageId"]
    terraform("destroy", "-auto-approve", "-no-color")
    assert sesame.client("ses", owner).list_identities()["Identities"] == []
    with pytest.raises(ClientError, match="is not authorized to perform"):
        ses.send_email(**send)
