"""Set-ups with addresses that differ from message to message, or are written as no message has them."""

import json
from typing import Any

from tests.story.misconfigured.envelopes import own_domain
from tests.story.misconfigured.guards import changed_by_owner, newest_mend
from tests.story.misconfigured.world import Steps, World, case

_ANN, _BOB = "bounces-7+ann=corp.test", "bounces-7+bob=other.test"


def _verp(w: World, local: str) -> Any:
    return w.simple(w.sender, ReturnPath=f"{local}@{w.domain}", ReturnPathArn=w.arn)


@case(
    seen="a return path that names its recipient, and a pattern that is for those of another program",
    code="SA401",
    reader="owner",
    says=("`bounce+*@{domain}`", "bounces-7+ann=corp.test@{domain}"),
    mend=("add `bounces-*@{domain}` to StringLike", "VERP", "every return path like"),
)
def return_path_of_each_recipient(w: World) -> Steps:
    w.allow(Condition={"StringLike": {"ses:FeedbackAddress": f"bounce+*@{w.domain}"}})
    yield from changed_by_owner(w, lambda: _verp(w, _ANN))
    assert w.refusal(lambda: _verp(w, _BOB)).text == "accepted", "the next recipient is refused again"


@case(
    seen="a return path that names its recipient, under equality",
    code="SA401",
    reader="owner",
    says=("equal to `bounces@{domain}`",),
    mend=('"StringLike":{{"ses:FeedbackAddress":"bounces-*@{domain}"', "every return path like"),
)
def return_path_of_each_recipient_under_equality(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:FeedbackAddress": f"bounces@{w.domain}"}})
    yield lambda: _verp(w, _ANN)
    w.client("ses", w.owner).put_identity_policy(
        Identity=w.domain,
        PolicyName="each",
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [newest_mend(w, "owner")["statement"]]}),
    )
    assert w.refusal(lambda: _verp(w, _BOB)).text == "accepted", "the next recipient is refused again"
    yield lambda: _verp(w, _ANN)


@case(
    seen="a domain in Unicode in the pattern of a policy",
    code="SA401",
    reader="owner",
    says=("Punycode", "it is `xn--mnchen-3ya.{domain}`"),
    mend=("write `*@xn--mnchen-3ya.{domain}` in place of `*@münchen.{domain}`",),
)
def pattern_in_unicode(w: World) -> Steps:
    w.allow(Condition={"StringLike": {"ses:FromAddress": f"*@münchen.{w.domain}"}})
    yield from changed_by_owner(w, lambda: w.simple(w.sender, Source=f"me@xn--mnchen-3ya.{w.domain}"))
    assert w.refusal(lambda: w.simple(w.sender, Source=f"you@xn--mnchen-3ya.{w.domain}")).text == "accepted"


@case(
    seen="ses:ApiVersion as it stands in the names of libraries",
    code="SA401",
    reader="owner",
    says=("the versions of the API are `1` and `2`",),
    mend=("add `2` to StringEquals ses:ApiVersion",),
)
def version_of_the_api_with_a_v(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:ApiVersion": "v2"}})
    yield from changed_by_owner(w, lambda: w.v2(w.sender))


def _with_lent_return_path(w: World) -> Any:
    mail: dict[str, Any] = {
        "Source": f"me@{own_domain(w)}",
        "SourceArn": None,
        "ReturnPath": f"bounces@{w.domain}",
    }
    return w.simple(w.sender, ReturnPathArn=w.arn, **mail)


_RESTS = "Return-Path `bounces@{domain}` rests on `{arn}`, and From does not"


@case(
    seen="From of one's own, a return path that is lent, and a policy for what is sent from the owner's domain",
    code="SA401",
    says=("ses:FromAddress", _RESTS),
    mend=("a return path that does not rest on this identity",),
)
def lent_return_path_under_a_condition_on_from(w: World) -> Steps:
    w.allow(Condition={"StringLike": {"ses:FromAddress": f"*@{w.domain}"}})
    yield lambda: _with_lent_return_path(w)
    yield lambda: w.simple(w.sender, Source=f"me@{own_domain(w)}", SourceArn=None)


@case(
    seen="the same, as the owner reads it",
    code="SA401",
    reader="owner",
    says=("ses:FromAddress", _RESTS),
    mend=("put a policy on", '"ses:FeedbackAddress":"bounces@{domain}"'),
)
def lent_return_path_as_the_owner_reads_it(w: World) -> Steps:
    w.allow(Condition={"StringLike": {"ses:FromAddress": f"*@{w.domain}"}})
    yield lambda: _with_lent_return_path(w)
    told = newest_mend(w, "owner")
    assert "the sender sends as" not in told["text"], told
    policy = {"Version": "2012-10-17", "Statement": [told["statement"]]}
    w.client("ses", w.owner).put_identity_policy(
        Identity=w.domain, PolicyName="return-path", Policy=json.dumps(policy)
    )
    yield lambda: _with_lent_return_path(w)
