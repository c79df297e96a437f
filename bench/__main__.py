"""`python -m bench [NAME …]`: run the benches named, or all of them, and print one table."""

import importlib
import sys

from bench.table import Row, show

BENCHES = {
    "start": "Start",
    "stages": "Where the time of accepting goes",
    "accept": "Accepting",
    "relay": "Accepting and delivering",
    "policy": "Deciding",
}


def main(names: list[str]) -> int:
    """Run them; exit code 1 when a target was missed, 2 for a name that is none."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"no bench `{unknown[0]}`; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    missed: list[Row] = []
    for name in names or BENCHES:
        rows: list[Row] = importlib.import_module(f"bench.{name}").run()
        show(BENCHES[name], rows)
        missed += [row for row in rows if row.verdict == "MISSED"]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
