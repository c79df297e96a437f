"""Power cuts, as the disk would be after them: what was acknowledged is there, and the database whole (I1).

The whole of it is `make bench ARGS="power kills"`.
"""

from pathlib import Path

import pytest

from bench import power
from bench.faults import disk
from bench.faults.world import Findings

MESSAGES, CUTS = 150, 8


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = disk.build(tmp_path_factory.mktemp("disk"))
    if built is None:
        pytest.skip("there is no C compiler")
    return built


def test_no_power_cut_loses_what_was_acknowledged(tmp_path: Path, library: Path) -> None:
    found = power.cut(tmp_path, library, messages=MESSAGES, cuts=CUTS, seed=1)
    assert (found.acknowledged, found.cuts) == (MESSAGES, CUTS)
    assert found.findings == Findings()


def test_a_loss_would_be_seen(tmp_path: Path, library: Path) -> None:
    """The control: a disk that says "done" too early loses acknowledged mail."""
    found = power.cut(tmp_path, library, messages=MESSAGES, cuts=CUTS, seed=1, lies=True)
    assert found.cuts_with_a_loss > 0


@pytest.mark.parametrize("fault", ["sync:5:10:10", "write:28:60:20"], ids=["EIO", "ENOSPC"])
def test_what_the_disk_refused_is_not_acknowledged_and_the_service_goes_on(
    fault: str, tmp_path: Path, library: Path
) -> None:
    found = power.cut(tmp_path, library, messages=MESSAGES, cuts=CUTS, seed=1, fault=fault)
    assert found.findings == Findings()
    assert found.refused > 0 and found.acknowledged > 0
