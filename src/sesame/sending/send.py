"""The send: compose, authorize, admit, accept. Reads like `docs/design.md`'s way of a message.

INVARIANT I1: `Sender.send` returns a message id only after the durable commit.
INVARIANT I4: a decision that rests on anything that has changed is taken again, whether it allows or
refuses; the accept transaction compares the epochs under the write lock.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import suppress

import msgspec

from sesame.access.authorize import SendAuthorizer, access_denied
from sesame.access.pace import Pace
from sesame.access.principals import Credential
from sesame.access.record import RequestForm, decision_text
from sesame.access.sends import SendDecision, SendRequest
from sesame.db import Store
from sesame.errors import (
    AccountSendingPaused,
    InsufficientStorage,
    MailFromDomainNotVerified,
    MessageRejected,
    ServiceError,
    ServiceUnavailable,
    Throttling,
    Unavailable,
)
from sesame.metrics import Metrics
from sesame.model import Caller, MessageId, PrincipalKind
from sesame.observe import Clock
from sesame.sending.accept import Acceptance, StaleDecision, TransactionStep, accept, accept_one
from sesame.sending.compose import Composed, Stamp, compose
from sesame.sending.configuration_set import in_force
from sesame.sending.refused import RefusedSends
from sesame.sending.request_form import form_of
from sesame.sending.room import Room
from sesame.sending.submission import RawContent, SimpleContent, Submission, TemplateContent
from sesame.sending.used_up import used_up
from sesame.spool import pieces
from sesame.spool.pieces import Staging
from sesame.spool.put import SpooledMessage
from sesame.store import configuration_sets
from sesame.store.delegate_bounds import Amount
from sesame.store.events import Stage

LARGE_BYTES = 256 * 1024
"""Messages above this are read and written on threads, so that one of them does not hold up the rest."""

MAX_DECISIONS = 8
"""How often a send is decided again while policies keep changing under it."""


PAUSED = "Account sending is disabled."
NO_ROOM = "The service has no room for another message. Try again later."


class SenderNotVerified(MessageRejected):
    """It is a sender that is not verified, not only a recipient of an account in the sandbox."""


class DryRun(msgspec.Struct, frozen=True, kw_only=True):
    """What a send would come to: what policy is asked, its decision, and the refusal that the client would get."""

    request: SendRequest
    form: RequestForm
    decision: SendDecision
    refusal: ServiceError | None


class Sender:
    """Accepts submissions into the spool.

    `new_id` makes message ids for a time and region, `random_hex` MIME boundaries, `accepted` is called with each
    message once it is accepted, `recorded` with a stage at which events wait now (hints; nothing depends on
    them), `refused` keeps what is refused, `pace` says when that is answered, `steady` is delivery's clock, `large` is
    where large messages are read. `streams_events`: the operator is notified of every message.
    """

    def __init__(
        self,
        store: Store,
        authorizer: SendAuthorizer,
        *,
        clock: Clock,
        refused: RefusedSends,
        metrics: Metrics,
        executor: Executor,
        large: Executor,
        new_id: Callable[[float, str], MessageId],
        random_hex: Callable[[int], str],
        message_id_domain: str,
        accepted: Callable[[SpooledMessage], None],
        recorded: Callable[[Stage], None],
        pace: Pace,
        steady: Clock,
        room: Room,
        heeds_global_list: bool = False,
        streams_events: bool = False,
    ) -> None:
        self._store = store
        self._refused = refused
        self._pace = pace
        self._authorizer = authorizer
        self._clock = clock
        self._metrics = metrics
        self._executor = executor
        self._large = large
        self._staging = Staging(store)
        self._new_id = new_id
        self._random_hex = random_hex
        self._message_id_domain = message_id_domain
        self._accepted = accepted
        self._recorded = recorded
        self._steady = steady
        self._room = room
        self._heeds_global_list = heeds_global_list
        self._streams_events = streams_events

    async def send(
        self, caller: Caller, submission: Submission, *, in_same_transaction: TransactionStep | None = None
    ) -> MessageId:
        """Accept a submission, durably, or raise the `ServiceError` that says why not.

        `in_same_transaction` is run in the accept transaction, last.
        """
        try:
            return await self._send(caller, submission, in_same_transaction)
        except ServiceError as failure:
            await self._refused.record_failure(caller, submission, failure)
            raise

    async def _send(
        self, caller: Caller, submission: Submission, in_same_transaction: TransactionStep | None
    ) -> MessageId:
        started = self._clock.monotonic()
        began = self._pace.begin()
        if not self._room.is_there():
            raise InsufficientStorage(NO_ROOM)
        await self._check_not_paused(caller, submission, began)
        message_id = self._new_id(caller.at, caller.region)
        composed = await self._composed(caller, submission, message_id)
        for _ in range(MAX_DECISIONS):
            deciding = self._clock.monotonic()
            try:
                decision = await self._decide(caller, composed)
            except ServiceError:
                await self._check_set_first(caller, composed, began)
                raise
            self._metrics.decide_duration.observe(self._clock.monotonic() - deciding)
            try:
                self._admit(caller, composed, decision)
                stored = await self._accept(caller, message_id, composed, decision, in_same_transaction)
            except StaleDecision:
                self._authorizer.forget(decision)
                continue
            except ServiceError as refusal:
                if await self._authorizer.is_stale(decision):
                    continue
                await self._check_set_of(caller, submission, composed, decision, began)
                self._metrics.decisions.labels("refused", refusal.code).inc()
                await self._add_used_up(caller, composed, decision, refusal)
                await self._refused.record_refusal(caller, submission, composed.request, decision, refusal)
                await self._pace.hold(began)
                raise
            self._metrics.decisions.labels("allowed", "").inc()
            self._metrics.accept_duration.observe(self._clock.monotonic() - started)
            if composed.failure is None:
                self._metrics.messages.labels("accepted").inc(len(composed.request.recipients))
            self._accepted(stored)
            for stage in stored.stages:
                self._recorded(stage)
            return message_id
        raise ServiceUnavailable("policies change faster than this message can be decided; try again")

    async def dry_run(
        self, caller: Caller, submission: Submission, credential: Callable[[], Awaitable[Credential]]
    ) -> DryRun:
        """What a send with that credential would come to now; nothing is counted, kept or sent.

        It is read anew when it has changed meanwhile. Quota and rate are not asked. Raises the `ServiceError` of what
        fails before anything is decided.
        """
        message_id = self._new_id(self._clock.now(), caller.region)
        composed = await self._composed(caller, submission, message_id)
        for _ in range(MAX_DECISIONS):
            decision = await self._authorizer.decide_send(
                caller,
                composed.request,
                with_default_set=composed.configuration_set is None,
                as_if=await credential(),
            )
            if await self._authorizer.is_stale(decision):
                self._authorizer.forget(decision)
                continue
            refusal: ServiceError | None = None
            # Raised: of a send, too, a set that was named is reported before what was decided.
            await self._check_set(caller, composed)
            try:
                self._admit(caller, composed, decision)
                await self._check_default(caller, composed, decision)
            except ServiceError as error:
                refusal = error
            return DryRun(
                request=composed.request, form=form_of(submission), decision=decision, refusal=refusal
            )
        raise ServiceUnavailable("policies change faster than this can be decided; try again")

    async def _check_not_paused(self, caller: Caller, submission: Submission, began: float) -> None:
        """Report a pause before anything else that is wrong; what holds is decided with the rest."""
        account = await self._authorizer.account_state(caller)
        if account.sending_enabled or (await self._authorizer.fresh_account_state(caller)).sending_enabled:
            return
        paused = AccountSendingPaused(PAUSED)
        await self._refused.record_failure(
            caller, submission, paused, lambda: self._if_not_paused(caller, submission)
        )
        await self._pace.hold(began)
        raise paused

    async def _if_not_paused(
        self, caller: Caller, submission: Submission
    ) -> tuple[SendRequest, SendDecision] | None:
        """What would be decided on a message of a paused account; None where something else is wrong first."""
        try:
            composed = await self._composed(caller, submission, self._new_id(caller.at, caller.region))
            for _ in range(MAX_DECISIONS):
                decision = await self._decide(caller, composed)
                if not await self._authorizer.is_stale(decision):
                    return composed.request, decision
                self._authorizer.forget(decision)
        except ServiceError:
            pass
        return None

    async def _check_set_of(
        self,
        caller: Caller,
        submission: Submission,
        composed: Composed,
        decision: SendDecision,
        began: float,
    ) -> None:
        """Of what was refused: a set that is missing or paused, with what was decided beside that."""

        async def decided() -> tuple[SendRequest, SendDecision]:
            return composed.request, decision

        try:
            await self._check_set(caller, composed)
        except ServiceError as failure:
            await self._refused.record_failure(caller, submission, failure, decided)
            await self._pace.hold(began)
            raise

    async def _add_used_up(
        self, caller: Caller, composed: Composed, decision: SendDecision, refusal: ServiceError
    ) -> None:
        """Let a refusal say what else would refuse the message once that is mended."""
        if isinstance(refusal, Throttling):
            return
        recipients = composed.request.recipients
        to_quota = sum(not self._authorizer.is_simulator(address) for address in recipients)
        amount = Amount(1, len(recipients), len(composed.data))
        place = caller.principal.account_id, caller.region
        found = await self._store.read(
            lambda tx: used_up(tx, place, decision, amount, to_quota=to_quota, at=caller.at)
        )
        if found:
            refusal.facts = {**refusal.facts, "then": found}

    async def _composed(self, caller: Caller, submission: Submission, message_id: MessageId) -> Composed:
        """The message, with the configuration set that it names among what must be allowed."""
        composed = await self._compose(submission, message_id, caller.at)
        name = composed.configuration_set
        return composed if name is None else _with_set(caller, composed, name)

    async def _compose(self, submission: Submission, message_id: MessageId, at: float) -> Composed:
        stamp = Stamp(
            message_id=message_id,
            message_id_field=f"<{message_id}@{self._message_id_domain}>",
            at=at,
            new_boundary=lambda: f"----=_Part_{self._random_hex(12)}",
        )
        if _is_much_work(submission.content):
            is_template = isinstance(submission.content, TemplateContent)
            executor = self._executor if is_template else self._large
            return await asyncio.get_running_loop().run_in_executor(executor, compose, submission, stamp)
        return compose(submission, stamp)

    async def _check_set(self, caller: Caller, composed: Composed) -> None:
        """Of what is refused: a configuration set that is missing or paused is reported before all else.

        Looked up then and not before each decision, since accepting looks it up in any case.
        """
        name = composed.configuration_set
        if name is None:
            return
        account_id, region = caller.principal.account_id, caller.region
        found = await self._store.read(lambda tx: configuration_sets.get(tx, account_id, region, name))
        in_force(found, name, is_default=False)

    async def _check_set_first(self, caller: Caller, composed: Composed, began: float) -> None:
        """The same, answered at a step like every refusal after a decision."""
        try:
            await self._check_set(caller, composed)
        except ServiceError:
            await self._pace.hold(began)
            raise

    async def _check_default(self, caller: Caller, composed: Composed, decision: SendDecision) -> None:
        """The identity's default set, which accepting looks up."""
        name = decision.default_configuration_set
        if composed.configuration_set is not None or name is None:
            return
        place = caller.principal.account_id, caller.region
        in_force(
            await self._store.read(lambda tx: configuration_sets.get(tx, *place, name)), name, is_default=True
        )

    async def _decide(self, caller: Caller, composed: Composed) -> SendDecision:
        """The decision, in which the identity's default configuration set counts like one that was named.

        But not for services: they have no policies of their own that could let them.
        """
        is_service = caller.principal.kind is PrincipalKind.SERVICE
        return await self._authorizer.decide_send(
            caller, composed.request, with_default_set=composed.configuration_set is None and not is_service
        )

    @staticmethod
    def _admit(caller: Caller, composed: Composed, decision: SendDecision) -> None:
        """Authorisation first, then verification: what SES reports when both fail is not known."""
        if not decision.sending_enabled:
            raise AccountSendingPaused(PAUSED)
        denied = decision.denied
        if denied is not None:
            raise access_denied(caller, composed.request.action, denied)
        if decision.unverified:
            failed = ", ".join(decision.unverified)
            as_written = {sender.as_written for sender in composed.request.senders}
            rejected = SenderNotVerified if as_written.intersection(decision.unverified) else MessageRejected
            raise rejected(
                "Email address is not verified. The following identities failed the check in region"
                f" {caller.region.upper()}: {failed}"
            )
        if decision.is_without_mail_from:
            raise MailFromDomainNotVerified("Mail FROM domain is not verified.")

    async def _accept(
        self,
        caller: Caller,
        message_id: MessageId,
        composed: Composed,
        decision: SendDecision,
        in_same_transaction: TransactionStep | None,
    ) -> SpooledMessage:
        """ONE transaction: epochs compared, quota counted, message and recipients stored."""
        recipients = composed.request.recipients
        message = self._spooled(caller, message_id, composed, decision)
        simulated = [address for address in recipients if self._authorizer.is_simulator(address)]
        acceptance = Acceptance(
            message=message,
            epochs=decision.epochs,
            set_name=_set_used(composed, decision),
            is_default=composed.configuration_set is None,
            to_quota=len(recipients) - len(simulated),
            simulated=simulated,
            heeds_global_list=self._heeds_global_list,
            bounds=decision.counted_bounds,
        )
        if in_same_transaction is not None:
            is_large = len(composed.data) > LARGE_BYTES
            return await self._store.write(
                lambda tx: accept_one(tx, acceptance, in_same_transaction), is_long=is_large
            )
        if len(composed.data) > LARGE_BYTES and message.failure is None:
            return await self._accept_in_pieces(acceptance)
        return await self._store.write_together(accept, acceptance)

    def _spooled(
        self, caller: Caller, message_id: MessageId, composed: Composed, decision: SendDecision
    ) -> SpooledMessage:
        """What goes into the spool."""
        account_id = caller.principal.account_id
        is_published = _set_used(composed, decision) is not None or self._streams_events
        return SpooledMessage(
            message_id=message_id,
            account_id=account_id,
            owner_account_id=decision.owner_account_id,
            region=caller.region,
            identity=decision.identity,
            source=composed.source,
            return_path=composed.return_path,
            subject=composed.subject,
            tags=composed.tags,
            decision=decision_text(caller, composed.request, decision, operation=composed.operation),
            accepted_at=caller.at,
            queued_at=self._steady.now(),
            recipients=composed.request.recipients,
            data=composed.data,
            failure=composed.failure,
            source_as_written=composed.source_as_written,
            submitted=composed.submitted,
            lent=decision.lent_by(account_id, caller.region),
            tracking=composed.tracking,
            acceptance_stage=Stage.REACTED if is_published else Stage.PUBLISHED,
        )

    async def _accept_in_pieces(self, acceptance: Acceptance) -> SpooledMessage:
        """Accept a large message, most of which is written before; nothing of it stays if it is refused."""
        message = msgspec.structs.replace(acceptance.message, is_staged=True)
        is_accepted = False
        try:
            await self._staging.stage(message.message_id, message.data, at=message.accepted_at)
            stored = await self._store.write_together(
                accept, msgspec.structs.replace(acceptance, message=message)
            )
            is_accepted = True
            return stored
        finally:
            if not is_accepted:
                with suppress(Unavailable):  # what is left is nobody's, and goes when it is old
                    await pieces.drop(self._store, [message.message_id])


def _set_used(composed: Composed, decision: SendDecision) -> str | None:
    """The configuration set that it is sent with: the one that it names, else the From identity's."""
    return composed.configuration_set or decision.default_configuration_set


def _with_set(caller: Caller, composed: Composed, name: str) -> Composed:
    """The message with its configuration set among what must be allowed."""
    arn = configuration_sets.configuration_set_arn(caller.region, caller.principal.account_id, name)
    request = msgspec.structs.replace(composed.request, resources=(*composed.request.resources, arn))
    return msgspec.structs.replace(composed, request=request)


def _is_much_work(content: SimpleContent | RawContent | TemplateContent) -> bool:
    match content:
        case TemplateContent():  # how much it makes is known afterwards
            return True
        case RawContent():
            return len(content.data) > LARGE_BYTES
        case SimpleContent():
            texts = (text.data for text in (content.text, content.html) if text is not None)
            size = sum(map(len, texts)) + sum(len(attachment.data) for attachment in content.attachments)
            return size > LARGE_BYTES
