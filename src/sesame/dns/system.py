"""The machine's own resolvers, through dnspython; imported only where it is used, for it is large.

Asks with EDNS0 and the DO bit, over TCP where an answer is cut off. An answer counts as validated if
the resolver set AD and is one whose word we take. Sources: RFC 6891, RFC 4035 section 3.2.3, RFC 2308
section 2.2 (which answers say that there is nothing), RFC 7672 section 2.1.
"""

import ipaddress
from collections.abc import Sequence
from typing import Literal

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.MX
import dns.rdtypes.ANY.TLSA
import dns.rdtypes.ANY.TXT
import dns.resolver

from sesame.dns.names import host_name
from sesame.dns.port import Answer, DnsFailure

UDP_PAYLOAD_BYTES = 1232
"""What fits into a packet everywhere (DNS flag day 2020)."""

TrustAd = Literal["loopback", "always", "never"]


class SystemSource:
    """A `Source` of answers from recursive resolvers.

    `nameservers` are addresses; none: those of /etc/resolv.conf. `trust_ad` says whose AD bit counts:
    that of resolvers on this machine, of any, or of none; on the way from another machine it can be
    forged.
    """

    def __init__(
        self,
        *,
        nameservers: Sequence[str] = (),
        port: int = 53,
        trust_ad: TrustAd = "loopback",
        lifetime_s: float = 15.0,
    ) -> None:
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=not nameservers)
        except dns.resolver.NoResolverConfiguration:
            self._resolver = dns.asyncresolver.Resolver(configure=False)
        if nameservers:
            self._resolver.nameservers = list(nameservers)
        self._resolver.port = port
        self._resolver.flags = dns.flags.RD | dns.flags.AD
        self._resolver.use_edns(0, dns.flags.DO, UDP_PAYLOAD_BYTES)
        self._lifetime_s = lifetime_s
        self.nameservers = tuple(map(str, self._resolver.nameservers))
        self.trusts_ad = trust_ad == "always" or (
            trust_ad == "loopback" and bool(self.nameservers) and all(map(_is_loopback, self.nameservers))
        )

    async def ask(self, name: str, kind: str) -> Answer:
        """One question; raises `DnsFailure` for time-outs, SERVFAIL, refusals and lame answers."""
        try:
            answer = await self._resolver.resolve(
                dns.name.from_text(f"{name}."),
                kind,
                lifetime=self._lifetime_s,
                search=False,
                raise_on_no_answer=False,
            )
        except dns.resolver.NXDOMAIN as error:
            return self._negative(name, _response(error), is_missing=True)
        except (dns.exception.DNSException, OSError) as error:
            raise DnsFailure(f"look-up of {kind} of `{name}` failed: {_reason(error)}") from error
        if answer.rrset is None:
            return self._negative(name, answer.response, is_missing=False)
        return Answer(
            records=tuple(_text(record) for record in answer.rrset),
            ttl_s=float(answer.chaining_result.minimum_ttl),
            is_validated=self._is_validated(answer.response),
            name=host_name(answer.canonical_name.to_text()),
        )

    def _negative(self, name: str, response: dns.message.QueryMessage, *, is_missing: bool) -> Answer:
        """The answer of a response without records, if it comes from somebody who knows."""
        chain = response.resolve_chaining()
        kinds = {rrset.rdtype for rrset in response.authority}
        is_authoritative = bool(response.flags & dns.flags.AA)
        if not is_authoritative and not response.flags & dns.flags.RA:
            raise DnsFailure(f"look-up of `{name}` failed: lame answer, from no recursive resolver")
        is_referral = dns.rdatatype.NS in kinds and dns.rdatatype.SOA not in kinds
        if is_referral and not is_authoritative:
            raise DnsFailure(f"look-up of `{name}` failed: lame answer, a referral")
        target = host_name(chain.canonical_name.to_text())
        is_cut_off = bool(chain.cnames) and not is_missing and dns.rdatatype.SOA not in kinds
        return Answer(
            ttl_s=float(chain.minimum_ttl) if dns.rdatatype.SOA in kinds or is_cut_off else 0.0,
            is_validated=self._is_validated(response),
            is_missing=is_missing,
            alias=target if is_cut_off else None,
            name=target,
        )

    def _is_validated(self, response: dns.message.Message) -> bool:
        return self.trusts_ad and bool(response.flags & dns.flags.AD)


def _text(record: object) -> str:
    """A record as `Answer` has it."""
    match record:
        case dns.rdtypes.ANY.MX.MX():
            return f"{record.preference} {host_name(record.exchange.to_text())}".strip()
        case dns.rdtypes.ANY.TXT.TXT():
            return b"".join(record.strings).decode("utf-8", "replace")
        case dns.rdtypes.ANY.TLSA.TLSA():
            return f"{record.usage} {record.selector} {record.mtype} {record.cert.hex()}"
        case _:
            return host_name(str(record))


def _reason(error: Exception) -> str:
    """What went wrong, in a word or two: `SERVFAIL`, `timeout`."""
    if isinstance(error, dns.resolver.NoNameservers):
        failures = {str(attempt[3]) for attempt in error.kwargs.get("errors", ())}
        return ", ".join(sorted(failures))[:200] or "no resolver answers"
    if isinstance(error, dns.exception.Timeout):
        return "no answer in time"
    return str(error)[:200] or type(error).__name__


def _is_loopback(nameserver: str) -> bool:
    try:
        return ipaddress.ip_address(nameserver).is_loopback
    except ValueError:
        return False


def _response(error: dns.resolver.NXDOMAIN) -> dns.message.QueryMessage:
    """The response that says so; `search` is off, so there is one."""
    responses: dict[dns.name.Name, dns.message.QueryMessage] = error.responses()  # type: ignore[no-untyped-call]
    return next(iter(responses.values()))
