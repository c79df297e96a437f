"""What the fuzzers call: one function of bytes for each reader of input from outside.

A target returns when the input was read or refused with a declared error; anything else it lets out is a
finding. Each also holds its reader to something that must be true of whatever it read. Without atheris the
seeds are run as tests (`test_targets`); `make fuzz` runs atheris on them.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sesame.aws import query, sigv4
from sesame.aws.model import ServiceModel
from sesame.aws.request import HttpRequest
from sesame.aws.rest_json import RestJsonCodec
from sesame.errors import ServiceError
from sesame.mail.address import MAILBOX_LIMIT, AddressError, parse_addr_spec, parse_mailbox_list
from sesame.mail.header import MessageError, canonical_newlines, scan
from sesame.mail.simple_html import HtmlError, read_html
from sesame.policy import (
    EMPTY,
    Policy,
    PolicyError,
    Request,
    Requester,
    check_identity_policy,
    compile_policies,
    decide,
    explain,
    parse_iam_policy,
    parse_identity_policy,
    parse_stored_iam_policy,
    parse_stored_identity_policy,
    who_can_send,
)
from sesame.policy.analysis.strings import Atom, Budget, BudgetExhausted, find_text
from sesame.policy.language import values
from sesame.policy.language.globset import GlobSet
from sesame.policy.language.pattern import ArnPattern, Glob, is_malformed, substitute, tokenize
from sesame.reports.read import read_report
from sesame.smtp.events import MessageReceived
from sesame.smtp.limits import Limits
from sesame.smtp.profile import MAIL_EXCHANGER, SES_SUBMISSION
from sesame.smtp.server import ServerConnection
from tests.support.mbox import split_mbox

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
IDENTITY = "arn:aws:ses:us-east-1:111111111111:identity/example.com"
REST = RestJsonCodec(ServiceModel.load("sesv2"))
DELEGATE = Requester(
    arn="arn:aws:iam::222222222222:user/mailer", account_id="222222222222", kind="user", user_id="AIDAMAILER"
)
REQUEST = Request(
    requester=DELEGATE,
    action="ses:SendEmail",
    resource=IDENTITY,
    resource_account="111111111111",
    context={
        "ses:FromAddress": "news@example.com",
        "ses:Recipients": ("a@example.org", "b@example.org"),
        "aws:CurrentTime": "2026-06-01T12:00:00Z",
        "aws:SourceIp": "203.0.113.7",
        "aws:SecureTransport": "true",
        "aws:username": "mailer",
    },
)


@dataclass(frozen=True, slots=True)
class Target:
    """A reader, and inputs to begin with."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def policy_identity(data: bytes) -> None:
    """INVARIANT: a policy or PolicyError; both evaluators agree; what Put takes, the stored form takes too."""
    _policy(_text(data), parse_stored_identity_policy, kind_is_iam=False)
    try:
        parse_identity_policy(_text(data), identity_arn=IDENTITY)
    except PolicyError as error:
        assert error.line >= 1
        assert error.column >= 1
    else:
        parse_stored_identity_policy(_text(data))
    check_identity_policy(_text(data), identity_arn=IDENTITY)


def policy_iam(data: bytes) -> None:
    """INVARIANT: as for an identity's policy."""
    _policy(_text(data), parse_stored_iam_policy, kind_is_iam=True)
    try:
        parse_iam_policy(_text(data))
    except PolicyError:
        return
    parse_stored_iam_policy(_text(data))


def _policy(text: str, parse: Callable[[str], Policy], *, kind_is_iam: bool) -> None:
    try:
        named = [("P", parse(text))]
    except PolicyError:
        return
    if kind_is_iam:
        decision = decide(REQUEST, iam=compile_policies(named, kind="iam"), identity=EMPTY)
        assert decision.outcome is explain(REQUEST, iam=named, identity=()).outcome
    else:
        decision = decide(REQUEST, iam=EMPTY, identity=compile_policies(named, kind="identity"))
        assert decision.outcome is explain(REQUEST, iam=(), identity=named).outcome


def glob_compiler(data: bytes) -> None:
    """INVARIANT: the three ways to match a glob agree, and a text that the analysis finds matches."""
    pattern, _, text = _text(data).partition("\n")
    for variables in (False, True):
        tokens = tokenize(pattern, variables=variables)
        filled = substitute(tokens, {"aws:username": "a*b"}.get)
        if filled is None:
            continue
        assert not is_malformed(filled)
        single, together = Glob(filled), GlobSet([filled, filled])
        assert single.matches(text) is together.matches(text)
        ArnPattern(filled, crossing=True).matches(text)
        ArnPattern(filled, crossing=False).matches(text)
        if len(pattern) > 60:
            continue
        try:
            found = find_text([[Atom(filled)]], [], Budget(200))
        except BudgetExhausted:
            continue
        assert found is not None
        assert single.matches(found)


def condition_values(data: bytes) -> None:
    """INVARIANT: a reader understands a text or not; what is written anew reads the same."""
    text = _text(data)
    date = values.read_date(text)
    assert date is None or isinstance(date, int)
    values.is_sound_date(text)
    values.read_bool(text)
    values.read_bytes(text)
    number = values.read_number(text)
    assert number is None or number == number
    address = values.read_address(text)
    assert address is None or values.read_address(values.write_address(address)) == address
    span = values.read_range(text)
    assert span is None or span[0] <= span[1]


def analysis(data: bytes) -> None:
    """INVARIANT: every question has an answer, every witness is confirmed (the analysis raises if not)."""
    try:
        policy = parse_stored_identity_policy(_text(data))
    except PolicyError:
        return
    if len(data) < 1000:
        who_can_send([("P", policy)], identity_arn=IDENTITY)


def header_scanner(data: bytes) -> None:
    """INVARIANT: every octet of the header belongs to one field, in order."""
    try:
        message = canonical_newlines(data)
        fields, body_at = scan(message)
    except MessageError:
        return
    header = b"".join(field.raw for field in fields)
    assert message[: len(header)] == header
    assert message[len(header) : body_at] in (b"", b"\r\n")


def address_parser(data: bytes) -> None:
    """INVARIANT: what was read and is written again reads the same, unless encoding made it too long."""
    text = _text(data)
    try:
        mailboxes = parse_mailbox_list(text)
    except AddressError:
        mailboxes = ()
    for mailbox in mailboxes:
        if len(mailbox.text) > MAILBOX_LIMIT:
            continue
        [again] = parse_mailbox_list(mailbox.text)
        assert again.addr_spec == mailbox.addr_spec
    try:
        local_part, domain = parse_addr_spec(text)
    except AddressError:
        return
    assert parse_addr_spec(f"{local_part}@{domain}") == (local_part, domain)


def query_form(data: bytes) -> None:
    """INVARIANT: a form is read or refused with a modelled error."""
    from tests.aws.botocore_side import MODELS

    request = HttpRequest("POST", b"/", b"", [(b"content-type", b"application/x-www-form-urlencoded")], data)
    for name in ("ses", "iam", "sts"):
        try:
            form = query.read_action(request)
            query.find_operation(MODELS[name], form).parse(form.fields)
        except ServiceError as error:
            assert 400 <= error.http_status < 500 or error.code == "NotImplemented"


def rest_request(data: bytes) -> None:
    """INVARIANT: a request is read or refused with a client's error; no text read holds NUL or half a character."""
    line, _, body = data.partition(b"\n")
    method, _, target = line.partition(b" ")
    path, _, parameters = target.partition(b"?")
    asked = REST.requested_operation(HttpRequest(method.decode("latin-1"), path, parameters, [], body))
    try:
        if asked.operation is None:
            raise asked.problem or AssertionError(asked)
        read = asked.operation.parse(asked.input)
    except ServiceError as error:
        reply = REST.refuse(error, request_id="id")
        assert 400 <= reply.status < 500 or reply.code == "NotImplemented"
        json.loads(reply.body)
    else:
        for text in _texts(read):
            assert "\0" not in text
            text.encode()


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def sigv4_reader(data: bytes) -> None:
    """INVARIANT: a signature is read or refused; its canonical form and its check never fail otherwise."""
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    path, _, parameters = first.partition(b"?")
    pairs = (line.partition(b":") for line in lines)
    headers = [(name.strip().lower(), value.strip()) for name, _, value in pairs]
    request = HttpRequest("POST", path or b"/", parameters, headers, body)
    try:
        signed = sigv4.read_signature(request)
        sigv4.verify(request, signed, signing_key=b"k" * 32)
    except ServiceError as error:
        assert 400 <= error.http_status < 500
    else:
        raise AssertionError("a signature nobody made is accepted")


def smtp_server(data: bytes) -> None:
    """INVARIANT: the same bytes in one read or in many are the same events, and no event has a bare CR or LF."""
    if not data:  # that is how the end of the connection is told
        return
    for profile in (SES_SUBMISSION, MAIL_EXCHANGER):
        whole, pieces = (
            ServerConnection(hostname="h", profile=profile, limits=Limits(), tls="none", auth="none")
            for _ in range(2)
        )
        events = list(whole.receive_data(data))
        by_piece = [
            event for at in range(0, len(data), 3) for event in pieces.receive_data(data[at : at + 3])
        ]
        assert [type(event) for event in events] == [type(event) for event in by_piece]
        for event in events:
            if isinstance(event, MessageReceived):
                assert b"\n" not in event.data.replace(b"\r\n", b"")


def _policies() -> Iterator[bytes]:
    for entry in json.loads((VECTORS / "policy/real_policies.json").read_text()):
        if "policy" in entry:
            yield json.dumps(entry["policy"]).encode()
    for case in _cases("decisions.json"):
        for key in ("resourcePolicy", "resourcePolicies", "identityPolicies"):
            listed = case.get(key) or []
            for policy in listed if isinstance(listed, list) else [listed]:
                yield json.dumps(policy).encode()


def _cases(name: str) -> list[dict[str, object]]:
    from sesame.policy.cases import collect_cases

    return [dict(case) for case in collect_cases(json.loads((VECTORS / "policy" / name).read_text()))]


def _globs() -> Iterator[bytes]:
    for case in _cases("wildcards.json"):
        yield f"{case.get('pattern')}\n{case.get('text')}".encode()


def _values() -> Iterator[bytes]:
    for case in _cases("conditions.json"):
        listed = case.get("values")
        for value in listed if isinstance(listed, list) else [listed]:
            yield str(value).encode()
    yield from (b"2026-06-01T12:00:00Z", b"2001:db8::/32", b"::ffff:192.0.2.1", b"1e-5", b"YQ==")


def _messages() -> Iterator[bytes]:
    for path in sorted((VECTORS / "mail/messages").glob("*.eml")):
        yield path.read_bytes()[:4000]


def _addresses() -> Iterator[bytes]:
    for case in json.loads((VECTORS / "isemail/cases.json").read_text())["cases"]:
        yield str(case.get("address", "")).encode("utf-8", "surrogateescape")
    yield from (b'"A, B" <a@b.org>, c@d.org', b"=?utf-8?q?a?= <a@b.org>")


def _forms() -> Iterator[bytes]:
    yield b"Action=SendRawEmail&Version=2010-12-01&RawMessage.Data=YQ%3D%3D&Destinations.member.1=a%40b.org"
    yield b"Action=SendEmail&Source=a%40b&Message.Body.Text.Data=x&Tags.member.1.Name=n"
    yield b"Action=ListUsers&MaxItems=5&Version=2010-05-08"


def _rest_requests() -> Iterator[bytes]:
    yield b'POST /v2/email/outbound-emails\n{"Content": {"Raw": {"Data": "YQ=="}}, "EmailTags": [{"Name": "n"}]}'
    yield b'POST /v2/email/outbound-emails\n{"Content": {"Simple": {"Subject": {"Data": "\\ud83d\\ude00"}}}}'
    yield b"GET /v2/email/identities/a%2Bb%40example.com/policies\n"
    yield b'PUT /v2/email/identities/a+b@example.com/policies/p?x=%20\n{"Policy": "{}"}'
    yield b"GET /v2/email/identities?PageSize=5&NextToken=a%2Bb\n"
    yield b'POST /v2/email/list-identities\n{"PageSize": 1e3, "Filter": {"IDENTITY_TYPE": "DOMAIN"}, "x": [[[{}]]]}'


def _signed() -> Iterator[bytes]:
    for path in sorted((VECTORS / "sigv4").glob("*/*")):
        if path.suffix in (".sreq", ".req") or path.name.endswith("signed-request.txt"):
            text = path.read_bytes().replace(b"\r\n", b"\n")
            first, _, rest = text.partition(b"\n")
            yield first.split(b" ")[1] + b"\n" + rest
    yield (
        b"/\nhost:h\nx-amz-date:20261121T000000Z\nauthorization:AWS4-HMAC-SHA256 Credential=AKID/20261121/us-east-1/"
        b"ses/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + b"0" * 64 + b"\n\nbody"
    )
    yield (
        b"/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20261121%2Fus-east-1%2Fses%2Faws4_request"
        b"&X-Amz-Date=20261121T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00\nhost:h\n\n"
    )


def _dialogues() -> Iterator[bytes]:
    from tests.smtp.test_smuggling import SEQUENCES

    hello = b"EHLO c\r\nMAIL FROM:<a@b.org>\r\nRCPT TO:<c@d.org>\r\nDATA\r\n"
    yield hello + b"A: b\r\n\r\n.x\r\n.\r\nQUIT\r\n"
    for sequence in SEQUENCES:
        data = sequence if isinstance(sequence, bytes) else str(sequence).encode()
        yield hello + b"A: b\r\n\r\nx" + data + b"MAIL FROM:<e@f.org>\r\n.\r\n"


def simple_html(data: bytes) -> None:
    """INVARIANT: nothing is lost; images are where they are said to be; closing what is open leaves nothing open."""
    whole = data.decode("utf-8", "replace")
    try:
        found = read_html(whole)
    except HtmlError:
        return
    assert found.source + found.tail == whole
    assert all(found.source[image.start : image.start + 10].lower() == "data:image" for image in found.images)
    closed = read_html(found.source + "".join(f"</{name}>" for name in found.left_open))
    assert closed.left_open == ()


def _html() -> Iterator[bytes]:
    yield b"<!DOCTYPE html><html><body class=a><p>x &amp; <b>y</p><textarea></b></body></html>\n"
    yield b'<table width=\'1\'><tr><td colspan=2><img alt="a" src="data:image/png;base64,AAAA"></table> < 5'
    yield b"<ul><li>a<li>b</ul><br/><h1 style = 'x'>t</h1></select><select><option>o"
    yield b"<!-- no --><script>no</script>"


def report_reader(data: bytes) -> None:
    """INVARIANT: any octets give a report of bounded size whose texts can be stored; only a bounce is hard."""
    for message in (data, *split_mbox(data)):
        report = read_report(message)
        assert len(report.recipients) <= 100 and len(report.return_paths) <= 32
        for recipient in report.recipients:
            assert not recipient.hard or report.kind == "bounce"
            for text in (recipient.final_recipient, recipient.diagnostic_code, recipient.action):
                assert "\0" not in text
                text.encode()


def _reports() -> Iterator[bytes]:
    from tests.reports.forms import FORMS

    for form in FORMS:
        yield form.message
    head = b"From: MAILER-DAEMON@x\nContent-Type: multipart/report; boundary=b\n\n--b\n\nno\n--b\n"
    status = b"A: b\n\nFinal-Recipient: utf-8; \\x{e5}@b.org\nAction: failed\nStatus: 5.1.1\n"
    yield head + b"Content-Type: message/delivery-status\n\n" + status
    feedback = b"Feedback-Type: abuse\nOriginal-Rcpt-To: <a@b.org>\n\n--b\nContent-Type: message/rfc822"
    yield head + b"Content-Type: message/feedback-report\n\n" + feedback
    line = b"From MAILER-DAEMON Tue Jun  2 10:00:00 2026\n"
    yield line + b"Subject: a\n\nx\n\n" + line + b"Subject: b\n\n"


TARGETS = {
    "policy_identity": Target(policy_identity, _policies),
    "policy_iam": Target(policy_iam, _policies),
    "glob_compiler": Target(glob_compiler, _globs),
    "condition_values": Target(condition_values, _values),
    "analysis": Target(analysis, _policies),
    "header_scanner": Target(header_scanner, _messages),
    "address_parser": Target(address_parser, _addresses),
    "query_form": Target(query_form, _forms),
    "rest_request": Target(rest_request, _rest_requests),
    "sigv4_reader": Target(sigv4_reader, _signed),
    "report_reader": Target(report_reader, _reports),
    "simple_html": Target(simple_html, _html),
    "smtp_server": Target(smtp_server, _dialogues),
}
