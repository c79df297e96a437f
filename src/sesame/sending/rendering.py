"""Fill a template in: data in, simple content out.

Each part is rendered on its own, so an inline partial serves the part that it stands in. What is no
character is replaced, and a subject stays one line, whatever the data holds. Sources: SES developer guide,
"Using templates", "Advanced email personalization".
"""

import json
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, Never

from sesame.mail.build import Text, text_of
from sesame.mail.encoded_words import SURROGATE
from sesame.sending.submission import SimpleContent, TemplateContent
from sesame.templates import RenderingError, Template

_STEP = re.compile(r"[./\[\]]+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class BadData(RenderingError):
    """What is to be filled in is not a JSON object; the message says why."""


def read_data(text: str) -> Mapping[str, Any]:
    """The data of a request. Raises `BadData`."""
    try:
        data = json.loads(text, parse_constant=_refuse_constant, parse_int=_number)
    except (ValueError, RecursionError) as error:
        raise BadData(f"Template rendering data is invalid: {str(error)[:200]}") from None
    if not isinstance(data, dict):
        raise BadData("Template rendering data must be a JSON object.")
    return data


def merged(default: Mapping[str, Any], replacement: Mapping[str, Any]) -> Mapping[str, Any]:
    """The data of one entry of a bulk send: key by key, objects recursively, lists and scalars whole."""
    whole = dict(default)
    pending = [(whole, replacement)]
    while pending:
        target, given = pending.pop()
        for key, value in given.items():
            there = target.get(key)
            if isinstance(value, dict) and isinstance(there, dict):
                target[key] = dict(there)
                pending.append((target[key], value))
            else:
                target[key] = value
    return whole


def rendered_content(content: TemplateContent) -> SimpleContent:
    """The content with its parts rendered. Raises `RenderingError`."""
    data, parts = content.data, content.parts
    subject = one_line(render(parts.subject, data) or "")
    text, html = render(parts.text, data), render(parts.html, data)
    return _simple(content, subject, "" if text is None and html is None else text, html)


def empty_content(content: TemplateContent) -> SimpleContent:
    """The content with nothing in it, to decide about a message that cannot be rendered."""
    return _simple(content, "", "", None)


def render(part: Template | None, data: Mapping[str, Any]) -> str | None:
    """One part, None for one that there is not. Raises `RenderingError`."""
    return None if part is None else SURROGATE.sub("\ufffd", part.render(data))


MOST_SEARCHED = 10_000
"""So many values of the data are looked at for a name in other letters."""


def near_name(name: str, data: Mapping[str, Any]) -> str:
    """The name that the data has for one that it lacks, in other letters only; "" for none.

    A block of the template may begin anywhere in the data: the end of the path to a value counts.
    """
    wanted = [part for part in _STEP.split(name) if part not in ("", "this")]
    folded = [part.casefold() for part in wanted]
    pending: list[tuple[tuple[str, ...], Any]] = [((), data)]
    for path, value in islice(pending, MOST_SEARCHED):  # it grows meanwhile
        tail = path[-len(wanted) :] if wanted else ()
        if wanted and [part.casefold() for part in tail] == folded and list(tail) != wanted:
            return ".".join(tail)
        if isinstance(value, dict):
            pending += [((*path, key), member) for key, member in value.items()]
        elif isinstance(value, list):
            pending += [(path, item) for item in value]
    return ""


def one_line(subject: str) -> str:
    """A subject without control characters: what data brings in cannot end the field."""
    return _CONTROL.sub(" ", subject).strip()


def _number(text: str) -> int | float:
    """A number without a point as JavaScript reads it: exact up to 2^53."""
    return int(text) if len(text) < 16 else float(text)


def _simple(content: TemplateContent, subject: str, text: str | None, html: str | None) -> SimpleContent:
    return SimpleContent(
        to=content.to,
        cc=content.cc,
        bcc=content.bcc,
        reply_to=content.reply_to,
        subject=Text(data=subject),
        text=text_of(text),
        html=text_of(html),
        headers=content.headers,
        attachments=content.attachments,
    )


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is not a JSON value")
