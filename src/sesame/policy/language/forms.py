"""What a value means by the element it stands in: kinds of pattern, forms of principal.

Sources: IAM user guide "resource element", "ARN condition operators", "principal element".
"""

from enum import Enum
from functools import lru_cache

from sesame.policy.language.document import Principal
from sesame.policy.language.pattern import Tokens, Variable, Wild, joined, split_arn, tokenize


class PatternKind(Enum):
    """How a pattern is compared: whole text, without wildcards, as an ARN, or as a Resource element."""

    LIKE = "like"
    EQUAL = "equal"
    ARN = "arn"
    RESOURCE = "resource"


def read_pattern(text: str, kind: PatternKind, *, variables: bool) -> Tokens:
    """Take a policy's text apart; in a Resource, variables begin after the fifth colon."""
    if kind is PatternKind.EQUAL:
        return tokenize(text, variables=variables, wildcards=False)
    if kind is not PatternKind.RESOURCE or not variables:
        return tokenize(text, variables=variables)
    fields = text.split(":", 5)
    if len(fields) < 6:
        return tokenize(text, variables=False)
    head = tokenize(text[: len(text) - len(fields[5])], variables=False)
    return joined(head + tokenize(fields[5], variables=True))


def is_plain(tokens: Tokens) -> bool:
    """Whether comparing part by part is the same as comparing whole texts.

    So it is when no wildcard stands before the last part, or the only one ends the pattern.
    """
    if tokens[-1:] == (Wild.ANY_RUN,) and all(isinstance(token, str) for token in tokens[:-1]):
        return True
    parts = split_arn(tokens)
    return all(isinstance(token, str) for part in parts[:5] for token in part)


def is_outlawed(tokens: Tokens, kind: PatternKind) -> bool:
    """Whether the language gives the pattern no meaning.

    A Resource has no wildcard in its service part; an ARN operator's value has six parts or is `*`.
    """
    if kind is not PatternKind.RESOURCE and kind is not PatternKind.ARN:
        return False
    parts = split_arn(tokens)
    if kind is PatternKind.RESOURCE:
        return len(parts) > 2 and any(isinstance(token, Wild) for token in parts[2])
    return len(parts) < 6 and tokens != (Wild.ANY_RUN,)


def needs_variables(tokens: Tokens) -> bool:
    """Whether the pattern must be filled in for each request."""
    return any(isinstance(token, Variable) for token in tokens)


class PrincipalForm(Enum):
    """What a value of a Principal element names."""

    ANYBODY = "anybody"
    ACCOUNT = "account"
    NAME = "name"
    UNIQUE_ID = "unique id"
    NOBODY = "nobody"
    MALFORMED = "malformed"


PARTITIONS = ("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc")


@lru_cache(maxsize=4_096)  # the same are read for each question about a set of policies
def read_principal(principal: Principal) -> tuple[PrincipalForm, str]:
    """What `principal` names: an account by its id, a user, role, session or service by its name."""
    value = principal.value
    if principal.kind == "Service":
        return (PrincipalForm.MALFORMED if set(value) & set(":*?") else PrincipalForm.NAME), value
    if principal.kind != "AWS":
        return PrincipalForm.NOBODY, value
    if value == "*":
        return PrincipalForm.ANYBODY, value
    if is_account_id(value):
        return PrincipalForm.ACCOUNT, value
    if value.startswith(("AIDA", "AROA")) and value.isalnum():
        return PrincipalForm.UNIQUE_ID, value
    fields = value.split(":")
    if len(fields) != 6 or fields[0] != "arn" or fields[1] not in PARTITIONS:
        return PrincipalForm.MALFORMED, value
    if fields[3] or not is_account_id(fields[4]):
        return PrincipalForm.MALFORMED, value
    kind, slash, name = fields[5].partition("/")
    if set(value) & set("*?"):
        return PrincipalForm.MALFORMED, value
    if fields[2] == "iam" and fields[5] == "root":
        return PrincipalForm.ACCOUNT, fields[4]
    known = ("user", "role") if fields[2] == "iam" else ("assumed-role", "federated-user")
    if fields[2] not in ("iam", "sts") or kind not in known or not slash or not name:
        return PrincipalForm.MALFORMED, value
    return PrincipalForm.NAME, value


def is_session_arn(principal: Principal) -> bool:
    """Whether `principal` names one session of a role."""
    form, value = read_principal(principal)
    return form is PrincipalForm.NAME and value.split(":")[2:3] == ["sts"]


def is_name_of_one(principal: Principal) -> bool:
    """Whether `principal` names one user, or one session, by ARN or unique id: not a role, which has many sessions."""
    form, value = read_principal(principal)
    if form is PrincipalForm.UNIQUE_ID:
        return value.startswith("AIDA")
    named = value.split(":", 5)
    return form is PrincipalForm.NAME and (
        named[2:3] == ["sts"] or (named[2:3] == ["iam"] and named[5].startswith("user/"))
    )


def is_account_id(text: str) -> bool:
    """Whether `text` is a 12-digit account id."""
    return len(text) == 12 and text.isascii() and text.isdigit()
