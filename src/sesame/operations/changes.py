"""Operations as doors call them: decided again while what lets them changes, and recorded in the audit log.

What an operation changes it changes by its permit (`access.changes`), which writes the row in the same
transaction. Here the request gets its name and parameters, an operation whose permit has become stale is run again from
its start, and a refusal is kept before it is answered. Sends do all of this in their own accept transaction.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from weakref import WeakValueDictionary

from sesame.access.changes import Changes, StalePermit
from sesame.aws.model import Operation, ServiceModel
from sesame.errors import ServiceError, ServiceUnavailable
from sesame.model import ApiCall, Caller
from sesame.operations.table import DECIDED_IN_ACCEPT, SENDS, Handler, Handlers

MAX_DECISIONS = 8
"""How often an operation is decided again while policies keep changing under it."""

REFUSED = 403
"""The HTTP status of refusals by policy, in every service."""

OWN_SOURCE = "api.sesame"
"""What the audit log calls the source of calls to Sesame's own API, as CloudTrail calls a service by its host."""


class Calls:
    """Gives operations what stands in this module's head.

    Many changes of one account at once would make each other stale over and over: those that have become so once
    take turns, and whoever comes meanwhile takes one too.
    """

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def decided(self, handlers: Handlers, model: ServiceModel) -> Handlers:
        """The operations of a service; its sends are left as they are."""
        sends = SENDS.get(model.name, frozenset())
        source = OWN_SOURCE if model.name == "sesame" else f"{model.signing_name}.amazonaws.com"
        return {
            name: handler if name in sends else self._decided(handler, model.operations[name], source)
            for name, handler in handlers.items()
        }

    def _decided(self, handler: Handler, operation: Operation, source: str) -> Handler:
        def called(caller: Caller, request: Mapping[str, Any]) -> Caller:
            call = ApiCall(source=source, name=operation.name, parameters=operation.keepable(request))
            return replace(caller, call=call)

        async def run(caller: Caller, request: Any) -> Mapping[str, Any]:
            try:
                if operation.is_read:
                    return await handler(caller, request)
                return await self._change(handler, called(caller, request), request)
            except ServiceError as refusal:
                if refusal.http_status == REFUSED and operation.name not in DECIDED_IN_ACCEPT:
                    await self._changes.keep_refusal(called(caller, request), refusal)
                raise

        return run

    async def _change(self, handler: Handler, caller: Caller, request: Any) -> Mapping[str, Any]:
        turn = self._turns.setdefault(caller.principal.account_id, asyncio.Lock())
        if not turn.locked():
            try:
                return await handler(caller, request)
            except StalePermit as stale:
                caller = _again(caller, stale)
        async with turn:
            for _ in range(MAX_DECISIONS):
                try:
                    return await handler(caller, request)
                except StalePermit as stale:
                    caller = _again(caller, stale)
        raise ServiceUnavailable("policies change faster than this can be decided; try again")


def _again(caller: Caller, stale: StalePermit) -> Caller:
    """Who calls, when it is decided again: of a change that has begun it is not written down once more that it has."""
    if caller.call is None or not stale.has_begun:
        return caller
    return replace(caller, call=replace(caller.call, has_begun=True))
