"""Why sends were refused, in a list: alike ones are explained once, and not more policies gone through than is let."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from sesame.db import Transaction
from sesame.operations import refused_sends
from sesame.operations.refused_sends import MOST_EXPLAINED, MOST_POLICY_TEXT
from sesame.spool.listing import Entry
from sesame.store import policy_sets
from sesame.store.decisions import DecisionRecord

VIEWER = "222222222222"


def entry(n: int, digest: str, source: str = "a@example.com") -> Entry:
    check = {"owner": VIEWER, "uses": ["From"], "addresses": [source], "under": {"identity": digest}}
    return Entry(
        at=float(n), is_message=False, seq=n, id=f"r{n}", account_id="1", owner_account_id=VIEWER, region="x",
        source="", subject="", size_bytes=0, code="AccessDenied", decision=json.dumps({"checks": [check]}),
    )  # fmt: skip


def explained(
    monkeypatch: pytest.MonkeyPatch, entries: Sequence[Entry], texts: Mapping[str, str]
) -> tuple[list[int], list[int]]:
    """Which are answered, and for which that was worked out."""
    worked: list[int] = []

    def sentence_of(record: DecisionRecord, contents: Mapping[str, str], reader: Any) -> str:
        worked.append(int(record.at))
        return "because"

    async def contents(tx: Transaction, digests: Sequence[str]) -> dict[str, str]:
        return {one: texts[one] for one in digests if one in texts}

    monkeypatch.setattr(refused_sends, "sentence_of", sentence_of)
    monkeypatch.setattr(policy_sets, "contents", contents)
    found = asyncio.run(refused_sends.sentences(cast(Transaction, None), entries, VIEWER))
    return [key.seq for key in found], worked


def test_alike_ones_are_explained_once(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [entry(1, "d"), entry(2, "d"), entry(3, "d", "b@example.com"), entry(4, "d")]
    assert explained(monkeypatch, entries, {"d": "{}"}) == ([1, 2, 3, 4], [1, 3])


def test_what_hangs_on_the_time_is_explained_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"d": '{"DateLessThan": {"AWS:currentTime": "2026-01-01T00:00:00Z"}}'}
    assert explained(monkeypatch, [entry(1, "d"), entry(2, "d")], texts) == ([1, 2], [1, 2])


def test_no_more_policies_are_gone_through_than_is_let(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"large": "x" * (MOST_POLICY_TEXT + 1), "half": "x" * (MOST_POLICY_TEXT // 2), "small": "{}"}
    names = ["large", "half", "half", "large", "half", "small", "small"]
    entries = [entry(n, name, f"{n}@example.com") for n, name in enumerate(names)]
    assert explained(monkeypatch, entries, texts) == ([1, 2], [1, 2])
    smaller = [entry(n, "small", f"{n}@example.com") for n in range(2 * MOST_EXPLAINED)]
    assert len(explained(monkeypatch, smaller, texts)[0]) == MOST_EXPLAINED
