"""The delegate's kit: one page to hand over, without a secret, or the same as text."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from starlette.responses import PlainTextResponse, Response

from sesame.admin.delegates.kit import KitError, read_delegate
from sesame.console.analyst import NoAnswer
from sesame.console.pages.senders import ask, question_of
from sesame.console.visit import Page, Visit
from sesame.operations.policy_editing import IdentityPolicies

SECONDS = 5.0


async def show(visit: Visit) -> Response:
    """The page."""
    policies, kit = await kit_for(visit, visit.path_values["name"], visit.query.get("for", ""))
    named = visit.query.get("for", "")
    return visit.page(
        "kit.html",
        status=404 if kit["problem"] else 200,
        identity=policies.identity,
        named=named,
        kit=kit,
    )


async def text(visit: Visit) -> Response:
    """The same as text, to mail."""
    policies, kit = await kit_for(visit, visit.path_values["name"], visit.query.get("for", ""))
    if kit["problem"]:
        return visit.page(
            "kit.html",
            status=404,
            identity=policies.identity,
            named=visit.query.get("for", ""),
            kit=kit,
        )
    headers = {"content-disposition": 'attachment; filename="kit.txt"'}
    return PlainTextResponse("\n".join(_lines(kit)) + "\n", headers=headers)


async def kit_for(visit: Visit, name: str, who: str) -> tuple[IdentityPolicies, Mapping[str, Any]]:
    """The policies of the caller's identity, and the kit of a delegate; its `problem` is empty or why there is none."""
    policies = await visit.backing.editing.of(visit.me, name)
    try:
        delegate = await visit.backing.store.read(lambda tx: read_delegate(tx, who))
    except KitError as error:
        return policies, {"problem": str(error)}
    doors = visit.backing.doors()
    place = {
        "api": doors["api"],
        "region": visit.region,
        "smtp": doors.get("smtp", ""),
        "is_own_ca": "ca" in doors,
    }
    question = {"ask": "kit", **question_of(policies, delegate=asdict(delegate), place=place)}
    try:
        return policies, await ask(visit, question, seconds=SECONDS)
    except NoAnswer as error:
        return policies, {"problem": str(error)}


def _lines(kit: Mapping[str, Any]) -> Iterator[str]:
    """The kit as text; without a secret, as the page."""
    yield f"{kit['delegate']} may send as {kit['identity_arn']}"
    yield ""
    yield f"Identity: {kit['identity_arn']}"
    yield f"Region:   {kit['place']['region']}"
    yield f"Endpoint: {kit['place']['api']}"
    if kit["place"]["smtp"]:
        yield f"SMTP:     {kit['place']['smtp']} (STARTTLS)"
    yield ""
    yield "What may be sent"
    for one in kit["allowed"]:
        addresses = ", ".join(one["from_addresses"]) or "any address of the identity"
        yield f"* as {addresses}, by {', '.join(one['actions'])}"
        yield from (f"  when {words}" for words in one["when"])
        yield from (f"  unless {' and '.join(words)}" for words in one["unless"])
    yield ""
    yield "What the sender's own account needs"
    yield kit["iam_policy"]
    for snippet in kit["snippets"]:
        yield f"\n{snippet['title']}\n{snippet['note']}\n\n{snippet['text']}"


PAGES = (
    Page(path="/{region}/identities/{name}/kit", handler=show),
    Page(path="/{region}/identities/{name}/kit/text", handler=text),
)
