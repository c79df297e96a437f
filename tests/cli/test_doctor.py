"""`sesame doctor` beside a real server."""

import json

from sesame.app.foundation import Services
from sesame.store import development
from tests.support.process import SesameProcess

QUIET = ("doctor", "--probe", "", "--ntp", "")


def test_the_doctor_says_what_to_mend_and_its_exit_code_that_there_is_something(
    sesame: SesameProcess,
) -> None:
    account = sesame.create_account()
    sesame.vouch(account, "doctor.example")

    async def publish(services: Services) -> None:
        record = ("_dmarc.doctor.example", "TXT", "v=DMARC1; p=none")
        await services.store.write(lambda tx: development.publish(tx, [record]))

    sesame.operate(publish)
    done = sesame.run(*QUIET, "doctor.example", check=False)
    assert done.returncode == 1, done.stderr
    assert "FAULT    HELO: `sesame.localhost` is not a name that others can look up" in done.stdout
    assert "Set `delivery.hostname`" in done.stdout
    assert "ok       DMARC: of `doctor.example`: p=none at `_dmarc.doctor.example`" in done.stdout
    found = json.loads(sesame.run(*QUIET, "--json", check=False).stdout)
    assert {"check", "level", "found", "mend"} == set(found[0])
    assert {finding["level"] for finding in found} <= {"ok", "unknown", "warning", "fault"}
    assert "port 25" not in {finding["check"] for finding in found}


def test_a_domain_that_nobody_has_is_looked_at_all_the_same(sesame: SesameProcess) -> None:
    done = sesame.run(*QUIET, "elsewhere.example", check=False)
    assert "WARNING  DKIM: `elsewhere.example` has no key here" in done.stdout
    assert "WARNING  DMARC: `elsewhere.example` has none" in done.stdout
