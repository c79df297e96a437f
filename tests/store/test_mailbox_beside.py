"""The tests' own reading of the mailbox beside a server sees what the store lists, whatever happened in between."""

import asyncio
from pathlib import Path

from sesame.db import Transaction
from sesame.db.sqlite import SqliteStore
from sesame.store.development import empty_mailbox, keep_mail, keep_newest, list_mail
from tests.support.mailbox import Mailbox


def test_what_comes_and_what_goes_is_seen(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "sesame.db", durable=False, committed=lambda seconds, jobs: None)
    mailbox = Mailbox(tmp_path / "sesame.db")

    async def come(*numbers: int) -> None:
        async def keep(tx: Transaction) -> None:
            for number in numbers:
                await keep_mail(
                    tx,
                    received_at=number,
                    mail_from="a@x.test",
                    rcpt_to=["b@y.test", "c@y.test"],
                    data=b"%d" % number,
                )

        await store.write(keep)

    async def agreed() -> list[bytes]:
        listed = await store.read(lambda tx: list_mail(tx, limit=100))
        assert mailbox.read() == listed
        return [mail.data for mail in listed]

    async def session() -> None:
        assert await agreed() == []
        await come(1, 2, 3)
        assert await agreed() == [b"3", b"2", b"1"]
        await come(4)
        assert await agreed() == [b"4", b"3", b"2", b"1"]
        await store.write(lambda tx: keep_newest(tx, 2))
        assert await agreed() == [b"4", b"3"]
        await store.write(empty_mailbox)
        await come(5, 6, 7, 8, 9)  # numbered from one again
        assert await agreed() == [b"9", b"8", b"7", b"6", b"5"]
        await store.write(empty_mailbox)
        assert await agreed() == []

    try:
        asyncio.run(session())
    finally:
        store.close()
