"""Set-ups with several things wrong: what is named first leads on, and the text says what remains."""

from tests.story.misconfigured.world import MAY_SEND, Steps, World, case, document


@case(
    seen="the owner's Deny for everybody else, and no IAM policy of the sender's user",
    code="SA208",
    says=("denies",),
    mend=("change policy", "exempt `news@{domain}`", "user/app` by ArnNotEquals"),
    reader="owner",
    also=("SA206|SA205",),
)
def deny_of_the_owner_and_no_iam(w: World) -> Steps:
    user = w.user("app")
    w.allow()
    w.allow(
        name="deny", Effect="Deny", Principal="*", Condition={"StringLike": {"ses:FromAddress": "news@*"}}
    )
    yield lambda: w.simple(user)
    w.client("ses", w.owner).delete_identity_policy(Identity=w.domain, PolicyName="zqownerdeny")
    w.user_may("app", MAY_SEND)
    yield lambda: w.simple(user)


@case(
    seen="a Deny in IAM, and the owner has written no policy yet",
    code="SA208",
    says=("zqsender",),
    mend=("zqsender",),
    also=("SA201",),
)
def deny_in_iam_and_no_policy(w: World) -> Steps:
    deny = {"Effect": "Deny", "Action": "ses:SendRawEmail", "Resource": w.arn}
    user = w.user("app", MAY_SEND, deny)
    yield lambda: w.raw(user)
    w.user_may("app", MAY_SEND)
    w.allow()
    yield lambda: w.raw(user)


@case(
    seen="session policy, IAM and the owner's policy all lack it",
    code="SA201",
    says=("role/app",),
    mend=("{owner}",),
    also=("SA206|SA205", "SA207"),
)
def three_sides_lack_it(w: World) -> Steps:
    only = {"Effect": "Allow", "Action": "ses:GetSendQuota", "Resource": "*"}
    role = w.role("app", only)
    narrow = document(only)
    yield lambda: w.raw(w.session(role, Policy=narrow))
    w.role_may("app", MAY_SEND)
    w.allow()
    yield lambda: w.raw(w.session(role))


@case(
    seen="the sender has registered the owner's domain too, and never published its records",
    code="SA101",
    says=("Pending", "{owner}"),
    mend=("SourceArn", "{arn}"),
)
def own_pending_copy_of_a_lent_domain(w: World) -> Steps:
    w.allow()
    w.client("ses", w.sender).verify_domain_dkim(Domain=w.domain)
    yield lambda: w.simple(w.sender, SourceArn=None)
    yield lambda: w.simple(w.sender)


@case(
    seen="the policy names lambda.amazonaws.com, the function sends with its role",
    code="SA201",
    reader="owner",
    says=("lambda.amazonaws.com", "that is a service"),
    mend=("role/function",),
)
def service_in_place_of_the_role(w: World) -> Steps:
    role = w.role("function")
    w.allow(Principal={"Service": "lambda.amazonaws.com"})
    yield lambda: w.raw(w.session(role))
    w.allow(Principal={"AWS": role})
    yield lambda: w.raw(w.session(role))


@case(
    seen="aws:SourceArn of the function is asked for, which only services carry",
    code="SA401",
    reader="owner",
    says=("aws:SourceArn", "only a service"),
    mend=("aws:PrincipalArn", "role/function", "in place of its ArnLike on aws:SourceArn"),
)
def source_arn_of_a_function(w: World) -> Steps:
    role = w.role("function")
    function = f"arn:aws:lambda:us-east-1:{w.sender.account_id}:function:mailer"
    w.allow(Condition={"ArnLike": {"aws:SourceArn": function}})
    yield lambda: w.raw(w.session(role))
    w.allow()
    yield lambda: w.raw(w.session(role))


@case(
    seen="aws:PrincipalOrgID, as in the samples for organizations",
    code="SA401",
    reader="owner",
    says=("aws:PrincipalOrgID", "no request here carries"),
    mend=("aws:PrincipalOrgID",),
)
def organization(w: World) -> Steps:
    w.allow(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})
    yield lambda: w.simple(w.sender)
    w.allow(Principal={"AWS": w.sender.account_id})
    yield lambda: w.simple(w.sender)


@case(
    seen="Null: the display name must be there",
    code="SA401",
    reader="owner",
    says=("ses:FromDisplayName",),
    mend=("display name in From: any value",),
)
def display_name_must_be_there(w: World) -> Steps:
    w.allow(Condition={"Null": {"ses:FromDisplayName": "false"}})
    yield lambda: w.simple(w.sender)
    yield lambda: w.simple(w.sender, Source=f"Shop <news@{w.domain}>")
