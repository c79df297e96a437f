"""Terraform with the AWS provider, unmodified: what it makes works, a second plan is empty, all goes again.

One configuration for all, in one run: the provider takes three processor seconds to begin, at each of some ten turns.
"""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sesame.aws.smtp_password import smtp_password
from tests.story.test_dedicated_ips import FIRST, World, world
from tests.support.process import REGION, Account
from tests.support.terraform import Terraform

__all__ = ["world"]


def test_a_configuration_is_applied_is_stable_works_and_goes(world: World, tmp_path: Path) -> None:
    sesame, owner, delegate = world.sesame, world.account, world.other
    before = sesame.client("ses", owner).list_identities()["Identities"]
    domain = f"made.{owner.account_id}.test"
    terraform = Terraform(tmp_path, sesame, owner, domain=domain, delegate=delegate.account_id, ip=FIRST)
    terraform("init", "-no-color")
    terraform("apply", "-auto-approve", "-no-color")
    terraform("plan", "-detailed-exitcode", "-no-color")  # 2, and so a failure, if anything would change
    sesame.vouch(owner, domain)
    outputs = terraform.outputs()
    assert outputs["smtp_password"] == smtp_password(outputs["secret"], REGION)
    send: dict[str, Any] = {
        "Source": f"news@{domain}",
        "Destination": {"ToAddresses": ["reader@sink.test"]},
        "Message": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
        "SourceArn": f"arn:aws:ses:{REGION}:{owner.account_id}:identity/{domain}",
    }
    mailer = Account(owner.account_id, outputs["smtp_user"], outputs["secret"])
    assumed = sesame.client("sts", mailer).assume_role(RoleArn=outputs["role"], RoleSessionName="job")
    assert assumed["AssumedRoleUser"]["Arn"].endswith(":assumed-role/sender/job")
    ses = sesame.client("ses", delegate)
    assert ses.send_email(**send)["MessageId"]
    assert outputs["ips"] == [FIRST]
    assert outputs["pool"] == f"arn:aws:ses:{REGION}:{owner.account_id}:dedicated-ip-pool/tf-news"
    assert world.came_from(configuration_set="tf-news")[0] == FIRST
    terraform("destroy", "-auto-approve", "-no-color")
    assert sesame.client("ses", owner).list_identities()["Identities"] == before
    with pytest.raises(ClientError, match="is not authorized to perform"):
        ses.send_email(**send)
    assert (
        world.client().get_dedicated_ip(Ip=FIRST)["DedicatedIp"]["PoolName"] == "ses-default-dedicated-pool"
    )
    pools = world.client().list_dedicated_ip_pools()["DedicatedIpPools"]
    assert pools == ["ses-default-dedicated-pool", "ses-shared-pool"]
