"""What a power cut leaves of a database, from the journal that `disk.c` keeps of a process's writes."""

import random
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

RECORD = struct.Struct("<BBxxIQd")
WRITE, SYNC, CUT = 1, 2, 3
NAMES = ("sesame.db", "sesame.db-wal")
SECTOR = 512


def build(directory: Path) -> Path | None:
    """Compile the library that is preloaded; None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    library = directory / "disk.so"
    source = Path(__file__).with_name("disk.c")
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-lpthread"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return library


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the process: on which file, when."""

    kind: int
    file: int
    offset: int
    at: float
    data: bytes


def read(journal: Path) -> Iterator[Operation]:
    """The operations in their order; a record that was cut off with its process ends them."""
    with journal.open("rb") as file:
        while len(head := file.read(RECORD.size)) == RECORD.size:
            kind, number, length, offset, at = RECORD.unpack(head)
            data = file.read(length)
            if len(data) < length:
                return
            yield Operation(kind, number, offset, at, data)


@dataclass(slots=True)
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Operation] = field(default_factory=list)


class Disk:
    """The disk as operations come: what is durable of each file, and what is not yet."""

    def __init__(self, database: bytes) -> None:
        self._files = (_File(bytearray(database)), _File())

    def take(self, operation: Operation) -> None:
        """The process has done this."""
        file = self._files[operation.file]
        if operation.kind != SYNC:
            file.pending.append(operation)
            return
        for one in file.pending:
            _apply(file.durable, one)
        file.pending.clear()

    def cut(self, directory: Path, draw: random.Random) -> None:
        """Write down what is there after a power cut now: of what was not synced, what chance lets arrive, in parts."""
        share = draw.choice((0.0, 0.0, 0.5, 0.9, 1.0))
        for name, file in zip(NAMES, self._files, strict=True):
            image = bytearray(file.durable)
            for one in file.pending:
                if draw.random() < share:
                    _apply(image, _torn(one, draw))
            (directory / name).unlink(missing_ok=True)
            if image:
                (directory / name).write_bytes(image)


def _apply(image: bytearray, operation: Operation) -> None:
    if operation.kind == CUT:
        if len(image) > operation.offset:
            del image[operation.offset :]
        else:
            image.extend(bytes(operation.offset - len(image)))
        return
    end = operation.offset + len(operation.data)
    if len(image) < end:
        image.extend(bytes(end - len(image)))
    image[operation.offset : end] = operation.data


def _torn(operation: Operation, draw: random.Random) -> Operation:
    """One write in ten arrives up to some sector only."""
    if operation.kind != WRITE or draw.random() > 0.1 or len(operation.data) <= SECTOR:
        return operation
    sectors = draw.randrange(1, -(-len(operation.data) // SECTOR))
    return Operation(
        WRITE, operation.file, operation.offset, operation.at, operation.data[: sectors * SECTOR]
    )
