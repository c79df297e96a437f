"""Delivery's share of the open files leaves the doors theirs."""

import resource
import subprocess
import sys

import pytest

from sesame.app.descriptors import LEAST, Share, share_of_delivery
from sesame.config import Delivery, Settings, Submission


def test_with_files_enough_delivery_has_what_its_settings_say() -> None:
    assert share_of_delivery(Settings(), 65_536) == Share(places=200, idle=200)


@pytest.mark.parametrize("limit", [256, 512, 1_024, 4_096])
@pytest.mark.parametrize("workers", [1, 200, 5_000])
def test_with_few_files_delivery_has_less_and_the_doors_keep_theirs(limit: int, workers: int) -> None:
    settings = Settings(
        submission=Submission(enabled=True), delivery=Delivery(workers=workers, idle_connections=5_000)
    )
    share = share_of_delivery(settings, limit)
    assert 1 <= share.places <= workers
    assert share.places + share.idle <= max(limit // 2, 2 * LEAST)


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    low = min(2_048, hard)
    code = (
        f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, {low}));"
        "from sesame.app.descriptors import raise_limit; print(raise_limit())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == low
