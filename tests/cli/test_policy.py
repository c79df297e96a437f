"""`sesame policy`: what each verb prints and the code it ends with."""

import argparse
import io
import json
import sys
from pathlib import Path

import pytest

from sesame.cli import policy as command
from sesame.cli.terminal import guarded
from sesame.policy import PolicyError

OWNER, DELEGATE = "111111111111", "222222222222"
IDENTITY = f"arn:aws:ses:us-east-1:{OWNER}:identity/example.com"
MAILER = f"arn:aws:iam::{DELEGATE}:user/mailer"


def run(*argv: str) -> int:
    """Run `sesame policy` with these arguments."""
    root = argparse.ArgumentParser(prog="sesame")
    command.register(root.add_subparsers())
    args = root.parse_args(["policy", *argv])
    code: int = args.func(args)
    return code


def statement(**changes: object) -> dict[str, object]:
    usual: dict[str, object] = {
        "Sid": "Send",
        "Effect": "Allow",
        "Principal": {"AWS": DELEGATE},
        "Action": "ses:SendRawEmail",
        "Resource": IDENTITY,
    }
    return {**usual, **changes}


def from_like(pattern: str) -> dict[str, object]:
    return {"Condition": {"StringLike": {"ses:FromAddress": pattern}}}


def write(path: Path, *statements: dict[str, object]) -> str:
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=1))
    return str(path)


@pytest.fixture
def news(tmp_path: Path) -> str:
    return write(tmp_path / "news.json", statement(**from_like("news-*@example.com")))


@pytest.fixture
def iam(tmp_path: Path) -> str:
    return write(tmp_path / "iam.json", {"Effect": "Allow", "Action": "ses:*", "Resource": "*"})


def test_check_is_silent_on_a_sound_policy(news: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", news) == 0
    assert capsys.readouterr().out == f"{news}: nothing found\n"


def test_check_names_file_line_column_and_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "p.json", statement(**from_like("*@Example.com")))
    assert run("check", path, "--identity", IDENTITY) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"{path}:14:25: ")
    assert "warning SP106: " in out
    assert run("check", path, "--json") == 1
    [finding] = json.loads(capsys.readouterr().out)
    assert (finding["code"], finding["name"], finding["line"]) == ("SP106", "case-never-matches", 14)


def test_check_passes_on_notes_and_knows_the_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "p.json", statement(Condition={"StringLike": {"ses:FromDisplayName": "News"}}))
    assert run("check", path) == 0
    assert "note SP302" in capsys.readouterr().out
    dated = write(
        tmp_path / "d.json", statement(Condition={"DateLessThan": {"aws:CurrentTime": "2026-01-01"}})
    )
    assert run("check", dated, "--now", "0") == 0
    assert run("check", dated, "--now", "1780315200") == 1


def test_check_reads_iam_policies_and_standard_input(
    iam: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("check", "--iam", iam) == 0
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"Statement": []}')))
    assert run("check", "-") == 1
    assert "-:1:15: error SP001: " in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"{")))
    assert run("check", "-") == 1


def explain_args(news: str, iam: str, address: str) -> list[str]:
    return [
        *("explain", "--policy", news, "--iam", iam, "--principal", MAILER, "--resource", IDENTITY),
        *("--context", f"ses:FromAddress={address}", "--context", "ses:Recipients=a@x.org"),
        *("--context", "ses:Recipients=b@x.org"),
    ]


def test_explain_says_what_was_missing(news: str, iam: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*explain_args(news, iam, "ceo@example.com")) == 3
    out = capsys.readouterr().out
    assert out.startswith(
        f"denied: policy `{news}`, statement `Send` allows only ses:FromAddress like `news-*@example.com`; "
        "this request has `ceo@example.com`\n"
    )
    assert "  no  StringLike ses:FromAddress news-*@example.com <- ceo@example.com" in out
    assert run(*explain_args(news, iam, "news-1@example.com")) == 0
    assert capsys.readouterr().out.startswith("allowed by policy")


def test_explain_prints_json_with_every_step(news: str, iam: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*explain_args(news, iam, "news-1@example.com"), "--json") == 0
    explained = json.loads(capsys.readouterr().out)
    assert explained["outcome"] == "allow"
    first = explained["statements"][0]
    assert (first["kind"], first["sid"], first["matched"], first["deciding"]) == (
        "identity",
        "Send",
        True,
        True,
    )
    assert [step["test"] for step in first["steps"]] == [
        "Principal",
        "Action",
        "Resource",
        "StringLike ses:FromAddress",
    ]


def test_explain_shows_the_sender_nothing_of_the_owners_policy(
    news: str, iam: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*explain_args(news, iam, "ceo@example.com"), "--view", "sender") == 3
    out = capsys.readouterr().out
    assert out == (
        "denied: the owner of the identity does not allow this because of ses:FromAddress `ceo@example.com`\n"
    )
    assert run(*explain_args(news, iam, "ceo@example.com"), "--view", "sender", "--json") == 3
    assert json.loads(capsys.readouterr().out)["mattered"] == {"ses:FromAddress": ["ceo@example.com"]}


def test_explain_marks_what_is_absent_or_not_understood(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(
        tmp_path / "p.json",
        statement(
            Sid="", Condition={"StringLik": {"ses:TenantName": "x"}, "Bool": {"aws:SecureTransport": "true"}}
        ),
    )
    assert (
        run("explain", "--policy", path, "--principal", "cognito-idp.amazonaws.com", "--resource", "*") == 3
    )
    out = capsys.readouterr().out
    assert "  ??  StringLik ses:TenantName x <- (absent) (unknown operator)" in out
    assert "statement 1: Allow, does not match" in out


def test_test_counts_and_shows_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = {"id": "a", "element": "Action", "patterns": ["s3:*"], "requestAction": "s3:Get", "expected": True}
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps({"actions": [good, {**good, "id": "b", "expected": False}]}))
    assert run("test", str(cases)) == 1
    out = capsys.readouterr().out
    assert f"{cases} b: FAILED: expected false, got true" in out
    assert out.endswith("1 passed, 1 failed\n")
    cases.write_text(json.dumps([good, {**good, "expected": False, "quality": "unverified"}]))
    assert run("test", str(cases)) == 0
    assert capsys.readouterr().out.endswith("1 passed, 0 failed, 1 uncertain differ\n")
    assert run("test", str(cases), "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["id"], line["passed"], line["counts"]) for line in lines] == [
        ("a", True, True),
        ("a", False, False),
    ]


def test_simulate_answers_in_the_terms_of_iam(
    iam: str, news: str, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["simulate", "--caller", MAILER, "--iam", iam, "--policy", news, "--action", "ses:SendRawEmail"]
    argv += ["--resource", IDENTITY, "--resource-owner", OWNER]
    assert run(*argv) == 3
    assert "not given: ses:FromAddress" in capsys.readouterr().out
    assert run(*argv, "--context", "ses:FromAddress=news-1@example.com", "--json") == 0
    [result] = json.loads(capsys.readouterr().out)
    assert result["EvalDecision"] == "allowed"
    assert result["MissingContextValues"] == []
    assert result["MatchedStatements"][0] == {
        "SourcePolicyId": news,
        "StartPosition": {"Line": 3, "Column": 16},
        "EndPosition": {"Line": 17, "Column": 4},
    }
    assert run("simulate", "--caller", DELEGATE, "--iam", iam, "--action", "ses:GetAccount") == 0


def test_who_can_send_lists_principals_with_witnesses(news: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("who-can-send", news) == 0
    out = capsys.readouterr().out
    assert (
        f"yes any other user of {DELEGATE}\n  ses:SendRawEmail from news-@example.com to someone@example.org"
        in out
    )
    assert "no anybody in any other account" in out
    argv = [
        "who-can-send",
        news,
        "--from",
        "ceo@*",
        "--to",
        "*@x.org",
        "--at",
        "2030",
        "--source-ip",
        "10.0.0.0/8",
    ]
    assert run(*argv, "--json") == 0
    assert {answer["verdict"] for answer in json.loads(capsys.readouterr().out)} == {"no"}


def test_who_can_send_tells_what_one_principal_can_send(
    news: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cvc5", None)
    assert run("who-can-send", news, "--principal", MAILER) == 0
    assert capsys.readouterr().out == (
        f"{news} statement 1: ses:FromAddress like `news-*@example.com`\n  such as from news-@example.com\n"
    )
    assert run("who-can-send", news, "--principal", "333333333333") == 0
    assert capsys.readouterr().out == "333333333333 can send nothing\n"
    denied = write(tmp_path / "d.json", statement(), statement(Sid="D", Effect="Deny", **from_like("ceo@*")))
    assert run("who-can-send", denied, "--principal", MAILER) == 0
    assert "anything\n  unless ses:FromAddress like `ceo@*`\n" in capsys.readouterr().out
    assert run("who-can-send", denied, "--principal", MAILER, "--json") == 0
    [permission] = json.loads(capsys.readouterr().out)
    assert permission["unless"] == [["ses:FromAddress like `ceo@*`"]]
    assert permission["witness"]["principal"] == MAILER
    monkeypatch.setitem(sys.modules, "cvc5", None)
    tag = "${aws:PrincipalTag/team}"
    covered = statement(Sid="D", Effect="Deny", **from_like(f"{tag}*"))
    unknown = write(tmp_path / "u.json", statement(**from_like(f"{tag}@*")), covered)
    assert run("who-can-send", unknown, "--principal", MAILER) == 1
    assert "unknown: outside the exact fragment: the policy variable" in capsys.readouterr().out


def test_what_is_not_known_is_said_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cvc5", None)
    covered = statement(Sid="D", Effect="Deny", **from_like("${aws:username}@*"))
    path = write(tmp_path / "p.json", statement(**from_like("${aws:username}@example.com")), covered)
    assert run("who-can-send", path) == 1
    assert "unknown any other user of" in capsys.readouterr().out
    assert run("who-can-send", path, "--json") == 1
    assert "policy variable" in capsys.readouterr().out
    nothing = write(tmp_path / "n.json", statement(Effect="Deny"))
    assert run("compare", nothing, path) == 1


def test_an_answer_of_the_solver_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cvc5")
    covered = statement(Sid="D", Effect="Deny", **from_like("${aws:username}@*"))
    path = write(tmp_path / "p.json", statement(**from_like("${aws:username}@example.com")), covered)
    assert run("who-can-send", path) == 0
    assert f"no any other user of {DELEGATE} (found by the solver)\n" in capsys.readouterr().out
    assert run("who-can-send", path, "--json") == 0
    methods = {answer["who"]: answer["method"] for answer in json.loads(capsys.readouterr().out)}
    assert methods[f"any other user of {DELEGATE}"] == "prover"
    assert methods["any other service"] == "exact"


def test_compare_tells_what_an_edit_lets_in(
    news: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wider = write(tmp_path / "wider.json", statement(**from_like("news*@example.com")))
    assert run("compare", news, wider) == 3
    assert f"gains any other user of {DELEGATE}" in capsys.readouterr().out
    assert run("compare", wider, news) == 0
    assert f"loses any other user of {DELEGATE}" in capsys.readouterr().out
    assert run("compare", news, news) == 0
    assert capsys.readouterr().out == "both allow the same\n"
    assert run("compare", news, wider, "--json", "--identity", IDENTITY) == 3
    compared = json.loads(capsys.readouterr().out)
    assert compared["lost"] == []
    assert compared["gained"][0]["witness"]["context"]["ses:FromAddress"] == "news@example.com"


def test_unusable_files_and_arguments_are_usage_errors(
    tmp_path: Path, iam: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("check", str(tmp_path / "absent.json")) == 2
    assert "cannot be read: No such file" in capsys.readouterr().err
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    assert run("test", str(broken)) == 2
    broken.write_text("3")
    assert run("test", str(broken)) == 2
    broken.write_text('[{"what": 1}]')
    assert run("test", str(broken)) == 2
    assert run("simulate", "--caller", MAILER, "--action", "a:b", "--context", "novalue") == 2
    empty = write(tmp_path / "empty.json")
    assert run("who-can-send", empty) == 2
    assert "is not the ARN of an identity: give one with --identity" in capsys.readouterr().err
    with pytest.raises(PolicyError, match="not UTF-8 at byte 1"):
        broken.write_bytes(b'"\xff"')
        run("check", str(broken))
    with pytest.raises(PolicyError, match="there is no Principal"):
        run("who-can-send", iam)


def test_colour_is_for_terminals_only(
    news: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with guarded():
        assert run("check", news) == 0
    assert capsys.readouterr().out == f"{news}: \x1b[32mnothing found\x1b[0m\n"
    monkeypatch.setenv("NO_COLOR", "1")
    assert run("check", news) == 0
    assert capsys.readouterr().out == f"{news}: nothing found\n"


def test_explain_and_simulate_hold_the_caller_to_its_boundary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    everything: dict[str, object] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam = write(tmp_path / "iam.json", everything)
    boundary = write(tmp_path / "boundary.json", {**everything, "Action": "ses:Get*"})
    asked = ("--resource", IDENTITY, "--action", "ses:SendEmail", "--iam", iam)
    user = f"arn:aws:iam::{OWNER}:user/anna"
    assert run("explain", "--principal", user, *asked) == 0
    assert run("simulate", "--caller", user, *asked) == 0
    capsys.readouterr()
    assert run("explain", "--principal", user, *asked, "--boundary", boundary) == 3
    assert "denied: no statement of the permissions boundary of" in capsys.readouterr().out
    assert run("simulate", "--caller", user, *asked, "--boundary", boundary) == 3
    assert "implicitDeny" in capsys.readouterr().out
