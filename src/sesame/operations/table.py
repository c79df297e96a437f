"""How operations are found: each class of operations names its own, `merged` puts them together.

What is nowhere named answers "not implemented" by name.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

Handler = Callable[[Any, Any], Awaitable[Mapping[str, Any]]]
"""An operation: a function from a caller and a typed request to a typed result."""

Handlers = Mapping[str, Handler]
"""Operations by name."""

SENDS: Mapping[str, frozenset[str]] = {
    "ses": frozenset({"SendEmail", "SendRawEmail", "SendTemplatedEmail", "SendBulkTemplatedEmail"}),
    "sesv2": frozenset({"SendEmail", "SendBulkEmail"}),
}
"""Operations that may use cached credentials: their accept transaction checks (I4)."""

DECIDED_IN_ACCEPT = frozenset({"SendCustomVerificationEmail"})
"""Operations that send, and change something too: the accept transaction decides, and tells the audit log."""


class Operations(Protocol):
    """Functions that serve operations of one service."""

    def handlers(self) -> Handlers:
        """Operation name to function."""
        ...


def merged(*groups: Operations) -> Handlers:
    """All that the groups serve; an operation has one home."""
    handlers = [item for group in groups for item in group.handlers().items()]
    by_name = dict(handlers)
    assert len(by_name) == len(handlers), "an operation is served twice"
    return by_name


def uncached(service: str, operation: str) -> bool:
    """Whether an operation must see accounts and keys as they are in the store."""
    return operation not in SENDS.get(service, frozenset())
