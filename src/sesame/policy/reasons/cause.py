"""Why a send failed, as one cause with a stable code, one sentence and one mend, written for its reader.

Values and the catalogue of codes alone; docs/reference/causes.md is made of it. What policies refuse is found in
`gaps`, what else refuses in `access.causes`. It is in this room because it is pure and everybody needs it, a program
that uses the policy language alone too. Codes are never reused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Reader(Enum):
    """Who reads: of the other side's policies, names, tags and recipients a side learns nothing (I9)."""

    SENDER = "sender"
    OWNER = "owner"
    OPERATOR = "operator"
    """Sees both sides: also an account that sends as an identity of its own."""


class Code(Enum):
    """A cause; the name is its short form (`no-arn`)."""

    NO_ARN = "SA101"
    USE_UNCOVERED = "SA102"
    ARN_OWN_ACCOUNT = "SA103"
    NO_SUCH_IDENTITY = "SA104"
    REGION = "SA105"
    HEADER = "SA106"
    DOES_NOT_ALIGN = "SA107"
    ARN_MALFORMED = "SA108"
    PRINCIPAL_OTHER = "SA201"
    ONE_SESSION = "SA202"
    PRINCIPAL_REMADE = "SA203"
    SERVICE_NAME = "SA204"
    ACCOUNT_ONLY = "SA205"
    SENDER_IAM = "SA206"
    SESSION_POLICY = "SA207"
    DENY = "SA208"
    TRUST = "SA209"
    OTHER_OWNER = "SA210"
    BOUNDARY = "SA211"
    ACTION = "SA301"
    EXTRA_RESOURCE = "SA302"
    CONDITION = "SA401"
    WINDOW = "SA402"
    SOURCE_IP = "SA403"
    PENDING = "SA501"
    SANDBOX_SENDER = "SA502"
    SANDBOX_OWNER = "SA503"
    OTHERS_RESOURCE = "SA601"
    QUOTA = "SA602"
    PAUSED = "SA603"
    MAIL_FROM = "SA604"
    MESSAGE = "SA605"
    SUPPRESSED = "SA606"
    REVOKED = "SA607"
    SMTP_LOGIN = "SA701"
    PASSWORD_REGION = "SA702"  # noqa: S105 -- the code of a cause
    CLOCK = "SA703"
    SIGNATURE = "SA704"

    @property
    def short(self) -> str:
        """The name as it is written: `no-arn`."""
        return self.name.lower().replace("_", "-")


MEANINGS: Mapping[Code, tuple[str, str]] = {
    Code.NO_ARN: (
        "No ARN was named, so only the sender's own identities were considered, and none of them covers the address.",
        "Name the owner's ARN in SourceArn, FromEmailAddressIdentityArn or X-SES-SOURCE-ARN (by SMTP without headers: "
        "`sesame smtp credentials --as ARN`), or verify an identity that covers the address.",
    ),
    Code.USE_UNCOVERED: (
        "From, Sender or Return-Path is covered by none of the ARNs that were named.",
        "Name an ARN for that field (FromArn, ReturnPathArn), or leave the field out.",
    ),
    Code.ARN_OWN_ACCOUNT: (
        "The ARN has the sender's own account number, and the sender has no such identity.",
        "Write the owner's account number.",
    ),
    Code.NO_SUCH_IDENTITY: (
        "The ARN names an identity that is not registered. Shown to its owner only.",
        "Name the identity that is registered and has the policy.",
    ),
    Code.REGION: (
        "Identity, ARN, credential scope and endpoint are not all in one region.",
        "Call the region in which the identity was verified, with its ARN there.",
    ),
    Code.HEADER: (
        "An X-SES field is misspelt, repeated (only the first is read), or in a place where none is read.",
        "Write the field's correct name, once, in a raw message.",
    ),
    Code.DOES_NOT_ALIGN: (
        "The ARN's identity does not cover the address that it was named for.",
        "Name the identity of that address or of its domain, or change the address.",
    ),
    Code.ARN_MALFORMED: (
        "The value given is not the ARN of an identity.",
        "Write arn:aws:ses:REGION:ACCOUNT:identity/NAME.",
    ),
    Code.PRINCIPAL_OTHER: (
        "No Allow statement in the identity's policies is for this principal (none names it, or one means others).",
        "Put an identity policy whose Principal is the principal (or its role or account).",
    ),
    Code.ONE_SESSION: (
        "The policy names one session of the role; this is a different one.",
        "Name the role in Principal.",
    ),
    Code.PRINCIPAL_REMADE: (
        "The policy was bound to a user or role that was deleted; the name now belongs to another one.",
        "Save the policy again, with the name.",
    ),
    Code.SERVICE_NAME: (
        "The policy names another name of the service. Shown to the identity's owner only.",
        "Write the name under which the service calls.",
    ),
    Code.ACCOUNT_ONLY: (
        "The identity policy allows the account, and the account's IAM policies do not allow this principal.",
        "Allow the action on the identity in IAM, or name the principal itself in the identity policy.",
    ),
    Code.SENDER_IAM: (
        "The sender's own IAM policies do not allow the action on the resource.",
        "Allow the action on the resource in IAM.",
    ),
    Code.SESSION_POLICY: (
        "The policies that the session was opened under do not allow the action on the resource.",
        "Open the session with a policy that allows it, or with none.",
    ),
    Code.DENY: (
        "A statement denies it explicitly; no Allow overrides that.",
        "Make an exception in that statement, or remove it; or send as it wants it (by TLS, with a session, with a "
        "second factor).",
    ),
    Code.TRUST: (
        "The trust policy of the role does not let the caller open a session (sts:AssumeRole).",
        "Name the caller in the role's trust policy; a caller of another account needs its own IAM policies as well.",
    ),
    Code.OTHER_OWNER: (
        "This owner's side allows it; the message is sent as another owner's identity too, for which it was refused. "
        "Shown to an owner only.",
        "There is nothing for this owner to do; the sender can read why.",
    ),
    Code.BOUNDARY: (
        "The permissions boundary of the sender's user or role does not allow the action on the resource.",
        "Allow the action on the resource in the boundary, which gives nothing by itself; or give the user or role "
        "another boundary, or none.",
    ),
    Code.ACTION: (
        "This way of sending is an action that the statement does not list.",
        "Add the action: SMTP and raw messages are ses:SendRawEmail, bulk of v2 is ses:SendBulkEmail.",
    ),
    Code.EXTRA_RESOURCE: (
        "What the message uses besides the identity must be allowed too: configuration set, template, and in the "
        "sandbox each recipient.",
        "Allow the action on that resource in IAM.",
    ),
    Code.CONDITION: (
        "A condition did not match what the request carried.",
        "Send what the condition asks for, or change the condition.",
    ),
    Code.WINDOW: (
        "The time of the request is outside the window of the statement.",
        "Move the date, or remove the statement.",
    ),
    Code.SOURCE_IP: (
        "The request came from an address outside the ranges of the statement.",
        "Add the address that was seen, or send from an allowed one.",
    ),
    Code.PENDING: (
        "The identity is registered but not verified.",
        "Publish its DNS records, or follow the link that was mailed.",
    ),
    Code.SANDBOX_SENDER: (
        "The sender's account is in the sandbox, where every recipient must be verified.",
        "The operator takes the account out: `sesame account leave-sandbox ACCOUNT`; or verify the recipient.",
    ),
    Code.SANDBOX_OWNER: (
        "The owner's account is in the sandbox, which counts for those who send as its identities.",
        "The operator takes the owner's account out: `sesame account leave-sandbox ACCOUNT`.",
    ),
    Code.OTHERS_RESOURCE: (
        "The configuration set or template does not exist in the sender's own account and region.",
        "Create it there, or leave it out.",
    ),
    Code.QUOTA: (
        "The account has reached its 24-hour quota, its sending rate, or a cap that the identity's owner has set.",
        "Send later or more slowly, or ask for a higher limit: the operator (`sesame account set-quota ACCOUNT`), or "
        "the owner of the identity (`sesame grant change`, or PutDelegateBounds with all bounds that are to hold).",
    ),
    Code.PAUSED: (
        "Sending is switched off: for the account, for the configuration set, or for this sender by the identity's "
        "owner (a pause, or an expiry date that has passed).",
        "Switch sending on: UpdateAccountSendingEnabled, PutAccountSendingAttributes or "
        "PutConfigurationSetSendingOptions; the owner: `sesame grant resume`, ResumeDelegate; `sesame grant change`, "
        "or PutDelegateBounds with all bounds that are to hold.",
    ),
    Code.MAIL_FROM: (
        "The owner wants no mail sent before the identity's MAIL FROM domain is ready.",
        "The owner publishes the records of the MAIL FROM domain, or lets mail be sent without it.",
    ),
    Code.MESSAGE: (
        "The request or the message breaks a rule of SES; the API's text says which.",
        "Change what the text names.",
    ),
    Code.SUPPRESSED: (
        "The recipient is on the account's suppression list, so nothing was sent to it.",
        "Remove the address: `aws sesv2 delete-suppressed-destination --email-address ADDRESS`.",
    ),
    Code.REVOKED: (
        "The owner of the identity revoked what allowed the message before it was delivered, so it was cancelled.",
        "Send again once the owner allows it with an identity policy.",
    ),
    Code.SMTP_LOGIN: (
        "User name and password of an SMTP login do not match; no message was involved.",
        "Create new ones: `sesame smtp credentials ACCOUNT USER`.",
    ),
    Code.PASSWORD_REGION: (
        "The SMTP password was derived for another region.",
        "`sesame smtp credentials ACCOUNT USER --region REGION`.",
    ),
    Code.CLOCK: (
        "The client's clock is off by more than is allowed.",
        "Correct the clock.",
    ),
    Code.SIGNATURE: (
        "The request's signature is not that of an active key for this service.",
        "Use an access key that exists and is active, with its own secret.",
    ),
}
"""What each cause means, and how it is mended."""


class How(Enum):
    """What a mend does; which details go with it stands behind each."""

    PUT_IDENTITY_POLICY = "put-identity-policy"
    """`identity_arn`, `statement`: to stand in a policy of that identity, of its own name; `also_admits` as below."""
    CHANGE_STATEMENT = "change-statement"
    """`kind`, `policy`, `statement` (from 0), `changes`: a list of edits (`edits.edited` makes them); where they split
    it, `statements`: those that take its place; of an identity policy also `identity_arn`; `also_admits` where they let
    in more than the request (`narrow.Admits`); `also`: the same of further statements that are written wrong."""
    RESAVE_POLICY = "resave-policy"
    """`identity_arn`, `principal`: put the policies anew with the principal's name in the place of the old id."""
    ALLOW_IN_IAM = "allow-in-iam"
    """`principal`, `statement`."""
    TAG_RESOURCE = "tag-resource"
    """`arn`, `tags`: what the resource is to be tagged with."""
    CHANGE_TRUST = "change-trust"
    """`role`, `statement`: to stand in the role's trust policy; or `index` of a statement there, and `changes`."""
    CHANGE_BOUNDARY = "change-boundary"
    """`principal`, `policy` (the ARN of the managed policy; None where it is not known, or AWS's own), `statement`:
    what the boundary must hold; `also_admits` as above."""
    CHANGE_SESSION = "change-session"
    """`principal`, `statement`: what the policies of the session must hold; `beside`: and what they held before."""
    SET_PARAMETER = "set-parameter"
    """`parameter`, `value` (None: what it is depends on the owner)."""
    DROP_PARAMETER = "drop-parameter"
    """`parameter`."""
    CALL_REGION = "call-region"
    """`region`, and `arn` when that must name it too; `parameter` to name it in, where none did."""
    VERIFY_IDENTITY = "verify-identity"
    """`account`, `region`, `name`."""
    LEAVE_SANDBOX = "leave-sandbox"
    """`account`."""
    CREATE_RESOURCE = "create-resource"
    """`resource` (configuration-set, template), `name`, `account`, `region`; `near`: the name of one that is there."""
    RAISE_QUOTA = "raise-quota"
    """`account`, `limit` (24-hours, rate)."""
    CHANGE_BOUNDS = "change-bounds"
    """`account` (the owner), `region`, `identity` (`*` for all), `delegate`, `change`: which of its bounds, as
    `grant change` calls it (`messages-per-day`, `expires`, …), or `pause`. The others are to stay."""
    ENABLE_SENDING = "enable-sending"
    """`account`, and `configuration_set` where it is that."""
    SMTP_CREDENTIALS = "smtp-credentials"
    """`account`, `user` (None for the root), `region`, `key` (whose password it is, where no new key is made), and
    `arn` to stand in where a message names none."""
    SET_CLOCK = "set-clock"
    """`off_s`."""
    NEW_KEY = "new-key"
    """`access_key_id`."""
    CHANGE_MESSAGE = "change-message"
    """Nothing: the API's text says what."""
    UNSUPPRESS = "unsuppress"
    """`addresses`: the entries to take off the list, as they are kept; `address`, the first of them."""
    ASK = "ask"
    """`whom` (owner, sender, operator), `account`: this reader cannot mend it. `statement` where one would do, and
    `conditions` (as-named) where it is to stand under those of the statement that names the sender."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mend:
    """What to do: in words, and for programs as `how` with its details."""

    how: How
    text: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why, for one reader: `text` is one sentence with the values that were seen."""

    code: Code
    text: str
    mend: Mend

    def line(self) -> str:
        """As people read it: `CODE cause. Mend: what to do.`"""
        return f"{self.code.value} {self.text}. Mend: {self.mend.text}."

    def as_json(self) -> dict[str, Any]:
        """As programs read it."""
        return {
            "code": self.code.value,
            "name": self.code.short,
            "cause": self.text,
            "mend": {"how": self.mend.how.value, "text": self.mend.text, **self.mend.details},
        }


def quoting(request_id: str | None) -> str:
    """How a sender asks an owner, behind whom: by what both find their half of the record by.

    Not by the code: what an owner reads of the same refusal may have another, and come to light in another order (I9).
    """
    return f", and quote the request id `{request_id}`" if request_id else ""
