"""Refusals: answered at even steps; kept so that they can be explained later as they were."""

import json
import secrets

from sesame.access.checks import Grounds
from sesame.access.compiled import Explained, compiled_identity_policies
from sesame.policy import Outcome, Request, Requester, explain
from sesame.store.identity_policies import IdentityPolicy
from tests.support.process import SesameProcess
from tests.support.signed_client import SignedClient, policy, simple_email
from tests.support.tenant import Tenant

OWNER, DELEGATE = "111111111111", "222222222222"
ARN = f"arn:aws:ses:us-east-1:{OWNER}:identity/example.com"
USER = f"arn:aws:iam::{DELEGATE}:user/robot"


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
        policies = compiled_identity_policies([allow("old", "AIDAOLD"), allow("new", "AIDANEW")], dead)
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
    empty = compiled_identity_policies([])
    assert set(Grounds(resource_keys={}, iam=empty, session=empty, boundary=None, identity=None).sets) == {
        "session"
    }
    assert Grounds(resource_keys={}, iam=empty, session=None, boundary=None, identity=empty).sets == {}


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
