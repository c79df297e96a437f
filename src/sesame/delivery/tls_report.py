"""TLS reports: tells domains once a day how TLS with their servers went (RFC 8460).

Counts sessions in memory and adds them to the store from time to time; what a crash loses is a minute of
counts. A report is made for each domain that asks for one at `_smtp._tls`, and goes by mail or HTTPS.
"""

import datetime
import gzip
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from urllib.parse import unquote, urlsplit

from sesame.db import AT_ONCE, Store, Transaction, in_parts
from sesame.delivery.mta_sts import Fetched, FetchFailed
from sesame.delivery.route import Host
from sesame.delivery.tls import TlsDemand, TlsFailed, TlsMode
from sesame.delivery.tls_policy import Wishes
from sesame.dns.port import DnsFailure, Resolver
from sesame.errors import Unavailable
from sesame.observe import Clock
from sesame.store import tls_results
from sesame.store.tls_results import TlsResult

A_PASS = 500
MAX_RESULTS = 10_000
"""Different results kept in memory between two visits to the store; more are dropped."""
MOST_OF_DOMAIN = 100
"""Different results of a domain in a day; further sessions are counted without their host, policy and reason. A domain
chooses its hosts, and may name others for each attempt."""
SHOWN_HOSTS = 20
"""Of a policy so many hosts are told; each result has its policy with it."""
A_WRITE = 200
MAX_RECIPIENTS = 5
KEEP_DAYS = 3
"""For so long a report is tried; then its results go."""
_REASON_CHARS = 200


class TlsResults:
    """Counts what sessions came to."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._counts: Counter[TlsResult] = Counter()
        self._of_domain: Counter[str] = Counter()
        """Different results of each domain since they were written last."""

    def succeeded(self, wishes: Wishes, host: Host, demand: TlsDemand) -> None:
        """A session that is as the policy of the domain says."""
        self._add(wishes, demand, host, kind="", reason="")

    def failed(self, wishes: Wishes, host: Host, demand: TlsDemand, failure: TlsFailed | FetchFailed) -> None:
        """A session, or a policy, that is not."""
        self._add(wishes, demand, host, kind=failure.kind, reason=str(failure)[:_REASON_CHARS])

    async def flush(self, store: Store) -> None:
        """Add what was counted to the store. Raises `Unavailable` with nothing lost."""
        counts, self._counts = self._counts, Counter()
        self._of_domain.clear()
        while counts:
            part = dict(islice(counts.items(), A_WRITE))
            try:
                await store.write(partial(tls_results.add, counts=part, most=MOST_OF_DOMAIN), is_long=True)
            except Unavailable:
                self._counts.update(counts)
                raise
            for result in part:
                del counts[result]

    def _add(self, wishes: Wishes, demand: TlsDemand, host: Host, *, kind: str, reason: str) -> None:
        if wishes.route.is_relay:
            return
        kind_of_policy, policy, hosts = _policy(wishes, demand)
        result = TlsResult(
            day=day_of(self._clock.now()),
            policy_domain=wishes.route.domain,
            policy_type=kind_of_policy,
            policy=policy,
            mx_hosts=hosts,
            kind=kind,
            receiving_mx=host.name if kind else "",
            receiving_ip=host.address if kind else "",
            reason=reason,
        )
        if result not in self._counts:
            if self._of_domain[result.policy_domain] >= MOST_OF_DOMAIN:
                result = tls_results.without_details(result)
            if result not in self._counts and len(self._counts) >= MAX_RESULTS:
                return
            self._of_domain[result.policy_domain] += result not in self._counts
        self._counts[result] += 1


def _policy(wishes: Wishes, demand: TlsDemand) -> tuple[str, str, str]:
    """Type, lines and hosts of the policy that a session was held to."""
    if demand.mode is TlsMode.DANE:
        records = (
            f"{r.usage} {r.selector} {r.matching_type} {r.data.hex()}" for r in demand.tlsa[:SHOWN_HOSTS]
        )
        return "tlsa", "\n".join(records), ""
    policy = wishes.sts.policy
    if policy is None:
        return ("sts" if wishes.sts.failure else "no-policy-found"), "", ""
    shown = policy.hosts[:SHOWN_HOSTS]
    hosts = [f"mx: {host}" for host in shown]
    lines = ["version: STSv1", f"mode: {policy.mode}", *hosts, f"max_age: {policy.max_age_s}"]
    return "sts", "\n".join(lines), "\n".join(shown)


def day_of(at: float) -> str:
    """The UTC day of a time."""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d")


def read_rua(records: list[str]) -> tuple[str, ...]:
    """Where a domain wants reports, from the TXT records at `_smtp._tls`; nowhere unless exactly one is right."""
    ours = [record for record in records if re.match(r"v=TLSRPTv1\s*;", record)]
    if len(ours) != 1:
        return ()
    tags = [tag.strip().partition("=") for tag in ours[0].split(";")]
    found = [value for name, _, value in tags if name.strip() == "rua"]
    uris = [uri.strip() for uri in found[0].split(",")] if found else []
    return tuple(uri for uri in uris if uri.lower().startswith(("mailto:", "https://")))[:MAX_RECIPIENTS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report ready to go: its JSON, compressed, and what its message says about it."""

    domain: str
    report_id: str
    file_name: str
    data: bytes


def make_report(
    day: str, domain: str, results: Mapping[TlsResult, int], *, submitter: str, contact: str
) -> Report:
    """The report of a day (RFC 8460 section 4.4)."""
    start = datetime.datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=datetime.UTC)
    end = start + datetime.timedelta(days=1, seconds=-1)
    report_id = f"{day}_{domain}@{submitter}"
    by_policy: dict[tuple[str, str, str], dict[TlsResult, int]] = {}
    for result, sessions in results.items():
        by_policy.setdefault((result.policy_type, result.policy, result.mx_hosts), {})[result] = sessions
    body = {
        "organization-name": submitter,
        "date-range": {
            "start-datetime": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "end-datetime": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        },
        "contact-info": contact,
        "report-id": report_id,
        "policies": [_policy_json(domain, *policy, counts) for policy, counts in by_policy.items()],
    }
    text = json.dumps(body, ensure_ascii=True, indent=1).encode()
    name = f"{submitter}!{domain}!{start.timestamp():.0f}!{end.timestamp():.0f}.json.gz"
    return Report(
        domain=domain,
        report_id=report_id,
        file_name=name,
        data=gzip.compress(text, mtime=0),
    )


def _policy_json(
    domain: str, policy_type: str, policy: str, mx_hosts: str, counts: Mapping[TlsResult, int]
) -> dict[str, object]:
    described_policy: dict[str, object] = {"policy-type": policy_type, "policy-domain": domain}
    if policy:
        described_policy["policy-string"] = policy.split("\n")
    if mx_hosts:
        described_policy["mx-host"] = mx_hosts.split("\n")
    failures = {result: sessions for result, sessions in counts.items() if result.kind}
    found: dict[str, object] = {
        "policy": described_policy,
        "summary": {
            "total-successful-session-count": sum(counts.values()) - sum(failures.values()),
            "total-failure-session-count": sum(failures.values()),
        },
    }
    if failures:
        found["failure-details"] = [
            {
                "result-type": result.kind,
                "receiving-mx-hostname": result.receiving_mx,
                "receiving-ip": result.receiving_ip,
                "failed-session-count": sessions,
                "failure-reason-code": result.reason,
            }
            for result, sessions in failures.items()
        ]
    return found


MailReport = Callable[[Transaction, str, Report], Awaitable[None]]
"""Spools a report to a mailbox, in the transaction that notes it; raises ValueError for what is not a mailbox."""
PostReport = Callable[[str, str, bytes], Awaitable[Fetched]]
"""POST of a report to a host and path; raises `FetchFailed`."""


class TlsReports:
    """Makes and sends what is due. `submitter` is our name, `contact` a mailbox of the operator's."""

    def __init__(
        self,
        store: Store,
        resolver: Resolver,
        *,
        clock: Clock,
        submitter: str,
        contact: str,
        mail: MailReport,
        post: PostReport,
    ) -> None:
        self._store = store
        self._resolver = resolver
        self._clock = clock
        self._submitter = submitter
        self._contact = contact
        self._mail = mail
        self._post = post

    async def send_due(self) -> int:
        """Send the reports of the days that are over; how many went. What fails is tried at the next call."""
        now, sent = self._clock.now(), 0
        after = ("", "")
        while True:
            at = after
            batch = await self._store.read(
                lambda tx, at=at: tls_results.domains(tx, before=day_of(now), after=at, limit=A_PASS)  # type: ignore[misc]
            )
            if not batch:
                break
            for day, domain in batch:
                sent += await self._send(day, domain)
            after = batch[-1]
        oldest = day_of(now - KEEP_DAYS * 86_400)
        await in_parts(self._store, lambda tx: tls_results.purge(tx, before=oldest, limit=AT_ONCE))
        return sent

    async def _send(self, day: str, domain: str) -> int:
        try:
            answer = await self._resolver.look_up(f"_smtp._tls.{domain}", "TXT")
        except DnsFailure:
            return 0
        sent, is_complete = 0, True
        results = await self._store.read(lambda tx: tls_results.of(tx, day, domain))
        report = make_report(day, domain, results, submitter=self._submitter, contact=self._contact)
        for uri in read_rua(list(answer.records)):
            if await self._store.read(lambda tx, uri=uri: tls_results.was_sent(tx, day, domain, uri)):  # type: ignore[misc]
                continue
            is_sent = await (self._by_mail if uri.lower().startswith("mailto:") else self._by_https)(
                day, report, uri
            )
            sent += is_sent
            is_complete = is_complete and is_sent
        if is_complete:
            await in_parts(self._store, lambda tx: tls_results.forget(tx, day, domain, limit=AT_ONCE))
        return sent

    async def _by_mail(self, day: str, report: Report, uri: str) -> bool:
        mailbox = unquote(uri[len("mailto:") :].partition("?")[0])

        async def run(tx: Transaction) -> None:
            await self._mail(tx, mailbox, report)
            await tls_results.note_sent(tx, day, report.domain, uri, at=self._clock.now())

        try:
            await self._store.write(run)
        except ValueError:
            return True  # no mailbox; to ask again would not make it one
        return True

    async def _by_https(self, day: str, report: Report, uri: str) -> bool:
        parts = urlsplit(uri)
        try:
            if parts.hostname is None or parts.port not in (None, 443):
                return True
            path = parts.path or "/"
            answer = await self._post(
                parts.hostname, f"{path}?{parts.query}" if parts.query else path, report.data
            )
        except FetchFailed:
            return False
        except ValueError:
            return True
        if not 200 <= answer.status < 300:
            return False
        at = self._clock.now()
        await self._store.write(lambda tx: tls_results.note_sent(tx, day, report.domain, uri, at=at))
        return True
