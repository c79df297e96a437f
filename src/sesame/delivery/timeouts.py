"""How long each step of a dialogue may take (RFC 5321 section 4.5.3.2), all scaled together."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sesame.smtp.errors import Stage

_STAGES = {
    Stage.CONNECT: 300.0,
    Stage.HELLO: 300.0,
    Stage.TLS: 120.0,
    Stage.AUTH: 120.0,
    Stage.RESET: 120.0,
    Stage.MAIL: 300.0,
    Stage.RCPT: 300.0,
    Stage.DATA: 120.0,
    Stage.BODY: 600.0,
    Stage.QUIT: 5.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds. `block_s` is for each block of the message's text that the peer takes, `attempt_s` for all hosts
    together up to the moment when one has been given the last dot."""

    connect_s: float = 60.0
    handshake_s: float = 60.0
    block_s: float = 180.0
    attempt_s: float = 900.0
    stages: Mapping[Stage, float] = field(default_factory=lambda: _STAGES)

    @classmethod
    def scaled(cls, factor: float, *, attempt_s: float) -> "Timeouts":
        """The standard's times by a factor."""
        return cls(
            connect_s=60.0 * factor,
            handshake_s=60.0 * factor,
            block_s=180.0 * factor,
            attempt_s=attempt_s,
            stages={stage: seconds * factor for stage, seconds in _STAGES.items()},
        )

    def of(self, stage: Stage) -> float:
        """How long the server may take for its reply."""
        return self.stages.get(stage, self.connect_s)
