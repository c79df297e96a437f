"""A PostgreSQL of the machine's own, for a moment, and the statements of the embedded store in its words."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sesame.db.migrate import MIGRATIONS, statements
from tests.support.patience import PATIENCE_S

SERVER_USER = "postgres"
"""Who runs it where the tests run as root, which it refuses."""

SCHEMA_WORDS = (
    (r"\bINTEGER PRIMARY KEY\b", "BIGSERIAL PRIMARY KEY"),
    (r"\bINTEGER\b", "BIGINT"),
    (r"\bBLOB\b", "BYTEA"),
    (r"\bREAL\b", "FLOAT8"),
    (r"\bTEXT\b", 'TEXT COLLATE "C"'),
    (r"\)\s*WITHOUT ROWID$", ")"),
)


def programs() -> Path | None:
    """Where the server's programs are, the newest; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return found[-1].parent if found else None


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server that only its socket reaches."""

    bin: Path
    directory: Path

    def run(self, script: str, *, stop_on_error: bool) -> list[tuple[int, str]]:
        """Run a script of one statement a line; the numbers of lines that failed, with what was said."""
        file = self.directory / "script.sql"
        file.write_text(script)
        done = subprocess.run(
            [
                str(self.bin / "psql"), "-h", str(self.directory), "-U", "sesame", "-d", "postgres", "-X", "-q",
                "-v", f"ON_ERROR_STOP={int(stop_on_error)}", "-f", str(file),
            ],
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        return [
            (int(line), words)
            for line, words in re.findall(r"^psql:\S+?:(\d+): ERROR:\s+(.*)$", done.stderr, re.MULTILINE)
        ]


@contextmanager
def running(binaries: Path) -> Iterator[Postgres]:
    """A fresh server, removed afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="sesame-pg-", dir="/tmp"))
    user = SERVER_USER if os.getuid() == 0 else None
    if user is not None:
        shutil.chown(directory, user)
        directory.chmod(0o755)

    def call(*command: str) -> None:
        subprocess.run(
            [str(binaries / command[0]), *command[1:]],
            user=user, cwd=directory, check=True, timeout=PATIENCE_S,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    data = str(directory / "data")
    try:
        call("initdb", "-D", data, "-U", "sesame", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = f"-k {directory} -c listen_addresses='' -c fsync=off"
        call("pg_ctl", "-D", data, "-o", options, "-l", str(directory / "log"), "-w", "-t", "60", "start")
        try:
            yield Postgres(binaries, directory)
        finally:
            call("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def in_words_of_schema(sql: str) -> str:
    """A statement that makes a table or an index, on one line, with the words that differ replaced."""
    text = " ".join(sql.rstrip(";").split())
    for pattern, words in SCHEMA_WORDS:
        text = re.sub(pattern, words, text)
    return text


def schema() -> list[str]:
    """The migrations, one statement each."""
    files = sorted(MIGRATIONS.glob("*.sql"))
    return [in_words_of_schema(statement) for file in files for statement in statements(file.read_text())]


def in_its_words(sql: str) -> str:
    """A statement with lists as arrays and parameters by number."""
    sql = sql.replace("NOT IN (?*)", "<> ALL (?)").replace("IN (?*)", "= ANY (?)")
    parts = re.split(r"('(?:[^']|'')*')", sql)
    numbers = iter(range(1, 1_000))
    return "".join(
        part if part.startswith("'") else re.sub(r"\?", lambda _: f"${next(numbers)}", part) for part in parts
    )


def refused(postgres: Postgres, texts: Iterable[str]) -> Mapping[str, str]:
    """Load the schema and prepare each statement; those that are refused, each with the reason.

    Tables that are made by the way, as a test of the store's own parts makes them, are made here too: they cannot be
    prepared, and what is run on them can.
    """
    ordered = sorted(set(texts))
    own = [sql for sql in ordered if sql.startswith("CREATE TABLE ")]
    tables = schema() + [in_words_of_schema(sql) for sql in own]
    for line, words in postgres.run(";\n".join(tables) + ";\n", stop_on_error=True):
        return {tables[line - 1]: words}
    rest = [sql for sql in ordered if sql not in own]
    script = "".join(f"PREPARE s{n} AS {in_its_words(sql)};\n" for n, sql in enumerate(rest))
    return {rest[line - 1]: words for line, words in postgres.run(script, stop_on_error=False)}
