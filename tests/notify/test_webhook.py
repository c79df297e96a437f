"""What is posted to a webhook is signed as Standard Webhooks specifies; its own library is the judge."""

import base64
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from standardwebhooks import Webhook as Receiver
from standardwebhooks.webhooks import WebhookVerificationError

from sesame.errors import StoreUnavailable
from sesame.notify.webhook import WebhookGone, WebhookSigner, signature
from sesame.store import configuration_sets, outbox_entries, webhooks
from sesame.store.configuration_sets import ConfigurationSet
from sesame.store.sealed import SealBroken, Sealer
from sesame.store.webhooks import Webhook, WebhookKey, read_arn
from tests.notify.test_outbox import World
from tests.support.spooled import ACCOUNT, REGION, Fixture, with_spool

KEY = WebhookKey(account_id=ACCOUNT, region=REGION, set_name="set", name="hook")
BODY = b'{"eventType":"Send"}'


def test_the_signature_is_that_of_the_standard() -> None:
    """The example of the specification's own libraries."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature(
        secret, message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=b'{"test": 2432232314}'
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_arn_of_a_webhook_is_read_back_and_no_other() -> None:
    assert read_arn(KEY.arn) == KEY
    for other in ("arn:aws:ses:us-east-1:111111111111:configuration-set/set", "x", f"{KEY.arn}/y"):
        with pytest.raises(ValueError):
            read_arn(other)


def receiver(secret: bytes) -> Receiver:
    return Receiver(f"whsec_{base64.b64encode(secret).decode()}")


def test_while_a_secret_is_exchanged_both_sign_and_afterwards_the_new_one(tmp_path: Path) -> None:
    sealer = Sealer(b"m" * 32, random_bytes=lambda count: b"n" * count)
    old, new = b"o" * 32, b"n" * 32

    async def scenario(f: Fixture) -> None:
        world = World(f)
        await world.begin()
        now = world.clock.now()
        held = ConfigurationSet(account_id=ACCOUNT, region=REGION, name="set")
        webhook = Webhook(
            key=KEY,
            sealed_secret=sealer.seal(new, row=KEY.arn),
            sealed_previous=sealer.seal(old, row=KEY.arn),
            previous_until=now + 60,
            created_at=now,
        )
        await f.store.write(lambda tx: configuration_sets.put_destination(tx, held, "hook", {}))
        await f.store.write(lambda tx: webhooks.put(tx, webhook))
        signer = WebhookSigner(f.store, sealer)

        async def signatures(at: float) -> list[str]:
            fields = dict(await signer.fields(KEY, message_id="m", body=BODY, now=at))
            return fields["webhook-signature"].split(" ")

        def made(secret: bytes, at: float) -> str:
            return signature(secret, message_id="m", timestamp=int(at), body=BODY)

        assert await signatures(now) == [made(new, now), made(old, now)]
        assert await signatures(now + 60) == [made(new, now + 60)]
        moved = replace(webhook, sealed_secret=sealer.seal(new, row="another"))
        await f.store.write(lambda tx: webhooks.put(tx, moved))
        with pytest.raises(SealBroken):
            await signatures(now)
        await f.store.write(lambda tx: configuration_sets.delete_destination(tx, held, "hook"))
        with pytest.raises(WebhookGone):
            await signatures(now)

    with_spool(tmp_path, scenario)


async def with_webhook(world: World, sealer: Sealer, secret: bytes) -> None:
    """The world with a webhook that is told of Send, and nothing else that is."""
    await world.begin(events_of=())
    held = ConfigurationSet(account_id=ACCOUNT, region=REGION, name="set")
    definition = {
        "Enabled": True,
        "MatchingEventTypes": ["SEND"],
        webhooks.KIND: {"Url": "https://hook.test/w"},
    }
    webhook = Webhook(key=KEY, sealed_secret=sealer.seal(secret, row=KEY.arn), created_at=0)
    await world.f.store.write(lambda tx: configuration_sets.put_destination(tx, held, "hook", definition))
    await world.f.store.write(lambda tx: webhooks.put(tx, webhook))
    world.notifier._ways._webhooks = WebhookSigner(world.f.store, sealer)


def test_a_webhook_that_wants_no_more_is_switched_off_and_what_waits_for_it_is_kept(tmp_path: Path) -> None:
    sealer = Sealer(b"m" * 32, random_bytes=lambda count: b"n" * count)
    asked: list[tuple[WebhookKey, str]] = []

    async def scenario(f: Fixture) -> None:
        world = World(f, 200, 410, per_endpoint=1)
        await with_webhook(world, sealer, b"s" * 32)
        await world.send("good")
        await world.expand()
        await world.deliver()
        for number in range(20):
            await world.send(f"m{number}")
        await world.expand()

        async def switch_off(key: WebhookKey, url: str) -> None:
            asked.append((key, url))
            if len(asked) == 1:
                raise StoreUnavailable("not now")

        world.notifier._switch_off = switch_off
        await world.attempt(await world.claim())
        assert len(world.http.posted) == 2 and asked == [(KEY, "https://hook.test/w")]
        await world.claim()
        assert Counter(await world.rows()) == {  # it could not be switched off: it is asked once more
            ("told", 1): 1, ("waiting", 1): 1, ("waiting", 0): 19,
        }  # fmt: skip
        world.http.problems = [410]
        world.clock.advance(3_600)
        assert await world.deliver() == 1
        assert len(asked) == 2
        assert {state for state, _ in await world.rows()} == {"told", "dead"}
        world.clock.advance(3_600)
        assert await world.deliver() == 0
        dead = await f.store.read(lambda tx: outbox_entries.dead(tx, account_id=ACCOUNT, after=0, limit=50))
        assert len(dead) == 20 and {one.problem for one in dead} == {
            "the endpoint answered 410: it wants no more"
        }

    with_spool(tmp_path, scenario)


def test_a_post_that_fails_is_made_again_under_its_id_and_at_its_own_time(tmp_path: Path) -> None:
    sealer, secret = Sealer(b"m" * 32, random_bytes=lambda count: b"n" * count), b"s" * 32

    async def scenario(f: Fixture) -> None:
        world = World(f, 500, "no answer")
        await with_webhook(world, sealer, secret)
        await world.send()
        await world.expand()
        for _ in range(3):
            assert await world.deliver() == 1
            world.clock.advance(3_600)
        assert await world.rows() == [("told", 3)]
        assert {url for url, _ in world.http.posted} == {"https://hook.test/w"}
        assert len({body for _, body in world.http.posted}) == 1
        assert len({fields["webhook-id"] for fields in world.http.fields}) == 1
        assert len({fields["webhook-timestamp"] for fields in world.http.fields}) == 3
        for fields, (_, body) in zip(world.http.fields, world.http.posted, strict=True):
            at = int(fields["webhook-timestamp"])
            want = signature(secret, message_id=fields["webhook-id"], timestamp=at, body=body)
            assert fields["webhook-signature"] == want

    with_spool(tmp_path, scenario)


def test_a_receiver_refuses_what_is_old_or_changed() -> None:
    secret, fields = b"s" * 32, {}
    fields = {
        "webhook-id": "m",
        "webhook-timestamp": "1600000000",
        "webhook-signature": signature(secret, message_id="m", timestamp=1600000000, body=BODY),
    }
    with pytest.raises(WebhookVerificationError, match="too old"):
        receiver(secret).verify(BODY.decode(), fields)
