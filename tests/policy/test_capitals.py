"""Where capitals alone keep a request out it is said, and the mend is for other letters and for nothing else."""

import json
from typing import Any

import pytest

from sesame.policy import Outcome
from sesame.policy.reasons.capitals import respelt
from sesame.policy.reasons.cause import Cause, How, Reader
from sesame.policy.reasons.edits import edited
from tests.policy.test_remedies import MAY, asked, condition, denies, first, lends, outcome, written

OTHER = {
    "ses:FromAddress": "ceo@example.com",
    "ses:FeedbackAddress": "x@example.net",
    "ses:FromDisplayName": "Boss",
    "ses:Recipients": ("to@corp.test", "x@other.test"),
    "aws:username": "other",
    "aws:UserAgent": "curl",
}
"""Of each key, a value that stays out."""
PATTERNS: list[tuple[str, str, str, Any, str]] = [
    ("StringEquals", "ses:FromAddress", "News@Example.com", "news@example.com", "StringEqualsIgnoreCase"),
    ("StringEquals", "ses:FromDisplayName", "News", "NEWS", "StringEqualsIgnoreCase"),
    ("StringLike", "ses:FromAddress", "News-*@Example.com", "news-a@example.com", "`news-*@example.com`"),
    ("StringLike", "ses:FromAddress", "news*@example.com", "News-1@example.com", "`News*@example.com`"),
    ("StringLike", "ses:FromAddress", "NEWS@example.com", "news@example.com", "`news@example.com`"),
    ("StringLike", "ses:FeedbackAddress", "*@Bounces.*.com", "a@bounces.x.com", "`*@bounces.*.com`"),
    ("StringEquals", "aws:username", "Robot", "robot", "StringEqualsIgnoreCase"),
    ("ForAllValues:StringEquals", "ses:Recipients", "To@corp.test", ("to@corp.test",), "EqualsIgnoreCase"),
    ("ForAllValues:StringLike", "ses:Recipients", "*@Corp.test", ("to@corp.test",), "`*@corp.test`"),
    ("StringLike", "aws:UserAgent", "Boto3/*", "boto3/1.4", "`boto3/*`"),
]
OWN = [one for one in PATTERNS if one[1] != "aws:UserAgent"]


def negated(operator: str) -> str:
    """The Deny of all but what the operator lists."""
    return operator.replace("String", "StringNot").replace("ForAllValues", "ForAnyValue")


def refused(
    whose: str, effect: str, operator: str, key: str, wanted: str, context: dict[str, Any], reader: Reader
) -> tuple[Cause, str, str]:
    """The first cause, the text of the policy that has it, and the other side's."""
    asks = condition(operator if effect == "Allow" else negated(operator), key, wanted)
    if whose == "identity":
        theirs = written(lends(**asks)) if effect == "Allow" else written(lends(), denies(**asks))
        return first(asked(**context), theirs, reader), theirs, written(MAY)
    own = written(MAY | asks) if effect == "Allow" else written(MAY, MAY | asks | {"Effect": "Deny"})
    return first(asked(**context), written(lends()), reader, own), own, written(lends())


def after(whose: str, texts: tuple[str, str], context: dict[str, Any]) -> Outcome:
    theirs, own = texts if whose == "identity" else reversed(texts)
    return outcome(asked(**context), theirs, own)


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize(
    ("whose", "pattern"),
    [*(("iam", one) for one in PATTERNS), *(("identity", one) for one in OWN)],
    ids=lambda one: one if isinstance(one, str) else f"{one[1]} {one[2]}",
)
def test_the_mend_lets_other_letters_in_and_nothing_else(
    whose: str, pattern: tuple[str, str, str, Any, str], effect: str
) -> None:
    operator, key, wanted, value, proposed = pattern
    reader = Reader.OWNER if whose == "identity" else Reader.SENDER
    cause, text, others = refused(whose, effect, operator, key, wanted, {key: value}, reader)
    is_hidden = reader is Reader.OWNER and key == "ses:Recipients"
    assert ("capitals count" if is_hidden else "only the case of letters differs") in cause.text
    proposed = proposed if effect == "Allow" else proposed.replace("Equals", "NotEquals", 1)
    assert cause.mend.how is How.CHANGE_STATEMENT and proposed in cause.mend.text
    mended = edited(text, cause.mend.details["statement"], cause.mend.details["changes"])
    assert after(whose, (mended, others), {key: value}) is Outcome.ALLOW
    assert after(whose, (mended, others), {key: OTHER[key]}) is not Outcome.ALLOW
    as_written = wanted.replace("*", "x")
    kept = (as_written,) if key == "ses:Recipients" else as_written
    assert after(whose, (mended, others), {key: kept}) is Outcome.ALLOW, "who passed before does so still"


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_of_several_recipients_those_are_named_of_which_it_is_true(effect: str) -> None:
    seen = {"ses:Recipients": ("to@corp.test", "x@other.test")}
    asks = "iam", effect, "ForAllValues:StringLike", "ses:Recipients", "*@Corp.test"
    cause, text, others = refused(*asks, seen, Reader.SENDER)
    assert "; of `to@corp.test` only the case of letters differs" in cause.text
    mended = edited(text, cause.mend.details["statement"], cause.mend.details["changes"])
    assert after("iam", (mended, others), seen) is Outcome.ALLOW
    assert after("iam", (mended, others), {"ses:Recipients": ("y@third.test",)}) is not Outcome.ALLOW


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "says"),
    [
        ("StringEquals", "*@example.com", "news@example.com", "StringNotLike in place of StringNotEquals"),
        ("StringEqualsIgnoreCase", "*@Example.com", "news@example.com", ""),
    ],
)
def test_a_wildcard_in_a_deny_of_all_others_counts_only_under_not_like(
    operator: str, wanted: str, value: str, says: str
) -> None:
    cause, text, others = refused(
        "identity", "Deny", operator, "ses:FromAddress", wanted, {"ses:FromAddress": value}, Reader.OWNER
    )
    assert "a wildcard counts only under StringNotLike" in cause.text and says in cause.mend.text
    mended = edited(text, cause.mend.details["statement"], cause.mend.details["changes"])
    assert after("identity", (mended, others), {"ses:FromAddress": value}) is Outcome.ALLOW


def test_two_slips_of_one_pattern_are_mended_together() -> None:
    """A wildcard under equality, in other letters: of an Allow both are said."""
    value = {"ses:FromAddress": "news@example.com"}
    asks = "iam", "Allow", "StringEquals", "ses:FromAddress", "*@Example.com", value, Reader.SENDER
    cause, text, others = refused(*asks)
    assert "a wildcard counts" in cause.text and "only the case of letters differs" in cause.text
    if cause.mend.how is How.CHANGE_STATEMENT:
        mended = edited(text, cause.mend.details["statement"], cause.mend.details["changes"])
    else:
        mended = written(json.loads(text)["Statement"][0], cause.mend.details["statement"])
    assert after("iam", (mended, others), value) is Outcome.ALLOW
    assert after("iam", (mended, others), {"ses:FromAddress": "x@example.net"}) is Outcome.IMPLICIT_DENY


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize(
    ("key", "operator", "wanted", "value", "small"),
    [
        ("ses:FromAddress", "StringLike", "*@example.com", "Ann@Example.com", "From in small letters: `Ann@ex"),
        ("ses:FromAddress", "StringEquals", "ann@example.com", "Ann@Example.com", "`ann@example.com`"),
        ("ses:FeedbackAddress", "StringLike", "b@*", "B@example.com", "the return path in small letters: `b@"),
        (
            "ses:Recipients", "ForAllValues:StringLike", "*@corp.test", ("Ann@Corp.test", "bob@corp.test"),
            "the recipients in small letters: `Ann@corp.test`, `bob@corp.test`",
        ),
    ],
)  # fmt: skip
def test_a_sender_reads_of_its_own_capitals(
    key: str, operator: str, wanted: str, value: Any, small: str, effect: str
) -> None:
    """And nothing of the owner's: not where its own address has none."""
    asks = "identity", effect, operator, key, wanted, {key: value}, Reader.SENDER
    mend = refused(*asks)[0].mend
    assert mend.how is How.ASK and "; or write " in mend.text and small in mend.text
    unmet_ones = [("x@other.test",), ("X@Other.test",)] if key == "ses:Recipients" else ["x@y.net", "X@Y.net"]
    for unmet in unmet_ones:
        mend = refused(*asks[:4], wanted, {key: unmet}, Reader.SENDER)[0].mend
        assert "small letters" not in mend.text and "only the case" not in mend.text
    theirs = wanted.upper().replace("*", "x")
    text = str(refused(*asks[:4], theirs, {key: value}, Reader.SENDER)[0])
    assert theirs not in text and "case" not in text


@pytest.mark.parametrize(
    ("pattern", "value", "right"),
    [
        ("News*", "NEWS letter", "NEWS*"),
        ("*News?etter*", "THE NEWSlETTER!", "*NEWS?ETTER*"),
        ("a*B*c", "AxbyC", "A*b*C"),
        ("AB", "ab", "ab"),
        ("AB*", "ax", None),
        ("a*bb", "ABB", "A*BB"),
        ("a*bb", "AB", None),
        ("${aws:username}@X", "a@x", None),
        ("İ*", "i", None),
        ("", "a", None),
    ],
)
def test_a_pattern_is_respelt_in_the_letters_of_what_it_is_to_match(
    pattern: str, value: str, right: str | None
) -> None:
    assert respelt(pattern, value) == right
