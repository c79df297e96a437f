"""What people write and do not mean in ARNs and messages: what is wrong with it in words, and what to write.

Pure. A rule of SES whose text says what was wrong has a mend here that says what to do; `rule_mend` knows those that
the doors answer with.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from sesame.access.causes.near_misses import near_miss
from sesame.aws.arn import Arn, ArnError
from sesame.mail.domain import DomainError, normal_domain

_FORM = "ARN of the form arn:aws:ses:REGION:ACCOUNT:identity/NAME"
_ACCOUNT = re.compile(r"[0-9]{12}")
_IDENTITY = re.compile(r"[^\s@:/*?${}<>]*@?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
"""What may be the name of an identity: a domain or an address."""
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")


def mend_arn(text: str, region: str) -> tuple[str, str]:
    """What keeps a text from being the ARN of an identity, and the ARN that may be meant.

    ACCOUNT and NAME stand in it for what the text does not say. `region` is the one that was called.
    """
    bare = text.strip().strip("\"'<>").strip()
    if "%3a" in bare.lower():
        return "its colons are written as in a URL", mend_arn(unquote(bare), region)[1]
    parts = bare.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        return _no_arn(bare), _written(region, "ACCOUNT", _name(bare))
    _, _, service, named_region, account, resource = parts
    digits = re.sub(r"[-\s]", "", account)
    right = _written(
        named_region if _REGION.fullmatch(named_region) else region,
        digits if service == "ses" and _ACCOUNT.fullmatch(digits) else "ACCOUNT",
        _name(resource) if service == "ses" else "NAME",
    )
    if bare != text:
        return f"there {_around(text)} around it", right
    return _wrong(text, parts), right


def _around(text: str) -> str:
    if text.strip()[:1] == "<":
        return "are angle brackets"
    return "are quotation marks" if text.strip()[:1] in "\"'" else "is white space"


def _wrong(text: str, parts: list[str]) -> str:
    _, _, service, region, account, resource = parts
    kind, slash, name = resource.partition("/")
    if service != "ses":
        return f"it is an ARN of `{service}`, not of `ses`"
    if not account:
        return "its account number is missing" if region else "its region and account number are missing"
    if not _ACCOUNT.fullmatch(account):
        return f"`{account}` is not an account number, which has 12 digits"
    if not slash or kind != "identity":
        return f"`{resource}` is not an identity: write `identity/` and the address or domain"
    if not name:
        return "it names no identity"
    try:
        Arn.parse(text)
    except ArnError as error:
        part = re.match(r"bad (\w+) in", str(error))
        return f"its {part[1]} cannot be" if part else f"it is no {_FORM}"
    return f"it is no {_FORM}"


def _name(resource: str) -> str:
    name = resource.rpartition("/")[2].strip()
    return name if _IDENTITY.fullmatch(name) else "NAME"


def _no_arn(text: str) -> str:
    if any(mark in text for mark in ("${", "{{", "%s", "<", "$(")):
        return f"a placeholder stands in it that nobody has filled in, and it is no {_FORM}"
    if text.lower() in ("undefined", "null", "none", "nil", "nan", "false"):
        return f"the program has no value for it, and it is no {_FORM}"
    return f"it is no {_FORM}"


def _written(region: str, account: str, name: str) -> str:
    return f"arn:aws:ses:{region}:{account}:identity/{name}"


_PATH_OF_RESOURCE = re.compile(r"(?:arn:[^/]*:)?(?:configuration-set|template)/([A-Za-z0-9_-]{1,64})")


def bare_name(text: str) -> str | None:
    """The name in the ARN of a configuration set or template, or in what follows its account number."""
    found = _PATH_OF_RESOURCE.fullmatch(text.strip())
    return found[1] if found else None


def what_is_wrong(address: str, field: str | None) -> str:
    """What keeps a text from being an address, where that is plain: letters that are none of ASCII, or two of them."""
    where = f" in {field}" if field else ""
    spec = address.rpartition("<")[2].rstrip("> ")
    if _is_several(address):
        return f"{where}: that is more than one address"
    if (near := near_miss(address)) is not None:
        return f"{where}: {near.wrong}"
    if (strange := _strange(spec)) is not None:
        return f"{where}: `{strange}` is not ASCII, and nothing but ASCII may stand before the @"
    if _KEY_ID.fullmatch(address):
        return f"{where}: that is an access key id, the user name, and no address"
    if (found := _unquoted(address)) is not None:
        return f"{where}: its display name has {found[0]} outside quotation marks"
    return where


_KEY_ID = re.compile(r"A[KS]IA[A-Z0-9]{12,}")
_NAMED = re.compile(r"(?P<name>.*\S)\s*<(?P<spec>[^<>@\s]+@[^<>@\s]+)>\s*")
_SPECIAL = {
    ",": "a comma", ":": "a colon", ";": "a semicolon", "<": "an angle bracket", ">": "an angle bracket",
    "@": "an @", "(": "a parenthesis", ")": "a parenthesis", "[": "a bracket", "]": "a bracket",
    "\\": "a backslash", '"': "a quotation mark that is not closed",
}  # fmt: skip
"""What stands in a display name within quotation marks alone (RFC 5322 section 3.2.3), in words."""


def _unquoted(address: str) -> tuple[str, str] | None:
    """What a display name has and should have in quotation marks, and the address with them; None where it is none."""
    found = _NAMED.fullmatch(address)
    if found is None:
        return None
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", found["name"])
    sign = next((letter for letter in outside if letter in _SPECIAL), None)
    if sign is None:
        return None
    bare = re.sub(r'["<>]', "", found["name"]).replace("\\", "\\\\").strip()
    quoted = f'"{bare}"' if set(bare) & set(_SPECIAL) else bare  # none may have angle brackets, quoted or not
    return _SPECIAL[sign], f"{quoted} <{found['spec']}>"


_HEADER_SLIPS = {
    "byte-order mark": (
        "it begins with a byte-order mark (U+FEFF)",
        "write the message as UTF-8 without a byte-order mark",
    ),
    "empty line": (
        "the message begins with an empty line, which ends its header",
        "take the empty line away: begin the message with its first field",
    ),
    "later": (
        "an empty line ends the header before the field `From`",
        "let an empty line stand behind the last field alone, before the body",
    ),
    "mailbox file": (
        "its first line is that of a message in a mailbox file, `From ADDRESS DATE`, and no field",
        "leave the first line out",
    ),
    "html": (
        "the message is HTML without a header",
        "begin it with its header (From, To, Subject, Content-Type: text/html) and an empty line, or give the HTML to"
        " SendEmail",
    ),
    "json": (
        "the message is JSON",
        "give a message as RFC 5322 has it: its header, a field a line, an empty line, the body",
    ),
    "base64": (
        "the message is in base64 already",
        "give the message as it is, from its first field on (`From: …`): the SDK encodes it (the AWS CLI: with"
        " --cli-binary-format raw-in-base64-out)",
    ),
    "indented": (
        "its first line begins with white space, as what continues a field does",
        "begin each field at the beginning of its line",
    ),
    "misspelt": ("it has a field `{0}`", "write `From` in place of `{0}`"),
}
"""What is wrong with a message whose header cannot be read, by the words of `sending.header_slips`; what to do."""


def header_slip(failed: Mapping[str, Any]) -> str:
    """What is wrong with the beginning of a raw message, as far as that was seen."""
    what, seen = failed.get("slip", ("", ""))
    return f"; {_HEADER_SLIPS[what][0].format(seen)}" if what in _HEADER_SLIPS else ""


def _strange(spec: str) -> str | None:
    return next((letter for letter in spec.rpartition("@")[0] if not letter.isascii()), None)


def _is_several(address: str) -> bool:
    outside = re.sub(r'"[^"]*"', "", address)
    return len(re.findall(r"[^\s@,;<>]+@[^\s@,;<>]+", outside)) > 1


_RULES: tuple[tuple[str, str], ...] = (
    (
        r"Recipient count exceeds (\d+)",
        "send to at most {0} recipients at once: split the message's recipients",
    ),
    (r"no recipients specified", "name at least one recipient in To, Cc or Bcc"),
    (
        r"Message length is more than (\d+)",
        "make the message, with its attachments encoded, at most {0} bytes long",
    ),
    (
        r"Missing final '@domain'",
        "write an address with its domain, `name@example.com` or `Name <name@example.com>`, in {what}",
    ),
    (r"Source cannot be empty", "give a From address"),
    (r"semicolon", "give each address as one of its own, or put commas between them"),
    (
        r"MAIL FROM address",
        "give an envelope sender (MAIL FROM) that is an address of a verified identity{null}",
    ),
    (
        r"contains illegal character",
        "write the domain in ASCII, as Punycode (`xn--…`) where it has other letters",
    ),
    (
        # A longer run of letters and digits is base64, and no field's name.
        r"Illegal header '([A-Za-z0-9]{1,30}(?:-[A-Za-z0-9]{1,30})*)'\.?$",
        "write the field `{0}` as `{0}: …` in printable characters, other letters as encoded-words; if it is no field,"
        " begin the message with its header, an empty line and the body, and leave base64 to the SDK",
    ),
    (
        r"Illegal header|Empty header names",
        "begin the message with its header, a field a line (`From: …`), then an empty line and the body; an SDK gets it"
        " as it is, and encodes it as base64 by itself",
    ),
    (
        r"Invalid tag (?:name|value) <[^>]*[;&][^>]*=",
        "put a comma between tags, `name1=value1, name2=value2`",
    ),
    (r"tag (?:name|value) must be specified", "write each tag as `name=value`, with a comma between tags"),
    (
        r"Invalid tag name <([\w-]+) *: *([^<>]*)>",
        "write the tag as `{0}={1}`: X-SES-MESSAGE-TAGS has names and values with `=` between them, and no name has a"
        " colon",
    ),
    (
        r"Invalid tag (name|value) <([^>]*)>",
        "write the {0} of the tag in letters, digits and the other characters that the text names, in place of `{1}`",
    ),
    (r"^(line \d+, column \d+): ", "correct the policy that the request gives, at {0}"),
    (
        r"DurationSeconds exceeds",
        "ask for a shorter session (DurationSeconds), or raise the role's MaxSessionDuration",
    ),
    (r"^(arn:\S+) is invalid", "name a role in RoleArn, `arn:aws:iam::ACCOUNT:role/NAME`, in place of `{0}`"),
    (
        r"x-amz-source-account",
        "send the header x-amz-source-account, signed, with the 12 digits of the account that the service sends for",
    ),
    (
        r"Invalid TemplateData|rendering data is invalid",
        'write the data as a JSON object, `{{"name": "value"}}`',
    ),
    (
        r"eaders\.\d+\.member\.name' failed",
        "write the field's name in printable ASCII without blanks and colons, as in `X-Campaign`",
    ),
    (
        r"Value (?:null |'(?s:.*)' )?at '([^']*)' failed to satisfy constraint: (.*)",
        "give `{0}` a value that fits: {1}",
    ),
    (r"> address unknown", "write the recipient as `name@example.com`"),
    (r"Invalid email address", "write the address as `name@example.com`"),
    (r"Duplicate header '([^']*)'", "write the field `{0}` once"),
    (r"Missing required header '([^']*)'", "write the field `{0}`"),
    (
        r"Illegal|Extra|Missing|contains control",
        "write {what} as `name@example.com` or `Name <name@example.com>`",
    ),
    (r"Header '([^']*)' cannot be given", "give `{0}` by its parameter, not among the headers"),
    (r"line of more than (\d+)", "break its lines after {0} characters at most, or encode it as base64"),
    (r"text or an HTML part", "give the message a text or an HTML body"),
    (r"carriage return without a line feed", "end each line with CR and LF"),
    (
        r"Attribute '([^']*)' is not present in the rendering data",
        "give `{0}` a value in the template's data",
    ),
    (r"is not present in the rendering data", "give the template's data a value for it"),
    (r"assumed by root", "assume the role with the key of a user, or from another session: a root may not"),
)
"""What to do about each rule, in the order in which they are looked for."""

_NULL = (
    "; mail with none, such as a mail server's own bounces, does not go through a relay: let the server send it itself,"
    " or give it a sender"
)


def _in_ascii(address: str) -> str | None:
    """An address with the letters of its domain as Punycode; None where it has no other letters, or is none."""
    before, at, domain = address.rpartition("@")
    if not at or domain.isascii() or not before.isascii():
        return None
    try:
        return f"{before}@{normal_domain(domain.rstrip('> '))}{'>' * domain.rstrip().endswith('>')}"
    except DomainError:
        return None


def rule_mend(reason: str, failed: Mapping[str, Any]) -> str:
    """What to do about a rule that a request or message breaks, by SES's text of it."""
    address = str(failed.get("unreadable", ""))
    field = failed.get("unreadable_in")
    if address and _is_several(address):
        return f"write one address in {field or 'place of them'}, as `name@example.com` or `Name <name@example.com>`"
    if address and (near := near_miss(address)) is not None:
        return f"write {near.right} in place of `{address}`"
    if address and _strange(address.rpartition("<")[2].rstrip("> ")) is not None:
        return f"use an address with nothing but ASCII before the @ in place of `{address}`"
    if (named := _unquoted(address)) is not None:
        rule = f"a display name that has {named[0]} stands in quotation marks"
        rule = "a display name has no angle brackets" if "angle" in named[0] else rule
        return f"write `{named[1]}`: {rule}"
    slip, seen = failed.get("slip", ("", ""))
    if slip in _HEADER_SLIPS:
        return _HEADER_SLIPS[slip][1].format(seen)
    if (ascii_form := _in_ascii(address)) is not None:
        return f"write the domain in ASCII, as Punycode: `{ascii_form}`"
    what = f"place of `{address}`" if address else "the field or parameter"
    for pattern, mend in _RULES:
        if (found := re.search(pattern, reason)) is not None:
            null = _NULL if failed.get("command") == "MAIL" and not address else ""
            if "write {what}" in mend:
                what = f"`{address}`" if address else "each address"
            by_smtp = "; MAIL FROM does not stand in for it" * (
                failed.get("door") == "smtp" and "Missing required header 'From'" in reason
            )
            return mend.format(*found.groups(), what=what, null=null) + by_smtp
    return f"change what the text says: {reason.rstrip('.')}"


_FIELDS = (r"header '([A-Za-z0-9-]{1,60})'", r"Header '([A-Za-z0-9-]{1,60})'", r"at '([^']{1,60})' failed")
"""Where the texts of rules name a field or parameter."""


def rule_change(reason: str, failed: Mapping[str, Any], text: str) -> dict[str, str | None]:
    """The same as a change of one field, whose mend in words is `text`; None for what the text leaves to its reader."""
    old = failed.get("unreadable")
    if old is None:
        found = (re.search(pattern, reason) for pattern in _FIELDS)
        return {"field": next((one[1] for one in found if one is not None), None), "from": None, "to": None}
    new = re.match(r"write (?:the domain in ASCII, as Punycode: )?`([^`]+)`", text)
    is_one = new is not None and not text[new.end() :].startswith(" or `") and new[1] != old
    is_meant = new is not None and is_one and "name@example.com" not in new[1]
    field = failed.get("unreadable_in") or {"MAIL": "MAIL FROM", "RCPT": "RCPT TO"}.get(
        str(failed.get("command"))
    )
    return {"field": field, "from": str(old), "to": new[1] if new is not None and is_meant else None}


_COMMANDS: tuple[tuple[str, str], ...] = (
    ("Line longer than", "break the message's lines after 998 characters at most, or encode it as base64"),
    (
        "Message is too long",
        "make the message, with its attachments encoded, no larger than the SIZE in the answer to EHLO",
    ),
    (
        "Bare CR, bare LF or NUL",
        "end each line with CR and LF, and let no other CR or LF, and no NUL, stand in it",
    ),
    (
        "Parameter not supported",
        "give MAIL no parameters but SIZE, BODY and AUTH, and RCPT none: SMTPUTF8 and delivery status notifications"
        " (RET, ENVID, NOTIFY, ORCPT) are not offered",
    ),
    ("Too many recipients", "name fewer recipients in one message: send it several times"),
    ("Syntax error in arguments", "write `MAIL FROM:<address>` and `RCPT TO:<address>` as RFC 5321 has them"),
    ("Bad sequence", "say EHLO, AUTH, MAIL, RCPT and DATA in this order, each once but RCPT"),
    ("Unrecognized command", "use no commands but EHLO, AUTH, MAIL, RCPT, DATA, RSET, NOOP and QUIT"),
    ("Line too long", "write each command in at most 2,048 octets"),
    ("Too much input", "wait for the answer to a message before the next one"),
    ("Too much mail at once", "try again later; the operator's setting is `submission.memory_bytes`"),
    ("Timeout waiting", "send a message to its end without long pauses"),
    ("TLS not supported", "say STARTTLS once, before AUTH"),
)
"""What to do about what the SMTP server answered, by the words of its reply."""


def command_mend(reply: str) -> str:
    """What to do about a command or a message that the SMTP server refused with this text."""
    found = (mend for words, mend in _COMMANDS if words in reply)
    return next(found, f"change what the text says: {reply.rstrip('.')}")
