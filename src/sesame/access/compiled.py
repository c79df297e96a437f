"""Policies as the store has them, parsed and compiled: of principals, sessions, roles' trust, and identities."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal, Self

from sesame.policy import (
    EMPTY,
    Policy,
    PolicySet,
    compile_policies,
    parse_stored_iam_policy,
    parse_stored_identity_policy,
    parse_stored_trust_policy,
    with_normal_resources,
)
from sesame.store.iam import roles
from sesame.store.identity_policies import IdentityPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """Policies by name, as parsed and as compiled.

    `gone` are, policy by policy, the principals that are called by the ids of those who had their names.
    """

    documents: tuple[tuple[str, Policy], ...]
    compiled: PolicySet
    principal_ids: Mapping[str, str]
    gone: tuple[Mapping[str, str], ...] = ()

    def and_also(self, others: "Policies") -> "Policies":
        """These and others, of principals alone: without names of their own in them."""
        documents = (*self.documents, *others.documents)
        return replace(self, documents=documents, compiled=compile_policies(documents, kind="iam"))

    def content(self) -> str:
        """All that an explanation rests on, as text; `Explained.read` makes it of that again."""
        gone = self.gone or ({},) * len(self.documents)
        policies = [
            [name, policy.text, dead] for (name, policy), dead in zip(self.documents, gone, strict=True)
        ]
        return json.dumps({"policies": policies, "principal_ids": dict(self.principal_ids)}, sort_keys=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Policies as `explain` takes them."""

    documents: tuple[tuple[str, Policy], ...] = ()
    principal_ids: Mapping[str, str] = field(default_factory=dict)
    gone: Mapping[str, str] = field(default_factory=dict)
    """Principals that are gone, by the names that they had, with their unique ids."""

    @classmethod
    def read(cls, content: str, *, of_identity: bool) -> Self:
        """What `Policies.content` gave."""
        kept = json.loads(content)
        parse = parse_stored_identity_policy if of_identity else parse_stored_iam_policy
        return cls(
            documents=tuple((name, _renamed(parse(text), gone)) for name, text, gone in kept["policies"]),
            principal_ids=kept["principal_ids"],
            gone={name: unique_id for _, _, gone in kept["policies"] for name, unique_id in gone.items()},
        )


NO_POLICIES = Policies(documents=(), compiled=EMPTY, principal_ids={})


def compiled_policies(
    stored: list[tuple[str, str]], *, kind: Literal["iam", "session", "boundary"]
) -> Policies:
    """Parse and compile a principal's IAM policies, its boundary, or those that a session was opened under."""
    documents = tuple((name, parse_stored_iam_policy(text)) for name, text in stored)
    if not documents:
        return NO_POLICIES
    return Policies(documents=documents, compiled=compile_policies(documents, kind=kind), principal_ids={})


ALLOW_ALL = compiled_policies(
    [("", '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}')],
    kind="iam",
)
"""In place of a principal's own policies, where the other side alone is asked."""


def trust_policy(role: roles.Role) -> Policies:
    """Parse and compile who may assume a role; what has been compiled is kept."""
    return _trust_policy(role.trust_policy, tuple(sorted(role.principal_ids.items())))


# Compiling takes a thousand times as long as deciding, and its time tells that there is a role.
@lru_cache(maxsize=1024)
def _trust_policy(text: str, ids: tuple[tuple[str, str], ...]) -> Policies:
    documents = (("trust policy", parse_stored_trust_policy(text)),)
    principal_ids = dict(ids)
    compiled = compile_policies(documents, kind="identity", principal_ids=principal_ids)
    return Policies(documents=documents, compiled=compiled, principal_ids=principal_ids)


def compiled_identity_policies(stored: list[IdentityPolicy], dead: frozenset[str] = frozenset()) -> Policies:
    """Parse and compile the policies attached to an identity.

    A principal bound to one of the `dead` ids is replaced by that id, as IAM does: it names nobody,
    and not the user who has the name now.
    """
    if not stored:
        return NO_POLICIES
    documents = []
    principal_ids: dict[str, str] = {}
    all_gone = []
    for policy in stored:
        gone = {arn: user_id for arn, user_id in policy.principal_ids.items() if user_id in dead}
        all_gone.append(gone)
        principal_ids |= {arn: user_id for arn, user_id in policy.principal_ids.items() if arn not in gone}
        document = with_normal_resources(parse_stored_identity_policy(policy.document))
        documents.append((policy.policy_name, _renamed(document, gone)))
    return Policies(
        documents=tuple(documents),
        compiled=compile_policies(documents, kind="identity", principal_ids=principal_ids),
        principal_ids=principal_ids,
        gone=tuple(all_gone),
    )


def _renamed(policy: Policy, names: Mapping[str, str]) -> Policy:
    """The policy with principals called by other names."""
    if not names:
        return policy
    statements = tuple(
        replace(
            statement,
            principals=None
            if statement.principals is None
            else tuple(
                replace(principal, value=names.get(principal.value, principal.value))
                for principal in statement.principals
            ),
        )
        for statement in policy.statements
    )
    return replace(policy, statements=statements)
