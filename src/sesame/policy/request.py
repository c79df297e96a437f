"""What is asked and what is answered: requester, request, decision.

Values without behaviour. Sources: IAM user guide "policy evaluation logic".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

import msgspec

RequesterKind = Literal["root", "user", "role", "federated", "service"]
ContextValue = str | tuple[str, ...]
PolicyKind = Literal["iam", "identity", "session", "boundary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """The principal of a request.

    `arn` is as IAM writes it: `arn:aws:iam::A:root`, `arn:aws:iam::A:user/path/Name`, for a role the session's
    `arn:aws:sts::A:assumed-role/R/S` with `role_arn` the role's own, for a federated user
    `arn:aws:sts::A:federated-user/N`, for a service its host name. `user_id` is the unique id. A service has no
    account of its own: `account_id` is "". A federated user has the user that opened its session as `issuer_arn`, with
    its unique id as `issuer_id`; none where a root did, or where it is not known.
    """

    arn: str
    account_id: str
    kind: RequesterKind
    user_id: str
    role_arn: str | None = None
    issuer_arn: str | None = None
    issuer_id: str = ""

    @property
    def entity_arn(self) -> str | None:
        """The role or user that a session is of; None for who is no session."""
        return self.role_arn or self.issuer_arn

    @property
    def entity_id(self) -> str:
        """The unique id of the role or user that a session is of, else the requester's own."""
        return self.issuer_id if self.kind == "federated" else self.user_id.partition(":")[0]

    @property
    def opened_by(self) -> str | None:
        """Of a session, the role that is assumed for it, or who asks for a federated user's: the user or root."""
        return f"arn:aws:iam::{self.account_id}:root" if self._is_of_root else self.entity_arn

    @property
    def _is_of_root(self) -> bool:
        return self.kind == "federated" and self.issuer_arn is None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One question to the policies.

    `resource` is an ARN, or `*` for actions that have none; `resource_account` owns it. `context`
    maps condition keys, in any case, to their values; a key that the request does not carry is not
    in it. Dates are ISO 8601 or epoch seconds.
    """

    requester: Requester
    action: str
    resource: str
    resource_account: str
    context: Mapping[str, ContextValue]


class Outcome(Enum):
    """The answer; both denials refuse, an explicit one cannot be outvoted."""

    ALLOW = "allow"
    EXPLICIT_DENY = "explicit deny"
    IMPLICIT_DENY = "implicit deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRef:
    """A statement by its policy's name and its place in it, from 0.

    `kind` is `identity` for a policy attached to the SES identity, `iam` for one of the requester's, `session`
    for one that its session was opened under, `boundary` for its permissions boundary.
    """

    policy: str
    index: int
    sid: str | None
    kind: PolicyKind


class Decision(msgspec.Struct, frozen=True):
    """An outcome and statements that made it: one Deny, or the Allow of each side that was needed.

    `deciding` is empty for an implicit deny and for what root may do without any policy.
    """

    outcome: Outcome
    deciding: tuple[StatementRef, ...] = ()
