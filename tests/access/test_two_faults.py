"""Two ARNs that cannot be are named at once: whoever mends the first does not find the second by sending again."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.holdout_world import Reported
from tests.support.refusal_world import World

RIGHT = "arn:aws:ses:us-east-1:<owner>:identity/one.test"
WRONG = {
    "another domain": RIGHT.replace("one.test", "two.test"),
    "no ARN": "one.test",
    "quotation marks": f'"{RIGHT}"',
    "no account": RIGHT.replace("<owner>", ""),
}
NAMES = {
    "v1": ("SourceArn", "ReturnPathArn"),
    "v2": ("FromEmailAddressIdentityArn", "FeedbackForwardingEmailAddressIdentityArn"),
    "raw": ("SourceArn", "FromArn"),
    "smtp": ("X-SES-SOURCE-ARN", "X-SES-FROM-ARN"),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("two") / "data")
    yield opened
    opened.close()


@pytest.fixture
def case(world: World) -> Reported:
    return Reported.lending(world)


def send_with(door: str, first: str, second: str) -> dict[str, Any]:
    send: dict[str, Any] = {"as": "sender", "door": door, "from": "a@one.test", "right_arn": RIGHT}
    one, two = NAMES[door]
    if door == "smtp":
        return send | {"source": "a@one.test", "fields": [[one, first], [two, second]]}
    path = {"return_path": "b@one.test"} if door in ("v1", "v2") else {"source": "a@one.test"}
    return send | path | {"arns": {one: first, two: second}}


def mended(case: Reported, send: dict[str, Any], causes: list[dict[str, Any]]) -> dict[str, Any]:
    """The send after all that was said of it is done."""
    for cause in causes:
        mend = cause["mend"]
        fields = send.get("fields", [])
        if mend["how"] == "set-parameter" and mend["parameter"].startswith("X-SES"):
            fields = [one for one in fields if one[0] not in (mend["parameter"], mend.get("instead_of"))]
            send = send | {"fields": [[mend["parameter"], mend["value"] or case.fill(RIGHT)], *fields]}
        else:
            send = case.apply(mend, send)
    return send


@pytest.mark.parametrize("door", NAMES)
@pytest.mark.parametrize("second", WRONG)
@pytest.mark.parametrize("first", WRONG)
def test_two_wrong_arns_are_both_named(case: Reported, first: str, second: str, door: str) -> None:
    send = send_with(door, WRONG[first], WRONG[second])
    sent = case.send(send)
    assert sent.code
    causes = case.read("sender", sent.request_id)["causes"]
    assert sorted(cause["mend"]["parameter"] for cause in causes) == sorted(NAMES[door]), causes
    assert {cause["code"] for cause in causes} <= {"SA107", "SA108"}
    assert case.send(mended(case, send, causes)).code == ""


@pytest.mark.parametrize("first", WRONG)
@pytest.mark.parametrize("door", NAMES)
def test_an_arn_that_is_right_is_not_named_beside_a_wrong_one(case: Reported, door: str, first: str) -> None:
    for send in (send_with(door, WRONG[first], RIGHT), send_with(door, RIGHT, WRONG[first])):
        causes = case.read("sender", case.send(send).request_id)["causes"]
        assert len(causes) == 1 and case.send(case.apply(causes[0]["mend"], send)).code == ""


@pytest.mark.parametrize("first", WRONG)
@pytest.mark.parametrize(
    "odd", [["X-SES-FORM-ARN", RIGHT], ["X-SES-RETURN-PATH-ARM", RIGHT]], ids=lambda odd: odd[0]
)
def test_a_field_whose_name_is_not_known_is_named_beside_a_wrong_arn(
    case: Reported, first: str, odd: list[str]
) -> None:
    send = {"as": "sender", "door": "smtp", "from": "a@one.test", "source": "a@one.test", "right_arn": RIGHT,
            "fields": [["X-SES-SOURCE-ARN", WRONG[first]], odd]}  # fmt: skip
    causes = case.read("sender", case.send(send).request_id)["causes"]
    assert [cause["code"] for cause in causes[1:]] == ["SA106"], causes
    assert odd[0] in causes[1]["cause"] and causes[1]["mend"]["instead_of"] == odd[0]
    assert case.send(mended(case, send, causes)).code == ""


@pytest.mark.parametrize("door", ["raw", "smtp"])
def test_a_second_instance_of_another_field_is_not_what_is_wrong(case: Reported, door: str) -> None:
    fields = [
        ["X-SES-SOURCE-ARN", WRONG["another domain"]],
        ["X-SES-FROM-ARN", RIGHT],
        ["X-SES-FROM-ARN", RIGHT],
    ]
    send = {"as": "sender", "door": door, "from": "a@one.test", "source": "a@one.test", "right_arn": RIGHT,
            "fields": fields}  # fmt: skip
    first = case.read("sender", case.send(send).request_id)["causes"][0]
    assert first["code"] == "SA107" and first["mend"]["parameter"] == "X-SES-SOURCE-ARN", first


@pytest.mark.parametrize("door", ["raw", "smtp"])
def test_a_wrong_arn_and_another_field_that_stands_twice_are_both_named(case: Reported, door: str) -> None:
    fields = [["X-SES-SOURCE-ARN", WRONG["no ARN"]], ["X-SES-FROM-ARN", WRONG["another domain"]],
              ["X-SES-FROM-ARN", RIGHT]]  # fmt: skip
    send = {"as": "sender", "door": door, "from": "a@one.test", "source": "a@one.test", "right_arn": RIGHT,
            "fields": fields}  # fmt: skip
    causes = case.read("sender", case.send(send).request_id)["causes"]
    assert [cause["code"] for cause in causes] == ["SA108", "SA106"], causes
    assert case.send(mended(case, send, causes)).code == ""
