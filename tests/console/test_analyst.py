"""The process beside the server that answers questions about policies: deadlines, floods, death."""

import asyncio
import json
import sys
import time
from typing import Any

import pytest

from sesame.console import questions
from sesame.console.analyst import MOST_OF_AN_ACCOUNT, MOST_WAITING, Analyst, NoAnswer
from sesame.policy.reasons.edits import without_principal

ARN = "arn:aws:ses:us-east-1:111111111111:identity/example.com"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(principal: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": "ses:SendEmail", "Resource": ARN, **more}


def who(*texts: str) -> dict[str, Any]:
    named = [[f"p{n}", text] for n, text in enumerate(texts)]
    return {"ask": "who", "policies": named, "identity_arn": ARN, "principal_ids": {}, "now": 0}


SLOW = (sys.executable, "-c", "import time; time.sleep(60)")
DYING = (sys.executable, "-c", "input()")


def test_a_question_is_answered_beside_and_its_answer_kept() -> None:
    async def run() -> None:
        analyst = Analyst()
        question = who(policy(allow({"AWS": "222222222222"})))
        first = await analyst.ask(question, seconds=10)
        assert [group["title"] for group in first["groups"]] == ["Account 222222222222"]
        await analyst.close()
        assert await analyst.ask(question, seconds=10) is first, "no process is needed for what is known"

    asyncio.run(run())


def test_an_answer_that_takes_too_long_is_none_and_the_next_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sesame.console.analyst.GRACE_S", 0.05)

    async def run() -> None:
        analyst = Analyst(SLOW)
        with pytest.raises(NoAnswer, match="no answer within"):
            await analyst.ask(who(), seconds=0.01)
        monkeypatch.setattr("sesame.console.analyst.GRACE_S", 20)
        analyst._command = Analyst()._command
        assert (await analyst.ask(who(), seconds=10))["groups"] == []
        await analyst.close()

    asyncio.run(run())


def test_a_process_that_dies_is_no_answer() -> None:
    async def run() -> None:
        analyst = Analyst(DYING)
        for _ in range(2):
            with pytest.raises(NoAnswer, match="ended without"):
                await analyst.ask(who(), seconds=10)
        await analyst.close()

    asyncio.run(run())


def test_of_one_askers_questions_the_newest_is_put_and_floods_are_refused() -> None:
    async def run() -> None:
        analyst = Analyst()
        async with analyst._turn:
            older = asyncio.create_task(analyst.ask(who(), seconds=10, who="anna"))
            await asyncio.sleep(0)
            newer = asyncio.create_task(analyst.ask(who(policy(allow("*"))), seconds=10, who="anna"))
            others = [
                asyncio.create_task(
                    analyst.ask(who(policy(allow({"AWS": f"{n:012}"}))), seconds=10, account=str(n // 4))
                )
                for n in range(4, MOST_WAITING + 3)
            ]
            await asyncio.sleep(0)
            with pytest.raises(NoAnswer, match="too many"):
                await analyst.ask(who(policy(allow({"AWS": "999999999999"}))), seconds=10)
        with pytest.raises(NoAnswer, match="newer"):
            await older
        assert (await newer)["groups"]
        assert all(found["groups"] for found in await asyncio.gather(*others))
        await analyst.close()

    asyncio.run(run())


def test_an_accounts_flood_leaves_places_to_others_and_none_waits_for_ever() -> None:
    async def run() -> None:
        analyst = Analyst(patience_s=0.05)
        async with analyst._turn:
            asked = [
                asyncio.create_task(
                    analyst.ask(who(policy(allow({"AWS": f"{n:012}"}))), seconds=10, account=account)
                )
                for n, account in enumerate(["flood"] * 10 + ["other"])
            ]
            found = await asyncio.gather(*asked, return_exceptions=True)
        told = [str(one) for one in found]
        assert sum("too many" in one for one in told) == 10 - MOST_OF_AN_ACCOUNT
        assert "others' questions take long" in told[-1]
        assert (await analyst.ask(who(), seconds=10))["groups"] == [], "those that gave up left no trace"
        await analyst.close()

    asyncio.run(run())


def test_an_abandoned_question_leaves_no_answer_behind() -> None:
    async def run() -> None:
        analyst = Analyst()
        task = asyncio.create_task(analyst.ask(who(policy(allow("*"))), seconds=10))
        await asyncio.sleep(
            0.05
        )  # it has begun, and may have ended; either way the next answer is the next's
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await analyst.ask(who(), seconds=10))["groups"] == []
        await analyst.close()

    asyncio.run(run())


def test_what_there_was_no_time_for_is_said_and_not_kept() -> None:
    late = iter([False] * 3 + [True] * 10_000)
    found = questions.answer(
        who(policy(*(allow({"AWS": f"{n:012}"}) for n in range(1, 20)))), is_late=lambda: next(late)
    )
    assert 0 <= found["asked"] < found["of"]
    assert any("the time was up" in group["reason"] for group in found["groups"])


def test_a_principal_of_an_account_that_may_not_do_the_same_is_told_apart() -> None:
    named = {"AWS": "arn:aws:iam::222222222222:user/ben"}
    found = questions.answer(
        who(policy(allow({"AWS": "222222222222"}), allow(named, Effect="Deny"))), is_late=lambda: False
    )
    assert [group["title"] for group in found["groups"]] == ["Account 222222222222"]
    assert "arn:aws:iam::222222222222:user/ben" not in str(found["groups"])


def test_all_statements_that_let_one_send_are_told() -> None:
    def like(pattern: str) -> dict[str, Any]:
        return {"Condition": {"StringLike": {"ses:FromAddress": pattern}}}

    texts = [policy(allow({"AWS": "222222222222"}, **like(f"{name}@*"))) for name in ("news", "ceo", "info")]
    [group] = questions.answer(who(*texts), is_late=lambda: False)["groups"]
    told = {need for one in (group, *group["more"]) for need in one["needs"]}
    assert told == {f"the From address is like `{name}@*`" for name in ("news", "ceo", "info")}


def test_an_edit_is_told_with_findings_gains_losses_and_what_comes_of_it() -> None:
    old, new = policy(allow({"AWS": "222222222222"})), policy(allow({"AWS": "333333333333"}))
    question = {**who(old), "ask": "edit", "changed": {"p0": new}}
    found = questions.answer(question, is_late=lambda: False)
    assert [[one["title"] for one in found[side]] for side in ("gained", "lost")] == [
        ["Account 333333333333"],
        ["Account 222222222222"],
    ]
    assert found["gained"][0]["example"]["from"].endswith("@example.com")
    assert [one["title"] for one in found["after"]["groups"]] == ["Account 333333333333"]
    removed = questions.answer({**question, "changed": {"p0": None}}, is_late=lambda: False)
    assert (removed["gained"], removed["after"]["groups"]) == ([], [])
    refused = questions.answer({**question, "changed": {"p0": "{"}}, is_late=lambda: False)
    assert refused["is_refused"]
    assert "gained" not in refused, "no old answer as if it were new"


def test_lines_in_lines_out() -> None:
    bad = json.dumps({**who("{"), "seconds": 1})
    good = json.dumps({**who(), "seconds": 1})
    first, second = questions.replies([bad, good], now=time.monotonic)
    assert "error" in json.loads(first)
    assert json.loads(second)["answer"]["groups"] == []


@pytest.mark.parametrize(
    ("principal", "taken", "left"),
    [
        ({"AWS": "222222222222"}, "222222222222", None),
        ({"AWS": "arn:aws:iam::222222222222:root"}, "222222222222", None),
        ({"AWS": "222222222222"}, "arn:aws:iam::222222222222:root", None),
        ({"AWS": ["222222222222", "333333333333"]}, "222222222222", {"AWS": "333333333333"}),
        ({"AWS": "222222222222", "Service": "x.amazonaws.com"}, "222222222222", {"Service": "x.amazonaws.com"}),
        ({"Service": ["x.amazonaws.com", "y.amazonaws.com"]}, "x.amazonaws.com", {"Service": "y.amazonaws.com"}),
    ],
)  # fmt: skip
def test_a_principal_is_taken_out(principal: Any, taken: str, left: Any) -> None:
    found = without_principal(policy(allow(principal)), taken)
    assert found is not None
    assert (json.loads(found)["Statement"][0]["Principal"] if found else None) == left


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": "arn:aws:iam::222222222222:user/ben"}])
def test_what_does_not_name_it_is_left(principal: Any) -> None:
    assert without_principal(policy(allow(principal)), "222222222222") is None
    assert without_principal(policy(allow({"AWS": "222222222222"}, Effect="Deny")), "222222222222") is None


def test_a_first_question_finds_the_process_that_was_warmed() -> None:
    async def run() -> None:
        analyst = Analyst()
        analyst.warm()
        analyst.warm()
        assert analyst._warming is not None
        await analyst._warming
        process = analyst._process
        assert process is not None and process.returncode is None
        found = await analyst.ask(who(policy(allow({"AWS": "222222222222"}))), seconds=10)
        assert [group["title"] for group in found["groups"]] == ["Account 222222222222"]
        assert analyst._process is process, "one process, started once"
        await analyst.close()
        assert process.returncode is not None

    asyncio.run(run())


def test_a_question_that_comes_while_it_warms_is_answered() -> None:
    async def run() -> None:
        analyst = Analyst()
        analyst.warm()
        assert (await analyst.ask(who(), seconds=10))["groups"] == []
        await analyst.close()

    asyncio.run(run())


@pytest.mark.parametrize("command", [SLOW, DYING, ("/no/such/program",)])
def test_what_cannot_be_warmed_is_told_by_the_question_and_leaves_no_process(
    monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setattr("sesame.console.analyst.WARM_S", 0.05)
    monkeypatch.setattr("sesame.console.analyst.GRACE_S", 0.05)

    async def run() -> None:
        analyst = Analyst(command)
        analyst.warm()
        assert analyst._warming is not None
        await analyst._warming
        assert analyst._process is None
        with pytest.raises(NoAnswer):
            await analyst.ask(who(), seconds=0.01)

    asyncio.run(run())


def test_a_server_that_stops_while_it_warms_leaves_no_process() -> None:
    async def run() -> None:
        analyst = Analyst(SLOW)
        analyst.warm()
        process = None
        for _ in range(1_000):
            await asyncio.sleep(0.01)
            if (process := analyst._process) is not None:
                break
        assert process is not None
        await analyst.close()
        assert analyst._warming is not None
        await asyncio.wait([analyst._warming])
        assert process.returncode is not None and analyst._process is None

    asyncio.run(run())
