"""One attempt: hand one message to one MX for one recipient. Reads like the plan's paragraph."""

from collections.abc import Callable
from dataclasses import replace

from sesame.delivery import outcome
from sesame.delivery.pool import Pool
from sesame.delivery.route import Host, Router
from sesame.delivery.session import HostRefused
from sesame.delivery.settings import SettingsCache
from sesame.delivery.signing import Signing
from sesame.delivery.tls import TlsFailed
from sesame.delivery.tls_policy import TlsPolicy
from sesame.errors import SesameError
from sesame.model import Outcome, OutcomeKind
from sesame.observe import Clock
from sesame.smtp.errors import MessageNotSendable, RemoteProtocolError
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
        """Find the hosts, sign, try one host after the other; never raises but on cancellation."""
        try:
            route = await self._router.route(claim.address.rpartition("@")[2].lower())
            wishes = await self._tls_policy.wishes(route, requires_tls=claim.requires_tls)
            settings = await self._settings.of(claim)
            signed = await self._signing.sign(claim.data, settings.signers, now=self._clock.now())
        except SesameError as error:
            return outcome.from_error(error, None)
        mail_from = self._return_path(claim.message_id, claim.recipient_index, settings.mail_from_domain)
        message = self._trace_field(claim) + signed
        result: Outcome | None = None
        for host in route.hosts:
            try:
                demand = await self._tls_policy.demand(wishes, host)
            except TlsFailed as error:
                result = outcome.from_error(error, host)
                continue
            result, is_host_at_fault = await self._try(
                replace(host, tls=demand), mail_from, claim.address, message
            )
            if not is_host_at_fault:
                break
        assert result is not None, "a route has at least one host"
        return result

    async def _try(self, host: Host, mail_from: str, recipient: str, message: bytes) -> tuple[Outcome, bool]:
        """The outcome at one host, and whether another host may do better."""
        try:
            session = await self._pool.borrow(host)
        except HostRefused as error:
            return outcome.refused(error.reply, host, stage=error.stage), True
        except (OSError, SesameError) as error:
            return outcome.from_error(error, host), True
        try:
            result = await session.send(mail_from, recipient, message)
        except MessageNotSendable as error:
            return outcome.from_error(error, host), False
        except (OSError, RemoteProtocolError) as error:
            failed = outcome.from_error(error, host)
            return failed, not failed.ambiguous
        finally:
            await self._pool.give_back(session)
        decided = outcome.from_result(result, host, tls=session.tls, verdict=session.verdict)
        # A busy server (421, or 4yz before the body) is no verdict of the domain's other hosts.
        return decided, decided.kind is OutcomeKind.TRANSIENT and result.reply.code == 421
