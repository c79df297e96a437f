"""Webhooks by Sesame's own API: whoever has the set makes them, if its IAM policies let it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.support.endpoint import Endpoint, listening
from tests.support.own_api import own_session, refused
from tests.support.process import REGION, Account, SesameProcess, wait_until
from tests.support.tenant import MESSAGE, TO, Tenant

KEY: dict[str, Any] = {"ConfigurationSetName": "set", "EventDestinationName": "hook"}
HOOK: dict[str, Any] = {**KEY, "Url": "http://127.0.0.1:1/", "MatchingEventTypes": ["SEND"]}


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with listening() as found:
        yield found


def own(sesame: SesameProcess, keys: Account) -> Any:
    return own_session().client(
        "sesame",
        endpoint_url=sesame.api,
        region_name=REGION,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
    )


def test_an_account_makes_exchanges_lists_and_deletes_its_webhooks(
    tenant: Tenant, sesame: SesameProcess, endpoint: Endpoint
) -> None:
    tenant.ses.create_configuration_set(ConfigurationSet={"Name": "set"})
    api = own(sesame, tenant.account)
    old = api.create_webhook(**{**HOOK, "Url": endpoint.url})["Secret"]
    new = api.rotate_webhook_secret(**KEY, OverlapSeconds=600)["Secret"]
    tenant.ses.send_email(
        Source="news@example.com", Destination=TO, Message=MESSAGE, ConfigurationSetName="set"
    )
    wait_until(lambda: endpoint.posted)
    (posted,) = endpoint.posted
    for secret in (old, new):
        assert Webhook(secret).verify(posted.body, dict(posted.headers))["eventType"] == "Send"
    (shown,) = api.list_webhooks()["Webhooks"]
    assert (shown["Url"], shown["MatchingEventTypes"], shown["Enabled"]) == (endpoint.url, ["SEND"], True)
    assert shown["PreviousSecretUntil"] > shown["CreatedTimestamp"]
    assert not {"Secret", old, new} & set(json.dumps(shown, default=str).split('"'))
    audited = sesame.run("audit", "export", tenant.account.account_id).stdout
    assert "CreateWebhook" in audited and "RotateWebhookSecret" in audited
    assert not [secret for secret in (old, new) if secret in audited or secret[6:] in audited]
    api.delete_webhook(**KEY)
    assert api.list_webhooks()["Webhooks"] == []


def test_what_cannot_be_done_is_refused_in_words_of_the_api(tenant: Tenant, sesame: SesameProcess) -> None:
    api = own(sesame, tenant.account)
    assert refused(api.create_webhook, **HOOK) == "NotFoundException"
    tenant.ses.create_configuration_set(ConfigurationSet={"Name": "set"})
    assert refused(api.rotate_webhook_secret, **KEY) == "NotFoundException"
    assert refused(api.delete_webhook, **KEY) == "NotFoundException"
    for url in ("ftp://a.example/", "https://user:secret@a.example/", "https://a b/", "nowhere"):
        assert refused(api.create_webhook, **{**HOOK, "Url": url}) == "BadRequestException", url
    assert refused(api.create_webhook, **{**HOOK, "EventDestinationName": "a b"}) == "BadRequestException"
    api.create_webhook(**HOOK)
    assert refused(api.create_webhook, **HOOK) == "AlreadyExistsException"
    for number in range(9):
        api.create_webhook(**{**HOOK, "EventDestinationName": f"h{number}"})
    assert refused(api.create_webhook, **{**HOOK, "EventDestinationName": "h9"}) == "LimitExceededException"


def test_another_accounts_set_is_not_there_and_a_user_needs_the_action(
    tenant: Tenant, sesame: SesameProcess
) -> None:
    tenant.ses.create_configuration_set(ConfigurationSet={"Name": "set"})
    own(sesame, tenant.account).create_webhook(**HOOK)
    stranger = own(sesame, sesame.create_account())
    assert stranger.list_webhooks()["Webhooks"] == []
    assert refused(stranger.delete_webhook, **KEY) == "NotFoundException"
    arn = f"arn:aws:ses:{REGION}:{tenant.account.account_id}:configuration-set/set"
    allow = {"Effect": "Allow", "Action": "sesame:RotateWebhookSecret", "Resource": arn}
    clerk = tenant.user("clerk", json.dumps({"Version": "2012-10-17", "Statement": allow}))
    key = tenant.iam.create_access_key(UserName="clerk")["AccessKey"]
    account = Account(clerk.account.account_id, key["AccessKeyId"], key["SecretAccessKey"])
    api = own(sesame, account)
    assert api.rotate_webhook_secret(**KEY)["Secret"].startswith("whsec_")
    assert refused(api.create_webhook, **{**HOOK, "EventDestinationName": "x"}) == "AccessDeniedException"
    assert refused(api.delete_webhook, **KEY) == "AccessDeniedException"
    assert refused(api.list_webhooks) == "AccessDeniedException"
