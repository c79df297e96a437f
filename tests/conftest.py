"""Fixtures shared by the tests: one running server for those that can share one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import SesameProcess, running
from tests.support.tenant import SERVICES, Tenant


@pytest.fixture(scope="session")
def sesame(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SesameProcess]:
    """A server in the development profile; tests make accounts of their own on it."""
    data: Path = tmp_path_factory.mktemp("sesame") / "data"
    soon = {
        "SESAME_SUBMISSION__FAILURE_DELAY_S": "0.05",
        "SESAME_ACCOUNTS__REFUSAL_STEP_S": "0.002",
        "SESAME_CONSOLE__PASSWORD_MEMORY_KIB": "64",
        "SESAME_CONSOLE__FAILURES_PER_NETWORK": "10000",
    }
    with running(data, **soon) as process:
        yield process


@pytest.fixture
def tenant(sesame: SesameProcess) -> Tenant:
    """A fresh account with example.com verified, and its clients."""
    account = sesame.create_account()
    tenant = Tenant(sesame, account, *(sesame.client(service, account) for service in SERVICES))
    tenant.ses.verify_domain_identity(Domain="example.com")
    return tenant
