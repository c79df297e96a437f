"""Hostile text in every field that the newer pages show: Home, Ask why, Programs, failed log-ins, settings, services,
the audit log, Me. Nothing of it becomes markup, an address or a character that is not seen; forms sent twice do once.
"""

import base64
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from sesame.app.foundation import Services
from sesame.console.text import is_seen
from sesame.store.iam import services as stored_services
from tests.console.hostile import HEADERS, HOST
from tests.console.test_login import PASSWORD, make_user
from tests.support.audit_log import audit_log
from tests.support.browser import Person, operator, root_of, words
from tests.support.process import REGION, SesameProcess, running
from tests.support.submission import connected
from tests.support.tenant import Tenant

HERE = f"/{REGION}"
PATTERNS = [text for text in HEADERS if "${" not in text]
"""What may stand in a condition."""
ADDRESSES = (
    "href",
    "src",
    "action",
    "formaction",
    "srcset",
    "data",
    "poster",
    "style",
    "srcdoc",
    "http-equiv",
)
SCRIPTS = re.compile(r"/static/(console|editor)\.[0-9a-f]{16}\.js")


class _Reader(HTMLParser):
    """What of a page a browser would run, follow by itself or hide."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in (
            "iframe",
            "object",
            "embed",
            "base",
            "style",
            "video",
            "audio",
            "frameset",
            "math",
            "marquee",
        ):
            self.wrong.append(tag)
        if tag == "script" and not SCRIPTS.fullmatch(given.get("src", "")):
            self.wrong.append(f"script {given}")
        if tag == "meta" and "http-equiv" in given:
            self.wrong.append(f"meta {given}")
        for name, value in given.items():
            if name.startswith("on"):
                self.wrong.append(f"{tag} {name}")
            if name in ADDRESSES and not value.startswith(("/", "#", "?", "data:image/png;base64,")):
                self.wrong.append(f"{tag} {name}={value[:80]}")


def wrong_in(page: str) -> list[str]:
    """What a page holds that it must not."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    seen = re.sub(r'<input type="hidden"[^>]*>', "", page)  # which goes back as it came, and nobody sees
    hidden = sorted({char for char in seen if char not in "\n\t" and not is_seen(char)})
    return [*reader.wrong, *map(repr, hidden)]


def test_the_reader_sees_what_is_hostile() -> None:
    """Of the texts that are markup each is seen where it stands as it came."""
    seen = [text for text in HEADERS if wrong_in(f"<p title='{text}'>{text}</p>")]
    assert len(seen) >= 12
    assert wrong_in(f"<a href={HOST}>x</a>") and wrong_in("<a href='javascript:x'>x</a>")
    assert wrong_in("<p>a\u202eb</p>") and not wrong_in("<p>a</p>")


def looked_at(person: Person, path: str, **options: object) -> str:
    answer = person.get(path, **options)
    assert answer.status_code < 500, path
    assert wrong_in(answer.text) == [], path
    return answer.text


ASKED = (
    "who", "door", "from", "arn", "to", "source", "source_arn", "return", "return_arn", "set", "at", "ip", "agent",
    "plain",
)  # fmt: skip


def test_what_is_asked_about(sesame: SesameProcess, tenant: Tenant) -> None:
    person = root_of(sesame, tenant.account.account_id)
    for text in HEADERS:
        page = looked_at(person, f"{HERE}/ask", params=dict.fromkeys(ASKED, text))
        assert "Ask" in words(page)
        good = {"from": "news@example.com", "door": "v2"}
        for name in ASKED:
            looked_at(person, f"{HERE}/ask", params={**good, name: text})
        asked = {"from": f'"{text}" <news@example.com>', "arn": tenant.arn, "who": "222222222222"}
        looked_at(person, f"{HERE}/ask", params=asked)


def test_what_policies_say_is_shown_where_they_are_asked(sesame: SesameProcess, tenant: Tenant) -> None:
    """Values of conditions, and names that are nothing: on Home as findings, in Ask why as what was compared."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "222222222222"},
        "Action": "ses:SendEmail",
        "Resource": tenant.arn,
        "Condition": {
            "StringLike": {"ses:FromDisplayName": PATTERNS},
            "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
        },
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    tenant.ses.put_identity_policy(Identity="example.com", PolicyName="p", Policy=document)
    tenant.iam.create_user(UserName="anna")
    denies = {
        "Effect": "Deny",
        "Action": "ses:*",
        "Resource": "*",
        "Condition": {"StringLike": {"aws:UserAgent": PATTERNS}},
    }
    tenant.iam.put_user_policy(
        UserName="anna",
        PolicyName="p",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": denies}),
    )
    person = root_of(sesame, tenant.account.account_id)
    looked_at(person, f"{HERE}/home")
    anna = f"arn:aws:iam::{tenant.account.account_id}:user/anna"
    for text in HEADERS:
        if text.isprintable():
            page = looked_at(
                person, f"{HERE}/ask", params={"who": anna, "from": "news@example.com", "agent": text}
            )
            assert "statement" in words(page)
        asked = {
            "who": "222222222222",
            "from": f'"{text}" <news@example.com>',
            "arn": tenant.arn,
            "ip": "10.1.1.1",
        }
        looked_at(person, f"{HERE}/ask", params=asked)


def test_what_is_typed_into_programs(sesame: SesameProcess, tenant: Tenant) -> None:
    person = root_of(sesame, tenant.account.account_id)
    page = f"{HERE}/programs"
    for text in HEADERS:
        looked_at(person, page, params={"user": text})
        for path, fields in (
            ("keys", {"user": text}),
            ("keys/change", {"key": text, "do": text, "user": text}),
            ("keys/change", {"key": text, "do": "bind", "arns": text, "user": ""}),
            ("smtp", {"name": text, "arn": ""}),
            ("smtp", {"name": "smtp-1", "arn": text}),
            ("smtp/test", {"username": text, "password": text, "user": ""}),
        ):
            answer = person.send(f"{page}/{path}", page=page, **fields)
            assert 400 <= answer.status_code < 500 or path == "smtp/test", (path, text)
            assert wrong_in(answer.text) == [], (path, text)
    assert tenant.iam.list_users()["Users"] == []
    assert len(tenant.iam.list_access_keys()["AccessKeyMetadata"]) == 1


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SesameProcess]:
    """A server of its own: with settings that somebody has written so, and nobody else's failures."""
    directory = tmp_path_factory.mktemp("own")
    name = "".join(char for char in HEADERS[1] + HEADERS[4] + "' x=\"" if char != "/" and char.isprintable())
    with running(
        directory / "data",
        SESAME_AUDIT__HEADS_FILE=str(directory / name[:200]),
        SESAME_SUBMISSION__FAILURE_DELAY_S="0.01",
        SESAME_CONSOLE__PASSWORD_MEMORY_KIB="64",
        SESAME_CONSOLE__FAILURES_PER_NETWORK="10000",
    ) as process:
        yield process


def test_names_that_failed_to_log_in(own: SesameProcess) -> None:
    stranger = Person(own.console)
    for text in HEADERS:
        given = base64.b64encode(f"\0{text}\0wrong".encode()).decode()
        with connected(own) as client:
            client.ehlo()
            client.docmd("AUTH", f"PLAIN {given}")
        answer = stranger.send("/login", account=text, user=text, password=text, code=text)
        assert answer.status_code in (403, 429) and wrong_in(answer.text) == []
        credential = f"{text.encode('ascii', 'replace').decode()}/20261129/us-east-1/ses/aws4_request"
        httpx.post(
            own.api,
            data={"Action": "GetSendQuota"},
            headers={
                "authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0",
                "x-amz-date": "20261129T000000Z",
            },
        )
    page = looked_at(operator(own), "/operator/log-ins")
    assert "onerror" in page, "they are shown, as text"


def test_settings_and_the_audit_log(own: SesameProcess, tmp_path: Path) -> None:
    person = operator(own)
    account = own.create_account()
    ses = own.client("ses", account)
    for text in HEADERS:
        asked = {"Identity": "example.com", "PolicyName": text, "Policy": text}
        with pytest.raises(ses.exceptions.ClientError):
            ses.put_identity_policy(**asked)
    root = root_of(own, account.account_id)
    for text in HEADERS:
        header = {"user-agent": text.encode("ascii", "replace").decode().replace("\t", " ")}
        root.client.headers.update(header)
        root.send(f"{HERE}/configuration-sets", name="set-of-a-hostile-browser")
        looked_at(root, "/me")
        looked_at(person, "/operator/audit", params={"account": text, "before": text, "after": text})
    page = looked_at(person, "/operator/settings")
    assert "heads_file" in page
    looked_at(person, "/operator/audit")
    looked_at(person, "/operator/audit", params={"account": account.account_id})
    looked_at(root, f"{HERE}/changes")


def test_names_of_services_that_somebody_wrote_into_the_store(own: SesameProcess) -> None:
    async def write(services: Services) -> None:
        for text in HEADERS:
            name = text

            async def run(tx: object, name: str = name) -> None:
                await stored_services.create(tx, name, created_at=0.0)  # type: ignore[arg-type]

            await services.store.write(run)

    own.operate(write)
    person = operator(own)
    page = looked_at(person, "/operator/services")
    assert "none: it cannot send" in words(page)
    for text in HEADERS:
        looked_at(person, "/operator/services", params={"after": text})


def test_the_browser_of_a_log_in_is_text(sesame: SesameProcess, tenant: Tenant) -> None:
    make_user(tenant)
    for text in HEADERS:
        person = Person(sesame.console)
        person.client.headers.update(
            {"user-agent": text.encode("ascii", "replace").decode().replace("\t", " ")}
        )
        person.send("/login", account=tenant.account.account_id, user="anna", password=PASSWORD)
        looked_at(person, "/me")
    for text in HEADERS:
        for path, fields in (
            ("/me/logins/end", {"login": text}),
            ("/me/devices/new", {"name": text}),
            ("/me/devices/enable", {"serial": text, "code1": text, "code2": text}),
            ("/me/devices/remove", {"serial": text}),
            ("/me/codes", {"once": text}),
            ("/me/choices", {"scheme": text, "zone": text}),
            ("/me/password", {"old": text, "new": text, "again": "x"}),
        ):
            answer = person.send(path, page="/me", **fields)
            assert answer.status_code < 500 and wrong_in(answer.text) == [], (path, text)
    assert person.get("/me").url.path == "/me", "nothing of it ended the log-in"


def twice(person: Person, path: str, page: str, **fields: str) -> list[str]:
    """A form that is sent twice as it is, as a click too many or a reload does: both answers."""
    shown = person.get(page).text
    token = re.search(r'name="token" value="([^"]+)"', shown)
    once = re.search(r'name="once" value="([^"]+)"', shown)
    assert token
    data = {"token": token[1], **({"once": once[1]} if once else {}), **fields}
    return [person.client.post(path, data=data, headers={"origin": person.base}).text for _ in "12"]


def changes(sesame: SesameProcess, account_id: str) -> list[str]:
    return [row["eventName"] for row in audit_log(sesame, account_id) if not row.get("errorCode")]


def test_programs_sent_twice_make_one_key_and_one_user(sesame: SesameProcess, tenant: Tenant) -> None:
    person = root_of(sesame, tenant.account.account_id)
    page = f"{HERE}/programs"
    first, second = twice(person, f"{page}/smtp", page, name="smtp-x", arn="")
    secret = re.search(r'data-copy="(AKIA[A-Z0-9]{16})"', first)
    assert secret and secret[1] in second, "who clicked twice is shown what was made"
    assert len(tenant.iam.list_access_keys(UserName="smtp-x")["AccessKeyMetadata"]) == 1
    first, second = twice(person, f"{page}/keys", page, user="smtp-x")
    assert "shown only once" in words(first) and "shown only once" in words(second)
    assert len(tenant.iam.list_access_keys(UserName="smtp-x")["AccessKeyMetadata"]) == 2
    key = tenant.iam.list_access_keys(UserName="smtp-x")["AccessKeyMetadata"][0]["AccessKeyId"]
    twice(person, f"{page}/keys/change", page, key=key, do="disable", user="smtp-x")
    twice(person, f"{page}/keys/change", page, key=key, do="delete", user="smtp-x")
    assert len(tenant.iam.list_access_keys(UserName="smtp-x")["AccessKeyMetadata"]) == 1


def test_a_person_sent_twice_is_made_one_key(sesame: SesameProcess, tenant: Tenant) -> None:
    tenant.iam.create_user(UserName="anna")
    person = root_of(sesame, tenant.account.account_id)
    page = f"{HERE}/people/users/anna"
    first, second = twice(person, f"{page}/keys", page)
    assert "shown only once" in words(first) and "shown only once" in words(second)
    assert len(tenant.iam.list_access_keys(UserName="anna")["AccessKeyMetadata"]) == 1


def test_a_case_kept_twice_is_one(sesame: SesameProcess, tenant: Tenant) -> None:
    person = root_of(sesame, tenant.account.account_id)
    asked = {"who": "222222222222", "from": "news@example.com", "arn": tenant.arn}
    fields = {**asked, "door": "v2", "identity": "example.com", "may": "no", "called": "one"}
    for page in twice(person, f"{HERE}/ask/keep", f"{HERE}/identities/example.com/cases", **fields):
        assert "The case is kept" in words(page)
    assert words(person.get(f"{HERE}/identities/example.com/cases").text).count("222222222222") >= 1
    assert changes(sesame, tenant.account.account_id).count("PutIdentityPolicyTests") == 2
    page = person.get(f"{HERE}/identities/example.com/cases").text
    assert page.count('value="Remove') + page.count("/cases/remove") == 1


def test_me_sent_twice_changes_once(sesame: SesameProcess, tenant: Tenant) -> None:
    make_user(tenant)
    person = Person(sesame.console)
    person.send("/login", account=tenant.account.account_id, user="anna", password=PASSWORD)
    twice(person, "/me/choices", "/me", scheme="dark", zone="")
    assert 'data-scheme="dark"' in person.get("/me").text
    twice(person, "/me/devices/new", "/me", name="phone")
    assert len(tenant.iam.list_virtual_mfa_devices()["VirtualMFADevices"]) == 1


def test_what_shows_a_secret_once_shows_it_to_who_clicks_twice(sesame: SesameProcess, tenant: Tenant) -> None:
    """Webhooks, new secrets of them and links for colleagues: one is made, and both answers have it."""
    person = root_of(sesame, tenant.account.account_id)
    sesame.client("sesv2", tenant.account).create_configuration_set(ConfigurationSetName="news")
    page = f"{HERE}/configuration-sets/news"
    told = {"destination": "program", "url": "https://example.com/events", "BOUNCE": "on"}
    for path, fields in (("webhooks", told), ("webhooks/secret", {"destination": "program"})):
        first, second = twice(person, f"{page}/{path}", page, **fields)
        secret = re.search(r'data-copy="(whsec_[^"]+)"', first)
        assert secret and secret[1] in second, path
    page = f"{HERE}/identities/example.com/shares"
    first, second = twice(person, page, page, kind="records", days="7")
    link = re.search(r'data-copy="([^"]+/shared/[^"]+)"', first)
    assert link and link[1] in second
    done = changes(sesame, tenant.account.account_id)
    assert [done.count(name) for name in ("CreateWebhook", "RotateWebhookSecret", "CreateShareLink")] == [
        1,
        1,
        1,
    ]


def test_an_account_is_made_once(own: SesameProcess) -> None:
    person = operator(own)
    pages = twice(person, "/operator/accounts/new", "/operator", name="twice")
    assert "is made" in words(pages[0]) and "is made" in words(pages[1])
    shown = words(person.get("/operator").text)
    assert shown.count("twice") - shown.count("for twice") == 1, "beside the line to copy for it"


def test_the_operators_forms_sent_twice(own: SesameProcess) -> None:
    person = operator(own)
    for page in twice(person, "/operator/audit", "/operator/audit"):
        assert "The audit log is whole" in words(page)
