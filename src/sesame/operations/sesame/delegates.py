"""Bounds on delegates and what is queued: the operations of Sesame's own API, for owners and senders.

The owner calls for its own identities in the region of the call; each is authorised by the caller's IAM policies
(`sesame:PutDelegateBounds` on the identity's ARN, and so on), as at AWS.
"""

from typing import Any

from sesame.access.changes import Permit
from sesame.access.permission import Authorizer
from sesame.aws import paging
from sesame.aws.arn import identity_arn
from sesame.aws.shapes import sesame
from sesame.errors import InvalidParameterValue
from sesame.identities.delegates import BoundsView, Caps, Key, read_delegate, read_identity
from sesame.model import Caller
from sesame.operations.delegates import Acting, Delegates, require_named
from sesame.operations.table import Handlers

MOST_A_PAGE = 100
MOST_IDENTITIES = 1_000
_SEPARATOR = "\n"
"""Between identity and delegate in a page token; neither can hold it."""


class DelegateOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, authorizer: Authorizer, delegates: Delegates) -> None:
        self._authorizer = authorizer
        self._delegates = delegates

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "PutDelegateBounds": self.put_delegate_bounds,
            "GetDelegateBounds": self.get_delegate_bounds,
            "ListDelegateBounds": self.list_delegate_bounds,
            "DeleteDelegateBounds": self.delete_delegate_bounds,
            "PauseDelegate": self.pause_delegate,
            "ResumeDelegate": self.resume_delegate,
            "CancelDelegateMessages": self.cancel_delegate_messages,
            "CancelMessages": self.cancel_messages,
        }

    async def put_delegate_bounds(
        self, caller: Caller, request: sesame.PutDelegateBoundsRequest
    ) -> sesame.PutDelegateBoundsResponse:
        """Set a delegate's caps in place of those that were set."""
        key, acting = self._about(caller, "PutDelegateBounds", request)
        caps = Caps(
            messages_per_day=request.get("MaxMessagesPerDay"),
            messages_per_second=request.get("MaxMessagesPerSecond"),
            recipients_per_day=request.get("MaxRecipientsPerDay"),
            bytes_per_day=request.get("MaxBytesPerDay"),
            expires_at=request.get("ExpiresAt"),
        )
        await self._delegates.put(acting, key, caps)
        return {}

    async def get_delegate_bounds(
        self, caller: Caller, request: sesame.GetDelegateBoundsRequest
    ) -> sesame.GetDelegateBoundsResponse:
        """One delegate's bounds, with what it has used."""
        key, acting = self._about(caller, "GetDelegateBounds", request)
        await acting()
        return {"Bounds": _as_shape(await self._delegates.show(key))}

    async def list_delegate_bounds(
        self, caller: Caller, request: sesame.ListDelegateBoundsRequest
    ) -> sesame.ListDelegateBoundsResponse:
        """All bounds in the region."""
        owner = caller.principal.account_id
        identity, delegate = request.get("Identity"), request.get("Delegate")
        resource = "*" if identity is None else _arn(caller, read_identity(identity))
        await self._authorizer.require(caller, "sesame:ListDelegateBounds", resource)
        limit = request.get("PageSize", MOST_A_PAGE)
        token = paging.after(request.get("NextToken"))
        after, _, behind = token.partition(_SEPARATOR)
        found = await self._delegates.page(
            owner,
            caller.region,
            identity=None if identity is None else read_identity(identity),
            delegate=None if delegate is None else read_delegate(delegate, owner),
            after=(after, behind),
            limit=limit + 1,
        )
        page, next_token = paging.cut(
            found, limit, lambda one: f"{one.bounds.identity}{_SEPARATOR}{one.bounds.delegate}"
        )
        return {"Bounds": [_as_shape(one) for one in page], **paging.next_page(next_token)}

    async def delete_delegate_bounds(
        self, caller: Caller, request: sesame.DeleteDelegateBoundsRequest
    ) -> sesame.DeleteDelegateBoundsResponse:
        """Remove bounds, pause and count."""
        key, acting = self._about(caller, "DeleteDelegateBounds", request)
        return {"Released": await self._delegates.remove(acting, key)}

    async def pause_delegate(
        self, caller: Caller, request: sesame.PauseDelegateRequest
    ) -> sesame.PauseDelegateResponse:
        """Let a delegate send nothing more; from the answer on nothing is accepted of it (I4)."""
        key, acting = self._about(caller, "PauseDelegate", request)
        await self._delegates.pause(acting, key, request.get("Reason", ""))
        return {}

    async def resume_delegate(
        self, caller: Caller, request: sesame.ResumeDelegateRequest
    ) -> sesame.ResumeDelegateResponse:
        """End a pause."""
        key, acting = self._about(caller, "ResumeDelegate", request)
        return {"Released": await self._delegates.resume(acting, key)}

    async def cancel_delegate_messages(
        self, caller: Caller, request: sesame.CancelDelegateMessagesRequest
    ) -> sesame.CancelDelegateMessagesResponse:
        """Cancel what others have queued as identities of the caller.

        Where none is named, each that a message waits as must be allowed, or nothing is cancelled: who may not
        cancel for an identity could otherwise leave it out.
        """
        identity, delegate = request.get("Identity"), request.get("Delegate")
        owner, name = caller.principal.account_id, None if identity is None else read_identity(identity)
        acting = self._acting(caller, "CancelDelegateMessages", "*" if name is None else _arn(caller, name))
        await acting()
        message_id = request.get("MessageId")
        require_named(Identity=identity, Delegate=delegate, MessageId=message_id)
        delegate = None if delegate is None else read_delegate(delegate, owner)
        names = [name] if name not in (None, "*") else await self._queued_as(caller, delegate, message_id)
        each = {one: self._acting(caller, "CancelDelegateMessages", _arn(caller, one)) for one in names}
        for may in each.values():
            await may()
        cancelled = under_way = 0
        for one, may in each.items():
            done = await self._delegates.cancel_of_delegates(
                may,
                owner,
                caller.region,
                identity=one,
                delegate=delegate,
                message_id=message_id,
                reason=request.get("Reason", ""),
            )
            cancelled, under_way = cancelled + done.count, under_way + done.under_way
        return {"Cancelled": cancelled, "UnderWay": under_way}

    async def _queued_as(self, caller: Caller, delegate: str | None, message_id: str | None) -> list[str]:
        names = await self._delegates.queued_as(
            caller.principal.account_id,
            caller.region,
            delegate=delegate,
            message_id=message_id,
            most=MOST_IDENTITIES + 1,
        )
        if len(names) > MOST_IDENTITIES:
            raise InvalidParameterValue(
                f"More than {MOST_IDENTITIES} identities have messages waiting: name one with Identity."
            )
        return names

    async def cancel_messages(
        self, caller: Caller, request: sesame.CancelMessagesRequest
    ) -> sesame.CancelMessagesResponse:
        """Cancel what the caller's account has queued."""
        acting = self._acting(caller, "CancelMessages", "*")
        await acting()
        identity, everything = request.get("Identity"), request.get("All") or None
        require_named(Identity=identity, MessageId=request.get("MessageId"), All=everything)
        done = await self._delegates.cancel_own(
            acting,
            caller.principal.account_id,
            caller.region,
            identity=None if identity in (None, "*") else read_identity(str(identity)),
            message_id=request.get("MessageId"),
            reason=request.get("Reason", ""),
        )
        return {"Cancelled": done.count, "UnderWay": done.under_way}

    def _about(self, caller: Caller, operation: str, request: Any) -> tuple[Key, Acting]:
        """Whose bounds are meant, and what lets the caller do this to them."""
        owner, identity = caller.principal.account_id, read_identity(request["Identity"])
        key = Key(
            owner=owner,
            region=caller.region,
            identity=identity,
            delegate=read_delegate(request["Delegate"], owner),
        )
        return key, self._acting(caller, operation, _arn(caller, identity))

    def _acting(self, caller: Caller, operation: str, resource: str) -> Acting:
        async def permit() -> Permit:
            return await self._authorizer.require(caller, f"sesame:{operation}", resource)

        return permit


def _arn(caller: Caller, identity: str) -> str:
    return identity_arn(caller.region, caller.principal.account_id, identity)


def _as_shape(view: BoundsView) -> sesame.DelegateBounds:
    bounds, used = view.bounds, view.used
    shape: dict[str, Any] = {
        "Identity": bounds.identity,
        "Delegate": bounds.delegate,
        "MaxMessagesPerDay": bounds.messages_per_day,
        "MaxMessagesPerSecond": bounds.messages_per_second,
        "MaxRecipientsPerDay": bounds.recipients_per_day,
        "MaxBytesPerDay": bounds.bytes_per_day,
        "ExpiresAt": bounds.expires_at,
        "Paused": bounds.paused_at is not None,
        "PausedAt": bounds.paused_at,
        "PauseReason": bounds.pause_reason or None,
        "UpdatedAt": bounds.updated_at,
        "Used": {"Messages": used.messages, "Recipients": used.recipients, "Bytes": used.bytes},
        "FromAddresses": None if view.from_addresses is None else list(view.from_addresses),
    }
    return {name: value for name, value in shape.items() if value is not None}  # type: ignore[return-value]
