"""A store that cannot be written at the start is waited for: the process lives, and says what it waits for."""

import json
import sqlite3
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path

from tests.support.ports import free_port
from tests.support.process import SesameProcess, wait_until


def _ready(port: int) -> tuple[int, dict[str, str]] | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError:
        return None


def test_a_start_waits_until_the_store_can_be_written(tmp_path: Path) -> None:
    sesame = SesameProcess(tmp_path / "data", environ={"SESAME_HEALTH__PORT": str(port := free_port())})
    sesame.start().stop()
    (found,) = (tmp_path / "data").glob("*.db")
    other = sqlite3.connect(found, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")

    def let_go_once_it_waits() -> None:
        wait_until(
            lambda: (said := _ready(port)) is not None and "the start waits" in said[1].get("start", "")
        )
        other.execute("ROLLBACK")

    waiting = threading.Thread(target=let_go_once_it_waits)
    waiting.start()
    try:
        sesame.start()  # would raise if the process had ended
    finally:
        waiting.join()
        other.close()
    try:
        assert wait_until(lambda: (said := _ready(port)) is not None and said[0] == 200)
        log = sesame.log_path.read_text()
        assert "start_delayed" in log and "locked" in log
    finally:
        assert sesame.stop() == 0


def test_a_start_that_waits_can_be_stopped(tmp_path: Path) -> None:
    sesame = SesameProcess(tmp_path / "data")
    sesame.start().stop()
    (found,) = (tmp_path / "data").glob("*.db")
    other = sqlite3.connect(found, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    command = [*sesame._sesame(), "serve", "--api-port", "0", "--data", str(sesame.data)]
    log = tmp_path / "again.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(command, stdout=out, stderr=out, env=sesame._environ()) as process,
    ):
        wait_until(lambda: "start_delayed" in log.read_text())
        process.terminate()
        assert process.wait(30) == 0
    other.close()
