"""Which regions an account has identities in, and how many; and what is said of where records were looked up."""

from tests.support.browser import Person, main_of, root_of
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant


def test_each_region_has_its_number_and_the_menu_leads_there(
    sesame: SesameProcess, tenant: Tenant, person: Person
) -> None:
    assert f'href="/{REGION}/regions"' in person.get(f"/{REGION}/home").text
    assert "identities in 1 region." in main_of(person.get(f"/{REGION}/regions"))
    west = sesame.client("sesv2", tenant.account, "eu-west-1")
    for name in ("one.example", "two.example"):
        west.create_email_identity(EmailIdentity=name)
    said = main_of(person.get("/eu-central-1/regions"))
    assert "identities in 2 regions." in said
    for row in ("eu-central-1 this one 0", "eu-west-1 2", f"{REGION} 1"):
        assert row in said, row


def test_others_identities_are_not_counted(sesame: SesameProcess) -> None:
    stranger = root_of(sesame, sesame.create_account().account_id)
    assert "no identity in any region yet" in main_of(stranger.get(f"/{REGION}/regions"))


def test_records_are_told_with_where_and_when_they_were_seen_and_can_be_copied_whole(person: Person) -> None:
    page = person.get(f"/{REGION}/identities/example.com")
    assert "As the zone of this server said just now, 20" in main_of(page)
    zone = person.get(f"/{REGION}/identities/example.com/zone").text
    for line in zone.splitlines():
        assert line in main_of(page), line
