"""Settings: where they come from, what wins, and errors that name the setting and the fix."""

import re
from pathlib import Path

import pytest

from sesame import config
from sesame.config.sources import masked
from sesame.errors import ConfigError


def load(text: str | None = None, tmp_path: Path | None = None, **environ: str) -> config.Settings:
    path = None
    if text is not None:
        assert tmp_path is not None
        path = tmp_path / "sesame.toml"
        path.write_text(text)
    return config.load(path, environ=environ)


def test_without_a_file_it_is_the_development_profile() -> None:
    settings = load()
    assert (settings.mailbox.enabled, settings.dns.resolver, settings.accounts.demo) == (True, "local", True)


def test_with_a_file_nothing_of_the_development_profile_is_left(tmp_path: Path) -> None:
    settings = load("", tmp_path)
    assert (settings.mailbox.enabled, settings.dns.resolver, settings.accounts.demo) == (
        False,
        "system",
        False,
    )


def test_flag_wins_over_environment_wins_over_file(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text("[api]\nport = 1\n")
    assert config.load(path, environ={}).api.port == 1
    assert config.load(path, environ={"SESAME_API__PORT": "2"}).api.port == 2
    assert config.load(path, environ={"SESAME_API__PORT": "2"}, flags={"api.port": 3}).api.port == 3
    assert config.load(path, environ={"SESAME_API__PORT": "2"}, flags={"api.port": None}).api.port == 2


def test_lists_and_switches_come_from_the_environment() -> None:
    settings = load(SESAME_API__REGIONS="us-east-1, eu-west-1", SESAME_ACCOUNTS__DEMO="false")
    assert (settings.api.regions, settings.accounts.demo) == (("us-east-1", "eu-west-1"), False)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[api]\nport = 'x'", "`api.port`"),
        ("[api]\nport = 70000", "`api.port` is 70000"),
        ("[api]\nprot = 1", "`api.prot` is not known"),
        ("[apo]\nport = 1", "`apo` is not known"),
        ("[delivery]\nlease_s = nan", "`delivery.lease_s` is not a number"),
        ("[accounts]\nproduction_max_send_rate = nan", "`accounts.production_max_send_rate` is not a number"),
        (
            "[accounts]\nproduction_max_send_rate = -1",
            "`accounts.production_max_send_rate` must be a number from 0",
        ),
        (
            "[accounts]\nproduction_max_send_rate = inf",
            "`accounts.production_max_send_rate` must be a number from 0",
        ),
        (
            "[accounts]\nproduction_max_24_hour_send = -2",
            "`accounts.production_max_24_hour_send` must be a number from",
        ),
        ("[api]\ntls_certificate = '/nowhere'", "`api.tls_private_key`"),
        ("[api]\ntls_certificate = '/nowhere'\ntls_private_key = '/nowhere'", "`/nowhere` cannot be read"),
        ("[api]\nclock_skew_s = 901", "`api.clock_skew_s`"),
        ("[api]\nregions = ['moon']", "`moon` is not a region"),
        ("[delivery]\nrelay = 'host'", "`delivery.relay` is `host`"),
        ("[delivery]\nallow_networks = ['ten']", "`ten` is not a network"),
        ("[delivery]\nworkers = 0", "`delivery.workers`"),
        ("[dns]\nauto_publish = true", "`dns.auto_publish`"),
        ("[dns]\nresolver = 'both'", "`dns.resolver`"),
        ("[api\n", "not valid TOML"),
    ],
)
def test_an_error_names_the_setting(text: str, named: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load(text, tmp_path)
    assert named in str(error.value)


@pytest.mark.parametrize("name", ["SESAME_API__PROT", "SESAME_APO__PORT", "SESAME_DELIVERY__A__B"])
def test_a_mistyped_setting_of_the_environment_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        config.load(None, environ={name: "1"})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        config.load(tmp_path / "none.toml", environ={})


@pytest.mark.parametrize(
    ("text", "parts"),
    [("a.test:25", ("a.test", 25)), ("[::1]:2525", ("::1", 2525)), ("10.0.0.1:1", ("10.0.0.1", 1))],
)
def test_host_and_port_are_split(text: str, parts: tuple[str, int]) -> None:
    assert config.parse_host_port("delivery.relay", text) == parts


PODS = [
    {
        "SESAME_SERVICE_HOST": "10.96.12.7", "SESAME_SERVICE_PORT": "4579", "SESAME_PORT": "tcp://10.96.12.7:4579",
        "SESAME_PORT_4579_TCP": "tcp://10.96.12.7:4579", "SESAME_PORT_4579_TCP_PROTO": "tcp",
        "SESAME_PORT_4579_TCP_PORT": "4579", "SESAME_PORT_4579_TCP_ADDR": "10.96.12.7",
    },
    {
        "SESAME_SMTP_SERVICE_HOST": "10.96.12.8", "SESAME_SMTP_SERVICE_PORT": "2587",
        "SESAME_SMTP_SERVICE_PORT_SUBMISSION": "2587", "SESAME_SMTP_PORT": "tcp://10.96.12.8:2587",
        "SESAME_SMTP_PORT_2587_TCP": "tcp://10.96.12.8:2587", "SESAME_API_PORT": "tcp://10.96.12.9:1",
    },
]  # fmt: skip


@pytest.mark.parametrize("environ", PODS)
def test_what_kubernetes_sets_for_services_is_no_setting(environ: dict[str, str]) -> None:
    assert config.load(None, environ=environ) == config.load(None, environ={})
    assert config.unknown_variables(environ) == []


def test_other_unknown_variables_are_told_with_the_nearest_setting() -> None:
    environ = {
        "SESAME_API_PORTS": "1",
        "SESAME_DATTA": "x",
        "SESAME_DATA": "y",
        "HOME": "/",
        "SESAME_CONFIG": "z",
    }
    assert config.load(None, environ=environ).data == "y"
    assert config.unknown_variables(environ) == [
        "environment variable `SESAME_API_PORTS` names no setting and is ignored; the nearest is `SESAME_API__PORT`",
        "environment variable `SESAME_DATTA` names no setting and is ignored; the nearest is `SESAME_DATA`",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "relay = 'a:25'\nrelay_user = 'u'",
        "relay = 'a:25'\nrelay_password_file = '/etc/hostname'",
        "relay = 'a:25'\nrelay_user = 'u'\nrelay_password_file = '/etc/hostname'",
        "relay = 'a:25'\nrelay_tls = 'verify'\nrelay_user = 'u'\nrelay_password_file = '/nowhere'",
        "relay_tls = 'maybe'",
        "tls_ca_file = '/nowhere'",
        "own_addresses = ['us.test']",
        "routes = [{domain = '*.'}]",
        "routes = [{domain = 'a.test', relay = 'b'}]",
        "routes = [{domain = 'a.test', tls = 'verify'}]",
        "routes = [{domain = 'a.test', relay = 'b:25', user = 'u', password_file = '/etc/hostname'}]",
        "routes = [{relay = 'b:25'}]",
        "egress = [{address = '192.0.2.1'}]",
        "egress = [{address = '192.0.2.0/24', hello = 'mx.test'}]",
        "egress = [{address = '192.0.2.1', hello = '192.0.2.1'}]",
        "egress = [{address = '192.0.2.1', hello = '-mx.test'}]",
        "egress = [{address = '192.0.2.1', hello = 'mx.test', bind = '::1'}]",
        "egress = [{address = '192.0.2.1', hello = 'mx.test', accounts = ['12345']}]",
        "egress = [{address = '::1', hello = 'a.test'}, {address = '0:0::1', hello = 'b.test'}]",
        "warmup_days = 0",
        "warmup_first = 0",
        "warmup_last = 5",
    ],
)
def test_a_route_or_relay_that_cannot_work_stops_the_start(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sesame.toml"
    path.write_text(f"[delivery]\n{text}\n")
    with pytest.raises(ConfigError, match="delivery"):
        config.load(path, environ={})


def test_each_setting_says_where_it_comes_from(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(
        'retention_days = 3\n[api]\nport = 1\nlisten = "127.0.0.2"\n[[delivery.routes]]\ndomain = "a.test"\n'
    )
    settings, sources = config.load_with_sources(
        path, environ={"SESAME_API__PORT": "2"}, flags={"data": "x", "health.port": None}
    )
    found = {one.name: one for one in config.in_force(settings, sources)}
    assert [*found] == config.setting_names()
    assert {name: one.source for name, one in found.items() if one.source != "default"} == {
        "retention_days": str(path),
        "api.port": "SESAME_API__PORT",
        "api.listen": str(path),
        "delivery.routes": str(path),
        "data": "command line",
    }
    assert found["api.port"].value == 2
    assert found["delivery.routes"].value[0]["domain"] == "a.test"
    development = config.in_force(*config.load_with_sources(None, environ={}))
    assert {one.source for one in development} == {"default", "development profile"}


def test_what_is_secret_in_a_url_is_hidden() -> None:
    shown = masked({"a": ["https://me:secret@x.example/p", 5], "b": "user@example.com"})
    assert shown == {"a": ["https://***@x.example/p", 5], "b": "user@example.com"}


def test_no_setting_is_a_secret_itself() -> None:
    """Passwords and keys are in files that settings name, so that what shows settings shows none."""
    known = re.compile(r".*(_file|_kib|_days|tls_private_key|_access_key_id|_s|_per_\w+|_length)")
    named = [name for name in config.setting_names() if re.search("secret|password|token|key", name)]
    assert [name for name in named if not known.fullmatch(name)] == []
