"""What numbers among the settings must be."""

import math

import msgspec

from sesame.errors import ConfigError


def require_positive(section: str, settings: object, *names: str) -> None:
    """Raise `ConfigError` unless each of these settings of a section is greater than 0."""
    for name in names:
        if getattr(settings, name) <= 0:
            raise ConfigError(f"setting `{section}.{name}` must be greater than 0")


def require_numbers(settings: msgspec.Struct, section: str = "") -> None:
    """Raise `ConfigError` for what is written as a number and is none: TOML has `nan`, and it is below no limit."""
    for name in settings.__struct_fields__:
        value, path = getattr(settings, name), f"{section}.{name}".lstrip(".")
        if isinstance(value, msgspec.Struct):
            require_numbers(value, path)
        elif isinstance(value, float) and math.isnan(value):
            raise ConfigError(f"setting `{path}` is not a number")


def require_limit(setting: str, value: float, *, may_be_unlimited: bool = False) -> None:
    """Raise `ConfigError` unless a setting is a number from 0 on, or -1 where that stands for no limit."""
    is_limit = math.isfinite(value) and value >= 0
    if not is_limit and not (may_be_unlimited and value == -1):
        or_unlimited = ", or -1 for no limit" if may_be_unlimited else ""
        raise ConfigError(f"setting `{setting}` must be a number from 0 on{or_unlimited}")
