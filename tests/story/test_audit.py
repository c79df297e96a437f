"""A server tells every change, and heads that it kept elsewhere show what was cut off in its database."""

import json
import sqlite3
from pathlib import Path

from tests.support.process import SesameProcess


def test_rows_cut_off_with_an_old_head_show_against_the_file(tmp_path: Path) -> None:
    heads = tmp_path / "elsewhere.jsonl"
    environ = {"SESAME_AUDIT__HEADS_FILE": str(heads), "SESAME_AUDIT__HEADS_EVERY_S": "0.05"}
    server = SesameProcess(tmp_path / "data", environ=environ)
    account = server.create_account()
    server.start()
    ses = server.client("ses", account)
    ses.verify_domain_identity(Domain="kept.test")
    with sqlite3.connect(server.data / "sesame.db") as database:
        where = "FROM audit_head WHERE account_id = ?"
        old = database.execute(f"SELECT * {where}", (account.account_id,)).fetchone()
    ses.delete_identity(Identity="kept.test")
    assert server.stop() == 0, "it writes the last heads when it stops"

    report = server.run_json("audit", "verify")
    assert report["whole"] and report["heads"] > 0 and report["findings"] == []
    with sqlite3.connect(server.data / "sesame.db") as database:
        database.execute(
            "DELETE FROM audit_row WHERE account_id = ? AND seq > ?", (account.account_id, old[1])
        )
        database.execute(
            "UPDATE audit_head SET seq = ?, digest = ?, signature = ? WHERE account_id = ?",
            (*old[1:], account.account_id),
        )
    done = server.run("audit", "verify", "--json", check=False)
    findings = json.loads(done.stdout)["findings"]
    assert done.returncode == 1
    assert {finding["account"] for finding in findings} == {account.account_id}
    assert "the head of this row was kept, and the row is gone" in {finding["what"] for finding in findings}
    heads.unlink()
    assert server.run_json("audit", "verify")["whole"], "without the file nothing shows: keep it"
