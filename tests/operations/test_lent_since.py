"""Since when an identity is lent to whom, by what its policies said before; and the first send since then."""

import asyncio
import json
from pathlib import Path

import pytest

from sesame.db.sqlite import SqliteStore
from sesame.operations.lent_since import account_of, begun
from sesame.store import identity_tallies
from sesame.store.policy_versions import Version

OWNER, DELEGATE, OTHER = "111111111111", "222222222222", "333333333333"
BEN = f"arn:aws:iam::{OTHER}:user/ben"


def lending(*names: str, effect: str = "Allow") -> str:
    return json.dumps({"Statement": [{"Effect": effect, "Principal": {"AWS": list(names)}, "Action": "*"}]})


def versions(*told: tuple[float, str | None]) -> list[Version]:
    """Texts with when they ended, newest first."""
    return [
        Version(number=len(told) - at, ended_at=ended, ended_by="", document=text)
        for at, (ended, text) in enumerate(told)
    ]


@pytest.mark.parametrize(
    ("now", "before", "found"),
    [
        ({"a": lending(DELEGATE)}, {"a": versions((5.0, None))}, {DELEGATE: 5.0}),
        ({"a": lending(DELEGATE)}, {}, {}),
        ({"a": lending(DELEGATE)}, {"a": versions((5.0, lending(DELEGATE)))}, {}),
        ({"a": lending(DELEGATE)}, {"a": versions((9.0, lending(BEN)), (5.0, None))}, {DELEGATE: 9.0}),
        (
            {"a": lending(DELEGATE, BEN)},
            {"a": versions((9.0, lending(BEN)), (5.0, None))},
            {DELEGATE: 9.0, BEN: 5.0},
        ),
        (
            {"a": lending(DELEGATE)},
            {"a": versions((9.0, None), (7.0, lending(DELEGATE)), (5.0, None))},
            {DELEGATE: 9.0},
        ),
        (
            {"a": lending(DELEGATE)},
            {"a": versions((9.0, lending(f"arn:aws:iam::{DELEGATE}:root")), (5.0, None))},
            {DELEGATE: 5.0},
        ),
        (
            {"a": lending(DELEGATE)},
            {"a": versions((9.0, lending(DELEGATE, effect="Deny")), (5.0, None))},
            {DELEGATE: 9.0},
        ),
        (
            {"a": lending(DELEGATE), "b": lending(DELEGATE)},
            {"a": versions((9.0, None)), "b": versions((5.0, None))},
            {DELEGATE: 5.0},
        ),
        ({"a": lending(DELEGATE), "b": lending(DELEGATE)}, {"a": versions((9.0, None))}, {}),
        ({"a": lending("AIDAEXAMPLE", "*")}, {"a": versions((9.0, lending(BEN)), (5.0, None))}, {}),
    ],
)
def test_it_is_lent_since_the_last_text_that_did_not_name_it(
    now: dict[str, str], before: dict[str, list[Version]], found: dict[str, float]
) -> None:
    assert begun(list(now.items()), before) == found


def test_accounts_are_told_from_others() -> None:
    assert [account_of(one) for one in (DELEGATE, BEN, "*", "news.example.com", "AIDAX")] == [
        DELEGATE, OTHER, "", "", "",
    ]  # fmt: skip


def test_the_first_send_is_that_of_the_account_since_its_time(tmp_path: Path) -> None:
    """Not one before it, of another region, identity, owner or account, nor something else than a send."""

    async def session() -> list[float | None]:
        store = SqliteStore(tmp_path / "db")
        try:
            for account, region, quarter, owner, identity, what in (
                (DELEGATE, "r", 10, OWNER, "x", "sends"),
                (DELEGATE, "r", 20, OWNER, "x", "deliveries"),
                (DELEGATE, "r", 30, OWNER, "x", "sends"),
                (DELEGATE, "r", 40, OWNER, "x", "sends"),
                (OTHER, "other", 20, OWNER, "x", "sends"),
                (OTHER, "r", 20, OWNER, "y", "sends"),
                (OTHER, "r", 20, DELEGATE, "x", "sends"),
            ):
                place = (account, region, quarter, owner, identity, "")
                await store.write(
                    lambda tx, place=place, what=what: tx.execute(  # type: ignore[misc]
                        "INSERT INTO tally (account_id, region, quarter, owner_account_id, identity,"
                        f" configuration_set, {what}) VALUES (?, ?, ?, ?, ?, ?, 1)",
                        *place,
                    )
                )
            asked = [
                (DELEGATE, 0.0),
                (DELEGATE, 15 * 900.0),
                (DELEGATE, 30 * 900.0 + 60),
                (DELEGATE, 41 * 900.0),
                (OTHER, 0.0),
            ]
            return await store.read(
                lambda tx: identity_tallies.first_sends(tx, OWNER, "x", region="r", asked=asked)
            )
        finally:
            store.close()

    assert asyncio.run(session()) == [10 * 900.0, 30 * 900.0, 30 * 900.0 + 60, None, None]
