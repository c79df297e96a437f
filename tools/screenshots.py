"""Pictures of the console's pages for docs/screenshots: `python -m tools.screenshots`, with a Chromium on this machine.

Starts a server of its own, plays an owner who lends a domain, a delegate who sends, and looks at what they see.
"""

import contextlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from botocore.exceptions import ClientError

from tests.support.browser import Person, root_of
from tests.support.patience import PATIENCE_S
from tests.support.process import Account, SesameProcess, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

OUT = Path(__file__).resolve().parents[1] / "docs" / "screenshots"
REGION = "us-east-1"
WIDTHS = {"wide": (1280, 860), "tablet": (768, 1000), "phone": (390, 844)}
POLICY = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "NewsOnly",
      "Effect": "Allow",
      "Principal": {"AWS": "%s"},
      "Action": ["ses:SendEmail", "ses:SendRawEmail"],
      "Resource": "arn:aws:ses:us-east-1:%s:identity/example.com",
      "Condition": {"StringLike": {"ses:FromAddress": "news-*@example.com"}}
    }
  ]
}"""
EXAMINED = {"instance": "Examine now", "audit": "Verify now"}
"""Pages that show something once a button was pressed."""
SLOW = ("mail.example", "post.example", "slow.example")
SIGN_UP = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Codes",
      "Effect": "Allow",
      "Principal": {"Service": "cognito-idp.amazonaws.com"},
      "Action": "ses:SendEmail",
      "Resource": "arn:aws:ses:us-east-1:%s:identity/example.com",
      "Condition": {"StringEquals": {"aws:SourceAccount": "%s", "ses:FromAddress": "accounts@example.com"}}
    }
  ]
}"""
HTML = (
    "<html><body style='font-family:sans-serif;margin:2em;color:#222'><h2 style='color:#2f4ea1'>November at"
    " Example</h2><p>Three things are new this month. <a href='https://example.com/news'>Read on</a></p>"
    "<img src='https://tracker.example.net/pixel.gif'></body></html>"
)


def chromium() -> str | None:
    """The Chromium of this machine: $SESAME_CHROMIUM, or one on the path."""
    return os.environ.get("SESAME_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@contextlib.contextmanager
def player() -> Iterator["Playwright"]:
    """What starts browsers; there can be one at a time."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        yield started


@contextlib.contextmanager
def browser(by: "Playwright", *args: str) -> Iterator["Browser"]:
    """A Chromium without a window; `args` are further switches."""
    path = chromium()
    if path is None:
        raise SystemExit("there is no Chromium here; `apt-get install chromium` brings one")
    started = by.chromium.launch(executable_path=path, args=["--no-sandbox", *args])
    try:
        yield started
    finally:
        started.close()


def play(sesame: SesameProcess) -> dict[str, str]:
    """Send as owner and delegate; the addresses of what is worth a picture."""
    for domain in SLOW:
        sesame.run("queue", "pause", domain, "--reason", "asked us to wait")
    owner, delegate = sesame.create_account(name="example"), sesame.create_account(name="agency")
    ses, theirs = sesame.client("ses", owner), sesame.client("ses", delegate)
    sesame.client("sesv2", owner).create_email_identity(EmailIdentity="example.com")
    sesame.client("sesv2", owner).put_email_identity_mail_from_attributes(
        EmailIdentity="example.com", MailFromDomain="bounce.example.com"
    )
    ses.verify_domain_identity(Domain="shop.example")
    ses.verify_email_identity(EmailAddress="info@example.org")
    arn = f"arn:aws:ses:{REGION}:{owner.account_id}:identity/example.com"
    policy = POLICY % (delegate.account_id, owner.account_id)
    ses.put_identity_policy(Identity="example.com", PolicyName="Newsletter", Policy=policy)
    ses.put_identity_policy(
        Identity="example.com", PolicyName="Sign-up", Policy=SIGN_UP % (owner.account_id, owner.account_id)
    )
    send(ses, "ceo@example.com", "board@example.net", "Agenda", {})
    send(ses, "orders@shop.example", "bounce@simulator.amazonses.com", "Your order 4711", {})
    for n, domain in enumerate(SLOW):
        for m in range(n + 1):
            send(ses, "orders@shop.example", f"reader{m}@{domain}", "Your order 4712", {})
    set_up(sesame, owner)
    sesame.client("sesame", owner).put_delegate_bounds(
        Identity="example.com", Delegate=delegate.account_id, MaxMessagesPerDay=5_000, MaxMessagesPerSecond=10
    )
    asking = sesame.create_account(name="little shop", production=False)
    sesame.client("sesv2", asking).put_account_details(
        MailType="TRANSACTIONAL",
        WebsiteURL="https://little-shop.example",
        UseCaseDescription="We send receipts to people who have bought something, about 300 a day.\n"
        "Addresses come from the order form; bounces are taken off at once.",
        AdditionalContactEmailAddresses=["ops@little-shop.example"],
        ProductionAccessEnabled=True,
    )
    fail_to_log_in(sesame, owner)
    for service in ("cognito-idp.amazonaws.com", "invoices.example.net"):
        sesame.run("service", "create", service, check=False)
    accepted = send(
        theirs, "news-1@example.com", "reader@example.net", "November at Example", {"SourceArn": arn}
    )
    play_recipient(sesame, "board@example.net", "bounce")
    refused = send(theirs, "ceo@example.com", "reader@example.net", "November at Example", {"SourceArn": arn})
    return {
        "owner": owner.account_id,
        "delegate": delegate.account_id,
        "asking": asking.account_id,
        "message": f"/{REGION}/messages/{accepted}",
        "refusal": f"/{REGION}/refusals/{refused}",
    }


def fail_to_log_in(sesame: SesameProcess, owner: Account) -> None:
    """Keys that nobody has, and a secret that is not the key's."""
    for key, times in ((owner.access_key_id, 3), ("AKIAIOSFODNN7EXAMPLE", 5), ("AKIAI44QH8DHBEXAMPLE", 1)):
        client = sesame.client("sts", Account("", key, "wrong"))
        for _ in range(times):
            with contextlib.suppress(ClientError):
                client.get_caller_identity()


def play_recipient(sesame: SesameProcess, address: str, part: str) -> None:
    """Answer the mail to an address in the inbox as its recipient would."""
    path = f"{sesame.console}/dev/messages/{received(sesame, address)}/{part}"
    httpx.post(path, timeout=PATIENCE_S).raise_for_status()


def received(sesame: SesameProcess, address: str) -> int:
    """The number of the first mail to an address in the inbox, once it is there."""
    asked = {"to": address, "wait": "30"}
    answer = httpx.get(f"{sesame.console}/dev/messages", params=asked, timeout=PATIENCE_S)
    number: int = answer.json()["messages"][0]["id"]
    return number


def set_up(sesame: SesameProcess, owner: Account) -> None:
    """Topics, a set, a template, people, addresses on the list."""
    v2, iam, sns = (sesame.client(service, owner) for service in ("sesv2", "iam", "sns"))
    topic = sns.create_topic(Name="mail-events")["TopicArn"]
    sesame.client("ses", owner).set_identity_notification_topic(
        Identity="example.com", NotificationType="Bounce", SnsTopic=topic
    )
    v2.create_configuration_set(ConfigurationSetName="newsletter")
    v2.create_configuration_set_event_destination(
        ConfigurationSetName="newsletter",
        EventDestinationName="events",
        EventDestination={
            "Enabled": True,
            "MatchingEventTypes": ["BOUNCE", "COMPLAINT", "DELIVERY"],
            "SnsDestination": {"TopicArn": topic},
        },
    )
    v2.put_email_identity_configuration_set_attributes(
        EmailIdentity="example.com", ConfigurationSetName="newsletter"
    )
    v2.create_email_template(
        TemplateName="welcome",
        TemplateContent={
            "Subject": "Welcome, {{name}}",
            "Text": "Hello {{name}},\n\nyour account is ready.\n",
            "Html": "<html><body style='font-family:sans-serif;margin:2em;color:#222'><h2 style='color:#2f4ea1'>"
            "Hello {{name}}</h2><p>Your account is ready.</p></body></html>",
        },
    )
    for address, reason in (("old.reader@example.net", "BOUNCE"), ("please.stop@example.org", "COMPLAINT")):
        v2.put_suppressed_destination(EmailAddress=address, Reason=reason)
    for name in ("anna", "newsletter-job"):
        iam.create_user(UserName=name)
    iam.create_group(GroupName="senders")
    iam.add_user_to_group(GroupName="senders", UserName="anna")
    iam.attach_user_policy(UserName="anna", PolicyArn="arn:aws:iam::aws:policy/AmazonSESFullAccess")
    iam.create_access_key(UserName="anna")
    trust = {"Effect": "Allow", "Principal": {"Service": "ses.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(
        RoleName="nightly",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )


def send(ses: Any, source: str, to: str, subject: str, more: dict[str, str]) -> str:
    """Send a message; its id, or the request id of its refusal."""
    try:
        sent: str = ses.send_email(
            Source=source,
            Destination={"ToAddresses": [to]},
            Message={
                "Subject": {"Data": subject},
                "Body": {"Html": {"Data": HTML}, "Text": {"Data": "Three things are new this month.\n"}},
            },
            **more,
        )["MessageId"]
    except ClientError as error:
        sent = error.response["ResponseMetadata"]["RequestId"]
    return sent


def log_in(page: "Page", sesame: SesameProcess, account_id: str = "") -> None:
    """Log in by a link, with the button."""
    more = ("--account", account_id) if account_id else ()
    page.goto(sesame.run_json("console", "login", *more)["link"])
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Log out").wait_for()


NOBODY = "nobody"
"""Whose pages are read without a log-in."""


def shots(sesame: SesameProcess) -> list[tuple[str, str, str]]:
    """Name, whose page (an account, empty for the operator, or `NOBODY`), path."""
    found = play(sesame)
    owner, delegate = found["owner"], found["delegate"]
    person = root_of(sesame, owner)
    found["shared-records"] = share(person, kind="records")
    found["shared-kit"] = share(person, kind="kit", **{"for": delegate})
    invited = sesame.run_json("console", "invite", owner, "anna")["link"]
    found["invite"] = invited.removeprefix(sesame.console)
    found["change"] = re.findall(rf"/{REGION}/changes/\d+", person.get(f"/{REGION}/changes").text)[0]
    found["mail"] = f"/inbox/{received(sesame, 'reader@example.net')}"
    return pictures(found)


def share(person: Person, **form: str) -> str:
    """The path of a new link for who has no log-in; asked for again while the machine is too busy to make it."""
    page, made = (
        f"/{REGION}/identities/example.com/shares",
        re.compile(r"<code>http[^<]+?(/shared/[^<]+)</code>"),
    )
    while not (found := made.search(person.send(page, days="7", **form).text)):
        pass
    return found[1]


def pictures(found: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """The same of what was played."""
    owner, delegate, mail = found["owner"], found["delegate"], found["mail"]
    return [
        ("login", NOBODY, "/login"),
        ("invite", NOBODY, found["invite"]),
        ("shared-records", NOBODY, found["shared-records"]),
        ("shared-kit", NOBODY, found["shared-kit"]),
        ("find", "", "/operator/find?q=example.com"),
        ("minutes", "", "/operator/instance/minutes"),
        ("connections", "", "/operator/deliveries/connections"),
        ("regions", owner, f"/{REGION}/regions"),
        ("search", owner, f"/{REGION}/search?q=news@example.com"),
        ("identity-new", owner, f"/{REGION}/identities/new"),
        ("identity-delete", owner, f"/{REGION}/identities/example.com/delete"),
        ("policy-remove", owner, f"/{REGION}/identities/example.com/policies/Newsletter/remove"),
        ("configuration-sets", owner, f"/{REGION}/configuration-sets"),
        ("templates", owner, f"/{REGION}/templates"),
        ("template-edit", owner, f"/{REGION}/templates/welcome/edit"),
        ("group", owner, f"/{REGION}/people/groups/senders"),
        ("role", owner, f"/{REGION}/people/roles/nightly"),
        ("change", owner, found["change"]),
        ("instance", "", "/operator/instance"),
        ("queue", "", "/operator/queue"),
        ("queue-destination", "", "/operator/queue/to/slow.example"),
        ("queue-change", "", "/operator/queue/change?do=cancel&domain=slow.example"),
        ("deliveries", "", "/operator/deliveries"),
        ("log-ins", "", "/operator/log-ins"),
        ("settings", "", "/operator/settings"),
        ("services", "", "/operator/services"),
        ("audit", "", "/operator/audit"),
        ("operator-change", "", f"/operator/audit/{owner}/{found['change'].rpartition('/')[2]}"),
        ("accounts", "", "/operator"),
        ("delegates", "", "/operator/accounts/delegates"),
        ("account-request", "", f"/operator/accounts/{found['asking']}"),
        ("operator-message", "", found["message"].replace(f"/{REGION}/", "/operator/")),
        ("operator-refusal", "", found["refusal"].replace(f"/{REGION}/", "/operator/")),
        ("instance-dns", "", "/operator/dns"),
        ("home", owner, f"/{REGION}/home"),
        (
            "ask",
            owner,
            f"/{REGION}/ask?who={delegate}&from=ceo@example.com&arn=arn:aws:ses:{REGION}:{owner}:identity/example.com",
        ),
        ("programs", owner, f"/{REGION}/programs"),
        ("identities", owner, f"/{REGION}/identities"),
        ("identity", owner, f"/{REGION}/identities/example.com"),
        ("signing", owner, f"/{REGION}/identities/example.com/signing"),
        ("sends", owner, f"/{REGION}/identities/example.com/sends"),
        ("senders", owner, f"/{REGION}/identities/example.com/senders"),
        (
            "lend",
            owner,
            f"/{REGION}/identities/example.com/lend?refusal={found['refusal'].rpartition('/')[2]}",
        ),
        ("policy", owner, f"/{REGION}/identities/example.com/policies/Newsletter"),
        ("bounds", owner, f"/{REGION}/identities/example.com/bounds?delegate={delegate}"),
        ("links", owner, f"/{REGION}/identities/example.com/shares"),
        ("cases", owner, f"/{REGION}/identities/example.com/cases"),
        ("stopped-links", owner, f"/{REGION}/links"),
        ("kit", owner, f"/{REGION}/identities/example.com/kit?for={delegate}"),
        ("send", delegate, f"/{REGION}/send"),
        ("lent", delegate, f"/{REGION}/lent"),
        ("stop", owner, f"/{REGION}/identities/example.com/stop?principal={delegate}"),
        ("notifications", owner, f"/{REGION}/identities/example.com/notifications"),
        ("configuration-set", owner, f"/{REGION}/configuration-sets/newsletter"),
        ("template", owner, f"/{REGION}/templates/welcome"),
        ("suppression", owner, f"/{REGION}/suppression"),
        ("reputation", owner, f"/{REGION}/reputation"),
        ("counted", owner, f"/{REGION}/reputation/counted"),
        ("people", owner, f"/{REGION}/people"),
        ("person", owner, f"/{REGION}/people/users/anna"),
        ("account", found["asking"], f"/{REGION}/account"),
        ("changes", owner, f"/{REGION}/changes"),
        ("messages", owner, f"/{REGION}/messages"),
        ("message", delegate, found["message"]),
        ("refusal-owner", owner, found["refusal"]),
        ("refusal-delegate", delegate, found["refusal"]),
        ("me", owner, "/me"),
        ("calls", owner, f"/{REGION}/configuration-sets/newsletter"),
        ("inbox", owner, "/inbox"),
        ("mail", owner, mail),
        ("mail-verdicts", owner, f"{mail}?show=checks"),
        ("mail-events", delegate, f"{mail}?show=events"),
    ]


def main() -> int:
    """Take them all."""
    only = set(sys.argv[1:])
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, running(Path(directory) / "data") as sesame:
        wanted = [shot for shot in shots(sesame) if not only or shot[0] in only]
        with player() as by, browser(by) as chrome:
            for scheme, widths in (("light", ["wide", "phone"]), ("dark", ["wide"])):
                for width in widths:
                    take(chrome, sesame, wanted, scheme, width)
    return 0


def take(
    chrome: "Browser", sesame: SesameProcess, wanted: list[tuple[str, str, str]], scheme: Any, width: str
) -> None:
    """The pages in one scheme and width."""
    x, y = WIDTHS[width]
    suffix = {("light", "wide"): "", ("light", "phone"): "-phone", ("dark", "wide"): "-dark"}[(scheme, width)]
    pages: dict[str, Page] = {}
    for name, account_id, path in wanted:
        if account_id not in pages:
            context = chrome.new_context(
                viewport={"width": x, "height": y}, color_scheme=scheme, base_url=sesame.console
            )
            pages[account_id] = context.new_page()
            if account_id != NOBODY:
                log_in(pages[account_id], sesame, account_id)
        page = pages[account_id]
        page.goto(path)
        if name in EXAMINED:
            page.get_by_role("button", name=EXAMINED[name]).click()
        page.wait_for_load_state("networkidle") if name != "inbox" else page.wait_for_selector("h1")
        if name == "calls":
            page.locator(".calls summary").click()
        page.screenshot(path=OUT / f"{name}{suffix}.png", full_page=True)
    for page in pages.values():
        page.context.close()


if __name__ == "__main__":
    sys.exit(main())
