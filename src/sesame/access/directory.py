"""What a node knows of accounts, keys, identities and compiled policies, and how it stays true.

Entries are cached by epoch scope, bounded, and never trusted: a decision carries the epochs it read
and the accept transaction compares them (I4, design decision 6). Absence of an identity is cached
under the same epoch; an unknown access key is not cached at all.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from sesame.access.compiled import Policies, compiled_identity_policies
from sesame.access.principals import Credential, Tags, load_session, load_user, named_tags
from sesame.aws.arn import identity_arn
from sesame.db import Store, Transaction, account_scope, epoch, epochs, identities_scope
from sesame.model import (
    AccountId,
    Identity,
    MailFrom,
    Principal,
    PrincipalKind,
    Session,
)
from sesame.store import (
    accounts,
    configuration_sets,
    delegate_bounds,
    identities,
    identity_policies,
    mail_from,
    tags,
)
from sesame.store.delegate_bounds import Bounds
from sesame.store.iam import deleted_keys, entities, roles, services, users
from sesame.store.iam.deleted_keys import DeletedKey
from sesame.store.sealed import Sealer

MAX_ENTRIES = 50_000
"""Entries that are cached in all; scopes that were not used for longest go first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """Whether an account may send in a region, and to whom."""

    sending_enabled: bool
    production: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedIdentity:
    """An identity with the policies attached to it and its MAIL FROM domain, if it has one."""

    identity: Identity
    policies: Policies
    configuration_set: str | None = None
    """The set of its owner's own mail that names none."""
    mail_from: MailFrom | None = None
    tags: Tags = ()
    bounds: tuple[Bounds, ...] = ()
    """What its owner bounds delegates by, for it and for all of its identities."""

    @property
    def verified(self) -> bool:
        """Whether it may be sent as."""
        return self.identity.verification.is_in_force


class _Name(NamedTuple):
    """What a credential is cached by. A session's is no access key's, whatever a client may write as a key id."""

    kind: Literal["key", "session", "login"]
    access_key_id: str


class Held(NamedTuple):
    """What a resource has that conditions ask about: its tags, and of a user or role the ARN of its boundary."""

    tags: Tags = ()
    boundary: str = ""


@dataclass(slots=True)
class _Scope:
    """Everything cached under one epoch."""

    epoch: int
    credentials: dict[_Name, Credential] = field(default_factory=dict)
    account_states: dict[str, AccountState | None] = field(default_factory=dict)
    identities: dict[str, OwnedIdentity | None] = field(default_factory=dict)
    tags: dict[str, Tags] = field(default_factory=dict)
    counted: int = 0
    """How many entries it has among those of all scopes, the one that is about to come counted."""

    def __len__(self) -> int:
        return len(self.credentials) + len(self.account_states) + len(self.identities) + len(self.tags)


class Directory:
    """Looks up credentials, standings and identities; caches them by epoch."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer
        self._scopes: OrderedDict[str, _Scope] = OrderedDict()
        self._entries = 0
        self._scope_of_key: OrderedDict[_Name, str] = OrderedDict()

    async def credential(self, access_key_id: str, session: Session | None = None) -> Credential | None:
        """The credential of an access key, or of a session whose token has been opened; None if it is gone."""
        name = _Name("key" if session is None else "session", access_key_id)
        known = self._scope_of_key.get(name)
        if known is not None:
            scope = self._used(known)
            if scope is not None and name in scope.credentials:
                return scope.credentials[name]

        async def run(tx: Transaction) -> Credential | None:
            if session is not None:
                return await load_session(tx, session)
            return await self._load_key(tx, access_key_id)

        credential = await self._store.read(run)
        if credential is not None:
            self._keep(name, credential)
        return credential

    def _keep(self, name: _Name, credential: Credential) -> None:
        self._scope(credential.scope, credential.epoch).credentials[name] = credential
        self._scope_of_key[name] = credential.scope
        if len(self._scope_of_key) > MAX_ENTRIES:
            self._scope_of_key.popitem(last=False)

    async def logged_in(self, principal: Principal) -> Credential | None:
        """What a person who is logged in to the console may do now, by the unique id; None when the user is gone."""
        name = _Name("login", principal.user_id)
        known = self._scope_of_key.get(name)
        scope = None if known is None else self._used(known)
        if known is not None and scope is not None and name in scope.credentials:
            found = scope.credentials[name]
            if not await self.is_stale({known: found.epoch}):
                return found

        async def run(tx: Transaction) -> Credential | None:
            return await load_user(tx, principal.account_id, principal.user_id)

        credential = await self._store.read(run)
        if credential is not None:
            self._keep(name, credential)
        return credential

    async def other_keys(self, principal: Principal, access_key_id: str) -> list[users.AccessKey]:
        """The keys of a user or root beside one, oldest first; not cached, as only who failed to log in needs them."""
        found = await self._store.read(
            lambda tx: users.list_keys(tx, principal.account_id, principal.user_id)
        )
        return [key for key in found if key.access_key_id != access_key_id]

    async def secrets_of_name(self, user_name: str, *, limit: int) -> list[tuple[str, str]]:
        """Access key ids of users of a name in whatever account, with their secrets; not cached."""
        found = await self._store.read(lambda tx: users.keys_of_name(tx, user_name, limit=limit))
        return [
            (
                key.access_key_id,
                self._sealer.open(key.sealed_secret, row=f"access_key:{key.access_key_id}").decode(),
            )
            for key in found
        ]

    async def deleted_key(self, access_key_id: str) -> tuple[DeletedKey | None, list[users.AccessKey] | None]:
        """Whose a key was that is gone, and which that principal has now; None for one that never was, or is gone."""

        async def run(tx: Transaction) -> tuple[DeletedKey | None, list[users.AccessKey] | None]:
            gone = await deleted_keys.get(tx, access_key_id)
            if gone is None:
                return None, None
            is_there = gone.arn.endswith(":root") or await users.get_user_by_id(tx, gone.user_id)
            keys = await users.list_keys(tx, gone.account_id, gone.user_id)
            return gone, keys if is_there else None

        return await self._store.read(run)

    async def account_state(self, account_id: str, region: str) -> tuple[AccountState | None, int]:
        """An account's standing in a region, with its epoch; None if there is no such account."""
        name = account_scope(account_id)
        scope = self._used(name)
        if scope is not None and region in scope.account_states:
            return scope.account_states[region], scope.epoch

        async def run(tx: Transaction) -> tuple[AccountState | None, int]:
            state = await accounts.region_state(tx, account_id, region)
            found = (
                None
                if state is None
                else AccountState(sending_enabled=state.sending_enabled, production=state.production)
            )
            return found, await epoch(tx, name)

        account_state, current = await self._store.read(run)
        self._scope(name, current).account_states[region] = account_state
        return account_state, current

    async def identity(self, account_id: str, region: str, name: str) -> tuple[OwnedIdentity | None, int]:
        """An identity with its policies, or None, with the owner's identities epoch."""
        scope_name = identities_scope(account_id, region)
        scope = self._used(scope_name)
        if scope is not None and name in scope.identities:
            return scope.identities[name], scope.epoch

        async def run(tx: Transaction) -> tuple[OwnedIdentity | None, int]:
            return await self._load_identity(tx, account_id, region, name), await epoch(tx, scope_name)

        found, current = await self._store.read(run)
        self._scope(scope_name, current).identities[name] = found
        return found, current

    async def tags_to_send(self, arn: str) -> tuple[Tags, str, int]:
        """The tags of a resource of SES that a send uses, with the scope and epoch they were read at."""
        name = tags.scope_of(arn)
        scope = self._scopes.get(name)
        if scope is not None and arn in scope.tags:
            return scope.tags[arn], name, scope.epoch

        async def run(tx: Transaction) -> tuple[Tags, int]:
            return tuple((await tags.get(tx, arn)).items()), await epoch(tx, name)

        found, current = await self._store.read(run)
        self._scope(name, current).tags[arn] = found
        return found, name, current

    async def held(self, arn: str) -> tuple[Held, dict[str, int]]:
        """What a resource has now, whatever it is; nothing of what is not there. Not cached.

        With it the epoch that it was read at, by scope; of what is not the ARN of one resource there is none.
        """
        if arn.count(":") < 5:
            return Held(), {}
        scope = tags.scope_of(arn)

        async def run(tx: Transaction) -> tuple[Held, dict[str, int]]:
            return await _load_held(tx, arn), {scope: await epoch(tx, scope)}

        return await self._store.read(run, is_short=True)

    async def held_by(self, arns: Sequence[str]) -> dict[str, Held]:
        """What several resources have now, as `held` has it of one. Not cached, and for reading alone."""
        whole = [arn for arn in arns if arn.count(":") >= 5]
        if not whole:
            return {}
        return await self._store.read(lambda tx: _load_all_held(tx, whole))

    async def is_stale(self, seen: Mapping[str, int]) -> bool:
        """Whether any of the epochs `seen` has moved on; what has is forgotten."""

        async def run(tx: Transaction) -> list[str]:
            current = await epochs(tx, tuple(seen))
            return [scope for scope, now in zip(seen, current, strict=True) if now != seen[scope]]

        moved = await self._store.read(run, is_short=True)
        self.forget(moved)
        return bool(moved)

    def holds(self, seen: Mapping[str, int]) -> bool:
        """Whether what is cached of each scope is as of the epoch `seen`."""
        for name, value in seen.items():
            scope = self._used(name)
            if scope is None or scope.epoch != value:
                return False
        return True

    def forget(self, scopes: "list[str] | tuple[str, ...]") -> None:
        """Drop what is cached under `scopes`."""
        for name in scopes:
            scope = self._scopes.pop(name, None)
            if scope is not None:
                self._entries -= scope.counted

    def _used(self, name: str) -> _Scope | None:
        """The cache of a scope, which is about to be used."""
        scope = self._scopes.get(name)
        if scope is not None:
            self._scopes.move_to_end(name)
        return scope

    def _scope(self, name: str, current: int) -> _Scope:
        """The cache of a scope at epoch `current`, emptied when that is news, with room for one more entry."""
        scope = self._used(name)
        if scope is None or scope.epoch != current or len(scope) >= MAX_ENTRIES:
            self.forget([name])
            scope = self._scopes[name] = _Scope(epoch=current)
        self._entries += len(scope) + 1 - scope.counted
        scope.counted = len(scope) + 1
        while self._entries > MAX_ENTRIES and len(self._scopes) > 1:
            _, oldest = self._scopes.popitem(last=False)
            self._entries -= oldest.counted
        return scope

    async def _load_key(self, tx: Transaction, access_key_id: str) -> Credential | None:
        key = await users.get_key(tx, access_key_id)
        if key is None:
            return await self._load_service_key(tx, access_key_id)
        found = await load_user(tx, AccountId(key.account_id), key.user_id)
        if found is None:
            return None
        return replace(
            found,
            access_key_id=access_key_id,
            secret_access_key=self._sealer.open(
                key.sealed_secret, row=f"access_key:{access_key_id}"
            ).decode(),
            active=key.status == "Active",
        )

    async def _load_service_key(self, tx: Transaction, access_key_id: str) -> Credential | None:
        key = await services.get_key(tx, access_key_id)
        if key is None:
            return None
        name, scope = key.service_name, services.service_scope(key.service_name)
        return Credential(
            access_key_id=access_key_id,
            secret_access_key=self._sealer.open(
                key.sealed_secret, row=f"access_key:{access_key_id}"
            ).decode(),
            active=True,
            principal=Principal(
                kind=PrincipalKind.SERVICE, account_id=AccountId(""), arn=name, user_id=name, name=name
            ),
            scope=scope,
            epoch=await epoch(tx, scope),
        )

    @staticmethod
    async def _load_identity(
        tx: Transaction, account_id: str, region: str, name: str
    ) -> OwnedIdentity | None:
        identity = await identities.get(tx, account_id, region, name)
        if identity is None:
            return None
        stored = await identity_policies.of(tx, account_id, region, name)
        policies = compiled_identity_policies(stored, await _dead_bindings(tx, stored))
        default = await configuration_sets.default_of(tx, account_id, region, name)
        domain = await mail_from.get(tx, account_id, region, name)
        held = await tags.get(tx, identity_arn(region, account_id, name))
        bounds = await delegate_bounds.of_identity(tx, account_id, region, name)
        return OwnedIdentity(
            identity=identity,
            policies=policies,
            configuration_set=default,
            mail_from=domain,
            tags=tuple(held.items()),
            bounds=tuple(bounds),
        )


async def _load_held(tx: Transaction, arn: str) -> Held:
    """Of a user or role from its row, of anything else from the table of tags."""
    fields = arn.split(":", 5)
    if len(fields) < 6:
        return Held()
    kind, _, path = fields[5].partition("/")
    name = path.rpartition("/")[2]
    if fields[2] == "iam" and kind in ("user", "role"):
        found: users.User | roles.Role | None = (
            await users.get_user(tx, fields[4], name)
            if kind == "user"
            else await roles.get(tx, fields[4], name)
        )
        if found is None or found.arn != arn:
            return Held()
        return Held(named_tags(found.tags), found.permissions_boundary)
    return Held(tuple((await tags.get(tx, arn)).items()))


async def _load_all_held(tx: Transaction, arns: Sequence[str]) -> dict[str, Held]:
    """Of several what `_load_held` has of each, in as many statements however many there are."""
    asked: dict[str, list[tuple[str, str]]] = {"user": [], "role": []}
    tagged = []
    for arn in arns:
        fields = arn.split(":", 5)
        kind, _, path = fields[5].partition("/")
        if fields[2] == "iam" and kind in asked:
            asked[kind].append((fields[4], path.rpartition("/")[2]))
        else:
            tagged.append(arn)
    known: list[users.User | roles.Role] = []
    for kind, read in (("user", users.named), ("role", roles.named)):
        if asked[kind]:
            accounts, names = (list(dict.fromkeys(some)) for some in zip(*asked[kind], strict=True))
            known += await read(tx, accounts, names)
    found = {one.arn: Held(named_tags(one.tags), one.permissions_boundary) for one in known}
    return found | {arn: Held(tuple(has.items())) for arn, has in (await tags.of_all(tx, tagged)).items()}


async def _dead_bindings(tx: Transaction, stored: list[identity_policies.IdentityPolicy]) -> frozenset[str]:
    """Unique ids of users and roles that are gone while another policy names their successor of the same ARN."""
    ids: dict[str, set[str]] = {}
    for policy in stored:
        for arn, user_id in policy.principal_ids.items():
            ids.setdefault(arn, set()).add(user_id)
    contested = [user_id for group in ids.values() if len(group) > 1 for user_id in group]
    return frozenset(
        [unique_id for unique_id in contested if await entities.of_unique_id(tx, unique_id) is None]
    )
