"""Trust policies: who may assume a role. The grammar of identity policies without Resource.

Sources: IAM user guide "role trust policies", "grammar of the IAM JSON policy language"; IAM quotas.
"""

import json

from sesame.policy.language.document import (
    MAX_STORED_BYTES,
    Policy,
    read_policy,
    refuse_unknown_words,
    statement_path,
    value_path,
)
from sesame.policy.language.instead import of_trust_not_action
from sesame.policy.language.put import check_values
from sesame.policy.language.source import PolicyError, Source

MAX_TRUST_CHARACTERS = 2048
"""Length of a role's trust policy, white space not counted (IAM quota)."""


def parse_trust_policy(text: str) -> Policy:
    """The trust policy that `text` spells, if IAM would store it; raises PolicyError.

    Federated principals are refused, because nobody can come in by them.
    """
    source = _source(text)
    policy = read_policy(source, with_principal=True, with_resource=False)
    refuse_unknown_words(source, policy)
    for statement in policy.statements:
        path = statement_path(source, statement.index)
        if statement.not_actions:
            source.refuse(
                (*path, "NotAction"), f"a trust policy has no NotAction: {of_trust_not_action(statement)}"
            )
        for number, action in enumerate(statement.actions):
            if not action.lower().startswith("sts:"):
                at = value_path(source, (*path, "Action"), number)
                source.refuse(
                    at,
                    f"a trust policy is about actions of STS such as `sts:AssumeRole`, not `{action}`",
                    words="AssumeRole policy may only specify STS AssumeRole actions",
                )
            if action.count(":") > 1:
                source.refuse_exactly(
                    value_path(source, (*path, "Action"), number),
                    "Actions/Condition can contain only one colon.",
                )
    check_values(source, policy)
    return policy


def _source(text: str) -> Source:
    try:
        return Source(text, max_bytes=MAX_STORED_BYTES)
    except PolicyError as error:
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            error.words = "This policy contains invalid Json"
        raise


def parse_stored_trust_policy(text: str) -> Policy:
    """The trust policy that `text` spells, when it is at least grammatical; raises PolicyError."""
    source = Source(text, max_bytes=MAX_STORED_BYTES)
    return read_policy(source, with_principal=True, with_resource=False)
