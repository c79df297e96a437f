"""The principals that a set of policies can tell apart, one candidate each.

Everything a policy names, what each name leaves open (another user of a named account, another session
of a named role), and everybody else: root, a user, a session or a federated user of some other account. What
conditions ask about who the principal is, such as its name, stays open in a candidate: that is `who`'s.
Two requesters of the same kind satisfy the same Principal elements, so finitely many stand for all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sesame.policy.language.document import Policy
from sesame.policy.language.forms import PrincipalForm, read_principal
from sesame.policy.request import Requester

OTHER = "someone-else"
"""The name of a requester that stands for all without a name of their own in the policies."""
STRANGER = "anybody in any other account"
"""The label of every candidate that stands for the accounts that the policies do not name."""
_FREE_ACCOUNTS = ("999999999999", "888888888888", "777777777777")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidate:
    """A requester that stands for everybody like it; `is_own` is in the identity owner's account.

    Candidates are compared as objects: each is looked up again and again in the course of a question.

    Several with one label are one answer: it is open which of them there is. `is_stranger` stands for every
    account that the policies do not name, `is_other` for every name that they do not; `is_by_id` is known by its
    unique id alone; `has_known_id` has its true unique id. A role's name is open
    (`has_open_role`) where a session is named and the path of its role is not.
    """

    label: str
    requester: Requester
    is_own: bool
    is_stranger: bool = False
    is_other: bool = False
    is_by_id: bool = False
    is_session: bool = False
    has_known_id: bool = False
    has_open_role: bool = False


@dataclass(frozen=True, slots=True)
class Names:
    """What the Principal elements of some policies name: accounts, names and unique ids."""

    accounts: frozenset[str]
    names: frozenset[str]
    ids: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        """Every one of them."""
        return self.accounts | self.names | self.ids


def names_in(policies: Sequence[tuple[str, Policy]], owner: str) -> Names:
    """Every account, name and unique id that the policies name in a Principal, and the owner's account."""
    named = {
        read_principal(principal)
        for _, policy in policies
        for statement in policy.statements
        for principal in statement.principals or ()
    }
    names = frozenset(value for form, value in named if form is PrincipalForm.NAME)
    accounts = {value for form, value in named if form is PrincipalForm.ACCOUNT} | {owner}
    return Names(
        accounts=frozenset(accounts | {name.split(":")[4] for name in names if ":" in name}),
        names=names,
        ids=frozenset(value for form, value in named if form is PrincipalForm.UNIQUE_ID),
    )


def candidates(
    policies: Sequence[tuple[str, Policy]],
    *,
    identity_arn: str,
    principal_ids: Mapping[str, str],
    of_every_kind: bool = False,
) -> tuple[Candidate, ...]:
    """One candidate for each principal that the policies can tell apart.

    `of_every_kind` tells strangers apart by what they are, and federated users of each account from its users,
    as conditions on who the principal is can.
    """
    owner = identity_arn.split(":")[4]
    named = names_in(policies, owner)
    of_every_kind = of_every_kind or any(":federated-user/" in name for name in named.names)
    found: list[Candidate] = []
    for value in sorted(named.names):
        found += _named(value, owner, named, principal_ids)
    for value in sorted(named.ids):
        found += [_by_id(value, account, owner) for account in sorted(named.accounts)]
        found.append(replace(_by_id(value, _FREE_ACCOUNTS[-1], owner), is_stranger=True))
    if of_every_kind:
        found += _opened_by_users(owner, named, principal_ids)
    for account in sorted(named.accounts):
        found += _of_account(account, owner, of_every_kind=of_every_kind)
    stranger = next(account for account in _FREE_ACCOUNTS if account not in named.accounts)
    kinds = [*_of_account(stranger, owner, of_every_kind=True)]
    strangers = kinds if of_every_kind else [item for item in kinds if item.requester.kind == "user"]
    found += [replace(item, label=STRANGER, is_stranger=True) for item in strangers]
    service = Requester(arn=f"{OTHER}.amazonaws.com", account_id="", kind="service", user_id="")
    found.append(Candidate(label="any other service", requester=service, is_own=False, is_other=True))
    unique: dict[Requester, Candidate] = {}
    for candidate in found:
        unique.setdefault(candidate.requester, candidate)
    return tuple(unique.values())


def _opened_by_users(owner: str, named: Names, principal_ids: Mapping[str, str]) -> Iterator[Candidate]:
    """Federated users of users that have a name or unique id in the policies, with any name and with each named one.

    Where conditions do not ask who it is, what holds for a federated user holds for the user who opened it.
    """
    for arn in sorted(named.names):
        if ":user/" in arn:
            user_id = principal_ids.get(arn, "AIDA" + _letters(arn.rpartition("/")[2]))
            yield from _opened_by(arn, arn, user_id, owner, named)
    for value in sorted(named.ids):
        if not value.startswith("AIDA"):
            continue
        for account in sorted(named.accounts):
            yield from _opened_by(value, f"arn:aws:iam::{account}:user/{value}", value, owner, named)
        elsewhere = f"arn:aws:iam::{_FREE_ACCOUNTS[-1]}:user/{value}"
        for one in _opened_by(value, elsewhere, value, owner, named):
            yield replace(one, is_stranger=True)


def _opened_by(label: str, arn: str, user_id: str, owner: str, named: Names) -> Iterator[Candidate]:
    """The federated users of one user, with any name and with each named one of its account."""
    account = arn.split(":")[4]
    head = f"arn:aws:sts::{account}:federated-user/"
    others = _federated(account, OTHER, owner, f"a federated user of {label}")
    known = [
        _federated(account, name.removeprefix(head), owner, name)
        for name in sorted(named.names)
        if name.startswith(head)
    ]
    for one in (replace(others, is_other=True), *known):
        yield replace(one, requester=replace(one.requester, issuer_arn=arn, issuer_id=user_id))


def with_path(requester: Requester, policies: Sequence[tuple[str, Policy]]) -> Requester:
    """The requester, if a session, with the ARN of its role as the policies have it: a session's has not the path.

    An account has one role of a name, so the one that they name is the one.
    """
    if requester.kind != "role" or requester.role_arn is None or not requester.arn.startswith("arn:aws:sts:"):
        return requester
    account, role_name = requester.account_id, requester.role_arn.rpartition("/")[2]
    roles = [name for name in names_in(policies, account).names if _is_role(name, account, role_name)]
    return replace(requester, role_arn=roles[0]) if len(roles) == 1 else requester


def the_candidate(requester: Requester, *, identity_arn: str) -> Candidate:
    """The candidate that is one requester and nobody else."""
    fields = requester.arn.split(":")
    is_role = requester.kind == "role" and not requester.arn.startswith("arn:aws:sts:")
    return Candidate(
        label=requester.arn,
        requester=requester,
        is_own=requester.account_id == identity_arn.split(":")[4] and len(fields) > 5,
        is_session=requester.kind == "role" and not is_role,
    )


def _named(value: str, owner: str, named: Names, principal_ids: Mapping[str, str]) -> Iterator[Candidate]:
    if ":" not in value:
        service = Requester(arn=value, account_id="", kind="service", user_id="")
        yield Candidate(label=value, requester=service, is_own=False)
        return
    account, name = value.split(":")[4:6]
    has_known_id = value in principal_ids
    user_id = principal_ids.get(value, "AIDA" + _letters(name.rpartition("/")[2]))
    if name.startswith("role/"):
        role_name = name.rpartition("/")[2]
        role_id = principal_ids.get(value, "AROA" + _letters(role_name))
        found = _session(account, role_name, OTHER, owner, f"a session of {value}", value, role_id)
        yield replace(found, has_known_id=has_known_id)
    elif name.startswith("assumed-role/"):
        _, role_name, session = name.split("/", 2) if name.count("/") > 1 else (*name.split("/", 1), "")
        roles = [other for other in sorted(named.names) if _is_role(other, account, role_name)]
        role = roles[0] if roles else f"arn:aws:iam::{account}:role/{role_name}"
        role_id = principal_ids.get(role, "AROA" + _letters(role_name))
        found = _session(account, role_name, session, owner, value, role, role_id)
        yield replace(found, is_session=True, has_open_role=not roles, has_known_id=role in principal_ids)
    elif name.startswith("federated-user/"):
        yield _federated(account, name.partition("/")[2], owner, value)
    else:
        yield replace(_user(value, owner, value, user_id), has_known_id=has_known_id)


def _letters(name: str) -> str:
    """A unique id's ending, made from a name."""
    return "".join(character for character in name.upper() if character.isascii() and character.isalnum())


def _is_role(name: str, account: str, role_name: str) -> bool:
    return name.startswith(f"arn:aws:iam::{account}:role/") and name.rpartition("/")[2] == role_name


def _by_id(value: str, account: str, owner: str) -> Candidate:
    """Whoever has a unique id, if it is of that account: the id does not say."""
    if value.startswith("AROA"):
        role = f"arn:aws:iam::{account}:role/{value}"
        found = _session(account, value, OTHER, owner, value, role, value)
    else:
        found = _user(f"arn:aws:iam::{account}:user/{value}", owner, value, value)
    return replace(found, is_by_id=True, has_known_id=True)


def _of_account(account: str, owner: str, *, of_every_kind: bool) -> Iterator[Candidate]:
    if account != owner:
        root = Requester(arn=f"arn:aws:iam::{account}:root", account_id=account, kind="root", user_id=account)
        yield Candidate(label=f"root of {account}", requester=root, is_own=False)
    user = _user(f"arn:aws:iam::{account}:user/{OTHER}", owner, f"any other user of {account}")
    yield replace(user, is_other=True)
    role = f"arn:aws:iam::{account}:role/{OTHER}"
    label = f"a session of any other role of {account}"
    yield replace(_session(account, OTHER, OTHER, owner, label, role, "AROAOTHER"), is_other=True)
    if of_every_kind:
        label = f"any other federated user of {account}"
        yield replace(_federated(account, OTHER, owner, label), is_other=True)


def _user(arn: str, owner: str, label: str, user_id: str = "AIDAOTHER") -> Candidate:
    account = arn.split(":")[4]
    requester = Requester(arn=arn, account_id=account, kind="user", user_id=user_id)
    return Candidate(label=label, requester=requester, is_own=account == owner)


def _federated(account: str, name: str, owner: str, label: str) -> Candidate:
    arn = f"arn:aws:sts::{account}:federated-user/{name}"
    requester = Requester(arn=arn, account_id=account, kind="federated", user_id=f"{account}:{name}")
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
