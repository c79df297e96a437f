"""Runs one target, or each in turn, under atheris: coverage-guided, bounded, from the seeds of the vectors.

    FUZZ_SECONDS=60 python -m tests.fuzz [TARGET...]

Each target is a process of its own; inputs that reached something new, and the one that failed, are kept under
`.fuzz/TARGET`. Exit 1 when a target failed.
"""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

CORPUS = Path(".fuzz")
MEMORY_MB = 1024
INPUT_S = 10
"""An input that takes longer is a finding."""


def fuzz(name: str, seconds: int) -> None:
    """Run one target in this process; does not return."""
    import atheris

    with atheris.instrument_imports(include=["sesame"]):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    corpus = CORPUS / name
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / sha256(seed).hexdigest()[:16]).write_bytes(seed)
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={INPUT_S}",
        f"-rss_limit_mb={MEMORY_MB}",
        "-max_len=4096",
        "-print_final_stats=1",
        f"-artifact_prefix={corpus}/failed-",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], target.run)
    atheris.Fuzz()


def main() -> int:
    """Fuzz the targets named, or all; print a line for each."""
    seconds = int(os.environ.get("FUZZ_SECONDS", "60"))
    if sys.argv[1:2] == ["--one"]:
        fuzz(sys.argv[2], seconds)
    from tests.fuzz.targets import TARGETS

    failed = 0
    for name in sys.argv[1:] or TARGETS:
        ran = subprocess.run(
            [sys.executable, "-m", "tests.fuzz", "--one", name],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds + 120,
        )
        lines = ran.stderr.splitlines()
        runs = [line.split()[-1] for line in lines if line.startswith("stat::number_of_executed_units")]
        print(
            f"{name}: {'failed' if ran.returncode else 'ok'}, {runs[0] if runs else '?'} inputs", flush=True
        )
        if ran.returncode:
            failed += 1
            print("\n".join([*ran.stdout.splitlines()[-30:], *lines[-30:]]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
