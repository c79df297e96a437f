"""The cause of a text that is named as an identity's ARN and is none."""

from collections.abc import Mapping
from typing import Any

from sesame.access.causes.around import Around
from sesame.access.causes.fields import named_in
from sesame.access.causes.slips import mend_arn
from sesame.policy.reasons.cause import Cause, Code, How, Mend
from sesame.store.decisions import DecisionRecord


def malformed_cause(record: DecisionRecord, failed: Mapping[str, Any], around: Around) -> Cause:
    """What keeps a text from being the ARN of an identity, and what to write."""
    text = failed["arn"]
    wrong, right = mend_arn(text, record.region)
    parameter = named_in(failed, text)
    is_whole = "ACCOUNT" not in right and "NAME" not in right
    lenders = around.instead.get(text, ())
    is_return_path = "RETURN" in parameter.upper() or "Feedback" in parameter
    if not is_whole and lenders and not is_return_path:
        right, is_whole = lenders[0], True
    return Cause(
        code=Code.ARN_MALFORMED,
        text=f"`{text}` is not the ARN of an identity: {wrong}",
        mend=Mend(
            how=How.SET_PARAMETER,
            text=f"write it in {parameter} as `{right}`",
            details={"parameter": parameter, "value": right if is_whole else None},
        ),
    )
