"""Fixtures of the stories."""

import pytest

from tests.support.process import SesameProcess
from tests.support.tenant import SERVICES, Tenant


@pytest.fixture
def tenant(sesame: SesameProcess) -> Tenant:
    account = sesame.create_account()
    tenant = Tenant(sesame, account, *(sesame.client(service, account) for service in SERVICES))
    tenant.ses.verify_domain_identity(Domain="example.com")
    return tenant
