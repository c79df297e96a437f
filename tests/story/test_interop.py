"""Mail to and from other mail servers keeps its bytes and its signatures: a part of `make bench ARGS=interop`."""

import tempfile
from pathlib import Path

import pytest

from bench import mtas
from bench.capture import capturing
from bench.interop import world
from bench.shapes import BODIES


@pytest.mark.parametrize("name", sorted(mtas.MAKERS))
def test_every_shape_of_message_goes_there_and_comes_from_there_whole(name: str) -> None:
    if reason := mtas.missing(name):
        pytest.skip(reason)
    with (
        tempfile.TemporaryDirectory(
            prefix="sesame-interop-"
        ) as directory,  # other users' processes are let in there
        capturing() as capture,
        world(Path(directory), [name], capture) as found,
    ):
        assert found.outwards(name, len(BODIES)) == 0
        assert found.inwards(name, len(BODIES)) == 0
