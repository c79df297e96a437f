"""Templates are compiled once, not by the first reader of each page, and never by what cannot be trusted.

What they show is what Jinja would show of it, though it is compiled to less.
"""

import sys
from collections import defaultdict
from enum import StrEnum
from ipaddress import IPv4Address
from pathlib import Path

import jinja2
import pytest
from markupsafe import Markup

from sesame.console.render import TEMPLATES, Renderer, _code, _finalize

NUMBER = len(list(TEMPLATES.glob("*.html")))


@pytest.fixture(autouse=True)
def may_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


@pytest.fixture
def compiled_now(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the templates that were compiled."""
    names: list[str] = []
    compile_one = jinja2.Environment.compile

    def noted(self: jinja2.Environment, *args: object, **named: object) -> object:
        names.append(str(args[1]))
        return compile_one(self, *args, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(jinja2.Environment, "compile", noted)
    return names


def load(compiled: Path) -> None:
    Renderer(defaultdict(str), compiled=compiled).load_all()


def test_what_was_compiled_once_is_read_by_the_next_process(tmp_path: Path, compiled_now: list[str]) -> None:
    load(tmp_path / "kept")
    assert len(compiled_now) == len(list((tmp_path / "kept").iterdir())) == NUMBER
    compiled_now.clear()
    load(tmp_path / "kept")
    assert compiled_now == []


def test_nothing_is_kept_where_nothing_can_be_written(tmp_path: Path, compiled_now: list[str]) -> None:
    (tmp_path / "file").write_text("")
    load(tmp_path / "file" / "kept")
    assert len(compiled_now) == NUMBER


def test_nothing_is_kept_where_python_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    load(tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_what_is_damaged_is_compiled_again(tmp_path: Path, compiled_now: list[str]) -> None:
    load(tmp_path)
    kept = sorted(tmp_path.iterdir())
    for left in (0, 1, 3, 10, 30, 60, -40, -1):
        damaged = kept[:5]
        for path in damaged:
            path.write_bytes(path.read_bytes()[:left])
        compiled_now.clear()
        load(tmp_path)
        assert len(compiled_now) == len(damaged), left


def test_another_jinja_or_other_options_read_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled_now: list[str]
) -> None:
    load(tmp_path)
    compiled_now.clear()
    monkeypatch.setattr(jinja2, "__version__", "9.9.9")
    load(tmp_path)
    assert len(compiled_now) == NUMBER


class Word(StrEnum):
    """A text that is more than a text."""

    ONE = "<one>\u200b"


VALUES = (
    "plain", "", "<b>\"a\" & 'b'</b>", "a\u202eb\x00\n\u2028", "ünï", "&amp;", Markup("<i>&\n</i>"), 0, -7, 10**30,
    True, None, 1.5, ["<a>"], ("x",), {"<k>": "'v'"}, Word.ONE, IPv4Address("192.0.2.1"), b"<b>",
)  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_shown_as_jinja_escapes_what_we_let_be_seen(tmp_path: Path, value: object) -> None:
    ours = Renderer({}, compiled=tmp_path)._environment
    jinjas = jinja2.Environment(autoescape=True, finalize=_finalize)
    for template in (
        "{{ v }}",
        "<a b='{{ v }}'>{% macro m(x) %}{{ x }}{% endmacro %}{{ m(v) }}",
        "{% macro w() %}<p>{{ caller(v) }}{% endmacro %}{% call(x) w() %}{{ x }}!{% endcall %}",
        "{% set t %}{{ v }}{% endset %}{{ t }}{{ v ~ t }}",
        "{% for x in [v, v] %}{{ loop.index }}{{ x }}{{ loop.cycle(v, 1) }}{% endfor %}",
        "{{ '%s{}'.format(v) }}{{ dict(class=v) }}{{ dict(**{'a': v}) }}{{ [v]|join('<') }}{{ v|string|upper }}",
    ):
        assert ours.from_string(template).render(v=value) == jinjas.from_string(template).render(v=value)


def test_a_value_that_is_not_there_is_an_error_wherever_it_is_used(tmp_path: Path) -> None:
    ours = Renderer({}, compiled=tmp_path)._environment
    for template in (
        "{{ v }}",
        "{{ v() }}",
        "{{ v.a }}",
        "{{ v() ~ 1 }}",
        "{% if v %}{% endif %}",
        "{{ counted(v, '') }}",
    ):
        with pytest.raises((jinja2.UndefinedError, TypeError)):
            ours.from_string(template).render()


def test_nothing_that_templates_may_call_wants_their_context(tmp_path: Path) -> None:
    ours = Renderer({}, compiled=tmp_path)._environment
    assert [name for name, one in ours.globals.items() if hasattr(one, "jinja_pass_arg")] == []


def test_a_time_and_a_state_are_markup_of_escaped_words(tmp_path: Path) -> None:
    ours = Renderer({}, compiled=tmp_path)._environment
    shown = ours.from_string("{{ state('good', v) }}{{ time(86399.9, when) }}").render(
        v="<a>\u202e", when=lambda at: f"<{at}>"
    )
    assert shown == (
        '<span class="state good">&lt;a&gt;\\u{202e}</span>'
        '<time title="1970-01-01 23:59:59 UTC">&lt;86399.9&gt;</time>'
    )


def test_a_stop_behind_a_value_begins_no_line() -> None:
    assert _code("like `a-*`; not `<b>` or `c`.") == Markup(
        'like <span class="held"><code>a-*</code>;</span> not <code>&lt;b&gt;</code> or'
        ' <span class="held"><code>c</code>.</span>'
    )
