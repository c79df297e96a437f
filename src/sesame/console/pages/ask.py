"""Would this be allowed? One sentence, every statement with what it saw, and a case to keep."""

import datetime
import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from sesame.console.calls import Call, Sample, call, sample
from sesame.console.causes import cause_of
from sesame.console.visit import Page, Visit, problem_of
from sesame.errors import ServiceError
from sesame.operations.asking.question import DOORS, Question
from sesame.operations.asking.why import Answer
from sesame.operations.messages import RefusalView

DOOR_WORDS = {
    "v2": "the API v2, SendEmail",
    "v2-raw": "the API v2, SendEmail with a whole message",
    "v1": "the API v1, SendEmail",
    "v1-raw": "the API v1, SendRawEmail",
    "smtp": "SMTP",
    "v2-template": "the API v2, SendEmail with a template",
    "v1-template": "the API v1, SendTemplatedEmail",
    "v2-bulk": "the API v2, SendBulkEmail",
    "v1-bulk": "the API v1, SendBulkTemplatedEmail",
}
FIELDS = (
    "who", "door", "from", "arn", "to", "source", "source_arn", "return", "return_arn", "set", "template",
    "acting_for", "acting_arn", "at", "ip", "agent",
    "plain",
)  # fmt: skip
MORE = (
    "source", "source_arn", "return", "return_arn", "set", "template", "acting_for", "acting_arn", "at",
    "agent", "plain",
)  # fmt: skip
_TIME = "%Y-%m-%dT%H:%M"
_CASE_NAME = re.compile(r"[^A-Za-z0-9 .@_-]+")
MOST = 500
"""Characters of a field."""


class BadQuestion(ValueError):
    """What was asked cannot be asked; the message is for the person, `field` says where to mend it."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


async def show(visit: Visit) -> Response:
    """The form, and the answer when something was asked."""
    given = {name: visit.query.get(name, "").strip()[:MOST] for name in FIELDS}
    is_asked = bool(given["from"])
    given["who"] = given["who"] or visit.me.principal.arn
    given["door"] = given["door"] if given["door"] in DOORS else "v2"
    if not is_asked:
        return _page(visit, given)
    try:
        answer = await visit.backing.ask_why.ask(visit.me, question_of(visit, given))
    except BadQuestion as error:
        visit.wrong = (error.field,)
        return _page(visit, given, problem=f"{error}.", status=400)
    except ServiceError as error:
        problem, status = problem_of(error)
        return _page(visit, given, problem=problem, status=status)
    return _page(visit, given, answer=answer)


def question_of(visit: Visit, given: Mapping[str, str]) -> Question:
    """The question of a form. Raises `BadQuestion`."""
    at, ip = visit.now, given["ip"] or visit.browser.source_ip
    if given["at"]:
        try:
            moment = datetime.datetime.strptime(given["at"][:16], _TIME)
            at = moment.replace(tzinfo=datetime.UTC).timestamp()
        except ValueError:
            raise BadQuestion("A time is written like 2026-12-31T12:00, in UTC", "at") from None
    try:
        ip = str(ipaddress.ip_address(ip))
    except ValueError:
        raise BadQuestion("The client's address is one IP address, like 203.0.113.7", "ip") from None
    return Question(
        who=given["who"],
        door=given["door"],
        from_address=given["from"],
        from_arn=given["arn"],
        source=given["source"],
        source_arn=given["source_arn"],
        return_path=given["return"],
        return_path_arn=given["return_arn"],
        recipients=tuple(given["to"].replace(",", " ").split()) or ("success@simulator.amazonses.com",),
        configuration_set=given["set"],
        template=given["template"],
        acting_for=given["acting_for"],
        acting_arn=given["acting_arn"],
        at=at,
        source_ip=ip,
        secure=not given["plain"],
        user_agent=given["agent"],
    )


def fields_of(question: Question) -> dict[str, str]:
    """What is filled in to ask a question of now."""
    given = {
        "who": question.who,
        "door": question.door,
        "from": question.from_address,
        "arn": question.from_arn,
        "to": " ".join(question.recipients),
        "source": question.source,
        "source_arn": question.source_arn,
        "return": question.return_path,
        "return_arn": question.return_path_arn,
        "set": question.configuration_set,
        "template": question.template,
        "acting_for": question.acting_for,
        "acting_arn": question.acting_arn,
        "ip": question.source_ip,
        "agent": question.user_agent,
        "plain": "" if question.secure else "1",
    }
    is_whole = all(len(value) <= MOST for value in given.values())
    return _filled(given) if is_whole else {}


def _page(
    visit: Visit,
    given: Mapping[str, str],
    *,
    answer: Answer | None = None,
    problem: str = "",
    status: int = 200,
) -> Response:
    values: dict[str, Any] = {"answer": answer, "cause": None, "case": "", "query": urlencode(_filled(given))}
    if answer is not None:
        values["case"] = (
            "" if answer.case is None else json.dumps([answer.case], indent=2, ensure_ascii=False)
        )
        if not answer.allowed and (answer.decision.checks or answer.causes):
            refusal = RefusalView(
                request_id="", record=answer.record, decision=answer.decision, causes=answer.causes
            )
            values["cause"] = cause_of(refusal)
    return visit.page(
        "ask.html",
        status=status,
        given=given,
        doors=DOOR_WORDS,
        problem=problem,
        first_from="",
        more=any(given[name] for name in MORE),
        called=_called(given),
        calls=_calls(visit, given, answer),
        **values,
    )


def _calls(visit: Visit, given: Mapping[str, str], answer: Answer | None) -> list[Sample]:
    """What comes nearest to asking, for a principal of the account; and keeping the answer."""
    found = []
    if given["who"].startswith(f"arn:aws:iam::{visit.me.principal.account_id}:"):
        asks = call(
            "iam",
            "SimulatePrincipalPolicy",
            PolicySourceArn=given["who"],
            ActionNames=[DOORS[given["door"]][1]],
            **({"ResourceArns": [given["arn"]]} if given["arn"] else {}),
        )
        found.append(sample("Ask about its IAM policies alone", asks))
    if answer is not None and answer.is_owners:
        may = "yes" if answer.allowed else "no"
        keeping = _keeping(answer.identity, {**given, "called": _called(given), "may": may})
        found.append(sample("Keep it with the identity", keeping))
    return found


def _filled(given: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in given.items() if value}


def _called(given: Mapping[str, str]) -> str:
    """A name for the case."""
    who = given["who"].rpartition(":")[2]
    return _CASE_NAME.sub(" ", f"{who} as {given['from']}")[:60].strip()


async def keep(visit: Visit) -> Response:
    """Keep it as a case of the identity: what is answered now, any later change of its policies is held to."""
    given = {name: visit.form.get(name, "").strip()[:MOST] for name in FIELDS}
    identity = visit.form.get("identity", "")
    more = {"called": visit.form.get("called", ""), "may": visit.form.get("may", "")}
    try:
        await visit.do(_keeping(identity, {**given, **more}))
    except ServiceError as error:
        problem, status = problem_of(error)
        given["door"] = given["door"] if given["door"] in DOORS else "v2"
        return _page(visit, given, problem=problem, status=status)
    return visit.go(visit.here(f"/identities/{identity}/cases"), said="case-kept")


def _keeping(identity: str, given: Mapping[str, str]) -> Call:
    """Keep what was asked, and the answer, as a case of the identity."""
    when: dict[str, list[str]] = {}
    if recipients := given["to"].replace(",", " ").split():
        when["ses:Recipients"] = recipients
    if given["ip"]:
        when["aws:SourceIp"] = [given["ip"]]
    if given["return"]:
        when["ses:FeedbackAddress"] = [given["return"]]
    for name, key in (("acting_for", "aws:SourceAccount"), ("acting_arn", "aws:SourceArn")):
        if given[name]:
            when[key] = [given[name]]
    case: dict[str, Any] = {
        "Name": given["called"].strip(),
        "Who": [given["who"]],
        "May": given["may"] == "yes",
        "As": [given["from"].rpartition("<")[2].rstrip("> ")],
    }
    if when:
        case["When"] = when
    return call("sesame", "PutIdentityPolicyTests", Identity=identity, Tests=[case])


PAGES = (
    Page(path="/{region}/ask", handler=show),
    Page(path="/{region}/ask/keep", handler=keep, method="POST"),
)
