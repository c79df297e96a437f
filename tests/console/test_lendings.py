"""Owners and delegates, as the operator sees them: who sent as whose identity, and what became of it."""

from collections.abc import Iterator

from sesame.app.foundation import Services
from sesame.console import charts
from sesame.store import tallies
from sesame.store.tallies import Counts, Where
from tests.console.test_hostile_newer import wrong_in
from tests.console.test_senders import allow, put
from tests.support.browser import Person, operator, root_of, words
from tests.support.process import REGION, SesameProcess, wait_until
from tests.support.tenant import MESSAGE, TO, Tenant

PAGE = "/operator/accounts/delegates"


def main_of(page: str) -> str:
    return words("<main" + page.partition("<main")[2].partition("</main>")[0])


def pages_of(person: Person, path: str) -> Iterator[str]:
    """A list of the page, from its first part on, as long as there is more."""
    for _ in range(50):
        page = person.get(path).text
        assert len(page) < 60 * 1024
        part = page.partition("<h2>By this account")[0]
        yield part
        if ">More</a>" not in part:
            return
        path = f"{PAGE}?" + part.rpartition('">More</a>')[0].rpartition("?")[2].replace("&amp;", "&")
    raise AssertionError("the list does not end")


def test_what_a_delegate_sent_is_shown_on_both_sides(sesame: SesameProcess, tenant: Tenant) -> None:
    delegate, owner = sesame.create_account(), tenant.account.account_id
    put(tenant, "p", allow(tenant, {"AWS": delegate.account_id}, "All"))
    person = operator(sesame)
    ses = sesame.client("ses", delegate)
    for _ in "123":
        ses.send_email(Source="news@example.com", SourceArn=tenant.arn, Destination=TO, Message=MESSAGE)
    tenant.ses.send_email(Source="news@example.com", Destination=TO, Message=MESSAGE)

    def of(account_id: str) -> str:
        return main_of(person.get(f"{PAGE}?account={account_id}").text)

    def counted() -> bool:
        return f"{owner} example.com {REGION} {delegate.account_id} 3 0 (0.00 %) 0 (0.00 %)" in of(owner)

    wait_until(counted)
    seen = of(owner)
    assert "It sent as nobody else's identity." in seen
    assert f"{owner} example.com" in of(delegate.account_id)
    assert "Nobody else sent as one." in of(delegate.account_id)
    line = f"{owner} example.com {REGION} {delegate.account_id}"
    assert any(line in words(part) for part in pages_of(person, PAGE))  # beside what other tests sent
    assert seen.count(delegate.account_id) == 1


def test_the_list_goes_on_by_key(sesame: SesameProcess, tenant: Tenant) -> None:
    """A hundred and twenty identities lent: each is on one page, in order."""
    owner, delegate = tenant.account.account_id, sesame.create_account().account_id

    async def fill(services: Services) -> None:
        quarter = tallies.quarter_of(services.clock.now())
        sent = {
            Where(delegate, REGION, quarter, owner, f"d{n:03}.example", ""): Counts(sends=1)
            for n in range(120)
        }
        await services.store.write(lambda tx: tallies.add(tx, sent))

    sesame.operate(fill)
    person = operator(sesame)
    seen = [
        word
        for part in pages_of(person, f"{PAGE}?account={owner}")
        for word in words(part).split()
        if word.startswith("d") and word.endswith(".example")
    ]
    assert seen == [f"d{n:03}.example" for n in range(120)]


def test_whatever_is_asked_is_text(sesame: SesameProcess) -> None:
    person = operator(sesame)
    for text in ("<script>alert(1)</script>", "\u202e1", "' OR 1=1 --", "x" * 3_000):
        for name in ("account", "owner", "region", "identity", "delegate"):
            answer = person.get(PAGE, params={name: text})
            assert answer.status_code == 200 and wrong_in(answer.text) == []


def test_no_account_sees_it(sesame: SesameProcess, tenant: Tenant) -> None:
    assert root_of(sesame, tenant.account.account_id).get(PAGE).status_code == 404


def test_from_three_owners_on_a_picture_stands_above_the_table(sesame: SesameProcess) -> None:
    """Accounts on the left, identities on the right, each line with a title and in the table below."""
    delegate = sesame.create_account().account_id
    owners = [sesame.create_account().account_id for _ in "123"]

    async def fill(services: Services) -> None:
        quarter = tallies.quarter_of(services.clock.now())
        sent = {
            Where(delegate, REGION, quarter, owner, f"drawn{n}.example", ""): Counts(sends=10 * n + 1)
            for n, owner in enumerate(owners)
        }
        await services.store.write(lambda tx: tallies.add(tx, sent))

    sesame.operate(fill)
    person = operator(sesame)
    drawn = next(part for part in pages_of(person, PAGE) if "drawn2.example" in part)
    if drawn.count("drawn") > 6:  # with all three on one page
        assert '<svg class="graph"' in drawn
    one = person.get(f"{PAGE}?account={owners[0]}").text
    assert '<svg class="graph"' not in one


def test_a_graph_has_each_name_once_and_the_highest_lines() -> None:
    edges = [("a", "x", 5, "a to x"), ("a", "y", 1, "a to y"), ("b", "x", 10, "b to x")]
    drawn = charts.graph("l", edges)
    assert [node.name for node in drawn.left] == ["b", "a"]
    assert [node.name for node in drawn.right] == ["x", "y"]
    assert [edge.title for edge in drawn.edges] == ["b to x", "a to x", "a to y"]
    assert [edge.weight for edge in drawn.edges] == [charts.WIDEST, 3.0, 1.0]
    assert {edge.left for edge in drawn.edges} <= {node.y for node in drawn.left}
    assert all(0 < node.y < drawn.height for node in (*drawn.left, *drawn.right))
    many = charts.graph("l", [(str(n), "z" * 90, n, "t") for n in range(200)])
    assert len(many.edges) == charts.MOST_EDGES
    assert many.edges[0].weight == charts.WIDEST
    assert len(many.right[0].name) == charts.MOST_NAME and many.right[0].title == "z" * 90
    assert charts.graph("l", []).edges == ()
