"""The settings of a Sesame process: one struct, read once, each with unit, default and a sentence.

Precedence: command-line flag > environment (`SESAME_SECTION__KEY`) > TOML file > default of the
profile. Errors name the setting and the fix. Nothing else reads the environment.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from sesame.config.check import check, parse_host_port
from sesame.config.settings import (
    DEVELOPMENT,
    LIVE,
    REGION,
    Api,
    Audit,
    Delivery,
    RelayTls,
    Settings,
    Submission,
    changed,
    taken_over,
)
from sesame.config.sources import InForce, Setting, in_force
from sesame.errors import ConfigError

__all__ = [
    "DEVELOPMENT",
    "LIVE",
    "REGION",
    "Api",
    "Audit",
    "Delivery",
    "InForce",
    "RelayTls",
    "Setting",
    "Settings",
    "Submission",
    "changed",
    "find_config",
    "in_force",
    "is_setting",
    "load",
    "load_with_sources",
    "parse_host_port",
    "setting_names",
    "taken_over",
    "unknown_variables",
]

PREFIX = "SESAME_"
_IN_SECTION = re.compile(r"SESAME_[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*__\w+")
_NO_SETTINGS = frozenset({"SESAME_CONFIG", "SESAME_TEST_WORKERS", "SESAME_SYSTEM_PYTHON"})
_OF_A_SERVICE = re.compile(
    r"SESAME_(?:[A-Z0-9]+_)*(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?"
    r"|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)
CONFIG_FILES = Path("sesame.toml"), Path("/etc/sesame/sesame.toml")


def load(
    config: Path | None, *, environ: Mapping[str, str], flags: Mapping[str, Any] | None = None
) -> Settings:
    """Read the settings; without a file they are those of the development profile.

    `flags` maps dotted names (`api.port`) to values and wins over everything. Raises `ConfigError`.
    """
    return load_with_sources(config, environ=environ, flags=flags)[0]


def load_with_sources(
    config: Path | None, *, environ: Mapping[str, str], flags: Mapping[str, Any] | None = None
) -> tuple[Settings, dict[str, str]]:
    """The same, and where each setting that is not a default comes from: a file, a variable, a flag, the profile."""
    if config is None:
        merged: dict[str, Any] = {
            key: dict(value) if isinstance(value, dict) else value for key, value in DEVELOPMENT.items()
        }
    else:
        merged = _read_file(config)
    sources = dict.fromkeys(_dotted(merged), "development profile" if config is None else str(config))
    for name, value in environ.items():
        if is_setting(name):
            _put(merged, dotted_name(name), value, source=name)
            sources[dotted_name(name)] = name
    for name, value in (flags or {}).items():
        if value is not None:
            _put(merged, name, value, source=f"--{name}")
            sources[name] = "command line"
    return _converted(merged), sources


def _dotted(merged: Mapping[str, Any]) -> list[str]:
    """The settings that a tree of them names."""
    found = []
    for name, value in merged.items():
        found += [f"{name}.{inner}" for inner in value] if isinstance(value, dict) else [name]
    return found


def _converted(merged: dict[str, Any]) -> Settings:
    try:
        settings = msgspec.convert(merged, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error))) from error
    check(settings)
    return settings


def is_setting(name: str) -> bool:
    """Whether an environment variable is one of our settings, or meant to be: `SESAME_SECTION__KEY`."""
    if not name.startswith(PREFIX):
        return False
    return _IN_SECTION.fullmatch(name) is not None or dotted_name(name) in _top_names()


def dotted_name(name: str) -> str:
    """The setting that an environment variable stands for, as `flags` name it."""
    return name.removeprefix(PREFIX).lower().replace("__", ".")


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """What to say of variables named like ours that stand for no setting, one line each, with the nearest one.

    Kubernetes sets such variables for Services named `sesame` or `sesame-…`; of those nothing is said.
    """
    names = sorted(
        name
        for name in environ
        if name.startswith(PREFIX)
        and name not in _NO_SETTINGS
        and not is_setting(name)
        and not _OF_A_SERVICE.fullmatch(name)
    )
    known = [f"{PREFIX}{dotted.replace('.', '__').upper()}" for dotted in setting_names()]
    lines = []
    for name in names:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        lines.append(
            f"environment variable `{name}` names no setting and is ignored; the nearest is `{nearest[0]}`"
        )
    return lines


@cache
def _fields(struct: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """A section's settings; to find them takes long, since their types are read as text."""
    return msgspec.structs.fields(struct)


def setting_names() -> list[str]:
    """Every setting, `section.key`."""
    found = []
    for field in _fields(Settings):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            found += [f"{field.name}.{inner.name}" for inner in _fields(field.type)]
        else:
            found.append(field.name)
    return found


def _top_names() -> frozenset[str]:
    return frozenset(name for name in setting_names() if "." not in name)


def find_config(flag: str | None, environ: Mapping[str, str]) -> Path | None:
    """The configuration file to read: --config, $SESAME_CONFIG, ./sesame.toml, /etc/sesame/sesame.toml."""
    named = flag or environ.get("SESAME_CONFIG")
    if named:
        return Path(named)
    for candidate in CONFIG_FILES:
        try:
            if candidate.exists():
                return candidate
        except PermissionError:
            if candidate.is_absolute():
                raise ConfigError(
                    f"configuration file `{candidate}` cannot be read: Permission denied"
                ) from None
            # as in somebody else's home after `sudo -u`: nothing there is meant for this user
    return None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise ConfigError(f"configuration file `{path}` does not exist; name another with --config") from None
    except OSError as error:
        raise ConfigError(f"configuration file `{path}` cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"configuration file `{path}` is not valid TOML: {error}") from None


def _put(tree: dict[str, Any], dotted: str, value: object, *, source: str) -> None:
    *sections, key = dotted.split(".")
    fields = {field.name: field.type for field in _fields(Settings)}
    struct: Any = Settings
    for section in sections:
        struct = fields.get(section)
        if not (isinstance(struct, type) and issubclass(struct, msgspec.Struct)):
            raise ConfigError(f"`{source}` names no setting; there is no section `{section}`")
        tree = tree.setdefault(section, {})
    names = {field.name: field.type for field in _fields(struct)}
    if key not in names:
        raise ConfigError(f"`{source}` names no setting; known here: {', '.join(sorted(names))}")
    if isinstance(value, str) and "tuple" in str(names[key]):
        value = [part.strip() for part in value.split(",") if part.strip()]
    tree[key] = value


def _explain(message: str) -> str:
    """Turn msgspec's words (`Expected int, got str - at $.api.port`) into ours."""
    what, _, where = message.partition(" - at `$.")
    setting = where.rstrip("`").replace("[...]", "")
    if not setting:
        unknown = re.search(r"unknown field `(\w+)`", message)
        section = re.search(r"at `\$\.?([\w.]*)`", message)
        if unknown:
            prefix = f"{section[1]}." if section and section[1] else ""
            return f"setting `{prefix}{unknown[1]}` is not known; remove it or correct its name"
        return f"configuration: {message}"
    if unknown := re.search(r"unknown field `(\w+)`", what):
        return f"setting `{setting}.{unknown[1]}` is not known; remove it or correct its name"
    return f"setting `{setting}`: {what[:1].lower()}{what[1:]}"
