"""MTA-STS: what is a record and a policy, how long one holds, and how it is fetched."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sesame.db.sqlite import SqliteStore
from sesame.delivery.https import HttpsClient
from sesame.delivery.mta_sts import (
    FETCH_AGAIN_S,
    REFRESH_AFTER_S,
    Fetched,
    FetchFailed,
    StsInvalid,
    StsPolicies,
    read_policy,
    read_record,
)
from sesame.delivery.tls import TlsContexts
from sesame.dns.public import AddressGuard
from sesame.dns.resolver import NO_CACHE, CachingResolver
from tests.support.certificates import Made, make_ca, make_leaf, pem
from tests.support.clock import FakeClock
from tests.support.dns import FakeSource, resolver
from tests.support.patience import PATIENCE_S

DAY = 86_400.0
POLICY = b"version: STSv1\nmode: enforce\nmx: mx.one.test\nmx: *.Two.test\nmax_age: 604800\nmore: x\n"


@pytest.mark.parametrize(
    ("records", "want"),
    [
        (["v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        (["v=STSv1;id=a"], "a"),
        (["v=STSv1; ext=1; id=a; id=b", "v=spf1 -all"], "a"),
        ([], None),
        (["v=STSv2; id=a"], None),
        (["v=STSv1x; id=a"], None),
        ([" v=STSv1; id=a"], None),
        (["v=STSv1; id=a", "v=STSv1; id=b"], None),
        (["v=STSv1"], None),
        (["v=STSv1; id="], None),
        (["v=STSv1; id=a-b"], None),
        (["v=STSv1; id=" + "a" * 33], None),
    ],
)
def test_a_record_is_exactly_one_with_an_id(records: list[str], want: str | None) -> None:
    assert read_record(records) == want


def test_a_policy_is_read_with_what_is_unknown_passed_over() -> None:
    for body in (POLICY, POLICY.replace(b"\n", b"\r\n"), POLICY + b"mode: none\n\n"):
        policy = read_policy("one.test", "a", body, now=1000.0)
        assert (policy.mode, policy.hosts) == ("enforce", ("mx.one.test", "*.two.test"))
        assert (policy.max_age_s, policy.expires_at) == (604_800, 605_800.0)


def test_no_policy_holds_for_longer_than_a_year() -> None:
    policy = read_policy("one.test", "a", POLICY.replace(b"604800", b"9999999999"), now=0.0)
    assert policy.expires_at == 31_557_600.0


@pytest.mark.parametrize(
    "change",
    [
        (b"version: STSv1", b"version: STSv2"), (b"version: STSv1\n", b""), (b"enforce", b"Enforce"),
        (b"mode: enforce\n", b""), (b"604800", b"-1"), (b"604800", b"1e9"), (b"max_age: 604800\n", b""),
        (b"604800", b"99999999999"), (b"mx.one.test", b"mx one"), (b"mx.one.test", b""),
        (b"*.Two.test", b"mx.*.test"), (b"*.Two.test", b"*"), (b"mx: mx.one.test\nmx: *.Two.test\n", b""),
        (b"more: x", b"mx: a.test\n" * 300), (b"more: x", b"\xff"), (POLICY, b"<html>"), (POLICY, b""),
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused(change: tuple[bytes, bytes]) -> None:
    with pytest.raises(StsInvalid):
        read_policy("one.test", "a", POLICY.replace(*change), now=0.0)


class World:
    """Policies on a fresh store, with a clock, a DNS and a policy host that the test moves."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.clock = FakeClock()
        self.source = FakeSource("_mta-sts.one.test TXT v=STSv1; id=a")
        self.answer: Fetched | FetchFailed = Fetched(status=200, content_type="text/plain", body=POLICY)
        self.fetches = 0
        self.restart()

    def restart(self) -> None:
        dns = CachingResolver(self.source, clock=self.clock, bounds=NO_CACHE)
        self.policies = StsPolicies(self.store, dns, self.fetch, clock=self.clock)

    async def fetch(self, host: str, path: str) -> Fetched:
        self.fetches += 1
        await asyncio.sleep(0)
        if isinstance(self.answer, FetchFailed):
            raise self.answer
        return self.answer

    async def mode(self) -> str | None:
        policy = (await self.policies.of("one.test")).policy
        return None if policy is None else policy.mode


def in_world(tmp_path: Path, check: Callable[[World], Awaitable[None]]) -> None:
    async def session() -> None:
        store = SqliteStore(tmp_path / "db")
        try:
            await check(World(store))
        finally:
            store.close()

    asyncio.run(session())


DOWN = FetchFailed("sts-policy-fetch-error", "down")


def test_a_policy_is_fetched_once_by_any_number_of_attempts(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        assert await asyncio.gather(*(world.mode() for _ in range(20))) == ["enforce"] * 20
        world.restart()
        assert (await world.mode(), world.fetches) == ("enforce", 1)

    in_world(tmp_path, check)


def test_whoever_reads_slowly_that_there_is_none_forgets_no_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(world: World) -> None:
        read, go = world.store.read, asyncio.Event()

        async def slowly(function: Any) -> Any:
            monkeypatch.setattr(world.store, "read", read)
            found = await read(function)
            await go.wait()
            return found

        monkeypatch.setattr(world.store, "read", slowly)
        late = asyncio.create_task(world.mode())
        await asyncio.sleep(0)
        assert await world.mode() == "enforce"
        go.set()
        assert (await late, world.fetches) == ("enforce", 1)

    in_world(tmp_path, check)


def test_a_policy_ends_with_its_time(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        await world.mode()
        world.source.zone = []
        world.clock.advance(7 * DAY - 1)
        assert await world.mode() == "enforce"
        world.clock.advance(1)
        assert await world.mode() is None

    in_world(tmp_path, check)


def test_a_policy_host_that_fails_is_left_alone_for_a_while(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        world.answer = DOWN
        for seconds, fetches in ((0, 1), (FETCH_AGAIN_S - 1, 1), (1, 2)):
            world.clock.advance(seconds)
            finding = await world.policies.of("one.test")
            assert (finding.policy, finding.failure, world.fetches) == (None, DOWN, fetches)

    in_world(tmp_path, check)


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [(301, "text/plain", POLICY), (404, "text/plain", POLICY), (200, "text/html", POLICY), (200, "", POLICY),
     (200, "text/plain", b"rubbish"), (200, "text/plain", POLICY + b" " * 65_536)],
)  # fmt: skip
def test_an_answer_that_is_no_policy_leaves_what_there_was(
    tmp_path: Path, status: int, content_type: str, body: bytes
) -> None:
    async def check(world: World) -> None:
        await world.mode()
        world.source.zone = [("_mta-sts.one.test", "TXT", "v=STSv1; id=b")]
        world.answer = Fetched(status=status, content_type=content_type, body=body)
        finding = await world.policies.of("one.test")
        assert finding.policy is not None and finding.policy.policy_id == "a"
        assert finding.failure is not None and world.fetches == 2

    in_world(tmp_path, check)


def test_policies_are_fetched_again_each_day_before_they_expire(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        await world.mode()
        assert await world.policies.refresh_due() == 0
        for _ in range(10):
            world.clock.advance(REFRESH_AFTER_S)
            assert await world.policies.refresh_due() == 1
        assert (await world.mode(), world.fetches) == ("enforce", 11)
        world.answer = DOWN
        world.clock.advance(REFRESH_AFTER_S)
        assert (await world.policies.refresh_due(), await world.mode()) == (0, "enforce")

    in_world(tmp_path, check)


CA = make_ca()
GOOD = make_leaf("mta-sts.one.test", ca=CA)


def fetched(
    tmp_path: Path,
    answer: bytes,
    *,
    made: Made = GOOD,
    address: str = "127.0.0.1",
    max_bytes: int = 1000,
    allow: tuple[str, ...] = ("127.0.0.1/32",),
) -> Fetched:
    """What the client makes of a real HTTPS server that answers `answer` and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            if answer:
                writer.close()
                await writer.wait_closed()
        except (OSError, asyncio.IncompleteReadError):
            writer.transport.abort()

    async def session() -> Fetched:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=made.server_context(tmp_path))
        (tmp_path / "ca.pem").write_bytes(pem(CA.certificate))
        client = HttpsClient(
            resolver(f"mta-sts.one.test A {address}"),
            AddressGuard(allow),
            TlsContexts(str(tmp_path / "ca.pem")).checked,
            port=server.sockets[0].getsockname()[1],
            timeout_s=PATIENCE_S if answer else 0.5,
            max_bytes=max_bytes,
        )
        try:
            return await client.get("mta-sts.one.test", "/.well-known/mta-sts.txt")
        finally:
            server.close()

    return asyncio.run(session())


def test_a_policy_comes_over_https(tmp_path: Path) -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-Length: %d\r\n\r\n"
        % len(POLICY)
    )
    want = Fetched(status=200, content_type="text/plain; charset=us-ascii", body=POLICY)
    assert fetched(tmp_path, head + POLICY) == want


def test_a_policy_host_at_an_address_that_is_not_public_is_not_asked(tmp_path: Path) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    assert fetched(tmp_path, answer).status == 200
    with pytest.raises(FetchFailed, match="no public address"):
        fetched(tmp_path, answer, allow=())


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    assert fetched(tmp_path, answer).status == 302


@pytest.mark.parametrize(
    ("answer", "options", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000, {}, "sts-policy-fetch-error"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 9000 + b"\r\n", {}, "sts-policy-fetch-error"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nshort", {}, "sts-policy-fetch-error"),
        (b"rubbish\r\n\r\n", {}, "sts-policy-fetch-error"),
        (b"", {}, "sts-policy-fetch-error"),
        (b"x", {"address": "127.0.0.2"}, "sts-policy-fetch-error"),
        (b"x", {"address": "10.0.0.1"}, "sts-policy-fetch-error"),
        (b"x", {"made": make_leaf("mta-sts.one.test", ca=None)}, "sts-webpki-invalid"),
        (b"x", {"made": make_leaf("one.test", ca=CA)}, "sts-webpki-invalid"),
        (b"x", {"made": make_leaf("mta-sts.one.test", ca=CA, days=(-9, -1))}, "sts-webpki-invalid"),
    ],
    ids=["too-long", "long-header", "cut-off", "rubbish", "hangs", "loopback", "private", "self-signed",
         "wrong-name", "expired"],
)  # fmt: skip
def test_what_cannot_be_fetched_in_order_is_an_error(
    tmp_path: Path, answer: bytes, options: dict[str, object], kind: str
) -> None:
    with pytest.raises(FetchFailed) as failed:
        fetched(tmp_path, answer, **options)  # type: ignore[arg-type]
    assert failed.value.kind == kind


@pytest.mark.parametrize("first", [b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 "])
def test_of_an_answer_that_does_not_end_so_much_is_read(first: bytes) -> None:
    async def session() -> int:
        client = HttpsClient(resolver(), AddressGuard(), TlsContexts().checked, max_bytes=65_536)
        reader = asyncio.StreamReader()
        reader.feed_data(first + b"a" * 2_000_000)
        with pytest.raises(ValueError, match="does not end"):
            await client._read(reader)
        return len(reader._buffer)  # type: ignore[attr-defined]

    assert asyncio.run(session()) > 1_500_000
