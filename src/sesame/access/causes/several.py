"""What else is wrong with how a send names ARNs, beside the one that it failed for: so that all is mended at once.

Before a decision the first ARN that cannot be ends a send. INVARIANT (I9): read by the sender and the operator, of what
the sender itself wrote.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sesame.access.causes.alignment import alignment_cause
from sesame.access.causes.around import Around
from sesame.access.causes.fields import covers_address, others_named
from sesame.access.causes.malformed import malformed_cause
from sesame.access.causes.mends import rename_field
from sesame.access.identity_names import parse_identity_arn
from sesame.errors import ServiceError
from sesame.policy.reasons.cause import Cause, Code
from sesame.store.decisions import DecisionRecord

OF_ARNS = ("DoesNotAlign", "InvalidIdentityArn")
"""The failures of an ARN."""


def also_wrong(record: DecisionRecord, failed: Mapping[str, Any], around: Around) -> Iterator[Cause]:
    """The other ARNs that cannot be for their address, and fields that were to name one and do not."""
    if failed.get("error") not in OF_ARNS:
        return
    for one in others_named(failed):
        odd = [field for field in failed.get("odd", ()) if field[2] == one.parameter.upper()]
        theirs = {**failed, "arn": one.arn, "named": [[one.parameter, one.arn]], "odd": odd}
        if not _is_identity_arn(one.arn):
            yield malformed_cause(record, theirs, around)
        elif one.address and not covers_address(one.arn.partition(":identity/")[2], one.address):
            yield alignment_cause(record, {**theirs, "address": one.address, "use": one.use}, around)
    named = {name for name, _ in failed.get("named", ())}
    for what, written, right in failed.get("odd", ()):
        if what == "misspelt" and right.endswith("-ARN") and right not in named:
            yield Cause(
                code=Code.HEADER,
                text=f"the field `{written}` is not known, so it names no ARN: it is `{right}`",
                mend=rename_field(written, right),
            )


def _is_identity_arn(text: str) -> bool:
    try:
        return bool(parse_identity_arn(text))
    except ServiceError:
        return False
