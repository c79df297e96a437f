"""The cause of a refusal in one sentence, and what mends it: from what its viewer may see, and nothing else."""

from dataclasses import dataclass

from sesame.operations.decision_views import CheckView
from sesame.operations.messages import RefusalView


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What happened, whose turn it is (`yours`, `the owner's`, `the sender's`), and what mends it."""

    sentence: str
    turn: str
    mend: str
    to_copy: str = ""
    """A text for whoever must act."""


def cause_of(view: RefusalView, region: str) -> Cause:
    """The nearest cause of a refusal."""
    decision, record = view.decision, view.record
    denied = next((check for check in decision.checks if check.outcome != "allow"), None)
    if not decision.is_sender:
        return _for_owner(view, denied)
    if decision.unverified and (denied is None or record.code == "MessageRejected"):
        return _unverified(decision.unverified, record.account_id, region)
    if denied is not None:
        return _denied(view, denied)
    return Cause(
        sentence="The send was refused before or beside policy.",
        turn="yours",
        mend=f"The program got `{record.code}`; the account's state and quota in {region} say more.",
    )


def _unverified(addresses: tuple[str, ...], account_id: str, region: str) -> Cause:
    names = ", ".join(addresses[:3])
    it = "it" if len(addresses) == 1 else "each"
    return Cause(
        sentence=f"Not verified in {region}: {names}.",
        turn="yours",
        mend=(
            f"Either verify {it} (or its domain) in account {account_id} in {region}; or, when another account lends"
            " you the identity, name its ARN with the send: SourceArn (v1), FromEmailAddressIdentityArn (v2),"
            " X-SES-SOURCE-ARN (SMTP); or use the region where it is verified. In the sandbox recipients must be"
            " verified too."
        ),
    )


def _denied(view: RefusalView, check: CheckView) -> Cause:
    decision, record = view.decision, view.record
    by_owner = check.by_owner
    addresses = ", ".join(check.addresses) or check.arn
    is_foreign = check.owner != record.account_id
    owner_refuses = is_foreign and by_owner in ("implicit deny", "explicit deny")
    own_deny = any(one.matched and one.effect == "Deny" for one in check.statements)
    if own_deny or not owner_refuses:
        how = "denies" if own_deny else "does not allow"
        return Cause(
            sentence=f"Your own account {how} `{decision.action}` on {check.arn}.",
            turn="yours",
            mend=f"Give {decision.principal} an IAM policy that allows {decision.action} on this resource"
            + (", and take the Deny away." if own_deny else "."),
            to_copy=_statement(decision.action, check.arn),
        )
    hung_on = ", ".join(f"{key} {' '.join(values)}" for key, values in check.mattered)
    because = f" because of {hung_on}" if hung_on else ""
    return Cause(
        sentence=f"The owner of {check.arn.rpartition('/')[2]} does not allow {addresses}{because}.",
        turn="the owner's",
        mend=f"Account {check.owner} decides who sends as this identity. Ask it:",
        to_copy=(
            f"May {decision.principal} send as {addresses} ({decision.action})? The identity is {check.arn}."
            f" The last send was refused: request {view.request_id}."
        ),
    )


def _for_owner(view: RefusalView, denied: CheckView | None) -> Cause:
    principal = view.decision.principal
    if denied is None:
        return Cause(
            sentence=f"{principal} tried to send as an identity of yours; your policies are not what refused it.",
            turn="the sender's",
            mend="Nothing is asked of you.",
        )
    name = denied.arn.rpartition("/")[2]
    if denied.by_owner == "allow":
        return Cause(
            sentence=f"Your policies let {principal} send as {name}; its own account does not.",
            turn="the sender's",
            mend=f"Account {view.record.account_id} must give its principal the permission.",
        )
    return Cause(
        sentence=f"Your policies do not let {principal} send as {name}.",
        turn="yours, if it should",
        mend="If this principal is to send as you, write a policy for it. If not, nothing is to be done.",
    )


def _statement(action: str, arn: str) -> str:
    return f'{{"Effect": "Allow", "Action": "{action}", "Resource": "{arn}"}}'
