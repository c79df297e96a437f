"""Templates of custom verification mail, and where the links of what was mailed lead on.

A redirect is kept as the template said it when the mail was accepted: the template may change or go
before the link is followed. What a template may say is checked elsewhere.
"""

from dataclasses import dataclass

from sesame.db import Transaction
from sesame.db.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A template but for its content."""

    account_id: str
    region: str
    name: str
    from_address: str
    subject: str
    success_url: str
    failure_url: str
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomTemplate(Outline):
    """A template as written; `content` is HTML."""

    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """Where the reader goes who followed a link, by whether it verified the address."""

    success_url: str
    failure_url: str


_OUTLINES = Table("custom_verification_template", Outline, key="account_id, region, name")
_TEMPLATES = Table("custom_verification_template", CustomTemplate, key="account_id, region, name")


async def get(tx: Transaction, account_id: str, region: str, name: str) -> CustomTemplate | None:
    """One template, or None."""
    return await _TEMPLATES.get(tx, account_id, region, name)


async def exists(tx: Transaction, account_id: str, region: str, name: str) -> bool:
    """Whether there is a template of that name."""
    found = await _OUTLINES.get(tx, account_id, region, name)
    return found is not None


async def page(tx: Transaction, account_id: str, region: str, *, after: str, limit: int) -> list[Outline]:
    """Templates in order of name, those after `after`, without their contents."""
    return await _OUTLINES.page(tx, account_id, region, after=after, limit=limit)


async def count(tx: Transaction, account_id: str, region: str) -> int:
    """How many the account has in the region."""
    return await _OUTLINES.count(tx, "WHERE account_id = ? AND region = ?", account_id, region)


async def put(tx: Transaction, template: CustomTemplate) -> None:
    """Add a template, or replace all of one but its time of creation."""
    await _TEMPLATES.put(
        tx,
        template,
        changed="from_address, subject, success_url, failure_url, content",
    )


async def delete(tx: Transaction, account_id: str, region: str, name: str) -> bool:
    """Remove a template; whether there was one. Links that were mailed lead on as before."""
    return await _TEMPLATES.delete(tx, account_id, region, name)


async def keep_redirect(tx: Transaction, token: str, redirect: Redirect, *, at: float) -> None:
    """Keep where the link with `token` leads on; part of the transaction that accepts its mail."""
    await tx.execute(
        "INSERT INTO verification_redirect (token, success_url, failure_url, accepted_at) VALUES (?, ?, ?, ?)",
        token,
        redirect.success_url,
        redirect.failure_url,
        at,
    )


async def get_redirect(tx: Transaction, token: str) -> Redirect | None:
    """Where the link with `token` leads on; None for one of a plain verification mail, or of none."""
    row = await tx.one("SELECT success_url, failure_url FROM verification_redirect WHERE token = ?", token)
    return None if row is None else Redirect(success_url=row[0], failure_url=row[1])


async def purge_before(tx: Transaction, at: float, *, limit: int) -> int:
    """Drop up to `limit` redirects of mail accepted before `at`; how many went."""
    rows = await tx.all(
        "SELECT token FROM verification_redirect WHERE accepted_at < ? ORDER BY accepted_at LIMIT ?",
        at,
        limit,
    )
    return await tx.many("DELETE FROM verification_redirect WHERE token = ?", rows)
