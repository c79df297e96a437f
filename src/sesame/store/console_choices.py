"""What people have chosen for their console: colours and a time zone; '' is as their system has it, and UTC."""

from dataclasses import dataclass

from sesame.db import Transaction

SCHEMES = ("", "light", "dark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """`scheme` is one of `SCHEMES`, `zone` a name of the IANA's time zones, or empty."""

    scheme: str = ""
    zone: str = ""


NOTHING_CHOSEN = Choices()


async def put(tx: Transaction, user_id: str, choices: Choices) -> None:
    """Keep choices; who chose nothing has no row."""
    await tx.execute("DELETE FROM console_choice WHERE user_id = ?", user_id)
    if choices != NOTHING_CHOSEN:
        await tx.execute(
            "INSERT INTO console_choice (user_id, scheme, zone) VALUES (?, ?, ?)",
            user_id,
            choices.scheme,
            choices.zone,
        )
