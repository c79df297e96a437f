"""What waits of a message is cancelled on its page: by its sender, or by the owner of the identity it was sent as."""

import json
from collections.abc import Iterator

import pytest

from tests.console.test_leave import person_with
from tests.support.audit_log import audit_log
from tests.support.browser import Person, main_of, operator, root_of
from tests.support.process import REGION, Account, SesameProcess, running, wait_until
from tests.support.tenant import MESSAGE, TO, Tenant

STILL = "Cancel what waits"


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SesameProcess]:
    """A server that delivers nothing."""
    with running(tmp_path_factory.mktemp("still") / "data", SESAME_DELIVERY__ENABLED="false") as process:
        yield process


@pytest.fixture
def owner(still: SesameProcess) -> Tenant:
    account = still.create_account()
    tenant = Tenant(still, account)
    tenant.ses.verify_domain_identity(Domain="example.com")
    return tenant


def path_of(message_id: str) -> str:
    return f"/{REGION}/messages/{message_id}"


def lent(still: SesameProcess, owner: Tenant) -> tuple[Account, str]:
    """A delegate, and a message of its that waits."""
    delegate = still.create_account()
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": delegate.account_id},
        "Action": "ses:SendEmail",
        "Resource": owner.arn,
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    owner.ses.put_identity_policy(Identity="example.com", PolicyName="P", Policy=document)
    sent = still.client("ses", delegate).send_email(
        Source="news@example.com", SourceArn=owner.arn, Destination=TO, Message=MESSAGE
    )
    return delegate, sent["MessageId"]


def cancel(person: Person, message_id: str, **fields: str) -> str:
    path = path_of(message_id)
    return main_of(person.send(f"{path}/cancel", page=path, **fields))


def test_the_sender_cancels_its_own(still: SesameProcess, owner: Tenant) -> None:
    two = {"ToAddresses": ["a@elsewhere.test", "b@elsewhere.test"]}
    message_id = owner.ses.send_email(Source="news@example.com", Destination=two, Message=MESSAGE)[
        "MessageId"
    ]
    person = root_of(still, owner.account.account_id)
    page = person.get(path_of(message_id))
    assert "2 recipients get nothing then" in main_of(page)
    assert "aws sesame cancel-messages --message-id" in page.text
    said = cancel(person, message_id, reason="sent by mistake")
    assert "Cancelled: 2." in said and STILL not in said
    assert "Cancelled: 0." in cancel(person, message_id), "sent twice"
    rows = [one for one in audit_log(still, owner.account.account_id) if one["eventName"] == "CancelMessages"]
    assert rows and rows[0]["requestParameters"]["reason"] == "sent by mistake"


def test_the_owner_cancels_what_was_sent_as_its_identity(still: SesameProcess, owner: Tenant) -> None:
    delegate, message_id = lent(still, owner)
    person = root_of(still, owner.account.account_id)
    assert "the sender is told that you did it" in main_of(person.get(path_of(message_id)))
    assert "Cancelled: 1." in cancel(person, message_id)
    theirs = main_of(root_of(still, delegate.account_id).get(path_of(message_id)))
    assert "cancelled" in theirs and STILL not in theirs


def test_nobody_else_cancels_anything(still: SesameProcess, owner: Tenant) -> None:
    _, message_id = lent(still, owner)
    stranger = root_of(still, still.create_account().account_id)
    answer = stranger.send(f"{path_of(message_id)}/cancel", page=f"/{REGION}/account")
    assert answer.status_code == 404
    reader = person_with(still, owner, "ses:GetMessageInsights")
    refused = reader.send(f"{path_of(message_id)}/cancel", page=path_of(message_id))
    assert refused.status_code == 403 and "sesame:CancelDelegateMessages" in refused.text
    looking = operator(still)
    looking.send("/operator/look", page="/operator", account=owner.account.account_id)
    seen = looking.get(path_of(message_id))
    assert seen.status_code == 200 and "/cancel" not in seen.text
    assert STILL in main_of(root_of(still, owner.account.account_id).get(path_of(message_id)))


def test_what_was_delivered_has_nothing_to_cancel(tenant: Tenant, person: Person) -> None:
    sent = tenant.ses.send_email(Source="news@example.com", Destination=TO, Message=MESSAGE)
    path = path_of(sent["MessageId"])
    wait_until(lambda: "delivered reader@elsewhere.test" in main_of(person.get(path)))
    assert STILL not in person.get(path).text
