"""Who can send as an identity, for its console page: policies, what each account sent, and the bounds on delegates.

One look, and one look at the permissions. Policies may not be seen without `ses:GetEmailIdentityPolicies`; bounds say
why they may not be seen. Bounds on all identities (`*`) are shown to who may list those too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from sesame.access import quota
from sesame.access.identity_names import normal_name
from sesame.access.permission import Authorizer
from sesame.aws.arn import identity_arn
from sesame.db import Store, Transaction
from sesame.errors import AccessDenied
from sesame.identities.policies import IdentityMissing
from sesame.model import Caller
from sesame.operations.cached_reads import CachedReads
from sesame.operations.lent_since import Lent, lent_in
from sesame.operations.people import Part
from sesame.operations.policy_editing import READ, IdentityPolicies, policies_in
from sesame.store import delegate_bounds, identity_tallies
from sesame.store.delegate_bounds import ALL, Amount, Bounds
from sesame.store.tallies import Counts

LIST = "sesame:ListDelegateBounds"
MOST_BOUNDS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """Bounds, and what the last 24 hours used of them."""

    bounds: Bounds
    used: Amount

    @property
    def is_of_all(self) -> bool:
        """Whether they are on all identities of the owner."""
        return self.bounds.identity == ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class SendersView:
    """What the page shows; `sent` is by account, `lent` by principal, without those of whom it is not known."""

    policies: IdentityPolicies
    sent: Mapping[str, Counts]
    lent: Mapping[str, Lent]
    bounds: Part[Used]


async def senders_view(
    store: Store, authorizer: Authorizer, caller: Caller, name: str, *, since: float, now: float
) -> SendersView:
    """The caller's identity of that name. Raises `AccessDenied` and `IdentityMissing`."""
    stored, owner, region = normal_name(name), caller.principal.account_id, caller.region
    arn = identity_arn(region, owner, stored)
    read, listed, of_all = await authorizer.refusals(
        caller, [(READ, arn), (LIST, arn), (LIST, identity_arn(region, owner, ALL))]
    )
    if read is not None:
        raise AccessDenied(read)

    async def run(store_tx: Transaction) -> SendersView | None:
        tx = cast(Transaction, CachedReads(store_tx))
        policies = await policies_in(tx, owner, region, stored)
        if policies is None:
            return None
        sent = await identity_tallies.by_delegate(tx, owner, stored, since=since, region=region)
        bounds: list[Bounds] = []
        if listed is None:
            found = await delegate_bounds.of_identity(tx, owner, region, stored)
            bounds = [one for one in found if of_all is None or one.identity != ALL][:MOST_BOUNDS]
        seqs = [one.seq for one in bounds]
        used = await delegate_bounds.used_since(tx, seqs, since=quota.last_expired(now) + 1)
        return SendersView(
            policies=policies,
            sent=dict(sent),
            lent=await lent_in(tx, owner, region, stored, policies=policies.named, now=now),
            bounds=Part(tuple(Used(bounds=one, used=used[one.seq]) for one in bounds), listed or ""),
        )

    view = await store.read(run)
    if view is None:
        raise IdentityMissing(stored)
    return view
