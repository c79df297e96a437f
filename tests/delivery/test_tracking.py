"""Which copies get links of ours, and what these begin with."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sesame.app.foundation import tracking_url
from sesame.config import load
from sesame.db import Transaction
from sesame.delivery.tracking import LARGE_BYTES, Tracking
from sesame.spool.spool import Claim
from sesame.store import accounts, configuration_sets
from sesame.store.configuration_sets import ConfigurationSet
from tests.support.spooled import ACCOUNT, REGION, Fixture, message, with_spool
from tests.support.stored_accounts import an_account

ID = "010001a2b3c4d5e6-00112233-4455-4677-8899-aabbccddeeff-000000"
HTML = b"From: a@example.com\r\nContent-Type: text/html\r\n\r\n<a href='https://a.example/'>x</a>\r\n"


async def with_set(f: Fixture, **tracking: str) -> None:
    """A set whose destination asks for opens and clicks."""
    held = ConfigurationSet(
        account_id=ACCOUNT,
        region=REGION,
        name="set",
        options={"TrackingOptions": tracking} if tracking else {},
    )
    definition: dict[str, Any] = {"Enabled": True, "MatchingEventTypes": ["OPEN", "CLICK"]}

    async def run(tx: Transaction) -> None:
        account = an_account(ACCOUNT)
        await accounts.create(tx, account)
        await configuration_sets.put(tx, held)
        await configuration_sets.put_destination(tx, held, "d", definition)

    await f.store.write(run)


async def claimed(f: Fixture, message_id: str = ID, **changes: Any) -> Claim:
    await f.put(message(message_id, **{"configuration_set": "set", **changes}))
    (claim,) = await f.claim()
    return claim


async def copy(f: Fixture, claim: Claim, data: bytes = HTML, url: str = "https://t.example") -> bytes:
    with ThreadPoolExecutor(1) as executor:
        return await Tracking(f.store, executor, key=b"k" * 32, url=url).copy(claim, data)


def test_a_copy_that_is_tried_again_is_the_same(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await with_set(f)
        claim = await claimed(f)
        first = await copy(f, claim)
        assert b"https://t.example/t/c/" in first and b"https://t.example/t/o/" in first
        assert await copy(f, claim) == first

    with_spool(tmp_path, check)


def test_a_large_message_is_followed_beside_the_loop_in_the_same_way(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await with_set(f)
        claim = await claimed(f)
        filler = b"<p>x</p>\r\n" * LARGE_BYTES
        assert (await copy(f, claim, HTML + filler)).count(b"https://t.example/t/") == 2

    with_spool(tmp_path, check)


def test_where_readers_do_not_reach_us_nothing_leads_to_us_but_by_the_sets_own_domain(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await with_set(f)
        claim = await claimed(f)
        assert await copy(f, claim, url="") == HTML
        held = ConfigurationSet(
            account_id=ACCOUNT, region=REGION, name="set",
            options={"TrackingOptions": {"CustomRedirectDomain": "click.example.com"}},
        )  # fmt: skip
        await f.store.write(lambda tx: configuration_sets.put(tx, held))
        assert b"https://click.example.com/t/c/" in await copy(f, claim, url="")

    with_spool(tmp_path, check)


def test_a_set_that_is_gone_and_a_message_without_one_are_not_followed(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        assert await copy(f, await claimed(f)) == HTML  # there is no such set any more

    async def without(f: Fixture) -> None:
        await with_set(f)
        assert await copy(f, await claimed(f, configuration_set=None)) == HTML

    for name, scenario in (("one", check), ("other", without)):
        (tmp_path / name).mkdir()
        with_spool(tmp_path / name, scenario)


def test_a_message_says_for_itself(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await with_set(f)
        found = await copy(f, await claimed(f, tracking={"open": False}))
        assert b"/t/o/" not in found and b"/t/c/" in found

    with_spool(tmp_path, check)


@pytest.mark.parametrize(
    ("flags", "want"),
    [
        ({}, ""),  # where we listen is not where readers are
        ({"api.public_url": "https://ses.example.net/"}, "https://ses.example.net"),
        ({"tracking.url": "https://click.example.net"}, "https://click.example.net"),
        ({"dns.resolver": "local"}, "http://127.0.0.1:9"),
    ],
)
def test_links_lead_where_readers_reach_us(tmp_path: Path, flags: dict[str, str], want: str) -> None:
    file = tmp_path / "sesame.toml"
    file.write_text("")
    settings = load(file, environ={}, flags=flags)
    assert tracking_url(settings, "http://127.0.0.1:9") == want


def test_copies_that_leave_at_once_are_followed_as_their_own_sets_ask(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await with_set(f)
        claims = [
            await claimed(f, f"{number}{ID[1:]}", configuration_set=name, tracking=tracking)
            for number, (name, tracking) in enumerate(
                [("set", None), ("gone", None), ("set", {"click": False}), (None, {"click": True})]
            )
        ]
        with ThreadPoolExecutor(1) as executor:
            tracking = Tracking(f.store, executor, key=b"k" * 32, url="https://t.example")
            copies = await asyncio.gather(*(tracking.copy(claim, HTML) for claim in claims))
        has = [(b"/t/o/" in made, b"/t/c/" in made) for made in copies]
        assert has == [(True, True), (False, False), (True, False), (False, True)]

    with_spool(tmp_path, check)
