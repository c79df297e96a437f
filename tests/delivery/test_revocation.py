"""Revocation reaches the queue: what the owner allows no more is cancelled before it is delivered, a pause holds."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from sesame.access.causes.traced import traced
from sesame.app.delivery import Delivering
from sesame.cli.trace import _trace_json
from sesame.db import Store, Transaction
from sesame.policy.reasons.cause import Reader
from sesame.spool.trace import trace
from sesame.store import identity_policies
from tests.support.patience import PATIENCE_S
from tests.support.process import Account
from tests.support.refusal_world import EVERYTHING, REGION, Case, World
from tests.support.smtp_sink import Sink, listening

DAY = 86_400
SEND: dict[str, Any] = {"as": "sender", "from": "news@one.test", "door": "raw"}


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with listening(Sink()) as one:
        yield one


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, sink: Sink) -> Iterator[World]:
    relay = f"127.0.0.1:{sink.port}"
    opened = World.open(tmp_path_factory.mktemp("revoked") / "data", SESAME_DELIVERY__RELAY=relay)
    opened.doors.authenticator.skew_s = 1e9  # boto3 signs by the wall clock, which no test moves
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def lent(world: World) -> Case:
    """An owner that lends `one.test` to an account, and a queue that is empty."""
    world.run(world.services.store.write(lambda tx: tx.execute("DELETE FROM queue")))
    return Case.lending(world)


def own(case: Case, who: str = "owner") -> Any:
    return case.world.client("sesame", case.keys[who])


def key(case: Case) -> dict[str, str]:
    return {"Identity": "one.test", "Delegate": case.account("sender").account_id}


def accept(case: Case, **changes: Any) -> str:
    """Have a message accepted as the owner's identity; its id."""
    given = {**SEND, "arns": {"SourceArn": case.arn("owner", "one.test")}, **changes}
    outcome = case.send(given)
    assert outcome.code == "", outcome
    return outcome.message_id


async def waiting(tx: Transaction) -> int:
    """Recipients under way, or due and not tried yet."""
    row = await tx.one(
        "SELECT COUNT(*) FROM queue WHERE hold IS NULL AND (holder IS NOT NULL OR attempts = 0)"
    )
    return 0 if row is None else int(row[0])


async def until_idle(store: Store) -> None:
    """Wait until the scheduler has done all that was due."""
    while await store.read(waiting):  # noqa: ASYNC110 -- what is waited for is in the database
        await asyncio.sleep(0.01)


def deliver(case: Case, *, revoke_queued: bool = True) -> None:
    """Let the scheduler do all that is due."""
    services = case.world.services

    async def left(tx: Transaction) -> int:
        row = await tx.one(
            "SELECT COUNT(*) FROM queue WHERE hold IS NULL AND due_at <= ?", services.steady.now()
        )
        return 0 if row is None else int(row[0])

    async def session() -> None:
        delivering = Delivering(services, mx_port=25, own_hosts={}, recorded=lambda _: None)
        task = asyncio.create_task(delivering.scheduler.run())
        async with asyncio.timeout(PATIENCE_S):
            while await services.store.read(left) or await services.store.read(waiting):
                delivering.scheduler.wake("", ())
                await asyncio.sleep(0.01)
        delivering.scheduler.stop()
        await task

    kept = services.settings
    services.settings = _with_revocation(kept, revoke_queued)
    try:
        case.world.run(session())
    finally:
        services.settings = kept


def _with_revocation(settings: Any, is_on: bool) -> Any:
    delivery = msgspec.structs.replace(settings.delivery, revoke_queued=is_on)
    return msgspec.structs.replace(settings, delivery=delivery)


def state(case: Case, message_id: str) -> str:
    """The state of the message's recipients, which have one between them."""
    found = case.world.run(trace(case.world.services.store, message_id, viewer=None))
    assert found is not None
    (one,) = {recipient.state for recipient in found.recipients}
    return str(one)


def put_policy(case: Case, **statement: Any) -> None:
    case.step("policy", "owner", "one.test", {"Principal": {"AWS": "<sender>"}} | statement)


def remove_policy(case: Case) -> None:
    case.step(
        "call", "owner", "ses", "delete_identity_policy", {"Identity": "one.test", "PolicyName": "lend"}
    )


def put_deny(case: Case) -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Deny", "Principal": "*", "Action": "ses:*", "Resource": case.arn("owner", "one.test"),
        },
    }  # fmt: skip
    call = {"Identity": "one.test", "PolicyName": "no", "Policy": json.dumps(document)}
    case.step("call", "owner", "ses", "put_identity_policy", call)


def name_another(case: Case) -> None:
    case.account("another")
    put_policy(case, Principal={"AWS": "<another>"})


def narrow_the_addresses(case: Case) -> None:
    put_policy(case, Condition={"StringLike": {"ses:FromAddress": "other@one.test"}})


def narrow_the_recipients(case: Case) -> None:
    put_policy(case, Condition={"ForAllValues:StringLike": {"ses:Recipients": "*@elsewhere.example"}})


def allow_another_action(case: Case) -> None:
    put_policy(case, Action="ses:SendEmail")


def delete_identity(case: Case) -> None:
    case.step("call", "owner", "ses", "delete_identity", {"Identity": "one.test"})


def deny_on_a_nearer_identity(case: Case) -> None:
    case.step("identity", "owner", "news@one.test")
    case.step("policy", "owner", "news@one.test", {"Effect": "Deny", "Principal": {"AWS": "<sender>"}})


def put_the_expiry_date_back(case: Case) -> None:
    own(case).put_delegate_bounds(**key(case), ExpiresAt=1)


REVOCATIONS = [
    remove_policy,
    put_deny,
    name_another,
    narrow_the_addresses,
    narrow_the_recipients,
    allow_another_action,
    delete_identity,
    deny_on_a_nearer_identity,
    put_the_expiry_date_back,
]


@pytest.mark.parametrize("revoke", REVOCATIONS)
def test_what_the_owner_allows_no_more_is_cancelled_and_never_reaches_a_server(
    lent: Case, sink: Sink, revoke: Callable[[Case], None]
) -> None:
    message_id = accept(lent, to="a@away.example")
    revoke(lent)
    before = len(sink.received)
    deliver(lent)
    assert (state(lent, message_id), len(sink.received)) == ("cancelled", before)


def close_the_window(case: Case) -> None:
    """The policy ends after the message was accepted, and before it is delivered."""
    end = datetime.fromtimestamp(case.world.services.clock.now() + 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    put_policy(case, Condition={"DateLessThan": {"aws:CurrentTime": end}})
    case.world.services.clock.advance(120)  # type: ignore[attr-defined]


def add_another_policy(case: Case) -> None:
    case.account("another")
    document = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": case.account("another").account_id},
            "Action": "ses:SendRawEmail",
            "Resource": case.arn("owner", "one.test"),
        },
    }
    call = {"Identity": "one.test", "PolicyName": "more", "Policy": json.dumps(document)}
    case.step("call", "owner", "ses", "put_identity_policy", call)


def set_a_cap_that_is_used_up(case: Case) -> None:
    own(case).put_delegate_bounds(**key(case), MaxMessagesPerDay=0)


def set_an_expiry_date(case: Case) -> None:
    """After the message was accepted."""
    now = case.world.services.clock.now()
    own(case).put_delegate_bounds(**key(case), ExpiresAt=int(now) + 60)
    case.world.services.clock.advance(120)  # type: ignore[attr-defined]


def pause_another(case: Case) -> None:
    own(case).pause_delegate(Identity="*", Delegate="333333333333")


@pytest.mark.parametrize(
    "change",
    [close_the_window, add_another_policy, set_a_cap_that_is_used_up, set_an_expiry_date, pause_another],
)
def test_what_is_still_allowed_is_delivered_whatever_else_has_changed(
    lent: Case, sink: Sink, change: Callable[[Case], None]
) -> None:
    message_id = accept(lent, to="a@away.example")
    change(lent)
    before = len(sink.received)
    deliver(lent)
    assert (state(lent, message_id), len(sink.received)) == ("delivered", before + 1)


def at(case: Case, seconds: float) -> str:
    """A moment that many seconds from now, as policies write it."""
    moment = case.world.services.clock.now() + seconds
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


BY_MESSAGE: dict[str, Callable[[Case], dict[str, Any]]] = {
    "recipients": lambda _: {"ForAllValues:StringLike": {"ses:Recipients": "*@away.example"}},
    "no such recipient": lambda _: {"ForAllValues:StringNotEquals": {"ses:Recipients": "b@elsewhere.test"}},
    "time": lambda case: {"DateLessThan": {"aws:CurrentTime": at(case, -30)}},
    "epoch": lambda case: {"NumericLessThan": {"aws:EpochTime": str(int(case.world.services.clock.now() - 30))}},
    "variable": lambda _: {"StringLike": {"aws:CurrentTime": "${aws:CurrentTime}", "ses:FromAddress": "news@*"},
                           "ForAllValues:StringLike": {"ses:Recipients": "a@*"}},
}  # fmt: skip


@pytest.mark.parametrize("condition", BY_MESSAGE.values(), ids=BY_MESSAGE)
def test_of_messages_that_share_a_decision_each_is_decided_by_its_own_recipients_and_time(
    lent: Case, condition: Callable[[Case], dict[str, Any]]
) -> None:
    first = accept(lent, to="a@away.example")
    lent.world.services.clock.advance(60)  # type: ignore[attr-defined]
    second = accept(lent, to="b@elsewhere.test")
    put_policy(lent, Condition=condition(lent))
    deliver(lent)
    assert (state(lent, first), state(lent, second)) == ("delivered", "cancelled")


def test_messages_that_share_a_decision_share_what_becomes_of_them_and_a_later_change_counts(
    lent: Case,
) -> None:
    earlier = [accept(lent, to=to) for to in ("a@away.example", "b@away.example")]
    put_policy(lent, Condition={"StringEquals": {"ses:FromAddress": "news@one.test"}})
    deliver(lent)
    later = [accept(lent, to=to) for to in ("a@away.example", "b@away.example")]
    put_policy(lent, Condition={"StringEquals": {"ses:FromAddress": "other@one.test"}})
    deliver(lent)
    assert [state(lent, one) for one in (*earlier, *later)] == ["delivered"] * 2 + ["cancelled"] * 2


def delete_the_user(case: Case) -> None:
    account = case.account("sender").account_id
    case.world.run(case.world.services.operator.delete_user(account, "app"))


def take_the_users_policy(case: Case) -> None:
    case.step("call", "sender", "iam", "delete_user_policy", {"UserName": "app", "PolicyName": "own"})


def switch_sending_off(case: Case) -> None:
    case.step("call", "sender", "ses", "update_account_sending_enabled", {"Enabled": False})


@pytest.mark.parametrize("change", [delete_the_user, take_the_users_policy, switch_sending_off])
def test_what_the_senders_own_account_takes_from_its_users_does_not_reach_its_queue(
    lent: Case, change: Callable[[Case], None]
) -> None:
    lent.step("user", "sender", "app", EVERYTHING)
    message_id = accept(lent, **{"as": "sender/app"})
    own(lent).pause_delegate(Identity="*", Delegate="333333333333")  # so that it is decided again
    change(lent)
    deliver(lent)
    assert state(lent, message_id) == "delivered"


def test_an_accounts_own_mail_goes_on_though_its_identity_is_gone(lent: Case) -> None:
    outcome = lent.send({**SEND, "as": "owner"})
    delete_identity(lent)
    deliver(lent)
    assert state(lent, outcome.message_id) == "delivered"


def test_a_pause_holds_what_is_queued_and_its_end_lets_it_go(lent: Case, sink: Sink) -> None:
    message_id = accept(lent)
    own(lent).pause_delegate(**key(lent))
    before = len(sink.received)
    deliver(lent)
    assert (state(lent, message_id), len(sink.received)) == ("held", before)
    assert own(lent).resume_delegate(**key(lent))["Released"] == 1
    deliver(lent)
    assert (state(lent, message_id), len(sink.received)) == ("delivered", before + 1)


def test_what_two_pauses_hold_goes_on_when_both_have_ended(lent: Case) -> None:
    message_id = accept(lent)
    everything = key(lent) | {"Identity": "*"}
    own(lent).pause_delegate(**key(lent))
    own(lent).pause_delegate(**everything)
    deliver(lent)
    own(lent).resume_delegate(**key(lent))
    deliver(lent)
    assert state(lent, message_id) == "held"
    assert own(lent).delete_delegate_bounds(**everything)["Released"] == 1
    deliver(lent)
    assert state(lent, message_id) == "delivered"


def test_what_is_held_by_a_pause_and_then_revoked_is_cancelled(lent: Case) -> None:
    message_id = accept(lent)
    own(lent).pause_delegate(**key(lent))
    deliver(lent)
    remove_policy(lent)
    own(lent).resume_delegate(**key(lent))
    deliver(lent)
    assert state(lent, message_id) == "cancelled"


@pytest.mark.parametrize("harm", ["decision", "policy"])
def test_what_cannot_be_understood_is_held_and_neither_delivered_nor_cancelled(
    lent: Case, sink: Sink, harm: str
) -> None:
    message_id = accept(lent)
    add_another_policy(lent)

    async def damage(tx: Transaction) -> None:
        if harm == "decision":
            await tx.execute("UPDATE message SET decision = 'x' WHERE message_id = ?", message_id)
        else:
            owner = lent.account("owner").account_id
            await tx.execute("UPDATE identity_policy SET document = '{' WHERE account_id = ?", owner)

    lent.world.run(lent.world.services.store.write(damage))
    before = len(sink.received)
    deliver(lent)

    async def held(tx: Transaction) -> Any:
        return await tx.one(
            "SELECT r.state, q.hold FROM recipient r JOIN message m ON m.seq = r.message_seq JOIN queue q"
            " ON q.seq = r.seq WHERE m.message_id = ?",
            message_id,
        )

    found = lent.world.run(lent.world.services.store.read(held))
    assert found[0] == "held" and "cannot be understood" in found[1]
    assert len(sink.received) == before


def test_a_policy_of_a_later_version_of_the_language_holds_and_does_not_cancel(lent: Case) -> None:
    message_id = accept(lent)
    add_another_policy(lent)

    async def later(tx: Transaction) -> None:
        await tx.execute(
            "UPDATE identity_policy SET document = replace(document, '2012-10-17', '2031-01-01') WHERE account_id = ?",
            lent.account("owner").account_id,
        )

    lent.world.run(lent.world.services.store.write(later))
    deliver(lent)
    assert state(lent, message_id) == "held"


def test_mail_that_was_queued_before_epochs_were_kept_is_decided_again(lent: Case) -> None:
    first, second = accept(lent), None

    async def forget(tx: Transaction) -> None:
        await tx.execute("UPDATE message SET lent = NULL")

    lent.world.run(lent.world.services.store.write(forget))
    deliver(lent)
    assert state(lent, first) == "delivered"
    second = accept(lent)
    lent.world.run(lent.world.services.store.write(forget))
    remove_policy(lent)
    deliver(lent)
    assert state(lent, second) == "cancelled"


def test_a_session_is_decided_again_as_what_it_was(lent: Case) -> None:
    lent.step("role", "sender", "mailer", "one", [EVERYTHING])
    role = lent.fill("arn:aws:iam::<sender>:role/mailer")
    put_policy(lent, Principal={"AWS": role})
    by_session = accept(lent, **{"as": "sender/mailer"})
    add_another_policy(lent)
    deliver(lent)
    assert state(lent, by_session) == "delivered"
    by_session = accept(lent, **{"as": "sender/mailer"})
    name_another(lent)
    deliver(lent)
    assert state(lent, by_session) == "cancelled"


def test_a_service_is_decided_again_as_the_service_that_it_was(lent: Case) -> None:
    name = f"mail-{lent.account('owner').account_id}.amazonaws.com"
    keys = lent.world.run(lent.world.services.service_principals.create(name))
    lent.keys["service"] = Account(
        lent.account("sender").account_id, keys.access_key_id, keys.secret_access_key
    )
    put_policy(lent, Principal={"Service": name})
    client = lent.world.client("ses", lent.keys["service"])
    client.meta.events.register(
        "before-sign.ses",
        lambda request, **_: request.headers.add_header(
            "x-amz-source-account", lent.account("sender").account_id
        ),
    )
    first, second = accept(lent, **{"as": "service"}), None
    add_another_policy(lent)
    deliver(lent)
    assert state(lent, first) == "delivered"
    second = accept(lent, **{"as": "service"})
    name_another(lent)
    deliver(lent)
    assert state(lent, second) == "cancelled"


def test_the_setting_leaves_the_queue_alone(lent: Case) -> None:
    message_id = accept(lent)
    remove_policy(lent)
    deliver(lent, revoke_queued=False)
    assert state(lent, message_id) == "delivered"


def test_the_trace_says_to_the_sender_that_the_owner_took_its_leave_back_and_nothing_of_its_policies(
    lent: Case,
) -> None:
    message_id = accept(lent)
    put_deny(lent)
    deliver(lent)
    found = lent.world.run(trace(lent.world.services.store, message_id, viewer=None))
    assert found is not None
    told = traced(_trace_json(found), Reader.SENDER)
    (recipient,) = told["recipients"]
    (cause,) = recipient["causes"]
    assert (recipient["state"], cause["code"], cause["mend"]["how"]) == ("cancelled", "SA607", "ask")
    assert cause["mend"]["account"] == lent.account("owner").account_id
    assert '"no"' not in json.dumps(told) and "lend" not in json.dumps(told)
    assert traced(_trace_json(found), Reader.OWNER)["outcomes"] == {"cancelled": 1}


def test_no_attempt_is_counted_for_what_is_held_or_cancelled(lent: Case) -> None:
    message_id = accept(lent)
    own(lent).pause_delegate(**key(lent))
    deliver(lent)

    async def attempts(tx: Transaction) -> Any:
        return await tx.one(
            "SELECT q.attempts FROM queue q JOIN message m ON m.seq = q.message_seq WHERE m.message_id = ?",
            message_id,
        )

    assert lent.world.run(lent.world.services.store.read(attempts)) == (0,)


def test_the_owner_cancels_what_a_delegate_has_queued_and_nobody_elses(lent: Case) -> None:
    lent.step("user", "sender", "app", EVERYTHING)
    theirs = accept(lent), accept(lent, **{"as": "sender/app"})
    own_mail = lent.send({**SEND, "as": "owner"}).message_id
    client, app = own(lent), lent.fill("arn:aws:iam::<sender>:user/app")
    assert client.cancel_delegate_messages(Delegate="333333333333")["Cancelled"] == 0
    assert client.cancel_delegate_messages(MessageId=own_mail)["Cancelled"] == 0
    done = client.cancel_delegate_messages(Identity="one.test", Delegate=app, Reason="it is wrong")
    assert (done["Cancelled"], done["UnderWay"]) == (1, 0)
    assert [state(lent, one) for one in theirs] == ["queued", "cancelled"]
    assert client.cancel_delegate_messages(Delegate=lent.account("sender").account_id)["Cancelled"] == 1
    assert [state(lent, one) for one in (*theirs, own_mail)] == ["cancelled", "cancelled", "queued"]
    deliver(lent)
    assert state(lent, own_mail) == "delivered"


def test_what_a_users_federated_users_have_queued_is_cancelled_with_its_own(lent: Case) -> None:
    """That of others who name it in their policies or addresses is not."""
    lent.step("user", "sender", "app", EVERYTHING)
    named = {"Effect": "Allow", "Action": "ses:*", "Resource": lent.fill("arn:aws:iam::<sender>:user/app")}
    for user, name in (("app", "guest"), ("", "other")):
        lent.step("federated", "sender", user, name, EVERYTHING, named)
    theirs = [accept(lent, **{"as": f"sender/{name}"}) for name in ("guest", "other")]
    app = lent.fill("arn:aws:iam::<sender>:user/app")
    assert own(lent).cancel_delegate_messages(Delegate=app)["Cancelled"] == 1
    assert [state(lent, one) for one in theirs] == ["cancelled", "queued"]
    guest = lent.fill("arn:aws:sts::<sender>:federated-user/other")
    assert own(lent).cancel_delegate_messages(Delegate=guest)["Cancelled"] == 1


@pytest.mark.parametrize("principal", ["<sender>", "arn:aws:iam::<sender>:user/app"])
def test_mail_of_a_federated_user_goes_as_long_as_its_owner_lets_it(lent: Case, principal: str) -> None:
    lent.step("user", "sender", "app", EVERYTHING)
    lent.step("federated", "sender", "app", "guest", EVERYTHING)
    put_policy(lent, Principal={"AWS": principal})
    first, second = (accept(lent, **{"as": "sender/guest"}) for _ in range(2))
    put_policy(lent, Principal={"AWS": principal}, Sid="again")
    deliver(lent)
    assert state(lent, first) == "delivered" == state(lent, second)
    third = accept(lent, **{"as": "sender/guest"})
    put_policy(lent, Principal={"AWS": "arn:aws:sts::<sender>:federated-user/other"})
    deliver(lent)
    assert state(lent, third) == "cancelled"


def test_a_sender_cancels_its_own_and_nothing_of_others(lent: Case) -> None:
    theirs, own_mail = accept(lent), lent.send({**SEND, "as": "owner"}).message_id
    assert own(lent, "sender").cancel_messages(MessageId=own_mail)["Cancelled"] == 0
    assert own(lent, "sender").cancel_messages(MessageId=theirs)["Cancelled"] == 1
    again = accept(lent)
    assert own(lent, "sender").cancel_messages(All=True)["Cancelled"] == 1
    assert [state(lent, one) for one in (theirs, again, own_mail)] == ["cancelled", "cancelled", "queued"]
    assert own(lent).cancel_messages(Identity="one.test")["Cancelled"] == 1


def test_a_region_is_a_world_of_its_own(lent: Case) -> None:
    lent.step("identity", "owner", "one.test", "eu-west-1")
    message_id = accept(lent)
    elsewhere = lent.world.client("sesame", lent.keys["owner"], "eu-west-1")
    assert elsewhere.cancel_delegate_messages(Identity="one.test")["Cancelled"] == 0
    assert state(lent, message_id) == "queued"
    assert REGION == "us-east-1"


async def take_back(case: Case, tx: Transaction) -> None:
    """What the owner does, as part of a transaction of the test's."""
    owner = case.account("owner").account_id
    assert await identity_policies.delete(tx, owner, REGION, "one.test", "lend")


def test_an_attempt_that_waits_for_its_server_does_not_deliver_what_was_revoked_meanwhile(
    lent: Case, sink: Sink
) -> None:
    message_id = accept(lent, to="a@slow.example")
    services, talked = lent.world.services, []

    async def session() -> None:
        connected, may_greet = asyncio.Event(), asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connected.set()
            await may_greet.wait()
            writer.write(b"220 slow.test\r\n")
            while line := await reader.readline():
                talked.append(line[:4].upper())
                writer.write(b"250 Ok\r\n")
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        kept = services.settings
        port = server.sockets[0].getsockname()[1]
        services.settings = msgspec.structs.replace(
            kept, delivery=msgspec.structs.replace(kept.delivery, relay=f"127.0.0.1:{port}")
        )
        delivering = Delivering(services, mx_port=25, own_hosts={}, recorded=lambda _: None)
        services.settings = kept
        task = asyncio.create_task(delivering.scheduler.run())
        async with asyncio.timeout(PATIENCE_S):
            await connected.wait()
            await services.store.write(lambda tx: take_back(lent, tx))
            services.clock.advance(1)  # type: ignore[attr-defined]
            may_greet.set()
            await until_idle(services.store)
            delivering.scheduler.stop()
            await task
            server.close()

    lent.world.run(session())
    assert state(lent, message_id) == "cancelled"
    assert b"MAIL" not in talked and b"DATA" not in talked


def test_under_load_nothing_is_delivered_whose_attempt_had_not_begun_when_the_owner_took_it_back(
    lent: Case, sink: Sink
) -> None:
    ids = [accept(lent, to=f"a{n}@load{n % 4}.example", subject=f"load-{n}") for n in range(60)]
    services = lent.world.services

    async def session() -> set[str]:
        delivering = Delivering(services, mx_port=25, own_hosts={}, recorded=lambda _: None)
        task = asyncio.create_task(delivering.scheduler.run())
        first, loop = asyncio.Event(), asyncio.get_running_loop()
        sink.answer = lambda *_: (loop.call_soon_threadsafe(first.set), "250 Ok")[1]

        async def revoke(tx: Transaction) -> set[str]:
            await take_back(lent, tx)
            rows = await tx.all(
                "SELECT m.message_id FROM queue q JOIN message m ON m.seq = q.message_seq WHERE q.holder IS NULL"
            )
            return {str(row[0]) for row in rows}

        async with asyncio.timeout(PATIENCE_S):
            await first.wait()
            not_begun = await services.store.write(revoke)
            await until_idle(services.store)
        sink.answer = lambda *_: "250 Ok"
        delivering.scheduler.stop()
        await task
        return not_begun

    before = len(sink.received)
    not_begun = lent.world.run(session())
    states = {message_id: state(lent, message_id) for message_id in ids}
    assert not_begun <= states.keys() and not_begun, "it fell into a queue that was not empty"
    assert {states[message_id] for message_id in not_begun} == {"cancelled"}
    assert set(states.values()) == {"delivered", "cancelled"}
    assert len(sink.received) - before == list(states.values()).count("delivered")
