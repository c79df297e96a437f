"""Every page has pictures in docs/screenshots: as they are made, wide, dark, and as on a phone."""

import re
from importlib import import_module
from pkgutil import iter_modules

from sesame.console import pages
from tools.screenshots import OUT, pictures

FOUND = {
    "owner": "111111111111",
    "delegate": "222222222222",
    "asking": "333333333333",
    "message": "/us-east-1/messages/m",
    "refusal": "/us-east-1/refusals/r",
    "mail": "/inbox/1",
    "invite": "/invite/i",
    "shared-records": "/shared/r",
    "shared-kit": "/shared/k",
    "change": "/us-east-1/changes/1",
}
NO_PAGES = re.compile(r"/|/go|/\{region\}|.*/(?:zone|text|html|raw|export/\{file\}|parts/\{number\})|/dev/.*")
"""What leads on, and files."""
SHOWN_ELSEWHERE = {"/link/{token}", "/{region}/templates/new"}
"""A button alone; the form that the editing of a template has."""


def test_each_page_has_its_pictures() -> None:
    shown = [path.partition("?")[0] for _, _, path in pictures(FOUND)]
    modules = [import_module(f"{pages.__name__}.{one.name}") for one in iter_modules(pages.__path__)]
    routes = {page.path for module in modules for page in module.PAGES if page.method == "GET"}
    assert len(routes) > 60
    for route in sorted(routes - SHOWN_ELSEWHERE):
        if not NO_PAGES.fullmatch(route):
            form = re.compile(re.sub(r"\{\w+\}", "[^/]+", route))
            assert any(map(form.fullmatch, shown)), f"{route} has no picture in tools/screenshots.py"


def test_each_picture_is_there_in_three_and_none_is_left_over() -> None:
    names = [name for name, _, _ in pictures(FOUND)]
    assert len(set(names)) == len(names)
    wanted = {f"{name}{suffix}.png" for name in names for suffix in ("", "-dark", "-phone")}
    assert {path.name for path in OUT.glob("*.png")} == wanted
