"""What was allowed when it was accepted, decided again before it is delivered: revocation reaches the queue.

Asked again is what another account lent: the policies of its identity, and its bounds on the sender. What the sender's
own account gave its users is not, nor are verification, sandbox and quota: they were asked at the door, and a user who
leaves or a key that is changed must not take an account's accepted mail along. The circumstances of the request are
those that were kept with it, its time too, so that a window that has closed since does not count against mail that was
in time.

An epoch for each owner, kept with the message, tells whether anything can have changed; most messages end there.
Nobody's mail ends because something could not be read: `Unavailable` is raised, and what cannot be understood is
NOT_UNDERSTOOD.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from sesame.access.bounds import PAUSED
from sesame.access.checks import RECIPIENT, Check, Target, ask_policies
from sesame.access.compiled import ALLOW_ALL
from sesame.access.conditions import time_keys
from sesame.access.directory import Directory, OwnedIdentity
from sesame.access.principals import Credential
from sesame.access.record import OWN_KEYS
from sesame.aws.arn import Arn
from sesame.db import Store, Transaction, epochs_of, identities_scope
from sesame.errors import SesameError, Unavailable
from sesame.model import AccountId, Caller, Principal, PrincipalKind
from sesame.policy import Outcome, Policy
from sesame.store import recorded_sends
from sesame.store.recorded_sends import Kept

MOST_SHARED = 200
"""Decisions that are kept ready to be asked again; many messages share one."""

MOST_ALLOWED = 20_000
"""Messages of which it is known that they were allowed again, and at which epochs."""


class Ruling(Enum):
    """What is to become of a message; a later one wins over those before it."""

    ALLOWED = 0
    PAUSED = 1
    NOT_UNDERSTOOD = 2
    REFUSED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """A message that was sent as another account's identity.

    `epochs` are those of the owners' identities that its decision rested on, by scope; -1 when it is not known.
    """

    message_seq: int
    account_id: str
    region: str
    accepted_at: float
    epochs: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """The decision of now, and the epochs that it rests on, by scope."""

    ruling: Ruling
    epochs: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _SharedRequest:
    """What is asked for all messages that share a decision, and the epochs at which the targets were read.

    `ruling` is that of all of them, where no policy asks of what differs from message to message.
    """

    caller: Caller
    credential: Credential
    action: str
    context: Mapping[str, str | tuple[str, ...]]
    targets: tuple[Target, ...]
    epochs: Mapping[str, int]
    ruling: Ruling | None = None


_OF_MESSAGES = frozenset(key.lower() for key in (*OWN_KEYS, *time_keys(0.0)))
"""Keys whose values messages that share a decision have of their own: recipients, and the times they were sent at."""


class Redecider:
    """Decides again; `candidates` gives the identity names that cover an address, most specific first."""

    def __init__(
        self, store: Store, directory: Directory, *, candidates: Callable[[str], Sequence[str]]
    ) -> None:
        self._store = store
        self._directory = directory
        self._candidates = candidates
        self._shared: OrderedDict[tuple[bytes | None, str, str], _SharedRequest] = OrderedDict()
        self._allowed: OrderedDict[int, tuple[tuple[str, int], ...]] = OrderedDict()
        self._own_side = ALLOW_ALL

    async def decide(self, messages: Sequence[Lent]) -> list[Again]:
        """The decision of now for each message, in one short read for all of which nothing has changed."""
        scopes = list({scope for epochs in {one.epochs for one in messages} for scope, _ in epochs})
        known = {digest for digest, _, _ in self._shared if digest is not None}

        async def run(tx: Transaction) -> tuple[dict[str, int], dict[int, Kept]]:
            current = await epochs_of(tx, scopes)
            changed = [one.message_seq for one in messages if self._is_outdated(one, current)]
            return current, await recorded_sends.kept(tx, changed, known=known) if changed else {}

        current = await self._store.read(lambda tx: epochs_of(tx, scopes), is_short=True)
        kept: dict[int, Kept] = {}
        if any(self._is_outdated(one, current) for one in messages):
            current, kept = await self._store.read(run)
        found = []
        for one in messages:
            epochs = {scope: current.get(scope, 0) for scope, _ in one.epochs}
            if one.message_seq in kept or self._is_outdated(one, current):
                found.append(await self._again(one, kept.get(one.message_seq), epochs))
            else:
                found.append(Again(ruling=Ruling.ALLOWED, epochs=epochs))
        return found

    def _is_outdated(self, message: Lent, current: Mapping[str, int]) -> bool:
        """Whether anything has changed since the message was accepted, or was allowed the last time."""
        epochs = self._allowed.get(message.message_seq, message.epochs)
        return any(current.get(scope, 0) != epoch for scope, epoch in epochs)

    async def _again(self, message: Lent, kept: Kept | None, epochs: dict[str, int]) -> Again:
        try:
            ruling = Ruling.NOT_UNDERSTOOD if kept is None else await self._ruling(message, kept, epochs)
        except Unavailable:
            raise
        except (SesameError, ValueError, KeyError, TypeError, AttributeError):
            # A record or policy that makes no sense: the message is neither sent nor given up.
            ruling = Ruling.NOT_UNDERSTOOD
        if ruling is Ruling.ALLOWED:
            self._allowed[message.message_seq] = tuple(epochs.items())
            if len(self._allowed) > MOST_ALLOWED:
                self._allowed.popitem(last=False)
        return Again(ruling=ruling, epochs=epochs)

    async def _shared_request(self, message: Lent, kept: Kept, epochs: dict[str, int]) -> "_SharedRequest":
        """What is asked for a message, which those that share a decision share as long as nothing changes."""
        key = kept.digest, message.account_id, message.region
        known = self._shared.get(key)
        if known is not None and known.epochs == epochs:
            epochs.update(known.epochs)
            return known
        text = kept.own if kept.digest is None else kept.shared or await self._text(kept.digest)
        decision = json.loads(text)
        caller = _caller(message, decision)
        targets = []
        for check in decision["checks"]:
            uses = [use for use in check["uses"] if use not in ("Resource", RECIPIENT)]
            if check["owner"] != message.account_id and uses:
                targets.append(await self._target(check["arn"], uses, check["addresses"], epochs))
        shared = _SharedRequest(
            caller=caller,
            credential=Credential(
                access_key_id="",
                secret_access_key="",
                active=True,
                principal=caller.principal,
                policies=self._own_side,
                scope="",
                epoch=0,
            ),
            action=decision["action"],
            context=_keys(decision["context"]),
            targets=tuple(targets),
            epochs=dict(epochs),
        )
        if kept.digest is not None and all(map(_is_alike, targets)):
            shared = replace(
                shared, ruling=_ruling(shared, {**time_keys(message.accepted_at), **shared.context})
            )
        if kept.digest is not None:
            self._shared[key] = shared
            if len(self._shared) > MOST_SHARED:
                self._shared.popitem(last=False)
        return shared

    async def _text(self, digest: bytes) -> str:
        """A shared text that was not read along. Raises ValueError when it is gone."""
        found = await self._store.read(lambda tx: recorded_sends.text(tx, digest))
        if found is None:
            raise ValueError("the decision is no longer stored")
        return found

    async def _ruling(self, message: Lent, kept: Kept, epochs: dict[str, int]) -> Ruling:
        shared = await self._shared_request(message, kept, epochs)
        # Read though nothing may rest on it: a record that makes no sense does not go for one that does.
        own = {} if kept.digest is None or kept.own == "{}" else _keys(json.loads(kept.own))
        if shared.ruling is not None:
            return shared.ruling
        keys = {**time_keys(message.accepted_at), **shared.context, **own}
        if any(target.identity is not None and target.identity.bounds for target in shared.targets):
            caller = replace(shared.caller, at=message.accepted_at)  # an expiry date is held against it
            shared = replace(shared, caller=caller)
        return _ruling(shared, keys)

    async def _target(
        self, text: str, uses: list[str], addresses: list[str], epochs: dict[str, int]
    ) -> Target:
        arn = Arn.parse(text)
        name = arn.resource.removeprefix("identity/")
        target = Target(
            text, arn.account_id, await self._identity(arn, name, epochs), uses=uses, addresses=addresses
        )
        for address in addresses:
            names = self._candidates(address)
            for other in names[: names.index(name)]:
                found = await self._identity(arn, other, epochs)
                if found is not None:
                    target.more_specific.setdefault(other, found)
        return target

    async def _identity(self, arn: Arn, name: str, epochs: dict[str, int]) -> OwnedIdentity | None:
        """The identity as it is now; what the directory had from before is read anew."""
        scope = identities_scope(arn.account_id, arn.region)
        found, epoch = await self._directory.identity(arn.account_id, arn.region, name)
        if epoch < epochs.get(scope, 0):
            self._directory.forget((scope,))
            found, epoch = await self._directory.identity(arn.account_id, arn.region, name)
        epochs[scope] = min(epoch, epochs.get(scope, epoch))
        return found


def _ruling(shared: _SharedRequest, keys: Mapping[str, str | tuple[str, ...]]) -> Ruling:
    """What policies and bounds say of a message with these keys."""
    ruling = Ruling.ALLOWED
    for target in shared.targets:
        check = ask_policies(shared.caller, shared.credential, shared.action, target, keys)
        ruling = max(ruling, _ruling_of(check, target), key=lambda one: one.value)
    return ruling


def _is_alike(target: Target) -> bool:
    """Whether the answer for a target is the same for all messages that share a decision.

    Not where it has bounds, or a policy that is not understood, has variables, or asks for what differs.
    """
    held = [one for one in (target.identity, *target.more_specific.values()) if one is not None]
    return all(
        not one.bounds and all(_is_same_for_all(policy) for _, policy in one.policies.documents)
        for one in held
    )


def _is_same_for_all(policy: Policy) -> bool:
    return policy.is_understood and not any(
        any("${" in text for text in statement.resources)
        or any(
            condition.key.lower() in _OF_MESSAGES or any("${" in value for value in condition.values)
            for condition in statement.conditions
        )
        for statement in policy.statements
    )


def _keys(context: Mapping[str, Any]) -> dict[str, str | tuple[str, ...]]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in context.items()}


def _ruling_of(check: Check, target: Target) -> Ruling:
    if check.decision.outcome is not Outcome.ALLOW:
        owned = [target.identity, *target.more_specific.values()]
        documents = [policy for one in owned if one is not None for _, policy in one.policies.documents]
        is_understood = all(policy.is_understood for policy in documents)
        return Ruling.REFUSED if is_understood else Ruling.NOT_UNDERSTOOD
    if check.stopped is None:
        return Ruling.ALLOWED
    return Ruling.PAUSED if check.stopped.how == PAUSED else Ruling.REFUSED


def _caller(message: Lent, decision: Mapping[str, Any]) -> Caller:
    """Who sent it, as it was kept."""
    principal = Principal(
        kind=PrincipalKind(decision["kind"]),
        account_id=AccountId(message.account_id),
        arn=decision["principal"],
        user_id=decision["user_id"],
        name="",
        role_arn=decision.get("session", {}).get("role_arn"),
        issuer_arn=decision.get("session", {}).get("issuer_arn"),
        issuer_id=decision.get("session", {}).get("issuer_id", ""),
    )
    return Caller(
        principal=principal,
        access_key_id="",
        region=message.region,
        source_ip="",
        secure_transport=True,
        user_agent=None,
        at=message.accepted_at,
        request_id="",
    )
