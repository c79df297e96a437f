"""What numbers among the settings must be."""

from sesame.errors import ConfigError


def require_positive(section: str, settings: object, *names: str) -> None:
    """Raise `ConfigError` unless each of these settings of a section is greater than 0."""
    for name in names:
        if getattr(settings, name) <= 0:
            raise ConfigError(f"setting `{section}.{name}` must be greater than 0")
