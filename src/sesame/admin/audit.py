"""The audit log as the operator sees it: is it whole, what does it say, and letting go of what is past its retention.

Verifying walks each account's chain from its anchor to its head, and holds it against heads that were kept elsewhere.
Each break is reported, and the walk goes on behind it.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field

from sesame.access.audit import GENESIS, AuditKey, is_anchor, is_head, row_digest
from sesame.db import Store, Transaction
from sesame.errors import SesameError
from sesame.store import audit
from sesame.store.audit import AuditRow, Mark

PAGE = 5_000
"""Rows read at a time."""

DROPPED = 1_000
"""Rows that one write lets go of at most."""

ATTEMPTS = 3
"""How often an account is walked again because rows went past their retention meanwhile."""


class ChainBroken(SesameError):
    """Rows past their retention are not what was written: they are kept as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that nobody but a tamperer, or a restored backup, can have done."""

    account_id: str
    seq: int | None
    what: str

    def __str__(self) -> str:
        where = "" if self.seq is None else f", row {self.seq}"
        return f"account {self.account_id}{where}: {self.what}"


@dataclass(slots=True, kw_only=True)
class Report:
    """What a verification has seen."""

    accounts: int = 0
    rows: int = 0
    heads: int = 0
    """Heads kept elsewhere that were compared; those of rows that are past their retention are not."""
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Ends:
    """Where an account's chain begins and ends, read at once."""

    anchor: Mark | None
    head: Mark | None
    last: int
    """The number of the last row that there is."""


async def verify(
    store: Store,
    public: bytes,
    *,
    kept: Iterable[Mark] = (),
    account_id: str | None = None,
    page: int = PAGE,
) -> Report:
    """Walk the chains of all accounts, or of one, `page` rows at a time.

    `kept` are heads that were written elsewhere.
    """
    by_account: dict[str, list[Mark]] = {}
    for mark in kept:
        by_account.setdefault(mark.account_id, []).append(mark)
    report = Report()
    known = await store.read(audit.accounts)
    for account in sorted({*known, *by_account}) if account_id is None else [account_id]:
        report.accounts += 1
        await _verify_account(store, public, account, by_account.get(account, []), report, page)
    return report


async def _verify_account(
    store: Store, public: bytes, account_id: str, kept: Sequence[Mark], report: Report, page: int
) -> None:
    for _ in range(ATTEMPTS):
        ends = await store.read(lambda tx: _ends(tx, account_id))
        walk = _Walk(public, account_id, ends, kept, page)
        while rows := await store.read(walk.page):
            walk.take(rows)
        walk.finish()
        anchor = await store.read(lambda tx: audit.anchor(tx, account_id))
        if anchor == ends.anchor:
            break
    report.rows += walk.rows
    report.heads += walk.heads
    report.findings += walk.findings


async def _ends(tx: Transaction, account_id: str) -> _Ends:
    newest = await audit.newest(tx, account_id, limit=1)
    anchor = await audit.anchor(tx, account_id)
    head = await audit.head(tx, account_id)
    base = 0 if anchor is None else anchor.seq
    return _Ends(anchor, head, newest[0].seq if newest else base)


class _Walk:
    """One account's chain, row by row."""

    def __init__(self, public: bytes, account_id: str, ends: _Ends, kept: Sequence[Mark], page: int) -> None:
        self._page = page
        self.rows = 0
        self.heads = 0
        self.findings: list[Finding] = []
        self._account_id = account_id
        self._ends = ends
        self._seq, self._digest = 0, GENESIS
        if ends.anchor is not None:
            self._seq, self._digest = ends.anchor.seq, ends.anchor.digest
            if not is_anchor(ends.anchor, public):
                self._find(ends.anchor.seq, "the anchor before the first row is not signed by this instance")
        self._wanted: dict[int, set[bytes]] = {}
        for mark in kept:
            if not is_head(mark, public):
                self._find(mark.seq, "a head that was kept is not signed by this instance")
            elif mark.seq > self._seq:
                self._wanted.setdefault(mark.seq, set()).add(mark.digest)
        if ends.head is not None and not is_head(ends.head, public):
            self._find(ends.head.seq, "the head is not signed by this instance")

    async def page(self, tx: Transaction) -> list[AuditRow]:
        """The next rows, as far as there were any at first."""
        rows = await audit.rows(tx, self._account_id, after=self._seq, limit=self._page)
        return [row for row in rows if self._seq < row.seq <= self._ends.last]

    def take(self, rows: Sequence[AuditRow]) -> None:
        """Hold rows against those before them, and against the heads that were kept."""
        for row in rows:
            if row.seq != self._seq + 1:
                self._find(self._seq + 1, f"rows {self._seq + 1} to {row.seq - 1} are gone")
            elif row.digest != row_digest(self._digest, row.account_id, row.seq, row.at, row.body):
                self._find(row.seq, "it was altered, or does not follow the row before")
            self._compare(row.seq, row.digest)
            self._seq, self._digest = row.seq, row.digest
        self.rows += len(rows)

    def finish(self) -> None:
        """Hold the end against the head."""
        head = self._ends.head
        if head is None:
            if self._ends.last > 0:
                self._find(None, "the log has no signed head")
        elif self._seq < head.seq:
            self._find(
                self._seq + 1, f"rows {self._seq + 1} to {head.seq} are missing: the signed head is later"
            )
        elif self._seq > head.seq:
            self._find(head.seq + 1, "the signed head ends before it")
        elif self._digest != head.digest:
            self._find(head.seq, "the head is that of another row")
        for seq in sorted(self._wanted):
            self._find(seq, "the head of this row was kept, and the row is gone")

    def _compare(self, seq: int, digest: bytes) -> None:
        digests = self._wanted.pop(seq, None)
        if digests is None:
            return
        self.heads += len(digests)
        if digests != {digest}:
            self._find(seq, "the stored head of this row belongs to another row")

    def _find(self, seq: int | None, what: str) -> None:
        self.findings.append(Finding(account_id=self._account_id, seq=seq, what=what))


async def export(
    store: Store, *, account_id: str | None = None, since: float = 0.0
) -> AsyncIterator[AuditRow]:
    """The rows of one account or of all since a time, each account's in their order."""
    accounts = [account_id] if account_id is not None else await store.read(audit.accounts)
    for account in accounts:
        first = await store.read(lambda tx, account=account: audit.first_since(tx, account, since))  # type: ignore[misc]
        after = None if first is None else first - 1
        while after is not None:

            async def page(tx: Transaction, account: str = account, after: int = after) -> list[AuditRow]:
                return await audit.rows(tx, account, after=after, limit=PAGE)

            rows = await store.read(page)
            for row in rows:
                yield row
            after = rows[-1].seq if len(rows) == PAGE else None


async def latest(store: Store, account_id: str, *, limit: int, before: int | None = None) -> list[AuditRow]:
    """The newest rows of an account before the one numbered `before`, newest first."""
    return await store.read(lambda tx: audit.newest(tx, account_id, limit=limit, before=before))


async def prune(store: Store, key: AuditKey, *, before: float) -> int:
    """Let go of rows older than `before`; how many went. What is left still verifies, from a signed anchor on.

    Raises `ChainBroken` for rows that are not what was written: who makes rows look old shall not have them dropped.
    """
    gone = 0
    for account_id in await store.read(audit.accounts):
        while True:

            async def run(tx: Transaction, account_id: str = account_id) -> int:
                return await _drop(tx, key, account_id, before)

            dropped = await store.write(run, is_long=True)
            gone += dropped
            if dropped < DROPPED:
                break
    return gone


async def _drop(tx: Transaction, key: AuditKey, account_id: str, before: float) -> int:
    await tx.lock([audit.lock_name(account_id)])
    first_kept = await audit.first_since(tx, account_id, before)
    rows = await audit.rows(tx, account_id, after=0, limit=DROPPED)
    old = [row for row in rows if first_kept is None or row.seq < first_kept]
    if not old:
        return 0
    anchor = await audit.anchor(tx, account_id)
    seq, digest = (0, GENESIS) if anchor is None else (anchor.seq, anchor.digest)
    for row in old:
        if row.seq != seq + 1 or row.digest != row_digest(digest, account_id, row.seq, row.at, row.body):
            raise ChainBroken(f"the audit log of account {account_id} is broken at row {row.seq}")
        seq, digest = row.seq, row.digest
    await audit.drop(tx, old, key.anchor(account_id, seq, digest))
    return len(old)
