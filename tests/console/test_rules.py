"""Rules of the console for every page: where it may listen, whom it believes, what a log-in's cookie is like."""

import asyncio
import re
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import pytest

from sesame.access import passwords
from sesame.access.passwords import AT_ONCE, Passwords
from sesame.config import load
from sesame.config.console import Console as Settings
from sesame.config.console import check_console
from sesame.console.app import Console
from sesame.console.guard import Guard
from sesame.console.render import TEMPLATES
from sesame.errors import ConfigError
from tests.support.console_in_process import console_over

ON = Settings(enabled=True)
URL = "https://console.example.net"


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"listen": "0.0.0.0"}, "console.listen"),
        ({"listen": "::"}, "console.listen"),
        ({"listen": "192.0.2.1"}, "console.listen"),
        ({"public_url": URL}, "console.public_url"),
        ({"public_url": "http://console.example.net", "proxy": "127.0.0.1"}, "console.public_url"),
        ({"proxy": "proxy.example.net", "public_url": URL}, "console.proxy"),
        ({"listen": "0.0.0.0", "tls_certificate": "a.pem"}, "console.tls_private_key"),
    ],
)
def test_passwords_need_tls_or_a_named_proxy_off_this_machine(changed: dict[str, str], names: str) -> None:
    with pytest.raises(ConfigError, match=names):
        check_console(msgspec.structs.replace(ON, **changed))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"listen": "::1"},
        {"listen": "0.0.0.0", "tls_certificate": "a.pem", "tls_private_key": "b.pem"},
        {"listen": "192.0.2.1", "proxy": "192.0.2.7", "public_url": URL},
    ],
)
def test_what_is_safe_is_let(changed: dict[str, str]) -> None:
    check_console(msgspec.structs.replace(ON, **changed))


async def logged_in_from(data: Path, guard: Guard, *, proxy: str, forwarded: str) -> tuple[str, str]:
    """From where a log-in came as its own page tells, and the header that set its cookie; we are 127.0.0.1."""
    settings = load(None, environ={}, flags={"data": str(data), "delivery.enabled": False})
    async with console_over(settings) as opened:
        account = (await opened.services.operator.create_account("a", production=True)).account_id
        console = Console(opened.backing, guard, proxy=proxy, log=opened.services.log)
        base = guard.base_url("localhost")
        transport = httpx.ASGITransport(console.application(), client=("127.0.0.1", 1))
        link = f"/link/{await opened.backing.logins.links.make('login', account, account)}"
        headers = {"x-forwarded-for": forwarded} if forwarded else {}
        async with httpx.AsyncClient(transport=transport, base_url=base, headers=headers) as client:
            token = re.search(r'name="token" value="([^"]+)"', (await client.get(link)).text)
            assert token
            answer = await client.post(link, data={"token": token[1]}, headers={"origin": base})
            page = await client.get("/me")
            found = re.search(r'data-label="Address"[^>]*>(?:<[^>]+>)*([^<]+)<', page.text)
            assert found, page.text
            set_now = answer.headers.get_list("set-cookie")
            [cookie] = [one for one in set_now if not one.partition("=")[0].endswith("-form")]
            return found[1], cookie


@pytest.mark.parametrize(
    ("proxy", "forwarded", "seen"),
    [
        ("", "203.0.113.7", "127.0.0.1"),
        ("192.0.2.1", "203.0.113.7", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "2001:db8::7", "2001:db8::7"),
        ("127.0.0.1", "not an address", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
    ],
)
def test_a_forwarded_address_is_believed_of_the_named_proxy_alone(
    tmp_path: Path, proxy: str, forwarded: str, seen: str
) -> None:
    guard = Guard(public_url="", is_secure=False)
    found, _ = asyncio.run(logged_in_from(tmp_path / "data", guard, proxy=proxy, forwarded=forwarded))
    assert found == seen


@pytest.mark.parametrize("is_secure", [True, False])
def test_the_cookie_of_a_log_in_is_for_this_host_and_no_script(tmp_path: Path, *, is_secure: bool) -> None:
    guard = Guard(public_url=URL if is_secure else "", is_secure=is_secure)
    _, cookie = asyncio.run(logged_in_from(tmp_path / "data", guard, proxy="", forwarded=""))
    name, parts = cookie.partition("=")[0], {one.strip().lower() for one in cookie.split(";")[1:]}
    assert name == ("__Host-sesame" if is_secure else "sesame")
    assert {"httponly", "path=/", "samesite=lax"} <= parts
    assert ("secure" in parts) is is_secure
    assert not any(one.startswith(("domain", "max-age", "expires")) for one in parts)


def counting(monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[int, int]]:
    """Passwords that are compared by nobody: how many were, and how many at once at most."""
    lock, both = threading.Lock(), threading.Event()
    state = {"now": 0, "most": 0, "all": 0}

    def verify(password: str, hashed: str) -> bool:
        with lock:
            state["now"] += 1
            state["all"] += 1
            state["most"] = max(state["most"], state["now"])
            if state["now"] == AT_ONCE:
                both.set()
        both.wait(5)
        with lock:
            state["now"] -= 1
        return False

    monkeypatch.setattr(passwords, "_verify", verify)
    return lambda: (state["all"], state["most"])


def test_an_unknown_user_costs_what_a_known_one_does_and_two_are_compared_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = counting(monkeypatch)

    async def run() -> list[bool]:
        compared = Passwords(random_bytes=lambda size: b"x" * size, memory_kib=32, passes=1)
        try:
            hashed = await compared.hash("right")
            await compared.is_right("wrong", None)
            return await asyncio.gather(*(compared.is_right("wrong", one) for one in (None, hashed) * 4))
        finally:
            compared.close()

    assert asyncio.run(run()) == [False] * 8
    assert counts() == (9, AT_ONCE)


def test_no_template_switches_escaping_off() -> None:
    found = [
        path.name
        for path in TEMPLATES.glob("*.html")
        if re.search(r"\|\s*safe\b|autoescape|Markup|\|\s*tojson", path.read_text())
    ]
    assert found == []
