"""What DNS shows of each record, right or wrong, who said so and when; and that Check now asks anew."""

import asyncio
import re
from pathlib import Path

import httpx

from sesame.config import load
from sesame.db import Transaction
from sesame.dns import DnsFailure
from sesame.dns.port import Answer
from sesame.dns.resolver import CacheBounds, CachingResolver
from sesame.store import development
from tests.support.browser import main_of
from tests.support.console_in_process import console_over
from tests.support.process import REGION

HERE = f"/{REGION}/identities/example.com"
SAID = r"as the zone of this server said at \d\d:\d\d:\d\d UTC"


def row(page: httpx.Response, name: str) -> str:
    """What is said of the record of that name."""
    begin = r"(?:Found|Missing|Another value|DNS did not say) (?:TXT|CNAME) ·"
    mine = rf"{begin} \S+ Name {re.escape(name)} .*?(?={begin}|All of them)"
    (found,) = re.findall(mine, main_of(page))
    return str(found)


def test_each_record_shows_what_is_seen_and_check_now_asks_anew(tmp_path: Path) -> None:
    """As in production, where answers are kept for their TTL: Check now is no look at what is kept."""

    async def run() -> None:
        flags = {"data": str(tmp_path / "data")}
        async with console_over(load(None, environ={}, flags=flags)) as opened:
            account = (await opened.services.operator.create_account("a", production=True)).account_id
            resolver = opened.services.resolver
            assert isinstance(resolver, CachingResolver)
            resolver._bounds = CacheBounds(min_ttl_s=600)
            async with opened.logged_in(account) as browser:

                async def press(path: str, **fields: str) -> httpx.Response:
                    page = await browser.get(f"/{REGION}/identities/new")
                    token = re.findall(r'name="token" value="([^"]+)"', page.text)[0]
                    return await browser.post(
                        path,
                        data={"token": token, **fields},
                        headers={"origin": "http://localhost"},
                        follow_redirects=True,
                    )

                await press(f"/{REGION}/identities/new", name="example.com")
                page = await browser.get(HERE)
                found = re.search(
                    rf"CNAME · DKIM Name (\S+) .*? Value (\S+) .*?Seen now (\S+) {SAID}", main_of(page)
                )
                assert found is not None and found[2] == found[3], main_of(page)
                name, value = found[1], found[2]
                assert main_of(page).count("Seen now") == main_of(page).count(" Found ") == 4

                async def change(tx: Transaction) -> None:
                    await development.withdraw(tx, name, "CNAME")
                    await development.publish(tx, [(name, "CNAME", "elsewhere.example")])

                await opened.store.write(change)
                assert f"Seen now {value} as" in row(await browser.get(HERE), name), "what is kept"
                checked = await press(f"{HERE}/check")
                assert re.search(rf"Seen now elsewhere\.example {SAID}", row(checked, name))
                assert (await press(f"/{REGION}/identities/gone.example/check")).status_code == 404

                async def silent(name: str, kind: str) -> Answer:
                    raise DnsFailure("SERVFAIL")

                resolver._source.ask = silent  # type: ignore[method-assign]
                said = row(await press(f"{HERE}/check"), name)
                assert re.search(
                    r"Seen now the zone of this server did not answer at \d\d:\d\d:\d\d UTC", said
                )
                assert "nothing of this kind" not in said

    asyncio.run(run())
