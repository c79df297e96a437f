"""Names of condition keys that are none, and the key that was meant."""

from difflib import get_close_matches

from sesame.policy.language.vocabulary import CONDITION_KEYS, find_key

_ALIKE = 0.75
"""How much the name of a key must be like a known one to be a slip of it."""


def key_meant(key: str) -> str:
    """The known key whose name is like that of one that is not known, whatever is before the colon; "" for others."""
    if find_key(key) is not None:
        return ""
    by_name = {known.lower().partition(":")[2]: known for known in CONDITION_KEYS}
    near = get_close_matches(key.lower().partition(":")[2], by_name, n=1, cutoff=_ALIKE)
    return CONDITION_KEYS[by_name[near[0]]].name if near else ""
