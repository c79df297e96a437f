"""Requests that prove who sends them by another provider's word: AssumeRoleWithWebIdentity and AssumeRoleWithSAML.

They are not signed, and there is no provider here that could vouch for anybody: the answer is STS's own for a provider
that an account does not have. Nothing that a token says is believed. Source: STS API reference.
"""

import base64
import binascii
import json
import re

from sesame.aws.errors import InvalidIdentityToken
from sesame.aws.query import read_action
from sesame.aws.request import HttpRequest
from sesame.errors import ServiceError

_NAMED = b"AssumeRoleWith"
_MAX_BYTES = 65_536
"""Longer ones are no such request: a token has 20,000 characters at most, an assertion 100,000 before it is encoded."""
_ISSUER = re.compile(r"https://[\x21-\x7e]{1,200}")


def federated_refusal(request: HttpRequest) -> InvalidIdentityToken | None:
    """Why a request that is not signed gets no session of a role; None for any other request."""
    if any(name == b"authorization" for name, _ in request.headers) or b"X-Amz-Signature" in request.query:
        return None
    if len(request.body) > _MAX_BYTES or (_NAMED not in request.body and _NAMED not in request.query):
        return None
    try:
        form = read_action(request)
    except ServiceError:
        return None
    if form.action == "AssumeRoleWithWebIdentity":
        return InvalidIdentityToken(_of_token(form.fields.get("WebIdentityToken", "")))
    if form.action == "AssumeRoleWithSAML":
        provider = form.fields.get("PrincipalArn", "")[:200]
        return InvalidIdentityToken(f"Specified provider doesn't exist: {provider}")
    return None


def _of_token(token: str) -> str:
    """What STS says of a token whose issuer is no provider of the account."""
    issuer = _issuer(token)
    if issuer is None:
        return (
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
        )
    return f"No OpenIDConnect provider found in your account for {issuer}"


def _issuer(token: str) -> str | None:
    """The issuer that a JWT names, unproved; None for what is no JWT, or names none by a URL."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return issuer if isinstance(issuer, str) and _ISSUER.fullmatch(issuer) else None
