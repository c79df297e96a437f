"""Causes of an identity that is in another region than the one that was called."""

from collections.abc import Sequence
from dataclasses import replace

from sesame.access.causes.asked import Asked
from sesame.access.causes.mends import arn_of, smtp_credentials, verify
from sesame.aws.arn import Arn
from sesame.model import Identity
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader


def arn_region(asked: Asked, arn: str, address: str) -> Cause:
    """The ARN's region is not the one that was called."""
    region = Arn.parse(arn).region
    if region in ("", "*"):
        field = asked.field_of(arn)
        parts = arn.split(":")
        right = ":".join([*parts[:3], asked.record.region, *parts[4:]])
        text = f"`{arn}` names no region: that is for endpoints of several regions, which are not served"
        return Cause(code=Code.ARN_MALFORMED, text=text, mend=asked.name_in(field, arn, right))
    text = f"`{arn}` is of region {region}, and the call was to {asked.record.region}"
    lent = list(asked.around.lent_here.get(address, ()))
    if lent and asked.reader is not Reader.OWNER:
        field = asked.field_of(arn)
        text += f", where a policy of `{lent[0]}` names you"
        return Cause(code=Code.REGION, text=text, mend=asked.name_in(field, arn, lent[0]))
    found = region_cause(asked, text, region, None)
    if asked.door == "smtp" or asked.reader is Reader.OWNER:
        return found
    here = f"; or, if the identity is in {asked.record.region}, name its ARN of that region in {asked.field_of(arn)}"
    return replace(found, mend=replace(found.mend, text=found.mend.text + here))


def region_cause(asked: Asked, text: str, region: str, arn: str | None) -> Cause:
    """What is in `region` was asked for in another one; `arn` is what to name there."""
    account, is_owners = asked.record.account_id, asked.reader is Reader.OWNER
    if asked.door == "smtp":
        mend = smtp_credentials(account, region, asked.decision["principal"], key=asked.key)
        if is_owners:
            what = f"the sender, account {account}, makes its SMTP password for region {region}"
            mend = Mend(
                how=How.ASK,
                text=f"there is nothing to do on your side: {what}, as its own decisions say",
                details={"whom": "sender", "account": account, "region": region},
            )
        return Cause(
            code=Code.PASSWORD_REGION,
            text=f"{text}: the SMTP password was derived for {asked.record.region}, which makes that the region"
            " of the session",
            mend=mend,
        )
    details = {"region": region} | ({"arn": arn} if arn else {})
    named = f", with the ARN `{arn}`" if arn else ""
    call = "the sender calls" if is_owners else "call"
    return Cause(
        code=Code.REGION,
        text=text,
        mend=Mend(how=How.CALL_REGION, text=f"{call} region {region}{named}", details=details),
    )


def in_other_region(asked: Asked, address: str, verified: Sequence[Identity], arn: str | None) -> Cause:
    """Identities that cover an address are `verified` in another region; `arn` is the one that was named."""
    one = verified[0]
    other = arn_of(one) if arn is not None else None
    text = (
        f"`{one.name}`, which covers `{address}`, is registered in {one.region}, and the call was to"
        f" {asked.record.region}"
    )
    return region_cause(asked, text, one.region, other)


def is_right_for_from(asked: Asked, use: str) -> bool:
    """Whether the call is to the right region for From, so that another address cannot take it elsewhere."""
    failed = set(asked.decision.get("unverified", ()))
    return use != "From" and not any(sender[0] == "From" and sender[2] in failed for sender in asked.senders)


def own_in_other_region(asked: Asked, use: str, address: str, verified: Sequence[Identity]) -> Cause:
    """As `in_other_region`; where From is right here, the call is to the right region."""
    found = in_other_region(asked, address, verified, None)
    if not is_right_for_from(asked, use):
        return found
    name = verified[0].name
    mend = verify(asked.record.account_id, asked.record.region, name)
    if use in ("Sender", "Return-Path"):
        mend = replace(mend, text=f"{mend.text}; or leave {asked.dropped(use)} out")
    return Cause(code=Code.REGION, text=found.text.partition(": the SMTP")[0], mend=mend)
