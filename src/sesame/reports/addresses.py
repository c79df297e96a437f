"""Addresses found in text that nobody promised to be well formed.

Finds what looks like `local@domain` around each `@`, in time proportional to the text. What is found
is a hint for a person to read: who a report is about, the return path tells. Source: RFC 5321
section 4.1.2 (lengths), RFC 6531.
"""

import re

_LOCAL_REVERSED = re.compile(r"[^\s<>()\[\]{},:;\"@\\`|=]{1,64}")
_DOMAIN = re.compile(r"[A-Za-z0-9\u0080-\uffff_][A-Za-z0-9\u0080-\uffff_.-]{0,252}")
_URL = re.compile(r"https?://([^\s<>\"/?#]{1,253})[^\s<>\"]{0,500}", re.IGNORECASE)
FOUND_LIMIT, TRY_LIMIT = 100, 1_000  # addresses of one text, and signs that are looked at for them


def find_addresses(text: str) -> list[tuple[int, int, str]]:
    """Start, end and text of each address, in order; no two overlap. At most FOUND_LIMIT."""
    found: list[tuple[int, int, str]] = []
    at, floor, tries = text.find("@"), 0, TRY_LIMIT
    while at >= 0 and len(found) < FOUND_LIMIT and tries > 0:
        tries -= 1
        local = _LOCAL_REVERSED.match(text[max(floor, at - 64) : at][::-1])
        domain = _DOMAIN.match(text, at + 1)
        if local and domain:
            name = domain[0].rstrip(".-_")
            before = local[0][::-1].lstrip("'.*")
            start = at - len(before)
            if before and name and not name.replace(".", "").isdigit():
                end = at + 1 + len(name)
                found.append((start, end, f"{before}@{name}"))
                floor = end
        at = text.find("@", max(at + 1, floor))
    return found


def without_addresses(text: str) -> str:
    """Text with `@` in place of each address, and of a URL only its host: no word of theirs is the text's."""
    text = _URL.sub(r" \1 ", text)
    pieces, at = [], 0
    for start, end, _ in find_addresses(text):
        pieces.append(text[at:start])
        at = end
    return "@".join([*pieces, text[at:]])


def first_address(text: str) -> str:
    """The first address of a field's body, the one in angle brackets before any other; or nothing."""
    opened = text.rfind("<")
    found = find_addresses(text[opened + 1 :]) if opened >= 0 else []
    found = found or find_addresses(text)
    return found[0][2] if found else ""


def typed_address(value: str) -> str:
    """The address of a `type; address` field (RFC 3464 section 2.1.2), `utf-8;` unescaped (RFC 6533)."""
    kind, semicolon, rest = value.partition(";")
    text = (rest if semicolon else kind).strip()
    if kind.strip().lower() == "utf-8" and "\\x{" in text:
        text = _ESCAPED.sub(_unescaped, text)
    inner = text.removeprefix("<").partition(">")[0].strip() if text.startswith("<") else text
    return first_address(inner) or inner.split(" ")[0][:320]


_ESCAPED = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")


def _unescaped(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    readable = 0x20 < number < 0xD800 or 0xE000 <= number <= 0x10FFFF
    return chr(number) if readable else match[0]
