"""Whose tag a condition on aws:PrincipalTag asks for, and how whoever sends comes to have it.

A session carries the tags of its role and those that it was opened with, which go before the role's; the tags of the
user that opened it do nothing for it (IAM user guide, "Pass session tags in AWS STS"). A federated user has those of
the user that opened its session.
"""

from sesame.policy.request import Request, Requester

OF_PRINCIPAL = "aws:principaltag/"

_CARRIES = {
    "user": "a user carries its own tags alone",
    "role": "a session carries the tags of its role and those that it was opened with, not those of the user that"
    " opened it",
    "federated": "a federated user carries the tags of the user that opened its session and those that it was opened"
    " with",
    "root": "a root has no tags",
}


def to_be_tagged(requester: Requester, what: str, *, is_carried: bool) -> str | None:
    """What the sender's account does for it to have a tag, `what` in words; None for what nobody can tag.

    `is_carried`: it has the tag already, with another value.
    """
    match requester.kind:
        case "user":
            return f"the sender's account gives the user `{requester.arn}` {what}"
        case "role":
            more = ", and a tag that the session was opened with goes before the role's" * is_carried
            return (
                f"the sender's account gives the role `{requester.role_arn}` {what}, or opens the session with it:"
                f" {_CARRIES['role']}{more}"
            )
        case "federated":
            user = f"gives the user `{requester.issuer_arn}` {what}, or " if requester.issuer_arn else ""
            more = ", which go before the user's" * is_carried
            return f"the sender's account {user}opens the session with {what}: {_CARRIES['federated']}{more}"
        case "root":
            return f"the sender signs with the key of a user or role that has {what}: {_CARRIES['root']}"
        case _:
            return None


def caller_tagged(requester: Requester, what: str) -> str:
    """What is done for the caller of AssumeRole to have a tag, as an infinitive."""
    match requester.kind:
        case "role":
            return f"give the role of the caller {what}, or open the caller's session with it: {_CARRIES['role']}"
        case "root":
            return f"call as a user or role that has {what}: {_CARRIES['root']}"
        case _:
            return f"give the caller {what}"


def what_it_carries(key: str, request: Request) -> str:
    """Behind a tag that a request does not carry: which ones it would; nothing for other keys."""
    carries = _CARRIES.get(request.requester.kind)
    return f": {carries}" if carries is not None and key.lower().startswith(OF_PRINCIPAL) else ""
