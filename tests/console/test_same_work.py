"""What an account has no part in takes the same work as what there is not: its time tells a stranger nothing (I9).

The statements are counted, which is exact; `make bench ARGS=console` times the same pages.
"""

import asyncio
from pathlib import Path

import pytest

from sesame.config import load
from tests.console.test_costs import REGION, set_up
from tests.support.console_in_process import console_over
from tests.support.statements import Counted, counted

UNKNOWN_MESSAGE = "0100000000000000-00000000-0000-0000-0000-000000000000-000000"
UNKNOWN_REQUEST = "00000000-0000-0000-0000-000000000000"
PAIRS = (
    ("messages/{message}", f"messages/{UNKNOWN_MESSAGE}"),
    ("refusals/{refusal}", f"refusals/{UNKNOWN_REQUEST}"),
    ("identities/example.com", "identities/nowhere.example"),
    ("identities/example.com/senders", "identities/nowhere.example/senders"),
    ("identities/example.com/policies/P", "identities/nowhere.example/policies/P"),
    ("identities/example.com/kit?for={account}", "identities/nowhere.example/kit?for=999999999999"),
    ("identities/example.com/signing", "identities/nowhere.example/signing"),
    ("identities/example.com/sends", "identities/nowhere.example/sends"),
    ("identities/example.com/notifications", "identities/nowhere.example/notifications"),
    ("identities/example.com/cases", "identities/nowhere.example/cases"),
    ("configuration-sets/news", "configuration-sets/none"),
    ("templates/hello", "templates/none"),
    ("people/users/anna", "people/users/nobody"),
    ("search?q={message}", f"search?q={UNKNOWN_MESSAGE}"),
    ("search?q=example.com", "search?q=nowhere.example"),
    ("search?q=P", "search?q=Q"),
    ("search?q=anna", "search?q=nobody"),
    ("search?q={account}", "search?q=999999999999"),
    ("search?q=reader@slow.example", "search?q=nobody@nowhere.example"),
    (
        "reputation/counted?identity={account}/example.com",
        "reputation/counted?identity=999999999999/x.example",
    ),
)


async def look(data: Path) -> dict[str, tuple[list[str], list[str], tuple[int, int]]]:
    """What a stranger's requests for each pair run, what is cached being cached."""
    settings = load(None, environ={}, flags={"data": str(data), "delivery.enabled": False})
    async with console_over(settings) as opened:
        account, stranger = [
            (await opened.services.operator.create_account(name, production=True)).account_id for name in "ab"
        ]
        message = await set_up(opened.backing, account)
        there = {"account": account, "message": message, "refusal": UNKNOWN_REQUEST}
        found = {}
        async with opened.logged_in(stranger) as client:
            for pair in PAIRS:
                ran, statuses = [], []
                for page in pair:
                    path = f"/{REGION}/{page.format(**there)}"
                    await client.get(path)
                    Counted.ran = []
                    statuses.append((await client.get(path)).status_code)
                    ran.append(list(Counted.ran))
                found[pair[0]] = ran[0], ran[1], (statuses[0], statuses[1])
        return found


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[list[str], list[str], tuple[int, int]]]:
    with counted():
        return asyncio.run(look(tmp_path_factory.mktemp("same") / "data"))


@pytest.mark.parametrize("page", [pair[0] for pair in PAIRS])
def test_what_is_anothers_takes_the_work_of_what_is_not_there(
    seen: dict[str, tuple[list[str], list[str], tuple[int, int]]], page: str
) -> None:
    known, unknown, statuses = seen[page]
    assert statuses[0] == statuses[1]
    assert known == unknown
    assert known
