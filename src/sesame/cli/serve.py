"""`sesame serve`: run the service, and say once how to reach it; `sesame config show`."""

import argparse
import asyncio
import gc
import json
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sesame.cli.command import Subparsers, add_verbs, runs_on_store, settings_with_sources
from sesame.cli.output import print_json
from sesame.config import Settings, in_force
from sesame.errors import ConfigError

if TYPE_CHECKING:
    from sesame.app.server import Endpoints


LOG_FLUSH_S = 0.02
"""How long a log line may wait for others to be written with."""

GC_THRESHOLDS = 10_000, 20, 50
"""Objects, and collections of the generation before, after which each generation is collected."""


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    command = subparsers.add_parser(
        "serve",
        help="run the service",
        description="Run Sesame in this process until SIGTERM. Without a configuration file it runs in the "
        "development profile: SQLite in ./.sesame, API on 127.0.0.1:4579, mail delivered to a built-in mailbox.",
    )
    command.add_argument("--data", metavar="DIR", help="data directory (default: .sesame)")
    command.add_argument("--config", metavar="FILE", help="configuration file (TOML)")
    command.add_argument("--api-port", type=int, metavar="N", help="port of the API; 0 for any free port")
    command.add_argument(
        "--smtp-port",
        type=int,
        metavar="N",
        help=("port of SMTP submission with STARTTLS; 0 for any free port (as --api-port 0 implies)"),
    )
    command.add_argument(
        "--smtps-port", type=int, metavar="N", help="port of SMTP submission with implicit TLS"
    )
    command.add_argument(
        "--ready-file",
        metavar="F",
        help="file to write the listening addresses to, as JSON, once the server is ready",
    )
    command.set_defaults(func=serve)
    settings = add_verbs(subparsers, "config", help="the configuration")
    show = settings.add_parser("show", help="print every setting in force, as JSON")
    show.add_argument(
        "--sources",
        action="store_true",
        help=("also print where each value comes from: a file, a variable, a flag or the default"),
    )
    runs_on_store(show, show_config)


def show_config(args: argparse.Namespace) -> int:
    """Print the settings."""
    import msgspec

    from sesame.config.sources import masked

    settings, sources = settings_with_sources(args)
    if args.sources:
        print_json(
            {one.name: {"value": one.value, "source": one.source} for one in in_force(settings, sources)}
        )
    else:
        print_json(masked(msgspec.to_builtins(settings)))
    return 0


def serve(args: argparse.Namespace) -> int:
    """Run the server until it is told to stop."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to reload
    if args.ready_file is not None and not Path(args.ready_file).absolute().parent.is_dir():
        raise ConfigError(f"--ready-file: there is no directory for `{args.ready_file}`")
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(partial(settings_with_sources, args, **_ports(args)), args))
    return 0


def _ports(args: argparse.Namespace) -> dict[str, object]:
    """The ports asked for; who asks for any free one asks for it at every door that is not named."""
    smtp, smtps = args.smtp_port, args.smtps_port
    if args.api_port == 0:
        smtp = 0 if smtp is None else smtp
    if smtp == 0:
        smtps = 0 if smtps is None else smtps
    return {
        "api.port": args.api_port,
        "health.port": 0 if args.api_port == 0 else None,
        "console.port": 0 if args.api_port == 0 else None,
        "inbound.port": 0 if args.api_port == 0 else None,
        "tracking.port": 0 if args.api_port == 0 else None,
        "submission.ports": None if smtp is None else [smtp],
        "submission.tls_ports": None if smtps is None else [smtps],
    }


async def _serve(
    read_settings: Callable[[], tuple[Settings, dict[str, str]]], args: argparse.Namespace
) -> None:
    with _collecting_nothing():
        from sesame.app.foundation import endpoints_file, system_log, write_private
        from sesame.app.server import Server
        from sesame.observe import SystemClock, loop_exception, take_over_libraries

    settings, sources = read_settings()
    clock = SystemClock()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    log = system_log(
        sys.stdout, settings.log_format, clock, defer=lambda flush: loop.call_later(LOG_FLUSH_S, flush)
    )
    take_over_libraries(log)
    loop.set_exception_handler(lambda _, context: loop_exception(log, context))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # Readers, signers and the loop share the interpreter; 5 ms turns would show in every accept.
    sys.setswitchinterval(0.0005)
    with _collecting_nothing():
        server = Server(settings, log=log, clock=clock, sources=sources)

    def reload() -> None:
        try:
            server.reload(*read_settings())
        except ConfigError as error:
            log.error("settings_not_reloaded", reason=str(error))

    loop.add_signal_handler(signal.SIGHUP, reload)

    def ready(endpoints: "Endpoints") -> None:
        _settle_garbage_collection()
        log.event("listening", **_where(endpoints), data=str(settings.data_dir.resolve()))
        if settings.accounts.demo or sys.stderr.isatty():
            print(_welcome(settings, endpoints, args.config), file=sys.stderr, flush=True)
        ready_file = None if args.ready_file is None else Path(args.ready_file)
        for file in (endpoints_file(settings), ready_file):
            if file is not None:
                write_private(file, json.dumps(_where(endpoints)))

    try:
        await server.run(ready=ready, stop=stop)
    finally:
        endpoints_file(settings).unlink(missing_ok=True)
        log.flush()


@contextmanager
def _collecting_nothing() -> Iterator[None]:
    """Keep the collector from looking, again and again, through what is loaded to stay: an eighth of a start."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _settle_garbage_collection() -> None:
    """Keep what was loaded out of the collector's sight, and let it look seldom.

    A message leaves no cycles, so there is little to find; a full collection of the loaded modules would hold
    every client up for 50 ms.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def _where(endpoints: "Endpoints") -> dict[str, str]:
    """Where each door is, for the log and the ready file."""
    doors = {
        "api": endpoints.api,
        "smtp": endpoints.smtp,
        "smtps": endpoints.smtps,
        "health": endpoints.health,
        "console": endpoints.console,
        "inbound": endpoints.inbound,
        "tracking": endpoints.tracking,
    }
    found = {name: where for name, where in doors.items() if where is not None}
    return found if endpoints.ca is None else found | {"ca": str(endpoints.ca.resolve())}


def _welcome(settings: Settings, endpoints: "Endpoints", config: str | None) -> str:
    """What a person needs to go on: lines to paste, quoted for a shell, and where mail ends up."""
    where = "" if config is None else f" --config {shlex.quote(config)}"
    if settings.data != ".sesame":
        where += f" --data {shlex.quote(settings.data)}"
    credentials = (settings.data_dir / "credentials").resolve()
    lines = ["", f"Sesame speaks Amazon SES on {endpoints.api}"]
    if credentials.exists():
        lines += [
            "Accounts `owner` and `delegate` are ready. Paste this into another terminal:",
            "",
            f"  export AWS_SHARED_CREDENTIALS_FILE={shlex.quote(str(credentials))}"
            f" AWS_ENDPOINT_URL={shlex.quote(endpoints.api)} AWS_DEFAULT_REGION=us-east-1",
            "",
        ]
    if endpoints.smtp is not None:
        lines.append(
            f"SMTP: {endpoints.smtp} with STARTTLS; passwords: {_command()} smtp credentials ACCOUNT{where}"
        )
    if endpoints.console_link is not None:
        lines.append(f"Console, by a link that works once: {endpoints.console_link}")
    if endpoints.mailbox_port is not None:
        lines.append(f"Mail is delivered to the built-in mailbox: {_command()} mail list{where}")
    return "\n".join(lines) + "\n"


def _command() -> str:
    """How this program was called, for lines to paste."""
    path = Path(sys.argv[0])
    return shlex.quote(os.path.relpath(path)) if path.name == "sesame" else "sesame"
