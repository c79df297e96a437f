"""Colours and a time zone are a person's own, kept with the user, audited, and cost no page a statement."""

import datetime
from typing import Any

import pytest

from sesame.app.foundation import Services
from sesame.console import text, zones
from tests.console.test_login import log_in, make_user
from tests.support.audit_log import audit_log
from tests.support.browser import Person, operator, root_of, words
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import MESSAGE, TO, Tenant

DARK, PLAIN = '<html lang="en" data-scheme="dark">', '<html lang="en">'
BERLIN = "Europe/Berlin"
needs_zones = pytest.mark.skipif(
    BERLIN not in zones.names(), reason="no time zones on this machine: tzdata has them"
)


def choose(person: Person, **chosen: str) -> Any:
    return person.send("/me/choices", page="/me", **chosen)


@needs_zones
def test_what_is_chosen_stays_with_the_user_and_is_nobody_elses(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    make_user(tenant)
    person, _ = log_in(sesame, tenant)
    assert PLAIN in person.get("/me").text
    for _ in "12":
        assert DARK in choose(person, scheme="dark", zone=BERLIN).text
    person.send("/logout", page="/me")
    assert PLAIN in person.get("/login").text
    person, _ = log_in(sesame, tenant)
    page = person.get("/me").text
    assert DARK in page
    assert '<option value="dark" selected>' in page and f"<option selected>{BERLIN}</option>" in page
    for other, path in (
        (root_of(sesame, tenant.account.account_id), "/me"),
        (operator(sesame), "/operator"),
    ):
        assert PLAIN in other.get(path).text


@needs_zones
def test_the_operator_who_looks_has_not_what_the_root_chose(sesame: SesameProcess, tenant: Tenant) -> None:
    choose(root_of(sesame, tenant.account.account_id), scheme="dark", zone=BERLIN)
    looking = operator(sesame)
    looking.send("/operator/look", page="/operator", account=tenant.account.account_id)
    assert PLAIN in looking.get(f"/{REGION}/home").text
    refused = looking.send("/me/choices", page="/me", scheme="light", zone="")
    assert refused.status_code == 403
    assert DARK in root_of(sesame, tenant.account.account_id).get("/me").text


HOSTILE = ["blue", 'dark" onload="x', "DARK", "light ", "\u202edark", "x" * 5_000]


NO_ZONES = ["../../etc/passwd", "Etc/GMT+3", "Europe/Nowhere", "/etc/localtime"]


@pytest.mark.parametrize(
    "chosen",
    [{"scheme": one, "zone": ""} for one in HOSTILE]
    + [{"scheme": "", "zone": one} for one in (*HOSTILE, *NO_ZONES)],
)
def test_what_is_in_no_list_is_refused_and_changes_nothing(
    sesame: SesameProcess, tenant: Tenant, chosen: dict[str, str]
) -> None:
    person = root_of(sesame, tenant.account.account_id)
    choose(person, scheme="dark", zone="")
    answer = choose(person, **chosen)
    assert answer.status_code == 400 and "from the lists" in words(answer.text)
    assert DARK in person.get("/me").text and "Europe/Nowhere" not in person.get("/me").text


def test_a_choice_is_in_the_audit_log(sesame: SesameProcess, tenant: Tenant) -> None:
    make_user(tenant)
    person, _ = log_in(sesame, tenant)
    choose(person, scheme="light", zone="")
    row = audit_log(sesame, tenant.account.account_id)[-1]
    assert row["eventName"] == "PutConsoleChoices"
    assert row["requestParameters"] == {"scheme": "light", "timeZone": ""}
    assert row["userIdentity"]["type"] == "IAMUser" and row["userIdentity"]["userName"] == "anna"
    assert row["sourceIPAddress"] == "127.0.0.1"
    choose(root_of(sesame, tenant.account.account_id), scheme="", zone="")
    assert audit_log(sesame, tenant.account.account_id)[-1]["userIdentity"]["type"] == "Root"


def test_a_user_who_goes_takes_it_along(sesame: SesameProcess, tenant: Tenant) -> None:
    make_user(tenant)
    person, _ = log_in(sesame, tenant)

    async def count(services: Services) -> int:
        rows = await services.store.read(lambda tx: tx.one("SELECT COUNT(*) FROM console_choice"))
        return int(rows[0]) if rows else 0

    before = sesame.operate(count)
    choose(person, scheme="dark", zone="")
    assert sesame.operate(count) == before + 1
    tenant.iam.delete_user_policy(UserName="anna", PolicyName="p")
    tenant.iam.delete_login_profile(UserName="anna")
    tenant.iam.delete_user(UserName="anna")
    assert sesame.operate(count) == before


@needs_zones
def test_times_are_in_the_zone_with_its_name_and_utc_beside(sesame: SesameProcess, tenant: Tenant) -> None:
    sent = tenant.ses.send_email(Source="news@example.com", Destination=TO, Message=MESSAGE)["MessageId"]
    person = root_of(sesame, tenant.account.account_id)
    path = f"/{REGION}/messages/{sent}"
    assert " UTC</time>" in person.get(path).text.partition("<main")[2].partition("</main>")[0]
    choose(person, scheme="", zone="Asia/Kolkata")
    page = person.get(path).text.partition("<main")[2].partition("</main>")[0]
    assert " IST</time>" in page and ' UTC"' in page and " UTC</time>" not in page
    listed = person.get(f"/{REGION}/messages").text.partition("<main")[2]
    assert " IST</time>" in listed


@needs_zones
def test_the_hour_that_comes_twice_is_told_apart() -> None:
    """On 25 October 2026 clocks in Berlin go from 03:00 CEST back to 02:00 CET."""
    first = datetime.datetime(2026, 10, 25, 0, 30, tzinfo=datetime.UTC).timestamp()
    berlin = zones.zone(BERLIN)
    assert text.when(first, now=first, zone=berlin) == "02:30:00 CEST"
    assert text.when(first + 3600, now=first, zone=berlin) == "02:30:00 CET"
    assert text.exactly(first + 3600, berlin) == "2026-10-25 02:30:00 CET"
    last = datetime.datetime(2026, 3, 29, 0, 59, 59, tzinfo=datetime.UTC).timestamp()
    assert text.when(last, now=last, zone=berlin) == "01:59:59 CET"
    assert text.when(last + 1, now=last, zone=berlin) == "03:00:00 CEST"


@needs_zones
def test_today_is_the_zones() -> None:
    late = datetime.datetime(2026, 11, 26, 23, 30, tzinfo=datetime.UTC).timestamp()
    assert text.when(late, now=late + 3600) == "26 Nov 23:30 UTC"
    assert text.when(late, now=late + 3600, zone=zones.zone(BERLIN)) == "00:30:00 CET"
    assert text.when(late, now=late + 400 * 86_400, zone=zones.zone(BERLIN)) == "27 Nov 2026 00:30 CET"


def test_a_zone_that_the_machine_knows_no_more_is_utc() -> None:
    assert zones.zone("Atlantis/Capital") is datetime.UTC and zones.zone("../x") is datetime.UTC


@pytest.mark.parametrize("zone", [datetime.UTC, datetime.timezone(datetime.timedelta(hours=5, minutes=30))])
@pytest.mark.parametrize(
    "at", [0.0, 1.9, 86_399.999, 951_782_400.0, 1_796_000_000.5, 253_400_000_000.0, -62_135_500_000.0]
)
def test_times_are_written_as_the_c_library_writes_them(at: float, zone: datetime.tzinfo) -> None:
    moment = datetime.datetime.fromtimestamp(at, zone)
    assert text.exactly(at, zone) == moment.isoformat(" ", "seconds")[:19] + moment.strftime(" %Z")
    assert text.when(at, now=at, zone=zone) == moment.strftime("%H:%M:%S %Z")
    days = f"{moment.day} {moment.strftime('%b')}"
    assert text.when(at, now=at + 86_400, zone=zone) in (
        f"{days} {moment.strftime('%H:%M %Z')}",
        f"{days} {moment.year} {moment.strftime('%H:%M %Z')}",
    )
