"""What the sender can do comes before a change of policy, and no mend drops a guard or a condition for everybody."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest

from sesame.policy import Outcome, PolicySet, Request, compile_policies, decide
from sesame.policy.language.vocabulary import COMPARISONS, Compare
from sesame.policy.reasons.cause import How, Reader
from sesame.policy.request import PolicyKind
from tests.policy.test_remedies import (
    MAY,
    ROBOT,
    SESSION,
    asked,
    condition,
    denies,
    first,
    having,
    lending,
    lends,
    outcome,
    written,
)

COLLEAGUE = replace(ROBOT, arn=ROBOT.arn.replace("robot", "other"), user_id="AIDAOTHER")
PAST, FUTURE = "2026-01-01T00:00:00Z", "2199-01-01T00:00:00Z"
BEGAN = {"aws:TokenIssueTime": "2025-12-31T00:00:00Z"}
NAME = {"ses:FromDisplayName": "Site"}


@pytest.mark.parametrize(
    ("asks", "context"),
    [
        (condition("Null", "ses:FromDisplayName", "true"), NAME),
        (condition("StringNotEquals", "ses:FromDisplayName", "Site"), NAME),
        (condition("StringNotLike", "ses:FromDisplayName", "S*"), NAME),
        (condition("StringNotEquals", "ses:FeedbackAddress", "news@example.com"), {}),
        (condition("NumericEquals", "ses:ApiVersion", "2"), {"ses:ApiVersion": "1"}),
        (condition("StringEquals", "aws:PrincipalTag/team", "news"), {"aws:PrincipalTag/team": "x"}),
        (condition("Null", "aws:PrincipalTag/team", "false"), {}),
        (condition("Null", "aws:PrincipalTag/team", "true"), {"aws:PrincipalTag/team": "x"}),
        (condition("Null", "aws:TokenIssueTime", "false"), {}),
        (condition("StringNotEquals", "ses:FromAddress", "news@example.com"), {}),
        (condition("Bool", "aws:MultiFactorAuthPresent", "true"), {}),
        (condition("NotIpAddress", "aws:SourceIp", "203.0.113.0/24"), {}),
    ],
)
def test_no_condition_is_dropped_for_everybody_who_is_named(
    asks: dict[str, Any], context: dict[str, Any]
) -> None:
    """The account that the owner lets in keeps its bounds but for this message."""
    text = written(lends(**asks))
    mend = first(asked(**context), text, Reader.OWNER).mend
    assert mend.how is How.PUT_IDENTITY_POLICY and "take its" not in mend.text
    after = written(json.loads(text)["Statement"][0], mend.details["statement"])
    assert outcome(asked(**context), after) is Outcome.ALLOW
    assert outcome(asked(COLLEAGUE, **context), after) is Outcome.IMPLICIT_DENY


@pytest.mark.parametrize(
    ("asks", "context", "way"),
    [
        (condition("Null", "ses:FromDisplayName", "true"), NAME, "leaves the display name out"),
        (condition("StringNotEquals", "ses:FromDisplayName", "Site"), NAME, "leaves the display name out"),
        (condition("NumericEquals", "ses:ApiVersion", "2"), {"ses:ApiVersion": "1"}, "by version `2`"),
        (
            condition("StringEquals", "aws:PrincipalTag/team", "news"),
            {"aws:PrincipalTag/team": "x"},
            "the tag `team` with `news`",
        ),
        (condition("Null", "aws:TokenIssueTime", "false"), {}, "session of a role"),
    ],
)
def test_what_the_sender_can_do_is_said_first(
    asks: dict[str, Any], context: dict[str, Any], way: str
) -> None:
    mend = first(asked(**context), written(lends(**asks)), Reader.OWNER).mend
    before, _, after = mend.text.partition("; or, to allow it")
    assert before.startswith("the sender") and way in before and "with the statement" in after


def test_a_version_above_one_that_is_named_is_not_that_one() -> None:
    asks = condition("NumericGreaterThan", "ses:ApiVersion", "1")
    assert (
        "version"
        not in first(asked(**{"ses:ApiVersion": "1"}), written(lends(**asks)), Reader.OWNER).mend.text
    )


def test_a_statement_for_one_message_has_its_display_name() -> None:
    text = written(lends(**condition("Null", "ses:FromDisplayName", "true")))
    mend = first(asked(**NAME), text, Reader.OWNER).mend
    after = written(mend.details["statement"])
    assert outcome(asked(**NAME), after) is Outcome.ALLOW
    assert outcome(asked(**{"ses:FromDisplayName": "Boss"}), after) is Outcome.IMPLICIT_DENY


def test_the_sender_is_told_to_leave_out_only_what_it_was_told_is_in_the_way() -> None:
    wants_none = condition("Null", "ses:FromDisplayName", "true")
    mend = first(asked(**NAME), written(lends(**wants_none)), Reader.SENDER).mend
    assert mend.how is How.CHANGE_MESSAGE and mend.text.startswith(
        "leave the display name out of From, or ask"
    )
    wants_another = condition("StringEquals", "ses:FromDisplayName", "zqowner")
    mend = first(asked(**NAME), written(lends(**wants_another)), Reader.SENDER).mend
    assert mend.how is How.ASK and "leave" not in mend.text and "zqowner" not in mend.text


OLD = [
    condition("DateLessThan", "aws:TokenIssueTime", PAST),
    condition("DateLessThanEquals", "aws:TokenIssueTime", PAST),
    condition("NumericGreaterThan", "aws:MultiFactorAuthAge", "3600"),
    condition("NumericGreaterThanIfExists", "aws:MultiFactorAuthAge", "3600"),
]
AGED = BEGAN | {"aws:MultiFactorAuthAge": "7200"}


@pytest.mark.parametrize("guard", OLD)
@pytest.mark.parametrize(("who", "way"), [(SESSION, "assumes `"), (ROBOT, "logs in anew")])
def test_an_old_session_gives_way_to_a_new_one_whosever_guard_it_is(
    guard: dict[str, Any], who: Any, way: str
) -> None:
    own = written(MAY, {"Effect": "Deny", "Action": "*", "Resource": "*", **guard})
    owners = written(lends(), denies(**guard))
    for mend in (
        first(asked(who, **AGED), written(lends()), Reader.SENDER, own).mend,
        first(asked(who, **AGED), owners, Reader.SENDER).mend,
        first(asked(who, **AGED), owners, Reader.OWNER).mend,
    ):
        assert mend.how is How.NEW_KEY and way in mend.text
        assert "exempt" not in mend.text and "changes" not in mend.details


@pytest.mark.parametrize(
    "asks",
    [
        condition("DateGreaterThan", "aws:TokenIssueTime", PAST),
        condition("NumericLessThan", "aws:MultiFactorAuthAge", "3600"),
    ],
)
def test_an_allow_for_new_sessions_is_met_by_a_new_one(asks: dict[str, Any]) -> None:
    for reader in (Reader.OWNER, Reader.SENDER):
        assert first(asked(SESSION, **AGED), written(lends(**asks)), reader).mend.how is How.NEW_KEY


@pytest.mark.parametrize(
    "guard",
    [
        condition("DateLessThan", "aws:TokenIssueTime", FUTURE),
        condition("DateGreaterThan", "aws:TokenIssueTime", "2025-01-01T00:00:00Z"),
    ],
)
def test_a_new_session_is_not_proposed_where_it_would_be_kept_out_as_well(guard: dict[str, Any]) -> None:
    mend = first(asked(SESSION, **BEGAN), written(lends(), denies(**guard)), Reader.OWNER).mend
    assert mend.how is How.CHANGE_STATEMENT


@pytest.mark.parametrize("reader", [Reader.OWNER, Reader.SENDER])
def test_nobody_is_exempted_from_tls(reader: Reader) -> None:
    plain = asked(**{"aws:SecureTransport": "false"})
    for text in (
        written(lends(), denies(**condition("Bool", "aws:SecureTransport", "false"))),
        written(lends(**condition("Bool", "aws:SecureTransport", "true"))),
    ):
        mend = first(plain, text, reader).mend
        assert mend.how is How.SET_PARAMETER and "https://" in mend.text and "changes" not in mend.details


def test_a_guard_on_display_names_is_met_before_anybody_is_exempted() -> None:
    text = written(lends(), denies(**condition("StringEquals", "ses:FromDisplayName", "Site")))
    mend = first(asked(**NAME), text, Reader.OWNER).mend
    assert mend.text.startswith(
        "the sender leaves the display name out of From; or, to allow it, change policy"
    )


def operators() -> Iterator[str]:
    """Operators of each family, with each prefix and suffix, and some that the language does not have."""
    plain = {
        (one.family, one.compare is Compare.EQUAL, one.negated): one.name for one in COMPARISONS.values()
    }
    for name in (*plain.values(), "BoolEquals"):
        yield from written_ways(name)


def written_ways(name: str) -> tuple[str, ...]:
    return name, f"{name}IfExists", f"ForAllValues:{name}", f"ForAnyValue:{name}"


WANTED = [
    ("true",), ("false",), ("true", "false"), ("t*",), ("1",), ("true", "yes"), ("${aws:SecureTransport}",),
    ("${aws:MultiFactorAuthPresent}",), ("${aws:username}", "true"),
]  # fmt: skip


@lru_cache(maxsize=8)
def compiled(text: str, kind: PolicyKind) -> PolicySet:
    return compile_policies(lending(text) if kind == "identity" else having(text), kind=kind)


def engine_outcome(request: Request, theirs: str, own: str) -> Outcome:
    """What the engine that decides sends decides, which shares nothing with what explains."""
    return decide(request, iam=compiled(own, "iam"), identity=compiled(theirs, "identity")).outcome


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize("whose", ["identity", "iam"])
def test_a_client_is_sent_to_tls_only_where_that_helps(effect: str, whose: str) -> None:
    """Whatever operator asks about it, of an Allow or a Deny: exactly where the same send by TLS is let through."""
    filled = {"aws:MultiFactorAuthPresent": "false"}
    plain, by_tls = asked(**filled | {"aws:SecureTransport": "false"}), asked(**filled)
    said = helps = 0
    for operator in operators():
        for wanted in WANTED:
            asks = condition(operator, "aws:SecureTransport", *wanted)
            theirs, own = [lends()], [MAY]
            if whose == "identity":
                theirs = [lends(**asks)] if effect == "Allow" else [*theirs, denies(**asks)]
            else:
                own = [MAY | asks] if effect == "Allow" else [*own, MAY | asks | {"Effect": "Deny"}]
            texts = written(*theirs), written(*own)
            if engine_outcome(plain, *texts) is Outcome.ALLOW:
                continue
            is_let_in = engine_outcome(by_tls, *texts) is Outcome.ALLOW
            for reader in Reader if whose == "identity" else (Reader.SENDER,):
                mend = first(plain, texts[0], reader, texts[1]).mend
                is_said = "https://" in mend.text
                assert is_said is is_let_in, (operator, wanted, reader, mend)
                assert not is_said or mend.how is How.SET_PARAMETER
                said, helps = said + is_said, helps + is_let_in
    assert said == helps > 30


NEW = asked().context["aws:EpochTime"]
ITSELF: list[tuple[str, str, str | None, str, list[str], list[tuple[str, ...]]]] = [
    (
        "ses:FromDisplayName", "Site", None, "the display name out",
        ["Null", "StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "Bool", "BoolEquals"],
        [("Site",), ("S*",), ("Other",), ("Site", "Other"), ("true",), ("false",), ("true", "false"), ("yes",)],
    ),
    (
        "aws:MultiFactorAuthAge", "7200", "0", "anew",
        ["Null", "NumericEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan",
         "NumericGreaterThanEquals"],
        [("3600",), ("10800",), ("0",), ("3600", "60"), ("true",), ("false",), ("long",)],
    ),
    (
        "aws:TokenIssueTime", BEGAN["aws:TokenIssueTime"], str(NEW), "anew",
        ["Null", "DateEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"],
        [(PAST,), (FUTURE,), ("2025-01-01T00:00:00Z",), (PAST, FUTURE), ("true",), ("false",), ("soon",)],
    ),
]  # fmt: skip
"""Key, what the request carries, what it carries once the sender has done something about it, and how that is said."""


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize(
    ("key", "seen", "then", "way", "names", "values"), ITSELF, ids=[one[0] for one in ITSELF]
)
def test_what_the_sender_can_do_is_proposed_only_where_it_helps(
    key: str,
    seen: str,
    then: str | None,
    way: str,
    names: list[str],
    values: list[tuple[str, ...]],
    effect: str,
) -> None:
    """Leaving the name out and a new session: not for an operator, or a value, that they do not meet."""
    now, changed = asked(SESSION, **{key: seen}), asked(SESSION, **{key: then})
    said = 0
    for name in names:
        for operator in written_ways(name):
            for wanted in values:
                asks = condition(operator, key, *wanted)
                theirs = [lends(**asks)] if effect == "Allow" else [lends(), denies(**asks)]
                texts = written(*theirs), written(MAY)
                if engine_outcome(now, *texts) is Outcome.ALLOW:
                    continue
                helps = engine_outcome(changed, *texts) is Outcome.ALLOW
                for reader in (Reader.OWNER, Reader.SENDER):
                    is_said = way in first(now, texts[0], reader, texts[1]).mend.text
                    assert helps or not is_said, (operator, wanted, reader)
                    if effect == "Deny" and reader is Reader.OWNER and key == "ses:FromDisplayName":
                        assert is_said is helps, (operator, wanted)
                    said += is_said
    assert said > 5
