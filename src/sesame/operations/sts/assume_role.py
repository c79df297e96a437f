"""STS AssumeRole: temporary credentials of a role, for whom its trust policy lets in.

Nothing is stored: the session token carries the session, sealed (`access.sessions`). Provided contexts are not here.
Source: STS API reference, AssumeRole; IAM user guide, "Passing session tags", "Monitor and control actions taken
with assumed roles", "Secure API access with MFA".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from sesame.access.causes.failures import Failures
from sesame.access.compiled import trust_policy
from sesame.access.pace import Pace
from sesame.access.permission import Authorizer
from sesame.access.principals import named_tags, session_principal
from sesame.access.sessions import Sessions
from sesame.aws.shapes import sts
from sesame.db import Store, Transaction, account_scope, epoch
from sesame.errors import AccessDenied, ValidationError
from sesame.model import Caller, PrincipalKind, Session
from sesame.observe import Clock
from sesame.operations.principal_tags import check_tags
from sesame.operations.sts.credentials import credentials
from sesame.operations.sts.device_code import DeviceCodes, use_up
from sesame.operations.sts.session_limits import packed_percent, policy_arns, session_policies, token_use
from sesame.operations.table import Handlers
from sesame.store import accounts
from sesame.store.iam import roles

DEFAULT_SESSION_S = 3600
MAX_CHAINED_SESSION_S = 3600
"""How long a session may last that was opened by another session ("role chaining")."""

_WITH_CODE: dict[str, str | tuple[str, ...]] = {
    "aws:MultiFactorAuthPresent": "true",
    "aws:MultiFactorAuthAge": "0",
}
"""What a trust policy is told of a call that shows the code of a device."""

_ROLE_ARN = re.compile(r"arn:aws:iam::([0-9]{12}):role(/(?:.*/)?)([^/]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tags:
    """Session tags: all of them, and the keys of those that go on to sessions, as they were written."""

    all: tuple[tuple[str, str], ...]
    transitive: tuple[str, ...]

    @property
    def folded(self) -> tuple[str, ...]:
        """The keys that go on, as a session keeps them to compare by."""
        return tuple(key.lower() for key in self.transitive)


class AssumeRoleOperations:
    """The operation; `random_name` makes upper-case ids, `random_secret` secret access keys.

    `pace` says when a refusal is answered; `failures` keeps it before.
    """

    def __init__(
        self,
        store: Store,
        authorizer: Authorizer,
        sessions: Sessions,
        codes: DeviceCodes,
        *,
        clock: Clock,
        random_name: Callable[[int], str],
        random_secret: Callable[[], str],
        pace: Pace,
        failures: Failures,
    ) -> None:
        self._store = store
        self._authorizer = authorizer
        self._sessions = sessions
        self._codes = codes
        self._clock = clock
        self._random_name = random_name
        self._random_secret = random_secret
        self._pace = pace
        self._failures = failures

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {"AssumeRole": self.assume_role}

    async def assume_role(self, caller: Caller, request: sts.AssumeRoleRequest) -> sts.AssumeRoleResponse:
        """Open a session of a role; a role that does not exist and one that does not trust answer the same."""
        _refuse_unsupported(request)
        if caller.principal.kind is PrincipalKind.ROOT:
            raise AccessDenied("Roles may not be assumed by root accounts.")
        match = _ROLE_ARN.fullmatch(request["RoleArn"])
        if match is None:
            raise ValidationError(f"{request['RoleArn']} is invalid")
        tags = _session_tags(caller, request)
        source_identity = _source_identity(caller, request)
        shown = await self._codes.shown(caller, request)
        facts: dict[str, object] = {}
        keep = partial(self._failures.keep_of, caller, action="sts:AssumeRole", facts=facts)
        async with self._pace.refusals(keep):
            role, seen, facts["owner_is_here"] = await self._find(match[1], match[3], request["RoleArn"])
            permit = await self._authorizer.require_trust(
                caller,
                _actions(tags, source_identity),
                request["RoleArn"],
                trust=None if role is None else trust_policy(role),
                keys=_keys(request, tags, source_identity) | (_WITH_CODE if shown else {}),
                tags=() if role is None else named_tags(role.tags),
                seen=seen,
            )
        assert role is not None, "nobody is trusted by a role that does not exist"
        seconds = _duration(caller, request, role)
        arns = await policy_arns(self._store, role.account_id, request.get("PolicyArns", []))
        policies = session_policies(request)
        now = self._clock.now()
        session = Session(
            access_key_id=f"ASIA{self._random_name(16)}",
            secret_access_key=self._random_secret(),
            account_id=role.account_id,
            role_id=role.role_id,
            name=request["RoleSessionName"],
            issued_at=now,
            expires_at=float(int(now) + seconds),
            policies=policies,
            policy_arns=arns,
            tags=tags.all,
            transitive_tags=tags.folded,
            source_identity=source_identity,
            mfa_at=None if shown is None else now,
        )
        packed = packed_percent(session)
        response = {"assumedRoleId": f"{role.role_id}:{session.name}", "accessKeyId": session.access_key_id}
        await permit.apply(lambda tx: use_up(tx, shown), response=lambda _: response)
        return self._answer(role, session, packed, at_least=request.get("MinimumSessionTokenSize", 0))

    def _answer(
        self, role: roles.Role, session: Session, packed: int, *, at_least: int
    ) -> sts.AssumeRoleResponse:
        principal = session_principal(role, session.name)
        token = self._sessions.issue(session, at_least=at_least)
        size, utilization = token_use(token)
        response: sts.AssumeRoleResponse = {
            "Credentials": credentials(session, token),
            "AssumedRoleUser": {"AssumedRoleId": principal.user_id, "Arn": principal.arn},
            "SessionTokenSize": size,
            "SessionTokenUtilization": utilization,
        }
        if packed:
            response["PackedPolicySize"] = packed
        if session.source_identity is not None:
            response["SourceIdentity"] = session.source_identity
        return response

    async def _find(
        self, account_id: str, name: str, arn: str
    ) -> tuple[roles.Role | None, dict[str, int], bool]:
        """The role, the epoch at which it was read, by scope, and whether its account is on this server."""
        scope = account_scope(account_id)

        async def run(tx: Transaction) -> tuple[roles.Role | None, dict[str, int], bool]:
            owner = await accounts.get(tx, account_id)
            return await roles.get(tx, account_id, name), {scope: await epoch(tx, scope)}, owner is not None

        role, seen, is_here = await self._store.read(run)
        return (role if role is not None and role.arn == arn else None), seen, is_here


def _refuse_unsupported(request: sts.AssumeRoleRequest) -> None:
    if request.get("ProvidedContexts"):
        raise ValidationError("ProvidedContexts is not supported.")


def _session_tags(caller: Caller, request: sts.AssumeRoleRequest) -> _Tags:
    """The tags of the new session: those passed on by the caller's own session, and those of the request."""
    given = tuple((tag["Key"], tag["Value"]) for tag in check_tags(request.get("Tags", [])))
    known = {key.lower() for key, _ in given}
    inherited: list[tuple[str, str]] = []
    if caller.session is not None:
        passed_on = set(caller.session.transitive_tags)
        inherited = [tag for tag in caller.session.tags if tag[0].lower() in passed_on]
    if any(key.lower() in known for key, _ in inherited):
        raise ValidationError(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key"
            " from the calling session."
        )
    transitive = request.get("TransitiveTagKeys", [])
    if not {key.lower() for key in transitive} <= known:
        raise ValidationError("The specified transitive tag key must be included in the requested tags.")
    keys = {key.lower(): key for key in (*transitive, *(key for key, _ in inherited))}
    return _Tags(all=(*inherited, *given), transitive=tuple(keys.values()))


def _source_identity(caller: Caller, request: sts.AssumeRoleRequest) -> str | None:
    """Who is behind the session; what was once said stays through a chain of roles."""
    given = request.get("SourceIdentity")
    if given is not None and given.lower().startswith("aws:"):
        raise ValidationError("SourceIdentity may not begin with aws:")
    before = None if caller.session is None else caller.session.source_identity
    if before is not None and given not in (None, before):
        raise AccessDenied("The source identity of a session cannot be changed by assuming another role.")
    return before or given


def _actions(tags: _Tags, source_identity: str | None) -> list[str]:
    """What the caller must be allowed, all of it."""
    actions = ["sts:AssumeRole"]
    if tags.all:
        actions.append("sts:TagSession")
    if source_identity is not None:
        actions.append("sts:SetSourceIdentity")
    return actions


def _keys(
    request: sts.AssumeRoleRequest, tags: _Tags, source_identity: str | None
) -> dict[str, str | tuple[str, ...]]:
    """The condition keys of STS that a trust policy may ask about."""
    keys: dict[str, str | tuple[str, ...]] = {"sts:RoleSessionName": request["RoleSessionName"]}
    if "ExternalId" in request:
        keys["sts:ExternalId"] = request["ExternalId"]
    if source_identity is not None:
        keys["sts:SourceIdentity"] = source_identity
    if tags.all:
        keys["aws:TagKeys"] = tuple(key for key, _ in tags.all)
        keys |= {f"aws:RequestTag/{key}": value for key, value in tags.all}
    if tags.transitive:
        keys["sts:TransitiveTagKeys"] = tags.transitive
    return keys


def _duration(caller: Caller, request: sts.AssumeRoleRequest, role: roles.Role) -> int:
    seconds = request.get("DurationSeconds", DEFAULT_SESSION_S)
    if caller.principal.kind is PrincipalKind.ROLE and seconds > MAX_CHAINED_SESSION_S:
        raise ValidationError(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        )
    if seconds > role.max_session_s:
        raise ValidationError(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    return seconds
