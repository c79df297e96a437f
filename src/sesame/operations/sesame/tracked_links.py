"""Stops of the links in followed mail: the operations of Sesame's own API, for the account that sent it.

They are about all regions, for links say none. Each is authorised by the caller's IAM policies
(`sesame:StopTrackedLinks`, and so on).
"""

from collections.abc import Awaitable
from typing import TypeVar

from sesame.access.permission import Authorizer
from sesame.admin.accounts import OperatorError
from sesame.admin.tracked_links import Links, NotStopped, TooManyStops, TrackedLinks
from sesame.aws import paging
from sesame.aws.shapes import sesame
from sesame.errors import InvalidParameterValue, LimitExceeded, ServiceError
from sesame.model import Caller
from sesame.operations.table import Handlers
from sesame.store.stopped_links import ACCOUNT, ALL, OPERATOR

T = TypeVar("T")
MOST_A_PAGE = 100
_SEPARATOR = "\n"


class LinksDoNotExist(ServiceError):
    """The account has no such message, or has not stopped these links."""

    code, http_status = "TrackedLinksDoesNotExist", 404


class TrackedLinkOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, authorizer: Authorizer, links: TrackedLinks) -> None:
        self._authorizer = authorizer
        self._links = links

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "StopTrackedLinks": self.stop_tracked_links,
            "ResumeTrackedLinks": self.resume_tracked_links,
            "ListStoppedLinks": self.list_stopped_links,
        }

    async def stop_tracked_links(
        self, caller: Caller, request: sesame.StopTrackedLinksRequest
    ) -> sesame.StopTrackedLinksResponse:
        """From the answer on these links lead nowhere."""
        permit = await self._authorizer.require(caller, "sesame:StopTrackedLinks")
        links = _links(caller, request.get("MessageId"), request.get("All"), request.get("Delegate"))
        await _answered(self._links.stop(links, request.get("Reason", ""), by=permit))
        return {}

    async def resume_tracked_links(
        self, caller: Caller, request: sesame.ResumeTrackedLinksRequest
    ) -> sesame.ResumeTrackedLinksResponse:
        """Let links lead on that the account itself has stopped."""
        permit = await self._authorizer.require(caller, "sesame:ResumeTrackedLinks")
        links = _links(caller, request.get("MessageId"), request.get("All"), request.get("Delegate"))
        await _answered(self._links.resume(links, by=permit))
        return {}

    async def list_stopped_links(
        self, caller: Caller, request: sesame.ListStoppedLinksRequest
    ) -> sesame.ListStoppedLinksResponse:
        """The account's stops, by whomever; of a delegate's links those that the account has made."""
        await self._authorizer.require(caller, "sesame:ListStoppedLinks")
        limit = request.get("PageSize", MOST_A_PAGE)
        token = paging.after(request.get("NextToken"))
        after, _, by = token.partition(_SEPARATOR)
        account_id, delegate = caller.principal.account_id, request.get("Delegate")
        if delegate is None:
            found = await self._links.page(account_id, after=(after, by), limit=limit + 1)
        else:
            found = await self._links.page_of_owner(account_id, delegate, after=(after, by), limit=limit + 1)
        page, next_token = paging.cut(
            found, limit, lambda one: f"{one.message_id}{_SEPARATOR}{one.stopped_by}"
        )
        stops: list[sesame.StoppedLinks] = []
        for one in page:
            shape: sesame.StoppedLinks = {
                "StoppedBy": "OPERATOR"
                if one.stopped_by == OPERATOR
                else "ACCOUNT"
                if one.stopped_by == ACCOUNT
                else "OWNER",
                "StoppedAt": one.stopped_at,
                # An owner's words are not the sender's to read (I9).
                "Reason": one.reason if delegate is not None or one.stopped_by in (ACCOUNT, OPERATOR) else "",
            }
            shape |= {"All": True} if one.message_id == ALL else {"MessageId": one.message_id}
            stops.append(shape)
        return {"Stops": stops, **paging.next_page(next_token)}


def _links(caller: Caller, message_id: str | None, everything: bool | None, delegate: str | None) -> Links:
    """The links that are meant: those of one message, or all; the caller's own, or a delegate's as its identities."""
    if (message_id is None) == (not everything):
        raise InvalidParameterValue("Name either MessageId or All.")
    account_id = caller.principal.account_id
    if delegate == account_id:
        raise InvalidParameterValue("Delegate is another account; leave it out for mail of your own.")
    if delegate is not None:
        return Links(account_id=delegate, message_id=message_id or ALL, owner_id=account_id)
    return Links(account_id=account_id, message_id=message_id or ALL)


async def _answered(doing: Awaitable[T]) -> T:
    """What is wrong with a request, in the errors of the API."""
    try:
        return await doing
    except NotStopped as error:
        raise LinksDoNotExist(str(error)) from error
    except TooManyStops as error:
        raise LimitExceeded(str(error)) from error
    except OperatorError as error:
        raise InvalidParameterValue(str(error)) from error
