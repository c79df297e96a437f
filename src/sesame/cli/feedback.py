"""`sesame feedback`: taking reports from files and pipes, for operators whose MX is another server.

Exit codes are those that a mail server's pipe transport understands: 0 for every report that was read, whether it was
ours or not, so that nothing is ever sent back; 75 (EX_TEMPFAIL) for what is to be tried again.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sesame.cli.command import Subparsers, add_verbs, opened, runs_on_store, runs_with_services
from sesame.cli.output import print_json, when
from sesame.cli.terminal import one_line
from sesame.errors import ConfigError, SesameError

if TYPE_CHECKING:
    from sesame.app.foundation import Services
    from sesame.feedback.receive import Receiver, Taken

TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits."""


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    verbs = add_verbs(subparsers, "feedback", help="bounces and complaints that were received")
    read = verbs.add_parser(
        "read",
        help="read reports from a file, a pipe or a maildir",
        description="Read bounces and complaints as the listener would. Exit 0 when every report was read, even if not"
        " for this server; 75 when it should be tried again.",
    )
    read.add_argument(
        "source", metavar="FILE|-|MAILDIR", help="one report, or a maildir with reports in `new`"
    )
    read.add_argument(
        "--recipient",
        action="append",
        metavar="ADDRESS",
        help="envelope recipient of the report (default: found in the report's own fields)",
    )
    read.add_argument("--sender", metavar="ADDRESS", help="envelope sender; empty for the null reverse-path")
    runs_on_store(read, read_reports)
    show = verbs.add_parser("show", help="print the reports about a message as they were received")
    show.add_argument("message_id")
    runs_with_services(show, show_reports)


def read_reports(args: argparse.Namespace) -> int:
    """Take reports; what cannot be done now is for the caller to try again."""
    try:
        return opened(_read)(args)
    except (SesameError, OSError) as error:
        what = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        hint = " (try the report again)" if not isinstance(error, ConfigError) else ""
        print(f"sesame: {what}{hint}", file=sys.stderr)
        return TRY_AGAIN


async def show_reports(services: "Services", args: argparse.Namespace) -> int:
    """Print what came back of a message."""
    from sesame.store import reports

    found = await services.store.read(lambda tx: reports.raw(tx, args.message_id))
    if args.json:
        print_json(
            [
                {
                    "kind": one.kind,
                    "recipient": one.n,
                    "received_at": one.received_at,
                    "reporter": one.reporter,
                    "size_bytes": one.size_bytes,
                    "data": one.data.decode("utf-8", "replace"),
                }
                for one in found
            ]
        )
        return 0
    for one in found:
        print(f"--- {one.kind} of recipient {one.n}, {when(one.received_at)}, from {one_line(one.reporter)}")
        for line in one.data.decode("utf-8", "replace").splitlines():
            print(one_line(line))
    if not found:
        print(f"sesame: no report about message `{args.message_id}` was received", file=sys.stderr)
    return 0 if found else 1


async def _read(services: "Services", args: argparse.Namespace) -> int:
    from sesame.app.inbound import make_receiver

    receiver = make_receiver(services)
    found: list[tuple[str, Taken]] = []
    for name, data, done in _sources(args.source):
        found.append((name, await _take(receiver, data, args)))
        if done is not None:
            done[0].rename(done[1])
    if args.json:
        print_json([_as_json(name, taken) for name, taken in found])
    else:
        for name, taken in found:
            about = ", ".join(dict.fromkeys(taken.message_ids)) or "no message of ours"
            print(f"{name}: {taken.kind}, {', '.join(fate.value for fate in taken.fates)}, {about}")
    return 0


async def _take(receiver: "Receiver", data: bytes, args: argparse.Namespace) -> "Taken":
    return await receiver.take(data, recipients=args.recipient, sender=args.sender, reporter="local")


def _sources(source: str) -> Iterator[tuple[str, bytes, tuple[Path, Path] | None]]:
    """Each report: its name, its octets, and where its file moves from and to once it is taken."""
    path = Path(source)
    if source == "-":
        yield "-", sys.stdin.buffer.read(_most() + 1), None
    elif path.is_dir():
        new, seen = path / "new", path / "cur"
        if not (new.is_dir() and seen.is_dir()):
            raise ConfigError(f"`{source}` is not a maildir: it has no `new` and `cur`")
        for file in sorted(new.iterdir()):
            yield file.name, _octets(file), (file, seen / f"{file.name}:2,S")
    else:
        yield path.name, _octets(path), None


def _octets(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_most() + 1)


def _most() -> int:
    from sesame.feedback.receive import MAX_BYTES

    return MAX_BYTES


def _as_json(name: str, taken: "Taken") -> dict[str, object]:
    return {
        "report": name,
        "kind": taken.kind,
        "fates": [fate.value for fate in taken.fates],
        "message_ids": list(taken.message_ids),
    }
