"""Set-ups in which one ARN goes before another that is right, and neither is seen to be wrong by itself."""

from typing import Any

from tests.story.misconfigured.world import MAY_SEND, Steps, World, case, document


def _second_owner(w: World) -> tuple[str, str]:
    """Another owner's domain that is lent to the sender too: its name and ARN."""
    owner, name = w.sesame.create_account(), f"lists-{w.domain}"
    arn = w.sesame.vouch(owner, name)
    w.client("ses", owner).put_identity_policy(
        Identity=name,
        PolicyName="zqowner",
        Policy=document(w.statement(Resource=arn)),
    )
    return name, arn


@case(
    seen="a raw message of v1 with its X-SES fields, sent by v2, whose parameter names the ARN of the list host",
    code="SA107",
    says=(
        "`ceo@{domain}`",
        "FromEmailAddressIdentityArn goes before X-SES-FROM-ARN, which names `{arn}`",
    ),
    mend=("leave FromEmailAddressIdentityArn out", "`{arn}` in X-SES-FROM-ARN", "in X-SES-SOURCE-ARN"),
)
def parameter_of_v2_for_two_owners(w: World) -> Steps:
    w.allow()
    lists, arn = _second_owner(w)
    fields = {"From": f"ceo@{w.domain}", "X-SES-FROM-ARN": w.arn, "X-SES-SOURCE-ARN": arn}
    sent: dict[str, Any] = {
        "FromEmailAddress": f"bounce@{lists}",
        "Content": {"Raw": {"Data": w.message(fields)}},
    }
    yield lambda: w.v2(w.sender, **sent, FromEmailAddressIdentityArn=arn)
    yield lambda: w.v2(w.sender, **sent, FromEmailAddressIdentityArn=None)


@case(
    seen="a mailer that always gives SourceArn, and a template of the message that has the field",
    code="SA107",
    says=("SourceArn goes before X-SES-SOURCE-ARN, which names `{arn}`",),
    mend=("leave SourceArn out, or name `{arn}` in it",),
)
def source_arn_before_the_field(w: World) -> Steps:
    w.allow()
    _, other = _second_owner(w)
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.raw(w.sender, fields, SourceArn=other)
    yield lambda: w.raw(w.sender, fields, SourceArn=None)


@case(
    seen="an SMTP credential bound to one brand's domain, in a program that sends for the second brand too",
    code="SA102",
    says=("the message names no ARN, and the SMTP credential is bound to `{arn}`", "are covered"),
    mend=("sesame smtp credentials {sender} crm --key AKIA", "--as {arn} --as arn:", "X-SES-SOURCE-ARN"),
)
def credential_bound_to_one_owner(w: World) -> Steps:
    w.allow()
    brand, arn = _second_owner(w)
    user = w.user("crm", MAY_SEND)
    bind = ("smtp", "credentials", w.sender.account_id, "crm", "--key", user.access_key_id, "--as", w.arn)
    w.sesame.run(*bind)
    fields = {"From": f"hi@{brand}"}
    yield lambda: w.smtp(user, fields, mail_from=f"hi@{brand}")
    w.sesame.run(*bind, "--as", arn)
    yield lambda: w.smtp(user, fields, mail_from=f"hi@{brand}")
