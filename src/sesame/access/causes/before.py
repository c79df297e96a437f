"""Causes of what failed without policies: before a decision, at a log-in, or by a limit."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sesame.access.causes.addresses import arn_or_none, covers_address
from sesame.access.causes.around import Around
from sesame.policy.reasons.cause import Cause, Code, How, Mend
from sesame.store.decisions import DecisionRecord

TEMPORARY = "ASIA"
"""How the access key id of a session begins."""

_X_SES = re.compile(r"(?i)header '(x-ses-[^']*)'")
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
        "DoesNotAlign": lambda: _does_not_align(failed),
        "InvalidIdentityArn": lambda: _malformed(record, failed),
        "WrongCredentials": lambda: _smtp_login(record, failed),
        "TooManyFailures": lambda: _smtp_login(record, {"why": "too-many"}),
        "ConfigurationSetSendingPaused": lambda: _paused(record, failed),
    }
    if (found := by_error.get(failed.get("error", ""))) is not None:
        return found()
    match record.code:
        case "AccountSendingPausedException" | "ConfigurationSetSendingPausedException":
            return _paused(record, failed)
        case "ConfigurationSetDoesNotExist" | "TemplateDoesNotExist":
            return _others_resource(record, failed, around)
        case "Throttling" | "LimitExceededException" | "TooManyRequestsException":
            return _quota(record, around)
        case code if code in _SIGNATURES:
            return _signature(record, failed)
        case _:
            return _message(record)


def _does_not_align(failed: Mapping[str, Any]) -> Cause:
    address, arn = failed["address"], failed["arn"]
    second = next((right for what, _, right in failed.get("odd", ()) if what == "second"), "")
    if second.endswith("-ARN"):
        return Cause(
            code=Code.HEADER,
            text=f"`{second}` occurs more than once, and only its first instance, `{arn}`, is read, which does not"
            f" cover `{address}`",
            mend=Mend(
                how=How.DROP_PARAMETER,
                text=f"keep only the instance of `{second}` that covers `{address}` alone",
                details={"parameter": second, "instance": "first"},
            ),
        )
    name = arn.partition(":identity/")[2]
    spec = address.rpartition("<")[2].rstrip("> ")
    _, _, domain = spec.rpartition("@")
    hint = ""
    if name.lower() == spec.lower() or name.lower() == domain.lower():
        hint = "; they differ in the case of the local part"
    elif "@" not in name and name.lower().endswith(f".{domain.lower()}"):
        hint = f"; a domain covers its subdomains, and `{domain}` is none of `{name}`"
    elif "@" in name and domain.lower() == name.rpartition("@")[2].lower():
        hint = f"; the ARN is of the address `{name}`, not of its domain"
    elif "@" not in name and not covers_address(name, spec):
        hint = f"; the address is at `{domain}`"
    parameter = _named(failed, arn)
    return Cause(
        code=Code.DOES_NOT_ALIGN,
        text=f"the identity of `{arn}` does not cover `{address}`{hint}",
        mend=Mend(
            how=How.SET_PARAMETER,
            text=f"name in {parameter} the ARN of `{spec}` or of `{domain}`, or send from an address that `{name}`"
            " covers",
            details={"parameter": parameter, "value": None, "address": spec, "arn": arn},
        ),
    )


def _malformed(record: DecisionRecord, failed: Mapping[str, Any]) -> Cause:
    text = failed["arn"]
    arn = arn_or_none(text)
    if arn is None and text.count(":") < 5:
        wrong = "it is not an ARN"
    elif arn is None:
        wrong = "a part of it cannot be"
    elif arn.service != "ses":
        wrong = f"it is an ARN of `{arn.service}`, not of `ses`"
    elif not arn.account_id:
        wrong = "its account number is missing"
    elif not arn.resource.startswith("identity/"):
        wrong = f"`{arn.resource}` is not an identity: write `identity/` and the address or domain"
    else:
        wrong = "it names no identity"
    name = (arn.resource if arn else text).rpartition("/")[2] or "NAME"
    parameter = _named(failed, text)
    return Cause(
        code=Code.ARN_MALFORMED,
        text=f"`{text}` is not the ARN of an identity: {wrong}",
        mend=Mend(
            how=How.SET_PARAMETER,
            text=f"write it in {parameter} as `arn:aws:ses:{record.region}:ACCOUNT:identity/{name}`",
            details={"parameter": parameter, "value": None},
        ),
    )


def _named(failed: Mapping[str, Any], arn: str) -> str:
    """The parameter or field in which an ARN was named."""
    return next((str(name) for name, value in failed.get("named", ()) if value == arn), "SourceArn")


def _smtp_login(record: DecisionRecord, failed: Mapping[str, Any]) -> Cause:
    account = record.account_id or "ACCOUNT"
    user = failed.get("user") or "USER"
    name = failed.get("username", "")
    code, region = Code.SMTP_LOGIN, failed.get("region", "")
    match failed.get("why"):
        case "user-name" if name.startswith(TEMPORARY):
            text = f"`{name}` is the temporary key of a session, and SMTP accepts only keys of users"
        case "user-name":
            text = f"`{name}` is not an access key id, which is what SMTP takes as user name"
        case "secret":
            text = (
                f"the secret access key of `{name}` was given as password: SMTP needs the one derived from it"
            )
        case "inactive":
            text = f"the access key `{name}` is switched off"
        case "region":
            code = Code.PASSWORD_REGION
            text = f"the password of `{name}` was derived for region {region}, which is not served here"
        case "unknown":
            text = f"there is no access key `{name}` that SMTP accepts"
        case "too-many":
            text = "too many wrong passwords came for this name from one address, so none is checked for a minute"
        case _:
            text = f"the password for `{name}` is not the one derived from its secret access key"
    command = f"sesame smtp credentials {account} {user}"
    details: dict[str, Any] = {"account": record.account_id or None, "user": failed.get("user")}
    if code is Code.PASSWORD_REGION and failed.get("served"):
        command += f" --region {failed['served'][0]}"
        details["region"] = failed["served"][0]
    mend = Mend(how=How.SMTP_CREDENTIALS, text=f"`{command}` prints both", details=details)
    return Cause(code=code, text=text, mend=mend)


def _paused(record: DecisionRecord, failed: Mapping[str, Any]) -> Cause:
    name = failed.get("ConfigurationSetName")
    details: dict[str, Any] = {"account": record.account_id, "region": record.region}
    if name is not None:
        text = f"sending is switched off for the configuration set `{name}`"
        command = f"aws sesv2 put-configuration-set-sending-options --configuration-set-name {name} --sending-enabled"
        details["configuration_set"] = name
    else:
        text = f"account {record.account_id} has switched its sending off in {record.region}"
        command = "aws ses update-account-sending-enabled --enabled"
    return Cause(
        code=Code.PAUSED, text=text, mend=Mend(how=How.ENABLE_SENDING, text=f"`{command}`", details=details)
    )


def _others_resource(record: DecisionRecord, failed: Mapping[str, Any], around: Around) -> Cause:
    kind, name = "configuration set", failed.get("ConfigurationSetName")
    if name is None:
        kind, name = "template", failed.get("TemplateName")
    if name is None:  # as it was kept with a decision, in the API's words
        name = re.sub(r".*?<(.*)>.*", r"\1", record.reason)
    other = [region for region in around.regions_of_resource if region != record.region]
    there = f"; this account has one of that name in {', '.join(other)}" if other else ""
    where = f"account {record.account_id}, {record.region}"
    text = f"the {kind} `{name}` was looked for in {where}, and is not there{there}"
    return Cause(
        code=Code.OTHERS_RESOURCE,
        text=text,
        mend=Mend(
            how=How.CREATE_RESOURCE,
            text=f"create it there, or leave it out: a delegate uses {kind}s of its own account",
            details={
                "resource": kind.replace(" ", "-"),
                "name": name,
                "account": record.account_id,
                "region": record.region,
            },
        ),
    )


def _quota(record: DecisionRecord, around: Around) -> Cause:
    is_rate = "rate" in record.reason.lower()
    state = around.state
    account = record.account_id
    if is_rate:
        limit = "" if state is None else f" of {state.max_send_rate:g} recipients a second"
        text, option = f"account {account} has reached its sending rate{limit} in {record.region}", "--rate"
    else:
        limit = (
            "" if state is None else f" of {state.max_24_hour_send:g}, with {state.sent_last_24_hours} used"
        )
        text, option = (
            f"account {account} has reached its 24-hour quota{limit} in {record.region}",
            "--max-24h",
        )
    return Cause(
        code=Code.QUOTA,
        text=text,
        mend=Mend(
            how=How.RAISE_QUOTA,
            text=f"send {'slower' if is_rate else 'later'}, or the operator runs"
            f" `sesame account set-quota {account} {option} N`",
            details={"account": account, "region": record.region, "limit": "rate" if is_rate else "24-hours"},
        ),
    )


def _signature(record: DecisionRecord, failed: Mapping[str, Any]) -> Cause:
    off_s = failed.get("off_s")
    key = failed.get("access_key_id", "")
    if off_s is not None:
        side = "ahead" if off_s > 0 else "behind"
        return Cause(
            code=Code.CLOCK,
            text=f"the request was signed at a time {abs(off_s):.0f} s {side} of this server's",
            mend=Mend(how=How.SET_CLOCK, text="set the client's clock", details={"off_s": off_s}),
        )
    if (region := failed.get("region_not_served")) is not None:
        served = ", ".join(failed.get("served") or ()) or "every region of AWS"
        return Cause(
            code=Code.REGION,
            text=f"the request is signed for `{region}`, which is not served here; served: {served}",
            mend=Mend(
                how=How.CALL_REGION,
                text="set the region that the client signs for to one that is served",
                details={"region": (failed.get("served") or [None])[0]},
            ),
        )
    what = "use an active key with its own secret (not the SMTP password): `sesame key create ACCOUNT USER`"
    match record.code:
        case "MissingAuthenticationToken" | "IncompleteSignature":
            text = f"the request is not signed correctly: {record.reason}"
        case "ExpiredToken" | "RequestExpired":
            text = f"what `{key}` signed with has expired"
        case "InvalidClientTokenId" if failed.get("why") == "inactive":
            text = f"the access key `{key}` is switched off"
        case "InvalidClientTokenId" if key.startswith(TEMPORARY) and failed.get("token") is False:
            text = (
                f"`{key}` is the temporary key of a session, and the request came without the session token"
            )
            what = "send the session's token (`aws_session_token`, X-Amz-Security-Token) with it, or use a user's key"
        case "InvalidClientTokenId" if key.startswith(TEMPORARY):
            text = f"the session token that came with the temporary key `{key}` is not one of its session"
            what = "open a session and use its key, secret and token together"
        case "InvalidClientTokenId":
            text = f"there is no access key `{key}` here"
        case _ if "scoped" in record.reason:
            text = f"the request is signed for something else: {record.reason.rstrip('.')}"
        case _:
            text = f"the signature is not the one that the secret of `{key}` makes"
    return Cause(
        code=Code.SIGNATURE,
        text=text,
        mend=Mend(
            how=How.NEW_KEY,
            text=what,
            details={"access_key_id": key or None, "account": record.account_id or None},
        ),
    )


def _message(record: DecisionRecord) -> Cause:
    if (field := _X_SES.search(record.reason)) is not None:
        return Cause(
            code=Code.HEADER,
            text=f"the field `{field[1]}` is where X-SES fields are not read: they are for raw messages and SMTP",
            mend=Mend(
                how=How.DROP_PARAMETER,
                text="name the ARN by parameter, and leave the field out",
                details={"parameter": field[1]},
            ),
        )
    what = "change what the error names"
    if "semicolon" in record.reason:
        what = "give each address as one of its own, or put commas between them"
    return Cause(
        code=Code.MESSAGE,
        text=f"the request breaks a rule: {record.reason.rstrip('.')}",
        mend=Mend(how=How.CHANGE_MESSAGE, text=what),
    )
