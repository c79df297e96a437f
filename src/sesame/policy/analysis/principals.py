"""The principals that a set of policies can tell apart, one candidate each.

Everything a policy names, what each name leaves open (another user of a named account, another session
of a named role), and everybody else. Two requesters of the same kind satisfy the same Principal elements,
so finitely many stand for all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sesame.policy.language.document import Policy
from sesame.policy.language.forms import PrincipalForm, read_principal
from sesame.policy.request import Requester, RequesterKind

_OF_SERVICES = (
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:sourceaccount",
    "aws:sourcearn",
)
_OF_SESSIONS = ("aws:tokenissuetime", "aws:sourceidentity")

OTHER = "someone-else"
"""The name of a requester that stands for all without a name of their own in the policies."""
_FREE_ACCOUNTS = ("999999999999", "888888888888", "777777777777")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A requester that stands for everybody like it; `is_own` is in the identity owner's account.

    `is_stranger` stands for every account that the policies do not name; `has_known_id` has its true unique id.
    """

    label: str
    requester: Requester
    is_own: bool
    is_stranger: bool = False
    has_known_id: bool = False


def candidates(
    policies: Sequence[tuple[str, Policy]], *, identity_arn: str, principal_ids: Mapping[str, str]
) -> tuple[Candidate, ...]:
    """One candidate for each principal that the policies can tell apart."""
    owner = identity_arn.split(":")[4]
    named = {
        read_principal(principal)
        for _, policy in policies
        for statement in policy.statements
        for principal in statement.principals or ()
    }
    accounts = {value for form, value in named if form is PrincipalForm.ACCOUNT}
    accounts |= {value.split(":")[4] for form, value in named if form is PrincipalForm.NAME and ":" in value}
    found: list[Candidate] = []
    for form, value in sorted(named, key=lambda pair: pair[1]):
        found += _named(form, value, owner, principal_ids)
    for account in sorted(accounts | {owner}):
        found += _of_account(account, owner)
    stranger = next(account for account in _FREE_ACCOUNTS if account not in accounts)
    anybody = _user(f"arn:aws:iam::{stranger}:user/{OTHER}", owner, "anybody in any other account")
    found.append(replace(anybody, is_stranger=True))
    service = Requester(arn=f"{OTHER}.amazonaws.com", account_id="", kind="service", user_id="")
    found.append(Candidate(label="any other service", requester=service, is_own=False))
    unique: dict[Requester, Candidate] = {}
    for candidate in found:
        unique.setdefault(candidate.requester, candidate)
    return tuple(unique.values())


def names_in(policies: Sequence[tuple[str, Policy]]) -> frozenset[str]:
    """Every account, name and unique id that a Principal element of the policies names."""
    forms = (PrincipalForm.ACCOUNT, PrincipalForm.NAME, PrincipalForm.UNIQUE_ID)
    read = (
        read_principal(principal)
        for _, policy in policies
        for statement in policy.statements
        for principal in statement.principals or ()
    )
    return frozenset(value for form, value in read if form in forms)


def settled_by(kind: RequesterKind) -> dict[str, str | None]:
    """What the kind of the requester settles of a request: keys, folded, with their value, None for never there.

    What depends on which requester of the kind it is, such as its ARN, is not here. Source: IAM user guide,
    "AWS global condition context keys".
    """
    settled: dict[str, str | None] = {}
    if kind != "service":
        settled = dict.fromkeys(_OF_SERVICES)
    if kind != "role":
        settled |= dict.fromkeys(_OF_SESSIONS)
    settled["aws:principalisawsservice"] = "true" if kind == "service" else "false"
    settled["aws:multifactorauthpresent"] = "false" if kind == "role" else None
    return settled


def _named(
    form: PrincipalForm, value: str, owner: str, principal_ids: Mapping[str, str]
) -> Iterator[Candidate]:
    if form is PrincipalForm.UNIQUE_ID:
        account = _FREE_ACCOUNTS[-1]
        if value.startswith("AROA"):
            yield _session(account, value, OTHER, owner, value, f"arn:aws:iam::{account}:role/{value}", value)
        else:
            yield _user(f"arn:aws:iam::{account}:user/{value}", owner, value, value)
    if form is not PrincipalForm.NAME:
        return
    if ":" not in value:
        service = Requester(arn=value, account_id="", kind="service", user_id="")
        yield Candidate(label=value, requester=service, is_own=False)
        return
    account, name = value.split(":")[4:6]
    user_id = principal_ids.get(value, "AIDA" + name.rpartition("/")[2].upper())
    if name.startswith("role/"):
        role_name = name.rpartition("/")[2]
        yield _session(account, role_name, OTHER, owner, f"a session of {value}", value, user_id)
    elif name.startswith("assumed-role/"):
        _, role_name, session = name.split("/", 2)
        role = f"arn:aws:iam::{account}:role/{role_name}"
        yield _session(account, role_name, session, owner, value, role, "AROA" + role_name.upper())
    else:
        yield replace(_user(value, owner, value, user_id), has_known_id=value in principal_ids)


def _of_account(account: str, owner: str) -> Iterator[Candidate]:
    if account != owner:
        root = Requester(arn=f"arn:aws:iam::{account}:root", account_id=account, kind="root", user_id=account)
        yield Candidate(label=f"root of {account}", requester=root, is_own=False)
    yield _user(f"arn:aws:iam::{account}:user/{OTHER}", owner, f"any other user of {account}")
    role = f"arn:aws:iam::{account}:role/{OTHER}"
    label = f"a session of any other role of {account}"
    yield _session(account, OTHER, OTHER, owner, label, role, "AROAOTHER")


def _user(arn: str, owner: str, label: str, user_id: str = "AIDAOTHER") -> Candidate:
    account = arn.split(":")[4]
    requester = Requester(arn=arn, account_id=account, kind="user", user_id=user_id)
    return Candidate(label=label, requester=requester, is_own=account == owner)


def _session(
    account: str, role_name: str, session: str, owner: str, label: str, role_arn: str, role_id: str
) -> Candidate:
    requester = Requester(
        arn=f"arn:aws:sts::{account}:assumed-role/{role_name}/{session}",
        account_id=account,
        kind="role",
        user_id=f"{role_id}:{session}",
        role_arn=role_arn,
    )
    return Candidate(label=label, requester=requester, is_own=account == owner)
