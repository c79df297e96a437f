"""Accounts as the store has them, for tests that make no others."""

from sesame.model import AccountId
from sesame.store.accounts import Account


def an_account(
    account_id: str, *, production: bool = True, max_24_hour_send: float = 1, max_send_rate: float = 1
) -> Account:
    """An account without a name, made long ago."""
    return Account(
        account_id=AccountId(account_id),
        name="",
        production=production,
        max_24_hour_send=max_24_hour_send,
        max_send_rate=max_send_rate,
        created_at=0,
    )
