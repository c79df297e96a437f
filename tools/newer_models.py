"""Tell what a newer botocore knows of the served services that the extracted models do not.

    python -m tools.newer_models

Run by `make models` with the newest botocore in an environment of its own, never by the gate: it answers
differently from day to day. Exit code 1 when there is news, which is then for people: members of served
operations are refused by name until they are extracted, operations that are not in `known_operations`
are answered as unknown ones until they are listed in `rest_json.NEWER`.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore
from botocore.loaders import Loader

from tools.extract_models import OWN

MODELS = Path(__file__).resolve().parents[1] / "src" / "sesame" / "aws" / "models"


def news(extracted: Mapping[str, Any], current: Mapping[str, Any]) -> Iterator[str]:
    """One line for each operation, and each member of a shape of served operations, that is new."""
    for name in sorted(current["operations"].keys() - set(extracted["known_operations"])):
        http = current["operations"][name]["http"]
        yield f"operation {name}: {http['method']} {http['requestUri']}"
    for name, shape in sorted(extracted["shapes"].items()):
        now = current["shapes"].get(name)
        if now is None:
            yield f"shape {name} is gone"
            continue
        for member in sorted(now.get("members", {}).keys() - shape.get("members", {}).keys()):
            yield f"member {name}.{member}"
        for value in sorted(set(now.get("enum", ())) - set(shape.get("enum", ()))):
            if "enum" in shape:
                yield f"value {name} {value}"


def of_aws() -> list[Path]:
    """The extracted models of AWS's services; of our own there is no newer one."""
    return [path for path in sorted(MODELS.glob("*.json")) if path.stem not in OWN]


def main() -> int:
    """Print the news of every service."""
    found = False
    for path in of_aws():
        extracted = json.loads(path.read_text())
        current = Loader().load_service_model(path.stem, "service-2")
        for line in news(extracted, current):
            found = True
            print(f"{path.stem}: {line}")
    print(f"compared with botocore {botocore.__version__}")
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
