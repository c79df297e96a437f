"""Before an identity is deleted it is said who loses it and what still goes out."""

from pathlib import Path

from tests.console.test_leave import person_with
from tests.support.browser import Person, main_of, root_of
from tests.support.documents import document
from tests.support.process import REGION, SesameProcess, running
from tests.support.tenant import MESSAGE, TO, Tenant

HERE = f"/{REGION}/identities/example.com/delete"


def lend(tenant: Tenant, name: str, delegate: str) -> None:
    statement = {
        "Sid": "A",
        "Effect": "Allow",
        "Principal": {"AWS": delegate},
        "Action": "ses:SendEmail",
        "Resource": tenant.arn,
    }
    tenant.ses.put_identity_policy(Identity="example.com", PolicyName=name, Policy=document(statement))


def test_policies_and_delegates_are_counted_and_named(tenant: Tenant, person: Person) -> None:
    assert "Who loses it" not in main_of(person.get(HERE))
    lend(tenant, "One", "222222222222")
    said = main_of(person.get(HERE))
    assert "1 policy goes with it, and 1 delegate loses it. No mail as it waits." in said
    lend(tenant, "Two", "222222222222")
    lend(tenant, "Three", "333333333333")
    said = main_of(person.get(HERE))
    assert "3 policies go with it, and 2 delegates lose it." in said
    for delegate in ("222222222222", "333333333333"):
        assert f"Account {delegate} can no longer send, for example as" in said
    assert "Policies One , Three , Two" in said


def test_mail_that_waits_is_counted_whoever_sent_it(tmp_path: Path) -> None:
    with running(tmp_path / "data", SESAME_DELIVERY__ENABLED="false") as still:
        owner, delegate = Tenant(still, still.create_account()), still.create_account()
        owner.ses.verify_domain_identity(Domain="example.com")
        lend(owner, "One", delegate.account_id)
        given = {"Destination": TO, "Message": MESSAGE, "Source": "news@example.com"}
        owner.ses.send_email(**given)
        still.client("ses", delegate).send_email(**given, SourceArn=owner.arn)
        said = main_of(root_of(still, owner.account.account_id).get(HERE))
        assert "2 recipients of mail as it still wait, and it goes out." in said


def test_nobody_else_is_told_who_loses_it(sesame: SesameProcess, tenant: Tenant) -> None:
    lend(tenant, "One", "222222222222")
    one = person_with(sesame, tenant, "ses:GetEmailIdentity")
    said = main_of(one.get(HERE))
    assert "1 policy goes with it. Mail that waits still goes out." in said
    assert "your user needs ses:GetEmailIdentityPolicies" in said and "222222222222" not in said
    stranger = root_of(sesame, sesame.create_account().account_id)
    assert stranger.get(HERE).status_code == 404
