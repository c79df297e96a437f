"""The text of a policy: strict JSON, with the place of every value for error messages.

Reads what RFC 8259 allows and nothing more: repeated names, NaN and Infinity, numbers of more than
20 digits, lone surrogates and nesting deeper than 64 are refused. It does not know what a policy
is. Sources: RFC 8259; IAM grammar ("duplicate keys are not allowed").
"""

import json
from collections import Counter
from typing import NoReturn

from sesame.errors import SesameError

MAX_DEPTH = 64
MAX_NUMBER_LENGTH = 20

Path = tuple[str | int, ...]
Json = None | bool | str | list["Json"] | dict[str, "Json"]


class Number(str):
    """A JSON number, kept as it was written: condition values are text."""

    __slots__ = ()


class PolicyError(SesameError):
    """A policy that cannot be accepted; `message` says what is wrong, where, and how to put it right.

    `line` and `column` count from 1 in the submitted text; `path` is a JSON pointer (RFC 6901). `is_exact`
    when the message is AWS's own; `words` are what IAM says where our message says more. `mend` is what AWS's own
    text leaves out: what to write, "" where that is in the message or not known.
    """

    def __init__(
        self,
        message: str,
        *,
        line: int = 1,
        column: int = 1,
        path: str = "",
        is_exact: bool = False,
        words: str = "",
        mend: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.path = path
        self.is_exact = is_exact
        self.words = message if is_exact else words
        self.mend = mend

    @property
    def in_full(self) -> str:
        """The message with what to write, for those who are not held to AWS's words."""
        return f"{self.message} {self.mend[:1].upper()}{self.mend[1:]}" if self.mend else self.message


class Source:
    """A policy's text and the value it spells.

    Raises PolicyError when `text` is not strict JSON or is longer than `max_bytes` of UTF-8.
    """

    def __init__(self, text: str, *, max_bytes: int) -> None:
        self.text = text
        if len(text) > max_bytes or len(text.encode("utf-8", "surrogatepass")) > max_bytes:
            raise PolicyError(f"the policy is longer than {max_bytes} bytes: split it into several policies")
        try:
            self.root: Json = json.loads(
                text,
                object_pairs_hook=_Members,
                parse_int=_number,
                parse_float=_number,
                parse_constant=_no_constant,
            )
        except json.JSONDecodeError as error:
            message = f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
            raise _placed(message, (), error.lineno, error.colno) from None
        except RecursionError:
            raise PolicyError(f"nested deeper than {MAX_DEPTH} levels") from None
        self._inspect(self.root, ())

    def refuse(self, path: Path, message: str, *, words: str = "") -> NoReturn:
        """Raise PolicyError for the value at `path`, with its line and column in the message, not in AWS's `words`."""
        raise _placed(message, path, *self.position(path), words=words)

    def refuse_exactly(self, path: Path, message: str, *, mend: str = "") -> NoReturn:
        """Raise PolicyError with a text that AWS defines; the place and the `mend` are in the attributes only."""
        line, column = self.position(path)
        raise PolicyError(message, line=line, column=column, path=pointer(path), is_exact=True, mend=mend)

    def position(self, path: Path) -> tuple[int, int]:
        """Line and column, from 1, where the value at `path` begins."""
        return self._line_and_column(_locate(self.text, path))

    def end(self, path: Path) -> tuple[int, int]:
        """Line and column, from 1, of what follows the value at `path`."""
        return self._line_and_column(_DECODER.raw_decode(self.text, _locate(self.text, path))[1])

    def is_list(self, path: Path) -> bool:
        """Whether the value at `path` is a list."""
        return self.text[_locate(self.text, path)] == "["

    def _line_and_column(self, offset: int) -> tuple[int, int]:
        return self.text.count("\n", 0, offset) + 1, offset - self.text.rfind("\n", 0, offset)

    def _inspect(self, value: Json, path: Path) -> None:
        """Refuse what JSON lets through: depth, repeated names, lone surrogates."""
        if len(path) > MAX_DEPTH:
            raise PolicyError(f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, _Members) and value.repeated is not None:
            self.refuse(path, f"`{value.repeated}` is given twice: keep one")
        if isinstance(value, dict):
            for name, item in value.items():
                if not (_is_encodable(name) and (not isinstance(item, str) or _is_encodable(item))):
                    self.refuse((*path, name), "a lone surrogate is not a character: remove it")
                if isinstance(item, list | dict):
                    self._inspect(item, (*path, name))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, str) and not _is_encodable(item):
                    self.refuse((*path, index), "a lone surrogate is not a character: remove it")
                if isinstance(item, list | dict):
                    self._inspect(item, (*path, index))
        elif isinstance(value, str) and not _is_encodable(value):
            self.refuse(path, "a lone surrogate is not a character: remove it")


def pointer(path: Path) -> str:
    """`path` as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


class _Members(dict[str, Json]):
    """A JSON object that remembers a name it was given twice."""

    __slots__ = ("repeated",)

    def __init__(self, pairs: list[tuple[str, Json]]) -> None:
        super().__init__(pairs)
        self.repeated: str | None = None
        if len(self) < len(pairs):
            self.repeated = Counter(name for name, _ in pairs).most_common(1)[0][0]


def _placed(message: str, path: Path, line: int, column: int, *, words: str = "") -> PolicyError:
    where = f" `{pointer(path)}`" if path else ""
    return PolicyError(
        f"line {line}, column {column}{where}: {message}",
        line=line,
        column=column,
        path=pointer(path),
        words=words,
    )


def _number(text: str) -> Number:
    if len(text) > MAX_NUMBER_LENGTH:
        raise PolicyError(f"a number of {len(text)} characters: at most {MAX_NUMBER_LENGTH} are read")
    return Number(text)


def _no_constant(name: str) -> NoReturn:
    raise PolicyError(f"not JSON: `{name}` is not a JSON number")


def _is_encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


_DECODER = json.JSONDecoder()


def _locate(text: str, path: Path) -> int:
    """Offset of the value at `path` in `text`, which is known to be valid JSON.

    A step that is not there ends the walk: the offset of what was reached is returned.
    """
    at = _skip_space(text, 0)
    for step in path:
        found = _member(text, at, step) if isinstance(step, str) else _item(text, at, step)
        if found is None:
            return at
        at = found
    return at


def _member(text: str, at: int, name: str) -> int | None:
    if text[at] != "{":
        return None
    at = _skip_space(text, at + 1)
    while text[at] != "}":
        found, at = _DECODER.raw_decode(text, at)
        at = _skip_space(text, _skip_space(text, at) + 1)
        if found == name:
            return at
        at = _skip_comma(text, at)
    return None


def _item(text: str, at: int, index: int) -> int | None:
    if text[at] != "[":
        return None
    at = _skip_space(text, at + 1)
    for _ in range(index):
        if text[at] == "]":
            return None
        at = _skip_comma(text, at)
    return None if text[at] == "]" else at


def _skip_comma(text: str, at: int) -> int:
    at = _skip_space(text, _DECODER.raw_decode(text, at)[1])
    return _skip_space(text, at + 1) if text[at] == "," else at


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
