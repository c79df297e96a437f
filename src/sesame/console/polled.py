"""What a page shows of something that goes on: asked for again, it answers in few bytes if that is as it was.

The tag (RFC 9110 section 8.8.3) is that of what is shown there, and weak: the rest of the page, its clock for one, may
differ. No browser and no proxy keeps anything: answers are `no-store` as all pages are, and the page's script has the
last tag.
"""

import hashlib
import re

from starlette.responses import Response, StreamingResponse

_BEGIN = re.compile(rb"<(div|section)\b[^>]* data-poll=\"")
_MARK = re.compile(rb'(<input type="hidden" name="once" value=")[^"]*')
"""What is another in each page, and is not shown."""


def tag_of(page: bytes) -> str | None:
    """The tag of the part of a page that is asked for again; None for a page without one."""
    begin = _BEGIN.search(page) if b" data-poll=" in page else None
    if begin is None:
        return None
    depth, end = 0, len(page)
    for found in re.compile(rb"<(/?)%b\b" % begin[1]).finditer(page, begin.start()):
        depth += -1 if found[1] else 1
        if not depth:
            end = found.end()
            break
    shown = _MARK.sub(rb"\1", page[begin.start() : end])
    return f'W/"{hashlib.sha256(shown).hexdigest()[:32]}"'


def unless_same(response: Response, asked: str | None) -> Response:
    """The answer with its tag; `asked` (If-None-Match) is the tag of what a page has: if that is the same, no more."""
    is_page = response.status_code == 200 and not isinstance(response, StreamingResponse)
    tag = tag_of(bytes(response.body)) if is_page else None
    if tag is None:
        return response
    if asked is not None and tag.removeprefix("W/") in _tags(asked):
        return Response(status_code=304, headers={"etag": tag})
    response.headers["etag"] = tag
    return response


def _tags(text: str) -> set[str]:
    """The tags of If-None-Match, compared weakly (RFC 9110 section 8.8.3.2)."""
    return {one.strip().removeprefix("W/") for one in text.split(",")}
