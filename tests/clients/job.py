"""Reads the job, runs what it names, writes how it ended."""

import json
import smtplib
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from typing import Any

Job = dict[str, Any]


def run(**actions: Callable[[Job], Any]) -> None:
    """Do what the job on standard input names."""
    job = json.load(sys.stdin)
    try:
        result: dict[str, Any] = {"ok": actions[job["do"]](job) or {}}
    except smtplib.SMTPResponseException as error:
        result = {"error": {"code": str(error.smtp_code), "message": _text(error.smtp_error)}}
    except Exception as error:
        response = getattr(error, "response", None)
        details = response["Error"] if isinstance(response, dict) else {}
        code = details.get("Code", type(error).__name__)
        result = {"error": {"code": code, "message": details.get("Message", str(error))}}
    print(json.dumps(result, default=str))


def client_options(job: Job) -> Job:
    """How boto3 is pointed at Sesame."""
    return {
        "endpoint_url": job["endpoint"],
        "region_name": job["region"],
        "aws_access_key_id": job["key"],
        "aws_secret_access_key": job["secret"],
    }


def _text(words: bytes | str) -> str:
    return words.decode() if isinstance(words, bytes) else words


class QueryError(Exception):
    """An error of the Query protocol, for clients that only sign."""

    def __init__(self, body: str) -> None:
        error = ElementTree.fromstring(body).find("{*}Error")
        assert error is not None, body
        self.response = {"Error": {part.tag.rpartition("}")[2]: part.text for part in error}}
        super().__init__(self.response["Error"]["Message"])


def form(job: Job) -> dict[str, str]:
    """SendEmail as it stands on the wire."""
    parameters = {
        "Action": "SendEmail",
        "Version": "2010-12-01",
        "Source": job["from"],
        "Destination.ToAddresses.member.1": job["to"],
        "Message.Subject.Data": job["subject"],
        "Message.Body.Text.Data": job["text"],
    }
    return parameters | ({"SourceArn": job["arn"]} if job["arn"] else {})


def ses_headers(job: Job) -> dict[str, str]:
    """The header fields that carry the identity's ARN by SMTP."""
    names = ("SOURCE", "FROM", "RETURN-PATH") if job["arn"] else ()
    return {f"X-SES-{name}-ARN": job["arn"] for name in names}
