"""From what the remote said, or failed to say, to an `Outcome`: permanent or transient, and why.

The class of the basic reply code decides, for that is what a client must obey (RFC 5321 section
4.2.1); the enhanced status code says why (RFC 3463). Nothing here raises.
"""

import msgspec

from sesame.delivery.route import Host, Unroutable
from sesame.delivery.tls import TlsFailed
from sesame.errors import SesameError
from sesame.mail.status import reply_status
from sesame.model import Outcome, OutcomeKind
from sesame.smtp.client import RecipientResult
from sesame.smtp.errors import MessageNotSendable, RemoteProtocolError, Stage
from sesame.smtp.reply import Reply, printable
from sesame.spool.settle import may_have_been_delivered

MAX_DIAGNOSTIC = 500


def from_result(
    result: RecipientResult,
    host: Host,
    *,
    tls: str | None,
    verdict: str | None = None,
    source_ip: str | None = None,
) -> Outcome:
    """The outcome of a transaction for one recipient."""
    reply = result.reply
    if result.is_delivered:
        kind = OutcomeKind.DELIVERED
    elif reply.is_permanent:
        kind = OutcomeKind.PERMANENT
    else:
        # A success where none belongs (2yz to MAIL without a message taken) settles nothing either.
        kind = OutcomeKind.TRANSIENT
    # 421 is about the server, whatever it came to (RFC 5321 section 3.8).
    is_unreachable = reply.code == 421
    return _of_reply(
        kind, reply, host, result.stage,
        tls=tls, verdict=verdict, is_unreachable=is_unreachable, source_ip=source_ip,
    )  # fmt: skip


def refused(reply: Reply, host: Host, *, stage: Stage) -> Outcome:
    """The server would not talk to us. Only its EHLO refusal is about mail; a greeting may pass.

    A password that it does not take is the operator's to mend, and no reason to give mail back.
    """
    permanent = reply.is_permanent and stage not in (Stage.CONNECT, Stage.AUTH)
    kind = OutcomeKind.PERMANENT if permanent else OutcomeKind.TRANSIENT
    return _of_reply(kind, reply, host, stage, is_unreachable=not permanent)


def from_error(error: Exception, host: Host | None) -> Outcome:
    """The outcome when no reply decided: unreachable, broken protocol, time-out, no route.

    Only for errors that a server, the network or DNS is the cause of; `fault_of_ours` is for the rest.
    """
    match error:
        case Unroutable() | MessageNotSendable():
            kind, status = OutcomeKind.PERMANENT, error.status
        case TlsFailed():
            kind, status = OutcomeKind.TRANSIENT, "4.7.5"
        case RemoteProtocolError():
            kind, status = OutcomeKind.TRANSIENT, "4.5.0"
        case TimeoutError():
            kind, status = OutcomeKind.TRANSIENT, "4.4.1"
        case SesameError():
            kind, status = OutcomeKind.TRANSIENT, "4.4.3"
        case _:
            kind, status = OutcomeKind.TRANSIENT, "4.4.1"
    return Outcome(
        kind=kind,
        status=status,
        diagnostic=_one_line(str(error) or type(error).__name__),
        remote_mta=None if host is None else host.name,
        remote_ip=None if host is None else host.address,
        is_unreachable=kind is OutcomeKind.TRANSIENT,
        ambiguous=isinstance(error, RemoteProtocolError) and error.ambiguous,
        tls_verdict=f"refused: {_one_line(str(error))}" if isinstance(error, TlsFailed) else None,
    )


def fault_of_ours() -> Outcome:
    """Something went wrong in this service; no server has said a word about the message.

    The mail waits: the fault may be gone with the next version. What it was stands in the log.
    """
    return Outcome(
        kind=OutcomeKind.TRANSIENT, status="4.3.0", diagnostic="internal fault of the sending service"
    )


def no_source(error: SesameError) -> Outcome:
    """There is no address of ours to send from: for the account or the operator to mend, and no server's fault."""
    return Outcome(kind=OutcomeKind.TRANSIENT, status="4.3.5", diagnostic=_one_line(str(error)))


def after_doubts(found: Outcome, doubts: int) -> Outcome:
    """The last of several tries after which the message may have been delivered: an outcome of its own."""
    said = f"{may_have_been_delivered(doubts)}; at last {found.diagnostic}"
    return msgspec.structs.replace(found, status="4.4.2", diagnostic=said[:MAX_DIAGNOSTIC])


def _of_reply(
    kind: OutcomeKind,
    reply: Reply,
    host: Host,
    stage: Stage,
    *,
    is_unreachable: bool,
    tls: str | None = None,
    verdict: str | None = None,
    source_ip: str | None = None,
) -> Outcome:
    return Outcome(
        kind=kind,
        status=str(reply_status(reply.code, reply.text)),
        diagnostic=_one_line(reply.diagnostic),
        remote_mta=host.name,
        remote_ip=host.address,
        tls=tls,
        tls_verdict=verdict,
        stage=stage.value,
        is_unreachable=is_unreachable,
        source_ip=source_ip,
    )


def _one_line(text: str) -> str:
    return printable(text)[:MAX_DIAGNOSTIC]
