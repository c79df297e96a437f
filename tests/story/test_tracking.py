"""Opens and clicks are followed from the mail to the event, and a link of ours leads nobody astray."""

import email
import http.client
import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import dkim
import pytest

from tests.story.test_event_publishing import subscribed, with_set
from tests.support.endpoint import Endpoint, listening
from tests.support.patience import PATIENCE_S
from tests.support.process import SesameProcess, running, wait_until
from tests.support.tenant import CUSTOM, Tenant, refusal

TARGET = "https://shop.example/offer?id=1&ref=%20x#top"
HTML = (
    f'<html><body><p>Grüße <a ses:tags="genre:fiction;type:new;" href="{TARGET.replace("&", "&amp;")}">here</a>'
    ' or <a ses:no-track href="https://plain.example/">there</a></p></body></html>'
)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with listening() as found:
        yield found


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request."""

    status: int
    fields: dict[str, str]
    body: bytes


def ask(url: str, method: str = "GET", **fields: str) -> Answer:
    """One request, redirections not followed."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE_S)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    connection.request(method, path, headers={"User-Agent": "Reader/1.0", **fields})
    answer = connection.getresponse()
    found = Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    connection.close()
    return found


def html_of(data: bytes) -> str:
    """The HTML of a mail."""
    for part in email.message_from_bytes(data).walk():
        if part.get_content_type() == "text/html":
            decoded = part.get_payload(decode=True)
            assert isinstance(decoded, bytes)
            return decoded.decode()
    raise AssertionError("there is no HTML")


def click_in(html: str) -> str:
    (found,) = re.findall(r'href="([^"]*/t/c/[^"]*)"', html)
    return str(found)


def open_in(html: str) -> str:
    (found,) = re.findall(r'<img alt="" src="([^"]*/t/o/[^"]*)"', html)
    return str(found)


def copy_for(sesame: SesameProcess, address: str) -> bytes:
    """The mail that came for an address."""
    return bytes(wait_until(lambda: [one.data for one in sesame.mail() if address in one.rcpt_to])[0])


def send(tenant: Tenant, address: str, html: str = HTML, **more: Any) -> str:
    """Send HTML with text beside it; the message's id."""
    sent = tenant.ses.send_email(
        Source=more.pop("Source", "news@example.com"),
        Destination={"ToAddresses": [address]},
        Message={
            "Subject": {"Data": "s"},
            "Body": {
                "Html": {"Data": html, "Charset": "UTF-8"},
                "Text": {"Data": f"plain {TARGET}"},
            },
        },
        **more,
    )
    return str(sent["MessageId"])


def new_address() -> str:
    return f"{uuid.uuid4().hex[:12]}@elsewhere.test"


def events(endpoint: Endpoint, kind: str) -> list[dict[str, Any]]:
    """What was told of a kind, so far."""
    bodies = [one.envelope["Message"] for one in endpoint.of_type("Notification")]
    found = [json.loads(body) for body in bodies if body.startswith('{"eventType"')]
    return [one for one in found if one["eventType"] == kind]


def test_an_open_and_a_click_are_told_as_ses_tells_them(
    tenant: Tenant, sesame: SesameProcess, endpoint: Endpoint
) -> None:
    tenant.ses.verify_domain_dkim(Domain="example.com")
    topic = subscribed(tenant, endpoint)
    name = with_set(tenant, topic, "open", "click")
    address = new_address()
    message_id = send(tenant, address, ConfigurationSetName=name)
    copy = copy_for(sesame, address)
    assert dkim.verify(copy, dnsfunc=sesame.txt)
    html = html_of(copy)
    assert 'href="https://plain.example/"' in html and f"plain {TARGET}".encode() in copy.replace(
        b"=\r\n", b""
    ).replace(b"=3D", b"=")
    assert address not in click_in(html) and address not in open_in(html)

    seen = ask(open_in(html))
    assert (seen.status, seen.fields["content-type"], seen.body[:6]) == (200, "image/gif", b"GIF89a")
    assert "no-store" in seen.fields["cache-control"]
    gone = ask(click_in(html), **{"User-Agent": "Browser/2.0"})
    assert (gone.status, gone.fields["location"], gone.body) == (302, TARGET, b"")
    assert "no-store" in gone.fields["cache-control"]

    wait_until(lambda: events(endpoint, "Open") and events(endpoint, "Click"))
    (opened,), (clicked,) = events(endpoint, "Open"), events(endpoint, "Click")
    for event in (opened, clicked):
        assert list(event) == ["eventType", "mail", event["eventType"].lower()]
        assert event["mail"]["messageId"] == message_id and event["mail"]["destination"] == [address]
        assert "sourceArn" not in event["mail"]
    assert list(opened["open"]) == ["timestamp", "userAgent", "ipAddress"]
    assert (opened["open"]["userAgent"], opened["open"]["ipAddress"]) == ("Reader/1.0", "127.0.0.1")
    assert list(clicked["click"]) == ["timestamp", "ipAddress", "userAgent", "link", "linkTags"]
    assert clicked["click"]["link"] == TARGET and clicked["click"]["userAgent"] == "Browser/2.0"
    assert clicked["click"]["linkTags"] == {"genre": ["fiction"], "type": ["new"]}
    counted = wait_until(lambda: reputation(sesame, tenant) == (1, 1))
    assert counted


def reputation(sesame: SesameProcess, tenant: Tenant) -> tuple[int, int]:
    """Opens and clicks that are counted for the account."""
    from sesame.app.foundation import Services
    from sesame.store import tallies as store

    async def read(services: Services) -> tuple[int, int]:
        rows = await services.store.read(
            lambda tx: store.by(tx, tenant.account.account_id, "configuration_set", since=0)
        )
        return sum(counts.opens for _, counts in rows), sum(counts.clicks for _, counts in rows)

    return sesame.operate(read)


def test_each_copy_has_links_of_its_own_and_mail_is_changed_only_where_its_set_asks_for_it(
    tenant: Tenant, sesame: SesameProcess
) -> None:
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    name = with_set(tenant, topic, "click")
    one, other, untracked, unset = (new_address() for _ in range(4))
    tenant.ses.send_raw_email(
        Source="news@example.com",
        Destinations=[one, other],
        RawMessage={
            "Data": f"From: news@example.com\r\nTo: {one}\r\nContent-Type: text/html\r\n\r\n<a href='{TARGET}'>\r\n"
        },
        ConfigurationSetName=name,
    )
    copies = [html_of(copy_for(sesame, address)) for address in (one, other)]
    links = {re.findall(r"href='([^']*)'", copy)[0] for copy in copies}
    assert len(links) == 2 and {ask(link).fields["location"] for link in links} == {TARGET}
    assert not any("/t/o/" in copy for copy in copies)
    tenant.ses.update_configuration_set_event_destination(
        ConfigurationSetName=name,
        EventDestination={
            "Name": "d",
            "Enabled": False,
            "MatchingEventTypes": ["click"],
            "SNSDestination": {"TopicARN": topic},
        },
    )
    send(tenant, untracked, ConfigurationSetName=name)
    send(tenant, unset)
    for address in (untracked, unset):
        assert "/t/" not in html_of(copy_for(sesame, address))


def test_a_link_that_was_changed_leads_nowhere_and_is_no_event(tenant: Tenant, sesame: SesameProcess) -> None:
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    name = with_set(tenant, topic, "open", "click")
    address = new_address()
    message_id = send(tenant, address, ConfigurationSetName=name)
    html = html_of(copy_for(sesame, address))
    link, picture = click_in(html), open_in(html)
    evil = quote("https://evil.example/", safe="")
    base = f"{urlsplit(link).scheme}://{urlsplit(link).netloc}"
    forged = [
        link.partition("?")[0] + "?" + evil,
        link.partition("?")[0],
        link + "x",
        link + "&utm=1",
        f"{base}/t/c/?{evil}",
        f"{base}/t/c/AAAA?{evil}",
        f"{base}/t/c/{picture.rpartition('/')[2]}?{evil}",
        f"{base}/t/c/%2e%2e/?{evil}",
        link.replace("/t/c/", "/t/c/A"),
        f"{base}/t/c/{'A' * 9000}?{evil}",
    ]
    for url in forged:
        answer = ask(url)
        assert (answer.status, "location" in answer.fields) == (404, False), url
        assert "evil" not in answer.body.decode()
    for url in (f"{base}/t/o/", f"{base}/t/o/{link.rpartition('/')[2][:40]}", picture + "x"):
        assert (ask(url).status, ask(url).body[:3]) == (200, b"GIF")
    assert ask(f"{base}/t/x/").status != 200
    # what nobody followed
    assert ask(link, "HEAD").fields["location"] == TARGET
    assert ask(picture, "HEAD").status == 200
    assert ask(link, "POST").status != 302
    happened = [one["what"] for one in sesame.run_json("trace", message_id)["events"]]
    assert not {"opened", "clicked"} & set(happened)
    ask(picture)
    happened = [one["what"] for one in sesame.run_json("trace", message_id)["events"]]
    assert happened.count("opened") == 1


@contextmanager
def proxied(tmp_path: Path, **environ: str) -> Iterator[tuple[SesameProcess, Tenant]]:
    """A server of its own, and a tenant on it."""
    with running(tmp_path / "data", **environ) as process:
        account = process.create_account()
        tenant = Tenant(process, account)
        tenant.ses.verify_domain_identity(Domain="example.com")
        yield process, tenant


def test_a_listener_of_its_own_serves_links_alone_and_believes_its_proxy(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    environ = {
        "SESAME_TRACKING__LISTEN": "127.0.0.1",
        "SESAME_TRACKING__PORT": "0",
        "SESAME_TRACKING__URL": "https://click.example.com",
        "SESAME_TRACKING__TRUSTED_PROXY": "127.0.0.1",
    }
    with proxied(tmp_path, **environ) as (process, tenant):
        name = with_set(tenant, subscribed(tenant, endpoint), "click")
        address = new_address()
        send(tenant, address, ConfigurationSetName=name)
        link = click_in(html_of(copy_for(process, address)))
        assert link.startswith("https://click.example.com/t/c/")
        here = f"http://{process.tracking}"
        answer = ask(
            here + link.removeprefix("https://click.example.com"),
            **{"X-Forwarded-For": "9.9.9.9, 2001:db8::1"},
        )
        assert answer.fields["location"] == TARGET
        wait_until(lambda: events(endpoint, "Click"))
        assert events(endpoint, "Click")[0]["click"]["ipAddress"] == "2001:db8::1"
        for path in ("/", "/livez", "/verify", "/v2/email/account", "/t/x"):
            assert ask(here + path).status == 404
        assert ask(f"{here}/", "POST").status == 405


def test_a_set_has_a_domain_of_its_own_and_says_where_https_is_needed(
    tenant: Tenant, sesame: SesameProcess
) -> None:
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    name = with_set(tenant, topic, "open", "click")
    v2 = sesame.client("sesv2", tenant.account)
    tenant.ses.create_configuration_set_tracking_options(
        ConfigurationSetName=name, TrackingOptions={"CustomRedirectDomain": "Click.example.com"}
    )
    html = '<a href="http://a.example/"></a><a href="https://b.example/"></a>'

    def bases() -> list[str]:
        address = new_address()
        send(tenant, address, html, ConfigurationSetName=name)
        copy = html_of(copy_for(sesame, address))
        return [found.partition("/t/")[0] for found in re.findall(r'(?:href|src)="([^"]*)"', copy)]

    plain, secure = "http://Click.example.com", "https://Click.example.com"
    assert bases() == [plain, secure, plain]
    for policy, want in (
        ("REQUIRE", [secure, secure, secure]),
        ("REQUIRE_OPEN_ONLY", [plain, secure, secure]),
        ("OPTIONAL", [plain, secure, plain]),
    ):
        v2.put_configuration_set_tracking_options(
            ConfigurationSetName=name, CustomRedirectDomain="Click.example.com", HttpsPolicy=policy
        )
        assert bases() == want, policy
    # our own address is plain HTTP here: where HTTPS is required, nothing leads over it
    v2.put_configuration_set_tracking_options(ConfigurationSetName=name, HttpsPolicy="REQUIRE")
    assert bases() == ["http://a.example/", "https://b.example/"]


@pytest.mark.parametrize(
    "domain",
    [
        'x"><script>.example.com',
        "a b.example.com",
        "a/b.example.com",
        "a@example.com",
        "é.example.com",
        "x..example.com",
    ],
)
def test_a_domain_for_links_is_a_host_name(tenant: Tenant, domain: str) -> None:
    tenant.ses.create_configuration_set(ConfigurationSet={"Name": "set"})
    options = {"CustomRedirectDomain": domain}
    refused = refusal(
        tenant.ses.create_configuration_set_tracking_options,
        ConfigurationSetName="set",
        TrackingOptions=options,
    )
    assert refused[0] == "InvalidTrackingOptions"


def test_a_message_says_for_itself_what_is_followed(tenant: Tenant, sesame: SesameProcess) -> None:
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    name = with_set(tenant, topic, "open")
    v2 = sesame.client("sesv2", tenant.account)

    def found(**overrides: str) -> tuple[bool, bool]:
        address = new_address()
        v2.send_email(
            FromEmailAddress="news@example.com",
            Destination={"ToAddresses": [address]},
            Content={
                "Simple": {"Subject": {"Data": "s"}, "Body": {"Html": {"Data": HTML, "Charset": "UTF-8"}}}
            },
            ConfigurationSetName=name,
            **({"ConfigurationOverrides": {"Tracking": overrides}} if overrides else {}),
        )
        html = html_of(copy_for(sesame, address))
        return "/t/o/" in html, "/t/c/" in html

    assert found() == (True, False)
    assert found(ClickTrackingEnabled="ENABLED") == (True, True)
    assert found(OpenTrackingEnabled="DISABLED") == (False, False)


def test_verification_mail_is_never_followed(tenant: Tenant, sesame: SesameProcess) -> None:
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    name = with_set(tenant, topic, "open", "click")
    tenant.ses.create_custom_verification_email_template(**CUSTOM)
    address = new_address()
    tenant.ses.send_custom_verification_email(
        EmailAddress=address, TemplateName="c", ConfigurationSetName=name
    )
    assert "/t/" not in html_of(copy_for(sesame, address))


def test_the_place_of_the_picture_comes_through_a_template(tenant: Tenant, sesame: SesameProcess) -> None:
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    name = with_set(tenant, topic, "open")
    template = {"TemplateName": "t", "SubjectPart": "s", "HtmlPart": "<p>{{ses:openTracker}}</p>{{name}}"}
    tenant.ses.create_template(Template=template)
    address = new_address()
    tenant.ses.send_templated_email(
        Source="news@example.com",
        Destination={"ToAddresses": [address]},
        Template="t",
        TemplateData='{"name": "Ada"}',
        ConfigurationSetName=name,
    )
    assert re.search(r'<p><img alt="" src="[^"]*/t/o/[^"]*"[^>]*></p>Ada', html_of(copy_for(sesame, address)))
    twice = {**template, "TemplateName": "twice", "HtmlPart": "{{ses:openTracker}}{{ses:openTracker}}"}
    assert refusal(tenant.ses.create_template, Template=twice)[0] == "InvalidTemplate"
