"""Does a sentence say that there is no such mailbox, or no such domain? By its grammar, not by known phrases.

Servers say it in endless ways that share a shape: a noun for the recipient (user, mailbox, Empfänger), and near
it, in the same clause, a word for absence (unknown, inexistant), or a negation and what is negated (not found,
existiert nicht). Where the clause speaks of a sender, or hedges, it proves nothing.

INVARIANT: one pass over the words, each looked at with a bounded number of neighbours.
"""

import re
from collections.abc import Sequence
from typing import Literal

WORD_LIMIT = 600  # words of a text that are read
_NEAR, _FAR = 3, 8  # words between a noun and an adjective, a noun and what a negation denies

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|@|[.;!?\n](?=\s|$)|[()|=]")
_ASIDE = re.compile(r"\(in reply to [a-z ]{1,40}\)|\(see [^()]{1,60}\)", re.IGNORECASE)
_ONE_WORD = (
    ("n'e", "ne e"),
    ("local part", "localpart"),
    ("local-part", "localpart"),
    ("e-mail", "email"),
    ("email address", "address"),
)
_STOPS = frozenset(".;!?\n|")
_ELIDED = frozenset({"l", "d", "dell", "all", "nell", "dall", "un", "cest", "quest"})
"""Articles and the like that French and Italian write together with the noun."""


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_MAILBOX = _words(
    """
    @ user users username usernames userid uid recipient recipients mailbox mailboxes account accounts
    address addresses
    addressee addressees alias aliases localpart login subscriber receiver maildrop mailname forwardee
    empfänger empfaenger empfängeradresse benutzer benutzername benutzerkonto adresse emailadresse mailadresse
    postfach konto teilnehmer adressat
    destinataire destinataires utilisateur boite boîte compte bal
    usuario usuarios destinatario destinatarios dirección direccion buzón buzon cuenta casilla
    utente utenti indirizzo casella
    usuário usuários destinatário destinatários endereço endereco conta
    gebruiker ontvanger geadresseerde adres postbus postvak
    użytkownik uzytkownik adresat odbiorca konta skrzynka skrzynki uzytkownika użytkownika
    пользователь пользователя получатель получателя адрес адресат ящик ящика аккаунт абонент
    uživatel uzivatel uživatele příjemce schránka schranka adresa používateľ príjemca
    användare användaren mottagare mottagaren adressen konto kontot bruker brukeren bruger brugeren modtager
    modtageren mottakeren käyttäjä käyttäjää vastaanottaja vastaanottajaa osoite osoitetta tili tiliä
    kullanıcı kullanici alıcı alici hesap adresi
    felhasználó címzett cím postafiók utilizator utilizatorul destinatarul χρήστης παραλήπτης
    """
)
_DOMAIN = _words(
    """
    domain domains host hosts hostname domainname domäne domaine dominio domínio domein domena домен
    alan doména maildomain
    """
)
_ABSENT = _words(
    """
    unknown nonexistent nonexistant inexistent unrecognized unrecognised undefined unresolvable
    unrouteable unroutable
    unbekannt unbekannte unbekannter unbekanntes inconnu inconnue inconnus introuvable inexistant inexistante
    desconocido desconocida desconocidos inexistente inexistentes sconosciuto sconosciuta sconosciuti
    inesistente inesistenti
    desconhecido desconhecida onbekend onbekende nieznany nieznane nieznana nieistniejący nieistniejące
    неизвестен неизвестный несуществующий неизвестно neznámý neznámá neznámy neexistuje neexistující nenalezen
    nenalezena nenájdený okänd okänt ukjent ukendt tuntematon bulunamadı bulunamadi bilinmeyen
    ismeretlen necunoscut inexistentă άγνωστος nxdomain
    """
)
_INVALID = _words(
    """
    invalid bad wrong incorrect illegal ungültig ungueltig ungültige invalide invalides incorrecte
    inválido inválida
    invalido invalida incorrecta incorrecto ongeldig nieprawidłowy nieprawidłowe недействителен недействительный
    неверный neplatný neplatná ogiltig ugyldig virheellinen geçersiz gecersiz érvénytelen
    """
)
_NOT = _words(
    """
    not no cannot never nor none neither nicht kein keine keinen pas ne non aucun aucune não nao nenhum
    nenhuma ningún
    ningun ninguna nessun nessuno nessuna niet geen nie ma не нет нету ni ikke inte icke ingen inget ei
    yok değil degil
    nem nincs nu isn't wasn't aren't doesn't don't couldn't can't didn't hasn't haven't unable keinem
    """
)
_PRESENT = _words(
    """
    exist exists existed existing found find known know listed recognized recognised recognise recognize
    registered defined
    valid located match matches identified resolve resolved resolvable hosted present served configured
    existiert existieren gefunden bekannt vorhanden gültig registriert verzeichnet
    existe existent existait trouvé trouvée trouve trouver connu connue valide valable répertorié
    existen encontrado encontrada encontró encontrados encontrar registrado válido válida
    esiste esistono trovato trovata trovati valido valida riconosciuto registrata
    encontrado encontrada localizado localizada cadastrado
    bestaat gevonden bekend geldig istnieje znaleziono znaleziony takiego takiej
    найден найдена найдено существует существуют зарегистрирован известен
    existuje nalezen nalezena finns hittades hittas finnes finnst findes fundet funnet löydy löytynyt
    mevcut bulunmamaktadır
    létezik található găsit există υπάρχει
    """
)
_LACKED = _words("account mailbox inbox konto compte cuenta conta")
_HAVE = _words("have has had hat possède tiene")
_HEDGES = _words("may might if whether possibly maybe verify check ensure group list groups")
_OTHERS = _words(
    """
    sender senders sender's senders' originator from return helo ehlo ptr reverse rdns spf dkim dmarc
    key certificate record
    mx absender expéditeur remitente mittente remetente afzender nadawca отправителя server
    nameserver quota password authentication login
    """
)
_NO_ONE = _words("such one nobody person")
_JOINED = (
    re.compile(
        "(?:ユーザ|宛先|アドレス|メールボックス|受信者|アカウント).{0,20}(?:存在し|見つか|不明|ありません|誤)"
    ),
    re.compile("存在しない.{0,8}(?:ユーザ|宛先|アドレス|メールボックス)"),
    re.compile(
        "(?:用户|收件人|邮箱|地址|帐号|账号|帳號|信箱|使用者|收件者).{0,12}(?:不存在|未找到|找不到|无效|無效|没找到)"
    ),
    re.compile(
        "(?:查无|查無|无此|無此|没有此|没有这个|沒有此).{0,4}(?:用户|人|邮箱|帐号|账号|帳號|信箱|使用者)"
    ),
    re.compile(
        "(?:사용자|수신자|메일함|주소|계정|받는 ?사람).{0,12}(?:존재하지|찾을 수 없|없습니다|없음|알 수 없)"
    ),
    re.compile("(?:존재하지 않는|없는|알 수 없는).{0,4}(?:사용자|수신자|메일함|주소|계정)"),
)

Absence = Literal["no-mailbox", "no-domain"]


def find_absence(text: str) -> Absence | None:
    """What a text says does not exist: the first clause that says it of a mailbox, or of a domain."""
    found: Absence | None = None
    for clause in _clauses(_ASIDE.sub(" ", text).lower()):
        if (said := _said_of(clause)) is not None:
            if said == "no-domain":
                return said
            found = found or said
    if found is None and not text.isascii() and any(form.search(text) for form in _JOINED):
        return "no-mailbox"
    return found


def _clauses(text: str) -> list[list[str]]:
    for written, replacement in _ONE_WORD:
        text = text.replace(written, replacement)
    clauses: list[list[str]] = [[]]
    for count, word in enumerate(_TOKEN.findall(text)):
        if count >= WORD_LIMIT:
            break
        if word in _STOPS:
            clauses.append([])
        elif word not in "()=":
            word = word.replace("’", "'")
            article, _, noun = word.partition("'")
            clauses[-1].append(noun if noun and article in _ELIDED else word)
    return [clause for clause in clauses if clause]


def _said_of(clause: Sequence[str]) -> Absence | None:
    if any(word in _OTHERS or word in _HEDGES for word in clause):
        return None
    found: Absence | None = None
    for at, word in enumerate(clause):
        kind: Absence | None = "no-mailbox" if word in _MAILBOX else "no-domain" if word in _DOMAIN else None
        if kind is not None and _is_absent(clause, at):
            if kind == "no-domain":
                return kind
            found = kind
    return found


def _is_absent(clause: Sequence[str], at: int) -> bool:
    """Is the noun at an index said not to exist?"""
    before, after = clause[max(0, at - _NEAR) : at], clause[at + 1 : at + 1 + _NEAR]
    if "your" in before[-2:]:
        return False
    if any(word in _ABSENT for word in (*before, *after)):
        return True
    if clause[at] != "@" and any(word in _INVALID for word in (*before[-1:], *after[:2])):
        return True
    if "no" in before[-2:] and before[-1:] and (before[-1] in _NO_ONE or before[-1] == "no"):
        return _is_plain_no(clause, at)
    if "no" in before[-3:] and "such" in before:
        return True
    reach = _NEAR if clause[at] == "@" else _FAR  # an address stands after what its sentence is about
    return _is_denied(clause[at + 1 : at + 1 + _FAR]) or _is_denied(clause[max(0, at - reach) : at])


def _is_plain_no(clause: Sequence[str], at: int) -> bool:
    """`no such user`, `no mailbox here`: but not `no account limit`, nor `no user rights`."""
    if clause[at - 1] != "no":
        return True
    return all(
        word in ("here", "by", "with", "for", "found", "that", "@", "of", "called", "named")
        for word in clause[at + 1 : at + 2]
    )


def _is_denied(words: Sequence[str]) -> bool:
    """Is there a negation with a word for being there within three words of it, or `have no account`?"""
    for at, word in enumerate(words):
        if word in _NOT:
            if any(near in _PRESENT for near in (*words[at + 1 : at + 4], *words[max(0, at - 2) : at])):
                return True
            if any(near in _HAVE for near in words[at + 1 : at + 2]) and any(
                near in _LACKED for near in words[at + 2 : at + 6]
            ):
                return True
    return False
