"""The links in mail that is followed: the picture of an open, and the way on of a click.

Nobody signs these requests; the token in the path says whose they are. Whatever the token, a picture is a picture, so
that no reader sees a broken one; a link that is not ours, or was stopped, leads nowhere. Sources: RFC 9110 sections
9.3.2, 15.4.3 and 15.5.11, RFC 9111 section 5.2.2.5; GIF89a.
"""

import base64
import ipaddress

from sesame.feedback.tracking import LinkStopped, Reader, Tracker
from sesame.http.reader import Request
from sesame.mail.tracked_link import CLICK_PATH, OPEN_PATH
from sesame.server.api import HttpResponse, Peer
from sesame.server.pages import stopped_link_page, unknown_link_page

PICTURE = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""One transparent point."""

_UNKEPT = (
    (b"cache-control", b"no-store, no-cache, private, max-age=0"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-robots-tag", b"noindex, nofollow"),
)
LONGEST_USER_AGENT = 512


class TrackingPages:
    """Answers for links of mail. `trusted_proxy` is the address whose X-Forwarded-For is believed; empty: nobody's."""

    def __init__(self, tracker: Tracker, *, trusted_proxy: str = "") -> None:
        self._tracker = tracker
        self._proxy = trusted_proxy

    async def page(self, request: Request, peer: Peer) -> HttpResponse | None:
        """The answer to GET and HEAD of a link of mail, None for everything else."""
        path = request.raw_path.decode("ascii", "replace")
        if path.startswith(OPEN_PATH):
            await self._tracker.opened(path.removeprefix(OPEN_PATH), self._reader(request, peer))
            return _response(200, PICTURE, (b"content-type", b"image/gif"))
        if path.startswith(CLICK_PATH):
            query = request.query.decode("ascii", "replace")
            token = path.removeprefix(CLICK_PATH)
            try:
                location = await self._tracker.clicked(token, query, self._reader(request, peer))
            except LinkStopped:
                return stopped_link_page()
            if location is None:
                return unknown_link_page()
            return _response(302, b"", (b"location", location.encode("ascii")))
        return None

    def _reader(self, request: Request, peer: Peer) -> Reader:
        user_agent = b"".join([value for name, value in request.fields if name.lower() == b"user-agent"][:1])
        text = user_agent.decode("utf-8", "replace")
        return Reader(
            user_agent="".join(sign for sign in text if sign.isprintable())[:LONGEST_USER_AGENT],
            ip_address=self._address(request, peer),
            counts=request.method == "GET",
        )

    def _address(self, request: Request, peer: Peer) -> str:
        """The reader's address: the peer's, or what the trusted proxy says, its last word."""
        if not self._proxy or ipaddress.ip_address(peer.address) != ipaddress.ip_address(self._proxy):
            return peer.address
        said = [value for name, value in request.fields if name.lower() == b"x-forwarded-for"]
        last = b",".join(said).rpartition(b",")[2].strip().decode("ascii", "replace")
        try:
            return str(ipaddress.ip_address(last))
        except ValueError:
            return peer.address


class TrackingDoor:
    """A door that serves these links and nothing else."""

    def __init__(self, pages: TrackingPages) -> None:
        self._pages = pages

    async def answer(self, request: Request, peer: Peer) -> HttpResponse:
        """Answer one request."""
        if request.method not in ("GET", "HEAD"):
            return _response(405, b"", (b"allow", b"GET, HEAD"))
        found = await self._pages.page(request, peer)
        return found if found is not None else unknown_link_page()

    def too_large(self, raw_path: bytes, *, max_body_bytes: int) -> HttpResponse:
        """The answer to a request whose body is not read to its end."""
        return _response(413, b"")

    def busy(self, raw_path: bytes) -> HttpResponse:
        """The answer when other requests' bodies fill the memory that there is for them."""
        return _response(503, b"")

    def failed(self, raw_path: bytes) -> HttpResponse:
        """The answer when a page could not be made."""
        return _response(500, b"")


def _response(status: int, body: bytes, *fields: tuple[bytes, bytes]) -> HttpResponse:
    headers = (*fields, (b"content-length", str(len(body)).encode()), *_UNKEPT)
    return HttpResponse(status=status, headers=headers, body=body)
