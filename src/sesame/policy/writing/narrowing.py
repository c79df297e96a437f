"""What else of its history a statement can be narrowed to, where the reader asks for it.

Bounces' addresses, API version, networks and, for the owner's own account, recipients' domains. A key is narrowed only
where every use says its value and the values are few. A new condition stands beside those that there are, or says no
more than the one that it replaces: nothing widens.
"""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sesame.policy.language.document import Condition, Policy, Statement
from sesame.policy.language.pattern import literally

MOST_VALUES = 10
"""So many values of a key are written out; where more were used it is left as it stands."""

_IPV6_BITS = 64
"""An address of IPv6 is written as its network: hosts change the rest of it at will (RFC 8981)."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Conditions = dict[str, Any]


class Narrow(Enum):
    """A key beside From, actions and principals."""

    FEEDBACK = "feedback"
    VERSION = "version"
    NETWORKS = "networks"
    RECIPIENTS = "recipients"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a use carried of these keys; "" and () where it is not known."""

    feedback_address: str = ""
    api_version: str = ""
    source_ip: str = ""
    recipients: tuple[str, ...] = ()
    """Their domains. Of another account's mail they are its own affair: none are known."""


NOTHING_SEEN = Seen()


def narrowed(
    conditions: Conditions,
    statement: Statement,
    seen: Sequence[Seen],
    wanted: frozenset[Narrow],
    policy: Policy,
) -> Conditions:
    """The conditions, with those that say what was seen in the place of those that said less."""
    steps: dict[Narrow, Callable[[Conditions], Conditions]] = {
        Narrow.FEEDBACK: lambda found: exactly(
            found, statement, "ses:FeedbackAddress", _few({one.feedback_address for one in seen}), policy
        ),
        Narrow.VERSION: lambda found: exactly(
            found, statement, "ses:ApiVersion", _few({one.api_version for one in seen}), policy
        ),
        Narrow.NETWORKS: lambda found: _from_networks(found, statement, seen),
        Narrow.RECIPIENTS: lambda found: _to_domains(found, statement, seen),
    }
    for key, step in steps.items():
        if key in wanted:
            conditions = step(conditions)
    return conditions


def exactly(
    written: Mapping[str, Any], statement: Statement, key: str, values: Sequence[str], policy: Policy
) -> Conditions:
    """Conditions with a key equal to the values that it had; without values they stay as they are.

    One on the key that says less goes; one that is not a plain comparison stays beside it.
    """
    about = _about(statement, key)
    plain = {
        (one.operator.text, one.key)
        for one in about
        if one.operator.text in ("StringEquals", "StringLike")
        and not (policy.has_variables and any("${" in value for value in one.values))
    }
    depends = any(
        one.operator.text == "StringEquals" and (one.operator.text, one.key) not in plain for one in about
    )
    if depends or not values:
        return dict(written)  # what it has to be depends on who sends
    literal = [literally(value, wildcards=False) if policy.has_variables else value for value in values]
    return _put(written, plain, "StringEquals", key, literal)


def _few(values: set[str]) -> list[str]:
    """The values in order; none where one is not known, or where they are too many."""
    return [] if "" in values or len(values) > MOST_VALUES else sorted(values)


def _about(statement: Statement, key: str) -> list[Condition]:
    return [one for one in statement.conditions if one.key.lower() == key.lower()]


def _put(
    written: Mapping[str, Any],
    instead_of: set[tuple[str, str]],
    operator: str,
    key: str,
    values: Sequence[str],
) -> Conditions:
    conditions: Conditions = {}
    for name, keys in written.items():
        kept = {one: value for one, value in keys.items() if (name, one) not in instead_of}
        if kept:
            conditions[name] = kept
    conditions[operator] = {**conditions.get(operator, {}), key: bare(values)}
    return conditions


def _from_networks(written: Conditions, statement: Statement, seen: Sequence[Seen]) -> Conditions:
    addresses = _few({one.source_ip for one in seen})
    plain = [one for one in _about(statement, "aws:SourceIp") if one.operator.text == "IpAddress"]
    try:
        bounds = [[ipaddress.ip_network(text, strict=False) for text in one.values] for one in plain]
        networks = sorted({_network(address, bounds) for address in addresses}, key=str)
    except ValueError:
        return written
    if not networks:
        return written
    instead_of = {(one.operator.text, one.key) for one in plain}
    return _put(written, instead_of, "IpAddress", "aws:SourceIp", [str(network) for network in networks])


def _network(address: str, bounds: Sequence[Sequence[Network]]) -> Network:
    """The network of an address, or the address alone where what bounds it already is smaller than that."""
    read = ipaddress.ip_address(address)
    mapped = read.ipv4_mapped if isinstance(read, ipaddress.IPv6Address) else None
    host = ipaddress.ip_network(
        mapped or read
    )  # policies compare a mapped address as the one of IPv4 that it is
    if isinstance(host, ipaddress.IPv4Network):
        return host
    wide = host.supernet(new_prefix=_IPV6_BITS)
    fits = all(any(_is_within(wide, bound) for bound in listed) for listed in bounds)
    return wide if fits else host


def _is_within(network: Network, bound: Network) -> bool:
    if isinstance(network, ipaddress.IPv6Network) and isinstance(bound, ipaddress.IPv6Network):
        return network.subnet_of(bound)
    return False


def _to_domains(written: Conditions, statement: Statement, seen: Sequence[Seen]) -> Conditions:
    domains = _few({domain for one in seen for domain in one.recipients or ("",)})
    if not domains or _about(statement, "ses:Recipients"):
        return written  # a pattern of one's own says more than a domain
    patterns = [f"*@{domain}" for domain in domains]
    return _put(written, set(), "ForAllValues:StringLike", "ses:Recipients", patterns)


def bare(values: Sequence[str]) -> str | list[str]:
    """A list of one value as people write it."""
    return values[0] if len(values) == 1 else list(values)
