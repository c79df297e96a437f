"""What pages ask of policies, as JSON in and out: the work of the process beside the server (`analyst`).

Runs alone there: no store, no network, nothing but data in and out. Principals whose answers are alike are listed as
one, a whole account above all; conditions are sentences with the values in backticks.

    python -m sesame.console.questions

answers one question a line until its input ends.
"""

import json
import os
import re
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TextIO

from sesame.policy import (
    Answer,
    Code,
    Finding,
    Permission,
    Policy,
    PolicyError,
    Verdict,
    can_send,
    check_identity_policy,
    compare,
    parse_stored_identity_policy,
    who_can_send,
)
from sesame.policy.analysis.answers import Method, Needs
from sesame.policy.analysis.bounded import permissions_within, within_boundaries
from sesame.policy.analysis.principals import STRANGER
from sesame.policy.cases import read_requester
from sesame.policy.language.document import Condition, Effect, Principal, Statement
from sesame.policy.language.forms import PrincipalForm, read_principal
from sesame.policy.reasons.sentence import describe_condition
from sesame.policy.request import Request, Requester

Json = dict[str, Any]
MOST_EXPLAINED = 40
"""For so many it is said by which other statements they may send."""
MOST_NAMED = 5
"""So many principals a sentence names."""
MOST_BYTES = 2 * 1024 * 1024 * 1024
"""Of address space: a question that would take more fails, and not the server."""
Named = Sequence[tuple[str, Policy]]

KEY_NAMES: Mapping[str, str] = {
    "ses:fromaddress": "the From address",
    "ses:fromdisplayname": "the name before the From address",
    "ses:feedbackaddress": "the return path",
    "ses:recipients": "recipients",
    "aws:sourceip": "the client's address",
    "aws:currenttime": "the time",
    "aws:epochtime": "the time",
    "aws:sourceaccount": "the account that the service acts for",
    "aws:sourcearn": "the resource that the service acts for",
    "aws:securetransport": "TLS",
    "aws:useragent": "the user agent",
    "aws:principalarn": "the principal",
    "aws:username": "the user's name",
    "aws:multifactorauthpresent": "a code of a device",
    "ses:apiversion": "the version of the API",
}
"""Condition keys as people call them."""

_ACCOUNT_WIDE = re.compile(
    r"(?:root of|any other user of|a session of any other role of|any other federated user of) ([0-9]{12})"
)
_KINDS = ("stranger", "account", "part of an account", "principal", "service")
"""They are listed in this order."""
_UNIQUE_ID = re.compile(r"A(?:IDA|ROA)[A-Z0-9]+")
_SESSION_OF = "a session of "


def answer(question: Mapping[str, Any], *, is_late: Callable[[], bool]) -> Json:
    """The answer to a question by its name (`ask`). Raises PolicyError for a text that is not a policy."""
    match question["ask"]:
        case "who":
            return _who(question, _read(question["policies"]), is_late)
        case "principal":
            return _principal(question, is_late)
        case "edit":
            return _edit(question, is_late)
        case "kit":
            return _kit(question, is_late)
        case "findings":
            return _findings(question, is_late)
        case other:
            raise ValueError(f"there is no question {other}")


def _read(texts: Iterable[Sequence[str]]) -> Named:
    return [(name, parse_stored_identity_policy(text)) for name, text in texts]


def _who(question: Mapping[str, Any], named: Named, is_late: Callable[[], bool]) -> Json:
    arn = question["identity_arn"]
    answers = who_can_send(
        named,
        identity_arn=arn,
        limits=question.get("limits", {}),
        principal_ids=question["principal_ids"],
        is_late=is_late,
    )
    answers = within_boundaries(answers, named, question.get("bounded", ()))
    groups = _grouped(answers, named)
    _add_more(groups, answers, question, named, is_late)
    checked = {
        name: check_identity_policy(policy.text, identity_arn=arn, now=question["now"])
        for name, policy in named
    }
    return {
        "findings": {name: [_finding(one) for one in found] for name, found in checked.items()},
        "groups": groups,
        "asked": sum(one.is_asked for one in answers),
        "of": len(answers),
    }


def _add_more(
    groups: Sequence[Json],
    answers: Iterable[Answer],
    question: Mapping[str, Any],
    named: Named,
    is_late: Callable[[], bool],
) -> None:
    """What else those who can send may send, by other statements; None where that was not asked."""
    witnesses = {one.who: one.witness for one in answers if one.witness is not None}
    for number, group in enumerate(groups):
        witness = witnesses.get(group["members"][0])
        if witness is None:
            continue
        if number >= MOST_EXPLAINED or is_late():
            group["more"] = None
            continue
        permissions = can_send(
            witness.requester,
            named,
            identity_arn=question["identity_arn"],
            limits=question.get("limits", {}),
            principal_ids=question["principal_ids"],
            is_late=is_late,
        )
        detail = [_permission(one, named) for one in permissions]
        group["more"] = [one for one in detail if one["statement"] != group["statement"]]


def _principal(question: Mapping[str, Any], is_late: Callable[[], bool]) -> Json:
    """All that one principal may send."""
    named = _read(question["policies"])
    requester = read_requester(question["principal"])
    permissions = can_send(
        requester,
        named,
        identity_arn=question["identity_arn"],
        limits=question.get("limits", {}),
        principal_ids=question["principal_ids"],
        is_late=is_late,
    )
    found = permissions_within(permissions, requester, named, question.get("bounded", ()))
    return {"permissions": [_permission(one, named) for one in found]}


def _edit(question: Mapping[str, Any], is_late: Callable[[], bool]) -> Json:
    """What is to be said of new texts (None removes one), whom they let in or shut out, and who can send after them."""
    changed: dict[str, str | None] = question["changed"]
    findings: list[Finding] = []
    for text in changed.values():
        if text is not None:
            findings += check_identity_policy(
                text, identity_arn=question["identity_arn"], now=question["now"]
            )
    if any(one.code is Code.REFUSED for one in findings):
        return {"findings": [_finding(one) for one in findings], "is_refused": True}
    before = _read(question["policies"])
    after = [
        *(one for one in before if one[0] not in changed),
        *_read((name, text) for name, text in changed.items() if text is not None),
    ]
    found = compare(
        before,
        after,
        identity_arn=question["identity_arn"],
        principal_ids=question["principal_ids"],
        is_late=is_late,
    )
    return {
        "findings": [_finding(one) for one in findings],
        "is_refused": False,
        "sentences": [
            one for name, policy in after if name in changed for one in statement_sentences(policy)
        ],
        "gained": _grouped(within_boundaries(found.gained, after, question.get("bounded", ())), after),
        "lost": _grouped(within_boundaries(found.lost, before, question.get("bounded", ())), before),
        "asked": found.asked,
        "of": found.of,
        "after": _who({**question, "limits": {}}, after, is_late),
    }


def _kit(question: Mapping[str, Any], is_late: Callable[[], bool]) -> Json:
    """What to hand to a delegate; `problem` says why there is nothing."""
    from sesame.admin.delegates.kit import KitError, make_kit  # more than the other questions need
    from sesame.admin.delegates.kit_snippets import Place

    try:
        kit = make_kit(
            question["identity_arn"],
            Requester(**question["delegate"]),
            _read(question["policies"]),
            place=Place(**question["place"]),
            principal_ids=question["principal_ids"],
            is_late=is_late,
        )
    except KitError as error:
        return {"problem": str(error)}
    return {"problem": "", **asdict(kit), "asked": int(not is_late()), "of": 1}


def _findings(question: Mapping[str, Any], is_late: Callable[[], bool]) -> Json:
    """What is to be said of each text of a list of (ARN of its identity, text), of as many as there is time for."""
    found: list[list[Json]] = []
    for arn, text in question["policies"]:
        if is_late():
            break
        listed = check_identity_policy(text, identity_arn=arn, now=question["now"])
        found.append([_finding(one) for one in listed])
    return {"findings": found, "asked": len(found), "of": len(question["policies"])}


def _finding(finding: Finding) -> Json:
    return {
        "code": finding.code.value,
        "name": finding.code.name.lower().replace("_", "-"),
        "severity": finding.severity.value,
        "message": finding.message.removeprefix(f"line {finding.line}, column {finding.column} "),
        "line": finding.line,
        "column": finding.column,
    }


def _grouped(answers: Iterable[Answer], named: Named) -> list[Json]:
    """The answers that are a yes or not known; an account's principals that may do the same are one."""
    groups: dict[object, Json] = {}
    for one in answers:
        if one.verdict is Verdict.NO:
            continue
        detail = _answer_json(one, named)
        wide = _ACCOUNT_WIDE.fullmatch(one.who)
        alike = json.dumps([detail[key] for key in ("verdict", "statement", "needs", "unless", "reason")])
        key = (wide[1], alike) if wide else one.who
        if key in groups:
            groups[key]["members"].append(one.who)
        else:
            groups[key] = (
                detail | {"more": [], "members": [one.who]} | _titled(one.who, wide[1] if wide else "")
            )
    for group in groups.values():
        if group["kind"] == "account" and not any(
            who.startswith("any other user") for who in group["members"]
        ):
            group |= {"kind": "part of an account", "title": ", ".join(group["members"])}
    return sorted(groups.values(), key=lambda group: (group["verdict"] != "yes", _KINDS.index(group["kind"])))


def _titled(who: str, account: str) -> Json:
    """How a principal is called, and how a policy names it; no name where none is its own."""
    if account:
        return {"kind": "account", "title": f"Account {account}", "principal": account, "account": account}
    if who == STRANGER:
        return {"kind": "stranger", "title": "Anybody in any other account", "principal": "", "account": ""}
    if who == "any other service":
        return {"kind": "stranger", "title": "Any other service", "principal": "", "account": ""}
    arn = who.removeprefix(_SESSION_OF)
    if _UNIQUE_ID.fullmatch(arn):
        return {"kind": "principal", "title": f"Whoever has the id {arn}", "principal": arn, "account": ""}
    fields = arn.split(":")
    kind = "service" if len(fields) < 6 else "principal"
    return {
        "kind": kind,
        "title": f"Sessions of {arn}" if who.startswith(_SESSION_OF) else arn,
        "principal": arn,
        "account": fields[4] if kind == "principal" else "",
    }


def _answer_json(one: Answer, named: Named) -> Json:
    return {
        "verdict": one.verdict.value,
        "reason": one.reason,
        "by_solver": one.method is Method.PROVER,
        "statement": None if one.statement is None else _statement(one.statement, named),
        "needs": sentences_of(one.needs),
        "unless": [sentences_of(needs) for needs in one.unless],
        "example": None if one.witness is None else _example(one.witness, (one.needs, *one.unless)),
    }


def _permission(one: Permission, named: Named) -> Json:
    return {
        "statement": _statement(one.statement, named),
        "needs": sentences_of(one.needs),
        "unless": [sentences_of(needs) for needs in one.denies],
        "reason": one.reason,
        "example": None if one.witness is None else _example(one.witness, (one.needs, *one.denies)),
    }


def _statement(where: tuple[str, int], named: Named) -> Json:
    policy, index = where
    statement = next(
        item for name, one in named if name == policy for item in one.statements if item.index == index
    )
    return {"policy": policy, "number": index + 1, "sid": statement.sid or ""}


def sentences_of(needs: Needs) -> list[str]:
    """Each condition in words."""
    return [_condition_sentence(need) for need in needs]


def statement_sentences(policy: Policy) -> list[str]:
    """Each statement as a sentence."""
    return [_sentence(statement) for statement in policy.statements]


def _sentence(statement: Statement) -> str:
    named = [_called(principal) for principal in statement.principals or ()]
    who = ", ".join(named[:MOST_NAMED]) + (
        f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    )
    actions = {action.lower() for action in statement.actions}
    mail = {"ses:sendemail", "ses:sendrawemail"}
    what = "send e-mail" if actions in (mail, {"ses:*"}, {"ses:send*"}) else "do " + ", ".join(
        f"`{action}`" for action in statement.actions
    )  # fmt: skip
    needs = " and ".join(sentences_of(statement.conditions))
    when = f" when {needs}" if needs else ""
    if statement.effect is Effect.ALLOW:
        return f"Lets {who} {what}{when}."
    return f"Never lets {who} {what}{when}, whatever else allows it."


def _called(principal: Principal) -> str:
    form, value = read_principal(principal)
    if form is PrincipalForm.ANYBODY:
        return "anybody"
    return f"account `{value}`" if form is PrincipalForm.ACCOUNT else f"`{value}`"


def _condition_sentence(need: Condition) -> str:
    name = KEY_NAMES.get(need.key.lower(), need.key)
    verb = "are" if name == "recipients" else "is"
    detail = describe_condition(need.operator.text, f"{name} {verb}", need.values)
    return detail.replace(" is being ", " is ").replace("all of recipients", "all recipients")


def _example(request: Request, asked: Sequence[Needs]) -> Json:
    """A request that shows a yes: From, recipients, and the values that conditions ask about."""
    context = {key.lower(): value for key, value in request.context.items()}
    keys = {need.key.lower() for needs in asked for need in needs} - {"ses:fromaddress", "ses:recipients"}
    return {
        "principal": request.requester.arn,
        "action": request.action,
        "from": _text(context.get("ses:fromaddress", "")),
        "to": _text(context.get("ses:recipients", "")),
        "else": [[KEY_NAMES.get(key, key), _text(context[key])] for key in sorted(keys) if key in context],
    }


def _text(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def replies(lines: Iterable[str], *, now: Callable[[], float]) -> Iterator[str]:
    """One reply a line."""
    for line in lines:
        question = json.loads(line)
        end = now() + question["seconds"]
        try:
            reply: Json = {"answer": answer(question, is_late=lambda end=end: now() > end)}  # type: ignore[misc]
        except PolicyError as error:
            reply = {"error": str(error)}
        yield json.dumps(reply)


def main(lines: TextIO, out: TextIO) -> None:
    """Answer until the input ends."""
    for reply in replies(lines, now=time.monotonic):
        out.write(reply + "\n")
        out.flush()


if __name__ == "__main__":
    os.nice(5)  # mail goes first
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    main(sys.stdin, sys.stdout)
