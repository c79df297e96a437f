"""Keys that sign what is published, each with its certificate; kept sealed, made once."""

from sesame.db import Transaction
from sesame.store.sealed import Sealer

NAME = "sns"
"""The one key there is."""


def _row(name: str) -> str:
    return f"signing certificate/{name}"


async def get(tx: Transaction, sealer: Sealer) -> tuple[bytes, str] | None:
    """The private key as it was put (DER) and its certificate (PEM), None before there is one."""
    row = await tx.one("SELECT sealed_key, certificate FROM signing_certificate WHERE name = ?", NAME)
    return None if row is None else (sealer.open(row[0], row=_row(NAME)), row[1])


async def put(tx: Transaction, sealer: Sealer, *, key: bytes, certificate: str, at: float) -> None:
    """Keep a key and its certificate; one that is there already stays."""
    await tx.execute(
        "INSERT INTO signing_certificate (name, sealed_key, certificate, created_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name) DO NOTHING",
        NAME,
        sealer.seal(key, row=_row(NAME)),
        certificate,
        at,
    )
