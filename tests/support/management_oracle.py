"""What IAM should answer to a management call, worked out from plain values and not from Sesame's code.

Written from the IAM user guide ("policy evaluation logic", "condition operators", "session policies"); what
is not understood never helps to allow (docs/design.md, I3). Knows statements as the dictionaries of their JSON.
"""

import fnmatch
import re
from collections.abc import Mapping, Sequence
from typing import Any

Context = Mapping[str, tuple[str, ...]]
"""Values by folded key; a key that is not there is absent."""

Statement = Mapping[str, Any]


def like(pattern: str, text: str) -> bool:
    """Only `*` and `?` are wildcards."""
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def holds(operator: str, key: str, wanted: Sequence[str], context: Context, *, denies: bool) -> bool:
    """Whether one key under one operator lets its statement apply."""
    folded = key.lower()
    seen = context.get(folded)
    if folded in UNKNOWN:
        return denies
    if operator == "Null":
        return (seen is None) is (wanted[0] == "true")
    quantifier, _, rest = operator.rpartition(":")
    name, if_exists = rest.removesuffix("IfExists"), rest.endswith("IfExists")
    negated = "Not" in name

    def matches(value: str) -> bool:
        if name.endswith("IgnoreCase"):
            found = value.lower() in [text.lower() for text in wanted]
        elif name.endswith("Equals") and not name.startswith("Arn"):
            found = value in wanted
        else:
            found = any(like(text, value) for text in wanted)
        return found is not negated

    if quantifier == "ForAllValues":
        return all(map(matches, seen or ()))
    if quantifier == "ForAnyValue":
        return any(map(matches, seen or ()))
    if seen is None:
        return if_exists or negated
    if len(seen) > 1:
        return denies and any(map(matches, seen))
    return matches(seen[0])


UNKNOWN = frozenset({"ses:clicktrackingenabled", "iam:unheard", "aws:newkey", "team"})
"""Keys that nobody documents for what is served, as the tests use them."""


def applies(statement: Statement, action: str, resource: str, context: Context) -> bool:
    """Whether a statement is about a request."""
    denies = statement["Effect"] == "Deny"
    return (
        any(like(pattern.lower(), action.lower()) for pattern in statement["Action"])
        and any(like(pattern, resource) for pattern in statement["Resource"])
        and all(
            holds(operator, key, values, context, denies=denies)
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def allowed(
    action: str,
    resource: str,
    context: Context,
    *,
    own: Sequence[Statement],
    session: Sequence[Statement] | None = None,
    boundary: Sequence[Statement] | None = None,
) -> bool:
    """Whether a principal with these policies, in a session and under a boundary with those if given, may do it."""
    every = [*own, *(session or ()), *(boundary or ())]
    if any(s["Effect"] == "Deny" and applies(s, action, resource, context) for s in every):
        return False
    sides = [own, *(limit for limit in (session, boundary) if limit is not None)]
    return all(
        any(s["Effect"] == "Allow" and applies(s, action, resource, context) for s in side) for side in sides
    )


def tag_context(prefix: str, tags: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The keys of tags; those that differ in case are one key with several values."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in tags.items():
        key = f"{prefix}/{name}".lower()
        found[key] = (*found.get(key, ()), value)
    return found


def kind_of(resource: str) -> str:
    """What an ARN is of: user, role, policy, group, or a resource of SES or SNS."""
    match = re.match(r"arn:aws:(\w+):[^:]*:[^:]*:([a-z-]+)/", resource)
    return match[2] if match else "topic" if resource.startswith("arn:aws:sns") else ""
