"""What people have chosen for their console: the colour scheme, `light` or `dark`; '' is as their system has it."""

from sesame.db import Transaction

SCHEMES = ("", "light", "dark")


async def scheme_of(tx: Transaction, user_id: str) -> str:
    """The colour scheme of a user's unique id, or of an account's id for its root."""
    row = await tx.one("SELECT scheme FROM console_choice WHERE user_id = ?", user_id)
    return "" if row is None else str(row[0])


async def put_scheme(tx: Transaction, user_id: str, scheme: str) -> None:
    """Keep the colour scheme; who has the system's has no row."""
    await tx.execute("DELETE FROM console_choice WHERE user_id = ?", user_id)
    if scheme:
        await tx.execute("INSERT INTO console_choice (user_id, scheme) VALUES (?, ?)", user_id, scheme)
