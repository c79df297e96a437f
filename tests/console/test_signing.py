"""Signing of an identity as the console shows and changes it: keys, the MAIL FROM domain, DMARC."""

import re
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sesame.app.foundation import Services
from sesame.store import development, identities
from tests.console.hostile import HEADERS
from tests.console.test_again import age
from tests.console.test_hostile_newer import wrong_in
from tests.console.test_login import PASSWORD, log_in, make_user
from tests.support.audit_log import audit_log
from tests.support.browser import Person, main_of, root_of, words
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant

IDENTITY = f"/{REGION}/identities/example.com"
HERE = f"{IDENTITY}/signing"


@pytest.fixture(scope="module")
def pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def body(pem: str) -> str:
    return "".join(pem.splitlines()[1:-1])


def zone(sesame: SesameProcess, *records: tuple[str, str, str], without: str = "") -> None:
    """Put records into DNS, in the place of those of a name and kind."""

    async def run(services: Services) -> None:
        async def change(tx: Any) -> None:
            for name, kind, _ in records:
                await development.withdraw(tx, name, kind)
            for kind in ("TXT", "MX", "CNAME") if without else ():
                await development.withdraw(tx, without, kind)
            await development.publish(tx, list(records))

        await services.store.write(change)

    sesame.operate(run)


@pytest.fixture(autouse=True)
def no_policy(sesame: SesameProcess, tenant: Tenant) -> None:
    """DNS is one for all accounts: no test finds another's policy."""
    zone(sesame, without="_dmarc.example.com")


@pytest.fixture
def easy(v2: Any, person: Person) -> Person:
    """example.com with Easy DKIM."""
    assert person.send(f"{HERE}/key", page=HERE, origin="easy", length="2048").url.path == HERE
    return person


def dkim(v2: Any, name: str = "example.com") -> dict[str, Any]:
    found: dict[str, Any] = v2.get_email_identity(EmailIdentity=name)["DkimAttributes"]
    return found


def text(person: Person, path: str = HERE) -> str:
    answer = person.get(path)
    assert answer.status_code == 200
    return main_of(answer)


def test_a_domain_begins_unsigned_and_is_signed_with_easy_dkim(person: Person, v2: Any) -> None:
    page = text(person)
    assert "not signed, because DKIM is not set up, and would not pass DMARC; no policy" in page
    assert "There is no key yet." in page
    person.send(f"{HERE}/key", page=HERE, origin="easy", length="2048")
    assert dkim(v2)["CurrentSigningKeyLength"] == "RSA_2048_BIT"
    page = text(person)
    assert "Mail as example.com is signed and would pass DMARC by DKIM alone; no policy is published." in page
    assert re.search(r"In use [a-z0-9]+ Copy selector RSA, 2,048 bits [0-9:]+ UTC found", page)


def test_another_length_shows_the_key_before_and_waits_a_day(easy: Person, v2: Any) -> None:
    easy.send(f"{HERE}/key", page=HERE, origin="easy", length="1024")
    assert dkim(v2)["CurrentSigningKeyLength"] == "RSA_1024_BIT"
    page = text(easy)
    assert re.search(r"In use \S+ Copy selector RSA, 1,024 bits", page)
    assert re.search(r"Previous \S+ Copy selector RSA, 2,048 bits — found", page)
    refused = easy.send(f"{HERE}/key", page=HERE, origin="easy", length="2048")
    assert refused.status_code == 400
    assert "can be changed once in 24 hours" in main_of(refused)
    for length in ("512", "", "x"):  # no length at all leaves the key as it is
        easy.send(f"{HERE}/key", page=HERE, origin="easy", length=length)
    assert dkim(v2)["CurrentSigningKeyLength"] == "RSA_1024_BIT"


def test_the_next_key_waits_until_dns_shows_it(easy: Person, tenant: Tenant, sesame: SesameProcess) -> None:
    """A key that rotation has made, of which nothing is published yet."""

    async def run(services: Services) -> None:
        keys = services.dkim_rotation._keys
        pair = await keys.make(1024)

        async def change(tx: Any) -> None:
            identity = await identities.get(tx, tenant.account.account_id, REGION, "example.com")
            assert identity is not None
            await keys.put_next(tx, identity, pair)

        await services.store.write(change)

    sesame.operate(run)
    page = text(easy)
    assert re.search(r"In use \S+ Copy selector RSA, 2,048 bits", page)
    assert re.search(r"Next \S+ Copy selector RSA, 1,024 bits \S+ UTC (missing|another key)", page)
    assert "The next key signs once DNS shows it." in page


def test_signing_is_switched_off_and_on(easy: Person, v2: Any) -> None:
    easy.send(f"{HERE}/switch", page=HERE, enabled="no")
    assert dkim(v2)["SigningEnabled"] is False
    page = text(easy)
    assert "not signed, because signing is switched off" in page
    assert "DKIM no signature — — relaxed would not pass" in page
    easy.send(f"{HERE}/switch", page=HERE, enabled="yes")
    assert dkim(v2)["SigningEnabled"] is True
    assert "Mail as example.com is signed and" in text(easy)


def test_a_key_that_is_lost_in_dns_is_said_to_be(easy: Person, v2: Any, sesame: SesameProcess) -> None:
    for token in dkim(v2)["Tokens"]:
        zone(sesame, without=f"{token}._domainkey.example.com")
    page = text(easy)
    assert "UTC missing" in page
    assert "is signed and" in page, "it signs until the check that finds it missing has run for three days"


@pytest.mark.parametrize("form", ["pem", "base64", "one line"])
def test_a_key_of_ones_own_signs_and_is_never_shown(
    sesame: SesameProcess, tenant: Tenant, person: Person, v2: Any, pem: str, form: str
) -> None:
    given = {"pem": pem, "base64": body(pem), "one line": pem.replace("\n", " ")}[form]
    selector = f"own{tenant.account.account_id}"
    answer = person.send(f"{HERE}/key", page=HERE, origin="own", selector=f" {selector} ", private_key=given)
    assert answer.url.path == HERE
    found = dkim(v2)
    assert (found["SigningAttributesOrigin"], found["Tokens"]) == ("EXTERNAL", [selector])
    page = main_of(answer)
    assert f"In use {selector} Copy selector RSA, 2,048 bits" in page
    assert "BYODKIM: the key is yours" in page
    pages = [answer.text, *(person.get(path).text for path in (HERE, IDENTITY, f"/{REGION}/changes"))]
    rows = str(audit_log(sesame, tenant.account.account_id))
    assert "PutEmailIdentityDkimSigningAttributes" in rows
    for part in (body(pem)[200:260], body(pem)[-60:], "PRIVATE KEY-----"):
        assert all(part not in one for one in (*pages, rows, sesame.log_path.read_text()))
    back = person.send(f"{HERE}/key", page=HERE, origin="easy", length="2048")
    assert "Easy DKIM: Sesame makes the keys" in main_of(back)
    assert dkim(v2)["SigningAttributesOrigin"] == "AWS_SES"


@pytest.mark.parametrize(
    ("selector", "key"),
    [
        ("autumn", "nonsense"),
        ("autumn", ""),
        ("", "KEY"),
        ("not a selector", "KEY"),
        ("autumn", "-----BEGIN PRIVATE KEY-----\nSECRETSECRET\n-----END PRIVATE KEY-----"),
    ],
)
def test_a_key_that_cannot_be_used_keeps_the_selector_and_not_the_key(
    person: Person, v2: Any, pem: str, selector: str, key: str
) -> None:
    before = dkim(v2)
    given = pem if key == "KEY" else key
    answer = person.send(f"{HERE}/key", page=HERE, origin="own", selector=selector, private_key=given)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert f'name="selector" value="{selector}"' in answer.text
    assert "<details open>" in answer.text
    assert re.search(r'<textarea name="private_key"[^>]*></textarea>', answer.text)
    for part in ("nonsense", "SECRETSECRET", body(pem)[100:150]):
        assert part not in answer.text
    assert dkim(v2) == before


def test_a_key_is_not_shown_by_the_page_that_asks_for_the_password_nor_by_one_that_is_too_late(
    sesame: SesameProcess, tenant: Tenant, v2: Any, pem: str
) -> None:
    make_user(tenant)
    person, _ = log_in(sesame, tenant)
    age(sesame, tenant.account.account_id)
    given = {"origin": "own", "selector": "autumn", "private_key": pem}
    asked = person.send(f"{HERE}/key", page=HERE, **given)
    assert asked.status_code == 403
    assert "The private key, which is not kept" in asked.text
    assert 'name="selector" value="autumn"' in asked.text
    assert body(pem)[100:150] not in asked.text
    token = person.token(HERE)
    wrong = {**given, "token": token, "again_password": "Wrong-horse-1"}
    origin = {"origin": person.base}
    assert body(pem)[100:150] not in person.client.post(f"{HERE}/key", data=wrong, headers=origin).text
    done = person.client.post(f"{HERE}/key", data={**wrong, "again_password": PASSWORD}, headers=origin)
    assert done.url.path == HERE
    assert dkim(v2)["Tokens"] == ["autumn"]
    token = person.token(HERE)
    person.send("/logout", page="/me")
    late = person.client.post(f"{HERE}/key", data={**given, "token": token}, headers=origin)
    assert "Nothing was changed" in words(late.text)
    assert body(pem)[100:150] not in late.text


def test_the_mail_from_domain_is_set_changed_and_removed(person: Person, v2: Any) -> None:
    def attributes() -> dict[str, str]:
        found: dict[str, str] = v2.get_email_identity(EmailIdentity="example.com")["MailFromAttributes"]
        return found

    assert "Bounces go to the operator's domain" in text(person)
    send = {"domain": "bounce.example.com", "behaviour": "USE_DEFAULT_VALUE"}
    page = main_of(person.send(f"{HERE}/mail-from", page=HERE, **send))
    assert attributes()["MailFromDomain"] == "bounce.example.com"
    assert "in force" in page
    assert "MX · MAIL FROM" in page
    assert "TXT · MAIL FROM" in page
    assert "would pass DMARC by SPF alone" in page
    person.send(f"{HERE}/mail-from", page=HERE, **{**send, "behaviour": "REJECT_MESSAGE"})
    assert attributes()["BehaviorOnMxFailure"] == "REJECT_MESSAGE"
    refused = person.send(f"{HERE}/mail-from", page=HERE, **{**send, "domain": "bounce.example.net"})
    assert refused.status_code == 400
    assert "is not subdomain of the domain of the identity" in main_of(refused)
    assert 'name="domain" value="bounce.example.net"' in refused.text
    empty = person.send(f"{HERE}/mail-from", page=HERE, domain=" ", behaviour="REJECT_MESSAGE")
    assert empty.status_code == 400
    assert '<option value="REJECT_MESSAGE" selected>' in empty.text
    assert attributes()["MailFromDomain"] == "bounce.example.com", "an empty field takes nothing away"
    person.send(f"{HERE}/mail-from", page=HERE, do="remove")
    assert "MailFromDomain" not in attributes()


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ("USE_DEFAULT_VALUE", "Until its records are found, bounces go to"),
        ("REJECT_MESSAGE", "Sends as example.com are refused until its records are found."),
    ],
)
def test_a_mail_from_domain_whose_mx_fails_says_what_becomes_of_mail(
    sesame: SesameProcess, person: Person, behaviour: str, said: str
) -> None:
    domain = f"{behaviour[:3].lower()}.example.com"
    person.send(f"{HERE}/mail-from", page=HERE, domain=domain, behaviour=behaviour)
    zone(sesame, (domain, "MX", "10 mx.elsewhere.example"))
    person.send(f"{IDENTITY}/check", page=IDENTITY)
    page = text(person)
    assert "records lost until" in page
    assert said in page
    assert "Another value" in page
    assert "10 mx.elsewhere.example" in page
    assert "would not pass DMARC" in page, "bounces go to the operator's domain meanwhile"


def test_an_address_is_signed_by_its_domain_or_not_as_its_own_switch_says(
    easy: Person, v2: Any, sesame: SesameProcess
) -> None:
    v2.create_email_identity(EmailIdentity="news@example.com")
    here = f"/{REGION}/identities/news@example.com/signing"
    page = text(easy, here)
    assert (
        "Mail as news@example.com is signed by example.com and would pass DMARC by DKIM alone; no policy is published."
        in page
    )
    assert f'href="{HERE}"' in easy.get(here).text
    assert "BYODKIM" not in page
    assert "Make a key" not in page
    easy.send(f"{here}/switch", page=here, enabled="no")
    assert "news@example.com is not signed, because signing is switched off" in text(easy, here)
    assert "Mail as example.com is signed and" in text(easy)
    easy.send(f"{HERE}/switch", page=HERE, enabled="no")
    easy.send(f"{here}/switch", page=here, enabled="yes")
    assert "news@example.com is signed by example.com" in text(easy, here), "its own switch counts"
    refused = easy.send(f"{here}/key", page=here, origin="easy", length="2048")
    assert refused.status_code == 400


def test_an_address_without_a_domain_of_the_accounts_is_not_signed(person: Person, v2: Any) -> None:
    v2.create_email_identity(EmailIdentity="info@alone.example")
    page = text(person, f"/{REGION}/identities/info@alone.example/signing")
    assert "not signed, because DKIM is not set up" in page
    assert "Add alone.example" in page


def test_a_subdomain_is_signed_by_its_parent(easy: Person, tenant: Tenant) -> None:
    tenant.ses.verify_domain_identity(Domain="sub.example.com")
    page = text(easy, f"/{REGION}/identities/sub.example.com/signing")
    assert (
        "Mail as sub.example.com is signed by example.com and would pass DMARC by DKIM alone; no policy is published."
        in page
    )


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], "Not published Large receivers ask for a policy."),
        (["v=DMARC1; p=none"], "asks receivers of mail that does not pass to do nothing about it"),
        (["v=DMARC1; p=quarantine"], "to treat it as spam: v=DMARC1; p=quarantine"),
        (["v=DMARC1; p=reject", "v=DMARC1; p=none"], "2 records at _dmarc.example.com"),
        (["v=DMARC1; rua=mailto:x@example.com"], "No policy in the record at _dmarc.example.com"),
        (
            ["v=DMARC1; p=reject; adkim=s; aspf=s"],
            "SPF bounces.sesame.localhost not aligned not aligned strict",
        ),
    ],
)
def test_the_policy_is_the_one_that_dns_shows(
    sesame: SesameProcess, easy: Person, records: list[str], said: str
) -> None:
    zone(sesame, *(("_dmarc.example.com", "TXT", text) for text in records))
    page = text(easy)
    assert said in page
    counts = sum("p=" in text for text in records) == 1
    assert f"is signed and {'passes' if counts else 'would pass'} DMARC by DKIM alone" in page
    assert re.search(rf"(?:relaxed|strict) {'passes' if counts else 'would pass'}(?! DMARC)", page)
    assert ("no policy is published" in page) is (records == [])
    assert ("what is published as its policy does not count" in page) is (records != [] and not counts)


def test_mail_that_does_not_pass_and_is_to_be_refused_is_said_to_be(
    sesame: SesameProcess, person: Person
) -> None:
    zone(sesame, ("_dmarc.example.com", "TXT", "v=DMARC1; p=reject"))
    assert "does not pass DMARC: receivers are asked to refuse it." in text(person)


def test_strict_alignment_takes_the_domain_alone(sesame: SesameProcess, easy: Person) -> None:
    easy.send(f"{HERE}/mail-from", page=HERE, domain="bounce.example.com", behaviour="USE_DEFAULT_VALUE")
    assert "would pass DMARC by DKIM and SPF; no policy is published." in text(easy)
    zone(sesame, ("_dmarc.example.com", "TXT", "v=DMARC1; p=none; aspf=s"))
    page = text(easy)
    assert "passes DMARC by DKIM alone" in page
    assert "SPF bounce.example.com aligned not aligned strict does not pass" in page


def test_hostile_records_are_text(sesame: SesameProcess, person: Person) -> None:
    person.send(f"{HERE}/mail-from", page=HERE, domain="h.example.com", behaviour="USE_DEFAULT_VALUE")
    for hostile in HEADERS:
        zone(
            sesame,
            ("_dmarc.example.com", "TXT", f"v=DMARC1; p={hostile}"),
            ("h.example.com", "TXT", f"v=spf1 {hostile}"),
        )
        page = person.get(HERE).text
        assert wrong_in(page) == []
        assert "DMARC" in page


def test_what_is_anothers_is_not_there(sesame: SesameProcess, easy: Person) -> None:
    stranger = root_of(sesame, sesame.create_account().account_id)
    answers: list[httpx.Response] = [
        stranger.get(f"/{REGION}/identities/{name}/signing") for name in ("example.com", "nowhere.example")
    ]
    assert [one.status_code for one in answers] == [404, 404]
    assert main_of(answers[0]).replace("example.com", "X") == main_of(answers[1]).replace(
        "nowhere.example", "X"
    )


def test_the_call_in_the_foot_has_no_key(person: Person, pem: str) -> None:
    person.send(f"{HERE}/key", page=HERE, origin="own", selector="foot", private_key=pem)
    page = person.get(HERE).text
    assert "YOUR-PRIVATE-KEY" in page
    assert body(pem)[:40] not in page
