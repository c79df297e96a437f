"""Links of followed mail are stopped, by the account that sent it and by the operator, and lead on again."""

import re

from tests.story.test_tracking import TARGET, ask, click_in, copy_for, html_of, new_address, send
from tests.support.own_api import refused
from tests.support.process import SesameProcess
from tests.support.tenant import Tenant, statement

SET = "followed"


def followed(tenant: Tenant) -> None:
    tenant.ses.create_configuration_set(ConfigurationSet={"Name": SET})
    topic = tenant.sns.create_topic(Name="followed")["TopicArn"]
    tenant.ses.create_configuration_set_event_destination(
        ConfigurationSetName=SET,
        EventDestination={
            "Name": "d", "Enabled": True, "MatchingEventTypes": ["click"], "SNSDestination": {"TopicARN": topic},
        },
    )  # fmt: skip


def sent(tenant: Tenant, sesame: SesameProcess) -> tuple[str, str]:
    """A message that was delivered: its id and the link in it."""
    address = new_address()
    message_id = send(tenant, address, ConfigurationSetName=SET)
    return message_id, click_in(html_of(copy_for(sesame, address)))


def test_an_account_stops_the_links_of_a_message_and_of_all_and_lets_them_lead_on(
    tenant: Tenant, sesame: SesameProcess
) -> None:
    followed(tenant)
    api = sesame.client("sesame", tenant.account)
    (one, link), (_, second) = sent(tenant, sesame), sent(tenant, sesame)
    api.stop_tracked_links(MessageId=one, Reason="phishing")
    gone = ask(link)
    assert (gone.status, gone.fields["content-type"]) == (410, "text/html; charset=utf-8")
    assert "location" not in gone.fields and TARGET.encode() not in gone.body and b"switched off" in gone.body
    assert ask(link, "HEAD").status == 410
    assert (ask(second).status, ask(second).fields["location"]) == (302, TARGET)
    (stop,) = api.list_stopped_links()["Stops"]
    assert (stop["MessageId"], stop["StoppedBy"], stop["Reason"]) == (one, "ACCOUNT", "phishing")
    api.stop_tracked_links(All=True)
    assert ask(second).status == 410
    third = sent(tenant, sesame)[1]
    assert ask(third).status == 410  # of mail that was sent since, too
    api.resume_tracked_links(All=True)
    assert [ask(each).status for each in (link, second, third)] == [410, 302, 302]
    api.resume_tracked_links(MessageId=one)
    assert ask(link).status == 302
    assert refused(api.resume_tracked_links, MessageId=one) == "NotFoundException"
    audited = sesame.run("audit", "export", tenant.account.account_id).stdout
    assert len(re.findall(r'"eventName": ?"StopTrackedLinks"', audited)) == 2
    assert len(re.findall(r'"eventName": ?"ResumeTrackedLinks"', audited)) == 2


def test_what_the_operator_stops_the_account_reads_and_cannot_take_back(
    tenant: Tenant, sesame: SesameProcess
) -> None:
    followed(tenant)
    api, account = sesame.client("sesame", tenant.account), tenant.account.account_id
    message_id, link = sent(tenant, sesame)
    said = sesame.run("links", "stop", account, "--reason", "reported as phishing").stdout
    assert account in said and ask(link).status == 410
    assert refused(api.resume_tracked_links, All=True) == "NotFoundException"
    api.stop_tracked_links(All=True)
    api.resume_tracked_links(All=True)
    assert ask(link).status == 410
    (stop,) = api.list_stopped_links()["Stops"]
    assert (stop["All"], stop["StoppedBy"], stop["Reason"]) == (True, "OPERATOR", "reported as phishing")
    assert "reported as phishing" in sesame.run("links", "list", account).stdout
    sesame.run("links", "stop", account, "--message", message_id)
    sesame.run("links", "resume", account)
    assert ask(link).status == 410
    sesame.run("links", "resume", account, "--message", message_id)
    assert ask(link).status == 302
    assert sesame.run("links", "resume", account, check=False).returncode == 1
    audited = sesame.run("audit", "export", account).stdout
    assert audited.count("StopTrackedLinks") >= 2 and "reported as phishing" in audited


def test_an_account_stops_nothing_of_another_nor_without_the_permission(
    tenant: Tenant, sesame: SesameProcess
) -> None:
    followed(tenant)
    message_id, link = sent(tenant, sesame)
    stranger = sesame.client("sesame", sesame.create_account())
    assert refused(stranger.stop_tracked_links, MessageId=message_id) == "NotFoundException"
    stranger.stop_tracked_links(All=True)
    assert ask(link).status == 302
    api = sesame.client("sesame", tenant.account)
    assert refused(api.stop_tracked_links) == "BadRequestException"
    assert refused(api.stop_tracked_links, MessageId=message_id, All=True) == "BadRequestException"
    tenant.iam.create_user(UserName="clerk")
    key = tenant.iam.create_access_key(UserName="clerk")["AccessKey"]
    keys = type(tenant.account)(tenant.account.account_id, key["AccessKeyId"], key["SecretAccessKey"])
    clerk = sesame.client("sesame", keys)
    assert refused(clerk.stop_tracked_links, All=True) == "AccessDeniedException"
    assert refused(clerk.list_stopped_links) == "AccessDeniedException"
    assert ask(link).status == 302


def test_the_owner_of_an_identity_stops_what_a_delegate_sent_as_it_and_nothing_else(
    tenant: Tenant, sesame: SesameProcess
) -> None:
    """The sender sees that the owner did it, not the owner's words, and cannot take it back; both are audited."""
    owner = sesame.create_account()
    arn = sesame.vouch(owner, "lent.example")
    allow = statement(tenant, Resource=arn, Principal={"AWS": tenant.account.account_id})
    sesame.client("ses", owner).put_identity_policy(Identity="lent.example", PolicyName="p", Policy=allow)
    followed(tenant)
    api, sender = sesame.client("sesame", owner), sesame.client("sesame", tenant.account)
    delegate = tenant.account.account_id

    def lent() -> tuple[str, str]:
        address = new_address()
        message_id = send(
            tenant, address, ConfigurationSetName=SET, Source="news@lent.example", SourceArn=arn
        )
        return message_id, click_in(html_of(copy_for(sesame, address)))

    (one, link), (_, second), (own_id, own) = lent(), lent(), sent(tenant, sesame)
    api.stop_tracked_links(Delegate=delegate, MessageId=one, Reason="phishing")
    assert [ask(each).status for each in (link, second, own)] == [410, 302, 302]
    assert refused(api.stop_tracked_links, Delegate=delegate, MessageId=own_id) == "NotFoundException"
    api.stop_tracked_links(Delegate=delegate, All=True)
    third = lent()[1]
    assert [ask(each).status for each in (link, second, third, own)] == [410, 410, 410, 302]
    assert refused(sender.resume_tracked_links, All=True) == "NotFoundException"
    assert {(stop["StoppedBy"], stop["Reason"]) for stop in sender.list_stopped_links()["Stops"]} == {
        ("OWNER", "")
    }
    theirs = api.list_stopped_links(Delegate=delegate)["Stops"]
    assert [stop.get("MessageId") for stop in theirs] == [None, one] and theirs[1]["Reason"] == "phishing"
    assert api.list_stopped_links()["Stops"] == []
    api.resume_tracked_links(Delegate=delegate, All=True)
    assert [ask(each).status for each in (link, second, third)] == [410, 302, 302]
    sesame.run("links", "resume", delegate, "--owner", owner.account_id, "--message", one)
    assert ask(link).status == 302
    stranger = sesame.client("sesame", sesame.create_account())
    stranger.stop_tracked_links(Delegate=delegate, All=True)
    assert ask(second).status == 302
    assert refused(stranger.stop_tracked_links, Delegate=delegate, MessageId=one) == "NotFoundException"
    audited = sesame.run("audit", "export", owner.account_id).stdout
    assert audited.count("StopTrackedLinks") >= 2 and audited.count("ResumeTrackedLinks") >= 2
