"""What users cannot have here: certificates, SSH keys, credentials of other services.

The truthful answer is "none". Clients ask before they delete a user (Terraform with `force_destroy`).
Source: IAM API reference.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sesame.access.permission import Authorizer
from sesame.db import Store
from sesame.model import Caller
from sesame.operations.iam.checks import authorized_user, page_of, user_asked_for
from sesame.operations.table import Handlers

_LISTS = {
    "ListSSHPublicKeys": "SSHPublicKeys",
    "ListServiceSpecificCredentials": "ServiceSpecificCredentials",
    "ListSigningCertificates": "Certificates",
}
"""Operations about one user, and the list in their answer."""


class UnsupportedCredentialOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {operation: self._list(operation, name) for operation, name in _LISTS.items()}

    def _list(self, operation: str, name: str) -> Callable[[Caller, Any], Awaitable[Mapping[str, Any]]]:
        async def none_of_them(caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
            if request.get("AllUsers"):
                await self._authorizer.require(caller, f"iam:{operation}")
            else:
                await self._user(caller, operation, request.get("UserName"))
            page_of(request.get("MaxItems"), request.get("Marker"))
            return {name: [], "IsTruncated": False}

        return none_of_them

    async def _user(self, caller: Caller, action: str, name: str | None) -> str:
        user = await authorized_user(
            self._store, self._authorizer, caller, action=action, name=user_asked_for(caller, name)
        )
        return user.user_name
