"""Who opens the pages: the root of the account that a test has, in a browser of its own."""

from typing import Any

import pytest

from tests.support.browser import Person, root_of
from tests.support.process import SesameProcess
from tests.support.tenant import Tenant


@pytest.fixture
def person(sesame: SesameProcess, tenant: Tenant) -> Person:
    """The account's root, logged in."""
    return root_of(sesame, tenant.account.account_id)


@pytest.fixture
def v2(sesame: SesameProcess, tenant: Tenant) -> Any:
    """SES v2 as the same account."""
    return sesame.client("sesv2", tenant.account)
