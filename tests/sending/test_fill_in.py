"""Filling a template in: the data of a bulk entry."""

import json
from typing import Any

import pytest

from sesame.sending.rendering import merged, near_name, read_data

FLAT = {"day": "Mon", "me": "Zoe", "name": "Def"}


@pytest.mark.parametrize(
    ("default", "replacement", "whole"),
    [
        (FLAT, {"name": "Ann"}, {"day": "Mon", "me": "Zoe", "name": "Ann"}),
        (FLAT, {"name": "Bo", "day": "Sun"}, {"day": "Sun", "me": "Zoe", "name": "Bo"}),
        (FLAT, {}, FLAT),
        ({}, FLAT, FLAT),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": 3}}, {"a": {"x": 3, "y": 2}}),
        ({"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"c": 3}}}, {"a": {"b": {"c": 3, "d": 2}}}),
        ({"l": [1, 2]}, {"l": [3]}, {"l": [3]}),
        ({"l": [{"a": 1}]}, {"l": [{"b": 2}]}, {"l": [{"b": 2}]}),
        ({"a": {"x": 1}}, {"a": None}, {"a": None}),
        ({"a": {"x": 1}}, {"a": "t"}, {"a": "t"}),
        ({"a": "t"}, {"a": {"x": 1}}, {"a": {"x": 1}}),
        ({"a": False}, {"a": 0}, {"a": 0}),
    ],
)
def test_replacement_data_is_merged_key_by_key(
    default: dict[str, Any], replacement: dict[str, Any], whole: dict[str, Any]
) -> None:
    before = json.dumps(default)
    assert merged(default, replacement) == whole
    assert json.dumps(default) == before


def test_data_of_any_depth_is_merged() -> None:
    deep = read_data('{"a":' * 900 + "1" + "}" * 900)
    assert merged(deep, deep) == deep


@pytest.mark.parametrize(
    ("name", "data", "near"),
    [
        ("total", {"Total": 3}, "Total"),
        ("order.total", {"order": {"id": 7, "Total": 3}}, "order.Total"),
        ("order.total", {"Order": {"total": 3}}, "Order.total"),
        ("order/total", {"ORDER": {"TOTAL": None}}, "ORDER.TOTAL"),
        ("this.total", {"items": [{"name": "x"}, {"totaL": 3}]}, "totaL"),
        ("../total", {"x": {"TOTAL": 1}}, "TOTAL"),
        ("total", {"sum": 3}, ""),
        ("order.total", {"Total": 3}, ""),
        ("total", {"total": None}, ""),
        (".", {"Total": 3}, ""),
        ("total", {"x": [[]] * 20_000, "y": {"Total": 3}}, ""),
    ],
)
def test_a_name_in_other_letters_is_found_where_it_is(name: str, data: dict[str, object], near: str) -> None:
    assert near_name(name, data) == near
