"""The submission door: what SES's SMTP interface does with passwords and messages.

Everything is checked at the end of DATA, as SES does, and the answer is the API's in SMTP's words. Source:
SES developer guide, "Using the Amazon SES SMTP interface", "SMTP response codes".
"""

import traceback
from dataclasses import replace

from sesame.access.causes.sign_in import WITHOUT_LOG_IN, WITHOUT_TLS, SignIns
from sesame.access.pace import Pace
from sesame.access.smtp_login import Login, SmtpLogins, TooManyFailures, WrongCredentials
from sesame.aws.errors import InvalidClientTokenId
from sesame.errors import (
    AccessDenied,
    InsufficientStorage,
    InternalFailure,
    MessageRejected,
    ServiceError,
    ServiceUnavailable,
    Throttling,
    Unavailable,
)
from sesame.mail.message import received_from
from sesame.metrics import Metrics
from sesame.observe import Clock, Log
from sesame.sending.send import Sender
from sesame.sending.submission import SMTP, RawContent, Submission
from sesame.server.smtp import client_network
from sesame.smtp.events import AddressRefused, AuthRequested, CommandRefused, MessageReceived
from sesame.smtp.limits import Limits
from sesame.smtp.profile import SES_SUBMISSION
from sesame.smtp.reply import Reply, printable
from sesame.smtp.server import ServerConnection

NO_ROOM = Reply(452, "4.3.1 Insufficient system storage")
TEMPORARY_FAILURE = Reply(451, "Temporary service failure")
TEMPORARY_AUTH_FAILURE = Reply(454, "Temporary authentication failure")
_BEFORE_LOG_IN = {
    SES_SUBMISSION.auth_required.text: WITHOUT_LOG_IN,
    SES_SUBMISSION.tls_required.text: WITHOUT_TLS,
}
"""Why a command was refused to who has not logged in, and what to do."""
_KNOWN_REASONS = frozenset({"wrong credentials", "too many failures", "internal failure"})


class SubmissionDoor:
    """Makes a session for each connection. `hostname` is what the greeting says."""

    def __init__(
        self,
        logins: SmtpLogins,
        sender: Sender,
        *,
        hostname: str,
        message_bytes: int,
        failure_delay_s: float,
        sign_ins: SignIns,
        clock: Clock,
        log: Log,
        metrics: Metrics,
    ) -> None:
        self.logins = logins
        self.sender = sender
        self.hostname = hostname
        self.message_bytes = message_bytes
        self.pace = Pace(step_s=failure_delay_s)
        self.sign_ins = sign_ins
        self.clock = clock
        self.log = log
        self.metrics = metrics

    def open_session(self, address: str, is_tls: bool) -> "SubmissionSession":
        """A session for a client at `address`; `is_tls`: TLS comes before the greeting."""
        return SubmissionSession(self, address, is_tls=is_tls)


class SubmissionSession:
    """One connection of one client."""

    def __init__(self, door: SubmissionDoor, address: str, *, is_tls: bool) -> None:
        self._door = door
        self._address = address
        self._login: Login | None = None
        self._tls_version: str | None = None
        self.machine = ServerConnection(
            hostname=door.hostname,
            profile=SES_SUBMISSION,
            limits=Limits(size_bytes=door.message_bytes),
            tls="implicit" if is_tls else "starttls",
            auth="required",
        )

    def secured(self, version: str | None) -> None:
        """Keep the version of TLS that mail comes by."""
        self._tls_version = version

    async def check_password(self, asked: AuthRequested) -> Reply | None:
        """None when the password is right; a wrong one is answered a little later, by even steps since it came."""
        door = self._door
        began = door.pace.begin()
        refusal: Reply | None = None
        reason, cause = "", None
        try:
            self._login = await door.logins.check(
                asked.username, asked.password, address=self._address, client=client_network(self._address)
            )
            door.sign_ins.succeeded(self._login.access_key_id, "SMTP", self._login.region)
        except WrongCredentials as error:
            refusal, reason = SES_SUBMISSION.auth_failed, "wrong credentials"
            cause = await self._keep(asked.username, error)
        except TooManyFailures as error:
            refusal, reason = TEMPORARY_AUTH_FAILURE, "too many failures"
            cause = await self._keep(asked.username, error)
        except Unavailable as error:
            refusal, reason = TEMPORARY_AUTH_FAILURE, str(error)
        except Exception:
            door.log.error("internal_failure", trace=traceback.format_exc())
            refusal, reason = TEMPORARY_AUTH_FAILURE, "internal failure"
        if refusal is not None:
            door.metrics.smtp_logins_refused.labels(reason if reason in _KNOWN_REASONS else "other").inc()
            door.log.event("smtp_login_refused", address=self._address, reason=reason, cause=cause)
            await door.pace.hold(began)
        return refusal

    async def _keep(self, username: str, error: WrongCredentials | TooManyFailures) -> str | None:
        """Keep why a log-in failed, for the account to read; its cause for the log. The answer does not hang on it."""
        try:
            return await self._door.sign_ins.keep_smtp(username, error, address=self._address)
        except Unavailable as unavailable:
            self._door.log.error("unavailable", reason=str(unavailable))
            return None

    async def note(self, refused: AddressRefused | CommandRefused) -> None:
        """Keep what was refused without a message being taken, for the account to read; the answer does not hang on it.

        Of who has not logged in there is the line in the log alone.
        """
        door, command, reply = self._door, refused.command or None, refused.reply
        if self._login is None:
            door.log.event(
                "smtp_command_refused",
                address=self._address,
                command=command,
                code=reply.code,
                reason=reply.text,
                cause=_BEFORE_LOG_IN.get(reply.text),
            )
            return
        try:
            caller = await door.logins.caller(self._login)
            address = refused.address if isinstance(refused, AddressRefused) else None
            is_address = address is not None
            cause = await door.sign_ins.keep_refused(
                caller, refused.command, reply.code, reply.text, address=address
            )
            door.log.event(
                "smtp_address_refused" if is_address else "smtp_command_refused",
                request_id=caller.request_id,
                account_id=caller.principal.account_id,
                command=command,
                code=reply.code,
                # Of an address that RCPT refused it has the recipient.
                cause=None if is_address and refused.command == "RCPT" else cause,
                why=f"sesame why {caller.request_id}",
            )
        except WrongCredentials:
            return  # the key is gone, and with it whoever would read it
        except Unavailable as error:
            door.log.error("unavailable", reason=str(error))
        except Exception:
            door.log.error("internal_failure", trace=traceback.format_exc())

    async def take(self, message: MessageReceived) -> Reply:
        """Accept a message durably, or say in SES's words why not."""
        door = self._door
        started = door.clock.monotonic()
        assert self._login is not None, "the machine takes no message before AUTH"
        caller = None
        try:
            caller = replace(await door.logins.caller(self._login), tls_version=self._tls_version)
            door.sign_ins.succeeded(caller.access_key_id, "SMTP", caller.region)
            message_id = await door.sender.send(caller, self._submission(message))
            reply = Reply(250, f"Ok {message_id}")
        except WrongCredentials:
            reply = SES_SUBMISSION.auth_required
        except ServiceError as error:
            reply = reply_for(error)
        except Unavailable as error:
            door.log.error("unavailable", reason=str(error))
            reply = TEMPORARY_FAILURE
        except Exception:
            door.log.error("internal_failure", trace=traceback.format_exc())
            reply = TEMPORARY_FAILURE
        door.metrics.smtp_messages.labels(str(reply.code)).inc()
        door.log.event(
            "smtp_message",
            request_id=None if caller is None else caller.request_id,
            account_id=None if caller is None else caller.principal.account_id,
            region=self._login.region,
            code=reply.code,
            ms=round((door.clock.monotonic() - started) * 1000, 2),
        )
        return reply

    def _submission(self, message: MessageReceived) -> Submission:
        assert self._login is not None
        return Submission(
            operation=SMTP,
            action="ses:SendRawEmail",
            api_version="2",
            content=RawContent(data=message.data),
            source=message.mail_from,
            destinations=message.recipients,
            return_path=None,
            source_arn=None,
            from_arn=None,
            return_path_arn=None,
            configuration_set=None,
            tags=(),
            max_bytes=self._door.message_bytes,
            bound_arns=self._login.bound,
            trace=received_from(
                self.machine.client_name,
                self._address,
                hostname=self._door.hostname,
                protocol=self.machine.protocol,
            ),
        )


def reply_for(error: ServiceError) -> Reply:
    """An answer of the API in the words of SES's SMTP interface."""
    match error:
        case AccessDenied():
            code, prefix = 554, "Access denied"
        case MessageRejected():
            code, prefix = 554, "Message rejected"
        case Throttling():
            code, prefix = 454, "Throttling failure"
        case InsufficientStorage():
            return NO_ROOM
        case ServiceUnavailable() | InternalFailure():
            return TEMPORARY_FAILURE
        case InvalidClientTokenId():
            return SES_SUBMISSION.auth_required
        case _:
            code, prefix = 554, "Transaction failed"
    return Reply(code, printable(f"{prefix}: {error.message}"))
