"""Internationalized domain names in both forms, wherever a page shows one: in letters, and as the DNS has them.

INVARIANT: the form that a text has stays as it is, so that it can be copied and compared; the other stands behind it.
So no name is shown in letters alone, which another's may look like, and of letters that are not Latin it is said whose
they are. Letters that run from right to left move nothing around them: each label is isolated. What IDNA 2008 does not
allow (RFC 5892: pictures, what is not seen, A-labels that are none) has no other form. It works on whole pages, so that
none can forget it. Sources: RFC 5890 section 2.3.2.1, RFC 5893 (bidi), Unicode TR 36 and TR 39.
"""

import re
import unicodedata
from functools import lru_cache

import idna
from markupsafe import escape

from sesame.console.text import visible
from sesame.mail.domain import DomainError, normal_domain

_A_LABELS = re.compile(
    r"(?<![\w.-])(?:[A-Za-z0-9_-]{1,63}\.){0,20}?[Xx][Nn]--[A-Za-z0-9-]{1,59}(?:\.[A-Za-z0-9_-]{1,63}){0,20}(?![\w-])"
)
_ASCII, _END = r"#-%*+\-.0-9=A-Z^_a-z~", r"\s@/<>&;:,!?|(){}\[\]\"'\\`"
_LETTERS = tuple(
    re.compile(rf"{begin}([{_ASCII}]{{0,252}}+[^\x00-\x7f\s][^{_END}]{{0,252}})") for begin in ("@", "//")
)
"""What stands where a domain does, behind the `@` of an address or the slashes of an address of the web."""
_MARKED = re.compile(r"(<[^>]*>)")
_TAG = re.compile(r"<(/?)([a-z0-9]+)")
_VERBATIM = {"textarea", "title", "option", "script", "style", "pre", "button"}
"""Elements whose text is a value, a text to copy, or can have no element in it."""
_IN_LINE = {"a", "b", "bdi", "br", "code", "em", "i", "kbd", "small", "span", "strong", "time", "wbr"}
"""Elements in which a name that was shown in both forms just before is not shown in both again."""
MOST = 500
"""How many names of one text are looked at."""
_SCRIPTS = {"CJK": "Han", "IDEOGRAPHIC": "Han", "MODIFIER": ""}


def both_forms(page: str) -> str:
    """A page with the other form behind each internationalized domain name, once in a paragraph, cell or the like."""
    if not _has_any(page):
        return page
    out: list[str] = []
    verbatim, code, late = 0, 0, ""
    told: set[str] = set()
    for number, piece in enumerate(_MARKED.split(page)):
        if number % 2 == 0:
            if not verbatim and piece:
                piece, behind = _with_forms(piece, told, in_code=code > 0)
                late += behind
            out.append(piece)
            continue
        out.append(piece)
        if (found := _TAG.match(piece)) is None:
            continue
        name, step = found[2], -1 if found[1] else 1
        if name in _VERBATIM:
            verbatim = max(0, verbatim + step)
        elif name == "code":
            code = max(0, code + step)
            if not code and late:
                out.append(late)
                late = ""
        elif name not in _IN_LINE:
            told.clear()
    return "".join(out)


def as_stored(asked: str) -> str:
    """A domain, or an address, that was typed in letters, as it is stored; any other text as it is."""
    if asked.isascii():
        return asked
    local, at, domain = asked.rpartition("@")
    try:
        return f"{local}{at}{normal_domain(domain)}"
    except DomainError:
        return asked


def _has_any(page: str) -> bool:
    return any(one in page for one in ("xn--", "XN--", "Xn--", "xN--")) or any(
        one.search(page) for one in _LETTERS
    )


def _with_forms(piece: str, told: set[str], *, in_code: bool) -> tuple[str, str]:
    """A text with the other forms in it, and what is to stand behind the code that the text is in."""
    behind: list[str] = []

    def shown(found: re.Match[str]) -> str:
        name = found[found.lastindex or 0]
        other = "" if name.lower() in told else _other(name)
        if not other:
            return found[0]
        told.add(name.lower())
        if in_code:
            behind.append(other)
            return found[0]
        return found[0] + other

    if "xn--" in piece.lower():
        piece = _A_LABELS.sub(shown, piece, MOST)
    if not piece.isascii():
        for one in _LETTERS:
            piece = one.sub(shown, piece, MOST)
    return piece, "".join(behind)


@lru_cache(maxsize=2_000)
def _other(name: str) -> str:
    """The other form of a name, to stand behind it; empty if it has none."""
    if name.isascii():
        return _in_letters(name) if "xn--" in name.lower() else ""
    if "." not in name.strip("."):
        return ""
    try:
        ascii_form = normal_domain(name.rstrip("."))
    except DomainError:
        return ""
    return f' <span class="form">(<code>{escape(ascii_form)}</code>{_scripts(name)})</span>'


def _in_letters(name: str) -> str:
    labels = [_letters(label) for label in name.lower().split(".")]
    text = ".".join(labels)
    if text == name.lower():
        return ""
    isolated = ".".join(f"<bdi>{escape(visible(label))}</bdi>" for label in labels)
    return f' <span class="form">(<bdi dir="ltr">{isolated}</bdi>{_scripts(text)})</span>'


def _letters(label: str) -> str:
    """An A-label as letters, if it is the A-label of any; else as it is."""
    if not label.startswith("xn--"):
        return label
    try:
        text = idna.ulabel(label)
        return text if idna.alabel(text).decode("ascii") == label else label
    except UnicodeError:
        return label


def _scripts(text: str) -> str:
    """Whose letters they are, where not all are Latin."""
    found: dict[str, None] = {}
    for label in text.split("."):
        if not label.isascii():
            found |= dict.fromkeys(_script(char) for char in label if unicodedata.category(char)[0] == "L")
    found.pop("", None)
    return f": {' and '.join(found)}" if set(found) - {"Latin"} else ""


def _script(letter: str) -> str:
    """The first word of a letter's name says its script."""
    word = unicodedata.name(letter, "UNKNOWN").partition(" ")[0].partition("-")[0]
    return _SCRIPTS.get(word, word.capitalize())
