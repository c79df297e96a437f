"""Set-ups in which a program writes the header or a display name in a form that no reader takes for one."""

import base64
from collections.abc import Callable
from typing import Any

from tests.story.misconfigured.world import Play, Steps, World, case

BOM = b"\xef\xbb\xbf"


def _raw(name: str, seen: str, made: Callable[[bytes], bytes], says: str, mend: str) -> Play:
    """A raw message that a program spoils in one way; without that it is accepted."""

    def play(w: World) -> Steps:
        w.allow()

        def send(data: bytes) -> Any:
            return w.client("ses", w.sender).send_raw_email(RawMessage={"Data": data}, SourceArn=w.arn)

        yield lambda: send(made(w.message()))
        yield lambda: send(w.message())

    play.__name__ = name
    return case(seen=seen, code="SA605", says=(says,), mend=(mend,))(play)


_raw(
    "begins_with_an_empty_line",
    "php-aws-ses#8: an empty line before the header",
    lambda data: b"\r\n" + data,
    "begins with an empty line",
    "take the empty line away",
)
_raw(
    "begins_with_a_line_feed",
    "a heredoc whose first line is empty, with LF alone",
    lambda data: b"\n" + data.replace(b"\r\n", b"\n"),
    "begins with an empty line",
    "take the empty line away",
)
_raw(
    "begins_with_a_line_of_blanks",
    "a template with an indented first line that is empty",
    lambda data: b"   \r\n" + data,
    "begins with an empty line",
    "take the empty line away",
)
_raw(
    "begins_with_a_byte_order_mark",
    "a message file saved as UTF-8 with a byte-order mark",
    lambda data: BOM + data,
    "byte-order mark",
    "without a byte-order mark",
)
_raw(
    "begins_as_in_a_mailbox_file",
    "a message taken out of an mbox file",
    lambda data: b"From news@shop.example Sun Nov 29 22:00:00 2026\r\n" + data,
    "mailbox file",
    "leave the first line out",
)
_raw(
    "empty_line_between_fields",
    "aws-ses-sender#4: carriage returns doubled by the shell",
    lambda data: b"MIME-Version: 1.0\r\n\r\n" + data,
    "before the field `From`",
    "behind the last field alone",
)
_raw(
    "from_is_misspelt",
    "Form: in place of From:",
    lambda data: data.replace(b"From:", b"Form:", 1),
    "`Form`",
    "`From` in place of `Form`",
)
_raw(
    "html_without_a_header",
    "the HTML of a mail given as the raw message",
    lambda _: b"<html><body>Hello</body></html>",
    "HTML without a header",
    "Content-Type: text/html",
)
_raw(
    "json_for_a_message",
    "the parameters of SendEmail as JSON, given as the raw message",
    lambda _: b'{"Source": "news@shop.example"}',
    "is JSON",
    "RFC 5322",
)
_raw(
    "base64_of_a_message",
    "aws-ses-sender#4: base64 of the message, which the SDK encodes once more",
    base64.b64encode,
    "base64 already",
    "the SDK encodes it",
)
_raw(
    "fields_are_indented",
    "an indented text block as message",
    lambda data: b"    " + data,
    "begins with white space",
    "at the beginning of its line",
)


def _name(name: str, seen: str, shown: str, says: str, quoted: str) -> Play:
    """A display name that must stand in quotation marks."""

    def play(w: World) -> Steps:
        w.allow()
        spec = f"news@{w.domain}"
        yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn, "From": f"{shown} <{spec}>"})
        yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn, "From": f"{quoted} <{spec}>"})

    play.__name__ = name
    return case(seen=seen, code="SA605", says=(says,), mend=(f"{quoted} <news@{{domain}}>",))(play)


_name("colon_in_a_name", "News: Weekly <…>", "News: Weekly", "a colon", '"News: Weekly"')
_name("comma_in_a_name", "Pelton#312: Lastname, Firstname", "Doe, John", "a comma", '"Doe, John"')
_name("semicolon_in_a_name", "Sales; Berlin <…>", "Sales; Berlin", "a semicolon", '"Sales; Berlin"')
_name("brackets_in_a_name", "Acme <Sales> <…>", "Acme <Sales>", "an angle bracket", "Acme Sales")
_name("quotation_mark_left_open", '"News <…>', '"News', "not closed", "News")


@case(
    seen="PHP's mail(): headers given behind an empty line, so that they are the body",
    code="SA106",
    says=("`X-SES-SOURCE-ARN` stands in the body",),
    mend=("before the empty line",),
)
def field_in_the_body(w: World) -> Steps:
    w.allow()
    field = f"X-SES-SOURCE-ARN: {w.arn}"
    yield lambda: w.smtp(w.sender, body=f"MIME-Version: 1.0\r\n{field}\r\n\r\nHello")
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})


@case(
    seen="cdk#25115's neighbour: an ARN of neither region nor account",
    code="SA108",
    says=("its region and account number are missing",),
    mend=("write it in SourceArn as `{arn}`",),
)
def arn_without_region_and_account(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, SourceArn=f"arn:aws:ses:::identity/{w.domain}")
    yield lambda: w.simple(w.sender)


@case(
    seen="loopingz/aws-smtp-relay#6: MAIL FROM and no From field",
    code="SA605",
    says=("Missing required header 'From'",),
    mend=("write the field `From`", "MAIL FROM does not stand in"),
)
def no_from_by_smtp(w: World) -> Steps:
    w.allow()
    fields = {"X-SES-SOURCE-ARN": w.arn}
    lines = w.message(fields).split(b"\r\n")
    bare = b"\r\n".join(line for line in lines if not line.startswith(b"From:"))
    yield lambda: w.smtp(w.sender, data=bare)
    yield lambda: w.smtp(w.sender, fields)


@case(
    seen="bitwarden/server#1512: a domain in its own letters",
    code="SA605",
    says=("illegal character",),
    mend=("`laden@xn--bcher-kva.example`",),
)
def domain_in_its_own_letters(w: World) -> Steps:
    w.sesame.vouch(w.sender, "xn--bcher-kva.example")
    yield lambda: w.v2(w.sender, FromEmailAddress="laden@bücher.example", FromEmailAddressIdentityArn=None)
    ascii_form = "laden@xn--bcher-kva.example"
    yield lambda: w.v2(w.sender, FromEmailAddress=ascii_form, FromEmailAddressIdentityArn=None)


@case(
    seen="calibre-web#230: the SMTP user name as envelope sender",
    code="SA605",
    says=("access key id",),
    mend=("MAIL FROM",),
)
def key_as_envelope_sender(w: World) -> Steps:
    w.allow()
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(w.sender, fields, mail_from=w.sender.access_key_id)
    yield lambda: w.smtp(w.sender, fields)
