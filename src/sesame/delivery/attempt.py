"""One attempt: hand one message to one MX for one recipient. Reads like the plan's paragraph."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

import msgspec

from sesame.delivery import outcome
from sesame.delivery.dial import SourceUnusable
from sesame.delivery.egress import NoSource, Sources, Taken
from sesame.delivery.memory import Memory
from sesame.delivery.pool import Pool
from sesame.delivery.route import Host, Route, Router, Unroutable
from sesame.delivery.session import HostRefused, Session
from sesame.delivery.settings import SettingsCache
from sesame.delivery.signing import LARGE_BYTES, Signing
from sesame.delivery.tls import TlsFailed
from sesame.delivery.tls_policy import TlsPolicy, Wishes
from sesame.delivery.tls_report import TlsResults
from sesame.dkim.sign import Signer
from sesame.errors import SesameError, StoreUnavailable, Unavailable
from sesame.mail.header import MessageError
from sesame.mail.seven_bit import header_is_seven_bit, to_seven_bit
from sesame.model import Outcome, OutcomeKind
from sesame.observe import Clock
from sesame.smtp.data import MailText
from sesame.smtp.dialogue import Dialogue
from sesame.smtp.errors import MessageDefect, MessageNotSendable, RemoteProtocolError, Stage
from sesame.smtp.extensions import Extensions
from sesame.spool.spool import Claim

MEMORY_BYTES = 64 * 1024 * 1024
"""Of large messages under way, where nothing else is said."""


MAX_CHOSEN = 500
"""Characters of why a host was chosen."""


class NoPlace(SesameError):
    """Each host of the route has all the connections that it may have; nothing was tried."""


class Place(Protocol):
    """What an attempt may have at one address at a time; see `lanes.Place`."""

    def routed(self, addresses: Sequence[str]) -> None:
        """Where mail for its domain goes now, nowhere if nobody can say."""

    def enter(self, address: str) -> bool:
        """Go to an address, from any other; False when that has no place left."""

    def leave(self) -> None:
        """Give the place at the address back, if there is one."""


class Asks(Protocol):
    """Asks whether a message may still be delivered; see `Authority.check`."""

    async def __call__(self, claim: Claim, *, asked_at: float | None = None) -> float:
        """When that was asked. Raises `NotAllowed`."""


class Deliverer:
    """Makes attempts.

    `body` reads a message's text; `return_path` gives the envelope sender for a message id, a recipient index and
    the domain that the identity's owner set up, or None for the default; `trace_field` the Received field that
    goes on top; `track` puts links of ours into a copy that is followed; `sources` chooses the address of ours
    (None: the machine does); `memory` is what large messages have together; `results` counts what TLS came to. An
    attempt begins nothing new after `attempt_s` seconds.
    `still_allowed` raises `NotAllowed` for what may not be delivered any more (`authority`).
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
        sources: Sources | None = None,
        body: Callable[[Claim], Awaitable[bytes]],
        return_path: Callable[[str, int, str | None], str],
        trace_field: Callable[[Claim], bytes] = lambda claim: b"",
        track: Callable[[Claim, bytes], Awaitable[bytes]] | None = None,
        results: TlsResults | None = None,
        memory: Memory | None = None,
        attempt_s: float = 900.0,
        still_allowed: Asks | None = None,
    ) -> None:
        self._router = router
        self._tls_policy = tls_policy
        self._pool = pool
        self._settings = settings
        self._signing = signing
        self._clock = clock
        self._sources = sources
        self._body = body
        self._return_path = return_path
        self._trace_field = trace_field
        self._track = track
        self._results = results
        self._memory = memory or Memory(MEMORY_BYTES)
        self._attempt_s = attempt_s
        self._still_allowed = still_allowed
        self._sending: dict[int, Session] = {}
        self._left_in_doubt: set[int] = set()

    def is_in_doubt(self, recipient_seq: int) -> bool:
        """Whether a server has the message of an attempt under way, or of one that was broken off, and has not said
        that it took it.
        """
        session = self._sending.get(recipient_seq)
        return recipient_seq in self._left_in_doubt or (session is not None and session.is_in_doubt)

    def is_transferring(self, recipient_seq: int) -> bool:
        """Whether a server is being given the message of an attempt under way, or has it and has not answered."""
        session = self._sending.get(recipient_seq)
        return session is not None and session.is_transferring

    async def refresh(self, claims: Sequence[Claim]) -> None:
        """Bring up to date what accounts have said of the addresses that their mail leaves from."""
        if self._sources is not None:
            await self._sources.refresh(claims)

    async def attempt(self, claim: Claim, place: Place) -> Outcome:
        """Find the hosts, sign, try one host after the other, each with the place that the attempt has there.

        What it raises is a fault of ours, of which no remote server is to be blamed: `NoPlace`, `NoMemory` and
        `OutOfResources` before anything was tried, `Damaged`, `StoreUnavailable`, and what nobody foresaw.
        `NotAllowed` comes before the server has heard of the message.
        """
        if claim.size_bytes <= LARGE_BYTES:
            return await self._attempt(claim, place)
        if not self._memory.has_room(claim.size_bytes, claim.domain):
            place.leave()  # others may go there while this one waits
        async with self._memory.hold(claim.size_bytes, claim.domain):
            return await self._attempt(claim, place)

    async def _attempt(self, claim: Claim, place: Place) -> Outcome:
        asked_at = None if self._still_allowed is None else await self._still_allowed(claim)
        until = asyncio.get_running_loop().time() + self._attempt_s
        try:
            route = await self._router.route(claim.domain)
            wishes = await self._tls_policy.wishes(route, requires_tls=claim.requires_tls)
        except StoreUnavailable:
            raise
        except (Unavailable, Unroutable) as error:
            place.routed(())
            return outcome.from_error(error, None)
        place.routed([host.address for host in route.hosts])
        message, mail_from = await self._signed(claim)
        message.asked_at = asked_at
        work = _Work(claim=claim, message=message, mail_from=mail_from, wishes=wishes, until=until)
        return await self._try_hosts(route, work, place)

    async def _signed(self, claim: Claim) -> "tuple[_Message, str]":
        """The message as it goes on the wire, and its envelope sender."""
        settings = await self._settings.of(claim)
        data = await self._body(claim)
        if self._track is not None:
            data = await self._track(claim, data)
        message = _Message(data, settings.signers, self._signing, trace_field=self._trace_field(claim))
        del data  # a large one is held once, as it goes on the wire
        await message.prepare(now=self._clock.now())
        if claim.is_from_nobody:
            return message, ""
        return message, self._return_path(claim.message_id, claim.recipient_index, settings.mail_from_domain)

    async def _try_hosts(self, route: Route, work: "_Work", place: Place) -> Outcome:
        """One host after the other, until one has taken the message or said that none will."""
        result: Outcome | None = None
        lacking: NoSource | None = None
        tried = _Tried(route)
        for host in route.hosts:
            if not place.enter(host.address):
                tried.add(host, None, "had all the connections that it may have")
                continue
            dialogue = Dialogue()
            try:
                demand = await self._tls_policy.demand(work.wishes, host)
                secured = host if host.tls == demand else msgspec.structs.replace(host, tls=demand)
                found, is_host_at_fault = await self._try_from(secured, work, dialogue)
            except NoSource as error:
                lacking = error
                tried.add(host, None, str(error))
                continue
            except TlsFailed as error:
                self._note(work.wishes, host, error)
                found, is_host_at_fault = outcome.from_error(error, host), True
            finally:
                place.leave()
            tried.add(host, found, found.diagnostic, dialogue)
            result = found if result is None or not is_host_at_fault else _better(result, found)
            if not is_host_at_fault or asyncio.get_running_loop().time() >= work.until:
                break
        if result is None and lacking is not None:
            return outcome.no_source(lacking)
        if result is None:
            raise NoPlace(f"all hosts of `{work.claim.domain}` have all the connections that they may have")
        return tried.explained(result)

    async def _try_from(self, host: Host, work: "_Work", dialogue: Dialogue) -> tuple[Outcome, bool]:
        """As `_try`, from an address of ours that can be used. Raises `NoSource`."""
        while True:
            taken = Taken()
            if self._sources is not None and not work.wishes.route.is_relay:
                taken = await self._sources.take(work.claim, host.address)
            try:
                from_it = (
                    host
                    if host.source == taken.source
                    else msgspec.structs.replace(host, source=taken.source)
                )
                found, is_host_at_fault = await self._try(from_it, work, dialogue)
            except SourceUnusable as error:
                assert self._sources is not None and taken.source is not None
                self._sources.give_back(taken)
                self._sources.unusable(taken.source, str(error))
                continue
            except BaseException:
                if self._sources is not None:
                    self._sources.give_back(taken)
                raise
            if taken.is_warming:
                assert self._sources is not None
                if found.source_ip is None:
                    self._sources.give_back(taken)
                else:
                    found = msgspec.structs.replace(found, is_warming=True)
            return found, is_host_at_fault

    async def _try(self, host: Host, work: "_Work", dialogue: Dialogue) -> tuple[Outcome, bool]:
        """The outcome at one host, and whether another host may do better."""
        is_fresh = False
        while True:
            try:
                async with asyncio.timeout_at(work.until):
                    session = await self._pool.borrow(host, is_fresh=is_fresh, dialogue=dialogue)
            except HostRefused as error:
                return outcome.refused(error.reply, host, stage=error.stage), True
            except (OSError, TlsFailed, RemoteProtocolError) as error:
                if isinstance(error, TlsFailed):
                    self._note(work.wishes, host, error)
                return outcome.from_error(error, host), True
            was_kept = session.messages > 0
            if not was_kept:
                self._note(work.wishes, host, _shortfall(session))
            try:
                return await self._send(session, host, work)
            except (OSError, RemoteProtocolError) as error:
                failed = msgspec.structs.replace(outcome.from_error(error, host), source_ip=session.source_ip)
                if was_kept and not is_fresh and _was_left(error):
                    is_fresh = True
                    continue
                return failed, not failed.ambiguous

    async def _send(self, session: Session, host: Host, work: "_Work") -> tuple[Outcome, bool]:
        """Hand the message over on a connection, which goes back to the pool."""
        claim, message = work.claim, work.message
        timer = asyncio.get_running_loop().call_at(work.until, session.overdue)
        self._sending[claim.recipient_seq] = session
        self._left_in_doubt.discard(claim.recipient_seq)
        was_kept = session.messages > 0
        try:
            data = await message.fit_for(session.extensions, now=self._clock.now())
            if self._still_allowed is not None:  # it may have taken minutes to get here
                message.asked_at = await self._still_allowed(claim, asked_at=message.asked_at)
            result = await session.send(work.mail_from, claim.address, data)
        except MessageDefect:
            raise
        except asyncio.CancelledError:
            if session.was_in_doubt:
                self._left_in_doubt.add(claim.recipient_seq)
            raise
        except MessageNotSendable as error:
            # Too large for this one, or 8-bit and not to be converted: another host may take it.
            return msgspec.structs.replace(outcome.from_error(error, host), source_ip=session.source_ip), True
        finally:
            timer.cancel()
            del self._sending[claim.recipient_seq]
            self._pool.give_back(session)
        if was_kept and result.reply.code == 421 and result.stage is not Stage.BODY:
            raise RemoteProtocolError(f"closed: {result.reply.diagnostic}", stage=Stage.IDLE)
        decided = outcome.from_result(
            result, host, tls=session.tls, verdict=session.verdict, source_ip=session.source_ip
        )
        # A server that is busy, or keeps strangers waiting, is not a verdict of the domain's other hosts.
        may_be_better = decided.kind is OutcomeKind.TRANSIENT and result.stage is not Stage.BODY
        return decided, may_be_better

    def _note(self, wishes: Wishes, host: Host, failure: TlsFailed | None) -> None:
        """Count a session, or the attempt at one, for the domain's report."""
        if self._results is None:
            return
        if wishes.sts.failure is not None:
            self._results.failed(wishes, host, host.tls, wishes.sts.failure)
        if failure is None:
            self._results.succeeded(wishes, host, host.tls)
        else:
            self._results.failed(wishes, host, host.tls, failure)


class _Work(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt has for each host: the message for one recipient, and until when (by the loop) it may begin."""

    claim: Claim
    message: "_Message"
    mail_from: str
    wishes: Wishes
    until: float


class _Tried:
    """The hosts of one attempt, in the order in which they were come to, and what became of it at each."""

    __slots__ = ("_route", "_tried")

    def __init__(self, route: Route) -> None:
        self._route = route
        self._tried: list[tuple[Host, Outcome | None, str, Dialogue | None]] = []

    def add(self, host: Host, found: Outcome | None, said: str, dialogue: Dialogue | None = None) -> None:
        """A host with its outcome, or None and why it was passed over."""
        self._tried.append((host, found, said, dialogue))

    def explained(self, result: Outcome) -> Outcome:
        """The outcome that counts, with why it is that host's and, unless it is a delivery, what was said there."""
        at = next(k for k, one in enumerate(self._tried) if one[1] is result)
        host, _, _, dialogue = self._tried[at]
        chosen = self._why(host)
        for words, others in (("before it", self._tried[:at]), ("after it", self._tried[at + 1 :])):
            chosen += "".join(f"; {words} {self._short(one)}" for one in others)
        said = None
        if dialogue is not None and result.kind is not OutcomeKind.DELIVERED:
            said = dialogue.text() or None
        return msgspec.structs.replace(result, chosen=chosen[:MAX_CHOSEN] or None, dialogue=said)

    def _why(self, host: Host) -> str:
        why = self._route.why
        return why[self._route.hosts.index(host)] if why else ""

    def _short(self, one: tuple[Host, Outcome | None, str, Dialogue | None]) -> str:
        host, _, said, _ = one
        where = f"{host.name} [{host.address}]"
        return f"{where} ({self._why(host)}): {said[:100]}" if self._route.why else f"{where}: {said[:100]}"


def _shortfall(session: Session) -> TlsFailed | None:
    """What a session that may be used lacks all the same."""
    if session.tls is None and session.tls_failure is None:
        return TlsFailed("starttls-not-supported", f"`{session.host.name}` offers no TLS")
    return session.tls_failure


def _better(one: Outcome, other: Outcome) -> Outcome:
    """Which of two hosts' answers counts: that there may be a way before that there is none, words before silence."""
    if one.kind is not other.kind:
        return one if one.kind is OutcomeKind.TRANSIENT else other
    return one if other.is_unreachable and not one.is_unreachable else other


def _was_left(error: Exception) -> bool:
    """The peer closed a kept connection before it knew of the message."""
    return isinstance(error, RemoteProtocolError) and error.stage in (Stage.RESET, Stage.MAIL, Stage.IDLE)


class _Message:
    """What goes on the wire, signed; converted for servers that need it, and signed again then."""

    def __init__(
        self, data: bytes, signers: Sequence[Signer], signing: Signing, *, trace_field: bytes
    ) -> None:
        self._data = data
        self._is_ascii = data.isascii()
        self._signers = signers
        self._signing = signing
        self._trace_field = trace_field
        self._ready: bytes | MailText | None = None
        self.asked_at: float | None = None
        """When it was asked whether the message is still allowed."""
        self._seven_bit: bytes | MailText | None = None

    async def prepare(self, *, now: float) -> None:
        """Sign the message as it was accepted."""
        self._ready = await self._signed(self._data, now=now)
        if self._is_ascii:  # it will not have to be converted
            self._data = b""

    async def fit_for(self, extensions: Extensions, *, now: float) -> bytes | MailText:
        """The octets for a server. Raises `MessageNotSendable` for 8-bit text that cannot be converted."""
        assert self._ready is not None, "prepared before a host is tried"
        if self._is_ascii or (
            extensions.has_eight_bit_mime and (extensions.has_smtp_utf8 or header_is_seven_bit(self._data))
        ):
            return self._ready
        if self._seven_bit is None:
            try:
                converted = await self._converted()
            except MessageError as error:
                raise MessageNotSendable(str(error), status="5.6.3") from error
            self._seven_bit = await self._signed(converted, now=now)
        return self._seven_bit

    async def _converted(self) -> bytes:
        if len(self._data) <= LARGE_BYTES:
            return to_seven_bit(self._data)
        return await self._signing.apart(partial(to_seven_bit, self._data))

    async def _signed(self, data: bytes, *, now: float) -> bytes | MailText:
        trace_field, signers = self._trace_field, self._signers
        if len(data) > LARGE_BYTES:
            return await self._signing.large_text(data, signers, trace_field=trace_field, now=now)
        return trace_field + await self._signing.sign(data, signers, now=now)
