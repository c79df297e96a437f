"""Names that Sesame draws."""

import re
import secrets
import uuid

import pytest

from sesame.ids import Ids


def test_message_ids_have_the_shape_of_ses_and_tell_their_time() -> None:
    message_id = Ids(secrets.token_bytes).message_id(1_700_000_000.125)
    assert re.fullmatch(
        r"0100018bcfe5687d-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}-000000",
        message_id,
    )


@pytest.mark.parametrize(
    ("region", "digits"),
    [("eu-central-1", "0107"), ("us-east-2", "010f"), ("us-east-1", "0100"), ("sa-east-1", "0100")],
)
def test_message_ids_begin_with_their_region_as_far_as_its_digits_are_known(region: str, digits: str) -> None:
    assert Ids(secrets.token_bytes).message_id(1.0, region).startswith(f"{digits}0000000003e8-")


def test_request_ids_are_random_uuids() -> None:
    ids = Ids(secrets.token_bytes)
    drawn = {ids.request_id() for _ in range(2000)}
    assert len(drawn) == 2000
    assert {(uuid.UUID(one).version, uuid.UUID(one).variant) for one in drawn} == {(4, uuid.RFC_4122)}


def test_no_byte_is_given_out_twice() -> None:
    """Names are cut from a pool; the pieces never overlap, also over its end."""
    counter = iter(range(1 << 30))
    ids = Ids(lambda count: b"".join(next(counter).to_bytes(4, "big") for _ in range(count // 4)))
    drawn = [int(ids.hex(8), 16) for _ in range(5000)]
    assert drawn == sorted(set(drawn))


def test_keys_and_tokens_have_their_lengths_and_alphabets() -> None:
    ids = Ids(secrets.token_bytes)
    assert re.fullmatch(r"[A-Z2-7]{17}", ids.name(17))
    assert re.fullmatch(r"[a-z2-7]{32}", ids.dkim_token())
    assert re.fullmatch(r"[A-Za-z0-9+/]{40}", ids.secret_access_key())
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", ids.token())
    assert re.fullmatch(r"[0-9]{11}", ids.digits(11))
    assert re.fullmatch(r"[0-9a-f]{5}", ids.hex(5))
