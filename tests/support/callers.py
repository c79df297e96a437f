"""Callers for tables of sends: the root of an account, or a user with grants, as the server and the oracle see them."""

from collections.abc import Sequence

from tests.support.oracle import Caller, Grant
from tests.support.process import Account, SesameProcess


def make_caller(
    sesame: SesameProcess, account: Account, kind: str, grants: Sequence[Grant] | None
) -> tuple[Account, Caller]:
    """The keys and the description of one caller; without `grants` the root, else a new user called `kind`.

    A grant's `accounts` are given as any tuple that is not empty, and mean the caller's own.
    """
    if grants is None:
        arn = f"arn:aws:iam::{account.account_id}:root"
        return account, Caller(account=account.account_id, arn=arn, is_root=True)
    own = (account.account_id,)
    grants = [Grant(effect=grant.effect, accounts=grant.accounts and own) for grant in grants]
    iam = sesame.client("iam", account)
    arn = iam.create_user(UserName=kind)["User"]["Arn"]
    for number, grant in enumerate(grants):
        resource = "*" if grant.accounts is None else f"arn:aws:ses:*:{account.account_id}:identity/*"
        document = (
            f'{{"Version": "2012-10-17", "Statement": {{"Effect": "{grant.effect}",'
            f' "Action": "ses:Send*", "Resource": "{resource}"}}}}'
        )
        iam.put_user_policy(UserName=kind, PolicyName=f"p{number}", PolicyDocument=document)
    key = iam.create_access_key(UserName=kind)["AccessKey"]
    keys = Account(account.account_id, key["AccessKeyId"], key["SecretAccessKey"])
    return keys, Caller(account=account.account_id, arn=arn, is_root=False, grants=tuple(grants))
