"""Causes of the configuration sets and templates that a message uses: not there, switched off, or named by no name."""

import re
from collections.abc import Mapping
from typing import Any

from sesame.access.causes.around import Around
from sesame.access.causes.slips import bare_name
from sesame.policy.reasons.cause import Cause, Code, How, Mend
from sesame.store.decisions import DecisionRecord


def paused_cause(record: DecisionRecord, decision: Mapping[str, Any], around: Around) -> Cause:
    """Sending is switched off: for the account, or for the configuration set."""
    name, is_default = decision.get("failed", {}).get("ConfigurationSetName"), False
    if name is None and record.code == "ConfigurationSetSendingPausedException":
        name, is_default = record.reason.rpartition(" ")[2], True  # in the API's words
    if name is None and around.is_shut_down:
        account, region = record.account_id, record.region
        return Cause(
            code=Code.PAUSED,
            text=f"account {account} is paused in {region}, by its bounces and complaints or by the operator: it cannot"
            " end that itself",
            mend=Mend(
                how=How.ASK,
                text="ask the operator, who runs"
                f" `sesame account reinstate {account} --region {region} --reason REASON`",
                details={"whom": "operator", "account": account},
            ),
        )
    details: dict[str, Any] = {"account": record.account_id, "region": record.region}
    if name is not None:
        text = f"sending is switched off for the configuration set `{name}`"
        command = (
            f"aws sesv2 put-configuration-set-sending-options --configuration-set-name {name} --sending-enabled"
            f" --region {record.region}"
        )
        details["configuration_set"] = name
        if is_default:
            identity = _from_identity(decision)
            text += f", which is the default of the identity `{identity}`: the message names none"
            return Cause(
                code=Code.PAUSED,
                text=text,
                mend=Mend(
                    how=How.ENABLE_SENDING,
                    text=f"`{command}`; or name another configuration set in the message; or take this one from the"
                    f" identity: `{_without_default(record, identity)}`",
                    details=details,
                ),
            )
    else:
        text = f"account {record.account_id} has switched its sending off in {record.region}"
        command = f"aws ses update-account-sending-enabled --enabled --region {record.region}"
    return Cause(
        code=Code.PAUSED, text=text, mend=Mend(how=How.ENABLE_SENDING, text=f"`{command}`", details=details)
    )


def lost_default(record: DecisionRecord, decision: Mapping[str, Any]) -> Cause:
    """The default set of the sender's own identity was deleted."""
    name = re.sub(r".*?<(.*)>.*", r"\1", record.reason)
    identity = _from_identity(decision)
    where = f"account {record.account_id}, {record.region}"
    command = _without_default(record, identity)
    return Cause(
        code=Code.OTHERS_RESOURCE,
        text=f"the configuration set `{name}` is the default of the identity `{identity}`, and is not in {where}",
        mend=Mend(
            how=How.CREATE_RESOURCE,
            text=f"create it there, or take it from the identity: `{command}`",
            details={
                "resource": "configuration-set",
                "name": name,
                "account": record.account_id,
                "region": record.region,
                "near": None,
            },
        ),
    )


def _from_identity(decision: Mapping[str, Any]) -> str:
    """The name of the identity that From rests on."""
    arn = next((check["arn"] for check in decision["checks"] if "From" in check["uses"]), "")
    return str(arn).partition(":identity/")[2]


def _without_default(record: DecisionRecord, identity: str) -> str:
    """The command by which an identity has no default configuration set any more."""
    return (
        f"aws sesv2 put-email-identity-configuration-set-attributes --email-identity {identity} --region"
        f" {record.region}"
    )


def resource_cause(record: DecisionRecord, failed: Mapping[str, Any], around: Around) -> Cause:
    """A configuration set or template that is not there under the name that was given."""
    kind, name = "configuration set", failed.get("ConfigurationSetName")
    if name is None:
        kind, name = "template", failed.get("TemplateName")
    if name is None:  # as it was kept with a decision, in the API's words
        name = re.sub(r".*?<(.*)>.*", r"\1", record.reason)
    if (bare := bare_name(name)) is not None:
        return _not_a_name(record, failed, kind, (name, bare))
    if not _NAME.fullmatch(name):
        return _impossible_name(record, failed, kind, name, around.near_resource)
    other = [region for region in around.regions_of_resource if region != record.region]
    there = f"; this account has one of that name in {', '.join(other)}" if other else ""
    there = f"; there is `{around.near_resource}`" if around.near_resource else there
    where = f"account {record.account_id}, {record.region}"
    text = f"the {kind} `{name}` was looked for in {where}, and is not there{there}"
    instead = f"write `{around.near_resource}` in place of `{name}`, or " if around.near_resource else ""
    sent_there = [region for region in other if region in around.regions_of_from]
    elsewhere = f", or send in {' or '.join(sent_there)}, where From is verified too" if sent_there else ""
    return Cause(
        code=Code.OTHERS_RESOURCE,
        text=text,
        mend=Mend(
            how=How.CREATE_RESOURCE,
            text=f"{instead}create it in {where}{elsewhere}{_or_without(record, failed, kind)}",
            details={
                "resource": kind.replace(" ", "-"),
                "name": name,
                "account": record.account_id,
                "region": record.region,
                "near": around.near_resource,
            },
        ),
    )


_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What a configuration set or template may be called."""


def _or_without(record: DecisionRecord, failed: Mapping[str, Any], kind: str) -> str:
    """To send without, which no message made from a template can; and whose it has to be, for a delegate."""
    without = ", or leave it out" if kind == "configuration set" else ""
    owners = [str(arn).split(":")[4:5] for _, arn in failed.get("named", ())]
    is_delegate = any(owner not in ([record.account_id], []) for owner in owners)
    return f"{without}: a delegate uses {kind}s of its own account" if is_delegate else without


def _impossible_name(
    record: DecisionRecord, failed: Mapping[str, Any], kind: str, name: str, near: str | None
) -> Cause:
    """A name that nothing can have: there is nothing to create."""
    parameter = _parameter_of(kind, failed)
    rule = f"a {kind}'s name has letters, digits, `-` and `_` alone, at most 64"
    to_write = f"write `{near}` in place of `{name}`" if near else "write the name of one that is there"
    to_write += f" in {parameter}"
    return Cause(
        code=Code.OTHERS_RESOURCE,
        text=f"`{name}` cannot be the name of a {kind}: {rule}" + (f"; there is `{near}`" if near else ""),
        mend=Mend(
            how=How.SET_PARAMETER,
            text=to_write + _or_without(record, failed, kind),
            details={"parameter": parameter, "value": near},
        ),
    )


_NAMED_IN = {
    ("configuration set", "smtp"): "X-SES-CONFIGURATION-SET",
    ("configuration set", "v1"): "ConfigurationSetName",
    ("configuration set", "v2"): "ConfigurationSetName",
}
"""Which parameter or field names what a message uses, by door."""


def _parameter_of(kind: str, failed: Mapping[str, Any]) -> str:
    return _NAMED_IN.get((kind, str(failed.get("door"))), "Template (v2: TemplateName)")


def _not_a_name(
    record: DecisionRecord, failed: Mapping[str, Any], kind: str, written: tuple[str, str]
) -> Cause:
    """An ARN, or a part of one, where a name is looked up."""
    text, bare = written
    parameter = _parameter_of(kind, failed)
    what = "an ARN" if text.startswith("arn:") else "a part of an ARN"
    other = text.split(":")[4] if text.startswith("arn:") and text.count(":") >= 5 else record.account_id
    is_others = other != record.account_id
    own = f"; {kind}s are looked up in the account that sends, and it is of {other}" * is_others
    return Cause(
        code=Code.OTHERS_RESOURCE,
        text=f"`{text}` is {what}, and a {kind} is looked up by the name alone{own}",
        mend=Mend(
            how=How.SET_PARAMETER,
            text=f"write `{bare}` in {parameter}",
            details={"parameter": parameter, "value": bare},
        ),
    )
