"""What SNS posts: layout, order and signatures, held against captured ones."""

import asyncio
import base64
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from sesame.aws.sns import message as sns_message
from sesame.aws.sns.message import Kind, SnsMessage, envelope, http_fields, string_to_sign
from sesame.db.sqlite import SqliteStore
from sesame.notify.certificate import Signing, signing
from sesame.notify.envelopes import is_raw
from sesame.store.outbox import Place
from sesame.store.sealed import Sealer
from tests.support.payloads import Sample, samples

TOPIC = "arn:aws:sns:us-east-1:111111111111:events"
SUBSCRIPTION = f"{TOPIC}:00000000-0000-4000-8000-000000000002"
NOTIFICATION = SnsMessage(
    kind=Kind.NOTIFICATION,
    message_id="000006d1-0000-5000-8000-000000000001",
    topic_arn=TOPIC,
    message='{"é":"</>"}\n',
    at=1_600_000_000.25,
    subject="Amazon SES Email Event Notification",
)
CONFIRMATION = SnsMessage(
    kind=Kind.SUBSCRIPTION_CONFIRMATION,
    message_id="410147f9-e883-4870-af56-2a17267d9236",
    topic_arn=TOPIC,
    message=sns_message.subscribe_text(TOPIC),
    at=1_600_000_000.25,
    token="ab" * 128,
    subscribe_url=sns_message.confirm_url("https://sns.test", TOPIC, "ab" * 128),
)
MESSAGES = [NOTIFICATION, replace(NOTIFICATION, subject=None), CONFIRMATION,
            replace(CONFIRMATION, kind=Kind.UNSUBSCRIBE_CONFIRMATION)]  # fmt: skip


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Signing:
    folder: Path = tmp_path_factory.mktemp("signing")

    async def make() -> tuple[Signing, Signing]:
        store = SqliteStore(folder / "db")
        sealer = Sealer(bytes(32), random_bytes=os.urandom)
        try:
            first = await signing(store, sealer, now=1_600_000_000, host="sns.test")
            return first, await signing(store, sealer, now=1_700_000_000, host="other.test")
        finally:
            store.close()

    first, again = asyncio.run(make())
    assert (first.certificate, first.path) == (again.certificate, again.path)
    assert first.sign(b"x", "1") == again.sign(b"x", "1")
    return first


def body(message: SnsMessage, key: Signing) -> str:
    return envelope(
        message,
        signature=key.sign(string_to_sign(message), message.signature_version),
        certificate_url=f"https://sns.test{key.path}",
        unsubscribe_url=sns_message.unsubscribe_url("https://sns.test", SUBSCRIPTION),
    )


def verify(key: Signing, posted: dict[str, Any]) -> None:
    """As consumers do it, from the text of the guide: raises InvalidSignature."""
    names = ["Message", "MessageId"]
    if posted["Type"] == "Notification":
        names += ["Subject"] if "Subject" in posted else []
        names += ["Timestamp", "TopicArn", "Type"]
    else:
        names += ["SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{posted[name]}\n" for name in names).encode()
    public = x509.load_pem_x509_certificate(key.certificate.encode()).public_key()
    assert isinstance(public, RSAPublicKey)
    digest = {"1": hashes.SHA1(), "2": hashes.SHA256()}[posted["SignatureVersion"]]
    public.verify(base64.b64decode(posted["Signature"]), text, padding.PKCS1v15(), digest)


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("version", ["1", "2"])
def test_each_message_verifies_and_no_other(message: SnsMessage, version: str, key: Signing) -> None:
    posted = json.loads(body(replace(message, signature_version=version), key))
    assert posted["SignatureVersion"] == version
    verify(key, posted)
    signed = ["Message", "MessageId", "Timestamp", "TopicArn"]
    signed += ["SubscribeURL", "Token"] if message.token else []
    for name in signed:
        with pytest.raises(InvalidSignature):
            verify(key, {**posted, name: posted[name] + "x"})
    with pytest.raises(InvalidSignature):
        verify(key, {**posted, "SignatureVersion": {"1": "2", "2": "1"}[version]})


def test_the_body_is_laid_out_as_it_is_captured(key: Signing) -> None:
    text = body(replace(NOTIFICATION, attributes={"a": {"Type": "Number", "Value": "1"}}), key)
    lines = text.split("\n")
    assert lines[:5] == [
        "{",
        '  "Type" : "Notification",',
        '  "MessageId" : "000006d1-0000-5000-8000-000000000001",',
        f'  "TopicArn" : "{TOPIC}",',
        '  "Subject" : "Amazon SES Email Event Notification",',
    ]
    assert lines[5] == '  "Message" : "{\\"é\\":\\"</>\\"}\\n",'
    assert lines[-4:] == ['  "MessageAttributes" : {', '    "a" : {"Type":"Number","Value":"1"}', "  }", "}"]


def test_what_is_absent_is_left_out(key: Signing) -> None:
    assert list(json.loads(body(replace(NOTIFICATION, subject=None), key))) == [
        "Type", "MessageId", "TopicArn", "Message", "Timestamp", "SignatureVersion", "Signature", "SigningCertURL",
        "UnsubscribeURL",
    ]  # fmt: skip


CAPTURED = [
    sample
    for kind in (
        "Notification",
        "SubscriptionConfirmation",
        "UnsubscribeConfirmation",
        "event:",
        "notification:",
    )
    for sample in samples(kind)
    if "SigningCertURL" in sample.whole and not sample.name.startswith("unsubscribe")
]


@pytest.mark.skipif(not CAPTURED, reason="the captured payloads are not beside this repository")
@pytest.mark.parametrize("sample", CAPTURED, ids=lambda sample: sample.name)
def test_the_keys_are_those_of_real_ones_in_their_order(sample: Sample, key: Signing) -> None:
    theirs = sample.whole
    message = CONFIRMATION if "Token" in theirs else replace(NOTIFICATION, subject=theirs.get("Subject"))
    if "MessageAttributes" in theirs:
        message = replace(message, attributes=theirs["MessageAttributes"])
    ours = json.loads(body(message, key))
    if sample.is_real:
        assert list(ours) == list(theirs)
    assert ours.keys() == theirs.keys()
    assert {key: type(value) for key, value in ours.items()} == {
        key: type(value) for key, value in theirs.items()
    }
    if "Token" in theirs:
        assert (len(ours["Token"]), ours["Message"].replace(TOPIC, "")) == (
            256, theirs["Message"].replace(theirs["TopicArn"], ""),
        ) or not sample.is_real  # fmt: skip


def test_the_fields_of_the_post_name_the_subscription_but_in_its_confirmation() -> None:
    fields = dict(http_fields(NOTIFICATION, subscription_arn=SUBSCRIPTION, is_raw=False))
    assert fields == {
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": NOTIFICATION.message_id,
        "x-amz-sns-topic-arn": TOPIC,
        "x-amz-sns-subscription-arn": SUBSCRIPTION,
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
    }
    assert "x-amz-sns-subscription-arn" not in dict(
        http_fields(CONFIRMATION, subscription_arn=SUBSCRIPTION, is_raw=False)
    )
    raw = dict(http_fields(NOTIFICATION, subscription_arn=SUBSCRIPTION, is_raw=True))
    assert raw["x-amz-sns-rawdelivery"] == "true"


def test_the_text_of_a_mail_is_cut_at_the_line_that_readers_look_for() -> None:
    text = sns_message.mail_text('{"a":1}\n', unsubscribe_url="https://sns.test/u")
    assert text.split("\n\n--\n")[0] == '{"a":1}'
    assert "https://sns.test/u\n" in text


@pytest.mark.parametrize(
    "message", [CONFIRMATION, replace(CONFIRMATION, kind=Kind.UNSUBSCRIBE_CONFIRMATION), NOTIFICATION]
)
@pytest.mark.parametrize("wants_raw", [True, False])
def test_only_notifications_go_raw(message: SnsMessage, wants_raw: bool) -> None:
    """A confirmation without its envelope says neither what it is nor how to answer it."""
    place = Place(
        target=SUBSCRIPTION, protocol="https", endpoint="https://a.test/", order_key="k",
        options={"raw": True} if wants_raw else {},
    )  # fmt: skip
    assert is_raw(message, place) is (wants_raw and message is NOTIFICATION)
