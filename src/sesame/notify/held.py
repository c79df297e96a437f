"""What is claimed and not begun: rows with what is to be sent of them, by endpoint. Pure.

Rows of an endpoint that takes them quickly are claimed ahead of their turn, many in one commit; what is held of one
that does so no more is given back.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from sesame.aws.sns.message import SnsMessage
from sesame.store.outbox import Delivery


@dataclass(slots=True, kw_only=True)
class Ready:
    """A claimed row; `message` and its `signature` where what is sent of it has them. `fault` says why it has none."""

    delivery: Delivery
    message: SnsMessage | None = None
    signature: str = ""
    fault: Exception | None = None
    claimed_at: float = 0.0
    seen_at: float = 0.0
    """When its claim was last seen to hold, by the steady clock."""
    is_lost: bool = False
    """Whether its claim was seen to hold no more: it is not to be begun."""

    @property
    def endpoint(self) -> str:
        """Where it goes."""
        return self.delivery.place.endpoint


class Held:
    """Rows by endpoint; endpoints in turn, rows in the order in which they came."""

    def __init__(self) -> None:
        self._rows: OrderedDict[str, deque[Ready]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def endpoints(self) -> list[str]:
        """The endpoints that anything is held for; who had a turn last comes last."""
        return list(self._rows)

    def counts(self) -> dict[str, int]:
        """How many rows are held, by endpoint."""
        return {endpoint: len(rows) for endpoint, rows in self._rows.items()}

    def count(self, endpoint: str) -> int:
        """How many rows are held for an endpoint."""
        return len(self._rows.get(endpoint, ()))

    def add(self, rows: Sequence[Ready]) -> None:
        """Hold rows."""
        for one in rows:
            self._rows.setdefault(one.endpoint, deque()).append(one)
        self._count += len(rows)

    def of(self, endpoint: str) -> list[Ready]:
        """The rows of an endpoint, in their order; they stay held."""
        return list(self._rows.get(endpoint, ()))

    def pop(self, endpoint: str) -> Ready | None:
        """The next row of an endpoint, or None; the endpoint has had its turn."""
        rows = self._rows.get(endpoint)
        if rows is None:
            return None
        found = rows.popleft()
        self._count -= 1
        if rows:
            self._rows.move_to_end(endpoint)
        else:
            del self._rows[endpoint]
        return found

    def drop(self, endpoint: str, *, keep: int) -> list[Delivery]:
        """Let go of an endpoint's rows but the first `keep`."""
        rows = self._rows.get(endpoint)
        if rows is None:
            return []
        dropped = [rows.pop().delivery for _ in range(len(rows) - max(0, keep))]
        self._count -= len(dropped)
        if not rows:
            del self._rows[endpoint]
        return dropped

    def drop_before(self, moment: float) -> list[Delivery]:
        """Let go of what was claimed before a moment."""
        old = {
            endpoint: sum(one.claimed_at < moment for one in rows)
            for endpoint, rows in self._rows.items()
            if rows[0].claimed_at < moment
        }
        found = []
        for endpoint, count in old.items():
            for _ in range(count):
                if (one := self.pop(endpoint)) is not None:
                    found.append(one.delivery)
        return found
