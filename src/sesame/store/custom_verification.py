"""Templates of custom verification mail, and where the links of what was mailed lead on.

A redirect is kept as the template said it when the mail was accepted: the template may change or go
before the link is followed. What a template may say is checked elsewhere.
"""

from dataclasses import dataclass

from sesame.db import Row, Transaction


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


_OUTLINE = "account_id, region, name, from_address, subject, success_url, failure_url, created_at"


def _outline(row: Row) -> Outline:
    account_id, region, name, from_address, subject, success_url, failure_url, created_at = row
    return Outline(
        account_id=account_id,
        region=region,
        name=name,
        from_address=from_address,
        subject=subject,
        success_url=success_url,
        failure_url=failure_url,
        created_at=created_at,
    )


async def get(tx: Transaction, account_id: str, region: str, name: str) -> CustomTemplate | None:
    """One template, or None."""
    row = await tx.one(
        f"SELECT {_OUTLINE}, content FROM custom_verification_template"
        " WHERE account_id = ? AND region = ? AND name = ?",
        account_id,
        region,
        name,
    )
    if row is None:
        return None
    outline = _outline(row[:-1])
    return CustomTemplate(
        account_id=outline.account_id,
        region=outline.region,
        name=outline.name,
        from_address=outline.from_address,
        subject=outline.subject,
        success_url=outline.success_url,
        failure_url=outline.failure_url,
        created_at=outline.created_at,
        content=row[-1],
    )


async def exists(tx: Transaction, account_id: str, region: str, name: str) -> bool:
    """Whether there is a template of that name."""
    row = await tx.one(
        "SELECT 1 FROM custom_verification_template WHERE account_id = ? AND region = ? AND name = ?",
        account_id,
        region,
        name,
    )
    return row is not None


async def page(tx: Transaction, account_id: str, region: str, *, after: str, limit: int) -> list[Outline]:
    """Templates in order of name, those after `after`, without their contents."""
    rows = await tx.all(
        f"SELECT {_OUTLINE} FROM custom_verification_template"
        " WHERE account_id = ? AND region = ? AND name > ? ORDER BY name LIMIT ?",
        account_id,
        region,
        after,
        limit,
    )
    return [_outline(row) for row in rows]


async def count(tx: Transaction, account_id: str, region: str) -> int:
    """How many the account has in the region."""
    row = await tx.one(
        "SELECT COUNT(*) FROM custom_verification_template WHERE account_id = ? AND region = ?",
        account_id,
        region,
    )
    assert row is not None
    return int(row[0])


async def put(tx: Transaction, template: CustomTemplate) -> None:
    """Add a template, or replace all of one but its time of creation."""
    await tx.execute(
        f"INSERT INTO custom_verification_template ({_OUTLINE}, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (account_id, region, name) DO UPDATE SET from_address = excluded.from_address,"
        " subject = excluded.subject, success_url = excluded.success_url,"
        " failure_url = excluded.failure_url, content = excluded.content",
        template.account_id,
        template.region,
        template.name,
        template.from_address,
        template.subject,
        template.success_url,
        template.failure_url,
        template.created_at,
        template.content,
    )


async def delete(tx: Transaction, account_id: str, region: str, name: str) -> bool:
    """Remove a template; whether there was one. Links that were mailed lead on as before."""
    return bool(
        await tx.execute(
            "DELETE FROM custom_verification_template WHERE account_id = ? AND region = ? AND name = ?",
            account_id,
            region,
            name,
        )
    )


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
