"""boto3 with the model of Sesame's own API, as it finds it by AWS_DATA_PATH."""

import functools
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.loaders import Loader

from sesame.cli.env import DEFINITIONS


@functools.cache
def own_session() -> Any:
    """A session that knows the service `sesame` beside those of AWS."""
    session = botocore.session.Session()
    session.register_component("data_loader", Loader(extra_search_paths=[str(DEFINITIONS)]))
    return boto3.Session(botocore_session=session)


def refused(call: Any, **parameters: Any) -> str:
    """The code with which a call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])
