"""Set-ups in which what is sent breaks a rule of the message or the request: addresses, tags, bodies, templates."""

import base64
import json
from typing import Any

from tests.story.misconfigured.world import Steps, World, case


@case(
    seen="openstax/accounts#253: a comma in a display name without quotation marks",
    code="SA605",
    says=("Karen, Chan",),
    mend=("quot|Name <name@example.com>",),
)
def comma_in_the_display_name(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, Source=f"Karen, Chan <news@{w.domain}>")
    yield lambda: w.simple(w.sender, Source=f'"Karen, Chan" <news@{w.domain}>')


@case(
    seen="openstax/accounts#252: a blank within the address of a recipient",
    code="SA605",
    says=("karen @elsewhere.test",),
    mend=("write `karen@elsewhere.test` in place of",),
)
def blank_within_the_address(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": ["karen @elsewhere.test"]})
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": ["karen@elsewhere.test"]})


@case(
    seen="brave/accounts#35: a dot behind the domain",
    code="SA605",
    says=("you@elsewhere.test.",),
    mend=("write `you@elsewhere.test` in place of",),
)
def dot_behind_the_domain(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": ["you@elsewhere.test."]})
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": ["you@elsewhere.test"]})


@case(
    seen="hcengineering/platform#7864: an account's handle in the place of an address",
    code="SA605",
    says=("github:somebody",),
    mend=("name@example.com",),
)
def handle_in_place_of_an_address(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": ["github:somebody"]})
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": ["somebody@elsewhere.test"]})


@case(
    seen="unicycling-registration#749: a line break in the name of the sender",
    code="SA605",
    says=("control|line",),
    mend=("write `We are full <news@{domain}>` in place of",),
)
def line_break_in_the_name(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, Source=f"We are full\r\n <news@{w.domain}")
    yield lambda: w.simple(w.sender, Source=f"We are full <news@{w.domain}>")


@case(
    seen="18F/identity-idp#7380: a recipient's domain in letters beyond ASCII",
    code="SA605",
    says=("bücher",),
    mend=("punycode|xn--",),
)
def domain_beyond_ascii(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": ["you@bücher.test"]})
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": ["you@xn--bcher-kva.test"]})


@case(
    seen="localstack#8588: a colon in the value of a message tag",
    code="SA605",
    says=("event:abc",),
    mend=("alphanumeric|letters",),
)
def colon_in_a_tag(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, Tags=[{"Name": "id", "Value": "event:abc"}])
    yield lambda: w.simple(w.sender, Tags=[{"Name": "id", "Value": "event-abc"}])


@case(
    seen="the body is left out where an HTML template failed to load",
    code="SA605",
    says=("body|text|content",),
    mend=("body|text|content",),
)
def no_body(w: World) -> Steps:
    w.allow()
    yield lambda: w.v2(w.sender, Content={"Simple": {"Subject": {"Data": "s"}, "Body": {}}})
    yield lambda: w.v2(w.sender)


@case(
    seen="a list of recipients that came out empty",
    code="SA605",
    says=("recipient|destination",),
    mend=("recipient|destination",),
)
def nobody_to_send_to(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": []})
    yield lambda: w.simple(w.sender)


@case(
    seen="aws-sdk-js v3: the raw message is encoded as base64 once more than the SDK does already",
    code="SA605",
    says=("From",),
    mend=("From|base64|header",),
)
def encoded_twice(w: World) -> Steps:
    w.allow()

    def send(data: bytes) -> Any:
        return w.client("ses", w.sender).send_raw_email(
            RawMessage={"Data": data}, SourceArn=w.arn, Destinations=["you@elsewhere.test"]
        )

    yield lambda: send(base64.b64encode(w.message()))
    yield lambda: send(w.message())


@case(
    seen="TemplateData in JavaScript's own notation, not JSON",
    code="SA605",
    says=("TemplateData|template|JSON|render",),
    mend=("JSON|data",),
)
def template_data_is_no_json(w: World) -> Steps:
    w.allow(Action="ses:Send*")
    w.client("ses", w.sender).create_template(
        Template={"TemplateName": "hello", "SubjectPart": "Hi {{name}}", "TextPart": "t"}
    )

    def send(data: str) -> Any:
        return w.client("ses", w.sender).send_templated_email(
            Source=f"news@{w.domain}",
            SourceArn=w.arn,
            Destination={"ToAddresses": ["you@elsewhere.test"]},
            Template="hello",
            TemplateData=data,
        )

    yield lambda: send("{name: 'Reader'}")
    yield lambda: send(json.dumps({"name": "Reader"}))


@case(
    seen="X-SES-MESSAGE-TAGS with colons, as CSS has them",
    code="SA605|SA106",
    says=("campaign:spring|tag",),
    mend=("tag|name=value|=",),
)
def message_tags_with_colons(w: World) -> Steps:
    w.allow()
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(w.sender, fields | {"X-SES-MESSAGE-TAGS": "campaign:spring"})
    yield lambda: w.smtp(w.sender, fields | {"X-SES-MESSAGE-TAGS": "campaign=spring"})


@case(
    seen="a mailing program that writes two From fields",
    code="SA605",
    says=("From",),
    mend=("once|one",),
)
def two_from_fields(w: World) -> Steps:
    w.allow()
    twice = w.message().replace(b"To: you", f"From: other@{w.domain}\r\nTo: you".encode(), 1)

    def send(data: bytes) -> Any:
        return w.client("ses", w.sender).send_raw_email(RawMessage={"Data": data}, SourceArn=w.arn)

    yield lambda: send(twice)
    yield lambda: send(w.message())


@case(
    seen="Bcc to a list of sixty, by SMTP",
    code="SA605|SA602",
    says=("50|recipient",),
    mend=("50|split|recipient",),
)
def sixty_recipients_in_a_raw_message(w: World) -> Steps:
    w.allow()

    def send(count: int) -> Any:
        return w.client("ses", w.sender).send_raw_email(
            RawMessage={"Data": w.message()},
            SourceArn=w.arn,
            Destinations=[f"r{number}@elsewhere.test" for number in range(count)],
        )

    yield lambda: send(60)
    yield lambda: send(50)


@case(
    seen="a custom field whose name has a blank, from a form",
    code="SA605",
    says=("header|Campaign",),
    mend=("header|name|field",),
)
def header_name_with_a_blank(w: World) -> Steps:
    w.allow()
    simple = {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}

    def send(name: str) -> Any:
        return w.v2(w.sender, Content={"Simple": {**simple, "Headers": [{"Name": name, "Value": "a"}]}})

    yield lambda: send("X Campaign")
    yield lambda: send("X-Campaign")


@case(
    seen="template of v2 in one bulk call, another name in the code",
    code="SA601",
    says=("Welcome2",),
    mend=("create",),
)
def bulk_of_a_template_that_is_not_there(w: World) -> Steps:
    w.allow(Action="ses:*")
    v2 = w.client("sesv2", w.sender)

    def bulk() -> Any:
        answer = v2.send_bulk_email(
            FromEmailAddress=f"news@{w.domain}",
            FromEmailAddressIdentityArn=w.arn,
            DefaultContent={"Template": {"TemplateName": "Welcome2", "TemplateData": "{}"}},
            BulkEmailEntries=[{"Destination": {"ToAddresses": ["you@elsewhere.test"]}}],
        )
        return answer["BulkEmailEntryResults"][0]

    yield bulk
    v2.create_email_template(TemplateName="Welcome2", TemplateContent={"Subject": "zqsender", "Text": "t"})
    yield bulk


@case(
    seen="the delegate names a template that stands in the owner's account",
    code="SA601",
    says=("shared", "{sender}"),
    mend=("create",),
)
def template_of_the_owner(w: World) -> Steps:
    w.allow(Action="ses:Send*")
    content = {"Subject": "zqsender", "Text": "t"}
    w.client("sesv2", w.owner).create_email_template(
        TemplateName="shared", TemplateContent={"Subject": "zqowner", "Text": "t"}
    )
    template = {"Template": {"TemplateName": "shared", "TemplateData": "{}"}}
    yield lambda: w.v2(w.sender, Content=template)
    w.client("sesv2", w.sender).create_email_template(TemplateName="shared", TemplateContent=content)
    yield lambda: w.v2(w.sender, Content=template)


@case(
    seen="a link's mailto: before the address",
    code="SA605",
    says=("mailto:you@elsewhere.test", "as in a link"),
    mend=("write `you@elsewhere.test` in place of",),
)
def mailto_alone(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": ["mailto:you@elsewhere.test"]})
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": ["you@elsewhere.test"]})
