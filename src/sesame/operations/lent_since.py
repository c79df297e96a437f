"""Since when an identity is lent to each principal that its policies name, and when it was used first since then.

What policies said before says the first, as far back as it is kept; counts by quarter hour say the second, of the
whole account, as far back as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sesame.db import Transaction
from sesame.operations.identity_list import named_in
from sesame.store import identity_tallies, policy_versions
from sesame.store.policy_versions import Version

COUNTED_S = 90 * 86_400.0
"""For how long there are counts."""
MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """Since when a principal is named, in Unix seconds, and the quarter hour of its account's first send after that.

    None for one that has not sent, or that was lent before there are counts.
    """

    since: float
    used_at: float | None


async def lent_in(
    tx: Transaction,
    owner: str,
    region: str,
    identity: str,
    *,
    policies: Sequence[tuple[str, str]],
    now: float,
) -> dict[str, Lent]:
    """Of each principal of which it is known, as `named_in` writes it; `policies` are those in force by name."""
    versions = await policy_versions.of_identity(tx, owner, region, identity)
    found = begun(policies, versions)
    asked = [(who, at) for who, at in found.items() if at > now - COUNTED_S][:MOST]
    used = await identity_tallies.first_sends(
        tx, owner, identity, region=region, asked=[(account_of(who), at) for who, at in asked]
    )
    first = {who: at for (who, _), at in zip(asked, used, strict=True)}
    return {who: Lent(since=at, used_at=first.get(who)) for who, at in found.items()}


def begun(policies: Sequence[tuple[str, str]], versions: Mapping[str, Sequence[Version]]) -> dict[str, float]:
    """Since when each principal of an account is named without a break by one policy, where versions tell.

    The longest counts where several policies name one, and nothing is known where one of them has done so for longer
    than its versions reach.
    """
    found: dict[str, float] = {}
    unknown: set[str] = set()
    for name, document in policies:
        left = set(named_in(document))
        for version in versions.get(name, ()):  # the newest first
            still = left & set(named_in(version.document)) if version.document is not None else set()
            for who in left - still:
                found[who] = min(version.ended_at, found.get(who, version.ended_at))
            left = still
        unknown |= left
    # One that is gone is shown by its unique id, which earlier texts do not have: it is of no account here.
    return {who: at for who, at in found.items() if who not in unknown and account_of(who)}


def account_of(principal: str) -> str:
    """The account of an id or an ARN; empty for anybody and for services."""
    fields = principal.split(":")
    return fields[4] if len(fields) > 5 else principal if principal.isdecimal() else ""
