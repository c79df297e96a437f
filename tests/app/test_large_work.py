"""While a large message is worked on, the interpreter changes hands sooner; afterwards as before."""

import sys

import pytest

from sesame.app.large_work import SWITCH_S, LargeWork


def _fail() -> None:
    assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
    raise ValueError("no message")


def test_the_interpreter_changes_hands_sooner_while_there_is_large_work() -> None:
    usual_s = sys.getswitchinterval()
    with LargeWork() as large:
        assert large.submit(sys.getswitchinterval).result() == pytest.approx(SWITCH_S)
        with pytest.raises(ValueError, match="no message"):
            large.submit(_fail).result()
    assert sys.getswitchinterval() == usual_s
