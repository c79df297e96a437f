"""Whom a question is about: a principal of the asker's own account, or of another as an identity's policies see it.

INVARIANT (I9): of another account's principal nothing comes back but what a policy of the asker's would be bound to.
"""

from collections.abc import Awaitable, Callable

from sesame.access.credentials import acting_for
from sesame.access.directory import Directory
from sesame.access.principal_binding import requester_known
from sesame.access.principals import Credential, root_principal, session_principal
from sesame.aws.errors import NoSuchEntity
from sesame.db import Store, Transaction
from sesame.errors import InvalidParameterValue
from sesame.model import AccountId, Caller, Principal, PrincipalKind, Session
from sesame.observe import Clock
from sesame.operations.asking.question import Question
from sesame.policy import Requester
from sesame.store import accounts
from sesame.store.iam import roles, users

SESSION = "asked"
"""The name of the session that a role is asked about with."""

Load = Callable[[], Awaitable[Credential]]


class AskedPrincipals:
    """Finds them by what a question calls them; a role is asked about in a session that is never opened."""

    def __init__(self, store: Store, directory: Directory, clock: Clock) -> None:
        self._store = store
        self._directory = directory
        self._clock = clock

    async def own(self, requester: Requester) -> tuple[Principal, Load]:
        """A principal of the asker's account, and how to read what it may do now. Raises `NoSuchEntity`."""
        account_id, arn = requester.account_id, requester.role_arn or requester.arn
        name = arn.rpartition("/")[2]

        async def find(tx: Transaction) -> users.User | roles.Role | None:
            if requester.kind == "user":
                return await users.get_user(tx, account_id, name)
            return await roles.get(tx, account_id, name)

        if requester.kind == "root":
            principal = root_principal(AccountId(account_id))
            return principal, lambda: self._logged_in(principal)
        found = await self._store.read(find)
        if found is None or (requester.arn == arn and found.arn != arn):
            raise NoSuchEntity(f"There is no {requester.kind} {arn}.")
        if isinstance(found, users.User):
            user = Principal(
                kind=PrincipalKind.USER,
                account_id=AccountId(account_id),
                arn=found.arn,
                user_id=found.user_id,
                name=found.user_name,
            )
            return user, lambda: self._logged_in(user)
        session_name = SESSION if requester.arn == arn else requester.arn.rpartition("/")[2]
        session = Session(
            access_key_id=f"ask:{found.role_id}:{session_name}",
            secret_access_key="",
            account_id=account_id,
            role_id=found.role_id,
            name=session_name,
            issued_at=self._clock.now(),
            expires_at=self._clock.now() + 1,
        )

        async def opened() -> Credential:
            credential = await self._directory.credential(session.access_key_id, session)
            if credential is None:
                raise NoSuchEntity(f"There is no role {arn}.")
            return credential

        return session_principal(found, session_name), opened

    async def _logged_in(self, principal: Principal) -> Credential:
        credential = await self._directory.logged_in(principal)
        if credential is None:
            raise NoSuchEntity(f"There is no user {principal.arn}.")
        return credential

    async def of_others(self, caller: Caller, question: Question, requester: Requester) -> Principal:
        """Whom the owner of an identity asks about, as the identity's policies see it."""
        if requester.kind == "service":
            return _service(requester.arn, question, caller)
        known = await self._store.read(lambda tx: _known(tx, requester))
        return Principal(
            kind=PrincipalKind(known.kind),
            account_id=AccountId(known.account_id),
            arn=known.arn,
            user_id=known.user_id,
            name=known.arn.rpartition("/")[2],
            role_arn=known.role_arn,
        )


def _service(name: str, question: Question, caller: Caller) -> Principal:
    """A service that acts for an account, as the API takes it in. Raises the `ServiceError` of what it does not."""
    if question.door == "smtp":
        raise InvalidParameterValue("A service sends by the API alone.")
    service = Principal(
        kind=PrincipalKind.SERVICE, account_id=AccountId(""), arn=name, user_id=name, name=name
    )
    account_id = question.acting_for or caller.principal.account_id
    return acting_for(service, account_id, question.acting_arn or None)


async def _known(tx: Transaction, requester: Requester) -> Requester:
    """The principal with its unique id where it is there; one that is not is asked about by its name alone.

    What is answered does not tell which: a name that nobody has is bound to nothing.
    """
    if requester.kind == "root" or await accounts.get(tx, requester.account_id) is None:
        return requester
    return await requester_known(tx, requester)
