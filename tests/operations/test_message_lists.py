"""Lists of sends by filter: what a walk over the pages shows is what is wanted of the whole, in order, each once."""

import asyncio
import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from sesame.access.principals import root_principal
from sesame.config import load
from sesame.db import Transaction
from sesame.model import AccountId, Caller, ConsoleLogin
from sesame.operations import messages
from sesame.operations.messages import Filter, Messages
from sesame.spool.listing import Key
from sesame.spool.put import put
from sesame.store import accounts, decisions
from sesame.store.decisions import DecisionText, Refusal
from tests.support.console_in_process import console_over
from tests.support.spooled import ACCOUNT, OWNER, REGION, message
from tests.support.stored_accounts import an_account

FILTERS = [
    Filter(outcome=outcome, role=role, source=source)
    for outcome, role, source in itertools.product(
        ("", "accepted", "refused", "delivered", "bounced"), ("", "sent", "lent"), ("", "NEWS", "Ünï")
    )
]


def caller(account_id: str) -> Caller:
    return Caller(
        principal=root_principal(AccountId(account_id)), access_key_id="", region=REGION, source_ip="127.0.0.1",
        secure_transport=True, user_agent=None, at=0.0, request_id="", api_version="2",
        login=ConsoleLogin(mfa=False, made_at=0.0),
    )  # fmt: skip


async def fill(tx: Transaction, draw: random.Random) -> dict[str, tuple[str, str, str, str, set[str]]]:
    """Messages and refusals: by their ids who sent, who owns, in which region, From, and the states."""
    found = {}
    for account_id in (ACCOUNT, OWNER):
        await accounts.create(tx, an_account(account_id))
    for n in range(60):
        at, region = float(n // 3), draw.choice([REGION, REGION, "eu-west-1"])
        account, owner = draw.choice([ACCOUNT, OWNER]), draw.choice([ACCOUNT, OWNER])
        further = draw.choice([(), (ACCOUNT,), (OWNER,)])
        source = f"{draw.choice(['news', 'ünï', 'ceo'])}@example.com"
        if draw.random() < 0.6:
            states = [draw.choice(["delivered", "bounced", "queued"]) for _ in range(draw.randint(1, 3))]
            await put(tx, message(
                f"m{n}", *[f"r{i}@x.example" for i in range(len(states))], at=at, region=region, source=source,
                account_id=AccountId(account), owner_account_id=AccountId(owner), lent=dict.fromkeys(further, 0),
                decision=DecisionText(shared=f'{{"principal":"p","checks":[],"failed":{{}},"n":{n},"context":{{}}}}'),
            ))  # fmt: skip
            for i, state in enumerate(states):
                await tx.execute(
                    "UPDATE recipient SET state = ? WHERE n = ? AND message_seq ="
                    " (SELECT seq FROM message WHERE message_id = ?)", state, i, f"m{n}",
                )  # fmt: skip
            if ACCOUNT in further and ACCOUNT not in (account, owner):
                owner, source = ACCOUNT, ""  # its page shows it nothing of From
            found[f"m{n}"] = account, owner, region, source, {"", "accepted", *states}
        else:
            check = f'{{"owner":"{owner}","uses":["From"],"addresses":["{source}"]}}'
            await decisions.put_refusal(tx, Refusal(
                request_id=f"r{n}", account_id=account, owner_account_id=owner, region=region, at=at,
                code="AccessDenied", reason="", decision=DecisionText(
                    shared=f'{{"principal":"p","checks":[{check}],"failed":{{}},"context":{{}}}}',
                    own=f'{{"ses:FromAddress":"{source}"}}',
                ),
            ))  # fmt: skip
            found[f"r{n}"] = account, owner, region, source, {"", "refused"}
    return found


async def walk(lists: Messages, wanted: Filter, limit: int) -> list[str]:
    found: list[str] = []
    key: Key | None = None
    for _ in range(500):
        page = await lists.page(caller(ACCOUNT), wanted, key, limit=limit)
        assert len(page.entries) <= limit
        found += [one.entry.id for one in page.entries]
        key = page.next
        if key is None:
            return found
    raise AssertionError("the walk does not end")


def named(wanted: Filter) -> str:
    return f"{wanted.outcome}-{wanted.role}-{wanted.source}"


@pytest.mark.parametrize("looks", [(1, 1), (2, 5), (7, 7), (100, 1_100)], ids=str)
def test_a_walk_shows_all_that_is_wanted(
    tmp_path: Path, looks: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "LOOKS", looks)
    monkeypatch.setattr(messages, "FILTERED_LOOKS", looks)

    async def session() -> dict[str, tuple[list[str], list[str]]]:
        settings = load(None, environ={}, flags={"data": str(tmp_path / "data"), "delivery.enabled": False})
        async with console_over(settings) as opened:
            sends = await opened.store.write(lambda tx: fill(tx, random.Random(7)))
            lists = opened.backing.messages
            return {
                f"{named(wanted)}-{limit}": (await walk(lists, wanted, limit), list(expected(sends, wanted)))
                for wanted in FILTERS
                for limit in (1, 4, 50)
            }

    for name, (shown, whole) in asyncio.run(session()).items():
        assert sorted(shown) == sorted(whole), name
        times = [int(one[1:]) // 3 for one in shown]
        assert times == sorted(times, reverse=True), name


def expected(sends: dict[str, tuple[str, str, str, str, set[str]]], wanted: Filter) -> Iterator[str]:
    for name, (account, owner, region, source, outcomes) in sends.items():
        concerns = {"": ACCOUNT in (account, owner), "sent": account == ACCOUNT}.get(
            wanted.role, owner == ACCOUNT and account != ACCOUNT
        )
        if (
            concerns
            and region == REGION
            and wanted.outcome in outcomes
            and wanted.source.lower() in source.lower()
        ):
            yield name
