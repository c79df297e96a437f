"""An ARN that was refused and not meant: another account lends, and what named the wrong one is to name the right one.

A typing error in an account number, an SMTP credential bound to another identity, a field that stands there twice.
INVARIANT (I9): read by the sender and the operator, of identities whose policies name the sender alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sesame.access.causes.around import Around
from sesame.access.causes.bound import bind, bind_command
from sesame.access.causes.fields import usual_field
from sesame.access.causes.mends import arn_of, set_parameter
from sesame.access.record import BOUND
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader
from sesame.store.decisions import DecisionRecord


def instead_cause(
    record: DecisionRecord,
    decision: Mapping[str, Any],
    around: Around,
    check: Mapping[str, Any],
    reader: Reader,
) -> Cause | None:
    """The cause where what refused is not what was meant; None where that is not known, and for an owner."""
    if reader is Reader.OWNER or check["owner"] == record.account_id:
        return None
    arn, field = check["arn"], _named_by(decision, check)
    lenders = list(around.instead.get(arn, ()))
    what = _refusing(arn, check, around, reader)
    if (ignored := ignored_cause(decision, arn, [*lenders, *_own(record, around, check)], what)) is not None:
        return ignored
    if not lenders:
        return None
    code = Code.PRINCIPAL_OTHER if reader is Reader.SENDER else Code.NO_SUCH_IDENTITY
    code = code if check.get("verification") is None else Code.PRINCIPAL_OTHER
    whom = "you" if reader is Reader.SENDER else "the sender"
    return Cause(
        code=code,
        text=f"{what}{bound_too(decision, check)}; `{lenders[0]}` is lent to {whom}",
        mend=name_in(record, decision, field, arn, lenders[0]),
    )


def ignored_cause(
    decision: Mapping[str, Any],
    arn: str,
    right: Sequence[str],
    what: str = "it is not the one that is lent to you",
) -> Cause | None:
    """The field that names `arn` stands in the message again, with one that is `right`: only the first counts.

    `what` says why the first is wrong.
    """
    asked = decision.get("asked", {})
    fields = {name for name, value in asked.get("named", ()) if value.lower() == arn.lower()}
    for kind, field, ignored in asked.get("odd", ()):
        if kind == "ignored" and field in fields and ignored in right:
            return Cause(
                code=Code.HEADER,
                text=f"`{field}` occurs more than once, and only its first instance, `{arn}`, is read: {what};"
                f" `{ignored}`, which stands behind it, is ignored",
                mend=Mend(
                    how=How.DROP_PARAMETER,
                    text=f"take the first `{field}` out, so that `{ignored}` counts",
                    details={"parameter": field, "instance": "first"},
                ),
            )
    return None


def bound_too(decision: Mapping[str, Any], check: Mapping[str, Any]) -> str:
    """Where the ARN comes from that no field of the message names."""
    if _named_by(decision, check) != BOUND:
        return ""
    return " (the message names no ARN: it is the one that the SMTP credential is bound to)"


def name_in(
    record: DecisionRecord, decision: Mapping[str, Any], field: str, old: str, new: str | None, what: str = ""
) -> Mend:
    """Name an ARN in the place of another: in a parameter or field, or by binding the SMTP credential again."""
    if field != BOUND:
        return set_parameter(field, new, what)
    named = decision.get("asked", {}).get("named", ())
    bound = [new or "ARN" if arn == old else arn for name, arn in named if name == BOUND]
    command = bind_command(record, decision, bound)
    what = f"`{new}`" if new else what
    return bind(
        record,
        decision,
        f"bind the SMTP credential to {what} in place of `{old}`: `{command}`",
        to=new,
    )


def _refusing(arn: str, check: Mapping[str, Any], around: Around, reader: Reader) -> str:
    if reader is Reader.SENDER or check.get("verification") is not None:
        return (
            f"no policy of the owner of `{arn}` lets {'you' if reader is Reader.SENDER else 'the sender'} in"
        )
    if check["owner"] in around.no_accounts:
        return f"`{arn}` is not registered, and there is no account {check['owner']}"
    return f"`{arn}` is not registered"


def _named_by(decision: Mapping[str, Any], check: Mapping[str, Any]) -> str:
    """The parameter or field that named what a check asked."""
    asked = decision.get("asked", {})
    named: Sequence[Sequence[str]] = asked.get("named", ())
    usual = usual_field(asked.get("door", "v1"), check["uses"][0]) or ""
    return next((str(name) for name, value in named if value.lower() == check["arn"].lower()), usual)


def _own(record: DecisionRecord, around: Around, check: Mapping[str, Any]) -> list[str]:
    """The verified identities of the sender's own that cover the address."""
    own = [one for address in check["addresses"] for one in around.of(record.account_id, address)]
    return [arn_of(one) for one in own if one.verification.is_in_force]
