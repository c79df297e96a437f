"""Domain names as DNS is asked for them: A-labels in lower case, no trailing dot.

U-labels become A-labels by IDNA 2008; labels that no host name may have, such as `_mta-sts`, are
let through, for DNS has them. Sources: RFC 5890, RFC 5891, RFC 1035 section 2.3.4.
"""

from functools import lru_cache

import idna

from sesame.errors import SesameError

NAME_LIMIT, LABEL_LIMIT = 253, 63  # octets


class DomainNameError(SesameError):
    """Text that DNS cannot be asked for."""


def host_name(text: str) -> str:
    """A name without its trailing dot, in lower case."""
    return text.rstrip(".").lower()


@lru_cache(maxsize=4_096)
def ascii_name(text: str) -> str:
    """A name as A-labels in lower case, without its trailing dot. Raises `DomainNameError`."""
    name = text.removesuffix(".")
    try:
        labels = [_a_label(label) for label in name.split(".")]
    except (UnicodeError, ValueError) as error:
        raise DomainNameError(f"`{text[:NAME_LIMIT]}` is not a domain name") from error
    name = ".".join(labels)
    if len(name) > NAME_LIMIT or not all(0 < len(label) <= LABEL_LIMIT for label in labels):
        raise DomainNameError(f"`{text[:NAME_LIMIT]}` is not a domain name")
    return name


def _a_label(label: str) -> str:
    if not label.isascii():
        return idna.alabel(label.lower()).decode("ascii")
    if not label.isprintable() or " " in label:
        raise ValueError(label)
    return label.lower()
