"""The check of a policy text: what is refused, and what is probably not meant.

`check_identity_policy`, `check_iam_policy` and `check_trust_policy` return findings in the order of the text. What
"refused" means is in `language.put`. Pure: the time is an argument.
"""

from collections.abc import Iterator

from sesame.policy.analysis.strings import Budget
from sesame.policy.findings.catalogue import SEVERITIES, Code, Finding
from sesame.policy.findings.condition_checks import check_key, check_letters, check_recipients, check_values
from sesame.policy.findings.identity_checks import check_addresses, check_statement
from sesame.policy.findings.statement_checks import (
    check_actions,
    check_empty_sets,
    check_keys_of_services,
    check_principals,
    check_sessions,
    check_trusted_services,
    check_usernames,
    check_window,
)
from sesame.policy.language.document import (
    MAX_IAM_BYTES,
    Policy,
    statement_path,
    value_path,
)
from sesame.policy.language.iam_put import parse_iam_policy
from sesame.policy.language.put import parse_identity_policy
from sesame.policy.language.source import Path, PolicyError, Source, pointer
from sesame.policy.language.trust import parse_trust_policy

Note = tuple[Code, Path, str]


def check_identity_policy(text: str, *, identity_arn: str, now: float | None = None) -> list[Finding]:
    """Everything to be said about an identity policy; `now` (Unix seconds) tells what has expired.

    A text that would be refused has one finding, SP001.
    """
    try:
        policy = parse_identity_policy(text, identity_arn=identity_arn)
    except PolicyError as error:
        return [_refused(error)]
    return _place(policy, _notes(policy, identity_arn=identity_arn, now=now))


def check_iam_policy(text: str, *, now: float | None = None) -> list[Finding]:
    """Everything to be said about an IAM policy; `now` (Unix seconds) tells what has expired."""
    try:
        policy = parse_iam_policy(text)
    except PolicyError as error:
        return [_refused(error)]
    return _place(policy, _notes(policy, identity_arn=None, now=now))


def check_trust_policy(text: str, *, now: float | None = None) -> list[Finding]:
    """Everything to be said about who may assume a role; `now` (Unix seconds) tells what has expired."""
    try:
        policy = parse_trust_policy(text)
    except PolicyError as error:
        return [_refused(error)]
    source = Source(policy.text, max_bytes=MAX_IAM_BYTES)
    notes: list[Note] = []
    for statement in policy.statements:
        base = statement_path(source, statement.index)
        for code, path, message in (*check_trusted_services(statement), *check_window(statement, now)):
            notes.append((code, (*base, *path), message))
    return _place(policy, iter(notes))


def _refused(error: PolicyError) -> Finding:
    return Finding(
        code=Code.REFUSED,
        severity=SEVERITIES[Code.REFUSED],
        message=error.in_full,
        path=error.path,
        line=error.line,
        column=error.column,
    )


_STATES = 3_000
"""What the questions of one check may spend together: about a thirtieth of what a question of its own may."""


def _notes(policy: Policy, *, identity_arn: str | None, now: float | None) -> Iterator[Note]:
    """Every check on every statement; paths begin at the document."""
    owner = identity_arn.split(":")[4] if identity_arn is not None else None
    source = Source(policy.text, max_bytes=MAX_IAM_BYTES)
    budget = Budget(_STATES)
    for statement in policy.statements:
        base = statement_path(source, statement.index)
        checks = [
            *check_principals(statement, owner),
            *check_sessions(statement),
            *check_usernames(policy, statement),
            *check_keys_of_services(statement),
            *check_actions(statement, owner),
            *check_window(statement, now),
            *check_empty_sets(statement),
            *check_statement(policy, statement, identity_arn, budget),
        ]
        for code, path, message in checks:
            yield code, (*base, *path), message
        for condition in statement.conditions:
            at = (*base, "Condition", condition.operator.text, condition.key)
            addresses = check_addresses(policy, condition, identity_arn, budget)
            for code, path, message in [
                *check_key(condition),
                *check_values(policy, statement, condition),
                *check_letters(statement, condition),
                *check_recipients(statement, condition),
                *addresses,
            ]:
                yield code, _value_at(source, at, path), message


def _value_at(source: Source, at: Path, path: Path) -> Path:
    return value_path(source, at, int(path[0])) if path else at


def _place(policy: Policy, notes: Iterator[Note]) -> list[Finding]:
    """Findings with their lines, in the order of the text."""
    source = Source(policy.text, max_bytes=MAX_IAM_BYTES)
    findings = []
    for code, path, message in notes:
        line, column = source.position(path)
        findings.append(
            Finding(
                code=code,
                severity=SEVERITIES[code],
                message=message,
                path=pointer(path),
                line=line,
                column=column,
            )
        )
    return sorted(findings, key=lambda finding: (finding.line, finding.column, finding.code.value))
