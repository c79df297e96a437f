"""Pictures of the console's pages for docs/screenshots: `python -m tools.screenshots`, with a Chromium on this machine.

Starts a server of its own, plays an owner who lends a domain, a delegate who sends, and looks at what they see.
"""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tests.support.process import SesameProcess, running

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
    owner, delegate = sesame.create_account(name="example"), sesame.create_account(name="agency")
    ses, theirs = sesame.client("ses", owner), sesame.client("ses", delegate)
    sesame.client("sesv2", owner).create_email_identity(EmailIdentity="example.com")
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
    accepted = send(
        theirs, "news-1@example.com", "reader@example.net", "November at Example", {"SourceArn": arn}
    )
    refused = send(theirs, "ceo@example.com", "reader@example.net", "November at Example", {"SourceArn": arn})
    return {
        "owner": owner.account_id,
        "delegate": delegate.account_id,
        "message": f"/{REGION}/messages/{accepted}",
        "refusal": f"/{REGION}/refusals/{refused}",
    }


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


def shots(sesame: SesameProcess) -> list[tuple[str, str, str]]:
    """Name, whose page (an account, or empty for the operator), path."""
    found = play(sesame)
    owner, delegate = found["owner"], found["delegate"]
    return [
        ("accounts", "", "/operator"),
        ("identities", owner, f"/{REGION}/identities"),
        ("identity", owner, f"/{REGION}/identities/example.com"),
        ("senders", owner, f"/{REGION}/identities/example.com/senders"),
        (
            "lend",
            owner,
            f"/{REGION}/identities/example.com/lend?refusal={found['refusal'].rpartition('/')[2]}",
        ),
        ("policy", owner, f"/{REGION}/identities/example.com/policies/Newsletter"),
        ("kit", owner, f"/{REGION}/identities/example.com/kit?for={delegate}"),
        ("lent", delegate, f"/{REGION}/lent"),
        ("stop", owner, f"/{REGION}/identities/example.com/stop?principal={delegate}"),
        ("messages", owner, f"/{REGION}/messages"),
        ("message", delegate, found["message"]),
        ("refusal-owner", owner, found["refusal"]),
        ("refusal-delegate", delegate, found["refusal"]),
        ("inbox", owner, "/inbox"),
        ("mail", owner, "/inbox/latest"),
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
            log_in(pages[account_id], sesame, account_id)
        page = pages[account_id]
        page.goto(path)
        page.wait_for_load_state("networkidle") if name != "inbox" else page.wait_for_selector("h1")
        page.screenshot(path=OUT / f"{name}{suffix}.png", full_page=True)
    for page in pages.values():
        page.context.close()


if __name__ == "__main__":
    sys.exit(main())
