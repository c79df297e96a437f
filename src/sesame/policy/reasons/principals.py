"""Who a requester is, in words, and which principal of a policy comes closest to it and is not it."""

from collections.abc import Sequence

from sesame.policy.request import Requester


def describe(requester: Requester) -> str:
    """What a requester is, in words."""
    match requester.kind:
        case "service":
            return f"the service `{requester.arn}`"
        case "root":
            return f"the root of account {requester.account_id}"
        case "role":
            return f"the session `{requester.arn}` of role `{requester.role_arn}`"
        case "federated":
            whose = f" of user `{requester.issuer_arn}`" if requester.issuer_arn else ""
            return f"the federated user `{requester.arn}`{whose}"
        case _:
            return f"the user `{requester.arn}`"


def is_same_role(value: str, session_arn: str) -> bool:
    """Whether a principal is another session of the same role."""
    prefix = session_arn.rpartition("/")[0]
    return ":assumed-role/" in value and value.rpartition("/")[0] == prefix and value != session_arn


def is_same_service(value: str, name: str) -> bool:
    """Whether a principal is another name of a service."""
    if ":" in value or "." not in value or value == name:
        return False
    common = set(_labels(value)) & set(_labels(name))
    return bool(common)


def _labels(service: str) -> list[str]:
    """The labels of a name by which it is known; the last is the world's."""
    return [
        label
        for label in service.lower().split(".")[:-1]
        if label not in ("amazonaws", "com", "co", "aws", "email", "api", "mail")
    ]


def nearest(wanted: Sequence[str], requester: Requester) -> tuple[str, str] | None:
    """The principal in the policy that comes closest to the requester, and in what it differs."""
    name = requester.role_arn or requester.arn
    last = name.rpartition("/")[2]
    for value in wanted:
        if value.lower() == name.lower():
            return value, "it differs in the case of letters"
    for value in wanted:
        if f":{requester.account_id}:assumed-role/" in value and value.split("/")[2:-1][-1:] == [last]:
            return value, "a session's ARN has the name of its role without a path"
    for value in wanted:
        fields = value.split(":")
        if len(fields) == 6 and value.rpartition("/")[2].lower() == last.lower() and "/" in value:
            if fields[4] != requester.account_id:
                return value, f"this one is of account {requester.account_id}"
            kind = fields[5].partition("/")[0]
            if kind != name.split(":")[5].partition("/")[0]:
                return value, f"that is a {kind}, this is {describe(requester)}"
            return value, "its path differs"
    for value in wanted:
        fields = value.split(":")
        if len(fields) == 6 and fields[4] == requester.account_id and fields[5] != "root":
            return value, "that is another principal of the same account"
    if not wanted:
        return None
    value = wanted[0]
    names_service = ":" not in value and "." in value
    if not requester.account_id:
        return value, "that is another service" if names_service else "this is a service"
    if names_service:
        return value, "that is a service"
    return value, f"this one is of account {requester.account_id}"
