"""SNS AddPermission and RemovePermission: one statement of a topic's policy at a time.

A topic without a policy of its own begins with the one that it has without. Source: SNS API reference.
"""

import json
from collections.abc import Callable
from typing import Any

from sesame.access.changes import Permit
from sesame.aws.shapes import sns
from sesame.db import Transaction
from sesame.model import Caller
from sesame.operations.sns.access import TopicAccess
from sesame.operations.sns.topic_arn import InvalidParameter
from sesame.operations.sns.topics import check_policy, own_topic, policy_of, put_policy
from sesame.operations.table import Handlers
from sesame.policy.topic_policy import DEFAULT_ACTIONS, OUT_OF_SCOPE

_ACTIONS = frozenset({*DEFAULT_ACTIONS, "Receive", "*"})


class PermissionOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, access: TopicAccess) -> None:
        self._access = access

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {"AddPermission": self.add_permission, "RemovePermission": self.remove_permission}

    async def add_permission(
        self, caller: Caller, request: sns.AddPermissionRequest
    ) -> sns.AddPermissionResponse:
        """Let accounts do some things to a topic, by a statement of that label."""
        arn, label = request["TopicArn"], request["Label"]
        permit = await self._access.allow(caller, "AddPermission", arn)
        if not set(request["ActionName"]) <= _ACTIONS:
            raise InvalidParameter(f"Invalid parameter: {OUT_OF_SCOPE}")
        added = {
            "Sid": label,
            "Effect": "Allow",
            "Principal": {
                "AWS": _bare([f"arn:aws:iam::{account}:root" for account in request["AWSAccountId"]])
            },
            "Action": _bare([f"SNS:{action}" for action in request["ActionName"]]),
            "Resource": arn,
        }

        def change(statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
            if any(statement.get("Sid") == label for statement in statements):
                raise InvalidParameter("Invalid parameter: Statement already exists")
            return [*statements, added]

        await self._rewrite(caller, permit, arn, change)
        return {}

    async def remove_permission(
        self, caller: Caller, request: sns.RemovePermissionRequest
    ) -> sns.RemovePermissionResponse:
        """Take the statement of that label out of a topic's policy; one that is not there is gone already."""
        arn, label = request["TopicArn"], request["Label"]
        permit = await self._access.allow(caller, "RemovePermission", arn)

        def change(statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [statement for statement in statements if statement.get("Sid") != label]

        await self._rewrite(caller, permit, arn, change)
        return {}

    async def _rewrite(
        self,
        caller: Caller,
        permit: Permit,
        arn: str,
        change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
    ) -> None:
        """Store the policy of the caller's topic with other statements, if they are others."""

        async def run(tx: Transaction) -> None:
            topic = await own_topic(tx, caller, arn)
            policy = json.loads(await policy_of(tx, topic))
            written = policy["Statement"]
            before = written if isinstance(written, list) else [written]
            after = change(before)
            if after == before:
                return
            text = json.dumps({**policy, "Statement": after}, separators=(",", ":"), ensure_ascii=False)
            if after:
                check_policy(text)
            await put_policy(tx, topic, text)

        await permit.apply(run)


def _bare(values: list[str]) -> str | list[str]:
    """One value alone, several as a list, as SNS writes them (recorded)."""
    return values[0] if len(values) == 1 else values
