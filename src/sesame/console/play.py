"""Playing the recipient of a mail in the development inbox: it bounces it, complains about it, or is away.

What it answers takes the way that reports take from elsewhere: over SMTP to the return path, where it becomes an
event, and suppression, counts and notifications follow.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from sesame.errors import SesameError
from sesame.store.development import Mail

Part = Literal["bounce", "complaint", "ooto"]
PARTS: tuple[Part, ...] = ("bounce", "complaint", "ooto")


class NothingToAnswer(SesameError):
    """The mail did not leave from here, or nobody takes reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """`answer` sends an answer: which, whose mailbox, to which return path, about which header block.

    `is_ours` tells return paths of ours that are still good; `takes_reports` whether anybody listens for reports.
    """

    answer: Callable[[Part, str, str, bytes], Awaitable[None]]
    is_ours: Callable[[str], bool]
    takes_reports: bool

    def problem(self, mail: Mail) -> str:
        """Why nothing can be answered to a mail; empty when it can."""
        if not self.takes_reports:
            return "Nothing listens for reports here: set `inbound.enabled`."
        if not mail.mail_from:
            return "It came from nobody (<>): mail of that kind is never answered."
        if not self.is_ours(mail.mail_from):
            return "Its envelope sender is no return path of this server, so an answer would lead nowhere."
        return ""

    async def act(self, part: Part, mail: Mail) -> None:
        """Send the answer. Raises `NothingToAnswer`, `Unavailable`."""
        if problem := self.problem(mail):
            raise NothingToAnswer(problem)
        await self.answer(part, mail.rcpt_to[0], mail.mail_from, mail.data.partition(b"\r\n\r\n")[0])
