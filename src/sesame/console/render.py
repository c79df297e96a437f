"""Templates to HTML: everything from outside is text, and shows what it hides."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from sesame.console import text
from sesame.console.guard import form_token

if TYPE_CHECKING:
    from sesame.console.visit import Visit

_BACKTICKS = re.compile("`([^`]*)`")
TEMPLATES = Path(__file__).parent / "templates"

SAID: Mapping[str, str] = {
    "created": "The identity is there. Publish its records, then check.",
    "mailed": "A link went out to the address. Who follows it verifies it.",
    "checked": "DNS was asked just now.",
    "deleted": "The identity is deleted; nothing is accepted as it any more.",
    "password": "Your password is changed. Other log-ins have ended.",
    "ended": "The log-in has ended.",
    "emptied": "The inbox is empty.",
    "mfa": "From now on a log-in asks for a code of this device.",
    "mfa-off": "The device is taken away; a log-in asks for no code of it any more.",
    "saved": "The policy is in force.",
    "undone": "What was there before is in force again.",
    "stopped": "Nothing is accepted from them as this identity any more.",
    "removed": "The policy is removed; nothing is accepted under it any more.",
}
"""What a page says after a form was done."""


class Renderer:
    """Fills in templates. `assets` maps names of static files to their hashed names."""

    def __init__(self, assets: Mapping[str, str]) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_finalize,
        )
        self._environment.globals.update(
            asset=lambda name: f"/static/{assets[name]}",
            counted=text.counted,
        )
        self._environment.filters.update(
            size=text.size,
            exactly=text.exactly,
            ago=text.ago,
            lines=_lines,
            verbatim=_lines,
            code=_code,
            editable=_editable,
            bytes=_bytes,
        )

    def render(self, template: str, visit: "Visit", values: Mapping[str, object]) -> str:
        """The page of that name."""
        return self._environment.get_template(template).render(
            visit=visit,
            login=visit.login,
            account=visit.account,
            region=visit.region,
            token=form_token(visit.seed),
            now=visit.now,
            version=visit.backing.version,
            when=lambda at: text.when(at, now=visit.now),
            said=SAID.get(visit.query.get("said", ""), ""),
            **values,
        )


def _finalize(value: Any) -> Any:
    """What is put into a page: our own markup as it is, text with what it hides shown."""
    if isinstance(value, Markup):
        return value
    return text.visible(value) if isinstance(value, str) and not value.isprintable() else value


def _code(value: object) -> Markup:
    """A text in which what stands between backticks is code."""
    return Markup(_BACKTICKS.sub(r"<code>\1</code>", str(Markup.escape(text.visible(value)))))


def _editable(document: str) -> Markup:
    """A JSON document to edit: what is not seen stands in it as JSON's own escape, which means the same."""
    return Markup.escape(
        "".join(char if char in "\n\t" or text.is_seen(char) else json.dumps(char)[1:-1] for char in document)
    )


def _bytes(document: str) -> int:
    return len(document.encode(errors="replace"))


def _lines(value: object) -> Markup:
    """Text of several lines, escaped, with its line breaks."""
    return Markup.escape(text.visible_lines(value))
