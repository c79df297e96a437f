"""Every form of an account, sent twice: what it does is done once (a click too many, a page loaded again)."""

import json
from typing import Any

from tests.console.test_calls import DEEDS, Tenant
from tests.support.process import SesameProcess

ONCE = ("Create", "Send", "Rotate")
"""Acts that make something new each time; others leave what they have made, set or taken away as it is."""


def done(outcome: tuple[list[Any], int]) -> tuple[list[str], int]:
    """What was done, without what was refused; an act that only sets the same once more is one."""
    kept: list[str] = []
    for name, error, asked in outcome[0]:
        text = json.dumps([name, asked])
        if error is None and (name.startswith(ONCE) or text not in kept):
            kept.append(text)
    return kept, outcome[1]


def test_every_form_sent_twice_is_done_once(sesame: SesameProcess) -> None:
    clerk, hasty = Tenant(sesame), Tenant(sesame)
    for deed in DEEDS:
        clerk.by_form(deed)
        fields = hasty.form(deed)
        first, second = hasty.post(deed, fields), hasty.post(deed, fields)
        assert first.status_code == 200, (deed, first.text)
        assert second.status_code < 500, (deed, second.text)
        outcomes = [done(tenant.outcome()) for tenant in (clerk, hasty)]
        assert outcomes[1] == outcomes[0], deed
