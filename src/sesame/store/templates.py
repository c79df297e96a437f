"""Templates by account, region and name. What they mean is read elsewhere."""

from dataclasses import dataclass

from sesame.db import Transaction
from sesame.db.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTemplate:
    """A template as written; a part that is absent is None; its tags are in `store.tags`."""

    account_id: str
    region: str
    name: str
    subject: str | None
    text: str | None
    html: str | None
    created_at: float

    @property
    def key(self) -> tuple[str, str, str]:
        """Account, region and name."""
        return self.account_id, self.region, self.name


_TEMPLATES = Table("template", StoredTemplate, key="account_id, region, name")


async def get(tx: Transaction, account_id: str, region: str, name: str) -> StoredTemplate | None:
    """One template, or None."""
    return await _TEMPLATES.get(tx, account_id, region, name)


async def page(
    tx: Transaction, account_id: str, region: str, *, after: str, limit: int
) -> list[tuple[str, float]]:
    """Names and times of creation in order of name, those after `after`."""
    rows = await tx.all(
        "SELECT name, created_at FROM template WHERE account_id = ? AND region = ? AND name > ?"
        " ORDER BY name LIMIT ?",
        account_id,
        region,
        after,
        limit,
    )
    return [(str(name), float(at)) for name, at in rows]


async def count(tx: Transaction, account_id: str, region: str) -> int:
    """How many the account has in the region."""
    return await _TEMPLATES.count(tx, "WHERE account_id = ? AND region = ?", account_id, region)


async def create(tx: Transaction, template: StoredTemplate) -> bool:
    """Add a template; False if there is one of that name."""
    return await _TEMPLATES.create_if_free(tx, template)


async def replace_parts(tx: Transaction, template: StoredTemplate) -> bool:
    """Replace all parts; tags and time of creation stay. False if there is no such template."""
    return bool(
        await tx.execute(
            "UPDATE template SET subject = ?, text = ?, html = ? WHERE account_id = ? AND region = ? AND name = ?",
            template.subject,
            template.text,
            template.html,
            *template.key,
        )
    )


async def delete(tx: Transaction, account_id: str, region: str, name: str) -> bool:
    """Remove a template; whether there was one."""
    return await _TEMPLATES.delete(tx, account_id, region, name)


async def regions_of(tx: Transaction, account_id: str, name: str) -> list[str]:
    """The regions in which an account has a template of that name."""
    rows = await tx.all(
        "SELECT region FROM template WHERE account_id = ? AND name = ? ORDER BY region", account_id, name
    )
    return [str(row[0]) for row in rows]
