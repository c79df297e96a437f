"""How mail systems word a notification: that mail failed or is late, that the returned message follows.

Tables for `text`, which says what each is for; `phrases` says how they are read.
"""

from sesame.reports.phrases import compile_phrases

RETURNED = compile_phrases(
    """
        below this line | enclosed is a copy | is a copy of the message | is a copy of your message |
        original message follows | original message headers | message headers follow |
        message header follows | unsent message follows | header of the original message |
        headers of the original message | below is a copy | message text follows | original message --- |
        - original message | -original message | original mail info | returned message follows |
        returned message below | copy of the original message | original mail as follows |
        message header --- | returned text follows | returned content | - returned message |
        undelivered message follows | rejected message follows | here is your mail | - message header |
        headers of your message | header of your message | your message reads | [message header |
        -- message headers | the first * lines of the | message contents follow | included message |
        message is returned below | original headers: | - text of message | start of message |
        the following is a copy of | the header follows | returned headers | original message headers: |
        message body follows | part of the message: | beginning of the message:
    """
)
FAILED = compile_phrases(
    """
        could not be delivered | couldn't be delivered | could not deliver | couldn't deliver |
        cannot be delivered | can not be delivered | unable to deliver | was not delivered |
        not be delivered | delivery failed | failed permanently | delivery failure | undeliverable |
        undelivered | delivery has failed | delivery to the following | trouble delivering |
        error delivering | did not reach | didn't reach | not able to deliver | wasn't able to deliver |
        permanent fatal errors | permanent error | delivery error | fatal errors | returned mail |
        returned to you | returned to sender | returning message to sender | transcript of session |
        failed addresses follow | error occurred while attempting to deliver |
        error occurred while trying to deliver | delivery of your message | has been rejected |
        was rejected by | message rejected | delivery status notification | could not send |
        could not be sent | couldn't be sent | following recipients returned | failed to deliver |
        delivery attempt | non-delivery | nondeliverable | not delivered | message was not sent |
        could not find | mailbox is full | mailbox exceeds | failed*attempts | unknown user | user unknown |
        no such user | invalid user address | duplicated message-id | loop alert | mail system error |
        unable to send | delivery incomplete | delivery problem | delivery report | problem delivering |
        problems delivering | aborted after | message delayed | has been delayed | is delayed |
        konnte nicht zugestellt | nicht zugestellt | unzustellbar | n'a pas pu être | non remis |
        non distribu | no se pudo entregar | no se ha podido entregar | no ha sido entregado |
        non è stato possibile | mancata consegna | não pôde ser entregue | não foi possível entregar |
        niet worden afgeleverd | niet bezorgd | kunne ikke leveres | kunde inte levereras |
        nie mogła zostać | nie doręczon | не доставлен | не может быть доставлено | 送信できません | 配信できません |
        配送できません | お届けできません | 退信 | 无法投递 | 无法送达 | 退回 | 반송
    """
)
SUBJECTS = compile_phrases(
    """
        returned mail | undeliver | delivery fail | failure notice | delivery status notif | mail delivery |
        delivery error | mail system error | mail failed | returning message | delivery report |
        delivery problem | nondeliver | non-deliver | delivery notification | mail error | rejected mail |
        warning: could not send | warning: message | failed mail | mail could not be |
        message could not be | mail not delivered | error sending your mail | unzustellbar |
        unable to deliver | loop alert | user unknown | bounce | delivery incomplete | cannot send message |
        notification d' | non remis | no entregado | not delivered | could not be delivered | delayed mail |
        mail delay | message delayed | mail returned | returned to sender | returned message |
        delivery has failed | mail rejected | message rejected | email rejected | notify: see transcript |
        delivery delay | 退信 | 配信 | 未配信 | エラー | не доставлено
    """
)
DELAYED = compile_phrases(
    """
        has been delayed | is delayed | was delayed | message delayed | warning message only |
        temporary failure report | will be retried | will keep trying | still being retried |
        do not need to resend | do not need to re-send | delay reason | not yet been delivered |
        has not yet | still trying | will try again | will continue to |
        delivery status notification (delay) | continue to attempt | wird weiter versucht
    """
)
FINAL = compile_phrases(
    """
        permanent error | failed permanently | given up | permanent fatal | could not be delivered for |
        undeliverable | returned to sender
    """
)
NAMED = compile_phrases(
    """
        to: | to < | recipient | rcpt | addresse | user | delivered to | mailbox | account | unknown |
        attempts | destinat | for < | for: | ... | did not reach | reason
    """
)
AFTER_ADDRESS = compile_phrases(
    """
        on *20 | invalid | unknown | user | mailbox | error | ... | rejected | not
    """
)
NOT_RECIPIENT = compile_phrases(
    """
        mail from | from: | envelope-from | contact | message-id | reply-to | for help | support | assistance |
        more information | sender: | mailto: | return-path | please send mail to | abuse | authenticated
    """
)
AWAY = compile_phrases(
    """
        out of the office | out of office | on vacation | on holiday | on annual leave | on leave until | i am away |
        i will be away | i am currently away | no longer work | have left the company |
        has left the company | i'm away |
        automatic reply | automated reply | auto-reply | autoreply | automatic response | automated response |
        thank you for your email | thank you for your message | thank you for contacting | we have received your |
        nicht im büro | im urlaub | abwesend | außer haus | absent du bureau | en congé | de vacaciones |
        fuera de la oficina | in ferie | fuori ufficio | de férias | op vakantie | 不在 | 外出 | 休暇
    """
)
