"""The pages for readers of verification mail: whole in themselves, without scripts or anything from elsewhere.

Sources: WHATWG HTML; Content Security Policy level 3 (the one style sheet is named by its hash).
"""

import base64
import hashlib
import html

from sesame.server.api import HttpResponse

_STYLE = (
    ":root{color-scheme:light dark;"
    "--page:#f4f5f7;--card:#fff;--text:#1d2430;--quiet:#5b6472;--good:#1a7f4b;--bad:#b3403a}"
    "@media(prefers-color-scheme:dark)"
    "{:root{--page:#14171c;--card:#1e232b;--text:#e8ebf0;--quiet:#a3acb9;--good:#4cc38a;--bad:#f0837c}}"
    "*{box-sizing:border-box}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--page);"
    "color:var(--text);font:1.0625rem/1.55 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}"
    "main{width:100%;max-width:30rem;padding:2.5rem 2rem;border-radius:.75rem;background:var(--card);"
    "box-shadow:0 1px 2px #0002,0 8px 24px #0001;text-align:center}"
    ".mark{width:3.5rem;height:3.5rem;margin:0 auto 1.25rem;display:block;fill:none;stroke-width:3;"
    "stroke-linecap:round;stroke-linejoin:round}"
    ".good{stroke:var(--good)}.bad{stroke:var(--bad)}"
    "h1{margin:0 0 .5rem;font-size:1.5rem;line-height:1.25}"
    "p{margin:.5rem 0 0;overflow-wrap:anywhere}strong{display:block}.quiet{color:var(--quiet)}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
).encode()
_GUARDED = (
    (b"content-security-policy", _POLICY),
    (b"referrer-policy", b"no-referrer"),  # the address of the page is the secret of the link
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)
_GOOD, _BAD = "M15 25l7 7 12-14", "M17 17l14 14M31 17L17 31"


def verified_page(address: str) -> HttpResponse:
    """The link has verified `address`."""
    paragraph = f"<p>You have verified the email address <strong>{html.escape(address)}</strong></p>"
    return _page(
        200,
        "Congratulations!",
        paragraph + "<p class=quiet>You may close this page.</p>",
        mark=("good", _GOOD),
    )


def invalid_page() -> HttpResponse:
    """The link is not, or no longer, good."""
    text = (
        "<p>It is older than 24 hours, a newer one was mailed, or it is incomplete.</p>"
        "<p class=quiet>Follow the link of the newest mail, or ask for another.</p>"
    )
    return _page(404, "This link is not valid", text, mark=("bad", _BAD))


def unknown_link_page() -> HttpResponse:
    """The link of a mail is not one that was written here."""
    text = (
        "<p>It is incomplete, or it was changed on its way.</p>"
        "<p class=quiet>Follow it in the mail again, or ask who sent it.</p>"
    )
    return _page(404, "This link leads nowhere", text, mark=("bad", _BAD))


def stopped_link_page() -> HttpResponse:
    """The link of a mail was stopped, by who sent it or by who runs the service (RFC 9110 section 15.5.11)."""
    text = (
        "<p>Links of this mail were stopped, as they may lead to something harmful.</p>"
        "<p class=quiet>If you expected something else, ask who sent it in another way than by this mail.</p>"
    )
    return _page(410, "This link was switched off", text, mark=("bad", _BAD))


def redirect(url: str) -> HttpResponse:
    """Send the browser on to `url`, which is ASCII and fit for a header field."""
    headers = ((b"location", url.encode("ascii")), (b"content-length", b"0"), *_GUARDED)
    return HttpResponse(status=302, headers=headers, body=b"")


def _page(status: int, title: str, text: str, *, mark: tuple[str, str]) -> HttpResponse:
    shape, path = mark
    body = (
        '<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style><main>"
        f'<svg class="mark {shape}" viewBox="0 0 48 48" aria-hidden=true><circle cx=24 cy=24 r=21 /><path d="{path}" />'
        f"</svg><h1>{html.escape(title)}</h1>{text}</main></html>"
    ).encode()
    headers = (
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        *_GUARDED,
    )
    return HttpResponse(status=status, headers=headers, body=body)
