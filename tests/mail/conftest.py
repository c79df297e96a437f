"""Hypothesis for this room: no deadline, because the machine that runs the tests may be busy."""

from hypothesis import settings

settings.register_profile("mail", deadline=None)
settings.load_profile("mail")
