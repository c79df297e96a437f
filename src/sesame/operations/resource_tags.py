"""Tags of resources as requests give them: what SES would store, as a mapping.

Limits are those of AWS tagging: 50 tags, keys of 1 to 128 and values of up to 256 characters, each key
once, no key of AWS's own. Sources: SES API v2 reference (Tag); AWS tagging guide.
"""

from collections.abc import Iterable, Mapping
from typing import TypedDict

from sesame.errors import InvalidParameterValue

MAX_TAGS = 50
MAX_KEY, MAX_VALUE = 128, 256


class Tag(TypedDict):
    """A tag as the model has it."""

    Key: str
    Value: str


def listed_tags(tags: Mapping[str, str]) -> list[Tag]:
    """Tags by key as an answer lists them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def read_tags(tags: Iterable[Tag]) -> dict[str, str]:
    """The tags by key; raises `InvalidParameterValue`."""
    found: dict[str, str] = {}
    for tag in tags:
        key, value = tag["Key"], tag["Value"]
        if not 1 <= len(key) <= MAX_KEY:
            raise InvalidParameterValue(f"A tag key has 1 to {MAX_KEY} characters.")
        if len(value) > MAX_VALUE:
            raise InvalidParameterValue(f"A tag value has up to {MAX_VALUE} characters.")
        if key.lower().startswith("aws:"):
            raise InvalidParameterValue(f"The tag key {key} begins with aws:, which is kept for AWS.")
        if key in found:
            raise InvalidParameterValue(f"The tag key {key} is given twice.")
        found[key] = value
    if len(found) > MAX_TAGS:
        raise InvalidParameterValue(f"A resource has up to {MAX_TAGS} tags.")
    return found
