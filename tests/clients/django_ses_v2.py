"""django-ses, SES v2."""

from functools import partial

from django_ses_v1 import send
from job import run

run(send=partial(send, use_v2=True))
