"""What stops a start or a command says so in one sentence, with the exit code of its class, and without a traceback."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sesame.app.data_directory import secure
from sesame.app.foundation import open_store
from sesame.config import Settings
from sesame.errors import ConfigError, StoreUnavailable
from sesame.server.tls import development_files
from tests.support.patience import PATIENCE_S
from tests.support.preloaded import PRELOADED
from tests.support.process import Account, SesameProcess

NOBODY = 65534
AS_NOBODY = f"""
import os, sys
from sesame.cli.main import main
from sesame import store  # what is imported later, nobody may not be able to read
from sesame.app import server  # what is imported later, nobody may not be able to read
from sesame.app import foundation  # what is imported later, nobody may not be able to read
from sesame.cli import accounts, backup
os.chdir("/"); os.setgroups([]); os.setegid({NOBODY}); os.seteuid({NOBODY})
sys.exit(main())
"""


def sesame_command(*args: str, cwd: Path | None = None, as_nobody: bool = False) -> tuple[int, str]:
    """Run one command; its exit code and what it wrote on standard error."""
    return run_code(AS_NOBODY, *args, cwd=cwd) if as_nobody else run(*args, cwd=cwd)


def run(*args: str, cwd: Path | None = None, **environ: str) -> tuple[int, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SESAME_", "AWS_"))}
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        done = PRELOADED.start(
            args, output=output.fileno(), errors=errors.fileno(), environ=inherited | environ, directory=cwd
        )
        code = done.wait(PATIENCE_S)
        errors.seek(0)
        return code, errors.read().decode()


def run_code(code: str, *args: str, cwd: Path | None = None) -> tuple[int, str]:
    """The same where code of ours begins the process."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SESAME_", "AWS_"))}
    done = subprocess.run(
        [sys.executable, "-c", code, *args],
        cwd=cwd, env=inherited, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


def in_one_sentence(answer: tuple[int, str], code: int, *words: str) -> None:
    returncode, stderr = answer
    assert returncode == code, stderr
    [sentence] = stderr.splitlines()
    assert sentence.startswith("sesame: ")
    for word in words:
        assert word in sentence


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates and keys that do not go together."""
    directory = tmp_path_factory.mktemp("certificates")
    for name in ("one", "other"):
        development_files(directory / name, ["localhost"], now=1.8e9)
    key = ec.generate_private_key(ec.SECP256R1())
    (directory / "encrypted.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    (directory / "text").write_text("hello")
    (directory / "empty").touch()
    return directory


@pytest.mark.parametrize(
    ("chain", "key", "told"),
    [
        ("one/server.pem", "other/server.key", "key of another certificate"),
        ("one/server.pem", "encrypted.key", "is encrypted"),
        ("one/server.pem", "text", "no private key in PEM form"),
        ("one/server.pem", "empty", "no private key in PEM form"),
        ("text", "one/server.key", "no certificate in PEM form"),
        ("empty", "one/server.key", "no certificate in PEM form"),
        ("one/server.key", "one/server.pem", "no certificate in PEM form"),
        ("one", "one/server.key", "Is a directory"),
        ("one/server.pem", "one", "Is a directory"),
        ("none", "one/server.key", "cannot be read"),
    ],
)
def test_a_certificate_and_key_that_cannot_be_used_stop_the_start_by_name(
    chain: str, key: str, told: str, certificates: Path, tmp_path: Path
) -> None:
    door = "submission" if "other" in key or "text" in chain else "api"  # both read them by the same code
    section = door.upper()
    settings: dict[str, Any] = {
        f"SESAME_{section}__TLS_CERTIFICATE": str(certificates / chain),
        f"SESAME_{section}__TLS_PRIVATE_KEY": str(certificates / key),
    }
    answer = run("serve", "--data", str(tmp_path / "data"), "--api-port", "0", cwd=None, **settings)
    in_one_sentence(answer, 78, f"setting `{door}.tls_", told)


def a_file(path: Path) -> Path:
    path.touch()
    return path


def under_a_file(path: Path) -> Path:
    return a_file(path) / "data"


def a_dangling_link(path: Path) -> Path:
    path.symlink_to(path.with_name("nothing"))
    return path


def where_nothing_can_be_made(path: Path) -> Path:
    return Path("/sys/sesame")


@pytest.mark.parametrize("make", [a_file, under_a_file, a_dangling_link, where_nothing_can_be_made])
@pytest.mark.parametrize("command", ["serve", "account create"])
def test_a_data_directory_that_cannot_be_one_is_named(
    make: Callable[[Path], Path], command: str, tmp_path: Path
) -> None:
    path = make(tmp_path / "data")
    in_one_sentence(
        sesame_command(*command.split(), "--data", str(path)), 78, "setting `data`", f"`{path}`", "--data"
    )


@pytest.mark.parametrize("command", [["serve"], ["account", "create"]])
def test_a_working_directory_that_cannot_be_written_is_told(command: list[str]) -> None:
    in_one_sentence(sesame_command(*command, cwd=Path("/sys")), 78, "setting `data`", "`.sesame`", "--data")


def test_a_command_beside_no_database_says_what_to_do(tmp_path: Path) -> None:
    for path in (tmp_path / "none", a_file(tmp_path / "file"), tmp_path):
        in_one_sentence(sesame_command("account", "list", "--data", str(path)), 78, "there is no database")


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that others reach, as pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_data_directory_of_somebody_else_is_refused_with_the_command_that_mends_it(
    open_directory: Path,
) -> None:
    data = open_directory / "data"
    SesameProcess(data).create_account()

    def create() -> tuple[int, str]:
        return sesame_command("account", "create", "--data", str(data), as_nobody=True)

    in_one_sentence(create(), 78, "setting `data`", f"sudo chown -R {NOBODY} {data}")
    data.chmod(0o755)
    in_one_sentence(create(), 78, "setting `data`", f"sudo chown -R {NOBODY} {data}")
    os.chown(data, NOBODY, NOBODY)
    in_one_sentence(create(), 78, f"run `sudo chown {NOBODY} {data}/master.key`")
    for path in data.iterdir():
        os.chown(path, NOBODY, NOBODY)
    assert create() == (0, "")
    data.chmod(0o500)
    in_one_sentence(create(), 78, "sesame.db", "cannot be written", "permissions")
    in_one_sentence(
        sesame_command("serve", "--data", str(data), as_nobody=True), 78, "cannot be written", str(data)
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_commands_work_in_a_directory_that_their_user_cannot_enter(
    open_directory: Path, tmp_path: Path
) -> None:
    """As `sudo -u sesame sesame …` does in root's home; a configuration that cannot be read is not passed over."""
    data = open_directory / "data"
    data.mkdir()
    os.chown(data, NOBODY, NOBODY)
    tmp_path.chmod(0o700)
    inside = AS_NOBODY.replace('os.chdir("/")', f"os.chdir({str(tmp_path)!r})")
    assert run_code(inside, "account", "create", "--data", str(data)) == (0, "")
    named = f"(Path({str(tmp_path / 'c.toml')!r}),)"
    system = f"from sesame import config; from pathlib import Path; config.CONFIG_FILES = {named}"
    in_one_sentence(
        run_code(f"{system}\n{inside}", "config", "show"), 78, "configuration file", "cannot be read"
    )


@pytest.fixture
def with_database(tmp_path: Path) -> SesameProcess:
    process = SesameProcess(tmp_path / "data")
    process.create_account()
    return process


def test_a_database_of_a_newer_version_is_refused_by_its_name(with_database: SesameProcess) -> None:
    with closing(sqlite3.connect(with_database.data / "sesame.db")) as connection:
        connection.execute("INSERT INTO migration VALUES (9000)")
        connection.commit()
    for command in ("serve", "account list"):
        answer = sesame_command(*command.split(), "--data", str(with_database.data))
        in_one_sentence(answer, 78, "newer version of Sesame", "migration 9000")


@pytest.mark.parametrize("damage", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_database_is_told_with_what_to_do(damage: bytes, with_database: SesameProcess) -> None:
    for name in ("sesame.db-wal", "sesame.db-shm"):
        (with_database.data / name).unlink(missing_ok=True)
    (with_database.data / "sesame.db").write_bytes(damage)
    for command in ("serve", "account list"):
        returncode, stderr = sesame_command(*command.split(), "--data", str(with_database.data))
        assert (returncode, "Traceback" in stderr, "sesame.db" in stderr) == (78, False, True), stderr


def test_a_database_that_is_a_directory_is_told(with_database: SesameProcess) -> None:
    (with_database.data / "sesame.db").unlink()
    (with_database.data / "sesame.db").mkdir()
    in_one_sentence(sesame_command("serve", "--data", str(with_database.data)), 78, "sesame.db")


@pytest.mark.parametrize(
    ("number", "kind", "cure"),
    [
        (sqlite3.SQLITE_FULL, StoreUnavailable, "make room"),
        (sqlite3.SQLITE_BUSY, StoreUnavailable, "try again"),
        (sqlite3.SQLITE_IOERR, StoreUnavailable, "look at its disk"),
        (sqlite3.SQLITE_CORRUPT, ConfigError, "sesame restore"),
        (sqlite3.SQLITE_NOTADB, ConfigError, "sesame restore"),
        (sqlite3.SQLITE_READONLY, ConfigError, "permissions"),
    ],
)
def test_each_failure_of_the_store_at_the_start_has_its_class_and_its_cure(
    number: int, kind: type[Exception], cure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, *, durable: bool) -> None:
        error = sqlite3.OperationalError("as SQLite says")
        error.sqlite_errorcode = number
        raise error

    monkeypatch.setattr("sesame.db.sqlite.connect", fail)
    with pytest.raises(kind, match=cure):
        open_store(tmp_path / "sesame.db", durable=True)


def test_a_configuration_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, a_file(tmp_path / "file") / "below"):
        in_one_sentence(
            sesame_command("config", "show", "--config", str(path)), 78, "configuration file", f"`{path}`"
        )


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ([], 2),
        (["nonsense"], 2),
        (["serve", "--api-port", "x"], 2),
        (["account", "set-quota", "12"], 2),
        (["serve", "--ready-file", "/nowhere/at/all"], 78),
        (["smtp", "credentials", "1" * 12, "--region", "moon"], 78),
    ],
)
def test_exit_codes_are_those_of_the_documentation(args: list[str], code: int, tmp_path: Path) -> None:
    answer = sesame_command(*args, cwd=tmp_path)
    assert (answer[0], "Traceback" in answer[1]) == (code, False), answer


def test_whoever_stops_reading_gets_no_traceback(sesame: SesameProcess) -> None:
    command = [sys.executable, "-m", "sesame.cli.main", "account", "list", "--data", str(sesame.data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        stderr = process.stderr.read()
        assert (process.wait(PATIENCE_S), stderr) == (1, b"")


# The data directory is its owner's alone.


def modes(data: Path) -> dict[str, int]:
    """Everything in the directory that others can reach."""
    found = {path: stat.S_IMODE(path.stat().st_mode) for path in (data, *data.rglob("*"))}
    return {str(path): mode for path, mode in found.items() if mode & 0o077}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_whatever_the_umask_nobody_else_can_reach_the_data_directory(umask: int, tmp_path: Path) -> None:
    data = tmp_path / "data"
    ready = tmp_path / "ready"
    script = (
        f"import os, runpy, sys; os.umask({umask}); sys.argv = ['sesame', 'serve', '--data', {str(data)!r},"
        f" '--api-port', '0', '--ready-file', {str(ready)!r}]; runpy.run_module('sesame.cli.main', run_name='__main__')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = 2000
        while not ready.exists() and deadline and process.poll() is None:
            deadline -= 1
            subprocess.run(["sleep", "0.02"], check=True)
        assert ready.exists()
        assert {"sesame.db-wal", "sesame.db-shm", "tls", "credentials", "endpoints.json"} <= {
            path.name for path in data.iterdir()
        }
        assert modes(data) == {}
        assert stat.S_IMODE(ready.stat().st_mode) == 0o600
    finally:
        process.terminate()
        assert process.wait(PATIENCE_S) == 0


def test_what_others_could_reach_is_closed_to_them_at_the_start(with_database: SesameProcess) -> None:
    data = with_database.data
    development_files(data / "tls", ["localhost"], now=1.8e9)
    for name in (
        "credentials",
        "endpoints.json",
        "serve.lock",
        "sesame.db-wal",
        "sesame.db-shm",
        ".credentials.7",
    ):
        (data / name).touch()
    for path in (data, *data.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    secure(Settings(data=str(data)))
    assert modes(data) == {}


def test_a_link_is_closed_at_its_end(with_database: SesameProcess, tmp_path: Path) -> None:
    key = with_database.data / "master.key"
    elsewhere = tmp_path / "elsewhere.key"
    shutil.move(key, elsewhere)
    key.symlink_to(elsewhere)
    elsewhere.chmod(0o644)
    secure(Settings(data=str(with_database.data)))
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o600


def test_a_directory_of_other_things_is_left_alone_and_refused(tmp_path: Path) -> None:
    (tmp_path / "letters").touch(mode=0o644)
    tmp_path.chmod(0o755)
    with pytest.raises(ConfigError, match=f"run `chmod 700 {tmp_path}`"):
        secure(Settings(data=str(tmp_path)))
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert [path.name for path in tmp_path.iterdir()] == ["letters"]


def test_files_that_are_not_sesames_are_not_touched(with_database: SesameProcess) -> None:
    other = with_database.data / "notes.txt"
    other.touch()
    other.chmod(0o644)
    secure(Settings(data=str(with_database.data)))
    assert stat.S_IMODE(other.stat().st_mode) == 0o644, "the directory keeps it from others"


def test_what_cannot_be_tightened_is_refused_with_the_command(
    with_database: SesameProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = with_database.data / "sesame.db"
    database.chmod(0o640)

    def refuse(self: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted", str(self))

    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(ConfigError, match=f"run `sudo chmod 600 {database}`"):
        secure(Settings(data=str(with_database.data)))
    monkeypatch.setattr(Path, "chmod", lambda self, mode: None)
    with pytest.raises(ConfigError, match="keeps no permissions"):
        secure(Settings(data=str(with_database.data)))


def test_a_master_key_elsewhere_is_refused_when_everybody_may_read_it(tmp_path: Path) -> None:
    key = tmp_path / "the key"
    key.touch()
    key.chmod(0o640)
    settings = Settings(data=str(tmp_path / "data"), master_key_file=str(key))
    secure(settings)
    key.chmod(0o644)
    with pytest.raises(ConfigError, match=f"run `chmod o= '{key}'`"):
        secure(settings)


def test_the_commands_to_mend_are_quoted_for_a_shell(tmp_path: Path) -> None:
    data = tmp_path / "a $(b); c"
    data.mkdir()
    (data / "x").touch()
    data.chmod(0o755)
    with pytest.raises(ConfigError) as refused:
        secure(Settings(data=str(data)))
    assert f"chmod 700 '{data}'" in str(refused.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "", "mail.example.com"])
@pytest.mark.parametrize("door", ["API", "SUBMISSION"])
def test_the_development_profile_stays_on_this_machine(door: str, host: str) -> None:
    from sesame.config import load

    environ = {f"SESAME_{door}__LISTEN": host}
    with pytest.raises(ConfigError, match=r"allow_development_on_network = true"):
        load(None, environ=environ)
    allowed = load(None, environ=environ | {"SESAME_ALLOW_DEVELOPMENT_ON_NETWORK": "true"})
    assert allowed.dns.auto_publish
    load(None, environ=environ | {"SESAME_DNS__AUTO_PUBLISH": "false"})
    for local in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        load(None, environ={f"SESAME_{door}__LISTEN": local})


@pytest.mark.parametrize(
    "relay",
    [
        "nowhere", ":25", "host:", "host:0", "host:65536", "host:²", "host: 25", "a b:25", "smtp://host:25",
        "u@host:25",
        "::1:25", "[::1]", "[::1:25", "[host]:25", "[10.0.0.1]:25", "10.0.0:25", "999.1.1.1:25", "a..b:25", "-a.b:25",
        "bücher.example:25", f"{'a' * 64}.example:25", "host:25:25", "host,other:25", "host\n:25", "host:123456",
    ],
)  # fmt: skip
def test_a_relay_that_is_none_is_refused_at_the_start(relay: str) -> None:
    from sesame.config import load

    with pytest.raises(ConfigError, match=r"setting `delivery\.relay` is "):
        load(None, environ={"SESAME_DELIVERY__RELAY": relay})


def test_relays_are_hosts_and_addresses() -> None:
    from sesame.config import parse_host_port

    for text, expected in (
        ("localhost:25", ("localhost", 25)),
        ("mail_relay:2525", ("mail_relay", 2525)),
        ("smtp.example.com.:587", ("smtp.example.com.", 587)),
        ("10.0.0.9:25", ("10.0.0.9", 25)),
        ("[2001:db8::1]:25", ("2001:db8::1", 25)),
        ("1und1.example:25", ("1und1.example", 25)),
    ):
        assert parse_host_port("delivery.relay", text) == expected


@pytest.fixture
def account(sesame: SesameProcess) -> Account:
    return sesame.create_account(production=False)


def test_leaving_the_sandbox_again_changes_nothing(sesame: SesameProcess, account: Account) -> None:
    def limits() -> tuple[float, float, bool]:
        [found] = [a for a in sesame.run_json("account", "list") if a["account_id"] == account.account_id]
        return found["max_24_hour_send"], found["max_send_rate"], found["production"]

    sesame.run("account", "set-quota", account.account_id, "--max-24-hour-send", "1000")
    sesame.run("account", "set-quota", account.account_id, "--max-send-rate", "3", "--region", "eu-west-1")
    sesame.run("account", "leave-sandbox", account.account_id)
    assert limits() == (1000, 5000, True), "what the operator has set stays; what was the sandbox's does not"
    assert sesame.client("ses", account, region="eu-west-1").get_send_quota()["MaxSendRate"] == 3
    sesame.run("account", "set-quota", account.account_id, "--max-send-rate", "14")
    again = sesame.run("account", "leave-sandbox", account.account_id)
    assert "already; nothing has changed" in again.stdout
    assert limits() == (1000, 14, True)
