"""Names of condition keys that are none, and the key that was meant."""

from difflib import get_close_matches

from sesame.policy.language.vocabulary import CONDITION_KEYS, find_key, is_unknown_key

_ALIKE = 0.75
"""How much the name of a key must be like a known one to be a slip of it."""
_ALIKE_OF_AWS = 0.9
"""The same of keys that all of AWS has, of which there are more than are known here."""
_SERVICES = ("sesv2:", "ses-v2:", "email:")
"""What is written before the colon of a key of SES, whose keys all begin with `ses:`."""

_OTHER_WORDS = {
    "from": "ses:FromAddress",
    "fromemail": "ses:FromAddress",
    "fromemailaddress": "ses:FromAddress",
    "sender": "ses:FromAddress",
    "source": "ses:FromAddress",
    "mailfrom": "ses:FeedbackAddress",
    "returnpath": "ses:FeedbackAddress",
    "displayname": "ses:FromDisplayName",
    "fromname": "ses:FromDisplayName",
    "to": "ses:Recipients",
    "toaddresses": "ses:Recipients",
    "destination": "ses:Recipients",
    "destinations": "ses:Recipients",
}
"""Words for what a message has, of SES's API and of mail, and the key that it is asked by."""
_OTHER_WORDS_ANYWHERE = {"sourceipaddress": "aws:SourceIp", "ipaddress": "aws:SourceIp", "ip": "aws:SourceIp"}

_TAGS = {"principaltag": "aws:PrincipalTag", "resourcetag": "aws:ResourceTag", "requesttag": "aws:RequestTag"}


def key_meant(key: str) -> str:
    """The known key whose name is like that of one that is not known, whatever is before the colon; "" for others."""
    folded = key.lower()
    is_none = find_key(key) is None and (is_unknown_key(key) or folded.startswith(_SERVICES))
    if not is_none:
        return ""
    service, _, name = folded.rpartition(":")
    name, slash, _ = name.partition("/")
    if slash:
        near = get_close_matches(name, _TAGS, n=1, cutoff=_ALIKE)
        tag = key.partition("/")[2]
        return f"{_TAGS[near[0]]}/{tag}" if near and tag else ""
    word = _OTHER_WORDS_ANYWHERE.get(name) or (_OTHER_WORDS.get(name) if service != "aws" else None)
    if word is not None:
        return word
    by_name = {known.partition(":")[2]: known for known in CONDITION_KEYS}
    near = get_close_matches(name, by_name, n=1, cutoff=_ALIKE_OF_AWS if service == "aws" else _ALIKE)
    return CONDITION_KEYS[by_name[near[0]]].name if near else ""


def is_no_key(key: str) -> bool:
    """Whether no request can carry what is written as a key, here or at AWS."""
    return is_unknown_key(key) or bool(key_meant(key))


def sent_by_nothing(key: str) -> str:
    """What is said of a key that is none, with the one that was meant."""
    meant = key_meant(key)
    if not meant and key.lower().startswith("aws:"):
        return f"{key} is a key that is not known here, so that nothing sends it"
    return f"{key} is a key that nothing sends" + (f", did you mean `{meant}`?" if meant else "")
