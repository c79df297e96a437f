"""The addresses that a message sends as, and which ARN speaks for each.

Whether the caller may send as them is `access.authorize`'s to say.

Source: SES developer guide, "Delegate sender tasks"; docs/quirks.md for what it leaves open.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from sesame.access.identity_names import parse_identity_arn
from sesame.access.sends import SenderAddress
from sesame.mail.address import Mailbox, identity_candidates, parse_mailbox
from sesame.mail.message import ParsedMessage
from sesame.sending.submission import Submission


class Arns(msgspec.Struct, frozen=True, kw_only=True):
    """The ARNs that a client named for its addresses, parameter before header."""

    source: str | None
    from_: str | None
    return_path: str | None


class Senders(msgspec.Struct, frozen=True, kw_only=True):
    """The addresses of one message: `named` has each use of one, the address, and how the client wrote it."""

    from_: Mailbox
    source: str
    """The envelope sender."""
    return_path: str
    """Where feedback goes."""
    named: Sequence[tuple[str, str, str]]
    arns: Arns

    def addresses(self, bound_arns: Sequence[str]) -> tuple[SenderAddress, ...]:
        """Each with the ARN that speaks for it; `bound_arns` are those that the credential is bound to."""
        arn_for = _arns_by_use(self, bound_arns)
        return tuple(
            SenderAddress(use=use, addr_spec=address, as_written=as_written, arn=arn_for(use, address))
            for use, address, as_written in self.named
        )


def senders_of_simple(submission: Submission, source: Mailbox) -> Senders:
    """Those of a message that is built from parts, whose From is its `source`."""
    written = submission.source or source.addr_spec
    return_path = parse_mailbox(submission.return_path) if submission.return_path else source
    return Senders(
        from_=source,
        source=source.addr_spec,
        return_path=return_path.addr_spec,
        named=[
            ("From", source.addr_spec, written),
            ("Source", source.addr_spec, written),
            ("Return-Path", return_path.addr_spec, submission.return_path or written),
        ],
        arns=Arns(
            source=submission.source_arn, from_=submission.from_arn, return_path=submission.return_path_arn
        ),
    )


def senders_of_raw(submission: Submission, message: ParsedMessage, source: Mailbox) -> Senders:
    """Those of a message that the client wrote: what it says of itself stands where no parameter says it."""
    from_as_written = _from_as_written(message)
    named = [
        ("From", message.from_.addr_spec, from_as_written),
        ("Source", source.addr_spec, submission.source or from_as_written),
    ]
    if message.sender is not None:
        named.append(("Sender", message.sender.addr_spec, message.sender.addr_spec))
    # With a Source, feedback goes there; a Return-Path field is the sender's claim and checked all the same.
    stated = submission.return_path or message.return_path
    claimed = parse_mailbox(stated).addr_spec if stated else source.addr_spec
    named.append(("Return-Path", claimed, claimed))
    return Senders(
        from_=message.from_,
        source=source.addr_spec,
        return_path=source.addr_spec if submission.source and not submission.return_path else claimed,
        named=named,
        arns=_arns_of_raw(submission, message.x_ses),
    )


def _arns_of_raw(submission: Submission, x_ses: Mapping[str, str]) -> Arns:
    return Arns(
        source=submission.source_arn or x_ses.get("x-ses-source-arn"),
        from_=submission.from_arn or x_ses.get("x-ses-from-arn"),
        return_path=submission.return_path_arn or x_ses.get("x-ses-return-path-arn"),
    )


def _from_as_written(message: ParsedMessage) -> str:
    """The From address as the message shows it, for SES's list of unverified identities."""
    name = message.from_.display_name
    return message.from_.addr_spec if name is None else f"{name} <{message.from_.addr_spec}>"


def _arns_by_use(senders: Senders, bound: Sequence[str]) -> Callable[[str, str], str | None]:
    """Which ARN speaks for an address.

    An ARN named for the use itself must fit the address. SourceArn also stands in for a FromArn or
    ReturnPathArn that is absent, and FromArn for a SourceArn where Source is the From address; a
    stand-in that does not cover the address is passed over, so the caller's own identities decide. Last
    come the ARNs that the credential is bound to.
    """
    arns, source, from_address = senders.arns, senders.source, senders.from_.addr_spec
    if not (arns.source or arns.from_ or arns.return_path or bound):
        return _no_arn
    source_arn = arns.source or (arns.from_ if source == from_address else None)
    named = {"From": arns.from_, "Source": source_arn, "Return-Path": arns.return_path, "Sender": None}
    stand_ins = [arn for arn in (arns.from_ or source_arn, source_arn) if arn is not None]

    def arn_for(use: str, address: str) -> str | None:
        if named[use] is not None:
            return named[use]
        if use == "From" and source_arn is not None and source == address:
            return source_arn
        order = stand_ins if use == "Sender" else [arn for arn in (source_arn,) if arn is not None]
        return next((arn for arn in (*order, *bound) if _covers(arn, address)), None)

    return arn_for


def _no_arn(use: str, address: str) -> None:
    """None of a message that names none."""


def _covers(arn: str, address: str) -> bool:
    return parse_identity_arn(arn).name in identity_candidates(address)
