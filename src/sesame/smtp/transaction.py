"""A mail transaction as a server takes it in: from whom, and to whom.

Judges what MAIL and RCPT say and keeps it until the transaction ends. Whether they may come yet, before TLS or AUTH, is
for `server` to say. Sources: RFC 5321 sections 3.3, 4.1.1.2 and 4.1.1.3, RFC 1870 (SIZE), 6152 (8BITMIME), 4954
section 5 (AUTH=).
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from sesame.smtp.command import CommandSyntaxError, PathSyntaxError, parse_mail, parse_rcpt
from sesame.smtp.limits import Limits
from sesame.smtp.profile import Profile
from sesame.smtp.reply import Reply, printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What MAIL or RCPT is refused with."""

    reply: Reply
    address: str | None = None
    """What stood in its path, where that is what is wrong."""
    is_error: bool = True
    """Whether it counts towards the refusals that close a connection."""


class Transaction:
    """What a client has said of the message to come; `reverse_path` is None before MAIL, empty for the null path.

    `with_auth`: MAIL may have the parameter AUTH. `may_receive` gives the reply that refuses a recipient, or None.
    """

    def __init__(
        self,
        profile: Profile,
        limits: Limits,
        *,
        with_auth: bool,
        may_receive: Callable[[str], Reply | None],
    ) -> None:
        self._profile = profile
        self._limits = limits
        self._with_auth = with_auth
        self._may_receive = may_receive
        self.reverse_path: str | None = None
        self.recipients: list[str] = []

    def end(self) -> None:
        """Forget it all."""
        self.reverse_path = None
        self.recipients = []

    def mail(self, argument: str) -> Refusal | None:
        """Begin, with the argument of MAIL; None when it was taken."""
        if self.reverse_path is not None:
            return Refusal(reply=self._profile.bad_sequence)
        try:
            path = parse_mail(argument)
        except PathSyntaxError as error:
            has_domain = "@" in error.address
            reply = self._profile.bad_reverse_path if has_domain else self._profile.unusable_reverse_path
            return _of_address(reply, error.address)
        except CommandSyntaxError:
            return Refusal(reply=self._profile.syntax_error)
        if not path.mailbox and not self._profile.is_mail_exchanger:
            return _of_address(self._profile.unusable_reverse_path, "")
        judged = self._judge(path.parameters)
        if judged is not None:
            return Refusal(reply=judged)
        self.reverse_path = path.mailbox
        return None

    def _judge(self, parameters: Mapping[str, str | None]) -> Reply | None:
        """The reply that refuses parameters of MAIL, or None."""
        for keyword, value in parameters.items():
            match keyword:
                case "SIZE":
                    if value is None or not value.isdigit() or len(value) > 20:
                        return self._profile.syntax_error
                    if int(value) > self._limits.size_bytes:
                        return self._profile.too_big
                case "BODY":
                    if value is None or value.upper() not in ("7BIT", "8BITMIME"):
                        return self._profile.syntax_error
                case "AUTH" if self._with_auth:
                    # RFC 4954 section 5: who first submitted it. We trust no client to say so,
                    # which is the same as AUTH=<>.
                    if value is None:
                        return self._profile.syntax_error
                case _:
                    return self._profile.unknown_parameter
        return None

    def rcpt(self, argument: str) -> Refusal | None:
        """Add a recipient, with the argument of RCPT; None when it was taken."""
        if self.reverse_path is None:
            return Refusal(reply=self._profile.bad_sequence)
        try:
            path = parse_rcpt(argument)
        except PathSyntaxError as error:
            return _of_address(self._profile.bad_forward_path, error.address)
        except CommandSyntaxError:
            return Refusal(reply=self._profile.syntax_error)
        if "@" not in path.mailbox and not self._profile.is_mail_exchanger:
            return _of_address(self._profile.bad_forward_path, path.mailbox)
        if path.parameters:
            return Refusal(reply=self._profile.unknown_parameter)
        if len(self.recipients) >= self._limits.recipients:
            return Refusal(reply=self._profile.too_many_recipients, is_error=False)
        if (reply := self._may_receive(path.mailbox)) is not None:
            return Refusal(reply=reply)
        self.recipients.append(path.mailbox)
        return None


def _of_address(reply: Reply, address: str) -> Refusal:
    if not address.isascii():
        with suppress(UnicodeDecodeError):
            address = address.encode("latin-1").decode("utf-8")
    said = Reply(reply.code, reply.text.replace("{address}", printable(address)))
    return Refusal(reply=said, address=address)
