"""Signing of an identity: its keys, its MAIL FROM domain, and whether its mail passes DMARC.

A private key goes from the form to the operation and nowhere else: no page shows it, a form that failed included.
"""

import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from sesame.console.calls import Call, Sample, call, sample
from sesame.console.visit import Page, Visit, problem_of
from sesame.errors import ServiceError
from sesame.model import DkimOrigin, IdentityKind, OnMxFailure, VerificationStatus
from sesame.operations.identity_signing import SigningView

LENGTHS = {"1024": "RSA_1024_BIT", "2048": "RSA_2048_BIT"}
BEHAVIOURS = {
    "USE_DEFAULT_VALUE": "send it with the operator's domain",
    "REJECT_MESSAGE": "refuse it",
}
"""What becomes of mail while the MAIL FROM domain is not ready, in SES v2's words and in ours."""
_V2 = {
    OnMxFailure.USE_DEFAULT_VALUE: "USE_DEFAULT_VALUE",
    OnMxFailure.REJECT_MESSAGE: "REJECT_MESSAGE",
}
ASKS = {
    "none": "to do nothing about it",
    "quarantine": "to treat it as spam",
    "reject": "to refuse it",
}
"""What receivers are asked to do with mail that does not pass."""
_ARMOUR = re.compile(r"-----[^-]*-----|\s")


async def show(visit: Visit) -> Response:
    """The page."""
    return await _page(visit)


async def _page(
    visit: Visit, problem: str = "", status: int = 200, given: Mapping[str, str] | None = None
) -> Response:
    """`given` is what was typed into a form that failed, its `form` with it; never a key."""
    name = visit.path_values["name"]
    view = await visit.backing.identities.signing.of(visit.me, name)
    chosen = view.mail_from
    fields = {
        "form": "",
        "selector": "",
        "domain": chosen.domain if chosen is not None else "",
        "behaviour": _V2[chosen.on_mx_failure] if chosen is not None else "USE_DEFAULT_VALUE",
        **(given or {}),
    }
    return visit.page(
        "signing.html",
        status=status,
        problem=problem,
        name=view.identity.name,
        parent=view.identity.name.rpartition("@")[2],
        view=view,
        given=fields,
        current=next((key for key in view.keys if key.role == "current"), None),
        is_domain=view.identity.kind is IdentityKind.DOMAIN,
        is_easy=view.identity.dkim_origin is DkimOrigin.AWS_SES,
        behaviours=BEHAVIOURS,
        behaviour=_V2[chosen.on_mx_failure] if chosen is not None else "",
        asks=ASKS,
        sentence=sentence(view),
        calls=_calls(view),
    )


def sentence(view: SigningView) -> str:
    """Whether mail is signed, and whether it passes DMARC, or would if there were a policy to hold it against."""
    name, signing = view.identity.name, view.signing
    ways = [how for how, one in (("DKIM", view.dkim), ("SPF", view.spf)) if one.holds]
    if view.has_dmarc:
        passes = f"passes DMARC by {' and '.join(ways)}" if ways else "does not pass DMARC"
    else:
        passes = f"would pass DMARC by {' and '.join(ways)}" if ways else "would not pass DMARC"
    if len(ways) == 1:
        passes += " alone"
    if not view.has_dmarc and view.dmarc is not None:
        passes += (
            "; what is published as its policy does not count"
            if view.dmarc.records
            else "; no policy is published"
        )
    if not ways and view.dmarc is not None and view.dmarc.policy in ("quarantine", "reject"):
        passes += f": receivers are asked {ASKS[view.dmarc.policy]}"
    if view.is_signed and signing.domain is not None:
        by = "" if signing.domain.name == name else f" by {signing.domain.name}"
        return f"Mail as {name} is signed{by} and {passes}."
    if signing.domain is None:
        why = "DKIM is not set up"
    elif not signing.is_on:
        why = "signing is switched off"
    elif signing.domain.dkim_status is VerificationStatus.PENDING:
        why = "DNS does not show its key yet"
    else:
        why = "its key was not found in DNS for three days"
    return f"Mail as {name} is not signed, because {why}, and {passes}."


def _switch(name: str, *, on: bool) -> Call:
    return call("sesv2", "PutEmailIdentityDkimAttributes", EmailIdentity=name, SigningEnabled=on)


def _key(name: str, origin: str, **attributes: str) -> Call:
    more = {"SigningAttributes": attributes} if attributes else {}
    return call(
        "sesv2",
        "PutEmailIdentityDkimSigningAttributes",
        EmailIdentity=name,
        SigningAttributesOrigin=origin,
        **more,
    )


def _easy(name: str, length: str) -> Call:
    return _key(name, "AWS_SES", **({"NextSigningKeyLength": LENGTHS[length]} if length in LENGTHS else {}))


def _own(name: str, selector: str, private_key: str) -> Call:
    return _key(name, "EXTERNAL", DomainSigningSelector=selector, DomainSigningPrivateKey=private_key)


def _mail_from(name: str, domain: str, behaviour: str) -> Call:
    more = {"MailFromDomain": domain, "BehaviorOnMxFailure": behaviour} if domain else {}
    return call("sesv2", "PutEmailIdentityMailFromAttributes", EmailIdentity=name, **more)


def _calls(view: SigningView) -> list[Sample]:
    """What the page reads and its buttons do."""
    name, chosen = view.identity.name, view.mail_from
    found = [sample("Read the identity", call("sesv2", "GetEmailIdentity", EmailIdentity=name))]
    on = view.signing.is_on
    if view.signing.switch is not None:
        found.append(sample("Stop signing" if on else "Sign again", _switch(name, on=not on)))
    if view.identity.kind is IdentityKind.DOMAIN:
        found.append(sample("Sign with a key of your own", _own(name, "autumn", "YOUR-PRIVATE-KEY")))
        current = next((key for key in view.keys if key.role == "current"), None)
        length = "1024" if current is not None and current.bits == 2048 else "2048"
        title = f"Make a key of {length} bits"
        if view.identity.dkim_origin is DkimOrigin.EXTERNAL or current is None:
            title, length = "Sign with Easy DKIM", "2048"
        found.append(sample(title, _easy(name, length)))
    parent = name.rpartition("@")[2]
    domain = chosen.domain if chosen is not None else f"bounce.{parent}"
    behaviour = _V2[chosen.on_mx_failure] if chosen is not None else "USE_DEFAULT_VALUE"
    found.append(sample("Save the MAIL FROM domain", _mail_from(name, domain, behaviour)))
    if chosen is not None:
        found.append(sample("Remove the MAIL FROM domain", _mail_from(name, "", "")))
    return found


async def _try(visit: Visit, made: Call, given: Mapping[str, str], *, said: str) -> Response:
    name = visit.path_values["name"]
    try:
        await visit.do(made)
    except ServiceError as error:
        return await _page(visit, *problem_of(error), given)
    return visit.go(visit.here(f"/identities/{name}/signing"), said=said)


async def set_switch(visit: Visit) -> Response:
    """Sign, or do not."""
    on = visit.form.get("enabled") == "yes"
    return await _try(visit, _switch(visit.path_values["name"], on=on), {}, said="set")


async def set_key(visit: Visit) -> Response:
    """Another key: one of Easy DKIM's, or the owner's own, as its PEM file has it or in base64 alone."""
    name, form = visit.path_values["name"], visit.form
    if form.get("origin") != "own":
        return await _try(visit, _easy(name, form.get("length", "")), {}, said="key")
    given = {"form": "own", "selector": form.get("selector", "").strip()}
    made = _own(name, given["selector"], body_of(form.get("private_key", "")))
    return await _try(visit, made, given, said="key")


def body_of(key: str) -> str:
    """The base64 of a private key without the lines around it and between."""
    return _ARMOUR.sub("", key)


async def set_mail_from(visit: Visit) -> Response:
    """Set the MAIL FROM domain and what becomes of mail without it, or take it away."""
    form: Mapping[str, Any] = visit.form
    behaviour = form.get("behaviour", "")
    behaviour = behaviour if behaviour in BEHAVIOURS else "USE_DEFAULT_VALUE"
    given = {"form": "mail-from", "domain": form.get("domain", "").strip(), "behaviour": behaviour}
    if form.get("do") == "remove":
        return await _try(visit, _mail_from(visit.path_values["name"], "", ""), {}, said="set")
    if not given["domain"]:
        visit.wrong = ("domain",)
        return await _page(visit, "Name a subdomain, such as bounce." + _parent(visit) + ".", 400, given)
    made = _mail_from(visit.path_values["name"], given["domain"], behaviour)
    return await _try(visit, made, given, said="set")


def _parent(visit: Visit) -> str:
    return visit.path_values["name"].rpartition("@")[2]


_HERE = "/{region}/identities/{name}/signing"
PAGES = (
    Page(path=_HERE, handler=show),
    Page(path=f"{_HERE}/switch", handler=set_switch, method="POST"),
    Page(path=f"{_HERE}/key", handler=set_key, method="POST", is_grave=True),
    Page(path=f"{_HERE}/mail-from", handler=set_mail_from, method="POST"),
)
