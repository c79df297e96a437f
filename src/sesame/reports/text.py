"""Bounces for people: what a mail system wrote where it used no standard form.

Takes the notification's text, cuts off the message it returns, finds which lines name a recipient and
which text belongs to each. Works by the shapes that mail systems share (an address on a line of its
own, a transcript, a sentence with an address in it) rather than by asking which system wrote it.

INVARIANT: one pass over at most TEXT_LIMIT characters for each question; never raises.
"""

import re
from dataclasses import dataclass

from sesame.reports.addresses import find_addresses, first_address
from sesame.reports.auto_reply import is_from_daemon
from sesame.reports.entity import TEXT_LIMIT, Entity, decode_words
from sesame.reports.phrases import Said, compile_phrases, find_reason

NOTICE_LIMIT = 16_384  # characters of a notification that are read
LINE_LIMIT = 400  # lines of it
RECIPIENT_LIMIT = 100
OWN_LIMIT = 1_024  # characters of the text of one recipient in which a reason is looked for

_TAG = re.compile(r"<[^<>]{0,2000}>")
_RETURNED = compile_phrases(
    "below this line", "enclosed is a copy", "is a copy of the message", "is a copy of your message", "original message follows",
    "original message headers", "message headers follow", "message header follows", "unsent message follows",
    "header of the original message", "headers of the original message", "below is a copy", "message text follows", "original message ---",
    "- original message", "-original message", "original mail info", "returned message follows", "returned message below", "copy of the original message",
    "original mail as follows", "message header ---", "returned text follows", "returned content", "- returned message", "undelivered message follows",
    "rejected message follows", "here is your mail", "- message header", "headers of your message", "header of your message", "your message reads",
    "[message header", "-- message headers", "the first * lines of the", "message contents follow", "included message", "message is returned below", "original headers:",
    "- text of message", "start of message", "the following is a copy of", "the header follows", "returned headers", "original message headers:", "message body follows",
)  # fmt: skip
_HEADER_LINE = re.compile(r"(received|return-path|dkim-signature|x-received|delivered-to|message-id|date|from|to|subject|mime-version|domainkey-signature|x-[a-z0-9-]{1,40}|content-type|sender|reply-to|cc)[ \t]{0,4}:", re.IGNORECASE)
_FAILED = compile_phrases(
    "could not be delivered", "couldn't be delivered", "could not deliver", "couldn't deliver", "cannot be delivered", "can not be delivered", "unable to deliver",
    "was not delivered", "not be delivered", "delivery failed", "failed permanently", "delivery failure", "undeliverable", "undelivered", "delivery has failed", "delivery to the following",
    "trouble delivering", "error delivering", "did not reach", "didn't reach", "not able to deliver", "wasn't able to deliver", "permanent fatal errors", "permanent error", "delivery error",
    "fatal errors", "returned mail", "returned to you", "returned to sender", "returning message to sender", "transcript of session", "failed addresses follow", "error occurred while attempting to deliver",
    "error occurred while trying to deliver", "delivery of your message", "has been rejected", "was rejected by", "message rejected", "delivery status notification", "could not send", "could not be sent",
    "couldn't be sent", "following recipients returned", "failed to deliver", "delivery attempt", "non-delivery", "nondeliverable", "not delivered", "message was not sent", "could not find", "mailbox is full",
    "mailbox exceeds", "failed*attempts", "unknown user", "user unknown", "no such user", "invalid user address", "duplicated message-id", "loop alert", "mail system error", "unable to send",
    "delivery incomplete", "delivery problem", "delivery report", "problem delivering", "problems delivering", "aborted after", "message delayed", "has been delayed", "is delayed", "konnte nicht zugestellt",
    "nicht zugestellt", "unzustellbar", "n'a pas pu \u00eatre", "non remis", "non distribu", "no se pudo entregar", "no se ha podido entregar", "no ha sido entregado", "non \u00e8 stato possibile",
    "mancata consegna", "n\u00e3o p\u00f4de ser entregue", "n\u00e3o foi poss\u00edvel entregar", "niet worden afgeleverd", "niet bezorgd", "kunne ikke leveres", "kunde inte levereras", "nie mog\u0142a zosta\u0107",
    "nie dor\u0119czon", "\u043d\u0435 \u0434\u043e\u0441\u0442\u0430\u0432\u043b\u0435\u043d", "\u043d\u0435 \u043c\u043e\u0436\u0435\u0442 \u0431\u044b\u0442\u044c \u0434\u043e\u0441\u0442\u0430\u0432\u043b\u0435\u043d\u043e",
    "\u9001\u4fe1\u3067\u304d\u307e\u305b\u3093", "\u914d\u4fe1\u3067\u304d\u307e\u305b\u3093", "\u914d\u9001\u3067\u304d\u307e\u305b\u3093", "\u304a\u5c4a\u3051\u3067\u304d\u307e\u305b\u3093", "\u9000\u4fe1", "\u65e0\u6cd5\u6295\u9012",
    "\u65e0\u6cd5\u9001\u8fbe", "\u9000\u56de", "\ubc18\uc1a1",
)  # fmt: skip
_SUBJECTS = compile_phrases(
    "returned mail", "undeliver", "delivery fail", "failure notice", "delivery status notif", "mail delivery", "delivery error", "mail system error", "mail failed", "returning message", "delivery report",
    "delivery problem", "nondeliver", "non-deliver", "delivery notification", "mail error", "rejected mail", "warning: could not send", "warning: message", "failed mail", "mail could not be", "message could not be",
    "mail not delivered", "error sending your mail", "unzustellbar", "unable to deliver", "loop alert", "user unknown", "bounce", "delivery incomplete", "cannot send message", "notification d'", "non remis", "no entregado",
    "not delivered", "could not be delivered", "delayed mail", "mail delay", "message delayed", "mail returned", "returned to sender", "returned message", "delivery has failed", "mail rejected", "message rejected", "email rejected", "notify: see transcript",
    "delivery delay", "\u9000\u4fe1", "\u914d\u4fe1", "\u672a\u914d\u4fe1", "\u30a8\u30e9\u30fc", "\u043d\u0435 \u0434\u043e\u0441\u0442\u0430\u0432\u043b\u0435\u043d\u043e",
)  # fmt: skip
_DELAYED = compile_phrases(
    "has been delayed", "is delayed", "was delayed", "message delayed", "warning message only", "temporary failure report", "will be retried", "will keep trying", "still being retried", "do not need to resend",
    "do not need to re-send", "delay reason", "not yet been delivered", "has not yet", "still trying", "will try again", "will continue to", "delivery status notification (delay)", "continue to attempt", "wird weiter versucht",
)  # fmt: skip
_FINAL = compile_phrases("permanent error", "failed permanently", "given up", "permanent fatal", "could not be delivered for", "undeliverable", "returned to sender")
_NOT_RECIPIENT = ("mail from", "from:", "envelope-from", "contact", "message-id", "reply-to", "for help", "support", "assistance", "more information", "sender:", "mailto:", "return-path", "please send mail to", "abuse", "authenticated")  # fmt: skip
_LABELS = re.compile(r"(?:[45]\d\d(?: [45]\.\d\.\d{1,2})? |[<\"'*\-\u2022:>. \t\[(]|rfc822;|to:|recipients?:|rcpt to:|rcpt:|address:|failed recipients?:|recipient address:|email address:|user:|original address:){0,14}", re.IGNORECASE)
_NAMED = compile_phrases(
    "to:", "to <", "recipient", "rcpt", "addresse", "user", "delivered to", "mailbox", "account", "unknown", "attempts", "destinat", "for <", "for:", "...", "did not reach", "reason",
)  # fmt: skip


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
            if text.strip() and (part.parameters.get("name") or part.get("content-disposition").startswith("attach")):
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
    for name, sign in (("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&quot;", '"'), ("&#39;", "'"), ("&amp;", "&")):
        text = text.replace(name, sign)
    return text


def is_bounce(message: Entity, notice: Notice, *, has_original: bool) -> bool:
    """Is a message without a report part a bounce all the same?"""
    told = Said(decode_words(message.get("subject"))).has_any(_SUBJECTS)
    text = notice.text[:NOTICE_LIMIT]
    failed = Said(text).has_any(_FAILED)
    if message.get("x-failed-recipients"):
        return True
    if is_from_daemon(message) or message.get("return-path") == "<>":
        return told or failed or (find_reason(text) is not None and bool(find_addresses(text)))
    if told and failed and find_addresses(text):
        return True
    return failed and has_original and find_reason(text) is not None


def is_delay(message: Entity, notice: Notice) -> bool:
    """Does a notification say that the mail is only late?"""
    said = Said(f"{decode_words(message.get('subject'))} {notice.text[:NOTICE_LIMIT]}")
    return said.has_any(_DELAYED) and not said.has_any(_FINAL)


def failed_recipients(message: Entity) -> tuple[str, ...]:
    """The addresses of X-Failed-Recipients fields."""
    names = ("x-failed-recipients", "x-failed-recipient", "x-bounced-address")
    values = [decode_words(value) for name in names for value in message.get_all(name)]
    found = (address for value in values for _, _, address in find_addresses(value))
    return tuple(dict.fromkeys(found))[:RECIPIENT_LIMIT]


def mentions(notice: Notice, *, known: tuple[str, ...], senders: frozenset[str], returned_to: tuple[str, ...]) -> list[Mention]:
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
        Mention(address=address, diagnostic=text if find_reason(text.replace(address, "")[:OWN_LIMIT]) else whole)
        for address, text in zip(named, texts, strict=True)
    ]


def _failing(returned: str) -> list[str]:
    """Lines of what was taken for the returned message that say that mail did not arrive."""
    lines = returned[:NOTICE_LIMIT].split("\n")[:LINE_LIMIT]
    return [line for line in lines if "@" in line and Said(line).has_any(_FAILED)]


def _named(lines: list[str], senders: frozenset[str], returned_to: tuple[str, ...]) -> list[str]:
    tiers: tuple[list[str], list[str], list[str], list[str]] = ([], [], [], [])
    targets = {address.lower() for address in returned_to}
    for line in lines:
        lowered = line.lower()
        for start, end, address in find_addresses(line)[:20]:
            if address.lower() in senders and address.lower() not in targets:
                tiers[3].append(address)
            elif _LABELS.fullmatch(line[:start]) and _stands_alone(line[end:]):
                # `To:` alone may name whom the message was written to
                told = not lowered.strip().startswith("to:")
                tiers[0 if told else 1].append(address)
            elif any(words in lowered for words in _NOT_RECIPIENT):
                tiers[3 if address.lower() not in targets else 2].append(address)
            elif Said(line).has_any(_NAMED):
                tiers[1].append(address)
            else:
                tiers[2].append(address)
    for tier in tiers:
        unique = list({address.lower(): address for address in reversed(tier)}.values())[::-1]
        if not unique:
            continue
        wanted = [address for address in unique if address.lower() in targets]
        if tier is tiers[0]:
            return unique[:RECIPIENT_LIMIT]
        return (wanted or unique[:1])[:RECIPIENT_LIMIT]
    return []


def _stands_alone(after: str) -> bool:
    rest = after.lstrip("'\">)] \t")
    return not rest or rest[0] in ":;,([.-" or after[0] in ">:" or Said(rest).has_any(_AFTER_ADDRESS)


_AFTER_ADDRESS = compile_phrases("on ", "invalid", "unknown", "user", "mailbox", "error", "...", "rejected", "not ")


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
        if seen and len(stripped) < 160 and "@" not in stripped and Said(stripped).has_any(_RETURNED):
            return Notice(text="\n".join(lines[:index]), returned=_skip_rule(lines[index + 1 :]))
        if seen and _HEADER_LINE.match(line) and (size := _header_size(lines[index : index + 40])):
            if any("mailer-daemon" in head.lower() for head in lines[index : index + size]):
                passed = index + size  # the header of the notification itself, which somebody forwarded
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


def _skip_rule(lines: list[str]) -> str:
    while lines and not lines[0].strip(" \t-=_*|+#"):
        lines = lines[1:]
    return "\n".join(lines)


def senders_of(message: Entity, original: Entity | None) -> frozenset[str]:
    """Who sent what is returned: the report went to them."""
    fields = [(message, "to"), (message, "from")] + ([(original, name) for name in ("from", "return-path", "sender", "reply-to")] if original else [])
    return frozenset(address.lower() for entity, name in fields if entity and (address := first_address(entity.get(name))))
