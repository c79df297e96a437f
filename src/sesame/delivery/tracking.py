"""Opens and clicks: whose copies get links and a picture of ours, and where these lead.

Asked as a copy is about to leave, of the sender's configuration set as it is then, so that what is spooled stays what
was accepted, and what is signed is what leaves. A copy that is tried again is the same. Sources: SES developer guide,
"Email sending metrics FAQs", "Configuring custom domains to handle open and click tracking"; SES API v2,
TrackingOptions.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from sesame.db import Store, Transaction
from sesame.db.together import Together
from sesame.mail.domain import is_host_name
from sesame.mail.tracked_link import account_mark, click_path, lent_mark, open_path, written_tags
from sesame.mail.tracking import track
from sesame.spool.spool import Claim
from sesame.store import configuration_sets

LARGE_BYTES = 64 * 1024
"""Messages from here on are rewritten beside the loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What of a message is followed, and what its links begin with; None where it may not be as is asked."""

    opens: bool
    clicks: bool
    base: str | None
    """Ours or the set's, without a scheme where the set has one of its own."""
    policy: str = "OPTIONAL"

    def open_base(self, default: str) -> str | None:
        """What the address of the picture begins with."""
        if self.base is None and not default:
            return None
        if self.base is None:
            return default if self.policy == "OPTIONAL" or default.startswith("https:") else None
        return f"{'http' if self.policy == 'OPTIONAL' else 'https'}://{self.base}"

    def click_base(self, default: str, target: str) -> str | None:
        """What the address of a link to `target` begins with."""
        if self.base is None and not default:
            return None
        if self.base is None:
            return default if self.policy != "REQUIRE" or default.startswith("https:") else None
        is_secure = self.policy == "REQUIRE" or target[:6].lower() == "https:"
        return f"{'https' if is_secure else 'http'}://{self.base}"


class Tracking:
    """Writes links and pictures into copies.

    `url` is what they begin with where the set names no domain; empty where readers do not reach us: nothing leads
    there then.
    """

    def __init__(self, store: Store, executor: Executor, *, key: bytes, url: str) -> None:
        self._store = store
        self._followed = Together(self._look_up)
        self._executor = executor
        self._key = key
        self._url = url

    async def copy(self, claim: Claim, message: bytes) -> bytes:
        """The copy for one recipient."""
        if claim.configuration_set is None and claim.tracking is None:
            return message
        followed = await self._followed.ask(claim)
        if not (followed.opens or followed.clicks):
            return message
        if len(message) < LARGE_BYTES:
            return self._written(claim, message, followed)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._written, claim, message, followed)

    async def _look_up(self, claims: Sequence[Claim]) -> Sequence[Followed]:
        """What is followed of each, read once for those of one set."""
        return await self._store.read(partial(_followed, claims=claims))

    def _written(self, claim: Claim, message: bytes, followed: Followed) -> bytes:
        mark, lent = account_mark(self._key, claim.account_id), None
        if claim.owner_account_id != claim.account_id:
            lent = lent_mark(self._key, claim.owner_account_id, claim.account_id)

        def link(number: int, target: str, tags: str) -> str | None:
            base = followed.click_base(self._url, target)
            path = click_path(
                self._key,
                claim.message_id,
                claim.recipient_index,
                number=number,
                tags=written_tags(tags),
                target=target,
                mark=mark,
                lent=lent,
            )
            return None if base is None or path is None else f"{base}{path}"

        picture = None
        if followed.opens:
            base = followed.open_base(self._url)
            path = open_path(self._key, claim.message_id, claim.recipient_index)
            picture = None if base is None or path is None else f"{base}{path}"
        return track(message, link=link if followed.clicks else None, picture=picture)


async def _followed(tx: Transaction, claims: Sequence[Claim]) -> list[Followed]:
    """What of messages is followed: what their senders' sets ask for, unless a message says otherwise."""
    nothing: tuple[frozenset[str], Mapping[str, str]] = (frozenset(), {})
    sets = {
        key: nothing if key is None else await _asked(tx, *key) for key in {_set_of(one) for one in claims}
    }
    return [_of_claim(claim, *sets[_set_of(claim)]) for claim in claims]


def _set_of(claim: Claim) -> tuple[str, str, str] | None:
    if claim.configuration_set is None:
        return None
    return claim.account_id, claim.region, claim.configuration_set


async def _asked(
    tx: Transaction, account_id: str, region: str, name: str
) -> tuple[frozenset[str], Mapping[str, str]]:
    """The types of events that a set asks for, and its tracking options."""
    found = await configuration_sets.get(tx, account_id, region, name)
    if found is None:
        return frozenset(), {}
    return await configuration_sets.followed(tx, found), found.options.get("TrackingOptions", {})


def _of_claim(claim: Claim, wanted: frozenset[str], options: Mapping[str, str]) -> Followed:
    says: Mapping[str, bool] = {} if claim.tracking is None else json.loads(claim.tracking)
    domain = options.get("CustomRedirectDomain") or None
    is_usable = domain is None or is_host_name(domain)
    return Followed(
        opens=is_usable and says.get("open", "OPEN" in wanted),
        clicks=is_usable and says.get("click", "CLICK" in wanted),
        base=domain,
        policy=options.get("HttpsPolicy") or "OPTIONAL",
    )
