"""Inline policies of IAM users, groups and roles: put, read, list, delete.

One implementation of twelve operations. Source: IAM API reference; quotas from "IAM and AWS STS quotas".
"""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from sesame.access.permission import Authorizer
from sesame.aws.errors import IamLimitExceeded, NoSuchEntity
from sesame.db import Store, Transaction
from sesame.model import Caller
from sesame.operations.iam.checks import NAMES, entity_named, page_from, permitted_entity
from sesame.operations.iam.documents import Documents
from sesame.operations.table import Handler, Handlers
from sesame.store.iam import inline_policies
from sesame.store.iam.entities import Kind

MAX_BYTES: Mapping[Kind, int] = {"user": 2048, "group": 5120, "role": 10240}
"""Sum of one's inline policies, white space not counted (IAM quotas)."""


class InlinePolicyOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer, documents: Documents) -> None:
        self._store = store
        self._authorizer = authorizer
        self._documents = documents

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        found: dict[str, Handler] = {}
        for kind, name in NAMES.items():
            found[f"Put{name}Policy"] = partial(self.put, kind)
            found[f"Get{name}Policy"] = partial(self.get, kind)
            found[f"List{name}Policies"] = partial(self.names, kind)
            found[f"Delete{name}Policy"] = partial(self.delete, kind)
        return found

    async def put(self, kind: Kind, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Create or replace a policy; from the answer on it decides (I4)."""
        named = request[f"{NAMES[kind]}Name"]
        _, permit = await permitted_entity(
            self._store, self._authorizer, caller, kind, action=f"Put{NAMES[kind]}Policy", name=named
        )
        name, document = request["PolicyName"], request["PolicyDocument"]
        self._documents.check(caller, document)

        async def run(tx: Transaction) -> None:
            entity = await entity_named(tx, caller.principal.account_id, kind, named)
            others = [text for other, text in await inline_policies.of(tx, entity.unique_id) if other != name]
            if sum(len("".join(text.split())) for text in (*others, document)) > MAX_BYTES[kind]:
                raise IamLimitExceeded(
                    f"Maximum policy size of {MAX_BYTES[kind]} bytes exceeded for {kind} {entity.name}"
                )
            await inline_policies.put(tx, entity.account_id, entity.unique_id, name, document)

        await permit.apply(run)
        return {}

    async def get(self, kind: Kind, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """A policy's text, percent-encoded as IAM gives it."""
        name, stored = await self._read(kind, caller, f"Get{NAMES[kind]}Policy", request)
        wanted = request["PolicyName"]
        documents = dict(stored)
        if wanted not in documents:
            raise _no_policy(kind, wanted)
        return {
            f"{NAMES[kind]}Name": name,
            "PolicyName": wanted,
            "PolicyDocument": quote(documents[wanted], safe=""),
        }

    async def names(self, kind: Kind, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """The names of the policies."""
        _, stored = await self._read(kind, caller, f"List{NAMES[kind]}Policies", request)
        page, end = page_from([name for name, _ in stored], request, str)
        return {"PolicyNames": [*page], **end}

    async def delete(self, kind: Kind, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Remove a policy; from the answer on it does not count, nor for open sessions of a role (I4)."""
        named = request[f"{NAMES[kind]}Name"]
        _, permit = await permitted_entity(
            self._store, self._authorizer, caller, kind, action=f"Delete{NAMES[kind]}Policy", name=named
        )

        async def run(tx: Transaction) -> None:
            entity = await entity_named(tx, caller.principal.account_id, kind, named)
            if not await inline_policies.delete(
                tx, entity.account_id, entity.unique_id, request["PolicyName"]
            ):
                raise _no_policy(kind, request["PolicyName"])

        await permit.apply(run)
        return {}

    async def _read(
        self, kind: Kind, caller: Caller, action: str, request: Mapping[str, Any]
    ) -> tuple[str, list[tuple[str, str]]]:
        """Whose policies are asked for, and the policies."""
        entity, _ = await permitted_entity(
            self._store, self._authorizer, caller, kind, action=action, name=request[f"{NAMES[kind]}Name"]
        )
        stored = await self._store.read(lambda tx: inline_policies.of(tx, entity.unique_id))
        return entity.name, stored


def _no_policy(kind: Kind, name: str) -> NoSuchEntity:
    return NoSuchEntity.named(f"{kind} policy", name)
