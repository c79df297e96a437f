"""The listener for reports decides at RCPT whom mail is for: nothing has to be given back, and nothing is relayed."""

import asyncio
import io

import pytest

from sesame.errors import StoreUnavailable
from sesame.feedback.receive import Fate, Taken
from sesame.observe import Log
from sesame.server.inbound import NO_REPORT, TEMPORARY_FAILURE, InboundDoor, InboundSession
from sesame.smtp.events import MessageReceived
from sesame.smtp.limits import Limits
from tests.support.clock import FakeClock

OURS, FEEDBACK = "token@bounces.test", "fbl@sesame.test"


class Receiver:
    """Knows one return path and one feedback address; `answer` is what a report comes to."""

    def __init__(self, answer: Taken | Exception) -> None:
        self._answer = answer

    def is_feedback_address(self, address: str) -> bool:
        return address == FEEDBACK

    def verify(self, address: str) -> object | None:
        return object() if address == OURS else None

    async def take(self, data: bytes, **envelope: object) -> Taken:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def session(answer: Taken | Exception) -> InboundSession:
    door = InboundDoor(
        Receiver(answer),  # type: ignore[arg-type]
        hostname="mx.test",
        limits=Limits(),
        has_tls=False,
        log=Log(io.StringIO(), as_json=True, clock=FakeClock()),
    )
    return door.open_session("192.0.2.1", False)


@pytest.mark.parametrize(
    ("recipient", "code"),
    [(OURS, 250), (FEEDBACK, 250), ("token@elsewhere.test", 550), ("somebody@bounces.test", 550)],
)
@pytest.mark.parametrize("sender", ["", "mailer-daemon@remote.test"])
def test_a_recipient_that_is_not_ours_is_refused_before_the_text(
    recipient: str, code: int, sender: str
) -> None:
    machine = session(StoreUnavailable("not asked")).machine
    machine.data_to_send()
    machine.receive_data(f"EHLO c\r\nMAIL FROM:<{sender}>\r\n".encode())
    machine.data_to_send()
    machine.receive_data(f"RCPT TO:<{recipient}>\r\n".encode())
    assert machine.data_to_send()[:3] == str(code).encode()
    machine.receive_data(b"DATA\r\n")
    assert machine.data_to_send()[:3] == (b"354" if code == 250 else b"503")


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        (Taken(kind="bounce", fates=(Fate.RECORDED,), message_ids=("m",)), 250),
        (Taken(kind="bounce", fates=(Fate.REPEATED,), message_ids=("m",)), 250),
        (Taken(kind="complaint", fates=(Fate.NOT_OURS,), message_ids=()), 250),
        (Taken(kind="unknown", fates=(Fate.NOT_OURS,), message_ids=()), NO_REPORT.code),
        (StoreUnavailable("disk full"), TEMPORARY_FAILURE.code),
        (RuntimeError("a fault of ours"), TEMPORARY_FAILURE.code),
    ],
)
def test_a_report_is_answered_by_what_became_of_it(answer: Taken | Exception, reply: int) -> None:
    """What could not be kept is asked for again."""
    message = MessageReceived(mail_from="", recipients=(OURS,), data=b"x\r\n")
    assert asyncio.run(session(answer).take(message)).code == reply
