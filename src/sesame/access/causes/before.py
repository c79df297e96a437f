"""Causes of what failed without policies: before a decision, at a log-in, or by a limit."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sesame.access.causes.alignment import alignment_cause, named_in
from sesame.access.causes.around import Around
from sesame.access.causes.fields import holder
from sesame.access.causes.slips import (
    bare_name,
    command_mend,
    header_slip,
    mend_arn,
    rule_mend,
    what_is_wrong,
)
from sesame.access.sign_in_names import SECRET
from sesame.policy.reasons.cause import Cause, Code, How, Mend
from sesame.store.decisions import DecisionRecord

TEMPORARY = "ASIA"
"""How the access key id of a session begins."""

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
        "InvalidIdentityArn": lambda: _malformed(record, failed, around),
        "WrongCredentials": lambda: _smtp_login(record, decision, failed),
        "TooManyFailures": lambda: _smtp_login(record, decision, {"why": "too-many"}),
        "ConfigurationSetSendingPaused": lambda: _paused(record, decision, around),
    }
    if (found := by_error.get(failed.get("error", ""))) is not None:
        return found()
    match record.code:
        case "AccountSendingPausedException" | "ConfigurationSetSendingPausedException":
            return _paused(record, decision, around)
        case "ConfigurationSetDoesNotExist" | "TemplateDoesNotExist":
            is_set = record.code == "ConfigurationSetDoesNotExist"
            if is_set and "ConfigurationSetName" not in failed:  # it was looked for after the decision
                return _lost_default(record, decision)
            return _others_resource(record, failed, around)
        case "Throttling" | "LimitExceededException" | "TooManyRequestsException":
            if "rate" in record.reason.lower():
                return _rate(record, around)
            return quota_cause(record, around, decision.get("limit", {}).get("own"))
        case code if code in _SIGNATURES:
            return _signature(record, decision, failed)
        case _:
            return _message(record, failed)


_SLIPS = {
    "smtp-password": "the SMTP password that belongs to the key, in place of its secret access key",
    "white-space": "the secret access key and white space (a blank or a line feed) before or behind it",
    "quoted": "the secret access key and quotation marks around it",
    "encoded": "the secret access key encoded as in a URL (%2F for a slash)",
}
"""What requests are signed with by mistake, by the words that `sign_in` keeps."""


def _malformed(record: DecisionRecord, failed: Mapping[str, Any], around: Around) -> Cause:
    text = failed["arn"]
    wrong, right = mend_arn(text, record.region)
    parameter = named_in(failed, text)
    is_whole = "ACCOUNT" not in right and "NAME" not in right
    lenders = around.instead.get(text, ())
    is_return_path = "RETURN" in parameter.upper() or "Feedback" in parameter
    if not is_whole and lenders and not is_return_path:
        right, is_whole = lenders[0], True
    return Cause(
        code=Code.ARN_MALFORMED,
        text=f"`{text}` is not the ARN of an identity: {wrong}",
        mend=Mend(
            how=How.SET_PARAMETER,
            text=f"write it in {parameter} as `{right}`",
            details={"parameter": parameter, "value": right if is_whole else None},
        ),
    )


def _smtp_login(record: DecisionRecord, decision: Mapping[str, Any], failed: Mapping[str, Any]) -> Cause:
    account = record.account_id or "ACCOUNT"
    name = failed.get("username", "")
    code, region, more = Code.SMTP_LOGIN, failed.get("region", ""), ""
    match failed.get("why"):
        case "user-name" if name.startswith(TEMPORARY):
            text = f"`{name}` is the temporary key of a session, and SMTP accepts only keys of users"
        case "user-name" if name != name.strip():
            text = f"the user name `{name}` has white space (a blank or a line feed) before or behind it"
            more = "take the white space off, or "
        case "swapped":
            text = "the access key id was given as password: it is the user name"
            more = "exchange user name and password, or "
        case "user-name":
            text = f"`{name}` is not an access key id, which is what SMTP takes as user name"
        case "secret":
            text = (
                f"the secret access key of `{name}` was given as password: SMTP needs the one derived from it"
            )
        case "inactive":
            text = f"the access key `{name}` is switched off"
            more = f"switch it on ({_to_switch_on(name, decision)}), or "
        case "white-space":
            text = f"the password for `{name}` has white space (a blank or a line feed) before or behind it"
            more = "take the white space off, or "
        case "region":
            code = Code.PASSWORD_REGION
            text = f"the password of `{name}` was derived for region {region}, which is not served here"
        case "old":
            text = (
                f"the password for `{name}` was derived as before Signature Version 4, which is not accepted"
            )
        case "unknown":
            text = f"there is no access key `{name}` that SMTP accepts"
        case "too-many":
            text = "too many wrong passwords came for this name from one address, so none is checked for a minute"
            more = "wait a minute, and log in with the right password; "
        case _:
            text = f"the password for `{name}` is not the one derived from its secret access key"
    command = f"sesame smtp credentials {account}{holder(str(decision.get('principal', '')))}"
    details: dict[str, Any] = {"account": record.account_id or None, "user": failed.get("user")}
    if failed.get("key"):
        command += f" --key {failed['key']}"
        details["key"] = failed["key"]
    if failed.get("to_delete"):
        more += f"delete one (`sesame key delete {account} {failed['to_delete']}`), and then "
    if code is Code.PASSWORD_REGION and failed.get("served"):
        command += f" --region {failed['served'][0]}"
        details["region"] = failed["served"][0]
    mend = Mend(how=How.SMTP_CREDENTIALS, text=f"{more}`{command}` prints both", details=details)
    return Cause(code=code, text=text, mend=mend)


def _paused(record: DecisionRecord, decision: Mapping[str, Any], around: Around) -> Cause:
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


def _lost_default(record: DecisionRecord, decision: Mapping[str, Any]) -> Cause:
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


def _others_resource(record: DecisionRecord, failed: Mapping[str, Any], around: Around) -> Cause:
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


def quota_cause(record: DecisionRecord, around: Around, asked: int | None) -> Cause:
    """That the account's own quota of a day has no room for a message to `asked` recipients (None: not known)."""
    account, state, way_out = record.account_id, around.state, "send later"
    if state is None:
        text = f"account {account} has reached its 24-hour quota in {record.region}"
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
    limit = "" if around.state is None else f" of {around.state.max_send_rate:g} recipients a second"
    text = f"account {record.account_id} has reached its sending rate{limit} in {record.region}"
    return _raise_quota(record, text, "send slower", option="--rate", limit="rate")


def _raise_quota(record: DecisionRecord, text: str, way_out: str, *, option: str, limit: str) -> Cause:
    account = record.account_id
    return Cause(
        code=Code.QUOTA,
        text=text,
        mend=Mend(
            how=How.RAISE_QUOTA,
            text=f"{way_out}, or the operator runs `sesame account set-quota {account} {option} N`",
            details={"account": account, "region": record.region, "limit": limit},
        ),
    )


def _signature(record: DecisionRecord, decision: Mapping[str, Any], failed: Mapping[str, Any]) -> Cause:
    off_s = failed.get("off_s")
    key = failed.get("access_key_id", "")
    if off_s is not None:
        side = "ahead of" if off_s > 0 else "behind"
        return Cause(
            code=Code.CLOCK,
            text=f"the request was signed at a time {abs(off_s):.0f} s {side} this server's",
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
    if record.code not in _WITHOUT_SCOPE and "scoped" in record.reason:
        return _wrong_scope(record, failed)
    said = (
        _of_key(decision, failed, key)
        if record.code == "InvalidClientTokenId"
        else _of_signature(record, failed, key)
    )
    text, what = _exchanged() if key == SECRET else said
    if record.account_id:
        whose = holder(str(decision.get("principal", "")))
        what = what.replace("key create ACCOUNT USER", f"key create {record.account_id}{whose}")
    return Cause(
        code=Code.SIGNATURE,
        text=text,
        mend=Mend(
            how=How.NEW_KEY,
            text=what,
            details={"access_key_id": key or None, "account": record.account_id or None},
        ),
    )


_WITHOUT_SCOPE = ("MissingAuthenticationToken", "IncompleteSignature", "ExpiredToken", "InvalidClientTokenId")
_OWN_KEY = "use an active key with its own secret (not the SMTP password): `sesame key create ACCOUNT USER`"


def _of_signature(record: DecisionRecord, failed: Mapping[str, Any], key: str) -> tuple[str, str]:
    """What is wrong with a signature or its time, and what to do."""
    match record.code:
        case "MissingAuthenticationToken" | "IncompleteSignature":
            return f"the request is not signed correctly: {record.reason}", _OWN_KEY
        case "ExpiredToken":
            text = f"the session of the temporary key `{key}` has expired"
            return text, "open a session again (AssumeRole), and use its key, secret and token together"
        case "RequestExpired":
            text = "the time for which the request was signed is over"
            return text, "sign the request again, and send it at once"
        case _ if failed.get("why") in _SLIPS:
            what = f"use the secret access key of `{key}` exactly as it was shown when it was created, or a new key"
            return (
                f"the signature was made with {_SLIPS[failed['why']]}",
                f"{what}: `sesame key create ACCOUNT USER`",
            )
        case _:
            return f"the signature is not the one that the secret of `{key}` makes", _OWN_KEY


def _exchanged() -> tuple[str, str]:
    """A secret, or what looks like one, came in the place of the key id."""
    text = "what came as access key id looks like a secret access key or a password: the two may be exchanged"
    return text, (
        "give the access key id (20 characters, AKIA…) and its secret each in its place; and since the secret has"
        " travelled, create a new key and delete this one: `sesame key create ACCOUNT USER`"
    )


def _to_switch_on(key: str, decision: Mapping[str, Any]) -> str:
    """The command that makes a key active again, whoever of the account runs it."""
    user = holder(str(decision.get("principal", "")))
    named = f" --user-name{user}" if user else ""
    return f"`aws iam update-access-key{named} --access-key-id {key} --status Active`"


def _of_key(decision: Mapping[str, Any], failed: Mapping[str, Any], key: str) -> tuple[str, str]:
    """What is wrong with a key or its token, and what to do."""
    if failed.get("stray_token"):
        text = f"`{key}` is the key of a user or root, and the request came with a session token of some other key"
        return text, (
            "take the token away (AWS_SESSION_TOKEN, `aws_session_token` in the profile), or give the key and secret"
            " that belong to it"
        )
    if failed.get("why") == "inactive":
        switch_on = _to_switch_on(key, decision)
        return f"the access key `{key}` is switched off", f"switch it on ({switch_on}), or {_OWN_KEY}"
    if (bare := key.strip(" \t\r\n\"'")) != key and bare:
        return (
            f"there is white space or a quotation mark around the access key id `{key}`",
            f"send it as `{bare}`",
        )
    if key.startswith(TEMPORARY) and failed.get("token") is False:
        text = f"`{key}` is the temporary key of a session, and the request came without the session token"
        return text, (
            "send the session's token (`aws_session_token`, X-Amz-Security-Token) with it, or use a user's key"
        )
    if key.startswith(TEMPORARY):
        text = f"the session token that came with the temporary key `{key}` is not one of its session"
        return text, "open a session and use its key, secret and token together"
    return f"this server has no access key `{key}`", _OWN_KEY


def _wrong_scope(record: DecisionRecord, failed: Mapping[str, Any]) -> Cause:
    """The credential scope names another service, region or day than those of the request."""
    if (region := re.search(r"valid region, not '([^']*)'", record.reason)) is not None:
        zone = re.fullmatch(r"([a-z]{2}(?:-[a-z]+)+-[0-9])[a-z]", region[1])
        to_set = f"`{zone[1]}`, the region of that zone" if zone else "one of AWS, such as `us-east-1`"
        return Cause(
            code=Code.REGION,
            text=f"the request is signed for `{region[1]}`, which is not a region"
            + (": it is an availability zone" if zone else ""),
            mend=Mend(
                how=How.CALL_REGION,
                text=f"set the region that the client signs for to {to_set}",
                details={"region": zone[1] if zone else None},
            ),
        )
    wanted = re.search(r"correct service: '([^']*)'", record.reason)
    told = record.reason.rstrip(".")
    signed = failed.get("service")
    text = f"the request is signed for something else: {told}"
    how = "let the client sign with a scope of DATE/REGION/SERVICE/aws4_request that fits the request"
    if wanted is not None:
        what = f"`{signed}`" if signed else "another service"
        text = f"the request is signed for the service {what}, and this one is of `{wanted[1]}`"
        how = f"set the service that the client signs for to `{wanted[1]}`; the key is not what is wrong"
    return Cause(
        code=Code.SIGNATURE,
        text=text,
        mend=Mend(how=How.SET_PARAMETER, text=how, details={"parameter": "credential scope", "value": None}),
    )


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
        mend=Mend(how=How.CHANGE_MESSAGE, text=rule_mend(record.reason, failed)),
    )


def _refused_command(record: DecisionRecord, failed: Mapping[str, Any]) -> Cause:
    """What the SMTP server answered to something that is no message, or none that it takes."""
    what = failed.get("command") or "a command"
    return Cause(
        code=Code.MESSAGE,
        text=f"the server answered {what} with `{record.code} {record.reason}`",
        mend=Mend(how=How.CHANGE_MESSAGE, text=command_mend(record.reason)),
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
