"""Causes of an address for which no ARN was named, and which no verified identity of the sender's covers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sesame.access.causes.asked import Asked
from sesame.access.causes.mends import SAMPLES, never_public, set_parameter, verify
from sesame.access.causes.regions import is_right_for_from, region_cause
from sesame.aws.arn import Arn
from sesame.policy.reasons.cause import Cause, Code, How, Mend


def no_arn(asked: Asked, use: str, address: str, *, pending: Mapping[str, Any] | None = None) -> Cause:
    """No ARN was named for an address, and no verified identity of the sender covers it."""
    parameter = asked.parameter_for(use, address, None) or asked.parameter(use)
    account, region = asked.record.account_id, asked.record.region
    called = "" if use == "From" else f"{asked.called(use)} "
    text = f"account {account} has no verified identity in {region} that covers {called}`{address}`"
    if pending is not None:
        name = Arn.parse(pending["arn"]).resource.removeprefix("identity/")
        text += f" (`{name}` is {pending['verification']})"
    waiting = [one for one in asked.around.of(account, address) if one.region != region]
    if waiting and pending is None:
        text += f"; `{waiting[0].name}` is registered in {waiting[0].region}, and not verified there"
    around = asked.around
    of_others = (around.lent, around.lent_in_part, around.lent_there, around.lent_there_in_part)
    is_lent = any(some.get(address) for some in of_others)
    text = f"you named no ARN, and {text}" if is_lent else f"{text}, and you named no ARN for it"
    if (lends := _from_others(asked, use, address, text)) is not None:
        return lends
    if (top := never_public(address)) is not None:
        what = asked.called(use)
        return Cause(
            code=Code.NO_ARN,
            text=f"{text}; it looks like what a program sends as when its sender is not set: nothing under `{top}`"
            " can be verified",
            mend=Mend(
                how=How.SET_PARAMETER,
                text=f"set the sender of the program (From and the envelope's, {what} here) to an address that a"
                " verified identity covers",
                details={"parameter": what, "value": None},
            ),
        )
    if (instead := _instead_of(asked, use, address)) is not None:
        return Cause(code=Code.NO_ARN, text=text, mend=instead)
    domain = address.rpartition("@")[2]
    mend = verify(account, region, domain.lower())
    more = ""
    if (near := asked.around.near.get(address)) is not None:
        text += f"; did you mean `{near}`?"
        more = f"; or send as `{near}`"
    if (other := asked.around.other_case.get(address)) is not None:
        text = text.removesuffix(f"; did you mean `{near}`?")
        text += f"; `{other}` is another address to it, since the part before the @ is case-sensitive"
        more = f"; or send as `{other}`"
    if domain.lower() in SAMPLES:
        more += f"; or, where `{domain.lower()}` is left of a sample, set the sender of the program (From) to yours"
    more += f"; or, if another account lends it to you, name its ARN in {parameter}"
    return Cause(
        code=Code.NO_ARN,
        text=text,
        mend=Mend(how=mend.how, text=mend.text + more, details={**mend.details, "parameter": parameter}),
    )


def _from_others(asked: Asked, use: str, address: str, text: str) -> Cause | None:
    """An identity of another account's whose policies name the sender; `text` says what is not there."""
    if lent := list(asked.around.lent.get(address, ())):
        owner = Arn.parse(lent[0]).account_id
        text = f"{text}; a policy of account {owner} lends it to you"
        return Cause(code=Code.NO_ARN, text=text, mend=_name_lent(asked, use, address, lent[0]))
    if in_part := list(asked.around.lent_in_part.get(address, ())):
        arn = in_part[0]
        owner, name = Arn.parse(arn).account_id, arn.partition(":identity/")[2]
        text += f"; a policy of account {owner} names you for `{name}`, and does not let this message through"
        mend = _name_lent(asked, use, address, arn)
        more = f"; what keeps it out remains, for account {owner} to change or you to send otherwise"
        return Cause(code=Code.NO_ARN, text=text, mend=replace(mend, text=mend.text + more))
    for is_whole, found in ((True, asked.around.lent_there), (False, asked.around.lent_there_in_part)):
        if there := list(found.get(address, ())):
            return _lent_there(asked, use, address, text, there[0], is_whole=is_whole)
    return None


def _lent_there(asked: Asked, use: str, address: str, text: str, arn: str, *, is_whole: bool) -> Cause:
    """An identity that another account lends to the sender in another region; `is_whole` if for this message."""
    at = Arn.parse(arn)
    name = arn.partition(":identity/")[2]
    if is_whole:
        text += f"; a policy of account {at.account_id} lends it to you in {at.region}, where it is verified"
    else:
        text += (
            f"; a policy of account {at.account_id} names you for `{name}` in {at.region}, where it is verified,"
            " and does not let this message through"
        )
    if is_right_for_from(asked, use):  # elsewhere From would be missing
        ask = f"ask account {at.account_id} to verify `{name}` in {asked.record.region} and lend it there"
        return Cause(code=Code.REGION, text=text, mend=_without(asked, use, ask))
    parameter = asked.parameter_for(use, address, None) or asked.parameter(use)
    found = region_cause(asked, text, at.region, arn)
    named = f" --as {arn}" if asked.door == "smtp" else f" in {parameter}"
    mend = found.mend
    told = f"{mend.text.removesuffix('`')}{named}`" if asked.door == "smtp" else f"{mend.text}{named}"
    details = {**mend.details, "arn": arn} | ({} if asked.door == "smtp" else {"parameter": parameter})
    return replace(found, mend=replace(mend, text=told, details=details))


def _without(asked: Asked, use: str, otherwise: str) -> Mend:
    """Leave an address out, or, where there is always one, send with that of From in its place."""
    if use != "Source":
        field = asked.dropped(use)
        return Mend(
            how=How.DROP_PARAMETER, text=f"leave {field} out, or {otherwise}", details={"parameter": field}
        )
    sender = next(one[1] for one in asked.senders if one[0] == "From")
    field = asked.called(use)
    return Mend(
        how=How.SET_PARAMETER,
        text=f"send with `{sender}` as {field}, or {otherwise}",
        details={"parameter": field, "value": sender},
    )


def _name_lent(asked: Asked, use: str, address: str, arn: str) -> Mend:
    """Name an ARN of another account's; where only the credential can do that, or leave the field out."""
    parameter = asked.parameter_for(use, address, arn)
    by_smtp = "make the credential with `sesame smtp credentials --as ARN`" if asked.door == "smtp" else ""
    if parameter is not None:
        return set_parameter(parameter, arn, more=f" (or {by_smtp})" if by_smtp else "")
    field = asked.dropped(use)
    return Mend(
        how=How.DROP_PARAMETER,
        text=f"leave {field} out: no field can name `{arn}` for it alone{f'; or {by_smtp}' if by_smtp else ''}",
        details={"parameter": field},
    )


def _instead_of(asked: Asked, use: str, address: str) -> Mend | None:
    """What to do about an address beside another one of the message that is verified."""
    failed = set(asked.decision.get("unverified", ()))
    good = next((one for one in asked.senders if one[2] not in failed and one[1] != address), None)
    if good is None:
        return None
    domain = address.rpartition("@")[2]
    verified = f"verify `{domain.lower()}` in account {asked.record.account_id}, region {asked.record.region}"
    parameter = asked.parameter_for(use, address, None)
    lender = f"or name the ARN of whoever lends it to you in {parameter}"
    if use in ("Sender", "Return-Path"):
        ways = f"{verified}, {lender}" if parameter else f"or {verified}"
        return Mend(
            how=How.DROP_PARAMETER,
            text=f"leave {asked.dropped(use)} out, {ways}",
            details={"parameter": asked.dropped(use)} | ({"or": parameter} if parameter else {}),
        )
    field = asked.called(use)
    answers = f" (and `{address}` in Reply-To, if answers shall go there)" if use == "From" else ""
    return Mend(
        how=How.SET_PARAMETER,
        text=f"write `{good[1]}`, which is verified, in {field}{answers}; or {verified}; {lender}",
        details={"parameter": field, "value": good[1]},
    )
