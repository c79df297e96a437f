"""What is taken of a From goes out with one mailbox for every reader (I7): the library, nodemailer, a naive one."""

import email.policy
import json
import random
import shutil
import subprocess
from email.utils import getaddresses, parseaddr
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sesame.mail import encoded_words
from sesame.mail.address import AddressError, parse_mailbox
from tests.support.patience import PATIENCE_S

CLIENTS = Path(__file__).resolve().parents[1] / "clients"

READ_BY_NODE = """
const parse = require('nodemailer/lib/addressparser');
let text = '';
process.stdin.on('data', piece => { text += piece; });
process.stdin.on('end', () => console.log(JSON.stringify(
  JSON.parse(text).map(value => parse(value, {flatten: true}).map(found => found.address)))));
"""


def read_by_nodemailer(values: list[str]) -> list[list[str]]:
    """The addresses that nodemailer finds in each value."""
    ran = subprocess.run(
        ["node", "-e", READ_BY_NODE], input=json.dumps(values), cwd=CLIENTS, text=True,
        capture_output=True, check=True, timeout=PATIENCE_S,
    )  # fmt: skip
    return json.loads(ran.stdout)  # type: ignore[no-any-return]


TAKEN = [
    *(f"{name} <me@b.example>" for name in (
        "me@b.example", "Sam Roe at sam@mail.example", '"Sam Roe" at sam@mail.example', "a@b.example c@d.example",
        "=?UTF-8?Q?J=C3=BCrgen_=28j=40mail.example=29?=", '"Jürgen Müller (j@mail.example) via Forum"',
        "jürgen@mail.example", '"Jürgen,j@mail.example;é"', '"é:j@mail.example,"', "(j@mail.example)",
        "A (b) C ((d)) (é)",
        "=?gb2312?B?1uzpRrv5?=", "=?utf-8?Q?J=FCrgen?=", "=?x-unknown?Q?Jurgen?=", "=?iso-8859-8-i?B?+ezl7Q==?=",
        "=?Shift_JIS?B?h0Du4Iu0?=", "=?UTF-8?B?SsO8csM=?=", '"=?x-unknown?Q?a,b?="', "=?utf-8?Q?a=2Cb=3Bc=3Ad?=",
        '"a, b; c: d" (x, y)', "[x] 'y@z.example'", "=?utf-7?Q?+2AA-?=", "=?utf-8?Q?A?= =?x-unknown?Q?J?= B",
    )),
    "me@b.example (Cron Daemon)", "(Root, of all) me@b.example", "me@b.example (root@host.example)",
    "me@b.example (a (b) c) (=?utf-8?Q?=C3=A9=40x.example?=)",
]  # fmt: skip


def readings(value: str) -> dict[str, list[str]]:
    """The addresses in a From field's value, by reader; some decode first."""
    decoded = encoded_words.decode_what_can_be(value)  # what does not decode is shown as it is written
    header = email.message_from_string(f"From: {value}\n\n", policy=email.policy.default)["From"]
    return {
        "getaddresses": [address for _, address in getaddresses([value])],
        "parseaddr": [parseaddr(value)[1]],
        "email.policy": [address.addr_spec for address in header.addresses],
        "decoding first": [address for _, address in getaddresses([decoded])]
        if "@" in decoded.rpartition("<")[0]
        else [address for _, address in getaddresses([value])],
    }


def written_values() -> list[str]:
    """What goes out for the cases, and for as many random names as are taken of some thousands."""
    rng = random.Random(1)
    names = ["".join(rng.choices(PIECES_OF_NAMES, k=rng.randint(1, 6))) for _ in range(6_000)]
    values = [parse_mailbox(text).text for text in TAKEN]
    for name in names:
        try:
            values.append(parse_mailbox(f"{name} <me@b.example>").text)
        except AddressError:
            pass
    assert len(values) > 500
    return values


@pytest.mark.parametrize("text", TAKEN)
def test_what_is_taken_goes_out_with_one_mailbox_for_every_reader_in_python(text: str) -> None:
    value = parse_mailbox(text).text
    assert parse_mailbox(value).text == value
    assert value.isascii()
    try:
        assert readings(value) == {key: ["me@b.example"] for key in readings(value)}
    except (LookupError, UnicodeError):  # a word that this reader cannot decode: it reads as written
        assert [address for _, address in getaddresses([value])] == ["me@b.example"]


@pytest.mark.skipif(shutil.which("node") is None or not (CLIENTS / "node_modules/nodemailer").exists(),
                    reason="needs node and nodemailer")  # fmt: skip
def test_what_is_taken_goes_out_with_one_mailbox_for_nodemailer() -> None:
    values = written_values()
    assert dict(zip(values, read_by_nodemailer(values), strict=True)) == {
        key: ["me@b.example"] for key in values
    }


PIECES_OF_NAMES = (
    "Ann", "é", " ", "@", "x@y.example", "(", ")", "(via z@y.example)", ",", ";", ":", "=?utf-8?Q?=C3=A9=40?=",
    "=?x-unknown?Q?J?=", '"', "\\", "[", "]", ".", "<", ">", "=?utf-8?Q?=FF?=", "ü@ö.example", "=?utf-8?B?PGE=?=",
)  # fmt: skip
NAME_PIECES = st.sampled_from(PIECES_OF_NAMES)


@given(st.lists(NAME_PIECES, max_size=8).map("".join), st.booleans())
@example("=?utf-8?Q?=FF?= =?utf-8?Q?=C3=A9=40?==?utf-8?Q?=C3=A9=40?==?utf-8?Q?=FF?=", False)
def test_any_name_goes_out_with_one_mailbox_for_every_reader(name: str, is_comment: bool) -> None:
    try:
        mailbox = parse_mailbox(f"me@b.example ({name})" if is_comment else f"{name} <me@b.example>")
    except AddressError:
        return
    try:
        found = readings(mailbox.text)
    except (LookupError, UnicodeError):
        found = {"getaddresses": [address for _, address in getaddresses([mailbox.text])]}
    assert found == {key: ["me@b.example"] for key in found}, mailbox.text
    assert parse_mailbox(mailbox.text).text == mailbox.text
