"""What is said of a policy is what it does: read back by the words alone, it decides as the engine does.

The reader has its own table of words. 12,000 random requests against 600 random policies, against edits of them, and
36,000 against single conditions.
"""

import json
import re
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from sesame.policy import (
    PolicySet,
    compile_policies,
    decide,
    parse_stored_iam_policy,
    parse_stored_identity_policy,
)
from sesame.policy.language.document import Policy
from sesame.policy.writing.say import say_edit, say_policy
from tests.policy.random_policies import OPERATORS, PATTERNS, TEXTS, random_policy, random_request

VALUE = re.compile(r"`((?:[^`]|``)*)`")
MARK = r"\x01(\d+)\x02"
KEYS = {
    "the From address": "ses:FromAddress",
    "the display name": "ses:FromDisplayName",
    "the bounce address": "ses:FeedbackAddress",
    "the recipients": "ses:Recipients",
    "the client's address": "aws:SourceIp",
    "the time": "aws:CurrentTime",
}
RELATIONS = {
    "is": "StringEquals",
    "is not": "StringNotEquals",
    "is, in any case,": "StringEqualsIgnoreCase",
    "is not, in any case,": "StringNotEqualsIgnoreCase",
    "is like": "StringLike",
    "is not like": "StringNotLike",
    "is an ARN like": "ArnLike",
    "is not an ARN like": "ArnNotLike",
    "is in": "IpAddress",
    "is not in": "NotIpAddress",
    "is the truth value": "Bool",
    "has the bytes": "BinaryEquals",
    "has not the bytes": "BinaryNotEquals",
    "equals": "NumericEquals",
    "does not equal": "NumericNotEquals",
    "is less than": "NumericLessThan",
    "is at most": "NumericLessThanEquals",
    "is more than": "NumericGreaterThan",
    "is at least": "NumericGreaterThanEquals",
    "is at": "DateEquals",
    "is not at": "DateNotEquals",
    "is before": "DateLessThan",
    "is not after": "DateLessThanEquals",
    "is after": "DateGreaterThan",
    "is not before": "DateGreaterThanEquals",
}
ALL = compile_policies(
    [("all", parse_stored_iam_policy('{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'))],
    kind="iam",
)
Statement = dict[str, Any]


class Sentence:
    """One sentence, its values taken out and numbered."""

    def __init__(self, text: str) -> None:
        self.values: list[str] = []
        self.text = VALUE.sub(self._keep, text)

    def _keep(self, match: "re.Match[str]") -> str:
        self.values.append(match[1].replace("``", "`"))
        return f"\x01{len(self.values) - 1}\x02"

    def marked(self, text: str) -> list[str]:
        """The values that a piece of the text has."""
        return [self.values[int(number)] for number in re.findall(MARK, text)]

    def statement(self) -> Statement:
        """What it says."""
        match = re.fullmatch(r"(.+?) (may not|may) do (.+?) on (.+?)(?:, when (.+))?\.", self.text)
        assert match is not None, self.text
        who, may, actions, resources, clauses = match.groups()
        statement: Statement = {"Effect": "Allow" if may == "may" else "Deny"}
        statement |= self._element("Action", actions) | self._element("Resource", resources)
        statement |= self._principals(who)
        for clause in clauses.split(" and ") if clauses else ():
            operator, key, values = self._clause(clause)
            held = statement.setdefault("Conditions", [])
            held.append((operator, key, values))
        return statement

    def _element(self, name: str, text: str) -> Statement:
        is_not = text.startswith("anything but ")
        return {f"Not{name}" if is_not else name: self.marked(text)}

    def _principals(self, who: str) -> Statement:
        is_not = who.startswith("Not counting ")
        named: dict[str, list[str]] = {}
        text = who.removeprefix("Not counting ").removesuffix(", everybody") if is_not else who
        for part in re.split(r", | and ", text[:1].lower() + text[1:]):
            words, values = re.sub(MARK, "", part).strip(), self.marked(part)
            kind = {"everybody": "AWS", "account": "AWS", "": "AWS", "service": "Service"}.get(words)
            named.setdefault(kind or words.removesuffix(" principal"), []).extend(values or ["*"])
        return {"NotPrincipal" if is_not else "Principal": named}

    def _clause(self, clause: str) -> tuple[str, str, list[str]]:
        suffix = ""
        if clause.endswith(", or there is none"):
            clause, suffix = clause.removesuffix(", or there is none"), "IfExists"
        subject = rf"(?P<key>{'|'.join(KEYS)}|{MARK})"
        if absent := re.fullmatch(rf"that {subject} is absent is (?P<values>.+)", clause):
            return "Null", self._key(absent["key"]), self.marked(absent["values"])
        if unknown := re.fullmatch(
            rf"{subject} satisfies (?P<operator>.+?), which .+?, with (?P<values>.+)", clause
        ):
            return (
                self.marked(unknown["operator"])[0],
                self._key(unknown["key"]),
                self.marked(unknown["values"]),
            )
        match = re.fullmatch(
            rf"(?P<each>each of |one of |){subject} (?P<relation>[^\x01]+) (?P<values>.+)", clause
        )
        assert match is not None, clause
        prefix = {"each of ": "ForAllValues:", "one of ": "ForAnyValue:", "": ""}[match["each"]]
        operator = f"{prefix}{RELATIONS[match['relation']]}{suffix}"
        return operator, self._key(match["key"]), self.marked(match["values"])

    def _key(self, text: str) -> str:
        return KEYS.get(text) or self.marked(text)[0]


def read_back(sentences: Sequence[str]) -> PolicySet:
    """The sentences as a set of policies, one a condition list, since two may be about one key."""
    version = "2012-10-17"
    statements = []
    for sentence in sentences:
        if sentence.startswith("Version "):
            version = Sentence(sentence).values[0]
        elif sentence.startswith("Texts are taken as they stand"):
            version = "2008-10-17"
        else:
            statements.append(Sentence(sentence).statement())
    documents = []
    for number, statement in enumerate(statements):
        conditions: dict[str, dict[str, list[str]]] = {}
        for operator, key, values in statement.pop("Conditions", ()):
            taken = {name.lower() for name in conditions.get(operator, {})}
            operator = operator.upper() if key.lower() in taken else operator  # the same, by another name
            conditions.setdefault(operator, {})[key] = values
        if conditions:
            statement["Condition"] = conditions
        text = json.dumps({"Version": version, "Statement": statement})
        documents.append((f"sentence {number}", parse_stored_identity_policy(text)))
    return compile_policies(documents, kind="identity")


def assert_decides_alike(said: PolicySet, policy: Policy, random: Random, requests: int) -> None:
    compiled = compile_policies([("p", policy)], kind="identity")
    for _ in range(requests):
        request = random_request(random)
        expected = decide(request, iam=ALL, identity=compiled).outcome
        assert decide(request, iam=ALL, identity=said).outcome is expected, request


def test_policies_mean_what_is_said_of_them() -> None:
    random = Random(138)
    for _ in range(600):
        policy = parse_stored_identity_policy(random_policy(random, with_principal=True))
        assert_decides_alike(read_back(say_policy(policy)), policy, random, 20)


@pytest.mark.parametrize("operator", OPERATORS)
def test_each_operator_means_what_is_said_of_it(operator: str) -> None:
    """Every pattern against every text, one of the sets of them, and none."""
    random = Random(140)
    for pattern in PATTERNS:
        prefix = random.choice(("", "", "ForAllValues:", "ForAnyValue:"))
        name = prefix + operator + random.choice(("", "", "IfExists"))
        statement = {
            "Effect": random.choice(("Allow", "Deny")),
            "Principal": "*",
            "Action": "*",
            "Resource": "*",
            "Condition": {name: {"test:n": [pattern]}},
        }
        text = json.dumps({"Version": "2012-10-17", "Statement": statement})
        policy = parse_stored_identity_policy(text)
        said = read_back(say_policy(policy))
        compiled = compile_policies([("p", policy)], kind="identity")
        for value in (*TEXTS, (), None, TEXTS[:2], (*TEXTS[-2:], TEXTS[0])):
            plain = random_request(random)
            request = replace(plain, context={} if value is None else {"test:n": value})
            expected = decide(request, iam=ALL, identity=compiled).outcome
            assert decide(request, iam=ALL, identity=said).outcome is expected, (text, request)


def test_edits_mean_what_is_said_of_them() -> None:
    """The old sentences, without what is gone, with what has come, are the new policy."""
    random = Random(139)
    for _ in range(200):
        old = parse_stored_identity_policy(random_policy(random, with_principal=True))
        new = parse_stored_identity_policy(edited(random, old.text))
        said = list(say_policy(old))
        for line in say_edit(old, new):
            how, _, sentence = line.partition(": ")
            if how == "No longer":
                said = [one for one in said if one != sentence]
            else:
                assert how == "From now on"
                said.append(sentence)
        assert_decides_alike(read_back(said), new, random, 20)


def edited(random: Random, text: str) -> str:
    """A policy with a statement changed, added or gone."""
    policy = json.loads(text)
    other = json.loads(random_policy(random, with_principal=True))
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    more = other["Statement"] if isinstance(other["Statement"], list) else [other["Statement"]]
    choice = random.random()
    if choice < 0.3 and len(statements) > 1:
        statements = statements[1:]
    elif choice < 0.7:
        statements = [*statements, *more[:1]]
    else:
        statements = [*statements[:-1], *more[:1]]
    return json.dumps({**policy, "Statement": statements})


def test_a_policy_reads_like_this() -> None:
    text = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": ["222222222222", "arn:aws:iam::333333333333:user/m"]},
                    "Action": ["ses:SendEmail", "ses:SendRawEmail"],
                    "Resource": "arn:aws:ses:us-east-1:111111111111:identity/example.com",
                    "Condition": {
                        "StringLike": {"ses:FromAddress": ["news-*@example.com", "a@example.com"]},
                        "IpAddress": {"aws:SourceIp": "203.0.113.0/24"},
                    },
                }
            ],
        }
    )
    assert say_policy(parse_stored_identity_policy(text)) == (
        "Account `222222222222` and `arn:aws:iam::333333333333:user/m` may do `ses:SendEmail` and `ses:SendRawEmail` on"
        " `arn:aws:ses:us-east-1:111111111111:identity/example.com`, when the From address is like `news-*@example.com`"
        " or `a@example.com` and the client's address is in `203.0.113.0/24`.",
    )


@pytest.mark.parametrize("value", ["`", "``", "a` or `b", " and ", "may", "", "\\", ". No longer: `x`"])
def test_no_value_can_pretend_to_be_words(value: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringEquals": {"ses:FromDisplayName": value}},
    }
    [sentence] = say_policy(
        parse_stored_identity_policy(json.dumps({"Version": "2012-10-17", "Statement": statement}))
    )
    assert Sentence(sentence).statement()["Conditions"] == [("StringEquals", "ses:FromDisplayName", [value])]


def test_an_edit_that_says_the_same_says_nothing() -> None:
    text = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"},
        }
    )
    policy = parse_stored_identity_policy(text)
    other = parse_stored_identity_policy(json.dumps(json.loads(text), indent=3))
    assert say_edit(policy, other) == ()
