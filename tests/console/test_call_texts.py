"""What the foot of a page writes of a call: names as clients have them, values that come through a shell unharmed."""

import ast
import json
import shlex
from pathlib import Path

import pytest
from botocore import xform_name

import sesame.aws
from sesame.console.calls import call, sample, snake, snippet_of
from tests.console.hostile import HEADERS

MODELS = Path(sesame.aws.__file__).with_name("models")
SERVICES = ("ses", "sesv2", "iam", "sts", "sns", "sesame")
API, REGION = "http://127.0.0.1:8080", "us-east-1"


def test_names_are_those_that_clients_make_of_the_models() -> None:
    names: set[str] = set()
    for service in SERVICES:
        model = json.loads((MODELS / f"{service}.json").read_text())
        names |= set(model["operations"])
        names |= {name for shape in model["shapes"].values() for name in shape.get("members", ())}
    assert {"ListMFADevices", "AuthenticationCode1", "PolicyName"} < names
    for name in names:
        assert snake(name) == xform_name(name), name
        assert snake(name, "-") == xform_name(name, "-"), name


def read_command(text: str) -> dict[str, object]:
    """The options of a command, as a shell gives them to it."""
    words = shlex.split(text)
    found: dict[str, object] = {"": words[:3]}
    rest = words[3:]
    while rest:
        name = rest.pop(0)
        assert name.startswith("--"), name
        is_flag = not rest or (rest[0].startswith("--") and name not in ("--user-name",))
        found[name] = True if is_flag else rest.pop(0)
    return found


def read_program(text: str) -> dict[str, object]:
    """The arguments of the last call of a program."""
    last = ast.parse(text).body[-1]
    assert isinstance(last, ast.Expr) and isinstance(last.value, ast.Call)
    return {str(one.arg): ast.literal_eval(one.value) for one in last.value.keywords}


AWKWARD = [
    *HEADERS, "it's", 'a "b"', "$HOME `id` $(id) !!", "back\\slash", "-x", "--all", "file:///etc/passwd", "FILEB://x",
    "http://evil.example/x", "https://evil.example/x", "two\nlines", "\r\n", "", " ", "{}", "[1]", "a=b,c=d", "x\x00y",
    "é 漢字 \U0001f600", "\ud800", "null", "true", "\xa0",
]  # fmt: skip


@pytest.mark.parametrize("value", AWKWARD)
def test_a_value_comes_through_as_it_is(value: str) -> None:
    text = snippet_of(sample("t", call("iam", "CreateUser", UserName=value)), api=API, region=REGION)
    assert read_program(text.boto3) == {"UserName": value}
    found = read_command(text.cli)
    assert found[""] == ["aws", "iam", "create-user"]
    given = found.get("--user-name")
    if given is None:
        given = json.loads(str(found["--cli-input-json"]))["UserName"]
    else:
        assert not value.lower().startswith(("-", "file", "http")), "the AWS CLI would look elsewhere"
    assert given == value
    assert found["--region"] == REGION and found["--endpoint-url"] == API
    for line in (text.cli, text.boto3):
        assert line.replace("\n", " ").isprintable(), "what is copied can be seen"


@pytest.mark.parametrize("value", AWKWARD)
def test_so_does_one_within_a_structure(value: str) -> None:
    made = call(
        "sesv2",
        "PutX",
        Name="n",
        Content={"Simple": [{value: value, "N": 1.5, "F": False}]},
        On=True,
        Off=False,
    )
    text = snippet_of(sample("t", made), api=API, region=REGION)
    content = {"Simple": [{value: value, "N": 1.5, "F": False}]}
    assert read_program(text.boto3) == {"Name": "n", "Content": content, "On": True, "Off": False}
    found = read_command(text.cli)
    assert json.loads(str(found["--content"])) == content
    assert found["--on"] is True and found["--no-off"] is True


def test_bytes_are_for_boto3_alone() -> None:
    """The versions of the AWS CLI read them in different ways."""
    made = call("sesv2", "SendEmail", Content={"Raw": {"Data": b"From: x\r\n\r\n\x00"}})
    text = snippet_of(sample("t", made), api=API, region=REGION)
    assert text.cli == ""
    assert read_program(text.boto3) == {"Content": {"Raw": {"Data": b"From: x\r\n\r\n\x00"}}}


def test_an_edit_is_written_as_the_operation_that_clients_have() -> None:
    made = call("edits", "UpdateEmailIdentityPolicy", EmailIdentity="example.com", BegunWith="x", Policy="{}")
    text = snippet_of(sample("t", made), api=API, region=REGION)
    assert text.cli.startswith(
        "aws sesv2 update-email-identity-policy --email-identity example.com --policy '{}'"
    )
    assert "BegunWith" not in text.boto3 and 'boto3.client("sesv2"' in text.boto3


def test_several_calls_are_lines_and_one_program() -> None:
    text = snippet_of(
        sample(
            "t", call("iam", "ListUsers"), call("sesv2", "GetAccount"), call("iam", "GetUser", UserName="a")
        ),
        api=API,
        region=REGION,
    )
    assert len(text.cli.splitlines()) == 3
    assert text.boto3.count("boto3.client(") == 2
    compile(text.boto3, "snippet", "exec")
