"""What every request to the console must satisfy before a page sees it, and what every answer carries.

INVARIANT: a POST reaches a page only from a page of ours: same Host and Origin, no cross-site fetch, a token that
belongs to the browser's cookie. A Host that is not configured is refused, on the loopback too: a web page could give
its own name our address (DNS rebinding) and read what is here. Sources: OWASP cheat sheet on cross-site request
forgery; Fetch Metadata; Content Security Policy level 3.
"""

import base64
import hmac
import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit

MAX_BODY_BYTES = 1024 * 1024
MAX_FIELDS = 100

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
MAIL_POLICY = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'self'"
)
"""Of a mail's HTML, which is shown from an address of its own in a frame without any right."""

HEADERS: Mapping[str, str] = {
    "content-security-policy": PAGE_POLICY,
    "referrer-policy": "same-origin",  # with `no-referrer` browsers send forms with `Origin: null`
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}


class Refused(Exception):
    """The request is none of a page of ours; `status` is the answer's."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Guard:
    """Knows under which names the console is reached. `public_url` is empty when that is this machine alone."""

    def __init__(self, *, public_url: str, is_secure: bool) -> None:
        self._public_url = public_url.rstrip("/")
        self._netloc = urlsplit(public_url).netloc.lower()
        self.is_secure = is_secure or public_url.startswith("https:")

    def base_url(self, host: str) -> str:
        """Where the console is reached: as it was configured, else by the host of a request that was checked."""
        return self._public_url or f"{'https' if self.is_secure else 'http'}://{host}"

    @property
    def cookie(self) -> str:
        """The name of the log-in's cookie; browsers take the prefix from a page with TLS alone."""
        return "__Host-sesame" if self.is_secure else "sesame"

    @property
    def form_cookie(self) -> str:
        """The name of the cookie that forms before a log-in are bound to."""
        return "__Host-sesame-form" if self.is_secure else "sesame-form"

    def check_host(self, host: str | None) -> None:
        """Raises `Refused` for a host that we were not told of."""
        if not host or not (host.lower() == self._netloc or _is_this_machine(host)):
            raise Refused(
                421, "this name is not the console's; the operator sets `console.public_url` to the right one"
            )

    def check_origin(self, headers: Mapping[str, str]) -> None:
        """Raises `Refused` for a POST that another site caused, or that does not say who did."""
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Refused(403, "the form was sent by another site")
        said = headers.get("origin")
        if said is None and headers.get("referer"):
            parts = urlsplit(headers["referer"])
            said = f"{parts.scheme}://{parts.netloc}"
        scheme = "https" if self.is_secure else "http"
        if said is None or said.lower() != f"{scheme}://{headers.get('host', '')}".lower():
            raise Refused(403, "the form was not sent by a page of this console")

    def check_program(self, headers: Mapping[str, str]) -> None:
        """Raises `Refused` for a POST that a browser sent: programs say neither where they are nor who caused it."""
        if any(name in headers for name in ("origin", "referer", "sec-fetch-site", "cookie")):
            raise Refused(403, "this address is for programs; a browser has a form for it")


@lru_cache(maxsize=100)
def _is_this_machine(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        port_is_one = urlsplit(f"//{host}").port is not None or ":" not in host
    except ValueError:
        return False
    if not port_is_one and not host.startswith("["):
        return False
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def form_token(seed: str) -> str:
    """The token of every form of the browser whose cookie has the value `seed`."""
    digest = hmac.digest(seed.encode(), b"sesame console form", "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def is_token(seed: str, given: str) -> bool:
    """Whether the token is that of the browser's own forms."""
    return bool(seed) and hmac.compare_digest(form_token(seed).encode(), given.encode())


def read_form(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a form. Raises `Refused` for another encoding, too many fields, or a field given twice."""
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise Refused(415, "forms are sent as application/x-www-form-urlencoded")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        raise Refused(400, "the form cannot be read") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Refused(400, "a field of the form was sent twice")
    return fields
