"""Shared nouns of the house: frozen, without behaviour.

Words are those of `docs/design.md`. `_at` is Unix seconds UTC as float; addresses and ARNs are
str, message content is bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NewType

import msgspec

AccountId = NewType("AccountId", str)
"""A 12-digit tenant."""

MessageId = NewType("MessageId", str)
"""The id SES gives a message, `<16 hex>-<8>-<4>-<4>-<4>-<12>-000000`; not the Message-ID field."""


class PrincipalKind(Enum):
    """Who can sign a request."""

    ROOT = "root"
    USER = "user"
    ROLE = "role"
    FEDERATED = "federated"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who signed a request.

    `arn` is as IAM writes it (`arn:aws:iam::A:root`, `arn:aws:iam::A:user/path/Name`, for a session of a role
    `arn:aws:sts::A:assumed-role/R/S`, for a federated user `arn:aws:sts::A:federated-user/N`, or a service's host
    name); `user_id` is the unique id (AIDA…, AROA…:S, A:N, or the account id for root). A service has the account that
    it acts for.
    """

    kind: PrincipalKind
    account_id: AccountId
    arn: str
    user_id: str
    name: str
    role_arn: str | None = None
    """The role's own ARN, for a session."""
    issuer_arn: str | None = None
    """For a federated user the ARN of the user that opened its session; None where the account's root did."""
    issuer_id: str = ""
    """That user's unique id."""

    @property
    def entity_arn(self) -> str:
        """Whose policies count: of a session its role, of a federated user who opened its session, else its own."""
        if self.kind is PrincipalKind.FEDERATED:
            return self.issuer_arn or f"arn:aws:iam::{self.account_id}:root"
        return self.role_arn or self.arn


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session of a role or a user, as its token says: temporary credentials and what they were given with.

    `policies` (documents) and `policy_arns` limit it to less than its role has; None without either.
    `tags` are those of the session alone, of which `transitive_tags` (folded keys) go on to sessions that
    are opened with it. A user's (or root's) own has its unique id as `user_id`, no role and no name; `mfa_at` is when
    a code of a device was shown for it. A federated user's has its name beside, and always is under policies: without
    any it is allowed nothing by those of its user.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    account_id: str
    role_id: str
    name: str
    issued_at: float
    expires_at: float
    policies: tuple[str, ...] = ()
    policy_arns: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    transitive_tags: tuple[str, ...] = ()
    source_identity: str | None = None
    user_id: str = ""
    mfa_at: float | None = None

    @property
    def is_federated(self) -> bool:
        """Whether it is a federated user's."""
        return bool(self.user_id and self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall:
    """The operation that a request asks for, as the audit log has it.

    `source` is the service's host name at AWS (`ses.amazonaws.com`); `parameters` hold no secret and are bounded.
    """

    source: str
    name: str
    parameters: Mapping[str, Any]
    has_begun: bool = False
    """Whether a part of it is done, and it is decided again for the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The authenticated principal with the circumstances of its request."""

    principal: Principal
    access_key_id: str
    region: str
    source_ip: str
    secure_transport: bool
    user_agent: str | None
    at: float
    request_id: str
    api_version: str | None = None
    """Version of the SES API that was called (`1`, `2`), None for other services."""
    session: Session | None = None
    """What the credentials are a session of, None for lasting ones."""
    source_arn: str | None = None
    """What a service acts for: a resource of the principal's account."""
    call: ApiCall | None = field(default=None, repr=False, compare=False)
    """What is asked for; None for a send, whose decision is kept with the message."""
    tls_version: str | None = None
    """The version of TLS that the request came by (`TLSv1.3`), None where it came by none, or that is not known."""
    login: "ConsoleLogin | None" = None
    """The log-in that a browser came with, in the place of a key."""
    referer: str | None = None
    """The header field of that name, which policies may ask about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleLogin:
    """How somebody logged in to the console: with a code of a device or without, and when."""

    mfa: bool
    made_at: float


class IdentityKind(Enum):
    """What was verified."""

    ADDRESS = "EmailAddress"
    DOMAIN = "Domain"


class VerificationStatus(Enum):
    """SES v1 spelling of a verification's state."""

    PENDING = "Pending"
    SUCCESS = "Success"
    FAILED = "Failed"
    TEMPORARY_FAILURE = "TemporaryFailure"
    NOT_STARTED = "NotStarted"

    @property
    def is_in_force(self) -> bool:
        """Whether what was verified counts: a check that fails later leaves 72 hours (TemporaryFailure)."""
        return self in (VerificationStatus.SUCCESS, VerificationStatus.TEMPORARY_FAILURE)


class DkimOrigin(Enum):
    """Whose key signs for a domain: one that Sesame makes (Easy DKIM), or the owner's own (BYODKIM)."""

    AWS_SES = "AWS_SES"
    EXTERNAL = "EXTERNAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An email address or domain that an account verifies in one region.

    `dkim_tokens` are the three of Easy DKIM, or the selector of the owner's own key. An address
    follows the DKIM switch of its domain unless `dkim_overrides`.
    """

    account_id: AccountId
    region: str
    name: str
    kind: IdentityKind
    verification: VerificationStatus
    verification_token: str
    created_at: float
    dkim_enabled: bool
    dkim_status: VerificationStatus
    dkim_tokens: tuple[str, ...]
    dkim_overrides: bool = False
    dkim_origin: DkimOrigin = DkimOrigin.AWS_SES

    @property
    def key(self) -> tuple[str, str, str]:
        """Account, region and name."""
        return self.account_id, self.region, self.name


class OnMxFailure(Enum):
    """What to do with mail of an identity whose MAIL FROM domain is not ready (v1 spelling)."""

    USE_DEFAULT_VALUE = "UseDefaultValue"
    REJECT_MESSAGE = "RejectMessage"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFrom:
    """The MAIL FROM domain that an identity's owner set up for its mail."""

    domain: str
    on_mx_failure: OnMxFailure
    status: VerificationStatus


class RecipientState(Enum):
    """Where an accepted recipient stands; all but QUEUED and HELD are final (I2)."""

    QUEUED = "queued"
    HELD = "held"
    """Not tried until somebody releases it: the operator's wish, or nothing that may be tried again unseen."""
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    EXPIRED = "expired"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"


class OutcomeKind(Enum):
    """How one attempt ended for one recipient."""

    DELIVERED = "delivered"
    PERMANENT = "permanent"
    TRANSIENT = "transient"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt did to one recipient.

    `status` is an RFC 3463 code (`5.1.1`); `diagnostic` is the remote's words or ours, one line of
    printable ASCII; `ambiguous` says that the remote may have taken the message all the same.
    """

    kind: OutcomeKind
    status: str
    diagnostic: str
    remote_mta: str | None = None
    remote_ip: str | None = None
    tls: str | None = None
    ambiguous: bool = False
    tls_verdict: str | None = None
    """How the connection was secured, or why it was not good enough, in words."""
    stage: str | None = None
    """To which command the reply came that decided (`rcpt`, `body`); None where no reply did."""
    is_unreachable: bool = False
    """Nobody talked to us: says something about the destination, and nothing about the message."""
    source_ip: str | None = None
    """The address of ours that the connection came from, as others see it; None where there was none."""
    is_warming: bool = False
    """That address is being warmed up: the attempt counts towards what it may send in a day."""
    chosen: str | None = None
    """Why this host, in words: the preference of its MX, its place, and what the hosts before and after it said."""
    dialogue: str | None = None
    """What was said there, of an attempt that did not deliver; see `smtp.dialogue`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAddress:
    """An address that mail leaves from: what others see, the machine's own behind it, its name in EHLO.

    It is for `accounts` alone, or shared by all where there are none; `is_warm` says that it needs no warm-up.
    """

    address: str
    bind: str
    hello: str
    accounts: tuple[str, ...] = ()
    is_warm: bool = False

    @property
    def is_v6(self) -> bool:
        """Whether it reaches IPv6 hosts, and not IPv4 ones."""
        return ":" in self.bind


SYSTEM_ACCOUNT = AccountId("000000000000")
"""Owns what Sesame itself sends, such as verification mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Rates over the latest `sends` recipients. `is_representative`: they are enough to judge by."""

    sends: int
    bounces: int
    complaints: int
    is_representative: bool

    @property
    def bounce_rate(self) -> float:
        """Permanent bounces of what was sent."""
        return self.bounces / self.sends if self.sends else 0.0

    @property
    def complaint_rate(self) -> float:
        """Complaints about what was sent."""
        return self.complaints / self.sends if self.sends else 0.0
