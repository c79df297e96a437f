"""`python -m bench [NAME …]`: run the benches named, or all of them, and print one table.

A bench is a module with `run() -> list[Row]`, named in BENCHES. The table has a line for each row:
name, figure, unit, target, figure / target, verdict. `BENCH_PEERS` names a directory of unpacked Debian packages whose
programs are to be seen (`unpacked`).
"""

import importlib
import os
import sys

from bench import unpacked
from bench.table import Row, show

BENCHES = {
    "start": "Start",
    "stages": "Where the time of accepting goes",
    "accept": "Accepting",
    "durability": "What durability costs",
    "smtp": "Submission by SMTP",
    "peers": "Beside other servers that speak SES",
    "relay": "Accepting and delivering",
    "isolation": "Isolation",
    "crowds": "Beside a crowd",
    "destinations": "Many destinations",
    "queue": "A full queue",
    "power": "Power cuts",
    "kills": "Kills and failing writes",
    "notifications": "Notifications",
    "bad_endpoints": "Beside endpoints that misbehave",
    "revocation": "Deciding again before delivery",
    "interop": "With other mail servers and verifiers",
    "policy": "Deciding",
    "timing": "What the time of a refusal tells",
    "audit": "The audit log",
    "console": "The console on a large store",
    "reading": "Accepting while the console is read",
}


def main(names: list[str]) -> int:
    """Run them; exit code 1 when a target was missed, 2 for a name that is none."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"no bench `{unknown[0]}`; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    if directory := os.environ.pop("BENCH_PEERS", ""):
        return unpacked.run(directory, names)
    missed: list[Row] = []
    for name in names or BENCHES:
        rows: list[Row] = importlib.import_module(f"bench.{name}").run()
        show(BENCHES[name], rows)
        missed += [row for row in rows if row.verdict == "MISSED"]
    if missed:
        print(f"\n{len(missed)} targets missed: {', '.join(row.name for row in missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
