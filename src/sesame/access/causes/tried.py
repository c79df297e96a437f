"""What is proposed is tried: what would still refuse a message once the ARN is named, or the region called, that a
cause says to.

INVARIANT (I9): tried are identities whose policies name the sender, and its own. A sender reads of the owner's policies
what it would read by naming the ARN; of tags of another's identity nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sesame.access.causes.around import Around
from sesame.access.compiled import Explained, compiled_identity_policies, compiled_policies
from sesame.access.principals import federated_policies, load_boundary, load_user, session_limits
from sesame.access.refusals import policy_request
from sesame.aws.arn import Arn, identity_arn
from sesame.db import Transaction
from sesame.model import AccountId
from sesame.policy import Explanation, PolicyError, explain
from sesame.policy.reasons.case import Setting
from sesame.policy.reasons.cause import Cause, Code, How, Reader
from sesame.policy.reasons.gaps import policy_causes
from sesame.policy.reasons.views import as_not_let_in, without_tags
from sesame.store import identity_policies, policy_sets, tags
from sesame.store.decisions import DecisionRecord
from sesame.store.iam import roles

MOST_TRIED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What policies would decide if the message named an identity, with its tags and without them.

    `knows_own`: with the sender's own policies; else they are not known, and what they say counts for nothing.
    """

    explanation: Explanation
    untagged: Explanation
    knows_own: bool


async def tries(
    tx: Transaction,
    record: DecisionRecord,
    decision: Mapping[str, Any],
    around: Around,
    contents: Mapping[str, str] | None = None,
) -> dict[str, Tried]:
    """By the ARN of an identity that may be proposed, what naming it would come to.

    `contents` are sets of policies by digest, where they are not those that are kept: a question's.
    """
    lent = (
        around.lent,
        around.lent_in_part,
        around.lent_here,
        around.lent_there,
        around.lent_there_in_part,
        around.instead,
        around.elsewhere,
    )
    arns = [arn for found in lent for some in found.values() for arn in some]
    arns += [
        identity_arn(one.region, one.account_id, one.name)
        for some in around.covering.values()
        for one in some
        if one.account_id == record.account_id
        and one.region != record.region
        and one.verification.is_in_force
    ]
    wanted = list(dict.fromkeys(arns))[:MOST_TRIED]
    own = await _own_documents(tx, record, decision, contents) if wanted else None
    context = decision["context"] or _written(decision.get("failed", {}))
    found = {}
    for arn in wanted:
        parsed = Arn.parse(arn)
        name = parsed.resource.removeprefix("identity/")
        kept = await identity_policies.of(tx, parsed.account_id, parsed.region, name)
        given = (await tags.of_all(tx, [arn])).get(arn, {})
        keys = {f"aws:ResourceTag/{key}": value for key, value in given.items()}
        asked = {**decision, "context": {**context, "aws:RequestedRegion": parsed.region}}
        request = policy_request(
            asked, record, {"arn": arn, "owner": parsed.account_id, "resource_keys": keys}
        )
        policies = compiled_identity_policies(kept)
        said = [
            explain(
                one,
                iam=(own or {}).get("iam", ()),
                session=(own or {}).get("session"),
                boundary=(own or {}).get("boundary"),
                identity=policies.documents,
                principal_ids=policies.principal_ids,
            )
            for one in (request, without_tags(request))
        ]
        found[arn] = Tried(explanation=said[0], untagged=said[1], knows_own=own is not None)
    return found


def _written(failed: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a message that failed before anything was decided."""
    return {"ses:FromAddress": failed["from_address"]} if failed.get("from_address") else {}


async def _own_documents(
    tx: Transaction,
    record: DecisionRecord,
    decision: Mapping[str, Any],
    contents: Mapping[str, str] | None,
) -> dict[str, Any] | None:
    """The sender's own policies, and those that limit it: as they were, where that was kept, else those of today."""
    under = next((check["under"] for check in decision["checks"] if "under" in check), None)
    if under is None:
        return await _documents_of_today(tx, record, decision)
    own = {kind: digest for kind, digest in under.items() if kind != "identity"}
    if contents is None:
        contents = await policy_sets.contents(tx, tuple(own.values()))
    try:
        return {
            kind: Explained.read(contents[digest], of_identity=False).documents
            for kind, digest in own.items()
        }
    except (KeyError, PolicyError):
        return None


async def _documents_of_today(
    tx: Transaction, record: DecisionRecord, decision: Mapping[str, Any]
) -> dict[str, Any] | None:
    """None for who is gone, and for a session of which it was not kept what limits it."""
    kind, account_id = decision.get("kind"), AccountId(record.account_id)
    if kind in ("user", "root"):
        user = await load_user(tx, account_id, decision["user_id"])
        if user is None:
            return None
        found: dict[str, Any] = {"iam": user.policies.documents}
        return found | ({} if user.boundary is None else {"boundary": user.boundary.documents})
    session = decision.get("session")
    if kind == "federated" and session is not None:
        return await _of_federated(tx, account_id, session)
    role = None if kind != "role" or session is None else await roles.get_by_id(tx, session["role_id"])
    if role is None or session is None:
        return None
    own = compiled_policies(await roles.policies_for_role(tx, role.role_id), kind="iam")
    limits = await session_limits(tx, account_id, session["policies"], session["policy_arns"])
    boundary = await load_boundary(tx, account_id, role.permissions_boundary)
    found = {"iam": own.documents}
    found |= {} if limits is None else {"session": limits.documents}
    return found | ({} if boundary is None else {"boundary": boundary.documents})


async def _of_federated(
    tx: Transaction, account_id: AccountId, session: Mapping[str, Any]
) -> dict[str, Any] | None:
    found = await federated_policies(tx, account_id, session)
    if found is None:
        return None
    documents = {"iam": found.policies.documents, "session": found.session_policies.documents}
    return documents | ({} if found.boundary is None else {"boundary": found.boundary.documents})


def with_tried(
    cause: Cause, tried: Mapping[str, Tried], record: DecisionRecord, reader: Reader, *, is_whole: bool
) -> Iterator[Cause]:
    """A cause, and behind it what would still refuse once it is mended as it says.

    `is_whole`: all is known that policies ask about.
    """
    yield cause
    if reader is Reader.OWNER:
        return
    arn = _proposed(cause, tried)
    if arn is None:
        return
    one = tried[arn]
    is_own = arn.split(":")[4] == record.account_id
    # An account reads as the operator does what concerned no other one: an owner's half is never told here.
    as_whom, explanation = Reader.OPERATOR, one.explanation
    if not is_own:
        as_whom, explanation = Reader.SENDER, as_not_let_in(explanation, one.untagged)
    for more in policy_causes(explanation, as_whom, setting=Setting()):
        if not one.knows_own and more.mend.details.get("whom") != "owner":
            continue
        if not is_whole and not (more.code in _LACKING or "ses:FromAddress" in more.text):
            continue  # nothing else is known of the message
        if "resourcetag/" not in more.line().lower():
            yield replace(more, text=f"and then {more.text}")


_LACKING = (Code.PRINCIPAL_OTHER, Code.ACTION, Code.ACCOUNT_ONLY, Code.SENDER_IAM)
"""Causes that do not hang on what the message carries."""


def _proposed(cause: Cause, tried: Mapping[str, Tried]) -> str | None:
    """The ARN that a mend says to name, or that counts in the region that it says to call."""
    details = cause.mend.details
    if cause.mend.how is How.CALL_REGION:
        named = details.get("arn")
        if named in tried:
            return str(named)
        there = [arn for arn in tried if arn.split(":")[3] == details.get("region")]
        return there[0] if len(there) == 1 else None
    value = details.get("value") or details.get("to")
    if cause.mend.how is How.SMTP_CREDENTIALS:
        value = details.get("arn")
    return str(value) if value in tried else None
