"""The search of an account: anything that was pasted goes where it leads, or what it may mean is shown."""

import re
from collections.abc import Iterable
from urllib.parse import quote, urlencode

from starlette.responses import Response

from sesame.access.identity_names import normal_name
from sesame.console.domains import as_stored
from sesame.console.visit import Page, Visit
from sesame.db import Transaction
from sesame.ids import MESSAGE_ID, REQUEST_ID
from sesame.mail.address import AddressError, identity_candidates
from sesame.operations.messages import ACTION
from sesame.operations.named import Found, Named, called, naming
from sesame.spool import listing
from sesame.spool.listing import Entry
from sesame.store import identities

_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_NAME = re.compile(r"[A-Za-z0-9+=,.@_-]{1,128}")
_KINDS = {
    "policy": "policy",
    "statement": "statement of the policy",
    "principal": "named by the policy",
    "user": "user",
    "group": "group",
    "role": "role",
    "set": "configuration set",
    "template": "template",
}


async def search(visit: Visit) -> Response:
    """Go where what was pasted leads; where that may be several places, say which."""
    asked = as_stored(visit.query.get("q", "").strip().strip("<>"))
    local = asked.partition("@")[0].lower()
    if MESSAGE_ID.fullmatch(local):
        return visit.go(visit.here(f"/messages/{local}"))
    if REQUEST_ID.fullmatch(asked.lower()):
        return visit.go(visit.here(f"/refusals/{asked.lower()}"))
    if asked.startswith("arn:"):
        return await _arn(visit, asked)
    if _ACCOUNT_ID.fullmatch(asked):
        return await _principal(visit, asked, asked)
    if "@" in asked and " " not in asked:
        return await _address(visit, asked)
    if not _NAME.fullmatch(asked):
        return _page(visit, asked, [])
    if "." in asked and await _has_identity(visit, asked):
        return visit.go(_identity(visit, asked))
    found = await called(visit.backing.store, visit.backing.authorizer, visit.me, asked)
    if not found.things and "." in asked:
        return visit.go(_identity(visit, asked))
    return _shown(visit, asked, found)


async def _has_identity(visit: Visit, name: str) -> bool:
    account_id, stored = visit.me.principal.account_id, normal_name(name)
    return bool(await visit.backing.store.read(lambda tx: identities.named_of(tx, account_id, stored)))


async def _address(visit: Visit, address: str) -> Response:
    """Mail to it, mail from it, and it as an identity, as far as there may be any."""
    account_id = visit.me.principal.account_id
    try:
        names = identity_candidates(address)
    except AddressError:
        names = ()
    (refused,) = await visit.backing.authorizer.refusals(visit.me, [(ACTION, "*")])

    async def run(tx: Transaction) -> tuple[bool, Iterable[str]]:
        found: list[Entry] = []
        if refused is None:
            found, _ = await listing.to_address(tx, account_id, address, before=None, limit=1)
        return bool(found), await identities.of_names(tx, account_id, visit.region, names)

    has_mail, covering = await visit.backing.store.read(run)
    to, source = (visit.here(f"/messages?{urlencode({name: address})}") for name in ("to", "from"))
    own = next((name for name in names if name in covering), "")
    if not own:
        return visit.go(to if has_mail or refused is not None else source)
    places = [
        *([(to, "Mail to it", "")] if has_mail else []),
        (source, "Mail from it", ""),
        (_identity(visit, own), own, "identity that covers it"),
    ]
    return _page(visit, address, places)


async def _arn(visit: Visit, arn: str) -> Response:
    """The page of what an ARN names; of another account's, where that is named."""
    account_id = visit.me.principal.account_id
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return _page(visit, arn, [])
    _, _, service, region, owner, resource = parts
    kind, _, name = resource.partition("/")
    last = quote(name.rpartition("/")[2], safe="@")
    if service == "ses" and kind == "identity":
        if owner != account_id:
            return visit.go(visit.here("/lent"))
        where = region if visit.backing.is_region(region) else visit.region
        return visit.go(f"/{where}/identities/{quote(name, safe='@')}")
    paths = {
        ("ses", "configuration-set"): f"/configuration-sets/{last}",
        ("ses", "template"): f"/templates/{last}",
        ("iam", "user"): f"/people/users/{last}",
        ("iam", "group"): f"/people/groups/{last}",
        ("iam", "role"): f"/people/roles/{last}",
        ("iam", "root"): "/account",
        ("sts", "assumed-role"): f"/people/roles/{quote(name.partition('/')[0], safe='')}",
    }
    if owner == account_id and (service, kind) in paths:
        return visit.go(visit.here(paths[service, kind]))
    return await _principal(visit, arn, owner)


async def _principal(visit: Visit, asked: str, account_id: str) -> Response:
    """The account's own page; of another, the policies that name it."""
    if account_id == visit.me.principal.account_id:
        return visit.go(visit.here("/account"))
    backing = visit.backing
    found = await naming(backing.store, backing.authorizer, visit.me, asked)
    if not found.things and asked != account_id and account_id:
        found = await naming(backing.store, backing.authorizer, visit.me, account_id)
    return _shown(visit, asked, found)


def _shown(visit: Visit, asked: str, found: Found) -> Response:
    places = [(_path(visit, one), _title(one), _beside(one)) for one in found.things]
    if len(places) == 1 and found.is_whole:
        return visit.go(places[0][0])
    return _page(visit, asked, places, is_whole=found.is_whole)


def _path(visit: Visit, one: Named) -> str:
    identity = _identity(visit, one.identity)
    match one.kind:
        case "policy" | "statement":
            return f"{identity}/policies/{one.policy}"
        case "principal":
            return f"{identity}/senders?{urlencode({'principal': one.name})}"
        case "set":
            return visit.here(f"/configuration-sets/{quote(one.name, safe='')}")
        case "template":
            return visit.here(f"/templates/{quote(one.name, safe='')}")
    return visit.here(f"/people/{one.kind}s/{quote(one.name, safe='@')}")


def _title(one: Named) -> str:
    return one.identity if one.kind == "principal" else one.name


def _beside(one: Named) -> str:
    of = f" {one.policy}" if one.kind in ("statement", "principal") else ""
    where = f" of {one.identity}" if one.identity and one.kind != "principal" else ""
    return f"{_KINDS[one.kind]}{of}{where}"


def _identity(visit: Visit, name: str) -> str:
    return visit.here(f"/identities/{quote(name, safe='@')}")


def _page(visit: Visit, asked: str, places: list[tuple[str, str, str]], *, is_whole: bool = True) -> Response:
    return visit.page("search.html", asked=asked, places=places, is_whole=is_whole)


PAGES = (Page(path="/{region}/search", handler=search),)
