"""The operator's stream against a real server: kept once, and what goes wrong is said in words and tried again."""

import asyncio
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sesame.config.notify import Notify, check
from sesame.errors import ConfigError
from sesame.notify.jetstream import JetStream, nats_client
from sesame.notify.url import PostFailed
from tests.support.certificates import make_ca, make_leaf, pem
from tests.support.nats_server import SUBJECT, NatsServer, needs_nats
from tests.support.ports import free_port


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    needs_nats()
    made = NatsServer(tmp_path / "nats")
    made.start()
    try:
        yield made
    finally:
        made.stop()


def stream(*servers: str, **options: Any) -> JetStream:
    return JetStream(nats_client(), servers, context=ssl.create_default_context(), **options)


def test_what_is_published_twice_under_one_id_is_kept_once(server: NatsServer) -> None:
    server.make_stream()

    async def publish() -> None:
        for _ in range(2):  # two connections, as of two processes
            made = stream(server.url)
            await made.publish(SUBJECT, b"one", message_id="1")
            await made.publish(SUBJECT, b"two", message_id="2")
            await made.close()

    asyncio.run(publish())
    assert [(one.message_id, one.body) for one in server.kept()] == [("1", b"one"), ("2", b"two")]


def test_without_a_stream_nothing_counts_as_published(server: NatsServer) -> None:
    async def publish() -> None:
        made = stream(server.url)
        with pytest.raises(PostFailed, match=f"no JetStream stream has the subject `{SUBJECT}`"):
            await made.publish(SUBJECT, b"one", message_id="1")
        await asyncio.to_thread(server.make_stream)
        await made.publish(SUBJECT, b"one", message_id="1")
        await made.close()

    asyncio.run(publish())
    assert len(server.kept()) == 1


def test_a_server_that_went_and_came_back_is_found_again(server: NatsServer) -> None:
    server.make_stream()

    async def publish() -> None:
        made = stream(server.url, timeout_s=5.0)
        await made.publish(SUBJECT, b"one", message_id="1")
        await asyncio.to_thread(server.stop)
        for _ in range(2):
            with pytest.raises(PostFailed):
                await made.publish(SUBJECT, b"two", message_id="2")
        await asyncio.to_thread(server.start)
        await made.publish(SUBJECT, b"two", message_id="2")
        await made.close()

    asyncio.run(publish())
    assert [one.message_id for one in server.kept()] == ["1", "2"]


def test_the_next_server_is_tried_when_one_takes_nobody(server: NatsServer) -> None:
    server.make_stream()

    async def publish() -> None:
        made = stream(f"nats://127.0.0.1:{free_port()}", server.url)
        await asyncio.gather(*(made.publish(SUBJECT, b"x", message_id=str(number)) for number in range(20)))
        await made.close()

    asyncio.run(publish())
    assert len(server.kept()) == 20


def test_one_that_never_answers_and_one_that_speaks_something_else_are_failures() -> None:
    needs_nats()

    async def check_one(greeting: bytes) -> None:
        over = asyncio.Event()

        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(greeting)
            await over.wait()
            writer.close()

        listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        made = stream(f"nats://127.0.0.1:{listening.sockets[0].getsockname()[1]}", timeout_s=0.3)
        with pytest.raises(PostFailed):
            await made.publish(SUBJECT, b"x", message_id="1")
        await made.close()
        over.set()
        listening.close()

    for greeting in (b"", b"220 mail.test ESMTP\r\n", b"INFO {\r\n"):
        asyncio.run(check_one(greeting))


def test_a_user_is_logged_in_and_a_wrong_password_is_a_failure(tmp_path: Path) -> None:
    needs_nats()
    made = NatsServer(tmp_path / "nats", options=("--user", "sesame", "--pass", "secret"))
    made.start()
    login = {"user": "sesame", "password": "secret"}
    try:
        made.make_stream(user="sesame", password="secret")

        async def publish() -> None:
            with pytest.raises(PostFailed) as refused:
                await stream(made.url, user="sesame", password="wrong").publish(SUBJECT, b"x", message_id="1")
            assert "wrong" not in str(refused.value)
            good = stream(made.url, **login)
            await good.publish(SUBJECT, b"x", message_id="1")
            await good.close()

        asyncio.run(publish())
        assert len(made.kept(**login)) == 1
    finally:
        made.stop()


def test_a_certificate_is_checked_before_anything_is_published(tmp_path: Path) -> None:
    needs_nats()
    ca = make_ca()
    leaf = make_leaf("localhost", ca=ca)
    leaf.server_context(tmp_path)
    (path,) = tmp_path.glob("*.pem")
    made = NatsServer(tmp_path / "nats", options=("--tls", "--tlscert", str(path), "--tlskey", str(path)))
    made.start()
    trusting = ssl.create_default_context(cadata=pem(ca.certificate).decode())
    url = f"tls://localhost:{made.port}"
    try:
        made.make_stream(tls=trusting, tls_hostname="localhost")

        async def publish() -> None:
            with pytest.raises(PostFailed, match="certificate"):
                await stream(url).publish(SUBJECT, b"x", message_id="1")
            good = JetStream(nats_client(), [url], context=trusting)
            await good.publish(SUBJECT, b"x", message_id="1")
            await good.close()

        asyncio.run(publish())
        assert len(made.kept(tls=trusting, tls_hostname="localhost")) == 1
    finally:
        made.stop()


def test_without_the_extra_the_setting_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nats", None)
    with pytest.raises(ConfigError, match=r"notify\.nats_servers.*pip install 'sesame-ses\[nats\]'"):
        nats_client()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"nats_servers": ("http://127.0.0.1",)}, "is not a URL of NATS"),
        ({"nats_servers": ("nats://",)}, "is not a URL of NATS"),
        ({"nats_servers": ("nats://a b",)}, "is not a URL of NATS"),
        ({"nats_servers": ("nats://u:p@127.0.0.1",)}, "leave user and password out"),
        ({"nats_subject": "events.*"}, "is not a subject"),
        ({"nats_subject": ">"}, "is not a subject"),
        ({"nats_subject": ""}, "is not a subject"),
        ({"nats_subject": "a..b"}, "is not a subject"),
        ({"nats_user": "u"}, "go together"),
        ({"nats_password_file": "/dev/null"}, "go together"),
        ({"nats_user": "u", "nats_password_file": "/nowhere"}, "cannot be read"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check(Notify(**settings))


def test_settings_that_can_work_are_taken() -> None:
    check(
        Notify(
            nats_servers=("nats://127.0.0.1:4222", "tls://n.example"),
            nats_subject="mail.ses-events_1",
            nats_user="u",
            nats_password_file="/dev/null",
        )
    )
