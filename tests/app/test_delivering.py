"""The role of delivery, put together."""

import io
from pathlib import Path

import msgspec
import pytest

from sesame.app.delivery import Delivering
from sesame.app.foundation import Services
from sesame.config import Settings
from sesame.observe import Log, SystemClock
from tests.support.spooled import message


@pytest.mark.parametrize("is_enabled", [True, False])
def test_what_is_accepted_is_held_where_it_is_delivered_and_nowhere_else(
    tmp_path: Path, is_enabled: bool
) -> None:
    settings = Settings(data=str(tmp_path / "data"))
    delivery = msgspec.structs.replace(settings.delivery, enabled=is_enabled)
    clock = SystemClock()
    log = Log(io.StringIO(), as_json=True, clock=clock)
    services = Services(
        msgspec.structs.replace(settings, delivery=delivery), log=log, clock=clock, url="http://localhost"
    )
    try:
        delivering = Delivering(services, mx_port=25, own_hosts={}, recorded=lambda stage: None)
        delivering.accepted(message())
        asked = delivering.scheduler._lanes.choose(now=services.steady.now())
        assert (bool(delivering._bodies.held_bytes), bool(asked)) == (is_enabled, is_enabled)
    finally:
        services.close()
