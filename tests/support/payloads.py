"""Payloads of SES as others captured them, where they stand beside the repository; see `tests/notify`.

Not kept here: `SESAME_EVENTS` names their folder, or it is found as `shared/data/events` next to the clone.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Sample:
    """One payload: what it is of, whether it is real, when it was captured (`2021-05-25`, or nothing)."""

    name: str
    type: str
    is_real: bool
    date: str
    whole: dict[str, Any]

    @property
    def message(self) -> dict[str, Any]:
        """The JSON of SES, taken out of what carried it."""
        found = self.whole
        if "detail" in found:
            found = found["detail"]
        return json.loads(found["Message"]) if "Message" in found else found


def folder() -> Path | None:
    """Where the payloads are, or None."""
    places = [Path(os.environ["SESAME_EVENTS"])] if "SESAME_EVENTS" in os.environ else []
    places += [parent / "shared" / "data" / "events" for parent in Path(__file__).resolve().parents]
    return next((place for place in places if (place / "index.json").exists()), None)


def samples(kind: str) -> list[Sample]:
    """The payloads whose type begins with `kind`."""
    found = folder()
    if found is None:
        return []
    listed = json.loads((found / "index.json").read_text())
    rows = listed if isinstance(listed, list) else listed["files"]
    return [
        Sample(
            row["file"],
            row["type"],
            row["class"].startswith("real"),
            row["date"],
            json.loads((found / "samples" / row["file"]).read_text()),
        )
        for row in rows
        if row["type"].startswith(kind)
    ]
