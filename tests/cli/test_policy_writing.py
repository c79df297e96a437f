"""`sesame policy generate`: what it prints for options, and how it asks."""

import json
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sesame.cli.main import parser
from sesame.cli.policy_writing import asked
from sesame.policy import Answers, Way
from tests.cli.test_policy import DELEGATE, IDENTITY, MAILER, OWNER, run, statement, write

NOW = 1_800_000_000.0


def test_the_policy_goes_to_output_and_the_reasons_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("generate", "--identity", IDENTITY, "--who", DELEGATE, "--as", "news-*@example.com") == 0
    out, err = capsys.readouterr()
    [statement] = json.loads(out)["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"AWS": DELEGATE},
        "Action": ["ses:SendEmail", "ses:SendRawEmail"],
        "Resource": IDENTITY,
        "Condition": {"StringLike": {"ses:FromAddress": "news-*@example.com"}},
    }
    assert err.startswith("line 7: everybody in the account whose IAM policies allow sending")
    assert "line 16: the From address exactly as in the message" in err


def test_json_holds_policy_reasons_and_findings(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--who", MAILER, "--network", "10.0.0.0/8", "--way", "raw", "--until", "2099-12-31")
    assert run("generate", "--json", "--identity", IDENTITY, *options) == 0
    printed = json.loads(capsys.readouterr().out)
    condition = json.loads(printed["policy"])["Statement"][0]["Condition"]
    assert condition["DateLessThan"] == {"aws:CurrentTime": "2100-01-01T00:00:00Z"}
    assert [finding["code"] for finding in printed["findings"]] == ["SP313"]
    assert {reason["path"] for reason in printed["reasons"]} >= {
        "/Statement/0/Principal/AWS",
        "/Statement/0/Action",
    }


def test_how_much_is_a_bound_for_each_delegate(capsys: pytest.CaptureFixture[str]) -> None:
    session = f"arn:aws:sts::{DELEGATE}:assumed-role/sender/job"
    who = ("--who", MAILER, "--who", session, "--who", "333333333333")
    caps = ("--messages-per-day", "1000", "--messages-per-second", "5")
    assert run("generate", "--json", "--identity", IDENTITY, *who, *caps) == 0
    assert json.loads(capsys.readouterr().out)["bounds"] == [
        f"sesame grant change {OWNER} example.com {delegate} --region us-east-1"
        " --messages-per-day 1000 --messages-per-second 5"
        for delegate in (MAILER, f"arn:aws:iam::{DELEGATE}:role/sender", "333333333333")
    ]
    assert run("generate", "--identity", IDENTITY, *who) == 0
    assert "grant" not in capsys.readouterr().err


def test_the_bounds_are_commands_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    caps = ("--messages-per-day", "1000", "--messages-per-second", "5")
    assert run("generate", "--json", "--identity", IDENTITY, "--who", MAILER, *caps) == 0
    [command] = json.loads(capsys.readouterr().out)["bounds"]
    args = parser().parse_args(shlex.split(command)[1:])
    assert (args.messages_per_day, args.messages_per_second, args.delegate) == (1000, 5, MAILER)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--as", "a@example.org"), "--as: no address of example.com matches `a@example.org`"),
        (("--until", "soon"), "--until: `soon` is not a moment"),
        (("--until", "2001-01-01"), "--until: the window has passed"),
        (("--who", "cognito-idp.amazonaws.com"), "--for-account: a service acts for many customers"),
        (("--who", "*"), "--who: `*` would allow everybody"),
        (("--network", "here"), "--network: `here` is not a network"),
    ],
)
def test_what_cannot_be_written_is_told_by_its_option(
    options: Sequence[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("generate", "--identity", IDENTITY, "--who", DELEGATE, *options) == 2
    assert told in capsys.readouterr().err


def test_a_policy_and_an_edit_are_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    old = write(tmp_path / "old.json", statement())
    new = write(tmp_path / "new.json", statement(Action="ses:SendEmail"))
    assert run("say", old) == 0
    said = f"Account `{DELEGATE}` may do `ses:SendRawEmail` on `{IDENTITY}`."
    assert capsys.readouterr().out == said + "\n"
    assert run("say", old, new) == 0
    now = said.replace("SendRaw", "Send")
    assert capsys.readouterr().out == f"No longer: {said}\nFrom now on: {now}\n"
    assert run("say", old, old) == 0
    assert capsys.readouterr().out == "Nothing changes.\n"


def test_without_a_terminal_nothing_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("generate", "--identity", IDENTITY) == 2
    assert "--who: no sender is named" in capsys.readouterr().err


def answering(answers: dict[str, list[str]], seen: list[str]) -> Callable[[str], str]:
    """Somebody who answers questions by a word in them, and presses return at any other."""

    def prompt(text: str) -> str:
        seen.append(text)
        for word, given in answers.items():
            if word in text and given:
                return given.pop(0)
        return ""

    return prompt


def test_questions_are_asked_until_the_answer_can_be_kept() -> None:
    seen: list[str] = []
    said: list[str] = []
    answers, draft = asked(
        Answers(identity_arn=""),
        prompt=answering(
            {
                "identity": ["example.com", IDENTITY],
                "Who may send": ["mailer", f"{DELEGATE}, cognito-idp.amazonaws.com"],
                "may the service act": ["", DELEGATE],
                "From addresses": ["News <news@example.com>", "news@Example.com other@example.com"],
                "display names": ["News Team; Other"],
                "networks": ["nowhere", "203.0.113.0/24"],
                "Through which day": ["2001-01-01", "2099-12-31"],
                "How": ["fax", "raw bulk"],
            },
            seen,
        ),
        say=said.append,
        now=NOW,
    )
    assert answers == Answers(
        identity_arn=IDENTITY,
        principals=(DELEGATE,),
        services=("cognito-idp.amazonaws.com",),
        acting_for=(DELEGATE,),
        from_addresses=("news@Example.com", "other@example.com"),
        display_names=("News Team", "Other"),
        networks=("203.0.113.0/24",),
        ends_at=4102444800,
        ways=(Way.RAW, Way.BULK),
    )
    assert len(json.loads(draft.document)["Statement"]) == 2
    assert [line.partition(":")[0].partition(",")[0] for line in said] == [
        "`example.com` is not the ARN of an identity",
        "`mailer` is not a principal",
        "a service acts for many customers",
        "`News` is not an address",
        "`nowhere` is not a network",
        "the ways are mail",
        "the window has passed",
    ]
    assert sum("From addresses" in text for text in seen) == 2


def test_what_was_given_is_not_asked() -> None:
    seen: list[str] = []
    given = Answers(identity_arn=IDENTITY, principals=(DELEGATE,), from_addresses=("news@example.com",))
    answers, _ = asked(given, prompt=answering({}, seen), say=pytest.fail, now=NOW)
    assert answers == given
    assert not any("Who may send" in text or "From addresses" in text for text in seen)
    assert not any("service" in text for text in seen)
