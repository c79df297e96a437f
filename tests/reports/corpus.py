"""The public corpus of bounces (set-of-emails, BSD-2-Clause) where it stands beside the repository.

Not kept here: `SESAME_BOUNCES` names its folder, or it is found as `shared/data/bounces` next to the clone.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict


class Label(TypedDict):
    """What another reader says of one recipient of a file."""

    hardbounce: bool
    reason: str
    replycode: str
    status: str


class Named(TypedDict):
    """A recipient that another reader found in a file."""

    recipient: str
    reason: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """The folder, and the labels by file name."""

    folder: Path
    labels: dict[str, list[Label]]
    named: dict[str, list[Named]]

    def files(self, *folders: str) -> list[Path]:
        """The files of some of its folders, in order."""
        return sorted(path for name in folders for path in (self.folder / name).glob("*") if path.is_file())

    def reason(self, name: str) -> str:
        """The first reason that somebody gives for a file, or nothing."""
        for listed in (self.labels.get(name), self.named.get(name)):
            if listed:
                return listed[0]["reason"]
        return ""


def find_corpus() -> Corpus | None:
    """The corpus, or None if it is not here."""
    above = Path(__file__).resolve().parents[2:6]
    folders = [Path(named)] if (named := os.environ.get("SESAME_BOUNCES")) else []
    folders += [parent / "shared" / "data" / "bounces" for parent in above]
    folder = next((folder for folder in folders if (folder / "maildir").is_dir()), None)
    if folder is None:
        return None
    return Corpus(
        folder=folder,
        labels=json.loads((folder / "expected_labels_from_go-sisimai.json").read_text()),
        named=json.loads((folder / "expected_recipients_from_p5-sisimai.json").read_text()),
    )
