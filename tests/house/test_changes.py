"""There is one way to change account state: by a permit, or as an act, each with its audit row."""

import ast
from collections.abc import Callable
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "sesame"
ROOMS = ("admin", "cli", "console", "identities", "operations")
"""Rooms that change account state and never write themselves."""

WRITERS = {
    "admin/audit.py": 1,  # lets old rows of the log itself go
    "console/logins.py": 3,  # who is logged in is not an account state; links, a new password and another role are acts
    "console/pages/inbox.py": 1,  # empties the mailbox of the development profile
    "identities/dns_checks.py": 1,  # the local zone that stands for DNS in development
    "identities/signing_domain.py": 1,
    "operations/sns/publish.py": 2,  # what is published is not an account state, as what is sent is none
    "operations/sns/subscriptions.py": 2,  # links in what endpoints are sent: the token lets it, nobody signed
}
"""Files of those rooms that write all the same, and how often."""

IN_PARTS = {
    "operations/iam/users.py": 1,  # names a user anew in texts that mean it by its id, and the user with the last write
    "operations/sesv2/contact_lists.py": 1,  # takes people off a list that goes with the last write
    "operations/sns/topics.py": 1,  # takes subscriptions from a topic that goes with the last write
}
"""Files that make a change by a permit in several writes, the first and the last with an audit row, and how often."""


def writes(text: str) -> int:
    """How often a module writes by the store itself."""
    return sum(
        isinstance(node, ast.Attribute)
        and node.attr in ("write", "write_together")
        and "store" in ast.unparse(node.value)
        for node in ast.walk(ast.parse(text))
    )


def found_by(count: Callable[[str], int]) -> dict[str, int]:
    """The files of those rooms in which something is found, and how often."""
    paths = [path for room in ROOMS for path in sorted((SOURCE / room).rglob("*.py"))]
    found = {str(path.relative_to(SOURCE)): count(path.read_text()) for path in paths}
    return {name: times for name, times in found.items() if times}


def test_nobody_writes_past_the_seam() -> None:
    assert found_by(writes) == WRITERS


def test_who_makes_a_change_in_parts_is_known() -> None:
    assert found_by(lambda text: text.count(".apply_in_parts(") + text.count(".apply_after(")) == IN_PARTS


def test_the_check_sees_a_write() -> None:
    assert writes("async def f(self):\n    await self._store.write(run)\n") == 1
    assert writes("async def f(store):\n    return await store.write(run, is_long=True)\n") == 1
    assert writes("async def f(permit):\n    await permit.apply(run)\n") == 0
