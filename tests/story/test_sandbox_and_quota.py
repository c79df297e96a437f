"""Admission, as clients meet it: sandbox on both sides, quota and rate counted once (I5), a paused account.

Texts are those that SES gives. Sources: SES developer guide, "Request production access", "Managing
sending quotas", "Using sending authorization"; docs/quirks.md for what an overshooting message meets.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.patience import PATIENCE_S
from tests.support.process import REGION, Account, SesameProcess, wait_until
from tests.support.signed_client import Reply, SignedClient, policy, simple_email
from tests.support.tenant import Tenant, put_policy, refusal, statement

CLIENTS = 32
NOT_VERIFIED = (
    "Email address is not verified. The following identities failed the check in region US-EAST-1: "
)


def send(client: SignedClient, *recipients: str, source: str = "news@example.com", arn: str = "") -> Reply:
    """SendEmail to `recipients`."""
    parameters = simple_email(source=source, to=recipients[0])
    for number, recipient in enumerate(recipients, 1):
        parameters[f"Destination.ToAddresses.member.{number}"] = recipient
    return client.call("SendEmail", {**parameters, "SourceArn": arn} if arn else parameters)


def set_quota(tenant: Tenant, *, limit: float | None = None, rate: float | None = None) -> None:
    tenant.sesame.operate(
        lambda services: services.operator.set_quota(
            tenant.account.account_id, None, max_24_hour_send=limit, max_send_rate=rate
        )
    )


def sent(tenant: Tenant) -> float:
    """Recipients of the last 24 hours, as GetSendQuota tells."""
    counted: float = tenant.ses.get_send_quota()["SentLast24Hours"]
    return counted


@pytest.fixture
def sandboxed(sesame: SesameProcess) -> Tenant:
    """An account in the sandbox with example.com verified."""
    account = sesame.create_account(production=False)
    tenant = Tenant(sesame, account)
    tenant.ses.verify_domain_identity(Domain="example.com")
    return tenant


@pytest.fixture
def client(tenant: Tenant) -> Iterator[SignedClient]:
    with SignedClient(tenant.sesame.api, tenant.account) as signed:
        yield signed


def test_in_the_sandbox_recipients_must_be_verified_or_simulated(sandboxed: Tenant) -> None:
    set_quota(sandboxed, rate=1000)
    with SignedClient(sandboxed.sesame.api, sandboxed.account) as client:
        reply = send(client, "a@outside.test", "me@example.com", "b@outside.test")
        assert (reply.code, reply.message) == (
            "MessageRejected",
            f"{NOT_VERIFIED}a@outside.test, b@outside.test",
        )
        assert send(client, "me@example.com", "me@sub.example.com").status == 200
        assert send(client, "success@simulator.amazonses.com").status == 200
        assert send(client, "a+label@simulator.amazonses.com.outside.test").code == "MessageRejected"
        sandboxed.sesame.vouch(sandboxed.account, "a@outside.test")
        assert send(client, "a@outside.test", "a+label@outside.test").status == 200
        assert send(client, "A@outside.test").code == "MessageRejected"  # local parts differ by case
        assert send(client, "b@outside.test").code == "MessageRejected"
        sandboxed.sesame.operate(
            lambda services: services.operator.leave_sandbox(sandboxed.account.account_id)
        )
        assert send(client, "b@outside.test").status == 200
    assert sent(sandboxed) == 5  # the simulator's does not count


def test_the_sandbox_starts_with_200_a_day_and_1_a_second(sandboxed: Tenant) -> None:
    quota = sandboxed.ses.get_send_quota()
    assert (quota["Max24HourSend"], quota["MaxSendRate"]) == (200.0, 1.0)


@pytest.mark.parametrize("in_sandbox", ["owner", "delegate", "both"])
def test_either_side_in_the_sandbox_holds_the_delegate_to_its_own_verified_recipients(
    sesame: SesameProcess, in_sandbox: str
) -> None:
    owner, delegate = (
        sesame.create_account(production=in_sandbox not in (side, "both")) for side in ("owner", "delegate")
    )
    arn = sesame.vouch(owner, "example.com")
    sesame.vouch(owner, "owners@known.test")
    sesame.vouch(delegate, "delegates@known.test")
    allow = {"Effect": "Allow", "Principal": "*", "Action": "ses:SendEmail", "Resource": arn}
    sesame.client("ses", owner).put_identity_policy(
        Identity="example.com", PolicyName="p", Policy=policy(allow)
    )
    with SignedClient(sesame.api, delegate) as client:
        for outsider in ("anyone@outside.test", "owners@known.test"):
            reply = send(client, outsider, arn=arn)
            assert (reply.code, reply.message) == ("MessageRejected", f"{NOT_VERIFIED}{outsider}")
        assert send(client, "delegates@known.test", arn=arn).status == 200
        for account in (owner, delegate):
            sesame.operate(lambda services, a=account: services.operator.leave_sandbox(a.account_id))  # type: ignore[misc]
        assert send(client, "anyone@outside.test", arn=arn).status == 200


def race(tenant: Tenant, work: Callable[[SignedClient], Counter[str]]) -> Counter[str]:
    """Run `work` with 32 clients at once; the sum of what they count."""
    start = threading.Barrier(CLIENTS)

    def run(_: int) -> Counter[str]:
        with SignedClient(tenant.sesame.api, tenant.account) as signed:
            start.wait(PATIENCE_S)
            return work(signed)

    with ThreadPoolExecutor(CLIENTS) as pool:
        return sum(pool.map(run, range(CLIENTS)), Counter[str]())


@pytest.mark.parametrize(("recipients", "limit", "messages"), [(1, 150, 150), (3, 100, 33)])
def test_the_quota_is_exact_under_32_clients(
    tenant: Tenant, recipients: int, limit: int, messages: int
) -> None:
    set_quota(tenant, limit=limit, rate=100_000)
    names = [f"r{number}@outside.test" for number in range(recipients)]

    def until_refused(signed: SignedClient) -> Counter[str]:
        counted: Counter[str] = Counter()
        while (reply := send(signed, *names)).status == 200:
            counted["accepted"] += 1
        assert (reply.status, reply.code) == (400, "Throttling")
        assert reply.message == "Daily message quota exceeded."
        return counted + Counter(refused=1)

    assert race(tenant, until_refused) == {"accepted": messages, "refused": CLIENTS}
    assert sent(tenant) == messages * recipients
    with SignedClient(tenant.sesame.api, tenant.account) as signed:
        assert send(signed, "success@simulator.amazonses.com").status == 200
    assert sent(tenant) == messages * recipients


def test_the_rate_is_never_exceeded_under_32_clients(tenant: Tenant) -> None:
    """One second's worth at once, then the rate; one message more passes on the last part of a token."""
    rate, refusals = 20, 20
    set_quota(tenant, rate=rate)
    began = time.monotonic()

    def for_a_while(signed: SignedClient) -> Counter[str]:
        counted: Counter[str] = Counter()
        while counted["refused"] < refusals:
            reply = send(signed, "r@outside.test")
            assert reply.status == 200 or (reply.code, reply.message) == (
                "Throttling",
                "Maximum sending rate exceeded.",
            )
            counted["accepted" if reply.status == 200 else "refused"] += 1
        return counted

    counted = race(tenant, for_a_while)
    took = time.monotonic() - began
    assert rate <= counted["accepted"] <= rate + rate * took + 1
    assert counted["refused"] == CLIENTS * refusals
    assert sent(tenant) == counted["accepted"]


def test_a_message_over_the_rate_passes_and_leaves_a_debt(tenant: Tenant, client: SignedClient) -> None:
    set_quota(tenant, rate=1)
    assert send(client, *(f"r{number}@outside.test" for number in range(50))).status == 200
    reply = send(client, "r@outside.test")
    assert (reply.status, reply.code, reply.message) == (400, "Throttling", "Maximum sending rate exceeded.")
    assert sent(tenant) == 50


def test_what_is_refused_uses_no_quota(tenant: Tenant, client: SignedClient) -> None:
    set_quota(tenant, limit=1)
    for _ in range(3):
        assert send(client, "r@outside.test", source="someone@other.test").code == "MessageRejected"
    assert send(client, "r@outside.test", "s@outside.test").message == "Daily message quota exceeded."
    assert send(client, "r@outside.test").status == 200
    assert send(client, "r@outside.test").message == "Daily message quota exceeded."


def test_quota_is_the_delegates_and_of_one_region(tenant: Tenant, sesame: SesameProcess) -> None:
    delegate = Tenant(sesame, sesame.create_account())
    allow = {"AWS": delegate.account.account_id}
    put_policy(tenant, Policy=statement(tenant, Principal=allow))
    set_quota(delegate, limit=2)
    with SignedClient(sesame.api, delegate.account) as client:
        assert send(client, "r@outside.test", "s@outside.test", arn=tenant.arn).status == 200
        assert send(client, "r@outside.test", arn=tenant.arn).message == "Daily message quota exceeded."
    assert (sent(delegate), sent(tenant)) == (2.0, 0.0)
    with SignedClient(sesame.api, tenant.account) as client:
        assert send(client, "r@outside.test").status == 200
    elsewhere = sesame.client("ses", delegate.account, region="eu-west-1")
    elsewhere.verify_domain_identity(Domain="own.test")
    with SignedClient(sesame.api, delegate.account, region="eu-west-1") as client:
        assert send(client, "r@outside.test", source="a@own.test").status == 200


def test_unlimited_is_minus_one(tenant: Tenant, client: SignedClient) -> None:
    set_quota(tenant, limit=0)
    assert send(client, "r@outside.test").message == "Daily message quota exceeded."
    set_quota(tenant, limit=-1)
    assert send(client, "r@outside.test").status == 200
    assert tenant.ses.get_send_quota()["Max24HourSend"] == -1.0


def test_a_paused_account_sends_nothing_in_that_region(tenant: Tenant, client: SignedClient) -> None:
    tenant.ses.update_account_sending_enabled(Enabled=False)
    for source in ("news@example.com", "someone@other.test", "no address"):
        reply = send(client, "r@outside.test", source=source)
        assert (reply.status, reply.code, reply.message) == (
            400,
            "AccountSendingPausedException",
            "Account sending is disabled.",
        )
    with pytest.raises(tenant.ses.exceptions.AccountSendingPausedException):
        tenant.ses.send_raw_email(RawMessage={"Data": b"From: a@example.com\r\nTo: b@c.test\r\n\r\nx"})
    other = tenant.sesame.client("ses", tenant.account, region="eu-west-1")
    other.verify_domain_identity(Domain="example.com")
    with SignedClient(tenant.sesame.api, tenant.account, region="eu-west-1") as elsewhere:
        assert send(elsewhere, "r@outside.test").status == 200
    tenant.ses.update_account_sending_enabled(Enabled=True)
    assert send(client, "r@outside.test").status == 200


def test_a_user_in_the_sandbox_needs_its_policy_to_cover_recipients_too(sandboxed: Tenant) -> None:
    """As observed on SES: the recipient's identity is a resource of the send."""
    set_quota(sandboxed, rate=1000)
    sandboxed.ses.verify_domain_identity(Domain="known.test")
    narrow = policy({"Effect": "Allow", "Action": "ses:SendEmail", "Resource": sandboxed.arn})
    anna = sandboxed.user("anna", narrow)
    mail = {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}
    known = sandboxed.arn.replace("example.com", "known.test")
    assert refusal(
        anna.ses.send_email,
        Source="a@example.com",
        Destination={"ToAddresses": ["b@known.test"]},
        Message=mail,
    ) == (
        "AccessDenied",
        403,
        f"User `arn:aws:iam::{sandboxed.account.account_id}:user/anna' is not authorized to perform"
        f" `ses:SendEmail' on resource `{known}'",
    )
    anna.ses.send_email(Source="a@example.com", Destination={"ToAddresses": ["b@example.com"]}, Message=mail)


def test_nothing_refused_here_was_delivered(sandboxed: Tenant) -> None:
    """A sandboxed account's mail to outsiders never leaves, however it is asked for."""
    set_quota(sandboxed, rate=1000)
    mine = f"{sandboxed.account.account_id}@outside.test"
    raw = "From: a@example.com\r\nTo: me@example.com\r\nBcc: {0}\r\n\r\nx".format
    marker = f"marker.{sandboxed.account.account_id}@example.com"
    with SignedClient(sandboxed.sesame.api, sandboxed.account) as client:
        for parameters in (
            {"Destination.BccAddresses.member.1": mine},
            {"Destination.CcAddresses.member.1": mine},
            {"Destination.ToAddresses.member.2": f"Name <{mine}>"},
        ):
            wanted = simple_email(source="a@example.com", to="me@example.com", **parameters)
            assert client.call("SendEmail", wanted).code == "MessageRejected"
        assert refusal(sandboxed.ses.send_raw_email, RawMessage={"Data": raw(mine)})[0] == "MessageRejected"
        assert (
            refusal(
                sandboxed.ses.send_raw_email,
                RawMessage={"Data": raw("me@example.com")},
                Destinations=["me@example.com", mine],
            )[0]
            == "MessageRejected"
        )
        assert send(client, marker).status == 200
    wait_until(lambda: [mail for mail in sandboxed.sesame.mail() if marker in mail.rcpt_to])
    assert not [mail for mail in sandboxed.sesame.mail() if mine in mail.rcpt_to]


def test_the_accounts_of_other_regions_are_as_they_were(sesame: SesameProcess) -> None:
    """Quota set for one region leaves the others."""
    account: Account = sesame.create_account()
    sesame.operate(
        lambda services: services.operator.set_quota(
            account.account_id, REGION, max_24_hour_send=7, max_send_rate=None
        )
    )
    here, there = sesame.client("ses", account), sesame.client("ses", account, region="eu-west-1")
    assert here.get_send_quota()["Max24HourSend"] == 7.0
    assert there.get_send_quota()["Max24HourSend"] > 7.0
