"""The tracking webhook of django-anymail: it confirms by the API and normalises events."""

from typing import Any

from django_settings import set_up
from job import Job, client_options, run


def receive(job: Job) -> Any:
    """Give each POST to the view."""
    params = {**client_options(job), "verify": job["ca"]}
    set_up(
        INSTALLED_APPS=["anymail"], ALLOWED_HOSTS=["*"],
        ANYMAIL={"AMAZON_SES_CLIENT_PARAMS": params, "WEBHOOK_SECRET": "user:password"},
    )  # fmt: skip
    from anymail.signals import tracking
    from anymail.webhooks.amazon_ses import AmazonSESTrackingWebhookView
    from django.test import RequestFactory

    told: list[str] = []

    def note(sender: Any, event: Any, esp_name: str, **rest: Any) -> None:
        told.append(f"{event.event_type} {event.message_id} {event.recipient}")

    tracking.connect(note, weak=False)
    view, factory = AmazonSESTrackingWebhookView.as_view(), RequestFactory()
    statuses = []
    for post in job["posts"]:
        meta = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in post["headers"].items()}
        meta["HTTP_AUTHORIZATION"] = "Basic dXNlcjpwYXNzd29yZA=="
        request = factory.post("/", data=post["body"], content_type=post["headers"]["content-type"], **meta)
        statuses.append(view(request).status_code)
    return {"statuses": statuses, "told": told}


run(receive=receive)
