"""Bounces without a standard part, in the shapes that mail systems give them, written for these tests.

Each form: its name, the fields of its header, its body, and what must be read: recipients as (address,
status, reason, hard).
"""

from dataclasses import dataclass

Read = tuple[str, str, str, bool]
DAEMON = "From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example.net>\nTo: sender@example.com\n"
ORIGINAL = (
    "Return-Path: <sender@example.com>\nReceived: by mx.example.net; Tue, 2 Jun 2026 10:00:00 +0000\n"
    "From: Sender <sender@example.com>\nTo: ann@example.org\nSubject: Offer\nMessage-ID: "
    "<one@example.com>\n\nHello\n"
)


@dataclass(frozen=True, slots=True)
class Form:
    """A notification and what it says."""

    name: str
    header: str
    body: str
    want: tuple[Read, ...]
    kind: str = "bounce"

    @property
    def message(self) -> bytes:
        return f"{self.header}Subject: Returned mail\n\n{self.body}".encode()


GONE = ("ann@example.org", "5.1.1", "no-mailbox", True)
FORMS = (
    Form(
        "exim",
        DAEMON,
        "A message that you sent could not be delivered to one or more of its\nrecipients. This is "
        "a permanent error. The "
        "following address(es) failed:\n\n  ann@example.org\n    SMTP error from remote mail server "
        "after RCPT TO:<ann@example.org>:\n"
        "    host mx.example.org [192.0.2.1]: 550 5.1.1 <ann@example.org>:\n    Recipient address "
        "rejected: User unknown\n\n"
        "------ This is a copy of the message, including all the headers. ------\n\n" + ORIGINAL,
        (GONE,),
    ),
    Form(
        "exim, no code, two addresses",
        DAEMON,
        "The following address(es) failed:\n\n  ann@example.org\n    mailbox is full: retry timeout "
        "exceeded\n  bob@example.net\n"
        "    Unrouteable address\n\n------ This is a copy of the message, including all the headers. ------\n\n"
        + ORIGINAL,
        (
            ("ann@example.org", "4.0.0", "mailbox-full", False),
            ("bob@example.net", "5.0.0", "no-domain", True),
        ),
    ),
    Form(
        "exim after the end of data",
        DAEMON,
        "The following address(es) failed:\n\n  ann@example.org\n    SMTP error from remote mail "
        "server after end of data:\n"
        "    host mx.example.org [192.0.2.1]: 550 User unknown\n",
        (("ann@example.org", "5.0.0", "recipient-refuses", False),),
    ),
    Form(
        "qmail",
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\n",
        "Hi. This is the qmail-send program at mx.example.net.\nI'm afraid I wasn't able to deliver "
        "your message to the following "
        "addresses.\n\n<ann@example.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
        "--- Below this line is a copy of the message.\n\n" + ORIGINAL,
        (GONE,),
    ),
    Form(
        "qmail, refused by the next server",
        DAEMON,
        "<ann@example.org>:\n192.0.2.7 does not like recipient.\nRemote host said: 550 no such user\n"
        "Giving up on 192.0.2.7.\n\n"
        "--- Below this line is a copy of the message.\n\n" + ORIGINAL,
        (("ann@example.org", "5.0.0", "no-mailbox", True),),
    ),
    Form(
        "qmail, too long in the queue",
        DAEMON,
        "<ann@example.org>:\nConnected to 192.0.2.7 but greeting failed.\nRemote host said: 421 too busy\n"
        "I'm not going to try again; this message has been in the queue too long.\n",
        (("ann@example.org", "4.0.0", "expired", False),),
    ),
    Form(
        "postfix without a report",
        DAEMON,
        "I'm sorry to have to inform you that your message could not be delivered to one or more "
        "recipients.\n\n"
        "<ann@example.org>: host mx.example.org[192.0.2.1] said: 550 No such user (in\n    reply to "
        "RCPT TO command)\n",
        (("ann@example.org", "5.0.0", "no-mailbox", True),),
    ),
    Form(
        "sendmail 5",
        DAEMON,
        "   ----- Transcript of session follows -----\nWhile talking to mx.example.org:\n>>> RCPT "
        "To:<ann@example.org>\n"
        "<<< 550 No such user here\n550 <ann@example.org>... User unknown\n\n   ----- Unsent message "
        "follows -----\n" + ORIGINAL,
        (("ann@example.org", "5.0.0", "no-mailbox", True),),
    ),
    Form(
        "sendmail, by hand of a gateway",
        DAEMON,
        "   ----- The following addresses had permanent fatal errors -----\n<ann@example.org>\n    "
        "(reason: 552 5.2.2 over quota)\n\n"
        "   ----- Transcript of session follows -----\n... while talking to mx.example.org.:\n>>> "
        "DATA\n<<< 552 5.2.2 over quota\n",
        (("ann@example.org", "5.2.2", "mailbox-full", False),),
    ),
    Form(
        "lines of the transcript turned round",
        DAEMON,
        "Sent <<< RCPT TO:<ann@example.org>\nReceived >>> 550 <ann@example.org>... user unknown\n\n"
        "Could not deliver mail to this user.\n"
        "<ann@example.org>\n*****************     End of message     ***************\n",
        (("ann@example.org", "5.0.0", "no-mailbox", True),),
    ),
    Form(
        "a list after the reason",
        DAEMON,
        "Your message:\n   From:    sender@example.com\n   Subject: Offer\nCould not be delivered "
        "because of\n\n550 5.1.1 User unknown\n\n"
        "The following recipients were affected:\n    ann@example.org\n",
        (GONE,),
    ),
    Form(
        "Notes",
        DAEMON,
        "------- Failure Reasons  --------\n\nUser not listed in public Name & Address Book\n"
        "ann@example.org\n\n"
        "------- Returned Message --------\n\n" + ORIGINAL,
        (("ann@example.org", "5.0.0", "no-mailbox", True),),
    ),
    Form(
        "Exchange, old",
        "From: postmaster@example.net\n",
        "Your message\n\n  To:      sender@example.com\n  Subject: Offer\n\ndid not reach the "
        "following recipient(s):\n\n"
        "ann@example.org on Tue, 2 Jun 2026 10:00:00 -0500\n    The recipient name is not recognized\n",
        (("ann@example.org", "5.0.0", "no-mailbox", True),),
    ),
    Form(
        "Exchange, the administrators' part",
        "From: Microsoft Outlook <postmaster@example.net>\n",
        "Delivery has failed to these recipients or groups:\n\nann@example.org\nThe e-mail address "
        "you entered couldn't be found.\n\n"
        "Diagnostic information for administrators:\nGenerating server: mx.example.net\nann@example.org\n"
        "#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n",
        (GONE,),
    ),
    Form(
        "OpenSMTPD, delay",
        DAEMON,
        "    Hi!\n    A message is delayed for more than 10 minutes for the following\n    list of "
        "recipients:\n\n"
        "ann@example.org: 450 4.7.1 Greylisted, try again later\n\n    Below is a copy of the original "
        "message:\n\n" + ORIGINAL,
        (("ann@example.org", "4.7.1", "recipient-refuses", False),),
        kind="delay",
    ),
    Form(
        "DragonFly",
        "From: MAILER-DAEMON <>\n",
        "There was an error delivering your mail to <ann@example.org>.\n\nmx.example.org [192.0.2.1] "
        "did not like our RCPT TO:\n"
        "550 5.2.1 <ann@example.org>: Recipient address rejected: User unknown\n\nMessage headers follow.\n\n"
        + ORIGINAL,
        (("ann@example.org", "5.2.1", "no-mailbox", True),),
    ),
    Form(
        "Gmail",
        "X-Failed-Recipients: ann@example.org\nFrom: mailer-daemon@googlemail.com\n",
        "Delivery to the following recipient failed permanently:\n\n     ann@example.org\n\nTechnical "
        "details of permanent failure:\n"
        "The error that the other server returned was:\n550 5.7.1 Access denied\n\n----- Original "
        "message -----\n\n" + ORIGINAL,
        (("ann@example.org", "5.7.1", "policy", False),),
    ),
    Form(
        "a field says who, and nothing why",
        "X-Failed-Recipients: ann@example.org, bob@example.net\nFrom: gate@example.net\n",
        "See the log.\n",
        (("ann@example.org", "5.0.0", "other", False), ("bob@example.net", "5.0.0", "other", False)),
    ),
    Form(
        "m-FILTER",
        "From: MAILER-DAEMON@mx.example.net\n",
        "ann@example.org\n\n-------server message\n550 5.1.1 unknown user <ann@example.org>\n\n"
        "-------original message\n" + ORIGINAL,
        (GONE,),
    ),
    Form(
        "an arrow before the address",
        DAEMON,
        "The mail system could not deliver your mail.\n\n>>> ann@example.org <ann@example.org>\n\n"
        "550 sorry, no mailbox here by that name "
        "(#5.1.1 - chkusr)\n",
        (GONE,),
    ),
    Form(
        "a mailbox over its limit, said by the address's own host",
        "From: postmaster@example.org\n",
        "   ----- The following addresses had delivery problems -----\nann@example.org\n\n   ----- "
        "Non-delivered information -----\n"
        "The number of messages in recipient's mailbox exceeded the local limit.\n",
        (("ann@example.org", "5.0.0", "mailbox-full", False),),
    ),
    Form(
        "MailFoundry",
        DAEMON,
        "Unable to deliver message to: <ann@example.org>\nDelivery failed for the following reason:\n"
        "Server mx.example.org[192.0.2.1] "
        "failed with: 550 <ann@example.org> No such user here\n\nThis has been a permanent failure.\n",
        (("ann@example.org", "5.0.0", "no-mailbox", False),),
    ),
    Form(
        "a kind system",
        DAEMON,
        "We're sorry. There's a problem with the e-mail address(es) you're trying to send to. Please "
        "verify the address(es) and try "
        "again.\n\n<ann@example.org>:\n550 5.1.1 unknown user\n",
        (GONE,),
    ),
    Form(
        "German",
        DAEMON,
        "Ihre Nachricht konnte nicht zugestellt werden.\n\nann@example.org:\n552 5.2.2 Postfach voll\n",
        (("ann@example.org", "5.2.2", "mailbox-full", False),),
    ),
    Form(
        "French",
        DAEMON,
        "Votre message n'a pas pu \u00eatre remis.\n\n<ann@example.org>: 550 5.1.1 Destinataire inconnu\n",
        (GONE,),
    ),
    Form(
        "Japanese, a sentence alone",
        "From: postmaster@example.org\n",
        "\u6b21\u306e\u5b9b\u5148\u306b\u306f\u914d\u4fe1\u3067\u304d\u307e\u305b\u3093\u3002\n"
        "<ann@example.org>\n\u5b9b\u5148\u304c\u898b\u3064\u304b\u308a\u307e\u305b\u3093\u3002\n",
        (("ann@example.org", "5.0.0", "no-mailbox", True),),
    ),
    Form(
        "no such domain",
        DAEMON,
        "<ann@example.org>:\nSorry, I couldn't find any host named example.org. (#5.1.2)\n",
        (("ann@example.org", "5.1.2", "no-domain", True),),
    ),
    Form(
        "a lookup that failed for now",
        DAEMON,
        "<ann@example.org>: Host not found, try again\nUndeliverable for 5 days\n",
        (("ann@example.org", "5.0.0", "network", False),),
    ),
)
