"""Every setting in force with where it comes from, for people to read: without anything that is secret."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sesame.config.settings import Settings

DEFAULT = "default"
HIDDEN = "***"
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")
"""A user and password in a URL. Passwords and keys themselves are in files that settings name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting; `source` is `default`, a file, a variable, or another word for it."""

    name: str
    value: Any
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What a process runs with, and which settings are changed where they come from and wait for its restart."""

    settings: tuple[Setting, ...]
    waiting: tuple[str, ...] = ()


def in_force(settings: Settings, sources: Mapping[str, str]) -> tuple[Setting, ...]:
    """Every setting, in the order of the reference; what has no source is a default."""
    found = []
    for name, value in msgspec.to_builtins(settings).items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        for key, one in inner:
            dotted = f"{name}.{key}" if key else name
            source = sources.get(dotted, DEFAULT)
            found.append(Setting(name=dotted, value=masked(one), source=source))
    return tuple(found)


def masked(value: Any) -> Any:
    """A value without users and passwords of URLs."""
    match value:
        case str():
            return _USER_INFO.sub(f"{HIDDEN}@", value)
        case list() | tuple():
            return [masked(one) for one in value]
        case dict():
            return {key: masked(one) for key, one in value.items()}
    return value
