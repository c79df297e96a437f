"""Fixtures shared by the tests: one running server for those that can share one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import SesameProcess, running


@pytest.fixture(scope="session")
def sesame(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SesameProcess]:
    """A server in the development profile; tests make accounts of their own on it."""
    data: Path = tmp_path_factory.mktemp("sesame") / "data"
    with running(data) as process:
        yield process
