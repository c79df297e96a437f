"""Who is logged in: passwords with codes, and the log-ins that come of them and of `links`.

What a browser has is random; the store has its digest. A log-in ends when nobody used it for eight hours (of the
operator: one), after a day, by logging out, and when its user, password or devices change.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from sesame.access.changes import Actor, Acts, Run
from sesame.access.failed_sign_ins import FailedSignIns
from sesame.access.guesses import Guesses, network_of
from sesame.access.password_rules import PasswordRules, is_expired
from sesame.access.passwords import Passwords, step_of
from sesame.access.principals import root_principal, user_principal
from sesame.console.browser import Browser, digest_of, login_of
from sesame.console.links import LOGIN_LINK_S, Links, link_of
from sesame.db import Store, Transaction
from sesame.model import SYSTEM_ACCOUNT, AccountId, Principal, PrincipalKind
from sesame.observe import Clock
from sesame.store import accounts, console_choices, console_logins
from sesame.store.accounts import Account
from sesame.store.console_choices import NOTHING_CHOSEN, Choices
from sesame.store.console_logins import Login
from sesame.store.iam import account_aliases, login_profiles, password_policies, recovery_codes, users
from sesame.store.iam.login_profiles import LoginProfile
from sesame.store.sealed import Sealer

A_PURGE = 100
"""Links and log-ins that are over which one log-in takes away: more than come with it."""
IDLE_S, OPERATOR_IDLE_S, LONGEST_S = 8 * 3600.0, 3600.0, 24 * 3600.0
AGAIN_S = 12 * 3600.0
"""How old a log-in may be that changes policies, keys and passwords without giving its password again."""
NOTE_SEEN_EVERY_S = 60.0
LONGEST_PASSWORD = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who comes with a cookie, by one look at the store."""

    login: Login | None = None
    """None when it is over."""
    choices: Choices = NOTHING_CHOSEN
    principal: Principal | None = None
    """Whom the log-in stands for in its account; None for the operator as such, or a user who is gone."""
    account: Account | None = None
    """The principal's."""


NOBODY = Visitor()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Too many wrong guesses: how long to wait."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MustChange:
    """The password was right and must be changed: an invitation to do that."""

    token: str


@dataclass(frozen=True, slots=True)
class Expired:
    """The password was right, is older than the account lets passwords be, and an administrator must set another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proof:
    """Whether a second factor was given; after a recovery code also how many are left."""

    mfa: bool
    codes_left: int | None = None


NO_PROOF = _Proof(mfa=False)
T = TypeVar("T")
WRONG = "wrong"


CONSOLE_OPERATOR = Actor(identity={"type": "Operator", "principalId": "console"}, source="console.sesame")
"""The operator, logged in to the console; who that is the link's row says."""


def _person(who: Principal, browser: Browser) -> Actor:
    """A user, or the root of an account, as what it does about its own log-ins is audited."""
    is_root = who.kind is PrincipalKind.ROOT
    return Actor(
        identity={
            "type": "Root" if is_root else "IAMUser",
            "principalId": who.user_id,
            "arn": who.arn,
            "accountId": who.account_id,
            **({} if is_root else {"userName": who.name}),
        },
        source="console.sesame",
        source_ip=browser.source_ip,
        user_agent=browser.user_agent[:500],
    )


class Logins:
    """Opens and ends log-ins. `new_token` draws 256 bits."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        passwords: Passwords,
        guesses: Guesses,
        failed: FailedSignIns,
        acts: Acts,
        *,
        clock: Clock,
        new_token: Callable[[], str],
    ) -> None:
        self._store = store
        self._acts = acts
        self._sealer = sealer
        self._passwords = passwords
        self._guesses = guesses
        self._failed = failed
        self._clock = clock
        self._new_token = new_token
        rules = PasswordRules(store, passwords)
        self.links = Links(store, rules, failed, acts, clock=clock, new_token=new_token)

    def random_token(self) -> str:
        """256 bits for a cookie."""
        return self._new_token()

    async def current(self, token: str) -> Visitor:
        """Who has a browser's cookie, with the log-in noted as used."""
        now = self._clock.now()
        digest = digest_of(token)
        found = await self._store.read(lambda tx: _visitor(tx, digest), is_short=True)
        login = found.login
        if login is None:
            return NOBODY
        idle = OPERATOR_IDLE_S if login.is_operator else IDLE_S
        if now - login.seen_at > idle or now - login.made_at > LONGEST_S:
            await self._store.write(lambda tx: console_logins.end(tx, digest))
            return NOBODY
        if now - login.seen_at > NOTE_SEEN_EVERY_S:
            await self._store.write(lambda tx: console_logins.seen(tx, digest, now))
        return found

    async def choose(self, who: Principal, choices: Choices, browser: Browser) -> None:
        """Keep how a person's pages are to be."""
        user_id = who.account_id if who.kind is PrincipalKind.ROOT else who.user_id
        await self._acts.by(_person(who, browser)).apply(
            "PutConsoleChoices",
            who.account_id,
            lambda tx: console_choices.put(tx, user_id, choices),
            parameters={"scheme": choices.scheme, "timeZone": choices.zone},
        )

    async def principal(self, login: Login) -> Principal | None:
        """Whom a log-in stands for in its account; None for the operator as such, or a user who is gone."""
        return await self.principal_of(login.account_id, login.user_id) if login.account_id else None

    async def principal_of(self, account_id: str, user_id: str) -> Principal | None:
        """The principal of a user's unique id, or of an account's for its root; None for who is gone."""
        return await self._store.read(lambda tx: _principal(tx, account_id, user_id), is_short=True)

    async def by_password(
        self, account: str, user_name: str, password: str, code: str, browser: Browser
    ) -> str | Wait | MustChange | Expired:
        """Log in a user: the cookie's value, `WRONG` whatever was wrong, or what is in the way."""
        name = f"{account.strip()}/{user_name.strip()}"
        guess = (
            f"name:{name.lower()}",
            f"net:{network_of(browser.source_ip)}",
        )
        wait = self._guesses.wait_s(guess)
        if wait > 0:
            self._note(browser, name, "too-many")
            return Wait(seconds=wait)
        self._guesses.note(guess)
        found = await self._store.read(lambda tx: _find(tx, account.strip(), user_name.strip()))
        profile = None if found is None else found[1]
        known = None if profile is None else profile.password
        fits = len(password) <= LONGEST_PASSWORD
        is_right = await self._passwords.is_right(password if fits else "", known) and fits
        if found is None or profile is None or not is_right:
            self._note(
                browser,
                name,
                "unknown" if found is None else "no-password" if profile is None else "password",
                account_id="" if found is None else found[0].account_id,
            )
            return WRONG
        user, expected = found[0], profile
        now = self._clock.now()
        token = self._new_token()
        login = login_of(browser, user.account_id, user.user_id, token, at=now)

        async def run(tx: Transaction) -> tuple[str | MustChange | Expired, _Proof]:
            if await login_profiles.get(tx, user.user_id) != expected:
                return WRONG, NO_PROOF
            proof = await self._use_code(tx, user.user_id, code.strip(), now)
            if proof is None:
                return WRONG, NO_PROOF
            policy = await password_policies.get(tx, user.account_id)
            is_over = is_expired(expected, policy, now=now)
            if policy is not None and policy.hard_expiry and is_over:
                return Expired(), proof
            if expected.reset_required or is_over:
                await console_logins.put_link(
                    tx, link_of(token, "invite", user.account_id, user.user_id, now + LOGIN_LINK_S)
                )
                return MustChange(token=token), proof
            await console_logins.purge(tx, now=now, made_before=now - LONGEST_S, limit=A_PURGE)
            await console_logins.put(tx, replace(login, mfa=proof.mfa))
            return token, proof

        result, _ = await self._proven(user_principal(user), browser, run)
        if result == WRONG:
            self._note(browser, name, "code", account_id=user.account_id)
            return result
        self._guesses.forgive(guess)
        if isinstance(result, Expired):
            self._note(browser, name, "expired", account_id=user.account_id)
        return result

    def _note(self, browser: Browser, name: str, why: str, *, account_id: str = "") -> None:
        """Count a failure, for the operator."""
        self._failed.note("console", browser.source_ip, name, why=why, account_id=account_id)

    def is_old(self, login: Login) -> bool:
        """Whether grave changes take the password again."""
        return self._clock.now() - max(login.made_at, login.confirmed_at or 0.0) > AGAIN_S

    async def has_password(self, login: Login) -> bool:
        """Whether there is a password to give: root and the operator log in by links."""
        if login.is_operator or not login.user_id or login.user_id == login.account_id:
            return False
        return await self._store.read(lambda tx: login_profiles.get(tx, login.user_id)) is not None

    async def confirm(self, login: Login, password: str, code: str, browser: Browser) -> bool | Wait:
        """Whether who is logged in is still who logged in: password, and code of who has a device."""
        guess = (f"again:{login.user_id}", f"net:{network_of(browser.source_ip)}")
        wait = self._guesses.wait_s(guess)
        name = f"{login.account_id}/{login.user_id}"
        if wait > 0:
            self._note(browser, name, "too-many", account_id=login.account_id)
            return Wait(seconds=wait)
        self._guesses.note(guess)
        profile = await self._store.read(lambda tx: login_profiles.get(tx, login.user_id))
        fits = len(password) <= LONGEST_PASSWORD
        known = None if profile is None else profile.password
        is_right = await self._passwords.is_right(password if fits else "", known) and fits
        if profile is None or not is_right or not await self.has_password(login):
            self._note(browser, name, "password", account_id=login.account_id)
            return False
        now = self._clock.now()
        principal = await self.principal(login)
        if principal is None:
            return False

        async def run(tx: Transaction) -> tuple[bool, _Proof]:
            if await login_profiles.get(tx, login.user_id) != profile:
                return False, NO_PROOF
            proof = await self._use_code(tx, login.user_id, code.strip(), now)
            if proof is None:
                return False, NO_PROOF
            await console_logins.confirmed(tx, login.digest, now)
            return True, proof

        done, _ = await self._proven(principal, browser, run)
        if done:
            self._guesses.forgive(guess)
        else:
            self._note(browser, name, "code", account_id=login.account_id)
        return done

    async def _use_code(self, tx: Transaction, user_id: str, code: str, now: float) -> _Proof | None:
        """What was given of a device's code; None when one is missing or wrong. Each code works once.

        Who has a device may give a recovery code in its place.
        """
        devices = await login_profiles.devices_of(tx, user_id)
        if not devices:
            return NO_PROOF
        for device in devices:
            seed = self._sealer.open(device.sealed_seed, row=f"mfa:{device.serial}")
            step = step_of(seed, code, now=now)
            if step is not None and await login_profiles.use_step(tx, device.serial, step):
                return _Proof(mfa=True)
        if await recovery_codes.use(tx, user_id, code):
            return _Proof(mfa=True, codes_left=await recovery_codes.left(tx, user_id))
        return None

    async def _proven(self, who: Principal, browser: Browser, run: Run[tuple[T, _Proof]]) -> tuple[T, _Proof]:
        """Run what takes a code; that a recovery code was used up is audited with it."""
        return await self._acts.by(_person(who, browser)).apply(
            "UseRecoveryCode",
            who.account_id,
            run,
            response=lambda done: {"codesLeft": done[1].codes_left},
            when=lambda done: done[1].codes_left is not None,
        )

    async def change_role(
        self, login: Login, account_id: str, *, is_operator: bool, actor: Actor = CONSOLE_OPERATOR
    ) -> str:
        """Go on under a new id: the operator as an account's root, to look (`is_operator`), or back; the cookie."""
        cookie = self._new_token()
        changed = replace(
            login,
            digest=digest_of(cookie),
            account_id=account_id,
            user_id=account_id,
            is_operator=is_operator,
            may_return=not is_operator and bool(account_id) and login.is_operator,
        )

        async def run(tx: Transaction) -> None:
            await console_logins.end(tx, login.digest)
            await console_logins.put(tx, changed)

        await self._acts.by(actor).apply(
            "SwitchConsoleRole",
            account_id or SYSTEM_ACCOUNT,
            run,
            parameters={"accountId": account_id or None, "mayChange": not is_operator or not account_id},
        )
        return cookie

    async def of_user(self, login: Login) -> list[Login]:
        """The log-ins of the same person, newest first."""
        return await self._store.read(lambda tx: console_logins.of_user(tx, login.user_id))

    async def end(self, digest: bytes) -> None:
        """Log out."""
        await self._store.write(lambda tx: console_logins.end(tx, digest))


async def _visitor(tx: Transaction, digest: bytes) -> Visitor:
    """Who has the log-in of that digest, whether or not its time is over."""
    found = await console_logins.current(tx, digest)
    if found is None:
        return NOBODY
    login, choices = found
    principal = await _principal(tx, login.account_id, login.user_id) if login.account_id else None
    account = None if principal is None else await accounts.get(tx, login.account_id)
    return Visitor(login=login, choices=choices, principal=principal, account=account)


async def _principal(tx: Transaction, account_id: str, user_id: str) -> Principal | None:
    if user_id == account_id:
        return root_principal(AccountId(account_id))
    user = await users.get_user_by_id(tx, user_id)
    return None if user is None or user.account_id != account_id else user_principal(user)


async def _find(
    tx: Transaction, account: str, user_name: str
) -> tuple[users.User, LoginProfile | None] | None:
    """The user of that name in the account of that id, name or alias; None when there is none, or more than one.

    Names go before aliases: those the operator gives, these anybody may take.
    """
    ids = {account} if account.isdigit() else set(await accounts.ids_named(tx, account))
    if not ids and (alias := await account_aliases.get(tx, account)) is not None:
        ids = {alias.account_id}
    if len(ids) != 1:
        return None
    user = await users.get_user(tx, ids.pop(), user_name)
    return None if user is None else (user, await login_profiles.get(tx, user.user_id))
