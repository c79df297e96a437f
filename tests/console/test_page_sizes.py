"""Pages stay small whatever the changes are that they tell of: a list is bounded, and so is the page of each."""

import asyncio
import json
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest

from sesame.access.audit import MAX_PARAMETERS, Entry
from sesame.config import load
from tests.console.test_costs import REGION
from tests.support.console_in_process import console_over

MOST_BYTES = 60 * 1024
HERE = f"/{REGION}/changes"
COUNT = 50
LINES = "".join(f"{n:05} & a line of what was asked for\n" for n in range(1_500))


@dataclass(frozen=True)
class Log:
    """An account with as many changes as a page lists, each as large as the log takes, and what is read of them."""

    account: str
    pages: dict[str, httpx.Response]


def change(account: str, n: int) -> Entry:
    """Something large: long names, much that was asked for, many settings that differ; every other one is refused."""
    fields = [
        {
            "of": f"email template {n}",
            "field": f"{k} {'field ' * 30}",
            "before": "<a>\n" * 90,
            "after": "<b>\n" * 90,
        }
        for k in range(20)
    ]
    return Entry(
        account_id=account,
        at=1e9,
        identity={"type": "IAMUser", "arn": f"arn:aws:iam::{account}:user/{'division/' * 50}somebody"},
        source="iam.amazonaws.com",
        name="UpdateEmailTemplate",
        region="ap-southeast-1",
        source_ip="2001:db8:1111:2222:3333:4444:5555:6666",
        user_agent=None,
        request_id=None,
        parameters={"Template": LINES},
        error=("AccessDeniedException", "User: somebody is not authorized to perform that. " * 40) if n % 2 else None,
        changed=fields,
    )  # fmt: skip


async def look(data: Path) -> Log:
    settings = load(None, environ={}, flags={"data": str(data), "delivery.enabled": False})
    async with console_over(settings) as opened:
        account = (await opened.services.operator.create_account("a", production=True)).account_id
        others = [f"{n:012}" for n in range(1, COUNT)]
        for n, of in enumerate([account] * COUNT + others):
            await opened.store.write(partial(opened.services.trail.put, entry=change(of, n)))
        found = {}
        for who, paths in (
            (account, (HERE, f"{HERE}/{COUNT}", f"{HERE}/{COUNT}/raw")),
            ("", (f"/operator/audit?account={account}", f"/operator/audit/{account}/{COUNT}")),
        ):
            async with opened.logged_in(who) as client:
                found.update({path: await client.get(path) for path in paths})
        return Log(account, found)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    assert 0.7 * MAX_PARAMETERS < len(json.dumps({"Template": LINES})) < MAX_PARAMETERS
    return asyncio.run(look(tmp_path_factory.mktemp("large") / "data"))


def test_large_changes_make_no_large_pages(log: Log) -> None:
    for path, answer in log.pages.items():
        assert answer.status_code == 200, path
        if not path.endswith("/raw"):
            assert len(answer.content) < MOST_BYTES, (path, len(answer.content))


def test_the_list_leads_to_the_page_of_each(log: Log) -> None:
    listed, by_operator = log.pages[HERE].text, log.pages[f"/operator/audit?account={log.account}"].text
    assert len(set(re.findall(f'href="({HERE}/[0-9]+)"', listed))) == COUNT
    assert len(set(re.findall(f'href="(/operator/audit/{log.account}/[0-9]+)"', by_operator))) == COUNT // 2
    assert by_operator.count('data-label="Verified"') == COUNT
    assert "a line of what was asked for" not in listed


@pytest.mark.parametrize("path", [f"{HERE}/{COUNT}", "/operator/audit/{account}/50"])
def test_what_does_not_fit_is_in_the_file(log: Log, path: str) -> None:
    page = log.pages[path.format(account=log.account)].text
    assert "00000 &amp; a line of what was asked for" in page
    assert "more characters: the file below has all." in page
    assert f'href="{path.format(account=log.account)}/raw" download' in page
    kept = log.pages[f"{HERE}/{COUNT}/raw"]
    assert kept.json()["requestParameters"] == {"Template": LINES}
    assert kept.headers["content-disposition"].startswith("attachment")
