"""What is asked and what is decided about a send."""

from collections.abc import Hashable, Mapping

import msgspec

from sesame.access import conditions
from sesame.access.checks import RECIPIENT, Check
from sesame.db import identities_scope
from sesame.errors import InvalidParameterValue
from sesame.model import MailFrom, OnMxFailure, VerificationStatus
from sesame.store.delegate_bounds import Bounds


class DoesNotAlign(InvalidParameterValue):
    """The identity that was named for an address does not cover it."""

    def __init__(self, *, address: str, arn: str, use: str) -> None:
        super().__init__(f"The address '{address}' does not align with the given ARN '{arn}'")
        self.facts = {"address": address, "arn": arn, "use": use}


class SenderAddress(msgspec.Struct, frozen=True, kw_only=True):
    """One address that the message sends as.

    `use` is where it stands (From, Source, Sender, Return-Path), `as_written` as the client wrote it,
    `arn` the identity the client named for it, or None.
    """

    use: str
    addr_spec: str
    as_written: str
    arn: str | None


class SendRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What policy is asked: the first of `senders` is the From address, whose identity signs."""

    action: str
    api_version: str
    senders: tuple[SenderAddress, ...]
    from_display_name: str | None
    feedback_address: str
    recipients: tuple[str, ...]
    resources: tuple[str, ...] = ()
    """ARNs of what else is used (template, configuration set), which the caller's own IAM policies must allow."""


class SendDecision(msgspec.Struct, frozen=True, kw_only=True):
    """Every check of a send; `identity`, `mail_from` and `owner_account_id` are those of the From address.

    `context` is what policy saw of the request, but for `aws:ResourceAccount`, which each check adds.
    """

    context: Mapping[str, str | tuple[str, ...]]
    sending_enabled: bool
    checks: tuple[Check, ...]
    unverified: tuple[str, ...]
    identity: str
    owner_account_id: str
    default_configuration_set: str | None
    """The set of the From identity, where it is the caller's own."""
    epochs: Mapping[str, int]
    mail_from: MailFrom | None = None
    sandboxed: tuple[str, ...] = ()
    """The accounts that count for this send and are in the sandbox."""
    texts: dict[Hashable, str] = msgspec.field(default_factory=dict)
    """What `record` has written of it already, which those that repeat it share."""

    @property
    def is_without_mail_from(self) -> bool:
        """Whether the owner wants no mail sent, because the MAIL FROM domain is not ready."""
        return (
            self.mail_from is not None
            and self.mail_from.on_mx_failure is OnMxFailure.REJECT_MESSAGE
            and self.mail_from.status is not VerificationStatus.SUCCESS
        )

    @property
    def denied(self) -> Check | None:
        """The first check that does not allow, or None."""
        return next((check for check in self.checks if not check.allows), None)

    def lent_by(self, account_id: str, region: str) -> dict[str, int]:
        """The other accounts whose identities an account sends as, with the epochs of those that were read."""
        owners = [
            check.owner_account_id for check in self.checks if set(check.uses) - {"Resource", RECIPIENT}
        ]
        return {
            owner: self.epochs[identities_scope(owner, region)] for owner in owners if owner != account_id
        }

    @property
    def counted_bounds(self) -> tuple[Bounds, ...]:
        """The owners' bounds on this sender that a message is charged to, each once."""
        found = {one.seq: one for check in self.checks for one in check.bounds if one.is_counted}
        return tuple(found.values())


def keys_of(request: SendRequest) -> dict[str, str | tuple[str, ...]]:
    """The `ses:` keys of a send."""
    return conditions.send_keys(
        api_version=request.api_version,
        from_address=request.senders[0].addr_spec,
        from_display_name=request.from_display_name,
        feedback_address=request.feedback_address,
        recipients=request.recipients,
    )
