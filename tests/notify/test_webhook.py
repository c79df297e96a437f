"""What is posted to a webhook is signed as Standard Webhooks specifies; its own library is the judge."""

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from standardwebhooks import Webhook as Receiver
from standardwebhooks.webhooks import WebhookVerificationError

from sesame.notify.webhook import WebhookGone, WebhookSigner, signature
from sesame.store import configuration_sets, webhooks
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


def test_a_post_that_fails_is_made_again_under_its_id_and_at_its_own_time(tmp_path: Path) -> None:
    sealer, secret = Sealer(b"m" * 32, random_bytes=lambda count: b"n" * count), b"s" * 32

    async def scenario(f: Fixture) -> None:
        world = World(f, 500, "no answer")
        await world.begin(events_of=())
        held = ConfigurationSet(account_id=ACCOUNT, region=REGION, name="set")
        definition = {
            "Enabled": True,
            "MatchingEventTypes": ["SEND"],
            webhooks.KIND: {"Url": "https://hook.test/w"},
        }
        webhook = Webhook(key=KEY, sealed_secret=sealer.seal(secret, row=KEY.arn), created_at=0)
        await f.store.write(lambda tx: configuration_sets.put_destination(tx, held, "hook", definition))
        await f.store.write(lambda tx: webhooks.put(tx, webhook))
        world.notifier._webhooks = WebhookSigner(f.store, sealer)
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
