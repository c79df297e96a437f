"""The examples of docs/policy run."""

import json
import re
from pathlib import Path

from sesame.policy.cases import collect_cases, run_case

PAGE = Path(__file__).resolve().parents[2] / "docs" / "policy" / "library.md"


def test_the_examples_of_the_library_page_run() -> None:
    """One after another in one namespace, with the page's line numbers."""
    text = PAGE.read_text()
    examples = list(re.finditer(r"```python\n(.*?)```", text, re.DOTALL))
    assert len(examples) == 12
    namespace: dict[str, object] = {}
    for example in examples:
        line = text.count("\n", 0, example.start(1))
        exec(compile("\n" * line + example[1], str(PAGE), "exec"), namespace)


def test_the_example_case_of_the_command_line_page_passes() -> None:
    text = (PAGE.parent / "command-line.md").read_text()
    [example] = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    [case] = collect_cases(json.loads(example))
    assert run_case(case).passed
