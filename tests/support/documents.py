"""Policy documents as tests write them."""

import json
from collections.abc import Mapping
from typing import Any


def document(*statements: Mapping[str, Any]) -> str:
    """A policy of the current version with these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
