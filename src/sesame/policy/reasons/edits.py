"""Edits of a statement, as mends propose them, made on the text of its policy."""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def edited(document: str, statement: int, changes: Sequence[Mapping[str, Any]]) -> str:
    """The policy `document` with `changes` (of a `change-statement` mend) made on a statement, counted from 0.

    "" when nothing is left of it. A `replace` whose `with` is None must have been given a value before.
    """
    policy = json.loads(document)
    listed = policy["Statement"]
    statements = listed if isinstance(listed, list) else [listed]
    for change in changes:
        if change.get("remove"):
            statements = [one for index, one in enumerate(statements) if index != statement]
            break
        if "version" in change:
            policy["Version"] = change["version"]
        _edit(statements[statement], change)
    policy["Statement"] = statements
    return json.dumps(policy, ensure_ascii=False) if statements else ""


def _edit(statement: dict[str, Any], change: Mapping[str, Any]) -> None:
    if "add_action" in change:
        statement["Action"] = [*_values(statement["Action"]), change["add_action"]]
    if "add_resource" in change:
        statement["Resource"] = [*_values(statement["Resource"]), change["add_resource"]]
    if "operator" not in change:
        return
    conditions = statement["Condition"]
    keys = conditions[change["operator"]]
    key = change["key"]
    if "add" in change:
        keys[key] = [*_values(keys[key]), *change["add"]]
    elif "replace" in change:
        keys[key] = [change["with"] if value == change["replace"] else value for value in _values(keys[key])]
    else:
        values = keys.pop(key)
        if not keys:
            del conditions[change["operator"]]
        if "operator_to" in change:
            conditions.setdefault(change["operator_to"], {})[key] = values
        if not conditions:
            del statement["Condition"]


def _values(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
