"""Counts of an account's mail in SES v2: BatchGetMetricData.

By days of UTC, of recipients, from the counts that statistics and the console have too. At AWS it takes the paid
"Virtual Deliverability Manager", here nothing. What is not counted (single readers, deliveries by how they can be
followed, mailbox providers) is refused by name. Source: SES API v2 reference.
"""

from collections.abc import Mapping, Sequence

from sesame.access.identity_names import IdentityArn, normal_name, parse_identity_arn
from sesame.access.permission import Authorizer
from sesame.aws.shapes import sesv2
from sesame.db import Store
from sesame.errors import AccessDenied, InvalidParameterValue, NotImplementedByService
from sesame.model import Caller
from sesame.operations.table import Handlers
from sesame.store import tallies
from sesame.store.tallies import Counts

ACTION = "ses:BatchGetMetricData"
METRICS: Mapping[str, str] = {
    "SEND": "sends",
    "DELIVERY": "deliveries",
    "PERMANENT_BOUNCE": "permanent_bounces",
    "TRANSIENT_BOUNCE": "transient_bounces",
    "COMPLAINT": "complaints",
}
"""What is counted, by the name of its metric."""
DIMENSIONS = ("EMAIL_IDENTITY", "CONFIGURATION_SET")


class MetricOperations:
    """The operation; each query of it needs the caller's IAM policies, for its identity if it names one."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {"BatchGetMetricData": self.batch_get_metric_data}

    async def batch_get_metric_data(
        self, caller: Caller, request: sesv2.BatchGetMetricDataRequest
    ) -> sesv2.BatchGetMetricDataResponse:
        """For each query the days on which anything was counted, with what its metric was.

        A query that the caller may not ask is among the errors; `AccessDenied` if that is all of them.
        """
        queries = request["Queries"]
        denied = await self._denied(caller, queries)
        if len(denied) == len(queries):
            raise next(iter(denied.values()))
        for query in queries:
            _check(query)
        found = [await self._result(caller, query) for query in queries if query["Id"] not in denied]
        return {
            "Results": found,
            "Errors": [
                {"Id": name, "Code": "ACCESS_DENIED", "Message": str(error)} for name, error in denied.items()
            ],
        }

    async def _denied(
        self, caller: Caller, queries: Sequence[sesv2.BatchGetMetricDataQuery]
    ) -> dict[str, AccessDenied]:
        if len({query["Id"] for query in queries}) < len(queries):
            raise InvalidParameterValue("Duplicate query Ids are not allowed.")
        denied = {}
        for query in queries:
            identity = _identity(caller, query)
            try:
                await self._authorizer.require(caller, ACTION, "*" if identity is None else str(identity))
            except AccessDenied as error:
                denied[query["Id"]] = error
        return denied

    async def _result(self, caller: Caller, query: sesv2.BatchGetMetricDataQuery) -> sesv2.MetricDataResult:
        identity = _identity(caller, query)
        days = await self._store.read(
            lambda tx: tallies.daily(
                tx,
                caller.principal.account_id,
                caller.region,
                since=query["StartDate"],
                until=query["EndDate"],
                identity=None if identity is None else (identity.account_id, identity.name),
                configuration_set=query.get("Dimensions", {}).get("CONFIGURATION_SET"),
            )
        )
        return {
            "Id": query["Id"],
            "Timestamps": [day for day, _ in days],
            "Values": [_value(counts, query["Metric"]) for _, counts in days],
        }


def _identity(caller: Caller, query: sesv2.BatchGetMetricDataQuery) -> IdentityArn | None:
    """The identity that a query is about, by its name if it is the caller's own. Raises `InvalidParameterValue`."""
    text = query.get("Dimensions", {}).get("EMAIL_IDENTITY")
    if text is None:
        return None
    if not text.startswith("arn:"):
        return IdentityArn(
            region=caller.region, account_id=caller.principal.account_id, name=normal_name(text)
        )
    named = parse_identity_arn(text)
    if named.region != caller.region:
        raise InvalidParameterValue(f"The identity {text} is in another region.")
    return named


def _value(counts: Counts, metric: str) -> int:
    value: int = getattr(counts, METRICS[metric])
    return value


def _check(query: sesv2.BatchGetMetricDataQuery) -> None:
    if query["Metric"] not in METRICS:
        raise NotImplementedByService(f"The metric {query['Metric']} is not implemented by this service.")
    for name in query.get("Dimensions", {}):
        if name not in DIMENSIONS:
            raise NotImplementedByService(f"The dimension {name} is not implemented by this service.")
    if query["EndDate"] < query["StartDate"]:
        raise InvalidParameterValue("StartDate must not be after EndDate.")
