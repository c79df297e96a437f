"""Set-ups with a managed policy that is right and not in force."""

from tests.story.misconfigured.world import Steps, World, case, document

_SEND = {"Effect": "Allow", "Resource": "*"}


@case(
    seen="a managed policy mended by create-policy-version without --set-as-default",
    code="SA301",
    says=("version v2 of `arn:aws:iam::{sender}:policy/ses-sender` allows it, and v1 is the default",),
    mend=(
        "aws iam set-default-policy-version --policy-arn arn:aws:iam::{sender}:policy/ses-sender --version-id v2",
    ),
)
def version_that_is_not_the_default(w: World) -> Steps:
    w.allow()
    user, iam = w.user("app"), w.client("iam", w.sender)
    text = document(_SEND | {"Action": "ses:SendEmail"})
    arn = iam.create_policy(PolicyName="ses-sender", PolicyDocument=text)["Policy"]["Arn"]
    iam.attach_user_policy(UserName="app", PolicyArn=arn)
    more = document(_SEND | {"Action": ["ses:SendEmail", "ses:SendRawEmail"]})
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=more, SetAsDefault=False)
    yield lambda: w.raw(user)
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    yield lambda: w.raw(user)


@case(
    seen="terraform: aws_iam_policy without its attachment",
    code="SA205|SA206",
    says=("`arn:aws:iam::{sender}:policy/ses-sender` allows it, and is attached to nobody",),
    mend=("aws iam attach-user-policy --user-name app --policy-arn arn:aws:iam::{sender}:policy/ses-sender",),
)
def policy_without_its_attachment(w: World) -> Steps:
    w.allow()
    user, iam = w.user("app"), w.client("iam", w.sender)
    text = document(_SEND | {"Action": "ses:SendRawEmail"})
    arn = iam.create_policy(PolicyName="ses-sender", PolicyDocument=text)["Policy"]["Arn"]
    yield lambda: w.raw(user)
    iam.attach_user_policy(UserName="app", PolicyArn=arn)
    yield lambda: w.raw(user)
