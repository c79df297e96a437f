"""What is nearly an address: what is wrong with it in words, and the address that was meant, where that is plain."""

import re
from dataclasses import dataclass

from sesame.mail.address import AddressError, parse_mailbox


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A text that is no address: what is `wrong` with it, and what to write (`right`), both in words."""

    wrong: str
    right: str


_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000\t\r\n]")
_QUOTES = "\"'`´\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f«»"
_WIDE = str.maketrans("＠﹫．。｡，；＜＞", "@@...,;<>")
_SIGNS = {
    ".": "a dot",
    ",": "a comma",
    ";": "a semicolon",
    ":": "a colon",
    "/": "a slash",
    "\\": "a backslash",
}
_ENDS = "".join(_SIGNS)


def near_miss(text: str) -> NearMiss | None:
    """What a text that cannot be read as an address was meant to be; None where that is not plain."""
    wrong: list[str] = []
    name, spec, close = _parts(_in_plain_letters(text, wrong), wrong)
    spec = _trimmed(spec, wrong)
    tokens = spec.split()
    if not name and len(tokens) > 1 and "@" in tokens[-1].strip("@"):
        before = " ".join(tokens[:-1])
        if not _is_address(tokens[-1]) or "@" in before:
            return None
        together = "".join(tokens)
        apart = f"`{before} <{tokens[-1]}>`" if _is_address(f"{before} <{tokens[-1]}>") else None
        is_one = before.islower() and len(tokens) == 2 and _is_address(together)
        ways = ([f"`{together}`"] if is_one else []) + ([apart] if apart else [])
        wrong.append("there is white space in it, and no angle brackets around the address")
        return NearMiss(wrong=" and ".join(wrong), right=" or ".join(reversed(ways))) if ways else None
    if len(tokens) > 1:
        if _is_address(tokens[0]):
            return None  # with something behind it, which may be part of another
        wrong.append("there is white space in it")
        spec = "".join(tokens)
    for pattern, right, words in _INSIDE:
        changed = re.sub(pattern, right, spec)
        if changed != spec:
            wrong.append(words)
        spec = changed
    whole = " ".join([*name.split(), f"<{spec}>"]) if close else spec
    if spec.count("@") > 1 and '"' not in spec:
        return NearMiss(wrong="the @ stands in it more than once", right="an address with one @")
    if not wrong or whole == text or not _is_address(whole):
        return None
    return NearMiss(wrong=" and ".join(dict.fromkeys(wrong)), right=f"`{whole}`")


_INSIDE = (
    ("@{2,}", "@", "the @ stands in it twice"),
    (r"(?i)^([^@]+)[(\[{]at[)\]}]([^@]+)$", r"\1@\2", "the @ is written out"),
    (r"(?<=@)\.+", "", "there is a dot behind the @"),
    (r"\.+(?=@)", "", "there is a dot before the @"),
    (r"\.{2,}", ".", "two dots stand side by side in it"),
    (r"(?<=[A-Za-z0-9]),(?=[A-Za-z0-9-]+$)", ".", "there is a comma in place of a dot"),
)


def _in_plain_letters(text: str, wrong: list[str]) -> str:
    """Without what cannot be seen, and with letters of double width as they are usually written."""
    if (found := _INVISIBLE.search(text)) is not None:
        wrong.append(f"there is a character in it that cannot be seen (U+{ord(found[0]):04X})")
    plain = _INVISIBLE.sub("", text)
    if _SPACES.search(plain.strip(" \t\r\n")):
        wrong.append("there is white space in it that is no blank")
    plain = _SPACES.sub(" ", plain).strip()
    if (wide := plain.translate(_WIDE)) != plain:
        letter = next(one for one in plain if one.translate(_WIDE) != one)
        wrong.append(f"`{letter}` is of double width")
    return wide


def _parts(text: str, wrong: list[str]) -> tuple[str, str, bool]:
    """The display name with what stands behind it, the address itself, and whether angle brackets are around it."""
    start = text.rfind("<")
    if start < 0:
        if text.rstrip(_ENDS + " ").endswith(">"):
            wrong.append("there is `>` behind it, and no `<` before it")
        return "", text.rstrip(_ENDS + " ").rstrip(">") if ">" in text else text, False
    if (end := text.find(">", start)) < 0:
        wrong.append("its angle bracket is not closed")
        return text[:start], text[start + 1 :], True
    if text[end + 1 :].strip(_ENDS + " ") == "" and text[end + 1 :].strip():
        wrong.append(f"there is {_SIGNS[text[end + 1 :].strip()[0]]} behind it")
    elif text[end + 1 :].strip():
        return "", text, False
    return text[:start], text[start + 1 : end], True


def _trimmed(spec: str, wrong: list[str]) -> str:
    """Without what stands around it: quotation marks, `mailto:`, punctuation."""
    spec = spec.strip()
    if (bare := re.sub(r"(?i)^mailto:\s*", "", spec.strip(_QUOTES))) != spec.strip(_QUOTES):
        wrong.append("`mailto:` stands before it, as in a link")
        spec = bare
    if spec[:1] in _QUOTES or spec[-1:] in _QUOTES:
        bare = spec.strip(_QUOTES + " ")
        if bare != spec and '"@' not in spec:
            wrong.append("there are quotation marks around it")
            spec = bare
    if (bare := spec.rstrip(_ENDS + " ")) != spec:
        wrong.append(f"there is {_SIGNS[spec[len(bare) :].strip()[0]]} at its end")
        spec = bare
    if (bare := spec.lstrip(_ENDS + " ")) != spec:
        wrong.append(f"there is {_SIGNS[spec.strip()[0]]} before it")
    return bare


def _is_address(text: str) -> bool:
    try:
        return bool(parse_mailbox(text))
    except AddressError:
        return False
