"""Causes of what failed without policies: before a decision, at a log-in, or by a limit."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sesame.access.causes.alignment import alignment_cause
from sesame.access.causes.around import Around
from sesame.access.causes.documents import KIND, document_cause
from sesame.access.causes.malformed import malformed_cause
from sesame.access.causes.signed import signature_cause, smtp_login_cause
from sesame.access.causes.slips import (
    command_mend,
    header_slip,
    rule_change,
    rule_mend,
    what_is_wrong,
)
from sesame.access.causes.used import lost_default, paused_cause, resource_cause
from sesame.policy.reasons.cause import Cause, Code, How, Mend
from sesame.store.decisions import DecisionRecord

_X_SES = re.compile(r"(?i)header '(x-ses-[^']*)'")
_BY_PARAMETER = {"v1": "SourceArn", "v2": "FromEmailAddressIdentityArn"}

_SIGNATURES = {
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "MissingAuthenticationToken",
    "IncompleteSignature",
    "ExpiredToken",
    "RequestExpired",
}


def failure_cause(record: DecisionRecord, decision: Mapping[str, Any], around: Around) -> Cause:
    """The cause of a failure, by its kind and the code that was answered."""
    failed = decision.get("failed", {})
    by_error: Mapping[str, Callable[[], Cause]] = {
        "DoesNotAlign": lambda: alignment_cause(record, failed, around),
        "CommandRefused": lambda: _refused_command(record, failed),
        "InvalidIdentityArn": lambda: malformed_cause(record, failed, around),
        "WrongCredentials": lambda: smtp_login_cause(record, decision, failed),
        "TooManyFailures": lambda: smtp_login_cause(record, decision, {"why": "too-many"}),
        "ConfigurationSetSendingPaused": lambda: _then_policies(
            paused_cause(record, decision, around), decision
        ),
    }
    if (found := by_error.get(failed.get("error", ""))) is not None:
        return found()
    if KIND in failed:
        return document_cause(record.reason, failed)
    match record.code:
        case "AccountSendingPausedException" | "ConfigurationSetSendingPausedException":
            return paused_cause(record, decision, around)
        case "ConfigurationSetDoesNotExist" | "TemplateDoesNotExist":
            is_set = record.code == "ConfigurationSetDoesNotExist"
            if is_set and "ConfigurationSetName" not in failed:  # it was looked for after the decision
                return lost_default(record, decision)
            missing = resource_cause(record, failed, around)
            return _then_policies(missing, decision) if "error" in failed else missing
        case "Throttling" | "LimitExceededException" | "TooManyRequestsException":
            if "rate" in record.reason.lower():
                return _rate(record, around)
            return quota_cause(record, around, decision.get("limit", {}).get("own"))
        case code if code in _SIGNATURES:
            return signature_cause(record, decision, failed)
        case _:
            return _message(record, failed)


def _then_policies(cause: Cause, decision: Mapping[str, Any]) -> Cause:
    """What a send fails for before policies are asked, with that they are asked then, unless it is known already."""
    if decision["checks"]:
        return cause
    more = "; policies were not asked yet, and decide then"
    return replace(cause, mend=replace(cause.mend, text=f"{cause.mend.text}{more}"))


def quota_cause(record: DecisionRecord, around: Around, asked: int | None) -> Cause:
    """That the account's own quota of a day has no room for a message to `asked` recipients (None: not known)."""
    account, state, way_out = record.account_id, around.state, "send later"
    if state is None:
        text = f"account {account} has reached its 24-hour quota in {record.region}"
    elif state.max_24_hour_send == 0:
        text, way_out = f"account {account} may send nothing in {record.region}: its 24-hour quota is 0", ""
    else:
        most, used = state.max_24_hour_send, state.sent_last_24_hours
        is_used_up = asked is None or used >= most
        text = f"account {account} has {'reached its' if is_used_up else 'a'} 24-hour quota of {most:g}, "
        text += f"with {used} used in {record.region}" + (
            "" if is_used_up else f"; this message has {asked} recipients"
        )
        if asked is not None and asked > most:
            way_out = (
                f"no day has room for it: send it to at most {most:g} recipients a day, in several messages"
            )
    return _raise_quota(record, text, way_out, option="--max-24h", limit="24-hours")


def _rate(record: DecisionRecord, around: Around) -> Cause:
    state, way_out = around.state, "send slower"
    limit = "" if state is None else f" of {state.max_send_rate:g} recipients a second"
    text = f"account {record.account_id} has reached its sending rate{limit} in {record.region}"
    if state is not None and state.max_send_rate == 0:
        text, way_out = (
            f"account {record.account_id} may send nothing in {record.region}: its sending rate is 0",
            "",
        )
    return _raise_quota(record, text, way_out, option="--rate", limit="rate")


def _raise_quota(record: DecisionRecord, text: str, way_out: str, *, option: str, limit: str) -> Cause:
    """`way_out` is what the sender does in its place, "" for nothing."""
    account, either = record.account_id, f"{way_out}, or " if way_out else ""
    command = f"sesame account set-quota {account} {option} N --region {record.region}"
    return Cause(
        code=Code.QUOTA,
        text=text,
        mend=Mend(
            how=How.RAISE_QUOTA,
            text=f"{either}the operator runs `{command}`",
            details={"account": account, "region": record.region, "limit": limit},
        ),
    )


def changed(reason: str, failed: Mapping[str, Any]) -> Mend:
    """What to change in a message that breaks a rule, by SES's text of it."""
    text = rule_mend(reason, failed)
    return Mend(how=How.CHANGE_MESSAGE, text=text, details=rule_change(reason, failed, text))


def _message(record: DecisionRecord, failed: Mapping[str, Any]) -> Cause:
    if (field := _X_SES.search(record.reason)) is not None:
        if "cannot be honoured" in record.reason:
            why = record.reason.rpartition(": ")[2].rstrip(".")
            return Cause(
                code=Code.HEADER,
                text=f"the field `{field[1]}` asks for what is not here: {why}",
                mend=Mend(
                    how=How.DROP_PARAMETER,
                    text="leave the field out",
                    details={"parameter": field[1]},
                ),
            )
        parameter = _BY_PARAMETER.get(str(failed.get("door")), "its parameter")
        return Cause(
            code=Code.HEADER,
            text=f"the field `{field[1]}` is where X-SES fields are not read: they are for raw messages and SMTP",
            mend=Mend(
                how=How.DROP_PARAMETER,
                text=f"name the ARN in {parameter}, and leave the field out",
                details={"parameter": field[1], "or": parameter},
            ),
        )
    if "template_arn" in failed:
        return _others_template(record, failed)
    value = failed.get("unreadable")
    seen = f": `{value}`{what_is_wrong(value, failed.get('unreadable_in'))}" if value else header_slip(failed)
    if failed.get("command") == "MAIL" and not value:
        seen = ": `<>`, the null sender"
    return Cause(
        code=Code.MESSAGE,
        text=f"the request breaks a rule: {record.reason.rstrip('.')}{seen}",
        mend=changed(record.reason, failed),
    )


def _refused_command(record: DecisionRecord, failed: Mapping[str, Any]) -> Cause:
    """What the SMTP server answered to something that is no message, or none that it takes."""
    what = failed.get("command") or "a command"
    return Cause(
        code=Code.MESSAGE,
        text=f"the server answered {what} with `{record.code} {record.reason}`",
        mend=Mend(
            how=How.CHANGE_MESSAGE,
            text=command_mend(record.reason),
            details={"field": None, "from": None, "to": None},
        ),
    )


def _others_template(record: DecisionRecord, failed: Mapping[str, Any]) -> Cause:
    """A template's ARN of another account or region than the request's."""
    text = str(failed["template_arn"])
    _, _, _, region, account, resource = text.split(":", 5)
    whose = f"of account {account}" if account != record.account_id else f"in {region}"
    right = f"arn:aws:ses:{record.region}:{record.account_id}:{resource}"
    return Cause(
        code=Code.MESSAGE,
        text=f"the template of TemplateArn, `{text}`, is {whose}; a message is made from a template of the sender's own"
        f" account, {record.account_id}, in the region called, {record.region}",
        mend=Mend(
            how=How.SET_PARAMETER,
            text=f"create the template there, and name it in TemplateArn as `{right}`, or leave TemplateArn out",
            details={"parameter": "TemplateArn", "value": right},
        ),
    )
