"""The owner's bounds on a delegate: set, paused, resumed, removed, and shown with what is used of them.

Bounds belong to one identity, or to all that the owner has in the region, and to one delegate: an account, a user, role
or federated user of any account, or a service. Those of a user hold for the federated users that it opens as well. That
is their key, and not a statement of a policy, so that they hold whatever the
policies say tomorrow, and stay when an identity is made anew. What they are worth is `access.bounds`'.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

from sesame.access import quota
from sesame.access.changes import Change
from sesame.access.compiled import compiled_identity_policies
from sesame.access.identity_names import normal_name
from sesame.db import Transaction
from sesame.errors import InvalidParameterValue, LimitExceeded, ServiceError
from sesame.policy import Policy
from sesame.policy.analysis.from_addresses import from_addresses
from sesame.store import delegate_bounds, identities, identity_policies
from sesame.store.delegate_bounds import ALL, Amount, Bounds

MOST_BOUNDS = 10_000
"""Bounds of one owner in one region."""

MOST_LOOKED_AT = 200
"""Identities whose policies are looked at for bounds on all of them."""

_ACCOUNT = re.compile(r"[0-9]{12}")
_ROOT = re.compile(r"arn:aws:iam::([0-9]{12}):root")
_PRINCIPAL = re.compile(r"arn:aws:iam::[0-9]{12}:(?:user|role)/[!-)+->@-~]{1,1000}")
_FEDERATED = re.compile(r"arn:aws:sts::[0-9]{12}:federated-user/[A-Za-z0-9_+=,.@-]{2,32}")
_SERVICE = re.compile(r"(?=.{3,128}\Z)[a-z0-9-]+(?:\.[a-z0-9-]+)+")


class BoundsMissing(ServiceError):
    """There are no bounds of that delegate."""

    code, http_status = "DelegateBoundsDoesNotExist", 404

    def __init__(self, key: "Key") -> None:
        super().__init__(f"There are no bounds on {key.delegate} for {key.identity}.")


class IdentityDoesNotExist(ServiceError):
    """The owner has no such identity in the region."""

    code, http_status = "IdentityDoesNotExist", 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What bounds are found by."""

    owner: str
    region: str
    identity: str
    delegate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """What an owner sets; None bounds nothing."""

    messages_per_day: int | None = None
    messages_per_second: int | None = None
    recipients_per_day: int | None = None
    bytes_per_day: int | None = None
    expires_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundsView:
    """Bounds with what the last 24 hours used of them, and at most which From addresses policies allow the delegate.

    Those are None where there are too many identities to look at.
    """

    bounds: Bounds
    used: Amount
    from_addresses: tuple[str, ...] | None


def read_identity(text: str) -> str:
    """An identity's name as stored, or `ALL`."""
    return ALL if text == ALL else normal_name(text)


def read_delegate(text: str, owner: str) -> str:
    """Who is meant, in the one form that it is kept in. Raises `InvalidParameterValue`.

    The owner's account is not a delegate; a user or role of it may be one.
    """
    root = _ROOT.fullmatch(text)
    if root is not None:
        text = root[1]
    if text == owner:
        raise InvalidParameterValue(
            "Delegate is the owner's own account, which has a quota: name a user or role of it, or another account."
        )
    if text.startswith("arn:aws:sts::") and not _FEDERATED.fullmatch(text):
        raise InvalidParameterValue(
            f"Delegate '{text}' is one session: name its role, arn:aws:iam::ACCOUNT:role/NAME."
        )
    if not any(pattern.fullmatch(text) for pattern in (_ACCOUNT, _PRINCIPAL, _FEDERATED, _SERVICE)):
        raise InvalidParameterValue(
            f"Delegate '{text}' is neither the number of an account, nor the ARN of a user, role or federated user,"
            " nor the name of a service."
        )
    return text


async def put_bounds(change: Change, key: Key, caps: Caps, *, at: float) -> None:
    """Set the caps of a delegate in place of those that were set; a pause stays. They hold from now on (I4).

    Raises `IdentityDoesNotExist` and `LimitExceeded`.
    """

    async def run(tx: Transaction) -> None:
        old = await _or_new(tx, key)
        new = replace(
            old,
            messages_per_day=caps.messages_per_day,
            messages_per_second=caps.messages_per_second,
            recipients_per_day=caps.recipients_per_day,
            bytes_per_day=caps.bytes_per_day,
            expires_at=caps.expires_at,
            updated_at=at,
        )
        await delegate_bounds.put(tx, new)

    await change.apply(run)


async def change_bounds(
    change: Change, key: Key, changed: Mapping[str, int | float | None], *, at: float
) -> None:
    """Set those caps that are named, as fields of `Caps`; the others stay, and a pause. They hold from now on (I4).

    Raises `IdentityDoesNotExist` and `LimitExceeded`; `BoundsMissing` where there is nothing to take away.
    """
    sets_some = any(value is not None for value in changed.values())

    async def run(tx: Transaction) -> None:
        old = await _or_new(tx, key) if sets_some else await _existing(tx, key)
        caps = {field.name: getattr(old, field.name) for field in fields(Caps)} | dict(changed)
        await delegate_bounds.put(tx, replace(old, **asdict(Caps(**caps)), updated_at=at))

    await change.apply(run)


async def pause(change: Change, key: Key, *, reason: str, at: float) -> None:
    """Let a delegate send nothing more. Raises `IdentityDoesNotExist` and `LimitExceeded`."""

    async def run(tx: Transaction) -> None:
        old = await _or_new(tx, key)
        await delegate_bounds.put(
            tx,
            replace(
                old,
                paused_at=at if old.paused_at is None else old.paused_at,
                pause_reason=reason,
                updated_at=at,
            ),
        )

    await change.apply(run)


async def resume(change: Change, key: Key, *, at: float) -> None:
    """End a pause; one that is not paused stays as it is. Raises `BoundsMissing`."""

    async def run(tx: Transaction) -> None:
        old = await _existing(tx, key)
        if old.paused_at is not None:
            await delegate_bounds.put(tx, replace(old, paused_at=None, pause_reason="", updated_at=at))

    await change.apply(run)


async def remove_bounds(change: Change, key: Key) -> None:
    """Remove bounds, pause and count. Raises `BoundsMissing`."""

    async def run(tx: Transaction) -> None:
        await delegate_bounds.delete(tx, await _existing(tx, key))

    await change.apply(run)


async def show(tx: Transaction, bounds: Bounds, *, now: float) -> BoundsView:
    """Bounds with what is used of them and what policies allow."""
    use = (await delegate_bounds.uses(tx, [bounds.seq]))[bounds.seq]
    expired = await delegate_bounds.used_until(tx, bounds.seq, until=quota.last_expired(now))
    policies = await _policies(tx, bounds)
    addresses = None
    if policies is not None:
        found: dict[str, None] = {}
        for identity, documents in policies.items():
            found |= dict.fromkeys(from_addresses(documents, delegate=bounds.delegate, identity=identity))
        addresses = tuple(sorted(found))
    return BoundsView(bounds=bounds, used=use.day.minus(expired), from_addresses=addresses)


async def _policies(tx: Transaction, bounds: Bounds) -> Mapping[str, list[Policy]] | None:
    """The policies of the identities that bounds are about, by identity."""
    owner, region = bounds.owner_account_id, bounds.region
    names = [bounds.identity]
    if bounds.identity == ALL:
        found = await identities.page(tx, owner, region, kind=None, after="", limit=MOST_LOOKED_AT + 1)
        if len(found) > MOST_LOOKED_AT:
            return None
        names = [one.name for one in found]
    return {
        name: [
            policy
            for _, policy in compiled_identity_policies(
                await identity_policies.of(tx, owner, region, name)
            ).documents
        ]
        for name in names
    }


async def _existing(tx: Transaction, key: Key) -> Bounds:
    found = await delegate_bounds.get(tx, key.owner, key.region, key.identity, key.delegate)
    if found is None:
        raise BoundsMissing(key)
    return found


async def _or_new(tx: Transaction, key: Key) -> Bounds:
    """The bounds there are, or new ones that bound nothing yet."""
    found = await delegate_bounds.get(tx, key.owner, key.region, key.identity, key.delegate)
    if found is not None:
        return found
    if key.identity != ALL and await identities.get(tx, key.owner, key.region, key.identity) is None:
        raise IdentityDoesNotExist(f"Identity {key.identity} does not exist.")
    if await delegate_bounds.count(tx, key.owner, key.region) >= MOST_BOUNDS:
        raise LimitExceeded(f"There are {MOST_BOUNDS} bounds in this region already.")
    return Bounds(
        seq=0,
        owner_account_id=key.owner,
        region=key.region,
        identity=key.identity,
        delegate=key.delegate,
    )
