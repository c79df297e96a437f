"""Messages in one file: the mbox form, in which a line `From …` begins each.

Splits; reads nothing of the messages. A file that does not begin with such a line is one message.
Source: RFC 4155, appendix A.
"""

import re
from collections.abc import Iterator

from sesame.reports.entity import unix_newlines

_BEGIN = re.compile(rb"\n\nFrom [^\n]{3,200} [0-9:]{5,8}[^\n]{0,40} [0-9]{4}[^\n]{0,20}\n")


def split_mbox(data: bytes) -> Iterator[bytes]:
    """Each message of a file, with LF line ends and without its `From ` line; `>From ` is unquoted."""
    data = unix_newlines(data)
    if not data.startswith(b"From "):
        if data.strip():
            yield data
        return
    starts = [0, *(match.start() + 2 for match in _BEGIN.finditer(data))]
    for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
        at = data.find(b"\n", start) + 1 or end
        message = re.sub(rb"(?m)^>(>{0,20}From )", rb"\1", data[at:end])
        if message.strip():
            yield message
