"""The smallest policy that allows what the answers say and nothing else, with the reason for each line.

Each answer becomes one line; a question that was not answered becomes none. Nothing that the check would find is
written: an answer that would need it is refused with its question. What a policy cannot say, such as how much, is
no part of it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sesame.policy.findings.catalogue import Code, Finding
from sesame.policy.findings.check import check_identity_policy
from sesame.policy.language.document import MAX_STORED_BYTES
from sesame.policy.language.forms import is_account_id
from sesame.policy.language.put import MAX_BYTES
from sesame.policy.language.source import Path, Source, pointer
from sesame.policy.writing.answers import (
    ACTIONS,
    AnswerError,
    Answers,
    Way,
    is_pattern,
    normal,
    written_moment,
)
from sesame.policy.writing.narrowing import bare


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a line of a policy is there: its line from 1, its place as a JSON pointer."""

    line: int
    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A policy ready to be stored; `findings` are what its owner should know although it was wanted."""

    document: str
    reasons: tuple[Reason, ...]
    findings: tuple[Finding, ...]


_WANTED = {Code.PRIVATE_RANGE, Code.ONE_SESSION}
"""What may be meant where it was answered: networks behind the same router as the server, one session."""

_QUESTIONS = {
    "Principal": "principals",
    "ses:FromAddress": "from_addresses",
    "ses:FromDisplayName": "display_names",
    "ses:FeedbackAddress": "feedback_addresses",
    "ses:Recipients": "recipients",
    "aws:SourceIp": "networks",
    "aws:CurrentTime": "ends_at",
}

Rows = list[tuple[Path, str]]


def generate(answers: Answers, *more: Answers, now: float | None = None) -> Draft:
    """The policy for answers, all about one identity; `now` (Unix seconds) refuses what has ended already.

    Raises AnswerError, also when the policy would be longer than SES stores.
    """
    given = [normal(one) for one in (answers, *more)]
    if len({one.identity_arn for one in given}) > 1:
        raise AnswerError("identity_arn", "a policy is about one identity")
    statements: list[dict[str, Any]] = []
    rows: Rows = []
    for one in given:
        for statement, reasons in _statements(one):
            rows += [(("Statement", len(statements), *path), text) for path, text in reasons]
            statements.append(statement)
    document = policy_text({"Version": "2012-10-17", "Statement": statements})
    return Draft(
        document=document,
        reasons=tuple(sorted(_placed(document, rows), key=lambda reason: reason.line)),
        findings=tuple(_checked(document, given[0].identity_arn, now)),
    )


def _statements(answers: Answers) -> Iterator[tuple[dict[str, Any], Rows]]:
    """One for those who have an account, one for services, which have none but act for one."""
    if answers.principals:
        yield _statement(answers, "AWS", answers.principals)
    if answers.services:
        yield _statement(answers, "Service", answers.services)


def _statement(answers: Answers, kind: str, principals: Sequence[str]) -> tuple[dict[str, Any], Rows]:
    actions = [action for way in answers.ways for action in ACTIONS[way]]
    reasons: Rows = [
        *_about_principals(kind, principals),
        (("Action",), "; ".join(_WAYS[way] for way in answers.ways)),
        (("Resource",), "the identity that the policy is attached to; SES accepts no other"),
    ]
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {kind: bare(principals)},
        "Action": bare(actions),
        "Resource": answers.identity_arn,
    }
    conditions: dict[str, dict[str, Any]] = {}
    for operator, key, values, why in _conditions(answers, kind):
        conditions.setdefault(operator, {})[key] = bare(values)
        if why:
            reasons.append((("Condition", operator, key), why))
    if conditions:
        statement["Condition"] = conditions
    return statement, reasons


_WAYS = {
    Way.MAIL: "messages by the API and by SMTP: SMTP and raw messages need ses:SendRawEmail",
    Way.RAW: "whole messages: SMTP, and raw messages by the API",
    Way.TEMPLATES: "messages from stored templates, one per call",
    Way.BULK: "messages from stored templates, many per call, in API v1 and v2",
}


def _about_principals(kind: str, principals: Sequence[str]) -> Iterator[tuple[Path, str]]:
    for number, principal in enumerate(principals):
        path: Path = ("Principal", kind) if len(principals) == 1 else ("Principal", kind, number)
        yield path, _about_principal(kind, principal)


def _about_principal(kind: str, principal: str) -> str:
    if kind == "Service":
        return "a service acts for accounts, so a condition says for which ones"
    if is_account_id(principal):
        return (
            "everybody in the account whose IAM policies allow sending; name users or roles to restrict this"
        )
    what = "session" if principal.split(":")[2] == "sts" else principal.split(":")[5].partition("/")[0]
    return f"this {what} and nobody else in its account; its own IAM policies must allow sending too"


def _conditions(answers: Answers, kind: str) -> Iterator[tuple[str, str, Sequence[str], str]]:
    """Operator, key, values, and why; the second line for one answer has no reason of its own."""
    if kind == "Service":
        yield "StringEquals", "aws:SourceAccount", answers.acting_for, (
            "only when the service acts for this account, since it serves other customers too"
        )  # fmt: skip
    if answers.from_addresses:
        why = "the From address exactly as in the message, case included; the identity's other addresses are refused"
        yield _compare(answers.from_addresses), "ses:FromAddress", answers.from_addresses, why
    if answers.display_names:
        why = "the display name of the From address; a message without one is refused"
        yield _compare(answers.display_names), "ses:FromDisplayName", answers.display_names, why
    if answers.feedback_addresses:
        why = "where bounces go: the Return-Path, or the envelope sender"
        yield _compare(answers.feedback_addresses), "ses:FeedbackAddress", answers.feedback_addresses, why
    if answers.recipients:
        why = "every recipient, including Cc and Bcc"
        yield f"ForAllValues:{_compare(answers.recipients)}", "ses:Recipients", answers.recipients, why
        why = "ForAllValues is also true when there are no recipients; this is not"
        yield "Null", "ses:Recipients", ("false",), why
    if answers.networks:
        yield (
            "IpAddress",
            "aws:SourceIp",
            answers.networks,
            "the source address of the request as the server sees it",
        )
    if answers.begins_at is not None:
        moment = written_moment(answers.begins_at)
        yield "DateGreaterThanEquals", "aws:CurrentTime", (moment,), "from this moment on"
    if answers.ends_at is not None:
        moment = written_moment(answers.ends_at)
        yield (
            "DateLessThan",
            "aws:CurrentTime",
            (moment,),
            "before this moment; after it, this statement allows nobody",
        )


def _compare(values: Sequence[str]) -> str:
    return "StringLike" if any(map(is_pattern, values)) else "StringEquals"


def policy_text(policy: Mapping[str, Any]) -> str:
    """A policy as JSON on lines for people, or without white space where SES would not store it otherwise."""
    text = json.dumps(policy, indent=2, ensure_ascii=False)
    is_short = len(text.encode()) <= MAX_BYTES
    return text if is_short else json.dumps(policy, ensure_ascii=False, separators=(",", ":"))


def _placed(document: str, rows: Rows) -> Iterator[Reason]:
    source = Source(document, max_bytes=MAX_STORED_BYTES)
    for path, text in rows:
        line, _ = source.position(path)
        yield Reason(line=line, path=pointer(path), text=text)


def _checked(document: str, identity_arn: str, now: float | None) -> Iterator[Finding]:
    for finding in check_identity_policy(document, identity_arn=identity_arn, now=now):
        if finding.code not in _WANTED:
            names = [name for name in _QUESTIONS if name in finding.path.split("/")]
            raise AnswerError(_QUESTIONS[names[0]] if names else "identity_arn", finding.message)
        yield finding
