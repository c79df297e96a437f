"""Tags of IAM users; they are what `aws:PrincipalTag/...` asks.

Source: IAM API reference, TagUser, UntagUser, ListUserTags.
"""

import json

from sesame.access.authorize import Authorizer
from sesame.aws.shapes import iam
from sesame.model import Caller
from sesame.operations import paging
from sesame.operations.iam.checks import authorized_user, check_tags, page_of, user_named
from sesame.operations.table import Handlers
from sesame.store import users
from sesame.store.db import Store, Transaction


class TagOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "TagUser": self.tag_user,
            "UntagUser": self.untag_user,
            "ListUserTags": self.list_user_tags,
        }

    async def tag_user(self, caller: Caller, request: iam.TagUserRequest) -> iam.TagUserResponse:
        """Add tags, or give those of the same key (without regard to case) a new value."""
        user = await self._user(caller, "TagUser", request["UserName"])
        given = check_tags(request["Tags"])

        async def run(tx: Transaction) -> None:
            current = await user_named(tx, user.account_id, user.user_name)
            merged = {tag["Key"].lower(): tag for tag in json.loads(current.tags)}
            merged |= {tag["Key"].lower(): tag for tag in given}
            await users.set_tags(tx, current, json.dumps(check_tags(list(merged.values()))))

        await self._store.write(run)
        return {}

    async def untag_user(self, caller: Caller, request: iam.UntagUserRequest) -> iam.UntagUserResponse:
        """Take tags away; keys that are not there change nothing."""
        user = await self._user(caller, "UntagUser", request["UserName"])
        gone = {key.lower() for key in request["TagKeys"]}

        async def run(tx: Transaction) -> None:
            current = await user_named(tx, user.account_id, user.user_name)
            kept = [tag for tag in json.loads(current.tags) if tag["Key"].lower() not in gone]
            await users.set_tags(tx, current, json.dumps(kept))

        await self._store.write(run)
        return {}

    async def list_user_tags(
        self, caller: Caller, request: iam.ListUserTagsRequest
    ) -> iam.ListUserTagsResponse:
        """A user's tags by key."""
        user = await self._user(caller, "ListUserTags", request["UserName"])
        limit, after = page_of(request.get("MaxItems"), request.get("Marker"))
        tags: list[iam.Tag] = sorted(json.loads(user.tags), key=lambda tag: str(tag["Key"]))
        later = [tag for tag in tags if tag["Key"] > after]
        page, marker = paging.cut(later, limit, lambda tag: tag["Key"])
        response: iam.ListUserTagsResponse = {"Tags": list(page), "IsTruncated": marker is not None}
        if marker is not None:
            response["Marker"] = marker
        return response

    async def _user(self, caller: Caller, action: str, name: str) -> users.User:
        return await authorized_user(self._store, self._authorizer, caller, action=action, name=name)
