"""Draw the rooms and their imports into docs/design.md, from the code. A test holds the drawing to it.

Run as `python -m tools.draw_house`. Each room stands above those that it imports; the line says which.
"""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "sesame"
PAGE = ROOT / "docs" / "design.md"
BEGIN, END = "<!-- drawing: python -m tools.draw_house -->\n", "<!-- end of drawing -->\n"


def rooms() -> dict[str, set[str]]:
    """Each room with the rooms that its files import; what everybody may use is left out."""
    names = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()} - {"config"}
    found: dict[str, set[str]] = {name: set() for name in names}
    for name in names:
        for path in (SOURCE / name).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                modules = []
                if isinstance(node, ast.ImportFrom) and node.module:
                    modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                elif isinstance(node, ast.Import):
                    modules = [alias.name for alias in node.names]
                parts = [module.split(".") for module in modules]
                found[name] |= {part[1] for part in parts if part[0] == "sesame" and len(part) > 1} & names
        found[name].discard(name)
    return found


def storeys(imports: dict[str, set[str]]) -> list[list[str]]:
    """The rooms from the ground up: each stands one storey above the highest that it imports."""
    height: dict[str, int] = {}
    while len(height) < len(imports):
        ready = [name for name in imports if name not in height and imports[name] <= set(height)]
        assert ready, "rooms import each other in a circle"
        for name in ready:
            height[name] = 1 + max((height[other] for other in imports[name]), default=-1)
    return [
        sorted(name for name in imports if height[name] == level) for level in range(max(height.values()) + 1)
    ]


PURE = frozenset({"mail", "dkim", "http", "reports", "smtp", "aws", "policy", "templates", "dns"})


def drawing() -> str:
    """The drawing: a line a room, the highest storey first; what it imports, and after the bar which pure rooms."""
    imports = rooms()
    state_and_flow = {name: others - PURE for name, others in imports.items() if name not in PURE}
    pure = {name: others for name, others in imports.items() if name in PURE}
    lines = []
    for group in (state_and_flow, pure):
        for level in reversed(storeys(group)):
            for name in level:
                line = f"{name:<10} {_arrow(group[name])}"
                below = sorted(imports[name] & PURE) if name not in PURE else []
                lines.append(f"{line:<92}{'| ' + ' '.join(below) if below else ''}".rstrip())
            lines.append("")
        lines[-1] = "─" * 30 if group is state_and_flow else ""
    return "```text\n" + "\n".join(lines).rstrip() + "\n```\n"


def _arrow(others: set[str]) -> str:
    return f"──► {' '.join(sorted(others))}" if others else ""


def page() -> str:
    """docs/design.md with the drawing as the code has it."""
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + drawing() + END + after


if __name__ == "__main__":
    PAGE.write_text(page())
