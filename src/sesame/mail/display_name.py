"""Display names: what a phrase says, and how a name is written so that every reader finds one mailbox (I7).

A reader that decodes encoded-words before it looks for addresses must find none in a name, so what holds an
`@` is written as a quoted-string, never inside an encoded-word. Words that do not decode stay as they are.
Sources: RFC 5322 sections 3.2.5 and 4.1, RFC 2047 sections 5, 6.3 and 8.
"""

import codecs
import re
from collections.abc import Callable

from sesame.mail import encoded_words

ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
# C0, DEL, C1 with U+0085, line and paragraph separator, lone surrogates
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PLAIN_NAME = re.compile(rf"(?>[{ATEXT}]++(?: [{ATEXT}]++)*)")
_PLAIN_WORD = re.compile(rf"[{ATEXT}.]++")
_CONTROL_OF_ASCII = re.compile("[\x00-\x1f\x7f\u2028\u2029]")
_WIDER = {"shift_jis": "cp932", "gb2312": "gb18030", "euc_kr": "cp949", "big5": "big5hkscs"}
"""What readers take these charsets for, since senders do."""
_SPECIAL = re.compile(r'[()<>\[\]:;@\\,"]')
_HOSTILE = re.compile('[<>@"\\\\]')
_RUNS = re.compile(r"[!-~]++|[^!-~]++")


class DisplayNameError(encoded_words.WordError):
    """A name that one reader could take for an address, or that holds a control character."""


def read(pieces: list[str]) -> str:
    """The text that words, quoted-strings without their quotes, and comments mean together.

    Encoded-words count in quotes too, as most readers take them. Raises DisplayNameError.
    """
    text = " ".join(pieces)
    if "=?" in text:
        text = encoded_words.decode_what_can_be(text)
        for word in text.split(" "):
            if encoded_words.is_encoded(word):
                _check_undecodable(word)
    text = text.strip(" ")
    if CONTROL.search(text):
        raise DisplayNameError("Illegal address")
    return _apart(text) if "@" in text and not text.isascii() else text


def check_sender(name: str) -> None:
    """Raise DisplayNameError for a sender's name in which some reader may find an address of its own.

    Angle brackets: a reader that decodes before it parses sees them. An `@` in a name that must be escaped:
    a reader may know no escapes.
    """
    if "<" in name or ">" in name:
        raise DisplayNameError("Illegal address")
    if "@" in name and any(sign in name for sign in ('"', "\\", "=?")):
        raise DisplayNameError("Illegal address")


def written(name: str) -> list[str]:
    """A name as header words: atoms, quoted-strings and encoded-words (RFC 5322 3.2.5)."""
    if "=?" in name:
        return _written_in_runs(name, encoded_words.is_undecodable, as_is=True)
    if name.isascii():
        return _plain(name)
    if "@" in name:
        return _written_in_runs(name, _must_be_quoted, as_is=False)
    return encoded_words.encode(name)


def _plain(name: str) -> list[str]:
    if _PLAIN_NAME.fullmatch(name):
        return name.split(" ")
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return [f'"{escaped}"']


def _must_be_quoted(word: str) -> bool:
    return word.isascii() and _SPECIAL.search(word) is not None


def _written_in_runs(name: str, stands_alone: Callable[[str], bool], *, as_is: bool) -> list[str]:
    """Words that stand alone are written as they are or quoted, those between them encoded together."""
    found: list[str] = []
    run: list[str] = []
    for word in (*name.split(" "), None):
        alone = word is not None and stands_alone(word) and not (as_is and not _PLAIN_WORD.fullmatch(word))
        if word is not None and not alone:
            run.append(word)
            continue
        text = " ".join(run).strip(" ")
        if text:
            found += encoded_words.encode(text) if "=?" in text or not text.isascii() else _plain(text)
        run = []
        if word is not None:
            found += [word] if as_is else _plain(word)
    return found


def _apart(name: str) -> str:
    """A name that holds an address, with a blank between what is to be quoted and what is to be encoded."""
    parts = []
    for word in name.split(" "):
        if not word.isascii() and _SPECIAL.search(word):
            runs = _RUNS.findall(word)
            word = "".join(
                f" {run}" if index and _SPECIAL.search(run + runs[index - 1]) else run
                for index, run in enumerate(runs)
            )
        parts.append(word)
    return " ".join(parts)


def _check_undecodable(word: str) -> None:
    """What readers may make of a word that we cannot decode must not look like an address to any."""
    charset, data = encoded_words.content_of(word)
    try:
        name: str | None = encoded_words.codec(charset)
    except encoded_words.WordError:
        name = None
        try:
            codecs.lookup(charset)
        except LookupError:
            pass
        else:
            raise DisplayNameError("Illegal address")  # one of Python's own: a reader in Python may decode it
    if data is None:
        return  # not even octets: nobody can
    text = data.decode(_WIDER.get(name, name), "replace") if name else data.decode("latin-1")
    if _CONTROL_OF_ASCII.search(text) or _HOSTILE.search(text):
        raise DisplayNameError("Illegal address")
