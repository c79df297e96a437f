"""The operator's pages: the queue and what is done with it, accounts and answers, what is found, the instance."""

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sesame.app.foundation import Services
from sesame.db import Transaction
from sesame.model import SYSTEM_ACCOUNT, IdentityKind
from tests.support.audit_log import audit_log
from tests.support.browser import Person, operator, root_of, words
from tests.support.process import REGION, Account, SesameProcess, running, wait_until
from tests.support.tenant import Tenant

DESCRIPTION = "Invoices of a small shop; <b>never</b> more than 100 a day."


@pytest.fixture
def person(sesame: SesameProcess) -> Person:
    return operator(sesame)


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SesameProcess]:
    """A server that delivers nothing: what is accepted waits."""
    with running(tmp_path_factory.mktemp("still") / "data", SESAME_DELIVERY__ENABLED="false") as process:
        yield process


@pytest.fixture
def waits(still: SesameProcess) -> Tenant:
    """An account on it."""
    account = still.create_account()
    tenant = Tenant(still, account)
    tenant.ses.verify_domain_identity(Domain="example.com")
    return tenant


def send(tenant: Tenant, *to: str) -> str:
    sent: str = tenant.ses.send_email(
        Source="news@example.com",
        Destination={"ToAddresses": list(to)},
        Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
    )["MessageId"]
    return sent


def waiting(sesame: SesameProcess, domain: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = sesame.run_json("queue", "list", "--domain", domain)
    return listed


OPERATORS = (
    "/operator",
    "/operator/instance",
    "/operator/instance/minutes",
    "/operator/queue",
    "/operator/queue/to/example.net",
    "/operator/queue/change?do=retry&domain=example.net",
    "/operator/deliveries",
    "/operator/deliveries/connections",
    "/operator/zone",
    "/operator/log-ins",
    "/operator/settings",
    "/operator/services",
    "/operator/audit",
    "/operator/audit/000000000000/1",
    "/operator/audit/000000000000/1/raw",
    "/operator/dns",
    "/operator/dns/zone",
    "/operator/find?q=example.com",
    "/operator/accounts/100000000000",
    "/operator/messages/x",
    "/operator/refusals/x",
)


@pytest.mark.parametrize("path", OPERATORS)
def test_operator_pages_are_nobody_elses(sesame: SesameProcess, tenant: Tenant, path: str) -> None:
    """Whoever is logged in to an account finds nothing there, whoever is not is asked to log in."""
    answer = root_of(sesame, tenant.account.account_id).get(path)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert Person(sesame.console).get(path).url.path == "/login"


def test_operator_forms_are_nobody_elses(sesame: SesameProcess, tenant: Tenant) -> None:
    person = root_of(sesame, tenant.account.account_id)
    before = sesame.run_json("queue", "pause")
    for path, fields in (
        ("/operator/queue/pause", {"domain": "stolen.example"}),
        ("/operator/queue/change", {"do": "cancel", "domain": "example.net"}),
        (f"/operator/accounts/{tenant.account.account_id}/answer", {"answer": "grant"}),
        (f"/operator/accounts/{tenant.account.account_id}/quota", {"daily": "-1"}),
        ("/operator/accounts/new", {"name": "x"}),
        ("/operator/look", {"account": tenant.account.account_id}),
    ):
        assert person.send(path, page="/me", **fields).status_code == 404, path
    assert sesame.run_json("queue", "pause") == before


def test_the_queue_is_shown_by_destination_and_changed_with_an_audit_row(
    still: SesameProcess, waits: Tenant
) -> None:
    person, slow = operator(still), f"slow-{waits.account.account_id}.example"
    still.run("queue", "pause", slow, "--reason", "tried in a test")
    message_id = send(waits, f"anna@{slow}", f"ben@{slow}")
    page = words(person.get("/operator/queue").text)
    assert f"{slow} paused 2" in page
    raw, share = (
        person.get("/operator/queue").text,
        r'<span>([0-9,]+)<svg class="share"[^<]*<rect class="track"[^<]*',
    )
    bars, drawn = re.findall(share, raw), re.findall(f'{share}<rect class="part"', raw)
    assert "0" in bars and "0" not in drawn and drawn, "of nothing there is no bar"
    assert "tried in a test" in page
    here = f"/operator/queue/to/{slow}"
    shown = words(person.get(here).text)
    assert f"anna@{slow}" in shown
    assert "2 recipients wait" in shown
    assert "not tried yet" in shown
    for verb, said in (("hold", "Held: 2."), ("release", "Released: 2."), ("retry", "Due at once: 2.")):
        ask = f"/operator/queue/change?do={verb}&domain={slow}"
        assert "2 recipients to" in words(person.get(ask).text)
        answer = person.send("/operator/queue/change", page=ask, do=verb, domain=slow, reason="why not")
        assert answer.url.path == here
        assert said in answer.text
        assert {one["state"] for one in waiting(still, slow)} == {"held" if verb == "hold" else "queued"}
    ask = f"/operator/queue/change?do=cancel&message={message_id}"
    answer = person.send("/operator/queue/change", page=ask, do="cancel", message=message_id, reason="enough")
    assert answer.url.path == f"/operator/messages/{message_id}"
    assert "Cancelled: 2." in answer.text
    assert waiting(still, slow) == []
    again = person.send("/operator/queue/change", page="/operator", do="cancel", message=message_id)
    assert "Cancelled: 0." in again.text
    rows = [
        row
        for row in audit_log(still, SYSTEM_ACCOUNT)
        if slow in json.dumps(row) or message_id in json.dumps(row)
    ]
    names = [row["eventName"] for row in rows if row["eventSource"] == "console.sesame"]
    assert names == ["HoldDelivery", "ReleaseDelivery", "RetryDelivery", "CancelDelivery"]
    last = rows[-1]
    assert last["userIdentity"] == {"type": "Operator", "principalId": "console"}
    assert last["sourceIPAddress"] == "127.0.0.1"
    assert last["requestParameters"] == {"filter": {"message_id": message_id}, "reason": "enough"}


def test_a_destination_is_paused_and_resumed(still: SesameProcess, waits: Tenant) -> None:
    person, domain = operator(still), f"p-{waits.account.account_id}.example"
    answer = person.send(
        "/operator/queue/pause",
        page="/operator/queue",
        domain=f" {domain.upper()}. ",
        reason="<i>they asked</i>",
    )
    assert answer.url.path == f"/operator/queue/to/{domain}"
    assert "&lt;i&gt;they asked" in answer.text
    assert domain in [one["domain"] for one in still.run_json("queue", "pause")]
    person.send("/operator/queue/resume", page=answer.url.path, domain=domain)
    assert domain not in [one["domain"] for one in still.run_json("queue", "pause")]
    assert (
        person.send("/operator/queue/pause", page="/operator/queue", domain="not a domain").status_code == 400
    )


@pytest.mark.parametrize(
    "query", ["", "do=retry", "do=burn&domain=a.example", "do=retry&domain=a.example&message=x"]
)
def test_a_change_of_nothing_or_of_everything_is_not_offered(person: Person, query: str) -> None:
    assert person.get(f"/operator/queue/change?{query}").status_code == 404
    fields = dict(pair.split("=") for pair in query.split("&") if pair)
    assert person.send("/operator/queue/change", page="/operator", **fields).status_code == 404


def test_deliveries_show_what_servers_said(sesame: SesameProcess, tenant: Tenant, person: Person) -> None:
    sent = send(tenant, "bounce@simulator.amazonses.com")
    path = "/operator/deliveries?kind=permanent&to=simulator.amazonses.com"
    page = until(person, path, sent)
    assert "bounce@simulator.amazonses.com" in page
    assert tenant.account.account_id in page
    lead = words(page.partition('<p class="lead">')[2].partition("</p>")[0])
    assert re.fullmatch(
        r"The newest attempts to simulator\.amazonses\.com: [0-9]+ rejected\. The last was made .+", lead
    ), lead
    every = person.get("/operator/deliveries").text
    lead = words(every.partition('<p class="lead">')[2].partition("</p>")[0])
    told = re.fullmatch(r"The newest attempts: (.+)\. The last was made .+", lead)
    assert told, lead
    for count, word in re.findall(r"([0-9]+) (\w+)", told[1]):
        assert every.count(f">{word}</span>") == int(count)
    assert "Nothing like that" in person.get("/operator/deliveries?kind=delivered&to=nowhere.example").text


def test_connections_say_by_destination_how_they_were_secured(
    sesame: SesameProcess, tenant: Tenant, person: Person
) -> None:
    sent = send(tenant, "bounce@simulator.amazonses.com")
    until(person, "/operator/deliveries?to=simulator.amazonses.com", sent)
    page = person.get("/operator/deliveries/connections").text
    row = words(
        page.partition('href="/operator/deliveries?to=simulator.amazonses.com"')[2].partition("</tr>")[0]
    )
    assert re.search(r"simulator.amazonses.com [0-9,]+ (all|none|some)", row), row
    assert re.search(r"[0-9]+ times?, last ", row), row
    lead = words(page.partition('<p class="lead">')[2].partition("</p>")[0])
    counts = re.fullmatch(
        r"Of ([0-9,]+) connections? among the newest [0-9,]+ attempts?, ([0-9,]+) used TLS, ([0-9,]+) went in clear\.",
        lead,
    )
    assert counts, lead
    total, encrypted, clear = (int(one.replace(",", "")) for one in counts.groups())
    assert total == encrypted + clear


def test_the_zone_shows_what_is_published_and_is_read_on_by_name(
    sesame: SesameProcess, tenant: Tenant, person: Person
) -> None:
    tenant.ses.verify_domain_dkim(Domain="zoned_%.example".replace("_%", "-x"))
    sesame.run("dns", "publish", "zoned-x.example")
    listed = [one for one in sesame.run_json("dns", "list") if "zoned-x" in one["name"]]
    page = words(person.get("/operator/zone?q=ZONED-x").text)
    assert listed
    for one in listed:
        assert f"{one['name']} {one['type']}" in page
    assert "No record like that" in person.get("/operator/zone?q=zoned%25x").text
    assert "No record like that" in person.get("/operator/zone?q=zoned_x").text
    seen: list[str] = []
    path = "/operator/zone"
    while path:
        text = person.get(path).text
        seen += map(str.strip, re.findall(r'data-label="Name" class="addr">([^<]+)<', text))
        path = text.partition('href="/operator/zone?after_name')[2].partition('"')[0]
        path = f"/operator/zone?after_name{path}".replace("&amp;", "&") if path else ""
    assert seen == [one["name"] for one in sesame.run_json("dns", "list")]


def test_the_first_page_says_how_a_program_reaches_an_account(sesame: SesameProcess, person: Person) -> None:
    """As each account's own page does, for those that are not among the first."""
    while len(sesame.run_json("account", "list")) < 5:
        sesame.create_account()
    page = html.unescape(person.get("/operator").text)
    first = re.findall(r'<code>eval "\$\(sesame env ([0-9]{12})\)"</code>', page)
    assert len(first) == 4
    assert "The page of every other account has the command for it." in page
    other = next(
        one for one in re.findall(r'href="/operator/accounts/([0-9]{12})"', page) if one not in first
    )
    assert f'eval "$(sesame env {other})"' in html.unescape(person.get(f"/operator/accounts/{other}").text)


def test_the_last_hour_of_the_instance_is_shown_by_minute(
    sesame: SesameProcess, tenant: Tenant, person: Person
) -> None:
    send(tenant, "success@simulator.amazonses.com")
    page = person.get("/operator/instance/minutes").text
    assert len(page) < 60 * 1024
    counts = re.findall(r"<title>[0-9:]{5}: ([0-9.]+) a second, ([0-9,]+) in the minute</title>", page)
    assert 1 <= len(counts) <= 60
    assert sum(int(count.replace(",", "")) for _, count in counts) >= 1
    assert re.search(r"<title>[0-9:]{5}: ≤ [0-9.]+ m?s</title>", page)
    assert page.count("<title>") == 1 + 2 * len(counts)  # a title a bar, and the page's


def until(person: Person, path: str, text: str) -> str:
    def look() -> str:
        page = person.get(path).text
        return page if text in page else ""

    found: str = wait_until(look)
    return found


def test_anything_is_found_in_all_accounts(sesame: SesameProcess, tenant: Tenant, person: Person) -> None:
    account = tenant.account.account_id
    reader = f"reader-{account}@example.net"
    message_id = send(tenant, reader)
    with pytest.raises(ClientError) as refused:
        tenant.ses.send_email(
            Source="x@notmine.example",
            Destination={"ToAddresses": [reader]},
            Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
        )
    request_id = refused.value.response["ResponseMetadata"]["RequestId"]
    for asked, path in (
        (message_id, f"/operator/messages/{message_id}"),
        (f"<{message_id}@email.amazonses.com>", f"/operator/messages/{message_id}"),
        (request_id, f"/operator/refusals/{request_id}"),
        (account, f"/operator/accounts/{account}"),
        (f"arn:aws:iam::{account}:user/x", f"/operator/accounts/{account}"),
    ):
        answer = person.get("/operator/find", params={"q": asked})
        assert answer.url.path == path
        assert answer.status_code == 200
    assert f"/operator/messages/{message_id}" in person.get("/operator/find", params={"q": reader}).text
    assert 'href="/operator/find?q=example.net"' in person.get("/operator/find", params={"q": reader}).text
    domain = f"{account}.example"
    tenant.ses.verify_domain_identity(Domain=domain)
    assert f"/operator/accounts/{account}" in person.get("/operator/find", params={"q": domain}).text
    assert "Nothing is called" in person.get("/operator/find", params={"q": "nothing here"}).text
    assert person.get("/operator/find?q=999999999999").status_code == 404


def test_identities_of_a_name_are_paged_and_none_is_left_out(
    sesame: SesameProcess, tenant: Tenant, person: Person
) -> None:
    account, domain = tenant.account.account_id, f"many.{tenant.account.account_id}.example"
    regions = [f"us-test-{number}" for number in range(1, 121)]

    async def vouch(services: Services) -> None:
        for region in regions:
            await services.verification.vouch(account, region, domain, IdentityKind.DOMAIN)

    sesame.operate(vouch)
    page, seen = person.get("/operator/find", params={"q": domain}).text, []
    for _ in range(9):
        seen += re.findall(r">(us-test-[0-9]+)<", page)
        further = re.search(r'href="(/operator/find\?[^"]*)">More', page)
        if further is None:
            break
        page = person.get(html.unescape(further[1])).text
    assert sorted(seen) == sorted(regions)


def test_all_accounts_of_a_name_are_found_and_what_is_called_alike(
    sesame: SesameProcess, tenant: Tenant, person: Person
) -> None:
    name = f"shop{tenant.account.account_id}.example"
    first, second = (sesame.create_account(name=name).account_id for _ in range(2))
    for _ in range(2):
        page = person.get("/operator/find", params={"q": name}).text
        assert f"/operator/accounts/{first}" in page
        assert f"/operator/accounts/{second}" in page
        tenant.ses.verify_domain_identity(Domain=name)
    assert (
        f"/operator/accounts/{tenant.account.account_id}"
        in person.get("/operator/find", params={"q": name}).text
    )


def test_the_operator_sees_both_halves_of_a_decision(
    sesame: SesameProcess, tenant: Tenant, person: Person
) -> None:
    delegate = sesame.create_account()
    with pytest.raises(ClientError) as refused:
        sesame.client("ses", delegate).send_email(
            Source="news@example.com",
            SourceArn=tenant.arn,
            Destination={"ToAddresses": ["reader@example.net"]},
            Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
        )
    request_id = refused.value.response["ResponseMetadata"]["RequestId"]
    page = words(person.get(f"/operator/refusals/{request_id}").text)
    assert "What the sender sees" in page
    assert "What the owner sees" in page
    assert delegate.account_id in page


def ask_for_production(sesame: SesameProcess) -> Any:
    account = sesame.create_account(production=False, name="small shop")
    client = sesame.client("sesv2", account)
    client.put_account_details(
        MailType="TRANSACTIONAL",
        WebsiteURL="https://shop.example",
        UseCaseDescription=DESCRIPTION,
        ProductionAccessEnabled=True,
    )
    return account, client


def review(client: Any) -> str:
    status: str = client.get_account()["Details"]["ReviewDetails"]["Status"]
    return status


def test_who_asks_for_production_access_is_answered_with_a_reason(
    sesame: SesameProcess, person: Person
) -> None:
    account, client = ask_for_production(sesame)
    assert review(client) == "PENDING"
    assert account.account_id in person.get("/operator").text
    here = f"/operator/accounts/{account.account_id}"
    page = person.get(here).text
    assert "&lt;b&gt;never&lt;/b&gt;" in page
    assert "https://shop.example" in page
    refused = person.send(f"{here}/answer", page=here, answer="refuse", reason=" ")
    assert refused.status_code == 400
    assert "give a reason" in refused.text
    person.send(f"{here}/answer", page=here, answer="refuse", reason="Tell us where the addresses come from.")
    assert review(client) == "DENIED"
    assert "Tell us where the addresses come from." in person.get(here).text
    client.put_account_details(
        MailType="TRANSACTIONAL", WebsiteURL="https://shop.example", ProductionAccessEnabled=True
    )
    assert review(client) == "PENDING"
    person.send(f"{here}/answer", page=here, answer="grant", reason="Thank you.")
    assert review(client) == "GRANTED"
    assert client.get_account()["ProductionAccessEnabled"] is True
    rows = audit_log(sesame, account.account_id)
    assert [row["eventName"] for row in rows if row["eventSource"] == "console.sesame"] == [
        "RefuseProductionAccess",
        "LeaveSandbox",
    ]


def test_the_command_line_refuses_production_access_too(sesame: SesameProcess) -> None:
    account, client = ask_for_production(sesame)
    sesame.run("account", "refuse-production", account.account_id, "--reason", "Not yet.")
    assert review(client) == "DENIED"
    again = sesame.run(
        "account", "refuse-production", sesame.create_account().account_id, "--reason", "x", check=False
    )
    assert again.returncode == 1
    assert "has production access" in again.stderr


def test_quota_and_verdict_of_an_account_are_changed(
    sesame: SesameProcess, tenant: Tenant, person: Person
) -> None:
    here = f"/operator/accounts/{tenant.account.account_id}"
    send(tenant, "reader@example.net")
    assert "sends" in words(person.get(here).text)
    person.send(f"{here}/quota", page=here, daily="1234", rate="7.5")
    assert tenant.ses.get_send_quota()["Max24HourSend"] == 1234.0
    assert tenant.ses.get_send_quota()["MaxSendRate"] == 7.5
    for wrong in ("0", "-2", "nan", "1e400", "x"):
        assert person.send(f"{here}/quota", page=here, daily=wrong).status_code == 400, wrong
    assert person.send(f"{here}/enforce", page=here, region=REGION, became="SHUTDOWN").status_code == 400
    person.send(f"{here}/enforce", page=here, region=REGION, became="SHUTDOWN", reason="spam")
    assert tenant.ses.get_account_sending_enabled()["Enabled"] is False
    person.send(f"{here}/enforce", page=here, region=REGION, became="HEALTHY", reason="mended")
    assert tenant.ses.get_account_sending_enabled()["Enabled"] is True
    assert "spam" in person.get(here).text


def test_an_account_is_made_and_its_key_shown_once(sesame: SesameProcess, person: Person) -> None:
    answer = person.send("/operator/accounts/new", page="/operator", name="new <one>")
    key, secret = re.findall(r"<code>([A-Za-z0-9/+]{16,})</code>", answer.text)[:2]
    account_id = re.search(r"/operator/accounts/([0-9]{12})", answer.text)
    assert account_id
    assert secret not in person.get(f"/operator/accounts/{account_id[1]}").text
    client = sesame.client("sts", Account(account_id[1], key, secret))
    assert client.get_caller_identity()["Account"] == account_id[1]
    assert "new &lt;one&gt;" in person.get(f"/operator/accounts/{account_id[1]}").text


def test_the_instance_is_examined_by_a_form_alone(sesame: SesameProcess, person: Person) -> None:
    page = words(person.get("/operator/instance").text)
    assert "the store writes durably" in page
    answer = person.send("/operator/instance", page="/operator/instance")
    assert answer.url.path == "/operator/instance"
    assert "The instance was examined just now." in answer.text
    assert "HELO" in answer.text


def test_the_instances_own_records_have_a_verdict(person: Person) -> None:
    page = words(person.get("/operator/dns").text)
    assert "v=spf1 a -all" in page
    zone = person.get("/operator/dns/zone")
    assert "IN TXT" in zone.text
    assert zone.headers["content-disposition"].startswith("attachment")


def test_owners_domains_without_their_records_are_listed(
    sesame: SesameProcess, tenant: Tenant, person: Person
) -> None:
    waiting = f"waiting.{tenant.account.account_id}.example"
    tenant.ses.verify_domain_identity(Domain=waiting)

    async def lose(services: Services) -> None:
        async def run(tx: Transaction) -> None:
            await tx.execute("UPDATE identity SET verification = 'TemporaryFailure' WHERE name = ?", waiting)

        await services.store.write(run)

    sesame.operate(lose)
    page = words(person.get("/operator/dns").text)
    assert f"{waiting} records lost" in page
    assert f"{tenant.account.account_id} {REGION}" in page


def test_accounts_show_what_they_use_of_their_quota_and_what_bounced(
    sesame: SesameProcess, tenant: Tenant, person: Person
) -> None:
    account = tenant.account.account_id
    for _ in range(2):
        send(tenant, f"reader@{account}.example", f"other@{account}.example")
    sesame.run("account", "set-quota", account, "--max-24-hour-send", "5")
    before = f"{int(account) - 1:012}"

    def row() -> str:
        page = words(person.get(f"/operator?after={before}").text)
        found = page.partition(account)[2][:160]
        return found if "of 4" in found else ""

    shown = wait_until(row)
    assert "4 of 5 near its limit in us-east-1" in shown
    assert "0 (0.00 %) of 4" in shown


def test_links_and_roles_are_audited(sesame: SesameProcess, tenant: Tenant) -> None:
    """Who made a link, that it was used, and that the operator looked: without anything that opens it."""
    account = tenant.account.account_id
    tenant.iam.create_user(UserName="anna")
    invite = sesame.run_json("console", "invite", account, "anna")["link"]
    login = sesame.run_json("console", "login", "--account", account)["link"]
    Person(sesame.console).follow(login)
    person = operator(sesame)
    person.send("/operator/look", page="/operator", account=account)
    rows = [
        row for row in audit_log(sesame, account) if row["eventSource"] in ("cli.sesame", "console.sesame")
    ]
    assert [row["eventName"] for row in rows][-4:] == [
        "CreateConsoleLink",
        "CreateConsoleLink",
        "ConsoleLogin",
        "SwitchConsoleRole",
    ]
    made, spent = rows[-3], rows[-2]
    assert made["requestParameters"]["purpose"] == "login"
    assert made["userIdentity"]["type"] == "Operator"
    assert made["responseElements"]["link"] == spent["responseElements"]["link"]
    text = json.dumps(rows)
    assert all(link.rpartition("/")[2] not in text for link in (invite, login))
    assert "CreateConsoleLink" in [row["eventName"] for row in audit_log(sesame, SYSTEM_ACCOUNT)]


def test_the_trail_of_the_console_verifies(sesame: SesameProcess) -> None:
    async def heads(services: Services) -> bool:
        from sesame.admin.audit import verify

        return not (await verify(services.store, services.trail.key.public)).findings

    assert sesame.operate(heads)
