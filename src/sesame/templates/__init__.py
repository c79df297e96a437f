"""The language of SES templates: a subset of Handlebars, rendered within bounds.

`compile_template` reads a template once, `Template.render` fills it in. Pure: no store, no message. Sources:
SES developer guide, "Using templates", "Advanced email personalization"; Handlebars 4.7 language guide.
"""

from sesame.templates.errors import MissingAttribute, RenderingError, RenderingTooLarge, TemplateSyntaxError
from sesame.templates.parse import Template, compile_template
from sesame.templates.render import Bounds

__all__ = [
    "Bounds",
    "MissingAttribute",
    "RenderingError",
    "RenderingTooLarge",
    "Template",
    "TemplateSyntaxError",
    "compile_template",
]
