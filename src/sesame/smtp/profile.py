"""How a server presents itself: the texts of its replies, and what it offers.

Data only. `SES_SUBMISSION` speaks with the texts of Amazon SES (developer guide, and transcripts
that users published); where none is known, plain ones in the same style. `MAIL_EXCHANGER` is a
receiving server with the enhanced status codes of RFC 2034 and 3463.
"""

from dataclasses import dataclass

from sesame.smtp.reply import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Replies by occasion. `{address}` in a text stands for the address the client gave."""

    banner: str
    """What follows the host name in the greeting."""
    extensions: tuple[str, ...]
    """EHLO lines beside SIZE, STARTTLS and AUTH, which the connection knows."""
    hello_end: str | None
    """A last EHLO line that is not an extension."""
    is_mail_exchanger: bool
    """Takes the null reverse-path and `<Postmaster>`, as every receiver must (RFC 5321 section 4.5)."""
    announces_auth_in_clear: bool
    """Whether EHLO shows AUTH before STARTTLS; using it there is refused in any case."""

    ok: Reply
    mail_ok: Reply
    rcpt_ok: Reply
    start_data: Reply
    bye: Reply
    cannot_verify: Reply
    help: Reply

    start_tls: Reply
    tls_unavailable: Reply
    tls_required: Reply
    auth_ok: Reply
    auth_failed: Reply
    auth_malformed: Reply
    auth_unknown_mechanism: Reply
    auth_required: Reply

    unknown_command: Reply
    syntax_error: Reply
    unknown_parameter: Reply
    bad_sequence: Reply
    hello_first: Reply
    unusable_reverse_path: Reply
    """The reverse-path has no domain, is empty, or is not a path at all."""
    bad_reverse_path: Reply
    bad_forward_path: Reply
    too_many_recipients: Reply
    too_big: Reply
    long_text_line: Reply

    long_command_line: Reply
    stray_byte: Reply
    early_input: Reply
    """The client spoke before the greeting, or sent the message before it was asked for it."""
    too_much_input: Reply
    too_many_errors: Reply
    timeout: Reply


SES_SUBMISSION = Profile(
    banner="ESMTP SimpleEmailService",
    extensions=("8BITMIME",),
    hello_end="Ok",
    is_mail_exchanger=False,
    announces_auth_in_clear=True,
    ok=Reply(250, "Ok"),
    mail_ok=Reply(250, "Ok"),
    rcpt_ok=Reply(250, "Ok"),
    start_data=Reply(354, "End data with <CR><LF>.<CR><LF>"),
    bye=Reply(221, "Bye"),
    cannot_verify=Reply(252, "Cannot verify, send the message to find out"),
    help=Reply(214, "See RFC 5321"),
    start_tls=Reply(220, "Ready to start TLS"),
    tls_unavailable=Reply(454, "TLS not supported"),
    tls_required=Reply(530, "Must issue a STARTTLS command first"),
    auth_ok=Reply(235, "Authentication successful."),
    auth_failed=Reply(535, "Authentication Credentials Invalid"),
    auth_malformed=Reply(501, "Invalid authentication response"),
    auth_unknown_mechanism=Reply(504, "Unrecognized authentication type"),
    auth_required=Reply(530, "Authentication required"),
    unknown_command=Reply(500, "Unrecognized command"),
    syntax_error=Reply(501, "Syntax error in arguments"),
    unknown_parameter=Reply(555, "Parameter not supported"),
    bad_sequence=Reply(503, "Bad sequence of commands"),
    hello_first=Reply(503, "Send EHLO first"),
    unusable_reverse_path=Reply(501, "Invalid MAIL FROM address provided"),
    bad_reverse_path=Reply(553, "<{address}> Invalid email address"),
    bad_forward_path=Reply(553, "<{address}> address unknown"),
    too_many_recipients=Reply(452, "Too many recipients"),
    too_big=Reply(552, "Message is too long."),
    long_text_line=Reply(554, "Transaction failed: Line longer than 1000 octets."),
    long_command_line=Reply(500, "Line too long"),
    stray_byte=Reply(554, "5.6.0 Bare CR, bare LF or NUL is not allowed"),
    early_input=Reply(503, "Wait for the reply before sending more"),
    too_much_input=Reply(421, "Too much input before a reply"),
    too_many_errors=Reply(421, "Too many errors"),
    timeout=Reply(451, "4.4.2 Timeout waiting for data from client."),
)

MAIL_EXCHANGER = Profile(
    banner="ESMTP",
    extensions=("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"),
    hello_end=None,
    is_mail_exchanger=True,
    announces_auth_in_clear=False,
    ok=Reply(250, "2.0.0 Ok"),
    mail_ok=Reply(250, "2.1.0 Ok"),
    rcpt_ok=Reply(250, "2.1.5 Ok"),
    start_data=Reply(354, "End data with <CR><LF>.<CR><LF>"),
    bye=Reply(221, "2.0.0 Bye"),
    cannot_verify=Reply(252, "2.1.5 Cannot verify, send the message to find out"),
    help=Reply(214, "2.0.0 See RFC 5321"),
    start_tls=Reply(220, "2.0.0 Ready to start TLS"),
    tls_unavailable=Reply(454, "4.7.0 TLS not available"),
    tls_required=Reply(530, "5.7.0 Must issue a STARTTLS command first"),
    auth_ok=Reply(235, "2.7.0 Authentication successful"),
    auth_failed=Reply(535, "5.7.8 Authentication credentials invalid"),
    auth_malformed=Reply(501, "5.5.2 Invalid authentication response"),
    auth_unknown_mechanism=Reply(504, "5.5.4 Unrecognized authentication type"),
    auth_required=Reply(530, "5.7.0 Authentication required"),
    unknown_command=Reply(500, "5.5.1 Unrecognized command"),
    syntax_error=Reply(501, "5.5.4 Syntax error in arguments"),
    unknown_parameter=Reply(555, "5.5.4 Parameter not supported"),
    bad_sequence=Reply(503, "5.5.1 Bad sequence of commands"),
    hello_first=Reply(503, "5.5.1 Send EHLO first"),
    unusable_reverse_path=Reply(553, "5.1.7 <{address}> is not a mailbox"),
    bad_reverse_path=Reply(553, "5.1.7 <{address}> is not a mailbox"),
    bad_forward_path=Reply(553, "5.1.3 <{address}> is not a mailbox"),
    too_many_recipients=Reply(452, "4.5.3 Too many recipients"),
    too_big=Reply(552, "5.3.4 Message is too big"),
    long_text_line=Reply(554, "5.6.0 Message has a line of more than 998 octets"),
    long_command_line=Reply(500, "5.5.2 Line too long"),
    stray_byte=Reply(554, "5.6.0 Bare CR, bare LF or NUL is not allowed"),
    early_input=Reply(503, "5.5.1 Wait for the reply before sending more"),
    too_much_input=Reply(421, "4.7.0 Too much input before a reply"),
    too_many_errors=Reply(421, "4.7.0 Too many errors"),
    timeout=Reply(421, "4.4.2 Timeout waiting for data from client"),
)
