"""What to change in a message is told to programs too: the field, what stands there, and what is to stand there."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.access.test_near_misses import DOORS, NEAR
from tests.support.holdout_world import Reported
from tests.support.refusal_world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("changes") / "data")
    yield opened
    opened.close()


@pytest.fixture
def case(world: World) -> Reported:
    return Reported.described(world, {"steps": [["account", "sender"], ["identity", "sender", "shop.test"]]})


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "written", [one for one in NEAR if one.isascii() and not set(one) & set(",;") and one[:3] != "ne "]
)
def test_a_program_can_write_what_was_meant(case: Reported, written: str, door: str) -> None:
    send = {"as": "sender", "from": written} | DOORS[door]
    sent = case.send(send)
    if not sent.code:
        return
    mend = case.read("sender", sent.request_id)["causes"][0]["mend"]
    assert mend["how"] == "change-message"
    assert mend["field"] in ("From", "Source", "FromEmailAddress"), mend
    assert mend["to"] is not None and mend["from"]
    assert case.send(send | {"from": mend["to"]}).code == ""


CHANGES: dict[str, tuple[dict[str, Any], tuple[str | None, str | None, str | None]]] = {
    "several in From": ({"from": "a@shop.test, b@shop.test"}, ("Source", "a@shop.test, b@shop.test", None)),
    "a comma in a name": (
        {"from": "Shop, Inc <a@shop.test>"}, ("Source", "Shop, Inc <a@shop.test>", '"Shop, Inc" <a@shop.test>')),
    "letters before the @": ({"from": "näws@shop.test"}, ("Source", "näws@shop.test", None)),
    "no domain": ({"from": "news"}, ("Source", "news", None)),
    "a recipient": (
        {"from": "a@shop.test", "to": "you@else..test"}, ("ToAddresses", "you@else..test", "you@else.test")),
    "white space, or no angle brackets": ({"from": "ne ws@shop.test"}, ("Source", "ne ws@shop.test", None)),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_not_plain_is_left_to_the_reader(case: Reported, name: str) -> None:
    given, (field, old, new) = CHANGES[name]
    sent = case.send({"as": "sender"} | given)
    assert sent.code
    mend = case.read("sender", sent.request_id)["causes"][0]["mend"]
    assert (mend["how"], mend["field"], mend["to"]) == ("change-message", field, new), mend
    assert mend["from"] == (old or mend["from"])


def test_a_display_name_that_is_not_wanted_is_one_to_leave_out(world: World) -> None:
    made = Reported.lending(world, Condition={"Null": {"ses:FromDisplayName": "true"}})
    send = {"as": "sender", "from": "Shop <a@one.test>", "arns": {"SourceArn": made.arn("owner", "one.test")}}
    mend = made.read("sender", made.send(send).request_id)["causes"][0]["mend"]
    assert (mend["field"], mend["from"], mend["to"]) == ("From", "Shop", "a@one.test")
    assert made.send(send | {"from": mend["to"]}).code == ""
