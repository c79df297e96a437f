"""A refusal by policy for one reader: what its causes are found from, and whom to ask about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sesame.policy.language.document import Effect
from sesame.policy.reasons.cause import How, Mend, Reader, quoting
from sesame.policy.reasons.derivation import Explanation, StatementStep
from sesame.policy.reasons.narrow import Admits, in_words
from sesame.policy.reasons.remedies import change_mend
from sesame.policy.reasons.sentence import compact
from sesame.policy.reasons.strangers import is_stranger
from sesame.policy.reasons.views import with_own_addresses
from sesame.policy.reasons.widening import Widening
from sesame.policy.request import Outcome, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is known beside the policies: `uses` of the identity (From, Recipient, Resource, ...), and the principals
    whose names the identity's policies are not bound to any more, with the unique ids that they are bound to."""

    uses: tuple[str, ...] = ()
    bound: Mapping[str, str] = field(default_factory=dict)
    gone: Mapping[str, str] = field(default_factory=dict)
    """Of those the principals that there are no more."""
    is_let_in: bool = False
    """Whether another identity of the owner's, a less specific one, has let the requester in."""
    default_set: str | None = None
    """The configuration set that the identity gave a message which named none."""
    request_id: str | None = None
    """By which both sides find what was kept of the refusal, each its own half under codes of its own."""


NOTHING_MORE = Setting()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One refusal for one reader, with what is asked of it everywhere."""

    explanation: Explanation
    """To an owner with its own addresses alone."""
    reader: Reader
    setting: Setting
    request: Request
    is_service: bool
    is_foreign: bool
    """Whether the requester is of another account than the identity, or of none."""
    allows: Sequence[StatementStep]

    @property
    def is_named(self) -> bool:
        """Whether an Allow of the identity is for this requester, whatever else it asks."""
        return self.setting.is_let_in or not is_stranger(self.explanation.statements, self.request.requester)

    @property
    def if_allowed(self) -> str:
        """What an owner is told before what the sender's side refused: that its own half lets the message pass."""
        is_denied = any(ref.kind == "identity" for ref in self.explanation.deciding)
        allows = any(step.grants and step.ref.kind == "identity" for step in self.allows)
        is_refused = is_denied and self.explanation.outcome is Outcome.EXPLICIT_DENY
        return "your policies allow it; " if allows and not is_refused else ""

    @property
    def widening(self) -> Widening:
        """What widens a statement until it lets the request pass."""
        return Widening(self.request, self.reader, is_foreign=self.is_foreign, is_said=self.setting.is_let_in)

    def hides(self, step: StatementStep) -> bool:
        """Whether a statement is the owner's and the reader its sender, who reads neither name nor values of it."""
        return self.reader is Reader.SENDER and step.ref.kind == "identity"

    def change(
        self, step: StatementStep, changes: list[dict[str, Any]], verb: str, admits: Sequence[Admits] = ()
    ) -> Mend:
        """Edits of a statement; an identity that nobody named is, since others may have a policy of that name."""
        is_said = self.setting.is_let_in
        return change_mend(
            step,
            changes,
            verb,
            self.request.resource,
            is_said=is_said,
            admits=admits,
            beside=in_words(admits),
        )

    def ask_owner(
        self,
        statement: Mapping[str, Any] | None = None,
        *,
        keys: Mapping[str, Any] | None = None,
        more: str = "",
        before: str = "",
        is_named: bool = False,
    ) -> Mend:
        """Have the owner of the identity see to it, which is all that the sender can do."""
        account, request_id = self.request.resource_account, self.setting.request_id
        details: dict[str, Any] = {
            "whom": "owner",
            "account": account,
            "identity_arn": self.request.resource,
        }
        text = f"{before}ask the owner, account {account}{quoting(request_id)}"
        if statement is not None:
            details["statement"] = statement
            text += f"; the statement it needs is {compact(statement)}"
        if is_named:  # said always, so that it tells nothing of whether there are any
            details["conditions"] = "as-named"
            text += ", under those conditions of the one that names you that this message meets"
        if keys:
            details["keys"] = keys
        return Mend(how=How.ASK, text=text + more, details=details)

    def ask_sender(self) -> Mend:
        """The other way round; an owner reads of the sender's side no more than that it lacks something."""
        account = self.request.requester.account_id
        whose = f", account {account}" if account else ""
        details = {"whom": "sender", "account": account}
        return Mend(
            how=How.ASK, text=f"ask the sender{whose}: its own decisions say what is missing", details=details
        )


def case_of(explanation: Explanation, reader: Reader, setting: Setting) -> Case:
    """The case of a refusal for a reader."""
    if reader is Reader.OWNER:
        explanation = with_own_addresses(explanation, setting.uses)
    request = explanation.request
    requester = request.requester
    is_service = requester.kind == "service"
    return Case(
        explanation=explanation,
        reader=reader,
        setting=setting,
        request=request,
        is_service=is_service,
        is_foreign=is_service or requester.account_id != request.resource_account,
        allows=[step for step in explanation.statements if step.effect is Effect.ALLOW],
    )
