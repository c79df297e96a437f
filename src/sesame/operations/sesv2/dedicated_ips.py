"""Dedicated IP addresses and their pools in SES v2.

The addresses are the operator's to give, by the settings; an account puts them into pools, names a pool in a
configuration set, and says how far each is warmed up. Sources: SES API v2 reference; words observed.
"""

import ipaddress
import re
from typing import Any

from sesame.access.egress import DEFAULT_POOL, MANAGED, RESERVED, SHARED_POOL, Egress, WarmupPlan, own_sources
from sesame.access.permission import Authorizer
from sesame.aws import paging
from sesame.aws.shapes import sesv2
from sesame.db import Store, Transaction
from sesame.errors import InvalidParameterValue, LimitExceeded, ServiceError
from sesame.model import Caller, SourceAddress
from sesame.observe import Clock
from sesame.operations.resource_tags import read_tags
from sesame.operations.table import Handlers
from sesame.store import egress, tags
from sesame.store.egress import pool_arn

MAX_POOLS = 50
MOST_A_PAGE = 1_000
STANDARD = "STANDARD"
_NAME = re.compile(r"[a-z0-9_.-]{1,64}")


class PoolDoesNotExist(ServiceError):
    """The account has no pool of that name in the region."""

    code = "PoolDoesNotExist"


class PoolAlreadyExists(ServiceError):
    """The account has a pool of that name."""

    code = "PoolAlreadyExists"


class DedicatedIpDoesNotExist(ServiceError):
    """The account has no such address for itself."""

    code = "DedicatedIpDoesNotExist"


class DedicatedIpOperations:
    """The operations; each checks the caller's IAM policies first. `sources` are the operator's addresses."""

    def __init__(
        self,
        store: Store,
        authorizer: Authorizer,
        clock: Clock,
        *,
        sources: tuple[SourceAddress, ...],
        plan: WarmupPlan,
    ) -> None:
        self._store = store
        self._authorizer = authorizer
        self._clock = clock
        self._sources = sources
        self._plan = plan

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateDedicatedIpPool": self.create_pool,
            "DeleteDedicatedIpPool": self.delete_pool,
            "GetDedicatedIp": self.get_ip,
            "GetDedicatedIpPool": self.get_pool,
            "GetDedicatedIps": self.get_ips,
            "ListDedicatedIpPools": self.list_pools,
            "PutAccountDedicatedIpWarmupAttributes": self.put_account_warmup,
            "PutDedicatedIpInPool": self.put_ip_in_pool,
            "PutDedicatedIpPoolScalingAttributes": self.put_scaling,
            "PutDedicatedIpWarmupAttributes": self.put_ip_warmup,
        }

    async def create_pool(
        self, caller: Caller, request: sesv2.CreateDedicatedIpPoolRequest
    ) -> sesv2.CreateDedicatedIpPoolResponse:
        """Make a pool, without addresses."""
        name = request.get("PoolName", "")
        arn = _arn(caller, name)
        given = {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}
        permit = await self._authorizer.require_creation(
            caller, "ses:CreateDedicatedIpPool", arn, tagging="ses:TagResource", tags=given
        )
        if not name.strip():
            raise InvalidParameterValue("PoolName is required.")
        mode = _scaling_mode(request.get("ScalingMode", STANDARD))
        _check_own(name)
        if not _NAME.fullmatch(name):
            raise InvalidParameterValue(
                f"Invalid pool name <{name[:64]}>: up to 64 lowercase letters, numbers, periods, dashes and"
                " underscores are allowed."
            )
        labels = read_tags(request.get("Tags", ()))
        place = _place(caller)

        async def run(tx: Transaction) -> None:
            names = await egress.pool_names(tx, *place)
            if name in names:
                raise PoolAlreadyExists(f"The pool <{name}> already exists.")
            if len(names) >= MAX_POOLS:
                raise LimitExceeded(f"An account has up to {MAX_POOLS} dedicated IP pools in a region.")
            await egress.put_pool(tx, *place, name, scaling_mode=mode, at=self._clock.now())
            await tags.put(tx, arn, labels)

        await permit.apply(run)
        return {}

    async def delete_pool(
        self, caller: Caller, request: sesv2.DeleteDedicatedIpPoolRequest
    ) -> sesv2.DeleteDedicatedIpPoolResponse:
        """Remove a pool; its addresses are in the default one then. With sets that name it nothing is sent."""
        name = request["PoolName"]
        permit = await self._authorizer.require(caller, "ses:DeleteDedicatedIpPool", _arn(caller, name))
        _check_own(name)
        place = _place(caller)

        async def run(tx: Transaction) -> None:
            if not await egress.has_pool(tx, *place, name):
                raise _no_pool(name)
            await egress.delete_pool(tx, *place, name)

        await permit.apply(run)
        return {}

    async def get_pool(
        self, caller: Caller, request: sesv2.GetDedicatedIpPoolRequest
    ) -> sesv2.GetDedicatedIpPoolResponse:
        """A pool with its scaling mode."""
        name = request["PoolName"]
        await self._authorizer.require(caller, "ses:GetDedicatedIpPool", _arn(caller, name))
        _check_own(name)
        mode = await self._store.read(lambda tx: egress.scaling_mode(tx, *_place(caller), name))
        if mode is None:
            raise _no_pool(name)
        return {"DedicatedIpPool": {"PoolName": name, "ScalingMode": mode}}

    async def list_pools(
        self, caller: Caller, request: sesv2.ListDedicatedIpPoolsRequest
    ) -> sesv2.ListDedicatedIpPoolsResponse:
        """The names of the pools; with those that every account with addresses has."""
        await self._authorizer.require(caller, "ses:ListDedicatedIpPools")
        names = await self._store.read(lambda tx: egress.pool_names(tx, *_place(caller)))
        if own_sources(self._sources, caller.principal.account_id):
            names = sorted([*names, DEFAULT_POOL, SHARED_POOL])
        found, token = _page(names, request)
        return {"DedicatedIpPools": found, **paging.next_page(token)}

    async def get_ip(
        self, caller: Caller, request: sesv2.GetDedicatedIpRequest
    ) -> sesv2.GetDedicatedIpResponse:
        """An address with its pool, and how far it is warmed up."""
        await self._authorizer.require(caller, "ses:GetDedicatedIp")
        found = await self._store.read(lambda tx: self._egress(tx, caller))
        return {"DedicatedIp": self._as_shape(found, _own(found, request["Ip"]))}

    async def get_ips(
        self, caller: Caller, request: sesv2.GetDedicatedIpsRequest
    ) -> sesv2.GetDedicatedIpsResponse:
        """The account's addresses, or those of a pool."""
        pool = request.get("PoolName")
        await self._authorizer.require(caller, "ses:GetDedicatedIps", _arn(caller, pool) if pool else "*")
        found = await self._store.read(lambda tx: self._egress(tx, caller))
        if pool and pool not in RESERVED and pool not in found.held.pools:
            raise _no_pool(pool)
        sources = {source.address: source for source in (found.members(pool) if pool else found.sources)}
        page, token = _page(sorted(sources), request)
        return {
            "DedicatedIps": [self._as_shape(found, sources[address], pool) for address in page],
            **paging.next_page(token),
        }

    async def put_ip_in_pool(
        self, caller: Caller, request: sesv2.PutDedicatedIpInPoolRequest
    ) -> sesv2.PutDedicatedIpInPoolResponse:
        """Move an address to a pool, or back to the default one; its warm-up goes on."""
        pool = request.get("DestinationPoolName", "")
        permit = await self._authorizer.require(caller, "ses:PutDedicatedIpInPool", _arn(caller, pool))
        if not pool.strip():
            raise InvalidParameterValue("Pool name can't be blank.")

        async def run(tx: Transaction) -> None:
            found = await self._egress(tx, caller)
            source = _own(found, request.get("Ip", ""))
            if pool == SHARED_POOL or found.held.pools.get(pool) == MANAGED:
                raise InvalidParameterValue(f"No address can be put into the pool <{pool}>.")
            if pool != DEFAULT_POOL and pool not in found.held.pools:
                raise _no_pool(pool)
            await egress.assign(
                tx, *_place(caller), source.address, pool="" if pool == DEFAULT_POOL else pool
            )

        await permit.apply(run)
        return {}

    async def put_scaling(
        self, caller: Caller, request: sesv2.PutDedicatedIpPoolScalingAttributesRequest
    ) -> sesv2.PutDedicatedIpPoolScalingAttributesResponse:
        """Let the service fill a pool; that is not undone."""
        name = request.get("PoolName", "")
        permit = await self._authorizer.require(
            caller, "ses:PutDedicatedIpPoolScalingAttributes", _arn(caller, name)
        )
        mode = _scaling_mode(request.get("ScalingMode", ""))
        _check_own(name)
        place = _place(caller)

        async def run(tx: Transaction) -> None:
            before = await egress.scaling_mode(tx, *place, name)
            if before is None:
                raise _no_pool(name)
            if before == MANAGED and mode == STANDARD:
                raise InvalidParameterValue("The ScalingMode parameter is invalid.")
            await egress.put_pool(tx, *place, name, scaling_mode=mode, at=self._clock.now())

        await permit.apply(run)
        return {}

    async def put_ip_warmup(
        self, caller: Caller, request: sesv2.PutDedicatedIpWarmupAttributesRequest
    ) -> sesv2.PutDedicatedIpWarmupAttributesResponse:
        """Say how far an address is warmed up; from there it goes on by itself, unless that is switched off."""
        permit = await self._authorizer.require(caller, "ses:PutDedicatedIpWarmupAttributes")
        percentage = request.get("WarmupPercentage")
        if percentage is None:
            raise InvalidParameterValue("Warmup Percentage can't be null.")
        if not 0 <= percentage <= 100:
            raise InvalidParameterValue("Warmup Percentage must be between 0 and 100.")

        async def run(tx: Transaction) -> None:
            found = await self._egress(tx, caller)
            source = _own(found, request.get("Ip", ""))
            since = self._clock.now() if found.held.is_auto_warmup else None
            await egress.set_percentage(
                tx, *_place(caller), source.address, percentage=percentage, since=since
            )

        await permit.apply(run)
        return {}

    async def put_account_warmup(
        self, caller: Caller, request: sesv2.PutAccountDedicatedIpWarmupAttributesRequest
    ) -> sesv2.PutAccountDedicatedIpWarmupAttributesResponse:
        """Switch warm-up on or off for the account's addresses; without it nothing bounds what goes from them.

        AutoWarmupEnabled absent means false, its type's default. How far each has come stays.
        """
        permit = await self._authorizer.require(caller, "ses:PutAccountDedicatedIpWarmupAttributes")
        is_on = request.get("AutoWarmupEnabled", False)
        place = _place(caller)

        async def run(tx: Transaction) -> None:
            found, now = await self._egress(tx, caller), self._clock.now()
            if found.held.is_auto_warmup is not is_on:
                for source in found.sources:
                    percentage = found.percentage(source, now=now)
                    await egress.set_percentage(
                        tx, *place, source.address, percentage=percentage, since=now if is_on else None
                    )
            await egress.set_auto_warmup(tx, *place, is_on=is_on)

        await permit.apply(run)
        return {}

    async def _egress(self, tx: Transaction, caller: Caller) -> Egress:
        own = own_sources(self._sources, caller.principal.account_id)
        held = await egress.held(tx, *_place(caller), [source.address for source in own])
        return Egress(sources=own, held=held, plan=self._plan)

    def _as_shape(self, found: Egress, source: SourceAddress, pool: str | None = None) -> Any:
        if pool is not None and found.held.pools.get(pool) == MANAGED:
            return {
                "Ip": source.address,
                "WarmupStatus": "NOT_APPLICABLE",
                "WarmupPercentage": -1,
                "PoolName": pool,
            }
        percentage = int(found.percentage(source, now=self._clock.now()))
        return {
            "Ip": source.address,
            "WarmupStatus": "DONE" if percentage >= 100 else "IN_PROGRESS",
            "WarmupPercentage": percentage,
            "PoolName": found.pool_of(source.address),
        }


def _place(caller: Caller) -> tuple[str, str]:
    return caller.principal.account_id, caller.region


def _arn(caller: Caller, name: str) -> str:
    return pool_arn(caller.region, caller.principal.account_id, name)


def _own(found: Egress, text: str) -> SourceAddress:
    """The account's address that a request means, however it is written."""
    try:
        address = str(ipaddress.ip_address(text))
    except ValueError:
        address = text
    for source in found.sources:
        if source.address == address:
            return source
    raise DedicatedIpDoesNotExist(f"Could not find dedicated IP <{text}> under this account.")


def _no_pool(name: str) -> PoolDoesNotExist:
    return PoolDoesNotExist(f"The requested pool <{name}> does not exist.")


def _check_own(name: str) -> None:
    """Refuse to do to the pools that every account has what is for those it made."""
    if name in RESERVED:
        raise InvalidParameterValue("Pool name describes either a shared or default dedicated ip pool")


def _scaling_mode(mode: str) -> str:
    if mode not in (STANDARD, MANAGED):
        raise InvalidParameterValue("The ScalingMode parameter is invalid.")
    return mode


def _page(keys: list[str], request: Any) -> tuple[list[str], str | None]:
    """The keys that a page has, of a sorted list, and the token for the next."""
    after = paging.after(request.get("NextToken"))
    limit = paging.checked(request.get("PageSize") or MOST_A_PAGE, MOST_A_PAGE)
    page, token = paging.cut([key for key in keys if key > after], limit, str)
    return list(page), token
