"""The service models Sesame serves: which operations there are and how each is read and written.

Loaded once at start from the trimmed models beside this file (tools/extract_models.py writes them);
each served operation's reader, validator and writer are compiled then, so that a request walks no
model. Source: botocore's service models.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sesame.aws.constraints import compile_validator
from sesame.aws.query_input import compile_reader
from sesame.aws.query_output import compile_writer, escape
from sesame.aws.shape import Json, Shape, read_shape

_MODELS = Path(__file__).with_name("models")
_READ_VERBS = ("Describe", "Get", "List")
_NOTHING = Shape(kind="structure")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One served operation.

    `parse` takes a form's fields and returns typed, validated parameters (ValidationError,
    MalformedInput); `serialise` takes a result and a request id and returns the reply's body.
    `errors` are the modelled error codes with their HTTP status. `is_read` says that it changes
    nothing, so that a presigned URL may call it.
    """

    name: str
    is_read: bool
    parse: Callable[[Mapping[str, str]], dict[str, Any]]
    serialise: Callable[[Mapping[str, Any], str], bytes]
    errors: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceModel:
    """One service in one API version. `signing_name` is its name in a credential scope."""

    name: str
    signing_name: str
    api_version: str
    xmlns: str
    operations: Mapping[str, Operation]
    known_operations: frozenset[str]

    @classmethod
    def load(cls, name: str) -> Self:
        """Read and compile the model of `name` (`ses`, `iam`, `sts`)."""
        model: Json = json.loads((_MODELS / f"{name}.json").read_bytes())
        metadata = model["metadata"]
        xmlns = metadata["xmlNamespace"]
        return cls(
            name=name,
            signing_name=metadata.get("signingName", metadata["endpointPrefix"]),
            api_version=metadata["apiVersion"],
            xmlns=xmlns,
            operations={
                operation: _compile(operation, described, model["shapes"], xmlns)
                for operation, described in model["operations"].items()
            },
            known_operations=frozenset(model["known_operations"]),
        )

    def is_known_operation(self, name: str) -> bool:
        """Whether the service has an operation `name`, served by Sesame or not."""
        return name in self.known_operations


def _compile(name: str, described: Json, shapes: Json, xmlns: str) -> Operation:
    errors = [shapes[error["shape"]]["error"] for error in described["errors"]]
    return Operation(
        name=name,
        is_read=name.startswith(_READ_VERBS),
        parse=_compile_parse(read_shape(shapes, described["input"]) if "input" in described else _NOTHING),
        serialise=_compile_serialise(name, described.get("output"), shapes, xmlns),
        errors={error["code"]: error["httpStatusCode"] for error in errors},
    )


def _compile_parse(shape: Shape) -> Callable[[Mapping[str, str]], dict[str, Any]]:
    read, validate = compile_reader(shape), compile_validator(shape)

    def parse(fields: Mapping[str, str]) -> dict[str, Any]:
        parameters = read(fields)
        validate(parameters)
        return parameters

    return parse


def _compile_serialise(
    name: str, output: Json | None, shapes: Json, xmlns: str
) -> Callable[[Mapping[str, Any], str], bytes]:
    write = compile_writer(_NOTHING if output is None else read_shape(shapes, output))
    wrapper = output["resultWrapper"] if output else None
    start = f'<{name}Response xmlns="{xmlns}">' + (f"<{wrapper}>" if wrapper else "")
    middle = (f"</{wrapper}>" if wrapper else "") + "<ResponseMetadata><RequestId>"
    end = f"</RequestId></ResponseMetadata></{name}Response>"

    def serialise(result: Mapping[str, Any], request_id: str) -> bytes:
        return f"{start}{write(result)}{middle}{escape(request_id)}{end}".encode()

    return serialise
