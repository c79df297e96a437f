"""Webhooks of configuration sets: an event destination that AWS's API has no word for.

A webhook is a destination of its set like any other: SES's API lists it, switches it off and on, changes its types of
events and deletes it. What that cannot do is here: make one, exchange its secret. A secret is shown once and kept
sealed.
"""

import base64
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sesame.access.changes import SESAME, Acts, Change
from sesame.admin.accounts import OperatorError
from sesame.db import Store, Transaction
from sesame.errors import SesameError
from sesame.observe import Clock
from sesame.store import configuration_sets, ended_targets, webhooks
from sesame.store.configuration_sets import MAX_DESTINATIONS, ConfigurationSet
from sesame.store.sealed import Sealer
from sesame.store.webhooks import KIND, Webhook, WebhookKey

SECRET_BYTES = 32
PREFIX = "whsec_"
"""What a secret begins with where people see it (Standard Webhooks)."""
OVERLAP_S = 86_400.0
"""How long the secret before signs as well, unless it is said."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class NoSuchWebhook(OperatorError):
    """There is no such configuration set, or it has no such webhook."""


class DestinationExists(OperatorError):
    """The set has an event destination of that name."""


class TooManyDestinations(OperatorError):
    """The set has as many event destinations as it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookView:
    """A webhook for people to read."""

    key: WebhookKey
    url: str
    event_types: tuple[str, ...]
    is_enabled: bool
    created_at: float
    previous_until: float | None


class Webhooks:
    """What is done with webhooks, by the operator or by whose change `by` is.

    `check_url` raises a `SesameError` for what cannot be posted to.
    """

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        *,
        acts: Acts,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
        check_url: Callable[[str], object],
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._acts = acts
        self._clock = clock
        self._random_bytes = random_bytes
        self._check_url = check_url

    async def create(
        self, key: WebhookKey, url: str, event_types: Sequence[str], *, by: Change | None = None
    ) -> str:
        """Make a webhook; its secret, shown this once. Raises `OperatorError`."""
        if _NAME.fullmatch(key.name) is None:
            raise OperatorError("a name is up to 64 letters, digits, `_` and `-`")
        if not event_types:
            raise OperatorError("name at least one type of event")
        try:
            self._check_url(url)
        except OperatorError:
            raise
        except SesameError as error:
            raise OperatorError(str(error)) from error
        secret = self._random_bytes(SECRET_BYTES)
        definition = {"Enabled": True, "MatchingEventTypes": list(event_types), KIND: {"Url": url}}

        async def run(tx: Transaction) -> None:
            found = await _set(tx, key)
            existing = await configuration_sets.destinations(tx, found)
            if key.name in existing:
                raise DestinationExists(f"the set already has a destination `{key.name}`")
            if len(existing) >= MAX_DESTINATIONS:
                raise TooManyDestinations(
                    f"a configuration set can have up to {MAX_DESTINATIONS} event destinations"
                )
            await configuration_sets.put_destination(tx, found, key.name, definition)
            sealed = self._sealer.seal(secret, row=key.arn)
            await webhooks.put(
                tx, Webhook(key=key, sealed_secret=sealed, created_at=float(int(self._clock.now())))
            )

        await self._act(by, "CreateWebhook", key, run, url=url, eventTypes=list(event_types))
        return _printable(secret)

    async def rotate(self, key: WebhookKey, *, overlap_s: float = OVERLAP_S, by: Change | None = None) -> str:
        """Give a webhook another secret; the one before signs as well for `overlap_s`. Raises `OperatorError`."""
        secret, now = self._random_bytes(SECRET_BYTES), self._clock.now()

        async def run(tx: Transaction) -> None:
            found = await _webhook(tx, key)
            changed = replace(
                found,
                sealed_secret=self._sealer.seal(secret, row=key.arn),
                sealed_previous=found.sealed_secret if overlap_s > 0 else None,
                previous_until=now + overlap_s if overlap_s > 0 else None,
                rotated_at=now,
            )
            await webhooks.put(tx, changed)

        await self._act(by, "RotateWebhookSecret", key, run, overlapSeconds=overlap_s)
        return _printable(secret)

    async def delete(self, key: WebhookKey, *, by: Change | None = None) -> None:
        """Remove a webhook; what waits for it is let go of. Raises `OperatorError`."""

        async def run(tx: Transaction) -> None:
            await _webhook(tx, key)
            await configuration_sets.delete_destination(tx, await _set(tx, key), key.name)
            await ended_targets.drop_target(tx, key.arn, now=self._clock.now())

        await self._act(by, "DeleteWebhook", key, run)

    async def switch_off(self, key: WebhookKey, url: str) -> bool:
        """Switch off a webhook whose endpoint wants no more, if it still leads to `url`; whether that changed it."""

        async def run(tx: Transaction) -> bool:
            found = await configuration_sets.get(tx, key.account_id, key.region, key.set_name)
            definition = (
                None if found is None else (await configuration_sets.destinations(tx, found)).get(key.name)
            )
            if found is None or definition is None or not definition.get("Enabled", False):
                return False
            if definition.get(KIND, {}).get("Url") != url:
                return False
            await configuration_sets.put_destination(tx, found, key.name, {**definition, "Enabled": False})
            return True

        return await self._acts.by(SESAME).apply(
            "DisableWebhook",
            key.account_id,
            run,
            region=key.region,
            parameters={"webhook": key.arn, "reason": "the endpoint answered 410 Gone"},
            when=bool,
        )

    async def list(self, account_id: str) -> list[WebhookView]:
        """An account's webhooks."""

        async def run(tx: Transaction) -> "list[WebhookView]":
            views = []
            for found in await webhooks.of_account(tx, account_id):
                held = await _set(tx, found.key)
                definition = (await configuration_sets.destinations(tx, held))[found.key.name]
                views.append(_view(found, definition))
            return views

        return await self._store.read(run)

    async def _act(
        self,
        by: Change | None,
        name: str,
        key: WebhookKey,
        run: Callable[[Transaction], Awaitable[None]],
        **more: object,
    ) -> None:
        if by is not None:
            await by.apply(run)
        else:
            parameters = {"webhook": key.arn, **more}
            await self._acts.apply(name, key.account_id, run, region=key.region, parameters=parameters)


def _printable(secret: bytes) -> str:
    return PREFIX + base64.b64encode(secret).decode("ascii")


def _view(found: Webhook, definition: dict[str, Any]) -> WebhookView:
    return WebhookView(
        key=found.key,
        url=definition[KIND]["Url"],
        event_types=tuple(definition["MatchingEventTypes"]),
        is_enabled=bool(definition["Enabled"]),
        created_at=found.created_at,
        previous_until=found.previous_until,
    )


async def _set(tx: Transaction, key: WebhookKey) -> ConfigurationSet:
    found = await configuration_sets.get(tx, key.account_id, key.region, key.set_name)
    if found is None:
        raise NoSuchWebhook(
            f"account {key.account_id} has no configuration set `{key.set_name}` in {key.region}"
        )
    return found


async def _webhook(tx: Transaction, key: WebhookKey) -> Webhook:
    found = await webhooks.get(tx, key)
    if found is None:
        raise NoSuchWebhook(
            f"the configuration set `{key.set_name}` of account {key.account_id} in {key.region} has no webhook"
            f" `{key.name}`; `sesame webhook list` shows them"
        )
    return found
