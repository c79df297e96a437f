"""What keeps mail from arriving, found before it is sent: DNS, names, certificates, clock, disk, ports.

Looks and judges, changes nothing. Each finding says what to publish or mend. DNS and the network come in as
arguments. Sources: RFC 7208 (SPF), 6376 (DKIM), 7489 (DMARC), 5321 section 4.1.4 (EHLO), 1912 section 2.1
(PTR), and what large receivers ask of senders (forward-confirmed reverse DNS, SPF and DKIM, DMARC).
"""

import datetime
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from cryptography import x509

from sesame.dkim.sign import published_key
from sesame.dns.dmarc import dmarc_policy
from sesame.dns.port import Answer, DnsFailure, Resolver, read_mx

GIB = 1 << 30
EXPIRES_SOON_S = 14 * 86_400
CLOCK_WARNING_S, CLOCK_FAULT_S = 5.0, 300.0
"""SigV4 fails between 5 and 15 minutes; a few seconds already confuse DKIM's times."""
SIGNED_NAME = "org"
"""A name whose records are signed, to see whether the resolver validates."""


class Level(Enum):
    """How bad it is."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line: what was looked at, what was found, and what to do about it."""

    check: str
    level: Level
    found: str
    mend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingDomain:
    """A domain that accounts send as: its DKIM selectors with the keys they must show, and its MAIL FROM domain."""

    name: str
    keys: tuple[tuple[str, str], ...] = ()
    mail_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingAddress:
    """An address that mail leaves from (`[[delivery.egress]]`), its name, and why this machine cannot use it."""

    address: str
    hello: str
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the settings and the machine say."""

    hostname: str
    return_path_domain: str
    mail_from_mx: str
    mail_from_spf: str
    own_addresses: tuple[str, ...] = ()
    egress: tuple[SendingAddress, ...] = ()
    own_keys: tuple[tuple[str, str], ...] = ()
    """Where the keys of our own signatures are published, and the keys."""
    domains: tuple[SendingDomain, ...] = ()
    certificates: tuple[tuple[str, bytes | None], ...] = ()
    """Setting and content of each PEM file, None if it cannot be read."""
    ports: tuple[tuple[str, str, int], ...] = ()
    """Setting, host and port of each door."""
    free_bytes: int
    free_inodes: int | None
    reserve_bytes: int
    trusts_ad: bool
    is_relayed: bool = False
    leads_nowhere: bool = False
    """Whether links of followed mail would lead nowhere, so that mail is not followed."""
    probe: tuple[str, int] | None = None
    """A server to try whether mail gets out; None: do not."""


Connect = Callable[[str, int], Awaitable[str | None]]
"""Tries a TCP connection; what went wrong, or None."""


async def examine(
    facts: Facts,
    resolver: Resolver,
    *,
    connect: Connect,
    clock_offset_s: Callable[[], Awaitable[float | None]],
    now: float,
) -> list[Finding]:
    """Every finding, in the order to mend them in. `now` is Unix seconds."""
    findings = [await _resolver(facts, resolver), *await _hostname(facts, resolver)]
    findings += await _return_path(facts, resolver)
    for source in facts.egress:
        findings += await _egress(facts, source, resolver)
    findings += [await _dkim(resolver, "our own", where, key) for where, key in facts.own_keys]
    for domain in facts.domains:
        findings += await _domain(facts, domain, resolver)
    findings += [_certificate(setting, data, facts.hostname, now) for setting, data in facts.certificates]
    findings += [await _port(setting, host, port, connect) for setting, host, port in facts.ports]
    if facts.probe is not None:
        findings.append(await _way_out(facts, *facts.probe, connect))
    if facts.leads_nowhere:
        found = "no setting says how readers reach this server, so opens and clicks are not tracked"
        findings.append(_warning("tracking", found, "set `tracking.url`, or `tracking.enabled = false`"))
    findings += [_clock(await clock_offset_s()), _disk(facts)]
    return findings


async def _resolver(facts: Facts, resolver: Resolver) -> Finding:
    try:
        answer = await resolver.look_up(SIGNED_NAME, "NS")
    except DnsFailure as error:
        return _fault(
            "DNS resolver", f"does not answer: {error}", "Fix /etc/resolv.conf or `dns.nameservers`."
        )
    mend = (
        'Run a validating resolver on this machine (unbound) and name it: `dns.nameservers = ["127.0.0.1"]`. Without'
        " one DANE is not used."
    )
    if not facts.trusts_ad:
        return _warning("DNS resolver", "is on another machine, so its DNSSEC verdict is not trusted", mend)
    if not answer.is_validated:
        return _warning("DNS resolver", "does not validate DNSSEC", mend)
    return _ok("DNS resolver", "answers and validates DNSSEC")


async def _hostname(facts: Facts, resolver: Resolver) -> list[Finding]:
    """The name in EHLO, its addresses, and that they lead back to it."""
    name = facts.hostname
    if "." not in name or name.endswith((".localhost", ".local", ".internal")):
        mend = "Set `delivery.hostname` to the public name of the sending address, such as mx1.example.com."
        return [_fault("HELO", f"`{name}` is not a name that others can look up", mend)]
    addresses: list[str] = []
    for kind in ("A", "AAAA"):
        answer = await _answer(resolver, name, kind)
        if answer is None:
            return [_unknown("HELO", f"the addresses of `{name}` cannot be looked up")]
        addresses += answer.records
    if not addresses:
        mend = f"Publish `{name}. A <sending address>`."
        return [_fault("HELO", f"`{name}` has no address", mend)]
    findings = [_ok("HELO", f"`{name}` is {', '.join(addresses)}")]
    if strays := [one for one in facts.own_addresses if one not in addresses]:
        mend = f"Publish {' and '.join(f'`{name}. {_kind(one)} {one}`' for one in strays)}."
        findings.append(_warning("HELO", f"`{name}` does not lead to {', '.join(strays)}", mend))
    return findings + [
        await _ptr(resolver, name, a) for a in dict.fromkeys((*addresses, *facts.own_addresses))
    ]


async def _ptr(resolver: Resolver, name: str, address: str) -> Finding:
    reverse = ipaddress.ip_address(address).reverse_pointer
    answer = await _answer(resolver, reverse, "PTR")
    mend = (
        f"Ask who runs the network to publish `{reverse}. PTR {name}.`; many receivers refuse mail without."
    )
    if answer is None:
        return _unknown("PTR", f"of {address} cannot be looked up")
    if not answer.records:
        return _fault("PTR", f"{address} has none", mend)
    if name.lower() not in answer.records:
        return _fault("PTR", f"{address} is `{answer.records[0]}`, not `{name}`", mend)
    return _ok("PTR", f"{address} is `{name}`")


async def _egress(facts: Facts, source: SendingAddress, resolver: Resolver) -> list[Finding]:
    """An address of its own: that it is here, that name and address lead to each other, and that SPF allows it."""
    address, name = source.address, source.hello
    findings = []
    if source.problem is not None:
        mend = "Give the machine that address, or name the local address behind it as `bind` in `[[delivery.egress]]`."
        findings.append(_fault("egress", f"{address} cannot be sent from: {source.problem}", mend))
    answer = await _answer(resolver, name, _kind(address))
    if answer is None:
        findings.append(_unknown("HELO", f"the addresses of `{name}` cannot be looked up"))
    elif address not in answer.records:
        mend = f"Publish `{name}. {_kind(address)} {address}`."
        findings.append(_fault("HELO", f"`{name}` does not lead to {address}", mend))
    else:
        findings.append(_ok("HELO", f"`{name}` is {address}"))
    findings.append(await _ptr(resolver, name, address))
    spf = await _answer(resolver, facts.return_path_domain, "TXT")
    terms = [
        term.lstrip("+")
        for record in (spf.records if spf is not None else ())
        if record.lower().split()[:1] == ["v=spf1"]
        for term in record.lower().split()[1:]
    ]
    if terms and f"a:{name}".lower() not in terms and not any(_covers(term, address) for term in terms):
        mend = f"Add `ip{4 if '.' in address else 6}:{address}` to it, if nothing else in it allows that address."
        findings.append(_warning("SPF", f"of `{facts.return_path_domain}` does not name {address}", mend))
    return findings


def _covers(term: str, address: str) -> bool:
    """Whether an SPF mechanism names a network with the address in it."""
    kind, _, network = term.partition(":")
    if kind not in ("ip4", "ip6"):
        return False
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


async def _return_path(facts: Facts, resolver: Resolver) -> list[Finding]:
    """Where bounces go, and SPF for what the envelope says."""
    domain = facts.return_path_domain
    mx = await _answer(resolver, domain, "MX")
    if mx is None:
        first = _unknown("MX", f"of `{domain}` cannot be looked up")
    else:
        hosts = [record.exchange for record in read_mx(mx)] or ([domain] if domain == facts.hostname else [])
        is_ours = facts.hostname.lower() in hosts
        mend = f"Publish `{domain}. MX 10 {facts.hostname}.`; bounces go there."
        first = (
            _ok("MX", f"of `{domain}` leads here")
            if is_ours
            else _fault("MX", f"of `{domain}` does not lead here", mend)
        )
    mechanisms = ("a",) if domain == facts.hostname else (f"a:{facts.hostname}", "mx", "a")
    wanted = f"v=spf1 {mechanisms[0]} -all"
    return [first, await _spf(resolver, "SPF", domain, (*mechanisms, *_ip_mechanisms(facts)), wanted)]


async def _spf(
    resolver: Resolver, check: str, domain: str, mechanisms: Sequence[str], wanted: str
) -> Finding:
    answer = await _answer(resolver, domain, "TXT")
    if answer is None:
        return _unknown(check, f"of `{domain}` cannot be looked up")
    records = [record for record in answer.records if record.lower().split()[:1] == ["v=spf1"]]
    if not records:
        return _fault(check, f"`{domain}` has no SPF record", f'Publish `{domain}. TXT "{wanted}"`.')
    if len(records) > 1:
        return _fault(
            check, f"`{domain}` has {len(records)} SPF records, which is an error", "Publish one of them."
        )
    terms = [term.lstrip("+") for term in records[0].lower().split()[1:]]
    if not any(mechanism.lower() in terms for mechanism in mechanisms):
        mend = f"Make sure that it allows this server's addresses; `{mechanisms[0]}` does."
        return _warning(check, f"of `{domain}` does not name us: `{records[0]}`", mend)
    if "+all" in terms or "all" in terms:
        return _warning(check, f"of `{domain}` allows everybody", "End it with `-all` or `~all`.")
    return _ok(check, f"of `{domain}` allows us")


async def _domain(facts: Facts, domain: SendingDomain, resolver: Resolver) -> list[Finding]:
    findings = [
        await _dkim(resolver, f"`{domain.name}`", f"{selector}._domainkey.{domain.name}", key)
        for selector, key in domain.keys
    ]
    if not domain.keys:
        findings.append(
            _warning(
                "DKIM", f"`{domain.name}` has no key here", "Have its owner set up DKIM (VerifyDomainDkim)."
            )
        )
    findings.append(await _dmarc(resolver, domain.name))
    if domain.mail_from is not None:
        findings += await _mail_from(facts, domain.mail_from, resolver)
    return findings


async def _dkim(resolver: Resolver, whose: str, name: str, key: str) -> Finding:
    answer = await _answer(resolver, name, "TXT")
    if answer is None:
        return _unknown("DKIM", f"of {whose}: `{name}` cannot be looked up")
    if key in [published_key(record, kind) for record in answer.records for kind in ("rsa", "ed25519")]:
        return _ok("DKIM", f"of {whose}: `{name}` shows the key")
    what = "shows another key" if answer.records else "is not there"
    return _fault("DKIM", f"of {whose}: `{name}` {what}", "Publish what `sesame dns records` prints for it.")


async def _dmarc(resolver: Resolver, domain: str) -> Finding:
    """The policy of the domain or of the nearest parent that has one."""
    try:
        found = await dmarc_policy(resolver, domain)
    except DnsFailure:
        return _unknown("DMARC", f"of `{domain}` cannot be looked up")
    if len(found.records) > 1:
        return _fault(
            "DMARC", f"`_dmarc.{found.at}` has {len(found.records)} records, so none counts", "Publish one."
        )
    if found.policy:
        return _ok("DMARC", f"of `{domain}`: p={found.policy} at `_dmarc.{found.at}`")
    if found.records:
        return _fault(
            "DMARC", f"`{found.records[0]}` at `_dmarc.{found.at}` has no policy", "Add `p=none` at least."
        )
    mend = f'Have its owner publish `_dmarc.{domain}. TXT "v=DMARC1; p=none"`; large receivers ask for it.'
    return _warning("DMARC", f"`{domain}` has none", mend)


async def _mail_from(facts: Facts, domain: str, resolver: Resolver) -> list[Finding]:
    mx = await _answer(resolver, domain, "MX")
    hosts = None if mx is None else [record.exchange for record in read_mx(mx)]
    if hosts is None:
        first = _unknown("MAIL FROM", f"the MX of `{domain}` cannot be looked up")
    elif hosts == [facts.mail_from_mx.lower()]:
        first = _ok("MAIL FROM", f"`{domain}` leads here")
    else:
        mend = f"Publish `{domain}. MX 10 {facts.mail_from_mx}.` and no other MX."
        first = _fault("MAIL FROM", f"the MX of `{domain}` is {', '.join(hosts) or 'not there'}", mend)
    spf = facts.mail_from_spf
    return [first, await _spf(resolver, "MAIL FROM", domain, (spf,), f"v=spf1 {spf} ~all")]


def _certificate(setting: str, data: bytes | None, hostname: str, now: float) -> Finding:
    check = f"certificate `{setting}`"
    try:
        certificate = x509.load_pem_x509_certificate(data or b"")
    except ValueError:
        return _fault(
            check, "cannot be read", "Name a PEM file with the chain, the server's certificate first."
        )
    left_s = certificate.not_valid_after_utc.timestamp() - now
    until = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
    if left_s <= 0:
        return _fault(check, f"has expired on {until}", "Renew it; it is read again when the file changes.")
    if certificate.not_valid_before_utc > datetime.datetime.fromtimestamp(now, datetime.UTC):
        return _fault(check, "is not valid yet", "Look at the clock and the certificate's dates.")
    if left_s < EXPIRES_SOON_S:
        return _warning(
            check, f"expires on {until}", "Renew it, and find out why it was not renewed automatically."
        )
    return _ok(check, f"is good until {until}, for {', '.join(_names(certificate)) or hostname}")


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.DNSName)


async def _port(setting: str, host: str, port: int, connect: Connect) -> Finding:
    error = await connect(host, port)
    if error is None:
        return _ok(f"port `{setting}`", f"{host}:{port} listens")
    return _warning(
        f"port `{setting}`", f"{host}:{port}: {error}", "Start `sesame serve`, or see what its log says."
    )


async def _way_out(facts: Facts, host: str, port: int, connect: Connect) -> Finding:
    error = await connect(host, port)
    check = "relay" if facts.is_relayed else "port 25"
    if error is None:
        return _ok(check, f"{host}:{port} can be reached")
    mend = (
        "Check that the relay runs and accepts this machine."
        if facts.is_relayed
        else "Have your provider open outgoing port 25, or set `delivery.relay`."
    )
    return _fault(check, f"{host}:{port}: {error}", mend)


def _clock(offset_s: float | None) -> Finding:
    if offset_s is None:
        return _unknown("clock", "no time server answers")
    text = f"is {abs(offset_s):.1f} s {'fast' if offset_s > 0 else 'slow'}"
    mend = "Run a time service (systemd-timesyncd, chrony)."
    if abs(offset_s) >= CLOCK_FAULT_S:
        return _fault("clock", f"{text}: signatures of clients are refused", mend)
    return _warning("clock", text, mend) if abs(offset_s) >= CLOCK_WARNING_S else _ok("clock", text)


def _disk(facts: Facts) -> Finding:
    text = f"{facts.free_bytes / GIB:.1f} GiB free"
    mend = "Make room or move the data directory; mail that cannot be stored is not accepted."
    if facts.free_bytes < facts.reserve_bytes or facts.free_inodes == 0:
        return _fault("disk", f"{text if facts.free_inodes != 0 else 'no inode is free'}", mend)
    return _warning("disk", text, mend) if facts.free_bytes < 3 * facts.reserve_bytes else _ok("disk", text)


async def _answer(resolver: Resolver, name: str, kind: str) -> Answer | None:
    """What DNS says; no such name is an answer without records, None is that it could not say."""
    try:
        return await resolver.look_up(name, kind)
    except DnsFailure:
        return None


def _ip_mechanisms(facts: Facts) -> list[str]:
    return [f"ip{4 if '.' in address else 6}:{address}" for address in facts.own_addresses]


def _kind(address: str) -> str:
    return "AAAA" if ":" in address else "A"


def _ok(check: str, found: str) -> Finding:
    return Finding(check=check, level=Level.OK, found=found)


def _unknown(check: str, found: str) -> Finding:
    return Finding(check=check, level=Level.UNKNOWN, found=found, mend="Try again; see that DNS works.")


def _warning(check: str, found: str, mend: str) -> Finding:
    return Finding(check=check, level=Level.WARNING, found=found, mend=mend)


def _fault(check: str, found: str, mend: str) -> Finding:
    return Finding(check=check, level=Level.FAULT, found=found, mend=mend)
