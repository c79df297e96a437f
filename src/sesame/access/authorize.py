"""May this caller send this message? One question per address, answered by policy.

Takes the addresses of a *composed* message and the ARNs that came with it; gives a `SendDecision`
that allows, denies, or names the identities that are not verified, always with its reasons and the
epochs it rests on. It changes nothing; the accept transaction holds the epochs to the store (I4).

INVARIANT I3: deny by default, for each of From, Source, Sender and Return-Path.
Sources: SES developer guide, "Using sending authorization"; IAM user guide, "Policy evaluation
logic". Where they are silent, docs/quirks.md says what was chosen.
"""

from collections.abc import Callable, Collection, Hashable, Sequence

import msgspec

from sesame.access import conditions
from sesame.access.checks import (
    RECIPIENT,
    Check,
    Rest,
    Target,
    Targets,
    ask_policies,
)
from sesame.access.directory import AccountState, Directory, OwnedIdentity
from sesame.access.identity_names import parse_identity_arn
from sesame.access.principals import Credential
from sesame.access.reading import Reading, as_now
from sesame.access.repeats import Repeats
from sesame.access.sends import DoesNotAlign, SendDecision, SenderAddress, SendRequest, keys_of
from sesame.aws.arn import identity_arn
from sesame.aws.errors import InvalidClientTokenId
from sesame.config.feedback import SIMULATOR
from sesame.db import account_scope
from sesame.errors import AccessDenied, ValidationError
from sesame.mail.address import domain_of
from sesame.model import Caller, PrincipalKind
from sesame.store.configuration_sets import configuration_set_arn

_OF_ONE_SEND = frozenset(key.lower() for key in conditions.OF_ONE_SEND)


class SendAuthorizer:
    """Decides sends.

    `candidates` gives, for an address, the identity names that cover it, most specific first; `simulators` are the
    domains of the mailbox simulator, whose recipients need no verification and use no quota.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        candidates: Callable[[str], Sequence[str]],
        owner_sandbox_counts: bool,
        simulators: Collection[str] = (SIMULATOR,),
    ) -> None:
        self._directory = directory
        self._repeats: Repeats[SendDecision] = Repeats(directory)
        self._simulators = frozenset(simulators)
        self._candidates = candidates
        self._owner_sandbox_counts = owner_sandbox_counts

    def is_simulator(self, address: str) -> bool:
        """Whether an address belongs to the mailbox simulator."""
        return domain_of(address) in self._simulators

    async def account_state(self, caller: Caller) -> AccountState:
        """The caller's account in the region of the call."""
        account_state, _ = await self._directory.account_state(caller.principal.account_id, caller.region)
        if account_state is None and caller.principal.kind is PrincipalKind.SERVICE:
            raise ValidationError(f"There is no account {caller.principal.account_id} to send for.")
        if account_state is None:
            raise InvalidClientTokenId
        return account_state

    async def fresh_account_state(self, caller: Caller) -> AccountState:
        """The same, past the cache: asked before a refusal rests on it."""
        self._directory.forget((account_scope(caller.principal.account_id),))
        return await self.account_state(caller)

    async def decide_send(
        self,
        caller: Caller,
        request: SendRequest,
        *,
        with_default_set: bool = False,
        as_if: Credential | None = None,
    ) -> SendDecision:
        """Decide a send. Raises `InvalidParameterValue` for an ARN that cannot be meant.

        `with_default_set`: the default configuration set of the From identity counts like one that was named.
        `as_if` asks without sending: what that credential, in place of the caller's, would be answered, with grounds.
        """
        reading = Reading(self._directory)
        credential = await reading.credential(caller) if as_if is None else reading.resting_on(as_if)
        caller = as_now(caller, credential)
        keys = conditions.global_keys(caller, credential) | keys_of(request)
        question = _question(caller, request, keys, with_default_set=with_default_set)
        repeated = self._repeats.find(question) if as_if is None else None
        if repeated is not None:
            return msgspec.structs.replace(repeated, context=keys)
        targets, unverified = await self._targets(caller, request, reading)
        first = next(iter(targets.all()), None)
        enabled, sandboxed = await self._account_states(caller, targets.all(), reading)
        if sandboxed:
            for address, rest in await self._recipients(caller, request.recipients, reading):
                if rest.identity is None or not rest.identity.verified:
                    unverified[address] = None
                else:
                    targets.add(RECIPIENT, address, rest)
        default = _default_set(caller, first)
        resources = request.resources
        if with_default_set and default is not None:
            resources = *resources, configuration_set_arn(caller.region, caller.principal.account_id, default)
        used = [await _used(caller, arn, reading) for arn in resources]
        checks = [
            ask_policies(caller, credential, request.action, target, keys, with_grounds=as_if is not None)
            for target in (*targets.all(), *used)
        ]
        decision = SendDecision(
            context=keys,
            sending_enabled=enabled,
            checks=tuple(checks),
            unverified=tuple(unverified),
            identity=first.identity.identity.name if first and first.identity else "",
            owner_account_id=first.owner if first else caller.principal.account_id,
            default_configuration_set=default,
            epochs=reading.epochs,
            mail_from=first.identity.mail_from if first and first.identity else None,
            sandboxed=sandboxed,
        )
        if as_if is None and _may_repeat(decision, credential, targets.all()):
            self._repeats.keep(question, decision)
        return decision

    async def _targets(
        self, caller: Caller, request: SendRequest, reading: Reading
    ) -> tuple[Targets, dict[str, None]]:
        """What the senders rest on, and which of them, as written, on nothing that is verified."""
        targets = Targets()
        unverified: dict[str, None] = {}
        found: dict[tuple[str, str | None], Rest | None] = {}
        for sender in request.senders:
            asked = sender.addr_spec, sender.arn
            if asked not in found:
                found[asked] = await self._rest(caller, sender, reading)
            rest = found[asked]
            if rest is None:
                unverified[sender.as_written] = None
                continue
            targets.add(sender.use, sender.addr_spec, rest)
            if rest.identity is None or not rest.identity.verified:
                unverified[sender.as_written] = None
        return targets, unverified

    async def is_stale(self, decision: SendDecision) -> bool:
        """Whether what the decision rests on has changed since; a refusal asks before it answers."""
        return await self._directory.is_stale(decision.epochs)

    def forget(self, decision: SendDecision) -> None:
        """Read everything anew the next time."""
        self._directory.forget(tuple(decision.epochs))

    async def _rest(self, caller: Caller, sender: SenderAddress, reading: Reading) -> Rest | None:
        """What an address rests on; None when its ARN belongs to another region."""
        names = self._candidates(sender.addr_spec)
        if sender.arn is None:
            return await _own_rest(caller, names, reading)
        arn = parse_identity_arn(sender.arn)
        if arn.name not in names:
            raise DoesNotAlign(address=sender.as_written, arn=sender.arn, use=sender.use)
        if arn.region != caller.region:
            return None
        specific = names[: list(names).index(arn.name)]
        more_specific = [await reading.identity(arn.account_id, arn.region, other) for other in specific]
        return Rest(
            arn=str(arn),
            owner=arn.account_id,
            identity=await reading.identity(arn.account_id, arn.region, arn.name),
            more_specific=tuple(found for found in more_specific if found is not None),
        )

    async def _account_states(
        self, caller: Caller, targets: Sequence[Target], reading: Reading
    ) -> tuple[bool, tuple[str, ...]]:
        """Whether the caller's account sends at all, and which of it and the owners are still in the sandbox."""
        own = caller.principal.account_id
        counting: set[str] = {own}
        owners: set[str] = {own}
        if self._owner_sandbox_counts:
            counting |= {target.owner for target in targets if target.identity is not None}
            owners |= {target.owner for target in targets}  # asked all the same: the work tells nothing (I9)
        enabled = False
        sandboxed: list[str] = []
        for owner in sorted(owners):
            account_state = await reading.account_state(owner, caller.region)
            if owner in counting and (account_state is None or not account_state.production):
                sandboxed.append(owner)
            if owner == own:
                enabled = account_state is not None and account_state.sending_enabled
        return enabled, tuple(sandboxed)

    async def _recipients(
        self, caller: Caller, recipients: Sequence[str], reading: Reading
    ) -> list[tuple[str, Rest]]:
        """Each recipient that must be verified in the caller's account, with what it rests on there."""
        return [
            (address, await _own_rest(caller, self._candidates(address), reading))
            for address in dict.fromkeys(recipients)
            if not self.is_simulator(address)
        ]


async def _own_rest(caller: Caller, names: Sequence[str], reading: Reading) -> Rest:
    """The caller's most specific verified identity, else the most specific that exists, else none.

    Those before it that exist and are not verified may be denied all the same.
    """
    account_id, region = caller.principal.account_id, caller.region
    passed: list[OwnedIdentity] = []
    for name in names:
        found = await reading.identity(account_id, region, name)
        if found is not None and found.verified:
            return Rest(
                arn=identity_arn(region, account_id, name),
                owner=account_id,
                identity=found,
                more_specific=tuple(passed),
            )
        if found is not None:
            passed.append(found)
    existing = passed[0] if passed else None
    name = names[0] if existing is None else existing.identity.name
    return Rest(arn=identity_arn(region, account_id, name), owner=account_id, identity=existing)


async def _used(caller: Caller, arn: str, reading: Reading) -> Target:
    """What a message uses beside identities."""
    tags = await reading.tags_to_send(arn)
    return Target(arn, caller.principal.account_id, None, tags=tags, uses=["Resource"])


def _question(
    caller: Caller, request: SendRequest, keys: conditions.Keys, *, with_default_set: bool
) -> Hashable:
    """All that a decision depends on, but for what epochs cover and what `_may_repeat` rules out."""
    return (
        caller.access_key_id,
        caller.session is None,
        caller.login is None,
        caller.principal.account_id,
        caller.principal.arn,
        request.action,
        request.senders,
        request.resources,
        with_default_set,
        tuple([item for item in keys.items() if item[0] not in conditions.OF_ONE_SEND]),
    )


def _may_repeat(decision: SendDecision, credential: Credential, targets: Sequence[Target]) -> bool:
    """Whether the next send that differs in recipients and time alone is decided alike.

    Of what was allowed, where no policy looks at either, nobody's bounds hold, and recipients need no verification.
    """
    if decision.sandboxed or decision.unverified or not decision.sending_enabled:
        return False
    if any(not check.allows or check.bounds for check in decision.checks):
        return False
    asked = [credential.policies, credential.session_policies, credential.boundary]
    for target in targets:
        asked += [found.policies for found in (target.identity, *target.more_specific.values()) if found]
    return not any(_OF_ONE_SEND & policies.compiled.keys for policies in asked if policies is not None)


def _default_set(caller: Caller, first: Target | None) -> str | None:
    if first is None or first.identity is None or first.owner != caller.principal.account_id:
        return None
    return first.identity.configuration_set


def access_denied(caller: Caller, action: str, check: Check) -> AccessDenied:
    """The refusal in SES's words: it names the identity ARN that was evaluated."""
    return AccessDenied(
        f"User `{caller.principal.arn}' is not authorized to perform `{action}' on resource `{check.arn}'"
    )
