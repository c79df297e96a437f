"""A refused send as a question, to be asked again of what is in force now; nothing is sent by asking.

What a question cannot say is not asked: quotas and caps, the policies that a session was opened under, and of an
owner's conditions those on what is the sender's alone. INVARIANT (I9): the owner's question has of the send what an
owner may see of it (`policy.reasons.views`).
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sesame.model import PrincipalKind
from sesame.operations.asking.question import DOORS, V1_SIMPLE, Question
from sesame.operations.decision_views import CheckView
from sesame.policy.reasons.views import owner_may_see
from sesame.store.decisions import DecisionRecord

_BY_FORM = {
    ("smtp" if name == "smtp" else f"v{version}", action): name
    for name, (_, action, version) in DOORS.items()
}


_NOT_ASKED = frozenset({"aws:userid", "aws:multifactorauthpresent"})
"""Keys that an owner may see, and that its question has not: what a name stands for is the sender's to know."""
_VARIABLE = re.compile(r"\$\{([^}*?$,]+)")


def question_of(record: DecisionRecord, viewer: str, checks: Sequence[CheckView]) -> Question | None:
    """The question of the account `viewer`, which sees these `checks`; None for what cannot be asked again so."""
    decision = json.loads(record.decision)
    asked = decision.get("asked")
    if not asked or not decision.get("checks") or "limit" in decision:
        return None
    if decision.get("kind") == PrincipalKind.FEDERATED.value:
        return None  # whose session it is, and under what, is in no question
    door = _BY_FORM.get((asked["door"], decision["action"]))
    if door is None:
        return None
    if record.account_id == viewer:
        return _senders(decision, asked, door)
    own = next((one for one in checks if one.owner == viewer and "From" in one.uses), None)
    if own is None or not _may_be_asked(own) or not _is_there(decision, own):
        return None
    return _owners(decision, own, door)


def _is_there(decision: Mapping[str, Any], own: CheckView) -> bool:
    return any(one["arn"] == own.arn and one.get("verification") for one in decision["checks"])


def _may_be_asked(check: CheckView) -> bool:
    """Whether all that an owner's policies ask about is in a question of its own."""
    if check.by_owner is None or not check.arn or not check.addresses:
        return False
    steps = [step for statement in check.statements for step in statement.steps]
    asked = {step.about.rpartition(" ")[2] for step in steps if " " in step.about}
    asked |= {found for step in steps for wanted in step.wanted for found in _VARIABLE.findall(wanted)}
    return all(owner_may_see(key) and key.lower() not in _NOT_ASKED for key in asked)


def _senders(decision: Mapping[str, Any], asked: Mapping[str, Any], door: str) -> Question | None:
    senders = {use: (address, written, arn) for use, address, written, arn in asked["senders"]}
    if "From" not in senders or "Sender" in senders:
        return None
    session, is_service = decision.get("session") or {}, decision.get("kind") == PrincipalKind.SERVICE.value
    if session.get("policies") or session.get("policy_arns") or is_service:
        return None
    address, written, arn = senders["From"]
    source, source_written, source_arn = senders.get("Source", senders["From"])
    back, back_written, back_arn = senders.get("Return-Path", senders["From"])
    context = decision["context"]
    has_back = back != source
    # Of one call alone no ARN counts for both.
    is_other_source = door == "v1-raw" or (source_arn != arn and door not in V1_SIMPLE)
    return _question(
        decision,
        door,
        from_address=_mailbox(context, address, written),
        from_arn=arn or (source_arn if door in V1_SIMPLE else None) or "",
        source=source_written if source != address else "",
        source_arn=(source_arn or "") if is_other_source else "",
        return_path=back_written if has_back else "",
        return_path_arn=(back_arn or "") if has_back else "",
        recipients=_listed(context.get("ses:Recipients", ())),
        configuration_set=_resource(decision, "configuration-set", but_not=asked.get("default_set")),
        template=_resource(decision, "template"),
        user_agent=context.get("aws:UserAgent", ""),
        secure=context.get("aws:SecureTransport") != "false",
    )


def _owners(decision: Mapping[str, Any], own: CheckView, door: str) -> Question:
    context, address = decision["context"], own.addresses[0]
    back = context.get("ses:FeedbackAddress", address)
    return _question(
        decision,
        door,
        from_address=_mailbox(context, address, address),
        from_arn=own.arn or "",
        return_path=back if back != address else "",
        secure=context.get("aws:SecureTransport") != "false",
    )


def _mailbox(context: Mapping[str, Any], address: str, written: str) -> str:
    """An address with the display name that policy saw, as a field has it."""
    name = context.get("ses:FromDisplayName")
    if not isinstance(name, str):
        return str(written)
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


def _question(
    decision: Mapping[str, Any],
    door: str,
    *,
    from_address: str,
    from_arn: str,
    source: str = "",
    source_arn: str = "",
    return_path: str = "",
    return_path_arn: str = "",
    recipients: tuple[str, ...] = (),
    configuration_set: str = "",
    template: str = "",
    user_agent: str = "",
    secure: bool = True,
) -> Question:
    """With what is read alike for both; `at` is 0: it is asked of now."""
    context = decision["context"]
    is_service = decision.get("kind") == PrincipalKind.SERVICE.value
    return Question(
        who=decision["principal"],
        door=door,
        from_address=from_address,
        from_arn=from_arn,
        source=source,
        source_arn=source_arn,
        return_path=return_path,
        return_path_arn=return_path_arn,
        recipients=recipients,
        configuration_set=configuration_set,
        template=template,
        acting_for=context.get("aws:SourceAccount", "") if is_service else "",
        acting_arn=context.get("aws:SourceArn", "") if is_service else "",
        at=0.0,
        source_ip=context.get("aws:SourceIp", ""),
        secure=secure,
        user_agent=user_agent,
    )


def _resource(decision: Mapping[str, Any], kind: str, *, but_not: str | None = None) -> str:
    """The name of a configuration set or template that was asked for."""
    names = (
        one["arn"].partition(f":{kind}/")[2]
        for one in decision["checks"]
        if "Resource" in one["uses"] and one["arn"]
    )
    return next((name for name in names if name and name != but_not), "")


def _listed(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else ()
