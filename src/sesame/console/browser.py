"""A browser, and the log-in that it is given: what it holds is random, and the store has its digest."""

import hashlib
from dataclasses import dataclass

from sesame.store.console_logins import Login


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """Where a request comes from."""

    source_ip: str
    user_agent: str


def digest_of(token: str) -> bytes:
    """What is stored of a cookie or link."""
    return hashlib.sha256(token.encode()).digest()


def login_of(browser: Browser, account_id: str, user_id: str, token: str, *, at: float) -> Login:
    """A log-in that begins now, of whoever holds the token."""
    return Login(
        digest=digest_of(token),
        account_id=account_id,
        user_id=user_id,
        is_operator=False,
        mfa=False,
        made_at=at,
        seen_at=at,
        source_ip=browser.source_ip,
        user_agent=browser.user_agent[:500],
    )
