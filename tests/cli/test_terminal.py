"""What others wrote reaches the operator's terminal as text, never as commands to it."""

import io
import json
import os
import re
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path

import pytest

from sesame.cli import reading
from sesame.cli.main import main
from sesame.cli.terminal import guarded, one_line, painted
from sesame.db import Transaction
from sesame.store.development import keep_mail
from tests.support.patience import PATIENCE_S
from tests.support.process import SesameProcess

CONTROLS = [*range(0x20), *range(0x7F, 0xA0)]
UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")


def written(text: str, *, encoding: str = "utf-8", monkeypatch: pytest.MonkeyPatch) -> str:
    """What is written to a stream of that encoding when `text` is printed."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr("sys.stdout", stream)
    with guarded():
        print(text, end="")
        sys.stdout.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("code", [code for code in CONTROLS if chr(code) not in "\t\n"])
def test_every_control_character_is_shown_and_not_obeyed(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert written(f"a{chr(code)}b", monkeypatch=monkeypatch) == f"a\\u{code:04x}b"


@pytest.mark.parametrize(
    "text", ["\u202eabc", "\u2066", "\u2028x", "\x1b]0;title\x07", "\x9b31m", "\r", "\ud800"]
)
def test_nothing_turns_forges_or_breaks_a_line(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = written(text, monkeypatch=monkeypatch)
    assert not UNSAFE.search(shown)
    assert json.loads(f'"{shown}"') == text, "in JSON it means the same"


def test_text_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Grüße, 日本語 👋🏽\n\tשלום नमस्ते\n"
    assert written(text, monkeypatch=monkeypatch) == text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_what_a_terminal_cannot_show_is_escaped(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = written("é日👋", encoding=encoding, monkeypatch=monkeypatch)
    assert json.loads(f'"{shown}"') == "é日👋"


def test_our_own_colours_pass_and_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    assert written(painted("red", "no \x1b[32m"), monkeypatch=monkeypatch) == "\x1b[31mno \\u001b[32m\x1b[0m"


def test_a_field_cannot_begin_a_line_of_its_own() -> None:
    assert one_line("Hello\n12:00 ALERT\tforged") == "Hello\\u000a12:00 ALERT\\u0009forged"


HOSTILE = "\x1b]0;owned\x07 \x9b2J \u202e é"


@pytest.fixture
def mailbox(sesame: SesameProcess) -> SesameProcess:
    """A mailbox whose newest message commands whatever shows it."""
    message = EmailMessage()
    message["From"] = "News <news@example.com>"
    message["To"] = "you@elsewhere.test"
    message.set_content(f"Dear reader,\n{HOSTILE}\nGrüße", cte="base64")
    message.add_attachment(b"x" * 7, maintype="application", subtype="pdf", filename="invoice é.pdf")
    data = message.as_bytes().replace(b"To:", b"Subject: =?utf-8?q?caf=C3=A9_=1B=5B2J=C2=9B31m?=\r\nTo:", 1)

    async def keep(tx: Transaction) -> None:
        await keep_mail(
            tx, received_at=0, mail_from="b@x\x1b.test", rcpt_to=["you@elsewhere.test"], data=data
        )

    sesame.operate(lambda services: services.store.write(keep))
    return sesame


def test_every_command_that_shows_mail_shows_controls_escaped(mailbox: SesameProcess) -> None:
    for command in (["mail", "list"], ["mail", "list", "--json"], ["mail", "show", "latest"],
                    ["mail", "show", "latest", "--json"]):  # fmt: skip
        shown = mailbox.run(*command).stdout
        assert "café" in shown
        assert not UNSAFE.search(shown), command
        assert "\\u001b" in shown


def test_show_decodes_the_text_and_names_the_other_parts(mailbox: SesameProcess) -> None:
    shown = mailbox.run("mail", "show", "latest").stdout
    assert "Subject: café \\u001b[2J\\u009b31m\n" in shown
    assert "Dear reader,\n\\u001b]0;owned\\u0007" in shown and "Grüße" in shown
    assert "[application/pdf `invoice é.pdf`, 7 bytes]" in shown
    assert mailbox.run_json("mail", "show", "latest")["text"].startswith("Dear reader,\n\x1b]0;")


def test_raw_is_the_source_byte_for_byte_where_no_terminal_reads_it(mailbox: SesameProcess) -> None:
    command = [
        sys.executable,
        "-m",
        "sesame.cli.main",
        "mail",
        "show",
        "latest",
        "--raw",
        "--data",
        str(mailbox.data),
    ]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=True)
    assert done.stdout == mailbox.mail()[0].data


def test_an_ascii_terminal_gets_an_8_bit_subject(mailbox: SesameProcess) -> None:
    for command in (["mail", "list"], ["mail", "show", "latest"], ["mail", "list", "--json"]):
        done = subprocess.run(
            [sys.executable, "-m", "sesame.cli.main", *command, "--data", str(mailbox.data)],
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), "PYTHONIOENCODING": "ascii"},
            capture_output=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"caf\\u00e9" in done.stdout
        if "--json" in command:
            assert json.loads(done.stdout)[0]["subject"].startswith("café")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\r\n", b"Subject: =?x?q?a?=\r\n\r\nb", b"Subject: \xe9\r\n\r\n\xff",
        b"Content-Type: text/plain; charset=nonsense\r\n\r\nx", b"Content-Type: text/plain; charset=\"\xff\"\r\n\r\nx",
        b"Content-Type: multipart/mixed\r\n\r\nx", b"Content-Type: text/plain; charset=idna\r\n\r\n\xff..",
        b"Content-Transfer-Encoding: base64\r\n\r\n%%%", b"Subject: a\r\n b\r\n\r\n",
        b"Content-Type: text/html\r\nContent-Disposition: attachment; filename==?x?=\r\n\r\n",
        b"From: =?utf-8?b?/w==?=\r\n\r\n", b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nx",
    ],
)  # fmt: skip
def test_whatever_arrived_can_be_shown(data: bytes) -> None:
    reading.read(data)
    reading.from_and_subject(data)


def test_arguments_are_told_without_their_controls(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    umask = os.umask(0o022)
    try:
        assert main(["account", "list", "--data", f"{tmp_path}/\x1b[2J"]) == 78
        assert "\\u001b[2J" in capsys.readouterr().err
        assert main(["\x9b31m"]) == 2
        assert not UNSAFE.search(capsys.readouterr().err)
    finally:
        os.umask(umask)
