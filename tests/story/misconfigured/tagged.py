"""Set-ups that ask for a tag of whoever sends, and the tag is on somebody else."""

from tests.story.misconfigured.world import Play, Steps, World, case

_TAGS = [{"Key": "team", "Value": "marketing"}]


def _on_the_user(name: str, reader: str, says: tuple[str, ...], mend: tuple[str, ...]) -> Play:
    """The tag is on the user that opens the session."""

    def play(w: World) -> Steps:
        w.allow(Condition={"StringEquals": {"aws:PrincipalTag/team": "marketing"}})
        iam, role = w.client("iam", w.sender), w.role("mailer")
        iam.tag_user(UserName="mailer-robot", Tags=_TAGS)
        yield lambda: w.simple(w.session(role))
        iam.tag_role(RoleName="mailer", Tags=_TAGS)
        yield lambda: w.simple(w.session(role))

    play.__name__ = name
    seen = "a condition on aws:PrincipalTag, and the tag on the user whose program assumes a role"
    return case(seen=seen, code="SA401", reader=reader, says=says, mend=mend)(play)


_on_the_user(
    "tag_on_the_user_that_assumes",
    "owner",
    ("aws:PrincipalTag/team",),
    ("role `arn:aws:iam::{sender}:role/mailer`", "not those of the user that opened it"),
)
_on_the_user(
    "tag_on_the_user_as_the_sender_reads_it",
    "sender",
    ("a tag", "a session carries the tags of its role", "not those of the user that opened it"),
    ("account {owner}",),
)
