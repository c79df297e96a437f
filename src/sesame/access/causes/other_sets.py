"""A configuration set that policies refuse: whether the message passes without it, and with which others.

Asked of the same policies: the sender's own, which see of a set its ARN and tags.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sesame.access import conditions
from sesame.access.causes.around import Around
from sesame.access.refusals import derive
from sesame.policy import Outcome
from sesame.policy.reasons.cause import Cause, Code
from sesame.policy.reasons.slips import some
from sesame.store.decisions import DecisionRecord

_KIND = ":configuration-set/"
_MOST = 3
"""So many sets are offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWays:
    """What passes in place of a set that was refused: none, and others by name."""

    may_leave_out: bool = False
    names: Sequence[str] = ()
    parameter: str = ""


NO_WAYS = SetWays()


def set_ways(
    record: DecisionRecord,
    decision: Mapping[str, Any],
    check: Mapping[str, Any],
    contents: Mapping[str, str],
    around: Around,
) -> SetWays:
    """What the sender may name instead; nothing where the same refuses what else the message rests on."""
    is_refused = check["outcome"] in ("explicit deny", "implicit deny")
    if not is_refused or _KIND not in check["arn"] or _is_refused_beside(decision, check):
        return NO_WAYS
    before, _, refused = check["arn"].partition(_KIND)

    def passes(name: str) -> bool:
        tags = conditions.resource_tags(decision["action"], around.sets[name].items())
        said = derive(
            record, decision, {**check, "arn": f"{before}{_KIND}{name}", "resource_keys": tags}, contents
        )
        return said is not None and said.explanation.outcome is Outcome.ALLOW

    asked = decision.get("asked", {})
    default, is_smtp = asked.get("default_set"), asked.get("door") == "smtp"
    allowed = [name for name in around.sets if name != refused and passes(name)]
    return SetWays(
        may_leave_out=default is None or default in allowed,
        names=allowed[:_MOST],
        parameter="X-SES-CONFIGURATION-SET" if is_smtp else "ConfigurationSetName",
    )


def with_set_ways(cause: Cause, ways: SetWays) -> Cause:
    """A cause with what the sender may name instead, before a change of a Deny and behind what is to be allowed."""
    said = _said(ways)
    if not said:
        return cause
    values = [None, *ways.names] if ways.may_leave_out else [*ways.names]
    send = [{"parameter": ways.parameter, "value": value} for value in values]
    text = f"{said}; or {cause.mend.text}" if cause.code is Code.DENY else f"{cause.mend.text}; or {said}"
    mend = replace(cause.mend, text=text, details={**cause.mend.details, "or_send": send})
    return replace(cause, mend=mend)


def _said(ways: SetWays) -> str:
    out = f"leave the configuration set out ({ways.parameter})" if ways.may_leave_out else ""
    if not ways.names:
        return out
    names = some(tuple(ways.names))
    return (
        f"{out}, or name {names} in its place"
        if out
        else f"name the configuration set {names} in {ways.parameter}"
    )


def _is_refused_beside(decision: Mapping[str, Any], check: Mapping[str, Any]) -> bool:
    """Whether a statement that denies this denies another check of the decision too."""
    denied = _statements(check)
    others = [one for one in decision["checks"] if one["arn"] != check["arn"]]
    return any(bool(denied & _statements(one)) for one in others)


def _statements(check: Mapping[str, Any]) -> frozenset[tuple[str, str, str]]:
    if check["outcome"] != "explicit deny":
        return frozenset()
    return frozenset((ref["kind"], ref["policy"], ref["statement"]) for ref in check["deciding"])
