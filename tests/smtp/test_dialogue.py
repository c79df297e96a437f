"""What is kept of a dialogue: both sides in order, bounded, without the message, passwords and keys of ours."""

import base64

from sesame.smtp.client import ClientConnection
from sesame.smtp.dialogue import MAX_CHARACTERS, Dialogue
from sesame.smtp.errors import Stage
from sesame.smtp.reply import Reply

PATH = "bounce+0102abcd-verp@bounces.example"
TEXT = b"Subject: hidden-subject\r\n\r\nhidden-body\r\n"


def talk(*replies: bytes, message: bytes = TEXT, login: tuple[str, str] | None = None) -> str:
    """A client that is answered with these; what was said as text."""
    client, dialogue = ClientConnection(hostname="me.example"), Dialogue()
    client.dialogue = dialogue
    waiting = list(replies)
    said_all, logged_in = False, login is None
    while waiting:
        client.receive_data(waiting.pop(0))
        if client.is_ready and not logged_in:
            assert login is not None
            client.authenticate(*login)
            logged_in = True
        elif client.is_ready and not said_all:
            client.send_message(PATH, ["reader@there.example"], message)
            said_all = True
        client.data_to_send()
    return dialogue.text()


def test_both_sides_are_there_in_their_order() -> None:
    text = talk(
        b"220 mx.there.example\r\n",
        b"250-mx.there.example\r\n250-PIPELINING\r\n250 SIZE 1000000\r\n",
        b"250 ok\r\n451 4.7.1 greylisted\r\n",
        b"503 no recipient\r\n",
    )
    assert text.splitlines() == [
        "< 220 mx.there.example",
        "> EHLO me.example",
        "< 250-mx.there.example",
        "< 250-PIPELINING",
        "< 250 SIZE 1000000",
        f"> MAIL FROM:<...@bounces.example> SIZE={len(TEXT)}",
        "> RCPT TO:<reader@there.example>",
        "> DATA",
        "< 250 ok",
        "< 451 4.7.1 greylisted",
        "< 503 no recipient",
    ]


def test_the_message_is_not_in_it() -> None:
    text = talk(
        b"220 mx\r\n",
        b"250 mx\r\n",
        b"250 ok\r\n",
        b"250 ok\r\n",
        b"354 go\r\n",
        b"550 5.7.1 looks like spam\r\n",
    )
    assert "(the message, " in text
    assert "hidden" not in text
    assert text.endswith("< 550 5.7.1 looks like spam")


def test_the_reverse_path_is_hidden_where_they_repeat_it_too() -> None:
    text = talk(b"220 mx\r\n", b"250 mx\r\n", f"550 5.7.1 <{PATH}> is not welcome\r\n".encode())
    assert "verp" not in text
    assert "< 550 5.7.1 <...@bounces.example> is not welcome" in text


def test_no_password_or_user_is_in_it_by_plain_or_login() -> None:
    for offered, answers in (
        (b"PLAIN", [b"535 5.7.8 user-word is wrong\r\n"]),
        (b"LOGIN", [b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n", b"535 5.7.8 user-word is wrong\r\n"]),
    ):
        text = talk(
            b"220 mx\r\n",
            b"250-mx\r\n250 AUTH " + offered + b"\r\n",
            *answers,
            login=("user-word", "pass-word"),
        )
        assert "> AUTH, not shown" in text
        assert "< 535" in text
        secrets = ["user-word", "pass-word", base64.b64encode(b"pass-word").decode()]
        assert [one for one in secrets if one in text] == []
        assert base64.b64encode(b"\0user-word\0pass-word").decode() not in text


def test_a_long_dialogue_keeps_its_beginning_and_its_end() -> None:
    dialogue = Dialogue()
    dialogue.add(Stage.CONNECT, Reply(220, "the first line"))
    for n in range(60):
        dialogue.add(Stage.HELLO, Reply(250, "\n".join(f"offer {n} {'x' * 200}" for _ in range(30))))
    dialogue.add(Stage.RCPT, Reply(550, "the last word"))
    text = dialogue.text()
    assert len(text) <= MAX_CHARACTERS
    assert text.startswith("< 220 the first line\n")
    assert "\n[...]\n" in text
    assert text.endswith("< 550 the last word")


def test_it_takes_no_more_however_long_a_server_talks() -> None:
    dialogue = Dialogue()
    for _ in range(10_000):
        dialogue.add(Stage.RCPT, b"x" * 1_000)
    assert len(dialogue.text()) <= MAX_CHARACTERS


def test_one_line_without_an_end_is_cut() -> None:
    dialogue = Dialogue()
    dialogue.add(Stage.RCPT, Reply(550, "y" * 2_000))
    assert len(dialogue.text()) < 500


def test_it_is_printable_ascii_whatever_they_say() -> None:
    text = talk(b"220 mx \x1b[31m<script>\xff\r\n", b"554 \xe2\x80\xae bye\r\n", b"554 no\r\n")
    assert text.replace("\n", "").isascii() and text.replace("\n", "").isprintable()
