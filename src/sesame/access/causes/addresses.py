"""Causes that lie in the addresses of a send and the identities they rest on: ARNs, regions, verification, sandbox."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sesame.access.causes.around import Around
from sesame.access.causes.asked import Asked
from sesame.access.causes.bound import bound_uncovered, said_to_be_bound
from sesame.access.causes.fields import (
    others_uncovered,
    own_senders,
    usual_field,
)
from sesame.access.causes.instead import ignored_cause
from sesame.access.causes.mends import (
    arn_of,
    joined,
    verify,
)
from sesame.access.causes.regions import arn_region, in_other_region, own_in_other_region, region_cause
from sesame.access.causes.sandbox import sandbox_causes
from sesame.access.causes.uncovered import odd_field, uncovered
from sesame.access.causes.unnamed import no_arn
from sesame.aws.arn import Arn
from sesame.model import Identity, IdentityKind, VerificationStatus
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader, quoting
from sesame.store.decisions import DecisionRecord

_VERIFIED = tuple(status.value for status in VerificationStatus if status.is_in_force)


class AddressCauses:
    """One refusal for one reader."""

    def __init__(
        self, record: DecisionRecord, decision: Mapping[str, Any], around: Around, reader: Reader
    ) -> None:
        self._record = record
        self._decision = decision
        self._around = around
        self._reader = reader
        self._asked = Asked(record, decision, around, reader)
        self._senders = self._asked.senders
        self._named = self._asked.named
        self._sandboxed: list[str] = decision.get("asked", {}).get("sandboxed", [])
        self._checks: list[Mapping[str, Any]] = decision["checks"]

    # An identity that is not there, behind a check that refused.

    def missing(self, check: Mapping[str, Any]) -> Iterator[Cause]:
        """Why a check rests on an identity that does not exist; nothing where one does or where it is not told."""
        if "verification" not in check or check["verification"] is not None or "Resource" in check["uses"]:
            return
        if check["owner"] != self._record.account_id:
            if self._reader is not Reader.SENDER:
                yield from self._missing_at_owner(check)
            return
        uses: dict[tuple[str, str | None], list[str]] = {}
        for use, address, _, arn in self._senders:
            if use in check["uses"] and address in check["addresses"]:
                uses.setdefault((address, arn), []).append(use)
        for (address, arn), named in uses.items():
            yield self._own_missing(named, address, arn)

    def _missing_at_owner(self, check: Mapping[str, Any]) -> Iterator[Cause]:
        arn = Arn.parse(check["arn"])
        address = check["addresses"][0]
        theirs = self._around.of(check["owner"], address)
        here = [one for one in theirs if one.region == arn.region]
        name = arn.resource.removeprefix("identity/")
        if here:
            yield self._for_owner(
                Code.NO_SUCH_IDENTITY,
                f"`{check['arn']}` is not registered; `{here[0].name}`, which covers `{address}`, is",
                arn_of(here[0]),
            )
        elif theirs:
            yield in_other_region(self._asked, address, theirs, check["arn"])
        else:
            yield Cause(
                code=Code.NO_SUCH_IDENTITY,
                text=f"`{check['arn']}` is not registered, nor is anything that covers `{address}`",
                mend=self._unless_mistaken(verify(check["owner"], arn.region, name)),
            )

    def _unless_mistaken(self, mend: Mend) -> Mend:
        """To an owner whose identity somebody named that it does not have."""
        if self._reader is not Reader.OWNER:
            return mend
        return replace(mend, text=f"there is nothing to do, unless it is to be yours; then {mend.text}")

    def _for_owner(self, code: Code, text: str, arn: str) -> Cause:
        parameter = self._asked.parameter("From")
        return Cause(
            code=code,
            text=text,
            mend=Mend(
                how=How.SET_PARAMETER,
                text=f"the sender names `{arn}` in {parameter}",
                details={"parameter": parameter, "value": arn},
            ),
        )

    # Addresses whose identity is not verified.

    def unverified(self, without: Collection[str] = ()) -> Iterator[Cause]:
        """A cause for each address of a sender that failed, but for those that rest on the ARNs `without`, then for
        recipients."""
        failed = set(self._decision.get("unverified", ()))
        listed = set()
        uses: dict[tuple[Any, ...], list[str]] = {}
        checks: dict[tuple[Any, ...], Mapping[str, Any] | None] = {}
        for use, address, as_shown, arn in self._senders:
            if as_shown not in failed:
                continue
            listed.add(as_shown)
            check = self._check_of(use, address)
            denied = check is not None and check["outcome"] != "allow"
            if check is not None and (check.get("verification") in _VERIFIED or check["arn"] in without):
                continue  # it is another use of the address that failed
            if denied and check is not None and self._is_strangers(check):
                continue  # refused by policy, which does not tell whether the identity is there (I9)
            if not denied or (check is not None and check.get("verification") is not None):
                group = address, arn, None if check is None else check["arn"]
                uses.setdefault(group, []).append(use)
                checks[group] = check
        others: list[str] = []
        for group, named in uses.items():
            address, arn, _ = group
            if self._reader is Reader.OWNER and not self._is_readers(arn, checks[group]):
                if checks[group] is None or not self._is_third_partys(checks[group] or {}):
                    others.append(self._told_owner(named, address))
                continue
            yield from self._sender(named, address, arn, checks[group])
        if others:
            yield others_uncovered(self._record, others)
        recipients = [address for address in self._decision.get("unverified", ()) if address not in listed]
        if recipients:
            strangers = any(
                check["outcome"] != "allow" and self._is_strangers(check) for check in self._checks
            )
            yield from sandbox_causes(
                self._record, recipients, self._around, self._reader, self._sandboxed, is_strangers=strangers
            )

    def _is_readers(self, arn: str | None, check: Mapping[str, Any] | None) -> bool:
        """Whether what an address rests on, or was to, is of the owner who reads."""
        owner = arn.split(":")[4] if check is None and arn is not None else (check or {}).get("owner")
        return bool(owner == self._record.owner_account_id)

    def _told_owner(self, uses: Sequence[str], address: str) -> str:
        """An address of the sender's message as the owner of another one's identity may know of it (I9)."""
        shown = {(one[0], one[1]) for one in own_senders(self._record, self._decision)}
        named = joined(["the field Sender" if use == "Sender" else use for use in uses])
        return f"{named} `{address}`" if any((use, address) in shown for use in uses) else named

    def _is_strangers(self, check: Mapping[str, Any]) -> bool:
        """Whether the reader sends as somebody else's identity."""
        return self._reader is Reader.SENDER and check["owner"] != self._record.account_id

    def _is_third_partys(self, check: Mapping[str, Any]) -> bool:
        """Whether a check is of an identity that is neither the sender's nor that of the owner it concerns."""
        return check["owner"] not in (self._record.account_id, self._record.owner_account_id)

    def _check_of(self, use: str, address: str) -> Mapping[str, Any] | None:
        return next((c for c in self._checks if use in c["uses"] and address in c["addresses"]), None)

    def _sender(
        self, uses: Sequence[str], address: str, arn: str | None, check: Mapping[str, Any] | None
    ) -> Iterator[Cause]:
        """Why an address rests on nothing that is verified, which stands in the message for `uses`."""
        if check is None and arn is not None:
            found = self._second(arn, address) or arn_region(self._asked, arn, address)
            yield (
                found if self._reader is Reader.OWNER else said_to_be_bound(found, self._asked.field_of(arn))
            )
        elif check is not None and check.get("verification") is not None:
            is_senders = self._reader is not Reader.OWNER
            lent = arn is None and is_senders and self._around.lent.get(address)
            yield (
                no_arn(self._asked, uses[0], address, pending=check)
                if lent
                else self._pending(check, uses, address)
            )
        elif arn is None or (check is not None and check["owner"] == self._record.account_id):
            yield self._own_missing(uses, address, arn)
        elif self._reader is not Reader.SENDER and check is not None:
            yield from self._missing_at_owner(check)

    def _second(self, arn: str, address: str) -> Cause | None:
        """The field that names the ARN stands there again with one that is right."""
        if self._reader is Reader.OWNER:
            return None
        right = [
            arn_of(one)
            for one in self._around.of(self._record.account_id, address)
            if one.verification.is_in_force
        ]
        right += [*self._around.lent.get(address, ()), *self._around.lent_here.get(address, ())]
        return ignored_cause(
            self._decision, arn, [one for one in right if one.split(":")[3] == self._record.region]
        )

    def _pending(self, check: Mapping[str, Any], uses: Sequence[str], address: str) -> Cause:
        arn = Arn.parse(check["arn"])
        name = arn.resource.removeprefix("identity/")
        own = check["owner"] == self._record.account_id
        is_senders = self._reader is not Reader.OWNER
        called = self._asked.called(uses[0])
        text = f"the identity `{name}` of account {check['owner']} in {arn.region}"
        text += "" if "From" in uses or not is_senders else f", which {called} `{address}` rests on,"
        text += f" is {check['verification']}"
        otherwise = self._otherwise(uses, address) if is_senders else ""
        found = self._identity(check["owner"], name, arn.region)
        if found is not None and (own or self._reader is not Reader.SENDER):
            missing = (
                "the link that was mailed to it" if found.kind is IdentityKind.ADDRESS else "its DNS records"
            )
            text += f", not verified: it still waits for {missing}"
        else:
            text += ", not verified"
        if not own and self._reader is Reader.SENDER:
            mend = Mend(
                how=How.ASK,
                text=f"ask the owner, account {check['owner']}, to verify it{quoting(self._record.request_id)}"
                f"{otherwise}",
                details={"whom": "owner", "account": check["owner"], "name": name, "region": arn.region},
            )
            return Cause(code=Code.PENDING, text=text, mend=mend)
        mend = verify(check["owner"], arn.region, name, is_there=True)
        return Cause(code=Code.PENDING, text=text, mend=replace(mend, text=f"{mend.text}{otherwise}"))

    def _otherwise(self, uses: Sequence[str], address: str) -> str:
        """How the same message is sent without an address that is not that of From."""
        called, failed = self._asked.called(uses[0]), set(self._decision.get("unverified", ()))
        if list(uses) in (["Sender"], ["Return-Path"]):
            return f"; or leave {called} out"
        good = next(
            (one[1] for one in self._senders if one[0] == "From" and one[2] not in failed and not one[3]),
            None,
        )
        return (
            f"; or write `{good}` in {called}" if good not in (None, address) and "From" not in uses else ""
        )

    def _identity(self, account_id: str, name: str, region: str) -> Identity | None:
        found = [one for covering in self._around.covering.values() for one in covering]
        return next(
            (one for one in found if (one.account_id, one.name, one.region) == (account_id, name, region)),
            None,
        )

    # An address that rests on the sender's own identities, of which none covers it.

    def _own_missing(self, uses: Sequence[str], address: str, arn: str | None) -> Cause:
        use = uses[0]
        own = self._around.of(self._record.account_id, address)
        verified = [one for one in own if one.verification.is_in_force]
        if arn is not None:
            own_arn = self._second(arn, address) or self._own_account_arn(address, arn, verified)
            return said_to_be_bound(own_arn, self._asked.field_of(arn))
        if (odd := odd_field(self._asked, use, address)) is not None:
            return odd
        if verified and not any(one.region == self._record.region for one in verified):
            return own_in_other_region(self._asked, use, address, verified)
        if self._named:
            return bound_uncovered(
                self._record,
                self._decision,
                uncovered(self._asked, uses, address),
                what=self._asked.in_words(uses, address),
                lent=list(self._around.lent.get(address, ())),
            )
        return no_arn(self._asked, use, address)

    def _own_account_arn(self, address: str, arn: str, verified: Sequence[Identity]) -> Cause:
        if verified and not any(one.region == self._record.region for one in verified):
            return in_other_region(self._asked, address, verified, arn)
        field = self._asked.field_of(arn)
        if verified:
            right = arn_of(next(one for one in verified if one.region == self._record.region))
            text = f"`{arn}` is not registered; `{right}`, which covers `{address}`, is"
            return Cause(code=Code.NO_SUCH_IDENTITY, text=text, mend=self._asked.name_in(field, arn, right))
        lent = list(self._around.lent.get(address, ()))
        return Cause(
            code=Code.ARN_OWN_ACCOUNT,
            text=f"`{arn}` has the sender's own account number, {self._record.account_id}, which has no such identity",
            mend=self._asked.name_in(
                field, arn, lent[0] if lent else None, "the ARN with the account number of the domain's owner"
            ),
        )

    def lent_elsewhere(self, check: Mapping[str, Any]) -> tuple[str, Cause] | None:
        """Another identity of the owner's that lets the sender in: in the owner's words, and as the sender's cause."""
        others = sorted(
            self._around.elsewhere.get(check["arn"], ()),
            key=lambda arn: Arn.parse(arn).region != self._record.region,
        )
        if not others:
            return None
        other = others[0]
        region = Arn.parse(other).region
        text = f"no policy of `{check['arn']}` lets you in; one of `{other}` does"
        if region != self._record.region:
            return f"one of `{other}` does", region_cause(self._asked, text, region, other)
        use = next((use for use in check["uses"] if usual_field("v1", use)), "From")
        by_named = next(
            (name for name, value in self._named if value == check["arn"]), self._asked.parameter(use)
        )
        return f"one of `{other}` does", Cause(
            code=Code.PRINCIPAL_OTHER, text=text, mend=self._asked.name_in(by_named, check["arn"], other)
        )

    def by_other(self, check: Mapping[str, Any]) -> tuple[str, Mend] | None:
        """The way round a Deny of the owner's, in its words: another identity of its, not yet named, lets it in."""
        named = {arn.lower() for _, arn in self._named}
        others = self._around.elsewhere.get(check["arn"], ())
        here = [
            arn for arn in others if Arn.parse(arn).region == self._record.region and arn.lower() not in named
        ]
        if not here or check["owner"] == self._record.account_id:
            return None
        return f"a policy of `{here[0]}` lets it in", self._for_owner(Code.DENY, "", here[0]).mend
