"""What if: recorded sends as an identity, asked again under proposed policies.

Each recorded send is decided twice, under the identity's policies as they are and as they would be,
with the sender's IAM policies of today on both sides: so what differs is what the edit changes, and
nothing else. Unlike `policy compare` it tells of sends that were really tried.

INVARIANT (I9): to an owner no edit tells what is another sender's alone, such as its tags: of a send that hangs on
that by a condition which is not yet in force nothing is told.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sesame.access.compiled import NO_POLICIES, Policies, compiled_identity_policies, compiled_policies
from sesame.access.conditions import resource_tags, time_keys
from sesame.access.identity_names import IdentityArn
from sesame.access.principals import Tags, federated_policies, load_boundary, session_limits
from sesame.access.refusals import recorded_keys, recorded_requester
from sesame.db import Store, Transaction
from sesame.model import AccountId
from sesame.policy import (
    Decision,
    Explanation,
    Outcome,
    Request,
    decide,
    explain,
    owner_view,
    sender_view,
)
from sesame.policy.language.document import Condition
from sesame.policy.reasons.cause import Reader
from sesame.policy.reasons.views import owner_may_fill_in, owner_may_see
from sesame.store import identity_policies, recorded_sends, tags
from sesame.store.iam import groups, roles, users
from sesame.store.identity_policies import IdentityPolicy
from sesame.store.recorded_sends import Position, Recorded

PAGE = 500
A_STRETCH = 20
"""So many records are asked again in a row: about a millisecond's work."""
MOST_SENDERS = 1_000
"""So many senders' policies are kept at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One recorded send whose answer would differ."""

    at: float
    account_id: str
    principal: str
    action: str
    from_address: str
    """Empty for an owner whose identity was not From's."""
    before: Outcome
    after: Outcome
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """How many recorded sends were asked again, and those that would change.

    `is_whole` says that these are all there are; else they are the newest, back to `oldest_at`. Of `not_told` it is not
    the reader's to know what would become.
    """

    asked: int
    changes: tuple[Change, ...]
    is_whole: bool
    oldest_at: float | None
    not_told: int = 0
    looked_at: int = 0
    """Of how many records of the account, which may be about other identities; 0 where that was not counted."""


async def what_if(
    store: Store,
    arn: IdentityArn,
    *,
    proposed: Mapping[str, str | None],
    since: float,
    reader: Reader = Reader.OWNER,
) -> Replay:
    """Ask every recorded send as the identity `arn` since a time again.

    The sentences are for `reader`; of sends of the owner's own account they tell both sides, which are its own.
    `proposed` maps policy names to new texts, or None to remove one; the others stay. Raises
    `PolicyError` for a text that is not a policy.
    """
    again = await _Again.of(store, arn, proposed, reader)
    async for recorded in recorded_of(store, arn, since):
        await again.ask(recorded)
    return again.result(is_whole=True)


async def newest_slices(
    store: Store, arn: IdentityArn, *, proposed: Mapping[str, str | None], since: float, most: int
) -> AsyncGenerator[Replay, None]:
    """The same of the newest `most` records, for an owner who waits: what it has come to after each stretch."""
    again = await _Again.of(store, arn, proposed, Reader.OWNER)
    looked_at = 0
    async for recorded in _newest(store, arn, since):
        if looked_at == most:
            yield again.result(is_whole=False, looked_at=looked_at)
            return
        looked_at += 1
        await again.ask(recorded)
        if looked_at % A_STRETCH == 0:
            yield again.result(is_whole=False, looked_at=looked_at)
    yield again.result(is_whole=True, looked_at=looked_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPolicies:
    """A sender's own policies of today, and what limits them: its session's policies, its permissions boundary."""

    iam: Policies
    session: Policies | None = None
    boundary: Policies | None = None

    def decide(self, request: Request, identity: Policies) -> Decision:
        """What they say of a request, with the policies of an identity."""
        return decide(
            request,
            iam=self.iam.compiled,
            identity=identity.compiled,
            session=None if self.session is None else self.session.compiled,
            boundary=None if self.boundary is None else self.boundary.compiled,
        )

    def explain(self, request: Request, identity: Policies) -> Explanation:
        """The same with its derivation."""
        return explain(
            request,
            iam=self.iam.documents,
            identity=identity.documents,
            principal_ids=identity.principal_ids,
            session=None if self.session is None else self.session.documents,
            boundary=None if self.boundary is None else self.boundary.documents,
        )


class _Again:
    """Asks records again, under the policies as they are and as they would be; what it learns of senders it keeps."""

    def __init__(
        self, store: Store, arn: IdentityArn, now: Policies, then: Policies, held: Tags, reader: Reader
    ) -> None:
        self._store = store
        self._arn = arn
        self._now, self._then = now, then
        self._held = held
        self._reader = reader
        self._in_force = {_asked(one) for one in _conditions(now)}
        new = [one for one in _conditions(then) if _asked(one) not in self._in_force]
        self._may_hang = reader is Reader.OWNER and any(_is_senders(one.key, one.values) for one in new)
        self._senders: dict[str, OwnPolicies] = {}
        self._asked = 0
        self._not_told = 0
        self._oldest: float | None = None
        self._changes: list[Change] = []

    @classmethod
    async def of(
        cls, store: Store, arn: IdentityArn, proposed: Mapping[str, str | None], reader: Reader
    ) -> Self:
        """For an edit of the identity's policies."""
        current = await store.read(lambda tx: identity_policies.of(tx, arn.account_id, arn.region, arn.name))
        held = tuple((await store.read(lambda tx: tags.get(tx, str(arn)))).items())
        now = compiled_identity_policies(current)
        then = compiled_identity_policies(_edited(current, proposed))
        return cls(store, arn, now, then, held, reader)

    async def ask(self, recorded: Recorded) -> None:
        """Ask one record again, if it is about the identity."""
        decision = json.loads(recorded.decision)
        uses = {
            use for check in decision["checks"] if check["arn"] == str(self._arn) for use in check["uses"]
        }
        if not uses or "context" not in decision:
            return
        self._asked += 1
        self._oldest = recorded.at if self._oldest is None else min(recorded.at, self._oldest)
        own = await self._sender(recorded.account_id, decision)
        request = request_of(self._arn, recorded, decision, self._held)
        is_own = recorded.account_id == self._arn.account_id
        if self._may_hang and not is_own and self._hangs(request):
            self._not_told += 1
            return
        before, after = (own.decide(request, policies).outcome for policies in (self._now, self._then))
        if (before is Outcome.ALLOW) == (after is Outcome.ALLOW):
            return
        explanation = own.explain(request, self._then)
        reader = Reader.OPERATOR if is_own else self._reader
        shows_from = "From" in uses or reader is not Reader.OWNER
        self._changes.append(
            Change(
                at=recorded.at,
                account_id=recorded.account_id,
                principal=decision["principal"],
                action=decision["action"],
                from_address=str(decision["context"].get("ses:FromAddress", "")) if shows_from else "",
                before=before,
                after=after,
                sentence=_sentence(explanation, reader, uses),
            )
        )

    def _hangs(self, request: Request) -> bool:
        """Whether a statement of the edit asks nothing more of a send than what is its sender's own."""
        derived = explain(
            request, iam=(), identity=self._then.documents, principal_ids=self._then.principal_ids
        )
        for step in derived.statements:
            new = [
                one
                for one in step.conditions
                if _is_senders(one.key, one.wanted)
                and (one.operator, one.key.lower(), one.wanted) not in self._in_force
            ]
            if new and all(one.answer for one in step.steps if one not in new):
                return True
        return False

    async def _sender(self, account_id: str, decision: Mapping[str, Any]) -> OwnPolicies:
        """The sender's own policies of today; read once."""
        session = decision.get("session", {}) if decision["kind"] in ("role", "federated") else {}
        key = json.dumps([account_id, decision["kind"], decision["user_id"], session], sort_keys=True)
        if key not in self._senders:
            if len(self._senders) >= MOST_SENDERS:
                self._senders.clear()
            self._senders[key] = await self._store.read(policies_of(account_id, decision))
        return self._senders[key]

    def result(self, *, is_whole: bool, looked_at: int = 0) -> Replay:
        """What came of it."""
        return Replay(
            asked=self._asked,
            changes=tuple(self._changes),
            is_whole=is_whole,
            oldest_at=self._oldest,
            not_told=self._not_told,
            looked_at=looked_at,
        )


def _conditions(policies: Policies) -> list[Condition]:
    return [
        one
        for _, policy in policies.documents
        for statement in policy.statements
        for one in statement.conditions
    ]


def _asked(condition: Condition) -> tuple[str, str, tuple[str, ...]]:
    return condition.operator.text, condition.key.lower(), tuple(condition.values)


def _is_senders(key: str, values: Sequence[str]) -> bool:
    """Whether a condition asks about what is the sender's alone, or compares with it."""
    return not owner_may_see(key) or not owner_may_fill_in(values)


def _sentence(explanation: Explanation, reader: Reader, uses: Collection[str]) -> str:
    match reader:
        case Reader.OWNER:
            return owner_view(explanation, uses).sentence
        case Reader.SENDER:
            return sender_view(explanation).sentence
        case Reader.OPERATOR:
            return explanation.sentence


def _edited(current: list[IdentityPolicy], proposed: Mapping[str, str | None]) -> list[IdentityPolicy]:
    """The identity's policies after the edit; what stays keeps the users it is bound to."""
    kept = [policy for policy in current if policy.policy_name not in proposed]
    bound = {arn: user_id for policy in current for arn, user_id in policy.principal_ids.items()}
    new = [
        IdentityPolicy(policy_name=name, document=text, principal_ids=bound)
        for name, text in proposed.items()
        if text is not None
    ]
    return [*kept, *new]


_LOOKS = (recorded_sends.accepted, recorded_sends.refused, recorded_sends.refused_own)


async def recorded_of(store: Store, arn: IdentityArn, since: float) -> AsyncIterator[Recorded]:
    """Accepted sends, then refused ones, a page at a time."""
    for look in _LOOKS:
        async for recorded in _pages(store, arn, look, recorded_sends.beginning(since), newest=False):
            yield recorded


async def _newest(store: Store, arn: IdentityArn, since: float) -> AsyncIterator[Recorded]:
    """Both together, the newest first."""
    looks = [_pages(store, arn, look, recorded_sends.END, newest=True) for look in _LOOKS]
    heads = [await anext(look, None) for look in looks]
    while True:
        there = [
            (head.at, number) for number, head in enumerate(heads) if head is not None and head.at >= since
        ]
        if not there:
            return
        _, number = max(there)
        head = heads[number]
        assert head is not None
        yield head
        heads[number] = await anext(looks[number], None)


async def _pages(
    store: Store, arn: IdentityArn, look: Any, after: Position, *, newest: bool
) -> AsyncGenerator[Recorded, None]:
    while True:

        async def run(tx: Transaction, after: Position = after) -> list[Recorded]:
            page: list[Recorded] = await look(
                tx, arn.account_id, arn.region, after=after, limit=PAGE, newest=newest
            )
            return page

        page = await store.read(run)
        for recorded in page:
            yield recorded
        if len(page) < PAGE:
            return
        after = page[-1].position


def policies_of(account_id: str, decision: Mapping[str, Any]) -> Callable[[Transaction], Any]:
    """The IAM policies that the sender has today, with what limits them; of who is gone there are none."""

    async def run(tx: Transaction) -> OwnPolicies:
        match decision["kind"]:
            case "user":
                user = await users.get_user_by_id(tx, decision["user_id"])
                stored = await groups.policies_for_user(tx, decision["user_id"])
                bounded_by = "" if user is None else user.permissions_boundary
                return OwnPolicies(
                    iam=compiled_policies(stored, kind="iam"),
                    boundary=await load_boundary(tx, account_id, bounded_by),
                )
            case "role":
                session = decision["session"]
                role = await roles.get_by_id(tx, session["role_id"])
                stored = await roles.policies_for_role(tx, session["role_id"])
                bounded_by = "" if role is None else role.permissions_boundary
                return OwnPolicies(
                    iam=compiled_policies(stored, kind="iam"),
                    session=await session_limits(tx, account_id, session["policies"], session["policy_arns"]),
                    boundary=await load_boundary(tx, account_id, bounded_by),
                )
            case "federated":
                found = await federated_policies(tx, AccountId(account_id), decision["session"])
                if found is None:
                    return OwnPolicies(iam=NO_POLICIES)
                return OwnPolicies(
                    iam=found.policies, session=found.session_policies, boundary=found.boundary
                )
            case _:
                return OwnPolicies(iam=NO_POLICIES)

    return run


def request_of(arn: IdentityArn, recorded: Recorded, decision: Mapping[str, Any], held: Tags) -> Request:
    """The question that was asked then, of an identity with the tags that it has now."""
    return Request(
        requester=recorded_requester(decision, recorded.account_id),
        action=decision["action"],
        resource=str(arn),
        resource_account=arn.account_id,
        context={
            **time_keys(recorded.at),
            **recorded_keys(decision["context"]),
            "aws:ResourceAccount": arn.account_id,
            **resource_tags(decision["action"], held),
        },
    )
