"""`sesame backup` beside a server that takes mail, and `sesame restore` of what it wrote."""

import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from sesame.db import snapshot
from tests.support.process import Account, SesameProcess, running


def message(account: Account) -> dict[str, object]:
    return {
        "Source": f"news@{account.account_id}.test",
        "Destination": {"ToAddresses": ["to@elsewhere.test"]},
        "Message": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "hello"}}},
    }


@pytest.fixture
def account(sesame: SesameProcess) -> Account:
    account = sesame.create_account()
    sesame.vouch(account, f"{account.account_id}.test")
    return account


def test_a_backup_made_beside_a_running_server_is_a_whole_service_again(
    sesame: SesameProcess, account: Account, tmp_path: Path
) -> None:
    sent = sesame.client("ses", account).send_email(**message(account))["MessageId"]
    file = tmp_path / "backup.db"
    told = sesame.spawn("backup", str(file))
    assert "not in it: the master key" in told.stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["backup.db"], "one file, with nothing beside it"
    later = sesame.client("ses", account).send_email(**message(account))["MessageId"]

    restored = SesameProcess(tmp_path / "elsewhere" / "data")
    restored.spawn("restore", str(file), "--key", str(sesame.data / "master.key"))
    with running(restored.data) as other:
        assert other.run_json("trace", sent)["account_id"] == account.account_id
        assert other.run("trace", later, check=False).returncode == 1, (
            "what came after the backup is not in it"
        )
        assert other.client("sts", account).get_caller_identity()["Account"] == account.account_id
        assert not {path for path in other.data.iterdir() if path.stat().st_mode & 0o077}


def test_a_backup_replaces_nothing(sesame: SesameProcess, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    file.write_text("precious")
    done = sesame.spawn("backup", str(file), check=False)
    assert (done.returncode, "exists already" in done.stderr) == (1, True)
    with pytest.raises(snapshot.SnapshotError, match="exists already"):
        snapshot.make(sesame.data / "sesame.db", file)  # made by somebody else meanwhile
    assert file.read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["backup.db"]
    gone = sesame.spawn("backup", str(tmp_path / "none" / "backup.db"), check=False)
    assert (gone.returncode, "cannot be written" in gone.stderr) == (1, True)


@pytest.fixture
def saved(tmp_path: Path) -> tuple[SesameProcess, Path]:
    """A data directory with an account, its server stopped, and its backup."""
    process = SesameProcess(tmp_path / "data")
    process.create_account(name="saved")
    file = tmp_path / "backup.db"
    process.spawn("backup", str(file))
    return process, file


def refused(process: SesameProcess, code: int, words: str, *args: str) -> None:
    done = process.spawn("restore", *args, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert words in done.stderr


def test_restore_never_replaces_a_database_and_needs_the_server_stopped(
    saved: tuple[SesameProcess, Path], sesame: SesameProcess
) -> None:
    process, file = saved
    refused(process, 1, "there is a database", str(file))
    refused(sesame, 78, "in use by another", str(file))
    assert [a["name"] for a in process.run_json("account", "list")] == ["saved"]


def test_restore_takes_only_a_sound_backup_and_its_own_key(
    saved: tuple[SesameProcess, Path], tmp_path: Path
) -> None:
    process, file = saved
    (process.data / "sesame.db").unlink()
    broken = tmp_path / "broken.db"
    data = bytearray(file.read_bytes())
    broken.write_bytes(data[: len(data) // 2])
    refused(process, 1, "broken.db", str(broken))
    broken.write_text("no database")
    refused(process, 1, "is not a Sesame database", str(broken))
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE other (x)")
    refused(process, 1, "is not a Sesame database", str(tmp_path / "other.db"))
    refused(process, 1, "cannot be read", str(tmp_path / "none.db"))
    key = (process.data / "master.key").read_bytes()
    (process.data / "master.key").unlink()
    refused(process, 78, "name its copy with --key", str(file))
    other = SesameProcess(tmp_path / "other")
    other.create_account()
    refused(process, 78, "not the one", str(file), "--key", str(other.data / "master.key"))
    assert not (process.data / "sesame.db").exists() and not (process.data / "master.key").exists()
    (tmp_path / "copy.key").write_bytes(key)
    process.spawn("restore", str(file), "--key", str(tmp_path / "copy.key"))
    assert (process.data / "master.key").read_bytes() == key
    assert [a["name"] for a in process.run_json("account", "list")] == ["saved"]


def test_the_journal_of_a_lost_database_is_not_played_into_the_restored_one(
    saved: tuple[SesameProcess, Path], tmp_path: Path
) -> None:
    process, file = saved
    with running(tmp_path / "lost") as lost:
        lost.create_account(name="lost")
        shutil.copy(lost.data / "sesame.db-wal", process.data / "sesame.db-wal")
    (process.data / "sesame.db").unlink()
    process.spawn("restore", str(file))
    assert [a["name"] for a in process.run_json("account", "list")] == ["saved"]
