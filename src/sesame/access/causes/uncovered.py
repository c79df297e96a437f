"""Causes of an address that none of the ARNs which were named covers, and of fields that were to name one."""

from collections.abc import Sequence

from sesame.access.causes.asked import Asked
from sesame.access.causes.fields import covers_address, from_field, only_first_counts
from sesame.access.causes.mends import joined, rename_field, set_parameter
from sesame.access.record import BOUND
from sesame.policy.reasons.cause import Cause, Code, How, Mend

_SOURCES = ("SourceArn", "X-SES-SOURCE-ARN")


def uncovered(asked: Asked, uses: Sequence[str], address: str) -> Cause:
    """Other addresses have an ARN, this one has none that covers it."""
    tried = min(asked.named, key=lambda one: (one[0] == BOUND, one[0] not in _SOURCES))[1]
    use, parameter = uses[0], asked.parameter(uses[0])
    lent = list(asked.around.lent.get(address, ()))
    if (elsewhere := _named_elsewhere(asked, uses, address, lent)) is not None:
        return elsewhere
    text = (
        f"{asked.in_words(uses, address)} covered by no ARN: `{tried}` does not cover it, nor does an identity"
        " of your own"
    )
    by_source = next((sender[1] for sender in asked.senders if sender[0] == "Source" and sender[3]), None)
    if use == "From" and by_source is not None:
        return Cause(code=Code.USE_UNCOVERED, text=text, mend=_mend_from(asked, address, by_source, lent))
    if lent and use != "Sender":
        return Cause(code=Code.USE_UNCOVERED, text=text, mend=set_parameter(parameter, lent[0]))
    if use in ("Sender", "Return-Path"):
        fits = asked.parameter_for(use, address, None)
        to_name = f"`{lent[0]}`" if lent else "an ARN that covers it"
        otherwise = f"name {to_name} in {fits}" if fits else _other_sender(tried)
        mend = Mend(
            how=How.DROP_PARAMETER,
            text=f"leave {asked.dropped(use)} out, or {otherwise}",
            details={"parameter": asked.dropped(use)} | ({"or": fits} if fits else {}),
        )
        return Cause(code=Code.USE_UNCOVERED, text=text, mend=mend)
    covered = next((sender[1] for sender in asked.senders if sender[0] == "From" and sender[3]), None)
    if use == "Source" and covered is not None:
        source = "MAIL FROM" if asked.door == "smtp" else "Source"
        mend = Mend(
            how=How.SET_PARAMETER,
            text=f"send with `{covered}` as {source}, or name an ARN that covers `{address}` in {parameter}",
            details={"parameter": source, "value": covered},
        )
        return Cause(code=Code.USE_UNCOVERED, text=text, mend=mend)
    return Cause(
        code=Code.USE_UNCOVERED,
        text=text,
        mend=set_parameter(parameter, None, f"an ARN that covers `{address}`"),
    )


def _other_sender(tried: str) -> str:
    """What a Sender may be where no field can name an ARN for it that would not be wrong for From."""
    name = tried.partition(":identity/")[2]
    return f"write an address in it that `{name}` or an identity of your own covers"


def _named_elsewhere(asked: Asked, uses: Sequence[str], address: str, lent: Sequence[str]) -> Cause | None:
    """An ARN that covers the address was named where it counts for another alone."""
    covering = [
        (name, arn) for name, arn in asked.named if covers_address(arn.partition(":identity/")[2], address)
    ]
    if not covering:
        return None
    parameter, arn = covering[0]
    right = arn if arn in lent or not lent else lent[0]
    what = "the return path" if "RETURN" in parameter.upper() or "Feedback" in parameter else "From"
    verb = "has" if len(uses) == 1 else "have"
    text = f"`{arn}` was named in {parameter}, which counts for {what} alone:"
    text += f" {joined(uses)} `{address}` {verb} no ARN"
    field = asked.parameter_for(uses[0], address, right)
    if field is None:
        mend = Mend(
            how=How.DROP_PARAMETER,
            text=f"leave {asked.dropped(uses[0])} out",
            details={"parameter": asked.dropped(uses[0])},
        )
        return Cause(code=Code.USE_UNCOVERED, text=text, mend=mend)
    return Cause(code=Code.USE_UNCOVERED, text=text, mend=set_parameter(field, right))


def _mend_from(asked: Asked, address: str, by_source: str, lent: Sequence[str]) -> Mend:
    """From is another address than Source, which has its ARN and keeps it."""
    parameter = from_field(asked.door)
    if lent and parameter:
        return set_parameter(parameter, lent[0])
    more = f", or name an ARN that covers `{address}` in {parameter}" if parameter else ""
    return Mend(
        how=How.SET_PARAMETER,
        text=f"write `{by_source}`, which is covered, in the From field{more}",
        details={"parameter": parameter, "value": None, "or": "From"}
        if parameter
        else {"parameter": "From", "value": by_source},
    )


def odd_field(asked: Asked, use: str, address: str) -> Cause | None:
    """A field that was meant to name the ARN, and does not."""
    named = {name for name, _ in asked.named}
    for what, written, right in asked.odd:
        if what == "guessed" and right in asked.around.lent.get(address, ()):
            field = asked.parameter_for(use, address, right)
            if field is not None and field not in named:
                text = f"the field `{written}` is not known, so no ARN was named for `{address}`"
                return Cause(code=Code.HEADER, text=text, mend=set_parameter(field, right))
        if what == "misspelt" and right.endswith("-ARN") and right not in named:
            return Cause(
                code=Code.HEADER,
                text=f"the field `{written}` is not known, so no ARN was named for `{address}`: it is `{right}`",
                mend=rename_field(written, right),
            )
        if what == "in body" and right.endswith("-ARN") and right not in named:
            lent = next(iter(asked.around.lent.get(address, ())), None)
            where = " among the fields of the header, before the empty line"
            return Cause(
                code=Code.HEADER,
                text=f"`{written}` stands in the body, behind the empty line that ends the header, so no ARN was"
                f" named for `{address}`",
                mend=set_parameter(right, lent, "the ARN", where),
            )
        if what == "second" and right.endswith("-ARN"):
            return only_first_counts(right, address)
    return None
