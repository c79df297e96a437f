"""How an Allow that came close lets a request through: by an edit of it, or by a statement of its own beside it.

An edit where that lets in nothing but what was refused, or what the statement was meant for; else the statement, which
is held to the request as the Allow holds others (`narrow`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sesame.policy.reasons.cause import How, Mend, Reader
from sesame.policy.reasons.conditions import tag_wanted
from sesame.policy.reasons.corrections import changes_for
from sesame.policy.reasons.derivation import ConditionStep, StatementStep
from sesame.policy.reasons.itself import by_itself
from sesame.policy.reasons.narrow import (
    TAGS,
    Held,
    admitted,
    held,
    in_words,
    is_correction,
    is_wide,
    of_one_session,
)
from sesame.policy.reasons.remedies import beside_ways_out, change_mend
from sesame.policy.reasons.sentence import compact, name_statement
from sesame.policy.reasons.statements import iam_statement, smallest_statement
from sesame.policy.request import Request


class Widening:
    """The mends of Allows for one request and reader.

    `is_foreign`: the sender is of another account than the identity; `is_said`: the words name the identity.
    """

    def __init__(self, request: Request, reader: Reader, *, is_foreign: bool, is_said: bool) -> None:
        self._request = request
        self._reader = reader
        self._is_foreign = is_foreign
        self._is_said = is_said

    def alone(self, condition: ConditionStep) -> Mend | None:
        """What meets a condition of an Allow that stays as it is."""
        return self.tag(condition) or by_itself(condition, request=self._request, denies=False)

    def _left(self, step: StatementStep) -> list[ConditionStep]:
        """The conditions that fail and are met without a change of them."""
        return [one for one in step.conditions if not one.answer and self.alone(one) is not None]

    def widened(self, step: StatementStep) -> Mend:
        """The edits of an Allow; another statement where they would let in others, or more than the message."""
        left = self._left(step)
        changes = changes_for(step, self._request, self._reader, left)
        is_meant = bool(changes) and all(is_correction(one) or one.get("add", ()) is None for one in changes)
        if is_wide(step, self._request, changes) and not is_meant:
            own = smallest_statement(self._request).get("Condition", {}).get("StringEquals", {})
            narrow = held(
                step,
                self._request,
                self._reader,
                changes=changes,
                left=left,
                is_from_bound=step.ref.kind == "identity" and "ses:FromAddress" in own,
            )
            if narrow is not None:
                return self._beside_it(step, changes, narrow)
        dropped = [{"key": change["key"]} for change in changes if "drop_condition" in change]
        dropped += [{"like": change["each"]} for change in changes if "each" in change]
        admits = (
            *admitted(step, self._request.requester, changes),
            *of_one_session(step, self._request),
            *dropped,
        )
        return change_mend(
            step,
            changes,
            "to allow it, change",
            self._request.resource,
            is_said=self._is_said,
            admits=admits,
            beside=in_words(admits),
        )

    def _beside_it(self, step: StatementStep, changes: Sequence[Mapping[str, Any]], narrow: Held) -> Mend:
        """A statement of its own, no wider than the message, beside an Allow that stays as it is."""
        request = self._request
        gone = [change["key"] for change in changes if "drop_condition" in change]
        kept = f"its condition on {' and '.join(gone)}" if gone else f"{name_statement(step.ref)}, as it is"
        admits = {"also_admits": list(narrow.admits)} if narrow.admits else {}
        if step.ref.kind == "identity":
            statement = smallest_statement(request, held=narrow.conditions)
            kept = f"the condition on {' and '.join(gone)}" if gone else kept
            text = f"to allow it, keep {kept}, and put a policy on `{request.resource}` with the statement"
            details: dict[str, Any] = {"identity_arn": request.resource}
        else:
            statement = iam_statement(request.action, request.resource, narrow.conditions)
            is_by_tag = any(str(change.get("key", "")).lower().startswith(TAGS) for change in changes)
            if gone or is_by_tag:  # then for the message alone
                of_message = smallest_statement(request, held=narrow.conditions)
                statement = of_message | iam_statement(request.action, request.resource)
                del statement["Principal"]
            principal = request.requester.entity_arn or request.requester.arn
            text = f"keep {kept}, and give `{principal}` an IAM policy with the statement"
            details = {"principal": principal}
        return Mend(
            how=How.PUT_IDENTITY_POLICY if step.ref.kind == "identity" else How.ALLOW_IN_IAM,
            text=beside_ways_out(
                f"{text} {compact(statement)}{in_words(narrow.admits)}",
                changes,
                is_last=True,
            ),
            details=details | {"statement": statement} | admits,
        )

    def tag(self, condition: ConditionStep, *, denies: bool = False) -> Mend | None:
        """Tag what a condition asks a tag of, for whoever owns it; None where that is not what helps."""
        arn = self._request.resource
        is_own = not self._is_foreign or self._reader is Reader.OWNER
        tag = tag_wanted(condition, self._reader, denies=denies) if is_own else None
        if tag is None or not arn.startswith("arn:aws:ses:") or "*" in arn:
            return None
        key, value = tag
        return Mend(
            how=How.TAG_RESOURCE,
            text=f"tag `{arn}` as one of these, if it is: `aws sesv2 tag-resource --resource-arn {arn}"
            f" --tags Key={key},Value={value}`; all policies with a condition on {condition.key} go by it",
            details={"arn": arn, "tags": {key: value}},
        )
