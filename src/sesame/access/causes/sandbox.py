"""Causes of recipients that the sandbox wants verified: whose sandbox it is, and who can end it."""

from collections.abc import Iterator, Sequence

from sesame.access.causes.around import Around
from sesame.access.causes.mends import listed_with_verb
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader
from sesame.store.decisions import DecisionRecord


def sandbox_causes(
    record: DecisionRecord,
    recipients: Sequence[str],
    around: Around,
    reader: Reader,
    sandboxed: Sequence[str],
    *,
    is_strangers: bool,
) -> Iterator[Cause]:
    """Whose sandbox it is that recipients must be verified for, the sender's own first.

    `is_strangers`: an owner's policies refused as well, which does not tell whether the identity is there and how its
    owner is (I9).
    """
    own = record.account_id
    listed = "its recipients are" if reader is Reader.OWNER else listed_with_verb(recipients)
    there = "" if reader is Reader.OWNER else _verified_in_other_regions(record, recipients, around)
    whose_sandbox = list(sandboxed) or [own]
    if is_strangers:
        whose_sandbox = [account for account in whose_sandbox if account == own]
    for account in sorted(whose_sandbox, key=lambda account: account != own):
        is_sender = account == own
        whose = "the sender's account" if is_sender else "the identity owner's account"
        others = Reader.OWNER if is_sender else Reader.SENDER
        code = Code.SANDBOX_SENDER if is_sender else Code.SANDBOX_OWNER
        nothing = "there is nothing to do on your side: " if reader is Reader.OWNER and is_sender else ""
        yield Cause(
            code=code,
            text=f"{whose} {account} is in the sandbox in {record.region}, where recipients must be verified in account"
            f" {own}: {listed} not{there}",
            mend=Mend(
                how=How.LEAVE_SANDBOX,
                text=f"{nothing}the operator runs `sesame account leave-sandbox {account}`"
                f"{_to_ask(record.region, is_own=reader is not others)}, or account"
                f" {own} verifies the recipient",
                details={"account": account, "region": record.region},
            ),
        )


def _to_ask(region: str, *, is_own: bool) -> str:
    """How an account asks to leave the sandbox, for its own people."""
    command = "aws sesv2 put-account-details --production-access-enabled --mail-type TRANSACTIONAL --website-url URL"
    return f", which PutAccountDetails asks for (`{command} --region {region}`)" if is_own else ""


def _verified_in_other_regions(record: DecisionRecord, recipients: Sequence[str], around: Around) -> str:
    """What the sender's account has verified of them, and where: each region has its own."""
    found: dict[str, None] = {}
    for address in recipients:
        for one in around.of(record.account_id, address):
            if one.verification.is_in_force and one.region != record.region:
                found[f"`{one.name}` is verified in {one.region}"] = None
    return f"; {', '.join(list(found)[:3])}" if found else ""
