"""Large messages in pieces: whole or not at all, and nothing is left of them."""

from pathlib import Path

import pytest

from sesame.db import Transaction
from sesame.model import MessageId
from sesame.spool import pieces
from sesame.spool.pieces import BEGINNING_BYTES, PIECE_BYTES, Staging
from sesame.spool.purge import purge_pieces
from sesame.spool.put import SpooledMessage
from sesame.spool.spool import Damaged
from tests.support.spooled import DELAYED, DELIVERED, Fixture, kept_head, message, with_spool

TEXT = b"From: a@example.com\r\nSubject: long\r\n\r\n" + b"".join(b"line %07d\r\n" % n for n in range(60_000))


async def staged(f: Fixture, message_id: str, *recipients: str, data: bytes = TEXT) -> SpooledMessage:
    await Staging(f.store).stage(MessageId(message_id), data, at=100.0)
    return message(message_id, *recipients, data=data, is_staged=True)


@pytest.mark.parametrize("behind", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_a_message_in_pieces_is_read_as_it_was_put(behind: int, tmp_path: Path) -> None:
    data = b"\r\n\r\n" + bytes(n % 251 for n in range(BEGINNING_BYTES + behind - 4))

    async def check(f: Fixture) -> None:
        await f.put(await staged(f, "m1", data=data))
        (claim,) = await f.claim()
        assert await f.data(claim) == data

    with_spool(tmp_path, check)


def test_its_pieces_go_when_the_last_recipient_has_settled_and_not_before(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(await staged(f, "m1", "a@one.test", "b@one.test"))
        a, b = await f.claim()
        await f.settle(a, DELIVERED)
        await f.settle(b, DELAYED, retry_at=300.0)
        await f.spool.drop_pieces(["m1"])
        (b,) = await f.claim("later", now=301.0)
        assert await f.data(b) == TEXT
        await f.settle(b, DELIVERED)
        await f.spool.drop_pieces(["m1"])
        assert (await f.bodies(), await f.count("body_piece")) == (0, 0)
        assert (
            await f.store.read(lambda tx: kept_head(tx, "m1")) == TEXT.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        )

    with_spool(tmp_path, check)


def test_nothing_is_accepted_while_a_piece_is_missing(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        whole = await staged(f, "m1")

        async def lose(tx: Transaction) -> None:
            await tx.execute("DELETE FROM body_piece WHERE n = 1")

        await f.store.write(lose)
        with pytest.raises(RuntimeError):
            await f.put(whole)
        assert (await f.count("message"), await f.bodies()) == (0, 0)

    with_spool(tmp_path, check)


def test_a_message_that_has_lost_a_piece_is_damaged_and_never_sent_without_it(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(await staged(f, "m1"))
        (claim,) = await f.claim()

        async def lose(tx: Transaction) -> None:
            await tx.execute("DELETE FROM body_piece WHERE n = 1")

        await f.store.write(lose)
        with pytest.raises(Damaged):
            await f.data(claim)

    with_spool(tmp_path, check)


def test_what_a_process_left_staged_goes_when_it_is_old_and_what_is_queued_stays(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(await staged(f, "m1"))
        await staged(f, "never-accepted")
        await purge_pieces(f.store, now=100.0 + pieces.ORPHANED_S)
        assert await f.count("body_piece") == 2 * pieces.count_of(TEXT)
        await purge_pieces(f.store, now=101.0 + pieces.ORPHANED_S)
        assert await f.count("body_piece") == pieces.count_of(TEXT)
        (claim,) = await f.claim()
        assert await f.data(claim) == TEXT

    with_spool(tmp_path, check)
