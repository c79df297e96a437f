"""Callers for tables of sends: the root of an account, or a user with grants, as the server and the oracle see them."""

from collections.abc import Sequence

from tests.support.documents import document
from tests.support.oracle import Caller, Grant
from tests.support.process import Account, SesameProcess


def make_caller(
    sesame: SesameProcess,
    account: Account,
    kind: str,
    grants: Sequence[Grant] | None,
    boundary: Sequence[Grant] | None = None,
) -> tuple[Account, Caller]:
    """The keys and the description of one caller; without `grants` the root, else a new user called `kind`.

    With `boundary` the user has a permissions boundary of these statements. A grant's `accounts` are given as any
    tuple that is not empty, and mean the caller's own.
    """
    if grants is None:
        arn = f"arn:aws:iam::{account.account_id}:root"
        return account, Caller(account=account.account_id, arn=arn, is_root=True)
    own = (account.account_id,)

    def of_own(given: Sequence[Grant]) -> list[Grant]:
        return [Grant(effect=grant.effect, accounts=grant.accounts and own) for grant in given]

    grants = of_own(grants)
    iam = sesame.client("iam", account)
    arn = iam.create_user(UserName=kind)["User"]["Arn"]
    for number, grant in enumerate(grants):
        text = document(_statement(account, grant))
        iam.put_user_policy(UserName=kind, PolicyName=f"p{number}", PolicyDocument=text)
    if boundary is not None:
        text = document(*(_statement(account, grant) for grant in of_own(boundary)))
        made = iam.create_policy(PolicyName=f"{kind}-at-most", PolicyDocument=text)["Policy"]["Arn"]
        iam.put_user_permissions_boundary(UserName=kind, PermissionsBoundary=made)
    key = iam.create_access_key(UserName=kind)["AccessKey"]
    keys = Account(account.account_id, key["AccessKeyId"], key["SecretAccessKey"])
    return keys, Caller(
        account=account.account_id,
        arn=arn,
        is_root=False,
        grants=tuple(grants),
        boundary=None if boundary is None else tuple(of_own(boundary)),
    )


def open_federated(
    sesame: SesameProcess,
    opener: tuple[Account, Caller],
    name: str,
    session: Sequence[Grant] | None,
) -> tuple[Account, Caller]:
    """A federated user that a caller of `make_caller` opens under these statements; None for no session policy.

    The opener's policies must leave it that call; a grant's `accounts` are read as there.
    """
    keys, by = opener
    own = (keys.account_id,)
    grants = tuple(Grant(effect=grant.effect, accounts=grant.accounts and own) for grant in session or ())
    more = {} if session is None else {"Policy": document(*(_statement(keys, grant) for grant in grants))}
    made = sesame.client("sts", keys).get_federation_token(Name=name, DurationSeconds=3600, **more)
    given = made["Credentials"]
    opened = Account(keys.account_id, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    return opened, Caller(
        account=by.account,
        arn=made["FederatedUser"]["Arn"],
        is_root=by.is_root,
        grants=by.grants,
        boundary=by.boundary,
        session=grants,
        issuer=None if by.is_root else by.arn,
    )


def _statement(account: Account, grant: Grant) -> dict[str, str]:
    resource = "*" if grant.accounts is None else f"arn:aws:ses:*:{account.account_id}:identity/*"
    return {"Effect": grant.effect, "Action": "ses:Send*", "Resource": resource}
