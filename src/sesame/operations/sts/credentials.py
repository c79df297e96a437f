"""A session's credentials as STS answers them."""

from sesame.aws.shapes import sts
from sesame.model import Session


def credentials(session: Session, token: str) -> sts.Credentials:
    """The keys of a session with its token."""
    return {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "SessionToken": token,
        "Expiration": session.expires_at,
    }
