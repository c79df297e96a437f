"""Links that work once: to log in as the operator or the root of an account, and invitations to set a password."""

from collections.abc import Callable
from dataclasses import replace

from sesame.access.changes import Actor, Acts
from sesame.access.failed_sign_ins import FailedSignIns
from sesame.access.password_rules import PasswordRules
from sesame.console.browser import Browser, digest_of, login_of
from sesame.db import Store, Transaction
from sesame.model import SYSTEM_ACCOUNT
from sesame.observe import Clock
from sesame.store import console_logins
from sesame.store.console_logins import Link
from sesame.store.iam import login_profiles, users
from sesame.store.iam.login_profiles import LoginProfile

LOGIN_LINK_S, INVITE_S = 15 * 60.0, 24 * 3600.0

INVITED = Actor(
    identity={"type": "Unknown", "principalId": "holder of an invitation"}, source="console.sesame"
)
"""Whoever sets a password by an invitation."""
LINKED = Actor(identity={"type": "Unknown", "principalId": "holder of a link"}, source="console.sesame")
"""Whoever logs in by a link that the operator made."""


def named(digest: bytes) -> str:
    """What the audit log calls a link by: enough to tell it from others, nothing to open it with."""
    return digest.hex()[:16]


def link_of(token: str, purpose: str, account_id: str, user_id: str, expires_at: float) -> Link:
    """A link as it is kept, which its token opens."""
    return Link(
        digest=digest_of(token),
        purpose=purpose,
        account_id=account_id,
        user_id=user_id,
        expires_at=expires_at,
    )


class Links:
    """Makes them, and lets in who comes by one. `new_token` draws 256 bits."""

    def __init__(
        self,
        store: Store,
        rules: PasswordRules,
        failed: FailedSignIns,
        acts: Acts,
        *,
        clock: Clock,
        new_token: Callable[[], str],
    ) -> None:
        self._store = store
        self._rules = rules
        self._failed = failed
        self._acts = acts
        self._clock = clock
        self._new_token = new_token

    async def make(self, purpose: str, account_id: str = "", user_id: str = "") -> str:
        """A link's token: to log in as the operator or an account's root (`login`), or to set a password (`invite`)."""
        token, now = self._new_token(), self._clock.now()
        link = link_of(
            token, purpose, account_id, user_id, now + (INVITE_S if purpose == "invite" else LOGIN_LINK_S)
        )
        await self._acts.apply(
            "CreateConsoleLink",
            account_id or SYSTEM_ACCOUNT,
            lambda tx: console_logins.put_link(tx, link),
            parameters={
                "purpose": purpose,
                "userId": user_id or "operator",
                "expiresAt": int(link.expires_at),
            },
            response=lambda _: {"link": named(link.digest)},
        )
        return token

    async def find(self, token: str, purpose: str) -> Link | None:
        """A link that still works, unspent."""
        now = self._clock.now()
        link = await self._store.read(lambda tx: console_logins.get_link(tx, digest_of(token), now=now))
        return link if link is not None and link.purpose == purpose else None

    async def spend(self, token: str, browser: Browser) -> str | None:
        """Log in by a link: the cookie's value, or None when it is over."""
        now, cookie = self._clock.now(), self._new_token()

        async def run(tx: Transaction) -> Link | None:
            link = await console_logins.get_link(tx, digest_of(token), now=now)
            if link is None or link.purpose != "login":
                return None
            await console_logins.spend_link(tx, link.digest)
            login = login_of(browser, link.account_id, link.user_id, cookie, at=now)
            await console_logins.put(tx, replace(login, is_operator=not link.account_id))
            return link

        actor = replace(LINKED, source_ip=browser.source_ip, user_agent=browser.user_agent[:500])
        spent = await self._acts.by(actor).apply(
            "ConsoleLogin",
            lambda link: SYSTEM_ACCOUNT if link is None else link.account_id or SYSTEM_ACCOUNT,
            run,
            response=lambda link: {} if link is None else {"link": named(link.digest)},
            when=lambda link: link is not None,
        )
        if spent is None:
            self._note(browser, "(a link)")
            return None
        return cookie

    async def accept_invite(self, token: str, password: str, browser: Browser) -> str | None:
        """Set the password of whom a link invites, and log in unless a device's code is due.

        The cookie's value, empty where a code is due; None when the link is over. Raises `PasswordPolicyViolation`.
        """
        invited = await self.find(token, "invite")
        if invited is None:
            self._note(browser, "(an invitation)")
            return None
        new = await self._rules.new(invited.account_id, invited.user_id, password)
        now, cookie = self._clock.now(), self._new_token()

        async def run(tx: Transaction) -> tuple[str, users.User] | None:
            link = await console_logins.get_link(tx, digest_of(token), now=now)
            if link is None or link.purpose != "invite":
                return None
            await console_logins.spend_link(tx, link.digest)
            user = await users.get_user_by_id(tx, link.user_id)
            if user is None:
                return None
            before = await login_profiles.get(tx, user.user_id)
            profile = LoginProfile(
                account_id=user.account_id,
                user_id=user.user_id,
                password=new.hashed,
                reset_required=False,
                created_at=float(int(now)) if before is None else before.created_at,
                set_at=now,
            )
            await login_profiles.put(tx, profile, remembered=new.remembered)
            if await login_profiles.devices_of(tx, user.user_id):
                return "", user
            await console_logins.put(tx, login_of(browser, user.account_id, user.user_id, cookie, at=now))
            return cookie, user

        actor = replace(INVITED, source_ip=browser.source_ip, user_agent=browser.user_agent[:500])
        done = await self._acts.by(actor).apply(
            "UpdateLoginProfile",
            lambda result: "" if result is None else result[1].account_id,
            run,
            response=lambda result: {} if result is None else {"userName": result[1].user_name},
            when=lambda result: result is not None,
        )
        if done is None:
            self._note(browser, "(an invitation)")
            return None
        return done[0]

    def _note(self, browser: Browser, name: str) -> None:
        """Count a link that is over, for the operator."""
        self._failed.note("console", browser.source_ip, name, why="link", account_id="")
