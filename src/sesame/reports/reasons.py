"""Reasons by their wording: what servers write, in the languages they answer in.

The tables are tried in order and the first with a phrase in the text decides. What names the sender, the
sending host or the content comes before what names the recipient: a text with both is not the address's
fault. After the known phrases comes grammar (`absence`), then words that say little: where those alone speak,
a code counts for more. Written from the wordings of many servers; `phrases` says how they are read.
"""

from dataclasses import dataclass

from sesame.reports.absence import find_absence
from sesame.reports.phrases import SAID_LIMIT, Phrases, Said, compile_phrases
from sesame.reports.report import Reason


@dataclass(frozen=True, slots=True)
class Wording:
    """A reason that a text gives; `sure` is false where its words fit several."""

    reason: Reason
    sure: bool


def find_reason(text: str) -> Reason | None:
    """What a diagnostic text means, or None if no phrase is in it."""
    found = find_wording(text)
    return found.reason if found else None


def find_wording(text: str) -> Wording | None:
    """What a diagnostic text means, and whether its words leave no doubt."""
    said = Said(text)
    for reason, phrases in _TABLE:
        if said.has_any(phrases):
            return Wording(reason, sure=True)
    if (absence := find_absence(text[:SAID_LIMIT])) is not None:
        if said.has_any(_FOR_NOW):
            return Wording("network" if absence == "no-domain" else "system", sure=True)
        return Wording(absence, sure=True)
    for reason, phrases in _LITTLE:
        if said.has_any(phrases):
            return Wording(reason, sure=False)
    return None


_FOR_NOW = compile_phrases("try again later | temporar | try later | retry later")
_TABLE: tuple[tuple[Reason, Phrases], ...] = (
    (
        "account-suppressed",
        compile_phrases(
            """
        on the suppression list for your account
            """
        ),
    ),
    (
        "suppressed",
        compile_phrases(
            """
        has suppressed sending to this address
            """
        ),
    ),
    (
        "loop",
        compile_phrases(
            """
        too many hops | hop count exceeded | mail loop | mail forwarding loop | loops back to myself |
        maximum hop count | loop detected | routing loop | message is looping | loop alert |
        delivered-to headers | mail for*loops back | too many received headers | resolver.*loop |
        duplicated message-id | route.loop | hop counter
            """
        ),
    ),
    (
        "virus",
        compile_phrases(
            """
        virus | malware | infected | eicar | trojan | worm detected | banned name | malicious software
            """
        ),
    ),
    (
        "attachment",
        compile_phrases(
            """
        attachment*not allowed | attachment*not permitted | attachment*not accepted | attachment*rejected |
        attachment*blocked |
        prohibited attachment | executable attachment | banned attachment | forbidden attachment |
        attachment type | file type*not allowed | illegal attachment | potential security issue |
        this message was blocked because its content presents
            """
        ),
    ),
    (
        "too-large",
        compile_phrases(
            """
        message size exceeds | message exceeds | message too large | message is too large |
        message too big | message is too big | exceeds maximum message size |
        exceeded maximum message size | size limit | exceeds fixed maximum | maximum size |
        mail size exceed | exceeds maximum size | too large message | exceeded message size |
        message length exceeds | larger than the current system limit | message larger than |
        mail too large | message size limit | exceeds size limit | size exceeds | the message is too long |
        bigger than the | larger than the maximum | message header size | rst.sendersizelimit |
        rst.recipsizelimit | mailtoolarge | mailsize | message size exceeded | taille limite |
        taille maximale | line too long | max message size | nachricht ist zu groß |
        message trop volumineux | mensaje demasiado grande
            """
        ),
    ),
    (
        "mailbox-full",
        compile_phrases(
            """
        mailbox full | mailbox is full | mailbox for user is full | mail box full | mail box is full |
        quota exceeded | exceeded*quota | over quota | over the maximum allowed quota | overquota |
        over*quota | exceed*quota | quota violation | out of storage | insufficient system storage for |
        mailbox size limit | mailbox exceeds | mailbox has exceeded | account is full | full mailbox |
        storage quota | not enough storage | mailfolder is full | mail folder is full |
        not enough space in | no space left in mailbox | inbox is full | user has too many messages |
        too much mail data | disk quota | diskspace quota | quota full | disc quota | too full |
        has too many messages | mail quota | over the allowed quota | space limit | mbox full |
        user is over the quota | over disk quota | not enough disk space | mailbox quota | mailbox usage |
        is over storage | reached its storage | over its storage limit | exceeded storage |
        exceeded the storage | storage limit | mailbox would exceed | mailbox cannot accept any more |
        user is overquota | permission limit of the mailbox | postfach voll | postfach ist voll |
        postfach*voll | boîte pleine | boite pleine | boite du destinataire pleine |
        boite aux lettres pleine | buzón lleno | buzón está lleno | casella piena | casella*piena |
        caixa*cheia | メールボックスが一杯 | メールボックスの容量 | 容量が超過 |
            переполнен | 邮箱已满 | exceeds allowed size |
        message would exceed | allocated*exceeded | mailbox at*limit | mailbox*exceeded*limit |
        account*exceeded*limit | user over*limit | delivery failed: over quota | is full |
        insufficient disk space | no space left | mail drop exceeds | maildir full | maildir over |
        mailbox is over | mailbox over | exceeding*quota | quota limit | quotaexceeded |
        exceeded the local limit | mailboxfull | reached*quota | not enough*space | insufficient*space |
        out of*space | no*space left | quota*exceeded | storage*exceeded
            """
        ),
    ),
    (
        "relay-denied",
        compile_phrases(
            """
        relay access denied | relaying denied | relay denied | relaying is prohibited | unable to relay |
        not permitted to relay | relay not permitted | relay not allowed | relaying not allowed |
        relay operation rejected | not a relay | we don't handle mail for | we do not relay |
        that domain isn't in my list of allowed rcpthosts | allowed rcpthosts | relaying mail to |
        no relaying | cannot relay | insecure mail relay | open relay | relay prohibited | relayer access |
        relay rejected | relaying*disallowed | no valid rcpt domain | this is not a relaying host |
        relaying forbidden | mail server requires authentication when attempting |
        authentication required for relay | email address not hosted |
        this system is not configured to relay mail
            """
        ),
    ),
    (
        "tls",
        compile_phrases(
            """
        must issue a starttls | starttls required | tls required | requires tls | encryption required |
        tls is required | cannot start tls | tls not available | certificate*verif | tls negotiation |
        tls handshake | starttls is required | require*tls | smtputf8
            """
        ),
    ),
    (
        "authentication",
        compile_phrases(
            """
        spf*fail | spf*not*allowed | fails spf | failed spf | spf record | spf check | bad spf | spf: |
        spf softfail | spf none | sender policy framework | dmarc | dkim | not pass authentication |
        unauthenticated email | unauthenticated mail | is not authenticated | email is unauthenticated |
        authentication checks | domain owner discourages | sender id | senderid | spf verification |
        mail-auth.html | does not designate | not designated | authentication-results |
        pass authentication | arc validation
            """
        ),
    ),
    (
        "reputation",
        compile_phrases(
            """
        blacklist | black list | blocklist | block list | block-list | blocked using | dnsbl | rbl |
        spamhaus | spamcop | barracuda*reputation | sorbs | cbl.abuseat | reverse dns | ptr record |
        no ptr | rdns | reverse hostname | cannot find your hostname | cannot find your reverse |
        fix reverse dns | no reverse | unresolvable ptr | mismatches client ip | bad reputation |
        poor reputation | low reputation | reputation | banned sending ip | client host rejected |
        client host*blocked | your ip | sending ip | your host | your server | your network |
        messages from*weren't sent | ip address*blocked | ip*has been blocked | ip*is blocked |
        ip*is not allowed | ip*rejected | access denied*ip | not allowed to connect |
        connection refused by policy | connection rejected | refused by*policy restrictions |
        denied*dynamic | dynamic ip | dialup | dial-up | dynamic address | residential |
        use the smtp server of your isp | use your isp | senderbase | senderscore | generic hostname |
        generic ptr | mail server ip | mailhost*blocked | host*blacklisted | temporarily blocked |
        service refuse | bad dns ptr | dns ptr | helo command rejected | invalid helo | bad helo |
        helo name | ehlo*reject | connections not accepted from | not accepting mail from |
        not accept mail from | client ip | postmaster.*block | #block | too many spam |
        sender verify failed for ip | may not be mail exchanger | server*is listed | is listed in |
        is listed at | blocked - see | unusual rate of unsolicited | sent by*blocked | deny*connect |
        no access from mail server | ip lookup | resolve your | domain name is not verified |
        unable to verify*host | bounce address tag
            """
        ),
    ),
    (
        "rate",
        compile_phrases(
            """
        too many connections | too many concurrent | rate limit | rate-limit | ratelimit | throttl |
        too many messages | too many mails | too many emails | too frequently | receiving mail at a rate |
        receiving mail too quickly | connection limit | exceeded*connections | too many recipients |
        sent too many | sending limit | daily limit | hourly limit | too many sessions | maximum number of |
        too many errors | too fast | concurrent connection | recipient limit | too much mail | per session |
        limit on the number | rcpt count | toomanyrecipients | exceeded the limit | exceeds the limit of |
        temporarily deferred due to | will be permanently deferred |
        connection frequency | message frequency | trop de connexions | frequency limited
            """
        ),
    ),
    (
        "sender-refused",
        compile_phrases(
            """
        sender address rejected | sender rejected | sender was rejected | sender is rejected |
        sender*does not exist | sender denied | unroutable sender | invalid sender | sender domain |
        bad sender | domain of sender | sender verify failed | sender verification | mail from*reject |
        rejected mail from | sender*not exist | could not verify sender | unverified sender |
        unresolvable sender | sender unknown | unknown sender | sender not | sender address*not |
        the sender's | your email address*blocked | sender's domain | verify the sender | your sender |
        sender address has been | mail from domain | envelope sender | verify sender | from address*not |
        emetteur | expéditeur | bad from | server rejected mail from | after mail from | [mail_from] |
        in reply to mail from | sender*blocked | from*domain*not exist | address family mismatch |
        sender*unroutable | return path | from: *not rfc | blocked*sender | sender*not allowed |
        sender*not authorized | sender*rejected | sender*refused | null sender | empty envelope sender |
        not accept*from the domain | mail from: has | invalid domain, see
            """
        ),
    ),
    (
        "spam",
        compile_phrases(
            """
        spam | unsolicited | junk | bulk mail | bulk email | mail rejete | mail rejeté | phish | ube |
        gehasht | message looks like | message considered | high probability | mass mail |
        rejected by cloudmark | content filter | rejected by filter | mail appears to be | blacklisted url |
        surbl | uribl | dcc check | rejected due to*content | cyren | unacceptable message content |
        scored | too high score | bogofilter
            """
        ),
    ),
    ("policy", compile_phrases("transport.rules | rejected by organization policy")),
    (
        "content",
        compile_phrases(
            """
        content rejected | content denied | message content | headers too large | header error | duplicate header |
        transaction failed: duplicate | content-type | mime error | improper mime | malformed header |
        malformed message | malformed mime | malformed address | not rfc | rfc 5322 | rfc5322 | rfc 2822 |
        rfc822 | rfc 822 | non-ascii | invalid header | missing header | bad header | 8bitmime | 8-bit |
        conversion*impossible | cannot be converted | bare lf | bare line feed | bare newline |
        illegal header | from header | multiple from headers | date header | message-id*missing |
        header field | body contains | message was rejected because of | the message was rejected by |
        improper header | undecipherable | unacceptable content | message body | invalidcontent |
        rst.contentconversion | header count
            """
        ),
    ),
    (
        "network",
        compile_phrases(
            """
        host not found, try again | lookup failure*try again | temporary*lookup failure |
        no route found | no connection document | connection and domain documents
            """
        ),
    ),
    (
        "no-domain",
        compile_phrases(
            """
        host unknown | unknown host | unknown domain | domain unknown | domain does not exist |
        domain not found | no such domain | host not found | domain is not reachable | hostname*not found |
        unrouteable mail domain | unroutable domain | bad destination host | bad destination system |
        recipient domain*not exist | name or service not known | unrouteable address | unroutable address |
        no route to recipient domain | domain must resolve | lookup failure: host*not found |
        invalid domain | illegal host/domain | nonexistent domain | non-existent domain |
        non-existent hosts | domain name*not exist | domain doesn't exist | couldn't find any host named |
        couldn't find any host by that name | cannot find host | no such host | host does not exist |
        invalid hostname | domain couldn't be found | domain could not be found | bad domain |
        domainnotfound | name server*host not found | unable to find host | no such a domain |
        not a valid domain | all relevant mx records point to non-existent | non-existent dns domain |
            host found but no data record |
        mail domain mentioned in email address is unknown | unknown mail domain | can't find*domain |
        destination domain not found | unknown destination | unrouteable domain | host name not found |
        domain is not valid | host or domain name not found | nxdomain
            """
        ),
    ),
    (
        "accepts-no-mail",
        compile_phrases(
            """
        does not accept mail | doesn't accept mail | nullmx | null mx |
        malformed or unexpected name server reply | no smtp service | not accept any mail |
        host does not receive mail | does not receive mail | no mx or a records | no mail exchanger |
        smtp protocol returned a permanent error | domain*not accept email | only sends mail |
        accepts no mail | no mx for domain | no valid mail exchanger | does not accept email | is a null mx
            """
        ),
    ),
    (
        "moved",
        compile_phrases(
            """
        has moved | has been moved | user moved | mailbox moved | no longer on server | not our customer |
        address has changed | changed address | has been replaced | new address | please try < |
        mailbox has been moved | not local; please try | recipient has moved |
        address*is no longer in use*use | has been transferred
            """
        ),
    ),
    (
        "disabled",
        compile_phrases(
            """
        disabled | suspended | inactive | deactivated | account is locked | account locked |
        account has been locked | mailbox is frozen | mailbox unavailable or access denied |
        invalid/inactive | account expired | terminated | boite du destinataire archivee | archivee |
        bloque | frozen | not active | closed account | account is closed | account*closed |
        mailbox currently suspended | temporarily locked | blocked account | account*blocked |
        mailbox locked | mailbox is locked | dormant | not activated | not collected | abandoned |
        unavailable for delivery | recipient suspended | user suspended | user*blocked |
        subscription*expired | out of service | over credit | been inactive | recipient's account is |
        account that you tried to reach is | temporarily unable to receive | domain is disabled
            """
        ),
    ),
    (
        "recipient-refuses",
        compile_phrases(
            """
        rcp-p2 | rcp-p3 | recipient preferences |
        due to extended inactivity new mail is not currently being accepted |
        due to recipient's | does not want | refused by recipient | rejected by recipient |
        recipient refuses | recipient refused | recipient's mailbox refuses | rejected by user |
        refused by user | doesn't accept messages from | not accepting messages | because the recipient |
        only accepts*from | accepts mail only from | restricted | whitelist | greylist | grey list |
        authrequired | notauthorized | rst.notauth | rst.restricted | resolver.rst |
        authentication required | not authorized to send | not authorised to send | permission to send |
        not allowed to send | you do not have permission | not permitted to send | group*may not exist |
        may not have permission to post | posting permission | member | not accepting mail with |
        blocked by recipient | domain filter | each of the following recipients was rejected | user*filter |
        filtered | kein zugriff | declined | challenge | ongoing list | subscriber |
        message refused by recipient | google group | group*kontaktovat | grupo*contacto |
        groupe*contacter | #sendertoorecipient | the following recipients was rejected by a remote
            """
        ),
    ),
    (
        "system",
        compile_phrases(
            """
        procmail | not unique | several matches | couldn't create | could not create | unable to
        create | input/output error |
        command died | command failed | command time limit | local error in processing |
        local configuration error | configuration error | config error | service currently unavailable |
        aliasing/forwarding loop | can't create | cannot open | unable to open | can't open |
        permission denied | exit*code | unknown mailer error | internal error | server error |
        system error | system not accepting | system config | interrupted system call | resources |
        temporarily unavailable | temporary failure | try again later | local problem | internal server |
        resource temporarily | service unavailable | server busy | data format error | maildrop | pipe to |
        unable to deliver*local | file*lock | lock file | queue file | mail system*full |
        insufficient system | database | ldap | access denied to mailbox | cannot append | mailer error |
        died with status | was rejected by*milter | broken pipe | best-preference mx |
        points to local host | lowest numbered mx | all configured virus scanners failed
            """
        ),
    ),
    # GMX and WEB.DE write it behind the words for a mailbox that is not there
    ("policy", compile_phrases("due to policy restrictions")),
    (
        "no-mailbox",
        compile_phrases(
            """
        542 @ rejected | smtp; 542 | user unknown | unknown user | no such user |
        unknown recipient | recipient unknown |
        user not found | recipient not found | no such recipient | invalid recipient | no such mailbox |
        mailbox not found | mailbox does not exist | mailbox doesn't exist | mailbox unknown |
        unknown mailbox | unknown address | address unknown |
        no such address | address not found | invalid address | invalid mailbox | invalid user |
        unknown or illegal user | unknown or illegal alias | unknown account | account unknown |
        no such account | account not found | not a valid mailbox | not a valid recipient |
        not a valid user | bad address | bad recipient | bad destination email | bad destination mailbox |
        illegal user | illegal alias | no account | no mailbox | no mail box | no user | nobody |
        not a known user | not known here | not our user | not listed in | not in*directory |
        not found in*directory | isn't listed | user*not listed | recipient*not listed |
        undeliverable address | address invalid |
        unable to find recipient | user*not exist | user*not known | user name*not | user*not found |
        name*not recognized | is not recognized | recipientnotfound | resolver.adr | is a deactivated |
        no longer exists | no longer available | no longer valid |
        no longer with | no longer employed | no longer works | not a user | unknown local part |
        unknown local-part | unknown name | unknown in virtual | in virtual alias table |
        in virtual mailbox table | in local recipient table | in relay recipient table |
        mailbox unavailable | mailbox not available | user not available | possibly incorrect |
        incorrect address | address is incorrect | there is no one | this user doesn't have |
        user doesn't have | sorry, no mailbox here by that name | here by that name | no valid recipients |
        recipient is not | recipient not | recipient error | recipient no longer | ruleset=check_rcpt |
        check_recipient | does not have an account | not have a*account |
        delivery to*not authorized*recipient | destinataire inconnu | destinataire invalide |
        adresse destinataire invalide | utilisateur inconnu | adresse inconnue | boite inconnue |
        adresse d au moins un destinataire invalide | empfänger unbekannt | unbekannter empfänger |
        benutzer unbekannt | empfaenger unbekannt | usuario desconocido | usuario no existe |
        destinatario desconocido | destinatario sconosciuto | utente sconosciuto | usuário desconhecido |
        caixa postal inexistente | onbekende gebruiker | пользователь не найден |
        nosuchuser | recipnotfound | mailbox*unknown | user*unknown | not a gmail user |
        no longer accepts mail | address is no longer | user's mailbox is no longer | rcp-p1 |
        no matches to nameserver query | invalid email address | email address*could not be found |
        couldn't be found | address not present | not present in directory | not an active address |
        mailbox invalid | mailbox not present | unknown e-mail address | unknown email address | badrcptto |
        can't accept user | no existe | nessun utente | account unavailable | addresses were unknown |
        rejected recipients | email address*unknown | is unknown or invalid | not listed in domino |
        not a valid address | mailbox no longer | user does not have | unknown to |
        does not have a mailbox | not registered | user is not | wasn't found | address*typo |
        can't find*user | cannot find*user
            """
        ),
    ),
)
_LITTLE: tuple[tuple[Reason, Phrases], ...] = (
    ("no-mailbox", compile_phrases("recipient address rejected: access denied")),
    ("recipient-refuses", compile_phrases("may not exist | might not exist")),
    (
        "expired",
        compile_phrases(
            """
        expired | timed out | timeout | time out | delivery attempts | retry time | retry timeout |
        cannot send message for | message delayed | been delayed | could not be delivered for |
        could not send message for | not been collected | in the queue too long | was aborted after |
        failed*attempts | giving up | queue lifetime | message*queue*too long | deferred |
        not yet been delivered | has been in the queue | was not delivered within | queued*days |
        delivery time | unable to deliver this message after | did not accept our requests to connect |
        undeliverable after | attempts*failed | for*days | still undelivered | unreachable for too long
            """
        ),
    ),
    (
        "network",
        compile_phrases(
            """
        connection refused | connection reset | connection dropped | connection closed | lost connection |
        no route to host | network is unreachable | network unreachable | network error | host lookup |
        name lookup failure | name service error | dns error | dns lookup | name server |
        could not connect | can't connect | cannot connect | unable to connect | couldn't connect |
        connect to | host unreachable | host is down | host down | socket error | nxdomain | no answer |
        unreachable | dns query | could not be contacted | not responding | establish*connection |
        connection failure | conversation with | could not find a gateway | communication failure | no mx |
        lookup failure | smtp connect failed | refused to accept | dns soft | cname lookup failed |
        dns server | servfail | server unavailable | connection*failed
            """
        ),
    ),
    (
        "syntax",
        compile_phrases(
            """
        syntax error | command not recognized | command unrecognized | improper sequence | bad sequence |
        command not implemented | unrecognized command | parameter*not implemented | invalid command |
        nested mail | pipelining | synchronization error
            """
        ),
    ),
    (
        "policy",
        compile_phrases(
            """
        policy | prohibited | administrative | administratively | security | not permitted |
        not authorized | forbidden | unauthenticated | unauthorized | access denied | blocked | not allowed
            """
        ),
    ),
    (
        "no-mailbox",
        compile_phrases(
            """
        does not exist | doesn't exist | not exist | non-existent | nonexistent |
        address rejected | recipient rejected | address refused | recipient refused | rejected address
            """
        ),
    ),
    (
        "policy",
        compile_phrases(
            """
        denied | rejected | refused
            """
        ),
    ),
)
