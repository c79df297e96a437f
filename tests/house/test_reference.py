"""The generated reference pages say what the code says."""

import os
from pathlib import Path

import pytest

from tools.make_reference import REFERENCE, pages

PAGES = pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_page_is_as_generated(name: str) -> None:
    """Write anew with `python -m tools.make_reference` when this fails."""
    assert (REFERENCE / name).read_text() == PAGES[name]


def test_links_between_pages_lead_somewhere() -> None:
    root = REFERENCE.parents[1]
    broken = []
    for page in [*root.glob("*.md"), *root.glob("docs/**/*.md")]:
        for part in page.read_text().split("](")[1:]:
            target = part.split(")")[0].split("#")[0]
            if target and "://" not in target and not Path(os.path.normpath(page.parent / target)).exists():
                broken.append(f"{page.relative_to(root)}: {target}")
    assert broken == []
