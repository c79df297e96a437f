"""The language row by row: what is shown, what is an error, what is refused when the template is read."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.templates import (
    Bounds,
    MissingAttribute,
    RenderingError,
    RenderingTooLarge,
    TemplateSyntaxError,
    compile_template,
)

SHOWN: list[tuple[str, dict[str, Any], str]] = [
    ("Hi {{name}}!", {"name": "Ada"}, "Hi Ada!"),
    ("{{a.b.c}} {{a.[b].c}} {{a/b/c}}", {"a": {"b": {"c": 3}}}, "3 3 3"),
    ("{{x}}{{{x}}}{{&x}}", {"x": '<b>&"'}, '<b>&"' * 3),
    ("{{n}} {{f}} {{g}} {{t}} {{e}}|", {"n": 0, "f": 2.5, "g": 3.0, "t": True, "e": ""}, "0 2.5 3 true |"),
    ("{{xs}} {{o}}", {"xs": [1, "a", None], "o": {"k": 1}}, "1,a, [object Object]"),
    ("{{xs.[1]}} {{xs.length}}", {"xs": ["a", "b"]}, "b 2"),
    ("{{#each xs}}{{name}},{{/each}}", {"xs": [{"name": "a"}, {"name": "b"}]}, "a,b,"),
    ("{{#each xs}}{{this}}{{@index}}{{#unless @last}};{{/unless}}{{/each}}", {"xs": ["a", "b"]}, "a0;b1"),
    ("{{#each o}}{{@key}}={{this}} {{/each}}", {"o": {"a": 1, "b": 2}}, "a=1 b=2 "),
    ("{{#each xs}}{{../y}}{{@root.y}}{{/each}}", {"xs": [1], "y": "Y"}, "YY"),
    ("{{#each xs}}x{{else}}none{{/each}}", {"xs": []}, "none"),
    ("{{#each missing}}x{{/each}}|", {}, "|"),
    ("{{#if v}}yes{{else}}no{{/if}}", {"v": []}, "no"),
    ("{{#if v}}yes{{else}}no{{/if}}", {"v": {}}, "yes"),
    ("{{#if v}}yes{{else}}no{{/if}}", {}, "no"),
    ("{{#if v includeZero=true}}yes{{else}}no{{/if}}", {"v": 0}, "yes"),
    ("{{#if a}}1{{else if b}}2{{else}}3{{/if}}", {"b": 1}, "2"),
    ("{{#if a}}1{{else if b}}2{{else if c}}3{{else}}4{{/if}}", {"c": 1}, "3"),
    ("{{#unless v}}no{{/unless}}", {"v": None}, "no"),
    ("{{#with p}}{{name}}{{/with}}", {"p": {"name": "x"}}, "x"),
    ("{{#with p}}x{{else}}none{{/with}}", {}, "none"),
    ("{{#s}}{{x}}{{/s}}{{^s}}no{{/s}}", {"s": {"x": 1}}, "1"),
    ("{{#s}}a{{/s}}{{^s}}no{{/s}}", {"s": False}, "no"),
    ("{{#s}}{{this}}{{/s}}", {"s": ["a", "b"]}, "ab"),
    ("{{lookup m k}}{{lookup xs 1}}", {"m": {"a": "A"}, "k": "a", "xs": [1, 2]}, "A2"),
    ("{{#if (lookup m 'a')}}yes{{/if}}", {"m": {"a": 1}}, "yes"),
    ("a{{! hidden }}b{{!-- {{hidden}} --}}c", {}, "abc"),
    ("a  {{~x~}}  b", {"x": 1}, "a1b"),
    ("{{#if a}}\n  x\n{{/if}}\ny\n", {"a": 1}, "  x\ny\n"),
    ("a {{#if a}}\nx{{/if}}", {"a": 1}, "a \nx"),
    ('{{#* inline "p"}}\n<i>{{x}}</i>\n{{/inline}}\n{{> p}}', {"x": 1}, "<i>1</i>\n"),
    ('{{#*inline "p"}}{{x}}{{/inline~}}\n\nA{{> p x=2}}{{> p o}}', {"x": 1, "o": {"x": 3}}, "A23"),
    ('{{> p}}{{#*inline "p"}}late{{/inline}}', {}, "late"),
    ("{{#> gone}}fallback{{/gone}}", {}, "fallback"),
    ("\\{{x}} {{x}} \\\\{{x}}", {"x": 1}, "{{x}} 1 \\1"),
    ("{{amazonSESUnsubscribeUrl}}", {}, "{{amazonSESUnsubscribeUrl}}"),
    ("{{log 'x'}}|", {}, "|"),
    ("{{[odd name]}}", {"odd name": "x"}, "x"),
    ("a\r\n{{#if a}}\r\nb\r\n{{/if}}\r\nc", {"a": 1}, "a\r\nb\r\nc"),
]


@pytest.mark.parametrize(("source", "data", "expected"), SHOWN)
def test_what_is_shown(source: str, data: dict[str, object], expected: str) -> None:
    assert compile_template(source).render(data) == expected


@pytest.mark.parametrize(
    ("source", "data", "name"),
    [
        ("{{name}}", {}, "name"),
        ("{{name}}", {"name": None}, "name"),
        ("{{a.b}}", {"a": {}}, "a.b"),
        ("{{a.b}}", {"a": "text"}, "a.b"),
        ("{{#each xs}}{{name}}{{/each}}", {"xs": [{"nam": 1}]}, "name"),
        ("{{#if a}}{{else}}{{b}}{{/if}}", {}, "b"),
        ("{{@index}}", {}, "@index"),
        ("{{../x}}", {"x": 1}, "../x"),
    ],
)
def test_an_attribute_that_is_to_be_shown_and_absent_is_named(
    source: str, data: dict[str, object], name: str
) -> None:
    with pytest.raises(MissingAttribute) as error:
        compile_template(source).render(data)
    assert str(error.value) == f"Attribute '{name}' is not present in the rendering data."


@pytest.mark.parametrize(
    "source",
    [
        "{{", "{{x", "{{{x}}", "{{}}", "{{ }}", "{{#if x}}", "{{/if}}", "{{#if x}}{{/each}}", "{{else}}",
        "{{#if}}{{/if}}",
        "{{#each}}{{/each}}", "{{#each a b}}{{/each}}", "{{helper x}}", "{{#helper x}}{{/helper}}", "{{x y=1}}",
        "{{#each xs as |x|}}{{/each}}", "{{{{raw}}}}{{{{/raw}}}}", "{{!-- x", "{{a..b}}", "{{a b c)}}", "{{(a)}}",
        "{{a. }}",
        '{{#*inline p}}{{/inline}}', '{{#*other "p"}}{{/other}}', "{{* deco}}", "{{#if x}}{{else}}{{else}}{{/if}}",
        "{{lookup a}}", "{{#if (if a)}}{{/if}}", "{{'unclosed}}", "{{a\x00 b}}",
        "{{#if a}}{{else each b}}{{/if}}x{{/if}}",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_place(source: str) -> None:
    with pytest.raises(TemplateSyntaxError, match=r"^line 1, column \d+: "):
        compile_template(source)


def test_inline_content_is_simple_substitution_only() -> None:
    assert compile_template("{{a}} {{b.c}}", only_values=True).render({"a": 1, "b": {"c": 2}}) == "1 2"
    for source in ("{{#if a}}{{/if}}", "{{> p}}", '{{#*inline "p"}}{{/inline}}', "{{lookup a b}}"):
        with pytest.raises(TemplateSyntaxError, match="simple substitution"):
            compile_template(source, only_values=True)


TWICE = '{{#*inline "p"}}{{> p}}{{> p}}{{/inline}}{{> p}}'


@pytest.mark.parametrize(
    ("source", "data"),
    [
        ("{{#each a}}{{#each ../a}}{{#each ../../a}}x{{/each}}{{/each}}{{/each}}", {"a": list(range(2000))}),
        (TWICE, {}),
        ("{{#each a}}{{../b}}{{/each}}", {"a": list(range(5000)), "b": "x" * 10_000}),
        ("{{#if a}}" * 101 + "{{/if}}" * 101, {"a": 1}),
    ],
)
def test_no_template_takes_more_than_its_bounds(source: str, data: dict[str, object]) -> None:
    began = time.process_time()
    with pytest.raises((RenderingTooLarge, TemplateSyntaxError)):
        compile_template(source).render(data, Bounds(steps=100_000, characters=1_000_000))
    assert time.process_time() - began < 20  # an unbounded one would not come back at all


@given(st.text(alphabet="{}#/^>!&~*ab.@[]()=|\"' \n\\1", max_size=60))
def test_nothing_but_declared_errors_comes_out(source: str) -> None:
    try:
        template = compile_template(source)
    except TemplateSyntaxError:
        return
    try:
        template.render({"a": {"b": [1, {"a": "x"}]}, "b": [True, None, 2.5]})
    except RenderingError:
        pass
