"""Revocation of management: nothing is changed under a permission once its removal has answered (I4).

The audit log is in the order of the commits, so it says by itself what was changed after the removal.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.patience import PATIENCE_S
from tests.support.process import REGION, Account, SesameProcess
from tests.support.signed_client import SignedClient

THREADS = 6
BEFORE = 40
"""Changes before the removal, so that it falls into running load."""
AFTER = 20
"""Refusals that each thread goes on for."""
LONGEST_S = 5.0
"""After the removal the threads end by themselves, even if nothing is refused."""


def document(**statement: Any) -> str:
    usual = {"Effect": "Allow", "Action": "ses:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [usual | statement]})


@dataclass
class World:
    """An account, and a user of it who changes things."""

    sesame: SesameProcess
    root: Account
    user: Account
    changed: list[float] = field(default_factory=list)
    """When each change that was let through began, by this process's clock."""

    def change(self, client: SignedClient) -> bool:
        began = time.monotonic()
        reply = client.call("UpdateAccountSendingEnabled", {"Enabled": "true"})
        if reply.status == 200:
            self.changed.append(began)
        return reply.status == 200


@pytest.fixture
def world(sesame: SesameProcess) -> World:
    root = sesame.create_account()
    iam = sesame.client("iam", root)
    iam.create_user(UserName="changer")
    iam.put_user_policy(UserName="changer", PolicyName="p", PolicyDocument=document())
    key = iam.create_access_key(UserName="changer")["AccessKey"]
    return World(sesame, root, Account(root.account_id, key["AccessKeyId"], key["SecretAccessKey"]))


def delete_policy(world: World) -> str:
    iam = world.sesame.client("iam", world.root)
    iam.delete_user_policy(UserName="changer", PolicyName="p")
    return "DeleteUserPolicy"


def deny(world: World) -> str:
    iam = world.sesame.client("iam", world.root)
    iam.put_user_policy(UserName="changer", PolicyName="q", PolicyDocument=document(Effect="Deny"))
    return "PutUserPolicy"


def delete_key(world: World) -> str:
    iam = world.sesame.client("iam", world.root)
    iam.delete_access_key(UserName="changer", AccessKeyId=world.user.access_key_id)
    return "DeleteAccessKey"


def delete_user_by_operator(world: World) -> str:
    """By the command line, in another process."""
    world.sesame.run("user", "delete", world.root.account_id, "changer")
    return "DeleteUser"


@pytest.mark.parametrize("revoke", [delete_policy, deny, delete_key, delete_user_by_operator])
def test_nothing_is_changed_after_the_removal_has_answered(
    revoke: Callable[[World], str], world: World
) -> None:
    running = threading.Event()
    end_at = float("inf")

    def work() -> None:
        refused = 0
        with SignedClient(world.sesame.api, world.user) as client:
            while refused < AFTER and time.monotonic() < end_at:
                refused = 0 if world.change(client) else refused + 1
                if len(world.changed) >= BEFORE:
                    running.set()

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    assert running.wait(PATIENCE_S)
    name = revoke(world)
    answered = time.monotonic()
    end_at = answered + LONGEST_S
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    assert [began for began in world.changed if began > answered] == []
    lines = world.sesame.run("audit", "export", world.root.account_id).stdout.splitlines()
    events = [json.loads(line) for line in lines]
    done = [event for event in events if "errorCode" not in event]
    assert [event["awsRegion"] for event in done if event["eventName"] == "UpdateAccountSendingEnabled"] == [
        REGION
    ] * len(world.changed), "each change has its row, and no other has one"
    removed_at = max(event["sesameAudit"]["sequence"] for event in done if event["eventName"] == name)
    late = [
        event
        for event in done
        if event["sesameAudit"]["sequence"] > removed_at
        and event["userIdentity"].get("userName") == "changer"
    ]
    assert late == []
