"""A policy as a value: the grammar of IAM policies, with and without Principal.

Reads what the grammar allows; whether SES would store it is `put`'s question, what it means is
`codegen`'s and `explain`'s. Elements may come in any order; a list of one may be written bare.
Sources: IAM user guide "grammar of the IAM JSON policy language"; SES developer guide "policy anatomy".
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeGuard

from sesame.policy.language.source import Json, Number, Path, PolicyError, Source
from sesame.policy.language.vocabulary import VERSION_WITH_VARIABLES, VERSIONS, Operator, read_operator

MAX_IAM_BYTES = 131072  # botocore model of IAM: policyDocumentType
MAX_IAM_CHARACTERS = 10240  # the largest of IAM's quotas; white space is not counted
MAX_STORED_BYTES = 32768  # eight times what SES stores


class Effect(Enum):
    """What a matching statement does."""

    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """One value of a Principal element: `*` has the kind AWS."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One key under one operator: true when any value matches, or none for a negated operator."""

    operator: Operator
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement; `principals` is None in IAM policies. `not_` turns the element's meaning round."""

    index: int
    sid: str | None
    effect: Effect
    principals: tuple[Principal, ...] | None
    not_principals: bool
    actions: tuple[str, ...]
    not_actions: bool
    resources: tuple[str, ...]
    not_resources: bool
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy document. Two with the same elements are equal; `text` is what was submitted."""

    id: str | None
    version: str
    statements: tuple[Statement, ...]
    text: str

    @property
    def has_variables(self) -> bool:
        """Whether `${...}` is a variable in this version of the language."""
        return self.version == VERSION_WITH_VARIABLES

    @property
    def is_understood(self) -> bool:
        """Whether the version is one we know; another never helps to allow."""
        return self.version in VERSIONS


def parse_stored_iam_policy(text: str) -> Policy:
    """The IAM policy that `text` spells, when it is at least grammatical; raises PolicyError.

    Accepts what `parse_iam_policy` would refuse to store; that is held against the request when it is decided.
    """
    return read_policy(iam_source(text), with_principal=False)


def iam_source(text: str) -> Source:
    """The text of an IAM policy; raises PolicyError when it is longer than IAM's quotas."""
    if len(text) <= MAX_IAM_BYTES and sum(map(len, text.split())) > MAX_IAM_CHARACTERS:
        message = f"the policy is longer than {MAX_IAM_CHARACTERS} characters without white space: split it"
        raise PolicyError(message)
    return Source(text, max_bytes=MAX_IAM_BYTES)


def parse_stored_identity_policy(text: str) -> Policy:
    """The identity policy that `text` spells, when it is at least grammatical.

    Accepts what `parse_identity_policy` would refuse to store: Not elements, other resources,
    unknown versions, operators and keys; those are held against the request when it is decided.
    Raises PolicyError.
    """
    return read_policy(Source(text, max_bytes=MAX_STORED_BYTES), with_principal=True)


def with_normal_resources(policy: Policy) -> Policy:
    """A policy as it is attached to an identity: the domains of its resources in lower case (RFC 4343).

    The language tells cases apart; the name of an identity does not, and its policy is about it alone.
    """
    statements = tuple(
        replace(statement, resources=tuple(map(normal_identity_arn, statement.resources)))
        for statement in policy.statements
    )
    return policy if statements == policy.statements else replace(policy, statements=statements)


def normal_identity_arn(arn: str) -> str:
    """An ARN with the domain of an SES identity in lower case, anything else as it is."""
    head, kind, name = arn.partition(":identity/")
    if not kind or not head.startswith("arn:") or "$" in name:
        return arn
    local_part, at, domain = name.rpartition("@")
    return f"{head}{kind}{local_part}{at}{domain.lower()}"


def refuse_unknown_words(source: Source, policy: Policy) -> None:
    """Raise PolicyError for no statement and for a version, operator or action the language does not have."""
    if not policy.statements:
        source.refuse(("Statement",), "there is no statement: add at least one")
    if not policy.is_understood:
        source.refuse(("Version",), f"version `{policy.version}` is unknown: write `2012-10-17`")
    for statement in policy.statements:
        at = statement_path(source, statement.index)
        for condition in statement.conditions:
            if not condition.operator.is_known:
                path = (*at, "Condition", condition.operator.text)
                source.refuse(path, f"operator `{condition.operator.text}` is unknown")
        for number, action in enumerate(statement.actions):
            service, colon, name = action.partition(":")
            if action != "*" and (not colon or not name or set(service) & set("*?")):
                element = "NotAction" if statement.not_actions else "Action"
                path = value_path(source, (*at, element), number)
                source.refuse(path, f"action `{action}` names no service: write `service:Action` or `*`")


def read_policy(source: Source, *, with_principal: bool, with_resource: bool = True) -> Policy:
    """The policy in `source`, by the grammar alone; raises PolicyError.

    One without Resource, such as a role's trust policy, is about the one thing it is attached to: `*`.
    """
    return _Reader(source, with_principal=with_principal, with_resource=with_resource).policy()


def statement_path(source: Source, index: int) -> Path:
    """Where the statement with that number is written: in a list, or alone."""
    alone = isinstance(source.root, dict) and isinstance(source.root.get("Statement"), dict)
    return ("Statement",) if alone else ("Statement", index)


def value_path(source: Source, path: Path, number: int) -> Path:
    """Where value `number` of the element at `path` is written: in a list, or bare."""
    return (*path, number) if source.is_list(path) else path


_STATEMENT_ELEMENTS = {
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}
_PRINCIPAL_KINDS = ("AWS", "Service", "Federated", "CanonicalUser")


class _Reader:
    """Walks the JSON of one policy; the methods mirror the grammar's rules."""

    def __init__(self, source: Source, *, with_principal: bool, with_resource: bool) -> None:
        self._source = source
        self._with_principal = with_principal
        self._with_resource = with_resource
        self._refuse = source.refuse

    def policy(self) -> Policy:
        root = self._object(self._source.root, ())
        for name in root:
            if name not in ("Id", "Version", "Statement"):
                self._refuse((name,), f"element `{name}` is unknown: a policy has Id, Version and Statement")
        if "Statement" not in root:
            self._refuse((), "there is no Statement: add at least one")
        written = root["Statement"]
        listed = written if isinstance(written, list) else [written]
        statements = tuple(
            self._statement(item, statement_path(self._source, index), index)
            for index, item in enumerate(listed)
        )
        self._refuse_repeated_sids(statements)
        version = self._string(root["Version"], ("Version",)) if "Version" in root else VERSIONS[0]
        policy_id = self._string(root["Id"], ("Id",)) if "Id" in root else None
        return Policy(id=policy_id, version=version, statements=statements, text=self._source.text)

    def _refuse_repeated_sids(self, statements: tuple[Statement, ...]) -> None:
        seen: set[str] = set()
        for statement in statements:
            if statement.sid in seen:
                path = (*statement_path(self._source, statement.index), "Sid")
                if not self._with_principal:
                    self._source.refuse_exactly(
                        path, "Statement IDs (SID) in a single policy must be unique."
                    )
                self._refuse(path, f"Sid `{statement.sid}` is used twice: make it unique")
            if statement.sid:
                seen.add(statement.sid)

    def _statement(self, value: Json, path: Path, index: int) -> Statement:
        statement = self._object(value, path)
        for name in statement:
            if name not in _STATEMENT_ELEMENTS:
                self._refuse((*path, name), f"element `{name}` is unknown in a statement")
        if "Effect" not in statement:
            self._refuse(path, "there is no Effect: add `Allow` or `Deny`")
        effect = statement["Effect"]
        if effect not in ("Allow", "Deny"):
            self._refuse((*path, "Effect"), "Effect is `Allow` or `Deny`, in this case")
        not_principals, principals = self._principals(statement, path)
        not_actions, actions = self._choice(statement, path, "Action")
        not_resources, resources = self._resources(statement, path)
        return Statement(
            index=index,
            sid=self._string(statement["Sid"], (*path, "Sid")) if "Sid" in statement else None,
            effect=Effect(effect),
            principals=principals,
            not_principals=not_principals,
            actions=actions,
            not_actions=not_actions,
            resources=resources,
            not_resources=not_resources,
            conditions=self._conditions(statement, path),
        )

    def _element(self, statement: dict[str, Json], path: Path, name: str) -> str:
        """Which of `name` and `Not` + name the statement has; exactly one it must."""
        present = [element for element in (name, "Not" + name) if element in statement]
        if not present and not self._with_principal:
            self._source.refuse_exactly(path, f"Policy statement must contain {name.lower()}s.")
        if not present:
            self._refuse(path, f"there is no {name}: add one", words=f"Missing required field {name}")
        if len(present) > 1:
            self._refuse((*path, present[1]), f"{name} and Not{name} exclude each other: keep one")
        return present[0]

    def _choice(self, statement: dict[str, Json], path: Path, name: str) -> tuple[bool, tuple[str, ...]]:
        element = self._element(statement, path, name)
        return element != name, self._strings(statement[element], (*path, element))

    def _resources(self, statement: dict[str, Json], path: Path) -> tuple[bool, tuple[str, ...]]:
        if self._with_resource:
            return self._choice(statement, path, "Resource")
        for element in ("Resource", "NotResource"):
            if element in statement:
                self._refuse(
                    (*path, element),
                    f"a trust policy has no {element}: remove it",
                    words=f"Has prohibited field {element}",
                )
        return False, ("*",)

    def _principals(
        self, statement: dict[str, Json], path: Path
    ) -> tuple[bool, tuple[Principal, ...] | None]:
        if not self._with_principal:
            for element in ("Principal", "NotPrincipal"):
                if element in statement:
                    self._refuse(
                        (*path, element),
                        f"an IAM policy has no {element}: remove it",
                        words="Policy document should not specify a principal.",
                    )
            return False, None
        element = self._element(statement, path, "Principal")
        written, path = statement[element], (*path, element)
        if written == "*":
            return element != "Principal", (Principal(kind="AWS", value="*"),)
        if isinstance(written, str):
            self._refuse(path, f'a principal is "*" or an object such as {_as_object(written)}')
        kinds = self._object(written, path)
        principals: list[Principal] = []
        for kind, value in kinds.items():
            if kind not in _PRINCIPAL_KINDS:
                right = [known for known in _PRINCIPAL_KINDS if known.lower() == kind.lower()]
                self._refuse(
                    (*path, kind),
                    f"principal type `{kind}` is unknown: write {' or '.join(right or _PRINCIPAL_KINDS[:2])}",
                )
            values = self._strings(value, (*path, kind))
            principals += [Principal(kind=kind, value=name) for name in values]
        if not principals:
            self._refuse(path, "there is no principal: add at least one")
        return element != "Principal", tuple(principals)

    def _conditions(self, statement: dict[str, Json], path: Path) -> tuple[Condition, ...]:
        if "Condition" not in statement:
            return ()
        path = (*path, "Condition")
        conditions: list[Condition] = []
        for name, keys in self._object(statement["Condition"], path).items():
            operator = read_operator(name)
            if keys == {}:
                self._refuse((*path, name), f"`{name}` is about no key: add one or remove the operator")
            folded: set[str] = set()
            for key, value in self._object(keys, (*path, name)).items():
                at = (*path, name, key)
                if key.lower() in folded:
                    self._refuse(at, f"key `{key}` is given twice (keys ignore case): keep one")
                folded.add(key.lower())
                values = self._scalars(value, at)
                conditions.append(Condition(operator=operator, key=key, values=values))
        return tuple(conditions)

    def _object(self, value: Json, path: Path) -> dict[str, Json]:
        if not isinstance(value, dict):
            self._refuse(path, "an object `{...}` belongs here")
        return value

    def _string(self, value: Json, path: Path) -> str:
        if not _is_string(value):
            self._refuse(path, "a string belongs here")
        return value

    def _strings(self, value: Json, path: Path) -> tuple[str, ...]:
        if not isinstance(value, list):
            return (self._string(value, path),)
        if not value:
            self._refuse(path, "the list is empty: add a value or remove the element")
        return tuple(self._string(item, (*path, number)) for number, item in enumerate(value))

    def _scalars(self, value: Json, path: Path) -> tuple[str, ...]:
        if not isinstance(value, list):
            return (self._scalar(value, path),)
        if not value:
            self._refuse(path, "the list is empty: add a value or remove the key")
        return tuple(self._scalar(item, (*path, number)) for number, item in enumerate(value))

    def _scalar(self, value: Json, path: Path) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, str):
            self._refuse(path, "a string, number or boolean belongs here")
        return str(value)


def _as_object(principal: str) -> str:
    """A principal that was written as a text alone, under its kind; an example where it can be none."""
    if principal.endswith(".amazonaws.com"):
        return f'{{"Service": "{principal}"}}'
    is_one = principal.startswith(("arn:aws:iam::", "arn:aws:sts::")) or (
        len(principal) == 12 and principal.isdigit()
    )
    return f'{{"AWS": "{principal if is_one else "123456789012"}"}}'


def _is_string(value: Json) -> TypeGuard[str]:
    return isinstance(value, str) and not isinstance(value, Number)
