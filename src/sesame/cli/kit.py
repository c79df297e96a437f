"""`sesame kit`: what to hand to somebody who may send as an identity, and a try of it."""

import argparse
import hashlib
import hmac
import http.client
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sesame.cli.command import Subparsers, runs_on_store, settings_of, with_services
from sesame.cli.env import endpoints
from sesame.cli.output import print_json
from sesame.cli.trace import print_causes
from sesame.errors import ConfigError, SesameError

if TYPE_CHECKING:
    from sesame.access.identity_names import IdentityArn
    from sesame.admin.delegates.kit import Kit
    from sesame.admin.delegates.kit_snippets import Place
    from sesame.app.foundation import Services
    from sesame.config import Settings

SECONDS = 5.0
DENIED = 3
SEND_PATH = "/v2/email/outbound-emails"


def register(subparsers: Subparsers) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "kit",
        help="print what a delegate needs to send as an identity",
        description="Print, without any secret, what a delegate needs: identity, region, endpoint, From addresses and"
        " conditions in words, parameters and headers, snippets that work, and the IAM policy that its own account"
        " needs. Exit 3 when no policy allows it to send, or when the test message is refused.",
    )
    command.add_argument(
        "identity", metavar="IDENTITY", help="the identity's ARN, or its name if only one account has it"
    )
    command.add_argument(
        "--for",
        dest="delegate",
        required=True,
        metavar="PRINCIPAL",
        help="account, or ARN of a user, role or session",
    )
    command.add_argument(
        "--only", metavar="NAME", help="print this snippet alone, as text: boto3, cli, nodemailer, …"
    )
    command.add_argument(
        "--send",
        action="store_true",
        help="send a message to the mailbox simulator with the delegate's newest access key",
    )
    runs_on_store(command, run_kit)


def run_kit(args: argparse.Namespace) -> int:
    """Print the kit, or send by it."""
    from sesame.admin.delegates.kit import KitError, kit_for

    settings = settings_of(args)
    deadline = time.monotonic() + SECONDS

    async def run(services: "Services") -> int:
        arn = await _identity(services, args.identity)
        place = _place(settings, arn.region)
        try:
            kit = await kit_for(
                services.store, arn, args.delegate, place=place, is_late=lambda: time.monotonic() > deadline
            )
        except KitError as error:
            raise NoKit(str(error)) from None
        if args.send:
            return await _send(services, kit, as_json=args.json)
        if args.only is not None:
            return _print_only(kit, args.only)
        if args.json:
            print_json(kit_json(kit))
        else:
            _print(kit)
        return 0

    try:
        return with_services(args, run)
    except NoKit as error:
        if args.json:
            print_json({"error": str(error)})
        else:
            print(f"sesame: {error}")
        return DENIED


MOST_SHOWN = 5
"""Identities of one name that are listed for somebody who has to choose."""


class NoKit(SesameError):
    """There is no kit to print."""


async def _identity(services: "Services", named: str) -> "IdentityArn":
    """The identity that is named by its ARN, or by its name where only one account and region has it."""
    from sesame.access.identity_names import IdentityArn, normal_name
    from sesame.cli.policy_files import read_identity_arn
    from sesame.store import identities

    if named.startswith("arn:"):
        return read_identity_arn(named)
    found = await services.store.read(
        lambda tx: identities.page_of_name(tx, normal_name(named), limit=MOST_SHOWN + 1)
    )
    arns = [IdentityArn(region=one.region, account_id=one.account_id, name=one.name) for one in found]
    if len(arns) != 1:
        more = " and more" if len(arns) > MOST_SHOWN else ""
        which = (
            f"there are several: {', '.join(map(str, arns[:MOST_SHOWN]))}{more}" if arns else "there is none"
        )
        raise ConfigError(f"identity `{named}`: {which}; give its ARN")
    return arns[0]


def _place(settings: "Settings", region: str) -> "Place":
    from sesame.admin.delegates.kit_snippets import Place

    where = endpoints(settings)
    return Place(api=where["api"], region=region, smtp=where.get("smtp", ""), is_own_ca="ca" in where)


def kit_json(kit: "Kit") -> dict[str, Any]:
    """A kit as JSON."""
    return {
        "identity": kit.identity_arn,
        "delegate": kit.delegate,
        "region": kit.place.region,
        "endpoint": kit.place.api,
        "smtp": kit.place.smtp or None,
        "allowed": [
            {
                "actions": list(one.actions),
                "from": list(one.from_addresses),
                "when": list(one.when),
                "unless": [list(words) for words in one.unless],
            }
            for one in kit.allowed
        ],
        "parameters": {name: dict(values) for name, values in kit.parameters.items()},
        "iamPolicy": json.loads(kit.iam_policy),
        "snippets": [
            {
                "name": one.name,
                "title": one.title,
                "language": one.language,
                "text": one.text,
                "note": one.note,
            }
            for one in kit.snippets
        ],
        "leftOut": [{"title": title, "reason": reason} for title, reason in kit.left_out],
    }


def _print_only(kit: "Kit", name: str) -> int:
    for snippet in kit.snippets:
        if snippet.name == name:
            print(snippet.text, end="")
            return 0
    names = ", ".join(snippet.name for snippet in kit.snippets)
    raise ConfigError(f"--only: there is no snippet `{name}` for this delegate; there are {names}")


def _print(kit: "Kit") -> None:
    print(f"{kit.delegate} may send as {kit.identity_arn}\n")
    print(f"identity  {kit.identity_arn}")
    print(f"region    {kit.place.region}")
    print(f"endpoint  {kit.place.api}")
    if kit.place.smtp:
        print(f"SMTP      {kit.place.smtp} (STARTTLS)")
    print("\nWhat is allowed:")
    for one in kit.allowed:
        addresses = ", ".join(one.from_addresses) or "any address of the identity"
        print(f"  From {addresses}, by {', '.join(one.actions)}")
        for words in one.when:
            print(f"    when {words}")
        for deny in one.unless:
            print(f"    unless {' and '.join(deny)}")
    print("\nAdd to each message, depending on how it is sent:")
    for name, values in kit.parameters.items():
        print(f"  {name}: {', '.join(values)}")
    print(f"  each with the value {kit.identity_arn}")
    print("  (the one for bounces only if they go to an address of the identity)")
    print("\nThe IAM policy that the sender's own account needs:\n")
    print(_indented(kit.iam_policy))
    for snippet in kit.snippets:
        print(f"\n{snippet.title}: {snippet.note}\n")
        print(_indented(snippet.text))
    for title, reason in kit.left_out:
        print(f"\n{title}: left out, {reason}")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.rstrip().splitlines())


async def _send(services: "Services", kit: "Kit", *, as_json: bool) -> int:
    """Send the message of the boto3 snippet, signed with a key that the delegate has.

    Refused, it prints why as the delegate's account reads it.
    """
    from sesame.access.causes.decision_json import of_request

    if kit.sample is None:
        raise NoKit("nothing allows SendEmail by the API v2: try a snippet for another way")
    key_id, secret = await _key_of(services, kit.delegate)
    status, answer, request_id = _post(
        kit.place, json.dumps(kit.sample).encode(), key_id=key_id, secret=secret, now=services.clock.now()
    )
    refusals = (
        await of_request(services.store, request_id, account_id=kit.delegate.split(":")[4])
        if status != http.client.OK and request_id
        else []
    )
    if as_json:
        causes = [cause for one in refusals for cause in one["causes"]]
        print_json({"status": status, "answer": answer, "request_id": request_id, "causes": causes})
    elif status == http.client.OK:
        print(f"sent: {answer.get('MessageId')}")
    else:
        print(f"refused with {status}: {answer.get('message') or answer.get('Message') or answer}")
        print(f"    request {request_id}")
        for one in refusals:
            print_causes(one["causes"])
    return 0 if status == http.client.OK else DENIED


async def _key_of(services: "Services", delegate: str) -> tuple[str, str]:
    """The newest active access key of a user or of an account's root on this server."""
    fields = delegate.split(":")
    if fields[2] != "iam" or not (fields[5] == "root" or fields[5].startswith("user/")):
        raise NoKit(
            "only a user or an account has access keys to try with: run a snippet in the role's own session"
        )
    user = None if fields[5] == "root" else fields[5].rpartition("/")[2]
    active = [key for key in await services.access_keys.of(fields[4], user) if key.is_active]
    if not active:
        raise NoKit(f"{delegate} has no active access key to try with")
    keys = await services.operator.access_key(fields[4], user, access_key_id=active[-1].access_key_id)
    return keys.access_key_id, keys.secret_access_key


def _post(
    place: "Place", body: bytes, *, key_id: str, secret: str, now: float
) -> tuple[int, dict[str, Any], str]:
    """POST a signed request to send; status, answer and request id."""
    from sesame.aws import sigv4

    url = urlsplit(place.api)
    at = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    fields = {"content-type": "application/json", "host": url.netloc, "x-amz-date": at}
    names = ";".join(fields)
    lines = "".join(f"{name}:{value}\n" for name, value in fields.items())
    request = f"POST\n{SEND_PATH}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{at[:8]}/{place.region}/ses/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.digest(
        sigv4.signing_key(secret, at[:8], place.region, "ses"), to_sign.encode(), "sha256"
    ).hex()
    credential = f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    make = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = make(url.hostname or "", url.port, timeout=30)
    try:
        connection.request("POST", SEND_PATH, body, {**fields, "authorization": credential})
        answer = connection.getresponse()
        text = answer.read()
    except OSError as error:
        raise NoKit(f"{place.api} cannot be reached ({error}): start it with `sesame serve`") from None
    finally:
        connection.close()
    try:
        read = json.loads(text)
    except ValueError:
        read = {"message": text.decode(errors="replace")[:200]}
    return answer.status, read, answer.headers.get("x-amzn-requestid", "")
