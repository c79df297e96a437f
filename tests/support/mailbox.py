"""The mailbox of a server of the development profile, read beside it: each message once, however often it is asked for.

Tests poll it, and the one that all tests of a process share comes to hold thousands of messages.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from sesame.store.development import Mail


class Mailbox:
    """What the database in the file at `path` holds of received mail."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: list[Mail] = []

    def read(self) -> list[Mail]:
        """All mail, newest first."""
        with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=rw", uri=True)) as connection:
            connection.execute("BEGIN")
            if not self._is_as_known(connection):
                self._known = []
            last = self._known[-1].seq if self._known else 0
            found = connection.execute(
                "SELECT seq, received_at, mail_from, rcpt_to, data FROM mailbox WHERE seq > ? ORDER BY seq",
                (last,),
            )
            self._known += [
                Mail(seq=seq, received_at=at, mail_from=sender, rcpt_to=tuple(to.split("\n")), data=data)
                for seq, at, sender, to, data in found
            ]
        return self._known[::-1]

    def _is_as_known(self, connection: sqlite3.Connection) -> bool:
        """Whether what was read before is still there: mail is deleted from the oldest on, or all of it."""
        if not self._known:
            return True
        first = connection.execute("SELECT MIN(seq) FROM mailbox").fetchone()[0]
        last = connection.execute(
            "SELECT received_at FROM mailbox WHERE seq = ?", (self._known[-1].seq,)
        ).fetchone()
        return (first, last) == (self._known[0].seq, (self._known[-1].received_at,))
