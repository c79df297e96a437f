"""Causes of an ARN that was named for an address which its identity does not cover."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any
from urllib.parse import unquote

from sesame.access.causes.around import Around
from sesame.access.causes.fields import covers_address, from_field, named_in, only_first_counts, usual_field
from sesame.access.causes.mends import arn_of, never_public, set_parameter
from sesame.access.causes.overridden import unaligned_cause
from sesame.mail.address import domain_of
from sesame.model import Identity
from sesame.policy.reasons.cause import Cause, Code, How, Mend
from sesame.store.decisions import DecisionRecord

_ALIKE = 0.85
"""How like the domain of an address has to be to the name of an identity to be a slip of it (a ratio of difflib)."""
_MOST_LETTERS = 2
"""So many letters more or fewer are a slip."""


def alignment_cause(record: DecisionRecord, failed: Mapping[str, Any], around: Around) -> Cause:
    """What keeps the ARN from being one for the address, and what to name or to send as in its place."""
    address, arn = failed["address"], failed["arn"]
    by = named_in(failed, arn).upper()
    second = next((right for what, _, right in failed.get("odd", ()) if what == "second" and right == by), "")
    if second.endswith("-ARN"):
        return only_first_counts(second, address, arn)
    name = arn.partition(":identity/")[2]
    spec = address.rpartition("<")[2].rstrip("> ")
    _, _, domain = spec.rpartition("@")
    hint = _how_far(name, spec)
    parameter = named_in(failed, arn)
    if (slip := _slip_in_name(arn, address, spec, parameter)) is not None:
        return slip
    if (of_from := _is_of_from(record, failed, around)) is not None:
        return of_from
    lenders, own = list(around.instead.get(arn, ())), [arn_of(one) for one in _own_here(record, around, spec)]
    if (overridden := unaligned_cause(failed, lenders, own)) is not None:
        return overridden
    if lenders:
        owner = lenders[0].split(":")[4]
        return Cause(
            code=Code.DOES_NOT_ALIGN,
            text=f"the identity of `{arn}` does not cover `{address}`; account {owner} has one that does, and"
            " a policy that names you",
            mend=set_parameter(parameter, lenders[0]),
        )
    what, to_send = "", f", or send from an address that `{name}` covers"
    if failed.get("use") == "Source" and failed.get("door") == "smtp":
        what, to_send = (
            "the envelope sender (MAIL FROM) ",
            f", or give the message an envelope sender that `{name}` covers",
        )
    elif failed.get("use") in ("Sender", "Return-Path"):
        what, to_send = f"the {failed['use']} ", f", or give it a {failed['use']} that `{name}` covers"
    if "/" in name:
        hint, to_send = "; a name has no slash", ""
    if set(name) & set("*?"):
        hint, to_send = "; an ARN that is named is of one identity, without wildcards", ""
    to_name = f"name in {parameter} the ARN of the identity `{spec}` or `{domain}`"
    if to_send and (top := never_public(spec)) is not None:
        hint, to_name, to_send = f"; nothing under `{top}` can be verified", "", to_send.removeprefix(", or ")
    for_from = from_field(str(failed.get("door")))
    is_froms = covers_address(name, str(failed.get("from_address", "")))
    if to_send and to_name and failed.get("use") == "Source" and is_froms and for_from is not None:
        to_name, to_send = to_send.removeprefix(", or "), f", or {to_name}, and `{arn}` in {for_from}"
    if (near := _slip_of_domain(name, spec)) is not None:
        hint, to_send = f"{hint}, did you mean `{near}`?", f"send as `{near}`, or "
        to_name, to_send = f"{to_send}{to_name}", ""
    return Cause(
        code=Code.DOES_NOT_ALIGN,
        text=f"the identity of `{arn}` does not cover {what}`{address}`{hint}",
        mend=Mend(
            how=How.SET_PARAMETER,
            text=f"{to_name}{to_send}",
            details={"parameter": parameter, "value": None, "address": spec, "arn": arn},
        ),
    )


def _how_far(name: str, spec: str) -> str:
    """How an address lies beside the name of an identity that does not cover it."""
    domain = spec.rpartition("@")[2]
    if name.lower() == spec.lower() or name.lower() == domain.lower():
        return "; they differ in the case of the local part"
    if "@" not in name and name.lower().endswith(f".{domain.lower()}"):
        return f"; a domain covers its subdomains, and `{domain}` is none of `{name}`"
    if "@" in name and domain.lower() == domain_of(name):
        return f"; the ARN is of the address `{name}`, not of its domain"
    return f"; the address is at `{domain}`" if "@" not in name and not covers_address(name, spec) else ""


def _own_here(record: DecisionRecord, around: Around, address: str) -> list[Identity]:
    """The sender's own verified identities in the region that cover an address."""
    own = [one for one in around.of(record.account_id, address) if one.region == record.region]
    return [one for one in own if one.verification.is_in_force]


def _is_of_from(record: DecisionRecord, failed: Mapping[str, Any], around: Around) -> Cause | None:
    """The ARN covers From, and was named for a Source (MAIL FROM) that is the sender's own and needs none."""
    address, arn = failed["address"], failed["arn"]
    from_address, field = str(failed.get("from_address", "")), from_field(str(failed.get("door")))
    is_return_path = failed.get("use") == "Return-Path"
    if is_return_path:
        field = usual_field(str(failed.get("door")), "From")
    is_other = is_return_path or failed.get("use") == "Source"
    if not is_other or field is None or not _own_here(record, around, address):
        return None
    if not covers_address(arn.partition(":identity/")[2], from_address):
        return None
    parameter = named_in(failed, arn)
    source = "MAIL FROM" if failed.get("door") == "smtp" else "Source"
    source = "the return path" if is_return_path else source
    if parameter == field:
        return None
    mend = Mend(
        how=How.SET_PARAMETER,
        text=f"name it in {field} in place of {parameter}: {source} is of an identity of your own and needs none",
        details={"parameter": field, "instead_of": parameter, "value": arn},
    )
    if [field, arn] in [list(one) for one in failed.get("named", ())]:
        mend = Mend(
            how=How.DROP_PARAMETER,
            text=f"leave {parameter} out: {source} is of an identity of your own and needs none, and {field} names it"
            " for From",
            details={"parameter": parameter},
        )
    return Cause(
        code=Code.DOES_NOT_ALIGN,
        text=f"`{arn}` was named in {parameter}, which is for {source}, `{address}`; it covers From, `{from_address}`",
        mend=mend,
    )


def _slip_in_name(arn: str, address: str, spec: str, parameter: str) -> Cause | None:
    """What keeps an ARN from being that of the identity meant, where it is one in other writing."""
    plain, bare = unquote(arn), re.split(r"[\s(,;]", arn, maxsplit=1)[0].rstrip("/.")
    if plain != arn and covers_address(plain.partition(":identity/")[2], spec):
        wrong, right = f"its name is written as in a URL (`{arn[arn.index('%') :][:3]}`)", plain
    elif bare != arn and covers_address(bare.partition(":identity/")[2], spec):
        wrong, right = f"there is `{arn[len(bare) :]}` behind its name", bare
    else:
        return None
    return Cause(
        code=Code.ARN_MALFORMED,
        text=f"`{arn}` is not the ARN of the identity that covers `{address}`: {wrong}",
        mend=Mend(
            how=How.SET_PARAMETER,
            text=f"write it in {parameter} as `{right}`",
            details={"parameter": parameter, "value": right},
        ),
    )


def _slip_of_domain(name: str, spec: str) -> str | None:
    """The address that was meant, where its domain is nearly that of the identity."""
    local, _, domain = spec.rpartition("@")
    theirs = domain_of(name)
    if (
        domain.lower() == theirs
        or domain.lower().endswith(f".{theirs}")
        or theirs.endswith(f".{domain.lower()}")
    ):
        return None
    if abs(len(domain) - len(theirs)) > _MOST_LETTERS:
        return None  # another brand, not a slip
    near = get_close_matches(domain.lower(), [theirs], n=1, cutoff=_ALIKE)
    return (name if "@" in name else f"{local}@{theirs}") if near else None
