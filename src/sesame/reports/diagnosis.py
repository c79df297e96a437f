"""Why a recipient was not reached: the codes and the reason in a diagnostic text.

Reads reply codes, enhanced codes and, by the phrases of `reasons`, a reason; says whether an address
is gone for good. Phrases before codes, because servers use 5.1.1 and 5.7.1 for anything. Sources: RFC
3463, RFC 5248 (the registry of codes), RFC 5321 section 4.2; phrases as servers write them.

INVARIANT: linear in the text; only an address or a domain that does not exist is hard.
"""

import re
from dataclasses import dataclass
from typing import Literal

from sesame.mail.status import StatusCode, find_status, parse_status
from sesame.reports.addresses import without_addresses
from sesame.reports.phrases import Said, compile_phrases
from sesame.reports.reasons import find_wording
from sesame.reports.report import Reason

LINE_LIMIT = 400  # lines of a transcript
DIAGNOSTIC_LIMIT, TOTAL_LIMIT = 4_096, 16_384  # characters read of one diagnostic, of those of a report
HARD: frozenset[Reason] = frozenset({"no-mailbox", "no-domain", "moved", "accepts-no-mail"})
Stage = Literal["", "connect", "mail", "rcpt", "data"]

_REPLY = re.compile(
    r"(?<![\w.@/:=+-])([45][0-5]\d)(?:[ :-]{1,3}#?|[ ]?\(#|[ ]?#)(?:'|\()?([45]\.\d{1,3}\.\d{1,3})?(?![\d.])"
)
_BARE_REPLY = re.compile(r"(?<![\w.@/=+-])([45][0-5]\d)(?=[ :;,-]|$)", re.MULTILINE)
_QUOTED_FINAL = re.compile(r"(?<![\d.])5\.1\.[0-6](?!\d)")
_GLOSS = re.compile(r"(?:smtp; ?)?[245]\.\d\.\d - [A-Za-z /]{3,60} (?=[245]\d\d-')", re.IGNORECASE)
# Domino puts it before whatever reply it got
_FRAME = re.compile(r"\bSMTP Protocol Returned a Permanent Error:? (?=[245]\d\d)", re.IGNORECASE)
# Exchange Online puts it and a code of its own before the reply that it got
_WRAPPED = re.compile(r"\bremote server returned an error ?-> ?(?=[245]\d\d)", re.IGNORECASE)
# said of an address by those who know it, at whatever command: Yahoo, Orange and La Poste, Outlook.com, MessageLabs
_KNOWN_GONE = compile_phrases(
    """
        delivery error: dd this user doesn't have a | requested mail action aborted, mailbox not found |
        adresse destinataire invalide | destinataire invalide | _416 |
        smtp;550 requested action not taken: mailbox unavailable |
        550 5.5.0 requested action not taken: mailbox unavailable | smtp; 542 | 542 @ rejected
    """
)
_STAGES: tuple[tuple[str, Stage], ...] = (
    ("in reply to rcpt", "rcpt"),
    ("in reply to mail from", "mail"),
    ("in reply to end of data", "data"),
    ("in reply to data", "data"),
    ("after rcpt to", "rcpt"),
    ("after mail from", "mail"),
    ("after end of data", "data"),
    ("after data", "data"),
    ("after sending data block", "data"),
    ("[rcpt_to]", "rcpt"),
    ("like recipient", "rcpt"),
    ("like our rcpt to", "rcpt"),
    ("server has rejected address", "rcpt"),
    ("rcpt to command", "rcpt"),
    ("did not like our mail from", "mail"),
    ("did not like our data", "data"),
    ("sender was rejected", "mail"),
    ("failed after i sent the message", "data"),
    ("[mail_from]", "mail"),
    ("[data]", "data"),
    ("smtp:rcpt", "rcpt"),
    ("for text command", "data"),
    ("remote server after rcpt", "rcpt"),
    ("(state 14)", "rcpt"),
    ("(state 17)", "data"),
    ("(state 18)", "data"),
    ("@ezweb.ne.jp>: user unknown", "rcpt"),  # its filter, after DATA, leaves the address out
    ("@au.com>: user unknown", "rcpt"),
)


_SENT = re.compile(
    r"(?:-{1,3}>|>{1,3}|c:|out:|sent <<<|.{0,20}\bsent:) {0,3}(rcpt|mail|data|\.)(?= (?:to|from)|:|$)"
)
_ANSWERED = re.compile(r"(?:<-{1,3}|<{1,3}|s:|in:|received >>>|.{0,20}\breplied:) {0,3}[45]\d\d")
_COMMANDS: dict[str, Stage] = {"rcpt": "rcpt", "mail": "mail", "data": "data", ".": "data"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What a diagnostic says; `status` is None when it and its report hold no code at all."""

    status: StatusCode | None
    reply_code: int | None
    reason: Reason
    hard: bool


def diagnose(
    diagnostic: str,
    *,
    stated: str = "",
    stage_text: str = "",
    delayed: bool = False,
    limit: int = DIAGNOSTIC_LIMIT,
) -> Diagnosis:
    """Codes and reason of a diagnostic text.

    `stated` is what the report's Status field says, its comment too; `stage_text` more text that may tell after which
    command the answer came; a delay is never hard. `limit` is for reports of many recipients.
    """
    text = _unwrapped(diagnostic[:limit])
    reply_code, own = find_reply(text)
    field = parse_status(stated) or find_status(stated[:200])
    status = _choose(field, own, find_status(_without_versions(text)), reply_code)
    comment = stated.partition("(")[2]
    reason = reason_for(f"{_without_gloss(text)}\n{comment}", status)
    stage = find_stage(f"{text}\n{comment}") or find_stage(stage_text[:limit])
    if reason == "disabled" and status == (5, 1, 1):
        reason = "no-mailbox"
    if reason in HARD and (stage == "mail" or (status is not None and status[1:] in _OF_SENDER)):
        reason = "sender-refused"
    if reason == "no-mailbox" and _is_filter(status, stage) and not _is_known(text):
        reason = "recipient-refuses"
    hard = (
        reason in HARD
        and not delayed
        and _is_certain(reason, status, stage, text, coded=reply_code is not None)
    )
    return Diagnosis(status=status, reply_code=reply_code, reason=reason, hard=hard)


def limit_for(recipients: int) -> int:
    """How many characters of each diagnostic of a report are read."""
    return min(DIAGNOSTIC_LIMIT, TOTAL_LIMIT // max(1, recipients))


def find_reply(text: str) -> tuple[int | None, StatusCode | None]:
    """The reply code in a text, and the enhanced code that comes with it: the first pair of both."""
    first: int | None = None
    for match in _REPLY.finditer(text):
        first = first or int(match[1])
        if match[2] and (status := parse_status(match[2])) and status.class_ == int(match[1]) // 100:
            return int(match[1]), status
    if first is None and (bare := _BARE_REPLY.search(text)):
        first = int(bare[1])
    return first, None


def find_stage(text: str) -> Stage:
    """After which command a text says that the answer came."""
    lowered = text.lower()
    for words, stage in _STAGES:
        if words in lowered:
            return stage
    command = ""
    for line in lowered.split("\n")[:LINE_LIMIT]:
        line = line.strip()[:120]
        if sent := _SENT.match(line):
            command = sent[1]
        elif command and _ANSWERED.match(line):
            break
    return _COMMANDS.get(command, "")


def reason_for(text: str, status: StatusCode | None) -> Reason:
    """Phrases first; codes where the phrases say nothing."""
    wording = find_wording(without_addresses(text))
    found = wording.reason if wording else None
    if found is None or (found in ("policy", "system", "network", "expired") and _precise(status)):
        found = _by_status(status) or found
    elif found == "too-large" and status is not None and status[1:] == (2, 2):
        found = "mailbox-full"  # of the mailbox, not of the message
    elif found == "no-mailbox" and wording and not wording.sure and not _may_mean_address(status):
        found = _by_status(status) or "recipient-refuses"
    elif found == "recipient-refuses" and wording and not wording.sure:
        found = _by_status(status) or found
    return found or "other"


def _may_mean_address(status: StatusCode | None) -> bool:
    """May a refusal in few words ("address rejected") mean the address? Not with a code for something else."""
    return status is None or status.subject == 0 or _is_addressing(status)


def _precise(status: StatusCode | None) -> bool:
    return status is not None and (status.subject, status.detail) in ((2, 2), (3, 4), (2, 3))


def _is_filter(status: StatusCode | None, stage: Stage) -> bool:
    """Is "no such user" the answer of something that had already taken the address?

    Providers that filter by recipient's wish answer so after DATA, or with 5.2.x (the mailbox, not the
    address), and the address exists.
    """
    if stage == "rcpt" or (status is not None and status.subject == 1):
        return False
    return stage == "data" or (status is not None and status.subject == 2)


def _is_certain(reason: Reason, status: StatusCode | None, stage: Stage, text: str, *, coded: bool) -> bool:
    """Is an address gone for certain?

    "No such user" counts with a code of addressing, as an answer to RCPT, or in words of a directory
    alone; a reply of unknown place with neither may be a filter's, and `User unknown` by itself is what
    gateways say of anything. A domain counts unless the code says that it was the lookup that failed.
    """
    lowered = text.lower()
    if status is not None and status.class_ == 4 and not _QUOTED_FINAL.search(text):
        wording = find_wording(
            without_addresses(text)
        )  # `user unknown` with 4.1.1: of a cautious administrator
        return status[1:] == (1, 1) and wording is not None and wording.sure
    if reason == "no-mailbox":
        if _is_known(text):
            return True
        if coded or "user unknown" in lowered or "user doesn't have a" in text:
            return stage == "rcpt" or (status is not None and _is_addressing(status))
        return True
    if reason == "no-domain" and status is None and not coded and "try again" in lowered:
        return False
    return reason == "moved" or status is None or status.class_ == 5


def _is_known(text: str) -> bool:
    return Said(without_addresses(text)).has_any(_KNOWN_GONE)


def _is_addressing(status: StatusCode) -> bool:
    """X.1.x; and 5.4.1, by which Exchange Online means an address that its directory does not have."""
    return status.subject == 1 or status == (5, 4, 1)


def _without_gloss(text: str) -> str:
    """A reply without the sentence that some gateways put before it (`5.1.0 - Unknown address error 550-'…'`)."""
    match = _GLOSS.match(text)
    return _FRAME.sub("", text[match.end() :] if match else text)


def _unwrapped(text: str) -> str:
    """The reply itself, where another system passes on what it was told."""
    match = _WRAPPED.search(text)
    return text[match.end() :] if match else text


def _choose(
    field: StatusCode | None, own: StatusCode | None, loose: StatusCode | None, reply_code: int | None
) -> StatusCode | None:
    """The most telling code: that of the reply itself, then a field that says more than its class."""
    if own is not None and (own.subject or own.detail or field is None):
        return own
    if field is not None and (field.subject or field.detail):
        return field
    allowed = loose is not None and (loose.class_ != 2 or (field is not None and field.class_ == 2))
    if loose is not None and allowed and (field is None or loose.subject or loose.detail):
        return loose
    if field is not None:
        return field
    return StatusCode(reply_code // 100, 0, 0) if reply_code else None


def _without_versions(text: str) -> str:
    return text.replace("Exim 4.", "Exim ").replace("Sendmail 5.", "Sendmail ")


def _by_status(status: StatusCode | None) -> Reason | None:
    if status is None:
        return None
    if (reason := _CODES.get((status.subject, status.detail))) is not None:
        if reason in HARD and status.class_ != 5:
            return "network" if reason == "no-domain" else "other"
        return reason
    return _SUBJECTS.get(status.subject)


_OF_SENDER = ((1, 7), (1, 8))
_SUBJECTS: dict[int, Reason] = {2: "disabled", 3: "system", 4: "network", 6: "content", 7: "policy"}
_CODES: dict[tuple[int, int], Reason] = {
    (1, 0): "no-mailbox",
    (1, 1): "no-mailbox",
    (1, 2): "no-domain",
    (1, 3): "no-mailbox",
    (1, 4): "no-mailbox",
    (1, 6): "moved",
    (1, 7): "sender-refused",
    (1, 8): "sender-refused",
    (1, 9): "other",
    (1, 10): "accepts-no-mail",
    (2, 0): "recipient-refuses",
    (2, 1): "disabled",
    (2, 2): "mailbox-full",
    (2, 3): "too-large",
    (3, 1): "mailbox-full",
    (3, 2): "system",
    (3, 3): "system",
    (3, 4): "too-large",
    (3, 5): "system",
    (4, 4): "no-domain",
    (4, 6): "loop",
    (4, 14): "loop",
    (4, 300): "expired",
    (4, 310): "no-domain",
    (4, 312): "expired",
    (4, 316): "expired",
    (1, 351): "no-mailbox",
    (4, 7): "expired",
    (4, 0): "network",
    (4, 1): "expired",
    (5, 1): "syntax",
    (5, 2): "syntax",
    (5, 4): "syntax",
    (7, 7): "policy",
    (7, 8): "policy",
    (7, 9): "authentication",
    (7, 20): "authentication",
    (7, 21): "authentication",
    (7, 22): "authentication",
    (7, 23): "authentication",
    (7, 24): "authentication",
    (7, 25): "reputation",
    (7, 26): "authentication",
    (7, 27): "sender-refused",
    (7, 28): "rate",
    (7, 29): "authentication",
    (7, 30): "tls",
}
