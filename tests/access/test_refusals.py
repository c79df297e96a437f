"""Refusals: answered at even steps; kept so that they can be explained later as they were."""

import asyncio
import json
import secrets

import pytest

from sesame.access.checks import Grounds
from sesame.access.compiled import Explained, identity_policies
from sesame.access.pace import Pace
from sesame.errors import AccessDenied
from sesame.policy import Outcome, Request, Requester, explain
from sesame.store.identities import IdentityPolicy
from tests.support.clock import FakeClock
from tests.support.process import SesameProcess
from tests.support.signed_client import SignedClient, policy, simple_email
from tests.support.tenant import Tenant

OWNER, DELEGATE = "111111111111", "222222222222"
ARN = f"arn:aws:ses:us-east-1:{OWNER}:identity/example.com"
USER = f"arn:aws:iam::{DELEGATE}:user/robot"


@pytest.mark.parametrize(
    ("took_s", "waits_s"), [(0.0, 0.05), (0.003, 0.047), (0.049, 0.001), (0.05, 0.05), (0.12, 0.03)]
)
def test_a_refusal_is_answered_at_the_next_step(took_s: float, waits_s: float) -> None:
    clock = FakeClock(0.0)
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async def refuse() -> None:
        async with Pace(clock, step_s=0.05, sleep=sleep).refusals():
            clock.advance(took_s)
            raise AccessDenied("no")

    with pytest.raises(AccessDenied):
        asyncio.run(refuse())
    assert waited == [pytest.approx(waits_s)]


def test_what_is_not_refused_and_no_step_wait_for_nothing() -> None:
    async def sleep(seconds: float) -> None:
        raise AssertionError(seconds)

    async def run() -> None:
        async with Pace(FakeClock(), step_s=0.05, sleep=sleep).refusals():
            pass
        await Pace(FakeClock(), step_s=0.0, sleep=sleep).hold(0.0)

    asyncio.run(run())


def test_policies_are_explained_alike_when_they_are_made_again_of_their_content() -> None:
    """With principals that were bound to a user who is gone, too."""

    def allow(name: str, user_id: str) -> IdentityPolicy:
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": USER},
            "Action": "ses:SendEmail",
            "Resource": ARN,
        }
        return IdentityPolicy(
            policy_name=name,
            document=json.dumps({"Version": "2012-10-17", "Statement": statement}),
            principal_ids={USER: user_id},
        )

    for dead in (frozenset[str](), frozenset({"AIDAOLD"})):
        policies = identity_policies([allow("old", "AIDAOLD"), allow("new", "AIDANEW")], dead)
        again = Explained.read(policies.content(), of_identity=True)
        assert (again.documents, again.principal_ids) == (policies.documents, policies.principal_ids)
        for user_id in ("AIDAOLD", "AIDANEW"):
            request = Request(
                requester=Requester(arn=USER, account_id=DELEGATE, kind="user", user_id=user_id),
                action="ses:SendEmail",
                resource=ARN,
                resource_account=OWNER,
                context={},
            )
            told = [
                explain(request, iam=(), identity=made.documents, principal_ids=made.principal_ids)
                for made in (policies, again)
            ]
            assert told[0] == told[1] and told[0].outcome is Outcome.IMPLICIT_DENY


def test_a_session_under_policies_that_are_all_gone_is_explained_as_one() -> None:
    empty = identity_policies([])
    assert set(Grounds(resource_keys={}, iam=empty, session=empty, identity=None).sets) == {"session"}
    assert Grounds(resource_keys={}, iam=empty, session=None, identity=empty).sets == {}


def test_a_refusal_is_explained_by_the_policies_that_it_was_made_under(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    """Read when the policy is long another one, and at once."""
    delegate = sesame.create_account()
    deny = {"Sid": f"S{secrets.token_hex(4)}", "Effect": "Deny", "Principal": "*", "Action": "ses:SendEmail"}
    document = policy({**deny, "Resource": tenant.arn})
    tenant.ses.put_identity_policy(Identity="example.com", PolicyName="first", Policy=document)
    with SignedClient(sesame.api, delegate) as client:
        form = simple_email(source="news@example.com", SourceArn=tenant.arn)
        assert client.call("SendEmail", form).code == "AccessDenied"
        tenant.ses.delete_identity_policy(Identity="example.com", PolicyName="first")
        assert client.call("SendEmail", form).code == "AccessDenied"
    without, under = sesame.run_json("decisions", tenant.account.account_id)
    assert "policy `first`" in under["reason"] and under["reason"].startswith(tenant.arn)
    assert under["checks"][0]["sentence"] and "under" not in under["checks"][0]
    assert "no policy of the identity allows" in without["reason"]
