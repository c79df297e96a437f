"""One attempt: hand one message to one MX for one recipient. Reads like the plan's paragraph."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from sesame.delivery import outcome
from sesame.delivery.pool import Pool
from sesame.delivery.route import Host, Router, Unroutable
from sesame.delivery.session import HostRefused
from sesame.delivery.settings import SettingsCache
from sesame.delivery.signing import Signing
from sesame.delivery.tls import TlsFailed
from sesame.delivery.tls_policy import TlsPolicy
from sesame.dkim.sign import Signer
from sesame.errors import Unavailable
from sesame.mail.header import MessageError
from sesame.mail.seven_bit import header_is_seven_bit, to_seven_bit
from sesame.model import Outcome, OutcomeKind
from sesame.observe import Clock
from sesame.smtp.errors import MessageDefect, MessageNotSendable, RemoteProtocolError
from sesame.smtp.extensions import Extensions
from sesame.spool.spool import Claim


class Deliverer:
    """Makes attempts.

    `return_path` gives the envelope sender for a message id, a recipient index and the domain that the
    identity's owner set up, or None for the default; `trace_field` the Received field that goes on top.
    """

    def __init__(
        self,
        router: Router,
        tls_policy: TlsPolicy,
        pool: Pool,
        settings: SettingsCache,
        signing: Signing,
        clock: Clock,
        *,
        return_path: Callable[[str, int, str | None], str],
        trace_field: Callable[[Claim], bytes] = lambda claim: b"",
    ) -> None:
        self._router = router
        self._tls_policy = tls_policy
        self._pool = pool
        self._settings = settings
        self._signing = signing
        self._clock = clock
        self._return_path = return_path
        self._trace_field = trace_field

    async def attempt(self, claim: Claim) -> Outcome:
        """Find the hosts, sign, try one host after the other.

        What it raises is a fault of ours, of which no remote server is to be blamed.
        """
        try:
            route = await self._router.route(claim.address.rpartition("@")[2].lower())
            wishes = await self._tls_policy.wishes(route, requires_tls=claim.requires_tls)
            settings = await self._settings.of(claim)
            message = _Message(claim, settings.signers, self._signing, trace_field=self._trace_field(claim))
        except (Unavailable, Unroutable) as error:
            return outcome.from_error(error, None)
        await message.prepare(now=self._clock.now())
        mail_from = ""
        if not claim.is_from_nobody:
            mail_from = self._return_path(claim.message_id, claim.recipient_index, settings.mail_from_domain)
        result: Outcome | None = None
        for host in route.hosts:
            try:
                demand = await self._tls_policy.demand(wishes, host)
            except TlsFailed as error:
                found, is_host_at_fault = outcome.from_error(error, host), True
            else:
                secured = replace(host, tls=demand)
                found, is_host_at_fault = await self._try(secured, mail_from, claim.address, message)
            # A host that will never take it says nothing about one that was out of order.
            is_kept = is_host_at_fault and result is not None and result.kind is OutcomeKind.TRANSIENT
            if not is_kept or found.kind is OutcomeKind.TRANSIENT:
                result = found
            if not is_host_at_fault:
                break
        assert result is not None, "a route has at least one host"
        return result

    async def _try(
        self, host: Host, mail_from: str, recipient: str, message: "_Message"
    ) -> tuple[Outcome, bool]:
        """The outcome at one host, and whether another host may do better."""
        try:
            session = await self._pool.borrow(host)
        except HostRefused as error:
            return outcome.refused(error.reply, host, stage=error.stage), True
        except (OSError, TlsFailed, RemoteProtocolError) as error:
            return outcome.from_error(error, host), True
        try:
            data = await message.fit_for(session.extensions, now=self._clock.now())
            result = await session.send(mail_from, recipient, data)
        except MessageDefect:
            raise
        except MessageNotSendable as error:
            # Too large for this one, or 8-bit and not to be converted: another host may take it.
            return outcome.from_error(error, host), True
        except (OSError, RemoteProtocolError) as error:
            failed = outcome.from_error(error, host)
            return failed, not failed.ambiguous
        finally:
            await self._pool.give_back(session)
        decided = outcome.from_result(result, host, tls=session.tls, verdict=session.verdict)
        # A busy server (421, or 4yz before the body) is no verdict of the domain's other hosts.
        return decided, decided.kind is OutcomeKind.TRANSIENT and result.reply.code == 421


class _Message:
    """What goes on the wire, signed; converted for servers that need it, and signed again then."""

    def __init__(
        self, claim: Claim, signers: Sequence[Signer], signing: Signing, *, trace_field: bytes
    ) -> None:
        self._data = claim.data
        self._signers = signers
        self._signing = signing
        self._trace_field = trace_field
        self._ready: bytes | None = None
        self._seven_bit: bytes | None = None

    async def prepare(self, *, now: float) -> None:
        """Sign the message as it was accepted."""
        self._ready = await self._signed(self._data, now=now)

    async def fit_for(self, extensions: Extensions, *, now: float) -> bytes:
        """The octets for a server. Raises `MessageNotSendable` for 8-bit text that cannot be converted."""
        assert self._ready is not None, "prepared before a host is tried"
        if self._data.isascii() or (
            extensions.has_eight_bit_mime and (extensions.has_smtp_utf8 or header_is_seven_bit(self._data))
        ):
            return self._ready
        if self._seven_bit is None:
            try:
                converted = to_seven_bit(self._data)
            except MessageError as error:
                raise MessageNotSendable(str(error), status="5.6.3") from error
            self._seven_bit = await self._signed(converted, now=now)
        return self._seven_bit

    async def _signed(self, data: bytes, *, now: float) -> bytes:
        return self._trace_field + await self._signing.sign(data, self._signers, now=now)
