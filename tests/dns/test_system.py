"""The machine's resolvers, played by a DNS server on the loopback that dnspython itself writes for."""

import asyncio
from collections.abc import Callable
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest

from sesame.dns.port import Answer, DnsFailure
from sesame.dns.resolver import NO_CACHE, CachingResolver
from sesame.dns.system import SystemSource, TrustAd
from tests.support.clock import FakeClock

Reply = Callable[[dns.message.Message], None]
SOA = ("a.test.", 600, "IN", "SOA", "ns.a.test. root.a.test. 1 2 3 4 77")


class Server(asyncio.DatagramProtocol):
    """Answers every question, by UDP and TCP, with what `fill` makes of an empty response."""

    def __init__(self, fill: Reply, *, flags: int = dns.flags.RA) -> None:
        self.fill = fill
        self.flags = flags
        self.asked: list[tuple[str, bool, int]] = []
        self.truncates = False

    def response(self, data: bytes, *, is_tcp: bool) -> bytes:
        query = dns.message.from_wire(data)
        self.asked.append((query.question[0].name.to_text(), is_tcp, query.ednsflags))
        response = dns.message.make_response(query, recursion_available=False)
        response.flags |= self.flags
        if self.truncates and not is_tcp:
            response.flags |= dns.flags.TC
        else:
            self.fill(response)
        return response.to_wire()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(self.response(data, is_tcp=False), addr)

    async def by_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2))
        response = self.response(await reader.readexactly(size), is_tcp=True)
        writer.write(len(response).to_bytes(2) + response)
        writer.close()


def asked(
    server: Server,
    name: str,
    kind: str,
    *,
    trust_ad: TrustAd = "loopback",
    lifetime_s: float = 5.0,
) -> Answer:
    async def session() -> Answer:
        loop = asyncio.get_running_loop()
        tcp = await asyncio.start_server(server.by_tcp, "127.0.0.1", 0)
        port = tcp.sockets[0].getsockname()[1]
        udp, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=("127.0.0.1", port))
        source = SystemSource(nameservers=["127.0.0.1"], port=port, trust_ad=trust_ad, lifetime_s=lifetime_s)
        try:
            return await CachingResolver(source, clock=FakeClock(), bounds=NO_CACHE).look_up(name, kind)
        finally:
            udp.close()
            tcp.close()
            await tcp.wait_closed()

    return asyncio.run(session())


def records(*rows: tuple[str, int, str, str, str]) -> Reply:
    def fill(response: dns.message.Message) -> None:
        response.answer += [dns.rrset.from_text(*row) for row in rows]

    return fill


def negative(rcode: dns.rcode.Rcode, *authority: tuple[str, int, str, str, str]) -> Reply:
    def fill(response: dns.message.Message) -> None:
        response.set_rcode(rcode)
        response.authority += [dns.rrset.from_text(*row) for row in authority]

    return fill


@pytest.mark.parametrize(
    ("kind", "row", "want"),
    [
        ("A", "192.0.2.1", "192.0.2.1"),
        ("AAAA", "2001:DB8::1", "2001:db8::1"),
        ("MX", "10 MX.A.test.", "10 mx.a.test"),
        ("MX", "0 .", "0"),
        ("TXT", '"v=STSv1; " "id=1;"', "v=STSv1; id=1;"),
        ("TLSA", "3 1 1 " + "AB" * 32, "3 1 1 " + "ab" * 32),
        ("PTR", "Mail.A.test.", "mail.a.test"),
    ],
)
def test_records_are_read_with_their_time_to_live(kind: str, row: str, want: str) -> None:
    server = Server(records(("a.test.", 123, "IN", kind, row)))
    answer = asked(server, "a.test", kind)
    assert (answer.records, answer.ttl_s, answer.is_validated) == ((want,), 123.0, False)
    assert server.asked[0][2] & dns.flags.DO


@pytest.mark.parametrize(("trust_ad", "want"), [("loopback", True), ("always", True), ("never", False)])
def test_the_ad_bit_of_a_resolver_that_we_trust_counts(trust_ad: TrustAd, want: bool) -> None:
    server = Server(records(("a.test.", 1, "IN", "A", "192.0.2.1")), flags=dns.flags.RA | dns.flags.AD)
    assert asked(server, "a.test", "A", trust_ad=trust_ad).is_validated is want


def test_the_ad_bit_of_another_machine_counts_only_if_the_setting_says_so() -> None:
    assert not SystemSource(nameservers=["127.0.0.1", "192.0.2.53"]).trusts_ad
    assert SystemSource(nameservers=["127.0.0.53", "::1"]).trusts_ad
    assert SystemSource(nameservers=["192.0.2.53"], trust_ad="always").trusts_ad


def test_an_answer_that_is_cut_off_is_asked_for_by_tcp() -> None:
    server = Server(records(("a.test.", 1, "IN", "A", "192.0.2.1")))
    server.truncates = True
    assert asked(server, "a.test", "A").records == ("192.0.2.1",)
    assert [is_tcp for _, is_tcp, _ in server.asked] == [False, True]


def test_no_such_name_and_no_such_record_are_told_apart_and_live_as_their_soa_says() -> None:
    missing = asked(Server(negative(dns.rcode.NXDOMAIN, SOA)), "x.a.test", "A")
    assert (missing.is_missing, missing.ttl_s) == (True, 77.0)
    empty = asked(Server(negative(dns.rcode.NOERROR, SOA)), "x.a.test", "A")
    assert (empty.is_missing, empty.records, empty.ttl_s) == (False, (), 77.0)


NS = ("a.test.", 60, "IN", "NS", "ns.a.test.")


@pytest.mark.parametrize(
    ("fill", "flags"),
    [
        (negative(dns.rcode.SERVFAIL), dns.flags.RA),
        (negative(dns.rcode.REFUSED), dns.flags.RA),
        (negative(dns.rcode.NOERROR, NS), dns.flags.RA),
        (negative(dns.rcode.NOERROR), 0),
        (negative(dns.rcode.NXDOMAIN), 0),
        (records(*((f"n{i}.a.test.", 1, "IN", "CNAME", f"n{i + 1}.a.test.") for i in range(20))), dns.flags.RA),
        (records(("n0.a.test.", 1, "IN", "CNAME", "n0.a.test.")), dns.flags.RA),
    ],
    ids=["servfail", "refused", "referral", "lame", "lame-nxdomain", "long-chain", "loop"],
)  # fmt: skip
def test_what_says_nothing_settles_nothing(fill: Reply, flags: int) -> None:
    with pytest.raises(DnsFailure):
        asked(Server(fill, flags=flags), "n0.a.test", "A", lifetime_s=1.0)


def test_no_answer_at_all_is_a_failure() -> None:
    class Silent(Server):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            return None

    with pytest.raises(DnsFailure, match="in time"):
        asked(Silent(records()), "a.test", "A", lifetime_s=0.05)


def test_rubbish_is_a_failure() -> None:
    class Rubbish(Server):
        def response(self, data: bytes, *, is_tcp: bool) -> bytes:
            return data[:2] + b"\xff" * 7

    with pytest.raises(DnsFailure):
        asked(Rubbish(records()), "a.test", "A", lifetime_s=0.3)


def test_a_chain_that_the_resolver_did_not_finish_is_followed() -> None:
    def fill(response: dns.message.Message) -> None:
        name = response.question[0].name.to_text()
        if name == "www.a.test.":
            response.answer.append(dns.rrset.from_text(name, 5, "IN", "CNAME", "b.test."))
        else:
            response.answer.append(dns.rrset.from_text("b.test.", 50, "IN", "A", "192.0.2.7"))

    answer = asked(Server(fill), "www.a.test", "A")
    assert (answer.records, answer.ttl_s, answer.name) == (("192.0.2.7",), 5.0, "b.test")
