"""What a request says of its principal, for a candidate: keys that are settled, and what is open of the others.

A user's ARN holds its account and its name, so aws:PrincipalArn, aws:PrincipalAccount and aws:username are asked
of one text, the ARN: a pattern for a part of it becomes a pattern for the whole (`Embedding`). Of a session
aws:PrincipalArn is its role's ARN, and aws:userid is the role's unique id with the session's name. Sources: IAM
user guide, "AWS global condition context keys" and "unique identifiers"; the limits of names are IAM's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sesame.policy.analysis.principals import OTHER, Candidate, Names
from sesame.policy.analysis.strings import DIGITS, LOWER, MARKS, UPPER, Atom, Class
from sesame.policy.language.pattern import Tokens, Wild
from sesame.policy.request import Requester, RequesterKind

WHO = "(who)"
"""The dimension of the one text that the open keys of a principal are read from."""
PRINCIPAL_KEYS = frozenset(
    {
        "aws:principalarn",
        "aws:principalaccount",
        "aws:principalservicename",
        "aws:principalservicenameslist",
        "aws:principaltype",
        "aws:userid",
        "aws:username",
    }
)
_OF_SERVICES = frozenset(
    {"aws:principalservicename", "aws:principalservicenameslist", "aws:sourceaccount", "aws:sourcearn"}
)
_OF_SESSIONS = frozenset({"aws:tokenissuetime", "aws:multifactorauthpresent"})
_TYPES: Mapping[RequesterKind, str] = {
    "root": "Account",
    "user": "User",
    "role": "AssumedRole",
    "federated": "FederatedUser",
    "service": "AWSService",
}
KIND_KEYS = PRINCIPAL_KEYS | _OF_SERVICES | _OF_SESSIONS | {"aws:sourceidentity", "aws:principalisawsservice"}
"""Keys that depend on who or what the principal is."""
_NAME, _NAMES = Class(LOWER + UPPER + DIGITS + MARKS), Class(LOWER + UPPER + DIGITS + MARKS, repeats=True)
_PATH = Class(LOWER + UPPER + DIGITS + MARKS + "/", repeats=True)
_ID = (Class(UPPER + DIGITS), Class(UPPER + DIGITS, repeats=True))
_ACCOUNT = (Class(DIGITS),) * 12
_ANY: Tokens = (Wild.ANY_RUN,)


@dataclass(frozen=True, slots=True)
class Embedding:
    """Where the value of a key stands in the text; `consumed` is what the key's value has before that part."""

    before: Tokens = ()
    after: Tokens = ()
    barred: str = ""
    consumed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """A candidate in the terms of condition keys.

    `settled` are keys with their only value, None for never there; `present` those that are always there. The
    text that is left open matches an atom of `shape` and none of `excluded`; the unique id one of `id_shape` and
    none of `id_excluded`.
    """

    kind: RequesterKind
    settled: tuple[tuple[str, str | None], ...]
    present: tuple[str, ...] = ()
    embeddings: tuple[tuple[str, Embedding], ...] = ()
    shape: tuple[Atom, ...] = ()
    excluded: tuple[Atom, ...] = ()
    id_shape: tuple[Atom, ...] = ()
    id_excluded: tuple[Atom, ...] = ()

    def value_of(self, key: str, text: str) -> str:
        """The value of an open key in a text."""
        if self.kind == "service" or key == "aws:principalarn":
            return text
        account, name = text.split(":", 5)[4:]
        if key == "aws:principalaccount" or (key == "aws:userid" and self.kind == "root"):
            return account
        if key == "aws:userid":
            return f"{account}:{name.partition('/')[2]}"
        return name.rpartition("/")[2]


def settled_by(kind: RequesterKind) -> dict[str, str | None]:
    """What the kind of the requester settles of a request: keys, folded, with their value, None for never there.

    What depends on which requester of the kind it is, such as its ARN, is not here.
    """
    settled: dict[str, str | None] = {"aws:principaltype": _TYPES[kind]}
    if kind != "service":
        settled |= dict.fromkeys(_OF_SERVICES)
    else:
        settled |= dict.fromkeys(("aws:principalaccount", "aws:principalarn", "aws:userid"))
    if kind not in ("role", "federated"):
        settled |= dict.fromkeys(_OF_SESSIONS)
    if kind != "role":
        settled["aws:sourceidentity"] = None
    if kind != "user":
        settled["aws:username"] = None
    settled["aws:principalisawsservice"] = "true" if kind == "service" else "false"
    return settled


def who_is(candidate: Candidate, *, asked: frozenset[str], named: Names) -> Who:
    """The candidate, as far as the policies ask about who it is; `asked` are the folded keys they ask about.

    Candidates of which the same is asked and the same is known are equal.
    """
    requester = candidate.requester
    kind = requester.kind
    settled = settled_by(kind)
    present: tuple[str, ...] = ("aws:sourceaccount",) if kind == "service" else ()
    if kind in ("role", "federated"):
        present = tuple(sorted(_OF_SESSIONS))
    who = Who(kind=kind, settled=(), present=tuple(key for key in present if key in asked))
    if asked & PRINCIPAL_KEYS:
        known, who = _BUILDERS[kind](candidate, who, named)
        settled |= known
    if "aws:userid" not in asked or "aws:userid" in settled:
        who = replace(who, id_shape=(), id_excluded=())
    embeddings = tuple((key, place) for key, place in who.embeddings if key in asked and key not in settled)
    if not embeddings:
        who = replace(who, shape=(), excluded=())
    kept = tuple(sorted((key, value) for key, value in settled.items() if key in asked))
    return replace(who, settled=kept, embeddings=embeddings)


_Known = dict[str, str | None]


def _service(candidate: Candidate, who: Who, named: Names) -> tuple[_Known, Who]:
    keys = ("aws:principalservicename", "aws:principalservicenameslist")
    if not candidate.is_other:
        return dict.fromkeys(keys, candidate.requester.arn), who
    hosts = tuple(Atom((name,)) for name in sorted(named.names) if ":" not in name)
    shape = (Atom((Class(LOWER + DIGITS), Class(LOWER + DIGITS + MARKS, repeats=True), ".amazonaws.com")),)
    open_keys = tuple((key, Embedding()) for key in keys)
    return {}, replace(who, embeddings=open_keys, shape=shape, excluded=hosts)


def _root(candidate: Candidate, who: Who, named: Names) -> tuple[_Known, Who]:
    requester = candidate.requester
    if not candidate.is_stranger:
        account = requester.account_id
        known: _Known = {
            "aws:principalarn": requester.arn,
            "aws:principalaccount": account,
            "aws:userid": account,
        }
        return known, who
    place = Embedding(("arn:aws:iam::",), (":root",), ":")
    open_keys = (("aws:principalarn", Embedding()), ("aws:principalaccount", place), ("aws:userid", place))
    shape = (Atom(("arn:aws:iam::", *_ACCOUNT, ":root")),)
    return {}, replace(who, embeddings=open_keys, shape=shape, excluded=_accounts(named))


def _user(candidate: Candidate, who: Who, named: Names) -> tuple[_Known, Who]:
    requester = candidate.requester
    known: _Known = {}
    if candidate.has_known_id:
        known["aws:userid"] = requester.user_id
    ids = tuple(Atom((value,)) for value in sorted(named.ids) if value.startswith("AIDA"))
    who = replace(who, id_shape=(Atom(("AIDA", *_ID)),), id_excluded=ids)
    if not (candidate.is_other or candidate.is_by_id):
        known |= {
            "aws:principalarn": requester.arn,
            "aws:principalaccount": requester.account_id,
            "aws:username": requester.arn.rpartition("/")[2],
        }
        return known, who
    known |= _known_account(candidate)
    return known, _open_arn(candidate, who, named, "user")


def _role(candidate: Candidate, who: Who, named: Names) -> tuple[_Known, Who]:
    requester = candidate.requester
    role_id, _, session = requester.user_id.partition(":")
    known: _Known = {}
    name: tuple[Class | str, ...] = (session,) if candidate.is_session and session else (_NAME, _NAMES)
    start: tuple[Class | str, ...] = (role_id,) if candidate.has_known_id else ("AROA", *_ID)
    who = replace(who, id_shape=(Atom((*start, ":", *name)),), id_excluded=_sessions(candidate, named))
    if candidate.is_other or candidate.is_by_id or candidate.has_open_role:
        known |= _known_account(candidate)
        return known, _open_arn(candidate, who, named, "role")
    known |= {"aws:principalarn": requester.role_arn, "aws:principalaccount": requester.account_id}
    return known, who


def _sessions(candidate: Candidate, named: Names) -> tuple[Atom, ...]:
    """Unique ids of sessions that are candidates of their own."""
    found = [Atom((value + ":", *_ANY)) for value in sorted(named.ids) if value.startswith("AROA")]
    if candidate.is_by_id:
        found = []
    if not candidate.is_session and not candidate.is_other:
        role = (candidate.requester.role_arn or "").rpartition("/")[2]
        prefix = f"arn:aws:sts::{candidate.requester.account_id}:assumed-role/{role}/"
        found += [
            Atom((*_ANY, ":" + name.removeprefix(prefix)))
            for name in sorted(named.names)
            if name.startswith(prefix)
        ]
    return tuple(found)


def _federated(candidate: Candidate, who: Who, named: Names) -> tuple[_Known, Who]:
    requester = candidate.requester
    if not candidate.is_other:
        known: _Known = {
            "aws:principalarn": requester.arn,
            "aws:principalaccount": requester.account_id,
            "aws:userid": requester.user_id,
        }
        return known, who
    if candidate.is_stranger:
        account = Embedding(("arn:aws:sts::",), (":", *_ANY), ":")
        open_keys = (("aws:principalarn", Embedding()), ("aws:principalaccount", account))
        shape = (Atom(("arn:aws:sts::", *_ACCOUNT, ":federated-user/", _NAME, _NAMES)),)
        excluded = tuple(Atom((f"arn:aws:sts::{name}:", *_ANY)) for name in sorted(named.accounts))
        return {}, replace(who, embeddings=open_keys, shape=shape, excluded=excluded)
    head = f"arn:aws:sts::{requester.account_id}:federated-user/"
    place = Embedding((head,), (), "", f"{requester.account_id}:")
    open_keys = (("aws:principalarn", Embedding()), ("aws:userid", place))
    taken = tuple(Atom((name,)) for name in sorted(named.names) if name.startswith(head))
    shape = (Atom((head, _NAME, _NAMES)),)
    known = {"aws:principalaccount": requester.account_id}
    return known, replace(who, embeddings=open_keys, shape=shape, excluded=taken)


def _known_account(candidate: Candidate) -> _Known:
    if candidate.is_stranger:
        return {}
    return {"aws:principalaccount": candidate.requester.account_id}


def _open_arn(candidate: Candidate, who: Who, named: Names, kind: str) -> Who:
    """A user or role whose ARN is open, in its account or in one that nobody names."""
    is_fixed = not candidate.is_stranger
    account = (candidate.requester.account_id,) if is_fixed else _ACCOUNT
    head = ("arn:aws:iam::", *account, f":{kind}/")
    if candidate.has_open_role:
        role = (candidate.requester.role_arn or "").rpartition("/")[2]
        shape = (Atom((*head, role)), Atom((*head, _NAME, _PATH, "/" + role)))
    else:
        shape = (Atom((*head, _NAME)), Atom((*head, _NAME, _PATH, _NAME)))
    excluded = [Atom((*_ANY, "//", *_ANY))]
    if candidate.is_stranger:
        excluded += _accounts(named)
    else:
        excluded += [Atom((name,)) for name in sorted(named.names) if f":{kind}/" in name]
    embeddings = (
        ("aws:principalarn", Embedding()),
        ("aws:principalaccount", Embedding(("arn:aws:iam::",), (":", *_ANY), ":")),
        ("aws:username", Embedding((*_ANY, "/"), (), "/")),
    )
    return replace(who, embeddings=embeddings, shape=shape, excluded=tuple(excluded))


def _accounts(named: Names) -> tuple[Atom, ...]:
    return tuple(Atom((f"arn:aws:iam::{account}:", *_ANY)) for account in sorted(named.accounts))


_BUILDERS = {"service": _service, "root": _root, "user": _user, "role": _role, "federated": _federated}


def requester_at(candidate: Candidate, text: str | None, user_id: str | None) -> Requester:
    """The requester that a point of the search stands for."""
    requester = candidate.requester
    if user_id is not None:
        requester = replace(requester, user_id=user_id)
    if text is None:
        return _with_session(requester) if user_id is not None else requester
    if requester.kind == "service":
        return replace(requester, arn=text)
    account = text.split(":")[4]
    requester = replace(requester, account_id=account)
    if requester.kind == "role":
        return _with_session(replace(requester, role_arn=text))
    if requester.kind in ("root", "federated"):
        user_id = account if requester.kind == "root" else f"{account}:{text.partition('/')[2]}"
        return replace(requester, arn=text, user_id=user_id)
    return replace(requester, arn=text)


def _with_session(requester: Requester) -> Requester:
    """A session's ARN, made of its role's and its unique id."""
    if requester.kind != "role" or requester.role_arn is None:
        return requester
    session = requester.user_id.partition(":")[2] or OTHER
    role = requester.role_arn.rpartition("/")[2]
    arn = f"arn:aws:sts::{requester.role_arn.split(':')[4]}:assumed-role/{role}/{session}"
    return replace(requester, arn=arn)
