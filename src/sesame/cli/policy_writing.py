"""`sesame policy generate` and `say`: from answers to a policy, and from a policy or an edit to sentences.

A generated policy goes to standard output, the reasons for its lines to standard error, so that it can be piped.
"""

import argparse
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sesame.cli.command import Subparsers
from sesame.cli.output import print_json
from sesame.cli.policy_files import YES, UsageError, add_verb, load
from sesame.policy import parse_stored_iam_policy, parse_stored_identity_policy
from sesame.policy.findings.catalogue import Finding
from sesame.policy.language.values import is_sound_date, read_date
from sesame.policy.writing.answers import AnswerError, Answers, Way, normal
from sesame.policy.writing.generate import Draft, generate
from sesame.policy.writing.say import say_edit, say_policy

_DAY = "%Y-%m-%d"


def register(verbs: Subparsers) -> None:
    """Add the verbs that write policies."""
    text = (
        "Write the smallest policy that lets somebody send as an identity, with the reason for each line. Asks"
        " for what is not given when it runs in a terminal."
    )
    verb = add_verb(verbs, "generate", run_generate, text)
    verb.add_argument("--identity", metavar="ARN", help="the identity to send as")
    for option, destination, metavar, what in (
        ("--who", "who", "WHO", "account, ARN of a user, role or session, or service (repeat)"),
        ("--for-account", "for_account", "ID", "for whom a named service may act"),
        ("--as", "addresses", "ADDRESS", "From address (repeat)"),
        ("--name", "name", "NAME", "display name in From"),
        ("--feedback", "feedback", "ADDRESS", "where bounces may go (Return-Path)"),
        ("--to", "to", "ADDRESS", "recipients"),
        ("--network", "network", "CIDR", "where requests come from"),
    ):
        verb.add_argument(option, dest=destination, action="append", default=[], metavar=metavar, help=what)
    verb.add_argument("--since", metavar="DATE", help="from this day (UTC) or moment on")
    verb.add_argument("--until", metavar="DATE", help="through this day (UTC) or up to this moment")
    ways = [way.value for way in Way]
    verb.add_argument(
        "--way", action="append", choices=ways, help="mail (default), raw (SMTP only), templates, bulk"
    )
    for option, what in _CAPS.items():
        verb.add_argument(
            f"--{option}", type=int, metavar="N", help=f"{what}, set by a bound and not by the policy"
        )
    _register_say(verbs)


def _register_say(verbs: Subparsers) -> None:
    text = (
        "Describe a policy in sentences that leave nothing out; with a second file, what the edit from the first to it"
        " removes and adds."
    )
    verb = add_verb(verbs, "say", run_say, text)
    verb.add_argument("file", metavar="FILE", help="the policy document; - for standard input")
    verb.add_argument("new", metavar="NEW", nargs="?", help="the policy after the edit")
    verb.add_argument("--iam", action="store_true", help="the files are IAM policies")


def run_say(args: argparse.Namespace) -> int:
    """Print a sentence a line."""
    parse = parse_stored_iam_policy if args.iam else parse_stored_identity_policy
    policies = [
        policy for _, policy in load([name for name in (args.file, args.new) if name is not None], parse)
    ]
    sentences = say_policy(policies[0]) if args.new is None else say_edit(policies[0], policies[1])
    if args.json:
        print_json(list(sentences))
    else:
        for sentence in sentences or ("Nothing changes.",):
            print(sentence)
    return YES


def run_generate(args: argparse.Namespace) -> int:
    """Print the policy for the answers."""
    try:
        if not (args.identity and args.who) and sys.stdin.isatty():
            answers, draft = asked(_given(args), prompt=_prompt, say=_say, now=time.time())
        else:
            answers = _given(args)
            draft = generate(answers, now=time.time())
    except AnswerError as error:
        raise UsageError(f"{OPTIONS[error.question]}: {error.message}") from error
    except EOFError as error:
        raise UsageError("the answers ended before the last question") from error
    bounds = bounds_for(answers, {option: getattr(args, option.replace("-", "_")) for option in _CAPS})
    if args.json:
        print_json(
            {
                "bounds": bounds,
                "policy": draft.document,
                "reasons": [
                    {"line": one.line, "path": one.path, "reason": one.text} for one in draft.reasons
                ],
                "findings": [{"code": one.code.value, "message": one.message} for one in draft.findings],
            }
        )
    else:
        _print(draft)
        for command in bounds:
            print(f"how much, once the policy is stored: {command}", file=sys.stderr)
    return YES


_CAPS = {
    "messages-per-day": "messages in any 24 hours",
    "messages-per-second": "messages in any second",
}


def bounds_for(answers: Answers, caps: Mapping[str, int | None]) -> list[str]:
    """The commands that bound how much each delegate may send; a session is bounded by its role.

    What is bounded already stays so: nobody knows here whether anything is.
    """
    given = [f"--{option} {count}" for option, count in caps.items() if count is not None]
    if not given:
        return []
    fields = answers.identity_arn.split(":", 5)
    where = f"{fields[4]} {shlex.quote(fields[5].removeprefix('identity/'))}"
    delegates = dict.fromkeys(_delegate(one) for one in (*answers.principals, *answers.services))
    return [
        f"sesame grant change {where} {shlex.quote(delegate)} --region {fields[3]} {' '.join(given)}"
        for delegate in delegates
    ]


def _delegate(principal: str) -> str:
    fields = principal.split(":")
    if len(fields) == 6 and fields[5].startswith("assumed-role/"):
        return f"arn:aws:iam::{fields[4]}:role/{fields[5].split('/')[1]}"
    return fields[4] if len(fields) == 6 and fields[5] == "root" else principal


OPTIONS = {
    "identity_arn": "--identity",
    "principals": "--who",
    "services": "--who",
    "acting_for": "--for-account",
    "from_addresses": "--as",
    "display_names": "--name",
    "feedback_addresses": "--feedback",
    "recipients": "--to",
    "networks": "--network",
    "begins_at": "--since",
    "ends_at": "--until",
    "ways": "--way",
}
"""The option that each question of `Answers` is given by."""


def _given(args: argparse.Namespace) -> Answers:
    principals, services = read_who(args.who)
    return Answers(
        identity_arn=args.identity or "",
        principals=principals,
        services=services,
        acting_for=tuple(args.for_account),
        from_addresses=tuple(args.addresses),
        display_names=tuple(args.name),
        feedback_addresses=tuple(args.feedback),
        recipients=tuple(args.to),
        networks=tuple(args.network),
        begins_at=None if args.since is None else read_moment(args.since, "begins_at"),
        ends_at=None if args.until is None else read_moment(args.until, "ends_at"),
        ways=tuple(map(Way, args.way)) if args.way else (Way.MAIL,),
    )


def read_who(named: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those with an account, and services, which are named by a host."""
    services = tuple(one for one in named if "." in one and ":" not in one)
    return tuple(one for one in named if one not in services), services


def read_moment(text: str, question: str) -> int:
    """A moment, or the begin of a day in UTC; `ends_at` is then the day's end. Raises AnswerError."""
    moment = read_date(text) if is_sound_date(text) else None
    if moment is None:
        message = f"`{text}` is not a moment: write 2027-01-31, or 2027-01-31T18:00:00Z"
        raise AnswerError(question, message)
    try:
        day = datetime.strptime(text, _DAY).replace(tzinfo=UTC)
    except ValueError:
        return moment // 1_000_000
    return int((day + timedelta(days=question == "ends_at")).timestamp())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """One question: what it sets, its words, and how several answers are told apart."""

    field: str
    text: str
    separator: str | None = None


_QUESTIONS = (
    _Question(field="identity_arn", text="Which identity is to be sent as? Its ARN"),
    _Question(field="principals", text="Who may send? Accounts, users, roles, services"),
    _Question(field="acting_for", text="For which accounts may the service act?"),
    _Question(field="from_addresses", text="As which From addresses? `*` is any text [any of the identity]"),
    _Question(field="display_names", text="With which display names? Separated by `;` [any]", separator=";"),
    _Question(field="feedback_addresses", text="Where may bounces go? Addresses [anywhere]"),
    _Question(field="recipients", text="To which recipients? [any]"),
    _Question(field="networks", text="From which networks, as 203.0.113.0/24? [any]"),
    _Question(field="begins_at", text="From which day on? [now]"),
    _Question(field="ends_at", text="Through which day? [no end]"),
    _Question(field="ways", text="How: mail, raw, templates, bulk? [mail]"),
)


def asked(
    answers: Answers, *, prompt: Callable[[str], str], say: Callable[[str], object], now: float
) -> tuple[Answers, Draft]:
    """Answers to every question that has none yet, and their policy; what is wrong is asked again."""
    for question in _QUESTIONS:
        if getattr(answers, question.field) == getattr(_NOTHING, question.field) and _is_due(
            question, answers
        ):
            answers = _ask(question, answers, prompt, say)
    while True:
        try:
            return answers, generate(answers, now=now)
        except AnswerError as error:
            say(error.message)
            field = "principals" if error.question == "services" else error.question
            [question] = [one for one in _QUESTIONS if one.field == field]
            answers = _ask(question, answers, prompt, say)


_NOTHING = Answers(identity_arn="")


def _is_due(question: _Question, answers: Answers) -> bool:
    return question.field != "acting_for" or bool(answers.services)


def _ask(
    question: _Question, answers: Answers, prompt: Callable[[str], str], say: Callable[[str], object]
) -> Answers:
    """The answers with one more, asked until it can be kept."""
    while True:
        text = prompt(f"{question.text}: ").strip()
        try:
            answered = _with(question, answers, text)
        except AnswerError as error:
            say(error.message)
            continue
        complaint = _complaint(answered)
        if complaint is None or complaint.question not in _ABOUT.get(question.field, (question.field,)):
            return answered
        say(complaint.message)


_ABOUT = {"principals": ("principals", "services")}
"""The fields that a question is about, where they are more than its own."""


def _complaint(answers: Answers) -> AnswerError | None:
    """What is wrong with the answers so far; what is missing yet counts as well."""
    try:
        normal(answers)
    except AnswerError as error:
        return error
    return None


def _with(question: _Question, answers: Answers, text: str) -> Answers:
    field = question.field
    if field == "identity_arn":
        return replace(answers, identity_arn=text)
    if field in ("begins_at", "ends_at"):
        moment = read_moment(text, field) if text else None
        return (
            replace(answers, begins_at=moment) if field == "begins_at" else replace(answers, ends_at=moment)
        )
    parts = text.split(question.separator) if question.separator else text.replace(",", " ").split()
    values = tuple(part.strip() for part in parts if part.strip())
    if field == "principals":
        principals, services = read_who(values)
        return replace(answers, principals=principals, services=services)
    if field == "ways":
        return replace(answers, ways=_ways(values))
    changes: dict[str, tuple[str, ...]] = {field: values}
    return replace(answers, **changes)  # type: ignore[arg-type]


def _ways(values: Sequence[str]) -> tuple[Way, ...]:
    try:
        return tuple(map(Way, values)) or (Way.MAIL,)
    except ValueError:
        raise AnswerError("ways", f"the ways are {', '.join(way.value for way in Way)}") from None


def _prompt(text: str) -> str:
    print(text, end="", file=sys.stderr, flush=True)
    return input()


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr)


def _print(draft: Draft) -> None:
    print(draft.document)
    for reason in draft.reasons:
        print(f"line {reason.line}: {reason.text}", file=sys.stderr)
    for finding in draft.findings:
        print(_finding(finding), file=sys.stderr)


def _finding(finding: Finding) -> str:
    return f"line {finding.line}: {finding.severity.value} {finding.code.value}: {finding.message}"
