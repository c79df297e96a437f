"""Log-ins and signatures that failed: kept for the account whose key was named, without any secret.

What nobody's key was named for is kept too, under no account: for the operator, and because both must cost the same.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sesame.access.causes.failures import Failure, Failures
from sesame.access.causes.find import cause_in_log
from sesame.access.credentials import is_long_term_key, is_session_key
from sesame.access.directory import Directory
from sesame.access.failed_sign_ins import FailedSignIns
from sesame.access.key_uses import KeyUses
from sesame.access.sign_in_names import MAX_NAME, SECRET, without_secret, without_secrets
from sesame.access.smtp_login import TooManyFailures, WrongCredentials
from sesame.aws.errors import InvalidClientTokenId, SignatureDoesNotMatch
from sesame.aws.sigv4 import SignedRequest
from sesame.errors import ServiceError
from sesame.model import AccountId, Caller, Principal, PrincipalKind
from sesame.observe import Clock
from sesame.policy.reasons.cause import Code
from sesame.store.decisions import Refusal
from sesame.store.iam.users import MAX_ACCESS_KEYS, AccessKey

WITHOUT_LOG_IN = (
    f"{Code.SMTP_LOGIN.value} the client sends without a log-in: it has no user name and password, or does not use"
    " them. Mend: give it those that `sesame smtp credentials ACCOUNT USER` prints (Postfix: smtp_sasl_auth_enable and"
    " smtp_sasl_password_maps)."
)
WITHOUT_TLS = (
    f"{Code.SMTP_LOGIN.value} the client goes on without TLS. Mend: let it use STARTTLS, or TLS from the start on a"
    " port of submission.tls_ports."
)
"""Why a command was refused to who has not logged in, and what to do, for the log."""


def _word(error: ServiceError, facts: Mapping[str, Any]) -> str:
    """A word for why a signature was refused; one whose circumstances were wrong says nothing of the secret."""
    if isinstance(error, InvalidClientTokenId):
        return _of_key(facts) or error.code
    is_off = "off_s" in facts
    if not isinstance(error, SignatureDoesNotMatch) or error.message == error.text:
        return error.code
    return "clock" if is_off else "signature"


def _of_key(facts: Mapping[str, Any]) -> str:
    """What is wrong with a key or its token, where that is known."""
    if facts.get("stray_token"):
        return "stray-token"
    if facts.get("token") is False and is_session_key(facts.get("access_key_id", "")):
        return "no-token"
    if "session_of_gone" in facts:
        return "session-of-gone"
    why = facts.get("why")
    return f"key-{why}" if why in ("inactive", "deleted") else ""


def _as_full(keys: Sequence[AccessKey]) -> dict[str, Any]:
    """The keys of a user or root that has as many as it may have, and which are active; else nothing."""
    if len(keys) < MAX_ACCESS_KEYS:
        return {}
    return {"full": [[key.access_key_id, key.status == "Active"] for key in keys]}


class SignIns:
    """Keeps failures before anybody has signed in. `served` are the regions of the settings, none for all.

    Each is counted in `failed` too, with the address that it came from, for the operator alone; sign-ins that succeed
    are the last `uses` of their keys.
    """

    def __init__(
        self,
        failures: Failures,
        failed: FailedSignIns,
        uses: KeyUses,
        directory: Directory,
        clock: Clock,
        *,
        served: Sequence[str],
        skew_s: float,
        new_request_id: Callable[[], str],
    ) -> None:
        self._failures = failures
        self._failed = failed
        self._uses = uses
        self._directory = directory
        self._clock = clock
        self._served = list(served)
        self._skew_s = skew_s
        self._new_request_id = new_request_id

    def succeeded(self, access_key_id: str, door: str, region: str) -> None:
        """Note that a key was used; sessions have keys of their own, which are nobody's to change."""
        if is_long_term_key(access_key_id):
            self._uses.note(access_key_id, door, region)

    async def keep_api(
        self, error: ServiceError, signed: SignedRequest | None, *, request_id: str, address: str
    ) -> str | None:
        """Keep why a request of the API was refused before its caller was known; the cause in a line."""
        now = self._clock.now()
        facts: dict[str, Any] = dict(error.facts)
        message = error.message if signed is not None else without_secrets(error.message)
        if SECRET in message:
            facts["access_key_id"] = SECRET
        principal = None
        if signed is not None:
            facts["access_key_id"] = without_secret(signed.access_key_id)
            facts["service"] = signed.service[:MAX_NAME]
            if not is_long_term_key(signed.access_key_id):
                facts["token"] = signed.session_token is not None
            elif signed.session_token is not None:
                facts["stray_token"] = True
            off_s = signed.amz_date - now
            if abs(off_s) > self._skew_s and not signed.presigned:
                facts["off_s"] = round(off_s)
            if self._served and signed.region not in self._served:
                facts |= {"region_not_served": signed.region[:MAX_NAME], "served": self._served}
            principal, of_key = await self._whose(error, signed.access_key_id)
            facts |= of_key
        self._failed.note(
            "API",
            address,
            "" if signed is None else signed.access_key_id,
            why=_word(error, facts),
            account_id="" if principal is None else principal.account_id,
        )
        kept = await self._keep(
            error.code, message, type(error).__name__, facts, principal, request_id=request_id,
            region="" if signed is None else signed.region[:MAX_NAME], at=now,
        )  # fmt: skip
        return cause_in_log(kept)

    async def keep_smtp(
        self, username: str, error: WrongCredentials | TooManyFailures, *, address: str
    ) -> str | None:
        """Keep why an SMTP log-in was refused; the cause in a line."""
        facts: dict[str, Any] = {"username": without_secret(username), "served": self._served}
        principal = None
        if isinstance(error, WrongCredentials):
            principal = error.principal
            facts |= {"why": error.why, "region": error.region}
            if principal is None and username != username.strip():
                principal, _ = await self._principal(username.strip())
            elif principal is None:
                principal, deleted = await self._deleted(username)
                facts |= deleted
        else:
            principal, _ = await self._principal(username)
        if principal is not None and principal.kind.value == "user":
            facts["user"] = principal.name
        if isinstance(error, WrongCredentials) and error.key:
            facts |= {"key": error.key, "given": error.given}
        elif principal is not None:
            is_unusable = facts.get("why") in ("inactive", "deleted")
            facts |= await self._key_to_take(principal, username.strip(), is_unusable)
        self._failed.note(
            "SMTP",
            address,
            username,
            why="too-many" if not isinstance(error, WrongCredentials) else facts["why"],
            account_id="" if principal is None else principal.account_id,
        )
        kept = await self._keep(
            "535" if isinstance(error, WrongCredentials) else "454",
            "Authentication Credentials Invalid",
            type(error).__name__,
            facts,
            principal,
            request_id=self._new_request_id(),
            region="",
            at=self._clock.now(),
        )
        return cause_in_log(kept)

    async def keep_refused(
        self, caller: Caller, command: str, code: int, text: str, *, address: str | None
    ) -> str | None:
        """Keep why a command of somebody who has logged in was refused with `code` and `text`; the cause in a line.

        `address` is the one that MAIL or RCPT refused, None for what else was. `command` is empty for no known one.
        """
        facts: dict[str, Any] = {"door": "smtp", "command": command}
        if address is not None:
            facts["unreadable"] = address[:MAX_NAME]
        kept = await self._failures.keep(
            Failure(
                request_id=caller.request_id,
                account_id=caller.principal.account_id,
                region=caller.region,
                at=caller.at,
                code=str(code),
                message=text,
                error="CommandRefused" if address is None else "AddressRefused",
                facts=facts,
                principal=caller.principal.arn,
                kind=caller.principal.kind.value,
                user_id=caller.principal.user_id,
                action="ses:SendRawEmail",
            )
        )
        return cause_in_log(kept)

    async def _whose(
        self, error: ServiceError, access_key_id: str
    ) -> tuple[Principal | None, dict[str, Any]]:
        """Whose key was signed with, and what is to be known of it and of the keys beside it."""
        principal, is_active = await self._principal(access_key_id)
        if error.whose is not None:
            return error.whose, {}
        if principal is None:
            return (
                await self._deleted(access_key_id) if isinstance(error, InvalidClientTokenId) else (None, {})
            )
        if not isinstance(error, InvalidClientTokenId | SignatureDoesNotMatch):
            return principal, {}
        facts: dict[str, Any] = _as_full(await self._directory.other_keys(principal, ""))
        if isinstance(error, InvalidClientTokenId) and not is_active:
            facts["why"] = "inactive"
        return principal, facts

    async def _deleted(self, access_key_id: str) -> tuple[Principal | None, dict[str, Any]]:
        """Whose a key was that is gone, and the facts of it; nothing for one that never was, at the same cost."""
        gone, keys = await self._directory.deleted_key(access_key_id)
        if gone is None:
            return None, {}
        is_root = gone.arn.endswith(":root")
        principal = Principal(
            kind=PrincipalKind.ROOT if is_root else PrincipalKind.USER,
            account_id=AccountId(gone.account_id),
            arn=gone.arn,
            user_id=gone.user_id,
            name="root" if is_root else gone.arn.rpartition("/")[2],
        )
        active = [key.access_key_id for key in keys or () if key.status == "Active"]
        full = _as_full(keys or ())
        facts: dict[str, Any] = {"why": "deleted", "deleted_at": gone.deleted_at}
        return principal, facts | ({"active": active[-1]} if active else {}) | full | {
            "user_gone": keys is None
        }

    async def _key_to_take(
        self, principal: Principal, access_key_id: str, is_unusable: bool
    ) -> dict[str, str | None]:
        """The active key that a password is to be made of, if there is one: a new one need not find room."""
        if not is_unusable:
            return {"key": access_key_id}
        others = await self._directory.other_keys(principal, access_key_id)
        active = [key.access_key_id for key in others if key.status == "Active"]
        if active:
            return {"key": active[-1]}
        return {"key": None, "to_delete": others[0].access_key_id} if others else {}

    async def _principal(self, access_key_id: str) -> tuple[Principal | None, bool]:
        """Whose key it is, without a look at anything secret, and whether it is active."""
        if not is_long_term_key(access_key_id):
            return None, False
        credential = await self._directory.credential(access_key_id)
        return (None, False) if credential is None else (credential.principal, credential.active)

    async def _keep(
        self,
        code: str,
        message: str,
        error: str,
        facts: dict[str, Any],
        principal: Principal | None,
        *,
        request_id: str,
        region: str,
        at: float,
    ) -> Refusal:
        return await self._failures.keep(
            Failure(
                request_id=request_id,
                account_id="" if principal is None else principal.account_id,
                region=region,
                at=at,
                code=code,
                message=message,
                error=error,
                facts=facts,
                principal="" if principal is None else principal.arn,
                kind="" if principal is None else principal.kind.value,
            )
        )
