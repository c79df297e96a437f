"""What to write in place of what Put refuses, filled in from the document: Not elements, principals, condition keys.

INVARIANT: what is proposed allows nobody and denies nothing beyond what the refused text plainly means.
Sources: IAM user guide, "NotPrincipal" (which recommends ArnNotEquals with `aws:PrincipalArn`), "principal element",
"global condition keys".
"""

import json
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from sesame.policy.language.document import Condition, Effect, Principal, Statement
from sesame.policy.language.forms import PrincipalForm, is_account_id, read_principal
from sesame.policy.language.pattern import glob
from sesame.policy.language.vocabulary import CONDITION_KEYS, SENDING_ACTIONS, find_key

PARTITION = "aws"
"""The partition of every ARN of this server."""

_ALIKE = 0.8
"""How like a key's name has to be to one that is known (a ratio of difflib)."""
_DASHED = re.compile(r"[0-9]{4}-[0-9]{4}-[0-9]{4}")
_SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com")
_ROLE_ID = "AROA…"
_ROLES_ARN = "; `aws:PrincipalArn` of a role's sessions is the role's ARN"

Tests = list[tuple[str, str, str]]
"""Operator, key and value of tests that a Condition is to have."""


def of_not_element(element: str, statement: Statement, identity_arn: str) -> str:
    """What to write in place of NotPrincipal, NotAction or NotResource in an identity policy."""
    if element == "NotPrincipal":
        return of_not_principal(statement, owner=identity_arn.split(":")[4])
    is_deny = statement.effect is Effect.DENY
    if element == "NotResource" and any("${" in one for one in statement.resources):
        return f"the resource is the identity itself: `{identity_arn}`"
    if element == "NotResource":
        is_never = any(glob(one).matches(identity_arn) for one in statement.resources)
        written = f'write `"Resource":"{identity_arn}"`'
        return "it leaves out the identity itself: remove the statement" if is_never else written
    left = [
        action
        for action in (*SENDING_ACTIONS, "ses:SendBounce")
        if not any(glob(one.lower()).matches(action.lower()) for one in statement.actions)
    ]
    verb = "denies" if is_deny else "allows"
    of_sending = f'sending but what it leaves out is `"Action":{_json(left)}`'
    nothing = f"it {verb} no sending: remove the statement, or name in Action what it {verb}"
    return f"name in Action what it {verb}; {of_sending}" if left else nothing


def of_not_principal(statement: Statement, *, owner: str = "") -> str:
    """What to write in place of NotPrincipal; `owner` is the account that the resource is of, where that is known."""
    if statement.effect is Effect.ALLOW:
        named = _in_principal(statement.principals or ())
        return (
            'list in Principal whom it allows, `"Principal":{"AWS":"arn:aws:iam::ACCOUNT:user/NAME"}`'
            + (f', and keep out of them whom it named by a Deny with `"Principal":{named}`' if named else "")
            + ": an Allow with NotPrincipal would allow everybody else in the world"
        )
    principals = statement.principals or ()
    if any(read_principal(one)[0] is PrincipalForm.ANYBODY for one in principals):
        return "it leaves out everybody, so it denies nobody: remove the statement"
    tests: Tests = []
    for one in principals:
        found = _spared(one)
        if found is None:
            return (
                'write `"Principal":"*"` with a Condition that leaves out whom the Deny is to spare, such as'
                f" `ArnNotEquals` of `aws:PrincipalArn`; `{one.value}` is no principal"
            )
        tests.append(found)
    condition = _condition(statement.conditions, tests)
    own = f", and so is the identity's own account {owner} if it is not listed" if owner else ""
    own = "" if owner and any(owner in value for _, _, value in tests) else own
    notes = _ROLES_ARN if any(":role/" in value for _, _, value in tests) else ""
    if any(value.startswith(_ROLE_ID) for _, _, value in tests):
        notes += f"; {_ROLE_ID} is the unique id of the session's role (`aws iam get-role`)"
    return (
        f'to deny everybody but these write `"Principal":"*"` with `"Condition":{condition}`{notes}; in Principal'
        f" they would be denied themselves{own}"
    )


def _in_principal(principals: Sequence[Principal]) -> str:
    """Principals as a Principal element has them; "" where everybody is among them."""
    kinds: dict[str, list[str]] = {}
    for one in principals:
        if read_principal(one)[0] is PrincipalForm.ANYBODY:
            return ""
        kinds.setdefault(one.kind, []).append(one.value)
    return _json({kind: values[0] if len(values) == 1 else values for kind, values in kinds.items()})


_OF_TRUST = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")
"""The actions by which a role's session is opened here."""


def of_trust_not_action(statement: Statement) -> str:
    """What to write in place of NotAction in a trust policy."""
    verb = "denies" if statement.effect is Effect.DENY else "allows"
    left = [
        action
        for action in _OF_TRUST
        if not any(glob(one.lower()).matches(action.lower()) for one in statement.actions)
    ]
    if not left:
        return f"it {verb} no way to open a session: remove the statement"
    return f'name in Action what it {verb}: write `"Action":{_json(left[0] if len(left) == 1 else left)}`'


def _spared(principal: Principal) -> tuple[str, str, str] | None:
    """The test that everybody meets but that principal; None for what cannot be read."""
    value = principal.value
    form, name = read_principal(principal)
    if is_of_other_partition(value):
        return None
    if principal.kind == "Service" and form is PrincipalForm.NAME:
        return "StringNotEquals", "aws:PrincipalServiceName", value
    if principal.kind != "AWS":
        return None
    if form is PrincipalForm.ACCOUNT:
        return "StringNotEquals", "aws:PrincipalAccount", name
    if form is PrincipalForm.UNIQUE_ID:
        is_role = value.startswith("AROA")
        return (
            ("StringNotLike", "aws:userid", f"{value}:*")
            if is_role
            else ("StringNotEquals", "aws:userid", value)
        )
    if form is PrincipalForm.NAME:
        session = value.split(":", 5)[5].split("/")
        if session[0] == "assumed-role":
            return "StringNotEquals", "aws:userid", f"{_ROLE_ID}:{session[-1]}"
        return "ArnNotEquals", "aws:PrincipalArn", value
    if (meant := _pattern(value)) is not None:
        return "ArnNotLike", "aws:PrincipalArn", meant[1]
    return None


def _pattern(value: str) -> tuple[str, str] | None:
    """Account and ARN pattern of a text that plainly means several users or roles of one account."""
    fields = value.split(":")
    if len(fields) != 6 or fields[:2] != ["arn", PARTITION] or fields[3] or not is_account_id(fields[4]):
        return None
    kind, slash, name = fields[5].partition("/")
    if fields[2] == "iam" and kind in ("user", "role") and slash and name and set(name) & set("*?"):
        return fields[4], value
    return None


def of_principal(statement: Statement, principal: Principal) -> str:
    """What to write in place of a principal that is none; "" where that is not plain."""
    value = principal.value
    if principal.kind == "Service":
        return f'an account goes under AWS: `{{"AWS":{_json(value)}}}`' if _is_aws(value) else ""
    if principal.kind != "AWS":
        return f"nobody comes in here by {principal.kind}: name an account, user or role under AWS"
    if _SERVICE.fullmatch(value):
        return f'a service goes under Service: `{{"Service":"{value}"}}`'
    if _DASHED.fullmatch(value):
        return f"write the account without dashes: `{value.replace('-', '')}`"
    if value[:4] in ("AKIA", "ASIA") and value.isalnum():
        return "an access key is no principal: name its user or role by its ARN"
    if statement.not_principals:
        return of_not_principal(statement) if statement.effect is Effect.DENY else ""
    if (meant := _pattern(value)) is not None:
        return _pattern_as_condition(statement, *meant)
    fields = value.split(":", 5)
    if len(fields) != 6 or fields[0] != "arn":
        return ""
    if is_of_other_partition(value):
        return f"every ARN here is of the partition `{PARTITION}`: write `{':'.join(['arn', PARTITION, *fields[2:]])}`"
    return _of_arn(statement, fields)


def _of_arn(statement: Statement, fields: Sequence[str]) -> str:
    """What was meant by an ARN that names no principal."""
    _, partition, service, region, account, resource = fields
    head = f"arn:{partition}"
    kind, _, name = resource.partition("/")
    if service == "iam" and not is_account_id(account):
        return (
            "name one account: its id of 12 digits stands in the ARN of a user, role or root"
            if account
            else ""
        )
    if service in ("iam", "sts") and region:
        return f"an ARN of {service} has no region: write `{head}:{service}::{account}:{resource}`"
    if service == "iam" and kind == "group":
        return "a group is no principal: name its users"
    if service == "iam" and resource == "*":
        return f"to name the whole account write `{account}`"
    if service == "iam" and kind == "assumed-role":
        return f"a session's ARN is of sts: `{head}:sts::{account}:{resource}`"
    role, _, session = name.partition("/")
    if service == "sts" and kind == "assumed-role" and session and not set(role) & set("*?"):
        arn = f"{head}:iam::{account}:role/{role}"
        if session == "*":
            return f"for every session of the role name the role, with its path if it has one: `{arn}`"
        tests: Tests = [("StringLike", "aws:userid", f"*:{session}")]
        where = _where(statement)
        return (
            f"name the role, with its path if it has one, and the session's name in a condition{where}:"
            f' `"Principal":{{"AWS":"{arn}"}}` with `"Condition":{_condition(statement.conditions, tests)}`'
        )
    if service == "iam" and resource and not set(resource) & set("/*?"):
        arn = f"{head}:iam::{account}"
        return f"write `{arn}:user/{resource}` for a user, `{arn}:role/{resource}` for a role"
    return ""


def _pattern_as_condition(statement: Statement, account: str, pattern: str) -> str:
    """A principal has no wildcards: the account, and the pattern in a condition."""
    condition = _condition(statement.conditions, [("ArnLike", "aws:PrincipalArn", pattern)])
    of_roles = _ROLES_ARN if ":role/" in pattern else ""
    return (
        f'for all that `{pattern}` matches write{_where(statement)} `"Principal":{{"AWS":"{account}"}}` with'
        f' `"Condition":{condition}`: without the condition the whole account is meant{of_roles}'
    )


def _where(statement: Statement) -> str:
    """Where a condition must stand that is about one of several principals."""
    return " in a statement of its own" if len(statement.principals or ()) > 1 else ""


def is_of_other_partition(value: str) -> bool:
    """Whether a text is an ARN of IAM or STS of another partition than this server's: it would match nobody."""
    fields = value.split(":")
    return len(fields) == 6 and fields[0] == "arn" and fields[1] != PARTITION and fields[2] in ("iam", "sts")


def _is_aws(value: str) -> bool:
    return is_account_id(value) or value.startswith(("arn:aws:iam::", "arn:aws:sts::"))


def of_key(key: str) -> str:
    """What to write in place of a condition key that SES does not take; "" where it is like none."""
    folded = key.lower()
    if (known := find_key(key)) is not None:
        prefix, colon, name = key.partition(":")
        right = known.name if folded in CONDITION_KEYS else f"{prefix.lower()}{colon}{name}"
        return f"write `{right}`" if right.startswith(("aws:", "ses:")) else ""
    keys = {name: one.name for name, one in CONDITION_KEYS.items() if name.startswith(("aws:", "ses:"))}
    by_name = {name.partition(":")[2]: right for name, right in keys.items()}
    name = folded.rpartition(":")[2]
    if name in by_name:
        return f"write `{by_name[name]}`"
    near = get_close_matches(folded, keys, n=1, cutoff=_ALIKE)
    return f"did you mean `{keys[near[0]]}`?" if near else ""


def _condition(there: Iterable[Condition], tests: Tests) -> str:
    """A statement's Condition with tests added, all of which must hold.

    Values of one test are alternatives, unless it is negated: where one that is not is there already, its twin is used.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for one in there:
        found.setdefault(one.operator.text, {})[one.key] = list(one.values)
    for operator, key, value in tests:
        twins = [operator] if "Not" in operator else [operator, "StringLike", "ForAnyValue:StringLike"]
        for twin in twins:
            there_as = next((name for name in found if name.lower() == twin.lower()), twin)
            keys = found.setdefault(there_as, {})
            same_key = next((name for name in keys if name.lower() == key.lower()), key)
            if "Not" in operator or same_key not in keys:
                break
        else:
            return "{…}"
        values = keys.setdefault(same_key, [])
        if value not in values:
            values.append(value)
    return _json(found)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
