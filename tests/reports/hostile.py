"""Messages of a megabyte made to be slow to read: each repeats what one of the readers looks for."""

from collections.abc import Iterator

SIZE = 1_000_000
_PLAIN = b"From: MAILER-DAEMON@x\nReturn-Path: <>\nSubject: Returned mail\n\n"
_PIECES = (
    b"<", b"@", b"a@", b"<a@b", b"(", b"no such ", b"user not ", b"user ", b"host * not ", b"5.1.1 ", b"550 5.",
    b"550-", b">>> rcpt to\n", b"--> ", b"smtp; ", b"sender\x00", b"=?utf-8?q?a?=", b"&lt;", b"<br ", b"exceeded ",
    b"mailbox ", b"over quota", b"to: ", b"to:", b"Final-Recipient: rfc822; a@b\n\n", b"(in reply to ", b"(see ",
    b"n'e", "ユーザ".encode(), "用户".encode(), b"\\x{41}", b"\n\n", b"\n", b" \n", b"\t", b"--b\n", b"{", b'{"mail":',
    b"http://a", b"sent:", b"smtp;5.1.0 - aa ", b"> ", b"'", b'"', b'"a', b"x" * 500 + b" ", b". ", b"not not ",
)  # fmt: skip
_HEADERS = (
    b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n",
    b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
    b"Final-Recipient: rfc822; a@b\nAction: failed\nDiagnostic-Code: smtp; ",
    b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\n",
    b"From: MAILER-DAEMON@x\nContent-Type: text/html\n\n",
    b"Content-Type: text/plain; charset=",
    b"Subject: ",
    b"X-Failed-Recipients: ",
    b"Received: ",
)


def hostile_messages() -> Iterator[bytes]:
    """Each piece repeated in a text, and in the places of a report that are read closely."""
    for piece in _PIECES:
        yield _PLAIN + piece * (SIZE // len(piece))
    for header in _HEADERS:
        for piece in _PIECES[:24]:
            yield header + piece * (SIZE // len(piece))
    nested = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(20_000)
    )
    yield nested
    yield b"Content-Type: message/rfc822\n\n" * 40_000
