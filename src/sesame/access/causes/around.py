"""What there is on this server around a refused send: looked up when it is read, never when it is answered.

Identities that cover its addresses, who would lend one, limits and sets. `find` says what of it which reader may know.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sesame.access.directory import identity_policies
from sesame.access.refusals import asked
from sesame.aws.arn import identity_arn
from sesame.db import Transaction
from sesame.mail.address import AddressError, identity_candidates
from sesame.model import Identity, VerificationStatus
from sesame.policy import Outcome, Request, explain
from sesame.policy.language.document import Effect
from sesame.store import accounts, configuration_sets, identities, templates
from sesame.store.accounts import RegionState
from sesame.store.decisions import DecisionRecord

MOST_LENDERS = 20
"""Identities of other accounts whose policies are asked for one address."""

VERIFIED = (VerificationStatus.SUCCESS, VerificationStatus.TEMPORARY_FAILURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What was found. `covering` are the identities of all accounts that cover an address, most specific first."""

    covering: Mapping[str, Sequence[Identity]] = field(default_factory=dict)
    lent: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By address, the ARNs of other accounts' verified identities whose policies name the sender for it."""
    state: RegionState | None = None
    """Limits and use of the sender's account in the region."""
    regions_of_resource: Sequence[str] = ()
    """Where else the sender's account has the configuration set or template that was not found."""

    def of(self, account_id: str, address: str) -> list[Identity]:
        """The identities of an account that cover an address, in all regions."""
        return [one for one in self.covering.get(address, ()) if one.account_id == account_id]


NOTHING = Around()


async def look_around(tx: Transaction, record: DecisionRecord) -> Around:
    """Look up what explains a refusal."""
    decision = json.loads(record.decision)
    addresses = _addresses(decision)
    covering: dict[str, list[Identity]] = {}
    for address in addresses:
        try:
            names = identity_candidates(address)
        except AddressError:
            continue
        covering[address] = [one for name in names for one in await identities.named(tx, name)]
    lent = {}
    for sender in decision.get("asked", {}).get("senders", ()):
        if sender[3] is None and decision["checks"]:
            lent[sender[1]] = await _lent(tx, record, decision, covering.get(sender[1], ()))
    state = await accounts.region_state(tx, record.account_id, record.region) if record.account_id else None
    return Around(
        covering=covering, lent=lent, state=state, regions_of_resource=await _regions(tx, record, decision)
    )


def _addresses(decision: Mapping[str, Any]) -> list[str]:
    found = [sender[1] for sender in decision.get("asked", {}).get("senders", ())]
    found += [address for check in decision["checks"] for address in check["addresses"]]
    failed = decision.get("failed", {})
    found += [failed["address"]] if "address" in failed else []
    found += [str(address) for address in decision.get("unverified", ()) if "<" not in str(address)]
    return list(dict.fromkeys(found))


async def _lent(
    tx: Transaction, record: DecisionRecord, decision: Mapping[str, Any], covering: Iterable[Identity]
) -> list[str]:
    """The other accounts' identities here whose policies name the sender and would let it, were their ARN named."""
    found = []
    others = [
        one
        for one in covering
        if one.account_id != record.account_id
        and one.region == record.region
        and one.verification in VERIFIED
    ]
    for one in others[:MOST_LENDERS]:
        kept = await identities.policies(tx, one.account_id, one.region, one.name)
        if not kept:
            continue
        arn = identity_arn(one.region, one.account_id, one.name)
        policies = identity_policies(kept)
        request = asked(decision, record, {"arn": arn, "owner": one.account_id})
        explanation = explain(
            request, iam=(), identity=policies.documents, principal_ids=policies.principal_ids
        )
        by_name = any(
            step.effect is Effect.ALLOW and step.matched and _names(step.elements[0].wanted, request)
            for step in explanation.statements
        )
        if by_name and explanation.outcome is not Outcome.EXPLICIT_DENY:
            found.append(arn)
    return found


def _names(wanted: Sequence[str], request: Request) -> bool:
    """Whether a Principal names the requester, not everybody."""
    requester = request.requester
    account = requester.account_id
    names = {requester.arn, requester.role_arn, requester.user_id, account, f"arn:aws:iam::{account}:root"}
    return any(value in names for value in wanted if value)


async def _regions(tx: Transaction, record: DecisionRecord, decision: Mapping[str, Any]) -> list[str]:
    failed = decision.get("failed", {})
    if name := failed.get("ConfigurationSetName"):
        return await configuration_sets.regions_of(tx, record.account_id, name)
    if name := failed.get("TemplateName"):
        return await templates.regions_of(tx, record.account_id, name)
    return []
