"""More bounces without a standard part: servers and gateways whose notifications follow no common shape.

Written for these tests after what their makers document of them; `forms` says how a row reads.
"""

from tests.reports.forms import DAEMON, ORIGINAL, Form

GONE = ("ann@example.org", "5.1.1", "no-mailbox", True)
MORE_FORMS = (
    Form(
        "IMail",
        "From: Postmaster <postmaster@mx.example.net>\n",
        "User mailbox exceeds allowed size: ann@example.org\n\nOriginal message follows.\n\n" + ORIGINAL,
        (("ann@example.org", "5.0.0", "mailbox-full", False),),
    ),
    Form(
        "IMail, nobody of that name",
        "From: Postmaster <postmaster@mx.example.net>\n",
        "Unknown user: ann@example.org\n\nOriginal message follows.\n\n" + ORIGINAL,
        (("ann@example.org", "5.0.0", "no-mailbox", True),),
    ),
    Form(
        "MailEnable",
        "From: Postmaster <postmaster@mx.example.net>\n",
        "MailEnable: Message could not be delivered to some recipients.\nThe following recipient(s) could not be "
        "reached:\n\n    Recipient: [SMTP:ann@example.org]\n    Reason: Remote SMTP server returned: 550 5.1.1 No "
        "such mailbox\n\n\nMessage headers follow:\n\n" + ORIGINAL,
        (GONE,),
    ),
    Form(
        "Courier, for people",
        DAEMON,
        "This is a delivery status notification from mx.example.net,\nrunning the Courier mail server.\n\n"
        "           UNDELIVERABLE MAIL\n\nYour message to the following recipients cannot be delivered:\n\n"
        "<ann@example.org>:\n    mx.example.org [192.0.2.1]:\n>>> RCPT TO:<ann@example.org>\n<<< 550 User unknown.\n",
        (("ann@example.org", "5.0.0", "no-mailbox", True),),
    ),
    Form(
        "SurgeMail",
        DAEMON,
        "Your message could not be delivered to the recipient:\n\n    ann@example.org\n\nReason: 552 5.2.2 mailbox "
        "has exceeded its quota\n",
        (("ann@example.org", "5.2.2", "mailbox-full", False),),
    ),
    Form(
        "MDaemon",
        "From: MAILER-DAEMON@mx.example.net\n",
        "The attached message had PERMANENT fatal delivery errors!\n\nFailed address: ann@example.org\n\n"
        "--- Session Transcript ---\n--> RCPT To:<ann@example.org>\n<-- 550 <ann@example.org>, Recipient unknown\n"
        "--- End Transcript ---\n",
        (("ann@example.org", "5.0.0", "no-mailbox", True),),
    ),
    Form(
        "hMailServer",
        "From: mailer-daemon@mx.example.net\n",
        "Your message did not reach some or all of the intended recipients.\n\n   Subject: Offer\n\nThe following "
        "recipient(s) could not be reached:\n\nann@example.org\n   Error Type: SMTP\n   Remote server (192.0.2.1) "
        "issued an error.\n   hMailServer sent: RCPT TO:<ann@example.org>\n   Remote server replied: 550 Mailbox "
        "does not exist\n",
        (("ann@example.org", "5.0.0", "no-mailbox", True),),
    ),
    Form(
        "a carrier that filters by wish",
        DAEMON,
        "The user(s) account is temporarily over quota.\n\n<ann@example.org>\n",
        (("ann@example.org", "5.0.0", "mailbox-full", False),),
    ),
    Form(
        "GMX",
        "From: GMX Mailer Daemon <mailer-daemon@gmx.example>\n",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
        "delivered to\none or more of its recipients. This is a permanent error.\nThe following address failed:\n\n"
        '"ann@example.org":\nQuota exceeded. The recipient mailbox is full.\n\n--- The header of the original '
        "message is following. ---\n\n" + ORIGINAL,
        (("ann@example.org", "5.0.0", "mailbox-full", False),),
    ),
    Form(
        "Mail.ru",
        "X-Failed-Recipients: ann@example.org\nFrom: mailer-daemon@corp.example\n",
        "Это письмо создано автоматически, отвечать на него не нужно.\n\nК сожалению, Ваше письмо не может быть "
        "доставлено одному или нескольким получателям:\n\n**********************\n\n  ann@example.org\n    SMTP "
        "error from remote mail server after RCPT TO:<ann@example.org>:\n    host mx.example.org: 550 5.1.1 "
        "Пользователь не найден\n",
        (GONE,),
    ),
    Form(
        "Yandex",
        DAEMON,
        "Это письмо отправлено почтовым сервером.\n\nК сожалению, мы вынуждены сообщить Вам о том, что Ваше письмо "
        "не может быть отправлено\nодному или нескольким адресатам. Технические подробности можно найти ниже.\n\n"
        "Возможные причины недоставки: почтовый ящик переполнен.\n\n<ann@example.org>: host mx.example.org said: "
        "552 5.2.2 Mailbox full (in reply to RCPT TO command)\n",
        (("ann@example.org", "5.2.2", "mailbox-full", False),),
    ),
    Form(
        "X.400 gateway",
        "From: postmaster@x400.example.net\n",
        "Your message was not delivered to the following recipients:\n\nann@example.org\n\nReason: Unable to "
        "transfer\nDiagnostic: Unrecognised recipient name\n",
        (("ann@example.org", "5.0.0", "no-mailbox", True),),
    ),
    Form(
        "GroupWise",
        "From: Mailer-Daemon@mx.example.net\n",
        "The message that you sent was undeliverable to the following:\n\n  ann@example.org (user not found)\n",
        (("ann@example.org", "5.0.0", "no-mailbox", True),),
    ),
    Form(
        "a delegate's gateway, policy",
        DAEMON,
        "<ann@example.org>: 550 5.7.1 The recipient's organisation does not take mail from your country\n",
        (("ann@example.org", "5.7.1", "policy", False),),
    ),
    Form(
        "XMail",
        "From: postmaster@mx.example.net\n",
        "[<00>] XMail bounce: Rcpt=[ann@example.org];Error=[550 5.1.1 User unknown]\n\n\n[<01>] Error sending message "
        "[1117688014.11] from [mx.example.net].\n\nID:        <S123>\nMail From: <news@example.com>\n"
        "Rcpt To:   <ann@example.org>\nServer:    <mx.example.org> [192.0.2.7]\n\n\n[<05>] Here is listed the initial "
        "part of the message:\n\n" + ORIGINAL,
        (GONE,),
    ),
    Form(
        "Sun's messaging server",
        "From: Internet Mail Delivery <postmaster@mx.example.net>\n",
        "This report relates to a message you sent with the following header fields:\n\n"
        "  Message-id: <a@example.com>\n  From: News <news@example.com>\n  To: ann@example.org\n  Subject: Offer\n\n"
        "Your message cannot be delivered to the following recipients:\n\n  Recipient address: "
        "ann@example.org\n  Reason: Remote SMTP server has rejected "
        "address\n  Diagnostic code: smtp;550 5.1.1 <ann@example.org>... User Unknown\n  Remote system: "
        "dns;mx.example.org (TCP|192.0.2.67|47323|192.0.2.225|25)\n",
        (GONE,),
    ),
    Form(
        "James",
        "From: postmaster@mx.example.net\n",
        "Hi. This is the James mail server at mx.example.net.\nI'm afraid I wasn't able to deliver your message to the "
        "following addresses.\nThis is a permanent error; I've given up.\n\nFailed recipient(s):\nann@example.org\n\n"
        "Error message:\n550 5.1.1 <ann@example.org>: Recipient address rejected: User unknown\n",
        (GONE,),
    ),
    Form(
        "Biglobe",
        "From: postmaster@mx.example.net\n",
        "   ----- The following addresses had delivery problems -----\nann@example.org\n\n   ----- Non-delivered "
        "information -----\nThe number of messages in recipient's mailbox exceeded the local limit.\n\n"
        + ORIGINAL,
        (("ann@example.org", "5.0.0", "mailbox-full", False),),
    ),
    Form(
        "m-FILTER",
        "From: Mail System <postmaster@mx.example.net>\n",
        "FROM          news@example.com\nTO            ann@example.org\n\n-------SMTP command\n"
        "RCPT TO:<ann@example.org>\n\n-------server message\n550 5.1.1 unknown user <ann@example.org>\n\n"
        "-------unsent message\n" + ORIGINAL,
        (GONE,),
    ),
    Form(
        "1&1",
        "From: Mail Delivery System <mailer-daemon@mx.example.net>\n",
        "A message that you sent could not be delivered to one or more of\nits recipients. The following address"
        ' failed:\n\n"ann@example.org":\nSMTP error from remote server after RCPT command:\nhost: '
        "mx.example.org\n5.1.1 "
        "<ann@example.org>... user unknown\n\n\n--- The header of the original message is following. ---\n\n"
        + ORIGINAL,
        (GONE,),
    ),
    Form(
        "smail",
        DAEMON,
        "|------------------------- Message log follows: -------------------------|\n no valid recipients were found "
        "for this message\n|------------------------- Failed addresses follow: "
        "---------------------|\n <ann@example.org> "
        "... unknown host\n|------------------------- Message text follows: ------------------------|\n"
        + ORIGINAL,
        (("ann@example.org", "5.0.0", "no-domain", True),),
    ),
    Form(
        "Zoho",
        DAEMON,
        "This message was created automatically by mail delivery software.\n A message that you sent could not be "
        "delivered to one or more of its recipients.\n\n[Status: Error, Address: <ann@example.org>, ResponseCode "
        "550, , 5.1.1 User unknown]\n",
        (GONE,),
    ),
)
