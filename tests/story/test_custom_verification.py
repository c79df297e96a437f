"""Custom verification mail by real boto3, v1 and v2 over one store: templates, the mail, and where its link leads."""

import email
import email.policy
import http.client
import re
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import dkim
import pytest
from botocore.exceptions import ClientError

from sesame.app.foundation import Services
from sesame.sending.verification_mail import FOOTER
from sesame.store import custom_verification
from sesame.store.development import Mail
from tests.support.patience import PATIENCE_S
from tests.support.process import REGION, Account, SesameProcess, read_header, wait_until
from tests.support.signed_client import policy
from tests.support.tenant import CUSTOM, Tenant

SUCCESS, FAILURE = CUSTOM["SuccessRedirectionURL"], CUSTOM["FailureRedirectionURL"]
NO_SUCCESS, NO_FAILURE = (f"The {which} redirection URL is invalid" for which in ("success", "failure"))
PIXEL = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


@dataclass
class Verifier:
    """A tenant with the template `c`, and a client of each API."""

    tenant: Tenant
    v1: Any
    v2: Any
    asked: list[str] = field(default_factory=list)

    @property
    def account(self) -> Account:
        return self.tenant.account

    @property
    def sesame(self) -> SesameProcess:
        return self.tenant.sesame

    @property
    def template_arn(self) -> str:
        return f"arn:aws:ses:{REGION}:{self.account.account_id}:custom-verification-email-template/c"

    def address(self, name: str = "ann") -> str:
        return f"{name}-{self.account.account_id}@people.test"

    def send(self, name: str = "ann", **parameters: Any) -> str:
        sent = self.v1.send_custom_verification_email(
            EmailAddress=self.address(name), TemplateName="c", **parameters
        )
        return str(sent["MessageId"])

    def mails(self, name: str = "ann", *, count: int = 1) -> list[Mail]:
        """What came to an address, the newest first, once that is so many."""
        address = self.address(name)

        def come() -> list[Mail]:
            found = [mail for mail in self.sesame.mail() if address in mail.rcpt_to]
            return found if len(found) == count else []

        mails: list[Mail] = wait_until(come)
        return mails

    def link(self, name: str = "ann", *, count: int = 1) -> str:
        """The link in the newest mail."""
        html = read(self.mails(name, count=count)[0]).get_body(("html",))
        assert html is not None
        found = re.search(
            rf'<a href="({re.escape(self.sesame.api)}/verify\?token=[\w-]+)">', html.get_content()
        )
        assert found is not None
        return found[1]

    def status(self, name: str = "ann") -> str:
        """As v1 tells it, empty for an identity that there is not."""
        address = self.address(name)
        found = self.v1.get_identity_verification_attributes(Identities=[address])["VerificationAttributes"]
        return str(found[address]["VerificationStatus"]) if found else ""


@pytest.fixture
def verifier(tenant: Tenant) -> Verifier:
    v2 = tenant.sesame.client("sesv2", tenant.account)
    v2.create_custom_verification_email_template(**CUSTOM)
    return Verifier(tenant, tenant.ses, v2)


def read(mail: Mail) -> email.message.EmailMessage:
    return read_header(mail)


def follow(link: str, method: str = "GET") -> tuple[int, str | None, str]:
    """Status, Location and body, as a browser gets them; no redirect is followed."""
    parts = urlsplit(link)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE_S)
    try:
        connection.request(method, f"{parts.path}?{parts.query}")
        response = connection.getresponse()
        return response.status, response.getheader("Location"), response.read().decode()
    finally:
        connection.close()


def refused(call: Any, **parameters: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Message"]


def told(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def test_the_mail_is_the_accounts_own_and_its_link_leads_on(verifier: Verifier) -> None:
    verifier.v1.verify_domain_dkim(Domain="example.com")
    before = verifier.v1.get_send_quota()["SentLast24Hours"]
    message_id = verifier.send()
    assert verifier.status() == "Pending"
    assert (
        verifier.v2.get_email_identity(EmailIdentity=verifier.address())["VerifiedForSendingStatus"] is False
    )
    [mail] = verifier.mails()
    assert dkim.verify(mail.data, dnsfunc=verifier.sesame.txt)
    assert b"d=example.com" in mail.data
    message = read(mail)
    assert (message["From"], message["To"], message["Subject"]) == (
        "news@example.com",
        verifier.address(),
        "s",
    )
    link = verifier.link()
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    assert html is not None and text is not None
    assert html.get_content().startswith("<p>c</p>") and FOOTER in html.get_content()
    assert text.get_content().splitlines() == ["c", "", link, "", FOOTER]
    assert verifier.v1.get_send_quota()["SentLast24Hours"] == before + 1
    trace = verifier.sesame.run_json("trace", message_id)
    assert [check["arn"] for check in trace["decision"]["checks"]] == [
        verifier.tenant.arn,
        verifier.template_arn,
    ]
    assert follow(link, "HEAD")[0] == 200
    assert verifier.status() == "Pending", "a scanner's look is not a click"
    assert follow(link) == (302, SUCCESS, "")
    assert verifier.status() == "Success"
    assert follow(link) == (302, SUCCESS, "")
    assert (
        verifier.v2.get_email_identity(EmailIdentity=verifier.address())["VerifiedForSendingStatus"] is True
    )


def test_a_link_that_is_no_longer_good_leads_to_the_failure_page(verifier: Verifier) -> None:
    verifier.send()
    old = verifier.link()
    verifier.v2.send_custom_verification_email(EmailAddress=verifier.address(), TemplateName="c")
    new = verifier.link(count=2)
    assert new != old
    assert follow(old) == (302, FAILURE, "")
    assert verifier.status() == "Pending"
    verifier.v1.delete_identity(Identity=verifier.address())
    assert follow(new) == (302, FAILURE, "")
    assert verifier.status() == ""


def test_a_plain_mail_after_a_custom_one_has_the_plain_page(verifier: Verifier) -> None:
    verifier.send()
    custom = verifier.link()
    verifier.v1.verify_email_identity(EmailAddress=verifier.address())
    plain = re.search(r"http://\S+/verify\?token=\S+", verifier.mails(count=2)[0].data.decode())
    assert plain is not None
    assert follow(custom)[:2] == (302, FAILURE)
    status, location, page = follow(plain[0])
    assert (status, location) == (200, None)
    assert verifier.address() in page
    assert follow(f"{verifier.sesame.api}/verify?token=guess")[:2] == (404, None)


def test_an_open_link_leads_where_the_template_said_when_it_was_mailed(verifier: Verifier) -> None:
    verifier.send("changed")
    link = verifier.link("changed")
    verifier.v1.update_custom_verification_email_template(
        TemplateName="c", SuccessRedirectionURL="https://other.test/"
    )
    verifier.v1.delete_custom_verification_email_template(TemplateName="c")
    assert follow(link) == (302, SUCCESS, "")


def test_a_verified_address_stays_verified(verifier: Verifier) -> None:
    verifier.sesame.vouch(verifier.account, verifier.address())
    verifier.send()
    assert verifier.status() == "Success"
    assert follow(verifier.link()) == (302, SUCCESS, "")


def test_templates_are_the_same_in_both(verifier: Verifier) -> None:
    arn = verifier.template_arn
    assert told(verifier.v1.get_custom_verification_email_template(TemplateName="c")) == CUSTOM
    changed = {**CUSTOM, "TemplateContent": "<b>d</b>", "FromEmailAddress": "other@Sub.example.com"}
    verifier.v1.update_custom_verification_email_template(
        TemplateName="c", TemplateContent="<b>d</b>", FromEmailAddress="other@Sub.example.com"
    )
    assert told(verifier.v2.get_custom_verification_email_template(TemplateName="c")) == {
        **changed,
        "Tags": [],
    }
    verifier.v2.tag_resource(ResourceArn=arn, Tags=[{"Key": "k", "Value": "v"}])
    verifier.v2.update_custom_verification_email_template(**CUSTOM)
    found = verifier.v2.get_custom_verification_email_template(TemplateName="c")
    assert told(found) == {**CUSTOM, "Tags": [{"Key": "k", "Value": "v"}]}
    verifier.v2.delete_custom_verification_email_template(TemplateName="c")
    verifier.v1.delete_custom_verification_email_template(TemplateName="c")
    assert refused(verifier.v2.delete_custom_verification_email_template, TemplateName="c") == (
        "NotFoundException",
        404,
        "Custom verification email template <c> does not exist",
    )
    assert refused(verifier.v2.list_tags_for_resource, ResourceArn=arn)[0] == "NotFoundException"
    tagged = [{"Key": "a", "Value": "b"}]
    verifier.v2.create_custom_verification_email_template(**CUSTOM, Tags=tagged)
    assert verifier.v2.list_tags_for_resource(ResourceArn=arn)["Tags"] == tagged


def test_templates_are_listed_in_pages_and_there_are_at_most_fifty(verifier: Verifier) -> None:
    for number in range(49):
        verifier.v1.create_custom_verification_email_template(**{**CUSTOM, "TemplateName": f"n{number:02}"})
    one_more = {**CUSTOM, "TemplateName": "n49"}
    assert refused(verifier.v1.create_custom_verification_email_template, **one_more)[:2] == (
        "LimitExceeded",
        400,
    )
    assert refused(verifier.v2.create_custom_verification_email_template, **one_more)[0] == (
        "LimitExceededException"
    )
    pages = verifier.v1.get_paginator("list_custom_verification_email_templates")
    found = [
        template
        for page in pages.paginate(PaginationConfig={"PageSize": 20})
        for template in page["CustomVerificationEmailTemplates"]
    ]
    assert [template["TemplateName"] for template in found] == ["c", *(f"n{n:02}" for n in range(49))]
    assert found[0] == {key: value for key, value in CUSTOM.items() if key != "TemplateContent"}
    assert (
        len(verifier.v1.list_custom_verification_email_templates()["CustomVerificationEmailTemplates"]) == 50
    )
    first = verifier.v2.list_custom_verification_email_templates(PageSize=30)
    rest = verifier.v2.list_custom_verification_email_templates(PageSize=50, NextToken=first["NextToken"])
    assert (len(rest["CustomVerificationEmailTemplates"]), "NextToken" in rest) == (20, False)
    list_v1, list_v2 = (
        client.list_custom_verification_email_templates for client in (verifier.v1, verifier.v2)
    )
    assert refused(list_v1, MaxResults=51)[0] == "ValidationError"
    assert refused(list_v2, PageSize=51)[0] == refused(list_v2, PageSize=0)[0] == "BadRequestException"
    assert refused(list_v1, NextToken="%")[0] == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("changed", "code", "words"),
    [
        ({"TemplateName": "a b"}, "InvalidParameterValue", "Invalid template name"),
        ({"FromEmailAddress": "News <news@example.com>"}, "InvalidParameterValue", "Invalid email address<News"),
        ({"FromEmailAddress": ""}, "InvalidParameterValue", "Invalid email address<>."),
        ({"TemplateSubject": " "}, "InvalidParameterValue", "subject must be specified"),
        ({"SuccessRedirectionURL": "javascript:alert(1)"}, "InvalidParameterValue", NO_SUCCESS),
        ({"SuccessRedirectionURL": "//example.com"}, "InvalidParameterValue", NO_SUCCESS),
        ({"FailureRedirectionURL": "https://"}, "InvalidParameterValue", NO_FAILURE),
        ({"FailureRedirectionURL": "https://a.test/\r\nX: y"}, "InvalidParameterValue", NO_FAILURE),
        ({"FailureRedirectionURL": "https://bank.test@a.test/"}, "InvalidParameterValue", NO_FAILURE),
        ({"FailureRedirectionURL": "https://a.test:99999/"}, "InvalidParameterValue", NO_FAILURE),
        ({"FailureRedirectionURL": "https://ü.test/"}, "InvalidParameterValue", NO_FAILURE),
        ({"TemplateContent": " "}, "CustomVerificationEmailInvalidContent", "must be specified"),
        ({"TemplateContent": "<script>x</script>"}, "CustomVerificationEmailInvalidContent", "<script> is not allowed"),
        ({"TemplateContent": "<!-- x -->"}, "CustomVerificationEmailInvalidContent", "comments"),
        ({"TemplateContent": "x" * (10 * 1024 * 1024)}, "CustomVerificationEmailInvalidContent", "less than 10485760"),
    ],
)  # fmt: skip
def test_what_a_template_may_say(verifier: Verifier, changed: dict[str, str], code: str, words: str) -> None:
    """The same words by v1 and v2, new or changed; nothing is kept of what is refused."""
    create = {**CUSTOM, "TemplateName": "new", **changed}
    found, status, message = refused(verifier.v1.create_custom_verification_email_template, **create)
    assert (found, status, words in message) == (code, 400, True), message
    assert refused(verifier.v2.create_custom_verification_email_template, **create) == (
        "BadRequestException",
        400,
        message,
    )
    if "TemplateName" not in changed:
        for client in (verifier.v1, verifier.v2):
            update = {**CUSTOM, **changed} if client is verifier.v2 else {"TemplateName": "c", **changed}
            assert refused(client.update_custom_verification_email_template, **update)[2] == message
    assert [
        template["TemplateName"]
        for template in verifier.v1.list_custom_verification_email_templates()[
            "CustomVerificationEmailTemplates"
        ]
    ] == ["c"]
    assert told(verifier.v1.get_custom_verification_email_template(TemplateName="c")) == CUSTOM


def test_what_exists_and_what_does_not(verifier: Verifier) -> None:
    v1, v2 = verifier.v1, verifier.v2
    assert refused(v1.create_custom_verification_email_template, **CUSTOM)[:2] == (
        "CustomVerificationEmailTemplateAlreadyExists",
        400,
    )
    assert refused(v2.create_custom_verification_email_template, **CUSTOM)[:2] == (
        "AlreadyExistsException",
        400,
    )
    absent = "Custom verification email template <no> does not exist"
    for call in (v1.get_custom_verification_email_template, v1.update_custom_verification_email_template):
        assert refused(call, TemplateName="no") == (
            "CustomVerificationEmailTemplateDoesNotExist",
            400,
            absent,
        )
    not_found = ("NotFoundException", 404, absent)
    assert refused(v2.get_custom_verification_email_template, TemplateName="no") == not_found
    assert (
        refused(v2.update_custom_verification_email_template, **{**CUSTOM, "TemplateName": "no"}) == not_found
    )
    to = {"EmailAddress": verifier.address(), "TemplateName": "no"}
    assert refused(v1.send_custom_verification_email, **to) == (
        "CustomVerificationEmailTemplateDoesNotExist",
        400,
        "Template <no> does not exist",
    )
    assert refused(v2.send_custom_verification_email, **to) == not_found
    assert verifier.status() == ""


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "Email address not specified."),
        ("a", "Invalid email address<a>."),
        ("A <a@b.test>", "Invalid email"),
    ],
)
def test_whom_it_can_be_sent_to(verifier: Verifier, address: str, words: str) -> None:
    to = {"EmailAddress": address, "TemplateName": "c"}
    code, status, message = refused(verifier.v1.send_custom_verification_email, **to)
    assert (code, status, message.startswith(words)) == ("InvalidParameterValue", 400, True)
    assert refused(verifier.v2.send_custom_verification_email, **to) == ("BadRequestException", 400, message)


def test_a_domain_needs_no_dot(verifier: Verifier) -> None:
    assert verifier.v1.send_custom_verification_email(EmailAddress="a@b", TemplateName="c")["MessageId"]
    assert "a@b" in verifier.v1.list_identities()["Identities"]


def test_the_from_address_must_be_a_verified_identity_of_the_caller(verifier: Verifier) -> None:
    """Not another account's either, though its policy lets the caller send mail."""
    owner = verifier.sesame.create_account()
    arn = verifier.sesame.vouch(owner, "owned.test")
    lets = {"Effect": "Allow", "Principal": "*", "Action": "ses:*", "Resource": arn}
    verifier.sesame.client("ses", owner).put_identity_policy(
        Identity="owned.test", PolicyName="p", Policy=policy({**lets, "Action": "ses:SendEmail"})
    )
    foreign = {**CUSTOM, "TemplateName": "new", "FromEmailAddress": "a@owned.test"}
    text = "The from email address <a@owned.test> is not verified"
    assert refused(verifier.v1.create_custom_verification_email_template, **foreign) == (
        "FromEmailAddressNotVerified",
        400,
        text,
    )
    assert refused(verifier.v2.create_custom_verification_email_template, **foreign) == (
        "NotFoundException",
        404,
        text,
    )
    assert refused(verifier.v1.update_custom_verification_email_template, **{**foreign, "TemplateName": "c"})[
        0
    ] == ("FromEmailAddressNotVerified")
    verifier.v1.delete_identity(Identity="example.com")
    verifier.v1.update_custom_verification_email_template(TemplateName="c", TemplateSubject="as before")
    to = {"EmailAddress": verifier.address(), "TemplateName": "c"}
    code, status, message = refused(verifier.v1.send_custom_verification_email, **to)
    assert (code, status) == ("FromEmailAddressNotVerified", 400)
    assert message == (
        "Email address is not verified. The following identities failed the check in region US-EAST-1:"
        " news@example.com"
    )
    assert refused(verifier.v2.send_custom_verification_email, **to) == ("NotFoundException", 404, message)
    assert verifier.status() == ""


def test_accounts_do_not_see_each_others_templates(verifier: Verifier) -> None:
    other = verifier.sesame.client("ses", verifier.sesame.create_account())
    assert other.list_custom_verification_email_templates()["CustomVerificationEmailTemplates"] == []
    to = {"EmailAddress": verifier.address(), "TemplateName": "c"}
    assert refused(other.send_custom_verification_email, **to)[0] == (
        "CustomVerificationEmailTemplateDoesNotExist"
    )
    elsewhere = verifier.sesame.client("ses", verifier.account, region="eu-west-1")
    assert refused(elsewhere.get_custom_verification_email_template, TemplateName="c")[0] == (
        "CustomVerificationEmailTemplateDoesNotExist"
    )


def test_the_sandbox_sends_none(sesame: SesameProcess) -> None:
    account = sesame.create_account(production=False)
    sesame.vouch(account, "example.com")
    v1, v2 = sesame.client("ses", account), sesame.client("sesv2", account)
    v1.create_custom_verification_email_template(**CUSTOM)
    to = {"EmailAddress": "a@example.com", "TemplateName": "c"}
    code, status, message = refused(v1.send_custom_verification_email, **to)
    assert (code, status) == ("ProductionAccessNotGranted", 400)
    assert refused(v2.send_custom_verification_email, **to) == ("BadRequestException", 400, message)
    assert v1.list_identities()["Identities"] == ["example.com"]


def test_what_stops_other_sends_stops_these_and_changes_no_link(verifier: Verifier) -> None:
    verifier.send()
    link = verifier.link()
    to = {"EmailAddress": verifier.address(), "TemplateName": "c"}

    def both(**parameters: Any) -> tuple[str, str]:
        calls = (verifier.v1.send_custom_verification_email, verifier.v2.send_custom_verification_email)
        first, second = (refused(call, **to, **parameters)[0] for call in calls)
        return first, second

    assert both(ConfigurationSetName="no") == ("ConfigurationSetDoesNotExist", "NotFoundException")
    verifier.v2.create_configuration_set(ConfigurationSetName="off", SendingOptions={"SendingEnabled": False})
    assert both(ConfigurationSetName="off") == (
        "ConfigurationSetSendingPausedException",
        "SendingPausedException",
    )
    verifier.v1.update_account_sending_enabled(Enabled=False)
    assert both() == ("AccountSendingPausedException", "SendingPausedException")
    verifier.v1.update_account_sending_enabled(Enabled=True)

    async def no_more(services: Services) -> None:
        await services.operator.set_quota(
            verifier.account.account_id, REGION, max_24_hour_send=1, max_send_rate=100
        )

    verifier.sesame.operate(no_more)
    assert both() == ("Throttling", "LimitExceededException")
    assert follow(link) == (302, SUCCESS, "")
    verifier.mails()


def test_a_configuration_set_goes_with_the_mail(verifier: Verifier) -> None:
    verifier.v2.create_configuration_set(ConfigurationSetName="set")
    message_id = verifier.send("set", ConfigurationSetName="set")

    async def kept(services: Services) -> tuple[Any, ...] | None:
        asked = "SELECT configuration_set FROM message WHERE message_id = ?"
        return await services.store.read(lambda tx: tx.one(asked, message_id))

    assert verifier.sesame.operate(kept) == ("set",)


def test_a_suppressed_address_gets_none(verifier: Verifier) -> None:
    address = verifier.address()
    verifier.v2.put_account_suppression_attributes(SuppressedReasons=["BOUNCE"])
    verifier.v2.put_suppressed_destination(EmailAddress=address, Reason="BOUNCE")
    trace = verifier.sesame.run_json("trace", verifier.send())
    assert [recipient["state"] for recipient in trace["recipients"]] == ["suppressed"]
    assert verifier.status() == "Pending"


def test_a_user_needs_the_action_on_the_identity_and_the_template(verifier: Verifier) -> None:
    def user(name: str, *resources: str, **more: Any) -> Any:
        allow = {"Effect": "Allow", "Action": "ses:SendCustomVerificationEmail", "Resource": list(resources)}
        return verifier.tenant.user(name, policy({**allow, **more})).ses.send_custom_verification_email

    def denied(call: Any) -> str:
        code, status, message = refused(call, EmailAddress=verifier.address(), TemplateName="c")
        assert (code, status) == ("AccessDenied", 403)
        return message

    identity, template = verifier.tenant.arn, verifier.template_arn
    action = "`ses:SendCustomVerificationEmail' on resource"
    assert denied(user("of-template", template)).endswith(f"{action} `{identity}'")
    assert denied(user("of-identity", identity)).endswith(f"{action} `{template}'")
    elsewhere = {"Condition": {"StringEquals": {"ses:FromAddress": "ceo@example.com"}}}
    denied(user("as-another", identity, template, **elsewhere))
    denied(user("of-mail", identity, template, Action="ses:SendEmail"))
    assert verifier.status() == ""
    here = {"Condition": {"StringEquals": {"ses:FromAddress": "news@example.com"}}}
    assert user("of-both", identity, template, **here)(EmailAddress=verifier.address(), TemplateName="c")
    assert verifier.status() == "Pending"


def test_what_follows_the_content_is_seen_and_embedded_images_are_attached(verifier: Verifier) -> None:
    content = (
        "<html><body><h1>Ready?</h1><img alt='A logo' src='data:image/gif;base64,"
        f"{PIXEL}'><textarea>A &lt; B\n</body></html>\n"
    )
    verifier.v1.update_custom_verification_email_template(
        TemplateName="c", TemplateContent=content, TemplateSubject="Grüße\r\nBcc: x@example.com"
    )
    verifier.send()
    message = read(verifier.mails()[0])
    assert (message["Subject"], message["Bcc"]) == ("Grüße Bcc: x@example.com", None)
    html, text = message.get_body(("related", "html")), message.get_body(("plain",))
    assert html is not None and text is not None
    [image] = [part for part in message.walk() if part.get_content_type() == "image/gif"]
    html = next(part for part in message.walk() if part.get_content_type() == "text/html")
    assert image.get_payload(decode=True)[:3] == b"GIF"  # type: ignore[index]
    written = html.get_content().replace("\r\n", "\n")
    assert f"src='cid:{image['Content-ID'].strip('<>')}'" in written
    assert "A &lt; B</textarea>\n<p><a href=" in written
    assert written.endswith("\n</body></html>\n") and FOOTER in written
    assert text.get_content().splitlines()[:3] == ["Ready?", "A logoA < B", ""]


def test_a_content_just_under_ten_megabytes_is_sent(verifier: Verifier) -> None:
    line = "words " * 12 + "\n"
    content = line * (9_500_000 // len(line))
    for client in (verifier.v1, verifier.v2):
        client.update_custom_verification_email_template(**{**CUSTOM, "TemplateContent": content})
    verifier.send()
    [mail] = verifier.mails()
    assert 9_000_000 < len(mail.data) < 10 * 1024 * 1024
    assert verifier.link()


def test_of_many_at_once_the_link_that_was_mailed_last_is_good(verifier: Verifier) -> None:
    """Whatever the order, one link verifies, each was mailed, and every other leads to the failure page."""
    clients = [verifier.sesame.client("ses", verifier.account) for _ in range(6)]
    sends = [
        threading.Thread(
            target=client.send_custom_verification_email,
            kwargs={"EmailAddress": verifier.address(), "TemplateName": "c"},
        )
        for client in clients
    ]
    for thread in sends:
        thread.start()
    for thread in sends:
        thread.join()
    found = re.compile(rb"/verify\?token=[\w-]+")
    links = {found.findall(mail.data)[0].decode() for mail in verifier.mails(count=6)}
    assert len(links) == 6
    ended = sorted(str(follow(verifier.sesame.api + link)[1]) for link in links)
    assert ended == sorted([SUCCESS, *[FAILURE] * 5])
    assert verifier.status() == "Success"


def test_redirects_go_with_their_time(verifier: Verifier) -> None:
    """Past the retention of messages the link of a custom mail has the plain page."""
    verifier.send()
    link = verifier.link()

    async def purge(services: Services) -> int:
        at = services.clock.now() + 1
        return await services.store.write(lambda tx: custom_verification.purge_before(tx, at, limit=1_000))

    assert verifier.sesame.operate(purge) >= 1
    assert follow(link)[0] == 200
