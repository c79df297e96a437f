"""Causes of log-ins and signatures that were refused: keys, passwords, tokens, clocks, scopes."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sesame.access.causes.fields import holder
from sesame.access.credentials import is_long_term_key
from sesame.access.sign_in_names import SECRET
from sesame.policy.reasons.cause import Cause, Code, How, Mend
from sesame.store.decisions import DecisionRecord

TEMPORARY = "ASIA"
"""How the access key id of a session begins."""

_SLIPS = {
    "smtp-password": "the SMTP password that belongs to the key, in place of its secret access key",
    "white-space": "the secret access key and white space (a blank or a line feed) before or behind it",
    "quoted": "the secret access key and quotation marks around it",
    "encoded": "the secret access key encoded as in a URL (%2F for a slash)",
}
"""What requests are signed with by mistake, by the words that `sign_in` keeps."""


def smtp_login_cause(record: DecisionRecord, decision: Mapping[str, Any], failed: Mapping[str, Any]) -> Cause:
    """What was wrong with the user name or password of an SMTP log-in."""
    name = failed.get("username", "")
    code, region, more = Code.SMTP_LOGIN, failed.get("region", ""), ""
    match failed.get("why"):
        case "user-name" | "temporary" if name.startswith(TEMPORARY):
            text = f"`{name}` is the temporary key of a session, and SMTP accepts only keys of users"
        case "user-name" if "given" in failed:
            text = f"`{name}` is the name of a user; SMTP takes the id of its access key (AKIA…) as user name"
            is_right = failed["given"] == ""
            with_what = "the same password" if is_right else "the SMTP password of that key"
            more = f"log in as `{failed['key']}` with {with_what}: "
        case "user-name" if name != name.strip():
            text = f"the user name `{name}` has white space (a blank or a line feed) before or behind it"
            more = "take the white space off, or "
        case "swapped":
            text = "the access key id was given as password: it is the user name"
            more = "exchange user name and password, or "
        case "user-name" if is_long_term_key(name.upper()):
            text = f"the user name `{name}` looks like an access key id in small letters, and capitals count"
            more = f"write it as `{name.upper()}`, or "
        case "user-name":
            text = f"`{name}` is not an access key id (AKIA…), which SMTP takes as user name, not the name of a user"
            more = "log in with the id of the access key that the password was made for; "
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
        case "deleted":
            text = _deleted(name, decision, failed)
        case "unknown":
            text = f"there is no access key `{name}` that SMTP accepts"
        case "too-many":
            text = "too many wrong passwords came for this name from one address, so none is checked for a minute"
            more = "wait a minute, and log in with the right password; "
        case _:
            text = f"the password for `{name}` is not the one derived from its secret access key"
    return Cause(code=code, text=text, mend=_credentials(record, decision, failed, code, more))


def _credentials(
    record: DecisionRecord, decision: Mapping[str, Any], failed: Mapping[str, Any], code: Code, more: str
) -> Mend:
    """The command that prints what to log in with; `more` stands in front of it."""
    account = record.account_id or "ACCOUNT"
    user = " USER" if failed.get("user_gone") else holder(str(decision.get("principal", "")))
    command = f"sesame smtp credentials {account}{user}"
    details: dict[str, Any] = {"account": record.account_id or None, "user": failed.get("user")}
    if failed.get("key"):
        command += f" --key {failed['key']}"
        details["key"] = failed["key"]
    if failed.get("to_delete"):
        more += f"delete one (`sesame key delete {account} {failed['to_delete']}`), and then "
    if code is Code.PASSWORD_REGION and failed.get("served"):
        command += f" --region {failed['served'][0]}"
        details["region"] = failed["served"][0]
    both = "prints both" if failed.get("key") else "makes a new key and prints both"
    if not record.account_id:
        both += ", with `--key KEY` those of a key that is there"
    return Mend(how=How.SMTP_CREDENTIALS, text=f"{more}`{command}` {both}", details=details)


def _second(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _deleted(key: str, decision: Mapping[str, Any], failed: Mapping[str, Any]) -> str:
    """That a key is gone, since when, and its user too where that is so."""
    at = _second(failed["deleted_at"])
    user = str(decision.get("principal", "")).rpartition("/")[2]
    with_user = f", and its user `{user}` is gone" if failed.get("user_gone") else ""
    return f"the access key `{key}` was deleted on {at}{with_user}"


def signature_cause(record: DecisionRecord, decision: Mapping[str, Any], failed: Mapping[str, Any]) -> Cause:
    """What was wrong with a signature, the key and token that it was made with, or its time and scope."""
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
        else _of_signature(record, decision, failed, key)
    )
    text, what = _exchanged() if key == SECRET else said
    if record.account_id:
        whose = " USER" if failed.get("user_gone") else holder(str(decision.get("principal", "")))
        what = _with_room(what, failed, key)
        what = what.replace("ACCOUNT USER", f"{record.account_id}{whose}").replace(
            "ACCOUNT", record.account_id
        )
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


_NEW_KEY = "`sesame key create ACCOUNT USER`"
_OWN_KEY = f"use an active key with its own secret (not the SMTP password), or a new one: {_NEW_KEY}"


_NEW = re.compile(r", or a new (?:one|key): `sesame key create ACCOUNT USER`")


def _with_room(what: str, failed: Mapping[str, Any], key: str) -> str:
    """The same for whom has as many keys as a user may have: a new one only after one of them is deleted.

    An active one beside `key` is named; of the two the one that is switched off goes first, if there is one.
    """
    full = failed.get("full")
    if not full or _NEW.search(what) is None:
        return what
    others = [access_key_id for access_key_id, is_active in full if is_active and access_key_id != key]
    is_named = any(f"`{one}`" in what for one in others)
    use = f", or use `{others[0]}`, which is active" if others and not is_named else ""
    unused = [access_key_id for access_key_id, is_active in full if not is_active] or [key]
    gone = unused[0] if unused[0] in [access_key_id for access_key_id, _ in full] else "KEY"
    return _NEW.sub(
        f"{use}; there are {len(full)} keys, the most there can be, so before a new one"
        f" (`sesame key create ACCOUNT USER`) delete one that nothing uses: `sesame key delete ACCOUNT {gone}`",
        what,
    )


_OPENS = {"user": "GetSessionToken", "federated": "GetFederationToken"}
"""What opens a session of each kind of principal; a role's AssumeRole."""


def _of_signature(
    record: DecisionRecord, decision: Mapping[str, Any], failed: Mapping[str, Any], key: str
) -> tuple[str, str]:
    """What is wrong with a signature or its time, and what to do."""
    match record.code:
        case "MissingAuthenticationToken" | "IncompleteSignature":
            return f"the request is not signed correctly: {record.reason}", _OWN_KEY
        case "ExpiredToken":
            at = failed.get("expired_at")
            since = "" if at is None else f" on {_second(at)}"
            text = f"the session of the temporary key `{key}` expired{since}"
            again = _OPENS.get(str(decision.get("kind")), "AssumeRole")
            return text, f"open a session again ({again}), and use its key, secret and token together"
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
    if failed.get("why") == "deleted":
        to_use = _OWN_KEY
        if failed.get("active"):
            to_use = (
                f"use `{failed['active']}`, which is active, with its own secret, or a new key: {_NEW_KEY}"
            )
        return _deleted(key, decision, failed), to_use
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
    if (whose := failed.get("session_of_gone")) is not None:
        text = f"the {whose} of the session that the temporary key `{key}` is of was deleted, which ended the session"
        return text, f"open a session of a {whose} that is there, and use its key, secret and token together"
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
    reason = record.reason.rstrip(".")
    signed = failed.get("service")
    text = f"the request is signed for something else: {reason}"
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
