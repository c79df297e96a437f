"""What one decision reads of the directory, and the epochs that it rests on because of it.

It decides nothing. Whoever accepts a message or makes a change compares the epochs in its own transaction (I4).

INVARIANT: of each scope the oldest epoch that was read stands. Two reads of one scope may lie on two sides of a change;
with the newer epoch that transaction would not see that the older read is stale.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from sesame.access.directory import AccountState, Directory, Held, OwnedIdentity
from sesame.access.principals import Credential, Tags
from sesame.aws.errors import InvalidClientTokenId
from sesame.db import account_scope, identities_scope
from sesame.model import Caller, PrincipalKind

NOTHING_SEEN: Mapping[str, int] = MappingProxyType({})


class Reading:
    """Looks things up for one decision; `seen` are epochs at which its asker has read already."""

    def __init__(self, directory: Directory, seen: Mapping[str, int] = NOTHING_SEEN) -> None:
        self._directory = directory
        self.epochs = dict(seen)

    def note(self, scope: str, epoch: int) -> None:
        """Let the decision rest on an epoch that something was read at."""
        self.epochs[scope] = min(epoch, self.epochs.get(scope, epoch))

    async def credential(self, caller: Caller) -> Credential:
        """What the caller may do. Raises `InvalidClientTokenId` when it is gone or not active."""
        if caller.login is not None:
            credential = await self._directory.logged_in(caller.principal)
        else:
            credential = await self._directory.credential(caller.access_key_id, caller.session)
        return self.resting_on(credential)

    def resting_on(self, credential: Credential | None) -> Credential:
        """A credential that was found elsewhere, held to the same. Raises `InvalidClientTokenId`."""
        if credential is None or not credential.active:
            raise InvalidClientTokenId
        self.note(credential.scope, credential.epoch)
        return credential

    async def account_state(self, account_id: str, region: str) -> AccountState | None:
        """An account in a region, or None."""
        found, epoch = await self._directory.account_state(account_id, region)
        self.note(account_scope(account_id), epoch)
        return found

    async def identity(self, owner: str, region: str, name: str) -> OwnedIdentity | None:
        """An identity with its policies, or None."""
        found, epoch = await self._directory.identity(owner, region, name)
        self.note(identities_scope(owner, region), epoch)
        return found

    async def tags_to_send(self, arn: str) -> Tags:
        """The tags of what a send uses beside identities."""
        found, scope, epoch = await self._directory.tags_to_send(arn)
        self.note(scope, epoch)
        return found

    async def held(self, arn: str) -> Held:
        """What a resource has that conditions ask about."""
        found, epochs = await self._directory.held(arn)
        for scope, epoch in epochs.items():
            self.note(scope, epoch)
        return found


def as_now(caller: Caller, credential: Credential) -> Caller:
    """The caller under the name that its user has now, which was authenticated by what was cached before.

    So of a federated user whose user was renamed.

    Bounds and conditions go by the name, and are those of now.
    """
    principal = credential.principal
    has_user = principal.kind in (PrincipalKind.USER, PrincipalKind.FEDERATED)
    before = caller.principal
    is_renamed = (principal.arn, principal.issuer_arn) != (before.arn, before.issuer_arn)
    if not has_user or not is_renamed or principal.user_id != caller.principal.user_id:
        return caller
    return replace(caller, principal=principal)
