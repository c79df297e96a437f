"""The cases kept with an identity are read, added and removed in the console, and hold its policies there too."""

import pytest

from tests.console.test_login import log_in, make_user
from tests.console.test_senders import NEWS, allow, put
from tests.support.browser import Person, root_of, words
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant

HERE = f"/{REGION}/identities/example.com"
DELEGATE = "222222222222"


@pytest.fixture
def owner(sesame: SesameProcess, tenant: Tenant) -> Person:
    return root_of(sesame, tenant.account.account_id)


def test_a_case_is_kept_shown_with_what_holds_and_removed(
    sesame: SesameProcess, owner: Person, tenant: Tenant
) -> None:
    assert "any change of the policies is accepted" in words(owner.get(f"{HERE}/cases").text)
    put(tenant, "news", allow(tenant, {"AWS": DELEGATE}, "News", Condition=NEWS))
    kept = {"called": "news-may", "kind": "may", "who": DELEGATE, "as": "news-1@example.com"}
    owner.send(f"{HERE}/cases", **kept)
    none = {"called": "ceo", "kind": "nobody-but", "who": "", "as": "ceo@example.com"}
    owner.send(f"{HERE}/cases", **none)
    shown = words(owner.get(f"{HERE}/cases").text)
    assert f"news-may {DELEGATE} may send as news-1@example.com yes" in shown
    assert "ceo nobody may send as ceo@example.com yes" in shown
    api = sesame.client("sesame", tenant.account)
    assert {one["Name"] for one in api.list_identity_policy_tests(Identity="example.com")["Tests"]} == {
        "news-may",
        "ceo",
    }
    with pytest.raises(tenant.ses.exceptions.ClientError, match="ceo"):
        put(tenant, "all", allow(tenant, {"AWS": DELEGATE}, "All"))
    owner.send(f"{HERE}/cases/remove", page=f"{HERE}/cases", called="ceo")
    assert "nobody may send" not in words(owner.get(f"{HERE}/cases").text)
    put(tenant, "all", allow(tenant, {"AWS": DELEGATE}, "All"))


def test_a_case_that_cannot_be_read_is_refused_and_stays_in_the_form(owner: Person) -> None:
    answer = owner.send(f"{HERE}/cases", called="odd <name>", kind="may", who="<b>x</b>", **{"as": ""})
    assert answer.status_code == 400 and 'role="alert"' in answer.text and "<b>x" not in answer.text
    assert "None: any change" in words(answer.text)
    gone = owner.send(f"{HERE}/cases/remove", page=f"{HERE}/cases", called="no-such")
    assert gone.status_code == 404


def test_cases_need_their_own_permissions(sesame: SesameProcess, tenant: Tenant) -> None:
    make_user(tenant, actions='"ses:*"', name="clerk")
    clerk, _ = log_in(sesame, tenant, user="clerk")
    assert clerk.get(f"{HERE}/cases").status_code == 403
