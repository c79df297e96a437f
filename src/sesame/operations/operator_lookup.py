"""What the operator finds of all accounts: any message and any refusal, as each of the two parties sees it.

For the operator alone, who can read the data directory: there is no permission to ask.
"""

import json
from dataclasses import dataclass, replace
from typing import cast

from sesame.access.causes.decision_json import of_request_in
from sesame.access.refusals import digests
from sesame.db import Store, Transaction
from sesame.operations.cached_reads import CachedReads
from sesame.operations.decision_views import DecisionView, decision_of, view
from sesame.operations.messages import RefusalView
from sesame.spool.trace import Trace, trace
from sesame.store import decisions, events, outbox_entries, policy_sets
from sesame.store.decisions import DecisionRecord
from sesame.store.events import Event
from sesame.store.outbox_entries import OutboxEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUpMessage:
    """A message, its decision as sender and owner see it (once, when they are one), and who was notified of what."""

    trace: Trace
    halves: tuple[tuple[str, DecisionView], ...]
    """Account and view."""
    events: tuple[tuple[Event, tuple[OutboxEntry, ...]], ...]


async def message(store: Store, message_id: str) -> LookedUpMessage | None:
    """A message of any account."""
    found = await trace(store, message_id, viewer=None)
    if found is None:
        return None
    record = decision_of(found)

    async def run(tx: Transaction) -> tuple[list[Event], list[OutboxEntry]]:
        happened = await events.of_message(tx, message_id)
        return happened, await outbox_entries.about(tx, [event.event_id for event in happened])

    happened, notified = await store.read(run)
    parties = dict.fromkeys((found.account_id, found.owner_account_id))
    return LookedUpMessage(
        trace=found,
        halves=tuple((account, view(record, account, {})) for account in parties),
        events=tuple(
            (event, tuple(one for one in notified if one.publication.about == event.event_id))
            for event in happened
        ),
    )


async def refusal(store: Store, request_id: str) -> list[tuple[str, RefusalView]]:
    """What a request was refused with, as each party sees it, the sender first; empty when it is not known."""

    async def run(store_tx: Transaction) -> list[tuple[str, RefusalView]]:
        tx = cast(Transaction, CachedReads(store_tx))  # both parties' halves rest on the same rows
        whose: list[tuple[str, DecisionRecord]] = []
        for record in await decisions.of_request(tx, request_id):
            parties = dict.fromkeys((record.account_id, record.owner_account_id))
            # Of a sign-in that failed it may not be known whose it was: the operator alone reads of it.
            whose += [(account, record) for account in [party for party in parties if party] or [""]]
        for owner in await decisions.further_owners(tx, request_id):
            found = await decisions.of_request(tx, request_id, viewer=owner)
            whose += [(owner, record) for record in found]
        halves = []
        for account, record in whose:
            contents = await policy_sets.contents(tx, digests(record))
            rendered = await of_request_in(tx, request_id, account_id=account or None)
            causes = {json.dumps(cause): cause for one in rendered for cause in one["causes"]}
            half = RefusalView(
                request_id=request_id,
                record=replace(record, decision="{}", reason=""),
                decision=view(record, account, contents),
                causes=tuple(causes.values()),
            )
            halves.append((account, half))
        return halves

    return await store.read(run)
