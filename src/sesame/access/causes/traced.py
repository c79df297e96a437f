"""The life of a message as somebody may read it: pure, on what `sesame trace` shows to the operator.

INVARIANT (I9): the owner of the identity has of it who sent, From, Return-Path, action, time and outcome, and its own
policies; the sender has all of its own and nothing of the owner's policies.
"""

import shlex
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sesame.access.causes.slips import rule_mend
from sesame.mail.address import domain_of
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader
from sesame.store.events import PAUSED, REVOKED

_OWNER_SEES = ("message_id", "account_id", "owner_account_id", "region", "identity", "source", "return_path")
_OWNERS_USES = {"From", "Source", "Sender", "Return-Path"}


def as_further_owner(found: Mapping[str, Any], account_id: str) -> dict[str, Any] | None:
    """The trace of what was sent as an identity of an account that From does not rest on; None where nothing was.

    For that owner (`Reader.OWNER`): with its own identity, and of the addresses those that rest on it (I9).
    """
    theirs = [
        check
        for check in found["decision"]["checks"]
        if check["owner"] == account_id and _OWNERS_USES.intersection(check["uses"])
    ]
    if not theirs or account_id in (found["account_id"], found["owner_account_id"]):
        return None
    own = {address for check in theirs for address in check["addresses"]}
    shown = {name: found[name] if found[name] in own else "" for name in ("source", "return_path")}
    identity = theirs[0]["arn"].partition(":identity/")[2]
    return {**found, **shown, "owner_account_id": account_id, "identity": identity}


def sent_as(found: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The addresses of a trace, each once, with the identity that it rests on and whose that is."""
    rows = [
        (address, check["arn"].partition(":identity/")[2], check["owner"])
        for check in found["decision"]["checks"]
        if check["arn"] and _OWNERS_USES.intersection(check["uses"])
        for address in check["addresses"]
    ]
    return list(dict.fromkeys(rows))


def traced(found: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    """The trace for a reader; `found` has everything."""
    own = found["account_id"] == found["owner_account_id"]
    decision = found["decision"]
    if reader is Reader.OWNER and not own:
        theirs = [
            check
            for check in decision["checks"]
            if check["owner"] == found["owner_account_id"] and _OWNERS_USES.intersection(check["uses"])
        ]
        return {
            **{name: found[name] for name in _OWNER_SEES},
            "accepted_at": found["accepted_at"],
            "decision": {
                "principal": decision["principal"],
                "action": decision.get("action", ""),
                "checks": [_check(check, {"identity"}) for check in theirs],
            },
            "outcomes": dict(Counter(recipient["state"] for recipient in found["recipients"])),
        }
    whole = {**found, "recipients": [_recipient(recipient, found) for recipient in found["recipients"]]}
    if reader is Reader.SENDER:
        kinds = {"iam", "session", "boundary"}
        checks = [
            check if check["owner"] == found["account_id"] else _check(check, kinds)
            for check in decision["checks"]
        ]
        whole["decision"] = {**decision, "checks": checks}
    return whole


def _check(check: Mapping[str, Any], kinds: set[str]) -> dict[str, Any]:
    kept = {
        name: value
        for name, value in check.items()
        if name in ("uses", "addresses", "arn", "owner", "outcome")
    }
    return {**kept, "deciding": [ref for ref in check["deciding"] if ref["kind"] in kinds]}


def _recipient(recipient: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    cause = recipient_cause(
        recipient,
        found["owner_account_id"],
        found["region"],
        found.get("rendering_failure"),
        found.get("rendering_near") or "",
    )
    return {**recipient, "causes": [] if cause is None else [cause.as_json()]}


def recipient_cause(
    recipient: Mapping[str, Any], owner: str, region: str, failure: str | None, near: str = ""
) -> Cause | None:
    """Why a recipient gets nothing, or nothing yet, for the sender; `owner` is the identity's account, and `failure`
    why the message's template could not be rendered; `near` is the name that its data has in other letters."""
    cause = _cause(recipient, owner, region)
    if cause is None and failure is not None:
        return Cause(
            code=Code.MESSAGE,
            text=f"its template could not be rendered, so nothing was sent: {failure.rstrip('.')}",
            mend=Mend(
                how=How.CHANGE_MESSAGE,
                text=f"{_other_letters(failure, near) or rule_mend(failure, {})}, and send again",
                details={"field": None, "from": None, "to": None},
            ),
        )
    return cause


def _other_letters(failure: str, near: str) -> str:
    """What to do where the data has a name in other letters than the template."""
    wanted = failure.split("'")[1:2]
    if not near or not wanted:
        return ""
    return (
        f"the data has `{near}`: write `{wanted[0]}` there, or `{near}` in the template, for capitals count"
    )


def _cause(recipient: Mapping[str, Any], owner: str, region: str) -> Cause | None:
    ask = Mend(
        how=How.ASK, text=f"ask the owner, account {owner}", details={"whom": "owner", "account": owner}
    )
    match recipient["state"], recipient.get("reason"):
        case "suppressed", "GLOBAL":
            address = recipient["address"]
            return Cause(
                code=Code.SUPPRESSED,
                text=f"the server of `{address}` recently said that it does not exist: nobody here sends to it for now",
                mend=Mend(
                    how=How.ASK,
                    text=f"the operator takes it off: `sesame suppression remove {address}`",
                    details={"whom": "operator", "account": ""},
                ),
            )
        case "suppressed", _:
            return _suppressed(recipient, region)
        case "cancelled", reason if reason == REVOKED:
            text = (
                f"account {owner}, the owner of the identity, revoked what allowed it before it was delivered"
            )
            return Cause(code=Code.REVOKED, text=text, mend=ask)
        case "queued", _ if recipient.get("paused_at") is not None:
            domain = domain_of(recipient["address"])
            return Cause(
                code=Code.PAUSED,
                text=f"the operator lets nothing go to `{domain}` for now; it waits until that ends",
                mend=Mend(
                    how=How.ASK,
                    text=f"the operator runs `sesame queue resume {domain}`",
                    details={"whom": "operator", "account": ""},
                ),
            )
        case "held", reason if reason == PAUSED:
            text = f"account {owner}, the owner of the identity, has paused this sender; it waits until that ends"
            return Cause(code=Code.PAUSED, text=text, mend=ask)
    return None


def _suppressed(recipient: Mapping[str, Any], region: str) -> Cause:
    """On its account's list, which is compared without case and changed by the letters of its entries."""
    address = recipient["address"]
    entries = list(recipient.get("listed_as") or [address])
    listed = "" if entries == [address] else f" as {', '.join(f'`{one}`' for one in entries)}"
    command = "`aws sesv2 delete-suppressed-destination --email-address {} --region {}`"
    return Cause(
        code=Code.SUPPRESSED,
        text=f"`{address}` is on the account's suppression list{listed}, so nothing was sent to it",
        mend=Mend(
            how=How.UNSUPPRESS,
            text=" and ".join(command.format(shlex.quote(one), region) for one in entries),
            details={"address": entries[0], "addresses": entries},
        ),
    )
