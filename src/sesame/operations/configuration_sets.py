"""Configuration sets: what the operations of v1 and v2 share. Source: SES API references; observed words."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sesame.access.changes import Permit
from sesame.access.egress import RESERVED
from sesame.access.permission import Authorizer
from sesame.db import Store, Transaction
from sesame.errors import (
    ConfigurationSetDoesNotExist,
    InvalidParameterValue,
    LimitExceeded,
    NotImplementedByService,
    ServiceError,
    SesameError,
)
from sesame.mail.domain import is_host_name
from sesame.model import Caller
from sesame.notify.channels import OTHER_PLACES, not_let
from sesame.notify.event_json import VALIDATED
from sesame.notify.publishing import announce
from sesame.observe import Clock
from sesame.policy.topic_policy import ses_may_publish
from sesame.store import configuration_sets as store
from sesame.store import egress, ended_targets, identities, tags, topics
from sesame.store.configuration_sets import MAX_DESTINATIONS, ConfigurationSet, configuration_set_arn
from sesame.store.topics import Topic
from sesame.store.webhooks import KIND, WebhookKey

MAX_SETS, MAX_NAME = 10_000, 64
DELIVERY_SECONDS = range(300, 50_401)
KINDS = (
    "CloudWatchDestination",
    "EventBridgeDestination",
    "KinesisFirehoseDestination",
    "PinpointDestination",
    "SnsDestination",
)
_NAME = re.compile(r"[A-Za-z0-9_-]+")
MAX_DIMENSIONS, MAX_ARN = 30, 2_048
_DIMENSION_NAME = re.compile(r"[A-Za-z0-9_:-]{1,256}")
_DIMENSION_VALUE = re.compile(r"[A-Za-z0-9_@.-]{1,256}")


class ConfigurationSetAlreadyExists(ServiceError):
    """There is a set of that name."""

    code = "ConfigurationSetAlreadyExists"


class EventDestinationAlreadyExists(ServiceError):
    """The set has a destination of that name."""

    code = "EventDestinationAlreadyExists"


class EventDestinationDoesNotExist(ServiceError):
    """The set has no destination of that name."""

    code = "EventDestinationDoesNotExist"


class InvalidSnsDestination(ServiceError):
    """The topic cannot be published to."""

    code = "InvalidSNSDestination"


class InvalidCloudWatchDestination(ServiceError):
    """The dimensions cannot be."""

    code = "InvalidCloudWatchDestination"


class InvalidFirehoseDestination(ServiceError):
    """The role or the stream cannot be."""

    code = "InvalidFirehoseDestination"


class InvalidTrackingOptions(ServiceError):
    """The domain of links cannot be used."""

    code = "InvalidTrackingOptions"


class TrackingOptionsAlreadyExists(ServiceError):
    """The set has tracking options."""

    code = "TrackingOptionsAlreadyExistsException"


class TrackingOptionsDoNotExist(ServiceError):
    """The set has no tracking options."""

    code = "TrackingOptionsDoesNotExistException"


class ConfigurationSets:
    """The one implementation; the classes of v1 and v2 only translate."""

    def __init__(self, database: Store, authorizer: Authorizer, clock: Clock) -> None:
        self._store = database
        self._authorizer = authorizer
        self._clock = clock

    async def require_creation(self, caller: Caller, name: str, given: Mapping[str, str]) -> Permit:
        """Let the caller through if its policies allow it to make the set with these tags."""
        return await self._authorizer.require_creation(
            caller,
            "ses:CreateConfigurationSet",
            configuration_set_arn(caller.region, caller.principal.account_id, name),
            tagging="ses:TagResource",
            tags=given,
        )

    async def require(self, caller: Caller, operation: str, name: str = "") -> Permit:
        """Let the caller through if its policies allow the operation on the set."""
        arn = configuration_set_arn(caller.region, caller.principal.account_id, name) if name else "*"
        return await self._authorizer.require(caller, f"ses:{operation}", arn)

    async def create(
        self,
        permit: Permit,
        name: str,
        *,
        sending_enabled: bool = True,
        options: Mapping[str, Any] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Make a set."""
        check_name(name)
        caller = permit.caller
        account_id, region = caller.principal.account_id, caller.region

        async def run(tx: Transaction) -> None:
            if await store.get(tx, account_id, region, name) is not None:
                raise ConfigurationSetAlreadyExists(
                    f"Configuration set <{name}> already exists.", about={"ConfigurationSetName": name}
                )
            if await store.count(tx, account_id, region) >= MAX_SETS:
                raise LimitExceeded(f"An account has up to {MAX_SETS} configuration sets in a region.")
            found = ConfigurationSet(
                account_id=account_id,
                region=region,
                name=name,
                sending_enabled=sending_enabled,
                options=options or {},
                created_at=self._clock.now(),
            )
            await self._check_tracking(tx, found)
            await _check_pool(tx, found)
            await store.put(tx, found)
            await tags.put(tx, found.arn, labels or {})

        await permit.apply(run)

    async def get(
        self, caller: Caller, name: str
    ) -> tuple[ConfigurationSet, dict[str, dict[str, Any]], dict[str, str]]:
        """A set with its destinations and tags."""

        async def run(
            tx: Transaction,
        ) -> tuple[ConfigurationSet, dict[str, dict[str, Any]], dict[str, str]]:
            found = await self._find(tx, caller, name)
            return found, await store.destinations(tx, found), await tags.get(tx, found.arn)

        return await self._store.read(run)

    async def names(self, caller: Caller, *, after: str, limit: int, containing: str = "") -> list[str]:
        """Names of sets, one more than `limit` if there are more."""

        async def run(tx: Transaction) -> list[str]:
            return await store.names(
                tx,
                caller.principal.account_id,
                caller.region,
                after=after,
                limit=limit + 1,
                containing=containing,
            )

        return await self._store.read(run)

    async def delete(self, caller: Caller, name: str) -> None:
        """Remove a set."""
        permit = await self.require(caller, "DeleteConfigurationSet", name)

        async def run(tx: Transaction) -> None:
            found = await self._find(tx, permit.caller, name)
            for destination in await store.destinations(tx, found):
                await self._drop_webhook(tx, found, destination)
            await store.delete(tx, found)

        await permit.apply(run)

    async def set_sending(self, permit: Permit, name: str, *, enabled: bool) -> None:
        """Pause or resume a set; from the answer on nothing is accepted with a paused one (I4).

        The reputation of one that is resumed begins afresh.
        """

        async def run(tx: Transaction) -> None:
            found = await self._find(tx, permit.caller, name)
            options = found.options
            if enabled and not found.sending_enabled:
                kept = {"ReputationMetricsEnabled": False, **options.get("ReputationOptions", {})}
                options = {**options, "ReputationOptions": {**kept, "LastFreshStart": self._clock.now()}}
            await store.put(tx, replace(found, sending_enabled=enabled, options=options))

        await permit.apply(run)

    async def set_reputation_metrics(self, permit: Permit, name: str, *, enabled: bool) -> None:
        """Whether the set's reputation is measured; when it began afresh stays."""

        async def run(tx: Transaction) -> None:
            found = await self._find(tx, permit.caller, name)
            block = {**found.options.get("ReputationOptions", {}), "ReputationMetricsEnabled": enabled}
            await store.put(tx, replace(found, options={**found.options, "ReputationOptions": block}))

        await permit.apply(run)

    async def put_options(
        self, permit: Permit, name: str, block: str, values: Mapping[str, Any] | None
    ) -> None:
        """Replace one block of options; None takes it away."""

        async def run(tx: Transaction) -> None:
            found = await self._find(tx, permit.caller, name)
            options = {key: value for key, value in found.options.items() if key != block}
            if values is not None:
                options[block] = dict(values)
            changed = replace(found, options=options)
            if block == "TrackingOptions":
                await self._check_tracking(tx, changed)
            if block == "DeliveryOptions":
                await _check_pool(tx, changed)
            await store.put(tx, changed)

        await permit.apply(run)

    async def change_tracking(
        self, permit: Permit, name: str, values: Mapping[str, Any] | None, *, must_exist: bool
    ) -> None:
        """v1's create, update and delete of tracking options, which know each other."""
        found, _, _ = await self.get(permit.caller, name)
        if must_exist and not tracking_domain(found):
            raise TrackingOptionsDoNotExist(
                f"No tracking options exist for configuration set <{name}>.",
                about={"ConfigurationSetName": name},
            )
        if not must_exist and tracking_domain(found):
            raise TrackingOptionsAlreadyExists(
                f"Tracking options already exist for configuration set <{name}>.",
                about={"ConfigurationSetName": name},
            )
        # v1 leaves alone what only v2 knows
        kept = {**found.options.get("TrackingOptions", {})}
        kept.pop("CustomRedirectDomain", None)
        await self.put_options(permit, name, "TrackingOptions", {**kept, **(values or {})} or None)

    async def put_destination(
        self, permit: Permit, name: str, destination: str, definition: Mapping[str, Any], *, is_new: bool
    ) -> None:
        """Add or change an event destination, defined as in v2."""
        check_name(destination, what="event destination")
        kinds = [kind for kind in KINDS if kind in definition]
        if (types := definition.get("MatchingEventTypes")) is not None:
            definition = {**definition, "MatchingEventTypes": list(dict.fromkeys(types))}

        async def run(tx: Transaction) -> None:
            found = await self._find(tx, permit.caller, name)
            existing = await store.destinations(tx, found)
            if is_new and destination in existing:
                raise EventDestinationAlreadyExists(
                    f"An EventDestination already exists for configuration set <{name}>: {destination}",
                    about=_about(name, destination),
                )
            if not is_new and destination not in existing:
                raise EventDestinationDoesNotExist(
                    f"No EventDestination found for {name}", about=_about(name, destination)
                )
            if kinds and KIND in existing.get(destination, {}):
                raise InvalidParameterValue(
                    f"The event destination {destination} is a webhook: delete it, and make another."
                )
            if len(kinds) > 1:
                raise InvalidParameterValue("Please provide only one destination with each request.")
            if is_new and not kinds:
                raise InvalidParameterValue("An event destination needs a place to publish to.")
            if not definition.get("MatchingEventTypes", not is_new):
                raise InvalidParameterValue("An event destination needs at least one event type.")
            if is_new and len(existing) >= MAX_DESTINATIONS:
                raise LimitExceeded(f"A configuration set has up to {MAX_DESTINATIONS} event destinations.")
            kept = {
                key: value
                for key, value in existing.get(destination, {}).items()
                if not kinds or key not in KINDS
            }
            _check_form(definition, about=_about(name, destination))
            whole = {**kept, **definition}  # another place takes the place of the one there was
            _check_place(whole)
            topic = await _topic_of(tx, permit.caller, found, definition, about=_about(name, destination))
            await store.put_destination(tx, found, destination, whole)
            if topic is not None:
                await announce(tx, topic, VALIDATED, at=self._clock.now())

        await permit.apply(run)

    async def delete_destination(self, caller: Caller, name: str, destination: str) -> None:
        """Remove an event destination."""
        permit = await self.require(caller, "DeleteConfigurationSetEventDestination", name)

        async def run(tx: Transaction) -> None:
            found = await self._find(tx, permit.caller, name)
            if not await store.delete_destination(tx, found, destination):
                raise EventDestinationDoesNotExist(
                    f"No EventDestination found for {name}", about=_about(name, destination)
                )
            await self._drop_webhook(tx, found, destination)

        await permit.apply(run)

    async def _drop_webhook(self, tx: Transaction, found: ConfigurationSet, destination: str) -> None:
        """Send nothing more to a destination that is gone, if it was a webhook."""
        key = WebhookKey(
            account_id=found.account_id, region=found.region, set_name=found.name, name=destination
        )
        await ended_targets.drop_target(tx, key.arn, now=self._clock.now())

    @staticmethod
    async def _find(tx: Transaction, caller: Caller, name: str) -> ConfigurationSet:
        found = await store.get(tx, caller.principal.account_id, caller.region, name)
        if found is None:
            raise missing(name)
        return found

    @staticmethod
    async def _check_tracking(tx: Transaction, found: ConfigurationSet) -> None:
        """The domain of tracked links must be the account's."""
        domain = tracking_domain(found)
        if not domain:
            return
        labels = domain.lower().split(".")
        for at in range(len(labels) - 1) if is_host_name(domain) else ():
            identity = await identities.get(tx, found.account_id, found.region, ".".join(labels[at:]))
            if identity is not None and identity.verification.value in ("Success", "TemporaryFailure"):
                return
        raise InvalidTrackingOptions(f"Domain <{domain}> is not verified under this account.")


def tracking_domain(found: ConfigurationSet) -> str:
    """The domain of tracked links, empty without one; there may be a policy for them all the same."""
    return str(found.options.get("TrackingOptions", {}).get("CustomRedirectDomain", ""))


async def _check_pool(tx: Transaction, found: ConfigurationSet) -> None:
    """The pool that a set's mail is to go from must be the account's, or one that every account has."""
    pool = found.sending_pool
    if pool is None or pool in RESERVED or await egress.has_pool(tx, found.account_id, found.region, pool):
        return
    raise InvalidParameterValue(f"SendingPool <{pool}> doesn't exist")


def missing(name: str) -> ConfigurationSetDoesNotExist:
    """The refusal of a name that no set has."""
    return ConfigurationSetDoesNotExist(
        f"Configuration set <{name}> does not exist.", about={"ConfigurationSetName": name}
    )


def check_name(name: str, *, what: str = "configuration set") -> None:
    """Refuse a name that SES would not store, of a configuration set or of `what`."""
    if not _NAME.fullmatch(name):
        raise InvalidParameterValue(
            f"Invalid {what} name <{name[:MAX_NAME]}>: only alphanumeric ASCII characters, '_', and '-' are allowed."
        )
    if len(name) > MAX_NAME:
        raise InvalidParameterValue(f"{what.capitalize()} name cannot exceed {MAX_NAME} characters.")


def check_delivery(options: Mapping[str, Any]) -> dict[str, Any]:
    """Delivery options as they are kept."""
    seconds = options.get("MaxDeliverySeconds")
    if seconds is not None and seconds not in DELIVERY_SECONDS:
        bound = (
            f"greater than or equal to {DELIVERY_SECONDS[0]}"
            if seconds < DELIVERY_SECONDS[0]
            else f"less than or equal to {DELIVERY_SECONDS[-1]}"
        )
        raise InvalidParameterValue(
            f"1 validation error detected: Value at 'maxDeliverySeconds' failed to satisfy constraint: Member must have"
            f" value {bound}"
        )
    pool = options.get("SendingPoolName")
    if pool is not None and not pool.strip():
        raise InvalidParameterValue("sendingPoolName can't be blank.")
    return {
        key: options[key] for key in ("TlsPolicy", "SendingPoolName", "MaxDeliverySeconds") if key in options
    }


def check_suppression(options: Mapping[str, Any]) -> dict[str, Any]:
    """Suppression options as they are kept."""
    for name in ("ValidationOptions",):
        if name in options:
            raise NotImplementedByService(f"The parameter {name} is not implemented by this service.")
    if options.get("SuppressionScope") == "TENANT":
        raise NotImplementedByService("SuppressionScope TENANT is not implemented by this service.")
    kept: dict[str, Any] = {}
    if "SuppressedReasons" in options:  # none at all: the account's; an empty list: nobody is suppressed
        kept["SuppressedReasons"] = list(dict.fromkeys(options["SuppressedReasons"]))
    if "SuppressionScope" in options:
        kept["SuppressionScope"] = options["SuppressionScope"]
    return kept


def _about(name: str, destination: str) -> dict[str, str]:
    """What an error about an event destination names."""
    return {"ConfigurationSetName": name, "EventDestinationName": destination}


def _check_form(definition: Mapping[str, Any], *, about: Mapping[str, str]) -> None:
    """Refuse a place that no service could have: dimensions by the words of the model, ARNs by their length."""
    if (watch := definition.get("CloudWatchDestination")) is not None:
        dimensions = watch["DimensionConfigurations"]
        fit = all(
            _DIMENSION_NAME.fullmatch(one["DimensionName"])
            and _DIMENSION_VALUE.fullmatch(one["DefaultDimensionValue"])
            for one in dimensions
        )
        if not (fit and 1 <= len(dimensions) <= MAX_DIMENSIONS):
            raise InvalidCloudWatchDestination(
                f"A CloudWatch destination has between 1 and {MAX_DIMENSIONS} dimensions. Their names have up to 256 of"
                " the characters A-Z a-z 0-9 _ - :, their default values up to 256 of A-Z a-z 0-9 _ - @ .",
                about=about,
            )
    if any(len(arn) > MAX_ARN for arn in definition.get("KinesisFirehoseDestination", {}).values()):
        raise InvalidFirehoseDestination(f"An ARN has up to {MAX_ARN} characters.", about=about)
    for kind in ("EventBridgeDestination", "PinpointDestination"):
        if any(len(arn) > MAX_ARN for arn in definition.get(kind, {}).values()):
            raise InvalidParameterValue(f"An ARN has up to {MAX_ARN} characters.")


def _check_place(definition: Mapping[str, Any]) -> None:
    """Refuse to publish to a service that there is none of here; what is not enabled publishes nothing."""
    for kind, place in OTHER_PLACES.items():
        if kind in definition and definition.get("Enabled", False):
            raise InvalidParameterValue(
                f"There is no {place} to publish to on this server: publish to an SNS topic, or leave the"
                " event destination disabled."
            )


async def _topic_of(
    tx: Transaction,
    caller: Caller,
    found: ConfigurationSet,
    definition: Mapping[str, Any],
    *,
    about: Mapping[str, str],
) -> Topic | None:
    """The topic that a definition names, which SES has to be allowed to publish to for the caller's account."""
    if "SnsDestination" not in definition:
        return None
    arn = definition["SnsDestination"]["TopicArn"]
    try:
        return await open_topic(tx, caller, arn, source_arn=found.arn)
    except TopicUnusable as why:
        raise InvalidSnsDestination(str(why), about=about) from None


class TopicUnusable(SesameError):
    """SES cannot publish to a topic; the text is for the caller, and in SES's words where there is no such topic."""


async def open_topic(tx: Transaction, caller: Caller, topic_arn: str, *, source_arn: str) -> Topic:
    """A topic in the caller's region that SES may publish to for its account, about `source_arn`.

    Raises `TopicUnusable`; a topic of another account whose policy does not let SES is like one that is not there (I9).
    """
    missing = TopicUnusable(f"SNS topic <{topic_arn}> not found.")
    parts = topic_arn.split(":")
    if len(parts) != 6 or parts[:3] != ["arn", "aws", "sns"]:
        raise missing
    region, account_id, name = parts[3:]
    if region != caller.region:
        raise missing
    topic = await topics.get(tx, account_id, region, name)
    if topic is None:
        raise missing
    if not ses_may_publish(
        topic.attributes.get("Policy"),
        topic_arn=topic_arn,
        for_account=caller.principal.account_id,
        source_arn=source_arn,
    ):
        if account_id != caller.principal.account_id:
            raise missing
        raise TopicUnusable(f"SNS topic <{topic_arn}>: {not_let(topic_arn, account_id)}.")
    return topic
