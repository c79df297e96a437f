"""URLs that people name for what is to be posted to them."""

import base64
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from sesame.dns.public import is_literal
from sesame.errors import SesameError
from sesame.mail.domain import DomainError, normal_domain


class PostFailed(SesameError):
    """Nothing was taken: no such host, none that may be asked, no answer, or one that says no.

    `retry_after_s` is how long it asks to be left alone, in seconds.
    """

    def __init__(self, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class EndpointGone(PostFailed):
    """The endpoint says that it wants no more (410 Gone, RFC 9110 section 15.5.11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A URL, read. `authorization` is the value of that header field, from a user and password in the URL."""

    is_tls: bool
    host: str
    port: int
    path: str
    authorization: str | None

    @property
    def authority(self) -> str:
        """The value of the Host field."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


@lru_cache(maxsize=1_024)  # the same endpoints again and again
def read_url(url: str) -> Endpoint:
    """Read an http or https URL. Raises `PostFailed`, whose text says what is wrong with it."""
    if not url.isprintable() or " " in url or "\\" in url or not url.isascii():
        raise PostFailed("the URL has characters that none has")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise PostFailed("the URL cannot be read") from None
    if parts.scheme not in ("http", "https") or not host:
        raise PostFailed("the URL is not one of http or https with a host")
    if ":" not in host:
        try:
            host = host if is_literal(host) else normal_domain(host.rstrip("."))
        except DomainError:
            raise PostFailed("the host of the URL is not a host name") from None
    login = None
    if parts.username is not None:
        plain = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        login = "Basic " + base64.b64encode(plain.encode()).decode()
    is_tls = parts.scheme == "https"
    path = parts.path or "/"
    return Endpoint(
        is_tls=is_tls,
        host=host,
        port=port or (443 if is_tls else 80),
        path=f"{path}?{parts.query}" if parts.query else path,
        authorization=login,
    )


def check_url(url: str, *, may_be_plain: bool) -> None:
    """Raise `PostFailed` for a URL that nothing would be posted to, wherever its host leads."""
    endpoint = read_url(url)
    if endpoint.authorization is not None:
        raise PostFailed("leave user and password out of the URL: the signature says who posts")
    if not endpoint.is_tls and not may_be_plain:
        raise PostFailed("plain HTTP is not allowed here; use https")
