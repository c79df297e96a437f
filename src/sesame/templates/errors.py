"""What can be wrong with a template, and with filling it in."""

from sesame.errors import SesameError


class TemplateSyntaxError(SesameError):
    """The template cannot be read; the message says where and why."""


class RenderingError(SesameError):
    """The template cannot be filled in with this data."""


class MissingAttribute(RenderingError):
    """A variable that is to be shown is absent or null in the data."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Attribute '{name}' is not present in the rendering data.")
        self.name = name
        self.name = name


class RenderingTooLarge(RenderingError):
    """Filling in takes more steps, more nesting or more output than is allowed."""
