"""Write docs/reference from the code: settings, commands, operations, condition keys. A test holds the two together."""

import argparse
import ast
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from sesame import config
from sesame.cli.env import DEFINITIONS
from sesame.cli.main import parser
from sesame.config import console, egress, feedback, notify, settings, traces, tracking
from sesame.metrics import Metrics
from sesame.policy.language.action_keys import ABSENT, ACTIONS
from sesame.policy.language.vocabulary import CONDITION_KEYS, KEYS_OF_OTHER_ACTIONS
from sesame.policy.reasons.cause import MEANINGS, How
from tools.event_page import events_page

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
SERVICES = {
    "ses": "SES API v1",
    "sesv2": "SES API v2",
    "sts": "STS",
    "iam": "IAM",
    "sns": "SNS",
    "sesame": "Sesame's own API",
}


def pages() -> dict[str, str]:
    """Each page of the reference by file name."""
    return {
        "settings.md": settings_page(),
        "commands.md": "\n".join(commands_page()),
        "operations.md": operations_page(),
        "metrics.md": metrics_page(),
        "condition-keys.md": condition_keys_page(),
        "causes.md": causes_page(),
        "events.md": events_page(),
        "sesame-api.md": own_api_page(),
    }


def metrics_page() -> str:
    """Every metric with its type, labels and sentence."""
    lines = [
        "# Metrics",
        "",
        "The health listener (`[health]` in the [settings](settings.md)) serves these at `GET /metrics`, in",
        "Prometheus's text format. `GET /healthz` answers 200 as long as the process's event loop turns,",
        "`GET /readyz` as long as a send would be accepted: the event loop turns, a durable write works, and the",
        "disk has its reserve. Otherwise they answer 503, with a JSON object that gives the reason for each check",
        "that fails.",
        "",
        "| metric | type | labels | meaning |",
        "|---|---|---|---|",
    ]
    for name, kind, labels, what in Metrics().catalogue():
        lines.append(f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {what} |")
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """Every setting with its default in both profiles and its sentence."""
    lines = [
        "# Settings",
        "",
        "TOML key, or `SESAME_SECTION__KEY` in the environment, where lists are comma-separated. Precedence: flag,",
        "environment, file, default. Without a file the development profile holds; the third column is what it sets.",
    ]
    sentences = _sentences()
    plain, development = config.Settings(), config.load(None, environ={})
    sections: list[tuple[str, msgspec.Struct, msgspec.Struct]] = [("", plain, development)]
    for field in msgspec.structs.fields(config.Settings):
        value = getattr(plain, field.name)
        if isinstance(value, msgspec.Struct):
            sections.append((field.name, value, getattr(development, field.name)))
    for name, struct, in_development in sections:
        lines += ["", f"## {f'[{name}]' if name else 'Top level'}", ""]
        lines += ["| setting | default | development | meaning |", "|---|---|---|---|"]
        for field in msgspec.structs.fields(type(struct)):
            value, other = getattr(struct, field.name), getattr(in_development, field.name)
            if not isinstance(value, msgspec.Struct):
                shown = "" if value == other else _shown(other)
                meaning = sentences[type(struct).__name__, field.name]
                lines.append(f"| `{field.name}` | {_shown(value)} | {shown} | {meaning} |")
    return "\n".join(lines) + "\n"


def _shown(value: object) -> str:
    builtin = list(value) if isinstance(value, tuple) else value
    return f"`{json.dumps(builtin)}`"


def _sentences() -> dict[tuple[str, str], str]:
    """The docstring behind each field of each struct of the settings."""
    found: dict[tuple[str, str], str] = {}
    modules = [
        ast.parse(Path(str(module.__file__)).read_text())
        for module in (settings, console, egress, feedback, notify, traces, tracking)
    ]
    for node in [node for module in modules for node in module.body]:
        if isinstance(node, ast.ClassDef):
            for before, after in zip(node.body, node.body[1:], strict=False):
                if (
                    isinstance(before, ast.AnnAssign)
                    and isinstance(before.target, ast.Name)
                    and isinstance(after, ast.Expr)
                    and isinstance(after.value, ast.Constant)
                ):
                    found[node.name, before.target.id] = " ".join(str(after.value.value).split())
    return found


def commands_page() -> Iterator[str]:
    """Every command with its arguments; not argparse's own help, which differs between Pythons."""
    yield "# Command line"
    yield ""
    yield "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 denied (policy commands), 78 bad configuration."
    for command, summary in _leaves(parser(), ""):
        yield ""
        yield f"## {command.prog}"
        yield ""
        yield f"{summary[:1].upper()}{summary[1:]}."
        yield ""
        for action in command._actions:
            if not isinstance(action, argparse._HelpAction):
                yield _argument(action)
    yield ""


def _argument(action: argparse.Action) -> str:
    if action.option_strings:
        value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
        name = ", ".join(f"`{option}{value}`" for option in action.option_strings)
    else:
        name = f"`{(action.metavar if isinstance(action.metavar, str) else action.dest).upper()}`"
    required = " (required)" if action.required and action.option_strings else ""
    meaning = (action.help or "").replace("%(default)s", str(action.default))
    return f"* {name}{required}{': ' if meaning else ''}{meaning}"


def _leaves(command: argparse.ArgumentParser, summary: str) -> Iterator[tuple[argparse.ArgumentParser, str]]:
    """Commands that do something with their summaries, in the order they are registered."""
    groups = [action for action in command._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield command, summary
    for group in groups:
        summaries = {action.dest: action.help or "" for action in group._choices_actions}
        for name, sub in group.choices.items():
            yield from _leaves(sub, summaries.get(name, ""))


def operations_page() -> str:
    """The operations served, by service."""
    lines = [
        "# Operations",
        "",
        "What is not listed answers `NotImplemented` (HTTP 501), naming the operation.",
        "",
    ]
    for service, title in SERVICES.items():
        model = json.loads((ROOT / "src" / "sesame" / "aws" / "models" / f"{service}.json").read_text())
        served = sorted(model["operations"])
        lines += [f"## {title}", "", ", ".join(f"`{name}`" for name in served), ""]
    return "\n".join(lines)


def condition_keys_page() -> str:
    """Which condition keys a request of each action carries."""
    lines = [
        "# Condition keys",
        "",
        "What a policy may ask of each action, beside the global keys that every request carries. *Sent* keys are in",
        "the request whenever there is a value; *absent* ones are about what does not exist here, so that a request",
        "without them tells the truth. A key of AWS, IAM, SES, SNS or STS that stands nowhere on this page, and one",
        "that names no service, is not understood: an Allow that rests on it does not match, a Deny does, and storing",
        "the policy logs a warning (`SP311`). A key that ends in `/*` is one for each tag.",
        "",
        "## Every request",
        "",
        ", ".join(f"`{name}`" for name in sorted(_global_keys())) + ".",
        "",
        "## Absent, and why",
        "",
        *(f"* `{key}`: {why}." for key, why in ABSENT.items()),
        "",
        "## Of actions that are not served",
        "",
        "No request carries these, as none of the served actions does at AWS: "
        + ", ".join(f"`{key}`" for key in KEYS_OF_OTHER_ACTIONS)
        + ".",
    ]
    by_service: dict[str, dict[tuple[str, ...], list[str]]] = {}
    for action in ACTIONS.values():
        service, _, name = action.name.partition(":")
        by_service.setdefault(service, {}).setdefault(action.keys, []).append(name)
    for service, rows in by_service.items():
        lines += ["", f"## {service}", "", "| actions | sent | absent |", "|---|---|---|"]
        for keys, names in rows.items():
            sent = ", ".join(f"`{key}`" for key in keys if key not in ABSENT)
            absent = ", ".join(f"`{key}`" for key in keys if key in ABSENT)
            lines.append(f"| {', '.join(f'`{name}`' for name in sorted(names))} | {sent} | {absent} |")
    return "\n".join(lines) + "\n"


def causes_page() -> str:
    """Why sends fail: codes, causes and fixes."""
    lines = [
        "# Causes of refusals",
        "",
        "What the API and SMTP answer is SES's own text. Beside it `sesame decisions`, `why` and `trace` say the",
        "cause, the values that were seen, and what to do. In JSON the fix, `mend`, has a `how` (below) with details,",
        "so that a program can apply it. [Why was I refused?](../howto/why.md) shows both.",
        "",
        "| code | cause | what to do |",
        "|---|---|---|",
        *(f"| `{code.value}` {code.short} | {cause} | {mend} |" for code, (cause, mend) in MEANINGS.items()),
        "",
        "## Kinds of fix",
        "",
        ", ".join(f"`{how.value}`" for how in How) + ".",
        "",
        "A `change-message` has `field`, `from` and `to`, null where the text leaves it to the reader. Where the",
        "sender may do something in place of the fix, `or_send` lists it: each `parameter` with its `value` (null:",
        "as the text says, or without it). Where several statements are written wrong, a `change-statement` lists the",
        "changes of the others in `also`: each is like it, and any one lets the message pass.",
        "",
        "## What a fix lets in",
        "",
        "A fix lets in the request that was refused, and nothing wider. Where a statement is for others too",
        "(several principals, `*`, a group's or a managed policy), or its change would let more through than the",
        "message, it stays, and a statement for the sender stands beside it, under the same conditions. A Deny",
        "gets an exception for what was refused alone: a value leaves its list (`take`), is exempted (`exempt`),",
        "or, where the Deny is for others too, the statement is written once for each part of the exception",
        "(`split`, a list of changes for each copy). The users of an account that a Principal names are one",
        "delegate: a change is for all of them, and says so.",
        "",
        "Where a fix cannot be so narrow, its text says what else it admits, and its `also_admits` lists it:",
        "",
        "| member | what is admitted beside the request |",
        "|---|---|",
        "| `principals` | the other principals that the statement names (after a later date or a corrected operator) |",
        "| `group` | all users of the group whose policy it is |",
        "| `policy` | all that the managed policy is attached to |",
        "| `account` | whom the sender's account lets send by IAM, since a Principal names the account |",
        "| `role` | all sessions of the role, where one session was named |",
        "| `all` | whatever else a Deny denies that is removed |",
        "| `key` | any value of this condition key, since the reader may not see the request's |",
        "| `like` | return paths like these patterns, since each message has another (VERP) |",
        "",
        "## Who reads what",
        "",
        "The *sender* reads its own IAM policies in full, and of the owner's side the code and which of its own values",
        "mattered. The *owner* reads its identity policies in full, and of the sender who it was, From, Return-Path,",
        "action, time, address and outcome. The *operator* reads both. Whoever cannot fix a cause is told whom to",
        "ask.",
        "",
        "The owner of an identity that a message uses for its return path, Source or Sender alone reads nothing of",
        "From, which rests on another's. How the sender's own identities are, and what stands in Sender, no owner",
        "reads.",
        "",
        "To a *stranger* an identity reads as one that does not exist. A stranger is whom no Allow names.",
        "`Principal: *` invites everybody, who then reads which condition (such as aws:SourceIp or ses:FromAddress)",
        "is not met; but one on who is meant (aws:PrincipalAccount, aws:PrincipalArn, aws:PrincipalOrgID,",
        "aws:PrincipalTag/…, aws:SourceAccount, …), in the Allow or in a Deny, makes strangers of all others. The",
        "owner reads which condition kept them out.",
    ]
    return "\n".join(lines) + "\n"


def own_api_page() -> str:
    """The operations of Sesame's own API, from its definition."""
    (file,) = DEFINITIONS.glob("sesame/*/service-2.json")
    model = json.loads(file.read_text())
    lines = [
        "# Sesame's own API",
        "",
        "What AWS has no operation for. `POST /sesame/v1/OPERATION` at the port of the AWS APIs, a JSON object as body",
        "and as answer, dates in Unix seconds; signed with Signature Version 4 for the service `sesame`, by the same",
        "access keys and sessions. Authorised by the caller's IAM policies: the action is `sesame:OPERATION`. boto3",
        "and the AWS CLI load the model by `AWS_DATA_PATH`, which `sesame env` sets. A refusal has its code in the",
        'header `x-amzn-errortype` and `{"message": ...}` as body, as in the SES API v2. [Bounds on a',
        "delegate](../howto/bounds.md) shows them at work.",
    ]
    for name, operation in sorted(model["operations"].items()):
        lines += ["", f"## {name}", "", operation["documentation"], ""]
        for what, reference in (("parameter", operation["input"]), ("answer", operation["output"])):
            lines += _members(model["shapes"], what, reference["shape"])
        codes = ", ".join(f"`{error['shape']}`" for error in operation["errors"])
        lines.append(f"Errors: {codes}.")
    return "\n".join(lines) + "\n"


def _members(shapes: Mapping[str, Any], what: str, name: str) -> Iterator[str]:
    """A table of what a structure holds, and of the structures in it."""
    members = shapes[name]["members"]
    if not members:
        return
    yield f"| {what} | type | meaning |"
    yield "|---|---|---|"
    inner = []
    for member, reference in members.items():
        shape = shapes[reference["shape"]]
        kind, element = shape["type"], shape.get("member", {}).get("shape")
        if kind == "list":
            kind = f"list of {element if shapes[element]['type'] == 'structure' else shapes[element]['type']}"
        elif kind == "structure":
            kind = element = reference["shape"]
        if element is not None and shapes[element]["type"] == "structure":
            inner.append(element)
        bounds = ", ".join(
            f"{words} {shape[trait]:,}"
            for trait, words in (("min", "at least"), ("max", "at most"))
            if trait in shape
        )
        unit = " characters" if bounds and kind == "string" else ""
        needed = " (required)" if what == "parameter" and member in shapes[name].get("required", ()) else ""
        meaning = reference.get("documentation", "")
        yield f"| `{member}`{needed} | {kind}{f', {bounds}{unit}' if bounds else ''} | {meaning} |"
    yield ""
    for one in inner:
        yield from _members(shapes, one, one)


def _global_keys() -> set[str]:
    """Keys of the vocabulary that are sent and belong to no action in particular."""
    of_actions = {key.lower() for action in ACTIONS.values() for key in action.keys}
    found = {key.name for key in CONDITION_KEYS.values() if key.is_sent and key.name.startswith("aws:")}
    return {name for name in found if name.lower() not in of_actions} | {"aws:PrincipalTag/*"}


def main() -> int:
    """Write the pages."""
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
