"""Messages in one file: the mbox form, in which a line `From …` begins each.

Splits; reads nothing of the messages. A file that does not begin with such a line is one message.
Source: RFC 4155, appendix A.
"""

import re
from collections.abc import Iterator

from sesame.reports.entity import unix_newlines

_BEGIN = re.compile(rb"(?:\A|\n\n)From [^\n]{3,200} [0-9:]{5,8}[^\n]{0,40} [0-9]{4}[^\n]{0,20}\n")


def split_mbox(data: bytes) -> Iterator[bytes]:
    """Each message of a file, with LF line ends and without its `From ` line; `>From ` is unquoted."""
    data = unix_newlines(data)
    if not data.startswith(b"From "):
        if data.strip():
            yield data
        return
    at = 0
    begins = [match.end() for match in _BEGIN.finditer(data)]
    for at, end in zip(begins, [*(_before(data, begin) for begin in begins[1:]), len(data)], strict=True):
        message = re.sub(rb"(?m)^>(>{0,20}From )", rb"\1", data[at:end])
        if message.strip():
            yield message


def _before(data: bytes, begin: int) -> int:
    """Where the `From ` line that ends at `begin` starts."""
    return data.rfind(b"\n", 0, begin - 1) + 1
