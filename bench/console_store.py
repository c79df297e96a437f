"""A large store for the console's bench: an account with very many identities and much mail, and its neighbours.

Rows are copies of what a few real sends wrote, in large statements, so that they have the form that the code gives
them. Filled once: with `BENCH_STORE` naming a directory it is kept there, and made anew when the schema has changed.
"""

import asyncio
import hashlib
import io
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sesame.access.principals import root_principal
from sesame.app.api import Doors
from sesame.app.foundation import Services
from sesame.config import Settings, load
from sesame.db import migrate
from sesame.errors import ServiceError
from sesame.model import AccountId, Caller, ConsoleLogin
from sesame.observe import Log, SystemClock

REGION = "us-east-1"
IDENTITIES, MESSAGES, REFUSALS, WAITING, OTHERS = 100_000, 1_000_000, 100_000, 100_000, 1_000
BUSY = 200
"""Identities that half of the mail is sent as; the rest goes over all of them."""
DAYS = 14
LARGE = (
    "message",
    "recipient",
    "attempt",
    "event_log",
    "refusal",
    "queue",
    "tally",
    "set_tally",
    "identity_tally",
    "rated_recipient",
    "identity",
    "audit_row",
)
_N = "WITH RECURSIVE n (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < :count) "
_IDENTITY = f"(CASE k % 2 WHEN 0 THEN (k / 2) % {BUSY} ELSE (k * 7919) % {IDENTITIES} END)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """Where the store is, and whose it is."""

    data: Path
    owner: str
    delegate: str


def settings_of(data: Path) -> Settings:
    """How the bench opens it."""
    return load(None, environ={}, flags={"data": str(data), "delivery.enabled": False})


@contextmanager
def filled() -> Iterator[Filled]:
    """The store, filled."""
    kept = os.environ.get("BENCH_STORE")
    with tempfile.TemporaryDirectory(prefix="sesame-bench-") as temporary:
        directory = Path(kept or temporary) / f"console-{_digest()}"
        if not (directory / "filled").exists():
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(parents=True)
            began = time.perf_counter()
            owner, delegate = asyncio.run(_begin(directory / "data"))
            _fill(settings_of(directory / "data").database, owner, delegate)
            (directory / "filled").write_text(f"{owner} {delegate}")
            print(f"  filled {directory} in {time.perf_counter() - began:.0f} s", flush=True)
        owner, delegate = (directory / "filled").read_text().split()
        yield Filled(data=directory / "data", owner=owner, delegate=delegate)


def _digest() -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for file in sorted((Path(migrate.__file__).parent / "migrations").glob("*.sql")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


async def _begin(data: Path) -> tuple[str, str]:
    """Two accounts, an identity that one lends the other, and a send of each kind."""
    clock = SystemClock()
    services = Services(
        settings_of(data), log=Log(io.StringIO(), as_json=True, clock=clock), clock=clock, durable=False
    )
    try:
        doors = Doors(services, accepted=lambda *_: None)
        owner, delegate = [
            (await services.operator.create_account(name, production=True)).account_id
            for name in ("owner", "delegate")
        ]

        async def call(account: str, service: str, operation: str, **request: Any) -> Any:
            caller = Caller(
                principal=root_principal(AccountId(account)), access_key_id="", region=REGION, source_ip="127.0.0.1",
                secure_transport=True, user_agent=None, at=clock.now(), request_id=services.ids.request_id(),
                api_version="2", login=ConsoleLogin(mfa=False, made_at=clock.now()),
            )  # fmt: skip
            return await doors.handlers[service][operation](caller, request)

        async def send(account: str, source: str, **more: Any) -> None:
            content = {"Subject": {"Data": "November"}, "Body": {"Text": {"Data": "b"}}}
            to = {"ToAddresses": ["reader@slow.example", "other@slow.example"]}
            await call(account, "ses", "SendEmail", Source=source, Destination=to, Message=content, **more)

        await call(owner, "sesv2", "CreateEmailIdentity", EmailIdentity="n0.example")
        arn = f"arn:aws:ses:{REGION}:{owner}:identity/n0.example"
        policy = (
            '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "%s"}, "Action":'
            ' "ses:SendEmail", "Resource": "%s", "Condition": {"StringLike": {"ses:FromAddress": "news*"}}}}'
        )
        await call(
            owner, "sesv2", "CreateEmailIdentityPolicy", EmailIdentity="n0.example", PolicyName="P",
            Policy=policy % (delegate, arn),
        )  # fmt: skip
        await call(owner, "sesv2", "CreateConfigurationSet", ConfigurationSetName="news")
        await call(
            owner,
            "sesv2",
            "CreateEmailTemplate",
            TemplateName="t",
            TemplateContent={"Subject": "s", "Html": "<p>{{a}}</p>"},
        )
        await call(owner, "iam", "CreateUser", UserName="anna")
        await call(owner, "iam", "CreateGroup", GroupName="all")
        await send(owner, "news@n0.example", ConfigurationSetName="news")
        await send(delegate, "news@n0.example", SourceArn=arn)
        try:
            await send(delegate, "ceo@n0.example", SourceArn=arn)
        except ServiceError:
            return owner, delegate
        raise AssertionError("the third send is refused")
    finally:
        services.close()


def _fill(database: Path, owner: str, delegate: str) -> None:
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA cache_size = -500000")
    names = ", ".join("?" for _ in LARGE)
    indexes = connection.execute(
        f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({names})",
        LARGE,
    ).fetchall()
    connection.execute("BEGIN")
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    _Filling(connection, owner, delegate).all()
    for _, sql in indexes:
        connection.execute(sql)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


class _Filling:
    """The rows, made of those that are there."""

    def __init__(self, connection: sqlite3.Connection, owner: str, delegate: str) -> None:
        self._connection = connection
        self._values = {"owner": owner, "delegate": delegate, "now": time.time()}

    def all(self) -> None:
        """Everything."""
        self._mail()
        self._counts()
        self._refusals()
        self._identities()
        self._around()

    def _copy(self, table: str, like: str, count: int, **columns: str) -> None:
        """Insert `count` rows into a table, each like the row `x` of it that `like` picks, but for these columns."""
        names = [row[1] for row in self._connection.execute(f"PRAGMA table_info({table})")]
        picked = ", ".join(columns.get(name, f"x.{name}") for name in names)
        self._run(f"{_N} INSERT INTO {table} ({', '.join(names)}) SELECT {picked} FROM n, {like}", count)

    def _run(self, sql: str, count: int = 0) -> None:
        self._connection.execute(sql, {**self._values, "count": count})

    def _mail(self) -> None:
        """Messages of both accounts; two recipients, an attempt for each and two events for each message."""
        span = DAYS * 86_400.0
        at = f":now - {span} + k * {span / MESSAGES}"
        self._copy(
            "message",
            "message x ON x.account_id = CASE WHEN k % 2 AND k % 4 = 1 THEN :delegate ELSE :owner END",
            MESSAGES,
            seq="100 + k",
            message_id="printf('%016x-%08x-0000-0000-0000-000000000000-000000', k, k)",
            identity=f"'n' || {_IDENTITY} || '.example'",
            source=f"'news@n' || {_IDENTITY} || '.example'",
            subject="'November ' || k",
            accepted_at=at,
        )
        settled = "CASE WHEN k % 50 = 0 THEN 'bounced' ELSE 'delivered' END"
        state = f"CASE WHEN k > {2 * MESSAGES - WAITING} THEN 'queued' ELSE {settled} END"
        self._copy(
            "recipient", "recipient x ON x.seq = (SELECT MIN(seq) FROM recipient)", 2 * MESSAGES, seq="100 + k",
            message_seq="100 + (k + 1) / 2", n="(k + 1) % 2", address="'reader' || ((k * 7919) % 500000) || '@d' ||"
            f" (k % {OTHERS}) || '.example'", domain=f"'d' || (k % {OTHERS}) || '.example'", state=state, attempts="1",
        )  # fmt: skip
        self._run(
            f"{_N} INSERT INTO attempt (seq, recipient_seq, at, kind, status, diagnostic, remote_mta, remote_ip, tls)"
            " SELECT k, 100 + k, :now - 100, CASE WHEN k % 50 = 0 THEN 'permanent' ELSE 'delivered' END, '2.0.0',"
            " '250 2.0.0 Ok: queued as ' || k, 'mx.d' || (k % 1000) || '.example', '192.0.2.1', 'TLSv1.3' FROM n",
            2 * MESSAGES,
        )
        self._run(
            f"{_N} INSERT INTO event_log (message_seq, key, kind, at, n, stage) SELECT 100 + (k + 1) / 2,"
            " 'k' || (k % 2), CASE k % 2 WHEN 1 THEN 'accepted' ELSE 'delivered' END, :now - 100, NULL, 2 FROM n",
            2 * MESSAGES,
        )
        self._copy(
            "queue", "queue x ON x.seq = (SELECT MIN(seq) FROM queue)", WAITING,
            seq=f"{100 + 2 * MESSAGES - WAITING} + k", message_seq=f"{100 + MESSAGES - WAITING // 2} + (k + 1) / 2",
            n="(k + 1) % 2", domain=f"'d' || (k % {OTHERS}) || '.example'", due_at=":now + k", attempts="1",
        )  # fmt: skip

    def _counts(self) -> None:
        self._run(
            "INSERT INTO tally (account_id, region, quarter, owner_account_id, identity, configuration_set, sends,"
            " deliveries, permanent_bounces, rated_sends, rated_bounces)"
            " SELECT account_id, region, CAST(accepted_at / 900 AS INTEGER), owner_account_id, identity,"
            " COALESCE(configuration_set, ''), 2 * COUNT(*), 2 * COUNT(*), 0, 2 * COUNT(*), 0 FROM message"
            " GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6 ON CONFLICT DO NOTHING"
        )
        self._run(
            "INSERT INTO set_tally (account_id, region, quarter, configuration_set, sends, deliveries)"
            " SELECT account_id, region, quarter, configuration_set, SUM(sends), SUM(deliveries) FROM tally"
            " GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 ON CONFLICT DO NOTHING"
        )
        for table, keys in (
            ("day_tally", "account_id, region, quarter / 96"),
            ("identity_tally", "account_id, region, owner_account_id, identity, quarter / 96"),
        ):
            self._run(
                f"INSERT INTO {table} ({keys.replace('quarter / 96', 'day')}, sends, deliveries)"
                f" SELECT {keys}, SUM(sends), SUM(deliveries) FROM tally GROUP BY {keys} ORDER BY {keys}"
                " ON CONFLICT DO NOTHING"
            )
        self._run(
            "INSERT INTO rated_recipient (message_seq, n, kind, at, account_id, region, owner_account_id, identity)"
            " SELECT r.message_seq, r.n, 'bounce', m.accepted_at, m.account_id, m.region, m.owner_account_id,"
            " m.identity FROM recipient r JOIN message m ON m.seq = r.message_seq WHERE r.state = 'bounced'"
        )

    def _refusals(self) -> None:
        self._copy(
            "refusal", "refusal x ON x.seq = (SELECT MIN(seq) FROM refusal)", REFUSALS, seq="100 + k",
            request_id="printf('%08x-0000-0000-0000-000000000000', k)",
            at=f":now - {DAYS * 86_400} + k * {DAYS * 86_400 / REFUSALS}",
        )  # fmt: skip

        self._run(
            "INSERT INTO refusal_tally (account_id, region, quarter, own) SELECT account_id, region,"
            " CAST(at / 900 AS INTEGER), COUNT(*) FROM refusal WHERE account_id <> '' GROUP BY 1, 2, 3"
            " ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING"
        )

    def _identities(self) -> None:
        self._copy(
            "identity", "identity x ON x.name = 'n0.example'", IDENTITIES - 1, name="'n' || k || '.example'",
            verification_token="'t' || k",
            verification="CASE WHEN k % 10 = 0 THEN 'Pending' ELSE 'Success' END",
        )  # fmt: skip
        self._copy(
            "identity_policy", "identity_policy x ON x.identity = 'n0.example'", BUSY,
            identity="'n' || k || '.example'", document="replace(x.document, 'n0.', 'n' || k || '.')",
        )  # fmt: skip
        self._run(
            f"{_N} INSERT INTO identity_configuration_set (account_id, region, identity, set_name)"
            f" SELECT :owner, '{REGION}', 'n' || k || '.example', 'set' || (k % {OTHERS}) FROM n",
            IDENTITIES - 1,
        )

    def _around(self) -> None:
        self._copy(
            "account", "account x ON x.account_id = :delegate", OTHERS,
            account_id="printf('%012d', 300000000000 + k)", name="'tenant ' || k",
        )  # fmt: skip
        self._copy(
            "iam_user", "iam_user x ON x.user_name = 'anna'", OTHERS, user_name="'user' || k", user_id="'AIDA' || k",
        )  # fmt: skip
        self._copy("template", "template x ON x.name = 't'", OTHERS, name="'t' || k")
        self._copy("configuration_set", "configuration_set x ON x.name = 'news'", OTHERS, name="'set' || k")
        self._copy(
            "audit_row", "audit_row x ON x.seq = 1 AND x.account_id = :owner", REFUSALS, seq="1000000 + k",
        )  # fmt: skip
        self._run(
            f"{_N} INSERT INTO failed_sign_in (hour, door, network, name, account_id, why, failures, first_at, last_at)"
            " SELECT CAST(:now / 3600 AS INTEGER) - k / 200, 'SMTP', '192.0.2.' || (k % 50), 'AKIA' || k, '',"
            " 'unknown', k, :now, :now FROM n",
            DAYS * 24 * 200,
        )
        self._run(
            f"{_N} INSERT INTO suppressed_destination (account_id, region, address, reason, updated_at)"
            " SELECT :owner, 'us-east-1', 'gone' || k || '@d.example', 'BOUNCE', :now FROM n",
            REFUSALS,
        )
