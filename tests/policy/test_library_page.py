"""The examples of docs/policy/library.md run."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "policy" / "library.md"


def test_the_examples_of_the_library_page_run() -> None:
    """One after another in one namespace, with the page's line numbers."""
    text = PAGE.read_text()
    examples = list(re.finditer(r"```python\n(.*?)```", text, re.DOTALL))
    assert len(examples) == 7
    namespace: dict[str, object] = {}
    for example in examples:
        line = text.count("\n", 0, example.start(1))
        exec(compile("\n" * line + example[1], str(PAGE), "exec"), namespace)
