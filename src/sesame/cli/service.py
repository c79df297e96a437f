"""`sesame service`: services that send on behalf of accounts."""

import argparse
from typing import TYPE_CHECKING

from sesame.cli.command import Subparsers, add_verbs, runs_with_services
from sesame.cli.output import done, print_access_key, print_list, when

if TYPE_CHECKING:
    from sesame.admin.services import ServiceKeys
    from sesame.app.foundation import Services


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    verbs = add_verbs(
        subparsers,
        "service",
        help="services that send on behalf of accounts, such as cognito-idp.amazonaws.com",
    )
    for verb, help_text, run, with_key in (
        ("create", "register a service and create an access key for it", create_service, False),
        ("add-key", "create a second access key for a service", add_key, False),
        ("delete-key", "delete an access key of a service", delete_key, True),
        ("delete", "delete a service with its keys", delete_service, False),
    ):
        command = verbs.add_parser(verb, help=help_text)
        command.add_argument("name", help="name of the service in policies, a host name")
        if with_key:
            command.add_argument("key", help="access key ID")
        runs_with_services(command, run)
    show = verbs.add_parser("list", help="list the services")
    runs_with_services(show, list_services)


async def create_service(services: "Services", args: argparse.Namespace) -> int:
    """Register a service; its secret is shown this once."""
    return _print_keys(args, await services.service_principals.create(args.name))


async def add_key(services: "Services", args: argparse.Namespace) -> int:
    """Make another key; its secret is shown this once."""
    return _print_keys(args, await services.service_principals.add_key(args.name))


async def delete_key(services: "Services", args: argparse.Namespace) -> int:
    """Remove a key."""
    await services.service_principals.delete_key(args.name, args.key)
    return done(args, f"access key {args.key} of service {args.name} is deleted")


async def delete_service(services: "Services", args: argparse.Namespace) -> int:
    """Remove a service."""
    await services.service_principals.delete(args.name)
    return done(args, f"service {args.name} is deleted")


async def list_services(services: "Services", args: argparse.Namespace) -> int:
    """Show the services and their keys."""
    return print_list(
        args,
        await services.service_principals.list_services(),
        as_json=lambda one: {
            "service": one.service_name,
            "access_keys": one.keys,
            "created_at": one.created_at,
        },
        headings=("SERVICE", "ACCESS KEYS", "CREATED"),
        row=lambda one: (one.service_name, ", ".join(one.keys), when(one.created_at)),
    )


def _print_keys(args: argparse.Namespace, keys: "ServiceKeys") -> int:
    return print_access_key(args, keys, of="service", owner=keys.service_name)
