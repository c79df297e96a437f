"""The rules of acceptance without a database: however messages fall into transactions, some order explains it."""

import asyncio
import itertools
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from sesame.access import quota
from sesame.db import Transaction, bump
from sesame.db.sqlite import SqliteStore
from sesame.errors import DailyQuotaExceeded, Throttling
from sesame.sending.accept import Acceptance, Known, StaleDecision, Usage, Verdict, accept, decide, needs
from sesame.sending.configuration_set import ConfigurationSetSendingPaused
from sesame.spool.put import RenderingFailure, SpooledMessage
from sesame.store import accounts, configuration_sets, delegate_bounds, suppression
from sesame.store.accounts import Place, RegionState, Used
from sesame.store.configuration_sets import ConfigurationSet
from sesame.store.delegate_bounds import NO_USE, NOTHING, Amount, Bounds, Use
from sesame.store.events import Stage
from sesame.store.tallies import Sends, Where
from tests.support.spooled import message
from tests.support.stored_accounts import an_account

REGION, DAY, START = "us-east-1", 86_400, 60_000.0 * 60
ACCOUNTS = ("111111111111", "222222222222")
SCOPES = ("account:1", "identities:2")
SETS = {"plain": True, "paused": False}
LISTED = {"gone@one.test": ("BOUNCE",), "cross@one.test": ("COMPLAINT",)}
BOUNDS = tuple(
    replace(
        Bounds(seq=number, owner_account_id="333333333333", region=REGION, identity="*", delegate=account),
        **caps,  # type: ignore[arg-type]
    )
    for number, (account, caps) in enumerate(
        (
            (ACCOUNTS[0], {"messages_per_day": 2}),
            (ACCOUNTS[0], {"recipients_per_day": 4, "messages_per_second": 1}),
            (ACCOUNTS[1], {"bytes_per_day": 3, "messages_per_second": 2}),
        ),
        start=1,
    )
)
ADDRESSES = (*LISTED, "a@one.test", "b@one.test", "c@one.test")


class World:
    """What the database would hold, in dictionaries: each transaction reads it, decides, and writes it back."""

    def __init__(self, limit: float, rate: float) -> None:
        self.limit, self.rate = limit, rate
        self.used: dict[Place, Used] = {}
        self.minutes: Counter[tuple[Place, int]] = Counter()
        self.epochs = {"account:1": 3}
        self.uses: dict[int, Use] = {}
        self.use_minutes: dict[tuple[int, int], Amount] = {}
        self.sends: Counter[Where] = Counter()
        self.rated_sends: Counter[Where] = Counter()

    def transaction(self, acceptances: Sequence[Acceptance]) -> list[str]:
        """Decide one batch; each result in a word."""
        known = self.known(acceptances)
        verdict = decide(known, acceptances)
        self.write(known, verdict)
        return [in_a_word(result) for result in verdict.results]

    def known(self, acceptances: Sequence[Acceptance]) -> Known:
        wanted = needs(acceptances)
        assert wanted.scopes == {scope for acceptance in acceptances for scope in acceptance.epochs}
        minutes = {}
        for place, latest in wanted.times.items():
            until = quota.last_expired(latest)
            taken = sorted((m, n) for (where, m), n in self.minutes.items() if where == place and m <= until)
            for minute, _ in taken:
                del self.minutes[place, minute]
            minutes[place] = taken
        assert wanted.sets <= {((a, REGION), name) for a in ACCOUNTS for name in ("plain", "paused", "none")}
        return Known(
            epochs=self.epochs,
            states={place: self.state(place) for place in wanted.times},
            minutes=minutes,
            sets={(place, name): configuration_set(place, name) for place, name in wanted.sets},
            reasons=dict.fromkeys(wanted.times, ("BOUNCE",)),
            suppressed=dict.fromkeys(wanted.times, LISTED),
            uses={seq: self.uses.get(seq, NO_USE) for seq in wanted.bounds},
            use_minutes={seq: self.take(seq, latest) for seq, latest in wanted.bounds.items()},
        )

    def take(self, seq: int, latest: float) -> list[tuple[int, Amount]]:
        until = quota.last_expired(latest)
        taken = sorted((m, n) for (where, m), n in self.use_minutes.items() if where == seq and m <= until)
        for minute, _ in taken:
            del self.use_minutes[seq, minute]
        return taken

    def state(self, place: Place) -> RegionState:
        return RegionState(
            sending_enabled=True,
            production=True,
            max_24_hour_send=self.limit,
            max_send_rate=self.rate,
            suppressed=2,
            used=self.used.get(place, Used(0, None, 0.0)),
            oldest_minute=None,
        )

    def write(self, known: Known, verdict: Verdict) -> None:
        for place, usage in verdict.usage.items():
            self.used[place] = usage.used
            self.minutes.update({(place, minute): count for minute, count in usage.charged.items()})
        for seq, bounded in verdict.bounds.items():
            self.uses[seq] = bounded.use
            for minute, amount in bounded.charged.items():
                self.use_minutes[seq, minute] = self.use_minutes.get((seq, minute), NOTHING).plus(amount)
        self.sends.update({where: sent.recipients for where, sent in verdict.sends.items()})
        self.rated_sends.update({where: sent.rated for where, sent in verdict.sends.items()})


def configuration_set(place: Place, name: str) -> ConfigurationSet | None:
    if name not in SETS:
        return None
    return ConfigurationSet(account_id=place[0], region=place[1], name=name, sending_enabled=SETS[name])


def in_a_word(result: SpooledMessage | Exception) -> str:
    if isinstance(result, Exception):
        return type(result).__name__
    return f"accepted {sorted(result.suppressed)}"


def spooled(account_id: str, at: float, recipients: Sequence[str], number: int) -> SpooledMessage:
    owned = {"account_id": account_id, "owner_account_id": account_id, "region": REGION}
    return message(f"m{number}", *recipients, at=at, **owned)


@st.composite
def acceptances(draw: st.DrawFn) -> list[Acceptance]:
    """Messages of two accounts over two days, some stale, some with sets, some out of order."""
    times = st.sampled_from(
        (0.0, 1.0, 59.5, 60.0, DAY - 1.0, DAY + 59.0, DAY + 60.0, DAY + 121.0, 2.0 * DAY + 200)
    )
    found = []
    for number in range(draw(st.integers(1, 14))):
        recipients = draw(st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=4, unique=True))
        found.append(
            Acceptance(
                message=msgspec.structs.replace(
                    spooled(draw(st.sampled_from(ACCOUNTS)), START + draw(times), recipients, number),
                    acceptance_stage=draw(st.sampled_from(Stage)),
                ),
                epochs={"account:1": draw(st.sampled_from((3, 3, 3, 2)))},
                set_name=draw(st.sampled_from((None, None, "plain", "paused", "none"))),
                is_default=draw(st.booleans()),
                to_quota=draw(st.integers(0, len(recipients))),
                bounds=tuple(draw(st.sets(st.sampled_from(BOUNDS), max_size=2))),
            )
        )
    return found


@st.composite
def split(draw: st.DrawFn) -> list[list[Acceptance]]:
    """Acceptances in any split into transactions."""
    found = draw(acceptances())
    cuts = sorted(draw(st.sets(st.integers(1, len(found)))))
    edges = [0, *[cut for cut in cuts if cut < len(found)], len(found)]
    return [found[a:b] for a, b in itertools.pairwise(edges)]


@given(batches=split(), limit=st.sampled_from((-1.0, 3.0, 6.0)), rate=st.sampled_from((1.0, 1000.0)))
def test_any_split_into_transactions_is_the_same_as_one_after_the_other(
    batches: list[list[Acceptance]], limit: float, rate: float
) -> None:
    together, alone = World(limit, rate), World(limit, rate)
    one_by_one = [word for batch in batches for each in batch for word in alone.transaction([each])]
    assert [word for batch in batches for word in together.transaction(batch)] == one_by_one
    assert (together.used, together.minutes) == (alone.used, alone.minutes)
    assert (together.uses, together.use_minutes) == (alone.uses, alone.use_minutes)


@given(batches=split(), limit=st.sampled_from((3.0, 6.0)))
def test_the_quota_is_never_exceeded_and_a_stale_decision_never_accepted(
    batches: list[list[Acceptance]], limit: float
) -> None:
    world = World(limit, 1000.0)
    accepted: list[tuple[str, float, int]] = []
    in_time = iter(
        sorted((each for batch in batches for each in batch), key=lambda one: one.message.accepted_at)
    )
    for batch in [list(itertools.islice(in_time, len(batch))) for batch in batches]:
        for acceptance, word in zip(batch, world.transaction(batch), strict=True):
            assert (word == "StaleDecision") is (acceptance.epochs["account:1"] != 3)
            if word.startswith("accepted"):
                accepted.append(
                    (acceptance.message.account_id, acceptance.message.accepted_at, acceptance.to_quota)
                )
    for account in ACCOUNTS:
        assert world.used.get((account, REGION), Used(0, None, 0.0)).sent_last_24_hours <= limit
        in_order = sorted((at, n) for who, at, n in accepted if who == account)
        for end, _ in in_order:
            assert sum(n for at, n in in_order if end - DAY < at <= end) <= limit


def known(**changes: object) -> Known:
    place = ACCOUNTS[0], REGION
    found = World(10.0, 10.0).known([plain()])
    found.states = {place: replace(found.states[place], **changes)}  # type: ignore[arg-type]
    return found


def plain(**changes: object) -> Acceptance:
    fields: dict[str, object] = {
        "message": spooled(ACCOUNTS[0], START, ["a@one.test"], 0),
        "epochs": {"account:1": 3},
        "set_name": None,
        "is_default": False,
        "to_quota": 1,
    }
    return Acceptance(**fields | changes)  # type: ignore[arg-type]


def test_each_refusal_is_its_own_and_uses_nothing() -> None:
    cases = [
        (plain(epochs={"account:1": 3, "identities:2": 1}), StaleDecision),
        (plain(set_name="paused"), ConfigurationSetSendingPaused),
        (plain(to_quota=11), DailyQuotaExceeded),
    ]
    for acceptance, refusal in cases:
        found = World(10.0, 10.0).known([acceptance])
        verdict = decide(found, [acceptance])
        assert [type(result) for result in verdict.results] == [refusal]
        assert verdict.usage == {(ACCOUNTS[0], REGION): Usage(used=Used(0, None, 0.0))}
    owing = known(used=Used(1, -0.5, START))
    assert [type(result) for result in decide(owing, [plain()]).results] == [Throttling]


def test_a_send_is_counted_once_by_whoever_sees_to_it_first() -> None:
    """In the verdict where its event is behind the reaction already; else by the reaction."""
    message = spooled(ACCOUNTS[0], START, list(ADDRESSES), 0)
    seen = msgspec.structs.replace(message, acceptance_stage=Stage.PUBLISHED)
    in_set = msgspec.structs.replace(message, acceptance_stage=Stage.REACTED)
    unreadable = msgspec.structs.replace(
        seen, failure=RenderingFailure(template="t", message="no"), recipients=("b@one.test",)
    )
    acceptances = [
        plain(message=message, to_quota=5),
        plain(message=seen, to_quota=4, simulated=["a@one.test"]),
        plain(message=seen, to_quota=4, simulated=["gone@one.test"]),
        plain(message=in_set, to_quota=5, set_name="plain"),
        plain(message=unreadable, to_quota=1),
        plain(message=seen, to_quota=5, epochs={"account:1": 2}),
    ]
    found = World(100.0, 100.0).known(acceptances)
    verdict = decide(found, acceptances)
    assert [isinstance(result, SpooledMessage) for result in verdict.results] == [True] * 5 + [False]
    place = (ACCOUNTS[0], REGION, int(START // 900), ACCOUNTS[0], "example.com")
    # gone@one.test is suppressed; rates are not made of it, nor of whoever is at the simulator.
    assert verdict.sends == {Where(*place, ""): Sends(10, 7), Where(*place, "plain"): Sends(5, 4)}


def test_suppressed_recipients_get_nothing_for_the_reasons_in_force() -> None:
    message = spooled(ACCOUNTS[0], START, list(ADDRESSES), 0)
    (result,) = decide(known(), [plain(message=message)]).results
    assert isinstance(result, SpooledMessage)
    assert result.suppressed == {"gone@one.test": "BOUNCE"}
    assert result.is_to_be_delivered


def test_a_recipient_that_is_listed_in_several_spellings_is_so_for_any_of_their_reasons() -> None:
    found = known()
    for listed, want in (
        (("COMPLAINT", "BOUNCE"), {"a@one.test": "BOUNCE"}),
        (("COMPLAINT",), {}),
    ):
        found.suppressed = {place: {"a@one.test": listed} for place in found.suppressed}
        (result,) = decide(found, [plain(message=spooled(ACCOUNTS[0], START, ["a@one.test"], 0))]).results
        assert isinstance(result, SpooledMessage)
        assert result.suppressed == want


def test_what_is_on_the_list_of_all_gets_nothing_where_that_list_is_heeded_and_as_long_as_it_is_there() -> (
    None
):
    message = spooled(ACCOUNTS[0], START, ["a@one.test", "gone@one.test"], 0)
    for heeds, until, want in (
        (True, START + 1, {"a@one.test": "GLOBAL", "gone@one.test": "BOUNCE"}),
        (True, START, {"gone@one.test": "BOUNCE"}),
        (False, START + 1, {"gone@one.test": "BOUNCE"}),
    ):
        found = known()
        found.listed_until = {"a@one.test": until, "gone@one.test": until}
        (result,) = decide(found, [plain(message=message, heeds_global_list=heeds)]).results
        assert isinstance(result, SpooledMessage)
        assert result.suppressed == want


@settings(max_examples=15, deadline=None)
@given(batches=split(), limit=st.sampled_from((-1.0, 6.0)))
def test_the_database_does_as_the_rules_say(batches: list[list[Acceptance]], limit: float) -> None:
    world = World(limit, 1000.0)

    async def session(path: Path) -> None:
        store = SqliteStore(path, durable=False)
        try:
            await store.write(prepare)
            for batch in batches:
                results = await store.write(partial(accept, acceptances=batch))
                assert [in_a_word(result) for result in results] == world.transaction(batch)
            for account in ACCOUNTS:
                state = await store.read(partial(accounts.region_state, account_id=account, region=REGION))
                assert state is not None
                assert state.used == world.used.get((account, REGION), Used(0, None, 0.0))
            uses = await store.read(partial(delegate_bounds.uses, seqs=[one.seq for one in BOUNDS]))
            assert {seq: (use.day, use.slots) for seq, use in uses.items()} == {
                one.seq: (world.uses.get(one.seq, NO_USE).day, world.uses.get(one.seq, NO_USE).slots)
                for one in BOUNDS
            }
            rows = await store.read(
                lambda tx: tx.all("SELECT account_id, region, minute, recipients FROM usage_minute")
            )
            assert {((a, r), m): n for a, r, m, n in rows} == +world.minutes
            counted = await store.read(
                lambda tx: tx.all(f"SELECT {', '.join(Where._fields)}, sends, rated_sends FROM tally")
            )
            assert {Where(*row[:6]): row[6] for row in counted} == world.sends
            assert {Where(*row[:6]): row[7] for row in counted} == world.rated_sends
            of_sets = await store.read(
                lambda tx: tx.one("SELECT SUM(sends), SUM(rated_sends) FROM set_tally")
            )
            sums = world.sends.total(), world.rated_sends.total()
            assert of_sets == (sums if world.sends else (None, None))
        finally:
            store.close()

    async def prepare(tx: Transaction) -> None:
        for account in ACCOUNTS:
            await accounts.create(
                tx,
                an_account(account, max_24_hour_send=limit, max_send_rate=1000.0),
            )
            for name, enabled in SETS.items():
                await configuration_sets.put(
                    tx,
                    ConfigurationSet(account_id=account, region=REGION, name=name, sending_enabled=enabled),
                )
            await suppression.set_account_reasons(tx, account, REGION, ["BOUNCE"])
            for address, (reason,) in LISTED.items():
                entry = suppression.Suppressed(address=address, reason=reason, updated_at=0, message_id=None)
                await suppression.put(tx, account, REGION, entry)
        for _ in range(3):
            await bump(tx, "account:1")

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(session(Path(directory) / "db"))
