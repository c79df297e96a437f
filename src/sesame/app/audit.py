"""Upkeep of the audit log: signed heads are written where the database is not, and old rows go.

A head is one JSON line. The file is only ever added to; each pass writes the heads that have moved since the last.
"""

import asyncio
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from sesame.access.audit import AuditKey
from sesame.admin.audit import ChainBroken, prune
from sesame.config import Audit
from sesame.db import Store
from sesame.errors import ConfigError, Unavailable
from sesame.observe import Clock, Log
from sesame.store import audit
from sesame.store.audit import Mark

PRUNE_EVERY_S = 3600.0
DAY_S = 86_400.0


class AuditUpkeep:
    """Writes heads and drops rows; `run` until cancelled, which writes the last heads."""

    def __init__(
        self, store: Store, key: AuditKey, settings: Audit, *, clock: Clock, ages: Clock, log: Log
    ) -> None:
        """`ages` is the clock that the age of rows is told by, which nobody sets ahead."""
        self._store = store
        self._key = key
        self._settings = settings
        self._clock = clock
        self._ages = ages
        self._log = log
        self._written: dict[str, int] = {}

    async def run(self) -> None:
        """Both, each in its time."""
        pruned_at: float | None = None
        try:
            while True:
                await self.write_heads()
                if pruned_at is None or self._clock.monotonic() - pruned_at >= PRUNE_EVERY_S:
                    pruned_at = self._clock.monotonic()
                    await self.prune()
                await asyncio.sleep(self._settings.heads_every_s)
        finally:
            await self.write_heads()

    async def write_heads(self) -> int:
        """Add the heads that have moved to the file; how many did."""
        if not self._settings.heads_file:
            return 0
        try:
            heads = await self._store.read(audit.heads)
            moved = [head for head in heads if self._written.get(head.account_id) != head.seq]
            if moved:
                lines = "".join(head_line(head, self._key.public, self._clock.now()) for head in moved)
                await asyncio.to_thread(_add, Path(self._settings.heads_file), lines)
        except (Unavailable, OSError) as error:
            self._log.error("audit_heads_failed", file=self._settings.heads_file, reason=str(error))
            return 0
        self._written |= {head.account_id: head.seq for head in moved}
        return len(moved)

    async def prune(self) -> None:
        """Let go of rows that are past their retention."""
        before = self._ages.now() - self._settings.retention_days * DAY_S
        try:
            await prune(self._store, self._key, before=before)
        except (Unavailable, ChainBroken) as error:
            self._log.error("audit_prune_failed", reason=str(error))


def _add(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def head_line(head: Mark, public: bytes, at: float) -> str:
    """A head as a line of the file."""
    line = {
        "account": head.account_id,
        "sequence": head.seq,
        "digest": head.digest.hex(),
        "signature": head.signature.hex(),
        "publicKey": public.hex(),
        "writtenAt": round(at, 3),
    }
    return json.dumps(line) + "\n"


def read_heads(path: Path) -> list[Mark]:
    """The heads of a file. Raises `ConfigError` when it cannot be read, or a line is not a head."""
    try:
        return list(_marks(path, path.read_text().splitlines()))
    except OSError as error:
        raise ConfigError(f"heads file `{path}` cannot be read: {error.strerror}") from None


def _marks(path: Path, lines: Sequence[str]) -> Iterable[Mark]:
    for number, line in enumerate(lines, start=1):
        try:
            found = json.loads(line)
            yield Mark(
                account_id=str(found["account"]),
                seq=int(found["sequence"]),
                digest=bytes.fromhex(found["digest"]),
                signature=bytes.fromhex(found["signature"]),
            )
        except (ValueError, KeyError, TypeError):
            raise ConfigError(
                f"heads file `{path}`, line {number}, is not a head; it was cut off or altered"
            ) from None
