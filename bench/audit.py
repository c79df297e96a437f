"""The audit log: what a row costs a change, and how long a million of them take to verify."""

import asyncio
import tempfile
import time
from pathlib import Path

from bench.table import Row
from sesame.access.audit import GENESIS, AuditKey, AuditTrail, Entry, record, row_digest
from sesame.admin.audit import verify
from sesame.db import Transaction
from sesame.db.sqlite import SqliteStore
from sesame.store import audit
from sesame.store.audit import AuditRow

ROWS, BATCH, APPENDED = 1_000_000, 10_000, 2_000
ACCOUNT = "111111111111"
KEY = AuditKey(bytes(32))


def entry(number: int) -> Entry:
    """An entry of the usual size, some 900 bytes."""
    return Entry(
        account_id=ACCOUNT, at=1.8e9 + number, region="us-east-1", source_ip="203.0.113.9",
        user_agent="Boto3/1.40.0 md/Botocore#1.40.0 ua/2.1 os/linux lang/python#3.11", request_id=f"r{number}",
        identity={"type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": f"arn:aws:iam::{ACCOUNT}:user/u",
                  "accountId": ACCOUNT, "accessKeyId": "AKIAEXAMPLE", "userName": "u"},
        source="ses.amazonaws.com", name="PutIdentityPolicy",
        parameters={"identity": "example.com", "policyName": f"p{number}", "policy": "x" * 300},
    )  # fmt: skip


async def measure() -> list[Row]:
    """Fill a log in bulk, verify it, then append as changes do."""
    with tempfile.TemporaryDirectory() as directory:
        store = SqliteStore(Path(directory) / "db", durable=False)
        try:
            digest = GENESIS
            for start in range(0, ROWS, BATCH):
                rows = []
                for seq in range(start + 1, start + BATCH + 1):
                    made = entry(seq)
                    body = record(made, event_id=f"e{seq}")
                    digest = row_digest(digest, ACCOUNT, seq, made.at, body)
                    rows.append((ACCOUNT, seq, made.at, body, digest))

                async def put(tx: Transaction, rows: list[tuple[str, int, float, str, bytes]] = rows) -> None:
                    names = "account_id, seq, at, body, digest"
                    await tx.many(f"INSERT INTO audit_row ({names}) VALUES (?, ?, ?, ?, ?)", rows[:-1])
                    last = AuditRow(
                        account_id=ACCOUNT,
                        seq=rows[-1][1],
                        at=rows[-1][2],
                        body=rows[-1][3],
                        digest=rows[-1][4],
                    )
                    await audit.append(tx, last, KEY.head(ACCOUNT, last.seq, last.digest))

                await store.write(put, is_long=True)
            began = time.perf_counter()
            report = await verify(store, KEY.public)
            seconds = time.perf_counter() - began
            assert (report.rows, report.findings) == (ROWS, [])
            trail = AuditTrail(KEY, new_id=lambda: "e")

            async def append(tx: Transaction) -> float:
                began = time.perf_counter()
                for number in range(APPENDED):
                    await trail.put(tx, entry(ROWS + number))
                return time.perf_counter() - began

            each = await store.write(append, is_long=True) / APPENDED
        finally:
            store.close()
    return [
        Row(name="verify 1,000,000 rows", figure=seconds, unit="s", target=30.0),
        Row(name="write the row of a change, signed", figure=each * 1e6, unit="us"),
    ]


def run() -> list[Row]:
    """The rows of this section."""
    return asyncio.run(measure())
