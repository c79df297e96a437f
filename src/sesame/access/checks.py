"""One identity under a send: what is asked of policy, and its answer with what decided.

A `Target` is an identity with the addresses that rest on it; `ask_policies` asks its policies, and its owner's bounds
on the sender. A send (`authorize`) finds the targets; what is queued is asked again of them (`redecide`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from sesame.access import conditions
from sesame.access.bounds import Stop, stopped_by, that_hold
from sesame.access.compiled import ALLOW_ALL, Policies
from sesame.access.directory import OwnedIdentity
from sesame.access.principals import Credential, Tags
from sesame.aws.arn import identity_arn
from sesame.model import Caller, VerificationStatus
from sesame.policy import EMPTY, Decision, Outcome, PolicySet, Request, decide
from sesame.store.delegate_bounds import Bounds

RECIPIENT = "Recipient"
"""The use of an identity for a recipient in the sandbox: nothing is sent as it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """The policies that an answer rests on, from which it can be explained afterwards."""

    iam: Policies
    session: Policies | None
    boundary: Policies | None
    identity: Policies | None
    resource_keys: conditions.Keys
    """What policy saw of this resource alone: its tags."""

    @property
    def sets(self) -> dict[str, Policies]:
        """Those that there are, by kind; an empty set that limits refuses and is one."""
        found = {
            "iam": self.iam,
            "session": self.session,
            "boundary": self.boundary,
            "identity": self.identity,
        }
        return {
            kind: policies
            for kind, policies in found.items()
            if policies is not None and (policies.documents or kind in ("session", "boundary"))
        }


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """The policies of an identity that may deny too what another has refused: asked when the refusal is explained."""

    arn: str
    policies: Policies
    resource_keys: conditions.Keys


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """The answer for one identity: which addresses rest on it, and what decided.

    `grounds` are those of a refusal, and of any answer where they were asked for.
    """

    uses: tuple[str, ...]
    addresses: tuple[str, ...]
    arn: str
    owner_account_id: str
    decision: Decision
    grounds: Grounds | None
    beside: tuple[Beside, ...] = ()
    """Of a refusal, what more specific identities of the owner have that were not asked."""
    verification: VerificationStatus | None = None
    """Of the identity; None where there is none, and of what is not an identity."""
    bounds: tuple[Bounds, ...] = ()
    """The owner's bounds that name the sender."""
    stopped: Stop | None = None
    """How they stop the sender, whatever policies say; None when they do not."""

    @property
    def allows(self) -> bool:
        """Whether policies allow it and the owner's bounds do not stop it."""
        return self.decision.outcome is Outcome.ALLOW and self.stopped is None


class Rest(msgspec.Struct, frozen=True, kw_only=True):
    """What one address rests on: an identity, and the more specific ones of its owner that there are."""

    arn: str
    owner: str
    identity: OwnedIdentity | None
    more_specific: tuple[OwnedIdentity, ...] = ()


@dataclass(slots=True)
class Target:
    """One identity under evaluation, the addresses that rest on it, and what is more specific to any of them."""

    arn: str
    owner: str
    identity: OwnedIdentity | None
    tags: Tags = ()
    more_specific: dict[str, OwnedIdentity] = field(default_factory=dict)
    uses: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)


class Targets:
    """The identities that a message rests on, by ARN, in the order in which its addresses name them.

    INVARIANT: an address that comes to an identity brings its own more specific ones along, so that a Deny on
    one counts for each address and not for the first alone.
    """

    def __init__(self) -> None:
        self._by_arn: dict[str, Target] = {}

    def add(self, use: str, address: str, rest: Rest) -> None:
        """Let an address rest on its identity."""
        target = self._by_arn.get(rest.arn)
        if target is None:
            target = self._by_arn[rest.arn] = Target(rest.arn, rest.owner, rest.identity)
        target.uses.append(use)
        target.addresses.append(address)
        for other in rest.more_specific:
            target.more_specific.setdefault(other.identity.name, other)

    def all(self) -> list[Target]:
        """Every one."""
        return list(self._by_arn.values())


def ask_policies(
    caller: Caller,
    credential: Credential,
    action: str,
    target: Target,
    keys: Mapping[str, str | tuple[str, ...]],
    *,
    with_grounds: bool = False,
) -> Check:
    """Ask policy about one identity; a Deny on a more specific one of the same owner counts too.

    `with_grounds` keeps what an answer rests on when it is yes, too.
    """
    context = {**keys, "aws:ResourceAccount": target.owner}

    def request(arn: str, identity: OwnedIdentity | None) -> Request:
        more = _tag_keys(action, target, identity)
        return Request(
            requester=conditions.requester(caller.principal),
            action=action,
            resource=arn,
            resource_account=target.owner,
            context={**context, **more} if more else context,
        )

    policies = target.identity.policies if target.identity is not None else None
    compiled: PolicySet = EMPTY if policies is None else policies.compiled
    arn, asked = target.arn, target.identity
    decision = decide(
        request(arn, asked),
        iam=credential.policies.compiled,
        identity=compiled,
        session=limits(credential),
        boundary=boundary_of(credential),
    )
    for other in target.more_specific.values():
        if decision.outcome is not Outcome.ALLOW:
            break
        other_arn = identity_arn(caller.region, target.owner, other.identity.name)
        verdict = _denials(request(other_arn, other), credential, other)
        if verdict.outcome is Outcome.EXPLICIT_DENY:
            decision, policies, arn, asked = verdict, other.policies, other_arn, other
    grounds = None
    if with_grounds or decision.outcome is not Outcome.ALLOW:
        grounds = _grounds(credential, policies, _tag_keys(action, target, asked))
    beside = () if decision.outcome is Outcome.ALLOW else _beside(caller, action, target, asked)
    bounds = _bounds_on(target, caller)
    return Check(
        uses=tuple(target.uses),
        addresses=tuple(target.addresses),
        arn=arn,
        owner_account_id=target.owner,
        decision=decision,
        grounds=grounds,
        beside=beside,
        verification=None if target.identity is None else target.identity.identity.verification,
        bounds=bounds,
        stopped=stopped_by(bounds, at=caller.at) if bounds else None,
    )


def _denials(request: Request, credential: Credential, identity: OwnedIdentity) -> Decision:
    """What the policies of an identity that was not named say, of which the Denies count.

    A boundary's own Denies are not asked of it, but whoever has a boundary is spared by no NotPrincipal.
    """
    bounded = None if credential.boundary is None else ALLOW_ALL.compiled
    return decide(request, iam=EMPTY, identity=identity.policies.compiled, boundary=bounded)


def _tag_keys(action: str, target: Target, identity: OwnedIdentity | None) -> conditions.Keys:
    """The keys of the tags of one of a target's identities, or of what is no identity."""
    tags = target.tags if identity is None else identity.tags
    return conditions.resource_tags(action, tags) if tags else conditions.NO_KEYS


def _beside(caller: Caller, action: str, target: Target, asked: OwnedIdentity | None) -> tuple[Beside, ...]:
    return tuple(
        Beside(
            arn=identity_arn(caller.region, target.owner, other.identity.name),
            policies=other.policies,
            resource_keys=_tag_keys(action, target, other),
        )
        for other in target.more_specific.values()
        if other is not asked and other.policies.documents
    )


def _bounds_on(target: Target, caller: Caller) -> tuple[Bounds, ...]:
    """The owner's bounds on the sender; none on what is not sent as."""
    if target.identity is None or all(use == RECIPIENT for use in target.uses):
        return ()
    return that_hold(target.identity.bounds, caller.principal)


def _grounds(credential: Credential, identity: Policies | None, resource_keys: conditions.Keys) -> Grounds:
    return Grounds(
        iam=credential.policies,
        session=credential.session_policies,
        boundary=credential.boundary,
        identity=identity,
        resource_keys=resource_keys,
    )


def limits(credential: Credential) -> PolicySet | None:
    """The policies that the credential's session was opened under, if it was opened under any."""
    return None if credential.session_policies is None else credential.session_policies.compiled


def boundary_of(credential: Credential) -> PolicySet | None:
    """The permissions boundary of the user or role, if it has one."""
    return None if credential.boundary is None else credential.boundary.compiled
