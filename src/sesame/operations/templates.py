"""Templates, and mail made of them: what the template operations of v1 and v2 have in common.

One store: what one API writes the other reads. A template is read when it is stored, so that one which
cannot be read is refused there, and again when it is used, through a bounded cache. Sources: SES API and
API v2 reference; SES developer guide, "Service quotas", "Using templates to send personalized email".
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sesame.access.changes import Permit
from sesame.access.permission import Authorizer
from sesame.aws import paging
from sesame.aws.arn import Arn, ArnError, template_arn
from sesame.db import Store, Transaction
from sesame.errors import (
    AccessDenied,
    AccountSendingPaused,
    ConfigurationSetDoesNotExist,
    DailyQuotaExceeded,
    InvalidParameterValue,
    LimitExceeded,
    MessageRejected,
    ServiceError,
    ServiceUnavailable,
    Throttling,
    Unavailable,
)
from sesame.mail.build import build_preview
from sesame.mail.header import MessageError
from sesame.model import Caller, MessageId
from sesame.observe import Clock
from sesame.sending.configuration_set import InvalidSendingPoolName
from sesame.sending.rendering import BadData, one_line, read_data, render
from sesame.sending.send import SenderNotVerified
from sesame.sending.submission import TemplateParts
from sesame.store import tags, templates
from sesame.templates import MissingAttribute, RenderingError, Template, TemplateSyntaxError, compile_template

MOST_TEMPLATES = 10_000
MOST_BYTES = 500 * 1024
MOST_ENTRIES = 50
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CACHED_CHARACTERS = 512 * 1024  # of source: what is read of dense tags takes some 200 times that
_NO_TAGS: Mapping[str, str] = MappingProxyType({})
MANDATORY = "Template rendering data is required."


class TemplateMissing(ServiceError):
    """There is no template of that name."""

    code = "TemplateDoesNotExist"

    def __init__(self, name: str) -> None:
        super().__init__(f"Template {name} does not exist.", about={"TemplateName": name})


class TemplateExists(ServiceError):
    """There is a template of that name already."""

    code = "AlreadyExists"
    v2_code = "AlreadyExistsException"


class InvalidTemplate(ServiceError):
    """The template cannot be read."""

    code = "InvalidTemplate"


class InvalidRenderingParameter(ServiceError):
    """The data to fill in is not a JSON object, or cannot be filled in."""

    code = "InvalidRenderingParameter"


class MissingRenderingAttribute(ServiceError):
    """The data lacks what the template shows."""

    code = "MissingRenderingAttribute"


class TransientFailure(ServiceUnavailable):
    """An entry that may be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a template says; a part that is absent is None."""

    subject: str | None
    text: str | None
    html: str | None


class TemplateCache:
    """Templates that were read, the latest used ones, up to a number of characters of source."""

    def __init__(self, characters: int = _CACHED_CHARACTERS) -> None:
        self._room = characters
        self._kept: OrderedDict[tuple[str, bool], Template] = OrderedDict()

    def read(self, source: str, *, only_values: bool = False) -> Template:
        """The template of a text. Raises `InvalidTemplate`."""
        key = (source, only_values)
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        try:
            found = compile_template(source, only_values=only_values)
        except TemplateSyntaxError as error:
            raise InvalidTemplate(f"The template is not valid: {error}.") from None
        self._kept[key] = found
        self._room -= len(source)
        while self._room < 0:
            (dropped, _), _ = self._kept.popitem(last=False)
            self._room += len(dropped)
        return found


class Templates:
    """Templates of an account in a region; each method asks the caller's IAM policies first."""

    def __init__(
        self,
        store: Store,
        authorizer: Authorizer,
        clock: Clock,
        *,
        cache: TemplateCache,
        random_hex: Callable[[int], str],
    ) -> None:
        self._store = store
        self._authorizer = authorizer
        self._clock = clock
        self._cache = cache
        self._random_hex = random_hex

    async def create(
        self, caller: Caller, action: str, name: str, parts: Parts, *, named: Mapping[str, str] = _NO_TAGS
    ) -> None:
        """Add a template with its tags."""
        arn = template_arn(caller.region, caller.principal.account_id, name)
        permit = await self._authorizer.require_creation(
            caller, action, arn, tagging="ses:TagResource", tags=named
        )
        _check_name(name)
        template = self._stored(caller, name, parts)

        async def run(tx: Transaction) -> None:
            if await templates.get(tx, template.account_id, template.region, name) is not None:
                raise TemplateExists(f"Template {name} already exists.", about={"Name": name})
            if await templates.count(tx, template.account_id, template.region) >= MOST_TEMPLATES:
                raise LimitExceeded(f"An account has at most {MOST_TEMPLATES} templates in a region.")
            await templates.create(tx, template)
            await tags.put(tx, arn, named)

        await permit.apply(run)

    async def update(self, caller: Caller, action: str, name: str, parts: Parts) -> None:
        """Replace all parts of a template."""
        permit = await self._require(caller, action, name)
        template = self._stored(caller, name, parts)

        async def run(tx: Transaction) -> None:
            if not await templates.replace_parts(tx, template):
                raise TemplateMissing(name)

        await permit.apply(run)

    async def get(self, caller: Caller, action: str, name: str) -> templates.StoredTemplate:
        """A template as it was written."""
        await self._require(caller, action, name)
        return await self._find(caller, name)

    async def tags_of(self, template: templates.StoredTemplate) -> dict[str, str]:
        """The tags of a template that `get` gave."""
        arn = template_arn(template.region, template.account_id, template.name)

        async def run(tx: Transaction) -> dict[str, str]:
            return await tags.get(tx, arn)

        return await self._store.read(run)

    async def delete(self, caller: Caller, action: str, name: str) -> bool:
        """Remove a template; whether there was one."""
        permit = await self._require(caller, action, name)

        async def run(tx: Transaction) -> bool:
            await tags.remove_all(tx, template_arn(caller.region, caller.principal.account_id, name))
            return await templates.delete(tx, caller.principal.account_id, caller.region, name)

        return await permit.apply(run)

    async def page(
        self, caller: Caller, action: str, token: str | None, *, limit: int
    ) -> tuple[Sequence[tuple[str, float]], str | None]:
        """Names with times of creation, and the token for the rest."""
        await self._authorizer.require(caller, action)
        after = paging.after(token)

        async def run(tx: Transaction) -> list[tuple[str, float]]:
            return await templates.page(
                tx, caller.principal.account_id, caller.region, after=after, limit=limit + 1
            )

        return paging.cut(await self._store.read(run), limit, lambda found: found[0])

    async def preview(self, caller: Caller, action: str, name: str, data: str) -> str:
        """The MIME text of a template with data filled in."""
        parts = self._read(await self.get(caller, action, name))
        if not data:
            raise InvalidRenderingParameter(MANDATORY, about={"TemplateName": name})
        try:
            values = read_data(data)
            subject = one_line(render(parts.subject, values) or "")
            text, html = render(parts.text, values), render(parts.html, values)
            built = build_preview(
                subject=subject,
                text="" if text is None and html is None else text,
                html=html,
                at=caller.at,
                new_boundary=lambda: f"----=_Part_{self._random_hex(12)}",
            )
        except MissingAttribute as error:
            raise MissingRenderingAttribute(str(error), about={"TemplateName": name}) from None
        except (RenderingError, MessageError) as error:
            raise InvalidRenderingParameter(str(error), about={"TemplateName": name}) from None
        return built.decode("ascii")

    async def to_send(
        self, caller: Caller, name: str | None, arn: str | None
    ) -> tuple[str, str, TemplateParts]:
        """Name, ARN and parts of a template to send, by its name, its ARN, or both if they agree.

        Whether the caller may use it is decided with the send.
        """
        if arn:
            named = _name_in(caller, arn)
            if name and name != named:
                raise InvalidParameterValue("The template name does not match the template ARN.")
            name = named
        if not name:
            raise InvalidParameterValue("The template name must be specified.")
        found = await self._find(caller, name)
        return name, template_arn(caller.region, caller.principal.account_id, name), self._read(found)

    def inline(self, parts: Parts) -> TemplateParts:
        """A template that stands in the request: simple substitution only."""
        _check_size(parts)
        return self._parts(parts.subject, parts.text, parts.html, only_values=True)

    async def _find(self, caller: Caller, name: str) -> templates.StoredTemplate:
        async def run(tx: Transaction) -> templates.StoredTemplate | None:
            return await templates.get(tx, caller.principal.account_id, caller.region, name)

        found = await self._store.read(run)
        if found is None:
            raise TemplateMissing(name)
        return found

    def _read(self, found: templates.StoredTemplate) -> TemplateParts:
        return self._parts(found.subject, found.text, found.html)

    def _parts(
        self, subject: str | None, text: str | None, html: str | None, *, only_values: bool = False
    ) -> TemplateParts:
        read = [
            None if part is None else self._cache.read(part, only_values=only_values)
            for part in (subject, text, html)
        ]
        return TemplateParts(subject=read[0], text=read[1], html=read[2])

    def _stored(self, caller: Caller, name: str, parts: Parts) -> templates.StoredTemplate:
        if not parts.subject:  # its model does not say so, but SES does (observed: boto3#2464)
            raise InvalidParameterValue("The subject must be specified.")
        try:
            _check_size(parts)
            self._parts(parts.subject, parts.text, parts.html)
        except InvalidTemplate as error:
            raise InvalidTemplate(error.message, about={"TemplateName": name}) from None
        return templates.StoredTemplate(
            account_id=caller.principal.account_id,
            region=caller.region,
            name=name,
            subject=parts.subject,
            text=parts.text,
            html=parts.html,
            created_at=self._clock.now(),
        )

    async def _require(self, caller: Caller, action: str, name: str) -> Permit:
        arn = template_arn(caller.region, caller.principal.account_id, name)
        return await self._authorizer.require(caller, action, arn)


def data_of(text: str | None, *, name: str = "TemplateData") -> Mapping[str, Any]:
    """The data of a send; nothing given is nothing to fill in."""
    if not text:
        return {}
    try:
        return read_data(text)
    except BadData as error:
        raise InvalidParameterValue(f"Invalid {name}: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """How one entry of a bulk send ended: its message, or why there is none."""

    message_id: MessageId | None
    error: ServiceError | None


async def send_all(sends: Sequence[Callable[[], Awaitable[MessageId]]]) -> list[Entry]:
    """Send every entry, all at once so that they share commits; one that fails does not stop the others.

    Raises what is wrong with the whole call: when no entry was accepted, each for such a reason.
    """

    async def one(send: Callable[[], Awaitable[MessageId]]) -> Entry:
        try:
            return Entry(message_id=await send(), error=None)
        except ServiceError as error:
            return Entry(message_id=None, error=error)
        except Unavailable:
            return Entry(message_id=None, error=TransientFailure("The service is not available; try again."))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(send)) for send in sends]
    entries = [task.result() for task in tasks]
    errors = [entry.error for entry in entries]
    whole = (AccessDenied, AccountSendingPaused, ConfigurationSetDoesNotExist, SenderNotVerified)
    if errors[0] is not None and all(isinstance(error, whole) for error in errors):
        raise errors[0]
    return entries


def status_of(error: ServiceError | None) -> str:
    """The status of an entry in the words of v1."""
    match error:
        case None:
            return "Success"
        case DailyQuotaExceeded():
            return "AccountDailyQuotaExceeded"
        case Throttling():
            return "AccountThrottled"
        case AccountSendingPaused():
            return "AccountSendingPaused"
        case ConfigurationSetDoesNotExist():
            return "ConfigurationSetDoesNotExist"
        case InvalidSendingPoolName():
            return "InvalidSendingPoolName"
        case InvalidParameterValue():
            return "InvalidParameterValue"
        case MessageRejected() | AccessDenied():
            return "MessageRejected"
        case ServiceUnavailable():
            return "TransientFailure"
        case _:
            return "Failed"


def check_entries(count: int) -> None:
    """Refuse a bulk send to nobody or to too many."""
    if not 1 <= count <= MOST_ENTRIES:
        raise InvalidParameterValue(f"A bulk send takes between 1 and {MOST_ENTRIES} destinations.")


def _check_name(name: str) -> None:
    if not name:
        raise InvalidParameterValue("The template name must be specified.")
    if not _NAME.fullmatch(name):
        raise InvalidParameterValue(
            f"Invalid template name <{name[:64]}>: up to 64 alphanumeric ASCII characters, '_' and '-' are allowed."
        )


def _check_size(parts: Parts) -> None:
    size = sum(len(part.encode(errors="replace")) for part in (parts.subject, parts.text, parts.html) if part)
    if size > MOST_BYTES:
        raise InvalidTemplate(f"A template has at most {MOST_BYTES} bytes, this one has {size}.")


def _name_in(caller: Caller, text: str) -> str:
    """The name in a template ARN of the caller's own account and region."""
    try:
        arn = Arn.parse(text)
    except ArnError as error:
        raise InvalidParameterValue(f"Invalid template ARN '{text[:200]}': {error}.") from None
    name = arn.resource.removeprefix("template/")
    if arn.service != "ses" or not arn.resource.startswith("template/") or not name:
        raise InvalidParameterValue(f"Invalid template ARN '{text[:200]}'.")
    if (arn.account_id, arn.region) != (caller.principal.account_id, caller.region):
        refused = InvalidParameterValue("A template ARN must be of the account and region of the request.")
        refused.facts = {"template_arn": text[:200]}
        raise refused
    return name
