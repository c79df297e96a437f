"""Downgrade: what each policy makes of each server, over real TLS on the loopback.

A message that a policy wants protected never goes out in clear, nor to a certificate that is not the
domain's; and what is delivered is delivered as well protected as the server lets us.
"""

import asyncio
import hashlib
import ssl
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import structs

from sesame.db.sqlite import SqliteStore
from sesame.delivery.attempt import Deliverer
from sesame.delivery.mta_sts import Fetched, FetchFailed, StsPolicies
from sesame.delivery.pool import Pool
from sesame.delivery.route import Login, Relay, Router, Routes
from sesame.delivery.timeouts import Timeouts
from sesame.delivery.tls import OPPORTUNISTIC, TlsContexts, TlsDemand, TlsFailed, TlsMode, check_dane
from sesame.delivery.tls_policy import TlsPolicy
from sesame.delivery.tls_report import TlsResults
from sesame.dns.port import Tlsa
from sesame.dns.public import AddressGuard
from sesame.dns.resolver import NO_CACHE, CachingResolver
from sesame.model import Outcome, OutcomeKind
from sesame.observe import SystemClock
from tests.support.attempts import NoSettings, NoSigning, body_of, claim
from tests.support.certificates import Made, make_ca, make_leaf, pem
from tests.support.clock import FakeClock
from tests.support.dns import FakeSource
from tests.support.places import place

CA = make_ca()
OTHER_CA = make_ca("Other CA")
GOOD = make_leaf("mx.one.test", ca=CA)
SELF_SIGNED = make_leaf("mx.one.test", ca=None)


@dataclass
class Server:
    """An SMTP server with STARTTLS that shows `certificate`, or none; `is_broken` ends every handshake."""

    certificate: Made | None = None
    is_broken: bool = False
    refuses: bool = False
    context: ssl.SSLContext | None = None
    auth: str = ""
    replies: dict[str, str] = field(default_factory=dict)
    taken: list[bool] = field(default_factory=list)
    """Of each message, whether it came over TLS."""
    said: list[str] = field(default_factory=list)
    connections: int = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        offers = self.is_broken or self.refuses or self.context is not None
        is_secure = writer.get_extra_info("ssl_object") is not None
        writer.write(b"220 hi\r\n")
        while line := await reader.readline():
            self.said.append(line.decode().strip())
            verb = line.split()[0].upper().decode()
            if verb == "EHLO":
                lines = (
                    ["hi"]
                    + (["STARTTLS"] if offers and not is_secure else [])
                    + ([self.auth] if self.auth else [])
                )
                shown = [f"250{'-' if n < len(lines) else ' '}{text}\r\n" for n, text in enumerate(lines, 1)]
                writer.write("".join(shown).encode())
            elif verb == "STARTTLS" and self.refuses:
                writer.write(b"454 not now\r\n")
            elif verb == "STARTTLS":
                writer.write(b"220 go\r\n")
                if self.is_broken:
                    await reader.read(64)
                    writer.write(b"this is not a handshake\r\n")
                    return
                assert self.context is not None
                await writer.start_tls(self.context)
                is_secure = True
            elif verb == "DATA":
                writer.write(b"354 go\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                self.taken.append(is_secure)
                writer.write(b"250 taken\r\n")
            elif verb == "QUIT":
                writer.write(b"221 bye\r\n")
                await writer.drain()
                return
            else:
                writer.write(self.replies.get(verb, "250 ok\r\n").encode())


@dataclass
class World:
    """A domain `one.test` with one MX, `mx.one.test`, that `server` plays."""

    directory: Path
    server: Server
    lines: list[str] = field(
        default_factory=lambda: ["one.test MX 10 mx.one.test", "mx.one.test A 127.0.0.1"]
    )
    broken: list[str] = field(default_factory=list)
    validated: list[str] = field(default_factory=list)
    policy: str | None = None
    """The MTA-STS policy at the policy host; None: the host is down."""
    requires_tls: bool = False
    relay: Relay | None = None
    implicit: bool = False
    fetches: int = 0
    results: TlsResults = field(default_factory=lambda: TlsResults(clock=FakeClock()))
    port: int = 0

    async def attempt(self) -> Outcome:
        if self.server.certificate is not None and self.server.context is None:
            self.server.context = self.server.certificate.server_context(self.directory)
        context = self.server.context if self.implicit else None
        listening = await asyncio.start_server(self.server, "127.0.0.1", 0, ssl=context)
        self.port = listening.sockets[0].getsockname()[1]
        store = SqliteStore(self.directory / "db")
        lines = [line.format(port=self.port) for line in self.lines]
        source = FakeSource(*lines, broken=tuple(self.broken), validated=tuple(self.validated))
        source.broken = {name.format(port=self.port) for name in self.broken}
        source.validated = {name.format(port=self.port) for name in self.validated}
        clock = SystemClock()
        dns = CachingResolver(source, clock=FakeClock(), bounds=NO_CACHE)
        ca_file = self.directory / "ca.pem"
        ca_file.write_bytes(pem(CA.certificate))
        pool = Pool(
            hostname="me.test",
            timeouts=Timeouts.scaled(1 / 60, attempt_s=60.0),
            clock=clock,
            contexts=TlsContexts(str(ca_file)),
        )
        relay = None if self.relay is None else replace(self.relay, port=self.port)
        router = Router(
            dns, AddressGuard(["127.0.0.0/8"]), draw=lambda: 0.0, mx_port=self.port, routes=Routes(relay)
        )
        deliverer = Deliverer(
            router,
            TlsPolicy(dns, sts=StsPolicies(store, dns, self.fetch, clock=clock), dane=True),
            pool,
            NoSettings(),  # type: ignore[arg-type]
            NoSigning(),  # type: ignore[arg-type]
            clock,
            body=body_of(None),
            return_path=lambda message_id, n, domain: "b@bounces.test",
            results=self.results,
        )
        try:
            claimed = structs.replace(claim(), requires_tls=self.requires_tls)
            return await deliverer.attempt(claimed, place(claimed))
        finally:
            await pool.stop()
            listening.close()
            store.close()

    async def fetch(self, host: str, path: str) -> Fetched:
        self.fetches += 1
        assert (host, path) == ("mta-sts.one.test", "/.well-known/mta-sts.txt")
        if self.policy is None:
            raise FetchFailed("sts-policy-fetch-error", "down")
        return Fetched(status=200, content_type="text/plain", body=self.policy.encode())


def sts(mode: str, *hosts: str) -> str:
    names = "".join(f"mx: {host}\r\n" for host in hosts or ("mx.one.test",))
    return f"version: STSv1\r\nmode: {mode}\r\n{names}max_age: 604800\r\n"


def tlsa(made: Made, usage: int = 3, selector: int = 1, matching: int = 1) -> str:
    data = (
        made.certificate.public_bytes(Encoding.DER)
        if selector == 0
        else made.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    digest = {0: data, 1: hashlib.sha256(data).digest(), 2: hashlib.sha512(data).digest()}[matching]
    return f"_{{port}}._tcp.mx.one.test TLSA {usage} {selector} {matching} {digest.hex()}"


def no_policy(world: World) -> None:
    return None


def require(world: World) -> None:
    world.requires_tls = True


def sts_enforce(world: World) -> None:
    world.lines.append("_mta-sts.one.test TXT v=STSv1; id=1;")
    world.policy = sts("enforce")


def sts_testing(world: World) -> None:
    sts_enforce(world)
    world.policy = sts("testing")


def dane(world: World, *records: str) -> None:
    world.lines += records or [tlsa(GOOD)]
    world.validated = ["one.test", "mx.one.test", "_{port}._tcp.mx.one.test"]


def dane_bogus(world: World) -> None:
    dane(world)
    world.broken = ["_{port}._tcp.mx.one.test"]


PLAIN, TLS, REFUSED = "clear", "tls", "4.7.5"
SERVERS: dict[str, Callable[[], Server]] = {
    "offers none": lambda: Server(),
    "self-signed": lambda: Server(SELF_SIGNED),
    "good": lambda: Server(GOOD),
    "broken": lambda: Server(is_broken=True),
}
MATRIX: dict[Callable[[World], None], tuple[str, str, str, str]] = {
    no_policy: (PLAIN, TLS, TLS, PLAIN),
    require: (REFUSED, TLS, TLS, REFUSED),
    sts_enforce: (REFUSED, REFUSED, TLS, REFUSED),
    sts_testing: (PLAIN, TLS, TLS, PLAIN),
    dane: (REFUSED, REFUSED, TLS, REFUSED),
    dane_bogus: (REFUSED, REFUSED, REFUSED, REFUSED),
}
CASES = [
    pytest.param(policy, server, want, id=f"{policy.__name__}-{server}")
    for policy, row in MATRIX.items()
    for server, want in zip(SERVERS, row, strict=True)
]


def outcome(world: World, want: str) -> Outcome:
    """The outcome of an attempt, which is held to what is wanted."""
    found = asyncio.run(world.attempt())
    if want == REFUSED:
        assert (found.kind, found.status, world.server.taken) == (OutcomeKind.TRANSIENT, "4.7.5", [])
        assert found.tls_verdict is not None and found.tls_verdict.startswith("refused: ")
    else:
        assert (found.kind, world.server.taken) == (OutcomeKind.DELIVERED, [want == TLS]), found
        assert (found.tls is not None) == (want == TLS)
        assert found.tls_verdict is not None and found.tls_verdict.startswith(
            "TLSv1." if want == TLS else "in clear"
        )
    return found


@pytest.mark.parametrize(("policy", "server", "want"), CASES)
def test_each_policy_holds_against_each_server(
    tmp_path: Path, policy: Callable[[World], None], server: str, want: str
) -> None:
    world = World(tmp_path, SERVERS[server]())
    policy(world)
    outcome(world, want)


@pytest.mark.parametrize("policy", [require, sts_enforce, dane])
def test_a_server_that_refuses_what_it_offers_gets_nothing(
    tmp_path: Path, policy: Callable[[World], None]
) -> None:
    world = World(tmp_path, Server(refuses=True))
    policy(world)
    outcome(world, REFUSED)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (make_leaf("mx.one.test", ca=CA, days=(-9, -1)), "expired"),
        (make_leaf("mx.one.test", ca=CA, days=(1, 9)), "not yet valid"),
        (make_leaf("mx.two.test", ca=CA), "mismatch"),
        (make_leaf("mx.one.test", ca=OTHER_CA), "certificate"),
        (make_leaf("*.test", ca=CA), "mismatch"),
    ],
    ids=["expired", "early", "wrong-name", "unknown-ca", "wide-wildcard"],
)
def test_mta_sts_refuses_a_certificate_that_is_not_good(tmp_path: Path, made: Made, words: str) -> None:
    world = World(tmp_path, Server(made))
    sts_enforce(world)
    assert words in str(outcome(world, REFUSED).tls_verdict)


def test_mta_sts_takes_a_wildcard_of_one_label(tmp_path: Path) -> None:
    world = World(tmp_path, Server(make_leaf("*.one.test", ca=CA)))
    sts_enforce(world)
    verdict = outcome(world, TLS).tls_verdict
    assert verdict == "TLSv1.3, certificate good for mx.one.test (MTA-STS of one.test)"


@pytest.mark.parametrize(
    ("hosts", "want"),
    [(("*.one.test",), TLS), (("mx2.one.test", "MX.one.test"), TLS), (("mx2.one.test",), REFUSED),
     (("*.test",), REFUSED), (("one.test",), REFUSED), (("*.mx.one.test",), REFUSED)],
)  # fmt: skip
def test_only_hosts_of_the_mta_sts_policy_are_used(tmp_path: Path, hosts: tuple[str, ...], want: str) -> None:
    world = World(tmp_path, Server(GOOD))
    sts_enforce(world)
    world.policy = sts("enforce", *hosts)
    outcome(world, want)
    assert bool(world.server.connections) == (want == TLS)


@pytest.mark.parametrize(
    "fault", ["policy host", "dns", "record gone", "new policy is rubbish", "clear cache"]
)
def test_a_policy_that_was_fetched_holds_whatever_happens_to_its_host(tmp_path: Path, fault: str) -> None:
    """Over a restart too: each attempt makes everything anew on the same store."""
    world = World(tmp_path, Server(GOOD))
    sts_enforce(world)
    outcome(world, TLS)
    world.server = Server()
    match fault:
        case "policy host":
            world.policy = None
            world.lines[-1] = "_mta-sts.one.test TXT v=STSv1; id=2;"
        case "dns":
            world.broken = ["_mta-sts.one.test"]
        case "record gone":
            world.lines.pop()
        case "new policy is rubbish":
            world.lines[-1] = "_mta-sts.one.test TXT v=STSv1; id=2;"
            world.policy = "version: STSv1\r\nmode: none"
        case _:
            world.policy = None
    outcome(world, REFUSED)


def test_a_policy_that_was_taken_back_in_order_binds_no_more(tmp_path: Path) -> None:
    world = World(tmp_path, Server(GOOD))
    sts_enforce(world)
    outcome(world, TLS)
    world.server = Server()
    world.lines[-1] = "_mta-sts.one.test TXT v=STSv1; id=2;"
    world.policy = sts("none")
    outcome(world, PLAIN)
    assert world.fetches == 2


def test_testing_says_what_it_would_have_refused_and_a_required_tls_still_counts(tmp_path: Path) -> None:
    world = World(tmp_path, Server(SELF_SIGNED))
    sts_testing(world)
    assert "MTA-STS of one.test failed: the certificate of" in str(outcome(world, TLS).tls_verdict)
    world.server, world.requires_tls = Server(), True
    outcome(world, REFUSED)


DANE_RECORDS = [
    (GOOD, [tlsa(GOOD, 3, 0, 1)], TLS), (GOOD, [tlsa(GOOD, 3, 1, 2)], TLS), (GOOD, [tlsa(GOOD, 3, 0, 0)], TLS),
    (GOOD, [tlsa(SELF_SIGNED), tlsa(GOOD)], TLS),
    (SELF_SIGNED, [tlsa(SELF_SIGNED)], TLS),
    (GOOD, [tlsa(SELF_SIGNED)], REFUSED),
    (GOOD, [tlsa(CA, 3)], REFUSED),
    (GOOD, [tlsa(CA, 2, 0, 1)], TLS), (GOOD, [tlsa(CA, 2, 1, 1)], TLS), (GOOD, [tlsa(CA, 2, 0, 0)], TLS),
    (GOOD, [tlsa(OTHER_CA, 2, 0, 1)], REFUSED), (GOOD, [tlsa(OTHER_CA, 2, 0, 0)], REFUSED),
    (GOOD, [tlsa(OTHER_CA, 2), tlsa(GOOD)], TLS),
]  # fmt: skip


@pytest.mark.parametrize(("made", "records", "want"), DANE_RECORDS)
def test_the_certificate_is_held_to_the_tlsa_records(
    tmp_path: Path, made: Made, records: list[str], want: str
) -> None:
    world = World(tmp_path, Server(made))
    dane(world, *records)
    outcome(world, want)


@pytest.mark.parametrize(("selector", "fits"), [(1, False), (0, True)])
@pytest.mark.parametrize("usage", [2, 3])
def test_a_certificate_with_a_key_of_a_kind_that_nobody_knows_is_not_the_one_of_the_records(
    usage: int, selector: int, fits: bool
) -> None:
    curve, unknown = bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a8648ce3d03017f")
    strange = make_ca().certificate.public_bytes(Encoding.DER).replace(curve, unknown)
    leaf = make_leaf("mx.one.test", ca=make_ca()).certificate.public_bytes(Encoding.DER)
    chain = [strange] if usage == 3 else [leaf, strange]

    class Tls:
        def get_unverified_chain(self) -> list[bytes]:
            return chain

    data = strange if selector == 0 else b"\x01" * 32
    record = Tlsa(usage, selector, 0 if selector == 0 else 1, data)
    demand = TlsDemand(mode=TlsMode.DANE, tlsa=(record,), names=("mx.one.test",))
    if usage == 3 and fits:
        assert check_dane(demand, Tls(), now=0.0) == "3 0 0"
    else:
        with pytest.raises(TlsFailed):
            check_dane(demand, Tls(), now=0.0)


def test_dane_ee_looks_at_neither_name_nor_dates_and_dane_ta_at_both(tmp_path: Path) -> None:
    intermediate = make_ca("Below", parent=CA)
    for made, ee, ta in (
        (make_leaf("other.test", ca=CA), TLS, REFUSED),
        (make_leaf("mx.one.test", ca=CA, days=(-9, -1)), TLS, REFUSED),
        (make_leaf("one.test", ca=CA), TLS, TLS),
        (make_leaf("mx.one.test", ca=intermediate), TLS, TLS),
    ):
        for record, want in ((tlsa(made), ee), (tlsa(CA, 2, 0, 1), ta)):
            world = World(tmp_path, Server(made))
            dane(world, record)
            outcome(world, want)


@pytest.mark.parametrize("records", [["1 1 1"], ["0 0 1"], ["3 1 7"], ["3 5 1"], ["3 1 2"]])
def test_records_that_smtp_cannot_use_still_ask_for_tls(tmp_path: Path, records: list[str]) -> None:
    lines = [f"_{{port}}._tcp.mx.one.test TLSA {record} {'ab' * 32}" for record in records]
    world = World(tmp_path, Server(SELF_SIGNED))
    dane(world, *lines)
    outcome(world, TLS)
    world.server = Server()
    outcome(world, REFUSED)


@pytest.mark.parametrize(
    ("mode", "self_signed", "in_clear"), [("enforce", REFUSED, REFUSED), ("testing", TLS, REFUSED)]
)
def test_records_that_smtp_cannot_use_take_nothing_from_mta_sts(
    tmp_path: Path, mode: str, self_signed: str, in_clear: str
) -> None:
    """Whoever publishes them has not said who may be at the other end, and the policy has (RFC 8461 section 2)."""
    for server, want in ((Server(SELF_SIGNED), self_signed), (Server(GOOD), TLS), (Server(), in_clear)):
        world = World(tmp_path, server)
        sts_enforce(world)
        world.policy = sts(mode)
        dane(world, f"_{{port}}._tcp.mx.one.test TLSA 1 1 1 {'ab' * 32}")
        outcome(world, want)


@pytest.mark.parametrize("unsigned", ["one.test", "mx.one.test", "_{port}._tcp.mx.one.test"])
def test_records_that_dnssec_does_not_vouch_for_mean_nothing(tmp_path: Path, unsigned: str) -> None:
    world = World(tmp_path, Server(GOOD))
    dane(world, tlsa(SELF_SIGNED))
    world.validated.remove(unsigned)
    outcome(world, TLS)
    world.server = Server()
    outcome(world, PLAIN)


def test_dane_decides_about_the_certificate_and_mta_sts_about_the_host(tmp_path: Path) -> None:
    world = World(tmp_path, Server(SELF_SIGNED))
    sts_enforce(world)
    dane(world, tlsa(SELF_SIGNED))
    outcome(world, TLS)
    world.lines[-1] = tlsa(CA)  # a certificate that MTA-STS would take, and DANE does not
    world.server = Server(GOOD)
    outcome(world, REFUSED)
    world.lines[-1] = tlsa(GOOD)
    world.policy, world.lines[2] = sts("enforce", "mx2.one.test"), "_mta-sts.one.test TXT v=STSv1; id=2;"
    outcome(world, REFUSED)


def test_tls_below_1_2_is_none(tmp_path: Path) -> None:
    context = GOOD.server_context(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    for policy, want in ((no_policy, PLAIN), (require, REFUSED)):
        world = World(tmp_path, Server(context=context))
        policy(world)
        outcome(world, want)


VERIFY = TlsDemand(mode=TlsMode.VERIFIED, reason="setting of the relay")
LOGIN = Login("postmaster", "p@ss")


@pytest.mark.parametrize(
    ("auth", "said"),
    [
        ("AUTH LOGIN PLAIN", ["AUTH PLAIN AHBvc3RtYXN0ZXIAcEBzcw=="]),
        ("AUTH LOGIN", ["AUTH LOGIN", "cG9zdG1hc3Rlcg==", "cEBzcw=="]),
    ],
)
def test_a_relay_is_logged_in_at_over_tls(tmp_path: Path, auth: str, said: list[str]) -> None:
    replies = {"AUTH": "235 ok\r\n" if "PLAIN" in auth else "334 VXNlcm5hbWU6\r\n"}
    replies |= (
        {said[1].upper(): "334 UGFzc3dvcmQ6\r\n", said[2].upper(): "235 ok\r\n"} if len(said) > 1 else {}
    )
    server = Server(GOOD, auth=auth, replies=replies)
    world = World(tmp_path, server, relay=Relay(name="mx.one.test", port=0, tls=VERIFY, login=LOGIN))
    outcome(world, TLS)
    assert [line for line in server.said if line in said] == said


def test_a_relay_may_have_tls_before_its_greeting(tmp_path: Path) -> None:
    demand = replace(VERIFY, is_implicit=True)
    for made, kind in ((GOOD, OutcomeKind.DELIVERED), (SELF_SIGNED, OutcomeKind.TRANSIENT)):
        server = Server(made)
        world = World(tmp_path, server, relay=Relay(name="mx.one.test", port=0, tls=demand), implicit=True)
        found = asyncio.run(world.attempt())
        assert (found.kind, len(server.taken)) == (kind, int(made is GOOD))


@pytest.mark.parametrize(
    ("server", "status"),
    [
        (Server(auth="AUTH PLAIN"), "4.7.5"),
        (Server(SELF_SIGNED, auth="AUTH PLAIN"), "4.7.5"),
        (Server(GOOD, auth="AUTH PLAIN", replies={"AUTH": "535 5.7.8 wrong\r\n"}), "5.7.8"),
        (Server(GOOD, auth="AUTH GSSAPI"), "4.5.0"),
        (Server(GOOD, auth="AUTH PLAIN", replies={"AUTH": "334 more\r\n"}), "4.5.0"),
    ],
    ids=["no-tls", "wrong-certificate", "wrong-password", "no-mechanism", "asks-on"],
)
def test_a_relay_that_is_not_in_order_delays_mail_and_learns_no_password(
    tmp_path: Path, server: Server, status: str
) -> None:
    world = World(tmp_path, server, relay=Relay(name="mx.one.test", port=0, tls=VERIFY, login=LOGIN))
    found = asyncio.run(world.attempt())
    assert (found.kind, found.status, server.taken) == (OutcomeKind.TRANSIENT, status, [])
    if server.certificate is not GOOD:
        assert not [line for line in server.said if line.startswith("AUTH")]


@pytest.mark.parametrize(
    "server",
    [
        Server(auth="AUTH PLAIN"),
        Server(auth="AUTH PLAIN", refuses=True),
        Server(is_broken=True, auth="AUTH PLAIN"),
    ],
    ids=["offers none", "refuses it", "breaks it"],
)
def test_a_relay_learns_no_password_in_clear_though_tls_is_only_tried_there(
    tmp_path: Path, server: Server
) -> None:
    relay = Relay(name="mx.one.test", port=0, tls=OPPORTUNISTIC, login=LOGIN)
    found = asyncio.run(World(tmp_path, server, relay=relay).attempt())
    assert (found.kind, found.status, server.taken) == (OutcomeKind.TRANSIENT, "4.7.5", [])
    assert not [line for line in server.said if line.upper().startswith("AUTH")]


def test_a_password_is_not_shown() -> None:
    assert "p@ss" not in repr(LOGIN)
