"""Would this be allowed? A send that is asked about and not made, by the engine that decides sends.

An account asks about its own principals: what is answered is what a send of theirs would be told, with its own policies
in full. The owner of an identity asks about anybody: its own half alone is decided and shown, with the other side
taken to allow it. INVARIANT (I9): of another account nothing is told but what the asker's own policies are bound to
and which of its identities name the asker, and an answer comes at an even step of time, however much stands behind it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sesame.access import conditions
from sesame.access.causes.around import Around, look_around
from sesame.access.causes.decision_json import reader_of, render
from sesame.access.causes.failures import as_refusal, failure_of
from sesame.access.causes.tried import Tried, tries
from sesame.access.checks import Target, ask_policies
from sesame.access.compiled import compiled_policies
from sesame.access.directory import Directory
from sesame.access.identity_names import IdentityArn, parse_identity_arn
from sesame.access.pace import Pace
from sesame.access.permission import Authorizer
from sesame.access.principals import Credential
from sesame.access.record import RequestForm, explainable_text
from sesame.access.refusals import rests_on
from sesame.access.sends import SendDecision, SenderAddress, SendRequest, keys_of
from sesame.db import Store, Transaction, identities_scope
from sesame.errors import InvalidParameterValue, ServiceError
from sesame.mail.address import AddressError, identity_candidates, parse_mailbox
from sesame.model import Caller
from sesame.observe import Clock
from sesame.operations.asking.case import case_of
from sesame.operations.asking.principals import AskedPrincipals
from sesame.operations.asking.question import DOORS, TEMPLATED, Question, caller_of, submission_of
from sesame.operations.decision_views import DecisionView, view
from sesame.operations.policy_editing import READ
from sesame.operations.templates import TemplateMissing
from sesame.policy import Requester
from sesame.policy.cases import CaseError, read_requester
from sesame.policy.reasons.cause import Reader
from sesame.sending.refused import failure_facts
from sesame.sending.send import DryRun, Sender
from sesame.sending.submission import Submission
from sesame.store import templates
from sesame.store.decisions import DecisionRecord, whole

ACTION = "iam:SimulatePrincipalPolicy"
"""The leave to ask about a principal of one's own; of an identity of one's own it is that to read its policies."""

ALLOW_ALL = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'

_SERVICE = re.compile(r"(?=.{3,128}\Z)[a-z0-9-]+(\.[a-z0-9-]+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What it would come to, as the asker may see it."""

    allowed: bool
    code: str
    """What the client would get; empty for what would be accepted."""
    message: str
    is_owners: bool
    """Whether it is the owner's half alone."""
    record: DecisionRecord
    decision: DecisionView
    causes: tuple[Mapping[str, Any], ...]
    case: Mapping[str, Any] | None
    """The same as a case of `sesame policy test`: the half that the asker may see; None where no policy was asked."""
    identity: str
    """The asker's identity that it is about, or empty."""


class AskWhy:
    """Asks; nothing is stored. `pace` says when it is answered."""

    def __init__(
        self,
        store: Store,
        directory: Directory,
        authorizer: Authorizer,
        sender: Sender,
        *,
        pace: Pace,
        clock: Clock,
    ) -> None:
        self._store = store
        self._directory = directory
        self._authorizer = authorizer
        self._sender = sender
        self._pace = pace
        self._principals = AskedPrincipals(store, directory, clock)
        self._other_side = compiled_policies([("", ALLOW_ALL)], kind="iam")

    async def ask(self, caller: Caller, question: Question) -> Answer:
        """The answer. Raises `AccessDenied`, and the `ServiceError` of what cannot be asked."""
        began = self._pace.begin()
        try:
            try:
                requester = read_requester(question.who)
            except CaseError as error:
                raise InvalidParameterValue(str(error)) from None
            is_service = requester.kind == "service" and _SERVICE.fullmatch(requester.arn) is not None
            if requester.kind not in ("root", "user", "role") and not is_service:
                raise InvalidParameterValue(
                    "Ask about an account, a user, a role or a service: 12 digits, an ARN of IAM or STS, a host name."
                )
            if question.template and question.door not in TEMPLATED:
                raise InvalidParameterValue("A template is named for what is sent with one alone.")
            if requester.account_id == caller.principal.account_id:
                return await self._own(caller, question, requester)
            return await self._as_owner(caller, question, requester)
        finally:
            await self._pace.hold(began)

    async def _own(self, caller: Caller, question: Question, requester: Requester) -> Answer:
        await self._authorizer.require(caller, ACTION, requester.role_arn or requester.arn)
        principal, load = await self._principals.own(requester)
        asked_as = caller_of(caller, principal, question)
        try:
            submission = submission_of(question, caller)
        except ServiceError as error:
            return _undecided(asked_as, question, error)  # it is no send
        try:
            await self._check_template(caller, question)
            dry_run = await self._sender.dry_run(asked_as, submission, load)
        except ServiceError as error:
            causes = await self._causes_of(asked_as, submission, error)
            return replace(_undecided(asked_as, question, error), causes=causes)
        return await self._answer(caller, asked_as, dry_run, is_owners=False)

    async def _causes_of(
        self, asked_as: Caller, submission: Submission, error: ServiceError
    ) -> tuple[Mapping[str, Any], ...]:
        """Why it failed before a decision, as it would be kept of a send."""
        failure = failure_of(asked_as, error, submission.action, failure_facts(submission, error))
        kept = as_refusal(failure)
        record = DecisionRecord(
            at=kept.at,
            account_id=kept.account_id,
            owner_account_id=None,
            region=kept.region,
            message_id=None,
            code=kept.code,
            reason=kept.reason,
            decision=whole(kept.decision.own, kept.decision.shared),
        )
        return await self._explained(record, None, reader_of(record, kept.account_id))

    async def _explained(
        self, record: DecisionRecord, contents: Mapping[str, str] | None, reader: Reader
    ) -> tuple[Mapping[str, Any], ...]:
        """The causes, and what would still refuse once the first is mended, as of a send that is kept; `contents` are
        the policies that were asked, None where none were."""
        decision = json.loads(record.decision)

        async def run(tx: Transaction) -> tuple[Around, Mapping[str, Tried]]:
            around = await look_around(tx, record)
            told = reader is not Reader.OWNER
            return around, await tries(tx, record, decision, around, contents) if told else {}

        around, tried = await self._store.read(run)
        return tuple(render(record, contents or {}, reader, around=around, tried=tried)["causes"])

    async def _check_template(self, caller: Caller, question: Question) -> None:
        """A send with a template that is not there fails before it is decided."""
        account_id, name = caller.principal.account_id, question.template
        if not name:
            return
        if await self._store.read(lambda tx: templates.get(tx, account_id, caller.region, name)) is None:
            raise TemplateMissing(name)

    async def _as_owner(self, caller: Caller, question: Question, requester: Requester) -> Answer:
        """What the policies of the asker's identity say of another account's principal."""
        arn = self._own_identity(caller, question)
        await self._authorizer.require(caller, READ, str(arn))
        principal = await self._principals.of_others(caller, question, requester)
        asked_as = caller_of(caller, principal, question)
        credential = Credential(
            access_key_id="",
            secret_access_key="",
            active=True,
            principal=principal,
            policies=self._other_side,
            scope="",
            epoch=0,
        )
        _, action, version = DOORS[question.door]
        try:
            mailbox = parse_mailbox(question.from_address)
        except AddressError as error:
            raise InvalidParameterValue(str(error)) from None
        request = SendRequest(
            action=action,
            api_version=version,
            senders=(
                SenderAddress(
                    use="From",
                    addr_spec=mailbox.addr_spec,
                    as_written=question.from_address,
                    arn=str(arn),
                ),
            ),
            from_display_name=mailbox.display_name,
            feedback_address=question.return_path or question.source or mailbox.addr_spec,
            recipients=question.recipients,
        )
        form = RequestForm(door="smtp" if question.door == "smtp" else f"v{version}")
        decision = await self._owners_half(asked_as, credential, request, arn)
        dry_run = DryRun(request=request, form=form, decision=decision, refusal=None)
        return await self._answer(caller, asked_as, dry_run, is_owners=True)

    @staticmethod
    def _own_identity(caller: Caller, question: Question) -> IdentityArn:
        """The ARN of the asker's identity that the question names."""
        if not question.from_arn:
            raise InvalidParameterValue(
                "About another account's principal you ask as the owner: name the ARN of your identity."
            )
        arn = parse_identity_arn(question.from_arn)
        if arn.account_id != caller.principal.account_id or arn.region != caller.region:
            raise InvalidParameterValue(
                "Neither the principal nor the identity is of this account and region; only they can be asked about."
            )
        return arn

    async def _owners_half(
        self, asked_as: Caller, credential: Credential, request: SendRequest, arn: IdentityArn
    ) -> SendDecision:
        (sender,) = request.senders
        names = identity_candidates(sender.addr_spec)
        if arn.name not in names:
            raise InvalidParameterValue(f"{arn.name} does not cover the address {sender.as_written}.")
        _, read_at = await self._directory.identity(arn.account_id, arn.region, arn.name)
        # What is cached of before a change is forgotten: an answer is by what was in force when it was asked.
        await self._directory.is_stale({identities_scope(arn.account_id, arn.region): read_at})
        target = Target(
            str(arn),
            arn.account_id,
            (await self._directory.identity(arn.account_id, arn.region, arn.name))[0],
            uses=["From"],
            addresses=[sender.addr_spec],
        )
        if target.identity is None:
            raise InvalidParameterValue(f"This account has no identity {arn.name} in {arn.region}.")
        for other in names[: list(names).index(arn.name)]:
            found, _ = await self._directory.identity(arn.account_id, arn.region, other)
            if found is not None:
                target.more_specific[other] = found
        keys = conditions.global_keys(asked_as, credential) | keys_of(request)
        keys.pop("aws:userid", None)  # what a name of another account stands for is that account's to know
        check = ask_policies(asked_as, credential, request.action, target, keys, with_grounds=True)
        return SendDecision(
            context=keys,
            sending_enabled=True,
            checks=(check,),
            unverified=(),
            identity=arn.name,
            owner_account_id=arn.account_id,
            default_configuration_set=None,
            epochs={},
        )

    async def _answer(self, caller: Caller, asked_as: Caller, dry_run: DryRun, *, is_owners: bool) -> Answer:
        viewer, decision = caller.principal.account_id, dry_run.decision
        digests = {id(policies): str(number) for number, policies in enumerate(rests_on(decision))}
        contents = {digests[id(policies)]: policies.content() for policies in rests_on(decision)}
        denied, refusal = decision.denied, dry_run.refusal
        code = "AccessDenied" if is_owners and denied is not None else "" if refusal is None else refusal.code
        text = explainable_text(
            asked_as,
            dry_run.request,
            decision,
            form=dry_run.form,
            digest=lambda policies: digests[id(policies)],
        )
        owners = [check.owner_account_id for check in decision.checks if "Resource" not in check.uses]
        record = DecisionRecord(
            at=asked_as.at,
            account_id=asked_as.principal.account_id,
            owner_account_id=next((one for one in owners if one != asked_as.principal.account_id), viewer),
            region=caller.region,
            message_id=None,
            code=code or "Accepted",
            reason="" if refusal is None else refusal.message,
            decision=whole(text.own, text.shared),
        )
        seen = view(record, viewer, contents)
        # What an owner's policy asked about is shown of a refusal, for who was refused to mend it; not of a yes.
        checks = [replace(check, mattered=()) if check.outcome == "allow" else check for check in seen.checks]
        causes: tuple[Mapping[str, Any], ...] = ()
        if code:
            causes = await self._explained(record, contents, reader_of(record, viewer))
        own = next((one.arn or "" for one in checks if one.owner == viewer and "From" in one.uses), "")
        return Answer(
            allowed=not code,
            code=code,
            message="" if refusal is None else refusal.message,
            is_owners=is_owners,
            record=replace(record, decision="{}", reason=""),
            decision=replace(seen, checks=tuple(checks)),
            causes=causes,
            case=case_of(asked_as, dry_run, viewer, is_owners=is_owners),
            identity=own.partition(":identity/")[2],
        )


def _undecided(asked_as: Caller, question: Question, error: ServiceError) -> Answer:
    """What fails before any policy is asked."""
    return Answer(
        allowed=False,
        code=error.code,
        message=error.message,
        is_owners=False,
        record=DecisionRecord(
            at=asked_as.at,
            account_id=asked_as.principal.account_id,
            owner_account_id=None,
            region=asked_as.region,
            message_id=None,
            code=error.code,
            reason="",
            decision="{}",
        ),
        decision=DecisionView(
            principal=asked_as.principal.arn,
            action=DOORS[question.door][1],
            is_sender=True,
            checks=(),
            unverified=(),
        ),
        causes=(),
        case=None,
        identity="",
    )
