"""Causes where the ARN is one that an SMTP credential is bound to: the message names none, and its program cannot.

INVARIANT (I9): read by the sender and the operator.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sesame.access.causes.fields import holder
from sesame.access.causes.mends import joined
from sesame.access.record import BOUND
from sesame.policy.reasons.cause import Cause, How, Mend
from sesame.store.decisions import DecisionRecord


def bind_command(record: DecisionRecord, decision: Mapping[str, Any], arns: Iterable[str]) -> str:
    """The command that binds the key in use to these ARNs, in the place of those that it is bound to."""
    key = decision.get("asked", {}).get("key")
    command = f"sesame smtp credentials {record.account_id}{holder(str(decision.get('principal', '')))}"
    command += f" --key {key}" if key else ""
    return command + "".join(f" --as {arn}" for arn in dict.fromkeys(arns))


def bind(record: DecisionRecord, decision: Mapping[str, Any], text: str, *, to: str | None) -> Mend:
    """A mend that binds the key in use anew, in these words; `to` is the ARN that is new."""
    principal = str(decision.get("principal", ""))
    return Mend(
        how=How.SMTP_CREDENTIALS,
        text=text,
        details={
            "account": record.account_id,
            "user": principal.rpartition("/")[2] if ":user/" in principal else None,
            "region": record.region,
            "key": decision.get("asked", {}).get("key"),
            "arn": to,
        },
    )


def said_to_be_bound(cause: Cause, field: str) -> Cause:
    """A cause about the ARN that `field` names, with where that comes from if it is no field of the message."""
    if field != BOUND:
        return cause
    from_where = "the message names no ARN: it is the one that the SMTP credential is bound to"
    return replace(cause, text=f"{cause.text} ({from_where})")


def bound_uncovered(
    record: DecisionRecord,
    decision: Mapping[str, Any],
    cause: Cause,
    *,
    what: str,
    lent: Sequence[str],
) -> Cause:
    """The cause of `what`, addresses that no ARN covers, where all ARNs are bound ones: one is to be bound besides."""
    named = decision.get("asked", {}).get("named", ())
    if any(name != BOUND for name, _ in named):
        return cause
    bound = [str(arn) for _, arn in named]
    new = lent[0] if lent else None
    do = "does" if len(bound) == 1 else "do"
    command = bind_command(record, decision, [*bound, new or "ARN"])
    to = f"`{new}`" if new else "an ARN that covers it"
    return replace(
        cause,
        text=f"{what} covered by no ARN: the message names no ARN, and the SMTP credential is bound to"
        f" {joined([f'`{arn}`' for arn in bound])}, which {do} not cover it, nor does an identity of your own",
        mend=bind(
            record,
            decision,
            f"bind the SMTP credential to {to} too: `{command}`; or {cause.mend.text}",
            to=new,
        ),
    )
