"""The other end of the wire: botocore's own models, serialiser, parser and clients."""

import functools
from collections.abc import Mapping
from typing import Any

import boto3
from botocore import parsers, serialize
from botocore.awsrequest import AWSResponse, create_request_object, prepare_request_dict
from botocore.config import Config
from botocore.loaders import Loader
from botocore.model import ServiceModel as BotocoreModel
from hypothesis import strategies as st

from sesame.aws.constraints import compile_pattern
from sesame.aws.model import ServiceModel
from sesame.aws.request import HttpRequest
from tests.aws import signing

SERVICES = ("ses", "iam", "sts")
MODELS = {name: ServiceModel.load(name) for name in SERVICES}
OPERATIONS = [(service, name) for service in SERVICES for name in MODELS[service].operations]

# Printable in XML 1.0, and no NUL: what a text may hold on its way to us and back.
TEXT = st.characters(
    exclude_categories=("Cs", "Cc"), include_characters="\t\n\r", exclude_characters="\ufffe\uffff"
)
CONTROLS = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0))))


@functools.cache
def botocore_model(service: str) -> Any:
    """botocore's model of `service`, as installed."""
    return BotocoreModel(Loader().load_service_model(service, "service-2"), service)


def request_for(service: str, operation: str, parameters: dict[str, Any]) -> HttpRequest:
    """The HTTP request that botocore makes of `parameters`, unsigned."""
    model = botocore_model(service)
    described = serialize.create_serializer(model.metadata["protocol"]).serialize_to_request(
        parameters, model.operation_model(operation)
    )
    prepare_request_dict(described, endpoint_url="http://127.0.0.1:4579", user_agent="test")
    return signing.raw(create_request_object(described).prepare())


def read_reply(
    service: str,
    operation: str | None,
    body: bytes,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """What botocore reads out of a reply."""
    model = botocore_model(service)
    shape = model.operation_model(operation).output_shape if operation else None
    parser = parsers.create_parser(model.metadata["protocol"])
    return parser.parse({"headers": headers or {}, "body": body, "status_code": status}, shape)


class Body:
    """The part of an HTTP response that botocore streams."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self) -> Any:
        yield self._data


def client_answered_by(service: str, answer: Any) -> Any:
    """A real boto3 client whose requests go to `answer(HttpRequest) -> (status, body)`."""
    client = boto3.client(
        service,
        endpoint_url="http://127.0.0.1:4579",
        region_name=signing.REGION,
        aws_access_key_id=signing.ACCESS_KEY_ID,
        aws_secret_access_key=signing.SECRET,
        config=Config(retries={"max_attempts": 0}),
    )

    def before_send(request: Any, **_: Any) -> AWSResponse:
        status, body = answer(signing.raw(request))
        return AWSResponse(request.url, status, {"content-type": "text/xml"}, Body(body))

    client.meta.events.register("before-send", before_send)
    return client


def values(shape: Any, *, depth: int = 0) -> st.SearchStrategy[Any]:
    """Valid values of a botocore shape. Empty structures are left out: Query cannot write them."""
    match shape.type_name:
        case "structure":
            return structures(shape, depth)
        case "list":
            most = min(shape.metadata.get("max", 4), 4)
            return st.lists(
                values(shape.member, depth=depth + 1), min_size=shape.metadata.get("min", 0), max_size=most
            )
        case "map":
            keys, items = values(shape.key, depth=depth + 1), values(shape.value, depth=depth + 1)
            return st.dictionaries(
                keys,
                items,
                min_size=shape.metadata.get("min", 0),
                max_size=min(shape.metadata.get("max", 3), 3),
            )
        case "string":
            return strings(shape)
        case "blob":
            return st.binary(max_size=200)
        case "boolean":
            return st.booleans()
        case "integer" | "long":
            low, high = shape.metadata.get("min", -(2**31)), shape.metadata.get("max", 2**31 - 1)
            return st.integers(low, high)
        case "double" | "float":
            return st.floats(allow_nan=False, allow_infinity=False, width=64)
        case "timestamp":
            return st.integers(0, 4_000_000_000_000).map(lambda milliseconds: milliseconds / 1000)
    raise AssertionError(shape.type_name)


def structures(shape: Any, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    members = {name: values(member, depth=depth + 1) for name, member in shape.members.items()}
    if shape.is_tagged_union:
        return st.one_of([st.fixed_dictionaries({name: member}) for name, member in members.items()])
    required = {name: members[name] for name in shape.required_members}
    optional = {name: strategy for name, strategy in members.items() if name not in required}
    found = st.fixed_dictionaries(required, optional=optional)
    # Below the top, botocore writes nothing for a structure without members.
    return found.filter(bool) if depth and members else found


def strings(shape: Any) -> st.SearchStrategy[str]:
    if shape.enum:
        return st.sampled_from(shape.enum)
    low, high = (
        shape.metadata.get("min", 0),
        min(shape.metadata.get("max", 60), 60 + shape.metadata.get("min", 0)),
    )
    if pattern := shape.metadata.get("pattern"):
        alphabet = st.characters(max_codepoint=0xFF, exclude_characters=CONTROLS)
        matching = st.from_regex(compile_pattern(pattern), fullmatch=True, alphabet=alphabet)
        return matching.filter(lambda text: low <= len(text) <= shape.metadata.get("max", len(text)))
    return st.text(TEXT, min_size=low, max_size=high)
