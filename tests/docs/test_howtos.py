"""Every command of the README and the how-to pages works as printed, in the order of the page.

A page is one shell with a fresh server; what a block is not run for stands above it in a comment.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sesame import config
from sesame.server.tls import development_files
from tests.support import command
from tests.support.other_server import OtherServer, other_server
from tests.support.patience import PATIENCE_S
from tests.support.ports import free_ports
from tests.support.process import Account, SesameProcess, running, wait_until
from tests.support.signed_client import SignedClient, simple_email

ROOT = Path(__file__).resolve().parents[2]
HOWTO = ROOT / "docs" / "howto"
PAGES = sorted(HOWTO.glob("*.md"))
RUN = ("sh", "console", "python")
BLOCK = re.compile(
    r"(?:^<!-- (?P<comment>[^\n]*) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str
    comment: str


def blocks(page: Path) -> list[Block]:
    """The blocks of a page in order."""
    return [
        Block(match["language"], match["text"], match["comment"] or "")
        for match in BLOCK.finditer(page.read_text())
    ]


def script(found: list[Block]) -> str:
    """The blocks as one shell script that stops at the first command that fails."""
    lines = ["set -eu -o pipefail"]
    for number, block in enumerate(found):
        if block.language not in RUN or block.comment.startswith("not run:"):
            continue
        lines.append(f"echo '--- block {number}' >&2")
        if block.language == "python":
            lines.append(f"python3 - <<'END_OF_BLOCK'\n{block.text}END_OF_BLOCK")
        elif block.language == "console":
            lines.append(re.sub(r"^\$ ", "", block.text, flags=re.MULTILINE))
        else:
            lines.append(block.text)
    return "\n".join(lines)


def bash(text: str, cwd: Path, environ: dict[str, str]) -> str:
    """Run a script; what it printed."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SESAME_", "SMTP_"))}
    done = subprocess.run(
        ["bash", "-c", text], cwd=cwd, env=inherited | {"AWS_PAGER": "", "HOME": str(cwd)} | environ,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def program(path: Path, text: str) -> None:
    """Put an executable shell script at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nset -eu\n{text}\n")
    path.chmod(0o755)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SesameProcess]:
    """A server whose data directory is where the pages say, below where their commands run."""
    directory = tmp_path_factory.mktemp("pages")
    program(directory / "bin" / "sesame", command.text(directory))
    with command.answering(directory), running(directory / ".sesame") as process:
        yield process


def environ_of(server: SesameProcess, **more: str) -> dict[str, str]:
    bin_directory = server.data.parent / "bin"
    return {"PATH": f"{bin_directory}:{Path(sys.executable).parent}:{os.environ['PATH']}", **more}


ALLOW = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'


def as_account(server: SesameProcess, *identities: str) -> dict[str, str]:
    """A production account whose keys are in the environment, with a user `mailer`, and these identities."""
    account = server.create_account()
    for identity in identities:
        server.vouch(account, identity)
    iam = server.client("iam", account)
    iam.create_user(UserName="mailer")
    iam.put_user_policy(UserName="mailer", PolicyName="all", PolicyDocument=ALLOW)
    variables = server.run_json("env", account.account_id, "--key", account.access_key_id)
    return {"ACCOUNT": account.account_id, **variables}


def for_accounts(server: SesameProcess) -> dict[str, str]:
    return {"ACCOUNT": server.create_account(production=False).account_id}


def for_smtp(server: SesameProcess) -> dict[str, str]:
    found = as_account(server)
    owner = server.create_account()
    arn = server.vouch(owner, "example.com")
    allow = {
        "Effect": "Allow",
        "Action": "ses:SendRawEmail",
        "Resource": arn,
        "Principal": {"AWS": found["ACCOUNT"]},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": allow})
    server.client("ses", owner).put_identity_policy(Identity="example.com", PolicyName="p", Policy=policy)
    return {"ACCOUNT": found["ACCOUNT"], "OWNER": owner.account_id}


def for_roles(server: SesameProcess) -> dict[str, str]:
    owner, delegate = server.create_account(), server.create_account()
    server.vouch(owner, "example.com")
    return {"OWNER": owner.account_id, "DELEGATE": delegate.account_id}


def for_why(server: SesameProcess) -> dict[str, str]:
    """A sender who may send as news@ and has tried ceo@."""
    owner, sender = server.create_account(), server.create_account()
    arn = server.vouch(owner, "example.com")
    allow = {
        "Effect": "Allow",
        "Action": "ses:SendEmail",
        "Resource": arn,
        "Principal": {"AWS": sender.account_id},
        "Condition": {"StringEquals": {"ses:FromAddress": "news@example.com"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": allow})
    server.client("ses", owner).put_identity_policy(Identity="example.com", PolicyName="news", Policy=policy)
    with SignedClient(server.api, sender) as client:
        form = simple_email(source="ceo@example.com", SourceArn=arn)
        assert client.call("SendEmail", form).code == "AccessDenied"
    return {"SENDER": sender.account_id, "OWNER": owner.account_id}


def for_bounds(server: SesameProcess) -> dict[str, str]:
    """An owner whose keys are in the environment, who lends news@example.com to another account."""
    found = as_account(server, "example.com")
    delegate = server.create_account().account_id
    allow = {
        "Effect": "Allow",
        "Action": "ses:Send*",
        "Resource": f"arn:aws:ses:us-east-1:{found['ACCOUNT']}:identity/example.com",
        "Principal": {"AWS": delegate},
        "Condition": {"StringEquals": {"ses:FromAddress": "news@example.com"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": allow})
    owner = Account(found["ACCOUNT"], found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"])
    server.client("ses", owner).put_identity_policy(Identity="example.com", PolicyName="news", Policy=policy)
    return {"DELEGATE": delegate, **found}


def for_delegates(server: SesameProcess) -> dict[str, str]:
    """An owner of example.com, whose keys are in the environment, and a user of another account."""
    found = as_account(server, "example.com")
    delegate = server.create_account()
    user = server.client("iam", delegate).create_user(UserName="mailer")["User"]["Arn"]
    return found | {
        "IDENTITY": f"arn:aws:ses:us-east-1:{found['ACCOUNT']}:identity/example.com",
        "DELEGATE": user,
    }


WORLDS: dict[str, Callable[[SesameProcess], dict[str, str]]] = {
    "accounts": for_accounts,
    "audit": as_account,
    "bounds": for_bounds,
    "bounces": lambda server: as_account(server, "news@example.com"),
    "configuration-sets": as_account,
    "custom-verification": lambda server: as_account(server, "hello@example.com"),
    "delegates": for_delegates,
    "dns": lambda server: as_account(server, "example.com"),
    "egress": as_account,
    "notifications": lambda server: as_account(server, "example.com"),
    "roles-and-services": for_roles,
    "smtp": for_smtp,
    "templates": lambda server: as_account(server, "news@example.com"),
    "why": for_why,
}


def test_every_page_is_run() -> None:
    assert {page.stem for page in PAGES} == {
        *WORLDS,
        "production",
        "console",
    }  # the console is tried in a browser
    for page in (ROOT / "README.md", *PAGES):
        for block in blocks(page):
            assert block.language in {*RUN, "toml", "text", "ini", "json"}, (page.name, block.text)


@pytest.mark.parametrize("name", sorted(WORLDS))
def test_a_page_works_as_printed(name: str, server: SesameProcess) -> None:
    cwd = server.data.parent
    before = len(server.mail())
    printed = bash(script(blocks(HOWTO / f"{name}.md")), cwd, environ_of(server, **WORLDS[name](server)))
    sends = {
        "bounces": 3,
        "custom-verification": 1,
        "delegates": 1,
        "notifications": 3,
        "roles-and-services": 2,
        "smtp": 2,
        "templates": 1,
    }
    wait_until(lambda: len(server.mail()) == before + sends.get(name, 0))
    if name == "accounts":
        assert (cwd / ".env").read_text().startswith("AWS_ENDPOINT_URL=")
        assert '"Max24HourSend": 50000.0' in printed
    if name == "audit":
        assert "VerifyDomainIdentity" in printed and printed.endswith("no heads kept elsewhere: whole\n")
    if name == "why":
        page = (HOWTO / "why.md").read_text()
        for line in re.findall(r"^(SA401 .*|    fix: .*)$", page, re.MULTILINE):
            of_this_run = r"account [0-9]{12}|`[0-9a-f-]{36}`"
            assert re.sub(of_this_run, "", line.strip()) in re.sub(of_this_run, "", printed)
    if name == "delegates":
        assert "\nsent: " in printed
        assert (cwd / "authority.html").read_text().startswith("<!doctype html>")
    if name == "dns":
        assert "autumn._domainkey.example.com" in printed


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "```toml" in page.read_text()], ids=lambda page: page.stem
)
def test_the_settings_on_a_page_are_accepted(page: Path, tmp_path: Path) -> None:
    _, chain, key = development_files(tmp_path / "tls", ["localhost"], now=1.8e9)
    for number, block in enumerate(block for block in blocks(page) if block.language == "toml"):
        text = block.text.replace("/etc/sesame/tls/fullchain.pem", str(chain))
        text = text.replace("/mnt/audit/", f"{tmp_path}/").replace("/etc/sesame/relay-password", str(key))
        file = tmp_path / f"{number}.toml"
        file.write_text(text.replace("/etc/sesame/tls/privkey.pem", str(key)))
        config.load(file, environ={})


# The walk of the README.


def the_walk() -> str:
    [walk] = [block.text for block in blocks(ROOT / "README.md") if block.comment == "example: walk"]
    return walk


@pytest.mark.parametrize("way", ["a file", "a prompt"])
def test_the_walk_runs_from_a_file_and_pasted_into_a_prompt(way: str, tmp_path: Path) -> None:
    with running(tmp_path / ".sesame") as server:
        (tmp_path / "walk.py").write_text(the_walk())
        command = "python3 walk.py" if way == "a file" else "python3 -i < walk.py"
        credentials = {
            "AWS_SHARED_CREDENTIALS_FILE": str(server.data / "credentials"),
            "AWS_ENDPOINT_URL": server.api,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        printed = bash(f"{command} 2>&1", tmp_path, environ_of(server, **credentials))
        assert "Traceback" not in printed and "SyntaxError" not in printed
        refused, accepted = re.findall(r"(refused: |accepted:) ", printed)
        assert (refused, accepted) == ("refused: ", "accepted:")
        wait_until(server.mail)
        for line in ("mail show latest", f"trace {printed.rpartition('accepted: ')[2].split()[0]}"):
            assert server.run(*line.split()).stdout


def test_the_walks_policy_lets_smtp_in_too() -> None:
    assert '"ses:SendRawEmail"' in the_walk()


# Production, on a machine of its own: the paths lead into a directory, and what only root may do is played.


@dataclass(frozen=True, slots=True)
class Machine:
    """Directories and ports of the machine that the page sets up."""

    root: Path
    environ: dict[str, str]

    def here(self, text: str) -> str:
        """What the page says, with its paths and addresses on this machine."""
        for path in ("/etc/", "/var/", "/opt/", "/root/"):
            text = re.sub(rf"(?<![\w.-]){path}", f"{self.root}{path}", text)
        return text.replace("https://ses.example.net/", f"{self.environ['SESAME_API__PUBLIC_URL']}/")


@pytest.fixture
def stranger() -> Iterator[OtherServer]:
    with other_server() as one:
        yield one


@pytest.fixture
def machine(tmp_path: Path, stranger: OtherServer) -> Iterator[Machine]:
    api, smtp, smtps = free_ports(3)
    ca, chain, key = development_files(tmp_path / "ca", ["localhost"], now=time.time())
    bin_directory, root = tmp_path / "bin", tmp_path / "machine"
    environ = {
        "PATH": f"{bin_directory}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "AWS_CA_BUNDLE": str(ca), "CURL_CA_BUNDLE": str(ca), "AWS_DEFAULT_REGION": "us-east-1",
        "TLS_DIRECTORY": f"{root}/etc/sesame/tls", "TLS_OWNER": "sesame",
        "SESAME_CONFIG": f"{root}/etc/sesame/sesame.toml", "SESAME_API__PORT": str(api),
        "SESAME_API__LISTEN": "127.0.0.1", "SESAME_API__PUBLIC_URL": f"https://localhost:{api}",
        "SESAME_SUBMISSION__LISTEN": "127.0.0.1", "SESAME_SUBMISSION__PORTS": str(smtp),
        "SESAME_SUBMISSION__TLS_PORTS": str(smtps), "SESAME_DELIVERY__RELAY": f"localhost:{stranger.port}",
        "SESAME_DNS__RESOLVER": "local", "SESAME_HEALTH__PORT": "0",
    }  # fmt: skip
    here = Machine(root, environ)
    pid = tmp_path / "pid"
    program(bin_directory / "sudo", '[ "$1" = -u ] && shift 2\nexec env "$@"')
    for name in ("useradd", "apt-get"):
        program(bin_directory / name, ":")
    program(bin_directory / "certbot", f"d={root}/etc/letsencrypt/live/ses.example.net\nmkdir -p $d\n"
            f"cp {chain} $d/fullchain.pem\ncp {key} $d/privkey.pem")  # fmt: skip
    program(bin_directory / "git", f'[ "$1" != clone ] || {{ mkdir -p {root}/opt/sesame; cp -r {ROOT}/packaging'
            f" {root}/opt/sesame; }}")  # fmt: skip
    program(bin_directory / "make", f"mkdir -p {root}/opt/sesame/.venv/bin\n"
            f"cp {bin_directory}/installed {root}/opt/sesame/.venv/bin/sesame")  # fmt: skip
    program(bin_directory / "installed", f'exec {shlex.quote(sys.executable)} -m sesame.cli.main "$@"')
    program(bin_directory / "install", 'for a; do shift; case $a in -o|-g) skip=1;; *) [ "${skip:-}" ] && skip= ||'
            ' set -- "$@" "$a";; esac; done\nmkdir -p $(dirname "$(eval echo \\${$#})")\n'
            'exec /usr/bin/install "$@"')  # fmt: skip
    stop = f"kill $(cat {pid}); while kill -0 $(cat {pid}) 2>/dev/null; do sleep 0.05; done"
    start = (
        f"mkdir -p {root}/var/lib; rm -f {pid}.ready; {root}/opt/sesame/.venv/bin/sesame serve --ready-file {pid}.ready"
        f" >{tmp_path}/log 2>&1 </dev/null & echo $! >{pid}; n=0; until [ -e {pid}.ready ];"
        f" do n=$((n+1)); [ $n -lt 400 ] || {{ cat {tmp_path}/log; exit 1; }}; sleep 0.05; done"
    )
    program(bin_directory / "systemctl", f"case $1 in enable|start) {start};; stop) {stop};; restart) {stop}; {start};;"
            f" status) kill -0 $(cat {pid});; daemon-reload) test -e {root}/etc/systemd/system/sesame.service;;"
            " esac")  # fmt: skip
    (root / "etc/systemd/system").mkdir(parents=True)
    (root / "root").mkdir()
    try:
        yield here
        assert len(stranger.received) == 1, "the first message is at the stranger's server, once"
    finally:
        subprocess.run(["sh", "-c", f"[ ! -e {pid} ] || {{ {stop}; }}"], timeout=PATIENCE_S, check=False)


def test_the_way_to_production_ends_with_mail_at_a_strangers_server(machine: Machine) -> None:
    found = blocks(HOWTO / "production.md")
    settings = next(block for block in found if block.language == "toml")
    delivered = (
        "n=0; until sesame trace $ID | grep -q ': delivered'; do n=$((n+1)); [ $n -lt 400 ]; sleep 0.05; done"
    )
    steps = []
    for block in found:
        text = machine.here(block.text)
        if block is settings:
            text = f"cat > {machine.root}/etc/sesame/sesame.toml <<'END'\n{text}END\n"
        elif block.language == "toml":
            continue
        elif "get-identity-verification-attributes" in text:  # the owner publishes, and Sesame looks
            text = f"sesame dns publish example.com >/dev/null\n{text}"
        elif "send-email" in text:
            read = 'import json; print(json.load(open("answer.json"))["MessageId"])'
            text += f"ID=$(python3 -c '{read}')\n{delivered}\n"
        elif "sesame restore" in text:
            text += f"{delivered}\n"
        steps.append(replace(block, language="sh", text=text))
    printed = bash(script(steps), machine.root, machine.environ)
    assert "Success" in printed
    assert f"`{machine.root}/var/backups/sesame/" in printed and "is restored" in printed
    assert oct((machine.root / "var/lib/sesame").stat().st_mode & 0o777) == "0o700"
