"""The cause of a MAIL FROM domain that is not ready, where its owner wants no mail without it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sesame.access.causes.around import Around
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader
from sesame.store.decisions import DecisionRecord


def mail_from_cause(
    record: DecisionRecord, checks: Sequence[Mapping[str, Any]], around: Around, reader: Reader
) -> Cause:
    """The MAIL FROM domain of the From identity is not ready; which it is, a stranger is not told (I9)."""
    check = next((one for one in checks if "From" in one["uses"]), None)
    name = "" if check is None else check["arn"].partition(":identity/")[2]
    owner = "ACCOUNT" if check is None else check["owner"]
    whose = "" if check is None else f" of account {owner}"
    details = {"identity": name, "account": owner} if check else {}
    is_strangers = reader is Reader.SENDER and check is not None and owner != record.account_id
    domain = f" `{around.mail_from}`" if around.mail_from and not is_strangers else ""
    return Cause(
        code=Code.MAIL_FROM,
        text=f"the MAIL FROM domain{domain} of the identity `{name}`{whose} is not verified, and its owner wants no"
        " mail without it",
        mend=Mend(
            how=How.VERIFY_IDENTITY,
            text=f"the owner publishes the records that `sesame dns records {owner} {name}` prints, or sets"
            " BehaviorOnMXFailure to UseDefaultValue",
            details={**details, "mail_from": True},
        ),
    )
