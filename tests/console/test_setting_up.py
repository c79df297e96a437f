"""What an account sets up: configuration sets, templates with a preview, notifications, people."""

import json
import re
from typing import Any

from sesame.console.guard import MAIL_POLICY
from tests.console.test_leave import person_with
from tests.support.audit_log import audit_log
from tests.support.browser import Person, root_of, words
from tests.support.endpoint import listening
from tests.support.own_api import own_session
from tests.support.process import REGION, Account, SesameProcess, wait_until
from tests.support.tenant import Tenant, refusal

HERE = f"/{REGION}"
ATTACK = "<script>parent.hacked=1</script><img src=http://evil.example/x onerror=alert(1)>"


def test_a_webhook_is_shown_with_where_it_goes_and_switched_off(
    person: Person, v2: Any, tenant: Tenant, sesame: SesameProcess
) -> None:
    here = f"{HERE}/configuration-sets/hooked"
    v2.create_configuration_set(ConfigurationSetName="hooked")
    account = tenant.account
    own_session().client(
        "sesame",
        endpoint_url=sesame.api,
        region_name=REGION,
        aws_access_key_id=account.access_key_id,
        aws_secret_access_key=account.secret_access_key,
    ).create_webhook(
        ConfigurationSetName="hooked",
        EventDestinationName="hook",
        Url="https://hooks.example.com/in",
        MatchingEventTypes=["BOUNCE"],
    )
    assert "hook on bounced webhook https://hooks.example.com/in" in words(person.get(here).text)
    person.send(f"{here}/destinations/change", page=here, destination="hook", do="disable")
    assert "hook off bounced webhook https://hooks.example.com/in" in words(person.get(here).text)


def test_a_configuration_set_is_made_changed_and_deleted(person: Person, v2: Any, tenant: Tenant) -> None:
    lists, here = f"{HERE}/configuration-sets", f"{HERE}/configuration-sets/news"
    wrong = person.send(lists, name="no good name!")
    assert wrong.status_code == 400
    assert 'value="no good name!"' in wrong.text
    assert person.send(lists, name="news").url.path == here
    topic = tenant.sns.create_topic(Name="events")["TopicArn"]
    person.send(f"{here}/destinations", page=here, destination="told", topic=topic, BOUNCE="on", OPEN="on")
    told = v2.get_configuration_set_event_destinations(ConfigurationSetName="news")["EventDestinations"]
    assert told[0]["MatchingEventTypes"] == ["BOUNCE", "OPEN"]
    assert told[0]["SnsDestination"] == {"TopicArn": topic}
    page = words(person.get(here).text)
    assert f"told on bounced, opened {topic}" in page
    for do, enabled in (("disable", False), ("enable", True)):
        person.send(f"{here}/destinations/change", page=here, destination="told", do=do)
        told = v2.get_configuration_set_event_destinations(ConfigurationSetName="news")["EventDestinations"]
        assert told[0]["Enabled"] is enabled
    person.send(f"{here}/sending", page=here, enabled="no")
    person.send(f"{here}/delivery", page=here, tls="on")
    person.send(f"{here}/suppression", page=here, COMPLAINT="on")
    found = v2.get_configuration_set(ConfigurationSetName="news")
    assert found["SendingOptions"]["SendingEnabled"] is False
    assert found["DeliveryOptions"]["TlsPolicy"] == "REQUIRE"
    assert found["SuppressionOptions"]["SuppressedReasons"] == ["COMPLAINT"]
    assert "Mail sent with it is refused; what it accepted before goes out only over TLS" in words(
        person.get(here).text
    )
    assert "Use the account's reasons" in person.get(here).text
    person.send(f"{here}/suppression", page=here, do="account")
    found = v2.get_configuration_set(ConfigurationSetName="news")
    assert "SuppressedReasons" not in found.get("SuppressionOptions", {})
    page = person.get(here).text
    assert f'href="{HERE}/suppression#reasons"' in page
    assert 'id="reasons"' in person.get(f"{HERE}/suppression").text
    assert "Use the account's reasons" not in page
    nobody = person.send(f"{here}/destinations", page=here, destination="x", topic=topic)
    assert nobody.status_code == 400
    assert "alert" in nobody.text
    person.send(f"{here}/destinations/change", page=here, destination="told", do="remove")
    assert person.send(f"{here}/delete", page=here, name="new").status_code == 400
    person.send(f"{here}/delete", page=here, name="news")
    assert v2.list_configuration_sets()["ConfigurationSets"] == []
    assert "does not exist" in person.get(here).text


def test_the_pages_of_an_account_stand_in_groups(person: Person) -> None:
    nav = person.get(f"{HERE}/account").text.partition('aria-label="Pages"')[2].partition("</nav>")[0]
    groups = re.findall(r'role="group" aria-label="([^"]+)"', nav)
    assert groups == ["Sending as", "Mail", "Setting up", "This account"]
    assert 'data-key="a" aria-current="page"' in nav
    keys = re.findall(r'data-key="(.)"', nav)
    assert len(keys) == len(set(keys)) == 15, "a key each, the inbox's with them"


def test_a_set_names_the_identities_that_default_to_it(person: Person, v2: Any) -> None:
    v2.create_configuration_set(ConfigurationSetName="usual")
    v2.put_email_identity_configuration_set_attributes(
        EmailIdentity="example.com", ConfigurationSetName="usual"
    )
    page = person.get(f"{HERE}/configuration-sets/usual").text
    assert f'href="{HERE}/identities/example.com"' in page
    assert "usual" in person.get(f"{HERE}/identities/example.com/notifications").text


def test_a_template_is_written_seen_and_changed(person: Person, v2: Any) -> None:
    new, here = f"{HERE}/templates/new", f"{HERE}/templates/hello"
    text = "Hello {{name}},\n{{#if offer}}take {{offer}}{{/if}}"
    wrong = person.send(new, name="hello", subject="{{#if}", text=text)
    assert wrong.status_code == 400
    assert "{{#if offer}}take {{offer}}{{/if}}</textarea>" in wrong.text
    answer = person.send(
        new, name="hello", subject="Hi {{name}}", text=text, html=f"<p>{{{{name}}}}</p>{ATTACK}"
    )
    assert answer.url.path == here
    assert v2.get_email_template(TemplateName="hello")["TemplateContent"]["Text"] == text
    page = person.get(here).text
    assert "Hi name" in page, "the data begins with the names of the gaps"
    shown = person.get(here, params={"data": '{"name": "<b>Ana</b>"}'}).text
    assert "Hi &lt;b&gt;Ana&lt;/b&gt;" in shown
    assert "<script>parent" not in shown
    frame = re.search(r'<iframe class="mail" sandbox src="([^"]+)"', shown)
    assert frame
    html = person.get(frame[1].replace("&amp;", "&"))
    assert html.headers["content-security-policy"] == MAIL_POLICY
    assert "Ana" in html.text
    missing = person.get(here, params={"data": "{}"}).text
    assert "It cannot be rendered with this" in missing
    assert "name" in missing
    for bad in ("{", "[]", "x" * 5_000, '{"name": 1e999}'):
        assert person.get(here, params={"data": bad}).status_code == 200
    person.send(f"{here}/edit", subject="Bye", text="Bye.\n")
    content = v2.get_email_template(TemplateName="hello")["TemplateContent"]
    assert content == {"Subject": "Bye", "Text": "Bye.\n"}
    person.send(f"{here}/delete", page=here)
    assert v2.list_email_templates()["TemplatesMetadata"] == []


def test_a_template_of_one_part_is_shown(person: Person, v2: Any) -> None:
    v2.create_email_template(TemplateName="bare", TemplateContent={"Subject": "s"})
    assert person.get(f"{HERE}/templates/bare").status_code == 200


def test_what_is_written_for_a_template_stays_as_it_is_written(person: Person, v2: Any) -> None:
    """Line breaks at the beginning, hostile closings and characters that are not seen."""
    text = "\n</textarea><script>alert(1)</script>\ntwo  spaces\n"
    person.send(f"{HERE}/templates/new", name="odd", subject="s", text=text)
    page = person.get(f"{HERE}/templates/odd/edit").text
    assert "</textarea><script>" not in page
    shown = re.search(r'<textarea name="text" rows="8">(.*?)</textarea>', page, re.DOTALL)
    assert shown
    assert shown[1] == "\n" + text.replace("<", "&lt;").replace(">", "&gt;")
    assert v2.get_email_template(TemplateName="odd")["TemplateContent"]["Text"] == text


def test_a_topic_beyond_those_that_are_listed_can_be_named(person: Person, v2: Any, tenant: Tenant) -> None:
    here, of_set = f"{HERE}/identities/example.com/notifications", f"{HERE}/configuration-sets/many"
    v2.create_configuration_set(ConfigurationSetName="many")
    few = tenant.sns.create_topic(Name="t000")["TopicArn"]
    for page in (here, of_set):
        assert f"<option>{few}</option>" in person.get(page).text
    last = [tenant.sns.create_topic(Name=f"t{n:03}")["TopicArn"] for n in range(1, 103)][-1]
    for page in (here, of_set):
        text = person.get(page).text
        assert not re.search('<select name="topic', text)
        assert f'<option value="{few}"></option>' in text
        assert text.count('<datalist id="topics">') == 1
    person.send(f"{here}/topics", page=here, **{"topic-Bounce": last})
    assert f'name="topic-Bounce" list="topics" value="{last}"' in person.get(here).text
    person.send(f"{of_set}/destinations", page=of_set, destination="told", topic=last, BOUNCE="on")
    told = v2.get_configuration_set_event_destinations(ConfigurationSetName="many")["EventDestinations"]
    assert told[0]["SnsDestination"] == {"TopicArn": last}


def test_the_map_says_who_is_told_and_topics_are_set(person: Person, tenant: Tenant) -> None:
    here = f"{HERE}/identities/example.com/notifications"
    page = words(person.get(here).text)
    assert "Bounce mail to the return path yes" in page
    refused = person.send(f"{here}/forwarding", page=here, enabled="no")
    assert refused.status_code == 400
    assert "alert" in refused.text
    topic = tenant.sns.create_topic(Name="bounces")["TopicArn"]
    both = {f"topic-{kind}": topic for kind in ("Bounce", "Complaint")}
    person.send(f"{here}/topics", page=here, **both, **{"headers-Bounce": "on", "headers-Complaint": "on"})
    person.send(f"{here}/forwarding", page=here, enabled="no")
    found = tenant.ses.get_identity_notification_attributes(Identities=["example.com"])[
        "NotificationAttributes"
    ]
    assert found["example.com"]["BounceTopic"] == topic
    assert found["example.com"]["HeadersInBounceNotificationsEnabled"] is True
    assert found["example.com"]["ForwardingEnabled"] is False
    page = words(person.get(here).text)
    assert "nobody has a confirmed subscription to the topic" in page
    person.send(f"{here}/topics", page=here, **{"was-Bounce": topic, "topic-Bounce": ""})
    found = tenant.ses.get_identity_notification_attributes(Identities=["example.com"])[
        "NotificationAttributes"
    ]
    assert found["example.com"]["BounceTopic"] == ""
    wrong = person.send(
        f"{here}/topics", page=here, **{"topic-Delivery": "no topic", "headers-Delivery": "on"}
    )
    assert wrong.status_code == 400
    assert "<option selected>no topic</option>" in wrong.text
    before = len(audit_log(tenant.sesame, tenant.account.account_id))
    same = {
        "was-Complaint": topic,
        "had-Complaint": "on",
        "topic-Complaint": topic,
        "headers-Complaint": "on",
    }
    assert "That is set." in person.send(f"{here}/topics", page=here, **same).text
    assert len(audit_log(tenant.sesame, tenant.account.account_id)) == before, "what stays is not set again"
    assert "nothere.example" in person.get(f"{HERE}/identities/nothere.example/notifications").text


def test_a_delegates_settings_are_not_on_the_owners_map(
    sesame: SesameProcess, person: Person, tenant: Tenant
) -> None:
    delegate = sesame.create_account()
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": delegate.account_id},
        "Action": "ses:SendEmail",
        "Resource": tenant.arn,
    }
    tenant.ses.put_identity_policy(
        Identity="example.com", PolicyName="p", Policy=json.dumps({"Statement": [statement]})
    )
    topic = sesame.client("sns", delegate).create_topic(Name="delegatescanary")["TopicArn"]
    sesame.client("ses", delegate).set_identity_notification_topic(
        Identity=tenant.arn, NotificationType="Bounce", SnsTopic=topic
    )
    for path in ("identities/example.com/notifications", "changes", "reputation"):
        assert "delegatescanary" not in person.get(f"{HERE}/{path}").text
    theirs = root_of(sesame, delegate.account_id)
    assert theirs.get(f"{HERE}/identities/example.com/notifications").status_code in (400, 404)


def test_a_user_gets_a_key_that_works_until_it_is_disabled(
    sesame: SesameProcess, person: Person, tenant: Tenant
) -> None:
    lists, here = f"{HERE}/people", f"{HERE}/people/users/anna"
    assert person.send(f"{lists}/users", page=lists, name="no good").status_code == 400
    assert person.send(f"{lists}/users", page=lists, name="anna").url.path == here
    arn = "arn:aws:iam::aws:policy/AmazonSESFullAccess"
    person.send(f"{here}/policies", page=here, policy=arn, do="attach")
    made = person.send(f"{here}/keys", page=here).text
    key, secret = re.findall(r"data-copy=\"([A-Za-z0-9/+]{16,})\"", made)[:2]
    assert secret not in person.get(here).text
    ses = sesame.client("ses", Account(tenant.account.account_id, key, secret))
    assert ses.list_identities()["Identities"] == ["example.com"]
    person.send(f"{here}/keys/change", page=here, key=key, do="disable")
    assert refusal(ses.list_identities)[0] == "InvalidClientTokenId"
    assert "disabled" in words(person.get(here).text)
    person.send(f"{here}/keys/change", page=here, key=key, do="enable")
    person.send(f"{here}/policies", page=here, policy=arn, do="detach")
    assert refusal(ses.list_identities)[0] == "AccessDenied"
    kept = person.send(f"{here}/delete", page=here, name="anna")
    assert kept.status_code == 409
    person.send(f"{here}/keys/change", page=here, key=key, do="delete")
    person.send(f"{here}/delete", page=here, name="anna")
    assert tenant.iam.list_users()["Users"] == []
    assert person.get(here).status_code == 404


def test_groups_and_roles_show_what_they_let(person: Person, tenant: Tenant) -> None:
    lists, group = f"{HERE}/people", f"{HERE}/people/groups/senders"
    person.send(f"{lists}/groups", page=lists, name="senders")
    tenant.iam.create_user(UserName="ben")
    user = f"{HERE}/people/users/ben"
    person.send(f"{user}/groups", page=user, group="senders", do="add")
    arn = "arn:aws:iam::aws:policy/AmazonSESFullAccess"
    person.send(f"{group}/policies", page=group, policy=arn, do="attach")
    page = words(person.get(group).text)
    assert "1 user may do what this group may" in page
    assert "AmazonSESFullAccess" in page
    assert "ben" in page
    person.send(f"{user}/groups", page=user, group="senders", do="remove")
    assert tenant.iam.get_group(GroupName="senders")["Users"] == []
    assert person.send(f"{user}/groups", page=user, group="nothere", do="add").status_code == 404
    tenant.iam.create_role(
        RoleName="campaign",
        AssumeRolePolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": tenant.account.account_id},
                        "Action": "sts:AssumeRole",
                    }
                ],
            }
        ),
    )
    assert "campaign" in person.get(lists).text
    assert "sts:AssumeRole" in person.get(f"{HERE}/people/roles/campaign").text


def test_changes_through_the_console_are_audited_as_the_person(
    sesame: SesameProcess, person: Person, tenant: Tenant
) -> None:
    from tests.support.audit_log import audit_log

    person.send(f"{HERE}/people/users", page=f"{HERE}/people", name="carl")
    row = [one for one in audit_log(sesame, tenant.account.account_id) if one["eventName"] == "CreateUser"][
        -1
    ]
    assert row["userIdentity"]["arn"] == f"arn:aws:iam::{tenant.account.account_id}:root"
    assert row["sourceIPAddress"] == "127.0.0.1"
    assert row["requestParameters"]["userName"] == "carl"


def test_a_set_shows_its_last_sends_and_what_its_destinations_were_told_of_them(
    person: Person, v2: Any, tenant: Tenant
) -> None:
    here = f"{HERE}/configuration-sets/news"
    for name in ("news", "other"):
        v2.create_configuration_set(ConfigurationSetName=name)
    assert "None of the newest 500 messages of this account was sent with it." in words(person.get(here).text)
    topic = tenant.sns.create_topic(Name="events")["TopicArn"]

    def told(name: str) -> str:
        row = person.get(here).text.partition(f"<strong>{name}</strong>")[2].partition("</tr>")[0]
        return words(row.partition('data-label="Last delivery"')[2].partition("</td>")[0])

    with listening() as good, listening() as bad:
        bad.answers = [500] * 9
        for name, kind in (("nobody", "SEND"), ("quiet", "COMPLAINT")):
            person.send(f"{here}/destinations", page=here, destination=name, topic=topic, **{kind: "on"})
        for name, url in (("good", good.url), ("bad", bad.url)):
            person.send(f"{here}/webhooks", page=here, destination=name, url=url, SEND="on")
        ids = [
            v2.send_email(
                FromEmailAddress="news@example.com",
                Destination={"ToAddresses": [f"reader{n}@example.net"]},
                Content={"Simple": {"Subject": {"Data": f"number-{n}"}, "Body": {"Text": {"Data": "b"}}}},
                ConfigurationSetName="other" if n == 3 else "news",
            )["MessageId"]
            for n in range(7)
        ]
        wait_until(lambda: "delivered" in told("good"))
        wait_until(lambda: "the endpoint answered 500" in told("bad"))
        wait_until(lambda: "the topic has no subscription" in told("nobody"))
    assert "under way tried again" in told("bad")
    assert "none of the last sends" in told("quiet")
    listed = person.get(here).text.partition("<h2>Last sends")[2].partition("<h2>Rules")[0]
    assert re.findall(r"number-([0-9])", listed) == ["6", "5", "4", "2", "1"]
    assert re.findall(r'/messages/([^"]+)"', listed) == [ids[n] for n in (6, 5, 4, 2, 1)]
    assert "reader6@example.net" in listed


def test_who_may_not_see_messages_sees_a_set_without_them(sesame: SesameProcess, tenant: Tenant) -> None:
    sesame.client("sesv2", tenant.account).create_configuration_set(ConfigurationSetName="news")
    user = person_with(sesame, tenant, "ses:GetConfigurationSet", "ses:GetConfigurationSetEventDestinations")
    page = user.get(f"{HERE}/configuration-sets/news")
    assert page.status_code == 200
    assert "Last sends" not in page.text
