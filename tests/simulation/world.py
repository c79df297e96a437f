"""Delivery in one process with a simulated clock, network, servers and database, and faults drawn from a seed.

Time passes only when nobody has anything to do. The database is SQLite in memory; a process that was killed can
write no more, and what it had connected is cut. Servers keep a ledger of what they took and what they said.
"""

import asyncio
import errno
import io
import random
import selectors
import sqlite3
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sesame.db import T, Transaction
from sesame.db.sqlite import SqliteTransaction, _drive
from sesame.delivery.attempt import Deliverer, Place
from sesame.delivery.lanes import Lanes, Limits
from sesame.delivery.pool import Pool
from sesame.delivery.retry import RetryPolicy
from sesame.delivery.route import Host, Route
from sesame.delivery.scheduler import Scheduler
from sesame.delivery.settings import OwnersSettings
from sesame.delivery.timeouts import Timeouts
from sesame.delivery.tls import CLEAR, TlsContexts
from sesame.delivery.tls_policy import TlsPolicy
from sesame.errors import StoreUnavailable, Unavailable
from sesame.metrics import Metrics
from sesame.model import MessageId, Outcome
from sesame.observe import Log, SteadyClock
from sesame.spool import steady
from sesame.spool.put import SpooledMessage, put
from sesame.spool.spool import Claim, Spool
from sesame.store.decisions import DecisionText
from tests.support.dns import resolver
from tests.support.schema import migrate_at_once

BOOT = "machine"
CONTEXTS = TlsContexts()
POLICY = RetryPolicy(first_delay_s=60.0, longest_delay_s=3_600.0, give_up_after_s=50_400.0)
HOUR = 3_600.0
POLL_S = 30.0


class Stuck(AssertionError):
    """Nobody has anything to do, now or later."""


class _Selector(selectors.SelectSelector):
    """Lets time pass in place of waiting."""

    loop: "Loop"

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Stuck("the simulation waits for nothing")
        self.loop.passed += max(0.0, timeout)
        return []


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time is simulated."""

    def __init__(self) -> None:
        self.passed = 0.0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.passed


@contextmanager
def simulated() -> Iterator[Loop]:
    """A loop as the one of this thread, until the end of the block; what still runs then is cancelled."""
    loop = Loop()
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        asyncio.set_event_loop(None)


class Wall:
    """The machine's clock, which somebody may set."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.offset = 1_800_000_000.0

    def now(self) -> float:
        return self._loop.time() + self.offset

    def monotonic(self) -> float:
        return self._loop.time() + 50.0


class Database:
    """What survives a process."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        migrate_at_once(self.connection)

    def rows(self, sql: str, *values: object) -> list[Any]:
        return self.connection.execute(sql, values).fetchall()


class ProcessStore:
    """A process's way to the database: it fails as `draw` says, and for good once the process is dead."""

    def __init__(self, database: Database, *, fails: Callable[[], str]) -> None:
        self._database = database
        self._fails = fails
        self.is_dead = False

    async def write(self, function: Callable[[Transaction], Awaitable[T]], *, is_long: bool = False) -> T:
        await asyncio.sleep(0.001)
        fault = "before" if self.is_dead else self._fails()
        connection = self._database.connection
        connection.execute("BEGIN")
        try:
            result = _drive(function, SqliteTransaction(connection))
            if fault == "before":
                raise StoreUnavailable("the disk has a bad day")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        if fault == "after":
            raise StoreUnavailable("nobody knows whether it was written")
        return result

    async def read(self, function: Callable[[Transaction], Awaitable[T]], *, is_short: bool = False) -> T:
        await asyncio.sleep(0.0005)
        if self.is_dead:
            raise StoreUnavailable("dead")
        return _drive(function, SqliteTransaction(self._database.connection))


@dataclass
class Copy:
    """A message that a server took for a recipient."""

    at: float
    is_told: bool = False
    """The client was given the 250."""
    is_excused: bool = False
    """A fault of the simulation came between the 250 and its record."""


@dataclass
class Ledger:
    """What the servers took and said."""

    copies: dict[str, list[Copy]] = field(default_factory=lambda: defaultdict(list))
    refused: set[str] = field(default_factory=set)
    begun: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    ended: dict[str, list[tuple[float, Outcome]]] = field(default_factory=lambda: defaultdict(list))


class Wire(asyncio.Transport):
    """The client's end of a connection to a `Server`."""

    def __init__(self, network: "Network", protocol: asyncio.Protocol, server: "Server") -> None:
        super().__init__()
        self._network = network
        self.protocol = protocol
        self.server = server
        self.is_closed = False
        self.said_at = 0.0
        self.is_ignored = False
        """The server reads no more of it."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.is_closed:
            self._network.later(0.01, lambda: self.server.take(self, bytes(data)))

    def say(self, text: str, after_s: float = 0.01, then: Callable[[], None] = lambda: None) -> None:
        """From the server to the client, one thing behind the other."""
        self.said_at = max(self.said_at + 1e-6, self._network.time() + after_s)

        def arrive() -> None:
            if not self.is_closed:
                self.protocol.data_received(text.encode())
                then()

        self._network.later(self.said_at - self._network.time(), arrive)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        return None

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def abort(self) -> None:
        self.cut()

    def cut(self, after_s: float = 0.0) -> None:
        """The connection is gone."""

        def gone() -> None:
            if not self.is_closed:
                self.is_closed = True
                self._network.open.pop(self, None)
                self.protocol.connection_lost(None)

        if after_s:
            self._network.later(after_s, gone)
        else:
            gone()


class Server:
    """A receiving server at one address that goes wrong as the dice say, until `heals_at`."""

    def __init__(self, network: "Network", rng: random.Random, ledger: Ledger, *, heals_at: float) -> None:
        self._network = network
        self._rng = rng
        self._ledger = ledger
        self._heals_at = heals_at
        self._fault_rate = rng.choice([0.0, 0.05, 0.3, 0.9])
        self._pipelining = rng.random() < 0.5
        self.is_down = rng.random() < 0.3
        self._buffers: dict[Wire, bytes] = {}
        self._rcpt: dict[Wire, str] = {}
        self._in_data: set[Wire] = set()

    def fault(self) -> str:
        if self._network.time() >= self._heals_at or self._rng.random() >= self._fault_rate:
            return ""
        return self._rng.choice(["drop", "hang", "later", "busy", "slow", "slow"])

    @property
    def is_unreachable(self) -> bool:
        return self.is_down and self._network.time() < self._heals_at

    def greet(self, wire: Wire) -> None:
        self._buffers[wire] = b""
        self.answer(wire, "220 hi\r\n", self.fault())

    def answer(self, wire: Wire, good: str, fault: str) -> None:
        match fault:
            case "drop":
                wire.is_ignored = True
                wire.cut(0.02)
            case "hang":
                wire.is_ignored = True
            case "later":
                wire.say("451 4.7.1 try again later\r\n")
            case "busy":
                wire.say("421 4.3.2 busy\r\n")
                wire.is_ignored = True
                wire.cut(0.02)
            case "slow":
                wire.say(good, self._rng.choice([1.0, 30.0, 200.0]))
            case _:
                wire.say(good)

    def take(self, wire: Wire, data: bytes) -> None:
        if wire.is_closed:
            return
        self._buffers[wire] += data
        while not wire.is_closed and not wire.is_ignored:
            end = b"\r\n.\r\n" if wire in self._in_data else b"\r\n"
            line, found, rest = self._buffers[wire].partition(end)
            if not found:
                return
            self._buffers[wire] = rest
            if wire in self._in_data:
                self._in_data.discard(wire)
                self._take_message(wire)
            else:
                self._command(wire, line.decode())

    def _command(self, wire: Wire, line: str) -> None:
        verb = line.split(":")[0].split()[0].upper()
        fault = self.fault() if verb != "QUIT" else ""
        if verb == "EHLO":
            self.answer(wire, "250-hi\r\n250 PIPELINING\r\n" if self._pipelining else "250 hi\r\n", fault)
        elif verb == "RCPT":
            address = line.partition("<")[2].partition(">")[0]
            self._rcpt[wire] = address
            if address.startswith("nobody"):
                self._ledger.refused.add(address)
                self._rcpt.pop(wire)
                wire.say("550 5.1.1 no such user\r\n")
                return
            if fault in ("later", "busy", "drop", "hang"):
                self._rcpt.pop(wire)
            self.answer(wire, "250 ok\r\n", fault)
        elif verb == "DATA":
            if wire not in self._rcpt:
                wire.say("503 5.5.1 no recipient\r\n")
            elif fault in ("", "slow"):
                self._in_data.add(wire)
                self.answer(wire, "354 go\r\n", fault)
            else:
                self._rcpt.pop(wire)
                self.answer(wire, "", fault)
        elif verb == "QUIT":
            wire.say("221 bye\r\n")
            wire.cut(0.02)
        else:
            self._rcpt.pop(wire, None)
            self.answer(wire, "250 ok\r\n", fault)

    def _take_message(self, wire: Wire) -> None:
        address, fault = self._rcpt.pop(wire), self.fault()
        if fault in ("later", "busy"):
            self.answer(wire, "", fault)
            return
        copy = Copy(self._network.time())
        self._ledger.copies[address].append(copy)

        def told() -> None:
            copy.is_told = True

        if fault == "drop":
            wire.cut(0.02)
        elif fault != "hang":
            wire.say("250 taken\r\n", self._rng.choice([1.0, 30.0, 200.0]) if fault else 0.01, told)


class Network:
    """Who can be reached at which address."""

    def __init__(self, loop: Loop, rng: random.Random) -> None:
        self._loop = loop
        self._rng = rng
        self.servers: dict[str, Server] = {}
        self.open: dict[Wire, None] = {}
        self.most_open = 0
        self.files = 10_000

    def time(self) -> float:
        return self._loop.time()

    def later(self, seconds: float, function: Callable[[], None]) -> None:
        self._loop.call_later(seconds, function)

    async def dial(
        self,
        protocol_factory: Callable[[], asyncio.Protocol],
        address: str,
        port: int,
        *,
        ssl: ssl.SSLContext | None,
        server_hostname: str | None,
        bind: str | None = None,
    ) -> None:
        if len(self.open) >= self.files:
            raise OSError(errno.EMFILE, "Too many open files")
        server = self.servers[address]
        if server.is_unreachable:
            await asyncio.sleep(self._rng.choice([0.01, 1_000.0]))
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        await asyncio.sleep(0.02)
        protocol = protocol_factory()
        wire = Wire(self, protocol, server)
        self.open[wire] = None
        self.most_open = max(self.most_open, len(self.open))
        protocol.connection_made(wire)
        server.greet(wire)


class _Settings:
    async def refresh(self, claims: list[Claim]) -> None:
        return None

    def forget(self, claims: list[Claim]) -> None:
        return None

    async def of(self, claim: Claim) -> OwnersSettings:
        return OwnersSettings((), None)


class _Signing:
    async def sign(self, message: bytes, signers: object, *, now: float) -> bytes:
        return message


class World:
    """Everything, and the processes one after the other."""

    def __init__(self, seed: int, loop: Loop) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.loop = loop
        self.wall = Wall(loop)
        self.database = Database()
        self.ledger = Ledger()
        self.network = Network(loop, self.rng)
        self.kills = 0
        self.disturbances = 0
        self.store_fault_rate = 0.0
        heals_at = self.rng.choice([0.5, 2.0, 5.0]) * HOUR
        self.domains = {f"d{n}.test": [f"10.0.{n % 4}.{k}" for k in range(1 + n % 2)] for n in range(7)}
        for address in sorted({address for addresses in self.domains.values() for address in addresses}):
            self.network.servers[address] = Server(self.network, self.rng, self.ledger, heals_at=heals_at)
        self.log = io.StringIO()

    async def start(self) -> None:
        """A process begins."""
        self.store = ProcessStore(self.database, fails=self._store_fault)
        self.steady = SteadyClock(self.wall)
        await steady.load(self.store, self.steady, BOOT)  # type: ignore[arg-type]
        self.spool = Spool(self.store)  # type: ignore[arg-type]
        lanes = Lanes(Limits(places=16, per_domain=4, per_address=3))
        pool = Pool(
            hostname="me.test",
            timeouts=Timeouts(),
            clock=self.wall,
            contexts=CONTEXTS,
            max_idle=6,
            dial=self.network.dial,
        )
        deliverer = Deliverer(
            self,  # type: ignore[arg-type]
            TlsPolicy(resolver(), sts=None, dane=False),
            pool,
            _Settings(),  # type: ignore[arg-type]
            _Signing(),  # type: ignore[arg-type]
            self.wall,
            body=self.spool.body,
            return_path=lambda message_id, n, domain: "b@bounces.test",
        )
        inner = deliverer.attempt

        async def attempt(claim: Claim, place: Place) -> Outcome:
            self.ledger.begun[claim.address].append(self.loop.time())
            try:
                found = await inner(claim, place)
            except BaseException:
                self.ledger.begun[claim.address].pop()
                raise
            self.ledger.ended[claim.address].append((self.loop.time(), found))
            return found

        deliverer.attempt = attempt  # type: ignore[method-assign]
        self.scheduler = Scheduler(
            self.spool, deliverer, _Settings(), pool, POLICY, lanes,  # type: ignore[arg-type]
            clock=self.steady, wall=self.wall, log=Log(self.log, as_json=True, clock=self.wall), metrics=Metrics(),
            draw=self.rng.random, holder=f"process {self.rng.random()}", lease_s=900.0, poll_s=POLL_S,
        )  # fmt: skip
        self.process = self.loop.create_task(self._run())

    async def _run(self) -> None:
        keeping = self.loop.create_task(self._keep_clock())
        try:
            await self.scheduler.run()
        finally:
            keeping.cancel()

    async def _keep_clock(self) -> None:
        while True:
            try:
                await steady.keep(self.store, self.steady, BOOT)  # type: ignore[arg-type]
            except Unavailable:
                pass
            await asyncio.sleep(60.0)

    async def route(self, domain: str) -> Route:
        """The router: look-ups fail now and then."""
        await asyncio.sleep(0.01)
        if self.store_fault_rate and self.rng.random() < 0.05:
            raise Unavailable("DNS is out of order")
        hosts = [
            Host(f"mx{n}.{domain}", address, 25, CLEAR) for n, address in enumerate(self.domains[domain])
        ]
        return Route(domain=domain, hosts=tuple(hosts))

    def _store_fault(self) -> str:
        if self.rng.random() >= self.store_fault_rate:
            return ""
        return self.rng.choice(["before", "before", "after"])

    async def accept(self, number: int, *addresses: str) -> None:
        """A message is accepted; the client repeats it until it is told so."""
        message = SpooledMessage(
            message_id=MessageId(f"m{number}"), account_id=str(number % 3), owner_account_id="9", region="r",
            identity="", source="s@a.test", return_path="s@a.test", subject="", tags={},
            decision=DecisionText(shared="{}"), accepted_at=self.wall.now(), queued_at=self.steady.now(),
            recipients=addresses, data=b"From: s@a.test\r\n\r\nhi\r\n",
        )  # fmt: skip
        connection = self.database.connection
        connection.execute("BEGIN")
        _drive(lambda tx: put(tx, message), SqliteTransaction(connection))
        connection.execute("COMMIT")
        self.scheduler.wake(message.account_id, addresses)

    async def kill(self) -> None:
        """kill -9: nothing is written any more, every connection is cut."""
        self.kills += 1
        self.store.is_dead = True
        queued = {
            row[0] for row in self.database.rows("SELECT address FROM recipient WHERE state = 'queued'")
        }
        for address in queued:
            for copy in self.ledger.copies.get(address, ()):
                copy.is_excused = True
        self.process.cancel()
        for wire in list(self.network.open):
            wire.cut()
        await asyncio.gather(self.process, return_exceptions=True)

    async def stop(self) -> None:
        """An orderly stop; what hangs is broken off."""
        began = self.loop.time()
        hanging = {
            row[0] for row in self.database.rows("SELECT address FROM recipient WHERE state = 'queued'")
        }
        self.scheduler.stop()
        await self.process
        assert self.loop.time() - began <= 15.0, "the stop took too long"
        if not self.database.rows("SELECT holder FROM queue_stop"):
            self.kills += 1  # the database would not even hear of the stop
        for address in hanging:
            for copy in self.ledger.copies.get(address, ()):
                # The database would not hear of it while there was time.
                is_lost = bool(self.scheduler._settling._done)
                copy.is_excused = copy.is_excused or not copy.is_told or is_lost

    def states(self) -> dict[str, str]:
        return dict(self.database.rows("SELECT address, state FROM recipient"))
