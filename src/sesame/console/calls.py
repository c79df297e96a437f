"""The calls behind a page, to copy: for the AWS CLI and for boto3, written from the operation and its input.

Pages make their changes by `Call`s and show the same ones in their foot, so what is shown is what is done. A value that
a shell or the AWS CLI would take for something else goes in as JSON. Sources: the AWS CLI's guide on parameters and on
`--cli-input-json`; the names are those that botocore makes of the model's.
"""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_WORD, _END = re.compile(r"(.)([A-Z][a-z]+)"), re.compile(r"([a-z0-9])([A-Z])")
_READ_ELSEWHERE = re.compile(r"-|file://|fileb://|https?://", re.IGNORECASE)
"""Beginnings of values for which the AWS CLI looks elsewhere: options, files, addresses that it fetches."""
_CLI_ALSO = {"CreateVirtualMFADevice": ("--outfile", "mfa.png", "--bootstrap-method", "QRCodePNG")}
"""What the AWS CLI asks for besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One operation of a service with its input; under `edits` one of SESv2 that looks for others' edits first."""

    service: str
    operation: str
    request: Mapping[str, Any]


def call(service: str, operation: str, **request: Any) -> Call:
    """An operation and its input."""
    return Call(service=service, operation=operation, request=request)


@dataclass(frozen=True, slots=True)
class Sample:
    """What a page does, in words, and the calls that do it, in their order."""

    title: str
    calls: tuple[Call, ...]
    argv: tuple[str, ...] = ()
    """Of what the operator does, which AWS has no operation for: a command of `sesame`."""


def sample(title: str, *calls: Call) -> Sample:
    """What a page shows of a thing that it does."""
    return Sample(title, calls)


def operator_sample(title: str, *arguments: str, **options: str | float) -> Sample:
    """What the operator's page shows of a thing that it does: the command that does it, with its options."""
    given = (f"--{name.replace('_', '-')}={value}" for name, value in options.items())
    return Sample(title, (), ("sesame", *arguments, *given))


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """The same as text; `cli` is empty where the AWS CLI's versions read the input in different ways, `boto3` of a
    command of `sesame`."""

    title: str
    cli: str
    boto3: str


def snippet_of(one: Sample, *, api: str, region: str) -> Snippet:
    """The calls as commands, and as a program. `api` is the endpoint's URL."""
    if one.argv:
        return Snippet(title=one.title, cli=shlex.join(one.argv), boto3="")
    calls = [_public(made) for made in one.calls]
    commands = [_command(made, api=api, region=region) for made in calls]
    return Snippet(
        title=one.title,
        cli="" if "" in commands else "\n".join(commands),
        boto3=_program(calls, api=api, region=region),
    )


def snake(name: str, sep: str = "_") -> str:
    """A name of the model as boto3 has it, or with `-` as the AWS CLI has it."""
    return _END.sub(rf"\1{sep}\2", _WORD.sub(rf"\1{sep}\2", name)).lower()


def _public(made: Call) -> Call:
    if made.service != "edits":
        return made
    request = {name: value for name, value in made.request.items() if name != "BegunWith"}
    return Call(service="sesv2", operation=made.operation, request=request)


def _command(made: Call, *, api: str, region: str) -> str:
    if _has_bytes(made.request):
        return ""
    argv = ["aws", made.service, snake(made.operation, "-")]
    if any(_is_read_elsewhere(value) for value in made.request.values()):
        argv += ["--cli-input-json", json.dumps(made.request)]
    else:
        for name, value in made.request.items():
            argv += _option(name, value)
    argv += [*_CLI_ALSO.get(made.operation, ()), "--region", region, "--endpoint-url", api]
    return shlex.join(argv)


def _option(name: str, value: Any) -> list[str]:
    option = snake(name, "-")
    if isinstance(value, bool):
        return [f"--{option}" if value else f"--no-{option}"]
    return [f"--{option}", value if isinstance(value, str) else json.dumps(value)]


def _is_read_elsewhere(value: object) -> bool:
    """Whether a value of an option would not come through as it is, or not be seen by who copies it."""
    if not isinstance(value, str):
        return False
    return bool(_READ_ELSEWHERE.match(value)) or not value.replace("\n", " ").isprintable()


def _has_bytes(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_bytes, value.values()))
    return isinstance(value, bytes) or (isinstance(value, list | tuple) and any(map(_has_bytes, value)))


def _program(calls: list[Call], *, api: str, region: str) -> str:
    lines = ["import boto3", ""]
    for service in dict.fromkeys(made.service for made in calls):
        where = f"endpoint_url={_literal(api)}, region_name={_literal(region)}"
        lines.append(f"{service} = boto3.client({_literal(service)}, {where})")
    for made in calls:
        named = f"{made.service}.{snake(made.operation)}("
        given = [f"    {name}={_literal(value)}," for name, value in made.request.items()]
        lines += [named, *given, ")"] if given else [f"{named})"]
    return "\n".join(lines)


def _literal(value: Any) -> str:
    """A literal of Python in which everything can be seen."""
    if isinstance(value, str):
        return (
            json.dumps(value, ensure_ascii=False) if value.replace("\n", " ").isprintable() else repr(value)
        )
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_literal(name)}: {_literal(one)}' for name, one in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    return repr(value)
