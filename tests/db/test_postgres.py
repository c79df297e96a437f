"""The SQL of the store is PostgreSQL's too: the schema loads, and statements prepare.

Here it is what these few statements need; a run with `--postgres` prepares all that the other tests have run.
"""

import pytest

from tests.support import postgres


def test_the_schema_loads_and_statements_prepare() -> None:
    binaries = postgres.programs()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    fine = [
        "SELECT seq FROM message WHERE seq IN (?*) AND message_id NOT IN (?*) AND subject <> 'why?' LIMIT ?",
        "DELETE FROM usage_minute WHERE account_id = ? AND minute <= ? RETURNING minute, recipients",
        "CREATE TABLE boat (name TEXT PRIMARY KEY)",
        "SELECT name FROM boat WHERE name = ?",
    ]
    wrong = [
        "SELECT seq FROM message WHERE ? IS NULL OR instr(subject, ?) > 0",
        "INSERT OR IGNORE INTO epoch (scope, value) VALUES (?, ?)",
        "SELECT name FROM berth",
    ]
    with postgres.running(binaries) as server:
        assert list(postgres.refused(server, fine)) == []
    with postgres.running(binaries) as server:
        assert sorted(postgres.refused(server, [*fine, *wrong])) == sorted(wrong)
