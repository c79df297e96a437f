"""What lists read of stored decisions: who was decided about, and which of its addresses rested on what."""

import msgspec

SENDERS = frozenset({"From", "Source", "Sender", "Return-Path"})
"""What an address of a send can be."""


class DecidedCheck(msgspec.Struct, frozen=True):
    """One identity's part, or another resource's."""

    owner: str
    arn: str = ""
    uses: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


class Decided(msgspec.Struct, frozen=True):
    """A decision."""

    principal: str = ""
    checks: tuple[DecidedCheck, ...] = ()


DECIDED = msgspec.json.Decoder(Decided)
