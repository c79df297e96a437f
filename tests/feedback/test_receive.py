"""Taking reports: who is meant the return path alone says, and what is not ours changes nothing."""

import asyncio
import hashlib
import io
import random
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sesame.errors import StoreUnavailable
from sesame.feedback.receive import Fate, Receiver, Taken
from sesame.mail.feedback_report import FailedRecipient, Frame, auto_reply, bounce_report, complaint_report
from sesame.mail.return_path import make_return_path
from sesame.observe import Log
from sesame.store import events
from tests.support.clock import FakeClock
from tests.support.spooled import BOUNCED, DELIVERED, Fixture, message, with_spool

KEY, DOMAIN = b"k" * 32, "bounces.test"
NOW = 1_800_000_000.0
DAY = 86_400.0
FEEDBACK = "fbl@sesame.test"


def message_id(at: float = NOW, n: int = 0) -> str:
    digits = hashlib.sha256(str(n).encode()).hexdigest()
    tail = f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-8{digits[15:18]}-{digits[18:30]}"
    return f"0100{int(at * 1000):012x}-{tail}-000000"


def return_path(of: str, n: int = 0, *, key: bytes = KEY) -> str:
    return make_return_path(key, of, n, domain=DOMAIN)


def frame(to: str) -> Frame:
    return Frame(
        from_address="MAILER-DAEMON@remote.test",
        to=to,
        message_id_field="<r@remote.test>",
        at=NOW,
        boundary="boundary",
    )


def bounce(
    to: str, address: str = "x@one.test", status: str = "5.1.1", words: str = "550 5.1.1 no such user"
) -> bytes:
    failed = FailedRecipient(address=address, status=status, diagnostic_code=f"smtp; {words}")
    return bounce_report(frame(to), [failed], reporting_mta="mx.remote.test", returned=b"Subject: s\r\n")


def complaint(to: str, original: str = "", **fields: str) -> bytes:
    return complaint_report(
        frame(to),
        "x@one.test",
        subject="abuse",
        feedback_type=fields.get("feedback_type", "abuse"),
        user_agent="Reader/1.0",
        original_mail_from=original,
        arrival_date=fields.get("arrival_date", ""),
        returned=b"Subject: s\r\n",
    )


def ooto(to: str) -> bytes:
    return auto_reply(
        replace(frame(to), from_address="x@one.test"), subject="away", text="I am on holiday.", in_reply_to=""
    )


class Desk:
    """A receiver on a spool with one delivered message, `id`, to x@one.test."""

    def __init__(self, f: Fixture, executor: ThreadPoolExecutor) -> None:
        self.f = f
        self.clock = FakeClock(NOW + 60)
        self.hints = 0
        self.id = message_id()
        self.path = return_path(self.id)
        log = Log(io.StringIO(), as_json=True, clock=self.clock)
        self.receiver = Receiver(
            f.store,
            key=KEY,
            clock=self.clock,
            log=log,
            executor=executor,
            lives_s=14 * DAY,
            feedback_addresses=[FEEDBACK],
            recorded=self._recorded,
        )

    def _recorded(self) -> None:
        self.hints += 1

    async def take(self, data: bytes, *to: str, sender: str | None = "") -> Taken:
        return await self.receiver.take(data, recipients=to or None, sender=sender, reporter="192.0.2.1")

    async def came_back(self) -> list[dict[str, str]]:
        found = await self.f.store.read(lambda tx: events.of_message(tx, self.id))
        return [{"what": event.what.value, **event.detail} for event in found if event.is_reported]

    async def rows(self) -> tuple[int, int, int]:
        return (await self.f.count("event_log"), await self.f.count("report"), await self.f.count("message"))


def at_desk(tmp_path: Path, check: Callable[[Desk], Awaitable[None]], **changes: Any) -> None:
    async def run(f: Fixture) -> None:
        with ThreadPoolExecutor(1) as executor:
            desk = Desk(f, executor)
            await f.put(message(desk.id, "x@one.test", "y@one.test", at=NOW, **changes))
            for claim in await f.claim(now=NOW):
                await f.settle(claim, DELIVERED, now=NOW)
            await check(desk)

    with_spool(tmp_path, run)


def test_a_bounce_is_recorded_with_its_report(tmp_path: Path) -> None:
    async def check(desk: Desk) -> None:
        taken = await desk.take(bounce(desk.path), desk.path)
        assert (taken.kind, taken.fates, taken.message_ids) == ("bounce", (Fate.RECORDED,), (desk.id,))
        assert await desk.came_back() == [
            {
                "what": "bounced",
                "by": "report",
                "reportingMTA": "dns; mx.remote.test",
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 no such user",
                "hard": "1",
            }
        ]
        assert desk.hints == 1
        assert await desk.f.count("report") == 1

    at_desk(tmp_path, check)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (
            complaint,
            {
                "what": "complained",
                "by": "report",
                "complaintFeedbackType": "abuse",
                "userAgent": "Reader/1.0",
            },
        ),
        (
            ooto,
            {"what": "bounced", "by": "auto-reply", "bounceType": "Transient", "bounceSubType": "General"},
        ),
        (
            lambda to: b"Subject: \xff\x00\r\n\r\nwhatever",
            {
                "what": "bounced",
                "by": "report",
                "bounceType": "Undetermined",
                "bounceSubType": "Undetermined",
            },
        ),
    ],
)
def test_each_kind_of_report_is_recorded(
    tmp_path: Path, make: Callable[[str], bytes], expected: dict[str, str]
) -> None:
    async def check(desk: Desk) -> None:
        assert (await desk.take(make(desk.path), desk.path)).fates == (Fate.RECORDED,)
        assert await desk.came_back() == [expected]

    at_desk(tmp_path, check)


def several(*blocks: tuple[str, str, str]) -> bytes:
    """A delivery status about several recipients: address, action and status of each."""
    rows = "".join(
        f"Final-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {status}\r\n\r\n"
        for address, action, status in blocks
    )
    return (
        "Subject: report\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n{rows}"
        "--b--\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("blocks", "fate", "what"),
    [
        ([("x@one.test", "delivered", "2.0.0"), ("z@two.test", "failed", "5.1.1")], "nothing to say", None),
        ([("x@one.test", "relayed", "2.0.0"), ("z@two.test", "failed", "5.1.1")], "nothing to say", None),
        ([("x@one.test", "delayed", "4.4.1"), ("z@two.test", "failed", "5.1.1")], "recorded", "delayed"),
        ([("x@one.test", "failed", "5.1.1"), ("z@two.test", "delivered", "2.0.0")], "recorded", "bounced"),
        ([("x@one.test", "delivered", "2.0.0"), ("x@one.test", "failed", "5.1.1")], "recorded", "bounced"),
        ([("w@one.test", "delivered", "2.0.0"), ("z@two.test", "failed", "5.1.1")], "recorded", "bounced"),
    ],
)
def test_of_several_recipients_what_is_said_of_ours_counts(
    tmp_path: Path, blocks: list[tuple[str, str, str]], fate: str, what: str | None
) -> None:
    async def check(desk: Desk) -> None:
        taken = await desk.take(several(*blocks), desk.path)
        assert [one.value for one in taken.fates] == [fate]
        assert [one["what"] for one in await desk.came_back()] == ([] if what is None else [what])

    at_desk(tmp_path, check)


def test_a_delay_is_recorded_and_a_bounce_after_it_too(tmp_path: Path) -> None:
    async def check(desk: Desk) -> None:
        delayed = bounce(desk.path, status="4.4.1", words="451 4.4.1 later").replace(
            b"Action: failed", b"Action: delayed"
        )
        assert (await desk.take(delayed, desk.path)).fates == (Fate.RECORDED,)
        assert (await desk.take(bounce(desk.path), desk.path)).fates == (Fate.RECORDED,)
        assert [one["what"] for one in await desk.came_back()] == ["delayed", "bounced"]

    at_desk(tmp_path, check)


def test_a_repeat_changes_nothing_in_whatever_words(tmp_path: Path) -> None:
    async def check(desk: Desk) -> None:
        for make in (bounce, complaint, ooto):
            await desk.take(make(desk.path), desk.path)
        before = await desk.rows()
        for make in (bounce, complaint, ooto):
            assert (await desk.take(make(desk.path), desk.path)).fates == (Fate.REPEATED,)
        other = bounce(desk.path, status="5.7.1", words="550 5.7.1 spam")
        assert (await desk.take(other, desk.path, desk.path.upper())).fates == (Fate.REPEATED,)
        assert await desk.rows() == before

    at_desk(tmp_path, check)


def test_who_is_meant_the_return_path_says_and_no_address_in_the_report(tmp_path: Path) -> None:
    """A report for x that speaks of y is x's, and no reason to suppress x: mail that was forwarded comes back so."""

    async def check(desk: Desk) -> None:
        assert (await desk.take(bounce(desk.path, "y@one.test"), desk.path)).fates == (Fate.RECORDED,)
        found = await desk.f.store.read(lambda tx: events.of_message(tx, desk.id))
        (event,) = [event for event in found if event.is_reported]
        assert event.recipient == "x@one.test"
        assert "hard" not in event.detail

    at_desk(tmp_path, check)


def test_a_complaint_at_a_feedback_address_is_attributed_by_what_it_gives_back(tmp_path: Path) -> None:
    async def check(desk: Desk) -> None:
        nobodys = complaint(FEEDBACK, original="somebody@example.com")
        assert (await desk.take(nobodys, FEEDBACK, sender="fbl@remote.test")).fates == (Fate.NOT_OURS,)
        ours = complaint(FEEDBACK, original=desk.path)
        assert (await desk.take(ours, FEEDBACK.upper(), sender="fbl@remote.test")).fates == (Fate.RECORDED,)
        assert [one["what"] for one in await desk.came_back()] == ["complained"]

    at_desk(tmp_path, check)


def test_a_report_to_one_return_path_cannot_speak_for_another(tmp_path: Path) -> None:
    async def check(desk: Desk) -> None:
        other = return_path(desk.id, 1)
        for to in (other, desk.path):  # whatever its own fields say
            await desk.take(complaint(to, original=other), desk.path)
        found = await desk.f.store.read(lambda tx: events.of_message(tx, desk.id))
        assert [event.recipient for event in found if event.is_reported] == ["x@one.test"]

    at_desk(tmp_path, check)


def test_without_an_envelope_the_report_itself_is_searched_for_a_return_path(tmp_path: Path) -> None:
    async def check(desk: Desk) -> None:
        found = b"Delivered-To: " + desk.path.encode() + b"\r\n" + bounce("x@elsewhere.test")
        assert (await desk.take(found, sender=None)).fates == (Fate.RECORDED,)
        assert (await desk.take(bounce("x@elsewhere.test"), sender=None)).fates == (Fate.NOT_OURS,)

    at_desk(tmp_path, check)


def test_a_letter_to_a_return_path_is_no_bounce(tmp_path: Path) -> None:
    async def check(desk: Desk) -> None:
        letter = b"From: a@b.test\r\nSubject: Re: your newsletter\r\n\r\nThank you!\r\n"
        assert (await desk.take(letter, desk.path, sender="a@b.test")).fates == (Fate.NOTHING_TO_SAY,)
        assert await desk.came_back() == []

    at_desk(tmp_path, check)


def test_a_recipient_that_bounced_already_does_not_bounce_again(tmp_path: Path) -> None:
    async def check(desk: Desk) -> None:
        other = message_id(n=1)
        await desk.f.put(message(other, at=NOW))
        (claim,) = await desk.f.claim(now=NOW)
        await desk.f.settle(claim, BOUNCED, now=NOW)
        assert (await desk.take(bounce(return_path(other)), return_path(other))).fates == (Fate.REPEATED,)

    at_desk(tmp_path, check)


def test_what_was_never_sent_cannot_come_back(tmp_path: Path) -> None:
    async def check(desk: Desk) -> None:
        other = message_id(n=2)
        await desk.f.put(message(other, at=NOW))
        assert (await desk.take(bounce(return_path(other)), return_path(other))).fates == (Fate.NOT_OURS,)

    at_desk(tmp_path, check)


def test_a_large_report_is_read_too_and_kept_in_part(tmp_path: Path) -> None:
    async def check(desk: Desk) -> None:
        large = bounce(desk.path) + b"x" * 900_000
        assert (await desk.take(large, desk.path)).fates == (Fate.RECORDED,)
        (row,) = await desk.f.store.read(lambda tx: tx.all("SELECT size_bytes, length(data) FROM report"))
        assert row == (len(large), 64 * 1024)

    at_desk(tmp_path, check)


def test_a_report_that_cannot_be_kept_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event fails, so the report does not stay either; when it comes again both are there, once."""

    async def check(desk: Desk) -> None:
        record = events.record

        async def broken(*_: object) -> None:
            raise StoreUnavailable("power cut")

        monkeypatch.setattr(events, "record", broken)
        with pytest.raises(StoreUnavailable):
            await desk.take(bounce(desk.path), desk.path)
        assert await desk.f.count("report") == 0
        assert desk.hints == 0
        monkeypatch.setattr(events, "record", record)
        assert (await desk.take(bounce(desk.path), desk.path)).fates == (Fate.RECORDED,)

    at_desk(tmp_path, check)


def forged(draw: random.Random, desk: Desk, at: float) -> tuple[bytes, list[str]]:
    """A report that is not ours to act on, and to whom it comes."""
    make = draw.choice((bounce, complaint, ooto))
    token = desk.path.partition("@")[0]
    change = draw.randrange(len(token))
    damaged = (
        token[:change]
        + draw.choice([c for c in "abcdefghijklmnopqrstuvwxyz234567" if c != token[change]])
        + token[change + 1 :]
    )
    to = draw.choice(
        (
            f"{damaged}@{DOMAIN}",
            return_path(desk.id, key=b"another key"),
            return_path(message_id(n=draw.randrange(10, 1000))),  # of a message that there never was
            return_path(desk.id, draw.randrange(2, 4096)),  # of a recipient that it never had
            return_path(message_id(at - 15 * DAY, n=7)),  # expired
            return_path(message_id(at + DAY, n=7)),  # of tomorrow
            f"x@{DOMAIN}",
            f"{token[:-1]}@{DOMAIN}",
            f"{token}a@{DOMAIN}",
            "x@one.test",
            "",
            FEEDBACK,
        )
    )
    envelope = [to] if draw.random() < 0.8 else [to, "y@one.test"]
    is_written = to.partition("@")[0] and len(to.partition("@")[0]) <= 64
    return make(to if is_written and draw.random() < 0.5 else "x@one.test"), envelope


def test_a_thousand_forged_reports_change_nothing_and_are_not_answered(tmp_path: Path) -> None:
    async def check(desk: Desk) -> None:
        draw = random.Random(20)
        before = await desk.rows()
        fates = set()
        for _ in range(1_000):
            data, envelope = forged(draw, desk, desk.clock.now())
            fates |= set((await desk.take(data, *envelope, sender=draw.choice(("", "a@b.test")))).fates)
        assert fates == {Fate.NOT_OURS}
        assert await desk.rows() == before
        assert desk.hints == 0

    at_desk(tmp_path, check)


def test_a_return_path_is_good_for_as_long_as_it_is_set_to_be(tmp_path: Path) -> None:
    async def check(desk: Desk) -> None:
        desk.clock.time = NOW + 14 * DAY + 1
        assert (await desk.take(bounce(desk.path), desk.path)).fates == (Fate.NOT_OURS,)
        desk.clock.time = NOW + 14 * DAY - 1
        assert (await desk.take(bounce(desk.path), desk.path)).fates == (Fate.RECORDED,)

    at_desk(tmp_path, check)


def test_two_at_once_are_recorded_once(tmp_path: Path) -> None:
    async def check(desk: Desk) -> None:
        taken = await asyncio.gather(*(desk.take(bounce(desk.path), desk.path) for _ in range(8)))
        assert sorted(one.fates[0].value for one in taken) == ["recorded", *["repeated"] * 7]
        assert len(await desk.came_back()) == 1

    at_desk(tmp_path, check)


@pytest.mark.parametrize(
    ("date", "written"),
    [
        ("Tue, 15 Jan 2027 09:00:00 +0100", "2027-01-15T08:00:00.000Z"),
        ("15 Jan 2027 09:00:00", "2027-01-15T09:00:00.000Z"),
        ("Tue, 31 Dec 9999 23:59:59 -1400", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_the_date_of_a_complaint_is_written_as_ses_does(
    tmp_path: Path, date: str, written: str | None
) -> None:
    async def check(desk: Desk) -> None:
        await desk.take(complaint(desk.path, arrival_date=date), desk.path)
        ((event),) = await desk.came_back()
        assert event.get("arrivalDate") == written

    at_desk(tmp_path, check)
