"""A decision as somebody may read it: the sender, the owner of the identity, or the operator who sees both.

`render` is pure. `latest` and `of_request` read the stored records with what explains them, and render each for the
account that asks. INVARIANT (I9): what one side reads contains nothing of the other's policies, tags or recipients.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sesame.access.causes.around import NOTHING, Around, look_around
from sesame.access.causes.fields import own_senders
from sesame.access.causes.find import Refused, causes_of
from sesame.access.causes.other_sets import set_ways
from sesame.access.causes.third_person import for_operator
from sesame.access.causes.tried import Tried, tries
from sesame.access.refusals import Derived, derive, digests
from sesame.aws.arn import identity_arn
from sesame.db import Store, Transaction
from sesame.mail.address import domain_of
from sesame.policy import Outcome, owner_view, sender_view
from sesame.policy.reasons.cause import Reader
from sesame.store import decisions, policy_sets
from sesame.store.decisions import DecisionRecord
from sesame.store.iam import entities

NAMES_UNVERIFIED = frozenset({"MessageRejected", "FromEmailAddressNotVerified"})
"""Answers that name the addresses that are not verified; after any other the sender is not told of them (I9)."""

NOBODY: Mapping[str, str] = {}
NOTHING_TRIED: Mapping[str, Tried] = {}
MOST_NAMED = 20
"""Of so many principals that are named it is asked whether they are still there."""

_OWNERS_USES = ("From", "Source", "Sender", "Return-Path")


def reader_of(record: DecisionRecord, account_id: str) -> Reader:
    """As what an account reads a decision: both sides are its own where no other is concerned."""
    if account_id == record.account_id:
        others = record.owner_account_id not in (None, account_id) or _is_of_others(record)
        return Reader.SENDER if others else Reader.OPERATOR
    return Reader.OWNER


def _is_of_others(record: DecisionRecord) -> bool:
    """Whether what was accepted is sent as another account's identity too, beside an own one that From rests on; or a
    session of a role of another account was asked for, there or not."""
    if record.message_id is not None:
        return any(check["owner"] != record.account_id for check in json.loads(record.decision)["checks"])
    if '"role"' not in record.decision:
        return False
    role = json.loads(record.decision).get("failed", {}).get("role")
    return role is not None and role.split(":")[4] != record.account_id


def render(
    record: DecisionRecord,
    contents: Mapping[str, str],
    reader: Reader,
    *,
    around: Around = NOTHING,
    gone: Mapping[str, str] = NOBODY,
    is_operators: bool = False,
    tried: Mapping[str, Tried] = NOTHING_TRIED,
) -> dict[str, Any]:
    """The decision as JSON; `contents` are the sets of policies by digest, `gone` principals that are no more there.

    `is_operators`: it is read by the operator of the server, not by an account that is both sides.
    """
    decision = json.loads(record.decision)
    derived = [derive(record, decision, check, contents, reader) for check in decision["checks"]]
    beside = [
        [derive(record, decision, {**check, **one}, contents) for one in check.get("beside", ())]
        for check in decision["checks"]
    ]
    regions = [_passing_regions(record, decision, check, contents, around) for check in decision["checks"]]
    refused = Refused(
        record=record,
        decision=decision,
        derived=derived,
        around=around,
        tried=tried,
        beside=beside,
        regions=regions,
        sets=[set_ways(record, decision, check, contents, around) for check in decision["checks"]],
        gone=gone,
        once_there=[_once_there(record, decision, check, contents) for check in decision["checks"]],
    )
    found = causes_of(refused, reader)
    causes = [(for_operator(cause) if is_operators else cause).as_json() for cause in found]
    checks = [
        _check(record, check, one, reader) for check, one in zip(decision["checks"], derived, strict=True)
    ]
    rendered = {
        "at": record.at,
        "sender": record.account_id,
        "principal": decision["principal"],
        "region": record.region,
        "code": record.code,
        "message_id": record.message_id,
        "request_id": record.request_id,
        "action": decision.get("action", ""),
        "reason": _reason(record, decision, derived, reader),
        "checks": [check for check in checks if check is not None],
        "unverified": decision.get("unverified", []),
        "causes": causes,
    }
    if reader is Reader.OWNER:
        shown = {sender[2] for sender in own_senders(record, decision)}
        rendered["unverified"] = [address for address in rendered["unverified"] if address in shown]
    else:
        rendered["owner"] = record.owner_account_id
    if reader is Reader.SENDER and record.code not in NAMES_UNVERIFIED:
        rendered["unverified"] = []
    return rendered


def _once_there(
    record: DecisionRecord, decision: Mapping[str, Any], check: Mapping[str, Any], contents: Mapping[str, str]
) -> Derived | None:
    """What the sender's own policies say of a domain of its own, where nothing yet covers the address of a check."""
    if "under" not in check or not _is_made_up(record, decision, check):
        return None
    domain = domain_of(check["addresses"][0])
    under = {kind: digest for kind, digest in check["under"].items() if kind != "identity"}
    arn = identity_arn(record.region, record.account_id, domain)
    return derive(record, decision, {**check, "arn": arn, "under": under}, contents)


def _passing_regions(
    record: DecisionRecord,
    decision: Mapping[str, Any],
    check: Mapping[str, Any],
    contents: Mapping[str, str],
    around: Around,
) -> list[str]:
    """The other regions in which the sender's own identity is verified, and its IAM policies would let the send pass.

    None where the message uses what is of the region beside identities.
    """
    is_own = check["owner"] == record.account_id and "under" in check
    if (
        check["outcome"] == "allow"
        or not is_own
        or any("Resource" in one["uses"] for one in decision["checks"])
    ):
        return []
    parts = check["arn"].split(":")
    found = []
    for one in {
        one.region: one for address in check["addresses"] for one in around.of(parts[4], address)
    }.values():
        if one.region == record.region or not one.verification.is_in_force:
            continue
        there = {
            **check,
            "arn": ":".join([*parts[:3], one.region, parts[4], f"identity/{one.name}"]),
            "under": {kind: digest for kind, digest in check["under"].items() if kind != "identity"},
        }
        asked = {**decision, "context": {**decision["context"], "aws:RequestedRegion": one.region}}
        said = derive(record, asked, there, contents)
        if said is not None and said.explanation.outcome is Outcome.ALLOW:
            found.append(one.region)
    return found


def sentence_of(record: DecisionRecord, contents: Mapping[str, str], reader: Reader) -> str:
    """Why a send was refused, in the one sentence that needs no more than its record and its policies."""
    decision = json.loads(record.decision)
    derived: list[Derived | None] = []
    for check in decision["checks"]:
        is_asked = check["outcome"] != "allow" and not any(derived)
        derived.append(derive(record, decision, check, contents, reader) if is_asked else None)
    said = _reason(record, decision, derived, reader)
    arns = [f"{check['arn']}: " for check in decision["checks"]]
    return next((said.removeprefix(arn) for arn in arns if said.startswith(arn)), said)


def _reason(
    record: DecisionRecord, decision: Mapping[str, Any], derived: Sequence[Derived | None], reader: Reader
) -> str:
    """Why, in one sentence: of a refusal by policy what its policies said, else what was answered."""
    if "failed" in decision and reader is not Reader.OWNER:
        return record.reason
    for check, one in zip(decision["checks"], derived, strict=True):
        if check["outcome"] == "allow" or (reader is Reader.OWNER and not _is_owners(record, check)):
            continue
        if _is_made_up(record, decision, check):
            addresses = ", ".join(dict.fromkeys(check["addresses"]))
            return f"no identity of account {record.account_id} covers {addresses}"
        if one is not None:
            return f"{check['arn']}: {_sentence(record, check, one, reader)}"
        return f"{check['arn']}: {shown_as(record, decision, check, one, reader)[0]}"
    if reader is Reader.OWNER and record.message_id is None:
        return f"refused: {record.code}"
    return record.reason


def _sentence(record: DecisionRecord, check: Mapping[str, Any], one: Derived, reader: Reader) -> str:
    own = check["owner"] == record.account_id
    if reader is Reader.OPERATOR or own:
        return one.explanation.sentence
    if reader is Reader.OWNER:
        return owner_view(one.explanation, check["uses"]).sentence
    return sender_view(one.explanation, is_let_in=one.is_let_in).sentence


def _check(
    record: DecisionRecord, check: Mapping[str, Any], one: Derived | None, reader: Reader
) -> dict[str, Any] | None:
    """One check as the reader may see it, None for one that is not its."""
    if reader is Reader.OWNER and not _is_owners(record, check):
        return None
    own = check["owner"] == record.account_id
    kinds = {"identity", "iam", "session", "boundary"}
    if not own and reader is not Reader.OPERATOR:
        kinds = {"identity"} if reader is Reader.OWNER else kinds - {"identity"}
    rendered = {
        "uses": check["uses"],
        "addresses": check["addresses"],
        "arn": check["arn"],
        "owner": check["owner"],
        "outcome": check["outcome"],
        "deciding": [ref for ref in check["deciding"] if ref["kind"] in kinds],
        "sentence": "" if one is None else _sentence(record, check, one, reader),
    }
    outcome, arn = shown_as(record, json.loads(record.decision), check, one, reader)
    if _is_hidden(record, check, reader):
        return rendered | {"outcome": outcome, "deciding": _deciding(one, kinds)}
    if outcome != check["outcome"]:
        return rendered | {"outcome": outcome, "arn": arn, "deciding": []}
    return rendered


def _deciding(one: Derived | None, kinds: set[str]) -> list[dict[str, str]]:
    """The statements of these kinds that deny, as they are kept with a decision."""
    refs = () if one is None else one.explanation.deciding
    return [
        {"kind": ref.kind, "policy": ref.policy, "statement": ref.sid or f"#{ref.index + 1}"}
        for ref in refs
        if ref.kind in kinds
    ]


def _is_hidden(record: DecisionRecord, check: Mapping[str, Any], reader: Reader) -> bool:
    """Whether how a check came out is not all the reader's to know: a sender's, of another's, that policies refused."""
    is_refused = check["outcome"] in ("explicit deny", "implicit deny")
    return reader is Reader.SENDER and check["owner"] != record.account_id and is_refused


def shown_as(
    record: DecisionRecord,
    decision: Mapping[str, Any],
    check: Mapping[str, Any],
    derived: Derived | None,
    reader: Reader,
) -> tuple[str, str | None]:
    """The outcome and the ARN of a check as a reader is shown them.

    What is not there or not verified is not shown as allowed, nor by an ARN that nobody named; that an owner denies
    explicitly is not shown to a stranger, whom that would tell that there is something to deny.
    """
    outcome, arn = check["outcome"], check["arn"]
    if _is_hidden(record, check, reader):
        seen = Outcome.IMPLICIT_DENY
        if derived is not None:
            seen = sender_view(derived.explanation, is_let_in=derived.is_let_in).outcome
        outcome = "explicit deny" if seen is Outcome.EXPLICIT_DENY else "implicit deny"
    if "verification" not in check or "Resource" in check["uses"]:
        return outcome, arn
    verification = check["verification"]
    if verification is None and check["owner"] == record.account_id:
        return "no such identity", None if _is_made_up(record, decision, check) else arn
    if verification is None and reader is not Reader.SENDER:
        return "no such identity", arn
    if outcome == "allow" and verification not in (None, "Success", "TemporaryFailure"):
        return "not verified", arn
    return outcome, arn


def _is_made_up(record: DecisionRecord, decision: Mapping[str, Any], check: Mapping[str, Any]) -> bool:
    """Whether a check rests on an identity that does not exist and that nobody named."""
    if check.get("verification", "") is not None or check["owner"] != record.account_id:
        return False
    if "Resource" in check["uses"]:
        return False
    senders = decision.get("asked", {}).get("senders", ())
    return not any(
        sender[3] for sender in senders if sender[0] in check["uses"] and sender[1] in check["addresses"]
    )


def _is_owners(record: DecisionRecord, check: Mapping[str, Any]) -> bool:
    uses = set(check["uses"])
    return bool(check["owner"] == record.owner_account_id and uses & set(_OWNERS_USES))


async def latest(
    store: Store, account_id: str, *, limit: int, reader: Reader | None = None
) -> list[dict[str, Any]]:
    """The newest decisions that concern an account, newest first, as it may read them (or as `reader`)."""

    async def run(tx: Transaction) -> list[dict[str, Any]]:
        records = await decisions.latest(tx, account_id, limit=limit)
        return await _render_all(tx, records, account_id, reader)

    return await store.read(run)


async def of_request(
    store: Store, request_id: str, *, account_id: str | None = None, reader: Reader | None = None
) -> list[dict[str, Any]]:
    """The refusals that a request was answered with; of an account only those that concern it."""

    return await store.read(lambda tx: of_request_in(tx, request_id, account_id=account_id, reader=reader))


async def of_request_in(
    tx: Transaction, request_id: str, *, account_id: str | None = None, reader: Reader | None = None
) -> list[dict[str, Any]]:
    """The same in a transaction."""
    records = await decisions.of_request(tx, request_id, viewer=account_id)
    return await _render_all(tx, records, account_id, reader)


async def _render_all(
    tx: Transaction, records: Sequence[DecisionRecord], account_id: str | None, reader: Reader | None
) -> list[dict[str, Any]]:
    wanted = tuple({digest: None for record in records for digest in digests(record)})
    contents = await policy_sets.contents(tx, wanted)
    rendered = []
    for record in records:
        around = await look_around(tx, record) if record.message_id is None else NOTHING
        as_whom = reader or (Reader.OPERATOR if account_id is None else reader_of(record, account_id))
        gone = NOBODY if as_whom is Reader.SENDER else await _gone(tx, record, contents)
        is_operators = as_whom is Reader.OPERATOR and not account_id
        is_told = record.message_id is None and as_whom is not Reader.OWNER
        tried = await tries(tx, record, json.loads(record.decision), around) if is_told else NOTHING_TRIED
        rendered.append(
            render(
                record,
                contents,
                as_whom,
                around=around,
                gone=gone,
                is_operators=is_operators,
                tried=tried,
            )
        )
    return rendered


async def _gone(tx: Transaction, record: DecisionRecord, contents: Mapping[str, str]) -> dict[str, str]:
    """The users and roles that identity policies behind a refusal name and that were deleted, with their unique ids."""
    checks = [] if record.message_id is not None else json.loads(record.decision)["checks"]
    sets = [contents.get(check.get("under", {}).get("identity", "")) for check in checks]
    named = [one for text in sets if text for one in json.loads(text)["principal_ids"].items()]
    return {
        name: unique_id
        for name, unique_id in named[:MOST_NAMED]
        if await entities.of_unique_id(tx, unique_id) is None
    }
