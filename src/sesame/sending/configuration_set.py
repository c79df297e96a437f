"""What a configuration set does to a message as it is accepted: whether it passes, and how it goes on.

Read in the accept transaction, so that a set that was paused or deleted before the answer lets nothing
through (I4). Source: SES developer guide, "Using configuration sets", "account-level suppression list".
"""

from collections.abc import Mapping, Sequence

import msgspec

from sesame.errors import ConfigurationSetDoesNotExist, InvalidParameterValue, ServiceError
from sesame.spool.put import SpooledMessage
from sesame.store.configuration_sets import ConfigurationSet


class ConfigurationSetSendingPaused(ServiceError):
    """The configuration set's sending is switched off."""

    code = "ConfigurationSetSendingPausedException"


class DefaultConfigurationSetDoesNotExist(ConfigurationSetDoesNotExist):
    """The identity's default set is gone; v2 calls that a bad request (observed)."""

    v2_code = "BadRequestException"


class InvalidSendingPoolName(InvalidParameterValue):
    """The set names a pool that was deleted."""


def check_pool(found: ConfigurationSet, *, is_there: bool) -> None:
    """Refuse to send with a set whose pool is gone: its mail was to go from there and nowhere else."""
    if not is_there:
        raise InvalidSendingPoolName(f"SendingPool <{found.sending_pool}> doesn't exist")


def in_force(found: ConfigurationSet | None, name: str, *, is_default: bool) -> ConfigurationSet:
    """The set called `name` to send with. Raises the `ServiceError` that SES documents when it cannot be."""
    if found is None:
        error = DefaultConfigurationSetDoesNotExist if is_default else ConfigurationSetDoesNotExist
        raise error(f"Configuration set <{name}> does not exist.", about={"ConfigurationSetName": name})
    if not found.sending_enabled:
        raise ConfigurationSetSendingPaused(
            f"Sending is paused for configuration set {name}", about={"ConfigurationSetName": name}
        )
    return found


def suppressed_among(
    recipients: Sequence[str],
    reasons: Sequence[str],
    listed: Mapping[str, Sequence[str]],
    found: ConfigurationSet | None,
) -> dict[str, str]:
    """The recipients that are not to be sent to, each with the first reason in force of those it is `listed` for.

    `reasons` are the account's; the set's win.
    """
    if found is not None and found.suppressed_reasons is not None:
        reasons = found.suppressed_reasons
    return {
        address: why
        for address in recipients
        if (why := next((one for one in listed.get(address, ()) if one in reasons), None)) is not None
    }


def with_options(
    message: SpooledMessage, found: ConfigurationSet | None, suppressed: Mapping[str, str]
) -> SpooledMessage:
    """The message with what the set asks of delivery, and its suppressed recipients."""
    if found is None:
        return msgspec.structs.replace(message, suppressed=suppressed)
    return msgspec.structs.replace(
        message,
        suppressed=suppressed,
        configuration_set=found.name,
        requires_tls=found.requires_tls,
        max_delivery_s=found.max_delivery_s,
        pool=found.sending_pool or "",
    )
