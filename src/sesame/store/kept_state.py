"""What a resource is set to, as fields with texts, for the difference that a change makes to it.

Columns are named here one by one: sealed keys, hashes and tokens have no place in it (I9).
"""

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sesame.db import Transaction, Value

MOST_ROWS = 200
"""Of one part, such as the policies of a user."""

_PASSWORD_IN_URL = re.compile(r"(?<=://)[^/?#@\s]*@")


@dataclass(frozen=True, slots=True)
class Part:
    """One table's share in the state of a resource: `select` has a bound of rows as its last value.

    `fields` name the columns in their order: `name?` is a truth value, `name@` a time. With `rows` the first column
    names the row, and stands behind each field's name.
    """

    select: str
    fields: tuple[str, ...]
    rows: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    """Which resource: its kind, a key of `KINDS`, the values that find it, and what people call it."""

    kind: str
    key: tuple[Value, ...]
    label: str


_IDENTITY = "account_id = ? AND region = ? AND name = ?"
_OF_IDENTITY = "account_id = ? AND region = ? AND identity = ?"
_OF_ENTITY = {
    "user": "SELECT user_id FROM iam_user WHERE account_id = ? AND user_name = ?",
    "group": "SELECT group_id FROM iam_group WHERE account_id = ? AND group_name = ?",
    "role": "SELECT role_id FROM iam_role WHERE account_id = ? AND role_name = ?",
}


def _policies_of(kind: str) -> tuple[Part, ...]:
    """The inline and attached policies of a user, a group or a role."""
    return (
        Part(
            f"SELECT policy_name, document FROM {kind}_policy WHERE {kind}_id = ({_OF_ENTITY[kind]})"
            " ORDER BY policy_name",
            ("policy",),
            rows=True,
        ),
        Part(
            f"SELECT policy_arn, 1 FROM policy_attachment WHERE entity_id = ({_OF_ENTITY[kind]}) ORDER BY policy_arn",
            ("attached policy?",),
            rows=True,
        ),
    )


KINDS: Mapping[str, tuple[Part, ...]] = {
    "identity": (
        Part(
            "SELECT verification, dkim_enabled, dkim_status, dkim_origin, dkim_tokens, check_error FROM identity"
            f" WHERE {_IDENTITY}",
            ("verification", "DKIM signing?", "DKIM status", "DKIM origin", "DKIM selectors", "DNS check"),
        ),
        Part(
            f"SELECT domain, behavior, status FROM mail_from WHERE {_OF_IDENTITY}",
            ("MAIL FROM domain", "when the MX of MAIL FROM fails", "MAIL FROM status"),
        ),
        Part(
            f"SELECT set_name FROM identity_configuration_set WHERE {_OF_IDENTITY}",
            ("default configuration set",),
        ),
    ),
    "identity policy": (
        Part(
            f"SELECT document FROM identity_policy WHERE {_OF_IDENTITY} AND policy_name = ?",
            ("policy",),
        ),
    ),
    "identity policies": (
        Part(
            f"SELECT policy_name, document FROM identity_policy WHERE {_OF_IDENTITY} ORDER BY policy_name",
            ("policy",),
            rows=True,
        ),
    ),
    "policy tests": (
        Part(
            f"SELECT name, document FROM identity_policy_test WHERE {_OF_IDENTITY} ORDER BY name",
            ("test case",),
            rows=True,
        ),
    ),
    "notifications": (
        Part(
            "SELECT kind, topic_arn, with_headers FROM identity_notification WHERE account_id = ?"
            " AND identity_arn = ? ORDER BY kind",
            ("topic", "headers?"),
            rows=True,
        ),
        Part(
            "SELECT enabled FROM identity_forwarding WHERE account_id = ? AND identity_arn = ?",
            ("forwarding by mail?",),
        ),
    ),
    "delegate bounds": (
        Part(
            "SELECT messages_per_day, messages_per_second, recipients_per_day, bytes_per_day, expires_at, paused_at,"
            " pause_reason FROM delegate_bounds WHERE owner_account_id = ? AND region = ? AND identity = ?"
            " AND delegate = ?",
            (
                "messages per day",
                "messages per second",
                "recipients per day",
                "bytes per day",
                "expires@",
                "paused@",
                "reason of the pause",
            ),
        ),
    ),
    "configuration set": (
        Part(
            f"SELECT sending_enabled, options FROM configuration_set WHERE {_IDENTITY}",
            ("sending?", "options"),
        ),
        Part(
            "SELECT name, definition FROM event_destination WHERE account_id = ? AND region = ? AND set_name = ?"
            " ORDER BY name",
            ("event destination",),
            rows=True,
        ),
        Part(
            "SELECT name, rotated_at FROM webhook WHERE account_id = ? AND region = ? AND set_name = ? ORDER BY name",
            ("new secret of webhook@",),
            rows=True,
        ),
    ),
    "template": (
        Part(f"SELECT subject, text, html FROM template WHERE {_IDENTITY}", ("subject", "text", "HTML")),
    ),
    "custom verification template": (
        Part(
            "SELECT from_address, subject, content, success_url, failure_url FROM custom_verification_template"
            f" WHERE {_IDENTITY}",
            ("From", "subject", "content", "address after success", "address after failure"),
        ),
    ),
    "suppressed address": (
        Part(
            "SELECT reason FROM suppressed_destination WHERE account_id = ? AND region = ? AND address = ?",
            ("reason",),
        ),
    ),
    "account in a region": (
        Part(
            "SELECT sending_enabled, production, max_24_hour_send, max_send_rate, suppressed_reasons, enforcement"
            " FROM account_region WHERE account_id = ? AND region = ?",
            (
                "sending?",
                "production?",
                "messages in 24 hours",
                "messages per second",
                "suppressed for",
                "enforcement status",
            ),
        ),
        Part(
            "SELECT details, answer, answer_reason FROM account_details WHERE account_id = ? AND region = ?",
            ("details", "answer", "reason of the answer"),
        ),
        Part(
            "SELECT auto_warmup FROM egress_account WHERE account_id = ? AND region = ?",
            ("automatic warm-up?",),
        ),
    ),
    "account": (
        Part(
            "SELECT name, production, max_24_hour_send, max_send_rate FROM account WHERE account_id = ?",
            ("name", "production?", "messages in 24 hours", "messages per second"),
        ),
        Part(
            "SELECT region, production, max_24_hour_send, max_send_rate, enforcement FROM account_region"
            " WHERE account_id = ? ORDER BY region",
            ("production?", "messages in 24 hours", "messages per second", "enforcement status"),
            rows=True,
        ),
        Part(
            "SELECT region, answer, answer_reason FROM account_details WHERE account_id = ? ORDER BY region",
            ("answer", "reason of the answer"),
            rows=True,
        ),
    ),
    "account alias": (
        Part("SELECT alias FROM account_alias WHERE account_id = ? ORDER BY alias", ("alias",)),
    ),
    "what is asked of passwords": (
        Part(
            "SELECT least_length, symbols, numbers, uppercase, lowercase, users_may_change, max_age_days, remembered,"
            " hard_expiry FROM password_policy WHERE account_id = ?",
            (
                "least length",
                "symbols?",
                "numbers?",
                "upper case?",
                "lower case?",
                "users may change theirs?",
                "days until one expires",
                "former ones remembered",
                "an expired one is set by an administrator?",
            ),
        ),
    ),
    "contact list": (
        Part(f"SELECT description, topics FROM contact_list WHERE {_IDENTITY}", ("description", "topics")),
    ),
    "contact": (
        Part(
            "SELECT preferences, unsubscribe_all FROM contact WHERE account_id = ? AND region = ? AND list_name = ?"
            " AND address = ?",
            ("topic preferences", "unsubscribed from all?"),
        ),
    ),
    "address pool": (Part(f"SELECT scaling_mode FROM egress_pool WHERE {_IDENTITY}", ("scaling mode",)),),
    "source address": (
        Part(
            "SELECT pool, percentage FROM egress_assignment WHERE account_id = ? AND region = ? AND address = ?",
            ("pool", "warm-up percentage"),
        ),
    ),
    "tags": (Part("SELECT key, value FROM resource_tag WHERE arn = ? ORDER BY key", ("tag",), rows=True),),
    "topic": (Part(f"SELECT attributes FROM topic WHERE {_IDENTITY}", ("attributes",)),),
    "subscription": (
        Part("SELECT attributes FROM subscription WHERE account_id = ? AND arn = ?", ("attributes",)),
    ),
    "user": (
        Part(
            "SELECT path, tags, permissions_boundary FROM iam_user WHERE account_id = ? AND user_name = ?",
            ("path", "tags", "permissions boundary"),
        ),
        *_policies_of("user"),
        Part(
            "SELECT g.group_name, 1 FROM group_member m JOIN iam_group g ON g.group_id = m.group_id"
            f" WHERE m.user_id = ({_OF_ENTITY['user']}) ORDER BY g.group_name",
            ("group?",),
            rows=True,
        ),
        Part(
            "SELECT access_key_id, status FROM access_key k WHERE k.account_id = ? AND k.user_id ="
            " (SELECT user_id FROM iam_user u WHERE u.account_id = k.account_id AND u.user_name = ?)"
            " ORDER BY access_key_id",
            ("access key",),
            rows=True,
        ),
        Part(
            "SELECT b.access_key_id || ' as ' || b.identity_arn, 1 FROM access_key k JOIN smtp_binding b"
            " ON b.access_key_id = k.access_key_id WHERE k.account_id = ? AND k.user_id ="
            " (SELECT user_id FROM iam_user u WHERE u.account_id = k.account_id AND u.user_name = ?)"
            " ORDER BY b.access_key_id, b.identity_arn",
            ("SMTP log-in?",),
            rows=True,
        ),
        Part(
            f"SELECT 1, reset_required FROM login_profile WHERE user_id = ({_OF_ENTITY['user']})",
            ("console password?", "new password at next log-in?"),
        ),
        Part(
            f"SELECT serial, 1 FROM mfa_device WHERE user_id = ({_OF_ENTITY['user']}) ORDER BY serial",
            ("MFA device?",),
            rows=True,
        ),
    ),
    "group": (
        Part("SELECT path FROM iam_group WHERE account_id = ? AND group_name = ?", ("path",)),
        *_policies_of("group"),
    ),
    "role": (
        Part(
            "SELECT path, description, max_session_s, trust_policy, tags, permissions_boundary FROM iam_role"
            " WHERE account_id = ? AND role_name = ?",
            ("path", "description", "longest session (s)", "trust policy", "tags", "permissions boundary"),
        ),
        *_policies_of("role"),
    ),
    "managed policy": (
        Part(
            "SELECT description, default_version FROM managed_policy WHERE account_id = ? AND policy_name = ?",
            ("description", "default version"),
        ),
        Part(
            "SELECT v.version, v.document FROM managed_policy p JOIN managed_policy_version v"
            " ON v.policy_id = p.policy_id WHERE p.account_id = ? AND p.policy_name = ? ORDER BY v.version",
            ("version",),
            rows=True,
        ),
    ),
}
"""What is read of a resource of each kind; the key's values are those of each statement, in their order."""


async def of(tx: Transaction, resources: Sequence[Resource]) -> dict[tuple[str, str], str]:
    """The fields that the resources have, by the resource's label and the field's name."""
    found: dict[tuple[str, str], str] = {}
    for resource in resources:
        for part in KINDS[resource.kind]:
            for row in await tx.all(f"{part.select} LIMIT ?", *resource.key, MOST_ROWS):
                name, values = (f" {row[0]}", row[1:]) if part.rows else ("", row)
                for field, value in zip(part.fields, values, strict=True):
                    if (text := _text(field, value)) is not None:
                        found[resource.label, f"{field.rstrip('?@')}{name}"] = text
    return found


def _text(field: str, value: Any) -> str | None:
    """A column's value for people; None for nothing."""
    if value is None or value == "":
        return None
    if field.endswith("?"):
        return "yes" if value else "no"
    if field.endswith("@"):
        return datetime.datetime.fromtimestamp(float(value), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _PASSWORD_IN_URL.sub("", str(value))
