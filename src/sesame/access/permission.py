"""May this caller make this call? Calls that manage something, and the trust of roles.

A yes is a `Permit`, which rests on the epochs that were read for it and is the only way to the change (`changes`). What
policy is asked of one call, and what a refusal says, is `management`'s; sends are `authorize`'s.

INVARIANT I3: deny by default. Source: IAM user guide, "Policy evaluation logic".
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from sesame.access import conditions
from sesame.access.causes.own_side import own_facts
from sesame.access.causes.trust_facts import role_facts
from sesame.access.changes import Changes, Permit
from sesame.access.checks import boundary_of, limits
from sesame.access.compiled import Policies
from sesame.access.directory import Directory, Held
from sesame.access.management import (
    account_in,
    decided,
    management_request,
    refusal_text,
    trust_request,
)
from sesame.access.principals import Tags
from sesame.access.reading import NOTHING_SEEN, Reading, as_now
from sesame.errors import AccessDenied
from sesame.model import Caller
from sesame.policy import EMPTY, Outcome, PolicySet, decide_trust


class Granted(NamedTuple):
    """What a caller has for a call beside its own policies, as read at an epoch of a scope."""

    policies: Policies
    scope: str
    epoch: int


class Authorizer:
    """Decides management calls; `changes` is where the permits it gives are used."""

    def __init__(self, directory: Directory, changes: Changes) -> None:
        self._directory = directory
        self.changes = changes

    async def require(
        self,
        caller: Caller,
        action: str,
        resource: str = "*",
        *,
        keys: conditions.Keys = conditions.NO_KEYS,
        seen: Mapping[str, int] = NOTHING_SEEN,
        resource_policy: PolicySet | None = None,
        granted: Granted | None = None,
    ) -> Permit:
        """Let a management call through or raise `AccessDenied`; root of an account may do all.

        `keys` are the condition keys of this action that the request says; the tags of the resource as it is
        are added here. `seen` are epochs at which the call has read what it asks about: the permit rests on them too.
        With `resource_policy` the resource has a policy of its own and may be another account's, whose policy must
        then allow the call as well. `granted` is what the caller has for this call beside its own policies; those,
        its boundary and its session's can deny it.
        """
        reading = Reading(self._directory, seen)
        credential = await reading.credential(caller)
        if granted is not None:
            reading.note(granted.scope, granted.epoch)
            credential = replace(credential, policies=credential.policies.and_also(granted.policies))
        caller = as_now(caller, credential)
        owner = account_in(resource) or caller.principal.account_id
        held = await reading.held(resource) if owner == caller.principal.account_id else Held()
        has_policy = resource_policy is not None
        request = management_request(
            caller, credential, action, resource, held=held, keys=keys, has_policy=has_policy
        )
        decision = decided(request, credential, resource_policy=resource_policy)
        if decision.outcome is not Outcome.ALLOW:
            error = AccessDenied(refusal_text(caller, request, credential, decision))
            error.facts = own_facts(caller, request, credential)
            raise error
        return Permit(
            caller=caller, action=action, resource=resource, epochs=reading.epochs, changes=self.changes
        )

    async def as_itself(self, caller: Caller, action: str) -> Permit:
        """A permit for what every caller may do with itself, as long as it is there; no policy is asked."""
        reading = Reading(self._directory)
        await reading.credential(caller)
        return Permit(caller=caller, action=action, resource="*", epochs=reading.epochs, changes=self.changes)

    async def refusals(self, caller: Caller, asked: Sequence[tuple[str, str]]) -> list[str | None]:
        """For each action and resource of the caller's account that is to be read, why it may not be, or None.

        As `require` decides, with what it rests on read once: for pages that show several things at once.
        """
        credential = await Reading(self._directory).credential(caller)
        caller = as_now(caller, credential)
        held = await self._directory.held_by(list(dict.fromkeys(resource for _, resource in asked)))
        found: list[str | None] = []
        for action, resource in asked:
            request = management_request(
                caller, credential, action, resource, held=held.get(resource, Held())
            )
            decision = decided(request, credential)
            is_allowed = decision.outcome is Outcome.ALLOW
            found.append(None if is_allowed else refusal_text(caller, request, credential, decision))
        return found

    async def require_creation(
        self,
        caller: Caller,
        action: str,
        resource: str,
        *,
        tagging: str,
        tags: Mapping[str, str],
        keys: conditions.Keys = conditions.NO_KEYS,
    ) -> Permit:
        """Let a call through that makes a resource with tags: it needs the permission to tag as well.

        `keys` are those that the request says beside its tags'.
        """
        given = conditions.request_tags(tags)
        permit = await self.require(caller, action, resource, keys={**given, **keys})
        if tags:
            to_tag = await self.require(caller, tagging, resource, keys=given)
            permit = permit.resting_on(to_tag.epochs)
        return permit

    async def require_trust(
        self,
        caller: Caller,
        actions: Sequence[str],
        role_arn: str,
        *,
        trust: Policies | None,
        keys: Mapping[str, str | tuple[str, ...]],
        tags: Tags = (),
        seen: Mapping[str, int] = NOTHING_SEEN,
    ) -> Permit:
        """Let the caller do `actions` of STS to a role or raise `AccessDenied`.

        `trust` is the role's trust policy, None for a role that does not exist: the answer is the same (I9).
        `tags` are the role's; `seen` are the epochs at which the role was read.
        """
        reading = Reading(self._directory, seen)
        credential = await reading.credential(caller)
        caller = as_now(caller, credential)
        asked = [
            trust_request(caller, credential, action, role_arn, tags=tags, keys=keys) for action in actions
        ]
        trusting = EMPTY if trust is None else trust.compiled
        for request in asked:
            outcome = decide_trust(
                request,
                iam=credential.policies.compiled,
                trust=trusting,
                session=limits(credential),
                boundary=boundary_of(credential),
            )
            if outcome is not Outcome.ALLOW:
                refusal = AccessDenied(
                    f"User: {caller.principal.arn} is not authorized to perform: {request.action} on resource:"
                    f" {role_arn}"
                )
                refusal.facts = role_facts(caller, asked, credential, trust)
                raise refusal
        return Permit(
            caller=caller, action=actions[0], resource=role_arn, epochs=reading.epochs, changes=self.changes
        )
