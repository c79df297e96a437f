"""May the caller do that to a topic? Its own policies and the topic's decide; errors of SNS.

A topic of another account that does not exist is refused like one whose policy does not name the caller (I9).
"""

from typing import Self

from sesame.access.changes import Permit, StalePermit
from sesame.access.conditions import NO_KEYS, Keys
from sesame.access.permission import Authorizer
from sesame.db import Store, Transaction
from sesame.errors import AccessDenied, ServiceError
from sesame.model import Caller
from sesame.operations.sns.topic_arn import InvalidParameter, NotFound, read_arn
from sesame.policy.topic_policy import topic_policy
from sesame.store import topics
from sesame.store.topics import Topic


class AuthorizationError(ServiceError):
    """The caller's policies do not allow the call."""

    code, http_status = "AuthorizationError", 403

    @classmethod
    def instead_of(cls, error: AccessDenied) -> Self:
        """The same refusal in SNS's words."""
        instead = cls(error.message)
        instead.facts = error.facts
        return instead


class TopicAccess:
    """Finds topics for callers who may use them."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    async def topic(
        self, caller: Caller, action: str, topic_arn: str, *, keys: Keys = NO_KEYS
    ) -> tuple[Topic, Permit]:
        """The topic, and the permit to do `action` to it; raises `AuthorizationError`, `NotFound`."""
        region, account_id, name = read_arn(topic_arn)
        if region != caller.region:
            raise InvalidParameter("Invalid parameter: TopicArn")
        found = await self._store.read(lambda tx: topics.get(tx, account_id, region, name))
        ids = () if found is None else tuple(found.principal_ids.items())
        policy = topic_policy(None if found is None else found.attributes.get("Policy"), ids)
        try:
            permit = await self._authorizer.require(
                caller, f"SNS:{action}", topic_arn, keys=keys, resource_policy=policy
            )
        except AccessDenied as error:
            raise AuthorizationError.instead_of(error) from None
        if found is None:
            raise NotFound("Topic does not exist")
        return found, permit

    async def allow(self, caller: Caller, action: str, resource: str = "*") -> Permit:
        """Let a call through that the caller's own policies decide; raises `AuthorizationError`."""
        try:
            return await self._authorizer.require(caller, f"SNS:{action}", resource)
        except AccessDenied as error:
            raise AuthorizationError.instead_of(error) from None


async def still(tx: Transaction, topic: Topic) -> None:
    """Raise `StalePermit` when the topic, its policy with it, has changed since it was read (I4)."""
    if await topics.get(tx, topic.account_id, topic.region, topic.name) != topic:
        raise StalePermit(())
