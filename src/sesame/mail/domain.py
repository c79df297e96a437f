"""Domain names in the one form in which they are compared: lower-case A-labels.

Knows nothing of DNS. A name is taken as IDNA 2008 has it or refused; nothing is mapped but
letter case, so that no look-alike (full-width, `。`, KELVIN SIGN) becomes another's name.
Sources: RFC 5890, RFC 5891, RFC 1123 section 2.1.
"""

import re

import idna

from sesame.errors import SesameError


class DomainError(SesameError):
    """Text that is not a domain name."""


NAME_LIMIT = 253  # octets without the root's, RFC 1035 section 2.3.4
_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_NAME = re.compile(rf"(?>{_LABEL}(?:\.{_LABEL})*)")


def normal_domain(domain: str) -> str:
    """A domain as lower-case A-labels (IDNA 2008); DomainError if it has no such form.

    Refuses a trailing dot, empty labels, a number as top-level domain, and every character that
    IDNA 2008 does not allow, full-width and dot look-alikes among them.
    """
    if not domain.isascii():
        return _a_labels(domain)
    name = domain.lower()
    check_labels(name)
    return name


def check_labels(domain: str) -> None:
    """Raise DomainError unless the ASCII domain has well-formed labels, its A-labels included."""
    name = domain.lower()
    if len(name) > NAME_LIMIT or _NAME.fullmatch(name) is None or name.rpartition(".")[2].isdigit():
        raise DomainError(f"illegal domain `{domain[:NAME_LIMIT]}`")
    if "xn--" in name:
        for label in name.split("."):
            if label.startswith("xn--"):
                _check_a_label(label)


def is_host_name(domain: str) -> bool:
    """Whether a text is a domain name in ASCII, fit to stand in a URL."""
    if not domain.isascii():
        return False
    try:
        check_labels(domain)
    except DomainError:
        return False
    return True


def parents(domain: str) -> tuple[str, ...]:
    """The parents of a normal domain, nearest first, down to two labels."""
    found = []
    while domain.count(".") > 1:
        domain = domain.partition(".")[2]
        found.append(domain)
    return tuple(found)


def _check_a_label(label: str) -> None:
    try:
        exact = idna.alabel(idna.ulabel(label)).decode("ascii") == label
    except UnicodeError:
        exact = False
    if not exact:
        raise DomainError(f"illegal domain label `{label}`")


def _a_labels(domain: str) -> str:
    if len(domain) > NAME_LIMIT:
        raise DomainError("illegal domain: too long")
    labels = []
    for label in domain.split("."):  # idna itself would take the full-width dots for dots
        lowered = label.lower()
        if [c.isascii() for c in lowered] != [c.isascii() for c in label]:
            raise DomainError("illegal domain: a look-alike of an ASCII letter")
        try:
            labels.append(lowered if label.isascii() else idna.alabel(lowered).decode("ascii"))
        except UnicodeError as error:
            raise DomainError("illegal domain label") from error
    name = ".".join(labels)
    check_labels(name)
    return name
