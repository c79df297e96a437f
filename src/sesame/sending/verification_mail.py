"""What a custom verification mail says: its template's content, the link, and words that always follow.

The content goes out as it was written, but for images embedded as data, which become attachments; the
elements that it leaves open are closed, so that none of them swallows what follows. Source: SES developer
guide, "Using custom verification email templates".
"""

import html

from sesame.mail.attach import Attachment
from sesame.mail.build import Text
from sesame.mail.simple_html import SimpleHtml
from sesame.sending.rendering import one_line
from sesame.sending.submission import SimpleContent

FOOTER = (
    "The link is good for 24 hours. If you did not ask for your email address to be verified, do not follow"
    " it; nothing will be sent in your name."
)
"""Follows every custom verification mail."""

MOST_WORDS = 100_000
"""Characters of a content's text that go into the text part too: what is longer must not double the message."""


def verification_content(to: str, *, subject: str, content: SimpleHtml, link: str) -> SimpleContent:
    """The message with HTML and text; `to` is the address to be verified, `link` verifies it."""
    source, attachments = _with_attached_images(content)
    escaped = html.escape(link)
    closing = "".join(f"</{name}>" for name in content.left_open)
    following = f'\n<p><a href="{escaped}">{escaped}</a></p>\n<p>{html.escape(FOOTER)}</p>\n'
    plain = content.text if len(content.text) <= MOST_WORDS else ""
    text = f"{plain}\n\n{link}\n\n{FOOTER}\n".lstrip("\n")
    return SimpleContent(
        to=(to,),
        cc=(),
        bcc=(),
        reply_to=(),
        subject=Text(data=one_line(subject)),
        text=Text(data=text),
        html=Text(data=f"{source}{closing}{following}{content.tail}"),
        headers=(("Auto-Submitted", "auto-generated"),),  # RFC 3834: no holiday notes in answer
        attachments=attachments,
    )


def _with_attached_images(content: SimpleHtml) -> tuple[str, tuple[Attachment, ...]]:
    """The source with its embedded images named by Content-ID (RFC 2392), and the images."""
    pieces: list[str] = []
    attachments: list[Attachment] = []
    at = 0
    for number, image in enumerate(content.images, start=1):
        name = f"image{number}.{image.subtype}"
        pieces += (content.source[at : image.start], f"cid:{name}@verification")
        attachments.append(
            Attachment(
                data=image.data,
                file_name=name,
                content_type=f"image/{image.subtype}",
                content_id=f"{name}@verification",
                inline=True,
            )
        )
        at = image.end
    pieces.append(content.source[at:])
    return "".join(pieces), tuple(attachments)
