"""A test message from the browser: to the simulator's addresses or any other, with the rights of who is logged in."""

import re
from typing import Any

from starlette.responses import Response

from sesame.config.feedback import SIMULATOR
from sesame.console.calls import Call, call, sample
from sesame.console.causes import cause_of
from sesame.console.visit import Page, Visit
from sesame.errors import AccessDenied, ServiceError

SCENARIOS = (
    ("", "the address below"),
    ("success", "a mailbox that takes it"),
    ("bounce", "an address that is not there (bounces)"),
    ("complaint", "a reader who complains"),
    ("ooto", "a reader who is out of office"),
    ("suppressionlist", "an address that is suppressed"),
)
FIELDS = ("from", "arn", "scenario", "to", "subject", "text", "raw", "template", "data")
LONGEST = 4_000
"""Characters of a field in an address: as many as a template's page puts there as data."""
FIRST = {"subject": "A test", "text": "Sent from the console."}


async def ask(visit: Visit) -> Response:
    """The form, filled in with what a link to it said."""
    first = {**FIRST, "to": "reader@example.net" if visit.backing.has_inbox else ""}
    given = {name: visit.query.get(name, first.get(name, ""))[:LONGEST] for name in FIELDS}
    return _form(visit, given)


def _form(visit: Visit, given: dict[str, str], **more: Any) -> Response:
    values = {"problem": "", "refusal": "", **more}
    once = visit.form.get("once", "") or visit.backing.logins.random_token()
    example = {
        **given,
        "from": given["from"] or "news@example.com",
        "to": given["to"] or "reader@example.net",
    }
    sends = [sample("Send it", _sending(example))]
    return visit.page("send.html", given=given, scenarios=SCENARIOS, once=once, calls=sends, **values)


async def send(visit: Visit) -> Response:
    """Send it; a refusal is shown in the form, with what was typed kept."""
    assert visit.login is not None
    given = {name: visit.form.get(name, "").replace("\r\n", "\n") for name in FIELDS}

    async def sent() -> str:
        answer = await visit.do(_sending(given))
        return str(answer["MessageId"])

    try:
        message_id = await visit.backing.once.run((visit.login.digest, visit.form.get("once", "")), sent)
    except ServiceError as error:
        return await _refused(visit, given, error)
    return visit.go(visit.here(f"/messages/{message_id}"), said="sent")


def _sending(given: dict[str, str]) -> Call:
    """The message of a form."""
    named = dict(SCENARIOS).get(given["scenario"]) and given["scenario"]
    to = f"{named}@{SIMULATOR}" if named else given["to"].strip()
    request: dict[str, Any] = {"Destination": {"ToAddresses": [to]} if to else {}}
    if given["from"].strip():
        request["FromEmailAddress"] = given["from"].strip()
    if given["arn"].strip():
        request["FromEmailAddressIdentityArn"] = given["arn"].strip()
    if given["template"].strip():
        template = {"TemplateName": given["template"].strip(), "TemplateData": given["data"].strip() or "{}"}
        request["Content"] = {"Template": template}
    elif given["raw"].strip():
        lines = given["raw"].lstrip("\n").replace("\n", "\r\n")
        request["Content"] = {"Raw": {"Data": lines.encode()}}
    else:
        body = {"Text": {"Data": given["text"], "Charset": "UTF-8"}}
        subject = {"Data": given["subject"], "Charset": "UTF-8"}
        request["Content"] = {"Simple": {"Subject": subject, "Body": body}}
    return call("sesv2", "SendEmail", **request)


_TO_NAME = re.compile("`(arn:aws:ses:[^`]+:identity/[^`]+)` in `?FromEmailAddressIdentityArn")
"""What a fix tells who named no ARN."""


async def _refused(visit: Visit, given: dict[str, str], error: ServiceError) -> Response:
    """What was wrong in the words of the refusal's own page, with the way there, where there is one."""
    more: dict[str, Any] = {"status": error.http_status, "problem": error.message}
    try:
        view = await visit.backing.messages.refusal(visit.me, visit.me.request_id)
    except AccessDenied:
        view = None
    if view is not None:
        more["refusal"] = view.request_id
        if view.decision.checks:  # what was refused before any policy is best explained by its own message
            cause = cause_of(view)
            more["problem"] = cause.sentence
            arn = _TO_NAME.search(cause.mend)
            if arn is not None and not given["arn"].strip():
                given, visit.wrong = {**given, "arn": arn[1]}, ("arn",)
                more["problem"] += " Its ARN is filled in below: send it again."
    return _form(visit, given, **more)


PAGES = (
    Page(path="/{region}/send", handler=ask),
    Page(path="/{region}/send", handler=send, method="POST"),
)
