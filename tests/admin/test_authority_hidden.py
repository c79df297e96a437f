"""The authority report holds what others sent against the identity's policies, not the senders' own (I9)."""

from pathlib import Path

from sesame.access.identity_names import parse_identity_arn
from sesame.admin.delegates.authority import authority
from sesame.admin.delegates.history import history_of
from tests.support.documents import document
from tests.support.refusal_world import EVERYTHING, Case, World


def test_what_a_senders_own_policies_have_become_is_not_in_the_report(tmp_path: Path) -> None:
    world = World.open(tmp_path / "data")
    try:
        case = Case(world)
        case.account("owner"), case.account("sender")
        case.step("identity", "owner", "one.test")
        case.step("policy", "owner", "one.test", {"Principal": {"AWS": "<sender>"}})
        case.step("user", "sender", "robot", EVERYTHING)
        arn = case.arn("owner", "one.test")
        assert case.send({"as": "sender/robot", "from": "a@one.test", "arns": {"SourceArn": arn}}).code == ""
        told = []
        for _ in range(2):
            store, now = world.services.store, world.services.clock.now()
            report = world.run(
                authority(store, case.names["owner"], since=0.0, now=now, is_late=lambda: False)
            )
            history = world.run(history_of(store, parse_identity_arn(arn), since=0.0))
            told.append((report, history.sent, history.uses))
            iam = world.client("iam", case.keys["sender"])
            iam.delete_user_policy(UserName="robot", PolicyName="own")
            iam.put_user_policy(
                UserName="robot",
                PolicyName="own",
                PolicyDocument=document(EVERYTHING | {"Effect": "Deny"}),
            )
        assert told[0] == told[1]
        [did] = told[0][0].identities[0].did
        assert did.is_allowed
    finally:
        world.close()
