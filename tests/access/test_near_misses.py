"""What is nearly an address is said with what is wrong with it and the address that was meant."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.access.causes.near_misses import near_miss
from sesame.mail.address import parse_mailbox
from tests.support.refusal_world import Case, World

RIGHT = "news@shop.test"
NEAR = {
    "news@shop.test.": "a dot at its end",
    "News <news@shop.test.>": "a dot at its end",
    "news@shop.test,": "a comma at its end",
    "news@shop.test;": "a semicolon at its end",
    "News <news@shop.test>;": "a semicolon behind it",
    "news @shop.test": "white space",
    "news@ shop.test": "white space",
    "ne ws@shop.test": "white space",
    "news@@shop.test": "the @ stands in it twice",
    "News <news@shop.test": "not closed",
    "<news@shop.test": "not closed",
    "news@shop.test>": "no `<`",
    "\u201cnews@shop.test\u201d": "quotation marks",
    "'news@shop.test'": "quotation marks",
    "mailto:news@shop.test": "mailto:",
    "<mailto:news@shop.test>": "mailto:",
    "news\uff20shop.test": "double width",
    "news@shop.test\u200b": "U+200B",
    "news\u200b@shop.test": "U+200B",
    "\ufeffnews@shop.test": "U+FEFF",
    "news\u00a0@shop.test": "white space",
    "news@shop..test": "two dots",
    ".news@shop.test": "a dot before it",
    "news.@shop.test": "a dot before the @",
    "news@.shop.test": "a dot behind the @",
    "news@shop,test": "a comma in place of a dot",
    "news(at)shop.test": "written out",
    "news@shop.test/": "a slash at its end",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("near") / "data")
    yield opened
    opened.close()


@pytest.mark.parametrize("written", NEAR)
def test_what_was_meant_is_an_address_and_is_shown(written: str) -> None:
    found = near_miss(written)
    assert found is not None and NEAR[written] in found.wrong
    assert parse_mailbox(found.right.split("`")[-2]).addr_spec == RIGHT


@pytest.mark.parametrize(
    "written",
    [
        "",
        "@",
        "<>",
        "news",
        "a@x.test, b@y.test",
        "n\u00e4ws@shop.test",
        "A, B <a@x.test>",
        "mailto:a@x.test b",
        "a@x.test com",
        "a@x.test b@y.test",
    ],
)
def test_of_what_is_not_plain_nothing_is_guessed(written: str) -> None:
    assert near_miss(written) is None


def test_an_address_with_two_of_at_is_said_to_have_them() -> None:
    found = near_miss("news@shop@test")
    assert found is not None and "more than once" in found.wrong


def test_a_name_without_angle_brackets_gets_them() -> None:
    found = near_miss("News Shop news@shop.test")
    assert found is not None and found.right == "`News Shop <news@shop.test>`"


def test_white_space_in_a_name_is_one_blank() -> None:
    found = near_miss("We are\r\n full \r\n<news@shop.test")
    assert found is not None and found.right == "`We are full <news@shop.test>`"


@given(st.text(alphabet="ab.@<>,; \"'\u200b\uff20:\\()", max_size=30))
def test_what_is_shown_in_place_of_any_text_is_an_address(written: str) -> None:
    found = near_miss(written)
    if found is not None and found.right.startswith("`"):
        for shown in found.right.strip("`").split("` or `"):
            parse_mailbox(shown)


DOORS: dict[str, dict[str, Any]] = {
    "v1": {},
    "v2": {"door": "v2"},
    "raw": {"door": "raw"},
    "v2 raw": {"door": "v2raw"},
    "smtp": {"door": "smtp", "source": RIGHT},
}


@pytest.mark.parametrize(
    "written", ["news@shop.test.", "mailto:news@shop.test", "news@@shop.test", "News <news@shop.test"]
)
@pytest.mark.parametrize("door", DOORS)
def test_on_every_door_the_cause_says_what_to_write_and_it_works(
    world: World, door: str, written: str
) -> None:
    case = Case(world)
    case.account("sender")
    case.step("identity", "sender", "shop.test")
    sent = case.send({"as": "sender", "from": written, **DOORS[door]})
    assert sent.code
    [cause] = case.read("sender", sent.request_id)["causes"]
    assert cause["code"] == "SA605" and NEAR[written] in cause["cause"]
    right = cause["mend"]["text"].split("`")[1]
    assert "in place of" in cause["mend"]["text"] and "verify" not in json.dumps(cause)
    assert case.send({"as": "sender", "from": right, **DOORS[door]}).code == ""


@pytest.mark.parametrize("door", ["v1", "v2", "raw"])
def test_recipients_and_return_paths_are_told_of_likewise(world: World, door: str) -> None:
    case = Case(world)
    case.account("sender")
    case.step("identity", "sender", "shop.test")
    send = {"as": "sender", "from": RIGHT, "door": door, "to": "reader@elsewhere.test."}
    cause = case.read("sender", case.send(send).request_id)["causes"][0]
    assert "a dot at its end" in cause["cause"] and "`reader@elsewhere.test`" in cause["mend"]["text"]
