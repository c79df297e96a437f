"""Event destinations that are webhooks: what of them AWS's API does not know, the secrets that sign.

The destination itself is one of its configuration set, with `WebhookDestination` in its definition; the secrets are
sealed, and go with it.
"""

from dataclasses import dataclass

from sesame.db import Row, Transaction
from sesame.store.configuration_sets import configuration_set_arn

KIND = "WebhookDestination"
"""The key of a definition that says that a destination is one; its value has `Url`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookKey:
    """Which webhook: a destination of a configuration set."""

    account_id: str
    region: str
    set_name: str
    name: str

    @property
    def arn(self) -> str:
        """Its name in the outbox, the audit log and on the command line; AWS has none."""
        return f"{configuration_set_arn(self.region, self.account_id, self.set_name)}/webhook/{self.name}"


def read_arn(arn: str) -> WebhookKey:
    """The key that an ARN of ours names. Raises `ValueError` for any other."""
    region, account_id, resource = arn.split(":")[3:]
    kind, set_name, webhook, name = resource.split("/")
    if (kind, webhook) != ("configuration-set", "webhook"):
        raise ValueError(arn)
    return WebhookKey(account_id=account_id, region=region, set_name=set_name, name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """What signs for a webhook; `sealed_previous` signs as well until `previous_until` (Unix seconds)."""

    key: WebhookKey
    sealed_secret: bytes
    created_at: float
    sealed_previous: bytes | None = None
    previous_until: float | None = None
    rotated_at: float | None = None


_COLUMNS = "account_id, region, set_name, name, sealed_secret, sealed_previous, previous_until, created_at, rotated_at"


def _webhook(row: Row) -> Webhook:
    return Webhook(
        key=WebhookKey(account_id=row[0], region=row[1], set_name=row[2], name=row[3]),
        sealed_secret=row[4],
        sealed_previous=row[5],
        previous_until=row[6],
        created_at=row[7],
        rotated_at=row[8],
    )


async def put(tx: Transaction, webhook: Webhook) -> None:
    """Store what signs for a destination that is there, new or changed."""
    key = webhook.key
    await tx.execute(
        f"INSERT INTO webhook ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (account_id, region, set_name, name) DO UPDATE SET sealed_secret = excluded.sealed_secret,"
        " sealed_previous = excluded.sealed_previous, previous_until = excluded.previous_until,"
        " rotated_at = excluded.rotated_at",
        key.account_id,
        key.region,
        key.set_name,
        key.name,
        webhook.sealed_secret,
        webhook.sealed_previous,
        webhook.previous_until,
        webhook.created_at,
        webhook.rotated_at,
    )


async def get(tx: Transaction, key: WebhookKey) -> Webhook | None:
    """What signs for a webhook, or None."""
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM webhook WHERE account_id = ? AND region = ? AND set_name = ? AND name = ?",
        key.account_id,
        key.region,
        key.set_name,
        key.name,
    )
    return None if row is None else _webhook(row)


async def of_account(tx: Transaction, account_id: str) -> list[Webhook]:
    """An account's webhooks, by region, set and name."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM webhook WHERE account_id = ? ORDER BY region, set_name, name", account_id
    )
    return [_webhook(row) for row in rows]
