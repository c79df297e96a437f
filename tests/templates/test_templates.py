"""The language of templates: what SES documents, what Handlebars does, and what no template may cost."""

import json
import random
import shutil
import subprocess
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sesame.sending.rendering import read_data
from sesame.templates import (
    MissingAttribute,
    RenderingError,
    RenderingTooLarge,
    TemplateSyntaxError,
    compile_template,
)

PEOPLE = {"people": [{"name": "Ann", "tags": ["x", "y"]}, {"name": "Bo", "tags": []}], "team": "red"}

RENDERED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a name": ("Hi {{name}}!", {"name": "Ann"}, "Hi Ann!"),
    "blanks in the tag": ("{{ name }}", {"name": "Ann"}, "Ann"),
    "a nested path": ("{{a.b.c}}", {"a": {"b": {"c": 1}}}, "1"),
    "a path with slashes": ("{{a/b}}", {"a": {"b": 1}}, "1"),
    "nothing is escaped": ("{{x}} {{{x}}} {{&x}}", {"x": '<b>&"'}, '<b>&" <b>&" <b>&"'),
    "a quoted segment": ("{{[first name]}}", {"first name": "Ann"}, "Ann"),
    "an item of a list": ("{{l.1}} {{l.[0]}} {{l.length}}", {"l": ["a", "b"]}, "b a 2"),
    "empty text and zero are there": ("[{{a}}{{b}}{{c}}]", {"a": "", "b": 0, "c": False}, "[0false]"),
    "more than a number can be": ("{{a}} {{b}}", {"a": 1e999, "b": -1e999}, "Infinity -Infinity"),
    "numbers as JavaScript": ("{{a}} {{b}} {{c}}", {"a": 1.0, "b": 1.5, "c": -3}, "1 1.5 -3"),
    "a list and an object as text": (
        "{{l}} {{o}}",
        {"l": [1, ["a", "b"], None], "o": {}},
        "1,a,b, [object Object]",
    ),
    "each": ("{{#each people}}{{name}},{{/each}}", PEOPLE, "Ann,Bo,"),
    "each with this and index": ("{{#each l}}{{@index}}{{this}}{{/each}}", {"l": ["a", "b"]}, "0a1b"),
    "each over an object": ("{{#each o}}{{@key}}={{.}};{{/each}}", {"o": {"a": 1, "b": 2}}, "a=1;b=2;"),
    "first and last": ("{{#each l}}{{#unless @first}}, {{/unless}}{{this}}{{/each}}", {"l": [1, 2]}, "1, 2"),
    "each in each": (
        "{{#each people}}{{#each tags}}{{../name}}{{this}} {{/each}}{{/each}}",
        PEOPLE,
        "Annx Anny ",
    ),
    "out of each": (
        "{{#each people}}{{name}} {{../team}} {{@root.team}};{{/each}}",
        PEOPLE,
        "Ann red red;Bo red red;",
    ),
    "each over what is missing": ("[{{#each l}}x{{/each}}]", {}, "[]"),
    "each with else": ("{{#each l}}x{{else}}none{{/each}}", {"l": []}, "none"),
    "if": ("{{#if a}}yes{{else}}no{{/if}}", {"a": "x"}, "yes"),
    "if of what is missing": ("{{#if a}}{{a}}{{else}}no{{/if}}", {}, "no"),
    "if of a missing path": ("{{#if a.b.c}}{{a}}{{else}}no{{/if}}", {}, "no"),
    "else if": ("{{#if a}}1{{else if b}}2{{else}}3{{/if}}", {"b": True}, "2"),
    "the last else": ("{{#if a}}1{{else if b}}2{{else}}3{{/if}}", {}, "3"),
    "a zero counts when asked": ("{{#if n includeZero=true}}{{n}}{{/if}}", {"n": 0}, "0"),
    "unless": ("{{#unless a}}no{{/unless}}", {"a": []}, "no"),
    "with": ("{{#with a}}{{b}}{{/with}}", {"a": {"b": 1}}, "1"),
    "with nothing": ("{{#with a}}{{b}}{{else}}-{{/with}}", {}, "-"),
    "lookup": ("{{lookup l 1}} {{lookup o k}}", {"l": ["a", "b"], "o": {"x": 5}, "k": "x"}, "b 5"),
    "log shows nothing": ("[{{log a}}]", {"a": 1}, "[]"),
    "a section of a list": ("{{#l}}{{.}},{{/l}}", {"l": [1, 2]}, "1,2,"),
    "an inverted section": ("{{^l}}none{{/l}}", {}, "none"),
    "an inline partial": (
        '{{#* inline "n"}}\nDear {{name}},\n{{/inline}}\n{{> n}}\nHi',
        {"name": "A"},
        "Dear A,\nHi",
    ),
    "inline with a tilde": ('{{#* inline "n"}}{{name}}{{/inline~}}\n\n{{> n}}', {"name": "A"}, "A"),
    "a partial with a context": ('{{#*inline "n"}}{{x}}{{y}}{{/inline}}{{> n o y=2}}', {"o": {"x": 1}}, "12"),
    "a partial in each": (
        '{{#*inline "n"}}{{this}};{{/inline}}{{#each l}}{{> n}}{{/each}}',
        {"l": [1, 2]},
        "1;2;",
    ),
    "comments": ("a{{! x }}b{{!-- }} {{y}} --}}c", {}, "abc"),
    "white space taken": ("a  {{~x~}}  b", {"x": 1}, "a1b"),
    "lines of blocks vanish": ("a\n  {{#if x}}  \nb\n{{/if}}\nc", {"x": 1}, "a\nb\nc"),
    "an escaped tag": ("\\{{name}} {{name}}", {"name": 1}, "{{name}} 1"),
    "the unsubscribe link is left alone": (
        "{{amazonSESUnsubscribeUrl}}",
        {"amazonSESUnsubscribeUrl": "x"},
        "{{amazonSESUnsubscribeUrl}}",
    ),
    "braces that are none": ("{ a } }} {x", {}, "{ a } }} {x"),
}


@pytest.mark.parametrize("case", RENDERED)
def test_templates_are_rendered(case: str) -> None:
    source, data, expected = RENDERED[case]
    assert compile_template(source).render(data) == expected


@pytest.mark.parametrize(
    ("source", "data", "name"),
    [
        ("{{name}}", {}, "name"),
        ("{{name}}", {"name": None}, "name"),
        ("{{a.b}}", {"a": {}}, "a.b"),
        ("{{a.b}}", {}, "a.b"),
        ("{{a.b}}", {"a": "text"}, "a.b"),
        ("{{#if a}}{{b}}{{/if}}", {"a": 1}, "b"),
        ("{{#each l}}{{name}}{{/each}}", {"l": [{"name": 1}, {}], "name": 2}, "name"),
        ("{{__class__}}", {"a": 1}, "__class__"),
        ("{{a.__class__}}", {"a": "x"}, "a.__class__"),
        ("{{a.items}}", {"a": {}}, "a.items"),
    ],
)
def test_a_missing_attribute_is_named_in_the_words_of_ses(
    source: str, data: dict[str, Any], name: str
) -> None:
    with pytest.raises(MissingAttribute) as caught:
        compile_template(source).render(data)
    assert str(caught.value) == f"Attribute '{name}' is not present in the rendering data."


@pytest.mark.parametrize(
    "source",
    [
        "{{", "{{name", "{{}}", "{{#if}}x{{/if}}", "{{#if a}}", "{{/if}}", "{{#if a}}{{/each}}", "{{else}}",
        "{{#each a as |x|}}{{/each}}", "{{helper a}}", "{{#helper a}}{{/helper}}", "{{{{raw}}}}", "{{!--",
        '{{#*other "n"}}{{/other}}', "{{a b c}}", "{{a..b}}", "{{.a.}}", '{{lookup "a}}', "{{#if a}}" * 60,
        "{{a}}" * 20_001, "{{" + "a" * 5000 + "}}",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(source: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        compile_template(source)


@pytest.mark.parametrize(
    "source",
    ["{{#if a}}{{/if}}", "{{> n}}", "{{#each a}}{{/each}}", "{{lookup a 1}}", '{{#*inline "n"}}{{/inline}}'],
)
def test_simple_substitution_has_no_blocks(source: str) -> None:
    assert compile_template("{{a.b}}", only_values=True).render({"a": {"b": 1}}) == "1"
    with pytest.raises(TemplateSyntaxError):
        compile_template(source, only_values=True)


def test_an_unknown_partial_is_found_when_rendering() -> None:
    with pytest.raises(RenderingError, match="The partial n could not be found"):
        compile_template("{{> n}}").render({})


BIG = list(range(60_000))
OBJECT = dict.fromkeys(map(str, BIG), 1)


@pytest.mark.parametrize(
    ("source", "data"),
    [
        ("{{#each a}}{{#each ../a}}{{/each}}{{/each}}", {"a": BIG}),
        ("{{#each a}}{{#each @root.a}}{{#each @root.a}}x{{/each}}{{/each}}{{/each}}", {"a": BIG[:1000]}),
        ('{{#*inline "n"}}{{> n}}{{> n}}{{/inline}}{{> n}}', {}),
        ("{{a}}" * 20_000, {"a": "x" * 5_000}),
        ("{{#each l}}{{../l}}{{/each}}", {"l": [[]] * 50_000}),
        ('{{#*inline "n"}}{{/inline}}{{#each a}}{{> n @root.o y=1}}{{/each}}', {"a": BIG[:2000], "o": OBJECT}),
    ],
)  # fmt: skip
def test_hostile_templates_end_soon(source: str, data: dict[str, Any]) -> None:
    template = compile_template(source)
    began = time.process_time()
    with pytest.raises(RenderingTooLarge):
        template.render(data)
    assert time.process_time() - began < 2.0, "measured 0.1 s"


def nested(depth: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


def test_a_list_nested_without_end_is_no_text() -> None:
    with pytest.raises(RenderingTooLarge):
        compile_template("{{a}}").render({"a": nested(900)})


PIECES = st.sampled_from(
    ["{{", "}}", "{{{", "}}}", "~", "#", "/", "if", "each", "else", " ", "a", ".", "..", "this", "@index", "(", ")",
     '"', "'", "=", ">", "*inline", "[", "]", "\n", "!", "--", "^", "&", "\\", "{{#if a}}", "{{/if}}", "{{#each a}}",
     "{{/each}}", "{{else}}", '{{#*inline "n"}}', "{{/inline}}", "{{> n}}", "{{lookup a 0}}", "{{a}}", "1", "\ud800"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "n"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PIECES, max_size=25).map("".join), st.dictionaries(st.sampled_from(["a", "b"]), JSON))
def test_no_template_raises_what_is_not_declared(source: str, data: dict[str, Any]) -> None:
    try:
        compile_template(source).render(data)
    except (TemplateSyntaxError, RenderingError):
        pass


@given(st.text(alphabet=st.characters(exclude_characters="{\\"), max_size=60))
def test_text_without_tags_stays_as_it_is(text: str) -> None:
    assert compile_template(text).render({}) == text


def test_indented_partials_are_counted_before_they_are_made() -> None:
    """Each line of a partial takes its indent: lines times indent may be more than memory holds."""
    partial = '{{#*inline "p"}}{{#each a}}{{../b}}{{/each}}{{/inline}}\n' + " " * 4000 + "{{> p}}\n"
    template = compile_template(partial)
    data = {"a": [0] * 10, "b": "x\n" * 5000}
    tracemalloc.start()
    try:
        with pytest.raises(RenderingTooLarge):
            template.render(data)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("json_text", "text"),
    [
        ("0.00005", "0.00005"), ("0.000001", "0.000001"), ("1e-7", "1e-7"), ("1.5e-7", "1.5e-7"),
        ("-1.5e-7", "-1.5e-7"),
        ("0", "0"), ("-0", "0"), ("-0.0", "0"), ("1.0", "1"), ("100", "100"), ("1e2", "100"), ("123.456", "123.456"),
        ("1e20", "100000000000000000000"), ("1e21", "1e+21"), ("1.25e21", "1.25e+21"), ("-1e21", "-1e+21"),
        ("123456789012345678901", "123456789012345680000"), ("9007199254740993", "9007199254740992"),
        ("1000000000000000000000", "1e+21"), ("1234567890123456789012", "1.2345678901234568e+21"),
        ("1e999", "Infinity"), ("-1e999", "-Infinity"), ("5e-324", "5e-324"), ("1.7976931348623157e308",
        "1.7976931348623157e+308"), ("0.1", "0.1"), ("0.30000000000000004", "0.30000000000000004"),
        ("1e400", "Infinity"), ("9" * 400, "Infinity"), ("9" * 5000, "Infinity"), ("4.35", "4.35"), ("12e-8", "1.2e-7"),
    ],
)  # fmt: skip
def test_numbers_are_shown_as_javascript_shows_them(json_text: str, text: str) -> None:
    data = read_data(f'{{"n": {json_text}, "l": [{json_text}]}}')
    assert compile_template("{{n}} {{l}}").render(data) == f"{text} {text}"


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_numbers_are_those_of_node() -> None:
    rng = random.Random(7)
    numbers = [rng.choice([1, -1]) * rng.random() * 10 ** rng.randint(-12, 25) for _ in range(2000)]
    numbers += [float(rng.randint(0, 10 ** rng.randint(1, 24))) for _ in range(2000)]
    script = "process.stdout.write(JSON.stringify(JSON.parse(require('fs').readFileSync(0)).map(String)))"
    ran = subprocess.run(
        ["node", "-e", script], input=json.dumps(numbers), text=True, capture_output=True, check=True
    )
    shown = compile_template("{{#each n}}{{this}} {{/each}}").render({"n": numbers})
    assert shown.split() == json.loads(ran.stdout)
