"""An ARN that does not count because another one goes before it: a parameter's before the field's of a raw message, a
field's before what the SMTP credential is bound to.

Whoever has both and reads of the one that counts alone looks at the other, and finds nothing wrong. The parameter of
v2 is for From and Source alike besides, so that it cannot be right where the two are of different owners.
INVARIANT (I9): read by the sender and the operator, of what the sender itself named.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sesame.access.causes.fields import covers_address
from sesame.access.record import BOUND
from sesame.policy.reasons.cause import Cause, Code, How, Mend

_FIELDS = {"source": "X-SES-SOURCE-ARN", "from": "X-SES-FROM-ARN", "return": "X-SES-RETURN-PATH-ARN"}
_USES = {"Source": "source", "From": "from", "Return-Path": "return"}
_PARAMETERS = {
    "v1": {"source": "SourceArn", "from": "FromArn", "return": "ReturnPathArn"},
    "v2": {
        "source": "FromEmailAddressIdentityArn",
        "from": "FromEmailAddressIdentityArn",
        "return": "FeedbackForwardingEmailAddressIdentityArn",
    },
    "smtp": _FIELDS,
}
_OF_BOTH = "FromEmailAddressIdentityArn"


def hidden(asked: Mapping[str, Any], arn: str) -> Iterator[tuple[str, str, str]]:
    """What `arn` hides: the parameter or field that names it, what that goes before, and the ARN there."""
    named = [(str(name), str(value)) for name, value in asked.get("named", ())]
    by = [name for name, value in named if value.lower() == arn.lower() and name != BOUND]
    parameters = _PARAMETERS.get(asked.get("door", "v1"), {})
    for kind, field, other in asked.get("odd", ()):
        which = next((one for one, name in _FIELDS.items() if name == field), None)
        if kind == "overridden" and which is not None and parameters.get(which) in by:
            yield parameters[which], field, str(other)
    if asked.get("door") == "smtp":
        for parameter in by:
            yield from ((parameter, BOUND, value) for name, value in named if name == BOUND)


def unaligned_cause(
    failed: Mapping[str, Any], lent: Collection[str], own: Collection[str] = ()
) -> Cause | None:
    """The cause where an ARN that does not cover its address hides one that does, or stands in a parameter that is for
    another address too; None where it is neither.

    `lent` and `own` are the ARNs that would be right; an own one need not be named.
    """
    right = [*lent, *own]
    arn, address = str(failed["arn"]), _bare(str(failed["address"]))
    parameters, use = _PARAMETERS.get(failed.get("door", "v1"), {}), _USES.get(str(failed.get("use")), "from")

    def for_another(one: tuple[str, str, str]) -> tuple[bool, bool]:
        return one[0] != parameters.get(use), one[1] != _FIELDS[use]

    for parameter, field, other in sorted(hidden(failed, arn), key=for_another):
        if other in right:
            return Cause(
                code=Code.DOES_NOT_ALIGN,
                text=f"`{arn}` in {parameter} does not cover `{address}`; {before(parameter, field, other)}",
                mend=_instead(failed, parameter, arn, other, own, is_hidden=True),
            )
    if not _is_for_two(failed, arn):
        return None
    mend = _instead(failed, _OF_BOTH, arn, right[0], own) if right else None
    if mend is None or mend.how is not How.DROP_PARAMETER:
        return None
    return Cause(
        code=Code.DOES_NOT_ALIGN,
        text=f"`{arn}` does not cover `{address}`: {_OF_BOTH} is for Source and From alike, and covers"
        f" `{_other_of_two(failed)}` alone",
        mend=mend,
    )


def with_hidden(cause: Cause, asked: Mapping[str, Any]) -> Cause:
    """A cause that has an ARN named in a parameter, with the field that names it already and does not count."""
    value = cause.mend.details.get("value")
    if cause.mend.how is not How.SET_PARAMETER or not value or "goes before" in cause.text:
        return cause
    for arn in {str(named): None for _, named in asked.get("named", ())}:
        for parameter, field, other in hidden(asked, arn):
            if other == value and cause.mend.details["parameter"] == parameter:
                text = f"{cause.mend.text}; or leave {parameter} out, so that {_what(field)} counts"
                return replace(
                    cause,
                    text=f"{cause.text}; {before(parameter, field, other)}",
                    mend=replace(cause.mend, text=text),
                )
    return cause


def before(parameter: str, field: str, other: str) -> str:
    """That a parameter or field hides another, in words."""
    which = f"which is bound to `{other}`" if field == BOUND else f"which names `{other}`"
    return f"{parameter} goes before {field}, {which}"


def _what(field: str) -> str:
    return "what the SMTP credential is bound to" if field == BOUND else f"{field} of the message"


def _bare(address: str) -> str:
    return address.rpartition("<")[2].rstrip("> ")


def _covers(arn: str, address: str) -> bool:
    return covers_address(arn.partition(":identity/")[2], address)


def _is_for_two(failed: Mapping[str, Any], arn: str) -> bool:
    """Whether the ARN stands in the parameter of v2 that is for From and Source, of which it covers the other one."""
    is_there = any(name == _OF_BOTH and value == arn for name, value in failed.get("named", ()))
    return is_there and failed.get("use") in ("From", "Source") and _covers(arn, _other_of_two(failed))


def _other_of_two(failed: Mapping[str, Any]) -> str:
    return str(failed.get("source" if failed.get("use") == "From" else "from_address") or "")


def _instead(
    failed: Mapping[str, Any],
    parameter: str,
    arn: str,
    right: str,
    own: Collection[str],
    *,
    is_hidden: bool = False,
) -> Mend:
    """Name the right ARN in the parameter; or leave that out where it is for an address that is not covered then."""
    by_use = {"From": str(failed.get("from_address") or ""), "Source": str(failed.get("source") or "")}
    if parameter != _OF_BOTH or all(_covers(right, address) for address in by_use.values()):
        drop = f"leave {parameter} out, or " if is_hidden else ""
        return Mend(
            how=How.SET_PARAMETER,
            text=f"{drop}name `{right}` in it" if drop else f"name `{right}` in {parameter}",
            details={"parameter": parameter, "value": right},
        )
    there = {field: other for _, field, other in hidden(failed, arn)}
    fields = {}
    for use, field in (("Source", _FIELDS["source"]), ("From", _FIELDS["from"])):
        named = [there.get(field, ""), right, arn]
        fits = next((one for one in named if one and _covers(one, by_use[use])), None)
        if fits is not None and fits not in own:
            fields[field] = fits
    also = " and ".join(f"`{one}` in {field}" for field, one in fields.items())
    return Mend(
        how=How.DROP_PARAMETER,
        text=f"leave {parameter} out, and name {also} of the message",
        details={"parameter": parameter, "fields": fields},
    )
