"""What stands in the foot of a page does what its form does: each call is run by boto3 and by the AWS CLI, unmodified.

Three accounts go the same way, one by the forms, one by the programs and one by the commands that its own pages show;
after each step the audit log of all three has the same rows.
"""

import html
import importlib
import json
import os
import re
import shlex
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import boto3
import botocore.session
import httpx
import pytest
from botocore.loaders import Loader

from sesame.cli.env import DEFINITIONS
from sesame.console import pages as console_pages
from sesame.console.pages.people import FILL_IN as NEW_PASSWORD
from tests.console.test_login import PASSWORD
from tests.support import command_line
from tests.support.audit_log import audit_log
from tests.support.browser import Person
from tests.support.process import REGION, Account, SesameProcess
from tests.support.signed_client import policy

HERE = f"/{REGION}"
IDENTITY = f"{HERE}/identities/example.com"
DELEGATE = "222222222222"
SET, USER = f"{HERE}/configuration-sets/newsletter", f"{HERE}/people/users/anna"
GROUP = f"{HERE}/people/groups/senders"
HOOK = "https://example.com/events"
TOLD = {"BOUNCE": "on", "COMPLAINT": "on", "DELIVERY": "on"}
_PIECE = re.compile(r'aria-label="([^"]*) by (boto3|the AWS CLI)".*?data-copy="([^"]*)"', re.DOTALL)
_FORM = re.compile(r'<form method="post" action="([^"]*)"[^>]*>(.*?)</form>', re.DOTALL)
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)"')
RANDOM = re.compile(r"\b(AKIA[A-Z0-9]{16}|[0-9a-f]{16})\b")
"""What differs from account to account: ids of keys and of links."""
READS = re.compile(r"(Read|List|Render|Ask about|Ask whether)\b")


@dataclass(frozen=True)
class Deed:
    """What a form does: the page that it is on, what its foot calls it, where it is sent, and with what."""

    page: str
    title: str
    path: str
    fields: Mapping[str, str] = field(default_factory=dict)
    preview: Mapping[str, str] = field(default_factory=dict)
    """What is sent to the page before it shows the call; without, it is opened."""


LENDING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Lent1",
                "Effect": "Allow",
                "Principal": {"AWS": DELEGATE},
                "Action": "ses:SendEmail",
                "Resource": "arn:aws:ses:us-east-1:ACCOUNT:identity/example.com",
            }
        ],
    },
    indent=1,
)
NEW = {"name": "Lent", "text": LENDING, "begun": "", "is_new": "1"}
OTHER = {"name": "Lent", "text": LENDING.replace("ses:SendEmail", "ses:SendRawEmail"), "is_new": "0"}

DEEDS = (
    Deed(f"{HERE}/identities/new", "Add it", f"{HERE}/identities/new", {"name": "example.com"}),
    Deed(f"{HERE}/suppression", "Add an address", f"{HERE}/suppression",
         {"addresses": "reader@example.net", "reason": "BOUNCE"}),
    Deed(f"{HERE}/suppression", "Say for which reasons addresses are added", f"{HERE}/suppression/reasons",
         {"BOUNCE": "on", "COMPLAINT": "on"}),
    Deed(f"{HERE}/suppression", "Remove an address", f"{HERE}/suppression/remove", {"address": "reader@example.net"}),
    Deed(f"{HERE}/account", "Ask for production access", f"{HERE}/account",
         {"kind": "TRANSACTIONAL", "website": "https://example.com",
          "description": "Receipts and resets of passwords, to people with an account."}),
    Deed(f"{HERE}/account", "Switch sending off", f"{HERE}/account/sending"),
    Deed(f"{HERE}/account", "Switch sending on", f"{HERE}/account/sending"),
    Deed(f"{IDENTITY}/edit", "Save", f"{IDENTITY}/save", NEW, preview={**NEW, "do": "preview"}),
    Deed(f"{IDENTITY}/policies/Lent", "Save", f"{IDENTITY}/save", {"name": "Lent", "text": LENDING}),
    Deed(f"{IDENTITY}/edit", "Save", f"{IDENTITY}/save", {**OTHER, "begun": "BEGUN"},
         preview={**OTHER, "begun": "BEGUN", "do": "preview"}),
    Deed(f"{IDENTITY}/policies/Lent", "Undo the last change", f"{IDENTITY}/policies/Lent/undo"),
    Deed(f"{IDENTITY}/stop?principal={DELEGATE}", "Stop lending", f"{IDENTITY}/stop"),
    Deed(f"{IDENTITY}/policies/Lent", "Undo the last change", f"{IDENTITY}/policies/Lent/undo"),
    Deed(f"{IDENTITY}/policies/Lent/remove", "Remove it", f"{IDENTITY}/policies/Lent/remove"),
    Deed(f"{IDENTITY}/cases", "Keep a case", f"{IDENTITY}/cases",
         {"called": "Nobody of 111122223333", "kind": "may-not", "who": "111122223333"}),
    Deed(f"{IDENTITY}/cases", "Remove a case", f"{IDENTITY}/cases/remove"),
    Deed(f"{HERE}/ask?who=222222222222&from=news@example.com&arn=ARN", "Keep it with the identity", f"{HERE}/ask/keep",
         {"called": "222222222222 as news@example.com"}),
    Deed(f"{IDENTITY}/bounds?delegate={DELEGATE}", "Set its bounds", f"{IDENTITY}/bounds",
         {"delegate": DELEGATE, "messages": "1000", "do": "set"}),
    Deed(f"{IDENTITY}/bounds?delegate={DELEGATE}", "Pause it", f"{IDENTITY}/bounds", {"do": "pause"}),
    Deed(f"{IDENTITY}/bounds?delegate={DELEGATE}", "End the pause", f"{IDENTITY}/bounds", {"do": "resume"}),
    Deed(f"{IDENTITY}/bounds?delegate={DELEGATE}", "Remove its bounds", f"{IDENTITY}/bounds", {"do": "remove"}),
    Deed(f"{IDENTITY}/shares", "Create a link", f"{IDENTITY}/shares", {"kind": "records", "days": "7"}),
    Deed(f"{IDENTITY}/shares", "End a link", f"{IDENTITY}/shares/end"),
    Deed(f"{HERE}/links", "Stop all links", f"{HERE}/links", {"all": "on"}),
    Deed(f"{HERE}/links", "Resume all links", f"{HERE}/links/resume", {"all": "on"}),
    Deed(f"{HERE}/configuration-sets", "Create a configuration set", f"{HERE}/configuration-sets",
         {"name": "newsletter"}),
    Deed(SET, "Add a topic", f"{SET}/destinations", {"destination": "events", "topic": "TOPIC", **TOLD}),
    Deed(SET, "Switch events off", f"{SET}/destinations/change", {"do": "disable"}),
    Deed(SET, "Switch events on", f"{SET}/destinations/change", {"do": "enable"}),
    Deed(SET, "Remove events", f"{SET}/destinations/change", {"do": "remove"}),
    Deed(SET, "Add a webhook", f"{SET}/webhooks", {"destination": "program", "url": HOOK, **TOLD}),
    Deed(SET, "Give program a new secret", f"{SET}/webhooks/secret", {"destination": "program"}),
    Deed(SET, "Refuse mail with this set", f"{SET}/sending"),
    Deed(SET, "Accept mail with this set again", f"{SET}/sending"),
    Deed(SET, "Save TLS", f"{SET}/delivery"),
    Deed(SET, "Save reasons", f"{SET}/suppression", {"BOUNCE": "on", "COMPLAINT": "on"}),
    Deed(SET, "Use the account's reasons", f"{SET}/suppression", {"do": "account"}),
    Deed(SET, "Delete this set", f"{SET}/delete", {"name": "newsletter"}),
    Deed(f"{HERE}/templates/new", "Keep it", f"{HERE}/templates/new",
         {"name": "welcome", "subject": "Welcome, {{name}}", "text": "Hello {{name}}."}),
    Deed(f"{HERE}/templates/welcome/edit", "Keep it", f"{HERE}/templates/welcome/edit",
         {"subject": "Welcome, {{name}}", "text": "Hello {{name}}."}),
    Deed(f"{HERE}/send?from=news@example.com&template=welcome&data=%7B%22name%22%3A%22Ana%22%7D", "Send it",
         f"{HERE}/send", {"from": "=", "to": "=", "template": "=", "data": '{"name":"Ana"}', "scenario": ""}),
    Deed(f"{HERE}/templates/welcome", "Delete it", f"{HERE}/templates/welcome/delete"),
    Deed(f"{IDENTITY}/notifications", "Save topics", f"{IDENTITY}/notifications/topics",
         {"topic-Bounce": "TOPIC", "topic-Complaint": "TOPIC", "topic-Delivery": "TOPIC"}),
    Deed(f"{IDENTITY}/notifications", "Stop mailing bounces and complaints", f"{IDENTITY}/notifications/forwarding"),
    Deed(f"{IDENTITY}/signing", "Make a key of 1024 bits", f"{IDENTITY}/signing/key",
         {"origin": "easy", "length": "1024"}),
    Deed(f"{IDENTITY}/signing", "Stop signing", f"{IDENTITY}/signing/switch"),
    Deed(f"{IDENTITY}/signing", "Sign again", f"{IDENTITY}/signing/switch"),
    Deed(f"{IDENTITY}/signing", "Save the MAIL FROM domain", f"{IDENTITY}/signing/mail-from",
         {"domain": "bounce.example.com", "behaviour": "USE_DEFAULT_VALUE"}),
    Deed(f"{IDENTITY}/signing", "Remove the MAIL FROM domain", f"{IDENTITY}/signing/mail-from", {"do": "remove"}),
    Deed(f"{HERE}/people", "Create a user", f"{HERE}/people/users", {"name": "anna"}),
    Deed(f"{HERE}/people", "Create a group", f"{HERE}/people/groups", {"name": "senders"}),
    Deed(USER, "Create a key", f"{USER}/keys"),
    Deed(USER, "Disable a key", f"{USER}/keys/change", {"do": "disable"}),
    Deed(USER, "Enable a key", f"{USER}/keys/change", {"do": "enable"}),
    Deed(USER, "Delete a key", f"{USER}/keys/change", {"do": "delete"}),
    Deed(USER, "Attach a policy", f"{USER}/policies", {"policy": "CHOICE", "do": "attach"}),
    Deed(USER, "Detach a policy", f"{USER}/policies", {"do": "detach"}),
    Deed(USER, "Put the user into a group", f"{USER}/groups", {"group": "senders", "do": "add"}),
    Deed(USER, "Take the user out", f"{USER}/groups", {"do": "remove"}),
    Deed(USER, "Give the user a password", f"{USER}/password",
         {"password": NEW_PASSWORD, "again": NEW_PASSWORD, "must_change": "on", "do": "create"}),
    Deed(USER, "Set another password", f"{USER}/password",
         {"password": NEW_PASSWORD, "again": NEW_PASSWORD, "must_change": "on", "do": "update"}),
    Deed(USER, "Require no change of the password", f"{USER}/password/change"),
    Deed(USER, "Require a change of the password", f"{USER}/password/change"),
    Deed(USER, "Delete the password", f"{USER}/password/delete"),
    Deed(USER, "Delete the user", f"{USER}/delete", {"name": "anna"}),
    Deed(GROUP, "Attach a policy", f"{GROUP}/policies", {"policy": "CHOICE", "do": "attach"}),
    Deed(GROUP, "Detach a policy", f"{GROUP}/policies", {"do": "detach"}),
    Deed(f"{HERE}/programs", "Create an SMTP log-in", f"{HERE}/programs/smtp", {"name": "=", "arn": ""}),
    Deed(f"{HERE}/programs?user=other", "Create a key", f"{HERE}/programs/keys"),
    Deed(f"{HERE}/programs?user=other", "Say what its SMTP log-in stands in for", f"{HERE}/programs/keys/change",
         {"do": "bind", "arns": ""}),
    Deed(f"{HERE}/programs?user=other", "Disable a key", f"{HERE}/programs/keys/change", {"do": "disable"}),
    Deed(f"{HERE}/programs?user=other", "Delete a key", f"{HERE}/programs/keys/change", {"do": "delete"}),
    Deed("/me", "Create a device", "/me/devices/new", {"name": "phone"}),
    Deed(f"{HERE}/send?from=news@example.com", "Send it", f"{HERE}/send",
         {"from": "=", "to": "=", "subject": "=", "text": "Sent from the console.", "scenario": ""}),
    Deed(f"{IDENTITY}/delete", "Delete it", f"{IDENTITY}/delete", {"name": "example.com"}),
)  # fmt: skip

WITHOUT: Mapping[str, str] = {
    "/{region}/identities/{name}/check": "asks DNS, which servers do by themselves",
    "/{region}/identities/{name}/edit": "is a preview",
    "/{region}/messages/{id}/cancel": "is about mail that waits; the test of cancelling has a server where it does",
    "/{region}/programs/smtp/test": "changes nothing",
    "/{region}/identities/{name}/notifications/test": "takes a subscription; the test of what was told last has one",
    "/me/password": "shows no password; the test of log-ins changes one",
    "/me/logins/end": "is about log-ins of browsers",
    "/me/choices": "is about pages of the console",
    "/me/codes": "is about log-ins of browsers",
    "/me/devices/enable": "takes codes of a device",
    "/me/devices/remove": "takes a device that is in use",
}
"""Forms that have no deed here, and why."""


class Tenant:
    """An account whose user may do everything, with a browser, keys, a topic and a user without keys."""

    def __init__(self, sesame: SesameProcess) -> None:
        self.sesame = sesame
        self.account = sesame.create_account()
        iam = sesame.client("iam", self.account)
        for name in ("boss", "other"):
            iam.create_user(UserName=name)
        everything = policy({"Effect": "Allow", "Action": "*", "Resource": "*"})
        iam.put_user_policy(UserName="boss", PolicyName="p", PolicyDocument=everything)
        iam.create_login_profile(UserName="boss", Password=PASSWORD)
        key = iam.create_access_key(UserName="boss")["AccessKey"]
        self.keys = Account(self.account.account_id, key["AccessKeyId"], key["SecretAccessKey"])
        sesame.client("sns", self.account).create_topic(Name="events")
        self.person = Person(sesame.console)
        self.person.send("/login", account=self.account.account_id, user="boss", password=PASSWORD)
        self.seen = len(audit_log(sesame, self.account.account_id))

    def filled(self, text: str, page: str = "") -> str:
        """A text of a deed with what is this account's in it."""
        account_id = self.account.account_id
        for word, value in {
            "ACCOUNT": account_id,
            "TOPIC": f"arn:aws:sns:{REGION}:{account_id}:events",
            "CHOICE": _first(r'<select name="policy"><option value="([^"]*)"', page),
            "ARN": f"arn:aws:ses:{REGION}:{account_id}:identity/example.com",
        }.items():
            text = text.replace(word, value)
        return text

    def page(self, deed: Deed) -> str:
        """The page with the deed's form and foot."""
        path = self.filled(deed.page)
        if not deed.preview:
            answer = self.person.get(path)
        else:
            fields = {name: self.filled(value) for name, value in self._begun(deed.preview).items()}
            answer = self.person.send(path, page="/me", **fields)
        assert answer.status_code == 200, (path, answer.text)
        assert len(answer.content) < 60 * 1024, path
        return answer.text

    def _begun(self, fields: Mapping[str, str]) -> dict[str, str]:
        """The same with the fingerprint of the policy that is stored."""
        if fields.get("begun") != "BEGUN":
            return dict(fields)
        page = self.person.get(f"{IDENTITY}/policies/Lent").text.partition('class="policy"')[2]
        return {**fields, "begun": _first('name="begun" value="([^"]*)"', page)}

    def form(self, deed: Deed) -> dict[str, str]:
        """The form of a deed, filled in, as it is sent."""
        page = self.page(deed)
        forms = [
            body
            for action, body in _FORM.findall(page)
            if html.unescape(action) == deed.path or f'formaction="{deed.path}"' in html.unescape(body)
        ]
        do = deed.fields.get("do", "")
        body = next((one for one in forms if f'value="{do}"' in one), forms[0] if forms else "")
        fields = {name: html.unescape(value) for name, value in _HIDDEN.findall(body)}
        for name, value in self._begun(deed.fields).items():
            fields[name] = self.filled(value, page)
            if value == "=":
                fields[name] = html.unescape(_first(f'name="{name}"(?: id="[^"]*")? value="([^"]*)"', page))
        return {**fields, "token": self.person.token("/me")}

    def post(self, deed: Deed, fields: Mapping[str, str]) -> httpx.Response:
        """Send the form of a deed."""
        return self.person.client.post(deed.path, data=fields, headers={"origin": self.person.base})

    def by_form(self, deed: Deed) -> None:
        answer = self.post(deed, self.form(deed))
        assert answer.status_code == 200, (deed, answer.text)
        assert 'role="alert"' not in answer.text, (deed, answer.text)

    def outcome(self) -> tuple[list[Any], int]:
        """What is new in the audit log, what differs between accounts left out; and how many messages there are."""
        rows = audit_log(self.sesame, self.account.account_id)
        new, self.seen = rows[self.seen :], len(rows)
        found = [
            (row["eventName"], row.get("errorCode"), _asked(row.get("requestParameters") or {}))
            for row in new
            if row["eventName"] not in ("ConsoleLogin", "CreateConsoleLink")
        ]
        text = RANDOM.sub("ID", json.dumps(found)).replace(self.account.account_id, "ACCOUNT")
        sent = set(re.findall(rf"{HERE}/messages/([0-9a-f-]+)", self.person.get(f"{HERE}/messages").text))
        return json.loads(re.sub(rf"smtp-{REGION}-[0-9]+", "SMTP", text)), len(sent)


def _asked(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without what differs: the moment, and whether somebody has edited meanwhile, which the console alone asks."""
    return {
        name: value for name, value in sorted(parameters.items()) if name not in ("begunWith", "expiresAt")
    }


def _first(pattern: str, page: str) -> str:
    found = re.search(pattern, page)
    return found[1] if found else ""


def pieces(page: str) -> dict[tuple[str, str], str]:
    """The calls in the foot of a page, by title and client."""
    found = _PIECE.findall(page.partition('<details class="calls">')[2])
    return {(html.unescape(title), client): html.unescape(text) for title, client, text in found}


def run_program(text: str, keys: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run what is shown for boto3, unchanged."""
    session = botocore.session.Session()
    session.register_component("data_loader", LOADER)
    session.set_credentials(keys.access_key_id, keys.secret_access_key)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3.Session(botocore_session=session))
    names: dict[str, Any] = {}
    try:
        exec(compile(text, "snippet", "exec"), names)
    finally:
        for value in names.values():
            if hasattr(value, "meta"):
                value.close()


LOADER = Loader(extra_search_paths=[str(DEFINITIONS)])
"""One for all, since it keeps what it has read."""


def aws(args: list[str]) -> int:
    """The `aws` command in this process, with the model of Sesame's own API beside AWS's."""
    import awscli.clidriver  # which writes into the environment, so that it is not loaded outside

    os.environ["AWS_DATA_PATH"] = os.pathsep.join(
        [str(Path(awscli.__file__).parent / "data"), str(DEFINITIONS)]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return int(awscli.clidriver.create_clidriver().main(args))


def run_commands(text: str, keys: Account, home: Path) -> None:
    """Run what is shown for the AWS CLI, line by line, as a shell gives it the words."""
    words = shlex.split(text)
    starts = [n for n, word in enumerate(words) if word == "aws"]
    environ = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
    }
    for start, end in zip(starts, [*starts[1:], len(words)], strict=True):
        done = command_line.run([*words[start + 1 : end], "--output", "json"], environ, command=aws)
        assert done.returncode == 0, (text, done.stderr)


def test_a_form_a_program_and_a_command_come_to_the_same(
    sesame: SesameProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    clerk, programmer, shell = (Tenant(sesame) for _ in "123")
    read: set[str] = set()
    for deed in DEEDS:
        pages = {tenant: pieces(tenant.page(deed)) for tenant in (programmer, shell)}
        program = pages[programmer].get((deed.title, "boto3"))
        command = pages[shell].get((deed.title, "the AWS CLI"))
        assert program and command, (deed, list(pages[shell]))
        for title, client in pages[programmer]:
            if READS.match(title) and (place := f"{deed.page} {title} {client}") not in read:
                read.add(place)
                text = pages[programmer][title, client]
                if client == "boto3":
                    run_program(text, programmer.keys, monkeypatch)
                else:
                    run_commands(text, programmer.keys, tmp_path)
        clerk.by_form(deed)
        run_program(program, programmer.keys, monkeypatch)
        run_commands(command, shell.keys, tmp_path)
        outcomes = [tenant.outcome() for tenant in (clerk, programmer, shell)]
        assert outcomes[0][0] or outcomes[0][1], deed
        assert outcomes[1] == outcomes[0], deed
        assert outcomes[2] == outcomes[0], deed
    assert len(read) > 20


def test_every_form_of_an_account_has_its_call() -> None:
    """A form that comes to be is held to the test above too, or says why it is not."""
    modules = [
        importlib.import_module(f"{console_pages.__name__}.{one.name}")
        for one in iter_modules(console_pages.__path__)
    ]
    forms = {
        page.path
        for module in modules
        for page in getattr(module, "PAGES", ())
        if page.method == "POST" and page.who == "person" and not page.is_program
    }
    done = [deed.path for deed in DEEDS]
    for path in forms:
        if not path.startswith(("/inbox", "/dev")) and path not in WITHOUT:
            form = re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
            assert any(map(form.fullmatch, done)), path
    assert set(WITHOUT) <= forms
