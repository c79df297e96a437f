"""The webhook view of django-ses, which checks signatures: what it says of each POST, and what it signals."""

import os
from typing import Any

from django_settings import set_up
from job import Job, run


def receive(job: Job) -> Any:
    """Give each POST to the view."""
    os.environ["REQUESTS_CA_BUNDLE"] = job["ca"]
    set_up(
        INSTALLED_APPS=["django_ses"], ALLOWED_HOSTS=["*"], AWS_SNS_EVENT_CERT_TRUSTED_DOMAINS=[job["host"]],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    )  # fmt: skip
    from django.test import RequestFactory
    from django_ses import signals
    from django_ses.views import SESEventWebhookView

    told: list[str] = []
    for name in ("bounce", "complaint", "delivery", "send"):

        def note(sender: Any, name: str = name, **rest: Any) -> None:
            told.append(f"{name} {rest['mail_obj']['messageId']}")

        getattr(signals, f"{name}_received").connect(note, weak=False)
    view, factory = SESEventWebhookView.as_view(), RequestFactory()
    statuses = [
        view(factory.post("/", data=post["body"], content_type=post["headers"]["content-type"])).status_code
        for post in job["posts"]
    ]
    return {"statuses": statuses, "told": told}


run(receive=receive)
