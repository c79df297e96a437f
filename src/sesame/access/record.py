"""Why a send was decided as it was, in the form that is kept with the message or the refusal.

Kept as JSON: the principal, what policy saw of the request (so that a later what-if can ask again),
and for each identity the addresses that rest on it, the ARN evaluated, the outcome, and the
policies and statements that decided; of a refusal also the sets of policies that it rests on, by digest, from
which `refusals` explains it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import msgspec

from sesame.access import conditions
from sesame.access.checks import RECIPIENT, Check
from sesame.access.compiled import Policies
from sesame.access.sends import SendDecision, SendRequest
from sesame.aws.keepable import HIDDEN
from sesame.errors import ServiceError
from sesame.model import ApiCall, Caller, Principal
from sesame.policy import Outcome
from sesame.store.decisions import DecisionText

OWN_KEYS = ("ses:Recipients",)
"""What policy saw that differs from send to send; the rest repeats."""

BOUND = "the SMTP credential"
"""What names an ARN, in `RequestForm.named`, that the credential is bound to and no field of the message has."""
NO_FACTS: Mapping[str, Any] = MappingProxyType({})
Digest = Callable[[Policies], str]


class RequestForm(msgspec.Struct, frozen=True, kw_only=True):
    """How a client wrote its request to send: nothing is decided by it, a refusal is explained with it.

    `door` is `v1`, `v2` or `smtp`, `named` are ARNs by the parameter or field that each stands in, and `odd` are fields
    that are not what they seem (`sending.request_form`). An ARN that the credential is bound to is named by `BOUND`.
    """

    door: str
    named: tuple[tuple[str, str], ...] = ()
    odd: tuple[tuple[str, str, str], ...] = ()


def decision_text(
    caller: Caller, request: SendRequest, decision: SendDecision, *, operation: str | None = None
) -> DecisionText:
    """The decision as kept with a message; the keys that the time of the request tells are left out.

    `operation` is what the events of the message call the way it came.
    """
    written = operation, caller.tls_version
    text = decision.texts.get(written)
    if text is None:
        way = {} if operation is None else {"operation": operation}
        if operation is not None and caller.tls_version is not None:
            way["tls"] = caller.tls_version
        checks = [_check(check) for check in decision.checks]
        text = decision.texts[written] = _json(_shared(caller, request, decision, checks, way))
    return DecisionText(shared=text, own=_own(decision))


def explainable_text(
    caller: Caller,
    request: SendRequest,
    decision: SendDecision,
    *,
    form: RequestForm,
    digest: Digest,
    facts: Mapping[str, Any] = NO_FACTS,
    failed: Mapping[str, Any] = NO_FACTS,
) -> DecisionText:
    """The decision as kept of a refusal, with all that explains it.

    `digest` says what sets of policies are kept under; `facts` are those of the error that a limit refused with,
    `failed` those of what failed ahead of the decision, which then says what else would refuse.
    """
    more: dict[str, object] = {"asked": _request_json(request, decision, form)}
    if form.door == "smtp":
        more["asked"] = _request_json(request, decision, form) | {"key": caller.access_key_id}
    if facts:
        more["limit"] = dict(facts)
    if failed:
        more["failed"] = dict(failed)
    checks = [_check(check) | _grounds(check, digest) for check in decision.checks]
    return DecisionText(shared=_json(_shared(caller, request, decision, checks, more)), own=_own(decision))


def _own(decision: SendDecision) -> str:
    return _json({key: decision.context[key] for key in OWN_KEYS if key in decision.context})


def _shared(
    caller: Caller,
    request: SendRequest,
    decision: SendDecision,
    checks: Sequence[Mapping[str, object]],
    more: Mapping[str, object],
) -> dict[str, object]:
    """What a decision says but for what is this send's own, with `more`."""
    kept: dict[str, object] = {
        "principal": caller.principal.arn,
        "kind": caller.principal.kind.value,
        "user_id": caller.principal.user_id,
        "action": request.action,
        "unverified": decision.unverified,
        "checks": checks,
        **more,
    }
    if caller.session is not None:
        kept["session"] = {
            "role_arn": caller.principal.role_arn,
            "role_id": caller.session.role_id,
            "policies": caller.session.policies,
            "policy_arns": caller.session.policy_arns,
        } | issuer_of(caller.principal)
    # Last: what is this send's own belongs into it.
    kept["context"] = {
        key: value for key, value in decision.context.items() if key not in conditions.OF_ONE_SEND
    }
    return kept


def issuer_of(principal: Principal) -> dict[str, object]:
    """Who opened the session of a federated user, as it is kept with a session; nothing of others."""
    if principal.issuer_arn is None:
        return {}
    return {"issuer_arn": principal.issuer_arn, "issuer_id": principal.issuer_id}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _request_json(request: SendRequest, decision: SendDecision, form: RequestForm) -> dict[str, object]:
    """What a refusal is explained with beside policies: which addresses, and what was named for them."""
    return {
        "door": form.door,
        "senders": [
            [sender.use, sender.addr_spec, sender.as_written, sender.arn] for sender in request.senders
        ],
        "named": form.named,
        "odd": form.odd,
        "sandboxed": decision.sandboxed,
        "default_set": decision.default_configuration_set,
    }


def _check(check: Check) -> dict[str, object]:
    kept: dict[str, object] = {
        "uses": check.uses,
        "addresses": check.addresses,
        "arn": check.arn,
        "owner": check.owner_account_id,
        "outcome": _outcome(check),
        "deciding": [
            {"kind": ref.kind, "policy": ref.policy, "statement": ref.sid or f"#{ref.index + 1}"}
            for ref in check.decision.deciding
        ],
        "sentence": "",
    }
    if check.stopped is not None:
        by = check.stopped.bounds
        since = by.expires_at if by.paused_at is None else by.paused_at
        kept["bounds"] = {
            "identity": by.identity,
            "delegate": by.delegate,
            "since": since,
            "reason": by.pause_reason,
            "how": check.stopped.how,
        }
    return kept


def _grounds(check: Check, digest: Digest) -> dict[str, object]:
    """What a check rests on, by which it is explained."""
    kept: dict[str, object] = {
        "verification": None if check.verification is None else check.verification.value
    }
    if check.grounds is not None:
        if check.grounds.resource_keys:
            kept["resource_keys"] = check.grounds.resource_keys
        kept["under"] = {kind: digest(policies) for kind, policies in check.grounds.sets.items()}
    if check.beside:
        kept["beside"] = [
            {
                "arn": one.arn,
                "under": {"identity": digest(one.policies)},
                "resource_keys": one.resource_keys,
            }
            for one in check.beside
        ]
    return kept


def as_call(caller: Caller, request: SendRequest, decision: SendDecision) -> Caller:
    """The caller with what the audit log tells of a refused send: who as whom, and how each identity answered.

    Nothing of the content, and no recipients but how many; senders that are not verified only where policy did not
    refuse, since it does not tell whether an identity is there (I9).
    """
    if caller.call is not None:
        return caller
    as_written = {sender.as_written for sender in request.senders}
    parameters = {
        "senders": [
            {"use": sender.use, "address": sender.addr_spec, "identityArn": sender.arn}
            for sender in request.senders
        ],
        "recipients": len(request.recipients),
        "checks": [{"resource": check.arn, "outcome": _called(caller, check)} for check in decision.checks],
        "notVerified": []
        if decision.denied
        else [address for address in decision.unverified if address in as_written],
    }
    name = request.action.partition(":")[2]
    return replace(caller, call=ApiCall(source="ses.amazonaws.com", name=name, parameters=parameters))


def _called(caller: Caller, check: Check) -> str:
    """The outcome as the caller's log has it: not which Deny of another owner's it was, nor that there is one (I9)."""
    is_others = check.owner_account_id != caller.principal.account_id
    return "deny" if is_others and check.decision.outcome is not Outcome.ALLOW else _outcome(check)


def without_recipients(request: SendRequest, decision: SendDecision, refusal: ServiceError) -> ServiceError:
    """The refusal as the audit log has it: of the addresses that are not verified it names the senders alone."""
    failed = ", ".join(decision.unverified)
    if not failed or failed not in refusal.message:
        return refusal
    as_written = {sender.as_written for sender in request.senders}
    named = dict.fromkeys(address if address in as_written else HIDDEN for address in decision.unverified)
    return type(refusal)(refusal.message.replace(failed, ", ".join(named)))


def reason(decision: SendDecision) -> str:
    """Which identity was refused and how, or nothing when policy did not refuse; what for costs more to say."""
    denied = decision.denied
    return "" if denied is None else f"{denied.arn}: {_outcome(denied)}"


def _outcome(check: Check) -> str:
    if check.stopped is None or check.decision.outcome is not Outcome.ALLOW:
        return check.decision.outcome.value
    return check.stopped.how


def further_owners(
    caller: Caller, decision: SendDecision, facts: Mapping[str, Any], first: str | None
) -> tuple[str, ...]:
    """The other accounts beside the `first` whose identities refused what was to be sent as them, or whose caps did."""
    refused = [
        check.owner_account_id
        for check in decision.checks
        if not check.allows and set(check.uses) - {"Resource", RECIPIENT}
    ]
    then = facts.get("then", {})
    capped = [cap["owner"] for cap in (*facts.get("also", ()), then, *then.get("also", ())) if "owner" in cap]
    owners = dict.fromkeys([*refused, *capped])
    return tuple(owner for owner in owners if owner not in (first, caller.principal.account_id))


def owner_concerned(
    caller: Caller, decision: SendDecision, facts: Mapping[str, Any] = NO_FACTS
) -> str | None:
    """The other account that a refusal concerns: whose bounds stopped it, or whose identity was asked for."""
    denied = decision.denied
    if denied is not None and denied.stopped is not None:
        return denied.owner_account_id
    if "owner" in facts:
        return str(facts["owner"])
    for check in decision.checks:
        if check.owner_account_id != caller.principal.account_id:
            return check.owner_account_id
    return None
