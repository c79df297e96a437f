"""Codes that log a user in once each in place of a device's code.

A code is 80 random bits, so its SHA-256 gives nothing away; that alone is stored, and goes when the code is used.
"""

import base64
import hashlib

from sesame.db import Transaction

CODE_BYTES = 10
LETTERS = CODE_BYTES * 8 // 5


def written(code: bytes) -> str:
    """A code as a person keeps it: base32 in groups of four, `abcd-efgh-ijkl-mnop`."""
    text = base64.b32encode(code).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, LETTERS, 4))


def digest_of(typed: str) -> bytes | None:
    """What is stored of a code, however it is typed; None for what has not the length of one."""
    letters = "".join(letter for letter in typed.lower() if letter != "-" and not letter.isspace())
    return hashlib.sha256(letters.encode()).digest() if len(letters) == LETTERS else None


async def replace(tx: Transaction, user_id: str, codes: tuple[str, ...], *, at: float) -> None:
    """Give a user these codes; those from before end."""
    await end(tx, user_id)
    for code in codes:
        await tx.execute(
            "INSERT INTO recovery_code (user_id, digest, made_at) VALUES (?, ?, ?)",
            user_id,
            digest_of(code),
            at,
        )


async def use(tx: Transaction, user_id: str, typed: str) -> bool:
    """Use up a code; False when it is none of this user's, or was used before."""
    digest = digest_of(typed)
    if digest is None:
        return False
    return (
        await tx.execute("DELETE FROM recovery_code WHERE user_id = ? AND digest = ?", user_id, digest) == 1
    )


async def left(tx: Transaction, user_id: str) -> int:
    """How many codes a user has left."""
    row = await tx.one("SELECT COUNT(*) FROM recovery_code WHERE user_id = ?", user_id)
    return 0 if row is None else int(row[0])


async def end(tx: Transaction, user_id: str) -> None:
    """End all codes of a user."""
    await tx.execute("DELETE FROM recovery_code WHERE user_id = ?", user_id)
