"""Sending: what is composed where."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sesame.mail.attach import Attachment
from sesame.mail.build import Text
from sesame.model import MessageId
from sesame.sending.send import LARGE_BYTES, Sender
from sesame.sending.submission import SimpleContent, Submission

LARGE = "x" * (LARGE_BYTES + 1)


def simple(*, text: str = "t", html: str = "h", attachments: tuple[Attachment, ...] = ()) -> SimpleContent:
    return SimpleContent(
        to=("b@y.example",), cc=(), bcc=(), reply_to=(), subject=Text(data="s", charset=None),
        text=Text(data=text, charset="UTF-8"), html=Text(data=html, charset="UTF-8"), attachments=attachments,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "thread"),
    [
        (simple(), "MainThread"),
        (simple(text=LARGE), "large_0"),
        (simple(html=LARGE), "large_0"),
        (simple(attachments=(Attachment(data=LARGE.encode(), file_name="a.bin"),)), "large_0"),
    ],
    ids=["small", "text", "html", "attachment"],
)
def test_large_messages_are_composed_beside_the_loop(content: SimpleContent, thread: str) -> None:
    """25 MB take a third of a second; others are served meanwhile."""
    threads = set()

    def random_hex(_: int) -> str:
        threads.add(threading.current_thread().name)
        return "0" * 24

    nothing: Any = None
    submission = Submission(
        operation="SendEmail", action="ses:SendEmail", api_version="2", content=content, source="a@x.example",
        destinations=(), return_path=None, source_arn=None, from_arn=None, return_path_arn=None,
        configuration_set=None, tags=(), max_bytes=40_000_000,
    )  # fmt: skip
    with (
        ThreadPoolExecutor(1, thread_name_prefix="cpu") as executor,
        ThreadPoolExecutor(1, thread_name_prefix="large") as large,
    ):
        sender = Sender(
            nothing, nothing, clock=nothing, refused=nothing, metrics=nothing, executor=executor, large=large,
            new_id=nothing, random_hex=random_hex, message_id_domain="x.example", accepted=nothing, recorded=nothing,
            pace=nothing, steady=nothing, room=nothing,
        )  # fmt: skip
        asyncio.run(sender._compose(submission, MessageId("0"), 0.0))
    assert threads == {thread}
