"""Calls of management operations are bounded by account, region and operation."""

from dataclasses import replace
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from sesame.access.principals import root_principal
from sesame.errors import Throttling
from sesame.model import AccountId, Caller
from sesame.server.throttle import BURST_S, MAX_BUCKETS, Throttle
from tests.support.clock import FakeClock
from tests.support.process import running

CALLER = Caller(
    principal=root_principal(AccountId("111111111111")), access_key_id="k", region="us-east-1", source_ip="127.0.0.1",
    secure_transport=True, user_agent=None, at=0.0, request_id="r",
)  # fmt: skip


def admitted(throttle: Throttle, caller: Caller, operation: str, calls: int) -> int:
    count = 0
    for _ in range(calls):
        try:
            throttle.admit(caller, "ses", operation)
        except Throttling as error:
            assert error.message == "Rate exceeded"
        else:
            count += 1
    return count


def test_a_burst_passes_and_then_the_rate() -> None:
    clock = FakeClock(1000.0)
    throttle = Throttle(clock, per_second=1.0)
    assert admitted(throttle, CALLER, "ListIdentities", 100) == BURST_S
    clock.advance(3.0)
    assert admitted(throttle, CALLER, "ListIdentities", 100) == 3
    assert admitted(throttle, CALLER, "GetSendQuota", 100) == BURST_S
    other = replace(CALLER, region="eu-west-1")
    assert admitted(throttle, other, "ListIdentities", 100) == BURST_S


def test_no_rate_bounds_nothing_and_memory_is_bounded() -> None:
    clock = FakeClock(1000.0)
    assert admitted(Throttle(clock, per_second=0), CALLER, "ListIdentities", 1000) == 1000
    throttle = Throttle(clock, per_second=1.0)
    for number in range(MAX_BUCKETS + 10):
        throttle.admit(CALLER, "ses", f"Operation{number}")
    assert len(throttle._buckets) == MAX_BUCKETS


def test_v1_and_v2_tell_it_in_their_words_and_sends_are_free(tmp_path: Path) -> None:
    with running(tmp_path / "data", SESAME_API__REQUESTS_PER_SECOND="0.001") as sesame:
        account = sesame.create_account()
        sesame.vouch(account, "x.test")
        v1, v2 = sesame.client("ses", account), sesame.client("sesv2", account)
        told = []
        for call in (v1.list_identities, v2.list_email_identities):
            call()
            with pytest.raises(ClientError) as error:
                call()
            response = error.value.response
            told.append((response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]))
        assert told == [("Throttling", 400), ("TooManyRequestsException", 429)]
        for _ in range(5):
            v1.send_email(
                Source="a@x.test",
                Destination={"ToAddresses": ["b@y.test"]},
                Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
            )
