"""What a refused message asked for, and where an ARN may be named for its addresses."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sesame.access.causes.around import Around
from sesame.access.causes.fields import field_for, usual_field
from sesame.access.causes.instead import name_in
from sesame.access.causes.mends import joined
from sesame.policy.reasons.cause import How, Mend, Reader
from sesame.store.decisions import DecisionRecord


class Asked:
    """One refusal for one reader."""

    def __init__(
        self, record: DecisionRecord, decision: Mapping[str, Any], around: Around, reader: Reader
    ) -> None:
        self.record = record
        self.decision = decision
        self.around = around
        self.reader = reader
        asked = decision.get("asked", {})
        self.door: str = asked.get("door", "v1")
        self.key: str | None = None if reader is Reader.OWNER else asked.get("key")
        """The sender's access key, which no owner reads."""
        self.senders: list[Sequence[Any]] = asked.get("senders", [])
        self.named: list[Sequence[str]] = asked.get("named", [])
        self.odd: list[Sequence[str]] = asked.get("odd", [])

    def dropped(self, use: str) -> str:
        """The parameter or field to leave out for Sender or Return-Path not to be there."""
        is_parameter = use == "Return-Path" and self.decision.get("action") != "ses:SendRawEmail"
        by_door = {"v1": "ReturnPath", "v2": "FeedbackForwardingEmailAddress"}
        return by_door.get(self.door, use) if is_parameter else use

    def called(self, use: str) -> str:
        """The parameter or field in which the sender wrote an address."""
        if use == "Source":
            return "MAIL FROM" if self.door == "smtp" else use
        return self.dropped(use) if use == "Return-Path" else use

    def name_in(self, field: str, old: str, new: str | None, what: str = "") -> Mend:
        """Name an ARN in the place of another."""
        mend = name_in(self.record, self.decision, field, old, new, what)
        if self.reader is not Reader.OWNER:
            return mend
        account = self.record.account_id
        if mend.how is How.SET_PARAMETER:
            return replace(mend, text=mend.text.replace("name ", "the sender names ", 1))
        return Mend(
            how=How.ASK,
            text=f"there is nothing to do on your side: the sender, account {account}, binds its SMTP credential to"
            f" {f'`{new}`' if new else what} in place of `{old}`",
            details={"whom": "sender", "account": account},
        )

    def field_of(self, arn: str) -> str:
        """The parameter or field that named an ARN."""
        return next((name for name, value in self.named if value == arn), self.parameter("From"))

    def in_words(self, uses: Sequence[str], address: str) -> str:
        """The uses of an address, with the verb."""
        return f"{joined(uses)} `{address}` {'is' if len(uses) == 1 else 'are'}"

    def parameter(self, use: str) -> str:
        """The parameter or field that names an ARN for a use, as a rule."""
        return usual_field(self.door, use) or ""

    def parameter_for(self, use: str, address: str, arn: str | None) -> str | None:
        """Which parameter or field may name an ARN for an address, and not be wrong for another; None if none may."""
        others = {sender[0]: sender[1] for sender in self.senders}
        return field_for(self.door, use, arn, address=address, others=others)
