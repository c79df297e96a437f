"""Lists as files: what their pages show, whole or said not to be, and no formula."""

import asyncio
import csv
import io
import json
from typing import Any, ClassVar

import pytest

from sesame.console import charts
from sesame.console.pages import export
from tests.console.test_login import log_in, make_user
from tests.console.test_senders import allow, put
from tests.support.browser import Person, root_of
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import MESSAGE, TO, Tenant

HERE = f"/{REGION}/export"


@pytest.fixture
def owner(sesame: SesameProcess, tenant: Tenant) -> Person:
    return root_of(sesame, tenant.account.account_id)


def rows(person: Person, file: str) -> list[dict[str, str]]:
    answer = person.get(f"{HERE}/{file}")
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_each_side_exports_what_its_pages_show(sesame: SesameProcess, owner: Person, tenant: Tenant) -> None:
    agency = sesame.create_account()
    put(tenant, "P", allow(tenant, {"AWS": agency.account_id}, "A"))
    theirs = sesame.client("ses", agency)
    message = {**MESSAGE, "Subject": {"Data": "canary subject"}}
    theirs.send_email(Source="=cmd@example.com", SourceArn=tenant.arn, Destination=TO, Message=message)
    (seen,) = rows(owner, "messages.csv")
    (own,) = rows(root_of(sesame, agency.account_id), "messages.csv")
    assert own["subject"] == "canary subject"
    assert seen["subject"] == ""
    assert own["from"] == seen["from"] == "'=cmd@example.com", "a spreadsheet reads text, not a formula"
    assert own["to"] == "reader@elsewhere.test"
    as_json = root_of(sesame, agency.account_id).get(f"{HERE}/messages.json").text.splitlines()
    assert [json.loads(line)["from"] for line in as_json] == ["=cmd@example.com"]
    assert "canary" not in owner.get(f"{HERE}/messages.json").text


def test_lists_go_on_behind_their_bound_and_say_so(
    owner: Person, tenant: Tenant, sesame: SesameProcess
) -> None:
    v2 = sesame.client("sesv2", tenant.account)
    names = [f"a{n}@one.example" for n in range(3)]
    for name in names:
        v2.put_suppressed_destination(EmailAddress=name, Reason="BOUNCE")
    assert [row["address"] for row in rows(owner, "suppression.csv")] == names
    assert [row["address"] for row in rows(owner, f"suppression.csv?after={names[0]}")] == names[1:]
    assert [row["identity"] for row in rows(owner, "identities.csv")] == ["example.com"]
    changes = rows(owner, "changes.csv")
    assert changes[0]["name"] == "PutSuppressedDestination"
    assert {"name", "who", "ip", "parameters"} <= changes[0].keys()
    assert owner.get(f"{HERE}/secrets.csv").status_code == 404
    assert owner.get(f"{HERE}/messages.exe").status_code == 404


def test_an_export_takes_its_own_permission_and_that_of_its_list(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    make_user(tenant, actions='"ses:GetMessageInsights"')
    person, _ = log_in(sesame, tenant)
    answer = person.get(f"{HERE}/messages.csv")
    assert answer.status_code == 403
    assert "ses:CreateExportJob" in answer.text
    document = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "%s", "Resource": "*"}}'
    tenant.iam.put_user_policy(
        UserName="anna", PolicyName="p", PolicyDocument=document % "ses:CreateExportJob"
    )
    for file, action in (
        ("messages.csv", "ses:GetMessageInsights"),
        ("suppression.json", "ses:ListSuppressedDestinations"),
        ("identities.csv", "ses:ListEmailIdentities"),
        ("changes.csv", "cloudtrail:LookupEvents"),
    ):
        answer = person.get(f"{HERE}/{file}")
        assert answer.status_code == 403, file
        assert action in answer.text


def test_a_file_that_is_not_whole_ends_with_where_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MOST_ROWS", 2)
    read = 0

    async def part(visit: Any, query: Any) -> export.Some:
        nonlocal read
        read += 1
        return export.Some([{"address": f"a{read}"}], {"after": f"a{read}"})

    class Backing:
        exporting: ClassVar[set[str]] = set()

        class clock:
            now = staticmethod(lambda: 0.0)

    class Visit:
        backing, region = Backing, REGION

        class me:
            class principal:
                account_id = "1"

    async def run() -> str:
        wanted = export.List(columns=("address",), read=part)
        first = await part(Visit, {})
        return "".join([text async for text in export._lines(Visit, "x", wanted, "csv", first)])  # type: ignore[arg-type]

    assert asyncio.run(run()) == f'"address"\r\n"a1"\r\n"a2"\r\n"more","{HERE}/x.csv?after=a2"\r\n'
    assert Backing.exporting == set()


@pytest.mark.parametrize(
    ("value", "cell"),
    [("=1", "'=1"), ("+1", "'+1"), ("-1", "'-1"), ("@a", "'@a"), ("\tx", "'\tx"), ("a=1", "a=1"), (-5, -5)],
)
def test_a_cell_is_no_formula(value: object, cell: object) -> None:
    assert export._cell(value) == cell


def test_a_bar_shows_what_is_there_however_small() -> None:
    chart = charts.bars("l", [("none", 0, 0), ("one", 1, 1), ("most", 1_000, 2_000)])
    assert [bar.whole for bar in chart.bars] == [0, 1, charts.HIGH]
    assert [bar.part for bar in chart.bars] == [0, 1, charts.HIGH], "never higher than the whole"
    assert all(bar.x >= 0 and bar.x + bar.width <= chart.width for bar in chart.bars)
    assert (chart.first, chart.last, chart.most) == ("none", "most", 1_000)
    assert charts.bars("l", []).bars == ()
    assert len(charts.bars("l", [("t", 1, 0)] * 1_000).bars) == charts.MOST_BARS
