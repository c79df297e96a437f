"""Whole notifications in the formats of mail systems, written for these tests: with and without a report part.

Each is a file of `vectors/bounces`; a row says of whom it is, with which status and type it counts, what the server
said and which server says it.
"""

from dataclasses import dataclass
from pathlib import Path

ANN = "ann@example.org"
DIRECTORY = Path(__file__).parent.parent / "vectors" / "bounces"


@dataclass(frozen=True, slots=True)
class Whole:
    """A notification; `want` are recipients as (address, status, hard), `says` stands in the first one's diagnostic."""

    name: str
    kind: str
    want: tuple[tuple[str, str, bool], ...]
    type: str
    says: str = ""
    mta: str = ""

    @property
    def message(self) -> bytes:
        """Its octets."""
        return (DIRECTORY / f"{self.name}.eml").read_bytes()


WHOLE = (
    Whole(
        "exchange-2010-nobody-of-that-name",
        "bounce",
        ((ANN, "5.1.1", True),),
        "Permanent/General",
        says="RESOLVER.ADR.RecipNotFound",
        mta="dns;ex1.example.org",
    ),
    Whole(
        "exchange-2013-mailbox-full",
        "bounce",
        ((ANN, "5.2.2", False),),
        "Transient/MailboxFull",
        says="STOREDRV.Deliver",
        mta="dns;ex1.example.org",
    ),
    Whole(
        "exchange-2003-user-unknown-at-the-next-server",
        "bounce",
        ((ANN, "5.1.1", True),),
        "Permanent/General",
        says="User unknown",
        mta="dns;gate.example.net",
    ),
    Whole(
        "exchange-2003-no-reason-given",
        "bounce",
        ((ANN, "4.4.7", False),),
        "Transient/General",
        mta="dns;gate.example.net",
    ),
    Whole(
        "exchange-online-recipient-not-found-at-another-tenant",
        "bounce",
        ((ANN, "5.1.10", True),),
        "Permanent/NoEmail",
        says="RecipientNotFound",
        mta="dns;AM0PR01MB0001.eurprd01.prod.exchangelabs.example",
    ),
    Whole(
        "exchange-online-only-members-may-write-to-the-group",
        "bounce",
        ((ANN, "5.7.133", False),),
        "Transient/General",
        says="SenderNotAuthenticatedForGroup",
        mta="dns;AM0PR01MB0001.eurprd01.prod.exchangelabs.example",
    ),
    Whole(
        "exchange-online-larger-than-the-next-server-takes",
        "bounce",
        ((ANN, "5.3.4", False),),
        "Transient/MessageTooLarge",
        says="fixed limit",
        mta="dns;AM0PR01MB0001.eurprd01.prod.exchangelabs.example",
    ),
    Whole(
        "exchange-online-still-trying",
        "delay",
        ((ANN, "4.4.7", False),),
        "Undetermined/Undetermined",
        mta="dns;AM0PR01MB0001.eurprd01.prod.exchangelabs.example",
    ),
    Whole(
        "postfix-user-unknown-at-the-next-server",
        "bounce",
        ((ANN, "5.1.1", True),),
        "Permanent/General",
        says="User unknown in virtual mailbox table",
        mta="dns; mx.example.net",
    ),
    Whole(
        "postfix-no-such-domain",
        "bounce",
        ((ANN, "5.4.4", True),),
        "Permanent/General",
        says="Name service",
        mta="dns; mx.example.net",
    ),
    Whole(
        "postfix-name-server-out-of-order-for-too-long",
        "bounce",
        ((ANN, "4.4.3", False),),
        "Transient/General",
        says="try again",
        mta="dns; mx.example.net",
    ),
    Whole(
        "postfix-a-loop",
        "bounce",
        ((ANN, "5.4.6", False),),
        "Transient/General",
        says="loops back",
        mta="dns; mx.example.net",
    ),
    Whole(
        "postfix-mailbox-file-at-its-limit",
        "bounce",
        ((ANN, "5.2.2", False),),
        "Transient/MailboxFull",
        says="cannot update mailbox",
        mta="dns; mx.example.org",
    ),
    Whole(
        "postfix-nobody-of-that-name-here",
        "bounce",
        ((ANN, "5.1.1", True),),
        "Permanent/General",
        says="unknown user",
        mta="dns; mx.example.org",
    ),
    Whole(
        "postfix-no-connection-for-five-days",
        "bounce",
        ((ANN, "4.4.1", False),),
        "Transient/General",
        says="Connection timed out",
        mta="dns; mx.example.net",
    ),
    Whole(
        "postfix-one-failed-and-one-went-on",
        "bounce",
        (("bob@example.org", "2.0.0", False), (ANN, "5.0.0", False)),
        "Transient/General",
        mta="dns; mx.example.net",
    ),
    Whole(
        "postfix-an-alias-that-leads-elsewhere",
        "bounce",
        (("ann.smith@elsewhere.example", "5.1.1", True),),
        "Permanent/General",
        says="5.1.1 unknown",
        mta="dns; mx.example.org",
    ),
    Whole(
        "sendmail-user-unknown",
        "bounce",
        ((ANN, "5.1.1", True),),
        "Permanent/General",
        says="User unknown",
        mta="dns; mx.example.net",
    ),
    Whole(
        "sendmail-given-up-after-five-days",
        "bounce",
        ((ANN, "4.4.7", False),),
        "Transient/General",
        mta="dns; mx.example.net",
    ),
    Whole(
        "sendmail-not-yet-for-four-hours",
        "delay",
        ((ANN, "4.4.1", False),),
        "Undetermined/Undetermined",
        mta="dns; mx.example.net",
    ),
    Whole(
        "sendmail-too-many-hops",
        "bounce",
        ((ANN, "5.4.6", False),),
        "Transient/General",
        says="Too many hops",
    ),
    Whole(
        "exim-with-a-report-part",
        "bounce",
        ((ANN, "5.1.1", True),),
        "Permanent/General",
        says="recipient not found",
        mta="dns; mx.example.net",
    ),
    Whole(
        "exim-with-a-report-part-no-route",
        "bounce",
        ((ANN, "5.0.0", True),),
        "Permanent/General",
        mta="dns; mx.example.net",
    ),
    Whole(
        "exim-delayed-for-a-day",
        "delay",
        ((ANN, "4.7.1", False),),
        "Undetermined/Undetermined",
        says="Greylisting",
    ),
    Whole("exim-retry-time-not-reached", "bounce", ((ANN, "4.0.0", False),), "Transient/General"),
    Whole("exim-an-address-that-another-led-to", "bounce", ((ANN, "4.0.0", False),), "Transient/MailboxFull"),
    Whole(
        "qmail-the-remote-does-not-like-the-recipient",
        "bounce",
        ((ANN, "5.1.1", True),),
        "Permanent/General",
        says="User unknown",
    ),
    Whole(
        "qmail-name-server-out-of-order-for-too-long",
        "bounce",
        ((ANN, "4.4.3", False),),
        "Transient/General",
        says="CNAME lookup",
    ),
    Whole("qmail-no-such-host", "bounce", ((ANN, "5.1.2", True),), "Permanent/General"),
    Whole("qmail-a-loop", "bounce", ((ANN, "5.4.6", False),), "Transient/General"),
    Whole(
        "qmail-over-quota-by-a-program-of-its-own",
        "bounce",
        ((ANN, "5.0.0", False),),
        "Transient/MailboxFull",
    ),
    Whole(
        "gmail-address-not-found",
        "bounce",
        ((ANN, "5.1.1", True),),
        "Permanent/General",
        says="does not exist",
        mta="dns; googlemail.example",
    ),
    Whole(
        "gmail-inbox-full",
        "bounce",
        ((ANN, "5.2.2", False),),
        "Transient/MailboxFull",
        says="over quota",
        mta="dns; googlemail.example",
    ),
    Whole(
        "gmail-delivery-incomplete",
        "delay",
        ((ANN, "4.4.1", False),),
        "Undetermined/Undetermined",
        mta="dns; googlemail.example",
    ),
    Whole(
        "gmail-message-blocked",
        "bounce",
        ((ANN, "5.7.1", False),),
        "Transient/ContentRejected",
        says="unsolicited",
        mta="dns; googlemail.example",
    ),
    Whole(
        "gmail-a-group-that-takes-mail-from-members-alone",
        "bounce",
        ((ANN, "5.0.0", False),),
        "Transient/General",
        says="permission",
        mta="dns; googlemail.example",
    ),
    Whole("yahoo-no-such-account", "bounce", ((ANN, "5.0.0", True),), "Permanent/General"),
    Whole("yahoo-disabled", "bounce", ((ANN, "5.0.0", False),), "Transient/General"),
    Whole(
        "icloud-over-quota",
        "bounce",
        ((ANN, "5.2.2", False),),
        "Transient/MailboxFull",
        mta="dns; relay.example",
    ),
    Whole(
        "domino-not-in-the-directory",
        "bounce",
        ((ANN, "5.1.1", True),),
        "Permanent/General",
        says="Domino Directory",
        mta="dns;notes1.example.org",
    ),
    Whole(
        "domino-the-mail-file-is-full",
        "bounce",
        ((ANN, "5.7.1", False),),
        "Transient/MailboxFull",
        mta="dns;notes1.example.org",
    ),
    Whole(
        "domino-no-route",
        "bounce",
        ((ANN, "5.1.2", False),),
        "Transient/General",
        mta="dns;notes1.example.net",
    ),
    Whole("groupwise-mailbox-full", "bounce", ((ANN, "5.0.0", False),), "Transient/MailboxFull"),
    Whole(
        "groupwise-with-a-report-part",
        "bounce",
        ((ANN, "5.0.0", False),),
        "Transient/General",
        mta="dns; gw.example.org",
    ),
    Whole(
        "courier",
        "bounce",
        ((ANN, "5.0.0", True),),
        "Permanent/General",
        says="User unknown",
        mta="dns; mx.example.net",
    ),
    Whole(
        "mailmarshal-a-rule-of-the-content",
        "bounce",
        ((ANN, "5.0.0", False),),
        "Transient/AttachmentRejected",
    ),
    Whole(
        "mimecast-invalid-recipient",
        "bounce",
        ((ANN, "5.1.1", True),),
        "Permanent/General",
        mta="dns; relay-1.mimecast.example",
    ),
    Whole(
        "mimecast-a-policy-against-forged-senders",
        "bounce",
        ((ANN, "5.0.0", False),),
        "Transient/General",
        mta="dns; relay-1.mimecast.example",
    ),
    Whole(
        "barracuda-blocked",
        "bounce",
        ((ANN, "5.0.0", False),),
        "Transient/General",
        mta="dns; barracuda.example.org",
    ),
    Whole(
        "barracuda-no-such-user",
        "bounce",
        ((ANN, "5.0.0", True),),
        "Permanent/General",
        mta="dns; relay.example",
    ),
    Whole(
        "proofpoint-blocked-by-address",
        "bounce",
        ((ANN, "5.0.0", False),),
        "Transient/General",
        mta="dns; relay.example",
    ),
    Whole(
        "ironport-unknown-address",
        "bounce",
        ((ANN, "5.1.0", True),),
        "Permanent/General",
        says="Unknown address error",
        mta="dns; esa1.example.net",
    ),
    Whole(
        "ironport-expired",
        "bounce",
        ((ANN, "5.4.7", False),),
        "Transient/General",
        says="Delivery expired",
        mta="dns; esa1.example.net",
    ),
    Whole(
        "x-400-gateway",
        "bounce",
        (("/G=Ann/S=Smith/O=Example/ADMD=MAIL/C=DE/", "5.1.1", True),),
        "Permanent/General",
        says="unrecognised-OR-name",
        mta="x400; mta x400.example.net in /ADMD=MAIL/C=DE/",
    ),
    Whole("au-rejected-by-the-carrier", "bounce", ((ANN, "5.0.0", True),), "Permanent/General"),
    Whole("docomo-unknown-user", "bounce", ((ANN, "5.0.0", False),), "Transient/General"),
    Whole("softbank-invalid-recipient", "bounce", ((ANN, "5.0.0", True),), "Permanent/General"),
    Whole(
        "a-japanese-provider-the-address-does-not-exist",
        "bounce",
        ((ANN, "5.0.0", True),),
        "Permanent/General",
    ),
    Whole(
        "a-japanese-provider-the-mailbox-is-full", "bounce", ((ANN, "5.0.0", False),), "Transient/MailboxFull"
    ),
    Whole("a-vacation-program", "auto-reply", ((ANN, "", False),), "Transient/General"),
    Whole("exchange-out-of-office", "auto-reply", ((ANN, "", False),), "Transient/General"),
    Whole("an-address-that-its-owner-has-left", "auto-reply", ((ANN, "", False),), "Transient/General"),
    Whole("a-help-desk", "auto-reply", (("support@example.org", "", False),), "Transient/General"),
    Whole("a-challenge", "auto-reply", ((ANN, "", False),), "Transient/General"),
    Whole(
        "a-list-whose-moderator-is-asked",
        "auto-reply",
        (("news-bounces@lists.example.org", "", False),),
        "Transient/General",
    ),
    Whole("a-receipt", "receipt", (), "Undetermined/Undetermined"),
    Whole("a-receipt-for-what-nobody-read", "receipt", (), "Undetermined/Undetermined"),
    Whole(
        "a-complaint-redacted",
        "complaint",
        (("redacted@mail.example", "", False),),
        "Undetermined/Undetermined",
        mta="dns; mx.mail.example",
    ),
    Whole("a-complaint-that-is-taken-back", "complaint", (), "Undetermined/Undetermined"),
)
