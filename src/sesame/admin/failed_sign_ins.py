"""Log-ins and signatures that were refused, summed up for the operator: from where, and under which name."""

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nsmallest

from sesame.store.failed_sign_ins import OTHERS, Failed

HOURS = 24
"""What is summed up at once."""

WHY = {
    "user-name": "not shaped like a key id",
    "temporary": "a session's temporary key: SMTP takes keys of users",
    "swapped": "user name and password exchanged",
    "unknown": "no such key or user",
    "inactive": "the key is switched off",
    "secret": "a secret key in place of the SMTP password",
    "region": "a password for another region",
    "white-space": "white space around the password",
    "old": "a password as before Signature Version 4",
    "password": "wrong password",
    "code": "right password, wrong code or none",
    "expired": "right password, older than the account lets it be",
    "too-many": "too many failures, not looked at",
    "link": "a link that is over, or none",
    "MissingAuthenticationToken": "not signed",
    "InvalidClientTokenId": "no such key, or switched off",
    "SignatureDoesNotMatch": "wrong secret",
    "signature": "signed for another service, region or day, or not for all that it has to be",
    "clock": "signed at another time: a clock is wrong",
    "IncompleteSignature": "a signature that cannot be read",
    "RequestExpired": "signed at another time",
    "ExpiredToken": "a session that is over",
}
"""What failed, by the words that are kept; other codes are shown as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summed:
    """What failed from one network, or under one name (`of`; "" for those that were too many to tell apart).

    `others` are the names tried from the network, or the networks that tried the name, most failures first; `why` is
    that of the last failure. Times in Unix seconds.
    """

    of: str
    account_id: str
    doors: tuple[str, ...]
    failures: int
    others: tuple[str, ...]
    is_whole: bool
    """Whether `others` are all there were."""
    why: str
    first_at: float
    last_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Both sums, most failures first, of so many as were asked for; `network_count` and `name_count` are of all."""

    failures: int
    networks: tuple[Summed, ...]
    names: tuple[Summed, ...]
    network_count: int
    name_count: int


def overview(rows: Iterable[Failed], *, most: int) -> Overview:
    """Sum up; `most` networks and names are listed one by one."""
    rows = list(rows)
    of_network: dict[str, int] = {}
    of_name: dict[str, int] = {}
    for row in rows:
        of_network[row.network] = of_network.get(row.network, 0) + row.failures
        of_name[row.name] = of_name.get(row.name, 0) + row.failures
    networks: dict[str, list[Failed]] = {network: [] for network in _ranked(of_network, most)}
    names: dict[str, list[Failed]] = {name: [] for name in _ranked(of_name, most)}
    for row in rows:
        if (found := networks.get(row.network)) is not None:
            found.append(row)
        if (found := names.get(row.name)) is not None:
            found.append(row)
    return Overview(
        failures=sum(of_network.values()),
        networks=tuple(_summed(of, found, by_name=False) for of, found in networks.items()),
        names=tuple(_summed(of, found, by_name=True) for of, found in names.items()),
        network_count=len(of_network),
        name_count=len(of_name),
    )


def _summed(of: str, rows: list[Failed], *, by_name: bool) -> Summed:
    others: dict[str, int] = {}
    for row in rows:
        other = row.network if by_name else row.name
        others[other] = others.get(other, 0) + row.failures
    last = max(rows, key=lambda row: row.last_at)
    named = [row.account_id for row in rows if row.account_id]
    return Summed(
        of=of,
        account_id=named[-1] if by_name and named else "",
        doors=tuple(sorted({row.door for row in rows})),
        failures=sum(others.values()),
        others=tuple(sorted((other for other in others if other != OTHERS), key=lambda one: -others[one])),
        is_whole=OTHERS not in others,
        why=last.why,
        first_at=min(row.first_at for row in rows),
        last_at=last.last_at,
    )


def _ranked(sums: dict[str, int], most: int) -> list[str]:
    """Those with most failures, at most so many, the first by name where they have as many."""
    return nsmallest(most, sums, key=lambda one: (-sums[one], one))
