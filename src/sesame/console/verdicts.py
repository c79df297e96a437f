"""What a receiver would make of mails in the development inbox: DKIM, SPF and DMARC together, for one and for a list.

Asks the configured DNS. Verdicts of a list are kept for a while: it is looked at every few seconds.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sesame.admin.signatures import verified
from sesame.console import mail_view
from sesame.console.receiver_checks import Checked, Dmarc, dmarc, spf
from sesame.dns import Resolver
from sesame.mail.address import domain_of
from sesame.observe import Clock
from sesame.store.development import Mail

MOST_KEPT, KEPT_S = 500, 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`pass`, `fail`, `none` or what else RFC 8601 says, of a mail as a whole."""

    dkim: str
    spf: str
    dmarc: str


class Verdicts:
    """Asks, and keeps what lists show."""

    def __init__(self, resolver: Resolver, *, clock: Clock) -> None:
        self._resolver = resolver
        self._clock = clock
        self._kept: OrderedDict[int, tuple[float, Verdict]] = OrderedDict()

    async def of(self, mails: Sequence[Mail]) -> dict[int, Verdict]:
        """The verdict on each, by its number; as it was up to a minute ago."""
        return {mail.seq: await self._one(mail) for mail in mails}

    async def _one(self, mail: Mail) -> Verdict:
        kept = self._kept.get(mail.seq)
        if kept is not None and 0 <= self._clock.monotonic() - kept[0] < KEPT_S:
            return kept[1]
        signed = await self.signatures(mail)
        by_spf, by_dmarc = await self.checked(mail, signed)
        verdict = Verdict(
            dkim=_together([one["result"] for one in signed]), spf=by_spf.result, dmarc=_aligned(by_dmarc)
        )
        self._kept[mail.seq] = self._clock.monotonic(), verdict
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return verdict

    async def signatures(self, mail: Mail) -> list[dict[str, Any]]:
        """Each DKIM signature with its verdict."""
        return [
            {
                "domain": one.domain,
                "selector": one.selector,
                "result": one.result,
                "reason": one.reason or "",
                "algorithm": one.algorithm,
                "signed": list(one.signed),
                "body_whole": one.is_body_whole,
            }
            for one in await verified(mail.data, self._resolver, at=mail.received_at)
        ]

    async def checked(self, mail: Mail, signed: Sequence[dict[str, Any]]) -> tuple[Checked, Dmarc | None]:
        """SPF of the envelope, and alignment with From, where that names a domain."""
        envelope = domain_of(mail.mail_from)
        by_spf = await spf(self._resolver, envelope)
        if not (from_domain := mail_view.from_domain(mail.data)):
            return by_spf, None
        aligned = await dmarc(
            self._resolver,
            from_domain,
            signed_by=[one["domain"] for one in signed if one["result"] == "pass"],
            spf_domain=envelope if by_spf.result == "pass" else "",
        )
        return by_spf, aligned


def _together(results: Sequence[str]) -> str:
    """One signature that passes is enough (RFC 6376 section 6.1)."""
    return "pass" if "pass" in results else results[0] if results else "none"


def _aligned(found: Dmarc | None) -> str:
    if found is None or not found.policy:
        return "none"
    return "pass" if found.aligned_by else "fail"
