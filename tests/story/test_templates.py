"""Templates through unmodified boto3, v1 and v2: store them, try them, send with them, one and many."""

import email
import email.policy
import json
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sesame.store.development import Mail
from tests.support.process import Account, SesameProcess, read_header, wait_until
from tests.support.signed_client import policy
from tests.support.tenant import Tenant, refusal

SUBJECT, TEXT, HTML = "Hello {{name}}", "Dear {{name}},\n{{#if more}}{{more}}{{/if}}", "<p>{{name}}</p>"
PARTS = {"SubjectPart": SUBJECT, "TextPart": TEXT, "HtmlPart": HTML}
CONTENT = {"Subject": SUBJECT, "Text": TEXT, "Html": HTML}


@dataclass(frozen=True, slots=True)
class Templater:
    """A tenant with the template `welcome`, and its v2 client."""

    tenant: Tenant
    v2: Any

    @property
    def sesame(self) -> SesameProcess:
        return self.tenant.sesame

    @property
    def ses(self) -> Any:
        return self.tenant.ses

    @property
    def template_arn(self) -> str:
        return f"arn:aws:ses:us-east-1:{self.tenant.account.account_id}:template/welcome"

    def address(self, name: str) -> str:
        return f"{name}-{self.tenant.account.account_id}@elsewhere.test"

    def send(self, data: str, **changed: Any) -> str:
        usual = {"Source": "news@example.com", "Destination": {"ToAddresses": [self.address("to")]}}
        sent = self.ses.send_templated_email(
            **{**usual, "Template": "welcome", "TemplateData": data, **changed}
        )
        return str(sent["MessageId"])

    def delivered(self, name: str = "to") -> Mail:
        """The mail that came to one of our addresses."""
        address = self.address(name)
        found = wait_until(lambda: [mail for mail in self.sesame.mail() if address in mail.rcpt_to])
        assert len(found) == 1
        mail: Mail = found[0]
        return mail


@pytest.fixture
def templater(tenant: Tenant) -> Templater:
    tenant.ses.create_template(Template={"TemplateName": "welcome", **PARTS})
    return Templater(tenant, tenant.sesame.client("sesv2", tenant.account))


def read(mail: Mail) -> email.message.EmailMessage:
    return read_header(mail)


def test_a_template_is_kept_by_v1_and_seen_by_v2(templater: Templater) -> None:
    assert templater.ses.get_template(TemplateName="welcome")["Template"] == {
        "TemplateName": "welcome",
        **PARTS,
    }
    assert templater.v2.get_email_template(TemplateName="welcome")["TemplateContent"] == CONTENT
    templater.v2.update_email_template(TemplateName="welcome", TemplateContent={"Subject": "s", "Text": "x"})
    assert templater.ses.get_template(TemplateName="welcome")["Template"] == {
        "TemplateName": "welcome",
        "SubjectPart": "s",
        "TextPart": "x",
    }
    templater.v2.create_email_template(
        TemplateName="two", TemplateContent=CONTENT, Tags=[{"Key": "a", "Value": "b"}]
    )
    arn = templater.template_arn.replace("welcome", "two")
    templater.v2.tag_resource(ResourceArn=arn, Tags=[{"Key": "c", "Value": "d"}])
    tags = [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}]
    assert templater.v2.get_email_template(TemplateName="two")["Tags"] == tags
    assert templater.v2.list_tags_for_resource(ResourceArn=arn)["Tags"] == tags
    names = [template["Name"] for template in templater.ses.list_templates()["TemplatesMetadata"]]
    assert names == ["two", "welcome"]
    templater.ses.delete_template(TemplateName="two")
    templater.ses.delete_template(TemplateName="two")
    with pytest.raises(templater.v2.exceptions.NotFoundException, match="Template two does not exist"):
        templater.v2.delete_email_template(TemplateName="two")
    templater.v2.create_email_template(TemplateName="two", TemplateContent=CONTENT)
    assert templater.v2.get_email_template(TemplateName="two")["Tags"] == []


def test_templates_are_listed_in_pages(templater: Templater) -> None:
    for number in range(4):
        templater.ses.create_template(
            Template={"TemplateName": f"t{number}", "SubjectPart": "s", "TextPart": "x"}
        )
    first = templater.v2.list_email_templates(PageSize=3)
    rest = templater.v2.list_email_templates(PageSize=3, NextToken=first["NextToken"])
    both = [template["TemplateName"] for page in (first, rest) for template in page["TemplatesMetadata"]]
    assert both == ["t0", "t1", "t2", "t3", "welcome"]
    assert "NextToken" not in rest
    assert len(templater.ses.list_templates(MaxItems=1000)["TemplatesMetadata"]) == 5


def test_template_operations_refuse_in_the_words_of_ses(templater: Templater) -> None:
    ses = templater.ses
    assert refusal(ses.create_template, Template={"TemplateName": "welcome", "SubjectPart": "s"}) == (
        "AlreadyExists", 400, "Template welcome already exists.")  # fmt: skip
    for call in (
        ses.get_template,
        lambda **_: ses.test_render_template(TemplateName="no", TemplateData="{}"),
    ):
        assert refusal(call, TemplateName="no") == (
            "TemplateDoesNotExist",
            400,
            "Template no does not exist.",
        )
    assert (
        refusal(ses.update_template, Template={"TemplateName": "no", "SubjectPart": "s"})[0]
        == "TemplateDoesNotExist"
    )
    broken = {"TemplateName": "broken", "SubjectPart": "s", "HtmlPart": "{{#if a}}"}
    assert refusal(ses.create_template, Template=broken)[0] == "InvalidTemplate"
    large = {"TemplateName": "large", "SubjectPart": "s", "HtmlPart": "x" * (500 * 1024 + 1)}
    assert refusal(ses.create_template, Template=large)[0] == "InvalidTemplate"
    assert (
        refusal(ses.create_template, Template={"TemplateName": "a b", "SubjectPart": "s"})[0]
        == "InvalidParameterValue"
    )
    with pytest.raises(templater.v2.exceptions.BadRequestException, match="not valid"):
        templater.v2.create_email_template(
            TemplateName="broken", TemplateContent={"Subject": "s", "Text": "{{a"}
        )
    with pytest.raises(templater.v2.exceptions.AlreadyExistsException):
        templater.v2.create_email_template(TemplateName="welcome", TemplateContent=CONTENT)


def test_a_template_needs_a_name_and_a_subject(templater: Templater) -> None:
    """As SES answers, though its models ask for neither (boto3#2464)."""
    v1, v2 = templater.ses, templater.v2
    for empty in ({}, {"SubjectPart": ""}):
        for call, name in ((v1.create_template, "new"), (v1.update_template, "welcome")):
            template = {"TemplateName": name, "TextPart": "x", **empty}
            said = ("InvalidParameterValue", 400, "The subject must be specified.")
            assert refusal(call, Template=template) == said
    for content in ({"Text": "x"}, {"Subject": "", "Text": "x"}):
        for call, name in ((v2.create_email_template, "new"), (v2.update_email_template, "welcome")):
            with pytest.raises(v2.exceptions.BadRequestException, match="The subject must be specified"):
                call(TemplateName=name, TemplateContent=content)
    said = ("InvalidParameterValue", 400, "The template name must be specified.")
    assert refusal(v1.create_template, Template={"TemplateName": "", "SubjectPart": "s"}) == said
    assert v1.get_template(TemplateName="welcome")["Template"]["SubjectPart"] == SUBJECT


def test_a_test_rendering_is_a_mime_message(templater: Templater) -> None:
    data = json.dumps({"name": "Zoë\r\nBcc: x@example.com"})
    for rendered in (
        templater.ses.test_render_template(TemplateName="welcome", TemplateData=data)["RenderedTemplate"],
        templater.v2.test_render_email_template(TemplateName="welcome", TemplateData=data)[
            "RenderedTemplate"
        ],
    ):
        message = email.message_from_string(rendered, policy=email.policy.default)
        assert message.keys() == ["Date", "Subject", "MIME-Version", "Content-Type"]
        assert message["Subject"] == "Hello Zoë Bcc: x@example.com"
        assert message.get_content_type() == "multipart/alternative"
        text, html = message.iter_parts()
        assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
        assert text.get_content_charset() == "utf-8"
        assert html.get_content().strip().startswith("<p>Zoë")


def test_a_test_rendering_says_what_is_missing(templater: Templater) -> None:
    render = templater.ses.test_render_template
    assert refusal(render, TemplateName="welcome", TemplateData="{}") == (
        "MissingRenderingAttribute", 400, "Attribute 'name' is not present in the rendering data.")  # fmt: skip
    for data in ("[]", "{", '{"a": NaN}', "[" * 5000):
        assert refusal(render, TemplateName="welcome", TemplateData=data)[0] == "InvalidRenderingParameter"
    with pytest.raises(templater.v2.exceptions.BadRequestException, match="Attribute 'name' is not present"):
        templater.v2.test_render_email_template(TemplateName="welcome", TemplateData="{}")


def test_a_templated_message_is_delivered(templater: Templater) -> None:
    templater.send('{"name": "Ann", "more": "<b>"}', TemplateArn=templater.template_arn)
    message = read(templater.delivered())
    assert message["Subject"] == "Hello Ann"
    text, html = message.iter_parts()
    assert (text.get_content().split("\r\n")[:2], html.get_content().strip()) == (
        ["Dear Ann,", "<b>"],
        "<p>Ann</p>",
    )


def test_what_cannot_be_rendered_is_accepted_counted_and_not_sent(templater: Templater) -> None:
    before = templater.ses.get_send_quota()["SentLast24Hours"]
    message_id = templater.send("{}")
    trace = templater.sesame.run_json("trace", message_id)
    assert trace["rendering_failure"] == "Attribute 'name' is not present in the rendering data."
    assert [recipient["state"] for recipient in trace["recipients"]] == ["cancelled"]
    assert "Rendering Failure: Attribute 'name'" in templater.sesame.run("trace", message_id).stdout
    assert templater.ses.get_send_quota()["SentLast24Hours"] == before + 1
    templater.send('{"name": "later"}', Destination={"ToAddresses": [templater.address("later")]})
    templater.delivered("later")
    assert not [mail for mail in templater.sesame.mail() if templater.address("to") in mail.rcpt_to]


def test_data_that_has_a_name_in_other_letters_is_named(templater: Templater) -> None:
    [recipient] = templater.sesame.run_json("trace", templater.send('{"Name": "Ann"}'))["recipients"]
    [cause] = recipient["causes"]
    assert "Attribute 'name' is not present" in cause["cause"]
    assert "the data has `Name`: write `name` there, or `Name` in the template" in cause["mend"]["text"]


def test_a_templated_send_is_refused_at_once_for_what_is_known_at_once(templater: Templater) -> None:
    def send(**changed: Any) -> str:
        return refusal(
            lambda **parameters: templater.send(parameters.pop("data", "{}"), **parameters), **changed
        )[0]

    assert send(Template="no") == "TemplateDoesNotExist"
    assert send(data="[]") == "InvalidParameterValue"
    assert send(data="{") == "InvalidParameterValue"
    assert send(TemplateArn="arn:aws:ses:us-east-1:111122223333:template/welcome") == "InvalidParameterValue"
    assert send(TemplateArn=templater.template_arn + "2") == "InvalidParameterValue"
    assert send(Source="news@other.example") == "MessageRejected"
    assert send(ConfigurationSetName="no") == "ConfigurationSetDoesNotExist"


def test_the_template_must_be_allowed_by_the_callers_own_policies(templater: Templater) -> None:
    def user(name: str, *resources: str) -> Templater:
        allowed = {"Effect": "Allow", "Action": "ses:SendTemplatedEmail", "Resource": list(resources)}
        return Templater(templater.tenant.user(name, policy(allowed)), None)

    code, _, message = refusal(lambda: user("half", templater.tenant.arn).send('{"name": 1}'))
    assert code == "AccessDenied"
    assert message.endswith(f"`ses:SendTemplatedEmail' on resource `{templater.template_arn}'")
    assert user("whole", templater.tenant.arn, templater.template_arn).send('{"name": 1}')


def test_a_delegate_sends_its_own_template_as_another_accounts_identity(templater: Templater) -> None:
    delegate = templater.sesame.create_account()
    ses = templater.sesame.client("ses", delegate)
    ses.create_template(Template={"TemplateName": "theirs", "SubjectPart": "{{s}}", "TextPart": "x"})

    def send() -> Any:
        return ses.send_templated_email(
            Source="news@example.com", SourceArn=templater.tenant.arn, Template="theirs", TemplateData='{"s": "S"}',
            Destination={"ToAddresses": [templater.address("delegate")]},
        )  # fmt: skip

    def allow(action: str) -> None:
        document = policy({"Effect": "Allow", "Principal": {"AWS": delegate.account_id}, "Action": action,
                           "Resource": templater.tenant.arn})  # fmt: skip
        templater.ses.put_identity_policy(Identity="example.com", PolicyName="p", Policy=document)

    assert refusal(send)[0] == "AccessDenied"
    allow("ses:SendEmail")
    assert refusal(send)[0] == "AccessDenied"
    allow("ses:SendTemplatedEmail")
    assert send()["MessageId"]
    assert read(templater.delivered("delegate"))["Subject"] == "S"

    def uses(account: Account) -> set[str]:
        decided = templater.sesame.run_json("decisions", account.account_id)
        return {
            use
            for decision in decided
            if decision["message_id"]
            for check in decision["checks"]
            for use in check["uses"]
        }

    assert "Resource" in uses(delegate)
    assert "Resource" not in uses(templater.tenant.account), (
        "what a delegate's templates are called is its own"
    )


def test_entries_of_a_bulk_send_stand_for_themselves(templater: Templater) -> None:
    to = templater.address
    sent = templater.ses.send_bulk_templated_email(
        Source="news@example.com",
        Template="welcome",
        DefaultTemplateData='{"name": "friend"}',
        DefaultTags=[{"Name": "a", "Value": "1"}, {"Name": "b", "Value": "1"}],
        Destinations=[
            {"Destination": {"ToAddresses": [to("own")]}, "ReplacementTemplateData": '{"name": "Ann"}',
             "ReplacementTags": [{"Name": "b", "Value": "2"}]},
            {"Destination": {"ToAddresses": ["nobody"]}},
            {"Destination": {"ToAddresses": [to("default")]}, "ReplacementTemplateData": "{}"},
            {"Destination": {"ToAddresses": [to("whole")]}, "ReplacementTemplateData": '{"name": null}'},
            {"Destination": {"ToAddresses": [to("bad")]}, "ReplacementTemplateData": "[]"},
            {"Destination": {"ToAddresses": [to("merged")]}, "ReplacementTemplateData": '{"more": "x"}'},
        ],
    )["Status"]  # fmt: skip
    assert [status["Status"] for status in sent] == [
        "Success", "InvalidParameterValue", "Success", "Success", "InvalidParameterValue", "Success",
    ]  # fmt: skip
    assert "Missing final '@domain'" in sent[1]["Error"]
    assert "MessageId" not in sent[1]
    assert read(templater.delivered("own"))["Subject"] == "Hello Ann"
    assert read(templater.delivered("default"))["Subject"] == "Hello friend"
    assert read(templater.delivered("merged"))["Subject"] == "Hello friend"
    assert templater.sesame.run_json("trace", sent[0]["MessageId"])["tags"] == {"a": "1", "b": "2"}
    whole = templater.sesame.run_json("trace", sent[3]["MessageId"])
    assert whole["rendering_failure"] == "Attribute 'name' is not present in the rendering data."


def test_a_bulk_send_that_is_wrong_as_a_whole_is_refused_as_a_whole(templater: Templater) -> None:
    def send(**changed: Any) -> str:
        usual = {"Source": "news@example.com", "Template": "welcome", "DefaultTemplateData": "{}",
                 "Destinations": [{"Destination": {"ToAddresses": [templater.address("x")]}}] * 2}  # fmt: skip
        return refusal(templater.ses.send_bulk_templated_email, **{**usual, **changed})[0]

    assert send(Template="no") == "TemplateDoesNotExist"
    assert send(Source="news@other.example") == "MessageRejected"
    assert send(ConfigurationSetName="no") == "ConfigurationSetDoesNotExist"
    assert send(DefaultTemplateData="[") == "InvalidParameterValue"
    assert send(Destinations=[]) == "InvalidParameterValue"
    assert (
        send(Destinations=[{"Destination": {"ToAddresses": ["a@b.example"]}}] * 51) == "InvalidParameterValue"
    )
    templater.ses.update_account_sending_enabled(Enabled=False)
    assert send() == "AccountSendingPausedException"


def test_in_the_sandbox_an_unverified_recipient_fails_alone(sesame: SesameProcess) -> None:
    account = sesame.create_account(production=False)
    for identity in ("example.com", "me@ok.example"):
        sesame.vouch(account, identity)
    ses = sesame.client("ses", account)
    ses.create_template(Template={"TemplateName": "t", "SubjectPart": "s", "TextPart": "x"})
    sent = ses.send_bulk_templated_email(
        Source="news@example.com", Template="t", DefaultTemplateData="{}",
        Destinations=[{"Destination": {"ToAddresses": [to]}} for to in ("x@no.example", "news@example.com")],
    )["Status"]  # fmt: skip
    assert sent[0]["Status"] == "MessageRejected"
    assert sent[1]["Status"] in ("Success", "AccountThrottled")


def test_v2_sends_templates_by_name_by_arn_and_inline(templater: Templater) -> None:
    data = '{"name": "Ann"}'
    ways: dict[str, dict[str, Any]] = {
        "name": {"TemplateName": "welcome"},
        "arn": {"TemplateArn": templater.template_arn},
        "inline": {"TemplateContent": {"Subject": "Hello {{name}}", "Text": "x"}},
    }
    for way, named in ways.items():
        templater.v2.send_email(
            FromEmailAddress="news@example.com",
            Destination={"ToAddresses": [templater.address(way)]},
            Content={"Template": {**named, "TemplateData": data, "Headers": [{"Name": "X-Way", "Value": way}],
                                  "Attachments": [{"FileName": "a.txt", "RawContent": b"attached"}]}},
        )  # fmt: skip
        message = read(templater.delivered(way))
        assert (message["Subject"], message["X-Way"]) == ("Hello Ann", way)
        assert [part.get_filename() for part in message.iter_attachments()] == ["a.txt"]


def test_v2_refuses_templates_it_cannot_use(templater: Templater) -> None:
    def send(template: dict[str, Any], **changed: Any) -> tuple[str, str]:
        usual: dict[str, Any] = {"FromEmailAddress": "news@example.com"}
        usual |= {"Destination": {"ToAddresses": ["a@b.example"]}, "Content": {"Template": template}}
        with pytest.raises(ClientError) as caught:
            templater.v2.send_email(**{**usual, **changed})
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    assert send({"TemplateName": "no"})[0] == "NotFoundException"
    assert send({})[0] == "BadRequestException"
    assert (
        send({"TemplateName": "welcome", "TemplateArn": templater.template_arn})[0] == "BadRequestException"
    )
    assert send({"TemplateContent": {"Text": "{{#if a}}{{/if}}"}})[0] == "BadRequestException"
    assert send({"TemplateName": "welcome"}, FromEmailAddress="")[1] == "Source cannot be empty"


def test_v2_bulk_merges_headers_and_tags(templater: Templater) -> None:
    results = templater.v2.send_bulk_email(
        FromEmailAddress="news@example.com",
        DefaultEmailTags=[{"Name": "a", "Value": "1"}],
        DefaultContent={"Template": {
            "TemplateName": "welcome", "TemplateData": '{"name": "friend"}',
            "Headers": [{"Name": "X-One", "Value": "1"}, {"Name": "X-Two", "Value": "1"}],
        }},
        BulkEmailEntries=[
            {"Destination": {"ToAddresses": [templater.address("one")]},
             "ReplacementHeaders": [{"Name": "x-two", "Value": "2"}],
             "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": '{"name": "Ann"}'}}},
            {"Destination": {}},
            {"Destination": {"ToAddresses": [templater.address("two")]},
             "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": '{"more": "x"}'}}},
        ],
    )["BulkEmailEntryResults"]  # fmt: skip
    assert [result["Status"] for result in results] == ["SUCCESS", "INVALID_PARAMETER", "SUCCESS"]
    assert read(templater.delivered("two"))["Subject"] == "Hello friend"
    message = read(templater.delivered("one"))
    assert (message["Subject"], message["X-One"], message.get_all("X-Two")) == ("Hello Ann", "1", ["2"])


def test_fifty_messages_of_one_bulk_send_share_commits(templater: Templater) -> None:
    entries = [{"Destination": {"ToAddresses": [templater.address(f"n{number}")]}} for number in range(50)]
    results = templater.v2.send_bulk_email(
        FromEmailAddress="news@example.com",
        DefaultContent={"Template": {"TemplateName": "welcome", "TemplateData": '{"name": "x"}'}},
        BulkEmailEntries=entries,
    )["BulkEmailEntryResults"]
    assert len({result["MessageId"] for result in results if result["Status"] == "SUCCESS"}) == 50


def test_bulk_has_actions_of_its_own(templater: Templater) -> None:
    allowed = {"Effect": "Allow", "Action": ["ses:SendBulkTemplatedEmail", "ses:SendEmail"], "Resource": "*"}
    keys = templater.tenant.user("bulk", policy(allowed))
    key: Account = keys.account
    assert key.account_id == templater.tenant.account.account_id
    destination = {"ToAddresses": [templater.address("b")]}
    sent = keys.ses.send_bulk_templated_email(
        Source="news@example.com", Template="welcome", DefaultTemplateData='{"name": 1}',
        Destinations=[{"Destination": destination}],
    )  # fmt: skip
    assert sent["Status"][0]["Status"] == "Success"
    denied = refusal(
        keys.ses.send_templated_email, Source="news@example.com", Template="welcome", TemplateData="{}",
        Destination=destination,
    )  # fmt: skip
    assert denied[0] == "AccessDenied"
