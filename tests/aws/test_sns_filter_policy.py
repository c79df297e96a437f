"""Filter policies: every operator of the SNS guide, both scopes; what is none is refused."""

import json
from typing import Any

import pytest

from sesame.aws.sns.filter_policy import FilterPolicyError, read_filter_policy


def wants(policy: dict[str, Any], value: Any) -> bool:
    """Whether the policy, in the scope of bodies, wants a body with `k` (absent for None given as ...)."""
    body = {} if value is ... else {"k": value}
    return read_filter_policy(json.dumps(policy), scope="MessageBody").matches(
        body=json.dumps(body), attributes=None
    )


@pytest.mark.parametrize(
    ("condition", "yes", "no"),
    [
        ("Bounce", ["Bounce", ["x", "Bounce"]], ["bounce", "", ..., 1, None, ["x"]]),
        (100, [100, 100.0, [1, 100]], ["100", True, ...]),
        (True, [True], [False, 1, "true", ...]),
        (None, [None], [False, 0, "", ...]),
        ({"prefix": "mail."}, ["mail.x", "mail."], ["xmail.", 1, ...]),
        ({"suffix": ".test"}, ["a.test"], ["a.test.", ...]),
        ({"equals-ignore-case": "Tennis"}, ["TENNIS", "tennis"], ["tennis ", ...]),
        ({"wildcard": "a*c*e"}, ["ace", "abcde", "acce"], ["abc", "ac", "xace", "acex", ...]),
        ({"wildcard": "ab*ba"}, ["abba", "abxba"], ["aba"]),
        ({"wildcard": "plain"}, ["plain"], ["plainly"]),
        ({"cidr": "10.0.0.0/24"}, ["10.0.0.255"], ["10.0.1.1", "x", 1, ...]),
        ({"cidr": "2001:db8::/32"}, ["2001:db8::1"], ["2001:db9::1"]),
        ({"exists": True}, ["", 0, None, False], [...]),
        ({"exists": False}, [...], ["", 0, None]),
        ({"anything-but": ["rugby", "tennis"]}, ["golf", ["rugby", "golf"], 1], ["rugby", ["rugby"], ...]),
        ({"anything-but": "rugby"}, ["golf"], ["rugby"]),
        ({"anything-but": [100, 500]}, [101, "100"], [100, 500, ...]),
        ({"anything-but": {"prefix": "order-"}}, ["data"], ["order-1", 1, ...]),
        ({"anything-but": {"suffix": "ball"}}, ["golf"], ["football"]),
        ({"anything-but": {"wildcard": "*ball"}}, ["golf"], ["football"]),
        ({"numeric": ["=", 301.5]}, [301.5, 3015e-1], [301, "301.5", True, ...]),
        ({"numeric": ["<", 0]}, [-1], [0]),
        ({"numeric": [">", 0, "<=", 150]}, [1, 150], [0, 151]),
        ({"numeric": [">=", 0]}, [0], [-1]),
    ],
)
def test_each_operator(condition: Any, yes: list[Any], no: list[Any]) -> None:
    policy = {"k": [condition]}
    assert [value for value in yes if not wants(policy, value)] == []
    assert [value for value in no if wants(policy, value)] == []


def test_conditions_of_a_key_are_alternatives_and_keys_are_demands() -> None:
    policy = read_filter_policy(
        '{"eventType":["Bounce",{"prefix":"Comp"}],"bounce":{"bounceType":["Permanent"]}}',
        scope="MessageBody",
    )
    body = {"eventType": "Bounce", "bounce": {"bounceType": "Permanent"}}
    assert policy.matches(body=json.dumps(body), attributes=None)
    body["bounce"] = {"bounceType": "Transient"}
    assert not policy.matches(body=json.dumps(body), attributes=None)
    assert not policy.matches(body='{"eventType":"Complaint"}', attributes=None)


def test_objects_in_a_list_are_looked_into() -> None:
    policy = read_filter_policy('{"r":{"status":["5.1.1"]}}', scope="MessageBody")
    assert policy.matches(body='{"r":[{"status":"4.2.2"},{"status":"5.1.1"}]}', attributes=None)
    assert not policy.matches(body='{"r":[{"status":"4.2.2"},"5.1.1"]}', attributes=None)


def test_or_joins_objects() -> None:
    policy = read_filter_policy('{"a":[1],"$or":[{"b":[2]},{"c":[3]}]}', scope="MessageBody")
    assert policy.matches(body='{"a":1,"b":2}', attributes=None)
    assert policy.matches(body='{"a":1,"c":3}', attributes=None)
    assert not policy.matches(body='{"a":1}', attributes=None)
    assert not policy.matches(body='{"b":2,"c":3}', attributes=None)


def test_attributes_are_read_by_their_type() -> None:
    policy = read_filter_policy('{"price":[{"numeric":[">",9]}],"sports":["golf"],"name":["9"]}')
    attributes = {
        "price": {"Type": "Number", "Value": "10"},
        "sports": {"Type": "String.Array", "Value": '["rugby","golf"]'},
        "name": {"Type": "String", "Value": "9"},
    }
    assert policy.matches(body="", attributes=attributes)
    assert not policy.matches(body="", attributes={**attributes, "price": {"Type": "String", "Value": "10"}})
    assert not policy.matches(body='{"price":10}', attributes=None)


@pytest.mark.parametrize("body", ["plain", "[]", "1", "[" * 100_000])
def test_a_body_that_is_no_object_is_not_wanted(body: str) -> None:
    assert not read_filter_policy('{"k":[{"exists":false}]}', scope="MessageBody").matches(
        body=body, attributes=None
    )


def test_an_empty_policy_wants_everything() -> None:
    assert read_filter_policy("{}").matches(body="plain", attributes=None)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"k":"v"}',
        '{"k":[]}',
        '{"k":[["v"]]}',
        '{"k":{"n":["v"]}}',
        '{"k":[{"prefix":1}]}',
        '{"k":[{"prefix":""}]}',
        '{"k":[{"suffix":"a","prefix":"b"}]}',
        '{"k":[{"nonsense":"a"}]}',
        '{"k":[{"numeric":["<"]}]}',
        '{"k":[{"numeric":["!",1]}]}',
        '{"k":[{"numeric":["<",1,">",0]}]}',
        '{"k":[{"numeric":[">",2,"<",1]}]}',
        '{"k":[1e10]}',
        '{"k":[{"cidr":"x"}]}',
        '{"k":[{"wildcard":"a**b"}]}',
        '{"k":[{"anything-but":[]}]}',
        '{"k":[{"anything-but":[true]}]}',
        '{"k":[{"anything-but":{"cidr":"10.0.0.0/8"}}]}',
        '{"k":[{"exists":"yes"}]}',
        json.dumps({f"k{n}": ["v"] for n in range(6)}),
        json.dumps({f"k{n}": list(range(6)) for n in range(3)}),
        "[" * 100_000,
    ],
)
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(FilterPolicyError):
        read_filter_policy(text)


def test_a_wildcard_takes_linear_time() -> None:
    assert not wants({"k": [{"wildcard": "*a" * 40 + "*b"}]}, "a" * 200_000)
