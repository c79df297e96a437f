"""No DELETE and no UPDATE takes more rows than one write may: whoever accepts a message waits while it runs.

A statement is bounded that names a whole key of its table, or takes its rows from a sub-select with a LIMIT. Any other
stands in `FEW` with the reason why it finds few.
"""

import ast
import re
import sqlite3
from functools import cache

import pytest

from sesame.db import migrate
from tests.house.test_rooms import SOURCE, source_files

IDENTITY = "account_id = ? AND region = ? AND identity = ?"
FEW = {
    "db/table.py": {"{} WHERE {}": "a whole key"},
    "spool/purge.py": {"{} WHERE {} = ?": "keys that were found with a LIMIT"},
    "spool/spool.py": {"queue_stop": "there is one, or none"},
    "store/accounts.py": {
        "usage_minute WHERE account_id = ? AND region = ? AND minute <= ?"
        " RETURNING minute, recipients": "minutes of a day"
    },
    "store/console_logins.py": {
        "console_link WHERE user_id = ? AND purpose = 'invite'": "each takes the place of the one before"
    },
    "store/contact_lists.py": {
        "contact WHERE account_id = ? AND region = ? AND list_name = ?": "`drop_contacts` has left few"
    },
    "store/delegate_bounds.py": {
        "delegate_use_minute WHERE bounds_seq = ?": "minutes of a day",
        "delegate_use_minute WHERE bounds_seq = ? AND minute <= ?"
        " RETURNING minute, messages, recipients, bytes": "minutes of a day",
    },
    "store/development.py": {
        "mailbox": "a developer's, at the machine",
        "mailbox WHERE seq < ?": "a developer's, at the machine",
        "zone_record WHERE name = ? AND kind = ?": "a developer's, at the machine",
    },
    "store/egress.py": {
        "egress_day WHERE day < ?": "one for each of our own addresses that is being warmed up"
    },
    "store/iam/inline_policies.py": {
        "{} WHERE {} = ? AND policy_name = ?": "a whole key, in one of three tables"
    },
    "store/iam/login_profiles.py": {
        "console_login WHERE user_id = ?": "one user's, of a day",
        "former_password WHERE user_id = ?": "so many as a policy may have kept",
        "former_password WHERE user_id = ? AND number <= ?": "so many as a policy may have kept",
    },
    "store/iam/managed_policies.py": {
        "managed_policy_version WHERE policy_id = ?": "so many as a policy may have"
    },
    "store/iam/recovery_codes.py": {"recovery_code WHERE user_id = ?": "so many as a user is given"},
    "store/iam/services.py": {"service_key WHERE service_name = ?": "so many as a service may have"},
    "store/iam/users.py": {"smtp_binding WHERE access_key_id = ?": "one key's"},
    "store/notifications.py": {
        "identity_forwarding WHERE identity_arn = ?": "one of each account that sends as it",
        "identity_notification WHERE identity_arn = ?": "three of each account that sends as it",
    },
    "store/policy_versions.py": {
        f"identity_policy_version WHERE {IDENTITY}": "so many as are kept of each policy of one identity",
        f"identity_policy_version WHERE {IDENTITY} AND policy_name = ? AND number <= ?": "the one before those kept",
    },
    "store/tallies.py": {"{} WHERE {}": "whole keys, which were found with a LIMIT"},
    "store/subscriptions.py": {"subscription WHERE topic_arn = ?": "`drop_of_topic` has left few"},
    "store/tags.py": {"resource_tag WHERE arn = ?": "so many as a resource may have"},
}
"""By file: what follows `DELETE FROM` in statements that find few rows for another reason, and for which."""

CLAIMED = "rows that were found with a LIMIT, to be claimed"
FEW_CHANGED = {
    "spool/control.py": {"queue WHERE seq IN (?*) AND hold IS NULL": "a page of the queue"},
    "spool/spool.py": {"queue WHERE seq IN (?*)": CLAIMED},
    "store/account_details.py": {
        "account_details WHERE account_id = ? AND wants_production = 1": "one of each region that is served"
    },
    "store/accounts.py": {"account_region WHERE account_id = ?": "one of each region that is served"},
    "store/egress.py": {
        "egress_assignment WHERE account_id = ? AND region = ? AND pool = ?": "addresses of our own"
    },
    "store/events.py": {
        "event_log WHERE seq IN (?*)": CLAIMED,
        "event_log WHERE lease = ? AND seq IN (?*)": CLAIMED,
        "event_log WHERE stage < 2 AND lease IS NOT NULL": "what a process had claimed; before anything is served",
    },
    "store/outbox.py": {
        "outbox WHERE state = 'waiting' AND due_at <= ? AND seq IN (?*) AND {}": CLAIMED,
        "outbox WHERE state = 'waiting' AND lease IS NOT NULL": "what a process had claimed; before anything is served",
    },
    "store/outbox_entries.py": {
        "outbox WHERE state = 'dead' AND seq IN (?*) AND {}": "rows that were found with a LIMIT",
    },
}
"""By file: what an `UPDATE` is of and what follows its values, where it changes few rows for another reason."""

_DELETE = re.compile(r"DELETE FROM (?P<table>\w+|\{\})(?P<rest>.*)", re.DOTALL)
_UPDATE = re.compile(r"(?<!DO )(?<!FOR )\bUPDATE (?P<table>\w+|\{\}) SET (?P<rest>.*)", re.DOTALL)
_LIMITED = re.compile(r"\bIN\s*\(SELECT .*\bLIMIT \?")
_EQUAL = re.compile(r"\b(\w+) = \?")


@cache
def keys() -> dict[str, list[set[str]]]:
    """The columns of each unique index of each table, its primary key among them."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate.migrate(connection)
        found: dict[str, list[set[str]]] = {}
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
            found[table] = [{name for _, name, _, _, _, place in columns if place}]
            for _, name, is_unique, _, is_partial in connection.execute(
                f"PRAGMA index_list({table})"
            ).fetchall():
                if is_unique and not is_partial:
                    rows = connection.execute(f"PRAGMA index_info({name})").fetchall()
                    found[table].append({column for _, _, column in rows})
        return found
    finally:
        connection.close()


def texts(source: str) -> list[str]:
    """The strings of a module, with the constants of it that they name, and `{}` for what is known when it runs."""
    tree = ast.parse(source)
    constants: dict[str, str] = {}

    def text(node: ast.expr) -> str | None:
        match node:
            case ast.Constant(value=str(value)):
                return value
            case ast.JoinedStr(values=values):
                return "".join(text(one) or "" for one in values)
            case ast.FormattedValue(value=ast.Name(id=name)):
                return constants.get(name, "{}")
            case ast.FormattedValue():
                return "{}"
        return None

    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if (found := text(value)) is not None:
                constants[name] = found
    parts = {id(one) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for one in node.values}
    whole = [node for node in ast.walk(tree) if isinstance(node, ast.expr) and id(node) not in parts]
    return [found for node in whole if (found := text(node)) is not None]


def unbounded(source: str, statement: re.Pattern[str] = _DELETE) -> list[str]:
    """The statements of a module that change rows without a bound that can be seen: their table and condition."""
    found = []
    for one in texts(source):
        for match in statement.finditer(one):
            table, rest = match["table"], match["rest"]
            if statement is _UPDATE:
                rest = _condition(rest)
            outer = _LIMITED.split(rest)[0]
            is_key = any(key <= set(_EQUAL.findall(outer)) for key in keys().get(table, ()))
            if " OR " in outer or not (is_key or _LIMITED.search(rest)):
                found.append(f"{table}{rest}")
    return found


def _condition(rest: str) -> str:
    """What follows the values of an UPDATE, whose expressions may have conditions of their own in brackets."""
    depth = 0
    for place, letter in enumerate(rest):
        depth += (letter == "(") - (letter == ")")
        if not depth and rest.startswith(" WHERE ", place):
            return rest[place:]
    return ""


@pytest.mark.parametrize(("statement", "few"), [(_DELETE, FEW), (_UPDATE, FEW_CHANGED)])
def test_every_statement_has_a_bound(statement: re.Pattern[str], few: dict[str, dict[str, str]]) -> None:
    found = {
        str(path.relative_to(SOURCE)): sorted(set(statements))
        for path in source_files()
        if (statements := unbounded(path.read_text(), statement))
    }
    assert found == {name: sorted(reasons) for name, reasons in few.items()}


@pytest.mark.parametrize(
    "statement",
    [
        "contact",
        "contact WHERE account_id = ? AND region = ?",
        "message WHERE seq <= ?",
        "message WHERE seq = ? OR accepted_at < ?",
        "body WHERE message_seq IN (SELECT seq FROM message WHERE seq = ?)",
        "body WHERE message_seq IN (?*)",
        "{} WHERE {}",
    ],
)
def test_the_check_sees_what_has_no_bound(statement: str) -> None:
    assert unbounded(f'"DELETE FROM {statement}"') == [statement]


@pytest.mark.parametrize(
    "statement",
    [
        "message WHERE seq = ?",
        "message WHERE message_id = ?",
        "contact WHERE account_id = ? AND region = ? AND list_name = ? AND address = ?",
        "body WHERE message_seq IN (SELECT seq FROM message WHERE accepted_at < ? LIMIT ?)",
    ],
)
def test_the_check_sees_a_bound(statement: str) -> None:
    assert unbounded(f'"DELETE FROM {statement}"') == []


def test_the_check_reads_what_a_statement_is_made_of() -> None:
    whole = '_KEY = "seq = ?"\ntx.execute(f"DELETE FROM message"\n f" WHERE {_KEY}", 1)'
    assert unbounded(whole) == []
    assert unbounded(whole.replace("seq =", "seq >")) == ["message WHERE seq > ?"]
    assert unbounded('f"DELETE FROM {table} WHERE {key} = ?"') == ["{} WHERE {} = ?"]


@pytest.mark.parametrize(
    "statement",
    [
        "message SET subject = ?",
        "message SET subject = ? WHERE account_id = ?",
        "message SET subject = (SELECT name FROM identity WHERE seq = ?) WHERE account_id = ?",
        "message SET seq = ?",
        "outbox SET state = ? WHERE seq IN (?*)",
        "outbox SET state = ? WHERE order_key > ? AND order_key < ?",
        "{} SET state = ? WHERE seq = ?",
    ],
)
def test_the_check_sees_what_changes_without_a_bound(statement: str) -> None:
    table, _, rest = statement.partition(" SET ")
    assert unbounded(f'"UPDATE {statement}"', _UPDATE) == [f"{table}{_condition(rest)}"]


@pytest.mark.parametrize(
    "statement",
    [
        "message SET subject = ? WHERE seq = ?",
        "message SET subject = (SELECT name FROM identity WHERE seq = ?) WHERE seq = ? AND subject IS NULL",
        "outbox SET state = ? WHERE seq IN (SELECT seq FROM outbox WHERE order_key > ? LIMIT ?) AND state = ?",
    ],
)
def test_the_check_sees_what_changes_with_a_bound(statement: str) -> None:
    assert unbounded(f'"UPDATE {statement}"', _UPDATE) == []


def test_the_check_reads_no_clause_of_another_statement_as_an_update() -> None:
    both = [
        "SELECT seq FROM queue FOR UPDATE SKIP LOCKED",
        "INSERT INTO x (y) VALUES (?) ON CONFLICT (y) DO UPDATE SET y = 1",
    ]
    assert [unbounded(f'"{one}"', _UPDATE) for one in both] == [[], []]
