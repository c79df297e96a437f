"""UpdateUser of a user that very many policies name: no write takes more than its part."""

import json
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sesame.access.audit import outcome
from sesame.access.principal_binding import TEXTS_AT_ONCE
from sesame.db import Transaction
from sesame.errors import StoreUnavailable
from sesame.model import IdentityKind
from tests.operations.test_changes import REGION, World, with_world

COUNT = 2 * TEXTS_AT_ONCE + 7


class Named:
    """A world in which policies of so many identities, a role and a topic name a user `anna`."""

    def __init__(self, world: World, user_id: str) -> None:
        self.world, self.user_id = world, user_id
        self.store = world.services.store

    def arn(self, name: str) -> str:
        return f"arn:aws:iam::{self.world.account}:user/{name}"

    async def rename(self, name: str, new: str) -> None:
        await self.world.call(self.world.root, "iam", "UpdateUser", UserName=name, NewUserName=new)

    async def names(self) -> dict[str, int]:
        """How many texts, of policies and roles, name each user of the account and bind the id."""

        async def run(tx: Transaction) -> list[Any]:
            policies = await tx.all("SELECT document, principal_ids FROM identity_policy")
            return policies + await tx.all("SELECT trust_policy, principal_ids FROM iam_role")

        found: dict[str, int] = {}
        for document, ids in await self.store.read(run):
            [(arn, unique_id)] = json.loads(ids).items()
            assert unique_id == self.user_id
            assert json.loads(document)["Statement"][0]["Principal"] == {"AWS": arn}
            name = arn.rpartition("/")[2]
            found[name] = found.get(name, 0) + 1
        return found

    async def outcomes(self, known: list[dict[str, Any]]) -> list[str]:
        found = await self.world.since(known)
        return [outcome(event) for event in found if event["eventName"] == "UpdateUser"]

    async def is_there(self, name: str) -> bool:
        answer = await self.world.call(self.world.root, "iam", "ListUsers")
        return name in [one["UserName"] for one in answer["Users"]]


def with_named(tmp_path: Path, function: Callable[[Named], Awaitable[None]]) -> None:
    async def check(world: World) -> None:
        call = partial(world.call, world.root)
        made = await call("iam", "CreateUser", UserName="anna")
        named = Named(world, made["User"]["UserId"])
        statement = {"Effect": "Allow", "Principal": {"AWS": named.arn("anna")}}
        trust = json.dumps(
            {"Version": "2012-10-17", "Statement": [{**statement, "Action": "sts:AssumeRole"}]}
        )
        await call("iam", "CreateRole", RoleName="app", AssumeRolePolicyDocument=trust)
        text = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Action": "ses:SendEmail"}]})
        ids = json.dumps({named.arn("anna"): named.user_id})
        names = [f"n{number:04}.test" for number in range(COUNT)]

        async def fill(tx: Transaction) -> None:
            await tx.many(
                "INSERT INTO identity (account_id, region, name, kind, verification, verification_token,"
                " verification_started_at, created_at) VALUES (?, ?, ?, ?, 'Success', ?, 1, 1)",
                [(world.account, REGION, name, IdentityKind.DOMAIN.value, name) for name in names],
            )
            await tx.many(
                "INSERT INTO identity_policy (account_id, region, identity, policy_name, document, principal_ids)"
                " VALUES (?, ?, ?, 'p', ?, ?)",
                [(world.account, REGION, name, text, ids) for name in names],
            )

        await world.services.store.write(fill)
        await function(named)

    with_world(tmp_path, check)


def test_texts_are_written_in_parts(tmp_path: Path) -> None:
    async def check(named: Named) -> None:
        inner, changed = named.store.write, list[int]()

        async def write(function: Any, *, is_long: bool = False) -> Any:
            before = (await named.names()).get("anna", 0)
            done = await inner(function, is_long=is_long)
            changed.append(before - (await named.names()).get("anna", 0))
            return done

        known = await named.world.log()
        named.store.write = write  # type: ignore[method-assign]
        await named.rename("anna", "bea")
        assert sorted(filter(None, changed)) == [1, 7, TEXTS_AT_ONCE, TEXTS_AT_ONCE]
        assert await named.names() == {"bea": COUNT + 1}
        assert await named.outcomes(known) == ["begun", "done"]

    with_named(tmp_path, check)


def test_a_call_that_dies_midway_is_finished_by_the_next(tmp_path: Path) -> None:
    async def check(named: Named) -> None:
        inner = named.store.write

        async def dies(function: Any, *, is_long: bool = False) -> Any:
            if "bea" in await named.names():
                raise StoreUnavailable("gone")
            return await inner(function, is_long=is_long)

        known = await named.world.log()
        named.store.write = dies  # type: ignore[method-assign]
        with pytest.raises(StoreUnavailable):
            await named.rename("anna", "bea")
        named.store.write = inner  # type: ignore[method-assign]
        assert await named.is_there("anna")
        assert (await named.names()) == {"anna": COUNT + 1 - TEXTS_AT_ONCE, "bea": TEXTS_AT_ONCE}
        # Meant by its id under either name; who is called so meanwhile is not.
        await named.world.call(named.world.root, "iam", "CreateUser", UserName="bea")
        await named.rename("anna", "carl")
        assert await named.names() == {"carl": COUNT + 1}
        assert await named.outcomes(known) == ["begun", "begun", "done"]

    with_named(tmp_path, check)


def test_a_name_that_is_taken_changes_no_text(tmp_path: Path) -> None:
    async def check(named: Named) -> None:
        await named.world.call(named.world.root, "iam", "CreateUser", UserName="bea")
        with pytest.raises(Exception, match="already exists"):
            await named.rename("anna", "bea")
        assert await named.names() == {"anna": COUNT + 1}

    with_named(tmp_path, check)
