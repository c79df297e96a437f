"""Django without a project."""

from typing import Any

import django
from django.conf import settings


def set_up(**values: Any) -> None:
    """Configure Django with what a settings module would say."""
    settings.configure(SECRET_KEY="only a test", USE_TZ=True, **values)
    django.setup()
