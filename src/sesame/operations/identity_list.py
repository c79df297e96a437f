"""The identities of a region with what an owner wants to see of each: lent to whom, what was sent, what is wrong.

Everything but names and states takes the permission that AWS has for it; what may not be read is left out. What is
read of policies is bounded. Sends are counted by days, so that a page of busy identities takes a few rows for each.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sesame.access.permission import Authorizer
from sesame.aws.arn import identity_arn
from sesame.db import Store, Transaction
from sesame.errors import AccessDenied
from sesame.model import Caller, Identity
from sesame.operations.policy_editing import READ
from sesame.operations.sender_reputation import ACTION as COUNTS
from sesame.store import identities, identity_list, identity_tallies, tallies
from sesame.store.identity_list import Beside
from sesame.store.tallies import Counts

LIST, GET = "ses:ListEmailIdentities", "ses:GetEmailIdentity"
MOST_POLICIES = 500
MOST_ELSEWHERE, MOST_LOOKED_AT = 10, 200
DAYS = 2
"""Days of which sends are counted: today and yesterday, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One identity. What may not be read is None."""

    identity: Identity
    beside: Beside | None
    """Its MAIL FROM domain, and what was wrong with its records."""
    policies: int
    lent_to: tuple[str, ...] | None
    """Whom its policies name, other than the account itself."""
    sent: Counts | None
    also_in: tuple[str, ...]
    """Other regions where the account has it."""
    not_in: tuple[str, ...]
    """Other regions where the account has identities, and not this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityList:
    """The rows by name; how many identities there are elsewhere, and some that are in other regions alone."""

    rows: tuple[Row, ...]
    next: str | None
    """Behind which name the list goes on; None at its end."""
    by_region: Mapping[str, int]
    only_elsewhere: tuple[tuple[str, str], ...]
    """Name and region."""


class IdentityLists:
    """Reads; the caller needs the leave to list identities."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    async def of(self, caller: Caller, *, after: str, limit: int, now: float, most: int) -> IdentityList:
        """So many identities of the caller's region behind a name, or the first (""). Raises `AccessDenied`.

        `most` is how far those of other regions are counted.
        """
        account_id, region = here = caller.principal.account_id, caller.region
        listed = await self._store.read(
            lambda tx: identities.page(tx, *here, kind=None, after=after, limit=limit + 1)
        )
        more, listed = len(listed) > limit, listed[:limit]
        names = [one.name for one in listed]
        arns = [identity_arn(region, account_id, name) for name in names]
        denied, counted, *refused = await self._authorizer.refusals(
            caller, [(LIST, "*"), (COUNTS, "*"), *((action, arn) for action in (GET, READ) for arn in arns)]
        )
        if denied is not None:
            raise AccessDenied(denied)
        may_get = {name for name, no in zip(names, refused[: len(names)], strict=True) if no is None}
        may_read = {name for name, no in zip(names, refused[len(names) :], strict=True) if no is None}
        since = now - (DAYS - 1) * tallies.DAY_S

        async def run(tx: Transaction) -> IdentityList:
            beside = await identity_list.beside(tx, *here, names)
            texts = await identity_list.policy_texts(tx, *here, names, limit=MOST_POLICIES)
            sent: Mapping[str, Counts] = {}
            if counted is None:
                sent = await identity_tallies.of_identities(tx, *here, names, since=since)
            by_region = await identities.counts_by_region(tx, account_id, most=most, but_not=region)
            looked_at = 0 if after or not by_region else MOST_LOOKED_AT
            others, only = await identity_list.elsewhere(
                tx, *here, names, looked_at=looked_at, limit=MOST_ELSEWHERE
            )
            rows = [
                Row(
                    identity=one,
                    beside=beside.get(one.name) if one.name in may_get else None,
                    policies=len(texts.get(one.name, ())),
                    lent_to=_lent_to(texts.get(one.name, ()), account_id) if one.name in may_read else None,
                    sent=sent.get(one.name, Counts()) if counted is None else None,
                    also_in=tuple(others.get(one.name, ())),
                    not_in=tuple(where for where in by_region if where not in others.get(one.name, ())),
                )
                for one in listed
            ]
            return IdentityList(
                rows=tuple(rows),
                next=names[-1] if more else None,
                by_region=by_region,
                only_elsewhere=tuple(only),
            )

        return await self._store.read(run)


def _lent_to(documents: Sequence[str], own: str) -> tuple[str, ...]:
    found = dict.fromkeys(name for document in documents for name in named_in(document))
    return tuple(name for name in found if name != own)


def named_in(document: str) -> list[str]:
    """Whom the statements that allow something name: account ids of root, ARNs, services, or `*`.

    By the elements alone, for how many they are; what they come to is the analysis's to say.
    """
    read = json.loads(document)
    statements = read.get("Statement", []) if isinstance(read, dict) else []
    found: list[str] = []
    for one in [statements] if isinstance(statements, dict) else statements:
        if one.get("Effect") == "Allow":
            named = one.get("Principal", "*")  # without it is NotPrincipal, which is nearly everybody
            kinds = named.values() if isinstance(named, dict) else [named]
            found += [_short(name) for kind in kinds for name in ([kind] if isinstance(kind, str) else kind)]
    return found


def _short(principal: str) -> str:
    """An account by its id, however it is written."""
    is_root = principal.startswith("arn:aws:iam::") and principal.endswith(":root")
    return principal[len("arn:aws:iam::") : -len(":root")] if is_root else principal
