"""What the hold-out needs beside `refusal_world`: groups, services, keys that are off, bulk and templates of v2."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sesame.policy.reasons.edits import edited
from tests.support.clock import FakeClock
from tests.support.documents import document
from tests.support.process import Account
from tests.support.refusal_world import REGION, TO, Case, Outcome


@dataclass
class Reported(Case):
    """One case of the hold-out at work."""

    def fill(self, value: Any) -> Any:
        """Also `<key:sender/robot>`, that principal's access key id."""
        value = super().fill(value)
        if isinstance(value, str):
            for name, keys in self.keys.items():
                value = value.replace(f"<key:{name}>", keys.access_key_id)
        return value

    def _group(self, account: str, name: str, user: str, *statements: dict[str, Any]) -> None:
        iam = self.world.client("iam", self.account(account))
        iam.create_group(GroupName=name)
        iam.put_group_policy(GroupName=name, PolicyName="of-group", PolicyDocument=document(*statements))
        iam.add_user_to_group(GroupName=name, UserName=user)

    def _managed(self, account: str, user: str, *statements: dict[str, Any]) -> None:
        iam = self.world.client("iam", self.account(account))
        made = iam.create_policy(PolicyName="managed", PolicyDocument=document(*statements))
        iam.attach_user_policy(UserName=user, PolicyArn=made["Policy"]["Arn"])

    def _user_with(self, account: str, name: str, whole: dict[str, Any]) -> None:
        self._user(account, name)
        iam = self.world.client("iam", self.account(account))
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(whole))

    def _remake_role(self, account: str, name: str, statements: list[Any]) -> None:
        root = self.account(account)
        iam = self.world.client("iam", root)
        trust = {"Effect": "Allow", "Principal": {"AWS": root.account_id}, "Action": "sts:AssumeRole"}
        iam.delete_role_policy(RoleName=name, PolicyName="own")
        iam.delete_role(RoleName=name)
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
        self._session(account, name, "again", made["Role"]["Arn"])

    def _default_set(self, account: str, identity: str, name: str) -> None:
        self.world.client("sesv2", self.account(account)).put_email_identity_configuration_set_attributes(
            EmailIdentity=identity, ConfigurationSetName=name
        )

    def _call_in(
        self, region: str, account: str, service: str, operation: str, parameters: dict[str, Any]
    ) -> None:
        getattr(self.world.client(service, self.account(account), region), operation)(**parameters)

    def _service(self, name: str) -> None:
        if self.world.service is None:
            made = self.world.run(self.world.services.service_principals.create(name))
            self.world.service = Account("", made.access_key_id, made.secret_access_key)
        self.keys["service"] = self.world.service

    def _key_off(self, account: str, user: str) -> None:
        iam = self.world.client("iam", self.account(account))
        key = self.keys[f"{account}/{user}"].access_key_id
        iam.update_access_key(UserName=user, AccessKeyId=key, Status="Inactive")

    def _first(self, wanted: Mapping[str, Any]) -> None:
        assert self.send(wanted).code == ""

    def send(self, wanted: Mapping[str, Any]) -> Outcome:
        """Also with a clock that is off, or without a session's token."""
        keys = self.keys.get(wanted["as"])
        clock = self.world.services.clock
        assert isinstance(clock, FakeClock)
        off = wanted.get("clock", 0)
        if wanted.get("no_token") and keys is not None:
            self.keys[wanted["as"]] = replace(keys, session_token=None)
        clock.advance(off)
        try:
            return super().send(wanted)
        finally:
            clock.advance(-off)
            if keys is not None:
                self.keys[wanted["as"]] = keys

    def _send_api(self, door: str, given: Mapping[str, Any]) -> Any:
        keys, region = self.keys[given["as"]], given.get("region", REGION)
        if given["as"] == "service":
            self._act_for(keys, given["for"])
        if door not in ("v2bulk", "v2templated"):
            return super()._send_api(door, given)
        sesv2 = self.world.client("sesv2", keys, region)
        template = {"TemplateName": given["template"], "TemplateData": "{}"}
        to = {"ToAddresses": [given.get("to", TO)]}
        common = {"FromEmailAddress": given["from"], **given.get("arns", {})}
        if door == "v2templated":
            return sesv2.send_email(Destination=to, Content={"Template": template}, **common)
        answer = sesv2.send_bulk_email(
            DefaultContent={"Template": template}, BulkEmailEntries=[{"Destination": to}], **common
        )
        return {"MessageId": answer["BulkEmailEntryResults"][0]["MessageId"]}

    def _act_for(self, keys: Account, account: str) -> None:
        self.world.clients.clear()
        for service in ("ses", "sesv2"):
            client = self.world.client(service, keys)

            def add(request: Any, **_: Any) -> None:
                request.headers["x-amz-source-account"] = self.account(account).account_id

            client.meta.events.register("before-sign.*.*", add)

    def _raw(self, given: Mapping[str, Any]) -> bytes:
        made = super()._raw(given)
        return made.replace(b"\r\n\r\nt", f"\r\n\r\n{given['body']}".encode(), 1) if "body" in given else made

    def _mend_set_clock(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        assert (
            abs(abs(mend["off_s"]) - sends["clock"]) < 300
        )  # boto3 has the real time, the server that of its start
        del sends["clock"]

    def _mend_drop_parameter(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        if mend["parameter"] == "FeedbackForwardingEmailAddress":
            sends.pop("return_path")
        super()._mend_drop_parameter(mend, sends)

    def _mend_change_statement(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        group, is_of_group, policy = mend["policy"].partition("/")
        if not is_of_group or group.startswith("arn:"):
            changes = [
                one | {"with": "2000-01-01T00:00:00Z"} if "Greater" in one.get("operator", "") else one
                for one in mend["changes"]
            ]
            super()._mend_change_statement({**mend, "changes": changes}, sends)
            return
        iam = self.world.client("iam", self.account(sends["as"].partition("/")[0]))
        named = {"GroupName": group, "PolicyName": policy}
        text = json.dumps(iam.get_group_policy(**named)["PolicyDocument"])
        iam.put_group_policy(**named, PolicyDocument=edited(text, mend["statement"], mend["changes"]))

    def _mend_new_key(self, mend: Mapping[str, Any], sends: dict[str, Any]) -> None:
        sends.pop("no_token", None)
        super()._mend_new_key(mend, sends)
