"""What the generated code calls: the context made ready, patterns with variables, bound principals.

INVARIANT: what is not understood never helps to allow. Classes that can meet it are given the answer
to give then. Sources: IAM user guide "principal element", "policy variables".
"""

from collections.abc import Callable, Mapping, Sequence

from sesame.policy.language.forms import PatternKind, is_plain
from sesame.policy.language.globset import GlobSet
from sesame.policy.language.pattern import ArnPattern, Glob, Tokens, Wild, substitute
from sesame.policy.request import ContextValue

Context = Mapping[str, str | tuple[str, ...] | None]
"""Folded keys; None for an empty list, a bare text for a list of one."""


def fold_context(context: Mapping[str, ContextValue]) -> dict[str, str | tuple[str, ...] | None]:
    """`context` with its keys in lower case and its lists of none or one settled."""
    return {
        key.lower(): value if value.__class__ is str else _settle(tuple(value))
        for key, value in context.items()
    }


def _settle(values: tuple[str, ...]) -> str | tuple[str, ...] | None:
    if len(values) > 1:
        return values
    return values[0] if values else None


class Dynamics:
    """Patterns with variables, filled in anew for each request.

    `unresolved` is the answer of a pattern whose variable has no single value. With `folded`, texts come in
    lower case and the patterns are put so.
    """

    __slots__ = ("_folded", "_kind", "_patterns", "_unresolved")

    def __init__(
        self, patterns: Sequence[Tokens], kind: PatternKind, *, folded: bool, unresolved: bool
    ) -> None:
        self._patterns = patterns
        self._kind = kind
        self._folded = folded
        self._unresolved = unresolved

    def fill(self, context: Context) -> Callable[[str], bool]:
        """The test whether a text matches one of the patterns in this request."""
        exact: set[str] = set()
        globs: list[Tokens] = []
        arns: list[ArnPattern] = []
        for pattern in self._patterns:
            tokens = substitute(pattern, context.get)
            if tokens is None:
                if self._unresolved:
                    return _always
            elif not any(isinstance(token, Wild) for token in tokens):
                text = "".join(token for token in tokens if isinstance(token, str))
                exact.add(text.lower() if self._folded else text)
            elif self._kind in (PatternKind.ARN, PatternKind.RESOURCE) and not is_plain(tokens):
                arns.append(ArnPattern(tokens, crossing=self._kind is PatternKind.RESOURCE))
            else:
                globs.append(tokens)
        together = Glob(globs[0]) if len(globs) == 1 else GlobSet(globs)

        def matches(text: str) -> bool:
            return text in exact or together.matches(text) or any(arn.matches(text) for arn in arns)

        return matches

    def match(self, text: str, context: Context) -> bool:
        """Whether `text` matches one of the patterns in this request."""
        return self.fill(context)(text)


def _always(_: str) -> bool:
    return True


class Census:
    """The values of a list key, taken once for all conditions on it.

    A set of values is a bit mask; `tails` maps what follows the last `@`, with it, to the values that
    end so, since most patterns are `*@domain`.
    """

    __slots__ = ("full", "tails", "values")

    def __init__(self, values: str | tuple[str, ...] | None) -> None:
        if not values:
            values = ()
        elif isinstance(values, str):
            values = (values,)
        self.values = values
        self.full = (1 << len(values)) - 1
        tails: dict[str, int] = {}
        bit = 1
        for value in values:
            tail = value[value.rfind("@") :]
            tails[tail] = tails.get(tail, 0) | bit
            bit <<= 1
        self.tails = tails


class BoundNames:
    """Names in a Principal element that were bound to unique ids when the policy was stored.

    A user that was deleted and made anew has the name and another id: it is not who was meant. One that was renamed
    has its id still.
    """

    __slots__ = ("_ids",)

    def __init__(self, ids: Mapping[str, str]) -> None:
        self._ids = frozenset(ids.values())

    def match(self, role: str | None, user_id: str) -> bool:
        """Whether the requester, or the role or user it is a session of, is one of those meant."""
        return user_id in self._ids or (role is not None and user_id.partition(":")[0] in self._ids)


class UniqueIds:
    """Unique ids in a Principal element: of users and roles, whose sessions' ids begin with them."""

    __slots__ = ("_ids",)

    def __init__(self, ids: frozenset[str]) -> None:
        self._ids = ids

    def match(self, user_id: str) -> bool:
        """Whether the requester, or the role or user it is a session of, is one of those meant."""
        return user_id in self._ids or user_id.partition(":")[0] in self._ids


class NotPrincipal:
    """A NotPrincipal element: spares a requester of whom everything is listed, hits one of whom nothing is.

    Everything is: the account, the role, the principal itself. In between (the account left out, as
    IAM's guide warns) a Deny hits and an Allow does not.
    """

    __slots__ = ("_bound", "_ids", "_lenient", "_listed")

    def __init__(
        self, listed: frozenset[str], bound: Mapping[str, str], ids: frozenset[str], *, lenient: bool
    ) -> None:
        self._listed = listed
        self._bound = dict(bound)
        self._ids = ids
        self._lenient = lenient

    def applies(self, arn: str, role: str | None, user_id: str, account: str) -> bool:
        """Whether the statement is about this requester; `arn` is empty for an account's root."""
        role_id = user_id.partition(":")[0]
        found = [name in self._listed for name in (account,) if name]
        found += [self._lists(name, role_id) for name in (role,) if name]
        found += [self._lists(name, user_id) for name in (arn,) if name]
        return not all(found) if self._lenient else not any(found)

    def _lists(self, name: str, unique_id: str) -> bool:
        if unique_id in self._ids or unique_id in self._bound.values():
            return True
        return self._bound[name] == unique_id if name in self._bound else name in self._listed
