"""Requests signed by botocore, and the three steps of checking one."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sesame.aws import canonical, sigv4
from sesame.aws.request import HttpRequest
from sesame.errors import ServiceError

_signing_key = functools.lru_cache(sigv4.signing_key)

ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
REGION = "us-east-1"
SKEW_S = 300.0
SIGNED_AT = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
NOW = SIGNED_AT.timestamp()
FORM = "application/x-www-form-urlencoded; charset=utf-8"


def canonical_request(request: HttpRequest, claim: sigv4.SignedRequest) -> bytes:
    """What `verify` holds a signature against first: the path encoded once more, every signed header, the body."""
    path = canonical.canonical_path(request.raw_path)
    values, _ = canonical.signed_values(request.headers, claim.signed_headers)
    return sigv4.canonical_request(request, claim, path, values, canonical.body_hash(request.body))


def raw(prepared: Any) -> HttpRequest:
    """What a server would see of a request that botocore prepared."""
    url = urlsplit(prepared.url)
    headers = [
        (name.lower().encode(), value if isinstance(value, bytes) else value.encode())
        for name, value in prepared.headers.items()
    ]
    if not any(name == b"host" for name, _ in headers):
        headers.insert(0, (b"host", url.netloc.encode()))
    body = prepared.body or b""
    return HttpRequest(
        method=prepared.method,
        raw_path=url.path.encode() or b"/",
        query=url.query.encode(),
        headers=headers,
        body=body if isinstance(body, bytes) else body.encode(),
    )


def signed(
    *,
    method: str = "POST",
    url: str = "http://127.0.0.1:4579/",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"Action=GetSendQuota&Version=2010-12-01",
    token: str | None = None,
    at: datetime = SIGNED_AT,
    presign_s: int | None = None,
    service: str = "ses",
    region: str = REGION,
    secret: str = SECRET,
) -> HttpRequest:
    """A request signed by botocore, in its header or (with `presign_s`) in its query."""
    if headers is None:
        headers = {"Content-Type": FORM} if presign_s is None else {}
    request = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
    credentials = Credentials(ACCESS_KEY_ID, secret, token)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=at, create=True):
        if presign_s is None:
            signer: Any = botocore.auth.SigV4Auth(credentials, service, region)
        else:
            signer = botocore.auth.SigV4QueryAuth(credentials, service, region, expires=presign_s)
        signer.add_auth(request)
    return raw(request.prepare())


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """All that stands between a request and its operation, as access will do it."""

    now: float = NOW
    service: str = "ses"
    regions: Callable[[str], bool] = REGION.__eq__

    def check(self, request: HttpRequest) -> sigv4.SignedRequest:
        """The signature of `request`; raises the error a client would get."""
        claim = sigv4.read_signature(request)
        sigv4.check_scope(claim, now=self.now, skew_s=SKEW_S, regions=self.regions, service=self.service)
        known = claim.access_key_id == ACCESS_KEY_ID
        key = _signing_key(SECRET if known else "x", claim.date, claim.region, claim.service)
        sigv4.verify(request, claim, signing_key=key)
        return claim

    def accepts(self, request: HttpRequest) -> bool:
        """Whether `request` is let through; any error but a ServiceError of 4xx is passed on."""
        try:
            self.check(request)
        except ServiceError as error:
            assert 400 <= error.http_status < 500
            return False
        return True
