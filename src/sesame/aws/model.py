"""The service models Sesame serves: which operations there are and how each is read and written.

Loaded once at start from the trimmed models beside this file (tools/extract_models.py writes them);
each served operation's reader, validator and writer are compiled then, so that a request walks no
model. Source: botocore's service models.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Self

from sesame.aws.constraints import compile_validator
from sesame.aws.keepable import keepable
from sesame.aws.query_input import compile_reader
from sesame.aws.query_output import compile_writer, escape
from sesame.aws.rest_input import compile_rest_reader
from sesame.aws.rest_output import compile_rest_writer
from sesame.aws.shape import Json, Shape, read_shape

_MODELS = Path(__file__).with_name("models")
_READ_VERBS = ("Describe", "Get", "List")
_NOT_READ = frozenset({"GetFederationToken", "GetSessionToken"})
"""Operations that give credentials: nobody may come by them with a link."""
REST_JSON = "rest-json"
"""The protocol's name in the models."""

_NOTHING = Shape(kind="structure")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One served operation.

    `parse` takes what the service's codec found (a form's fields; labels, query and body) and returns
    typed, validated parameters (ValidationError; MalformedInput or SerializationException); `validate` checks
    parameters that come typed;
    `serialise` takes a result and a request id and returns the reply's body.
    `errors` are the modelled error codes with their HTTP status. `is_read` says that it changes
    nothing, so that a presigned URL may call it. `keepable` gives the typed parameters as a log may keep them.
    """

    name: str
    is_read: bool
    parse: Callable[[Any], dict[str, Any]]
    validate: Callable[[Mapping[str, Any]], None]
    serialise: Callable[[Mapping[str, Any], str], bytes]
    errors: Mapping[str, int]
    keepable: Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceModel:
    """One service in one API version.

    `signing_name` is its name in a credential scope, which `ses` and `sesv2` share; `xmlns` is empty
    and `routes` (method and path template by operation, served or not) are there for JSON services.
    """

    name: str
    signing_name: str
    protocol: str
    api_version: str
    xmlns: str
    operations: Mapping[str, Operation]
    known_operations: frozenset[str]
    routes: Mapping[str, tuple[str, str]]

    @staticmethod
    @cache
    def load(name: str) -> "ServiceModel":
        """The model of `name` (`ses`, `sesv2`, `iam`, `sts`), read and compiled once in a process."""
        return ServiceModel.compile(name, json.loads((_MODELS / f"{name}.json").read_bytes()))

    @classmethod
    def compile(cls, name: str, model: Json) -> Self:
        """Compile a model as `tools.extract_models` writes it."""
        metadata = model["metadata"]
        xmlns = metadata.get("xmlNamespace", "")
        compile_ = _compile_json if metadata["protocol"] == REST_JSON else _compile_query
        return cls(
            name=name,
            signing_name=metadata.get("signingName", metadata["endpointPrefix"]),
            protocol=metadata["protocol"],
            api_version=metadata["apiVersion"],
            xmlns=xmlns,
            operations={
                operation: compile_(operation, described, model["shapes"], xmlns, name)
                for operation, described in model["operations"].items()
            },
            known_operations=frozenset(model["known_operations"]),
            routes={name: _route(text) for name, text in model.get("routes", {}).items()},
        )

    def is_known_operation(self, name: str) -> bool:
        """Whether the service has an operation `name`, served by Sesame or not."""
        return name in self.known_operations


def _compile_query(name: str, described: Json, shapes: Json, xmlns: str, service: str) -> Operation:
    shape = _input_of(described, shapes)
    validate = compile_validator(shape, service)
    return Operation(
        name=name,
        is_read=name.startswith(_READ_VERBS) and name not in _NOT_READ,
        parse=_validated(compile_reader(shape), validate),
        validate=validate,
        serialise=_compile_serialise(name, described.get("output"), shapes, xmlns),
        errors=_errors(described, shapes),
        keepable=partial(keepable, shape),
    )


def _compile_json(name: str, described: Json, shapes: Json, _xmlns: str, service: str) -> Operation:
    shape, output = _input_of(described, shapes), described.get("output")
    validate = compile_validator(shape, service)
    return Operation(
        name=name,
        is_read=name.startswith(_READ_VERBS) and name not in _NOT_READ,
        parse=_validated(compile_rest_reader(shape), validate),
        validate=validate,
        serialise=compile_rest_writer(_NOTHING if output is None else read_shape(shapes, output)),
        errors=_errors(described, shapes),
        keepable=partial(keepable, shape),
    )


def _input_of(described: Json, shapes: Json) -> Shape:
    return read_shape(shapes, described["input"]) if "input" in described else _NOTHING


def _errors(described: Json, shapes: Json) -> dict[str, int]:
    """A JSON service's codes are the names of the shapes."""
    errors = [(error["shape"], shapes[error["shape"]]["error"]) for error in described["errors"]]
    return {error.get("code", name): error["httpStatusCode"] for name, error in errors}


def _validated(
    read: Callable[[Any], dict[str, Any]], validate: Callable[[Mapping[str, Any]], None]
) -> Callable[[Any], dict[str, Any]]:
    def parse(found: Any) -> dict[str, Any]:
        parameters = read(found)
        validate(parameters)
        return parameters

    return parse


def _route(text: str) -> tuple[str, str]:
    method, _, template = text.partition(" ")
    return method, template


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
