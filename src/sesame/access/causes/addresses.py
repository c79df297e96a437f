"""Causes that lie in the addresses of a send and the identities they rest on: ARNs, regions, verification, sandbox."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sesame.access.causes.around import VERIFIED, Around
from sesame.access.causes.bound import bound_uncovered, said_to_be_bound
from sesame.access.causes.fields import (
    covers_address,
    field_for,
    from_field,
    only_first_counts,
    others_uncovered,
    own_senders,
    usual_field,
)
from sesame.access.causes.instead import ignored_cause, name_in
from sesame.access.causes.mends import (
    SAMPLES,
    arn_of,
    joined,
    never_public,
    set_parameter,
    smtp_credentials,
    verify,
)
from sesame.access.causes.sandbox import sandbox_causes
from sesame.access.record import BOUND
from sesame.aws.arn import Arn
from sesame.model import Identity, IdentityKind
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader
from sesame.store.decisions import DecisionRecord

_SOURCES = ("SourceArn", "X-SES-SOURCE-ARN")
_VERIFIED = tuple(status.value for status in VERIFIED)


class AddressCauses:
    """One refusal for one reader."""

    def __init__(
        self, record: DecisionRecord, decision: Mapping[str, Any], around: Around, reader: Reader
    ) -> None:
        self._record = record
        self._decision = decision
        self._around = around
        self._reader = reader
        asked = decision.get("asked", {})
        self._door: str = asked.get("door", "v1")
        self._key: str | None = None if reader is Reader.OWNER else asked.get("key")
        self._senders: list[Sequence[Any]] = asked.get("senders", [])
        self._named: list[Sequence[str]] = asked.get("named", [])
        self._odd: list[Sequence[str]] = asked.get("odd", [])
        self._sandboxed: list[str] = asked.get("sandboxed", [])
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
            yield self._in_other_region(address, theirs, check["arn"])
        else:
            yield Cause(
                code=Code.NO_SUCH_IDENTITY,
                text=f"`{check['arn']}` is not registered, nor is anything that covers `{address}`",
                mend=verify(check["owner"], arn.region, name),
            )

    def _for_owner(self, code: Code, text: str, arn: str) -> Cause:
        parameter = self._parameter("From")
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
            found = self._second(arn, address) or self._arn_region(arn, address)
            yield found if self._reader is Reader.OWNER else said_to_be_bound(found, self._field_of(arn))
        elif check is not None and check.get("verification") is not None:
            is_senders = self._reader is not Reader.OWNER
            lent = arn is None and is_senders and self._around.lent.get(address)
            yield self._no_arn(uses[0], address, pending=check) if lent else self._pending(check)
        elif arn is None or (check is not None and check["owner"] == self._record.account_id):
            yield self._own_missing(uses, address, arn)
        elif self._reader is not Reader.SENDER and check is not None:
            yield from self._missing_at_owner(check)

    def _arn_region(self, arn: str, address: str) -> Cause:
        """The ARN's region is not the one that was called."""
        region = Arn.parse(arn).region
        if region in ("", "*"):
            field = self._field_of(arn)
            parts = arn.split(":")
            right = ":".join([*parts[:3], self._record.region, *parts[4:]])
            text = f"`{arn}` names no region: that is for endpoints of several regions, which are not served"
            return Cause(code=Code.ARN_MALFORMED, text=text, mend=self._name_in(field, arn, right))
        text = f"`{arn}` is of region {region}, and the call was to {self._record.region}"
        lent = list(self._around.lent_here.get(address, ()))
        if lent and self._reader is not Reader.OWNER:
            field = self._field_of(arn)
            text += f", where a policy of `{lent[0]}` names you"
            return Cause(code=Code.REGION, text=text, mend=self._name_in(field, arn, lent[0]))
        return self._region(text, region, None)

    def _second(self, arn: str, address: str) -> Cause | None:
        """The field that names the ARN stands there again with one that is right."""
        if self._reader is Reader.OWNER:
            return None
        right = [
            arn_of(one)
            for one in self._around.of(self._record.account_id, address)
            if one.verification in VERIFIED
        ]
        right += [*self._around.lent.get(address, ()), *self._around.lent_here.get(address, ())]
        return ignored_cause(
            self._decision, arn, [one for one in right if one.split(":")[3] == self._record.region]
        )

    def _region(self, text: str, region: str, arn: str | None) -> Cause:
        if self._door == "smtp":
            return Cause(
                code=Code.PASSWORD_REGION,
                text=f"{text}: the SMTP password was derived for {self._record.region}, which makes that the region"
                " of the session",
                mend=smtp_credentials(
                    self._record.account_id, region, self._decision["principal"], key=self._key
                ),
            )
        details = {"region": region} | ({"arn": arn} if arn else {})
        named = f", with the ARN `{arn}`" if arn else ""
        return Cause(
            code=Code.REGION,
            text=text,
            mend=Mend(how=How.CALL_REGION, text=f"call region {region}{named}", details=details),
        )

    def _pending(self, check: Mapping[str, Any]) -> Cause:
        arn = Arn.parse(check["arn"])
        name = arn.resource.removeprefix("identity/")
        own = check["owner"] == self._record.account_id
        text = f"the identity `{name}` of account {check['owner']} in {arn.region} is {check['verification']}"
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
                text=f"ask the owner, account {check['owner']}, to verify it",
                details={"whom": "owner", "account": check["owner"], "name": name, "region": arn.region},
            )
            return Cause(code=Code.PENDING, text=text, mend=mend)
        return Cause(
            code=Code.PENDING, text=text, mend=verify(check["owner"], arn.region, name, is_there=True)
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
        verified = [one for one in own if one.verification in VERIFIED]
        if arn is not None:
            own_arn = self._second(arn, address) or self._own_account_arn(address, arn, verified)
            return said_to_be_bound(own_arn, self._field_of(arn))
        if (odd := self._odd_for(use, address)) is not None:
            return odd
        if verified and not any(one.region == self._record.region for one in verified):
            return self._own_in_other_region(use, address, verified)
        if self._named:
            return bound_uncovered(
                self._record,
                self._decision,
                self._uncovered(uses, address),
                what=self._in_words(uses, address),
                lent=list(self._around.lent.get(address, ())),
            )
        return self._no_arn(use, address)

    def _in_words(self, uses: Sequence[str], address: str) -> str:
        return f"{joined(uses)} `{address}` {'is' if len(uses) == 1 else 'are'}"

    def _own_in_other_region(self, use: str, address: str, verified: Sequence[Identity]) -> Cause:
        """As `_in_other_region`; where From is right here, the call is to the right region."""
        found = self._in_other_region(address, verified, None)
        failed = set(self._decision.get("unverified", ()))
        if use == "From" or any(sender[0] == "From" and sender[2] in failed for sender in self._senders):
            return found
        name = verified[0].name
        mend = verify(self._record.account_id, self._record.region, name)
        if use in ("Sender", "Return-Path"):
            mend = replace(mend, text=f"{mend.text}; or leave {self._dropped(use)} out")
        return Cause(code=Code.REGION, text=found.text.partition(": the SMTP")[0], mend=mend)

    def _own_account_arn(self, address: str, arn: str, verified: Sequence[Identity]) -> Cause:
        if verified and not any(one.region == self._record.region for one in verified):
            return self._in_other_region(address, verified, arn)
        field = self._field_of(arn)
        if verified:
            right = arn_of(next(one for one in verified if one.region == self._record.region))
            text = f"`{arn}` is not registered; `{right}`, which covers `{address}`, is"
            return Cause(code=Code.NO_SUCH_IDENTITY, text=text, mend=self._name_in(field, arn, right))
        lent = list(self._around.lent.get(address, ()))
        return Cause(
            code=Code.ARN_OWN_ACCOUNT,
            text=f"`{arn}` has the sender's own account number, {self._record.account_id}, which has no such identity",
            mend=self._name_in(
                field, arn, lent[0] if lent else None, "the ARN with the account number of the domain's owner"
            ),
        )

    def _in_other_region(self, address: str, verified: Sequence[Identity], arn: str | None) -> Cause:
        one = verified[0]
        other = arn_of(one) if arn is not None else None
        text = (
            f"`{one.name}`, which covers `{address}`, is registered in {one.region}, and the call was to"
            f" {self._record.region}"
        )
        return self._region(text, one.region, other)

    def _odd_for(self, use: str, address: str) -> Cause | None:
        """A field that was meant to name the ARN, and does not."""
        named = {name for name, _ in self._named}
        for what, written, right in self._odd:
            if what == "guessed" and right in self._around.lent.get(address, ()):
                field = self._parameter_for(use, address, right)
                if field is not None and field not in named:
                    text = f"the field `{written}` is not known, so no ARN was named for `{address}`"
                    return Cause(code=Code.HEADER, text=text, mend=set_parameter(field, right))
            if what == "misspelt" and right.endswith("-ARN") and right not in named:
                return Cause(
                    code=Code.HEADER,
                    text=f"the field `{written}` is not known, so no ARN was named for `{address}`: it is `{right}`",
                    mend=Mend(
                        how=How.SET_PARAMETER,
                        text=f"write `{right}`",
                        details={"parameter": right, "instead_of": written, "value": None},
                    ),
                )
            if what == "in body" and right.endswith("-ARN") and right not in named:
                lent = next(iter(self._around.lent.get(address, ())), None)
                where = " among the fields of the header, before the empty line"
                return Cause(
                    code=Code.HEADER,
                    text=f"`{written}` stands in the body, behind the empty line that ends the header, so no ARN was"
                    f" named for `{address}`",
                    mend=set_parameter(right, lent, "the ARN", where),
                )
            if what == "second" and right.endswith("-ARN"):
                return only_first_counts(right, address)
        return None

    def _uncovered(self, uses: Sequence[str], address: str) -> Cause:
        """Other addresses have an ARN, this one has none that covers it."""
        tried = min(self._named, key=lambda one: (one[0] == BOUND, one[0] not in _SOURCES))[1]
        use, parameter = uses[0], self._parameter(uses[0])
        lent = list(self._around.lent.get(address, ()))
        if (elsewhere := self._named_elsewhere(uses, address, lent)) is not None:
            return elsewhere
        text = (
            f"{self._in_words(uses, address)} covered by no ARN: `{tried}` does not cover it, nor does an identity"
            " of your own"
        )
        by_source = next((sender[1] for sender in self._senders if sender[0] == "Source" and sender[3]), None)
        if use == "From" and by_source is not None:
            return Cause(code=Code.USE_UNCOVERED, text=text, mend=self._mend_from(address, by_source, lent))
        if lent and use != "Sender":
            return Cause(code=Code.USE_UNCOVERED, text=text, mend=set_parameter(parameter, lent[0]))
        if use in ("Sender", "Return-Path"):
            fits = self._parameter_for(use, address, None)
            to_name = f"`{lent[0]}`" if lent else "an ARN that covers it"
            otherwise = f"name {to_name} in {fits}" if fits else self._other_sender(tried)
            mend = Mend(
                how=How.DROP_PARAMETER,
                text=f"leave {self._dropped(use)} out, or {otherwise}",
                details={"parameter": self._dropped(use)} | ({"or": fits} if fits else {}),
            )
            return Cause(code=Code.USE_UNCOVERED, text=text, mend=mend)
        covered = next((sender[1] for sender in self._senders if sender[0] == "From" and sender[3]), None)
        if use == "Source" and covered is not None:
            source = "MAIL FROM" if self._door == "smtp" else "Source"
            mend = Mend(
                how=How.SET_PARAMETER,
                text=f"send with `{covered}` as {source}, or name an ARN that covers `{address}` in {parameter}",
                details={"parameter": source, "value": covered},
            )
            return Cause(code=Code.USE_UNCOVERED, text=text, mend=mend)
        return Cause(
            code=Code.USE_UNCOVERED,
            text=text,
            mend=set_parameter(parameter, None, f"an ARN that covers `{address}`"),
        )

    def _other_sender(self, tried: str) -> str:
        """What a Sender may be where no field can name an ARN for it that would not be wrong for From."""
        name = tried.partition(":identity/")[2]
        return f"write an address in it that `{name}` or an identity of your own covers"

    def _named_elsewhere(self, uses: Sequence[str], address: str, lent: Sequence[str]) -> Cause | None:
        """An ARN that covers the address was named where it counts for another alone."""
        covering = [
            (name, arn)
            for name, arn in self._named
            if covers_address(arn.partition(":identity/")[2], address)
        ]
        if not covering:
            return None
        parameter, arn = covering[0]
        right = arn if arn in lent or not lent else lent[0]
        what = "the return path" if "RETURN" in parameter.upper() or "Feedback" in parameter else "From"
        verb = "has" if len(uses) == 1 else "have"
        text = f"`{arn}` was named in {parameter}, which counts for {what} alone:"
        text += f" {joined(uses)} `{address}` {verb} no ARN"
        field = self._parameter_for(uses[0], address, right)
        if field is None:
            mend = Mend(
                how=How.DROP_PARAMETER,
                text=f"leave {self._dropped(uses[0])} out",
                details={"parameter": self._dropped(uses[0])},
            )
            return Cause(code=Code.USE_UNCOVERED, text=text, mend=mend)
        return Cause(code=Code.USE_UNCOVERED, text=text, mend=set_parameter(field, right))

    def _mend_from(self, address: str, by_source: str, lent: Sequence[str]) -> Mend:
        """From is another address than Source, which has its ARN and keeps it."""
        parameter = from_field(self._door)
        if lent and parameter:
            return set_parameter(parameter, lent[0])
        more = f", or name an ARN that covers `{address}` in {parameter}" if parameter else ""
        return Mend(
            how=How.SET_PARAMETER,
            text=f"write `{by_source}`, which is covered, in the From field{more}",
            details={"parameter": parameter, "value": None, "or": "From"}
            if parameter
            else {"parameter": "From", "value": by_source},
        )

    def _no_arn(self, use: str, address: str, *, pending: Mapping[str, Any] | None = None) -> Cause:
        parameter = self._parameter_for(use, address, None) or self._parameter(use)
        lent = list(self._around.lent.get(address, ()))
        account, region = self._record.account_id, self._record.region
        text = f"you named no ARN, and account {account} has no verified identity in {region} that covers `{address}`"
        if pending is not None:
            name = Arn.parse(pending["arn"]).resource.removeprefix("identity/")
            text += f" (`{name}` is {pending['verification']})"
        waiting = [one for one in self._around.of(account, address) if one.region != region]
        if waiting and pending is None:
            text += f"; `{waiting[0].name}` is registered in {waiting[0].region}, and not verified there"
        if lent:
            owner = Arn.parse(lent[0]).account_id
            text = f"{text}; a policy of account {owner} lends it to you"
            return Cause(code=Code.NO_ARN, text=text, mend=self._name_lent(use, address, lent[0]))
        if in_part := list(self._around.lent_in_part.get(address, ())):
            arn = in_part[0]
            owner, name = Arn.parse(arn).account_id, arn.partition(":identity/")[2]
            text += (
                f"; a policy of account {owner} names you for `{name}`, and does not let this message through"
            )
            mend = self._name_lent(use, address, arn)
            more = f"; what keeps this message out is said then, for account {owner} to change or you to send otherwise"
            return Cause(code=Code.NO_ARN, text=text, mend=replace(mend, text=mend.text + more))
        if (top := never_public(address)) is not None:
            what = "MAIL FROM" if use == "Source" and self._door == "smtp" else use
            return Cause(
                code=Code.NO_ARN,
                text=f"{text}; it looks like what a program sends as when its sender is not set: nothing under `{top}`"
                " can be verified",
                mend=Mend(
                    how=How.SET_PARAMETER,
                    text=f"set the sender of the program (From and the envelope's, {what} here) to an address that a"
                    " verified identity covers",
                    details={"parameter": what, "value": None},
                ),
            )
        if (instead := self._instead_of(use, address)) is not None:
            return Cause(code=Code.NO_ARN, text=text, mend=instead)
        domain = address.rpartition("@")[2]
        mend = verify(account, region, domain.lower())
        more = ""
        if (near := self._around.near.get(address)) is not None:
            text += f"; did you mean `{near}`?"
            more = f"; or send as `{near}`"
        if (other := self._around.other_case.get(address)) is not None:
            text = text.removesuffix(f"; did you mean `{near}`?")
            text += f"; `{other}` is another address to it, since the part before the @ is case-sensitive"
            more = f"; or send as `{other}`"
        if domain.lower() in SAMPLES:
            more += f"; or, where `{domain.lower()}` is left of a sample, set the sender of the program (From) to yours"
        more += f"; or, if another account lends it to you, name its ARN in {parameter}"
        return Cause(
            code=Code.NO_ARN,
            text=text,
            mend=Mend(how=mend.how, text=mend.text + more, details={**mend.details, "parameter": parameter}),
        )

    def _name_lent(self, use: str, address: str, arn: str) -> Mend:
        """Name an ARN of another account's; where only the credential can do that, or leave the field out."""
        parameter = self._parameter_for(use, address, arn)
        by_smtp = (
            "make the credential with `sesame smtp credentials --as ARN`" if self._door == "smtp" else ""
        )
        if parameter is not None:
            return set_parameter(parameter, arn, more=f" (or {by_smtp})" if by_smtp else "")
        field = self._dropped(use)
        return Mend(
            how=How.DROP_PARAMETER,
            text=f"leave {field} out: no field can name `{arn}` for it alone{f'; or {by_smtp}' if by_smtp else ''}",
            details={"parameter": field},
        )

    def _instead_of(self, use: str, address: str) -> Mend | None:
        """What to do about an address beside another one of the message that is verified."""
        failed = set(self._decision.get("unverified", ()))
        good = next((one for one in self._senders if one[2] not in failed and one[1] != address), None)
        if good is None:
            return None
        domain = address.rpartition("@")[2]
        verified = (
            f"verify `{domain.lower()}` in account {self._record.account_id}, region {self._record.region}"
        )
        parameter = self._parameter_for(use, address, None)
        lender = f"or name the ARN of whoever lends it to you in {parameter}"
        if use in ("Sender", "Return-Path"):
            ways = f"{verified}, {lender}" if parameter else f"or {verified}"
            return Mend(
                how=How.DROP_PARAMETER,
                text=f"leave {self._dropped(use)} out, {ways}",
                details={"parameter": self._dropped(use)} | ({"or": parameter} if parameter else {}),
            )
        field = {"From": "From"}.get(use, "MAIL FROM" if self._door == "smtp" else "Source")
        answers = f" (and `{address}` in Reply-To, if answers shall go there)" if use == "From" else ""
        return Mend(
            how=How.SET_PARAMETER,
            text=f"write `{good[1]}`, which is verified, in {field}{answers}; or {verified}; {lender}",
            details={"parameter": field, "value": good[1]},
        )

    def _dropped(self, use: str) -> str:
        """The parameter or field to leave out for Sender or Return-Path not to be there."""
        is_parameter = use == "Return-Path" and self._decision.get("action") != "ses:SendRawEmail"
        by_door = {"v1": "ReturnPath", "v2": "FeedbackForwardingEmailAddress"}
        return by_door.get(self._door, use) if is_parameter else use

    def _name_in(self, field: str, old: str, new: str | None, what: str = "") -> Mend:
        return name_in(self._record, self._decision, field, old, new, what)

    def _field_of(self, arn: str) -> str:
        """The parameter or field that named an ARN."""
        return next((name for name, value in self._named if value == arn), self._parameter("From"))

    def _parameter(self, use: str) -> str:
        return usual_field(self._door, use) or ""

    def _parameter_for(self, use: str, address: str, arn: str | None) -> str | None:
        """Which parameter or field may name an ARN for an address, and not be wrong for another; None if none may."""
        others = {sender[0]: sender[1] for sender in self._senders}
        return field_for(self._door, use, arn, address=address, others=others)

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
            return f"one of `{other}` does", self._region(text, region, other)
        use = next((use for use in check["uses"] if usual_field("v1", use)), "From")
        by_named = next((name for name, value in self._named if value == check["arn"]), self._parameter(use))
        return f"one of `{other}` does", Cause(
            code=Code.PRINCIPAL_OTHER, text=text, mend=self._name_in(by_named, check["arn"], other)
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
