"""The cause of a MAIL FROM domain that is not ready, where its owner wants no mail without it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sesame.access.causes.around import Around
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader, quoting
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
    if is_strangers:
        text = (
            f"ask the owner, account {owner}, to publish the records of its MAIL FROM domain, or to let mail be sent"
            f" without it{quoting(record.request_id)}"
        )
        mend = Mend(how=How.ASK, text=text, details={"whom": "owner", "name": name, **details})
    else:
        is_readers = reader is Reader.OWNER or owner == record.account_id
        publish, sets = ("publish", "set") if is_readers else ("the owner publishes", "sets")
        mend = Mend(
            how=How.VERIFY_IDENTITY,
            text=f"{publish} the records that `sesame dns records {owner} {name}` prints, or {sets}"
            " BehaviorOnMXFailure to UseDefaultValue",
            details={**details, "mail_from": True},
        )
    return Cause(
        code=Code.MAIL_FROM,
        text=f"the MAIL FROM domain{domain} of the identity `{name}`{whose} is not verified, and its owner wants no"
        " mail without it",
        mend=mend,
    )
