"""The send: compose, authorize, admit, accept. Reads like `docs/design.md`'s way of a message.

INVARIANT I1: `Sender.send` returns a message id only after the durable commit.
INVARIANT I4: a decision that rests on anything that has changed is taken again, whether it allows or
refuses; the accept transaction compares the epochs under the write lock.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace

from sesame.access.authorize import Authorizer, SendDecision, SendRequest, access_denied, is_simulator
from sesame.access.quota import Quota
from sesame.access.record import decision_json, owner_concerned, reason
from sesame.errors import (
    AccountSendingPaused,
    MailFromDomainNotVerified,
    MessageRejected,
    ServiceError,
    ServiceUnavailable,
    SesameError,
)
from sesame.model import Caller, MessageId, PrincipalKind
from sesame.observe import Clock, Log
from sesame.sending.compose import Composed, Stamp, compose
from sesame.sending.set_options import in_force, suppressed_among, with_options
from sesame.sending.submission import RawContent, SimpleContent, Submission, TemplateContent
from sesame.spool import spool
from sesame.store import configuration_sets, decisions
from sesame.store.db import Store, Transaction, epochs

LARGE_BYTES = 256 * 1024
"""Messages above this are read and written on threads, so that one of them does not hold up the rest."""

MAX_DECISIONS = 8
"""How often a send is decided again while policies keep changing under it."""


PAUSED = "Account sending is disabled."

Also = Callable[[Transaction], Awaitable[None]]
"""What is to become true with the acceptance of a message or not at all."""


class StaleDecision(SesameError):
    """What a decision rests on changed before it was accepted; decide again."""


class SenderNotVerified(MessageRejected):
    """It is a sender that is not verified, not only a recipient of an account in the sandbox."""


class Sender:
    """Accepts submissions into the spool.

    `new_id` makes message ids for a time, `random_hex` MIME boundaries, `accepted` is called after
    each acceptance (a hint for delivery; nothing depends on it).
    """

    def __init__(
        self,
        store: Store,
        authorizer: Authorizer,
        quota: Quota,
        *,
        clock: Clock,
        log: Log,
        executor: Executor,
        new_id: Callable[[float], MessageId],
        random_hex: Callable[[int], str],
        message_id_domain: str,
        accepted: Callable[[], None],
    ) -> None:
        self._store = store
        self._authorizer = authorizer
        self._quota = quota
        self._clock = clock
        self._log = log
        self._executor = executor
        self._new_id = new_id
        self._random_hex = random_hex
        self._message_id_domain = message_id_domain
        self._accepted = accepted

    async def send(self, caller: Caller, submission: Submission, *, also: Also | None = None) -> MessageId:
        """Accept a submission, durably, or raise the `ServiceError` that says why not.

        `also` is run in the accept transaction, last.
        """
        await self._check_not_paused(caller)
        message_id = self._new_id(caller.at)
        composed = await self._compose(submission, message_id, caller.at)
        if composed.configuration_set is not None:
            composed = await self._with_set(caller, composed, composed.configuration_set)
        for _ in range(MAX_DECISIONS):
            decision = await self._decide(caller, composed)
            try:
                self._admit(caller, composed, decision)
                await self._accept(caller, message_id, composed, decision, also)
            except StaleDecision:
                self._authorizer.forget(decision)
                continue
            except ServiceError as refusal:
                if await self._authorizer.is_stale(decision):
                    continue
                await self._keep_refusal(caller, composed.request, decision, refusal)
                raise
            self._accepted()
            return message_id
        raise ServiceUnavailable("policies change faster than this message can be decided; try again")

    async def _check_not_paused(self, caller: Caller) -> None:
        """Report a pause before anything else that is wrong; what holds is decided with the rest."""
        standing, _ = await self._authorizer.standing(caller)
        if not standing.sending_enabled:
            standing = await self._authorizer.fresh_standing(caller)
            if not standing.sending_enabled:
                raise AccountSendingPaused(PAUSED)

    async def _compose(self, submission: Submission, message_id: MessageId, at: float) -> Composed:
        stamp = Stamp(
            message_id_field=f"<{message_id}@{self._message_id_domain}>",
            at=at,
            new_boundary=lambda: f"----=_Part_{self._random_hex(12)}",
        )
        if _is_much_work(submission.content):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, compose, submission, stamp)
        return compose(submission, stamp)

    async def _with_set(self, caller: Caller, composed: Composed, name: str) -> Composed:
        """The message with its configuration set among what must be allowed; a missing one is told first."""
        account_id, region = caller.principal.account_id, caller.region

        async def run(tx: Transaction) -> None:
            await in_force(tx, account_id, region, name, is_default=False)

        await self._store.read(run)
        arn = configuration_sets.configuration_set_arn(region, account_id, name)
        request = replace(composed.request, resources=(*composed.request.resources, arn))
        return replace(composed, request=request)

    async def _decide(self, caller: Caller, composed: Composed) -> SendDecision:
        """The decision, in which the identity's default configuration set counts like one that was named.

        But not for services: they have no policies of their own that could let them.
        """
        decision = await self._authorizer.decide_send(caller, composed.request)
        asked = None
        is_service = caller.principal.kind is PrincipalKind.SERVICE
        while (
            not is_service
            and composed.configuration_set is None
            and decision.default_configuration_set != asked
        ):
            asked = decision.default_configuration_set
            if asked is None:
                break
            arn = configuration_sets.configuration_set_arn(caller.region, caller.principal.account_id, asked)
            with_default = replace(composed.request, resources=(*composed.request.resources, arn))
            decision = await self._authorizer.decide_send(caller, with_default)
        return decision

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
            shown = {sender.shown for sender in composed.request.senders}
            rejected = SenderNotVerified if shown.intersection(decision.unverified) else MessageRejected
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
        also: Also | None,
    ) -> None:
        """ONE transaction: epochs compared, quota counted, message and recipients stored."""
        recipients = composed.request.recipients
        account_id = caller.principal.account_id
        message = spool.SpooledMessage(
            message_id=message_id,
            account_id=account_id,
            owner_account_id=decision.owner_account_id,
            region=caller.region,
            identity=decision.identity,
            source=composed.source,
            return_path=composed.return_path,
            subject=composed.subject,
            tags=composed.tags,
            decision=decision_json(caller, composed.request, decision),
            accepted_at=caller.at,
            recipients=recipients,
            data=composed.data,
            failure=composed.failure,
        )
        set_name = composed.configuration_set or decision.default_configuration_set
        is_default = composed.configuration_set is None
        scopes, seen = tuple(decision.epochs), tuple(decision.epochs.values())

        async def run(tx: Transaction) -> None:
            if await epochs(tx, scopes) != seen:
                raise StaleDecision
            found = None
            if set_name is not None:
                found = await in_force(tx, account_id, caller.region, set_name, is_default=is_default)
            state = await self._quota.reserve(
                tx,
                account_id,
                caller.region,
                recipients=len(recipients),
                to_quota=_to_quota(recipients),
                now=caller.at,
            )
            suppressed = {}
            if state.suppressed:
                suppressed = await suppressed_among(tx, account_id, caller.region, recipients, found)
            if found is None and not suppressed:
                await spool.put(tx, message)
            else:
                await spool.put(tx, with_options(message, found, suppressed))
            if also is not None:
                await also(tx)

        await self._store.write(run, is_long=len(composed.data) > LARGE_BYTES)

    async def _keep_refusal(
        self, caller: Caller, request: SendRequest, decision: SendDecision, refusal: ServiceError
    ) -> None:
        """Tell both sides: the log, and the record that `sesame decisions` shows."""
        why = reason(decision) or refusal.message
        self._log.event(
            "send_refused",
            request_id=caller.request_id,
            account_id=caller.principal.account_id,
            principal=caller.principal.arn,
            region=caller.region,
            code=refusal.code,
            reason=why,
        )
        record = decisions.Refusal(
            request_id=caller.request_id,
            account_id=caller.principal.account_id,
            owner_account_id=owner_concerned(caller, decision),
            region=caller.region,
            at=caller.at,
            code=refusal.code,
            reason=why,
            decision=decision_json(caller, request, decision),
        )

        async def run(tx: Transaction) -> None:
            await decisions.put_refusal(tx, record)

        await self._store.write(run)


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


def _to_quota(recipients: Sequence[str]) -> int:
    return sum(not is_simulator(address) for address in recipients)
