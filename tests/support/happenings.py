"""Events and facts of messages, to tell of."""

from typing import Any

from sesame.notify.event_json import House
from sesame.store.events import Event, Happened
from sesame.store.message_facts import MessageFacts, Passage

HOUSE = House(hostname="mx.sesame.test", give_up_after_s=50_400.0)
HEAD = (
    b"X-SES-CONFIGURATION-SET: set\r\nFrom: =?utf-8?q?Zo=C3=AB?= <zoe@example.com>\r\nReply-To: a@r.test, b@r.test\r\n"
    b"To: reader@one.test\r\nCc: Other <other@two.test>\r\nBcc: secret@three.test\r\nSubject: =?utf-8?q?S=C3=BC?=\r\n"
    b"Date: Tue, 4 Feb 2020 17:45:39 -0300\r\nMessage-ID: <mine@example.com>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/alternative; \r\n boundary="x"\r\n\r\n'
)
MESSAGE_ID = "0100019d27e16045-1b2c3d4e-5f60-4718-9a2b-000000000008-000000"


def facts(**changes: Any) -> MessageFacts:
    """A raw message of a user of another account than the identity's."""
    fields: dict[str, Any] = {
        "message_id": MESSAGE_ID,
        "account_id": "111111111111",
        "owner_account_id": "222222222222",
        "region": "us-east-1",
        "identity": "example.com",
        "source": "Zoë <zoe@example.com>",
        "accepted_at": 1_600_000_000.25,
        "max_delivery_s": None,
        "configuration_set": "set",
        "tags": {"campaign": "spring"},
        "destination": ("reader@one.test", "other@two.test"),
        "head": HEAD,
        "is_built": False,
        "passage": Passage(
            operation="SendRawEmail",
            source_ip="192.0.2.7",
            caller_identity="robot",
            from_domain="example.com",
            tls_version="TLSv1.3",
        ),
    }
    return MessageFacts(**fields | changes)


def event(what: Happened, **changes: Any) -> Event:
    """An event of that message, of its first recipient where it is about one."""
    of_message = what in (Happened.ACCEPTED, Happened.RENDERING_FAILED, Happened.REJECTED)
    fields: dict[str, Any] = {
        "seq": 1,
        "event_id": f"{MESSAGE_ID}/0/1",
        "what": what,
        "at": 1_600_000_001.5,
        "message_id": MESSAGE_ID,
        "account_id": "111111111111",
        "owner_account_id": "222222222222",
        "region": "us-east-1",
        "configuration_set": "set",
        "recipient": None if of_message else "reader@one.test",
        "status": None,
        "diagnostic": None,
        "remote_mta": None,
    }
    attempts = {
        Happened.DELIVERED: ("2.0.0", "250 2.0.0 OK"),
        Happened.BOUNCED: ("5.1.1", "550 5.1.1 no such user"),
        Happened.DELAYED: ("4.4.1", "421 4.4.1 Unable to connect to remote host"),
        Happened.EXPIRED: ("4.4.1", "421 4.4.1 Unable to connect to remote host"),
    }
    if what in attempts:
        status, diagnostic = attempts[what]
        fields |= {
            "status": status,
            "diagnostic": diagnostic,
            "remote_mta": "mx.one.test",
            "remote_ip": "198.51.100.3",
            "tls": "TLSv1.3",
        }
    return Event(**fields | changes)
