"""Which parameter or field names an ARN for an address of a send, through which door.

An ARN that is named for Source, From or Return-Path must cover that address, so one and the same ARN may be right in
one field and refused in another: SourceArn covers MAIL FROM (and From, if it can), FromArn covers From.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sesame.access.record import BOUND
from sesame.mail.address import AddressError, covers
from sesame.policy.reasons.cause import Cause, Code, How, Mend
from sesame.store.decisions import DecisionRecord

_USUAL = {
    "v1": {"From": "SourceArn", "Source": "SourceArn", "Sender": "FromArn", "Return-Path": "ReturnPathArn"},
    "v2": {
        "From": "FromEmailAddressIdentityArn",
        "Source": "FromEmailAddressIdentityArn",
        "Sender": "FromEmailAddressIdentityArn",
        "Return-Path": "FeedbackForwardingEmailAddressIdentityArn",
    },
    "smtp": {
        "From": "X-SES-SOURCE-ARN",
        "Source": "X-SES-SOURCE-ARN",
        "Sender": "X-SES-FROM-ARN",
        "Return-Path": "X-SES-RETURN-PATH-ARN",
    },
}

_FROM = {"v1": "FromArn", "smtp": "X-SES-FROM-ARN"}
"""Which names the ARN for a From that is not Source; v2 has one for both."""


def usual_field(door: str, use: str) -> str | None:
    """The parameter or field for a use where nothing else is in the way; None for what is no use of an address."""
    return _USUAL.get(door, _USUAL["v1"]).get(use)


def from_field(door: str) -> str | None:
    """The parameter or field that names an ARN for From alone."""
    return _FROM.get(door)


def field_for(door: str, use: str, arn: str | None, *, address: str, others: Mapping[str, str]) -> str | None:
    """Where an ARN (None: one that covers `address`) may be named for a use, `others` being the addresses by use.

    None where each field would name it for another address too, which it does not cover.
    """
    name = (address.rpartition("@")[2] if arn is None else arn.partition(":identity/")[2]).lower()
    fits = {use: covers_address(name, other) for use, other in others.items()}
    is_for_source, is_for_from = fits.get("Source", True), fits.get("From", True)
    if use == "From":
        return usual_field(door, use) if is_for_source else (from_field(door) or "X-SES-FROM-ARN")
    if use != "Sender":
        return usual_field(door, use)
    if is_for_from:
        return usual_field(door, use)
    return usual_field(door, "Source") if is_for_source and door != "v2" else None


def own_senders(record: DecisionRecord, decision: Mapping[str, Any]) -> list[Sequence[Any]]:
    """The addresses of a refused message, as they were asked for, that the owner of its record may see (I9).

    Those that rest on an identity of its own; where From does, the return path and Source too.
    """
    senders = decision.get("asked", {}).get("senders", ())
    theirs = {
        (use, address)
        for check in decision["checks"]
        if check["owner"] == record.owner_account_id
        for use in check["uses"]
        for address in check["addresses"]
    }
    own = [one for one in senders if (one[0], one[1]) in theirs or _is_named_for(record, one)]
    if any(one[0] == "From" for one in own):
        third = {
            (use, address)
            for check in decision["checks"]
            if check["owner"] not in (record.account_id, record.owner_account_id)
            for use in check["uses"]
            for address in check["addresses"]
        }
        own += [
            one
            for one in senders
            if one[0] in ("Source", "Return-Path") and (one[0], one[1]) not in third and one not in own
        ]
    return own


def _is_named_for(record: DecisionRecord, sender: Sequence[Any]) -> bool:
    """Whether an ARN of the owner's account was named for an address, be it of another region."""
    arn = str(sender[3] or "").split(":")
    return len(arn) > 5 and record.owner_account_id is not None and arn[4] == record.owner_account_id


def others_uncovered(record: DecisionRecord, fields: Sequence[str]) -> Cause:
    """What an owner is told of addresses that rest on nothing of its own."""
    verb = "is" if len(fields) == 1 and " and " not in fields[0] else "are"
    account = record.account_id
    return Cause(
        code=Code.USE_UNCOVERED,
        text=f"{', '.join(fields)} of the sender's message {verb} covered by no ARN and no verified identity of the"
        " sender",
        mend=Mend(
            how=How.ASK,
            text=f"there is nothing to do on your side: ask the sender, account {account}, whose own decisions say"
            " what is missing",
            details={"whom": "sender", "account": account},
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFor:
    """An ARN in a parameter or field, and the address that it is named for, which is "" where it is not known."""

    parameter: str
    arn: str
    use: str
    address: str


def named_in(failed: Mapping[str, Any], arn: str) -> str:
    """The parameter or field in which an ARN was named: of several the one that is for the address that failed."""
    named = [str(name) for name, value in failed.get("named", ()) if value == arn]
    own = {"From": ("FROMARN", "FROM-ARN"), "Return-Path": ("RETURN", "FEEDBACK")}.get(
        str(failed.get("use")), ()
    )
    is_for_it = [name for name in named if any(part in name.upper() for part in own)]
    return next(iter((*is_for_it, *named)), "SourceArn")


def others_named(failed: Mapping[str, Any]) -> list[NamedFor]:
    """The ARNs that a failed send named, but for the parameter or field that it failed for."""
    from_address = str(failed.get("from_address") or "")
    source = str(failed.get("source") or from_address)
    by_use = {"From": from_address, "Source": source, "Return-Path": str(failed.get("return_path") or "")}
    named = [(str(name), str(value)) for name, value in failed.get("named", ()) if name != BOUND]
    first = named_in(failed, failed["arn"])
    found = []
    for name, value in named:
        upper = name.upper()
        use = "Return-Path" if "RETURN" in upper or "FEEDBACK" in upper else "Source"
        use = "From" if upper in ("FROMARN", "X-SES-FROM-ARN", "FROMEMAILADDRESSIDENTITYARN") else use
        if name != first:
            found.append(NamedFor(parameter=name, arn=value, use=use, address=by_use[use]))
    return found


def covers_address(name: str, address: str) -> bool:
    """Whether an identity of that name covers an address; no for what is none."""
    try:
        return covers(name, address)
    except AddressError:
        return False


def only_first_counts(field: str, address: str, arn: str | None = None) -> Cause:
    """A field is there more than once, and its first instance, which names `arn`, is not for the address."""
    instance = "its first instance" if arn is None else f"its first instance, `{arn}`,"
    return Cause(
        code=Code.HEADER,
        text=f"`{field}` occurs more than once, and only {instance} is read, which does not cover `{address}`",
        mend=Mend(
            how=How.DROP_PARAMETER,
            text=f"keep only the instance of `{field}` that covers `{address}` alone",
            details={"parameter": field, "instance": "first"},
        ),
    )


def holder(principal: str) -> str:
    """Whose key it is, as a command takes it behind the account: a user's name, nothing for a root, USER if unknown."""
    if principal.endswith(":root"):
        return ""
    return f" {principal.rpartition('/')[2]}" if ":user/" in principal else " USER"
