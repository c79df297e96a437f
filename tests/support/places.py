"""The place of an attempt that no scheduler has begun."""

from sesame.delivery.lanes import Lanes, Limits, Place
from sesame.spool.queue import Lane
from sesame.spool.spool import Claim


def place(claim: Claim, lanes: Lanes | None = None) -> Place:
    """Of an attempt that begins now, where it may be anywhere, or with these lanes."""
    lanes = lanes or Lanes(Limits(places=8, per_domain=8, per_address=8))
    return lanes.began(Lane(claim.account_id, claim.domain), now=0.0)
