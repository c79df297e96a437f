"""Programs that people already have for what SNS posts, unmodified, with verification on."""

import base64
import json
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sesame.server.tls import development_files
from tests.support import clients
from tests.support.endpoint import Endpoint, Posted, get, listening
from tests.support.process import REGION, Account, SesameProcess, running

PROGRAMS = (
    "django_ses_events.py",
    "django_anymail_events.py",
    "python_sns_validator.py",
    "sns_validator.mjs",
)


@dataclass
class Served:
    """A server over HTTPS, an account that sends there, and what its subscriber was posted."""

    sesame: SesameProcess
    account: Account
    ca: Path
    endpoint: Endpoint
    posts: list[Posted]
    message_id: str

    def give(self, program: str, posts: list[Posted]) -> Any:
        """Give what was posted to a program; what it made of it."""
        if why := clients.missing(program):
            pytest.skip(why)
        given = [{"headers": dict(one.headers), "body": one.body} for one in posts]
        return clients.run(
            program,
            {
                "do": "receive", "ca": str(self.ca), "host": self.sesame.api.removeprefix("https://"), "posts": given,
                "endpoint": self.sesame.api, "region": REGION, "key": self.account.access_key_id,
                "secret": self.account.secret_access_key,
            },
        )  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Posted in this order: the confirmation; events and notifications, signed by version 1; the last by version 2."""
    folder: Path = tmp_path_factory.mktemp("consumers")
    (folder / "tls").mkdir()
    ca, chain, key = development_files(folder / "tls", ["localhost", "127.0.0.1"], now=time.time())
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_CA_BUNDLE", str(ca))
    tls = {"SESAME_API__TLS_CERTIFICATE": str(chain), "SESAME_API__TLS_PRIVATE_KEY": str(key)}
    with running(folder / "data", **tls) as sesame, listening() as endpoint:
        account = sesame.create_account()
        ses, sns = sesame.client("ses", account), sesame.client("sns", account)
        domain = f"{account.account_id}.test"
        sesame.vouch(account, domain)
        topic = sns.create_topic(Name="t")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
        (asked,) = endpoint.wait_for(1, "SubscriptionConfirmation")
        get(asked.envelope["SubscribeURL"], ssl.create_default_context(cafile=str(ca)))
        ses.create_configuration_set(ConfigurationSet={"Name": "set"})
        ses.create_configuration_set_event_destination(
            ConfigurationSetName="set",
            EventDestination={
                "Name": "d", "Enabled": True, "MatchingEventTypes": ["send", "delivery", "bounce"],
                "SNSDestination": {"TopicARN": topic},
            },
        )  # fmt: skip
        endpoint.wait_for(1)
        message = {"Subject": {"Data": "Zoë"}, "Body": {"Text": {"Data": "Hello."}}}
        sent = ses.send_email(
            Source=f"Zoë <a@{domain}>", Destination={"ToAddresses": ["r@people.test"]}, Message=message,
            ConfigurationSetName="set",
        )["MessageId"]  # fmt: skip
        endpoint.wait_for(3)
        sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="2")
        sns.publish(TopicArn=topic, Message='{"a": "é"}', Subject="s")
        endpoint.wait_for(4)
        yield Served(sesame, account, ca, endpoint, list(endpoint.posted), sent)
    patch.undo()


def tampered(post: Posted) -> Posted:
    """The same with one character more in its message."""
    body = post.envelope
    body["Message"] = body["Message"] + " "
    return Posted(post.path, post.headers, json.dumps(body))


def test_amazons_validator_takes_what_is_posted_and_nothing_that_was_changed(served: Served) -> None:
    found = served.give("sns_validator.mjs", served.posts + [tampered(one) for one in served.posts])
    count = len(served.posts)
    assert found["verdicts"] == ["valid"] * count + ["The message signature is invalid."] * count


def test_a_validator_for_python_takes_version_1_and_nothing_that_was_changed(served: Served) -> None:
    version_1 = served.posts[:-1]
    found = served.give(
        "python_sns_validator.py", [*version_1, *(tampered(one) for one in version_1), served.posts[-1]]
    )
    count = len(version_1)
    assert found["verdicts"] == [
        *["valid"] * count,
        *["SignatureVerificationFailureException"] * count,
        "InvalidSignatureVersionException",  # it knows version 1 alone
    ]


FIELDS = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip


def openssl_verifies(served: Served, post: Posted, folder: Path) -> bool:
    """What the guide has people do by hand, with the command `openssl`."""
    body = post.envelope
    text = "".join(f"{name}\n{body[name]}\n" for name in FIELDS[body["Type"]] if name in body)
    certificate = get(body["SigningCertURL"], ssl.create_default_context(cafile=str(served.ca)))
    (folder / "certificate.pem").write_text(certificate)
    (folder / "signature").write_bytes(base64.b64decode(body["Signature"]))
    (folder / "text").write_text(text)
    key = ["openssl", "x509", "-in", "certificate.pem", "-pubkey", "-noout", "-out", "key.pem"]
    subprocess.run(key, cwd=folder, check=True, capture_output=True)
    digest = {"1": "-sha1", "2": "-sha256"}[body["SignatureVersion"]]
    verify = ["openssl", "dgst", digest, "-verify", "key.pem", "-signature", "signature", "text"]
    return subprocess.run(verify, cwd=folder, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")
@pytest.mark.parametrize("version", ["1", "2"])
def test_openssl_verifies_both_versions_and_refuses_each_field_that_was_changed(
    served: Served, version: str, tmp_path: Path
) -> None:
    posts = [one for one in served.posts if one.envelope["SignatureVersion"] == version]
    assert posts
    for post in posts:
        assert openssl_verifies(served, post, tmp_path)
    body = posts[-1].envelope
    for name in FIELDS[body["Type"]]:
        if name in body and name != "Type":
            changed = json.dumps({**body, name: body[name] + "x"})
            assert not openssl_verifies(served, Posted("/", {}, changed), tmp_path), name
    other = "1" if version == "2" else "2"
    swapped = json.dumps({**body, "SignatureVersion": other})
    assert not openssl_verifies(served, Posted("/", {}, swapped), tmp_path)


def test_django_ses_verifies_and_signals(served: Served) -> None:
    version_1 = served.posts[:-1]
    found = served.give("django_ses_events.py", [*version_1[1:], tampered(version_1[-1]), served.posts[-1]])
    # It knows version 1 alone.
    assert found["statuses"] == [200, 200, 200, 400, 400]
    assert found["told"] == [f"send {served.message_id}", f"delivery {served.message_id}"]


def test_anymail_confirms_and_tracks(served: Served) -> None:
    found = served.give("django_anymail_events.py", served.posts[:-1])
    assert set(found["statuses"]) == {200}
    assert found["told"] == [
        f"sent {served.message_id} r@people.test",
        f"delivered {served.message_id} r@people.test",
    ]


def test_events_say_by_which_version_of_tls_the_request_came(served: Served) -> None:
    texts = [one.envelope["Message"] for one in served.posts]
    events = [json.loads(text) for text in texts if text.startswith('{"eventType"')]
    assert [one["eventType"] for one in events] == ["Send", "Delivery"]
    assert {tuple(one["mail"]["tags"]["ses:source-tls-version"]) for one in events} == {("TLSv1.3",)}
