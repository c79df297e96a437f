"""One request to the console, as pages see it: who asks, of which region, with what form; and how to answer."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import Any, Literal

from starlette.responses import RedirectResponse, Response

from sesame.access.changes import Actor
from sesame.access.failed_sign_ins import FailedSignIns, Throttled
from sesame.access.permission import Authorizer
from sesame.access.smtp_login import SmtpLogins
from sesame.admin.accounts import Operator
from sesame.admin.enforcement import EnforcementDesk
from sesame.admin.queue import QueueDesk
from sesame.admin.services import ServicePrincipals
from sesame.aws import paging
from sesame.config import InForce
from sesame.console import fates, text, zones
from sesame.console.analyst import Analyst
from sesame.console.audit_check import AuditCheck
from sesame.console.browser import Browser
from sesame.console.calls import Call, Sample, snippet_of
from sesame.console.guard import MAIL_POLICY
from sesame.console.instance import Instance
from sesame.console.logins import CONSOLE_OPERATOR, Logins
from sesame.console.once import Once
from sesame.console.play import Play
from sesame.console.render import Renderer
from sesame.console.replays import Replays
from sesame.console.verdicts import Verdicts
from sesame.db import Store
from sesame.dns import Resolver
from sesame.errors import AccessDenied, ServiceError
from sesame.model import Caller
from sesame.observe import Clock
from sesame.operations.asking.why import AskWhy
from sesame.operations.home import Homes
from sesame.operations.identity_list import IdentityLists
from sesame.operations.identity_records import IdentityRecords
from sesame.operations.identity_sends import IdentitySends
from sesame.operations.identity_signing import IdentitySigning
from sesame.operations.lent import LentIdentities
from sesame.operations.messages import Messages
from sesame.operations.people import People
from sesame.operations.policy_editing import PolicyEditing
from sesame.operations.programs import Programs
from sesame.operations.published_events import PublishedEvents
from sesame.operations.recovery_codes import RecoveryCodes
from sesame.operations.sender_reputation import Reputations
from sesame.operations.sesame.policy_tests import PolicyTestOperations
from sesame.operations.sesame.share_links import ShareLinks
from sesame.operations.table import Handlers
from sesame.store.accounts import Account
from sesame.store.console_choices import NOTHING_CHOSEN, Choices
from sesame.store.console_logins import Login


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing:
    """What stands behind the pages."""

    store: Store
    resolver: Resolver
    authorizer: Authorizer
    handlers: Mapping[str, Handlers]
    """Operations by service and name, as the API's door has them; under `edits` those of `editing`."""
    validate: Callable[[str, str, Mapping[str, Any]], None]
    """Holds the parameters of an operation against the service's model, as the API's door does."""
    messages: Messages
    reputations: Reputations
    homes: Homes
    ask_why: AskWhy
    programs: Programs
    smtp_logins: SmtpLogins
    lent: LentIdentities
    identities: "IdentityViews"
    people: People
    recovery: RecoveryCodes
    editing: PolicyEditing
    analyst: Analyst
    operator: Operator
    queue: QueueDesk
    enforcement: EnforcementDesk
    instance: Instance
    wake: Callable[[], None]
    """Tells delivery that something is due."""
    logins: Logins
    shares: ShareLinks
    """Reads what a link is of."""
    failed: FailedSignIns
    throttled: Callable[[], Sequence[Throttled]]
    """Who has to wait at any door now."""
    running_with: Callable[[], InForce]
    """The settings in force."""
    service_principals: ServicePrincipals
    audit: AuditCheck
    replays: Replays
    """Recorded sends that are asked again under an edit, in the background."""
    once: Once
    """Forms that are done once, however often they are sent."""
    policy_tests: PolicyTestOperations
    play: Play
    verdicts: Verdicts
    """What receivers would make of mails in the inbox."""
    published: PublishedEvents
    exporting: set[str] = field(default_factory=set)
    """Accounts whose lists are being written to files."""
    clock: Clock
    new_request_id: Callable[[], str]
    is_region: Callable[[str], bool]
    region: str
    """Where a person begins."""
    has_inbox: bool
    """Whether the built-in mailbox server runs (development)."""
    has_zone: bool
    """Whether a local zone stands in for DNS (development)."""
    may_become: bool
    """Whether the operator may act as any account's root from the browser (development)."""
    api_url: str
    doors: Callable[[], Mapping[str, str]]
    """Where programs reach the server: `api`, `smtp` where there is one, `ca` where its certificate is of our own."""
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityViews:
    """What pages show of identities."""

    lists: IdentityLists
    records: IdentityRecords
    signing: IdentitySigning
    sends: IdentitySends


_WHOLE, _QUOTED = r"(?<!\w){}(?!\w)", r"[“'\"`<]{}[”'\"`>]"
Who = Literal["anybody", "either", "person", "operator"]
"""Anybody, a person or the operator, a person of an account, the operator."""


def problem_of(error: ServiceError) -> tuple[str, int]:
    """What a form says of a refusal, and the status of its page; an `AccessDenied` is raised, for it has its own."""
    if isinstance(error, AccessDenied):
        raise error
    return error.message, error.http_status


def quoted_in(message: str, fields: Mapping[str, str]) -> tuple[str, ...]:
    """The names of fields whose value stands in a message as a whole, which is how errors say what is wrong.

    One or two characters may be a word of the message's own: they have to stand in quotation marks.
    """
    return tuple(
        name
        for name, value in fields.items()
        if (given := value.strip())
        and given in message
        and re.search((_WHOLE if len(given) > 2 else _QUOTED).format(re.escape(given)), message)
    )


@dataclass(slots=True, kw_only=True)
class Visit:
    """One request. `caller` is whom operations see, None for the operator as such and for nobody."""

    backing: Backing
    renderer: Renderer
    path: str
    query: Mapping[str, str]
    path_values: Mapping[str, str]
    form: Mapping[str, str]
    seed: str
    """The cookie that forms are bound to."""
    browser: Browser
    now: float
    login: Login | None = None
    caller: Caller | None = None
    account: Account | None = None
    region: str = ""
    choices: Choices = NOTHING_CHOSEN
    """What who is logged in has chosen for the pages."""
    base_url: str = ""
    """Where the console is reached, without a slash at its end."""
    wrong: tuple[str, ...] = ()
    """Names of the fields of a failed form that are wrong, where its error does not quote what stands in them."""
    cookies: dict[str, str | None] = field(default_factory=dict)
    """To be set with the answer; None takes one away. Keys are `login` and `form`."""

    @property
    def zone(self) -> tzinfo:
        """The time zone that times are shown in."""
        return zones.zone(self.choices.zone)

    @property
    def resolvers(self) -> str:
        """Whom look-ups ask, in words: no addresses, which are of the operator's network."""
        in_force = self.backing.running_with().settings
        is_local = any(one.name == "dns.resolver" and one.value == "local" for one in in_force)
        return "the zone of this server" if is_local else "the server's resolvers"

    @property
    def fates_clock(self) -> fates.Clock:
        """For sentences on what became of recipients."""
        return fates.Clock(
            now=self.now,
            when=lambda at: text.when(at, now=self.now, zone=self.zone),
            give_up_after_s=self.backing.published.give_up_after_s,
            is_kept_here=self.backing.has_inbox,
        )

    @property
    def me(self) -> Caller:
        """The caller of a page for people who are logged in."""
        assert self.caller is not None, "the page is for people who are logged in"
        return self.caller

    @property
    def actor(self) -> Actor:
        """The operator, as what it does from here is audited."""
        assert self.login is not None and self.login.is_operator, "the page is for the operator"
        return self.as_operator

    @property
    def as_operator(self) -> Actor:
        """The operator, for who was it before and may be it again."""
        return replace(
            CONSOLE_OPERATOR,
            source_ip=self.browser.source_ip,
            user_agent=self.browser.user_agent[:500] or None,
        )

    async def call(self, service: str, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do an AWS operation with the rights of who is logged in. Raises `ServiceError`."""
        self.backing.validate(service, operation, request)
        return await self.backing.handlers[service][operation](self.me, request)

    async def listed(self, operation: str, *, after: str, size: int) -> Mapping[str, Any]:
        """A page of one of SES v2's lists, from behind the name `after`. Raises `ServiceError`."""
        request = {"PageSize": size, **({"NextToken": paging.encode(after)} if after else {})}
        return await self.call("sesv2", operation, request)

    async def do(self, made: Call) -> Mapping[str, Any]:
        """Make a call with the rights of who is logged in. Raises `ServiceError`."""
        return await self.call(made.service, made.operation, made.request)

    async def once(self, function: Callable[[], Awaitable[Mapping[str, Any]]]) -> Mapping[str, Any]:
        """What a form makes, which JSON can say: the answer of now, or of the first time that this form was sent."""
        assert self.login is not None
        mark = self.form.get("once", "")

        async def made() -> str:
            return json.dumps(dict(await function()))

        key = (self.login.digest, f"{self.path} {mark}" if mark else "")
        found: Mapping[str, Any] = json.loads(await self.backing.once.run(key, made))
        return found

    def page(
        self, template: str, *, status: int = 200, calls: Sequence[Sample] = (), **values: object
    ) -> Response:
        """Answer with a page; its foot shows `calls`, as a program or a shell makes them.

        Of a form that failed it leads to the fields that are wrong: those of `wrong`, or those that `problem` quotes.
        """
        wrong = self.wrong or quoted_in(str(values.get("problem", "")), {**self.query, **self.form})
        api = self.backing.doors()["api"] if calls else ""
        foot = [snippet_of(one, api=api, region=self.region) for one in calls]
        return Response(
            self.renderer.render(template, self, {**values, "foot": foot, "wrong": wrong}),
            status_code=status,
            media_type="text/html; charset=utf-8",
        )

    def go(self, path: str, *, said: str = "", count: int | None = None) -> Response:
        """Answer a form: on to another page. `said` names the sentence that it shows, `count` what is in it."""
        number = "" if count is None else f"&n={count}"
        sep = "&" if "?" in path else "?"
        return RedirectResponse(f"{path}{sep}said={said}{number}" if said else path, status_code=303)

    def here(self, rest: str) -> str:
        """The address of a page in the region of this one."""
        return f"/{self.region}{rest}"


def framed(html: str) -> Response:
    """Answer with the HTML of a mail, for a frame without any right (`MAIL_POLICY`)."""
    return Response(
        html,
        media_type="text/html; charset=utf-8",
        headers={
            "content-security-policy": MAIL_POLICY,
            "referrer-policy": "no-referrer",
            "x-frame-options": "SAMEORIGIN",
            "x-dns-prefetch-control": "off",
        },
    )


Handler = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One route: whom it is for, and which leave reading it takes (the action of AWS that answers the same)."""

    path: str
    handler: Handler
    method: Literal["GET", "POST"] = "GET"
    who: Who = "person"
    leave: str = ""
    is_grave: bool = False
    """Whether it changes policies, keys or passwords: a log-in that is old is asked for its password again."""
    is_program: bool = False
    """Whether programs POST to it, which have no form and so no token; a browser, which says its Origin, may not."""
