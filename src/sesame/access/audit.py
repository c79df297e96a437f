"""What the audit log says of a change or a refusal, and the chain that shows tampering.

A record is a CloudTrail event. It is appended in the transaction of what it tells of: its digest covers the digest
of the row before, and the newest row of each account is signed with a key that the database has not. So a row that is
altered, taken out or put elsewhere breaks the chain, and a chain that is made anew has no signature. Rows that are cut
off at the end show against heads that were kept elsewhere. Sources: CloudTrail user guide, "CloudTrail record
contents", "CloudTrail userIdentity element"; RFC 8032.

INVARIANT I9: no secret is in a record; parameters come from `aws.keepable`.
"""

import datetime
import hashlib
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sesame.db import Transaction
from sesame.model import Caller, Principal, PrincipalKind, Session
from sesame.store import audit
from sesame.store.audit import AuditRow, Mark

GENESIS = bytes(32)
"""What stands for the digest before an account's first row."""

MAX_PARAMETERS = 65_536
"""Characters of parameters as JSON; beyond, the record says that they are left out."""

NOTHING: Mapping[str, Any] = MappingProxyType({})

BEGUN = "begun"
"""What `part` says in the row of a change that takes several writes, and has a row of its own once it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What happened, who did it and how it was asked for; `error` is the refusal's code and words, if it was one."""

    account_id: str
    at: float
    identity: Mapping[str, Any]
    """CloudTrail's userIdentity."""
    source: str
    name: str
    region: str
    source_ip: str | None
    user_agent: str | None
    request_id: str | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    response: Mapping[str, Any] = field(default_factory=dict)
    error: tuple[str, str] | None = None
    decision: Mapping[str, str] = field(default_factory=dict)
    """What policy was asked, action and resource; of a change in several writes also its `part`."""
    changed: Sequence[Mapping[str, Any]] = ()
    """What is different after it; see `access.differences`."""


class AuditKey:
    """The instance's Ed25519 key; it signs heads and anchors. `seed` is 32 bytes."""

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._private.public_key().public_bytes_raw()
        """The public half, with which anybody can check what was signed."""

    def head(self, account_id: str, seq: int, digest: bytes) -> Mark:
        """The signed head of a chain."""
        return self._signed("head", account_id, seq, digest)

    def anchor(self, account_id: str, seq: int, digest: bytes) -> Mark:
        """The signed anchor of a chain."""
        return self._signed("anchor", account_id, seq, digest)

    def _signed(self, what: str, account_id: str, seq: int, digest: bytes) -> Mark:
        signature = self._private.sign(_statement(what, account_id, seq, digest))
        return Mark(account_id=account_id, seq=seq, digest=digest, signature=signature)


def is_head(mark: Mark, public: bytes) -> bool:
    """Whether the key with this public half signed the mark as a head."""
    return _is_signed("head", mark, public)


def is_anchor(mark: Mark, public: bytes) -> bool:
    """Whether the key with this public half signed the mark as an anchor."""
    return _is_signed("anchor", mark, public)


def _is_signed(what: str, mark: Mark, public: bytes) -> bool:
    statement = _statement(what, mark.account_id, mark.seq, mark.digest)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(mark.signature, statement)
    except (InvalidSignature, ValueError):
        return False
    return True


def _statement(what: str, account_id: str, seq: int, digest: bytes) -> bytes:
    return f"sesame audit {what} 1\n{account_id}\n{seq}\n{digest.hex()}\n".encode()


def row_digest(before: bytes, account_id: str, seq: int, at: float, body: str) -> bytes:
    """The digest of a row: SHA-256 over the one before, the account, the number, the time and the record."""
    head = b"%s%s\n%d\n%s" % (before, account_id.encode(), seq, struct.pack(">d", at))
    return hashlib.sha256(head + body.encode("utf-8", "surrogatepass")).digest()


class AuditTrail:
    """Appends to the chains; `new_id` makes event ids."""

    def __init__(self, key: AuditKey, *, new_id: Callable[[], str]) -> None:
        self.key = key
        self._new_id = new_id

    async def put(self, tx: Transaction, entry: Entry) -> None:
        """Write an entry behind the account's newest; part of the transaction of what it tells of, and its last."""
        account_id = entry.account_id
        await tx.lock([audit.lock_name(account_id)])
        head = await audit.head(tx, account_id)
        seq = 1 if head is None else head.seq + 1
        body = record(entry, event_id=self._new_id())
        before = GENESIS if head is None else head.digest
        digest = row_digest(before, account_id, seq, entry.at, body)
        row = AuditRow(account_id=account_id, seq=seq, at=entry.at, body=body, digest=digest)
        await audit.append(tx, row, self.key.head(account_id, seq, digest))


def record(entry: Entry, *, event_id: str) -> str:
    """The entry as a CloudTrail event: canonical JSON, its keys in order, in ASCII."""
    event: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": dict(entry.identity),
        "eventTime": datetime.datetime.fromtimestamp(int(entry.at), datetime.UTC).strftime(
            "%Y-%m-%dT%H:%M:%SZ"
        ),
        "eventSource": entry.source,
        "eventName": entry.name,
        "awsRegion": entry.region,
        "sourceIPAddress": entry.source_ip,
        "userAgent": entry.user_agent,
        "requestParameters": _bounded(entry.parameters),
        "responseElements": dict(entry.response) or None,
        "requestID": entry.request_id,
        "eventID": event_id,
        "readOnly": False,
        "eventType": "AwsApiCall" if entry.source.endswith(".amazonaws.com") else "AwsServiceEvent",
        "managementEvent": True,
        "eventCategory": "Management",
        "recipientAccountId": entry.account_id,
    }
    if entry.error is not None:
        event["errorCode"], event["errorMessage"] = entry.error
    extra = {**entry.decision, **({"changed": list(entry.changed)} if entry.changed else {})}
    if extra:
        event["additionalEventData"] = extra
    return json.dumps(event, sort_keys=True, separators=(",", ":"))


def outcome(event: Mapping[str, Any]) -> str:
    """What became of it in a word: `done`, `begun`, or the code of a refusal."""
    extra = event.get("additionalEventData") or NOTHING
    return str(event.get("errorCode") or extra.get("part") or "done")


def by_whom(event: Mapping[str, Any]) -> str:
    """Who did it: an ARN as it is; a user of the machine in words, so that its `root` is not read as an account's."""
    who = event.get("userIdentity")
    if not isinstance(who, Mapping):
        return "?"
    kind, name = who.get("type"), who.get("userName")
    if kind == "Operator":
        return f"{name} of this machine, at the command line" if name else "the operator, in the console"
    if kind == "System":
        return "Sesame itself"
    return str(who.get("arn") or name or who.get("invokedBy") or who.get("principalId") or kind or "?")


def _bounded(parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    if not parameters:
        return None
    size = len(json.dumps(dict(parameters), separators=(",", ":")))
    if size > MAX_PARAMETERS:
        return {"omitted": True, "originalSize": size, "reason": "requestParameters too large"}
    return dict(parameters)


def entry_of(
    caller: Caller,
    *,
    response: Mapping[str, Any] = NOTHING,
    error: tuple[str, str] | None = None,
    decision: Mapping[str, str] = NOTHING,
    changed: Sequence[Mapping[str, Any]] = (),
) -> Entry:
    """The entry of what a caller does by an operation of the API."""
    call = caller.call
    assert call is not None, "an operation that is audited says what it is"
    return Entry(
        account_id=caller.principal.account_id,
        at=caller.at,
        identity=principal_identity(caller),
        source=call.source,
        name=call.name,
        region=caller.region,
        source_ip=caller.source_ip,
        user_agent=caller.user_agent,
        request_id=caller.request_id,
        parameters=call.parameters,
        response=response,
        error=error,
        decision=decision,
        changed=changed,
    )


def principal_identity(caller: Caller) -> dict[str, Any]:
    """CloudTrail's userIdentity of a caller."""
    principal = caller.principal
    if principal.kind is PrincipalKind.SERVICE:
        return {"type": "AWSService", "invokedBy": principal.arn}
    identity: dict[str, Any] = {
        "type": _TYPES[principal.kind],
        "principalId": principal.user_id,
        "arn": principal.arn,
        "accountId": principal.account_id,
        "accessKeyId": caller.access_key_id,
    }
    if principal.kind is PrincipalKind.USER:
        identity["userName"] = principal.name
    session = caller.session
    if session is not None:
        issued_at = datetime.datetime.fromtimestamp(int(session.issued_at), datetime.UTC)
        identity["sessionContext"] = {
            "attributes": {
                "creationDate": issued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "mfaAuthenticated": "false" if session.mfa_at is None else "true",
            },
        }
        if (issuer := _session_issuer(principal, session)) is not None:
            identity["sessionContext"]["sessionIssuer"] = issuer
        if session.source_identity is not None:
            identity["sessionContext"]["sourceIdentity"] = session.source_identity
    return identity


def _session_issuer(principal: Principal, session: Session) -> dict[str, Any] | None:
    """The role that a session is of, or who opened that of a federated user; None for a user's own."""
    if principal.kind is PrincipalKind.ROLE:
        named = {"type": "Role", "principalId": session.role_id}
    elif principal.kind is PrincipalKind.FEDERATED:
        is_root = principal.issuer_arn is None
        named = {"type": "Root" if is_root else "IAMUser", "principalId": session.user_id}
    else:
        return None
    arn = principal.entity_arn
    name = {} if named["type"] == "Root" else {"userName": arn.rpartition("/")[2]}
    return {**named, "arn": arn, "accountId": session.account_id, **name}


_TYPES = {
    PrincipalKind.ROOT: "Root",
    PrincipalKind.USER: "IAMUser",
    PrincipalKind.ROLE: "AssumedRole",
    PrincipalKind.FEDERATED: "FederatedUser",
}
