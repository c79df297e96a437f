"""The committed models are botocore's, and load quickly."""

import importlib
import json
import re
from typing import get_type_hints, is_typeddict

import pytest

from sesame.aws.constraints import compile_pattern
from sesame.aws.model import ServiceModel
from sesame.aws.shapes.ses import RawMessage, SendRawEmailRequest
from tests.aws.botocore_side import botocore_model
from tools import extract_models


@pytest.mark.parametrize("service", extract_models.SERVED)
def test_the_committed_files_are_those_of_the_installed_botocore(service: str) -> None:
    """When this fails after an update: python -m tools.extract_models, and read the difference."""
    for path, text in extract_models.files(service).items():
        assert path.read_text() == text, path


@pytest.mark.parametrize("service", extract_models.SERVED)
def test_every_operation_of_the_service_is_known_and_ours_are_served(service: str) -> None:
    model = ServiceModel.load(service)
    assert model.known_operations == set(botocore_model(service).operation_names)
    assert set(model.operations) == set(extract_models.SERVED[service]) <= model.known_operations


@pytest.mark.parametrize(
    ("service", "signing_name", "version"),
    [
        ("ses", "ses", "2010-12-01"),
        ("sesv2", "ses", "2019-09-27"),
        ("iam", "iam", "2010-05-08"),
        ("sts", "sts", "2011-06-15"),
    ],
)
def test_a_model_knows_its_scope_and_version(service: str, signing_name: str, version: str) -> None:
    model = ServiceModel.load(service)
    assert (model.signing_name, model.api_version) == (signing_name, version)
    assert model.xmlns == botocore_model(service).metadata.get("xmlNamespace", "")


@pytest.mark.parametrize("service", extract_models.SERVED)
def test_the_models_carry_no_documentation_and_say_where_they_are_from(service: str) -> None:
    text = (extract_models.AWS_ROOM / "models" / f"{service}.json").read_text()
    assert "documentation" not in text
    assert "Apache License 2.0" in json.loads(text)["notice"]


@pytest.mark.parametrize("service", ["ses", "sesv2", "sns", "iam", "sts"])
def test_every_pattern_of_the_models_can_be_said_in_python(service: str) -> None:
    shapes = botocore_model(service)._service_description["shapes"]
    patterns = {shape["pattern"] for shape in shapes.values() if "pattern" in shape}
    for pattern in patterns:
        assert r"\p" not in compile_pattern(pattern).pattern


def test_a_pattern_we_cannot_say_is_an_error() -> None:
    with pytest.raises(re.error):
        compile_pattern(r"[\p{Lu}]+")


def test_shapes_are_generated_for_every_request_and_response() -> None:
    for service, operations in extract_models.SERVED.items():
        shapes = importlib.import_module(f"sesame.aws.shapes.{service}")
        for operation in operations:
            request, response = (
                getattr(shapes, f"{operation}Request"),
                getattr(shapes, f"{operation}Response"),
            )
            assert is_typeddict(request) and is_typeddict(response)


def test_a_shape_says_which_members_must_be_there() -> None:
    assert SendRawEmailRequest.__required_keys__ == {"RawMessage"}
    assert get_type_hints(SendRawEmailRequest)["Destinations"] == list[str]
    assert get_type_hints(RawMessage) == {"Data": bytes}


def test_member_names_that_python_keeps_for_itself_are_written_all_the_same() -> None:
    members = {"from": {"shape": "S"}, "at": {"shape": "T"}}
    model = {
        "notice": "n",
        "operations": {"Do": {"input": {"shape": "In"}}},
        "shapes": {
            "In": {"type": "structure", "required": ["from"], "members": members},
            "S": {"type": "string"},
            "T": {"type": "timestamp"},
        },
    }
    text = extract_models.render_shapes(model)
    namespace: dict[str, object] = {}
    exec(compile(text, "shapes", "exec"), namespace)
    assert namespace["DoRequest"] is namespace["In"]
    assert 'TypedDict("In", {"from": "str", "at": "NotRequired[float]"})' in text
