"""The HTTP door: what is answered to a request, whole as `http` has read it.

A router in front of it would normalise paths, and signatures are over the raw path; it also has to
see the raw body. Besides the AWS APIs it serves the link of verification mail and health checks. It knows no
sockets (`listener`).
"""

import json
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

from sesame.aws.request import HttpRequest
from sesame.errors import InternalFailure, RequestTooLarge, ServiceUnavailable
from sesame.http.reader import Request
from sesame.identities.verification import Confirmation
from sesame.server.api import AwsApi, HttpResponse, Peer
from sesame.server.pages import invalid_page, redirect, verified_page
from sesame.server.topic_links import TopicLinks
from sesame.server.tracking import TrackingPages


class HttpDoor:
    """`confirm` redeems the token of a verification link; `ready` says by part what keeps us from working."""

    def __init__(
        self,
        api: AwsApi,
        *,
        confirm: Callable[[str], Awaitable[Confirmation]],
        ready: Callable[[], Awaitable[dict[str, str]]],
        links: TopicLinks | None = None,
        tracking: TrackingPages | None = None,
    ) -> None:
        self._api = api
        self._confirm = confirm
        self._ready = ready
        self._links = links
        self._tracking = tracking

    async def answer(self, request: Request, peer: Peer) -> HttpResponse:
        """Answer one request."""
        if request.method in ("GET", "HEAD"):
            page = await self._page(request, peer)
            if page is not None:
                return page
        asked = HttpRequest(
            method=request.method, raw_path=request.raw_path, query=request.query, headers=request.fields,
            body=request.body,
        )  # fmt: skip
        return await self._api.answer(asked, peer)

    def too_large(self, raw_path: bytes, *, max_body_bytes: int) -> HttpResponse:
        """The answer to a request whose body is not read to its end."""
        return self._api.refuse(
            RequestTooLarge(f"Request body is more than {max_body_bytes} bytes long."), raw_path
        )

    def busy(self, raw_path: bytes) -> HttpResponse:
        """The answer when other requests' bodies fill the memory that there is for them."""
        return self._api.refuse(ServiceUnavailable("Too many large requests at once. Try again."), raw_path)

    def failed(self, raw_path: bytes) -> HttpResponse:
        """The answer when a page could not be made."""
        return self._api.refuse(InternalFailure(), raw_path)

    async def _page(self, request: Request, peer: Peer) -> HttpResponse | None:
        match request.raw_path:
            case b"/verify":
                # Mail scanners look with HEAD; only a reader's GET redeems the link.
                return await self._verify(request.query) if request.method == "GET" else _plain(200, "")
            case b"/livez":
                return _plain(200, "ok")
            case b"/readyz":
                problems = await self._ready()
                return _plain(503 if problems else 200, json.dumps(problems))
        if self._tracking is not None and request.raw_path.startswith(b"/t/"):
            return await self._tracking.page(request, peer)
        if request.method == "GET" and self._links is not None:
            return await self._links.page(request.raw_path, request.query)
        return None

    async def _verify(self, query: bytes) -> HttpResponse:
        token = parse_qs(query.decode("ascii", "replace")).get("token", [""])[0]
        confirmation = await self._confirm(token)
        if confirmation.redirect is not None:
            return redirect(confirmation.redirect)
        return invalid_page() if confirmation.address is None else verified_page(confirmation.address)


def _plain(status: int, text: str) -> HttpResponse:
    body = text.encode()
    headers = ((b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode()))
    return HttpResponse(status=status, headers=headers, body=body)
