"""The table of condition keys: every served action has its row, every key of it is known to the language."""

import pytest

from sesame.aws.model import ServiceModel
from sesame.policy.language.action_keys import ABSENT, ACTIONS
from sesame.policy.language.vocabulary import KEYS_OF_OTHER_ACTIONS, find_key, is_unknown_key

SIGNING_NAMES = {"ses": "ses", "sesv2": "ses", "iam": "iam", "sns": "sns", "sts": "sts", "sesame": "sesame"}


DECIDED_AS_ANOTHER = {"sns:publishbatch"}
"""Operations that are not actions: PublishBatch is decided as `sns:Publish`."""


@pytest.mark.parametrize("service", SIGNING_NAMES)
def test_every_served_operation_has_a_row(service: str) -> None:
    asked = {f"{SIGNING_NAMES[service]}:{name}".lower() for name in ServiceModel.load(service).operations}
    assert asked - ACTIONS.keys() - DECIDED_AS_ANOTHER == set()


def test_a_key_of_the_table_is_sent_or_absent_with_its_reason() -> None:
    keys = {key.replace("*", "x") for action in ACTIONS.values() for key in action.keys}
    for name in keys:
        found = find_key(name)
        assert found is not None and not is_unknown_key(name), name
        assert found.is_sent is (name not in ABSENT), name


def test_a_key_of_a_served_service_that_stands_nowhere_is_not_understood() -> None:
    for name in KEYS_OF_OTHER_ACTIONS:
        found = find_key(name)
        assert found is not None and not found.is_sent
        assert not any(name in action.keys for action in ACTIONS.values())
    for name in ("iam:New", "SNS:new", "sts:New", "ses:ClickTrackingEnabled", "aws:New", "iam:ResourceTag/"):
        assert is_unknown_key(name), name
    # No service is named: AWS has no such key either.
    for name in ("SourceIp", "FromAddress", "", "aws", "*"):
        assert is_unknown_key(name), name
    for name in ("s3:prefix", "saml:aud", "accounts.google.com:sub"):
        assert not is_unknown_key(name), name
