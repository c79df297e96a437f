"""MTA-STS: the policies by which domains ask for TLS with a checked certificate (RFC 8461).

A policy that was fetched once holds until it expires, whatever DNS and the policy host say meanwhile: it
is kept in the store. No redirects, at most 64 KB, a certificate that is good: `fetch` sees to that.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from sesame.db import AT_ONCE, Store, in_parts
from sesame.dns.port import DnsFailure, Resolver
from sesame.errors import SesameError, Unavailable
from sesame.observe import Clock
from sesame.store import mta_sts as table
from sesame.store.mta_sts import StsPolicy

MAX_AGE_S = 31_557_600
"""One year, the longest that RFC 8461 section 3.2 lets a policy live."""
MAX_BYTES = 65_536
MAX_HOSTS = 200
FETCH_AGAIN_S = 300.0
"""How long a policy host that failed is left alone (RFC 8461 section 3.3)."""
REFRESH_AFTER_S = 86_400.0
A_PASS = 500
MAX_ENTRIES = 20_000
_ID = re.compile(r"[a-zA-Z0-9]{1,32}")
_MX = re.compile(r"(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*")


class StsInvalid(SesameError):
    """A policy that is none (`sts-policy-invalid`)."""


class FetchFailed(SesameError):
    """A document could not be had; `kind` is the result type of RFC 8460."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An answer by HTTPS."""

    status: int
    content_type: str
    body: bytes


Fetch = Callable[[str, str], Awaitable[Fetched]]
"""GET of a path at a host by HTTPS; raises `FetchFailed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StsFinding:
    """The policy in force for a domain, if any, and what went wrong while looking for a newer one."""

    policy: StsPolicy | None = None
    failure: FetchFailed | None = None


NOTHING = StsFinding()


def read_record(records: Sequence[str]) -> str | None:
    """The id in the TXT records at `_mta-sts`, or None unless there is exactly one that is right."""
    ours = [record for record in records if re.match(r"v=STSv1\s*(?:;|$)", record)]
    if len(ours) != 1:
        return None
    fields = [piece.strip().partition("=") for piece in ours[0].split(";") if piece.strip()]
    ids = [value.strip() for name, _, value in fields if name.strip() == "id"]
    return ids[0] if ids and _ID.fullmatch(ids[0]) else None


def read_policy(domain: str, policy_id: str, body: bytes, *, now: float) -> StsPolicy:
    """The policy in a document. Raises `StsInvalid`."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise StsInvalid(f"the MTA-STS policy of `{domain}` is not text") from None
    fields: dict[str, str] = {}
    hosts: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        key, colon, value = line.partition(":")
        key, value = key.strip(), value.strip()
        if colon and key == "mx":
            hosts.append(value.lower().rstrip("."))
        elif colon:
            fields.setdefault(key, value)
    mode, max_age = fields.get("mode", ""), fields.get("max_age", "")
    is_right = (
        fields.get("version") == "STSv1"
        and mode in ("enforce", "testing", "none")
        and re.fullmatch(r"[0-9]{1,10}", max_age, re.ASCII) is not None
        and (mode == "none" or 0 < len(hosts) <= MAX_HOSTS)
        and all(_MX.fullmatch(host) for host in hosts)
    )
    if not is_right:
        raise StsInvalid(f"the MTA-STS policy of `{domain}` is not valid")
    age_s = min(int(max_age), MAX_AGE_S)
    return StsPolicy(
        domain=domain,
        policy_id=policy_id,
        mode=mode,
        hosts=tuple(hosts),
        max_age_s=age_s,
        fetched_at=now,
        expires_at=now + age_s,
    )


def covers(policy: StsPolicy, host: str) -> bool:
    """Whether a policy names an MX host; `*.` stands for exactly one label (RFC 8461 section 4.1)."""
    return host in policy.hosts or f"*.{host.partition('.')[2]}" in policy.hosts


class StsPolicies:
    """Finds, keeps and refreshes policies."""

    def __init__(self, store: Store, resolver: Resolver, fetch: Fetch, *, clock: Clock) -> None:
        self._store = store
        self._resolver = resolver
        self._fetch = fetch
        self._clock = clock
        self._kept: OrderedDict[str, StsPolicy | None] = OrderedDict()
        self._failed: OrderedDict[str, tuple[float, FetchFailed]] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def of(self, domain: str) -> StsFinding:
        """What holds for mail to a domain now."""
        kept = await self._known(domain)
        policy_id = await self._published_id(domain)
        if policy_id is None or (kept is not None and kept.policy_id == policy_id):
            return StsFinding(policy=kept)
        lock = self._locks.setdefault(domain, asyncio.Lock())
        async with lock:
            kept = await self._known(domain)
            if kept is not None and kept.policy_id == policy_id:
                return StsFinding(policy=kept)
            return await self._renewed(domain, policy_id, kept)

    async def refresh_due(self) -> int:
        """Fetch again what was fetched a day ago or more, before it expires; how many were."""
        now = self._clock.now()
        due = await self._store.read(
            lambda tx: table.due(tx, fetched_before=now - REFRESH_AFTER_S, now=now, limit=A_PASS)
        )
        renewed = 0
        for policy in due:
            policy_id = await self._published_id(policy.domain) or policy.policy_id
            finding = await self._renewed(policy.domain, policy_id, policy)
            renewed += finding.failure is None
        await in_parts(self._store, lambda tx: table.purge(tx, now=now, limit=AT_ONCE))
        return renewed

    async def _known(self, domain: str) -> StsPolicy | None:
        """The policy that was fetched before and has not expired."""
        if domain not in self._kept:
            found = await self._store.read(lambda tx: table.get(tx, domain))
            if domain not in self._kept:  # another may have fetched it while this one read that there is none
                self._remember(domain, found)
        self._kept.move_to_end(domain)
        policy = self._kept[domain]
        return policy if policy is not None and self._clock.now() < policy.expires_at else None

    async def _published_id(self, domain: str) -> str | None:
        try:
            answer = await self._resolver.look_up(f"_mta-sts.{domain}", "TXT")
        except DnsFailure:
            return None
        return read_record(answer.records)

    async def _renewed(self, domain: str, policy_id: str, kept: StsPolicy | None) -> StsFinding:
        """The policy as its host has it now; what is kept stays in force if that cannot be had."""
        now = self._clock.now()
        failed_at, failure = self._failed.get(domain, (0.0, None))
        if failure is not None and 0 <= now - failed_at < FETCH_AGAIN_S:
            return StsFinding(policy=kept, failure=failure)
        try:
            policy = await self._fetched(domain, policy_id, now)
        except FetchFailed as error:
            self._failed[domain] = (now, error)
            while len(self._failed) > MAX_ENTRIES:
                self._failed.popitem(last=False)
            return StsFinding(policy=kept, failure=error)
        self._failed.pop(domain, None)
        try:
            await self._store.write(lambda tx: table.put(tx, policy))
        except Unavailable:
            pass  # it holds for this process all the same
        self._remember(domain, policy)
        return StsFinding(policy=policy)

    async def _fetched(self, domain: str, policy_id: str, now: float) -> StsPolicy:
        answer = await self._fetch(f"mta-sts.{domain}", "/.well-known/mta-sts.txt")
        media_type = answer.content_type.partition(";")[0].strip().lower()
        if answer.status != 200:
            raise FetchFailed("sts-policy-fetch-error", f"the policy host answers {answer.status}")
        if media_type != "text/plain":
            raise FetchFailed(
                "sts-policy-invalid", f"the policy comes as `{media_type[:80]}`, not text/plain"
            )
        if len(answer.body) > MAX_BYTES:
            raise FetchFailed("sts-policy-invalid", f"the policy has more than {MAX_BYTES} octets")
        try:
            return read_policy(domain, policy_id, answer.body, now=now)
        except StsInvalid as error:
            raise FetchFailed("sts-policy-invalid", str(error)) from error

    def _remember(self, domain: str, policy: StsPolicy | None) -> None:
        self._kept[domain] = policy
        self._kept.move_to_end(domain)
        while len(self._kept) > MAX_ENTRIES:
            self._kept.popitem(last=False)
