"""Shapes of the served operations.

Extracted by tools/extract_models.py from the service model of botocore 1.44.5, Copyright
Amazon.com, Inc. or its affiliates, licensed under the Apache License 2.0. Do not edit.
"""

from typing import Literal, NotRequired, TypedDict


class CreateAccessKeyRequest(TypedDict):
    UserName: NotRequired[str]


class AccessKey(TypedDict):
    UserName: str
    AccessKeyId: str
    Status: Literal["Active", "Inactive", "Expired"]
    SecretAccessKey: str
    CreateDate: NotRequired[float]


class CreateAccessKeyResponse(TypedDict):
    AccessKey: AccessKey


class Tag(TypedDict):
    Key: str
    Value: str


class CreateUserRequest(TypedDict):
    Path: NotRequired[str]
    UserName: str
    PermissionsBoundary: NotRequired[str]
    Tags: NotRequired[list[Tag]]


class AttachedPermissionsBoundary(TypedDict):
    PermissionsBoundaryType: NotRequired[Literal["PermissionsBoundaryPolicy"]]
    PermissionsBoundaryArn: NotRequired[str]


class User(TypedDict):
    Path: str
    UserName: str
    UserId: str
    Arn: str
    CreateDate: float
    PasswordLastUsed: NotRequired[float]
    PermissionsBoundary: NotRequired[AttachedPermissionsBoundary]
    Tags: NotRequired[list[Tag]]


class CreateUserResponse(TypedDict):
    User: NotRequired[User]


class DeleteAccessKeyRequest(TypedDict):
    UserName: NotRequired[str]
    AccessKeyId: str


class DeleteAccessKeyResponse(TypedDict):
    """DeleteAccessKey has no output."""


class DeleteUserRequest(TypedDict):
    UserName: str


class DeleteUserResponse(TypedDict):
    """DeleteUser has no output."""


class DeleteUserPolicyRequest(TypedDict):
    UserName: str
    PolicyName: str


class DeleteUserPolicyResponse(TypedDict):
    """DeleteUserPolicy has no output."""


class GetUserRequest(TypedDict):
    UserName: NotRequired[str]


class GetUserResponse(TypedDict):
    User: User


class GetUserPolicyRequest(TypedDict):
    UserName: str
    PolicyName: str


class GetUserPolicyResponse(TypedDict):
    UserName: str
    PolicyName: str
    PolicyDocument: str


class ListAccessKeysRequest(TypedDict):
    UserName: NotRequired[str]
    Marker: NotRequired[str]
    MaxItems: NotRequired[int]


class AccessKeyMetadata(TypedDict):
    UserName: NotRequired[str]
    AccessKeyId: NotRequired[str]
    Status: NotRequired[Literal["Active", "Inactive", "Expired"]]
    CreateDate: NotRequired[float]


class ListAccessKeysResponse(TypedDict):
    AccessKeyMetadata: list[AccessKeyMetadata]
    IsTruncated: NotRequired[bool]
    Marker: NotRequired[str]


class ListUserPoliciesRequest(TypedDict):
    UserName: str
    Marker: NotRequired[str]
    MaxItems: NotRequired[int]


class ListUserPoliciesResponse(TypedDict):
    PolicyNames: list[str]
    IsTruncated: NotRequired[bool]
    Marker: NotRequired[str]


class ListUsersRequest(TypedDict):
    PathPrefix: NotRequired[str]
    Marker: NotRequired[str]
    MaxItems: NotRequired[int]


class ListUsersResponse(TypedDict):
    Users: list[User]
    IsTruncated: NotRequired[bool]
    Marker: NotRequired[str]


class PutUserPolicyRequest(TypedDict):
    UserName: str
    PolicyName: str
    PolicyDocument: str


class PutUserPolicyResponse(TypedDict):
    """PutUserPolicy has no output."""


class UpdateAccessKeyRequest(TypedDict):
    UserName: NotRequired[str]
    AccessKeyId: str
    Status: Literal["Active", "Inactive", "Expired"]


class UpdateAccessKeyResponse(TypedDict):
    """UpdateAccessKey has no output."""
