"""What recorded sends would have come to under an edit, asked again in the background: a slice at a time, newest first.

One runs for each log-in, bounded in records; a page shows how far it has come, and asks once more when it is looked at
again. Between slices it leaves the loop to others for longer than a slice takes.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

from sesame.access.identity_names import IdentityArn
from sesame.admin.what_if import Replay, newest_slices
from sesame.db import Store
from sesame.errors import SesameError
from sesame.observe import Clock

MOST_RECORDS = 20_000
"""So many records one looks at."""
REST_S = 0.004
"""Between two slices, each of about a millisecond."""
KEPT_S = 60.0
"""How long what has come to its end answers for the same question."""
MOST_KEPT = 64


@dataclass(slots=True, kw_only=True, eq=False)
class Progress:
    """How far one has come."""

    question: bytes
    replay: Replay | None = None
    """What was found so far; None before the first slice."""
    problem: str = ""
    """Why it ended early."""
    task: "asyncio.Task[None] | None" = None
    ended_at: float | None = None

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self.ended_at is None


class Replays:
    """Those of this process, by the log-in that asked."""

    def __init__(self, store: Store, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._by_login: OrderedDict[bytes, Progress] = OrderedDict()

    async def of(
        self,
        login: bytes,
        arn: IdentityArn,
        *,
        name: str,
        text: str,
        now: list[tuple[str, str]],
        since: float,
        within_s: float,
    ) -> Progress:
        """That of an edit: policy `name` becomes `text`, where the policies are `now`; waited for `within_s` seconds.

        The same question goes on with what runs; another one ends it. Raises `PolicyError`.
        """
        question = sha256(repr((str(arn), name, text, now)).encode()).digest()
        found = self._by_login.get(login)
        if found is None or found.question != question or self._is_old(found):
            self.end(login)
            found = self._begin(login, question, arn, name, text, since)
        assert found.task is not None
        await asyncio.wait([found.task], timeout=within_s)
        if found.task.done():
            found.task.result()
        return found

    def end(self, login: bytes) -> None:
        """What the log-in asked for is wanted no more."""
        found = self._by_login.pop(login, None)
        if found is not None and found.task is not None:
            found.task.cancel()

    def _is_old(self, found: Progress) -> bool:
        return found.ended_at is not None and self._clock.monotonic() - found.ended_at > KEPT_S

    def _begin(
        self, login: bytes, question: bytes, arn: IdentityArn, name: str, text: str, since: float
    ) -> Progress:
        begun = Progress(question=question)
        begun.task = asyncio.ensure_future(self._run(begun, arn, {name: text}, since))
        self._by_login[login] = begun
        while len(self._by_login) > MOST_KEPT:
            self.end(next(iter(self._by_login)))
        return begun

    async def _run(
        self, progress: Progress, arn: IdentityArn, proposed: dict[str, str | None], since: float
    ) -> None:
        try:
            async for found in newest_slices(
                self._store, arn, proposed=proposed, since=since, most=MOST_RECORDS
            ):
                progress.replay = found
                await asyncio.sleep(REST_S)
        except SesameError as error:
            if progress.replay is None:
                raise
            progress.problem = str(error)
        finally:
            progress.ended_at = self._clock.monotonic()
