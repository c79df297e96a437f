"""Revocation under load: once the removal has answered, not one message more is accepted (I4)."""

import base64
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
    headers: dict[str, str] = field(default_factory=dict)
    """What the sender signs beside the usual."""
    accepted: list[float] = field(default_factory=list)
    """When each accepted send began, by this process's clock."""

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
            self.accepted.append(began)
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


def bounds_of(world: World) -> dict[str, str]:
    return {"Identity": world.domain, "Delegate": world.delegate.account_id}


def pause_the_delegate(world: World) -> None:
    world.sesame.client("sesame", world.owner).pause_delegate(**bounds_of(world))


def cap_what_is_used_up(world: World) -> None:
    world.sesame.client("sesame", world.owner).put_delegate_bounds(**bounds_of(world), MaxMessagesPerDay=0)


def pause_by_operator(world: World) -> None:
    """By the command line, in another process."""
    world.sesame.run(
        "grant", "pause", world.owner.account_id, "*", world.delegate.account_id, "--region", REGION
    )


def delete_user_by_operator(world: World) -> None:
    """By the command line, in another process."""
    world.sesame.run("user", "delete", world.delegate.account_id, "sender")


@pytest.fixture
def session(world: World) -> World:
    """The sender is a session of a role that the user has opened, limited by a managed policy."""
    iam = world.sesame.client("iam", world.delegate)
    account_id = world.delegate.account_id
    trust = {"Effect": "Allow", "Principal": {"AWS": account_id}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName="sender",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]
    limit = iam.create_policy(PolicyName="limit", PolicyDocument=document())["Policy"]["Arn"]
    own = iam.create_policy(PolicyName="own", PolicyDocument=document())["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="sender", PolicyArn=own)
    assume = json.dumps({"Version": "2012-10-17", "Statement": [SEND | {"Action": "sts:AssumeRole"}]})
    iam.put_user_policy(UserName="sender", PolicyName="assume", PolicyDocument=assume)
    found = world.sesame.client("sts", world.user).assume_role(
        RoleArn=role["Arn"], RoleSessionName="job", PolicyArns=[{"arn": limit}]
    )["Credentials"]
    world.user = Account(
        account_id, found["AccessKeyId"], found["SecretAccessKey"], session_token=found["SessionToken"]
    )
    return world


def detach_role_policy(world: World) -> None:
    iam = world.sesame.client("iam", world.delegate)
    iam.detach_role_policy(
        RoleName="sender", PolicyArn=f"arn:aws:iam::{world.delegate.account_id}:policy/own"
    )


def delete_role(world: World) -> None:
    detach_role_policy(world)
    world.sesame.client("iam", world.delegate).delete_role(RoleName="sender")


def deny_role(world: World) -> None:
    iam = world.sesame.client("iam", world.delegate)
    iam.put_role_policy(RoleName="sender", PolicyName="q", PolicyDocument=document(Effect="Deny"))


def narrow_the_sessions_policy(world: World) -> None:
    iam = world.sesame.client("iam", world.delegate)
    iam.create_policy_version(
        PolicyArn=f"arn:aws:iam::{world.delegate.account_id}:policy/limit",
        PolicyDocument=document(Action="ses:SendEmail"),
        SetAsDefault=True,
    )


@pytest.mark.parametrize(
    "revoke", [detach_role_policy, delete_role, deny_role, narrow_the_sessions_policy, delete_policy]
)
def test_nothing_is_accepted_of_a_session_after_the_removal_has_answered(
    revoke: Callable[[World], None], session: World
) -> None:
    hold(session, revoke)


SERVICE = "revoked.amazonaws.com"


@pytest.fixture
def service(world: World) -> World:
    """The sender is a service that acts for the delegate."""
    keys = world.sesame.run_json("service", "create", f"{world.owner.account_id}.{SERVICE}")
    statement = document(
        Principal={"Service": keys["service"]},
        Resource=f"arn:aws:ses:{REGION}:{world.owner.account_id}:identity/{world.domain}",
    )
    world.sesame.client("ses", world.owner).put_identity_policy(
        Identity=world.domain, PolicyName="p", Policy=statement
    )
    world.user = Account("", keys["access_key_id"], keys["secret_access_key"])
    world.headers = {"x-amz-source-account": world.delegate.account_id}
    return world


def delete_service(world: World) -> None:
    world.sesame.run("service", "delete", f"{world.owner.account_id}.{SERVICE}")


def delete_service_key(world: World) -> None:
    world.sesame.run("service", "delete-key", f"{world.owner.account_id}.{SERVICE}", world.user.access_key_id)


@pytest.mark.parametrize("revoke", [delete_service, delete_service_key, delete_policy, pause_account])
def test_nothing_is_accepted_of_a_service_after_the_removal_has_answered(
    revoke: Callable[[World], None], service: World
) -> None:
    hold(service, revoke)


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
        pause_the_delegate,
        cap_what_is_used_up,
        pause_by_operator,
        delete_user_by_operator,
    ],
)
def test_nothing_is_accepted_after_the_removal_has_answered(
    revoke: Callable[[World], None], world: World
) -> None:
    hold(world, revoke)


def hold(world: World, revoke: Callable[[World], None]) -> None:
    """Hold the service to it under load."""
    running = threading.Event()
    end_at = float("inf")

    def work() -> None:
        refused = 0
        with SignedClient(world.sesame.api, world.user, headers=world.headers) as client:
            while refused < AFTER and time.monotonic() < end_at:
                refused = 0 if world.send(client) else refused + 1
                if len(world.accepted) >= BEFORE:
                    running.set()

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    assert running.wait(PATIENCE_S)
    revoke(world)
    answered = time.monotonic()
    then = charged(world)
    end_at = answered + LONGEST_S
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    assert len(world.accepted) >= BEFORE
    assert [began for began in world.accepted if began > answered] == []
    # The account was charged for what the clients know of, and for no message more.
    # Those under way at the answer were accepted before it: nothing was charged afterwards.
    assert charged(world) == len(world.accepted) == then


def charged(world: World) -> int:
    """How many messages the sending account was charged for."""
    return int(world.sesame.client("ses", world.delegate).get_send_quota()["SentLast24Hours"])
