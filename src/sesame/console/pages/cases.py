"""The cases kept with an identity: what its policies must allow and must not, whether they do, adding and removing."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from sesame.console.calls import Call, call, sample
from sesame.console.visit import Page, Visit, problem_of
from sesame.errors import ServiceError

MAY, MAY_NOT, NOBODY_BUT = "may", "may-not", "nobody-but"
KINDS = {MAY: "may send", MAY_NOT: "may not send", NOBODY_BUT: "are the only ones who may send"}
"""What a case says of those it names, in words."""
EXAMPLE = {"called": "Nobody of 111122223333", "kind": MAY_NOT, "who": "111122223333"}
"""A case, for the calls that are shown before one is typed."""


async def show(visit: Visit) -> Response:
    """The cases of an identity, each with whether it holds now."""
    return await _page(visit)


async def _page(visit: Visit, problem: str = "", status: int = 200) -> Response:
    name = visit.path_values["name"]
    found = await visit.backing.policy_tests.with_results(visit.me, name)
    given = visit.form
    return visit.page(
        "cases.html",
        status=status,
        name=name,
        cases=[case for case, _ in found],
        results={result["Name"]: result for _, result in found},
        problem=problem,
        kinds=KINDS,
        given={key: given.get(key, "") for key in ("called", "kind", "who", "as")},
        calls=[
            sample("List the cases", call("sesame", "ListIdentityPolicyTests", Identity=name)),
            sample("Ask whether they hold", call("sesame", "RunIdentityPolicyTests", Identity=name)),
            sample("Keep a case", _keeping(name, given or EXAMPLE)),
            *(sample("Remove a case", _removal(name, case["Name"])) for case, _ in found[:1]),
        ],
    )


def _keeping(name: str, form: Mapping[str, str]) -> Call:
    """Keep the case of a form."""
    kind, who = form.get("kind", MAY), _listed(form.get("who", ""))
    case: dict[str, Any] = {"Name": form.get("called", "").strip()}
    case |= {"NobodyBut": who} if kind == NOBODY_BUT else {"Who": who, "May": kind != MAY_NOT}
    if addresses := _listed(form.get("as", "")):
        case["As"] = addresses
    return call("sesame", "PutIdentityPolicyTests", Identity=name, Tests=[case])


def _removal(name: str, called: str) -> Call:
    return call("sesame", "DeleteIdentityPolicyTest", Identity=name, Name=called)


async def add(visit: Visit) -> Response:
    """Keep a case; one that has its name is replaced."""
    name = visit.path_values["name"]
    try:
        await visit.do(_keeping(name, visit.form))
    except ServiceError as error:
        return await _page(visit, *problem_of(error))
    return visit.go(visit.here(f"/identities/{name}/cases"), said="case-kept")


async def remove(visit: Visit) -> Response:
    """Keep a case no longer."""
    name = visit.path_values["name"]
    try:
        await visit.do(_removal(name, visit.form.get("called", "")))
    except ServiceError as error:
        return await _page(visit, *problem_of(error))
    return visit.go(visit.here(f"/identities/{name}/cases"), said="case-removed")


def _listed(text: str) -> list[str]:
    """What stands in a field, apart at commas and white space."""
    return text.replace(",", " ").split()


_HERE = "/{region}/identities/{name}/cases"
PAGES = (
    Page(path=_HERE, handler=show),
    Page(path=_HERE, handler=add, method="POST"),
    Page(path=f"{_HERE}/remove", handler=remove, method="POST"),
)
