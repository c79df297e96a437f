"""Shapes of the served operations.

Extracted by tools/extract_models.py from the service model of botocore 1.44.5, Copyright
Amazon.com, Inc. or its affiliates, licensed under the Apache License 2.0. Do not edit.
"""

from typing import NotRequired, TypedDict


class GetCallerIdentityRequest(TypedDict):
    """GetCallerIdentityRequest has no members."""


class GetCallerIdentityResponse(TypedDict):
    UserId: NotRequired[str]
    Account: NotRequired[str]
    Arn: NotRequired[str]
