"""How commands are built: their common options, and what they run on."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from sesame import config
from sesame.app.data_directory import require_database
from sesame.config import Settings

if TYPE_CHECKING:
    from sesame.app.foundation import Services

Subparsers = Any
"""What argparse's add_subparsers returns; its class has no public name."""
Command = Callable[[argparse.Namespace], int]
"""What a command line runs; it returns the exit status."""
ServicesCommand = Callable[["Services", argparse.Namespace], Awaitable[int]]
"""The same, with the services opened for it."""


def add_store_options(command: argparse.ArgumentParser) -> None:
    """Options of every command that works on the data directory, beside a running server or not."""
    command.add_argument("--data", metavar="DIR", help="data directory (default: .sesame)")
    command.add_argument("--config", metavar="FILE", help="configuration file (TOML)")
    command.add_argument("--json", action="store_true", help="print JSON")


def add_verbs(subparsers: Subparsers, noun: str, *, help: str) -> Subparsers:
    """A command that does nothing without a verb; its verbs are to be added."""
    return subparsers.add_parser(noun, help=help).add_subparsers(required=True, metavar="VERB")


def runs_on_store(command: argparse.ArgumentParser, run: Command, **defaults: object) -> None:
    """Let a command run on the data directory: its options, after those that it has, and what it calls."""
    add_store_options(command)
    command.set_defaults(func=run, **defaults)


def runs_with_services(
    command: argparse.ArgumentParser, run: ServicesCommand, *, create: bool = False, **defaults: object
) -> None:
    """Let a command run on the services, opened for it; without `create` the store must exist."""
    runs_on_store(command, opened(run, create=create), **defaults)


def opened(run: ServicesCommand, *, create: bool = False) -> Command:
    """The command that opens the services for `run`."""
    return lambda args: with_services(args, lambda services: run(services, args), create=create)


def settings_of(args: argparse.Namespace, **flags: object) -> Settings:
    """The settings for a command line. Raises `ConfigError`."""
    return settings_with_sources(args, **flags)[0]


def settings_with_sources(args: argparse.Namespace, **flags: object) -> tuple[Settings, dict[str, str]]:
    """The same, and where those that are not defaults come from. Raises `ConfigError`."""
    path = config.find_config(args.config, os.environ)
    if not getattr(args, "has_warned", False):
        args.has_warned = True
        for line in config.unknown_variables(os.environ):
            print(f"sesame: {line}", file=sys.stderr)
    return config.load_with_sources(path, environ=os.environ, flags={"data": args.data, **flags})


def with_services(
    args: argparse.Namespace, run: "Callable[[Services], Awaitable[int]]", *, create: bool = False
) -> int:
    """Open the store that the command line names, run, close; without `create` it must exist."""
    from sesame.app.foundation import open_services

    settings = settings_of(args)
    if not create:
        require_database(settings)

    async def session() -> int:
        async with open_services(settings) as services:
            return await run(services)

    return asyncio.run(session())


def region_name(text: str) -> str:
    """A region from the command line."""
    if not config.REGION.fullmatch(text):
        raise argparse.ArgumentTypeError(f"`{text}` is not a region; write it as us-east-1")
    return text
