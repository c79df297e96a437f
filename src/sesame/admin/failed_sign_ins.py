"""Log-ins and signatures that were refused, summed up for the operator: from where, and under which name."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from heapq import nsmallest

from sesame.db import Transaction
from sesame.store.failed_sign_ins import OTHERS, Failed
from sesame.store.iam import users

HOURS = 24
"""What is summed up at once."""

WHY = {
    "user-name": "no key id: SMTP takes one as user name",
    "temporary": "a session's temporary key: SMTP takes keys of users",
    "swapped": "user name and password exchanged",
    "unknown": "no such key or user",
    "inactive": "the key is switched off",
    "deleted": "the key was deleted",
    "secret": "a secret key in place of the SMTP password",
    "region": "a password for another region",
    "white-space": "white space around the password",
    "old": "a password as before Signature Version 4",
    "password": "wrong password",
    "no-password": "the user has no password",
    "code": "right password, wrong code or none",
    "expired": "right password, older than the account lets it be",
    "too-many": "too many failures, not looked at",
    "link": "a link that is over, or none",
    "MissingAuthenticationToken": "not signed",
    "InvalidClientTokenId": "no such key, or switched off",
    "no-token": "a session's temporary key without its session token",
    "stray-token": "a session token with the key of a user or root",
    "session-of-gone": "the session's user or role was deleted",
    "key-inactive": "the key is switched off",
    "key-deleted": "the key was deleted",
    "SignatureDoesNotMatch": "wrong secret",
    "signature": "signed for another service, region or day, or not for all that it has to be",
    "clock": "signed at another time: a clock is wrong",
    "IncompleteSignature": "a signature that cannot be read",
    "RequestExpired": "signed at another time",
    "ExpiredToken": "the session has expired",
}
"""What failed, by the words that are kept; other codes are shown as they are."""

_SMTP = "`sesame smtp credentials ACCOUNT USER`"
_OF_KEY = "`sesame smtp credentials ACCOUNT USER --key KEY`"
_SIGNED = (
    "use an active key with its own secret access key, or a new one (a user has two at most):"
    " `sesame key create ACCOUNT USER`"
)

FIX = {
    "user-name": f"log in with the id of an access key (AKIA…), not with the name of a user: {_SMTP} prints both",
    "temporary": f"log in with the key of a user: {_SMTP}",
    "swapped": "exchange user name and password",
    "unknown": "use a key or user that is there",
    "inactive": f"switch the key on (`aws iam update-access-key --status Active`), or use another: {_SMTP}",
    "deleted": f"use another: {_SMTP}",
    "secret": f"use the SMTP password, which is derived from the secret access key: {_OF_KEY}",
    "region": f"use the password for a region that is served: {_OF_KEY}, with `--region REGION`",
    "white-space": "take the white space off",
    "old": f"use the password that is derived now: {_OF_KEY}",
    "password": f"use the password that {_OF_KEY} prints",
    "no-password": "invite the user to set one, within a day: `sesame console invite ACCOUNT USER`",
    "code": (
        "give the code that the user's MFA device shows now (each counts once), by a clock that is right;"
        " where the device is lost: `aws iam list-mfa-devices --user-name USER`, and"
        " `aws iam deactivate-mfa-device --user-name USER --serial-number SERIAL`"
    ),
    "expired": "invite the user to set another: `sesame console invite ACCOUNT USER`",
    "link": (
        "ask for a new link, which serves once: a log-in's for minutes (`sesame console login`), an invitation for a"
        " day (`sesame console invite ACCOUNT USER`)"
    ),
    "IncompleteSignature": "sign with an AWS SDK or the AWS CLI (Signature Version 4)",
    "too-many": "wait a minute, and log in with the right password",
    "MissingAuthenticationToken": "sign the request (Signature Version 4)",
    "InvalidClientTokenId": _SIGNED,
    "no-token": (
        "send the session's token with it (`aws_session_token`, X-Amz-Security-Token), or use a user's key; where"
        " policies ask for aws:MultiFactorAuthPresent only a session counts that was opened with a code:"
        " `aws sts get-session-token --serial-number SERIAL --token-code CODE`"
    ),
    "stray-token": "take the token away (AWS_SESSION_TOKEN), or give the key and secret that belong to it",
    "session-of-gone": "open a session of a role or user that is there",
    "key-inactive": (
        "switch it on (`aws iam update-access-key --user-name USER --access-key-id KEY --status Active`),"
        f" or {_SIGNED}"
    ),
    "key-deleted": _SIGNED,
    "SignatureDoesNotMatch": _SIGNED,
    "signature": "sign for the service and region that are called, and for all that was sent",
    "clock": "set the client's clock",
    "RequestExpired": "sign again, and send at once",
    "ExpiredToken": "open a session again (AssumeRole, GetSessionToken), and use its key, secret and token together",
}
"""What to do about it, where that is one thing."""

MOST_CALLED = 1_000
"""So many users are looked at whose names were tried as SMTP user names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summed:
    """What failed from one network, or under one name (`of`; "" for those that were too many to tell apart).

    `others` are the names tried from the network, or the networks that tried the name, most failures first; `why` is
    that of the last failure, and `fix` what to do about it, "" where that is not known. Times in Unix seconds.
    """

    of: str
    account_id: str
    doors: tuple[str, ...]
    failures: int
    others: tuple[str, ...]
    is_whole: bool
    """Whether `others` are all there were."""
    why: str
    fix: str
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
    account_id = named[-1] if by_name and named else ""
    return Summed(
        of=of,
        account_id=account_id,
        doors=tuple(sorted({row.door for row in rows})),
        failures=sum(others.values()),
        others=tuple(sorted((other for other in others if other != OTHERS), key=lambda one: -others[one])),
        is_whole=OTHERS not in others,
        why=last.why,
        fix=_fix(last.why, of if by_name else "", account_id, last.door),
        first_at=min(row.first_at for row in rows),
        last_at=last.last_at,
    )


def _fix(why: str, name: str, account_id: str, door: str) -> str:
    """What to do, with what is known of whose name it is."""
    if why == "unknown" and door == "API":
        why = "InvalidClientTokenId"
    text = FIX.get(why, "")
    if account_id:
        text = text.replace("ACCOUNT", account_id)
    if why == "user-name" and account_id:
        return text.replace("USER", name)
    if why in ("no-password", "code", "expired") and account_id:
        user = name.rpartition("/")[2]
        return text if user.startswith("AIDA") else text.replace("USER", shlex.quote(user))
    return text.replace("KEY", name) if name.startswith("AKIA") and account_id else text


async def with_users(tx: Transaction, found: Overview) -> Overview:
    """The same with whose users were named where SMTP takes an access key id, where one account alone has such."""
    asked = {one.of.strip().lower() for one in found.names if one.why == "user-name" and not one.account_id}
    if not asked:
        return found
    owners: dict[str, set[str]] = {}
    for user in await users.called(tx, sorted(asked), limit=MOST_CALLED):
        owners.setdefault(user.user_name.lower(), set()).add(user.account_id)
    named = []
    for one in found.names:
        whose = (
            owners.get(one.of.strip().lower(), ()) if one.why == "user-name" and not one.account_id else ()
        )
        if len(whose) == 1:
            [account_id] = whose
            fix = _fix(one.why, one.of.strip(), account_id, "SMTP")
            one = replace(one, account_id=account_id, fix=fix)
        named.append(one)
    return replace(found, names=tuple(named))


def _ranked(sums: dict[str, int], most: int) -> list[str]:
    """Those with most failures, at most so many, the first by name where they have as many."""
    return nsmallest(most, sums, key=lambda one: (-sums[one], one))
