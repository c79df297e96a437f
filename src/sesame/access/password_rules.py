"""What a new password must be: the account's own policy, and without one the server's rule. And how long it lasts.

Source: IAM user guide, "Set an account password policy for IAM users"; the default is the guide's "default policy".
"""

from dataclasses import dataclass

from sesame.access.passwords import Passwords
from sesame.aws.errors import PasswordPolicyViolation
from sesame.db import Store, Transaction
from sesame.store.iam import login_profiles, password_policies
from sesame.store.iam.login_profiles import LoginProfile
from sesame.store.iam.password_policies import PasswordPolicy

LEAST_LENGTH, LEAST_KINDS = 8, 3
"""The rule of the server, for accounts without a policy of their own."""
LONGEST = 128
DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPassword:
    """A password that was let through: its hash, and how many of those before are to be kept."""

    hashed: str
    remembered: int


class PasswordRules:
    """Holds new passwords to what their account asks."""

    def __init__(self, store: Store, passwords: Passwords) -> None:
        self._store = store
        self._passwords = passwords

    async def new(self, account_id: str, user_id: str, password: str) -> NewPassword:
        """Hash a user's new password. Raises `PasswordPolicyViolation`."""

        async def run(tx: Transaction) -> tuple[PasswordPolicy | None, list[str]]:
            policy = await password_policies.get(tx, account_id)
            if policy is None or not policy.remembered:
                return policy, []
            return policy, await login_profiles.former(tx, user_id, limit=policy.remembered)

        policy, former = await self._store.read(run)
        check_strength(password, policy)
        for hashed in former:
            if await self._passwords.is_right(password, hashed):
                raise PasswordPolicyViolation("Password was used before, and may not be used again.")
        remembered = 0 if policy is None else policy.remembered
        return NewPassword(hashed=await self._passwords.hash(password), remembered=remembered)


def check_strength(password: str, policy: PasswordPolicy | None) -> None:
    """Hold a password to an account's policy, or to the server's rule. Raises `PasswordPolicyViolation`."""
    kinds = {
        "uppercase letter": any(letter.isupper() for letter in password),
        "lowercase letter": any(letter.islower() for letter in password),
        "number": any(letter.isdigit() for letter in password),
        "symbol": any(not letter.isalnum() for letter in password),
    }
    if len(password) > LONGEST:
        raise PasswordPolicyViolation(f"Password should have at most {LONGEST} characters.")
    if policy is None:
        if len(password) < LEAST_LENGTH or sum(kinds.values()) < LEAST_KINDS:
            raise PasswordPolicyViolation(
                f"Password must have at least {LEAST_LENGTH} characters, and of lowercase letters, uppercase letters,"
                f" numbers and symbols at least {LEAST_KINDS} kinds."
            )
        return
    if len(password) < policy.least_length:
        raise PasswordPolicyViolation(
            f"Password should have a minimum length of {policy.least_length} characters."
        )
    asked = dict(
        zip(kinds, (policy.uppercase, policy.lowercase, policy.numbers, policy.symbols), strict=True)
    )
    for kind, is_asked in asked.items():
        if is_asked and not kinds[kind]:
            raise PasswordPolicyViolation(f"Password should have at least one {kind}.")


def in_words(policy: PasswordPolicy | None) -> str:
    """What a password must be, for who is to think of one."""
    if policy is None:
        return (
            f"At least {LEAST_LENGTH} characters, of at least {LEAST_KINDS} of these kinds: lowercase letters,"
            " uppercase letters, numbers, symbols."
        )
    kinds = (
        ("an uppercase letter", policy.uppercase),
        ("a lowercase letter", policy.lowercase),
        ("a number", policy.numbers),
        ("a symbol", policy.symbols),
    )
    asked = [kind for kind, is_asked in kinds if is_asked]
    listed = " and ".join([", ".join(asked[:-1]), asked[-1]] if len(asked) > 1 else asked)
    sentences = [f"At least {policy.least_length} characters{f', with {listed}' if asked else ''}."]
    if policy.remembered:
        sentences.append(
            "Not the last one." if policy.remembered == 1 else f"None of the last {policy.remembered}."
        )
    if policy.max_age_days:
        sentences.append(f"It lasts for {policy.max_age_days} day{'' if policy.max_age_days == 1 else 's'}.")
    return " ".join(sentences)


def least_length(policy: PasswordPolicy | None) -> int:
    """The fewest characters of a password."""
    return LEAST_LENGTH if policy is None else policy.least_length


def is_expired(profile: LoginProfile, policy: PasswordPolicy | None, *, now: float) -> bool:
    """Whether a password is older than its account lets passwords be."""
    if policy is None or not policy.max_age_days:
        return False
    return now - profile.set_at > policy.max_age_days * DAY_S
