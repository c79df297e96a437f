"""What an account is called where its people log in to the console: its alias, one an account.

Source: IAM API reference, CreateAccountAlias, DeleteAccountAlias, ListAccountAliases.
"""

import re

from sesame.access.permission import Authorizer
from sesame.aws.errors import EntityAlreadyExists, NoSuchEntity
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction
from sesame.errors import ValidationError
from sesame.model import Caller
from sesame.operations.iam.checks import page_from
from sesame.operations.table import Handlers
from sesame.store import accounts
from sesame.store.iam import account_aliases
from sesame.store.iam.account_aliases import AccountAlias

_ACCOUNT_ID = re.compile(r"[0-9]{12}")


class AccountAliasOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateAccountAlias": self.create_account_alias,
            "DeleteAccountAlias": self.delete_account_alias,
            "ListAccountAliases": self.list_account_aliases,
        }

    async def create_account_alias(
        self, caller: Caller, request: iam.CreateAccountAliasRequest
    ) -> iam.CreateAccountAliasResponse:
        """Give the account an alias, in the place of the one that it has.

        An alias that is another account's name is taken: log-ins look for names first.
        """
        permit = await self._authorizer.require(caller, "iam:CreateAccountAlias")
        alias, account_id = request["AccountAlias"], caller.principal.account_id
        if _ACCOUNT_ID.fullmatch(alias):
            raise ValidationError("The account alias must not be an account id: 12 digits.")

        async def run(tx: Transaction) -> None:
            await tx.lock([f"alias/{alias}"])
            found = await account_aliases.get(tx, alias)
            named = await accounts.ids_named(tx, alias)
            if found is not None or any(other != account_id for other in named):
                raise EntityAlreadyExists(f"The account alias {alias} already exists.")
            if (before := await account_aliases.of_account(tx, account_id)) is not None:
                await account_aliases.delete(tx, before)
            await account_aliases.create(tx, AccountAlias(alias=alias, account_id=account_id))

        await permit.apply(run)
        return {}

    async def delete_account_alias(
        self, caller: Caller, request: iam.DeleteAccountAliasRequest
    ) -> iam.DeleteAccountAliasResponse:
        """Take the account's alias away."""
        permit = await self._authorizer.require(caller, "iam:DeleteAccountAlias")
        alias, account_id = request["AccountAlias"], caller.principal.account_id

        async def run(tx: Transaction) -> None:
            found = await account_aliases.get(tx, alias)
            if found is None or found.account_id != account_id:
                raise NoSuchEntity(f"The account alias with name {alias} cannot be found.")
            await account_aliases.delete(tx, found)

        await permit.apply(run)
        return {}

    async def list_account_aliases(
        self, caller: Caller, request: iam.ListAccountAliasesRequest
    ) -> iam.ListAccountAliasesResponse:
        """The account's alias, where it has one."""
        await self._authorizer.require(caller, "iam:ListAccountAliases")
        account_id = caller.principal.account_id
        found = await self._store.read(lambda tx: account_aliases.of_account(tx, account_id))
        page, end = page_from([] if found is None else [found.alias], request, lambda alias: alias)
        return {"AccountAliases": list(page), **end}
