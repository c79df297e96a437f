"""Set-ups in which From, MAIL FROM and Sender belong to different accounts, so that one ARN does not fit them all."""

from typing import Any

from sesame.access.identity_names import identity_kind
from tests.story.misconfigured.guards import newest_mend
from tests.story.misconfigured.world import REGION, Steps, World, case


def own_domain(w: World, name: str = "") -> str:
    """A verified domain of the sender's own."""
    name = name or f"own-{w.domain}"

    async def vouch(services: Any) -> Any:
        return await services.verification.vouch(w.sender.account_id, REGION, name, identity_kind(name))

    w.sesame.operate(vouch)
    return name


@case(
    seen="mailers that bounce to their own domain: MAIL FROM is the sender's, From is lent",
    code="SA101",
    says=("lends it to you", "news@{domain}"),
    mend=("`{arn}` in X-SES-FROM-ARN",),
)
def own_envelope_and_lent_from(w: World) -> Steps:
    w.allow()
    bounces = f"bounces@{own_domain(w)}"
    yield lambda: w.smtp(w.sender, mail_from=bounces)
    field = newest_mend(w, "sender")["parameter"]
    yield lambda: w.smtp(w.sender, {field: w.arn}, mail_from=bounces)


@case(
    seen="Netflix/iep#367: SourceArn works only where Source is of that identity",
    code="SA101",
    says=("lends it to you",),
    mend=("`{arn}` in FromArn",),
)
def own_source_and_lent_from(w: World) -> Steps:
    w.allow()
    bounces = f"bounces@{own_domain(w)}"
    yield lambda: w.raw(w.sender, SourceArn=None, Source=bounces)
    given: dict[str, Any] = {newest_mend(w, "sender")["parameter"]: w.arn}
    yield lambda: w.raw(w.sender, SourceArn=None, Source=bounces, **given)


@case(
    seen="X-SES-SOURCE-ARN for From, beside a MAIL FROM of one's own",
    code="SA107",
    says=("is for MAIL FROM", "covers From, `news@{domain}`"),
    mend=("X-SES-FROM-ARN in place of X-SES-SOURCE-ARN",),
)
def source_field_for_from(w: World) -> Steps:
    w.allow()
    bounces = f"bounces@{own_domain(w)}"
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn}, mail_from=bounces)
    mend = newest_mend(w, "sender")
    yield lambda: w.smtp(w.sender, {mend["parameter"]: mend["value"]}, mail_from=bounces)


@case(
    seen="SourceArn for From, beside a Source of one's own",
    code="SA107",
    says=("is for Source", "covers From"),
    mend=("FromArn in place of SourceArn",),
)
def source_arn_for_from(w: World) -> Steps:
    w.allow()
    bounces = f"bounces@{own_domain(w)}"
    yield lambda: w.raw(w.sender, Source=bounces)
    mend = newest_mend(w, "sender")
    yield lambda: w.raw(w.sender, Source=bounces, SourceArn=None, **{mend["parameter"]: mend["value"]})


@case(
    seen="MAIL FROM is lent and From is the sender's own",
    code="SA101",
    says=("bounce@{domain}", "lends it to you"),
    mend=("`{arn}` in X-SES-SOURCE-ARN",),
)
def lent_envelope_and_own_from(w: World) -> Steps:
    w.allow()
    mine = {"From": f"me@{own_domain(w)}"}
    yield lambda: w.smtp(w.sender, mine, mail_from=f"bounce@{w.domain}")
    field = newest_mend(w, "sender")["parameter"]
    yield lambda: w.smtp(w.sender, mine | {field: w.arn}, mail_from=f"bounce@{w.domain}")


@case(
    seen="a Sender field that is lent, beside a From and MAIL FROM of one's own",
    code="SA101",
    says=("news@{domain}",),
    mend=("leave Sender out", "no field can name", "--as"),
)
def lent_sender_beside_own_from(w: World) -> Steps:
    w.allow()
    mine = f"me@{own_domain(w)}"
    fields = {"From": mine}
    yield lambda: w.smtp(w.sender, fields | {"Sender": f"news@{w.domain}"}, mail_from=mine)
    yield lambda: w.smtp(w.sender, fields, mail_from=mine)


@case(
    seen="a Sender field and MAIL FROM that are lent, beside a From of one's own",
    code="SA101",
    says=("lends it to you",),
    mend=("`{arn}` in X-SES-SOURCE-ARN",),
)
def lent_sender_and_envelope(w: World) -> Steps:
    w.allow()
    fields = {"From": f"me@{own_domain(w)}", "Sender": f"news@{w.domain}"}
    yield lambda: w.smtp(w.sender, fields)
    field = newest_mend(w, "sender")["parameter"]
    yield lambda: w.smtp(w.sender, fields | {field: w.arn})


@case(
    seen="magento-2-smtp#152: From is the visitor, MAIL FROM is in order",
    code="SA101",
    says=("visitor@mail.example",),
    mend=("Reply-To", "X-SES-FROM-ARN"),
)
def visitor_in_from(w: World) -> Steps:
    own = f"support@{own_domain(w)}"
    yield lambda: w.smtp(w.sender, {"From": "Visitor <visitor@mail.example>"}, mail_from=own)
    yield lambda: w.smtp(w.sender, {"From": own, "Reply-To": "visitor@mail.example"}, mail_from=own)


@case(
    seen="Return-Path of one's own and From lent, in one raw message without ARNs",
    code="SA101",
    says=("lends it to you",),
    mend=("`{arn}` in SourceArn",),
)
def own_return_path_field(w: World) -> Steps:
    w.allow()
    fields = {"Return-Path": f"<bounces@{own_domain(w)}>"}
    yield lambda: w.raw(w.sender, fields, SourceArn=None)
    yield lambda: w.raw(w.sender, fields, **{newest_mend(w, "sender")["parameter"]: w.arn})


@case(
    seen="SourceArn is of a domain that covers neither Source nor is the sender's",
    code="SA107",
    says=("does not cover", "bounces@"),
    mend=("an address that `{domain}` covers",),
)
def foreign_source_beside_lent_from(w: World) -> Steps:
    w.allow()
    yield lambda: w.raw(w.sender, Source="bounces@nobody.example")
    yield lambda: w.raw(w.sender, Source=f"bounces@{w.domain}")
