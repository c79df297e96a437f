"""What a request says, in a form that a log may keep: no secrets, nothing long, JSON values alone.

Members are named as CloudTrail names them, with a small first letter. Secret is what the service model calls
sensitive, and what is named like a secret. Source: CloudTrail user guide, "CloudTrail record contents".
"""

import re
from collections.abc import Mapping
from typing import Any

from sesame.aws.shape import Shape

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
"""What stands for a secret, in CloudTrail's words."""

MAX_CHARACTERS = 8_192
"""Of one text; the longest identity policy is shorter but for white space."""

MAX_ITEMS = 200
"""Of one list or map."""

_SECRET = re.compile(
    r"password|authentication_?code|secret|private_?key|session_?token|token_?code|\Atoken\Z", re.IGNORECASE
)
_IN_URL = re.compile(r"(?<=://)[^/?#@\s]*@")


def is_secret(name: str) -> bool:
    """Whether a member or a map's key is named like a secret."""
    return _SECRET.search(name) is not None


def keepable(shape: Shape, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Typed parameters of the structure `shape` as they may be kept."""
    members = {member.name: member.shape for member in shape.members}
    return {
        _camel(name): HIDDEN if is_secret(name) and not _is_plain(value) else _value(members.get(name), value)
        for name, value in parameters.items()
    }


def _is_plain(value: Any) -> bool:
    """Whether a value is no secret whatever its name: that a password has to be changed, or how long it has to be."""
    return isinstance(value, bool | int | float)


def _value(shape: Shape | None, value: Any) -> Any:
    """A value of any shape; None for what the model does not know."""
    if shape is not None and shape.is_sensitive:
        return HIDDEN
    match value:
        case str():
            return _text(value)
        case bool() | int() | float() | None:
            return value
        case bytes() | bytearray() | memoryview():
            return f"({len(value)} bytes)"
        case list() | tuple():
            element = None if shape is None else shape.element
            kept = [_value(element, item) for item in value[:MAX_ITEMS]]
            return kept if len(value) <= MAX_ITEMS else [*kept, f"({len(value)} items)"]
        case Mapping() if shape is not None and shape.kind == "structure":
            return keepable(shape, value)
        case Mapping():
            inner = None if shape is None else shape.value
            items = list(value.items())[:MAX_ITEMS]
            return {str(key): HIDDEN if is_secret(str(key)) else _value(inner, item) for key, item in items}
        case _:
            return _text(str(value))


def _text(text: str) -> str:
    """A text without passwords of URLs, cut if it is long."""
    kept = text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]} ({len(text)} characters)"
    return _IN_URL.sub("", kept) if "://" in kept else kept


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]
