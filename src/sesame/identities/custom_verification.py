"""Custom verification mail: what the operations of v1 and v2 have in common.

One store: what one API writes the other reads. The mail is a message of the account's like any other, so
it is authorised, counted, signed and traced as one; that the address waits for its link is written in the
transaction that accepts it. Sources: SES API and API v2 reference; SES developer guide, "Using custom
verification email templates"; Service Authorization Reference; observed words of refusals.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from types import MappingProxyType
from urllib.parse import urlsplit

from sesame.access.authorize import SendAuthorizer
from sesame.access.changes import Permit
from sesame.access.permission import Authorizer
from sesame.aws import paging
from sesame.aws.arn import custom_verification_template_arn
from sesame.db import Store, Transaction
from sesame.errors import InvalidParameterValue, LimitExceeded, ServiceError
from sesame.identities.names import address_name
from sesame.identities.verification import Verification
from sesame.mail.address import AddressError, identity_candidates, parse_addr_spec
from sesame.mail.simple_html import HtmlError, SimpleHtml, read_html
from sesame.model import Caller, MessageId
from sesame.observe import Clock
from sesame.sending.send import Sender, SenderNotVerified
from sesame.sending.submission import SimpleContent, Submission
from sesame.sending.verification_mail import verification_content
from sesame.store import custom_verification, identities, tags
from sesame.store.custom_verification import CustomTemplate, Outline, Redirect

MOST_TEMPLATES = 50
MOST_BYTES = 10 * 1024 * 1024
MOST_A_PAGE = 50
LONGEST_URL = 2048
LARGE_CHARACTERS = 64 * 1024
"""Contents above this are read on a thread."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_URL = re.compile(r"https?://[!#-;=?-\[\]_a-z~]+", re.IGNORECASE)  # RFC 3986: ASCII, no blanks, no quotes
_NO_TAGS: Mapping[str, str] = MappingProxyType({})


class CustomTemplateMissing(ServiceError):
    """There is no template of custom verification mail of that name."""

    code = "CustomVerificationEmailTemplateDoesNotExist"

    def __init__(self, name: str, *, what: str = "Custom verification email template") -> None:
        about = {"CustomVerificationEmailTemplateName": name}
        super().__init__(f"{what} <{name}> does not exist", about=about)


class CustomTemplateExists(ServiceError):
    """There is a template of that name already."""

    code = "CustomVerificationEmailTemplateAlreadyExists"

    def __init__(self, name: str) -> None:
        about = {"CustomVerificationEmailTemplateName": name}
        super().__init__(f"Custom verification email template <{name}> already exists", about=about)


class InvalidContent(ServiceError):
    """The content is not what custom verification mail may hold."""

    code = "CustomVerificationEmailInvalidContent"


class FromAddressNotVerified(ServiceError):
    """The From address is not an identity of the account's, or not a verified one."""

    code = "FromEmailAddressNotVerified"


class ProductionAccessNotGranted(ServiceError):
    """The account is in the sandbox."""

    code = "ProductionAccessNotGranted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a request says of a template; None is left as it is."""

    from_address: str | None
    subject: str | None
    content: str | None
    success_url: str | None
    failure_url: str | None


class CustomVerification:
    """Templates of an account in a region, and mail made of them.

    Each method but `send` asks the caller's IAM policies first; `send` asks them with the message.
    `max_bytes` is the limit for a composed message.
    """

    def __init__(
        self,
        store: Store,
        authorizer: Authorizer,
        send_authorizer: SendAuthorizer,
        sender: Sender,
        verification: Verification,
        *,
        clock: Clock,
        executor: Executor,
        max_bytes: int,
    ) -> None:
        self._store = store
        self._authorizer = authorizer
        self._send_authorizer = send_authorizer
        self._sender = sender
        self._verification = verification
        self._clock = clock
        self._executor = executor
        self._max_bytes = max_bytes

    async def create(
        self, caller: Caller, name: str, given: Given, *, named: Mapping[str, str] = _NO_TAGS
    ) -> None:
        """Add a template with its tags; every part of it must be given."""
        permit = await self._authorizer.require_creation(
            caller,
            "ses:CreateCustomVerificationEmailTemplate",
            custom_verification_template_arn(caller.region, caller.principal.account_id, name),
            tagging="ses:TagResource",
            tags=named,
        )
        if not _NAME.fullmatch(name):
            raise InvalidParameterValue(
                f"Invalid template name <{name[:64]}>: up to 64 alphanumeric ASCII characters, '_' and '-'"
                " are allowed."
            )
        await self._check(given)
        account_id, region = caller.principal.account_id, caller.region
        template = CustomTemplate(
            account_id=account_id,
            region=region,
            name=name,
            from_address=given.from_address or "",
            subject=given.subject or "",
            content=given.content or "",
            success_url=given.success_url or "",
            failure_url=given.failure_url or "",
            created_at=self._clock.now(),
        )

        async def run(tx: Transaction) -> None:
            if await custom_verification.exists(tx, account_id, region, name):
                raise CustomTemplateExists(name)
            if await custom_verification.count(tx, account_id, region) >= MOST_TEMPLATES:
                raise LimitExceeded(
                    f"An account has at most {MOST_TEMPLATES} custom verification email templates in a region."
                )
            await _check_from(tx, template)
            await custom_verification.put(tx, template)
            await tags.put(tx, custom_verification_template_arn(region, account_id, name), named)

        await permit.apply(run, is_long=_is_large(template.content))

    async def update(self, caller: Caller, name: str, given: Given) -> None:
        """Replace the parts that are given."""
        permit = await self._require(caller, "UpdateCustomVerificationEmailTemplate", name)
        await self._check(given)
        account_id, region = caller.principal.account_id, caller.region

        async def run(tx: Transaction) -> None:
            found = await custom_verification.get(tx, account_id, region, name)
            if found is None:
                raise CustomTemplateMissing(name)
            template = replace(
                found,
                from_address=_or(given.from_address, found.from_address),
                subject=_or(given.subject, found.subject),
                content=_or(given.content, found.content),
                success_url=_or(given.success_url, found.success_url),
                failure_url=_or(given.failure_url, found.failure_url),
            )
            if given.from_address is not None:
                await _check_from(tx, template)
            await custom_verification.put(tx, template)

        await permit.apply(run, is_long=True)

    async def get(self, caller: Caller, name: str) -> CustomTemplate:
        """A template as it was written."""
        await self._require(caller, "GetCustomVerificationEmailTemplate", name)
        found = await self._find(caller, name)
        if found is None:
            raise CustomTemplateMissing(name)
        return found

    async def tags_of(self, template: CustomTemplate) -> dict[str, str]:
        """The tags of a template that `get` gave."""
        arn = custom_verification_template_arn(template.region, template.account_id, template.name)
        return await self._store.read(lambda tx: tags.get(tx, arn))

    async def delete(self, caller: Caller, name: str) -> bool:
        """Remove a template; whether there was one."""
        permit = await self._require(caller, "DeleteCustomVerificationEmailTemplate", name)
        account_id, region = caller.principal.account_id, caller.region

        async def run(tx: Transaction) -> bool:
            await tags.remove_all(tx, custom_verification_template_arn(region, account_id, name))
            return await custom_verification.delete(tx, account_id, region, name)

        return await permit.apply(run)

    async def page(
        self, caller: Caller, token: str | None, *, limit: int
    ) -> tuple[Sequence[Outline], str | None]:
        """Templates by name without their contents, and the token for the rest."""
        await self._authorizer.require(caller, "ses:ListCustomVerificationEmailTemplates")
        after = paging.after(token)

        async def run(tx: Transaction) -> list[Outline]:
            return await custom_verification.page(
                tx, caller.principal.account_id, caller.region, after=after, limit=limit + 1
            )

        return paging.cut(await self._store.read(run), limit, lambda found: found.name)

    async def send(
        self,
        caller: Caller,
        address: str,
        template_name: str,
        *,
        configuration_set: str | None,
        api_version: str,
    ) -> MessageId:
        """Mail an address the link that verifies it, and add it as an identity that waits for that.

        Both or neither: a refusal leaves the address, and the links it was mailed before, as they are.
        """
        if not address.strip():
            raise InvalidParameterValue("Email address not specified.")
        name = address_name(address)
        template = await self._find(caller, template_name)
        if template is None:
            what = "Template" if api_version == "1" else "Custom verification email template"
            raise CustomTemplateMissing(template_name, what=what)
        await self._check_production(caller)
        account_id, region, token = caller.principal.account_id, caller.region, self._verification.new_token()

        async def wait_for_click(tx: Transaction) -> None:
            await self._verification.await_click(tx, account_id, region, name, token=token, at=caller.at)
            redirect = Redirect(success_url=template.success_url, failure_url=template.failure_url)
            await custom_verification.keep_redirect(tx, token, redirect, at=caller.at)
            await self._authorizer.changes.note(tx, caller)

        content = verification_content(
            name,
            subject=template.subject,
            content=await self._read(template.content),
            link=self._verification.link(token),
        )
        submission = self._submission(template, content, configuration_set, api_version)
        try:
            return await self._sender.send(caller, submission, in_same_transaction=wait_for_click)
        except SenderNotVerified as error:
            about = {"FromEmailAddress": template.from_address}
            raise FromAddressNotVerified(error.message, about=about) from None

    def _submission(
        self,
        template: CustomTemplate,
        content: SimpleContent,
        configuration_set: str | None,
        api_version: str,
    ) -> Submission:
        arn = custom_verification_template_arn(template.region, template.account_id, template.name)
        return Submission(
            operation="SendCustomVerificationEmail",
            action="ses:SendCustomVerificationEmail",
            api_version=api_version,
            content=content,
            source=template.from_address,
            destinations=(),
            return_path=None,
            source_arn=None,
            from_arn=None,
            return_path_arn=None,
            configuration_set=configuration_set,
            tags=(),
            max_bytes=self._max_bytes,
            tracking={"open": False, "click": False},
            resources=(arn,),
        )

    async def _check_production(self, caller: Caller) -> None:
        account = await self._send_authorizer.account_state(caller)
        if not account.production:
            account = await self._send_authorizer.fresh_account_state(caller)
        if not account.production:
            raise ProductionAccessNotGranted("The account has not been granted production access.")

    async def _find(self, caller: Caller, name: str) -> CustomTemplate | None:
        async def run(tx: Transaction) -> CustomTemplate | None:
            return await custom_verification.get(tx, caller.principal.account_id, caller.region, name)

        return await self._store.read(run)

    async def _check(self, given: Given) -> None:
        """What does not hang on the account: forms of address, subject, content, URLs."""
        if given.from_address is not None:
            _check_address(given.from_address)
        if given.subject is not None and not given.subject.strip():
            raise InvalidParameterValue("The template subject must be specified.")
        if given.content is not None:
            if not given.content.strip():
                raise InvalidContent("The template content must be specified.")
            await self._read(given.content)
        for url, which in ((given.success_url, "success"), (given.failure_url, "failure")):
            if url is not None and not _is_url(url):
                raise InvalidParameterValue(f"The {which} redirection URL is invalid")

    async def _read(self, content: str) -> SimpleHtml:
        """The content as it is read. Raises `InvalidContent`."""
        if not _is_large(content):
            return _read(content)
        return await asyncio.get_running_loop().run_in_executor(self._executor, _read, content)

    async def _require(self, caller: Caller, operation: str, name: str) -> Permit:
        arn = custom_verification_template_arn(caller.region, caller.principal.account_id, name)
        return await self._authorizer.require(caller, f"ses:{operation}", arn)


def _read(content: str) -> SimpleHtml:
    size = len(content.encode(errors="replace"))
    if size >= MOST_BYTES:
        raise InvalidContent(
            f"The template content must be less than {MOST_BYTES} bytes, this one has {size}."
        )
    try:
        return read_html(content)
    except HtmlError as error:
        raise InvalidContent(f"The template content is not valid: {error}.") from None


def _check_address(text: str) -> None:
    """An address without a display name."""
    try:
        parse_addr_spec(text)
    except AddressError:
        raise InvalidParameterValue(f"Invalid email address<{text[:320]}>.") from None


async def _check_from(tx: Transaction, template: Outline) -> None:
    """The From address must be a verified identity of the account, or lie in one."""
    for name in identity_candidates(template.from_address):
        found = await identities.get(tx, template.account_id, template.region, name)
        if found is not None and found.verification.is_in_force:
            return
    raise FromAddressNotVerified(
        f"The from email address <{template.from_address}> is not verified",
        about={"FromEmailAddress": template.from_address},
    )


def _is_url(text: str) -> bool:
    """Whether a browser can be sent there: http or https, a host, no credentials, fit for a header field."""
    if len(text) > LONGEST_URL or not _URL.fullmatch(text):
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return False


def _is_large(content: str) -> bool:
    return len(content) > LARGE_CHARACTERS


def _or(given: str | None, found: str) -> str:
    return found if given is None else given
