"""What became of a message in SES v2: GetMessageInsights.

For whoever sent the message; the owner of the identity, and everybody else, is answered as for one that does not exist
(I9). At AWS it takes the paid "Virtual Deliverability Manager", here nothing. Source: SES API v2 reference.
"""

from collections.abc import Sequence

from sesame.access.permission import Authorizer
from sesame.aws.shapes import sesv2
from sesame.db import Store, Transaction
from sesame.errors import InvalidParameterValue
from sesame.model import Caller
from sesame.notify.event_json import EventType, House, event_object, event_tags, event_type
from sesame.notify.expand import OPERATORS_OWN
from sesame.operations.table import Handlers
from sesame.store import events, message_facts
from sesame.store.events import Event
from sesame.store.message_facts import MessageFacts


class MessageMissing(InvalidParameterValue):
    """The caller's account has sent no such message in the region of the call."""

    v2_code = "NotFoundException"

    def __init__(self, message_id: str) -> None:
        super().__init__(f"Message <{message_id}> does not exist.")


class InsightOperations:
    """The operation; it checks the caller's IAM policies first. `house` is what bounces of ours are signed with."""

    def __init__(self, store: Store, authorizer: Authorizer, house: House) -> None:
        self._store = store
        self._authorizer = authorizer
        self._house = house

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {"GetMessageInsights": self.get_message_insights}

    async def get_message_insights(
        self, caller: Caller, request: sesv2.GetMessageInsightsRequest
    ) -> sesv2.GetMessageInsightsResponse:
        """The message, and for each recipient what happened to it, the oldest first. Raises `MessageMissing`."""
        await self._authorizer.require(caller, "ses:GetMessageInsights")
        message_id = request["MessageId"]

        async def run(tx: Transaction) -> tuple[MessageFacts | None, Sequence[Event]]:
            parties = await message_facts.parties_of(tx, message_id)
            if parties is None or parties[0] != caller.principal.account_id:
                return None, ()
            facts = await message_facts.of_messages(tx, [message_id])
            return facts.get(message_id), await events.of_message(tx, message_id)

        message, happened = await self._store.read(run)
        if message is None or message.region != caller.region:
            raise MessageMissing(message_id)
        told = [event for event in happened if event.what not in OPERATORS_OWN]
        response: sesv2.GetMessageInsightsResponse = {
            "MessageId": message_id,
            "FromEmailAddress": message.passage.from_address or message.source,
            "EmailTags": [
                {"Name": name, "Value": value}
                for name, values in (event_tags(told[0], message) if told else {}).items()
                for value in values
            ],
            "Insights": [
                {
                    "Destination": address,
                    "Events": [self._insight(one, message) for one in told if one.n in (None, n)],
                }
                for n, address in enumerate(message.destination)
            ],
        }
        if message.subject:
            response["Subject"] = message.subject
        return response

    def _insight(self, event: Event, message: MessageFacts) -> sesv2.InsightsEvent:
        kind = event_type(event)
        insight: sesv2.InsightsEvent = {
            "Timestamp": event.at,
            "Type": kind.in_set,  # type: ignore[typeddict-item]  # the same names
        }
        said = event_object(event, message, self._house)
        if kind is EventType.BOUNCE:
            bounce: sesv2.Bounce = {
                "BounceType": said["bounceType"].upper(),
                "BounceSubType": said["bounceSubType"],
            }
            (recipient,) = said["bouncedRecipients"]
            if "diagnosticCode" in recipient:
                bounce["DiagnosticCode"] = recipient["diagnosticCode"]
            insight["Details"] = {"Bounce": bounce}
        elif kind is EventType.COMPLAINT:
            complaint: sesv2.Complaint = {}
            if said["complaintSubType"] is not None:
                complaint["ComplaintSubType"] = said["complaintSubType"]
            if "complaintFeedbackType" in said:
                complaint["ComplaintFeedbackType"] = said["complaintFeedbackType"]
            insight["Details"] = {"Complaint": complaint}
        return insight
