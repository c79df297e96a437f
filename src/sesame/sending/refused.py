"""What is kept of a send that did not come about, so that both sides can read why, and what the log says of it.

A failure is what was wrong before anything was decided; a refusal has a decision, and is explained from it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from sesame.access.causes.failures import MOST_CALLS_A_MINUTE, Failures, as_refusal, failure_of
from sesame.access.causes.find import cause_in_log
from sesame.access.changes import Changes
from sesame.access.identity_names import InvalidIdentityArn
from sesame.access.per_minute import PerMinute
from sesame.access.record import (
    as_call,
    explainable_text,
    further_owners,
    owner_concerned,
    reason,
    without_recipients,
)
from sesame.access.refusals import Refusals
from sesame.access.sends import DoesNotAlign, SendDecision, SendRequest
from sesame.db import Store, Transaction
from sesame.errors import ConfigurationSetDoesNotExist, ServiceError, Throttling
from sesame.mail.address import AddressError
from sesame.mail.header import MessageError
from sesame.metrics import Metrics
from sesame.model import Caller
from sesame.observe import Log
from sesame.sending.request_form import (
    form_of,
    from_address,
    header_slip,
    return_path_address,
    source_address,
    unreadable_address,
)
from sesame.sending.submission import Submission
from sesame.store.decisions import Refusal


def failure_facts(submission: Submission, failure: ServiceError) -> dict[str, object]:
    """What the client wrote that explains a failure before a decision."""
    form = form_of(submission)
    facts: dict[str, object] = {"door": form.door, "named": form.named, "odd": form.odd}
    if isinstance(failure.__cause__, AddressError) and (found := unreadable_address(submission)):
        facts["unreadable"], facts["unreadable_in"] = found
    if isinstance(failure.__cause__, MessageError) and (slip := header_slip(submission)):
        facts["slip"] = slip
    is_about_from = isinstance(failure, DoesNotAlign | InvalidIdentityArn | ConfigurationSetDoesNotExist)
    if is_about_from and (found_from := from_address(submission)):
        facts["from_address"], facts["source"] = found_from, source_address(submission)
    if is_about_from and (return_path := return_path_address(submission)):
        facts["return_path"] = return_path
    return facts


Deciding = Callable[[], Awaitable[tuple[SendRequest, SendDecision] | None]]


class RefusedSends:
    """Keeps each failure and refusal once; one for each process that sends. `changes` has the audit log.

    An owner's decisions list at most `MOST_CALLS_A_MINUTE` refusals a minute of each other account, so that nobody
    fills them by naming its identities; all are counted for it, and kept for whoever was refused.
    """

    def __init__(self, store: Store, changes: Changes, log: Log, metrics: Metrics) -> None:
        self._refusals = Refusals(store)
        self._failures = Failures(store)
        self._changes = changes
        self._log = log
        self._metrics = metrics
        self._listed = PerMinute()

    async def record_failure(
        self,
        caller: Caller,
        submission: Submission,
        failure: ServiceError,
        decide: Deciding | None = None,
    ) -> None:
        """Keep what failed before a decision, with what the client wrote; nothing that has been kept already.

        `decide` says what would be decided once that is mended; it is asked for as many as are kept.
        """
        if failure.is_kept:
            return
        facts = failure_facts(submission, failure)
        if decide is not None:
            await self._record_with_decision(caller, submission, failure, facts, decide)
            return
        kept = await self._failures.keep_of(caller, failure, submission.action, facts)
        if kept is not None:
            self._log_refusal(caller, kept)

    async def record_refusal(
        self,
        caller: Caller,
        submission: Submission,
        request: SendRequest,
        decision: SendDecision,
        refusal: ServiceError,
    ) -> None:
        """Keep what was decided against a send: in the log, in the audit log, and where causes are found from it."""
        owner = owner_concerned(caller, decision, refusal.facts)
        further = further_owners(caller, decision, refusal.facts, owner)
        record = Refusal(
            request_id=caller.request_id,
            account_id=caller.principal.account_id,
            owner_account_id=owner,
            region=caller.region,
            at=caller.at,
            code=refusal.code,
            reason=reason(decision) or refusal.message,
            decision=explainable_text(
                caller,
                request,
                decision,
                form=form_of(submission),
                digest=self._refusals.digest,
                facts=refusal.facts,
            ),
            further_owners=further,
            unlisted=self._unlisted(caller, (owner, *further)),
        )
        self._log_refusal(caller, record)

        async def audit(tx: Transaction) -> None:
            if not isinstance(refusal, Throttling):  # not a decision, and as frequent as sends may be
                called = as_call(caller, request, decision)
                noted = without_recipients(request, decision, refusal)
                await self._changes.note_refusal(tx, called, noted)

        await self._refusals.keep(record, decision, in_same_transaction=audit)
        refusal.is_kept = True

    async def _record_with_decision(
        self,
        caller: Caller,
        submission: Submission,
        failure: ServiceError,
        facts: Mapping[str, object],
        decide: Deciding,
    ) -> None:
        """Keep a failure with what policies say of the message: for the owner of an identity too, its own half."""
        failed = failure_of(caller, failure, submission.action, facts)
        failure.is_kept = True
        record = as_refusal(failed)
        if not self._failures.may_keep(failed):
            self._log_refusal(caller, record)
            return
        decided = await decide()
        if decided is None:  # something else is wrong too, of which nothing is decided
            self._log_refusal(caller, record)
            await self._failures.put(record)
            return
        request, decision = decided
        owner = owner_concerned(caller, decision)
        further = further_owners(caller, decision, {}, owner)
        record = replace(
            record,
            owner_account_id=owner,
            decision=explainable_text(
                caller,
                request,
                decision,
                form=form_of(submission),
                digest=self._refusals.digest,
                failed={"error": failed.error, **failed.facts},
            ),
            further_owners=further,
            is_send=True,
            unlisted=self._unlisted(caller, (owner, *further)),
        )
        self._log_refusal(caller, record)
        await self._refusals.keep(record, decision)

    def _unlisted(self, caller: Caller, owners: Sequence[str | None]) -> frozenset[str]:
        """The owners that have had enough of this account's refusals in this minute, whether they are there or not."""
        account_id = caller.principal.account_id
        unlisted = frozenset(
            owner
            for owner in owners
            if owner is not None
            and owner != account_id
            and not self._listed.admits((account_id, owner), caller.at, most=MOST_CALLS_A_MINUTE)
        )
        self._metrics.refusals_unlisted.inc(len(unlisted))
        return unlisted

    def _log_refusal(self, caller: Caller, refusal: Refusal) -> None:
        self._log.event(
            "send_refused",
            request_id=refusal.request_id,
            account_id=refusal.account_id,
            principal=caller.principal.arn,
            region=refusal.region,
            code=refusal.code,
            reason=refusal.reason,
            cause=cause_in_log(refusal),
            why=f"sesame why {refusal.request_id}",
        )
