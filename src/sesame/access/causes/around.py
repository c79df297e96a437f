"""What there is on this server around a refused send: looked up when it is read, never when it is answered.

Identities that cover its addresses, who would lend one, limits and sets. `find` says what of it which reader may know.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from sesame.access.causes.fields import others_named
from sesame.access.causes.managed import Managed, managed_instead
from sesame.access.compiled import compiled_identity_policies
from sesame.access.refusals import policy_request
from sesame.aws.arn import Arn, identity_arn
from sesame.db import Transaction
from sesame.mail.address import AddressError, identity_candidates
from sesame.model import Identity
from sesame.policy import Outcome, Request, explain
from sesame.policy.language.document import Effect
from sesame.policy.reasons.strangers import is_for
from sesame.store import (
    accounts,
    configuration_sets,
    enforcement,
    identities,
    identity_policies,
    mail_from,
    tags,
    templates,
)
from sesame.store.accounts import RegionState
from sesame.store.decisions import DecisionRecord
from sesame.store.iam import login_profiles, roles

MOST_LENDERS = 20
"""Identities whose policies are asked whether they let the sender in, for one address."""

MOST_ASKED = 1_000
"""Identities of one name whose policies are looked at for the sender's account number."""

MOST_NAMES = 1_000
"""Names of sets or templates among which one like that which was not found is looked for."""

MOST_NEAR_ROLES = 3

MOST_SETS = 100
"""Configuration sets that policies are asked about in place of one that was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What was found. `covering` are the identities of the sender's account and of the owners that were asked that
    cover an address, most specific first."""

    covering: Mapping[str, Sequence[Identity]] = field(default_factory=dict)
    lent: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By address, the ARNs of other accounts' verified identities whose policies name the sender for it."""
    elsewhere: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By the ARN of an identity that refused, the ARNs of its owner's other ones whose policies name the sender."""
    other_case: Mapping[str, str] = field(default_factory=dict)
    """By address, an address of the sender's account that differs in the case of letters."""
    mail_from: str | None = None
    """The MAIL FROM domain of the identity that From rests on."""
    state: RegionState | None = None
    """Limits and use of the sender's account in the region."""
    regions_of_resource: Sequence[str] = ()
    """Where else the sender's account has the configuration set or template that was not found."""
    regions_of_from: Collection[str] = ()
    """Where the sender's account has a verified identity for a From, of a failure before it was decided on."""
    near_resource: str | None = None
    """What the sender's account has there under a name like that."""
    is_shut_down: bool = False
    """Whether the sender's account is paused in the region by its reputation or by the operator."""
    near: Mapping[str, str] = field(default_factory=dict)
    """By address that nothing covers, what it would be at a verified identity of the sender's with a name like its."""
    lent_here: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """As `lent`, by an address for which an ARN of another region was named."""
    lent_there: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """As `lent`, in other regions, by an address that neither it nor `lent_in_part` has any for."""
    lent_there_in_part: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """As `lent_in_part`, in other regions, by the same."""
    lent_in_part: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By address, the ARNs of those whose policies name the sender, and do not let this message through."""
    instead: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By an ARN that was refused or does not cover its address, the ARNs of other accounts' that would be right."""
    sets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Where a configuration set was refused: the sets that the sender's account may send through, by name, with their
    tags."""
    no_accounts: Collection[str] = ()
    """The account numbers in ARNs that are nobody's: the operator's to know alone."""
    near_roles: Sequence[str] | None = None
    """Of a role of the sender's own account that is not there, the ARNs of those with names like its."""
    devices: tuple[str, ...] | None = None
    """The ARNs of the MFA devices of the user who sent; None of who is no user."""
    managed: Mapping[str, Managed] = field(default_factory=dict)
    """By the ARN of a check that refused, a managed policy of the sender's that would let its own side pass it."""

    def of(self, account_id: str, address: str) -> list[Identity]:
        """The identities of an account that cover an address, in all regions."""
        return [one for one in self.covering.get(address, ()) if one.account_id == account_id]


NOTHING = Around()


async def look_around(tx: Transaction, record: DecisionRecord) -> Around:
    """Look up what explains a refusal."""
    decision = json.loads(record.decision)
    names = {address: _candidates(address) for address in _addresses(decision)}
    covering = {
        address: [
            one
            for name in candidates
            for account_id in _accounts(record, decision, address)
            for one in await identities.named_of(tx, account_id, name)
        ]
        for address, candidates in names.items()
    }
    found = await _of_senders(tx, record, decision, names, covering)
    state = await accounts.region_state(tx, record.account_id, record.region) if record.account_id else None
    return replace(
        found,
        covering=covering,
        elsewhere={
            check["arn"]: await _elsewhere(tx, record, decision, check, covering)
            for check in decision["checks"]
            if check["outcome"] != "allow" and check["owner"] != record.account_id
        },
        mail_from=await _mail_from(tx, record, decision),
        state=state,
        regions_of_resource=await _regions(tx, record, decision),
        regions_of_from=[
            one.region
            for one in covering.get(decision.get("failed", {}).get("from_address", ""), ())
            if one.account_id == record.account_id and one.verification.is_in_force
        ],
        near_resource=await _near(tx, record, decision),
        is_shut_down=await _is_shut_down(tx, record),
        instead=await _instead(tx, record, decision, names),
        managed={
            check["arn"]: policy
            for check in decision["checks"]
            if check["outcome"] != "allow"
            and (policy := await managed_instead(tx, record, decision, check)) is not None
        },
        sets=await _sets(tx, record, decision),
        near_roles=await _near_roles(tx, record, decision),
        devices=await _devices(tx, decision),
        no_accounts=[
            owner
            for owner in {check["owner"] for check in decision["checks"]}
            if await accounts.get(tx, owner) is None
        ],
    )


async def _of_senders(
    tx: Transaction,
    record: DecisionRecord,
    decision: Mapping[str, Any],
    names: Mapping[str, tuple[str, ...]],
    covering: Mapping[str, Sequence[Identity]],
) -> Around:
    """What there is for the addresses of a message that nothing, or an ARN of another region, was named for."""
    lent: dict[str, list[str]] = {}
    other_case: dict[str, str] = {}
    lent_here: dict[str, list[str]] = {}
    lent_in_part: dict[str, list[str]] = {}
    lent_there: dict[str, list[str]] = {}
    lent_there_in_part: dict[str, list[str]] = {}
    near: dict[str, str] = {}
    for _, address, _, arn in decision.get("asked", {}).get("senders", ()):
        if arn is not None and arn.split(":")[3] != record.region:
            lent_here[address], _ = await _lent(tx, record, decision, names.get(address, ()))
        is_own = arn is not None and arn.split(":")[4] == record.account_id
        if (arn is not None and not is_own) or not decision["checks"]:
            continue
        lent[address], lent_in_part[address] = await _lent(tx, record, decision, names.get(address, ()))
        if not lent[address] and not lent_in_part[address]:
            lent_there[address], lent_there_in_part[address] = await _lent(
                tx, record, decision, names.get(address, ()), is_there=False
            )
        found = await identities.in_other_case(tx, record.account_id, record.region, address)
        other_case |= {} if found is None else {address: found}
        if not covering.get(address) and not lent[address]:
            alike = await _alike(tx, record, address)
            near |= {} if alike is None else {address: alike}
    return Around(
        lent=lent,
        other_case=other_case,
        near=near,
        lent_here=lent_here,
        lent_in_part=lent_in_part,
        lent_there=lent_there,
        lent_there_in_part=lent_there_in_part,
    )


def _accounts(record: DecisionRecord, decision: Mapping[str, Any], address: str) -> list[str]:
    """Whose identities may be what an address rests on: the sender's, and those of the owner that was asked for it."""
    owners = [check["owner"] for check in decision["checks"] if address in check["addresses"]]
    return list(dict.fromkeys([record.account_id, *owners]))


def _candidates(address: str) -> tuple[str, ...]:
    try:
        return identity_candidates(address)
    except AddressError:
        return ()


async def _mail_from(tx: Transaction, record: DecisionRecord, decision: Mapping[str, Any]) -> str | None:
    check = next((one for one in decision["checks"] if "From" in one["uses"]), None)
    if check is None or record.code != "MailFromDomainNotVerifiedException":
        return None
    arn = Arn.parse(check["arn"])
    found = await mail_from.get(tx, check["owner"], arn.region, arn.resource.removeprefix("identity/"))
    return None if found is None else found.domain


def _addresses(decision: Mapping[str, Any]) -> list[str]:
    found = [sender[1] for sender in decision.get("asked", {}).get("senders", ())]
    found += [address for check in decision["checks"] for address in check["addresses"]]
    failed = decision.get("failed", {})
    found += [failed[name] for name in ("address", "from_address") if name in failed]
    found += [str(address) for address in decision.get("unverified", ()) if "<" not in str(address)]
    return list(dict.fromkeys(found))


async def _lent(
    tx: Transaction,
    record: DecisionRecord,
    decision: Mapping[str, Any],
    names: Iterable[str],
    *,
    is_there: bool = True,
) -> tuple[list[str], list[str]]:
    """The other accounts' identities here, or (not `is_there`) in other regions, whose policies name the sender: those
    that would let it through, were their ARN named, and those that would not."""
    principal = decision["principal"] if decision.get("kind") == "service" else record.account_id
    if not principal:
        return [], []
    others: list[Identity] = []
    for name in names:
        others += await identities.naming(
            tx, name, region=record.region, principal=principal, without=record.account_id,
            most_asked=MOST_ASKED, limit=MOST_LENDERS, is_there=is_there,
        )  # fmt: skip
    return await _naming(tx, record, decision, others)


async def _instead(
    tx: Transaction,
    record: DecisionRecord,
    decision: Mapping[str, Any],
    names: Mapping[str, Iterable[str]],
) -> dict[str, list[str]]:
    """For each ARN of another account that refused, or that does not cover its address, those of others that lend."""
    found: dict[str, list[str]] = {}
    for check in decision["checks"]:
        if check["outcome"] == "allow" or check["owner"] == record.account_id or not check["addresses"]:
            continue
        wanted = [set(names.get(address, ())) for address in check["addresses"]]
        common = [name for name in names.get(check["addresses"][0], ()) if all(name in one for one in wanted)]
        lent, _ = await _lent(tx, record, decision, common)
        found[check["arn"]] = [arn for arn in lent if Arn.parse(arn).account_id != check["owner"]]
    failed = decision.get("failed", {})
    address = failed.get("address") or failed.get("from_address")
    if failed.get("error") in ("DoesNotAlign", "InvalidIdentityArn") and address and record.account_id:
        bare = address.rpartition("<")[2].rstrip("> ")
        sent = {"ses:FromAddress": failed.get("from_address") or bare, "ses:FeedbackAddress": bare}
        lent, in_part = await _lent(tx, record, {**decision, "context": sent}, _candidates(bare))
        found[failed["arn"]] = [arn for arn in (*lent, *in_part) if arn != failed["arn"]]
        for one in others_named(failed):
            if one.address and one.use != "Return-Path" and one.arn not in found:
                others, _ = await _lent(tx, record, {**decision, "context": sent}, _candidates(one.address))
                found[one.arn] = [arn for arn in others if arn != one.arn]
    return found


async def _elsewhere(
    tx: Transaction,
    record: DecisionRecord,
    decision: Mapping[str, Any],
    check: Mapping[str, Any],
    covering: Mapping[str, Sequence[Identity]],
) -> list[str]:
    """The owner's other identities, in any region, that cover what a check was about and let the sender in."""
    named = check["arn"].lower()
    others = {
        identity_arn(one.region, one.account_id, one.name): one
        for address in check["addresses"]
        for one in covering.get(address, ())
        if one.account_id == check["owner"] and one.verification.is_in_force
    }
    lent, _ = await _naming(
        tx,
        record,
        decision,
        [one for arn, one in others.items() if arn.lower() != named and not _is_denied_by(check, one)],
    )
    return lent


def _is_denied_by(check: Mapping[str, Any], other: Identity) -> bool:
    """Whether the Deny that refused a check counts too where another identity is named, since it is broader."""
    if not any(ref["kind"] == "identity" for ref in check["deciding"]) or check["outcome"] != "explicit deny":
        return False
    _, _, _, region, _, resource = check["arn"].split(":", 5)
    name = resource.removeprefix("identity/").lower()
    domain = name.rpartition("@")[2]
    return (
        region == other.region
        and name != other.name.lower()
        and f".{domain}".endswith(f".{other.name.lower()}")
    )


async def _naming(
    tx: Transaction, record: DecisionRecord, decision: Mapping[str, Any], others: Sequence[Identity]
) -> tuple[list[str], list[str]]:
    """The ARNs of those whose policies name the sender: that let it through as far as they say, and that do not."""
    found: list[str] = []
    in_part: list[str] = []
    for one in others[:MOST_LENDERS]:
        kept = await identity_policies.of(tx, one.account_id, one.region, one.name)
        if not kept:
            continue
        arn = identity_arn(one.region, one.account_id, one.name)
        policies = compiled_identity_policies(kept)
        asked = decision
        if one.region != record.region and decision["context"]:
            context = {**decision["context"], "aws:RequestedRegion": one.region}
            asked = {**decision, "context": context}
        request = policy_request(asked, record, {"arn": arn, "owner": one.account_id})
        explanation = explain(
            request, iam=(), identity=policies.documents, principal_ids=policies.principal_ids
        )
        by_name = [
            step
            for step in explanation.statements
            if step.effect is Effect.ALLOW
            and _names(step.elements[0].wanted, request)
            and is_for(step, request.requester)
        ]
        if any(step.matched for step in by_name) and explanation.outcome is not Outcome.EXPLICIT_DENY:
            found.append(arn)
        elif by_name:
            in_part.append(arn)
    return found, in_part


def _names(wanted: Sequence[str], request: Request) -> bool:
    """Whether a Principal names the requester, not everybody."""
    requester = request.requester
    account = requester.account_id
    names = {requester.arn, requester.entity_arn, requester.user_id, account, f"arn:aws:iam::{account}:root"}
    return any(value in names for value in wanted if value)


async def _alike(tx: Transaction, record: DecisionRecord, address: str) -> str | None:
    """What an address may be a slip of, by the names of the account's verified identities."""
    local, _, domain = address.rpartition("@")
    found = await identities.page(tx, record.account_id, record.region, kind=None, after="", limit=MOST_NAMES)
    verified = [one.name for one in found if one.verification.is_in_force]
    for name in get_close_matches(address, [name for name in verified if "@" in name], n=1, cutoff=0.85):
        return name
    for name in get_close_matches(
        domain.lower(), [name for name in verified if "@" not in name], n=1, cutoff=0.85
    ):
        return f"{local}@{name}"
    return None


async def _is_shut_down(tx: Transaction, record: DecisionRecord) -> bool:
    if not record.account_id or record.code != "AccountSendingPausedException":
        return False
    found = await enforcement.state(tx, record.account_id, record.region)
    return found.enforcement == "SHUTDOWN"


async def _near(tx: Transaction, record: DecisionRecord, decision: Mapping[str, Any]) -> str | None:
    """The name of the account's set or template that one which was not found is a slip of, if there is one."""
    failed = decision.get("failed", {})
    names: list[str] = []
    if name := failed.get("ConfigurationSetName"):
        names = await configuration_sets.names(
            tx, record.account_id, record.region, after="", limit=MOST_NAMES
        )
    elif name := failed.get("TemplateName"):
        found = await templates.page(tx, record.account_id, record.region, after="", limit=MOST_NAMES)
        names = [one for one, _ in found]
    folded = {one.lower(): one for one in reversed(names)}
    near = get_close_matches(str(name).lower(), folded, n=1, cutoff=0.8)
    return folded[near[0]] if near else None


async def _near_roles(
    tx: Transaction, record: DecisionRecord, decision: Mapping[str, Any]
) -> list[str] | None:
    arn = str(decision.get("failed", {}).get("role", ""))
    if not record.account_id or arn.split(":")[4:5] != [record.account_id]:
        return None
    there = {role.arn: role.role_name for role in await roles.list_roles(tx, record.account_id)}
    if arn in there:
        return None
    name = arn.rpartition("/")[2].lower()
    near = get_close_matches(name, [one.lower() for one in there.values()], n=MOST_NEAR_ROLES, cutoff=0.6)
    return sorted(
        (one for one in there if there[one].lower() in near), key=lambda one: near.index(there[one].lower())
    )


async def _devices(tx: Transaction, decision: Mapping[str, Any]) -> tuple[str, ...] | None:
    if decision.get("kind") != "user":
        return None
    return tuple(one.serial for one in await login_profiles.devices_of(tx, decision["user_id"]))


async def _sets(
    tx: Transaction, record: DecisionRecord, decision: Mapping[str, Any]
) -> dict[str, dict[str, str]]:
    place = record.account_id, record.region
    is_asked = any(
        ":configuration-set/" in check["arn"] and check["outcome"] != "allow" for check in decision["checks"]
    )
    if not is_asked:
        return {}
    names = await configuration_sets.in_use(tx, *place, limit=MOST_SETS)
    arns = {
        name: configuration_sets.configuration_set_arn(record.region, record.account_id, name)
        for name in names
    }
    found = await tags.of_all(tx, list(arns.values()))
    return {name: found.get(arn, {}) for name, arn in arns.items()}


async def _regions(tx: Transaction, record: DecisionRecord, decision: Mapping[str, Any]) -> list[str]:
    failed = decision.get("failed", {})
    if name := failed.get("ConfigurationSetName"):
        return await configuration_sets.regions_of(tx, record.account_id, name)
    if name := failed.get("TemplateName"):
        return await templates.regions_of(tx, record.account_id, name)
    return []
