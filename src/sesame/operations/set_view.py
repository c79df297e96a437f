"""A configuration set as its console page shows it: a page at once, each part by the permission of its operation.

What several operations answer is read in one look, and so are the permissions that they take. The set and its
destinations may not be seen without their Get actions; other parts say why they may not be.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sesame.access.permission import Authorizer
from sesame.db import Store, Transaction
from sesame.errors import AccessDenied
from sesame.model import Caller
from sesame.operations.configuration_sets import missing
from sesame.operations.messages import ACTION as READ_MESSAGES
from sesame.operations.people import Part
from sesame.operations.set_sends import LastSends, last_sends
from sesame.store import configuration_sets, tallies, topics
from sesame.store.configuration_sets import ConfigurationSet, configuration_set_arn
from sesame.store.tallies import Counts
from sesame.store.topics import topic_arn

DAYS = 14
DAY_S = 86_400.0
MOST_IDENTITIES, MOST_TOPICS = 50, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SetView:
    """A set, whom it tells, for which identities' mail it holds, and what became of mail sent with it."""

    found: ConfigurationSet
    destinations: Mapping[str, Mapping[str, Any]]
    """Definitions by name."""
    identities: tuple[str, ...]
    topics: Part[str]
    """ARNs that could be notified."""
    counts: Counts | None
    """Of `DAYS`; None for who may not see them."""
    last: LastSends | None
    """The newest sends; None for who may not see messages."""


async def set_view(store: Store, authorizer: Authorizer, caller: Caller, name: str, *, now: float) -> SetView:
    """The set of that name in the caller's account and region."""
    account_id, region = caller.principal.account_id, caller.region
    arn = configuration_set_arn(region, account_id, name)
    seen, destinations_refusal, listed, counted, read = await authorizer.refusals(
        caller,
        [
            ("ses:GetConfigurationSet", arn),
            ("ses:GetConfigurationSetEventDestinations", arn),
            topics_leave(caller),
            ("ses:GetSendStatistics", "*"),
            (READ_MESSAGES, "*"),
        ],
    )
    if refusal := seen or destinations_refusal:
        raise AccessDenied(refusal)

    async def run(tx: Transaction) -> SetView:
        found = await configuration_sets.get(tx, account_id, region, name)
        if found is None:
            raise missing(name)
        identities = await configuration_sets.identities_of(
            tx, account_id, region, name, limit=MOST_IDENTITIES
        )
        destinations = await configuration_sets.destinations(tx, found)
        since = now - DAYS * DAY_S
        return SetView(
            found=found,
            destinations=destinations,
            identities=tuple(identities),
            topics=await topics_for(tx, caller, listed),
            counts=None if counted else await tallies.of_set(tx, account_id, region, name, since=since),
            last=None if read else await last_sends(tx, found, destinations),
        )

    return await store.read(run)


def topics_leave(caller: Caller) -> tuple[str, str]:
    """The action and resource that listing topics takes."""
    return "sns:ListTopics", topic_arn(caller.region, caller.principal.account_id, "*")


async def topics_for(tx: Transaction, caller: Caller, refusal: str | None) -> Part[str]:
    """The ARNs of the first topics of the region, or why they may not be seen."""
    if refusal is not None:
        return Part(refused=refusal)
    found = await topics.page(tx, caller.principal.account_id, caller.region, after="", limit=MOST_TOPICS)
    return Part(items=tuple(topic.arn for topic in found))
