"""What is answered at a step has no work left behind it, whose time could tell what the step hides (I9)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sesame.db import Transaction
from tests.support.refusal_world import REGION, Case, World

SEND = {
    "Destination": {"ToAddresses": ["a@b.test"]},
    "Message": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
}
USERS = [f"arn:aws:iam::<owner>:user/other{number}" for number in range(3)]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """A user who may do everything, a role that trusts others, and a lender."""
    world = World.open(tmp_path_factory.mktemp("pace") / "data", SESAME_ACCOUNTS__REFUSAL_STEP_S="0.05")
    case = Case(world)
    case.account("owner"), case.account("lender")
    case.step("identity", "lender", "lent.test")
    case.step("user", "owner", "asker", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    iam = world.client("iam", case.keys["owner"])
    for arn in USERS:
        iam.create_user(UserName=arn.rpartition("/")[2])
    statement = {"Effect": "Allow", "Principal": {"AWS": case.fill(USERS)}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.create_role(RoleName="there", AssumeRolePolicyDocument=trust)
    yield case
    world.close()


def asked(case: Case, kind: str) -> None:
    """Ask for what is refused at a step."""
    client = {"role": "sts"}.get(kind.partition(" ")[0], "ses")
    calls = case.world.client(client, case.keys["owner/asker"])
    number = case.account("lender").account_id
    match kind.split():
        case ["role", name]:
            arn = f"arn:aws:iam::{case.account('owner').account_id}:role/{name}"
            calls.assume_role(RoleArn=arn, RoleSessionName="session")
        case ["send", domain]:
            arn = f"arn:aws:ses:{REGION}:{number}:identity/{domain}"
            calls.send_email(Source=f"a@{domain}", SourceArn=arn, **SEND)


@pytest.mark.parametrize("kind", ["role there", "role gone", "send lent.test", "send gone.test"])
def test_a_refusal_is_kept_before_the_step_at_which_it_is_answered(
    case: Case, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, kept = case.world, []

    async def count(tx: Transaction) -> int:
        row = await tx.one("SELECT COUNT(*) FROM refusal")
        return int(row[0]) if row else 0

    async def hold(*_: Any) -> None:
        kept.append(await world.services.store.read(count))

    monkeypatch.setattr(world.doors.pace, "_sleep", hold)
    before = world.run(world.services.store.read(count))
    with pytest.raises(ClientError, match="not authorized"):
        asked(case, kind)
    assert kept == [before + 1] == [world.run(world.services.store.read(count))]
