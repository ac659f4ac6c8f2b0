"""Hard prompts: the text around the fields of an example."""

from tunebook.templates.template import Template, bare_text, check_template

__all__ = ["Template", "bare_text", "check_template"]
