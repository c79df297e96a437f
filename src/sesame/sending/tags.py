"""Message tags: names and values as SES checks them, before anything else of the message.

Texts are those that SES answers, two spaces included. Source: observed answers of v1 SendEmail.
"""

import re
from collections.abc import Iterable

from sesame.errors import InvalidParameterValue
from sesame.mail.header import HEADER_LIMIT

MAX_LENGTH = 255
MOST_CHARACTERS = HEADER_LIMIT
"""Of all tags of a message, as an X-SES-MESSAGE-TAGS field has them: it may not be longer than a header section."""
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_VALUE = re.compile(r"[A-Za-z0-9_.@-]+")
_FEEDBACK_ID_NAMES = frozenset({"ses:feedback-id-a", "ses:feedback-id-b"})


def check_tags(tags: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The tags as a mapping; raises `InvalidParameterValue` in SES's words."""
    left = MOST_CHARACTERS
    for name, value in tags:
        _check_name(name)
        _check_value(value)
        left -= len(name) + len(value) + len("=, ")
        if left < 0:
            raise InvalidParameterValue("Header section too long.")
    return dict(tags)


def parse_tags_header(text: str) -> tuple[tuple[str, str], ...]:
    """Read an X-SES-MESSAGE-TAGS value: `name1=value1, name2=value2`."""
    pairs = []
    for part in text.split(","):
        if part.strip():
            name, _, value = part.partition("=")
            pairs.append((name.strip(), value.strip()))
    return tuple(pairs)


def _check_name(name: str) -> None:
    if not name:
        raise InvalidParameterValue("The tag name must be specified.")
    if len(name) > MAX_LENGTH:
        raise InvalidParameterValue("Tag name cannot exceed 255 characters.")
    if name not in _FEEDBACK_ID_NAMES and not _NAME.fullmatch(name):
        raise InvalidParameterValue(
            f"Invalid tag name <{name}>: only alphanumeric ASCII characters, '_',  '-' are allowed."
        )


def _check_value(value: str) -> None:
    if not value:
        raise InvalidParameterValue("The tag value must be specified.")
    if len(value) > MAX_LENGTH:
        raise InvalidParameterValue("Tag value cannot exceed 255 characters.")
    if not _VALUE.fullmatch(value):
        raise InvalidParameterValue(
            f"Invalid tag value <{value}>: only alphanumeric ASCII characters, '_',  '-' , '.', '@' are allowed."
        )
