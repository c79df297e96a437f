"""Templates to HTML: everything from outside is text, and shows what it hides."""

import hashlib
import json
import keyword
import pickle
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import jinja2
from jinja2 import compiler, nodes
from jinja2.bccache import Bucket
from markupsafe import Markup, escape

from sesame.console import text
from sesame.console.domains import both_forms
from sesame.console.fates import meaning
from sesame.console.guard import form_token

if TYPE_CHECKING:
    from sesame.console.visit import Visit

_BACKTICKS = re.compile("`([^`]*)`([.,;:)]*)")
TEMPLATES = Path(__file__).parent / "templates"

SAID: Mapping[str, str] = {
    "created": "The identity is there. Publish its records, then check.",
    "verified": "The identity is verified: its records are in DNS.",
    "mailed": "A link went out to the address. Who follows it verifies it.",
    "checked": "DNS was asked just now.",
    "deleted": "The identity is deleted; no more mail is accepted as it.",
    "password": "Your password is changed. Other log-ins have ended.",
    "ended": "The log-in has ended.",
    "chosen": "Your pages are like this wherever you log in.",
    "bounced": "A bounce is on its way to the return path, as from the recipient's server.",
    "complained": "A complaint is on its way to the return path, as from the recipient's provider.",
    "away": "A note that the recipient is away is on its way to the return path.",
    "thinned": "Deleted: {n}. The newest are still here.",
    "emptied": "The inbox is empty.",
    "mfa": "From now on a log-in asks for a code of this device.",
    "mfa-off": "The device is taken away; a log-in no longer asks for its codes.",
    "saved": "The policy is in force.",
    "undone": "What was there before is in force again.",
    "stopped": "No more mail is accepted from them as this identity.",
    "removed": "The policy is removed; no more mail is accepted under it.",
    "retried": "Due at once: {n}. What is held or under way was left alone.",
    "held": "Held: {n}. What is under way was left alone.",
    "released": "Released: {n}. They are due at once.",
    "cancelled": "Cancelled: {n}. What is under way was left alone.",
    "paused": "Nothing goes to this destination until it is resumed; what is under way ends.",
    "resumed": "Mail goes to this destination again.",
    "examined": "The instance was examined just now.",
    "verified-log": "The audit log was verified just now.",
    "answered": "The answer is kept; the account can read it.",
    "quota": "The quota is set, and counts from the next message on.",
    "suppressed": "On the list now: {n}.",
    "unsuppressed": "The address is off the list; mail to it goes out again.",
    "respelt": "It is off the list, which has it in other capitals too: while that entry counts, no mail goes out.",
    "set": "That is set.",
    "key": "That is set. A key signs once its record is found in DNS.",
    "kept": "The template is kept; sends use it from now on.",
    "gone": "It is deleted.",
    "given": "The password is set. Sessions that were open have ended.",
    "demanded": "The user has to change the password at the next log-in. Sessions that were open have ended.",
    "spared": "The user may keep the password. Sessions that were open have ended.",
    "taken": "The password is deleted. Sessions that were open have ended.",
    "asked": "The request is with the operator, who answers here.",
    "case-kept": "The case is kept: changes of the policies are held to it.",
    "case-removed": "The case is kept no longer.",
    "links-stopped": "The links are disabled.",
    "links-resumed": "The links work again, unless somebody else has disabled them.",
    "share-ended": "The link no longer shows anything.",
    "sent": "Accepted: it is stored, and on its way.",
    "enforced": "The verdict is in force.",
}
"""What a page says after a form was done."""


class CompiledTemplates(jinja2.FileSystemBytecodeCache):
    """What templates were compiled to, kept beside them as Python keeps what its modules were compiled to.

    Compiling takes up to 50 ms a template, during which the loop that accepts mail would stand still. Where the
    directory cannot be written, nothing is kept. With another Jinja or other options a template is compiled anew.
    """

    def __init__(self, directory: Path) -> None:
        options = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
        tag = f"{sys.implementation.cache_tag}.jinja-{jinja2.__version__}.{options}"
        super().__init__(str(directory), f"%s.{tag}.pyc")

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill in what is kept of a template, if it can be read."""
        try:
            super().load_bytecode(bucket)
        except (OSError, EOFError, pickle.UnpicklingError):
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep one, if that can be done."""
        if sys.dont_write_bytecode:
            return
        try:
            Path(self.directory).mkdir(exist_ok=True)
            super().dump_bytecode(bucket)
        except OSError:
            return


class Generator(compiler.CodeGenerator):
    """Compiles templates to what costs less: a value is shown by one function, and what is called is called itself.

    Jinja escapes after `finalize` and makes an object of each result, and looks at each call whether it wants the
    context. Nothing that our templates call does, and what is put out is only ever joined.
    """

    def visit_Call(self, node: nodes.Call, frame: compiler.Frame, forward_caller: bool = False) -> None:
        """Write a call."""
        names = [one.key for one in node.kwargs]
        if forward_caller or node.dyn_args or node.dyn_kwargs or any(map(keyword.iskeyword, names)):
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.visit(node.node, frame)
        self.write("(")
        for argument in (*node.args, *node.kwargs):
            self.visit(argument, frame)
            self.write(", ")
        self.write(")")

    def _output_child_pre(self, node: nodes.Expr, frame: compiler.Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.shown(")

    def _output_child_post(self, node: nodes.Expr, frame: compiler.Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super()._output_child_post(node, frame, finalize)
        else:
            self.write(")")


class _Environment(jinja2.Environment):
    """What templates are compiled and filled in by."""

    code_generator_class = Generator

    @staticmethod
    def shown(value: Any) -> str:
        """What is put into a page: our own markup as it is, text escaped, with what it hides shown."""
        kind = type(value)
        if kind is Markup:
            return cast(str, value)
        if kind is str:
            return _escaped(value if value.isprintable() else text.visible(value))
        return str(value) if kind is int else escape(_finalize(value))


class Renderer:
    """Fills in templates.

    `assets` maps names of static files to their hashed names; `compiled` is where compiled templates are kept.
    """

    def __init__(self, assets: Mapping[str, str], *, compiled: Path = TEMPLATES / "__pycache__") -> None:
        self._environment = _Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            auto_reload=False,
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_finalize,
            bytecode_cache=CompiledTemplates(compiled),
        )
        self._environment.globals.update(
            asset=lambda name: f"/static/{assets[name]}",
            counted=text.counted,
            capped=text.capped,
            state=_state,
            time=_time,
        )
        self._environment.filters.update(
            size=text.size,
            exactly=text.exactly,
            ago=text.ago,
            took=text.took,
            meaning=meaning,
            lines=_lines,
            verbatim=_lines,
            code=_code,
            editable=_editable,
            untouched=_untouched,
            bytes=_bytes,
            indented=_indented,
        )

    def load_all(self) -> None:
        """Have every template at hand, so that no page has to compile its own. For a thread."""
        for name in self._environment.list_templates(extensions=["html"]):
            self._environment.get_template(name)

    def render(self, template: str, visit: "Visit", values: Mapping[str, object]) -> str:
        """The page of that name."""
        page = self._environment.get_template(template).render(
            visit=visit,
            login=visit.login,
            account=visit.account,
            region=visit.region,
            token=form_token(visit.seed),
            now=visit.now,
            version=visit.backing.version,
            when=lambda at: text.when(at, now=visit.now, zone=visit.zone),
            exact=lambda at: text.exactly(at, visit.zone),
            said=_said(visit.query),
            **{"once": visit.backing.logins.random_token(), **values},
        )
        return both_forms(page)


def _said(query: Mapping[str, str]) -> str:
    """The sentence about a form that was done, with the number in it, if it has one."""
    count = query.get("n", "")
    number = f"{int(count):,}" if count.isascii() and count.isdigit() and len(count) < 10 else "some"
    return SAID.get(query.get("said", ""), "").replace("{n}", number)


def _escaped(value: str) -> str:
    """A text in HTML, as `escape` writes it."""
    return (
        value.replace("&", "&amp;")
        .replace(">", "&gt;")
        .replace("<", "&lt;")
        .replace("'", "&#39;")
        .replace('"', "&#34;")
    )


def _state(tone: str, word: str) -> Markup:
    """A word on how something is, in its colour."""
    return Markup(f'<span class="state {_escaped(tone)}">{_escaped(text.visible(word))}</span>')


def _time(at: float, when: Callable[[float], str]) -> Markup:
    """A time as `when` says it, and exactly for who points at it."""
    return Markup(f'<time title="{text.exactly(at)}">{_escaped(when(at))}</time>')


def _finalize(value: Any) -> Any:
    """What is put into a page: our own markup as it is, text with what it hides shown."""
    if isinstance(value, Markup):
        return value
    return text.visible(value) if isinstance(value, str) and not value.isprintable() else value


def _code(value: object) -> Markup:
    """A text in which what stands between backticks is code; a stop behind it begins no line."""
    return Markup(_BACKTICKS.sub(_as_code, str(Markup.escape(text.visible(value)))))


def _as_code(found: re.Match[str]) -> str:
    element = f"<code>{found[1]}</code>"
    return f'<span class="held">{element}{found[2]}</span>' if found[2] else element


def _editable(document: str) -> Markup:
    """A JSON document to edit: what is not seen stands in it as JSON's own escape, which means the same."""
    return Markup.escape(
        "".join(char if char in "\n\t" or text.is_seen(char) else json.dumps(char)[1:-1] for char in document)
    )


def _untouched(value: object) -> Markup:
    """A value that goes back as it came, in a field that nobody sees."""
    return Markup.escape(str(value))


def _bytes(document: str) -> int:
    return len(document.encode(errors="replace"))


def _indented(document: str) -> str:
    """JSON with its structure on lines of their own."""
    return json.dumps(json.loads(document), indent=1, ensure_ascii=False)


def _lines(value: object) -> Markup:
    """Text of several lines, escaped, with its line breaks."""
    return Markup.escape(text.visible_lines(value))
