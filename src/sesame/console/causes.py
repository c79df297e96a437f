"""A refusal in the words of its page: the first of its causes, who has to act, and a text for them.

The causes are those of `access.causes`, as the viewer may read them; nothing is found out here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sesame.operations.messages import RefusalView

_SENDERS = ("set-parameter", "drop-parameter", "call-region", "change-message", "smtp-credentials", "new-key")
"""Fixes that are the sender's to make, whoever reads of them."""

WRITES_POLICY = ("put-identity-policy", "change-statement", "resave-policy")
"""Fixes that are made in the identity's policies."""
_OWNERS = (*WRITES_POLICY, "change-bounds", "change-trust")
"""What an owner changes only if the sender is to be let in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What happened, who has to act (`you`, `the owner`, `the sender`, …), and what mends it."""

    sentence: str
    turn: str
    mend: str
    to_copy: str = ""
    """A text for whoever must act."""


def cause_of(view: RefusalView) -> Cause:
    """The first cause of a refusal."""
    if not view.causes:
        return Cause(
            sentence=f"The program got `{view.record.code}`.",
            turn="the sender" if not view.decision.is_sender else "you",
            mend="What was checked stands below",
        )
    first = view.causes[0]
    mend = first["mend"]
    turn = _turn(view, mend)
    return Cause(
        sentence=f"{_sentence(first['cause'])}.",
        turn=turn,
        mend=f"{_sentence(mend['text'])}.",
        to_copy=_question(view, first) if turn == "the owner" and view.decision.is_sender else "",
    )


def _turn(view: RefusalView, mend: Mapping[str, Any]) -> str:
    how, is_sender = mend["how"], view.decision.is_sender
    viewer = view.record.account_id if is_sender else view.record.owner_account_id
    if how == "ask":
        return f"the {mend['whom']}"
    if how == "leave-sandbox":
        return "the operator"
    if how == "raise-quota":
        return "you, or the operator"
    if how == "verify-identity":
        return "you" if mend.get("account", viewer) == viewer else "the owner"
    if is_sender:
        return "you"
    if how in _SENDERS:
        return "the sender"
    return "you, if it should be allowed" if how in _OWNERS else "you"


def _question(view: RefusalView, cause: Mapping[str, Any]) -> str:
    """What a sender writes to the owner."""
    decision = view.decision
    check = next((one for one in decision.checks if one.outcome != "allow"), None)
    addresses = "" if check is None else ", ".join(check.addresses)
    arn = cause["mend"].get("identity_arn") or (check.arn if check is not None else "")
    asked = f"May {decision.principal} send as {addresses or 'your identity'} ({decision.action})?"
    if role := cause["mend"].get("role"):
        asked = f"May {decision.principal} open sessions of the role {role}?"
    about = f" The identity is {arn}." if arn else ""
    if not view.request_id:
        return f"{asked}{about} It would be refused with {cause['code']}: {cause['cause'].replace('`', '')}."
    last = "attempt" if role else "send"
    return (
        f"{asked}{about} The last {last} was refused: {cause['cause'].replace('`', '')}."
        f" Request {view.request_id}."
    )


def _sentence(text: str) -> str:
    """With a capital, but for what begins with a value."""
    return text[:1].upper() + text[1:]
