"""Recovery codes: what logs a user in once each when the device is lost. AWS has none; the console makes them.

Who may enable a device for itself makes them, who may list its devices sees how many are left.
"""

from collections.abc import Callable
from dataclasses import replace

from sesame.access.changes import StalePermit
from sesame.access.permission import Authorizer
from sesame.aws.errors import EntityAlreadyExists, NoSuchEntity
from sesame.db import Store, Transaction
from sesame.errors import ServiceError, ServiceUnavailable
from sesame.model import ApiCall, Caller
from sesame.observe import Clock
from sesame.operations.changes import MAX_DECISIONS, REFUSED
from sesame.operations.iam.checks import authorized_user, permitted_user, user_asked_for
from sesame.store.iam import login_profiles, recovery_codes

CODES = 10


class RecoveryCodes:
    """Makes and counts the codes of who calls; each call checks the caller's IAM policies first."""

    def __init__(
        self, store: Store, authorizer: Authorizer, *, clock: Clock, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._store = store
        self._authorizer = authorizer
        self._clock = clock
        self._random_bytes = random_bytes

    async def make(self, caller: Caller, *, is_first: bool = False) -> tuple[str, ...]:
        """New codes, shown only this once; those from before end, but for `is_first` there may be none.

        Raises `NoSuchEntity` for who has no device, `EntityAlreadyExists`.
        """
        call = ApiCall(source="console.sesame", name="CreateRecoveryCodes", parameters={})
        caller = replace(caller, call=call)
        try:
            for _ in range(MAX_DECISIONS):
                try:
                    return await self._make(caller, is_first=is_first)
                except StalePermit:
                    continue
        except ServiceError as refusal:
            if refusal.http_status == REFUSED:
                await self._authorizer.changes.keep_refusal(caller, refusal)
            raise
        raise ServiceUnavailable("policies change faster than this can be decided; try again")

    async def _make(self, caller: Caller, *, is_first: bool) -> tuple[str, ...]:
        name = user_asked_for(caller, None)
        user, permit = await permitted_user(
            self._store, self._authorizer, caller, action="EnableMFADevice", name=name
        )
        drawn = [self._random_bytes(recovery_codes.CODE_BYTES) for _ in range(CODES)]
        codes = tuple(recovery_codes.written(code) for code in drawn)

        async def run(tx: Transaction) -> None:
            if not await login_profiles.devices_of(tx, user.user_id):
                raise NoSuchEntity("Recovery codes stand in for a device, and there is none.")
            if is_first and await recovery_codes.left(tx, user.user_id):
                raise EntityAlreadyExists("There are recovery codes already.")
            await recovery_codes.replace(tx, user.user_id, codes, at=self._clock.now())

        await permit.apply(run, response=lambda _: {"userName": user.user_name, "codes": len(codes)})
        return codes

    async def left(self, caller: Caller) -> int:
        """How many codes the caller has left."""
        user = await authorized_user(
            self._store,
            self._authorizer,
            caller,
            action="ListMFADevices",
            name=user_asked_for(caller, None),
        )
        return await self._store.read(lambda tx: recovery_codes.left(tx, user.user_id))
