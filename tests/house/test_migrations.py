"""Migrations are known by their numbers, so no two have the same: of two that do one would never run."""

from collections import Counter

from sesame.db.migrate import MIGRATIONS


def test_no_two_migrations_have_the_same_number() -> None:
    numbers = Counter(path.name.split("_")[0] for path in MIGRATIONS.glob("*.sql"))
    assert [number for number, count in numbers.items() if count > 1] == []
