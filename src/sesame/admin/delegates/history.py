"""What was done under the policies of an identity: each accepted message with the statement that lets it through today.

Decided again on today's policies, since those of then may be gone: of another account's sends on the identity's alone.
Of the sender it tells what its owner may know: who it was, From, action and time.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sesame.access.compiled import ALLOW_ALL, Policies, compiled_identity_policies
from sesame.access.identity_names import IdentityArn
from sesame.admin.what_if import PAGE, OwnPolicies, policies_of, request_of
from sesame.db import Store, Transaction
from sesame.policy import Outcome, Request, Requester
from sesame.policy.writing.narrowing import Narrow, Seen
from sesame.policy.writing.suggest import Use
from sesame.store import identity_policies, recorded_sends, tags
from sesame.store.iam import roles, users
from sesame.store.recorded_sends import Position, Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Accepted messages that were alike: by one sender, action, From address and statement.

    `use` is None where no policy of the identity lets them through: the owner's own, by IAM, and what is no longer
    allowed.
    """

    count: int
    first_at: float
    last_at: float
    request: Request
    """One of them, as policy saw it."""
    use: Use | None
    is_allowed: bool
    """Whether today's policies allow it still: the identity's, and of its owner's own users theirs."""

    @property
    def requester(self) -> Requester:
        """Who sent."""
        return self.request.requester

    @property
    def principal(self) -> str:
        """The sender by the name that policies have for it: of a session its role."""
        return self.requester.role_arn or self.requester.arn

    @property
    def from_address(self) -> str:
        """As which address."""
        return str(self.request.context.get("ses:FromAddress", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The messages since a time, and the policies that they were held against."""

    policies: Policies
    sent: tuple[Sent, ...]
    gone: frozenset[str]
    """ARNs of users and roles among the senders that are no more: no policy can name them."""

    @property
    def uses(self) -> list[Use]:
        """What the policies let through, by those who are still there."""
        return [one.use for one in self.sent if one.use is not None and one.principal not in self.gone]


NOTHING_MORE: frozenset[Narrow] = frozenset()
_SENDER = ("kind", "user_id", "session")
"""What in a recorded decision says whose policies count."""

_Alike = tuple[str, str, str, Use | None, bool]


async def history_of(
    store: Store, arn: IdentityArn, *, since: float, narrow: frozenset[Narrow] = NOTHING_MORE
) -> History:
    """What was sent as the identity of that ARN since a time; messages are alike only with what `narrow` is about."""
    stored = await store.read(lambda tx: identity_policies.of(tx, arn.account_id, arn.region, arn.name))
    held = tuple((await store.read(lambda tx: tags.get(tx, str(arn)))).items())
    policies = compiled_identity_policies(stored)
    alike: dict[_Alike, Sent] = {}
    known: dict[str, OwnPolicies] = {}
    after = recorded_sends.beginning(since)
    while True:

        async def run(tx: Transaction, after: Position = after) -> list[Recorded]:
            return await recorded_sends.accepted(tx, arn.account_id, arn.region, after=after, limit=PAGE)

        page = await store.read(run)
        for recorded in page:
            decision = json.loads(recorded.decision)
            if any(check["arn"] == str(arn) for check in decision["checks"]) and "context" in decision:
                who = json.dumps([recorded.account_id, *(decision.get(name) for name in _SENDER)])
                if who not in known and recorded.account_id != arn.account_id:
                    known[who] = OwnPolicies(
                        iam=ALLOW_ALL
                    )  # what a sender's own policies have become is not the owner's to know
                elif who not in known:
                    known[who] = await store.read(policies_of(recorded.account_id, decision))
                request = request_of(arn, recorded, decision, held)
                _add(alike, _sent(recorded.at, request, policies, known[who], narrow=narrow))
        if len(page) < PAGE:
            break
        after = page[-1].position
    requesters = {one.principal: one.requester for one in alike.values()}
    gone = await store.read(lambda tx: _gone(tx, requesters))
    return History(policies=policies, sent=tuple(alike.values()), gone=gone)


def _add(alike: dict[_Alike, Sent], sent: Sent) -> None:
    """Count a message with those that are alike."""
    key = sent.requester.arn, sent.request.action, sent.from_address, sent.use, sent.is_allowed
    known = alike.get(key)
    alike[key] = sent if known is None else replace(known, count=known.count + 1, last_at=sent.last_at)


def _sent(
    at: float,
    request: Request,
    policies: Policies,
    own: OwnPolicies,
    *,
    narrow: frozenset[Narrow],
) -> Sent:
    """A message with the statement that lets it through today."""
    decision = own.decide(request, policies)
    by = next((ref for ref in decision.deciding if ref.kind == "identity"), None)
    is_allowed = decision.outcome is Outcome.ALLOW
    use = None
    if is_allowed and by is not None:
        use = Use(
            policy=by.policy,
            index=by.index,
            requester=request.requester,
            action=request.action,
            from_address=str(request.context.get("ses:FromAddress", "")),
            seen=_seen(request, narrow),
        )
    return Sent(count=1, first_at=at, last_at=at, request=request, use=use, is_allowed=is_allowed)


def _seen(request: Request, narrow: frozenset[Narrow]) -> Seen:
    """What a message carried of the keys that are asked about: recipients only of the owner's own account (I9)."""

    def text(key: str) -> str:
        value = request.context.get(key, "")
        return value if isinstance(value, str) else ""

    recipients: Sequence[str] = ()
    if Narrow.RECIPIENTS in narrow and request.requester.account_id == request.resource_account:
        listed = request.context.get("ses:Recipients", ())
        recipients = sorted(
            {one.rpartition("@")[2] for one in ([listed] if isinstance(listed, str) else listed)}
        )
    return Seen(
        feedback_address=text("ses:FeedbackAddress") if Narrow.FEEDBACK in narrow else "",
        api_version=text("ses:ApiVersion") if Narrow.VERSION in narrow else "",
        source_ip=text("aws:SourceIp") if Narrow.NETWORKS in narrow else "",
        recipients=tuple(recipients),
    )


async def _gone(tx: Transaction, requesters: Mapping[str, Requester]) -> frozenset[str]:
    """Of users and roles those that are no more, or others under the same name."""
    gone = set()
    for name, one in requesters.items():
        if one.kind == "user" and await users.get_user_by_id(tx, one.user_id) is None:
            gone.add(name)
        if one.kind == "role" and await roles.get_by_id(tx, one.user_id.partition(":")[0]) is None:
            gone.add(name)
    return frozenset(gone)
