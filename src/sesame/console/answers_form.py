"""The form beside a policy's text: fields to answers and back (`policy.writing`).

Values stand one a line, or separated by commas or spaces where they can have none. Moments are UTC.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from sesame.policy.language.pattern import glob
from sesame.policy.writing.answers import ACTIONS, AnswerError, Answers, Way, is_pattern

WAYS: tuple[tuple[str, Way, str], ...] = (
    ("way_mail", Way.MAIL, "E-mail, by the API and by SMTP"),
    ("way_raw", Way.RAW, "Raw messages and SMTP only"),
    ("way_templates", Way.TEMPLATES, "Stored templates"),
    ("way_bulk", Way.BULK, "Stored templates, in bulk"),
)
LISTS: tuple[tuple[str, str], ...] = (
    ("acting_for", "acting_for"),
    ("as", "from_addresses"),
    ("names", "display_names"),
    ("bounces", "feedback_addresses"),
    ("recipients", "recipients"),
    ("networks", "networks"),
)
"""Field and question of what is a list."""
QUESTIONS: Mapping[str, str] = {
    "principals": "who",
    "services": "who",
    "begins_at": "begins",
    "ends_at": "ends",
    "ways": "way_mail",
    **{question: field for field, question in LISTS},
}
"""The field of each question."""
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?)?")
_DASHED = re.compile(r"([0-9]{4})-([0-9]{4})-([0-9]{4})")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)

Fields = Mapping[str, str]
MOST_EXAMPLES = 3


def blank(identity_name: str, now: float) -> dict[str, str]:
    """The form as it is before anybody has answered: a pattern and an end, which most grants should have."""
    domain = identity_name.rpartition("@")[2]
    fields = written(Answers(identity_arn="", ends_at=int(now // 86_400 * 86_400) + 91 * 86_400))
    return {**fields, "as": identity_name if "@" in identity_name else f"news-*@{domain}"}


def of_refusal(principal: str, action: str, source: str) -> dict[str, str] | None:
    """The smallest answers that let in what was refused: this principal, this way, as this address.

    None for an address that would be a pattern here: senders choose theirs.
    """
    if is_pattern(source):
        return None
    account = principal.split(":")[4] if principal.endswith(":root") else ""
    way = next(
        (way for way, actions in ACTIONS.items() if action in actions and way is not Way.MAIL), Way.MAIL
    )
    answers = Answers(
        identity_arn="",
        principals=(account or principal,),
        from_addresses=(source,) if source else (),
        ways=(way,),
    )
    return written(answers)


def examples(fields: Fields, identity_name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Addresses of an identity that the patterns of a form match, and some that they do not; both empty for any."""
    patterns = [part for part in re.split(r"[\s,;]+", fields.get("as", "")) if part]
    if not patterns:
        return (), ()
    globs = [glob(pattern) for pattern in patterns]
    filled = dict.fromkeys(pattern.replace("*", "1").replace("?", "a") for pattern in patterns)
    domain = identity_name.rpartition("@")[2]
    others = [f"{local}@{domain}" for local in ("ceo", "news-1", "info", "no-reply")]
    matched = tuple(one for one in filled if any(wanted.matches(one) for wanted in globs))
    return matched[:MOST_EXAMPLES], tuple(
        one for one in others if not any(wanted.matches(one) for wanted in globs)
    )[:MOST_EXAMPLES]


def read(fields: Fields, identity_arn: str) -> Answers:
    """The answers that a form gives. Raises AnswerError."""
    principals, services = [], []
    for value in re.split(r"[\s,;]+", fields.get("who", "").strip()):
        if not value:
            continue
        dashed = _DASHED.fullmatch(value)
        if ":" not in value and not dashed and _HOST.fullmatch(value) and not value.isdecimal():
            services.append(value)
        else:
            principals.append("".join(dashed.groups()) if dashed else value)
    lists = {
        question: tuple(
            part.strip()
            for part in re.split(r"\n" if field == "names" else r"[\s,;]+", fields.get(field, ""))
            if part.strip()
        )
        for field, question in LISTS
    }
    return Answers(
        identity_arn=identity_arn,
        principals=tuple(principals),
        services=tuple(services),
        begins_at=_moment(fields.get("begins", ""), "begins_at"),
        ends_at=_moment(fields.get("ends", ""), "ends_at"),
        ways=tuple(way for field, way, _ in WAYS if fields.get(field)),
        **lists,
    )


def _moment(text: str, question: str) -> int | None:
    if not text.strip():
        return None
    if not _MOMENT.fullmatch(text.strip()):
        raise AnswerError(question, f"`{text}` is not a moment: write 2026-12-31T00:00")
    try:
        return int(datetime.fromisoformat(text.strip()).replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise AnswerError(question, f"`{text}` is on no calendar") from None


def written(answers: Answers) -> dict[str, str]:
    """The form as these answers fill it in."""
    fields = {"who": "\n".join((*answers.principals, *answers.services))}
    fields |= {field: "\n".join(getattr(answers, question)) for field, question in LISTS}
    fields |= {field: "1" if way in answers.ways else "" for field, way, _ in WAYS}
    for field, moment in (("begins", answers.begins_at), ("ends", answers.ends_at)):
        fields[field] = "" if moment is None else _written(moment)
    return fields


def _written(moment: int) -> str:
    text = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return text.removesuffix(":00")
