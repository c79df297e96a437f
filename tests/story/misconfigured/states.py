"""Set-ups in which nothing is written wrongly, but an account, identity, set or limit is not in the state for it."""

import json
import re
from typing import Any

from tests.story.misconfigured.world import MAY_SEND, Steps, World, case


@case(
    seen="magento2-gmail-smtp-app#17, php-aws-ses#35: the recipient is what failed, and the sender is verified",
    code="SA502",
    says=("sandbox", "you@elsewhere.test"),
    mend=("leave-sandbox", "verif", "put-account-details"),
)
def only_the_recipient_failed(w: World) -> Steps:
    w.sender = w.sesame.create_account(production=False)
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    own: dict[str, Any] = {"SourceArn": None, "Source": f"me@own-{w.domain}"}
    yield lambda: w.simple(w.sender, **own)
    w.sesame.vouch(w.sender, "you@elsewhere.test")
    yield lambda: w.simple(w.sender, **own)


@case(
    seen="errornotes.dev: the recipient is verified, in another region than is called",
    code="SA502",
    says=("you@elsewhere.test", "eu-west-1"),
    mend=("verif|leave-sandbox",),
)
def recipient_verified_in_another_region(w: World) -> Steps:
    w.sender = w.sesame.create_account(production=False)
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    w.sesame.vouch(w.sender, "you@elsewhere.test", "eu-west-1")
    own: dict[str, Any] = {"SourceArn": None, "Source": f"me@own-{w.domain}"}
    yield lambda: w.simple(w.sender, **own)
    w.sesame.vouch(w.sender, "you@elsewhere.test")
    yield lambda: w.simple(w.sender, **own)


@case(
    seen="codegenes.net: the verified recipient is written with a capital",
    code="SA502",
    says=("You@elsewhere.test",),
    mend=("verif|leave-sandbox",),
)
def recipient_with_a_capital(w: World) -> Steps:
    w.sender = w.sesame.create_account(production=False)
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    w.sesame.vouch(w.sender, "you@elsewhere.test")
    own: dict[str, Any] = {"SourceArn": None, "Source": f"me@own-{w.domain}"}
    yield lambda: w.simple(w.sender, **own, Destination={"ToAddresses": ["You@elsewhere.test"]})
    yield lambda: w.simple(w.sender, **own)


@case(
    seen="formplug#11: To is verified, Cc is not; sandbox",
    code="SA502",
    says=("copy@elsewhere.test",),
    mend=("verif|leave-sandbox",),
)
def copy_in_the_sandbox(w: World) -> Steps:
    w.sender = w.sesame.create_account(production=False)
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    w.sesame.vouch(w.sender, "you@elsewhere.test")
    to: dict[str, Any] = {"ToAddresses": ["you@elsewhere.test"], "CcAddresses": ["copy@elsewhere.test"]}
    own: dict[str, Any] = {"SourceArn": None, "Source": f"me@own-{w.domain}", "Destination": to}
    yield lambda: w.simple(w.sender, **own)
    w.sesame.vouch(w.sender, "copy@elsewhere.test")
    yield lambda: w.simple(w.sender, **own)


@case(
    seen="LambStatus#97: the stack was moved to a region where the account is still in the sandbox",
    code="SA502",
    says=("sandbox", "eu-west-1"),
    mend=("leave-sandbox",),
)
def sandbox_of_another_region(w: World) -> Steps:
    w.sender = w.sesame.create_account(production=False)
    w.sesame.vouch(w.sender, f"own-{w.domain}", "eu-west-1")
    own: dict[str, Any] = {"SourceArn": None, "Source": f"me@own-{w.domain}"}
    yield lambda: w.simple(w.sender, region="eu-west-1", **own)
    w.sesame.run("account", "leave-sandbox", w.sender.account_id)
    yield lambda: w.simple(w.sender, region="eu-west-1", **own)


@case(
    seen="the own domain is pending, and the account is in the sandbox besides",
    code="SA501",
    says=("own-{domain}", "PENDING|pending|not verified"),
    mend=("records|verify",),
    also=("SA502",),
)
def pending_in_the_sandbox(w: World) -> Steps:
    w.sender = w.sesame.create_account(production=False)
    w.client("sesv2", w.sender).create_email_identity(EmailIdentity=f"own-{w.domain}")
    own: dict[str, Any] = {"SourceArn": None, "Source": f"me@own-{w.domain}"}
    yield lambda: w.simple(w.sender, **own)
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    w.sesame.vouch(w.sender, "you@elsewhere.test")
    yield lambda: w.simple(w.sender, **own)


@case(
    seen="an address is verified under a domain that is still pending; mail is from another address",
    code="SA501",
    says=("own-{domain}",),
    mend=("records|verify",),
)
def pending_domain_beside_a_verified_address(w: World) -> Steps:
    w.sesame.vouch(w.sender, f"me@own-{w.domain}")
    w.client("ses", w.sender).verify_domain_dkim(Domain=f"own-{w.domain}")
    yield lambda: w.simple(w.sender, SourceArn=None, Source=f"sales@own-{w.domain}")
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    yield lambda: w.simple(w.sender, SourceArn=None, Source=f"sales@own-{w.domain}")


@case(
    seen="the owner paused everybody during an incident, for all its identities",
    code="SA603",
    says=("paused", "{owner}"),
    mend=("{owner}",),
    owner="SA603",
)
def paused_for_all_identities(w: World) -> Steps:
    w.allow()
    bounds = w.client("sesame", w.owner)
    bounds.pause_delegate(Identity="*", Delegate=w.sender.account_id, Reason="zqowner")
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})
    bounds.resume_delegate(Identity="*", Delegate=w.sender.account_id)
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})


@case(
    seen="a cap on recipients a day, and one message with many",
    code="SA602",
    says=("recipients", "2"),
    mend=("{owner}",),
    owner="SA602",
)
def cap_on_recipients(w: World) -> Steps:
    w.allow()
    bounds = w.client("sesame", w.owner)
    key = {"Identity": w.domain, "Delegate": w.sender.account_id}
    bounds.put_delegate_bounds(**key, MaxRecipientsPerDay=2)
    to: dict[str, Any] = {"ToAddresses": [f"r{number}@elsewhere.test" for number in range(3)]}
    yield lambda: w.simple(w.sender, Destination=to)
    bounds.put_delegate_bounds(**key, MaxRecipientsPerDay=20)
    yield lambda: w.simple(w.sender, Destination=to)


@case(
    seen="a cap in bytes, and an attachment",
    code="SA602",
    says=("bytes",),
    mend=("{owner}|grant change",),
    reader="owner",
)
def cap_on_bytes(w: World) -> Steps:
    w.allow()
    bounds = w.client("sesame", w.owner)
    key = {"Identity": w.domain, "Delegate": w.sender.account_id}
    bounds.put_delegate_bounds(**key, MaxBytesPerDay=100)
    yield lambda: w.raw(w.sender)
    bounds.put_delegate_bounds(**key, MaxBytesPerDay=1_000_000)
    yield lambda: w.raw(w.sender)


@case(
    seen="php-aws-ses#53's neighbour: the set was deleted, the program's settings still name it",
    code="SA601",
    says=("gone",),
    mend=("create", "leave"),
)
def set_that_was_deleted(w: World) -> Steps:
    w.allow()
    v2 = w.client("sesv2", w.sender)
    v2.create_configuration_set(ConfigurationSetName="gone")
    v2.delete_configuration_set(ConfigurationSetName="gone")
    yield lambda: w.v2(w.sender, ConfigurationSetName="gone")
    yield lambda: w.v2(w.sender)


@case(
    seen="the set's name in other letters, by header",
    code="SA601",
    says=("Marketing", "marketing"),
    mend=("marketing",),
)
def set_in_other_letters(w: World) -> Steps:
    w.allow()
    w.client("ses", w.sender).create_configuration_set(ConfigurationSet={"Name": "marketing"})
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(w.sender, fields | {"X-SES-CONFIGURATION-SET": "Marketing"})
    yield lambda: w.smtp(w.sender, fields | {"X-SES-CONFIGURATION-SET": "marketing"})


@case(
    seen="sending is paused for the set by the team's own alarm; by header",
    code="SA603",
    says=("alarmed",),
    mend=("put-configuration-set-sending-options|PutConfigurationSetSendingOptions",),
)
def set_paused_by_an_alarm(w: World) -> Steps:
    w.allow()
    v2 = w.client("sesv2", w.sender)
    v2.create_configuration_set(ConfigurationSetName="alarmed", SendingOptions={"SendingEnabled": False})
    fields = {"X-SES-SOURCE-ARN": w.arn, "X-SES-CONFIGURATION-SET": "alarmed"}
    yield lambda: w.smtp(w.sender, fields)
    v2.put_configuration_set_sending_options(ConfigurationSetName="alarmed", SendingEnabled=True)
    yield lambda: w.smtp(w.sender, fields)


@case(
    seen="a complaint put the recipient on the list of the account, v2 and a set of its own",
    code="SA606",
    says=("you@elsewhere.test",),
    mend=("delete-suppressed-destination",),
)
def suppressed_by_a_complaint(w: World) -> Steps:
    w.allow()
    v2 = w.client("sesv2", w.sender)
    v2.put_suppressed_destination(EmailAddress="you@elsewhere.test", Reason="COMPLAINT")
    yield lambda: w.v2(w.sender)
    v2.delete_suppressed_destination(EmailAddress="you@elsewhere.test")
    yield lambda: w.v2(w.sender)


@case(
    seen="own account paused in one region and not in the other",
    code="SA603",
    says=("{sender}", "eu-west-1"),
    mend=("update-account-sending-enabled|PutAccountSendingAttributes|UpdateAccountSendingEnabled",),
)
def switched_off_in_one_region(w: World) -> Steps:
    w.sesame.vouch(w.sender, f"own-{w.domain}", "eu-west-1")
    ses = w.client("sesv2", w.sender, "eu-west-1")
    ses.put_account_sending_attributes(SendingEnabled=False)
    own: dict[str, Any] = {"FromEmailAddress": f"me@own-{w.domain}", "FromEmailAddressIdentityArn": None}
    yield lambda: w.v2(w.sender, region="eu-west-1", **own)
    ses.put_account_sending_attributes(SendingEnabled=True)
    yield lambda: w.v2(w.sender, region="eu-west-1", **own)


def _switched(w: World, send: Any) -> Steps:
    """Send, switch the key on as the last refusal says, and send again."""
    yield send
    [newest] = json.loads(w.sesame.run("decisions", w.sender.account_id, "--limit", "1", "--json").stdout)
    text = newest["causes"][0]["mend"]["text"]
    said = re.search(
        r"aws iam update-access-key --user-name (\S+) --access-key-id (\S+) --status Active", text
    )
    assert said is not None, text
    iam = w.client("iam", w.sender)  # the root: it names no user but by the command
    iam.update_access_key(UserName=said[1], AccessKeyId=said[2], Status="Active")
    yield send


@case(
    seen="a rotation switched the key off: the root runs the command of the log, and has no such key",
    code="SA701",
    says=("switched off",),
    mend=("--user-name postfix --access-key-id AKIA",),
)
def smtp_key_to_switch_on(w: World) -> Steps:
    w.allow()
    user = w.user("postfix", MAY_SEND)
    iam = w.client("iam", w.sender)
    iam.update_access_key(UserName="postfix", AccessKeyId=user.access_key_id, Status="Inactive")
    yield from _switched(w, lambda: w.smtp(user, {"X-SES-SOURCE-ARN": w.arn}))


@case(
    seen="the same by the API",
    code="SA704",
    says=("switched off",),
    mend=("--user-name worker --access-key-id AKIA",),
)
def api_key_to_switch_on(w: World) -> Steps:
    w.allow()
    user = w.user("worker", MAY_SEND)
    iam = w.client("iam", w.sender)
    iam.update_access_key(UserName="worker", AccessKeyId=user.access_key_id, Status="Inactive")
    yield from _switched(w, lambda: w.simple(user))


def _to(count: int) -> dict[str, Any]:
    return {"Destination": {"ToAddresses": [f"r{number}@elsewhere.test" for number in range(count)]}}


@case(
    seen="one message to more recipients than a day's cap: to send it later never helps",
    code="SA602",
    says=("may send 2 recipients", "this message has 3 recipients"),
    mend=("no day has room", "at most 2 recipients a day"),
    owner="SA602",
)
def cap_below_one_message(w: World) -> Steps:
    w.allow()
    key = {"Identity": w.domain, "Delegate": w.sender.account_id}
    w.client("sesame", w.owner).put_delegate_bounds(**key, MaxRecipientsPerDay=2)
    yield lambda: w.simple(w.sender, **_to(3))
    yield lambda: w.simple(w.sender, **_to(2))


@case(
    seen="one message larger than a day's cap in bytes",
    code="SA602",
    says=("may send 100 bytes", "this message has"),
    mend=("smaller than 100 bytes",),
    owner="SA602",
)
def cap_in_bytes_below_one_message(w: World) -> Steps:
    w.allow()
    bounds = w.client("sesame", w.owner)
    key = {"Identity": w.domain, "Delegate": w.sender.account_id}
    bounds.put_delegate_bounds(**key, MaxBytesPerDay=100)
    yield lambda: w.raw(w.sender)
    bounds.put_delegate_bounds(**key, MaxBytesPerDay=1_000_000)
    yield lambda: w.raw(w.sender)


@case(
    seen="a cap of none: nothing is ever sent",
    code="SA602",
    says=("may send 0 messages",),
    mend=("ask the owner, account {owner}, for more",),
    owner="SA602",
)
def cap_of_none(w: World) -> Steps:
    w.allow()
    bounds = w.client("sesame", w.owner)
    key = {"Identity": w.domain, "Delegate": w.sender.account_id}
    bounds.put_delegate_bounds(**key, MaxMessagesPerDay=0)
    yield lambda: w.simple(w.sender)
    bounds.put_delegate_bounds(**key, MaxMessagesPerDay=5)
    yield lambda: w.simple(w.sender)


@case(
    seen="one message to more recipients than the account's own quota of a day",
    code="SA602",
    says=("24-hour quota of 2, with 0 used", "this message has 3 recipients"),
    mend=("no day has room", "at most 2 recipients a day", "set-quota {sender}"),
)
def quota_below_one_message(w: World) -> Steps:
    w.allow()
    w.sesame.run("account", "set-quota", w.sender.account_id, "--max-24-hour-send", "2")
    yield lambda: w.simple(w.sender, **_to(3))
    yield lambda: w.simple(w.sender, **_to(2))


@case(
    seen="the quota has room for one recipient more, and the message has two",
    code="SA602",
    says=("24-hour quota of 3, with 2 used", "this message has 2 recipients"),
    mend=("send later", "set-quota {sender}"),
)
def quota_with_little_room(w: World) -> Steps:
    w.allow()
    w.sesame.run("account", "set-quota", w.sender.account_id, "--max-24-hour-send", "3")
    w.simple(w.sender, **_to(2))
    yield lambda: w.simple(w.sender, **_to(2))
    yield lambda: w.simple(w.sender, **_to(1))
