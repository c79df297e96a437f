"""What a change made different: the state of what it names before and after, for its row in the audit log.

Both are read in the transaction of the change. Which resources a change names follows from the names of its
parameters, which are the same in all operations of a service; one that names none that is known has no difference, and
costs nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sesame.aws.arn import Arn, ArnError, identity_arn
from sesame.db import Transaction
from sesame.store import kept_state
from sesame.store.kept_state import Resource

MAX_TEXT = 4_096
"""Characters of one value that are kept; of a longer one the part that differs, or its beginning."""

MAX_TOTAL = 24_576
"""Characters of all values of one change."""

MAX_FIELDS = 100

State = Mapping[tuple[str, str], str]

_OF_ACCOUNT = frozenset({"SetQuota", "LeaveSandbox", "RefuseProductionAccess", "SetEnforcementStatus"})
_OF_REGION = frozenset(
    {
        "UpdateAccountSendingEnabled",
        "PutAccountDetails",
        "PutAccountSendingAttributes",
        "PutAccountSuppressionAttributes",
        "PutAccountDedicatedIpWarmupAttributes",
    }
)
_OF_NOTIFICATIONS = frozenset(
    {
        "SetIdentityFeedbackForwardingEnabled",
        "SetIdentityHeadersInNotificationsEnabled",
        "SetIdentityNotificationTopic",
        "PutEmailIdentityFeedbackAttributes",
    }
)


class _Asked:
    """A change by its name, with the parameters that are texts."""

    def __init__(
        self, name: str, parameters: Mapping[str, Any], account_id: str, region: str, user: str
    ) -> None:
        self.name, self.account_id, self.region, self.user = name, account_id, region, user
        self._parameters = parameters

    def get(self, *names: str) -> str:
        """The first of the parameters that is a text; empty when none is. `a.b` is the member of a structure."""
        for name in names:
            value: Any = self._parameters
            for step in name.split("."):
                value = value.get(step) if isinstance(value, Mapping) else None
            if isinstance(value, str) and value:
                return value
        return ""

    @property
    def place(self) -> tuple[str, str]:
        """Account and region, the beginning of most keys."""
        return self.account_id, self.region


def named(
    name: str, parameters: Mapping[str, Any], *, account_id: str, region: str, user: str = ""
) -> list[Resource]:
    """The resources that a change names; `user` is who asks, for what IAM does to the caller where none is named."""
    asked = _Asked(name, parameters, account_id, region, user)
    return [*_identity(asked), *_sending(asked), *_iam(asked), *_topics(asked), *_account(asked)]


def renamed(resources: Sequence[Resource], name: str, parameters: Mapping[str, Any]) -> Sequence[Resource]:
    """The same resources after a change that may give one another name."""
    if name not in ("UpdateUser", "UpdateGroup"):
        return resources
    new = parameters.get("newUserName") or parameters.get("newGroupName")
    if not new:
        return resources
    return [Resource(one.kind, (*one.key[:-1], str(new)), one.label) for one in resources]


def _identity(asked: _Asked) -> list[Resource]:
    given = asked.get("identity", "emailIdentity")
    if not given and asked.name.startswith(("Verify", "DeleteVerified")):
        given = asked.get("domain", "emailAddress")
    if not given:
        return []
    name = given.partition(":identity/")[2] or given
    if "@" not in name:
        name = name.lower().rstrip(".")
    key = (*asked.place, name)
    label = f"identity {name}"
    if delegate := asked.get("delegate"):
        return [Resource("delegate bounds", (*key, delegate), f"{delegate} as {name}")]
    if policy := asked.get("policyName"):
        return [Resource("identity policy", (*key, policy), f"policy {policy} of {name}")]
    if "PolicyTest" in asked.name:
        return [Resource("policy tests", key, label)]
    arn = given if given.startswith("arn:") else identity_arn(asked.region, asked.account_id, name)
    told = Resource("notifications", (asked.account_id, arn), label)
    if asked.name in _OF_NOTIFICATIONS:
        return [told]
    found = [Resource("identity", key, label)]
    if asked.name.startswith("Delete"):
        found += [told, Resource("identity policies", key, label), Resource("policy tests", key, label)]
    return found


def _sending(asked: _Asked) -> list[Resource]:
    """Configuration sets, templates, contact lists, suppressed addresses, pools."""
    found = []
    address = asked.get("emailAddress")
    is_set = not asked.get("emailIdentity", "identity", "templateName")
    if is_set and (name := asked.get("configurationSetName", "configurationSet.name")):
        found.append(Resource("configuration set", (*asked.place, name), f"configuration set {name}"))
    if name := asked.get("templateName", "template.templateName"):
        kind = "custom verification template" if "CustomVerification" in asked.name else "template"
        found.append(Resource(kind, (*asked.place, name), f"{kind} {name}"))
    if name := asked.get("contactListName"):
        contact = Resource("contact", (*asked.place, name, address), f"contact {address} of {name}")
        found.append(contact if address else Resource("contact list", (*asked.place, name), f"list {name}"))
    if "SuppressedDestination" in asked.name:
        label = f"suppressed address {address}"
        found.append(Resource("suppressed address", (*asked.place, address), label))
    if ip := asked.get("ip"):
        found.append(Resource("source address", (*asked.place, ip), f"source address {ip}"))
    if name := asked.get("poolName"):
        found.append(Resource("address pool", (*asked.place, name), f"pool {name}"))
    return found


def _iam(asked: _Asked) -> list[Resource]:
    """Users, groups, roles and managed policies; a user that is put into a group is the one that changes."""
    account_id = asked.account_id
    for kind in ("user", "group", "role"):
        if name := asked.get(f"{kind}Name"):
            return [Resource(kind, (account_id, name), f"{kind} {name}")]
    policy = asked.get("policyArn").rpartition("/")[2] or (
        asked.get("policyName") if asked.name == "CreatePolicy" else ""
    )
    if policy:
        return [Resource("managed policy", (account_id, policy), f"managed policy {policy}")]
    about_self = (
        asked.name.endswith(("AccessKey", "MFADevice", "ChangePassword")) or "SmtpBinding" in asked.name
    )
    if asked.user and about_self:
        return [Resource("user", (account_id, asked.user), f"user {asked.user}")]
    return []


def _topics(asked: _Asked) -> list[Resource]:
    """Topics, subscriptions, and the tags of what has an ARN; of the account's own alone."""
    found = []
    if asked.name == "CreateTopic":
        name = asked.get("name")
        return [Resource("topic", (*asked.place, name), f"topic {name}")]
    if (arn := _own(asked, "topicArn")) is not None:
        label = f"topic {arn.resource}"
        found.append(Resource("topic", (asked.account_id, arn.region, arn.resource), label))
    if subscription := asked.get("subscriptionArn"):
        found.append(Resource("subscription", (asked.account_id, subscription), "subscription"))
    if (arn := _own(asked, "resourceArn")) is not None:
        found.append(Resource("tags", (str(arn),), arn.resource))
    return found


def _own(asked: _Asked, parameter: str) -> Arn | None:
    try:
        arn = Arn.parse(asked.get(parameter))
    except ArnError:
        return None
    return arn if arn.account_id == asked.account_id else None


def _account(asked: _Asked) -> list[Resource]:
    if asked.name in _OF_ACCOUNT:
        return [Resource("account", (asked.account_id,), "account")]
    if asked.name.endswith("AccountAlias"):
        return [Resource("account alias", (asked.account_id,), "account")]
    if asked.name.endswith("AccountPasswordPolicy"):
        return [Resource("what is asked of passwords", (asked.account_id,), "passwords")]
    if asked.name in _OF_REGION:
        return [Resource("account in a region", asked.place, f"account in {asked.region}")]
    return []


async def state(tx: Transaction, resources: Sequence[Resource]) -> State:
    """What the resources are set to now."""
    return await kept_state.of(tx, resources) if resources else {}


def difference(before: State, after: State) -> list[dict[str, Any]]:
    """Every field that differs, in the order of its first state: what it is of, its name, and both values (None: none).

    `cut` stands with what was too long to be kept whole, `more` in the last one with how many were left out.
    """
    names = [*before, *(name for name in after if name not in before)]
    differing = [name for name in names if before.get(name) != after.get(name)]
    found: list[dict[str, Any]] = []
    left = MAX_TOTAL
    for of, field in differing[:MAX_FIELDS]:
        was, became = before.get((of, field)), after.get((of, field))
        old, new = _narrowed(was, became)
        left -= len(old or "") + len(new or "")
        if left < 0:
            break
        cut = {} if (old, new) == (was, became) else {"cut": True}
        found.append({"of": of, "field": field, "before": old, "after": new, **cut})
    if len(found) < len(differing):
        found.append({"more": len(differing) - len(found)})
    return found


def _narrowed(before: str | None, after: str | None) -> tuple[str | None, str | None]:
    """Two values, of long ones the lines from the first that differs on, as far as they may be kept."""
    if max(len(before or ""), len(after or "")) <= MAX_TEXT:
        return before, after
    same = 0
    if before and after:
        shorter = min(len(before), len(after))
        same = next((k for k in range(shorter) if before[k] != after[k]), shorter)
        same = before.rfind("\n", max(0, same - MAX_TEXT // 4), same) + 1 or max(0, same - MAX_TEXT // 4)
    ends = same + MAX_TEXT
    return (
        None if before is None else before[same:ends],
        None if after is None else after[same:ends],
    )
