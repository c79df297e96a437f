"""Edits of a statement, as mends propose them, made on the text of its policy."""

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sesame.policy.language.put import MAX_BYTES


def edited(document: str, statement: int, changes: Sequence[Mapping[str, Any]]) -> str:
    """The policy `document` with `changes` (of a `change-statement` mend) made on a statement, counted from 0.

    "" when nothing is left of it. A `replace` whose `with` is None must have been given a value before, and so must an
    `add` that is None.
    """
    policy = json.loads(document)
    listed = policy["Statement"]
    statements = listed if isinstance(listed, list) else [listed]
    for change in changes:
        if change.get("remove"):
            statements = [one for index, one in enumerate(statements) if index != statement]
            break
        if "split" in change:
            statements = _split(statements, statement, change["split"])
            continue
        if "version" in change:
            policy["Version"] = change["version"]
        _edit(statements[statement], change)
    policy["Statement"] = statements
    return json.dumps(policy, ensure_ascii=False) if statements else ""


def has_variables(document: str) -> bool:
    """Whether a policy is of the version with variables; one whose text is not known is taken for it."""
    return not document or json.loads(document).get("Version") == "2012-10-17"


def copies(document: str, statement: int, changes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The statements that stand in the place of one once `changes` split it; none where they do not."""
    number = next((len(change["split"]) for change in changes if "split" in change), 0)
    if not number or not document:
        return []
    made: list[dict[str, Any]] = json.loads(edited(document, statement, changes))["Statement"]
    return made[statement : statement + number]


def _split(
    statements: list[dict[str, Any]], at: int, copies: Sequence[Sequence[Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """Statements with several of one in its place, each with its own changes and a Sid of its own."""
    made = [copy.deepcopy(statements[at]) for _ in copies]
    sids = {one.get("Sid") for one in statements}
    for number, (one, changes) in enumerate(zip(made, copies, strict=True), 1):
        for change in changes:
            _edit(one, change)
        if number > 1 and "Sid" in one:
            one["Sid"] = next(sid for n in range(number, 999) if (sid := f"{one['Sid']}{n}") not in sids)
            sids.add(one["Sid"])
    return [*statements[:at], *made, *statements[at + 1 :]]


def _edit(statement: dict[str, Any], change: Mapping[str, Any]) -> None:
    if "add_action" in change:
        statement["Action"] = [*_values(statement["Action"]), change["add_action"]]
    if "add_resource" in change:
        statement["Resource"] = [*_values(statement["Resource"]), change["add_resource"]]
    for how, element in (("add_not_action", "NotAction"), ("add_not_resource", "NotResource")):
        if how in change:
            statement[element] = [*_values(statement[element]), change[how]]
    if "operator" not in change:
        return
    conditions = statement.setdefault("Condition", {})
    if "exempt" in change:
        kept = conditions.setdefault(change["operator"], {})
        kept[change["key"]] = [*_values(kept.get(change["key"], [])), *change["exempt"]]
        return
    keys = conditions[change["operator"]]
    key = change["key"]
    if "add" in change:
        keys[key] = [*_values(keys[key]), *change["add"]]
    elif "take" in change:
        keys[key] = [value for value in _values(keys[key]) if value not in change["take"]]
    elif "replace" in change:
        keys[key] = [change["with"] if value == change["replace"] else value for value in _values(keys[key])]
    else:
        values = keys.pop(key)
        if not keys:
            del conditions[change["operator"]]
        if "key_to" in change:
            conditions.setdefault(change["operator_to"], {}).setdefault(change["key_to"], change["values"])
        elif "operator_to" in change:
            conditions.setdefault(change["operator_to"], {})[key] = values
        if not conditions:
            del statement["Condition"]


def _values(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def without_principal(document: str, principal: str) -> str | None:
    """The policy `document` without a principal in its Allows: an account by either name, one ARN or service.

    None when no Allow names it, "" when nothing is left. Denies keep it: taking it off them would let somebody in.
    """
    policy = json.loads(document)
    listed = policy["Statement"]
    kept: list[dict[str, Any]] = []
    is_changed = False
    for statement in listed if isinstance(listed, list) else [listed]:
        named = statement.get("Principal")
        if statement.get("Effect") != "Allow" or not isinstance(named, dict):
            kept.append(statement)
            continue
        left = {kind: _left(values, principal) for kind, values in named.items()}
        if left == {kind: _values(values) for kind, values in named.items()}:
            kept.append(statement)
            continue
        is_changed = True
        left = {kind: values for kind, values in left.items() if values}
        if left:
            bare = {kind: values[0] if len(values) == 1 else values for kind, values in left.items()}
            kept.append({**statement, "Principal": bare})
    if not is_changed:
        return None
    policy["Statement"] = kept
    if not kept:
        return ""
    text = json.dumps(policy, indent=2, ensure_ascii=False)
    is_short = len(text.encode()) <= MAX_BYTES
    return text if is_short else json.dumps(policy, ensure_ascii=False, separators=(",", ":"))


def _left(values: Any, principal: str) -> list[Any]:
    names = {principal, f"arn:aws:iam::{principal}:root"}
    if principal.startswith("arn:aws:iam::") and principal.endswith(":root"):
        names.add(principal.split(":")[4])
    return [value for value in _values(values) if value not in names]
