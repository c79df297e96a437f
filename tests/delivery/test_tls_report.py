"""TLS reports: what sessions came to is counted, told once a day to those who ask, and told once."""

import asyncio
import email
import email.policy
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sesame.db import Transaction
from sesame.db.sqlite import SqliteStore
from sesame.delivery.mta_sts import Fetched, FetchFailed, StsFinding
from sesame.delivery.route import Host, Relay, Route
from sesame.delivery.tls import OPPORTUNISTIC, TlsFailed
from sesame.delivery.tls_policy import Wishes
from sesame.delivery.tls_report import (
    A_WRITE,
    MOST_OF_DOMAIN,
    Report,
    TlsReports,
    TlsResults,
    make_report,
    read_rua,
)
from sesame.dns.resolver import NO_CACHE, CachingResolver
from sesame.errors import StoreUnavailable
from sesame.mail.address import parse_mailbox
from sesame.mail.tls_report import build_tls_report
from sesame.store.mta_sts import StsPolicy
from sesame.store.tls_results import TlsResult
from tests.delivery.test_tls_policy import (
    GOOD,
    SELF_SIGNED,
    Server,
    World,
    dane,
    dane_bogus,
    no_policy,
    sts_enforce,
    sts_testing,
)  # fmt: skip
from tests.support.clock import FakeClock
from tests.support.dns import FakeSource

DAY = 86_400.0


class Office:
    """Reports about the results of a `World`, made on its store; what was sent is kept."""

    def __init__(self, directory: Path, *uris: str, is_down: bool = False) -> None:
        self.directory = directory
        self.clock = FakeClock()
        record = [f"_smtp._tls.one.test TXT v=TLSRPTv1; rua={','.join(uris)}"] if uris else []
        self.source = FakeSource(*record, "one.test A 192.0.2.1")
        self.is_down = is_down
        self.sent: list[tuple[str, dict[str, Any]]] = []

    async def mail(self, tx: Transaction, mailbox: str, report: Report) -> None:
        if "@" not in mailbox:
            raise ValueError(mailbox)
        self.sent.append((mailbox, json.loads(gzip.decompress(report.data))))

    async def post(self, host: str, path: str, data: bytes) -> Fetched:
        if self.is_down:
            raise FetchFailed("x", "down")
        self.sent.append((f"{host}{path}", json.loads(gzip.decompress(data))))
        return Fetched(status=201, content_type="", body=b"")

    def send(self, world: World | None = None) -> list[tuple[str, dict[str, Any]]]:
        async def session() -> None:
            store = SqliteStore(self.directory / "db")
            dns = CachingResolver(self.source, clock=self.clock, bounds=NO_CACHE)
            reports = TlsReports(
                store, dns, clock=self.clock, submitter="mx1.sesame.test", contact="postmaster@sesame.test",
                mail=self.mail, post=self.post,
            )  # fmt: skip
            try:
                if world is not None:
                    await world.results.flush(store)
                await reports.send_due()
            finally:
                store.close()

        before = len(self.sent)
        asyncio.run(session())
        return self.sent[before:]


def attempted(directory: Path, policy: Callable[[World], None], *servers: Server) -> World:
    world = World(directory, servers[0])
    policy(world)
    for server in servers:
        world.server = server
        asyncio.run(world.attempt())
    return world


def test_a_day_is_told_when_it_is_over_and_once(tmp_path: Path) -> None:
    world = attempted(tmp_path, sts_enforce, Server(GOOD), Server(GOOD), Server(SELF_SIGNED), Server())
    office = Office(tmp_path, "mailto:tls@one.test", "https://one.test/tls?x=1")
    assert office.send(world) == []
    office.clock.advance(DAY)
    sent = dict(office.send())
    assert sent.keys() == {"tls@one.test", "one.test/tls?x=1"}
    report = sent["tls@one.test"]
    day = "2027-01-15"
    assert report["date-range"] == {
        "start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z",
    }  # fmt: skip
    assert report["organization-name"] == "mx1.sesame.test"
    [policy] = report["policies"]
    assert policy["policy"] == {
        "policy-type": "sts", "policy-domain": "one.test", "mx-host": ["mx.one.test"],
        "policy-string": ["version: STSv1", "mode: enforce", "mx: mx.one.test", "max_age: 604800"],
    }  # fmt: skip
    assert policy["summary"] == {"total-successful-session-count": 2, "total-failure-session-count": 2}
    assert {
        detail["result-type"]: (detail["failed-session-count"], detail["receiving-mx-hostname"], detail["receiving-ip"])
        for detail in policy["failure-details"]
    } == {"certificate-not-trusted": (1, "mx.one.test", "127.0.0.1"),
          "starttls-not-supported": (1, "mx.one.test", "127.0.0.1")}  # fmt: skip
    office.clock.advance(DAY)
    assert office.send() == []


@pytest.mark.parametrize(
    ("policy", "server", "kind", "results"),
    [
        (no_policy, Server(GOOD), "no-policy-found", []),
        (no_policy, Server(), "no-policy-found", ["starttls-not-supported"]),
        (no_policy, Server(is_broken=True), "no-policy-found", ["validation-failure"]),
        (sts_testing, Server(SELF_SIGNED), "sts", ["certificate-not-trusted"]),
        (dane, Server(GOOD), "tlsa", []),
        (dane, Server(SELF_SIGNED), "tlsa", ["validation-failure"]),
        (dane_bogus, Server(GOOD), "no-policy-found", ["dnssec-invalid"]),
    ],
)
def test_each_session_counts_under_the_policy_that_it_was_held_to(
    tmp_path: Path, policy: Callable[[World], None], server: Server, kind: str, results: list[str]
) -> None:
    server.context = None
    world = attempted(tmp_path, policy, server)
    office = Office(tmp_path, "mailto:tls@one.test")
    office.clock.advance(DAY)
    [(_, report)] = office.send(world)
    [found] = report["policies"]
    assert found["policy"]["policy-type"] == kind
    assert [detail["result-type"] for detail in found.get("failure-details", ())] == results


def test_sessions_with_a_relay_of_ours_are_told_to_no_domain(tmp_path: Path) -> None:
    """They say nothing about the domain's own servers."""
    world = World(tmp_path, Server(GOOD), relay=Relay(name="mx.one.test", port=0, tls=OPPORTUNISTIC))
    asyncio.run(world.attempt())
    office = Office(tmp_path, "mailto:tls@one.test")
    office.clock.advance(2 * DAY)
    assert office.send(world) == []


def test_a_policy_that_cannot_be_fetched_is_told(tmp_path: Path) -> None:
    def no_host(world: World) -> None:
        sts_enforce(world)
        world.policy = None

    world = attempted(tmp_path, no_host, Server(GOOD))
    office = Office(tmp_path, "mailto:tls@one.test")
    office.clock.advance(DAY)
    [(_, report)] = office.send(world)
    assert [d["result-type"] for p in report["policies"] for d in p.get("failure-details", ())] == [
        "sts-policy-fetch-error"
    ]


def test_who_does_not_ask_is_told_nothing_and_what_he_would_have_been_told_goes(tmp_path: Path) -> None:
    world = attempted(tmp_path, no_policy, Server(GOOD))
    office = Office(tmp_path)
    office.clock.advance(DAY)
    assert office.send(world) == []
    office.source.zone.append(("_smtp._tls.one.test", "TXT", "v=TLSRPTv1; rua=mailto:a@one.test"))
    assert office.send() == []


def test_a_report_that_did_not_arrive_is_sent_again_for_some_days(tmp_path: Path) -> None:
    world = attempted(tmp_path, no_policy, Server(GOOD))
    office = Office(tmp_path, "https://one.test/tls", "mailto:a@one.test", is_down=True)
    office.clock.advance(DAY)
    assert [to for to, _ in office.send(world)] == ["a@one.test"]
    office.clock.advance(DAY)
    assert office.send() == []
    office.is_down = False
    assert [to for to, _ in office.send()] == ["one.test/tls"]


def test_a_report_that_never_arrives_is_given_up(tmp_path: Path) -> None:
    world = attempted(tmp_path, no_policy, Server(GOOD))
    office = Office(tmp_path, "https://one.test/tls", is_down=True)
    office.clock.advance(5 * DAY)
    office.send(world)
    office.is_down = False
    assert office.send() == []


@pytest.mark.parametrize(
    ("records", "want"),
    [
        (["v=TLSRPTv1; rua=mailto:a@b.test"], ("mailto:a@b.test",)),
        (["v=TLSRPTv1;rua=mailto:a@b.test,https://c.test/x;", "v=spf1"], ("mailto:a@b.test", "https://c.test/x")),
        (["v=TLSRPTv1; rua=http://c.test/x"], ()),
        (["v=TLSRPTv1; rua=" + ",".join(f"mailto:{n}@b.test" for n in range(9))],
         tuple(f"mailto:{n}@b.test" for n in range(5))),
        (["v=TLSRPTv1; rua=mailto:a@b.test", "v=TLSRPTv1; rua=mailto:c@b.test"], ()),
        (["v=TLSRPTv2; rua=mailto:a@b.test"], ()),
        (["v=TLSRPTv1"], ()),
        ([], ()),
    ],
)  # fmt: skip
def test_where_reports_go_is_read_from_one_record(records: list[str], want: tuple[str, ...]) -> None:
    assert read_rua(records) == want


def test_the_message_is_a_report_that_programs_can_read() -> None:
    results = {TlsResult(day="2026-11-28", policy_domain="one.test", policy_type="no-policy-found"): 3}
    report = make_report(
        "2026-11-28", "one.test", results, submitter="mx1.sesame.test", contact="p@sesame.test"
    )
    message = build_tls_report(
        from_=parse_mailbox("Sesame <no-reply@mx1.sesame.test>"), to=parse_mailbox("tls@one.test"), domain="one.test",
        submitter="mx1.sesame.test", report_id=report.report_id, file_name=report.file_name, report=report.data,
        message_id_field="<1@mx1.sesame.test>", at=0.0, boundary="b",
    )  # fmt: skip
    found = email.message_from_bytes(message, policy=email.policy.default)
    assert found.get_content_type() == "multipart/report"
    assert found.get_param("report-type") == "tlsrpt"
    assert (found["TLS-Report-Domain"], found["TLS-Report-Submitter"]) == ("one.test", "mx1.sesame.test")
    assert found["Subject"].startswith("Report Domain: one.test Submitter: mx1.sesame.test Report-ID: <")
    _, attached = found.iter_parts()
    assert attached.get_content_type() == "application/tlsrpt+gzip"
    assert attached.get_filename() == "mx1.sesame.test!one.test!1795824000!1795910399.json.gz"
    assert json.loads(gzip.decompress(attached.get_content()))["policies"][0]["summary"] == {
        "total-successful-session-count": 3, "total-failure-session-count": 0,
    }  # fmt: skip
    assert message.isascii() and message.count(b"\n") == message.count(b"\r\n")


def test_counts_that_cannot_be_written_are_kept_for_the_next_time(tmp_path: Path) -> None:
    world = attempted(tmp_path, no_policy, Server(GOOD))

    class Full:
        async def write(self, function: object, *, is_long: bool) -> None:
            raise StoreUnavailable("disk full")

    before = dict(world.results._counts)
    with pytest.raises(StoreUnavailable):
        asyncio.run(world.results.flush(Full()))  # type: ignore[arg-type]
    assert dict(world.results._counts) == before != {}


def test_a_domain_that_names_other_hosts_each_time_fills_nothing(tmp_path: Path) -> None:
    """Of one domain so many different results are kept in memory and for a day; all its sessions are counted."""
    clock = FakeClock()
    results = TlsResults(clock=clock)
    hosts = tuple(f"{'x' * 60}.mx{number}.one.test" for number in range(200))
    total = 0

    def fail(name: str, number: int) -> None:
        nonlocal total
        total += 1
        policy = StsPolicy(
            domain="one.test", policy_id=f"{number}", mode="testing", hosts=hosts, max_age_s=1, fetched_at=0.0,
            expires_at=9e9,
        )  # fmt: skip
        wishes = Wishes(
            route=Route(domain=name, hosts=()), floor=OPPORTUNISTIC, sts=StsFinding(policy=policy)
        )
        failure = TlsFailed("validation-failure", f"reason {number}")
        results.failed(wishes, Host(f"mx{number}.{name}", "192.0.2.1", 25), OPPORTUNISTIC, failure)

    async def rows(tx: Transaction) -> list[tuple[Any, ...]]:
        return await tx.all(
            "SELECT policy_domain, COUNT(*), SUM(sessions), MAX(LENGTH(policy)) FROM tls_result GROUP BY policy_domain"
        )

    async def session() -> None:
        store = SqliteStore(tmp_path / "db")
        try:
            for turn in range(3):
                for number in range(300):
                    fail("one.test", turn * 300 + number)
                for number in range(5):
                    fail("two.test", number)
                assert len(results._counts) == MOST_OF_DOMAIN + 1 + 5
                await results.flush(store)
                assert not results._counts
            found = {name: (count, sessions) for name, count, sessions, _ in await store.read(rows)}
            assert found == {"one.test": (MOST_OF_DOMAIN + 1, 900), "two.test": (5, 15)}
            assert max(length for *_, length in await store.read(rows)) < 3_000
        finally:
            store.close()

    asyncio.run(session())


def test_counts_are_written_in_parts_and_those_that_are_left_are_kept(tmp_path: Path) -> None:
    results, sizes = TlsResults(clock=FakeClock()), list[int]()
    for number in range(2 * A_WRITE + 7):
        wishes = Wishes(route=Route(domain=f"d{number}.test", hosts=()), floor=OPPORTUNISTIC)
        results.succeeded(wishes, Host("mx", "192.0.2.1", 25), OPPORTUNISTIC)

    async def session() -> None:
        store = SqliteStore(tmp_path / "db")
        write = store.write

        async def fails_once(function: Any, *, is_long: bool = False) -> Any:
            if len(sizes) == 1:
                sizes.append(0)
                raise StoreUnavailable("gone")
            before = await store.read(lambda tx: tx.one("SELECT COUNT(*) FROM tls_result"))
            done = await write(function, is_long=is_long)
            after = await store.read(lambda tx: tx.one("SELECT COUNT(*) FROM tls_result"))
            assert before is not None and after is not None
            sizes.append(after[0] - before[0])
            return done

        store.write = fails_once  # type: ignore[method-assign]
        try:
            with pytest.raises(StoreUnavailable):
                await results.flush(store)
            await results.flush(store)
        finally:
            store.close()

    asyncio.run(session())
    assert sizes == [A_WRITE, 0, A_WRITE, 7]
