"""Bounces for people: what a mail system wrote where it used no standard form.

Takes the notification's text, cuts off the message it returns, finds which lines name a recipient and
which text belongs to each. Works by the shapes that mail systems share (an address on a line of its
own, a transcript, a sentence with an address in it) rather than by asking which system wrote it.

INVARIANT: one pass over at most TEXT_LIMIT characters for each question; never raises.
"""

import re
from dataclasses import dataclass
from enum import IntEnum

from sesame.reports.addresses import find_addresses, first_address
from sesame.reports.auto_reply import is_from_daemon
from sesame.reports.entity import TEXT_LIMIT, Entity, decode_words
from sesame.reports.notices import (
    AFTER_ADDRESS,
    DELAYED,
    FAILED,
    FINAL,
    NAMED,
    NOT_RECIPIENT,
    RETURNED,
    SUBJECTS,
)
from sesame.reports.phrases import Said
from sesame.reports.reasons import find_reason

NOTICE_LIMIT = 16_384  # characters of a notification that are read
LINE_LIMIT = 400  # lines of it
RECIPIENT_LIMIT = 100
SUMMARY_LINES = 12  # lines before and behind a summary of a message in which a reason is looked for
OWN_LIMIT = 1_024  # characters of the text of one recipient in which a reason is looked for

_TAG = re.compile(r"<[^<>]{0,2000}>")
_HEADER_NAMES = (
    "received|return-path|dkim-signature|domainkey-signature|x-received|delivered-to|message-id|date|from|to|cc"
    "|subject|mime-version|x-[a-z0-9-]{1,40}|content-type|sender|reply-to"
)
_HEADER_LINE = re.compile(f"(?:{_HEADER_NAMES})[ \t]{{0,4}}:", re.IGNORECASE)
_OF_TRANSPORT = re.compile(
    f"(?!(?:date|from|to|cc|subject|sender)[ \t]{{0,4}}:)(?:{_HEADER_NAMES})[ \t]{{0,4}}:", re.IGNORECASE
)
"""A field that no summary of a message has."""
_LABEL_WORDS = (
    "rfc822;|to:|recipients?:|rcpt to:|rcpt:|address:|failed recipients?:|recipient address:|email address:|user:"
    "|original address:"
)
_LABELS = re.compile(
    rf"(?:[45]\d\d(?: [45]\.\d\.\d{{1,2}})? |[<\"'*\u2022:>. \t\[(-]|{_LABEL_WORDS}){{0,14}}", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notification without the message it returns, and that message's text if it was in one part with it."""

    text: str
    returned: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A recipient that a notification names, and the text that belongs to it."""

    address: str
    diagnostic: str


def read_notice(message: Entity, parts: list[Entity]) -> Notice:
    """The text of a notification: of the first part that has any, markup removed."""
    text = ""
    for part in parts:
        if part.media_type.startswith("text/plain") or part.media_type == "text":
            if text.strip() and (
                part.parameters.get("name") or part.get("content-disposition").startswith("attach")
            ):
                break
            text += part.text + "\n"
            if len(text.strip()) > 60 and find_addresses(text):
                break
    if not text.strip():
        html = next((part.text for part in parts if part.media_type == "text/html"), "")
        text = without_markup(html)
    if message.media_type.startswith("text/html"):
        text = without_markup(message.text)
    return _split(_unquoted(text[:TEXT_LIMIT]))


def without_markup(html: str) -> str:
    """The text of HTML, roughly: tags out, blocks on lines of their own."""
    text = re.sub(r"(?i)<(?:br|/p|/div|/tr|/li|/h[1-6]|/td)[^<>]{0,200}>", "\n", html)
    text = _TAG.sub(" ", text)
    for name, sign in (
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&nbsp;", " "),
        ("&quot;", '"'),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ):
        text = text.replace(name, sign)
    return text


def is_bounce(message: Entity, notice: Notice, *, has_original: bool) -> bool:
    """Is a message without a report part a bounce all the same?"""
    is_failure_subject = Said(decode_words(message.get("subject"))).has_any(SUBJECTS)
    text = notice.text[:NOTICE_LIMIT]
    failed = Said(text).has_any(FAILED)
    if message.get("x-failed-recipients"):
        return True
    if is_from_daemon(message):
        return is_failure_subject or failed or (find_reason(text) is not None and bool(find_addresses(text)))
    if message.get("return-path") == "<>" and (is_failure_subject or failed):
        return True
    if is_failure_subject and failed and find_addresses(text):
        return True
    return failed and has_original and find_reason(text) is not None


def is_delay(message: Entity, notice: Notice) -> bool:
    """Does a notification say that the mail is only late?"""
    said = Said(f"{decode_words(message.get('subject'))} {notice.text[:NOTICE_LIMIT]}")
    return said.has_any(DELAYED) and not said.has_any(FINAL)


def failed_recipients(message: Entity) -> tuple[str, ...]:
    """The addresses of X-Failed-Recipients fields."""
    names = ("x-failed-recipients", "x-failed-recipient", "x-bounced-address")
    values = [decode_words(value) for name in names for value in message.get_all(name)]
    found = (address for value in values for _, _, address in find_addresses(value))
    return tuple(dict.fromkeys(found))[:RECIPIENT_LIMIT]


def mentions(
    notice: Notice, *, known: tuple[str, ...], senders: frozenset[str], returned_to: tuple[str, ...]
) -> list[Mention]:
    """The recipients that a notification names, each with the text that belongs to it.

    `known` are told by a field of the report and stand; `returned_to` are those of the returned
    message and break ties; `senders` are those who sent it, named only when nobody else is.
    """
    lines = notice.text[:NOTICE_LIMIT].split("\n")[:LINE_LIMIT]
    named = list(known) or _named(lines, senders, returned_to)
    named = named or _named(_failing(notice.returned), senders, returned_to)
    if not named and len(returned_to) == 1:
        return [Mention(address=returned_to[0], diagnostic=notice.text[:NOTICE_LIMIT])]
    texts = _own_texts(lines, named)
    whole = "\n".join(lines)
    return [
        Mention(
            address=address, diagnostic=text if find_reason(text.replace(address, "")[:OWN_LIMIT]) else whole
        )
        for address, text in zip(named, texts, strict=True)
    ]


def _failing(returned: str) -> list[str]:
    """Lines of what was taken for the returned message that say that mail did not arrive."""
    lines = returned[:NOTICE_LIMIT].split("\n")[:LINE_LIMIT]
    return [line for line in lines if "@" in line and Said(line).has_any(FAILED)]


class _Place(IntEnum):
    """Where an address stands in a notification, the likeliest place of a failed recipient first."""

    LABELLED = 0
    """Alone behind a label, or alone on its line."""
    IN_A_SENTENCE = 1
    """In a sentence that names a recipient, or behind `To:`, which may say whom the message was written to."""
    SOMEWHERE = 2
    NOT_A_RECIPIENT = 3
    """The sender's, or in a line about somebody else."""


def _named(lines: list[str], senders: frozenset[str], returned_to: tuple[str, ...]) -> list[str]:
    """The recipients that a notification names: the addresses of the likeliest place in which there are any.

    All that are labelled; elsewhere those that the returned message was written to, or the first one.
    """
    targets = {address.lower() for address in returned_to}
    by_place: dict[_Place, dict[str, str]] = {place: {} for place in _Place}
    for line in lines:
        for start, end, address in find_addresses(line)[:20]:
            unique = by_place[_place_of(line, start, end, address.lower(), senders, targets)]
            unique[address.lower()] = unique.pop(
                address.lower(), address
            )  # in the order of their last mention
    found = next((addresses for addresses in by_place.values() if addresses), {})
    wanted = [address for key, address in found.items() if key in targets]
    if not by_place[_Place.LABELLED]:
        return (wanted or list(found.values())[:1])[:RECIPIENT_LIMIT]
    return list(found.values())[:RECIPIENT_LIMIT]


def _place_of(
    line: str, start: int, end: int, address: str, senders: frozenset[str], targets: set[str]
) -> _Place:
    if address in senders and address not in targets:
        return _Place.NOT_A_RECIPIENT
    if _LABELS.fullmatch(line[:start]) and _stands_alone(line[end:]):
        return _Place.IN_A_SENTENCE if line.lower().strip().startswith("to:") else _Place.LABELLED
    said = Said(line)
    if said.has_any(NOT_RECIPIENT):
        return _Place.SOMEWHERE if address in targets else _Place.NOT_A_RECIPIENT
    return _Place.IN_A_SENTENCE if said.has_any(NAMED) else _Place.SOMEWHERE


def _stands_alone(after: str) -> bool:
    rest = after.lstrip("'\">)] \t")
    return not rest or rest[0] in ":;,([.-" or after[0] in ">:" or Said(rest).has_any(AFTER_ADDRESS)


def _own_texts(lines: list[str], named: list[str]) -> list[str]:
    """For each recipient the lines from each mention of it to the next mention of another."""
    found: dict[str, list[str]] = {address.lower(): [] for address in named}
    owners: list[list[str]] = []
    for line in lines:
        lowered = line.lower()
        here = {address for _, _, address in find_addresses(lowered)} if "@" in line else set()
        mentioned = [found[address] for address in here if address in found]
        if not mentioned and "@" in line:  # an address that is written in a way of its own
            mentioned = [text for address, text in found.items() if address in lowered][:1]
        owners = mentioned or owners
        for text in owners:
            text.append(line)
    return ["\n".join(found[address.lower()]) for address in named]


def _unquoted(text: str) -> str:
    """Text with its `>` quotes undone where most of it is quoted, as in a bounce somebody forwarded."""
    lines = text.split("\n")
    if sum(line.startswith(">") for line in lines) * 2 <= len(lines):
        return text
    return "\n".join(line[1:].removeprefix(" ") if line.startswith(">") else line for line in lines)


def _split(text: str) -> Notice:
    """Part a notification from the message that it returns in the same text."""
    lines = text.split("\n")
    seen, passed = False, 0
    for index, line in enumerate(lines[:2000]):
        stripped = line.strip()
        if not stripped or index < passed:
            continue
        if seen and len(stripped) < 160 and "@" not in stripped and Said(stripped).has_any(RETURNED):
            return Notice(text="\n".join(lines[:index]), returned=_skip_rule(lines[index + 1 :]))
        if seen and _HEADER_LINE.match(line) and (size := _header_size(lines[index : index + 40])):
            if any("mailer-daemon" in head.lower() for head in lines[index : index + size]):
                passed = index + size  # the header of the notification itself, which somebody forwarded
                continue
            if _is_summary(lines, index, index + size):
                passed = index + size
                continue
            return Notice(text="\n".join(lines[:index]), returned="\n".join(lines[index:]))
        seen = seen or bool(stripped.strip("-=_*|+# "))
    return Notice(text=text, returned="")


def _header_size(lines: list[str]) -> int:
    """How many lines a header has that begins here: 0 unless it has three fields."""
    count = size = 0
    for line in lines:
        if not line.strip():
            break
        if _HEADER_LINE.match(line):
            count += 1
        elif not line.startswith((" ", "\t")):
            break
        size += 1
    return size if count >= 3 else 0


def _is_summary(lines: list[str], start: int, end: int) -> bool:
    """Do fields only say which message it was, and does the reason stand behind them and not before?"""
    if any(_OF_TRANSPORT.match(line) for line in lines[start:end]):
        return False
    before, behind = lines[max(0, start - SUMMARY_LINES) : start], lines[end : end + SUMMARY_LINES]
    return find_reason("\n".join(before)) is None and find_reason("\n".join(behind)) is not None


def _skip_rule(lines: list[str]) -> str:
    while lines and not lines[0].strip(" \t-=_*|+#"):
        lines = lines[1:]
    return "\n".join(lines)


def senders_of(message: Entity, original: Entity | None) -> frozenset[str]:
    """Who sent what is returned: the report went to them."""
    fields = [(message, "to"), (message, "from")] + (
        [(original, name) for name in ("from", "return-path", "sender", "reply-to")] if original else []
    )
    return frozenset(
        address.lower() for entity, name in fields if entity and (address := first_address(entity.get(name)))
    )
