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
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sesame.access.bounds import PAUSED
from sesame.access.checks import RECIPIENT, Check, Target, ask_policies
from sesame.access.conditions import time_keys
from sesame.access.directory import Credential, Directory, OwnedIdentity, Policies
from sesame.aws.arn import Arn
from sesame.db import Store, Transaction, epochs_of, identities_scope
from sesame.errors import SesameError, Unavailable
from sesame.model import AccountId, Caller, Principal, PrincipalKind
from sesame.policy import Outcome, compile_policies, parse_stored_iam_policy
from sesame.store import recorded_sends
from sesame.store.decisions import whole
from sesame.store.recorded_sends import Kept

MOST_TEXTS = 2_000
"""Decisions that are kept parsed; many messages share one."""

_ALLOW_ALL = parse_stored_iam_policy(
    '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
)


class Ruling(Enum):
    """What is to become of a message; a later one wins over those before it."""

    ALLOWED = 0
    PAUSED = 1
    NOT_UNDERSTOOD = 2
    REFUSED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """A message that was sent as another account's identity.

    `epochs` are those of the owners' identities that its decision rested on, by account; empty when they are not known.
    """

    message_seq: int
    account_id: str
    owner_account_id: str
    region: str
    accepted_at: float
    epochs: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """The decision of now, and the epochs that it rests on, by scope."""

    ruling: Ruling
    epochs: Mapping[str, int]


class Redecider:
    """Decides again; `candidates` gives the identity names that cover an address, most specific first."""

    def __init__(
        self, store: Store, directory: Directory, *, candidates: Callable[[str], Sequence[str]]
    ) -> None:
        self._store = store
        self._directory = directory
        self._candidates = candidates
        self._texts: OrderedDict[bytes, Mapping[str, Any]] = OrderedDict()
        allow_all = (("", _ALLOW_ALL),)
        self._own_side = Policies(
            documents=allow_all, compiled=compile_policies(allow_all, kind="iam"), principal_ids={}
        )

    async def decide(self, messages: Sequence[Lent]) -> list[Again]:
        """The decision of now for each message, in one read for all of which nothing has changed."""
        scopes = sorted({scope for one in messages for scope in _scopes(one)})
        known = frozenset(self._texts)

        async def run(tx: Transaction) -> tuple[dict[str, int], dict[int, Kept]]:
            current = await epochs_of(tx, scopes)
            changed = [one.message_seq for one in messages if not _is_unchanged(one, current)]
            return current, await recorded_sends.kept(tx, changed, known=known) if changed else {}

        current, kept = await self._store.read(run)
        found = []
        for one in messages:
            epochs = {scope: current.get(scope, 0) for scope in _scopes(one)}
            if _is_unchanged(one, current):
                found.append(Again(ruling=Ruling.ALLOWED, epochs=epochs))
            else:
                found.append(await self._again(one, kept.get(one.message_seq), epochs))
        return found

    async def _again(self, message: Lent, kept: Kept | None, epochs: dict[str, int]) -> Again:
        try:
            decision = None if kept is None else self._read(kept)
            if decision is None:
                return Again(ruling=Ruling.NOT_UNDERSTOOD, epochs=epochs)
            ruling = await self._ruling(message, decision, epochs)
        except Unavailable:
            raise
        except (SesameError, ValueError, KeyError, TypeError, AttributeError):
            # A record or policy that makes no sense: the message is neither sent nor given up.
            ruling = Ruling.NOT_UNDERSTOOD
        return Again(ruling=ruling, epochs=epochs)

    def _read(self, kept: Kept) -> Mapping[str, Any] | None:
        """The decision as it was kept, what is the message's own put into it; None when it is gone."""
        if kept.digest is None:
            decision: dict[str, Any] = json.loads(kept.own)
            return decision
        shared = self._texts.get(kept.digest)
        if shared is None:
            if kept.shared is None:
                return None
            shared = self._texts[kept.digest] = json.loads(kept.shared)
            if len(self._texts) > MOST_TEXTS:
                self._texts.popitem(last=False)
        own = json.loads(whole(kept.own, None))
        return {**shared, "context": {**shared["context"], **own}}

    async def _ruling(self, message: Lent, decision: Mapping[str, Any], epochs: dict[str, int]) -> Ruling:
        caller = _caller(message, decision)
        keys = {
            **time_keys(message.accepted_at),
            **{
                key: tuple(value) if isinstance(value, list) else value
                for key, value in decision["context"].items()
            },
        }
        credential = Credential(
            access_key_id="",
            secret_access_key="",
            active=True,
            principal=caller.principal,
            policies=self._own_side,
            scope="",
            epoch=0,
        )
        rulings = [Ruling.ALLOWED]
        for check in decision["checks"]:
            uses = [use for use in check["uses"] if use not in ("Resource", RECIPIENT)]
            if check["owner"] == message.account_id or not uses:
                continue
            target = await self._target(check["arn"], uses, check["addresses"], epochs)
            rulings.append(
                _ruling_of(ask_policies(caller, credential, decision["action"], target, keys), target)
            )
        return max(rulings, key=lambda ruling: ruling.value)

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


def _scopes(message: Lent) -> Iterable[str]:
    owners = message.epochs or {message.owner_account_id: 0}
    return [identities_scope(owner, message.region) for owner in owners]


def _is_unchanged(message: Lent, current: Mapping[str, int]) -> bool:
    return bool(message.epochs) and all(
        current.get(identities_scope(owner, message.region), 0) == epoch
        for owner, epoch in message.epochs.items()
    )


def _ruling_of(check: Check, target: Target) -> Ruling:
    if check.decision.outcome is not Outcome.ALLOW:
        asked = [target.identity, *target.more_specific.values()]
        documents = [policy for one in asked if one is not None for _, policy in one.policies.documents]
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
