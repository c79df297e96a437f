"""What a session is opened under: policies that limit it, its tags, and the room that both have in its token.

Alike for a role's session and a federated user's. Source: STS API reference, AssumeRole and GetFederationToken; IAM and
STS quotas.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from sesame.access.causes.documents import explained
from sesame.aws.errors import MalformedPolicyDocument, PackedPolicyTooLarge
from sesame.aws.shapes import sts
from sesame.db import Store, Transaction
from sesame.errors import ValidationError
from sesame.model import Session
from sesame.policy import PolicyError, parse_iam_policy
from sesame.store.iam import managed_policies

MAX_POLICY_CHARACTERS = 2048
"""Length of the session policy (STS quota)."""

MAX_POLICY_ARNS = 10
"""Managed policies that a session is opened under at most (STS quota)."""

MAX_PACKED_BYTES = 2048
"""Size of session policies and tags, compressed; keeps tokens under `MAX_TOKEN_BYTES`."""

MAX_TOKEN_BYTES = 4096


def token_use(token: str) -> tuple[int, int]:
    """The size of a token, and how much of the room for it that is, in percent."""
    return len(token), -(-100 * len(token) // MAX_TOKEN_BYTES)


def session_policies(request: Mapping[str, Any]) -> tuple[str, ...]:
    """The session policy that a request brings. Raises `MalformedPolicyDocument`, `PackedPolicyTooLarge`."""
    if "Policy" not in request:
        return ()
    document: str = request["Policy"]
    try:
        parse_iam_policy(document)
    except PolicyError as error:
        raise explained(MalformedPolicyDocument(str(error)), "iam", error) from None
    if len(document) > MAX_POLICY_CHARACTERS:
        raise PackedPolicyTooLarge(
            f"Packed policy consumes {-(-100 * len(document) // MAX_POLICY_CHARACTERS)}% of allotted space, please"
            " use smaller policy."
        )
    return (document,)


async def policy_arns(
    store: Store, account_id: str, given: Sequence[sts.PolicyDescriptorType]
) -> tuple[str, ...]:
    """The managed policies that are to limit a session; each must exist in its account. Raises `ValidationError`."""
    if len(given) > MAX_POLICY_ARNS:
        raise ValidationError(
            "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length"
            f" less than or equal to {MAX_POLICY_ARNS}"
        )
    arns = tuple(dict.fromkeys(policy.get("arn", "") for policy in given))

    async def run(tx: Transaction) -> list[tuple[str, str]]:
        return await managed_policies.by_arn(tx, account_id, arns)

    found = dict(await store.read(run)) if arns else {}
    for arn in arns:
        if arn not in found:
            raise ValidationError(f"Policy {arn} does not exist or is not attachable.")
    return arns


def packed_percent(session: Session) -> int:
    """How much of the room for session policies and tags is used, in percent; raises when it is too much."""
    parts = (*session.policies, *session.policy_arns, *(part for tag in session.tags for part in tag))
    if not parts:
        return 0
    percent = -(-100 * len(zlib.compress("\0".join(parts).encode())) // MAX_PACKED_BYTES)
    if percent > 100:
        raise PackedPolicyTooLarge(
            f"Packed policy consumes {percent}% of allotted space, please use smaller policy."
        )
    return percent
