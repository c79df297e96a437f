"""Revocation under load: once the removal has answered, not one message more is accepted (I4)."""

import base64
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.process import REGION, Account, SesameProcess
from tests.support.signed_client import SignedClient

THREADS = 6
BEFORE = 60
"""Accepted sends before the removal, so that it falls into running load and warm caches."""
AFTER = 40
"""Refused sends that each thread goes on for."""

LONGEST_S = 5.0
"""After the removal the threads end by themselves, even if nothing is refused."""

SEND = {"Effect": "Allow", "Action": "ses:Send*", "Resource": "*"}


def document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [SEND | statement]})


@dataclass
class World:
    """An owner, a delegate user who may send as the owner's domain, and the delegate's root."""

    sesame: SesameProcess
    owner: Account
    delegate: Account
    user: Account
    domain: str
    accepted: list[tuple[float, float]] = field(default_factory=list)
    """When each accepted send began and ended, by this process's clock."""

    def send(self, client: SignedClient) -> bool:
        began = time.monotonic()
        reply = client.call(
            "SendRawEmail",
            {
                "SourceArn": f"arn:aws:ses:{REGION}:{self.owner.account_id}:identity/{self.domain}",
                "RawMessage.Data": self.message(),
            },
        )
        if reply.status == 200:
            self.accepted.append((began, time.monotonic()))
        return reply.status == 200

    def message(self) -> str:
        text = f"From: news@{self.domain}\r\nTo: to@elsewhere.test\r\nSubject: s\r\n\r\nhello\r\n"
        return base64.b64encode(text.encode()).decode()


@pytest.fixture
def world(sesame: SesameProcess) -> World:
    owner, delegate = sesame.create_account(), sesame.create_account()
    domain = f"{owner.account_id}.test"
    arn = sesame.vouch(owner, domain)
    sesame.client("ses", owner).put_identity_policy(
        Identity=domain, PolicyName="p", Policy=document(Principal={"AWS": delegate.account_id}, Resource=arn)
    )
    iam = sesame.client("iam", delegate)
    iam.create_user(UserName="sender")
    iam.put_user_policy(UserName="sender", PolicyName="p", PolicyDocument=document())
    key = iam.create_access_key(UserName="sender")["AccessKey"]
    user = Account(delegate.account_id, key["AccessKeyId"], key["SecretAccessKey"])
    return World(sesame, owner, delegate, user, domain)


def delete_policy(world: World) -> None:
    world.sesame.client("ses", world.owner).delete_identity_policy(Identity=world.domain, PolicyName="p")


def replace_policy_by_deny(world: World) -> None:
    arn = f"arn:aws:ses:{REGION}:{world.owner.account_id}:identity/{world.domain}"
    deny = document(Effect="Deny", Principal="*", Resource=arn)
    world.sesame.client("ses", world.owner).put_identity_policy(
        Identity=world.domain, PolicyName="q", Policy=deny
    )


def delete_identity(world: World) -> None:
    world.sesame.client("ses", world.owner).delete_identity(Identity=world.domain)


def delete_key(world: World) -> None:
    iam = world.sesame.client("iam", world.delegate)
    iam.delete_access_key(UserName="sender", AccessKeyId=world.user.access_key_id)


def deactivate_key(world: World) -> None:
    iam = world.sesame.client("iam", world.delegate)
    iam.update_access_key(UserName="sender", AccessKeyId=world.user.access_key_id, Status="Inactive")


def deny_user(world: World) -> None:
    iam = world.sesame.client("iam", world.delegate)
    iam.put_user_policy(UserName="sender", PolicyName="q", PolicyDocument=document(Effect="Deny"))


def pause_account(world: World) -> None:
    world.sesame.client("ses", world.delegate).update_account_sending_enabled(Enabled=False)


def delete_user_by_operator(world: World) -> None:
    """By the command line, in another process."""
    world.sesame.run("user", "delete", world.delegate.account_id, "sender")


@pytest.mark.parametrize(
    "revoke",
    [
        delete_policy,
        replace_policy_by_deny,
        delete_identity,
        delete_key,
        deactivate_key,
        deny_user,
        pause_account,
        delete_user_by_operator,
    ],
)
def test_nothing_is_accepted_after_the_removal_has_answered(
    revoke: Callable[[World], None], world: World
) -> None:
    running = threading.Event()
    end_at = float("inf")

    def work() -> None:
        refused = 0
        with SignedClient(world.sesame.api, world.user) as client:
            while refused < AFTER and time.monotonic() < end_at:
                refused = 0 if world.send(client) else refused + 1
                if len(world.accepted) >= BEFORE:
                    running.set()

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    assert running.wait(60)
    revoke(world)
    answered = time.monotonic()
    end_at = answered + LONGEST_S
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert len(world.accepted) >= BEFORE
    assert [began for began, _ in world.accepted if began > answered] == []
    # The account was charged for what the clients know of, and for no message more.
    counted = world.sesame.client("ses", world.delegate).get_send_quota()["SentLast24Hours"]
    assert counted == len(world.accepted)
    # Those under way at the answer were accepted before it: the spool knows of none later.
    late = [ended for _, ended in world.accepted if ended > answered + 1.0]
    assert late == []
