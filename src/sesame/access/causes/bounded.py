"""Causes that are the owner's bounds on a delegate: a pause, an expiry date, a cap.

The sender is told what bounds it, since it is addressed to it as a quota is, and how much it has used; nothing of
policies, and nothing of other delegates (I9).
"""

import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sesame.access.bounds import PAUSED
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader, quoting
from sesame.store.decisions import DecisionRecord
from sesame.store.delegate_bounds import ALL

STOPS = frozenset({PAUSED, "expired"})
"""Outcomes of checks that bounds have stopped."""

_CAPS = {
    "messages-per-day": "{limit} messages in 24 hours",
    "messages-per-second": "{limit} messages a second",
    "recipients-per-day": "{limit} recipients in 24 hours",
    "bytes-per-day": "{limit} bytes in 24 hours",
}

_HAS = {"recipients-per-day": "{} recipients", "bytes-per-day": "{} bytes"}
_SMALLER = {
    "recipients-per-day": "send it to at most {} recipients a day, in several messages",
    "bytes-per-day": "make it smaller than {} bytes",
}


def stopped_cause(record: DecisionRecord, check: Mapping[str, Any], reader: Reader) -> Cause:
    """Why bounds stop a sender, alone or beside policies."""
    bounds, owner = check["bounds"], check["owner"]
    how = bounds.get("how", check["outcome"])
    since = datetime.fromtimestamp(bounds["since"], UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    as_what = _as_what(bounds["identity"], owner)
    if how == PAUSED:
        for_owner = reader is not Reader.SENDER  # the reason is in the owner's words
        because = f" ({bounds['reason']})" if bounds["reason"] and for_owner else ""
        text = (
            f"the owner, account {owner}, has paused `{bounds['delegate']}` {as_what} since {since}{because}"
        )
        verb, changed = "resume", "pause"
    else:
        text = f"the owner, account {owner}, let `{bounds['delegate']}` send {as_what} until {since}"
        verb, changed = "change", "expires"
    mend = _mend(record, owner, bounds, reader, verb=verb, changed=changed)
    return Cause(code=Code.PAUSED, text=text, mend=mend)


def cap_cause(record: DecisionRecord, limit: Mapping[str, Any], reader: Reader) -> Cause:
    """Which cap a message was too much for, and what had been used of it."""
    owner = limit["owner"]
    cap = _CAPS[limit["cap"]].format(limit=limit["limit"])
    text = (
        f"`{limit['delegate']}` may send {cap} {_as_what(limit['identity'], owner)}, which its owner, account {owner},"
        f" has set, and has used {limit['used']}"
    )
    if int(limit["used"]) < int(limit["limit"]) and limit["cap"] in _HAS:
        text += f"; this message has {_HAS[limit['cap']].format(limit['asked'])}" if "asked" in limit else ""
    mend = _mend(record, owner, limit, reader, verb="change", changed=str(limit["cap"]))
    return Cause(code=Code.QUOTA, text=text, mend=mend)


def _way_out(limit: Mapping[str, Any]) -> str:
    """What the sender may do in place of asking for more of a cap: waiting helps a message that a day has room for."""
    most = int(limit["limit"])
    if int(limit.get("asked", 0)) <= most:
        return ", or send later"
    smaller = _SMALLER.get(limit["cap"])
    return f": no day has room for this message; or {smaller.format(most)}" if smaller and most else ""


def _as_what(identity: str, owner: str) -> str:
    return f"as identities of account {owner}" if identity == ALL else f"as `{identity}`"


def _mend(
    record: DecisionRecord, owner: str, bounds: Mapping[str, Any], reader: Reader, *, verb: str, changed: str
) -> Mend:
    """The owner and the operator may change them, this one alone; the sender asks for it."""
    identity, delegate = bounds["identity"], bounds["delegate"]
    if reader is Reader.SENDER:
        more, way_out = (", for more", _way_out(bounds)) if "cap" in bounds else ("", "")
        text = f"ask the owner, account {owner}{more}{quoting(record.request_id)}{way_out}"
        return Mend(how=How.ASK, text=text, details={"whom": "owner", "account": owner})
    arguments = f"{owner} {shlex.quote(identity)} {shlex.quote(delegate)}"
    options = f" --{changed} {'DATE' if changed == 'expires' else 'N'}" if verb == "change" else ""
    return Mend(
        how=How.CHANGE_BOUNDS,
        text=f"`sesame grant {verb} {arguments} --region {record.region}{options}`",
        details={
            "account": owner,
            "region": record.region,
            "identity": identity,
            "delegate": delegate,
            "change": changed,
        },
    )
