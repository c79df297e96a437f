"""Service principals: who sends on behalf of accounts, as AWS's own services do. The operator registers them.

A service is trusted to say for which account it acts; what it may send as, the policies of the identity
decide (`"Principal": {"Service": …}`). It has no IAM policies and may do nothing else.
"""

import re
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass

from sesame.access.changes import Actor, Acts, Run, T
from sesame.admin.accounts import OperatorError
from sesame.db import Store, Transaction
from sesame.model import SYSTEM_ACCOUNT
from sesame.observe import Clock
from sesame.store.iam import services
from sesame.store.sealed import Sealer

MAX_KEYS = 2
"""Keys of a service: one in use, one to change to."""

_NAME = re.compile(r"(?=.{3,128}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceKeys:
    """A fresh access key of a service; the secret is shown only this once."""

    service_name: str
    access_key_id: str
    secret_access_key: str


class ServicePrincipals:
    """Registers services and their keys."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        *,
        acts: Acts,
        clock: Clock,
        random_name: Callable[[int], str],
        random_secret: Callable[[], str],
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._acts = acts
        self._clock = clock
        self._random_name = random_name
        self._random_secret = random_secret

    def by(self, actor: Actor) -> "ServicePrincipals":
        """The same for another actor."""
        other = copy(self)
        other._acts = self._acts.by(actor)
        return other

    async def create(self, service_name: str) -> ServiceKeys:
        """Register a service, with a key. Raises `OperatorError` for a name that is none, or taken."""
        if not _NAME.fullmatch(service_name):
            raise OperatorError(
                f"`{service_name}` is not a service name: write a host name such as `cognito-idp.amazonaws.com`"
            )

        async def run(tx: Transaction) -> ServiceKeys:
            if await services.get(tx, service_name) is not None:
                raise OperatorError(f"a service `{service_name}` already exists")
            await services.create(tx, service_name, created_at=self._now())
            return await self._create_key(tx, service_name)

        return await self._act("CreateService", service_name, run, response=_audit_response)

    async def list_services(self) -> list[services.Service]:
        """Every service by name."""
        return await self._store.read(services.list_services)

    async def page(self, after: str, *, limit: int) -> list[services.Service]:
        """The next services by name behind `after`, at most `limit`."""
        return await self._store.read(lambda tx: services.page(tx, after, limit=limit))

    async def add_key(self, service_name: str) -> ServiceKeys:
        """A second key for a service, so that it can change to it."""

        async def run(tx: Transaction) -> ServiceKeys:
            if len((await _named(tx, service_name)).keys) >= MAX_KEYS:
                raise OperatorError(
                    f"`{service_name}` has {MAX_KEYS} keys, the most it can have: delete one first"
                )
            return await self._create_key(tx, service_name)

        return await self._act("CreateServiceKey", service_name, run, response=_audit_response)

    async def delete_key(self, service_name: str, access_key_id: str) -> None:
        """Remove a key; from now on nothing is accepted under it (I4)."""

        async def run(tx: Transaction) -> None:
            await _named(tx, service_name)
            if not await services.delete_key(tx, service_name, access_key_id):
                raise OperatorError(f"`{service_name}` has no access key `{access_key_id}`")

        await self._act("DeleteServiceKey", service_name, run, accessKeyId=access_key_id)

    async def delete(self, service_name: str) -> None:
        """Remove a service with its keys; from now on nothing is accepted from it (I4)."""

        async def run(tx: Transaction) -> None:
            await _named(tx, service_name)
            await services.delete(tx, service_name)

        await self._act("DeleteService", service_name, run)

    async def _act(
        self,
        name: str,
        service_name: str,
        run: Run[T],
        *,
        response: Callable[[T], Mapping[str, str]] | None = None,
        **parameters: str,
    ) -> T:
        """A change of a service, which belongs to no account: it is recorded in Sesame's own."""
        details = {"service": service_name, **parameters}
        return await self._acts.apply(name, SYSTEM_ACCOUNT, run, parameters=details, response=response)

    async def _create_key(self, tx: Transaction, service_name: str) -> ServiceKeys:
        access_key_id, secret = f"AKIA{self._random_name(16)}", self._random_secret()
        key = services.ServiceKey(
            access_key_id=access_key_id,
            service_name=service_name,
            sealed_secret=self._sealer.seal(secret.encode(), row=f"access_key:{access_key_id}"),
            created_at=self._clock.now(),
        )
        await services.create_key(tx, key)
        return ServiceKeys(service_name=service_name, access_key_id=access_key_id, secret_access_key=secret)

    def _now(self) -> float:
        return float(int(self._clock.now()))


def _audit_response(keys: ServiceKeys) -> dict[str, str]:
    """What the audit log says of a key: never its secret."""
    return {"accessKeyId": keys.access_key_id}


async def _named(tx: Transaction, service_name: str) -> services.Service:
    service = await services.get(tx, service_name)
    if service is None:
        raise OperatorError(f"there is no service `{service_name}`; `sesame service list` shows them")
    return service
