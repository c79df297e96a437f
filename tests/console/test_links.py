"""Links of tracked mail are stopped and resumed in the console: own ones, and those a delegate sent as the owner's."""

from tests.console.test_senders import allow, put
from tests.support.browser import root_of, words
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import MESSAGE, TO, Tenant

HERE = f"/{REGION}/links"


def test_an_account_and_the_owner_of_an_identity_stop_links(sesame: SesameProcess, tenant: Tenant) -> None:
    """The sender sees that the owner did it, and neither its reason nor a way to take it back."""
    delegate = sesame.create_account()
    put(tenant, "p", allow(tenant, {"AWS": delegate.account_id}, "All"))
    sent = sesame.client("ses", delegate).send_email(
        Source="news@example.com", SourceArn=tenant.arn, Destination=TO, Message=MESSAGE
    )["MessageId"]
    owner, sender = root_of(sesame, tenant.account.account_id), root_of(sesame, delegate.account_id)
    whose = {"delegate": delegate.account_id}
    refused = owner.send(HERE, message="no-such", reason="", delegate="")
    assert refused.status_code in (400, 404) and 'role="alert"' in refused.text
    owner.send(HERE, message=sent, reason="canary <b>", **whose)
    listed = owner.get(f"{HERE}?delegate={delegate.account_id}").text
    assert f"{sent} you" in words(listed) and "canary &lt;b&gt;" in listed
    seen = words(sender.get(HERE).text)
    assert f"{sent} the owner of the identity" in seen and "canary" not in seen and "lead on" not in seen
    owner.send(f"{HERE}/resume", page=HERE, message=sent, **whose)
    assert sent not in sender.get(HERE).text
    sender.send(HERE, all="on", reason="mine", message="", delegate="")
    assert "all messages you" in words(sender.get(HERE).text)
    sender.send(f"{HERE}/resume", page=HERE, all="on", delegate="")
    assert "None." in words(sender.get(HERE).text)
