"""What people write in statements and do not mean: actions that are none, variables in resources. In words."""

from difflib import get_close_matches

from sesame.policy.language.action_keys import ACTIONS
from sesame.policy.language.pattern import glob
from sesame.policy.language.vocabulary import SENDING_ACTIONS
from sesame.policy.reasons.derivation import ElementStep, StatementStep
from sesame.policy.reasons.views import names_tag_of_resource

_SERVICES = ("ses", "sesv2", "ses-v2", "email", "aws-ses", "amazonses")
"""What is written before the colon of an action of SES, which has one prefix for all of its APIs."""

_ALIKE = 0.75
"""How like a name has to be to that of an action (a ratio of difflib): `SendMail` is, `Publish` is not."""
_SHORTEST = len("send")
"""So much of a name has to be there for it to be one cut short."""


def misspelt_action(step: StatementStep, action: str) -> str | None:
    """What an Action lists that is not an action but was meant for one of sending; of several, the one for `action`."""
    element = next(one for one in step.elements if one.element.endswith("Action"))
    if element.element != "Action" or element.answer:
        return None
    slips = [text for text in element.wanted if known_action(text, action) is not None]
    return min(slips, key=lambda text: known_action(text, action) != action, default=None)


def known_action(text: str, asked: str) -> str | None:
    """The action of sending that a text was meant for, `asked` if it may be that one.

    None where it is the name of an action, or like none.
    """
    folded = text.strip().lower()
    service, _, name = (part.strip() for part in folded.rpartition(":"))
    if set(folded) & set("*?"):
        is_meant = service in _SERVICES[1:] and glob(f"ses:{name}").matches(asked.lower())
        return asked if is_meant else None
    if text.lower() in ACTIONS:
        return None
    if service not in ("", *_SERVICES):
        return None
    by_name = {known.lower().partition(":")[2]: known for known in SENDING_ACTIONS}
    near = get_close_matches(name, by_name, n=len(by_name), cutoff=_ALIKE)
    near += [known for known in by_name if len(name) >= _SHORTEST and known.startswith(name)]
    if not near:
        return None
    return asked if asked.lower().partition(":")[2] in near else by_name[near[0]]


def in_resources(element: ElementStep, resource: str) -> str:
    """What a statement lists, or leaves out, as Resource, with its variables filled in, and how `resource` differs.

    Not where one of them is a tag of the identity, which is its owner's.
    """
    verb = "leaves out" if element.element.startswith("Not") else "lists"
    is_owners = names_tag_of_resource(element)
    if is_owners or element.filled in ((), element.wanted):
        return f"{verb} {some(element.wanted)}{'' if is_owners else _in_what(element, resource)}"
    return f"{verb} {some(element.wanted)}, here {some(element.filled)}"


_PARTS = ("", "partition", "service", "region", "account number")


def _in_what(element: ElementStep, resource: str) -> str:
    """In which one part the resource differs from what a Resource lists."""
    if element.element != "Resource":
        return ""
    fields = resource.split(":", 5)
    for text in element.wanted:
        if text.lower() == resource.lower():
            return ", which differs in the case of letters"
        theirs = text.split(":", 5)
        if len(theirs) != 6 or len(fields) != 6:
            continue
        pairs = list(zip(theirs, fields, strict=True))
        other = [at for at, (wanted, seen) in enumerate(pairs) if not glob(wanted).matches(seen)]
        if len(other) == 1 and other[0] < len(_PARTS) and not theirs[other[0]]:
            return f", which has no {_PARTS[other[0]]}"
        if len(other) == 1 and other[0] < len(_PARTS):
            return f", of another {_PARTS[other[0]]}"
        if other == [5] and _is_address_of(theirs[5], fields[5]):
            return ", which is an address: the identity used is the domain"
    return ""


def _is_address_of(wanted: str, resource: str) -> bool:
    """Whether the last field of an ARN is an address, or a pattern of some, of the domain that another's is."""
    return "@" in wanted and wanted.rpartition("@")[2].lower() == resource.rpartition("/")[2].lower()


def is_held_to_address(element: ElementStep, resource: str) -> bool:
    """Whether a Resource lists addresses of the domain that was used, and nothing else of it."""
    fields = resource.split(":", 5)
    written = element.wanted if names_tag_of_resource(element) else element.filled or element.wanted
    texts = [text.split(":", 5) for text in written]
    return element.element == "Resource" and any(
        len(one) == len(fields) == 6 and _is_address_of(one[5], fields[5]) for one in texts
    )


def some(values: tuple[str, ...]) -> str:
    """The first values of a list, and how many more there are."""
    listed = ", ".join(f"`{value}`" for value in values[:3])
    return listed if len(values) <= 3 else f"{listed} and {len(values) - 3} more"
