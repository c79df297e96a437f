"""Who calls, as the house knows it once a request is authenticated."""

from sesame.access.principals import Credential
from sesame.model import Caller, Session

REGION = "us-east-1"


def caller_by(credential: Credential | None, access_key_id: str, session: Session | None = None) -> Caller:
    """A caller from outside, by a credential that the directory has found."""
    assert credential is not None
    return Caller(
        principal=credential.principal,
        access_key_id=access_key_id,
        region=REGION,
        source_ip="203.0.113.9",
        secure_transport=True,
        user_agent=None,
        at=1_800_000_000.0,
        request_id="r",
        session=session,
    )
