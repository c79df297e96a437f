"""Who may send, by the reference's tables: an oracle for the delegate matrix.

Written from the SES developer guide ("Using sending authorization") and IAM's evaluation logic, for the
handful of policies that the matrix uses; it shares nothing with the code under test.
"""

from dataclasses import dataclass

OWNER, DELEGATE = "owner", "delegate"
"""The two parties; each has an identity of its own besides."""

CALLERS = ("root", "sender", "bare", "denied")
"""Root; a user whose IAM policy allows sending; one without policies; one with Allow and Deny."""

VARIANTS = (
    "absent",
    "account",
    "user",
    "everyone",
    "denied",
    "removed",
    "from",
    "recipients",
    "raw",
    "stranger",
)
"""What is attached to the owner's identity; `policies` in the test spells each out."""


@dataclass(frozen=True)
class Address:
    """One address of a message: at the owner's identity `variant`, or the caller's own domain (None)."""

    local_part: str
    variant: str | None


@dataclass(frozen=True)
class Case:
    """One send. `arns` says how identities are named: not, by SourceArn alone, each, or wrongly."""

    operation: str
    party: str
    caller: str
    from_: Address
    source: Address
    return_path: Address | None
    recipient_domain: str
    arns: str


def expected(case: Case) -> str:
    """`OK`, or the error code."""
    uses = [case.from_, case.source, case.return_path or case.source]
    if case.arns == "misaligned":
        return "InvalidParameterValue"
    verdicts = [_verdict(case, address) for address in uses]
    if "denied" in verdicts:
        return "AccessDenied"
    return "MessageRejected" if "unverified" in verdicts else "OK"


def _verdict(case: Case, address: Address) -> str:
    """allowed, denied or unverified for one address."""
    if address.variant is None:
        return "allowed" if _iam(case.caller) == "allow" else "denied"
    if case.party == OWNER:
        return _same_account(case, address.variant)
    if not _is_named(case, address):
        # Without an ARN the caller's own identities are asked, and there is none for this address.
        return "unverified" if _iam(case.caller) == "allow" else "denied"
    return _cross_account(case, address.variant)


def _is_named(case: Case, address: Address) -> bool:
    """Whether an ARN speaks for the address: its own, or SourceArn where it is of the same identity."""
    match case.arns:
        case "none":
            return False
        case "source":
            return address.variant == case.source.variant
        case _:
            return True


def _iam(caller: str) -> str:
    """What the caller's own account says about sending."""
    return {"root": "allow", "sender": "allow", "bare": "nothing", "denied": "deny"}[caller]


def _same_account(case: Case, variant: str) -> str:
    """Union of IAM and identity policy; a policy for the other account changes nothing here."""
    if _iam(case.caller) == "deny":
        return "denied"
    if _iam(case.caller) == "allow":
        return "allowed"
    return "allowed" if variant == "everyone" else "denied"


def _cross_account(case: Case, variant: str) -> str:
    """Both sides must allow, neither may deny."""
    return "allowed" if _iam(case.caller) == "allow" and _identity_policy_allows(case, variant) else "denied"


def _identity_policy_allows(case: Case, variant: str) -> bool:
    match variant:
        case "account" | "everyone":
            return True
        case "user":
            return case.caller == "sender"
        case "from":
            return case.from_.local_part == "news"
        case "recipients":
            return case.recipient_domain == "customers.test"
        case "raw":
            return case.operation == "SendRawEmail"
        case _:
            return False
