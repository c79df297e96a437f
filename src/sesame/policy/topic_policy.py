"""Policies of SNS topics: may this principal do that to the topic? Decided by the engine that decides sends.

A topic without a policy of its own lets SES publish for its own account, and its account's principals do what their IAM
policies allow. Source: SNS developer guide, "Example cases for access control"; SES developer guide, "Giving Amazon SES
permission to publish to an Amazon SNS topic".
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from sesame.policy.engine.decide import EMPTY, PolicySet, compile_policies, decide
from sesame.policy.language.document import Policy, parse_stored_identity_policy
from sesame.policy.language.forms import PrincipalForm, read_principal
from sesame.policy.language.put import parse_resource_policy
from sesame.policy.language.source import PolicyError
from sesame.policy.request import Outcome, Request, Requester

SES = "ses.amazonaws.com"
_OWNER_KEY, _OWNER = "aws:sourceowner", "sns-topic:SourceOwner"
"""A key that only topic policies know: for whom a service acts. Compiled under a name of its own."""


PRINCIPAL_NOT_FOUND = "PrincipalNotFound"
"""What SNS says of a principal that it cannot find."""

OUT_OF_SCOPE = "Policy statement action out of service scope!"
"""What SNS says of an action that a topic's policy cannot allow."""

DEFAULT_ACTIONS = (
    "GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe",
    "ListSubscriptionsByTopic", "Publish",
)  # fmt: skip
"""What the policy allows that a topic has without one of its own, in SNS's order (recorded)."""


def parse_topic_policy(text: str) -> Policy:
    """The policy that `text` spells, if SNS would keep it for a topic; raises PolicyError."""
    policy = parse_stored_identity_policy(text)
    for statement in policy.statements:
        for principal in statement.principals or ():
            if read_principal(principal)[0] in (PrincipalForm.MALFORMED, PrincipalForm.NOBODY):
                raise PolicyError(PRINCIPAL_NOT_FOUND)
        for action in statement.actions:
            service, *names = action.lower().split(":")
            if action != "*" and (service != "sns" or len(names) != 1):
                raise PolicyError(OUT_OF_SCOPE)
    return parse_resource_policy(text)


@lru_cache(maxsize=1024)
def topic_policy(text: str | None, principal_ids: tuple[tuple[str, str], ...] = ()) -> PolicySet:
    """The compiled policy of a topic; none, or one that cannot be read, allows nobody.

    `principal_ids` are the unique ids of the users and roles that it meant when it was set.
    """
    if text is None:
        return EMPTY
    try:
        policy = parse_stored_identity_policy(text)
    except PolicyError:
        return EMPTY
    return compile_policies(
        [("topic", _with_owner_key(policy))], kind="identity", principal_ids=dict(principal_ids)
    )


def _with_owner_key(policy: Policy) -> Policy:
    return replace(
        policy,
        statements=tuple(
            replace(
                statement,
                conditions=tuple(
                    replace(condition, key=_OWNER) if condition.key.lower() == _OWNER_KEY else condition
                    for condition in statement.conditions
                ),
            )
            for statement in policy.statements
        ),
    )


def ses_may_publish(text: str | None, *, topic_arn: str, for_account: str, source_arn: str) -> bool:
    """Whether SES may publish to a topic for an account, about the identity or configuration set `source_arn`."""
    owner = topic_arn.split(":")[4]
    if text is None:
        return owner == for_account
    context: Mapping[str, str | tuple[str, ...]] = {
        "aws:SourceAccount": for_account,
        "aws:SourceArn": source_arn,
        "aws:PrincipalIsAWSService": "true",
        "aws:PrincipalServiceName": SES,
        "aws:PrincipalServiceNamesList": (SES,),
        _OWNER: for_account,
    }
    request = Request(
        requester=Requester(arn=SES, account_id="", kind="service", user_id="", role_arn=None),
        action="SNS:Publish",
        resource=topic_arn,
        resource_account=owner,
        context=context,
    )
    return decide(request, iam=EMPTY, identity=topic_policy(text)).outcome is Outcome.ALLOW
