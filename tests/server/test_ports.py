"""Ports for servers that are named before they listen: no two of them get one."""

import pytest

from tests.support import ports


def test_a_port_where_somebody_is_to_listen_soon_is_not_given_to_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second, third = ports.free_ports(3)
    assert len({first, second, third}) == 3
    monkeypatch.setattr(ports, "RANGE", [first, second, third] * 400)
    assert ports.free_ports(1, but_not={first, third}) == [second]
