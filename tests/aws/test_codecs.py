"""The codecs are general: every operation of SES and SNS, served or not, and what they lack.

Shapes come from the installed botocore, so that serving one more operation needs no new codec.
"""

from typing import Any

import pytest
from botocore import parsers, serialize
from botocore.model import ServiceModel as BotocoreModel
from hypothesis import HealthCheck, Phase, given, settings

from sesame.aws.constraints import compile_validator
from sesame.aws.query_input import compile_reader
from sesame.aws.query_output import compile_writer
from sesame.aws.shape import Shape, read_shape
from tests.aws.botocore_side import botocore_model, values
from tests.support.botocore_terms import from_botocore

EXAMPLES = {"synthetic": 300, "ses": 5, "sns": 5}
QUICK = settings(deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])

# What no operation of theirs has: every scalar, flattened and nested lists and maps, names.
SYNTHETIC: dict[str, Any] = {
    "metadata": {"protocol": "query", "apiVersion": "1", "endpointPrefix": "x", "xmlNamespace": "urn:x"},
    "operations": {"All": {"name": "All", "http": {}, "input": {"shape": "All"}, "output": {"shape": "All"}}},
    "shapes": {
        "String": {"type": "string"},
        "All": {
            "type": "structure",
            "required": ["Flag"],
            "members": {
                "Flag": {"shape": "Boolean"},
                "Whole": {"shape": "Integer"},
                "Big": {"shape": "Long"},
                "Real": {"shape": "Double"},
                "At": {"shape": "Timestamp"},
                "Bytes": {"shape": "Blob"},
                "Renamed": {"shape": "String", "locationName": "other"},
                "Plain": {"shape": "Strings"},
                "Named": {"shape": "NamedStrings"},
                "Flat": {"shape": "FlatStrings"},
                "FlatNamed": {"shape": "FlatNamedStrings"},
                "Lists": {"shape": "ListOfLists"},
                "Map": {"shape": "Map"},
                "FlatMap": {"shape": "FlatMap"},
                "Deep": {"shape": "MapOfLists"},
            },
        },
        "Boolean": {"type": "boolean"},
        "Integer": {"type": "integer"},
        "Long": {"type": "long"},
        "Double": {"type": "double"},
        "Timestamp": {"type": "timestamp"},
        "Blob": {"type": "blob"},
        "Strings": {"type": "list", "member": {"shape": "String"}},
        "NamedStrings": {"type": "list", "member": {"shape": "String", "locationName": "item"}},
        "FlatStrings": {"type": "list", "flattened": True, "member": {"shape": "String"}, "min": 1},
        "FlatNamedStrings": {
            "type": "list",
            "flattened": True,
            "member": {"shape": "String", "locationName": "Item"},
            "min": 1,
        },
        "ListOfLists": {"type": "list", "member": {"shape": "Strings"}},
        "Map": {"type": "map", "key": {"shape": "String"}, "value": {"shape": "String"}, "min": 1},
        "FlatMap": {
            "type": "map",
            "flattened": True,
            "key": {"shape": "String", "locationName": "Name"},
            "value": {"shape": "String", "locationName": "Worth"},
            "min": 1,
        },
        "MapOfLists": {"type": "map", "key": {"shape": "String"}, "value": {"shape": "Strings"}, "min": 1},
    },
}


def model_of(service: str) -> Any:
    return BotocoreModel(SYNTHETIC, "synthetic") if service == "synthetic" else botocore_model(service)


def shape_of(service: str, model: Any, botocore_shape: Any) -> Shape:
    description = SYNTHETIC if service == "synthetic" else model._service_description
    return read_shape(description["shapes"], {"shape": botocore_shape.name})


@pytest.mark.parametrize("service", EXAMPLES)
def test_every_input_is_read_as_botocore_writes_it(service: str) -> None:
    model = model_of(service)
    for name in model.operation_names:
        operation = model.operation_model(name)
        if operation.input_shape is not None:
            check_input(shape_of(service, model, operation.input_shape), operation, EXAMPLES[service])


def holds_an_empty_map(value: Any, *, nested: bool = False) -> bool:
    """botocore writes nothing for an empty map; empty structures there are none below the top."""
    if isinstance(value, dict):
        return (nested and not value) or any(holds_an_empty_map(item, nested=True) for item in value.values())
    return isinstance(value, list) and any(holds_an_empty_map(item, nested=True) for item in value)


def check_input(shape: Shape, operation: Any, examples: int) -> None:
    read, validate = compile_reader(shape), compile_validator(shape)

    @settings(QUICK, max_examples=examples)
    @given(values(operation.input_shape).filter(lambda parameters: not holds_an_empty_map(parameters)))
    def check(parameters: dict[str, Any]) -> None:
        body = serialize.create_serializer("query").serialize_to_request(parameters, operation)["body"]
        fields = {key: str(value) for key, value in body.items() if key not in ("Action", "Version")}
        found = read(fields)
        assert found == parameters
        validate(found)

    check()


@pytest.mark.parametrize("service", EXAMPLES)
def test_every_output_is_written_as_botocore_reads_it(service: str) -> None:
    model = model_of(service)
    for name in model.operation_names:
        operation = model.operation_model(name)
        if operation.output_shape is not None:
            check_output(shape_of(service, model, operation.output_shape), operation, EXAMPLES[service])


def check_output(shape: Shape, operation: Any, examples: int) -> None:
    write = compile_writer(shape)
    wrapper = operation.output_shape.serialization.get("resultWrapper", "Result")

    @settings(QUICK, max_examples=examples)
    @given(values(operation.output_shape))
    def check(result: dict[str, Any]) -> None:
        inside = f"<{wrapper}>{write(result)}</{wrapper}>"
        root = (
            f"<Reply>{inside}</Reply>" if "resultWrapper" in operation.output_shape.serialization else inside
        )
        response = {"headers": {}, "body": root.encode(), "status_code": 200}
        reply = parsers.create_parser("query").parse(response, operation.output_shape)
        assert from_botocore(reply) == result

    check()
